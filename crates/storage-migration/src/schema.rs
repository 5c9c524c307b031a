//! What a schema version holds.

use versioning::SchemaVersion;

/// The keyspace that every store may have beside those of its schema: records that had no place in a later schema, each
/// with the reason. Managed by the engine, of class ledger.
pub const ARCHIVE: &str = "archive";

/// What may happen to the records of a keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyspaceClass {
    /// Append-only history (executions, audit, telemetry): survives even a rollback.
    Ledger,
    /// What the runtime knows now: goes back with a rollback, set aside but never thrown away.
    State,
    /// Derived from the other keyspaces and rebuilt from them at any time.
    Index,
}

/// One keyspace of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyspaceDefinition {
    /// Its logical name: lower-case letters and `_`. Its physical name adds the schema that it was written by.
    pub name: &'static str,
    /// What may happen to its records.
    pub class: KeyspaceClass,
    /// One line for people: what it holds, and how it is keyed.
    pub about: &'static str,
}

/// `check(keyspace, key, value)` says what is wrong with a record, if anything is.
pub type RecordCheck = fn(&str, &[u8], &[u8]) -> Result<(), String>;

/// One version of a storage schema.
#[derive(Debug, Clone, Copy)]
pub struct SchemaDefinition {
    /// Its number.
    pub version: SchemaVersion,
    /// Its keyspaces in the order of their names.
    pub keyspaces: &'static [KeyspaceDefinition],
    /// The invariant of every record. Called on every record that is read back after a migration.
    pub check: RecordCheck,
}

impl SchemaDefinition {
    /// The definition of a keyspace, if the schema has it.
    pub fn keyspace(&self, name: &str) -> Option<&'static KeyspaceDefinition> {
        self.keyspaces.iter().find(|keyspace| keyspace.name == name)
    }
}
