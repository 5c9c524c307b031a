//! Reading a journal: from bytes to a chain of records, or to what is wrong with them.

use std::path::Path;

use durable::{Error as FileError, Operation};

use crate::error::LastRecord;
use crate::witness::Witness;
use crate::{Error, RECORDS_FILE, Record, Result, WITNESS_FILE};

/// The largest journal that is read, in bytes: some hundred thousand records.
pub const MAXIMUM_JOURNAL_BYTES: u64 = 256 * 1024 * 1024;

/// How often a reader without the lock looks again when the journal was being appended to under its eyes.
const MAXIMUM_LOOKS: u32 = 16;

/// Reads a journal without changing it and without the home's lock.
///
/// A torn tail is passed over: it is an append that was never acknowledged. An append that goes on meanwhile is seen whole
/// or not at all.
///
/// # Errors
/// Whatever is wrong with the journal; see [`Error`].
pub fn read(directory: &Path) -> Result<Vec<Record>> {
    let mut looks = 1;
    loop {
        let before = Witness::read(&witness_path(directory)?)?;
        let chain = Chain::parse(&read_bytes(&directory.join(RECORDS_FILE))?)?;
        let after = Witness::read(&witness_path(directory)?)?;
        if before == after || looks == MAXIMUM_LOOKS {
            chain.hold_to(before)?;
            return Ok(chain.records);
        }
        looks += 1;
    }
}

/// The witness of a journal that exists.
pub(crate) fn witness_path(directory: &Path) -> Result<std::path::PathBuf> {
    if directory.join(RECORDS_FILE).exists() {
        return Ok(directory.join(WITNESS_FILE));
    }
    Err(Error::Missing { path: directory.join(RECORDS_FILE) })
}

/// Reads the whole file, within bounds.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let failed = |error| Error::File(FileError::new(Operation::Read, path, error));
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MAXIMUM_JOURNAL_BYTES {
        let limit = MAXIMUM_JOURNAL_BYTES;
        return Err(Error::TooLarge { path: path.to_path_buf(), bytes, limit });
    }
    std::fs::read(path).map_err(failed)
}

/// The records of a journal, and where they end.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) records: Vec<Record>,
    /// The offset behind the last record's newline.
    pub(crate) end: usize,
    /// Whether something other than padding follows: an append that did not complete.
    pub(crate) torn: bool,
}

/// Whether the witness vouches for the last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Acknowledged,
    /// It vouches for the one before: the append was written, and never acknowledged.
    Unacknowledged,
}

impl Chain {
    /// Reads records up to the padding.
    ///
    /// What is not a record ends the chain. If an intact record follows it, that is damage, since appends are synced one
    /// after the other: the record that should stand there is named. If none follows, it may be a torn append; whether
    /// it is, or whether an acknowledged record is gone, the witness tells ([`Chain::hold_to`]).
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut chain = Self { records: Vec::new(), end: 0, torn: false };
        loop {
            let rest = bytes.get(chain.end..).unwrap_or_default();
            if rest.iter().all(|byte| *byte == b'\n') {
                return Ok(chain);
            }
            let length = rest.iter().position(|byte| *byte == b'\n');
            let line = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
            let broken = |chain: &Self, reason| Error::BrokenChain {
                seq: chain.records.len() as u64,
                offset: chain.end as u64,
                reason,
            };
            match (Record::parse(line), length) {
                (Ok(record), Some(length)) => {
                    record
                        .follows(chain.records.last())
                        .map_err(|reason| broken(&chain, reason))?;
                    chain.records.push(record);
                    chain.end += length + 1;
                }
                (Err(reason), _) if Record::is_intact(line) => return Err(broken(&chain, reason)),
                (Err(reason), Some(length)) if holds_a_record(rest.get(length..)) => {
                    return Err(broken(&chain, reason));
                }
                // A record without its newline was torn too: the newline is part of the append.
                _ => {
                    chain.torn = true;
                    return Ok(chain);
                }
            }
        }
    }

    /// Compares the chain with what was acknowledged.
    pub(crate) fn hold_to(&self, witness: Witness) -> Result<Standing> {
        let last = self.records.last().map(|record| record.seq);
        let Some(vouched) = usize::try_from(witness.seq).ok().and_then(|at| self.records.get(at))
        else {
            if self.torn {
                let reason = "it was acknowledged, and is no longer intact".to_owned();
                let (seq, offset) = (self.records.len() as u64, self.end as u64);
                return Err(Error::BrokenChain { seq, offset, reason });
            }
            return Err(Error::Truncated { acknowledged: witness.seq, found: LastRecord(last) });
        };
        if vouched.hash != witness.hash {
            return Err(Error::Forked {
                seq: witness.seq,
                expected: witness.hash,
                found: vouched.hash,
            });
        }
        match last {
            Some(last) if last > witness.seq + 1 => {
                Err(Error::WitnessBehind { acknowledged: witness.seq, found: last })
            }
            Some(last) if last == witness.seq + 1 => Ok(Standing::Unacknowledged),
            _ => Ok(Standing::Acknowledged),
        }
    }
}

fn holds_a_record(rest: Option<&[u8]>) -> bool {
    rest.unwrap_or_default().split(|byte| *byte == b'\n').any(Record::is_intact)
}
