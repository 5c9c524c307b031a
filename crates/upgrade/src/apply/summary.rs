//! What an upgrade did to the records, in numbers.

use rollback::{Generation, Origin};
use serde::{Deserialize, Serialize};
use storage_migration::{MigrationReport, RecordCounts};

use crate::error::Cause;

/// What an upgrade did to the records, in numbers. An upgrade that does not move the storage schema has all 0.
// trace: impl FC-8.3
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
        let (Origin::Upgraded { migration, .. } | Origin::Preserved { migration, .. }) =
            &generation.manifest().origin
        else {
            return Ok(Self::NOTHING_MOVED);
        };
        Self::of_sealed_counts(&migration.counts).map_err(|error| {
            let number = generation.number();
            Cause::Altered(format!("the counts of generation {number} cannot be read: {error}"))
        })
    }

    /// Where no record was migrated, there are no counts.
    fn of_sealed_counts(counts: &serde_json::Value) -> serde_json::Result<Self> {
        let counts = Option::<RecordCounts>::deserialize(counts)?;
        Ok(counts.map_or(Self::NOTHING_MOVED, |counts| Self::of_counts(&counts)))
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

#[cfg(test)]
mod tests {
    use integrity::LogicalDigest;
    use serde_json::{Value, json};
    use storage_migration::KeyspaceMap;
    use versioning::SchemaVersion;

    use super::*;

    fn report() -> MigrationReport {
        MigrationReport {
            from: SchemaVersion::new(1),
            to: SchemaVersion::new(2),
            keyspaces: KeyspaceMap::default(),
            read: LogicalDigest::default(),
            written: LogicalDigest::default(),
            superseded: Vec::new(),
            counts: RecordCounts { read: 9, written: 7, archived: 2, ..RecordCounts::default() },
            bytes_read: 900,
            bytes_written: 700,
            scratch_runs: 0,
        }
    }

    #[test]
    fn a_manifest_tells_the_same_as_the_migration_but_for_the_bytes() {
        let migrated = Summary::of_migration(&report());
        let expected = Summary {
            records_in: 9,
            records_out: 7,
            records_archived: 2,
            bytes_read: Some(900),
            bytes_written: Some(700),
        };
        assert_eq!(migrated, expected);
        let sealed = Summary::of_sealed_counts(&json!(report().counts)).unwrap();
        assert_eq!(sealed, Summary { bytes_read: None, bytes_written: None, ..expected });
        assert!(!sealed.is_nothing());
    }

    #[test]
    fn without_a_migration_nothing_was_moved_and_other_counts_are_refused() {
        let nothing = Summary::of_sealed_counts(&Value::Null).unwrap();
        assert_eq!(nothing, Summary::NOTHING_MOVED);
        assert!(nothing.is_nothing());
        assert!(Summary::of_sealed_counts(&json!({"read": "many"})).is_err());
    }
}
