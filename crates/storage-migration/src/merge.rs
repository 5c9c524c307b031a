//! Merging sorted runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::run_file::{Run, RunReader};
use crate::sort::Buffer;
use crate::{Record, Result};

/// The records of several sorted inputs in the order of key, then value; equal ones all come out.
pub(crate) struct Merge {
    /// The next record of each input that has one, the smallest on top; the number tells equal ones apart.
    heap: BinaryHeap<Reverse<(Record, usize)>>,
    runs: Vec<RunReader>,
    buffer: Buffer,
}

impl Merge {
    /// Merges runs and a sorted buffer.
    pub(crate) fn open(runs: Vec<Run>, buffer: Buffer) -> Result<Self> {
        let runs = runs.into_iter().map(RunReader::open).collect::<Result<Vec<_>>>()?;
        let mut merge = Self { heap: BinaryHeap::with_capacity(runs.len()), runs, buffer };
        for input in 0..=merge.runs.len() {
            if let Some(record) = next_of(&mut merge.runs, &mut merge.buffer, input)? {
                merge.heap.push(Reverse((record, input)));
            }
        }
        Ok(merge)
    }

    /// The next record.
    ///
    /// # Errors
    /// If a run cannot be read back as it was written.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        let Some(mut top) = self.heap.peek_mut() else { return Ok(None) };
        let Reverse((record, input)) = &mut *top;
        match next_of(&mut self.runs, &mut self.buffer, *input)? {
            // Replaced in place: one sift instead of two, and almost none if one input is ahead of the others.
            Some(next) => Ok(Some(std::mem::replace(record, next))),
            None => Ok(Some(PeekMut::pop(top).0.0)),
        }
    }
}

/// The next record of one input; the one beyond the runs is the buffer.
fn next_of(runs: &mut [RunReader], buffer: &mut Buffer, input: usize) -> Result<Option<Record>> {
    match runs.get_mut(input) {
        Some(run) => run.next(),
        None => Ok(buffer.next()),
    }
}
