//! What a migration reads from, how far it is, and what it did.

use integrity::LogicalDigest;
use versioning::SchemaVersion;

use crate::{KeyspaceMap, RecordCounts, RecordSource};

/// Progress is reported about every so many records, and once at the end of each keyspace.
pub const PROGRESS_RECORDS: u64 = 4096;

/// Where the records of a migration come from.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// From the store in the directory itself, which is a disposable clone (see [`clone_mode`](crate::clone_mode)):
    /// untouched and observed keyspaces stay as they are, rewritten ones are replaced.
    Store(&'a KeyspaceMap),
    /// From elsewhere: a new store is created in the directory, which must be new or empty.
    Records(&'a dyn RecordSource),
}

/// What a migration is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading a keyspace of the source and transforming its records.
    Read,
    /// Joining the groups of a keyspace.
    Join,
    /// Writing a keyspace of the target.
    Write,
    /// Reading a keyspace back.
    Verify,
}

/// How far a migration is (FC-UPGRADE-0001 §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done.
    pub phase: Phase,
    /// To which keyspace.
    pub keyspace: &'a str,
    /// Records done in it.
    pub records: u64,
    /// The bytes of their keys and values.
    pub bytes: u64,
    /// Records that there are, if that is known.
    pub total: Option<u64>,
}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema before.
    pub from: SchemaVersion,
    /// The schema now.
    pub to: SchemaVersion,
    /// The keyspaces of the store now. To be kept: the store is opened against it.
    pub keyspaces: KeyspaceMap,
    /// The digest of each keyspace that was read, computed while it was: to be held to what was measured before.
    pub read: LogicalDigest,
    /// The digest of each keyspace that was written, computed while it was. Keyspaces that stayed are measured by
    /// [`verify`](crate::verify).
    pub written: LogicalDigest,
    /// Physical keyspaces that were deleted because others took their place.
    pub superseded: Vec<String>,
    /// What became of the records.
    pub counts: RecordCounts,
    /// The bytes of the keys and values that were read, of the records that [`RecordCounts::read`] counts.
    pub bytes_read: u64,
    /// The bytes of the keys and values that were written, of the records that [`RecordCounts::written`] counts.
    pub bytes_written: u64,
    /// Scratch files written. Depends on the memory budget; nothing else in the report does.
    pub scratch_runs: u64,
}
