//! What can go wrong with a storage migration.

use std::path::PathBuf;

use integrity::KeyspaceDigest;
use versioning::SchemaVersion;

use crate::SourceError;

/// At most this many bytes of a key are shown in an error.
const SHOWN_KEY_BYTES: usize = 64;

/// The result of an operation on a store or of a migration.
pub type Result<T> = std::result::Result<T, MigrationError>;

/// Why a storage migration, or an operation on a store, did not succeed.
///
/// Whatever the variant: the [`Store`](crate::Store) that was worked on is in an unknown state (facts H3, H4, H13). Its
/// handle must be dropped and the staged directory thrown away; the original, which was only ever cloned, is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A path needs a schema that the catalogue does not define.
    #[error("schema {version} is not defined; add its definition to the catalogue")]
    UnknownSchema {
        /// The schema that is missing.
        version: SchemaVersion,
    },
    /// A schema's definition contradicts itself.
    #[error("the definition of schema {version} is unusable: {reason}")]
    InvalidSchema {
        /// The schema.
        version: SchemaVersion,
        /// What is wrong with it.
        reason: String,
    },
    /// The steps do not lead where they should.
    #[error(
        "no migration leads from schema {from} to schema {to}: the steps from {from} lead to {}, and none leads on",
        listed(reachable)
    )]
    NoPath {
        /// Where the path should start.
        from: SchemaVersion,
        /// Where it should end.
        to: SchemaVersion,
        /// Where the steps lead from the start, the start included.
        reachable: Vec<SchemaVersion>,
    },
    /// A path of more steps than are ever run at once.
    #[error(
        "the path from schema {from} to schema {to} has {steps} steps; at most {maximum} are run at once"
    )]
    PathTooLong {
        /// Where the path starts.
        from: SchemaVersion,
        /// Where it ends.
        to: SchemaVersion,
        /// How many steps it has.
        steps: usize,
        /// How many are allowed.
        maximum: usize,
    },
    /// A step keeps a keyspace that the next schema does not have.
    #[error(
        "{step} keeps the keyspace {keyspace}, but schema {to} has no such keyspace: its records would be lost"
    )]
    KeptKeyspaceVanishes {
        /// The step.
        step: &'static str,
        /// The keyspace.
        keyspace: &'static str,
        /// The schema that the step leads to.
        to: SchemaVersion,
    },
    /// What is there is not what the starting schema has.
    #[error("the source does not hold schema {version}: {}", difference(missing, unexpected))]
    SourceNotOfSchema {
        /// The schema that was expected.
        version: SchemaVersion,
        /// Keyspaces of the schema that the source lacks.
        missing: Vec<String>,
        /// Keyspaces of the source that the schema lacks.
        unexpected: Vec<String>,
    },
    /// The source cannot be read to its end.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A source or a store hands out records that are not in ascending order of keys.
    #[error("{keyspace} is out of order: key {} does not come after the key before it", shown(key))]
    OutOfOrder {
        /// The keyspace.
        keyspace: String,
        /// The key that comes too late.
        key: Vec<u8>,
    },
    /// A step refuses a record.
    #[error("{step} cannot transform the record {} of {keyspace}: {reason}", shown(key))]
    Transform {
        /// The step.
        step: &'static str,
        /// The keyspace of the record, in the schema that the step starts from.
        keyspace: String,
        /// The key of the record.
        key: Vec<u8>,
        /// What the step says.
        reason: String,
    },
    /// A step refuses a group of fragments.
    #[error("{step} cannot join the group {} into {keyspace}: {reason}", shown(group))]
    Join {
        /// The step.
        step: &'static str,
        /// The keyspace that the group belongs to.
        keyspace: String,
        /// The group.
        group: Vec<u8>,
        /// What the step says.
        reason: String,
    },
    /// A step neither carries on nor archives a record.
    #[error(
        "{step} loses the record {} of {keyspace}: it neither lives on nor is archived",
        shown(key)
    )]
    RecordLost {
        /// The step.
        step: &'static str,
        /// The keyspace of the record.
        keyspace: String,
        /// The key of the record.
        key: Vec<u8>,
    },
    /// A join makes nothing of a group.
    #[error("{step} loses the group {} of {keyspace}: its join emits no record", shown(group))]
    GroupLost {
        /// The step.
        step: &'static str,
        /// The keyspace that the group belongs to.
        keyspace: String,
        /// The group.
        group: Vec<u8>,
    },
    /// A step does with a record what its declared action does not allow.
    #[error("{step} breaks its own rules on the record {} of {keyspace}: {rule}", shown(key))]
    RuleBroken {
        /// The step.
        step: &'static str,
        /// The keyspace of the record or group.
        keyspace: String,
        /// The key of the record, or the group.
        key: Vec<u8>,
        /// The rule.
        rule: &'static str,
    },
    /// A step emits into a keyspace that the next schema does not have.
    #[error("{step} emits into the keyspace {keyspace}, which schema {to} does not have")]
    UnknownKeyspace {
        /// The step.
        step: &'static str,
        /// The keyspace.
        keyspace: String,
        /// The schema that the step leads to.
        to: SchemaVersion,
    },
    /// A step emits into a keyspace whose records it keeps as they are.
    #[error(
        "{step} emits into the keyspace {keyspace}, although it keeps it: it must rewrite what it adds to"
    )]
    EmittedIntoKept {
        /// The step.
        step: &'static str,
        /// The keyspace.
        keyspace: String,
    },
    /// A step gave two answers to the same question.
    #[error("{step} is not deterministic: two runs on {} of {keyspace} differ", shown(key))]
    NotDeterministic {
        /// The step.
        step: &'static str,
        /// The keyspace of the record or group.
        keyspace: String,
        /// The key of the record, or the group.
        key: Vec<u8>,
    },
    /// A record that is there and cannot be found.
    #[error("the record {} of {keyspace} is read in a scan, and not found by its key", shown(key))]
    NotFoundByKey {
        /// The keyspace.
        keyspace: String,
        /// The key of the record.
        key: Vec<u8>,
    },
    /// A record that the storage engine cannot hold.
    #[error("the record {} of {keyspace} cannot be stored: {reason}", shown(key))]
    NotStorable {
        /// The keyspace.
        keyspace: String,
        /// The key.
        key: Vec<u8>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two records claim the same key.
    #[error(
        "two records claim the key {} of {keyspace}; merging them silently would lose one",
        shown(key)
    )]
    DuplicateKey {
        /// The keyspace.
        keyspace: String,
        /// The key.
        key: Vec<u8>,
    },
    /// One group of fragments is larger than may be held in memory.
    #[error("the group {} of {keyspace} has more than {maximum} bytes of fragments", shown(group))]
    GroupTooLarge {
        /// The keyspace that the group belongs to.
        keyspace: String,
        /// The group.
        group: Vec<u8>,
        /// The limit ([`EngineOptions::maximum_group_bytes`](crate::EngineOptions)).
        maximum: usize,
    },
    /// The conservation law is broken: this is a bug of the engine, and the result must not be used.
    #[error("the counts do not balance: {law}, but {left} is not {right}")]
    CountsDoNotBalance {
        /// The law, such as `records written = records that arrived`.
        law: String,
        /// Its left side.
        left: u64,
        /// Its right side.
        right: u64,
    },
    /// A scratch file does not read back as it was written.
    #[error("the scratch file {} does not read back as it was written: {reason}", path.display())]
    ScratchCorrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// Somebody wanted it to end (see [`EngineOptions::cancellation`](crate::EngineOptions)).
    #[error(transparent)]
    Cancelled(#[from] gate::Cancelled),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] durable::Error),
    /// A directory to create a store in is not empty.
    #[error("{} is not empty; a store is only ever created in a new directory", directory.display())]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// A directory that holds no store, or half of one.
    #[error("{} holds no store: {reason}", directory.display())]
    NotAStore {
        /// The directory.
        directory: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A file of the engine is not what the engine wrote.
    #[error("{file} of the store in {} is damaged: {reason}", directory.display())]
    Damaged {
        /// The store.
        directory: PathBuf,
        /// The file, within the store.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A keyspace map that cannot be right.
    #[error("the record of keyspaces is unusable: {reason}")]
    InvalidKeyspaceMap {
        /// What is wrong with it.
        reason: String,
    },
    /// A store holds other keyspaces than its own record says.
    #[error("the store in {} does not hold what its record says: {}", directory.display(), difference(missing, unexpected))]
    KeyspacesDiffer {
        /// The store.
        directory: PathBuf,
        /// Physical keyspaces of the record that the store lacks.
        missing: Vec<String>,
        /// Physical keyspaces of the store that the record lacks.
        unexpected: Vec<String>,
    },
    /// A keyspace that is not there.
    #[error("the store in {} has no keyspace {keyspace}", directory.display())]
    NoSuchKeyspace {
        /// The store.
        directory: PathBuf,
        /// The logical name.
        keyspace: String,
    },
    /// The storage engine reports an error. What is on disk is unknown until it is opened anew and verified (H3).
    #[error("the storage engine failed to {operation} in {}: {source}; drop this store and verify it anew", directory.display())]
    Engine {
        /// What was tried.
        operation: &'static str,
        /// The store.
        directory: PathBuf,
        /// What the engine says.
        source: fjall::Error,
    },
    /// The storage engine panicked, as it does on some corrupt files (H10).
    #[error("the storage engine panicked when asked to {operation} in {}: {message}; drop this store", directory.display())]
    EnginePanicked {
        /// What was tried.
        operation: &'static str,
        /// The store.
        directory: PathBuf,
        /// The panic's message.
        message: String,
    },
    /// What is read back is not what was written.
    #[error(
        "{keyspace} does not read back as it should: {expected:?} was expected, {found:?} was found"
    )]
    DigestMismatch {
        /// The keyspace.
        keyspace: String,
        /// What was written, or measured before the migration.
        expected: Option<Box<KeyspaceDigest>>,
        /// What was read back.
        found: Option<Box<KeyspaceDigest>>,
    },
    /// What the migration read is not what was measured before it.
    #[error(
        "the migration read other records of {keyspace} than there were: {expected:?} was measured, {found:?} was read"
    )]
    ReadDiffers {
        /// The keyspace.
        keyspace: String,
        /// What was measured before the migration, if there was such a keyspace.
        expected: Option<Box<KeyspaceDigest>>,
        /// What the migration read.
        found: Box<KeyspaceDigest>,
    },
    /// A record breaks the invariant of its schema.
    #[error("the record {} of {keyspace} breaks schema {version}: {reason}", shown(key))]
    InvariantBroken {
        /// The schema.
        version: SchemaVersion,
        /// The keyspace.
        keyspace: String,
        /// The key.
        key: Vec<u8>,
        /// What the schema says.
        reason: String,
    },
}

impl MigrationError {
    /// True when the disk, or the user's share of it, is full: freeing space and trying again may help.
    pub fn is_disk_full(&self) -> bool {
        use std::io::{Error, ErrorKind};
        match self {
            Self::File(error) => error.is_disk_full(),
            Self::Engine { source, .. } => {
                let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(source);
                while let Some(error) = cause {
                    if let Some(error) = error.downcast_ref::<Error>() {
                        return matches!(
                            error.kind(),
                            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
                        );
                    }
                    cause = error.source();
                }
                false
            }
            _ => false,
        }
    }
}

/// A key as people can read it, cut if it is long.
pub(crate) fn shown(key: &[u8]) -> String {
    match key.get(..SHOWN_KEY_BYTES) {
        Some(start) if key.len() > SHOWN_KEY_BYTES => {
            format!("\"{}…\" ({} bytes)", start.escape_ascii(), key.len())
        }
        _ => format!("\"{}\"", key.escape_ascii()),
    }
}

fn listed(versions: &[SchemaVersion]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn difference(missing: &[String], unexpected: &[String]) -> String {
    let part = |label: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{label} {}", names.join(", ")))
    };
    [part("missing are", missing), part("unexpected are", unexpected)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_below_the_engine_is_told_from_other_failures() {
        let engine = |kind| MigrationError::Engine {
            operation: "ingest",
            directory: PathBuf::from("store"),
            source: fjall::Error::Storage(fjall::LsmError::Io(std::io::Error::from(kind))),
        };
        assert!(engine(std::io::ErrorKind::StorageFull).is_disk_full());
        assert!(!engine(std::io::ErrorKind::PermissionDenied).is_disk_full());
    }

    #[test]
    fn a_long_key_is_cut_in_messages() {
        let text = shown(&[b'k'; 5000]);
        assert!(text.len() < 100 && text.contains("5000 bytes"), "{text}");
    }
}
