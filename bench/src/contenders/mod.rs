//! Who is measured: this project, and what one would pick instead.
//!
//! Each begins with a store that is closed, and ends with one that is closed and durable. What it wrote is read back
//! outside of the measured time.

mod fjall;
mod ours;
mod redb;
mod sqlite;

use std::path::Path;

use integrity::{KeyspaceDigest, KeyspaceHasher, LogicalDigest};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};
use crate::schema::RECORDS;
use crate::transform::Transform;

pub(crate) use self::ours::{measure_source, options as engine_options};

/// Reads back what a contender wrote.
pub(crate) type ReadBack = Box<dyn FnOnce() -> Result<KeyspaceDigest>>;

/// What keeps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    Fjall,
    Sqlite,
    Redb,
}

impl Engine {
    pub(crate) const ALL: [Self; 3] = [Self::Fjall, Self::Sqlite, Self::Redb];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sqlite => "sqlite",
            Self::Redb => "redb",
        }
    }
}

/// What a store is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) seed: u64,
    /// Records in what is migrated.
    pub(crate) records: u64,
    /// Bytes in what is not. For the engine of ours alone.
    pub(crate) untouched_bytes: u64,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    /// This project: clone, migrate, read back and verify, sync.
    Ours,
    /// One thread scans, transforms, bulk-loads a new keyspace, and syncs. Verifies nothing.
    FjallLoop,
    /// The same with batches of inserts.
    FjallInsert,
    /// `UPDATE records SET v = f(v)` in one transaction.
    SqliteUpdate,
    /// `INSERT INTO … SELECT k, f(v)` in one transaction.
    SqliteCopy,
    /// Every record of one table is inserted into another, in one transaction.
    Redb,
    /// As `SqliteUpdate`, run as a migration by the refinery crate.
    Refinery,
}

impl Contender {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::FjallLoop,
        Self::FjallInsert,
        Self::SqliteUpdate,
        Self::SqliteCopy,
        Self::Redb,
        Self::Refinery,
    ];

    /// As it is called in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::FjallLoop => "fjall-loop",
            Self::FjallInsert => "fjall-insert",
            Self::SqliteUpdate => "sqlite-update",
            Self::SqliteCopy => "sqlite-copy",
            Self::Redb => "redb",
            Self::Refinery => "refinery",
        }
    }

    /// What its records are kept in.
    pub(crate) fn engine(self) -> Engine {
        match self {
            Self::Ours | Self::FjallLoop | Self::FjallInsert => Engine::Fjall,
            Self::SqliteUpdate | Self::SqliteCopy | Self::Refinery => Engine::Sqlite,
            Self::Redb => Engine::Redb,
        }
    }

    /// Migrates the store in `source`. Whatever else is written goes to `directory`.
    ///
    /// # Errors
    /// What the contender says.
    pub(crate) fn migrate(
        self,
        transform: Transform,
        source: &Path,
        directory: &Path,
        before: Option<&LogicalDigest>,
    ) -> Result<ReadBack> {
        match self {
            Self::Ours => {
                let before = before.ok_or_else(|| Failure::new("ours needs the digest before"))?;
                ours::migrate(transform, source, directory, before)
            }
            Self::FjallLoop => fjall::bulk_load(transform, source),
            Self::FjallInsert => fjall::insert_batches(transform, source),
            Self::SqliteUpdate => sqlite::update(transform, source),
            Self::SqliteCopy => sqlite::copy(transform, source),
            Self::Redb => redb::copy(transform, source),
            Self::Refinery => sqlite::refinery(transform, source),
        }
    }
}

/// Fills a new store. `directory` is there and empty.
///
/// # Errors
/// What the engine says.
pub(crate) fn generate(engine: Engine, directory: &Path, content: &Content) -> Result<()> {
    match engine {
        Engine::Fjall => fjall::generate(directory, content),
        Engine::Sqlite => sqlite::generate(directory, content),
        Engine::Redb => redb::generate(directory, content),
    }
}

/// The digest of records as everybody's are digested, whatever they are kept in.
fn digester() -> KeyspaceHasher {
    KeyspaceHasher::new(RECORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the whole comparison stands on.
    #[test]
    fn every_contender_comes_to_the_same_records() {
        let content = Content { seed: 3, records: 3000, untouched_bytes: 0 };
        for transform in Transform::ALL {
            let mut expected = digester();
            crate::records::each_record(content.seed, content.records, |key, value| {
                expected.update(key, &transform.apply(value)?);
                Ok::<(), Failure>(())
            })
            .unwrap();
            let expected = expected.finish();
            for contender in Contender::ALL {
                let directory = tempfile::tempdir().unwrap();
                let source = directory.path().join("source");
                std::fs::create_dir(&source).unwrap();
                generate(contender.engine(), &source, &content).unwrap();
                let before = (contender == Contender::Ours)
                    .then(|| measure_source(&source, &directory.path().join("measured")).unwrap());
                let read_back = contender
                    .migrate(transform, &source, directory.path(), before.as_ref())
                    .unwrap();
                let name = contender.name();
                assert_eq!(read_back().unwrap(), expected, "{name} {}", transform.name());
            }
        }
    }
}
