//! What an upgrade did to the records, in numbers.

use rollback::{Generation, Origin};
use serde::Serialize;
use storage_migration::{MigrationReport, RecordCounts};

use crate::error::Cause;

/// What an upgrade did to the records, in numbers. An upgrade that does not move the storage schema has all 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Records that were read and put through the migration, each once. Untouched keyspaces are not among them.
    pub records_in: u64,
    /// Records that were written, those in the archive included.
    pub records_out: u64,
    /// Records that have no place in the new schema, and were archived.
    pub records_archived: u64,
    /// The bytes of the keys and values that were read. None if that is not known any more.
    pub bytes_read: Option<u64>,
    /// The bytes of the keys and values that were written. None if that is not known any more.
    pub bytes_written: Option<u64>,
}

impl Summary {
    /// Of an upgrade without a migration of records.
    pub(super) const NOTHING_MOVED: Self = Self {
        records_in: 0,
        records_out: 0,
        records_archived: 0,
        bytes_read: Some(0),
        bytes_written: Some(0),
    };

    /// True if no record was read or written by a migration.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        (self.records_in, self.records_out, self.records_archived) == (0, 0, 0)
    }

    pub(super) fn of_migration(report: &MigrationReport) -> Self {
        Self {
            bytes_read: Some(report.bytes_read),
            bytes_written: Some(report.bytes_written),
            ..Self::of_counts(&report.counts)
        }
    }

    /// What a manifest says of the upgrade that built its generation.
    pub(super) fn of_manifest(generation: &Generation) -> Result<Self, Cause> {
        let counts = match &generation.manifest().origin {
            Origin::Upgraded { migration, .. } if !migration.counts.is_null() => &migration.counts,
            _ => return Ok(Self::NOTHING_MOVED),
        };
        let counts: RecordCounts = serde_json::from_value(counts.clone()).map_err(|error| {
            let number = generation.number();
            Cause::Altered(format!("the counts of generation {number} cannot be read: {error}"))
        })?;
        Ok(Self::of_counts(&counts))
    }

    fn of_counts(counts: &RecordCounts) -> Self {
        Self {
            records_in: counts.read,
            records_out: counts.written,
            records_archived: counts.archived,
            bytes_read: None,
            bytes_written: None,
        }
    }
}
