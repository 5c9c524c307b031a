//! Reading a journal for an audit: all that can be read of it, whatever is wrong with it (FC-UPGRADE-0001 §16, §17).

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use crate::read::{MAXIMUM_JOURNAL_BYTES, read, without_padding, witness_path};
use crate::witness::Witness;
use crate::{Error, RECORDS_FILE, Record, Result};

/// All that can be read of a journal. Nothing of it may be relied on as long as there is [`Inspection::damage`]: it is for
/// people to look at.
#[derive(Debug)]
pub struct Inspection {
    bytes: Vec<u8>,
    stretches: Vec<Stretch>,
    /// The record that the witness vouches for, if that can be read: everything up to it was acknowledged. What follows may
    /// be an append that goes on at this moment, or one that never came to its end.
    pub acknowledged: Option<u64>,
    /// What is wrong with the journal, as [`read`] says it.
    pub damage: Option<Error>,
}

/// A part of a journal's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// An intact record.
    Record {
        /// Where its line lies, in bytes.
        at: Range<usize>,
        /// What it says.
        record: Box<Record>,
        /// Why it does not belong behind the intact record before it, if it does not.
        misplaced: Option<String>,
    },
    /// Lines that are no records, one after the other.
    Unreadable {
        /// Where they lie, in bytes.
        at: Range<usize>,
        /// What is wrong with the first of them.
        reason: String,
    },
}

impl Inspection {
    /// Everything that is there in its order. Padding is nothing.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The intact records in the order in which they stand.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.stretches.iter().filter_map(|stretch| match stretch {
            Stretch::Record { record, .. } => Some(&**record),
            Stretch::Unreadable { .. } => None,
        })
    }

    /// The journal's bytes without its padding, exactly as they lie on disk: with their newline, a record is a line. Of a
    /// sound journal these are its records; what a torn append has left behind them was never a record.
    pub fn lines(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads all that can be read of a journal, without changing it and without the home's lock.
///
/// No more than [`MAXIMUM_JOURNAL_BYTES`] are looked at.
///
/// # Errors
/// If there is no journal, or its records cannot be opened. All else that is wrong is in [`Inspection::damage`].
pub fn inspect(directory: &Path) -> Result<Inspection> {
    let witness = witness_path(directory)?;
    // Before the records: what it vouches for must be found in them afterwards.
    let acknowledged = Witness::read(&witness).ok().map(|witness| witness.seq);
    let sound = read(directory);
    let mut bytes = read_what_can_be_read(&directory.join(RECORDS_FILE))?;
    let records = sound.as_ref().ok().map(Vec::len);
    let stretches = divide(&bytes, records);
    let end = match (records, stretches.last()) {
        // What stands behind the records is nobody's: a torn append, or one that goes on at this moment.
        (Some(_), Some(last)) => last.at().end,
        (Some(_), None) => 0,
        (None, _) => without_padding(&bytes).len(),
    };
    let newline = usize::from(bytes.get(end) == Some(&b'\n'));
    bytes.truncate(end + newline);
    Ok(Inspection { bytes, stretches, acknowledged, damage: sound.err() })
}

impl Stretch {
    /// Where it lies, in bytes, without the newline behind it.
    pub fn at(&self) -> Range<usize> {
        match self {
            Self::Record { at, .. } | Self::Unreadable { at, .. } => at.clone(),
        }
    }
}

/// A disk that fails in the middle has given what comes before.
fn read_what_can_be_read(path: &Path) -> Result<Vec<u8>> {
    let file = durable::open_plain(path)?;
    let mut bytes = Vec::new();
    // The error is told by whoever reads the journal as one that is whole.
    let _ = file.take(MAXIMUM_JOURNAL_BYTES).read_to_end(&mut bytes);
    Ok(bytes)
}

/// Divides the bytes of a journal, of which the first so many records are wanted; all that is there without a number.
fn divide(bytes: &[u8], records: Option<usize>) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut last: Option<Record> = None;
    let (mut start, mut found) = (0, 0);
    for line in without_padding(bytes).split(|byte| *byte == b'\n') {
        if records == Some(found) {
            break;
        }
        let at = start..start + line.len();
        start = at.end + 1;
        if line.is_empty() {
            continue;
        }
        match (Record::parse(line), stretches.last_mut()) {
            (Ok(record), _) => {
                let misplaced = record.follows(last.as_ref()).err();
                last = Some(record.clone());
                found += 1;
                stretches.push(Stretch::Record { at, record: Box::new(record), misplaced });
            }
            // One for all of them: a file of rubbish must not become millions of reasons.
            (Err(_), Some(Stretch::Unreadable { at: before, .. })) => before.end = at.end,
            (Err(reason), _) => stretches.push(Stretch::Unreadable { at, reason }),
        }
    }
    stretches
}
