//! Reasons about storage and rollback.

use serde::{Deserialize, Serialize};
use versioning::{RuntimeVersion, SchemaVersion};

use super::{Severity, Telling};
use crate::{RollbackData, Span};

/// A reason about storage or rollback.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code")]
#[non_exhaustive]
pub enum StorageReason {
    /// The release does not read the store that is installed.
    #[serde(rename = "storage-not-readable")]
    NotReadable {
        /// The schema of the store.
        found: SchemaVersion,
        /// The schemas that the release reads.
        reads: Span<SchemaVersion>,
    },
    /// There is no way through the migrations from the store that is installed to what the release writes.
    #[serde(rename = "storage-no-path")]
    NoPath {
        /// The schema of the store.
        from: SchemaVersion,
        /// The schema that the release writes.
        to: SchemaVersion,
    },
    /// The store will be migrated.
    #[serde(rename = "storage-migrates")]
    Migrates {
        /// The schemas on the way, both ends included.
        way: Vec<SchemaVersion>,
    },
    /// What a rollback would go back to cannot read what the release writes.
    #[serde(rename = "rollback-unreadable")]
    RollbackUnreadable {
        /// What the rollback would go back to.
        target: RuntimeVersion,
        /// The schema that the release writes.
        writes: SchemaVersion,
        /// The schemas that the target reads.
        reads: Span<SchemaVersion>,
        /// What must become of records that are written after the upgrade.
        data: RollbackData,
    },
    /// A rollback would convert what the release wrote.
    #[serde(rename = "rollback-converts")]
    RollbackConverts {
        /// What the rollback would go back to.
        target: RuntimeVersion,
        /// The schemas on the way back, both ends included.
        way: Vec<SchemaVersion>,
    },
    /// After the upgrade there would be nothing to go back to.
    #[serde(rename = "no-rollback-target")]
    NoRollbackTarget {
        /// How many generations before the current one are kept.
        generations_kept: u32,
    },
}

impl StorageReason {
    pub(super) fn telling(&self) -> Telling {
        use Severity::{NeedsConsent, Note, Refuse};
        match self {
            Self::NotReadable { found, reads } => Telling::new(
                Refuse,
                "storage-not-readable",
                "§13",
                format!("The store has schema {found}, and the release reads {reads}."),
            )
            .about("storage")
            .advise("Upgrade to a release in between first."),
            Self::NoPath { from, to } => Telling::new(
                Refuse,
                "storage-no-path",
                "§6",
                format!("No migrations lead from storage schema {from} to {to}."),
            )
            .about("storage")
            .advise("Upgrade to a release in between first."),
            Self::Migrates { way } => Telling::new(
                Note,
                "storage-migrates",
                "§6",
                format!("The upgrade migrates the store: schema {}.", arrows(way)),
            )
            .about("storage"),
            Self::RollbackUnreadable { target, writes, reads, data } => {
                Self::rollback_unreadable(target, *writes, reads, *data)
            }
            Self::RollbackConverts { target, way } => Telling::new(
                Note,
                "rollback-converts",
                "§15",
                format!(
                    "A rollback to {target} converts what was written: schema {}.",
                    arrows(way)
                ),
            )
            .about("rollback"),
            Self::NoRollbackTarget { generations_kept } => Telling::new(
                NeedsConsent,
                "no-rollback-target",
                "§15",
                format!(
                    "After the upgrade there is nothing to go back to; earlier generations kept: \
                     {generations_kept}."
                ),
            )
            .about("retention")
            .advise("Keep at least one earlier generation."),
        }
    }

    fn rollback_unreadable(
        target: &RuntimeVersion,
        writes: SchemaVersion,
        reads: &Span<SchemaVersion>,
        data: RollbackData,
    ) -> Telling {
        let fact = format!(
            "{target}, which a rollback goes back to, reads storage schema {reads}, not {writes}"
        );
        let (severity, message, action) = match data {
            RollbackData::Preserve => (
                Severity::Refuse,
                format!(
                    "{fact}, and no migrations lead back, so what is written after the upgrade could \
                     not be carried back."
                ),
                "Upgrade to a release in between first, or let such records be set aside.",
            ),
            RollbackData::SetAside => (
                Severity::NeedsConsent,
                format!("{fact}, so what is written after the upgrade would be set aside."),
                "Agree that a rollback leaves these records in the generation that it leaves.",
            ),
        };
        Telling::new(severity, "rollback-unreadable", "§15", message)
            .about("rollback")
            .advise(action)
    }
}

fn arrows(way: &[SchemaVersion]) -> String {
    way.iter().map(SchemaVersion::to_string).collect::<Vec<_>>().join(" → ")
}
