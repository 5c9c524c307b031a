//! Sorting more records than fit in memory: sorters that share one budget, spill sorted runs, and merge them.
//!
//! What comes out depends on the records alone, never on the budget or on where it struck.

use std::collections::BTreeMap;
use std::ops::Range;

use gate::Cancellation;

use crate::merge::Merge;
use crate::run_file::{Run, Scratch};
use crate::{EngineOptions, Record, Result};

/// What a record costs in memory beside its bytes.
const ENTRY_BYTES: usize = size_of::<Entry>();

/// Sorters by name, under one budget: whenever all of them together hold more, the largest one is to give way.
pub(crate) struct SorterPool<Name: Ord + Clone> {
    sorters: BTreeMap<Name, Sorter>,
    scratch: Scratch,
    budget_bytes: usize,
    open_runs: usize,
    held_bytes: usize,
    cancellation: Cancellation,
}

impl<Name: Ord + Clone> SorterPool<Name> {
    /// Sorters that keep to the options' memory budget and spill into `scratch`.
    pub(crate) fn new(scratch: Scratch, options: &EngineOptions) -> Self {
        let (budget_bytes, open_runs) = (options.memory_budget_bytes, options.open_runs.max(2));
        let cancellation = options.cancellation.clone();
        Self {
            sorters: BTreeMap::new(),
            scratch,
            budget_bytes,
            open_runs,
            held_bytes: 0,
            cancellation,
        }
    }

    /// Adds a record to a sorter, which is created if it is new. Afterwards [`SorterPool::over_budget`] is to be asked.
    pub(crate) fn push(&mut self, name: &Name, key: &[u8], value: &[u8]) {
        if !self.sorters.contains_key(name) {
            self.sorters.insert(name.clone(), Sorter::default());
        }
        if let Some(sorter) = self.sorters.get_mut(name) {
            let before = sorter.bytes();
            sorter.buffer.push(key, value);
            self.held_bytes += sorter.bytes() - before;
        }
    }

    /// The largest sorter, if all together hold more than the budget: it is to be spilled or emptied.
    pub(crate) fn over_budget(&self) -> Option<Name> {
        if self.held_bytes <= self.budget_bytes {
            return None;
        }
        // Among equals the last by name: any fixed choice will do.
        let largest = self.sorters.iter().max_by_key(|(_, sorter)| sorter.bytes());
        largest.filter(|(_, sorter)| sorter.bytes() > 0).map(|(name, _)| name.clone())
    }

    /// How much a sorter holds in memory.
    pub(crate) fn held_by(&self, name: &Name) -> usize {
        self.sorters.get(name).map_or(0, Sorter::bytes)
    }

    /// Moves what a sorter holds in memory to a scratch file.
    pub(crate) fn spill(&mut self, name: &Name) -> Result<()> {
        let Some(sorter) = self.sorters.get_mut(name) else { return Ok(()) };
        self.held_bytes = self.held_bytes.saturating_sub(sorter.bytes());
        sorter.spill(&mut self.scratch)
    }

    /// Everything that a sorter holds, if all of it is in memory and arrived in order; the sorter is empty afterwards.
    pub(crate) fn take_if_sorted(&mut self, name: &Name) -> Option<Buffer> {
        let sorter = self.sorters.get_mut(name)?;
        if !sorter.runs.is_empty() || sorter.buffer.unsorted {
            return None;
        }
        self.held_bytes = self.held_bytes.saturating_sub(sorter.bytes());
        Some(std::mem::take(&mut sorter.buffer))
    }

    /// The names of all sorters that were pushed to and not taken yet.
    pub(crate) fn names(&self) -> Vec<Name> {
        self.sorters.keys().cloned().collect()
    }

    /// Ends a sorter: its records in the order of key, then value. A name that was never pushed to has no records.
    pub(crate) fn take(&mut self, name: &Name) -> Result<Merge> {
        let sorter = self.sorters.remove(name).unwrap_or_default();
        self.held_bytes = self.held_bytes.saturating_sub(sorter.bytes());
        let Sorter { mut buffer, mut runs } = sorter;
        buffer.sort();
        // Leaves room for the buffer as one more input.
        while runs.len() >= self.open_runs {
            let rest = runs.split_off(self.open_runs);
            let mut merged = vec![self.merge_runs(runs)?];
            merged.extend(rest);
            // The long run goes last, so that every record is copied as seldom as possible.
            merged.rotate_left(1);
            runs = merged;
        }
        Merge::open(runs, buffer)
    }

    /// How many runs were written so far, those of intermediate passes included.
    pub(crate) fn runs_written(&self) -> u64 {
        self.scratch.runs()
    }

    fn merge_runs(&mut self, runs: Vec<Run>) -> Result<Run> {
        let mut merge = Merge::open(runs, Buffer::default())?;
        let mut writer = self.scratch.start_run()?;
        // Bounded by the number of records in the runs.
        while let Some(Record { key, value }) = merge.next()? {
            self.cancellation.check()?;
            writer.write(&key, &value)?;
        }
        writer.finish()
    }
}

/// The records of one sorter: those in memory, and the runs of those that were spilled.
#[derive(Default)]
struct Sorter {
    buffer: Buffer,
    runs: Vec<Run>,
}

impl Sorter {
    fn bytes(&self) -> usize {
        self.buffer.bytes.len() + self.buffer.entries.len() * ENTRY_BYTES
    }

    fn spill(&mut self, scratch: &mut Scratch) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.sort();
        let mut writer = scratch.start_run()?;
        for entry in &buffer.entries {
            let (key, value) = buffer.record(entry);
            writer.write(key, value)?;
        }
        self.runs.push(writer.finish()?);
        Ok(())
    }
}

/// Records in memory: their bytes in one piece, and where each lies.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    unsorted: bool,
    taken: usize,
}

/// Where a record lies in a buffer: its key from `start`, its value from `middle` to `end`.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    middle: usize,
    end: usize,
}

impl Buffer {
    fn push(&mut self, key: &[u8], value: &[u8]) {
        if let Some(last) = self.entries.last().filter(|_| !self.unsorted) {
            self.unsorted = self.record(last) > (key, value);
        }
        let start = self.bytes.len();
        self.bytes.extend(key);
        self.bytes.extend(value);
        self.entries.push(Entry { start, middle: start + key.len(), end: self.bytes.len() });
    }

    /// What arrived in order is in order: nothing to do.
    fn sort(&mut self) {
        if !self.unsorted {
            return;
        }
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_unstable_by(|left, right| self.record(left).cmp(&self.record(right)));
        (self.entries, self.unsorted) = (entries, false);
    }

    /// The next record of a sorted buffer.
    pub(crate) fn next(&mut self) -> Option<Record> {
        let (key, value) = self.record(self.entries.get(self.taken)?);
        let record = Record { key: key.to_vec(), value: value.to_vec() };
        self.taken += 1;
        Some(record)
    }

    fn record(&self, entry: &Entry) -> (&[u8], &[u8]) {
        let part = |range: Range<usize>| self.bytes.get(range).unwrap_or_default();
        (part(entry.start..entry.middle), part(entry.middle..entry.end))
    }
}
