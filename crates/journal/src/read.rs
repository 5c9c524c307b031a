//! Reading a journal: from bytes to a chain of records, or to what is wrong with them.

use std::path::Path;

use crate::error::LastRecord;
use crate::witness::Witness;
use crate::{Error, RECORDS_FILE, Record, Result, WITNESS_FILE};

/// The largest journal that is read, in bytes: some hundred thousand records.
pub const MAXIMUM_JOURNAL_BYTES: u64 = 256 * 1024 * 1024;

/// How often a reader without the lock looks again when the journal was being appended to under its eyes.
const MAXIMUM_LOOKS: u32 = 16;

/// How many bytes of padding are compared at a time.
const PADDING_BLOCK_BYTES: usize = 512;

/// Reads a journal without changing it and without the home's lock.
///
/// A torn tail is passed over: it is an append that was never acknowledged. An append that goes on meanwhile is seen whole
/// or not at all.
///
/// # Errors
/// Whatever is wrong with the journal; see [`Error`].
pub fn read(directory: &Path) -> Result<Vec<Record>> {
    let mut failed_at = None;
    for _ in 0..MAXIMUM_LOOKS {
        let before = Witness::read(&witness_path(directory)?).ok();
        let result = look(directory);
        let after = Witness::read(&witness_path(directory)?).ok();
        match result {
            Ok(records) => return Ok(records),
            // Twice the same, and nothing was appended meanwhile: so it is.
            Err(error) if before == after && failed_at == Some(before) => return Err(error),
            Err(_) => failed_at = (before == after).then_some(before),
        }
    }
    look(directory)
}

/// Reads a journal whose witness is lost. Without it a journal that was cut short looks whole: for a person to decide by.
///
/// # Errors
/// If the records are not a whole chain, with nothing behind it: what is torn there may have been acknowledged.
pub fn read_without_witness(directory: &Path) -> Result<Vec<Record>> {
    let path = witness_path(directory)?;
    let chain = Chain::parse(&read_bytes(&directory.join(RECORDS_FILE))?)?;
    if chain.torn {
        return Err(Error::WitnessUnreadable { path });
    }
    Ok(chain.records)
}

fn look(directory: &Path) -> Result<Vec<Record>> {
    // The witness first: what it vouches for was written before, so it must be found afterwards.
    let witness = Witness::read(&witness_path(directory)?)?;
    let chain = Chain::parse(&read_bytes(&directory.join(RECORDS_FILE))?)?;
    chain.hold_to(witness)?;
    Ok(chain.records)
}

/// The witness of a journal that exists.
pub(crate) fn witness_path(directory: &Path) -> Result<std::path::PathBuf> {
    let path = directory.join(RECORDS_FILE);
    // A journal that cannot be looked at is not a missing one.
    if durable::exists(&path)? {
        Ok(directory.join(WITNESS_FILE))
    } else {
        Err(Error::Missing { path })
    }
}

/// Reads the whole file, within bounds.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let limit = MAXIMUM_JOURNAL_BYTES;
    durable::read_plain(path, limit).map_err(|error| match error.source.kind() {
        std::io::ErrorKind::FileTooLarge => {
            let bytes = path.symlink_metadata().map_or(0, |found| found.len());
            Error::TooLarge { path: path.to_path_buf(), bytes, limit }
        }
        _ => error.into(),
    })
}

/// The records of a journal, and where they end.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) records: Vec<Record>,
    /// Where each record starts, in bytes.
    starts: Vec<usize>,
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
    /// It vouches for an earlier one: what follows was written, and never acknowledged, or the witness itself was lost
    /// by a crash after a sync of it had failed.
    Unacknowledged {
        /// Where the first record that it does not vouch for starts, in bytes.
        offset: usize,
    },
}

impl Chain {
    /// Reads records up to the padding.
    ///
    /// What is not a record ends the chain. If an intact record follows it, that is damage, since appends are synced one
    /// after the other: the record that should stand there is named. If none follows, it may be a torn append; whether
    /// it is, or whether an acknowledged record is gone, the witness tells ([`Chain::hold_to`]).
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut chain = Self { records: Vec::new(), starts: Vec::new(), end: 0, torn: false };
        // Looked for once: most of a young journal is padding.
        let content = without_padding(bytes);
        loop {
            if chain.end >= content.len() {
                return Ok(chain);
            }
            let rest = bytes.get(chain.end..).unwrap_or_default();
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
                    chain.starts.push(chain.end);
                    chain.end += length + 1;
                }
                (Err(reason), _) if Record::is_intact(line) => {
                    let seq = chain.records.len() as u64;
                    return Err(Error::UnknownRecord { seq, reason });
                }
                (Err(reason), Some(length))
                    if holds_a_record(content.get(chain.end + length..)) =>
                {
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
        let next = usize::try_from(witness.seq).ok().and_then(|at| self.starts.get(at + 1));
        Ok(next
            .map_or(Standing::Acknowledged, |offset| Standing::Unacknowledged { offset: *offset }))
    }
}

/// A journal without the newlines at its end, which are its padding and the end of its last record.
pub(crate) fn without_padding(mut bytes: &[u8]) -> &[u8] {
    // Whole blocks first: this runs over a few hundred thousand bytes whenever a home is opened.
    while let Some((before, block)) = bytes.split_last_chunk::<PADDING_BLOCK_BYTES>() {
        if *block != [b'\n'; PADDING_BLOCK_BYTES] {
            break;
        }
        bytes = before;
    }
    while let Some((b'\n', before)) = bytes.split_last() {
        bytes = before;
    }
    bytes
}

fn holds_a_record(rest: Option<&[u8]>) -> bool {
    let lines = rest.unwrap_or_default().split(|byte| *byte == b'\n');
    // Padding is nothing but empty lines, and there is much of it.
    lines.filter(|line| !line.is_empty()).any(Record::is_intact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Journal};
    use versioning::Timestamp;

    /// The directory of a journal with one record, which lives as long as what is returned first.
    fn journal() -> (tempfile::TempDir, std::path::PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("journal");
        let event = Event::Initialized { format: 1, product: "test".to_owned(), replaces: None };
        Journal::create(&directory, event, Timestamp::EPOCH).unwrap();
        (root, directory)
    }

    /// Makes a file so long, without writing anything.
    fn lengthen(path: &Path, bytes: u64) {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes).unwrap();
    }

    #[test]
    fn a_journal_of_some_megabytes_is_read_and_one_that_is_larger_than_any_is_refused() {
        let (_root, directory) = journal();
        let path = directory.join(RECORDS_FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.resize(2_000_000, b'\n');
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read(&directory).unwrap().len(), 1);
        lengthen(&path, MAXIMUM_JOURNAL_BYTES + 1);
        match read(&directory) {
            Err(Error::TooLarge { bytes, limit, .. }) => assert_eq!(bytes, limit + 1),
            other => panic!("{other:?}"),
        }
        assert!(matches!(Journal::open(&directory), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn without_its_witness_only_a_whole_journal_is_read() {
        let (_root, directory) = journal();
        std::fs::remove_file(directory.join(WITNESS_FILE)).unwrap();
        assert_eq!(read_without_witness(&directory).unwrap().len(), 1);
        let path = directory.join(RECORDS_FILE);
        let torn = [std::fs::read(&path).unwrap(), b"{".to_vec()].concat();
        std::fs::write(&path, torn).unwrap();
        assert!(matches!(read_without_witness(&directory), Err(Error::WitnessUnreadable { .. })));
    }

    #[test]
    fn padding_is_what_newlines_there_are_at_the_end_whatever_their_number() {
        for content in [&b""[..], b"x", b"one\n\ntwo", b"\n\nx"] {
            for padding in [0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 5000] {
                let bytes = [content, &vec![b'\n'; padding]].concat();
                assert_eq!(without_padding(&bytes), content, "{padding} newlines");
            }
        }
    }

    #[test]
    fn one_other_byte_anywhere_ends_the_padding() {
        for at in 0..1500 {
            let mut bytes = vec![b'\n'; 1500];
            bytes[at] = b'x';
            assert_eq!(without_padding(&bytes).len(), at + 1);
        }
    }
}
