//! What a generation says of itself: `manifest.json`, the seal.

use std::collections::BTreeMap;

use integrity::{Digest, KeyspaceDigest, LogicalDigest, TreeSeal};
use serde::{Deserialize, Serialize};
use storage_migration::KeyspaceClass;
use versioning::{GenerationNumber, SchemaVersion, Timestamp, Versions};

use crate::Part;

/// The version of the manifest's format.
pub const MANIFEST_FORMAT: u32 = 1;

/// What a generation says of itself. The journal's `SEALED` record holds the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`].
    pub format: u32,
    /// Its number.
    pub generation: GenerationNumber,
    /// When it was built.
    pub created: Timestamp,
    /// The versions of everything in it.
    pub versions: Versions,
    /// How it came to be.
    pub origin: Origin,
    /// Every storage migration that the data has been through since its adoption.
    pub applied: Vec<AppliedStep>,
    /// The keyspaces of the store by logical name, as they were when sealed.
    pub keyspaces: BTreeMap<String, SealedKeyspace>,
    /// The digest of the logical state of the store (FC-UPGRADE-0001 §18, §20).
    pub state: Digest,
    /// The digest over the files of each part.
    pub parts: BTreeMap<Part, Digest>,
    /// Every file but this one.
    pub files: TreeSeal,
}

impl Manifest {
    /// Records in the keyspaces that are ledgers: these are never changed nor deleted, so there are only ever more.
    pub fn ledger_records(&self) -> u64 {
        let ledgers = self.keyspaces.values().filter(|found| found.class == KeyspaceClass::Ledger);
        ledgers.map(|keyspace| keyspace.content.records).sum()
    }

    /// The logical digest of the sealed store, keyspace by keyspace.
    pub fn logical(&self) -> LogicalDigest {
        let mut logical = LogicalDigest::default();
        for (name, sealed) in &self.keyspaces {
            logical.insert(name, sealed.content);
        }
        logical
    }

    /// Records in all keyspaces together.
    pub fn records(&self) -> u64 {
        self.keyspaces.values().map(|keyspace| keyspace.content.records).sum()
    }
}

/// How a generation came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Origin {
    /// It was adopted from an unmanaged installation.
    Adopted {
        /// Why it was taken for the version that it is.
        evidence: Vec<String>,
    },
    /// It was built from an earlier generation.
    Upgraded {
        /// Which.
        parent: Parent,
        /// The migration's metadata.
        migration: Box<MigrationMetadata>,
    },
    /// It is an earlier generation with what was written after that one was left: built by a rollback that carried it back.
    Preserved {
        /// The earlier generation.
        parent: Parent,
        /// The one that was rolled back, whose records it holds.
        carried_from: Parent,
        /// The metadata of the migration that led the records back.
        migration: Box<MigrationMetadata>,
    },
}

impl Origin {
    /// The generation that a rollback leads to; none of what was adopted.
    pub const fn parent(&self) -> Option<&Parent> {
        match self {
            Self::Adopted { .. } => None,
            Self::Upgraded { parent, .. } | Self::Preserved { parent, .. } => Some(parent),
        }
    }
}

/// The generation that another was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its number.
    pub generation: GenerationNumber,
    /// The digest of its manifest.
    pub manifest: Digest,
}

/// The metadata of a migration (FC-UPGRADE-0001 §9).
// trace: impl FC-9.2.1 FC-9.2.2 FC-9.2.3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationMetadata {
    /// Previous version.
    pub previous: Versions,
    /// Target version.
    pub target: Versions,
    /// Migration timestamp.
    pub time: Timestamp,
    /// The digest of the plan that was carried out.
    pub plan: Digest,
    /// The digest of the logical state that was migrated.
    pub source_state: Digest,
    /// Records read, and what became of them; see `storage_migration`.
    pub counts: serde_json::Value,
    /// Every change of the configuration. Secrets never appear here.
    pub configuration_changes: Vec<String>,
}

/// A storage migration that was applied.
// trace: impl FC-9.1
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedStep {
    /// Its name.
    pub name: String,
    /// From this schema …
    pub from: SchemaVersion,
    /// … to this one.
    pub to: SchemaVersion,
    /// What it did, as a digest: an edited step has another one.
    pub fingerprint: Digest,
}

/// A keyspace when its generation was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedKeyspace {
    /// Its name in the storage engine; none if the store is not the engine's.
    pub physical: Option<String>,
    /// What may happen to its records.
    pub class: KeyspaceClass,
    /// How many records, and their digest.
    pub content: KeyspaceDigest,
}
