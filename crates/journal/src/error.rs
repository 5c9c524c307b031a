//! What can be wrong with a journal.

use std::path::PathBuf;

use integrity::Digest;

/// The result of a journal operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What can be wrong with a journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none.
    #[error("there is no journal at {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A record is altered, missing, out of place or unreadable, and it is not the torn end of the last append.
    #[error("the journal is broken at record {seq} (byte {offset}): {reason}")]
    BrokenChain {
        /// The record that should stand there.
        seq: u64,
        /// Where it starts, in bytes.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal ends before a record that was acknowledged.
    #[error("the journal ends at record {found}, but record {acknowledged} was acknowledged")]
    Truncated {
        /// The last record that was acknowledged.
        acknowledged: u64,
        /// The last record that is there; `none` if there is none.
        found: LastRecord,
    },
    /// The witness vouches for another history than the one that is there.
    #[error(
        "the journal is not the one that was acknowledged: record {seq} should be {expected} and is {found}"
    )]
    Forked {
        /// The record.
        seq: u64,
        /// Its hash when it was acknowledged.
        expected: Digest,
        /// Its hash now.
        found: Digest,
    },
    /// A record is intact, but says what this version does not know: it was written by a later one.
    #[error("record {seq} of the journal was written by a later version: {reason}")]
    UnknownRecord {
        /// The record.
        seq: u64,
        /// What is not known.
        reason: String,
    },
    /// The witness cannot be read at all.
    #[error("{} does not say which record was acknowledged last", path.display())]
    WitnessUnreadable {
        /// The witness.
        path: PathBuf,
    },
    /// The file is larger than any journal grows.
    #[error("{} has {bytes} bytes, more than a journal's {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// An event does not fit into one record.
    #[error("an event of {bytes} bytes does not fit into a record of at most {limit}")]
    EventTooLarge {
        /// Its size as a line.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// An earlier append failed on this handle: what is on disk is unknown.
    #[error(
        "an earlier append failed, so what is on disk is unknown until the journal is opened again"
    )]
    OutcomeUnknown,
    /// A file operation failed. If it was part of an append, its outcome is unknown.
    #[error(transparent)]
    File(#[from] durable::Error),
}

/// The last record of a journal, if there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRecord(pub Option<u64>);

impl std::fmt::Display for LastRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(seq) => seq.fmt(formatter),
            None => formatter.write_str("none"),
        }
    }
}
