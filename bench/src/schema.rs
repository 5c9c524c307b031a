//! The schemas and steps of our contender, and of the homes that are measured.

use storage_migration::{
    Action, Emitter, Example, KeyspaceClass, KeyspaceDefinition, MigrationStep, Record,
    RecordSource, SchemaDefinition, SourceError, TransformError, Visitor,
};
use versioning::SchemaVersion;

use crate::records::{each_record, write_record};
use crate::transform::Transform;

/// The keyspace that is migrated.
pub(crate) const RECORDS: &str = "records";
/// The keyspace that is not.
pub(crate) const UNTOUCHED: &str = "untouched";

/// The schema of a home as it is adopted: no store yet.
pub(crate) const ADOPTED: SchemaVersion = SchemaVersion::new(1);
/// The schema of the records as they are generated.
pub(crate) const STORED: SchemaVersion = SchemaVersion::new(2);
/// The schema of the records after the transform.
pub(crate) const MIGRATED: SchemaVersion = SchemaVersion::new(3);

const KEYSPACES: &[KeyspaceDefinition] = &[
    KeyspaceDefinition {
        name: RECORDS,
        class: KeyspaceClass::Ledger,
        about: "what is migrated, by account and number",
    },
    KeyspaceDefinition {
        name: UNTOUCHED,
        class: KeyspaceClass::State,
        about: "what lies beside it, by number",
    },
];

/// All schemas, oldest first.
pub(crate) const SCHEMAS: [SchemaDefinition; 3] =
    [schema(ADOPTED), schema(STORED), schema(MIGRATED)];

/// One of the schemas: they differ only in what is in the records.
pub(crate) const fn schema(version: SchemaVersion) -> SchemaDefinition {
    SchemaDefinition { version, keyspaces: KEYSPACES, check }
}

/// What a runtime could afford to check of every record: that it has the outline of an object.
fn check(keyspace: &str, _: &[u8], value: &[u8]) -> Result<(), String> {
    let is_object = value.starts_with(b"{") && value.ends_with(b"}");
    if is_object || keyspace != RECORDS { Ok(()) } else { Err("no JSON object".to_owned()) }
}

/// From [`STORED`] to [`MIGRATED`]: every record goes through a transform, under the same key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransformRecords(pub(crate) Transform);

impl MigrationStep for TransformRecords {
    fn name(&self) -> &'static str {
        match self.0 {
            Transform::Cheap => "append-fields",
            Transform::Heavy => "rename-fields",
        }
    }

    fn from(&self) -> SchemaVersion {
        STORED
    }

    fn to(&self) -> SchemaVersion {
        MIGRATED
    }

    fn action(&self, keyspace: &str) -> Action {
        if keyspace == RECORDS { Action::Rewrite } else { Action::Keep }
    }

    fn transform(
        &self,
        _: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        out.emit_with(RECORDS, key, |new| self.0.apply_to(value, new))
            .map_err(|error| TransformError(error.to_string()))
    }

    fn examples(&self) -> Vec<Example> {
        vec![example()]
    }
}

/// From [`ADOPTED`] to [`STORED`]: the records of a home come into being.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceRecords;

impl MigrationStep for PlaceRecords {
    fn name(&self) -> &'static str {
        "place-records"
    }

    fn from(&self) -> SchemaVersion {
        ADOPTED
    }

    fn to(&self) -> SchemaVersion {
        STORED
    }

    fn action(&self, _: &str) -> Action {
        Action::Rewrite
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        let keyspace = if keyspace == RECORDS { RECORDS } else { UNTOUCHED };
        out.emit(keyspace, key, value);
        Ok(())
    }

    fn examples(&self) -> Vec<Example> {
        vec![example()]
    }
}

fn example() -> Example {
    let mut record = Record { key: Vec::new(), value: Vec::new() };
    write_record(0, 0, &mut record.key, &mut record.value);
    Example { keyspace: RECORDS, record }
}

/// The generated records, as a source of schema [`ADOPTED`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generated {
    pub(crate) seed: u64,
    pub(crate) records: u64,
}

impl RecordSource for Generated {
    fn keyspaces(&self) -> Vec<String> {
        KEYSPACES.iter().map(|keyspace| keyspace.name.to_owned()).collect()
    }

    fn scan(&self, keyspace: &str, visit: &mut Visitor<'_>) -> Result<(), SourceError> {
        if keyspace == RECORDS { each_record(self.seed, self.records, visit) } else { Ok(()) }
    }
}
