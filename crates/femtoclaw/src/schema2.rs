//! Storage schema 2: fjall keyspaces, each record decoded, with its original bytes beside it.
//!
//! The keyspaces and their keys are those of [schema 1](crate::schema1). The value of a record is an [`Envelope`]. So a
//! runtime reads typed records, while what 1.0.x wrote stays provable to the byte: printing a decoded record again could
//! not give it back.
//!
//! A record that is JSON but not of its kind moves to `set_aside`, with the reason. Nothing goes to the archive.

use storage_migration::SchemaDefinition;
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::json::FieldError;
use crate::keys::RecordKey;
use crate::record::{
    AuditEntry, ExecutionRecord, HistoryEntry, MemoryMessage, RecordKind, Snapshot, TelemetryEvent,
    WalEvent,
};
use crate::schema1::{KEYSPACES, check_set_aside, check_source};

/// Storage schema 2.
pub const SCHEMA: SchemaDefinition =
    SchemaDefinition { version: SchemaVersion::new(2), keyspaces: KEYSPACES, check };

fn check(keyspace: &str, key: &[u8], value: &[u8]) -> Result<(), String> {
    match keyspace {
        "sources" => check_source(key, value),
        "set_aside" => check_set_aside(key, value),
        _ => {
            let envelope = check_envelope(keyspace, value)?;
            let key = RecordKey::decode(key).map_err(|error| error.to_string())?;
            if key == envelope.source { Ok(()) } else { Err("key and source differ".to_owned()) }
        }
    }
}

/// The invariant of an envelope: its decoded form is what decoding the original gives.
pub(crate) fn check_envelope(keyspace: &str, value: &[u8]) -> Result<Envelope, String> {
    let envelope = Envelope::decode(value).map_err(|error| error.to_string())?;
    let (decoded, unknown) =
        normalize(keyspace, &envelope.original).map_err(|error| error.to_string())?;
    if decoded == envelope.decoded && unknown == envelope.unknown {
        Ok(envelope)
    } else {
        Err("the decoded form is not that of the original".to_owned())
    }
}

/// Decodes the original bytes of a record of this keyspace: its normal form, and the names of unknown fields.
///
/// # Errors
/// Why the bytes are no record of that kind.
pub fn normalize(keyspace: &str, original: &[u8]) -> Result<(Vec<u8>, Vec<String>), FieldError> {
    fn of<T: RecordKind>(original: &[u8]) -> Result<(Vec<u8>, Vec<String>), FieldError> {
        let (record, unknown) = T::read(original)?;
        Ok((record.normal_form()?, unknown))
    }
    match keyspace {
        "wal" => of::<WalEvent>(original),
        "executions" => of::<ExecutionRecord>(original),
        "audit" => of::<AuditEntry>(original),
        "telemetry" => of::<TelemetryEvent>(original),
        "history" => of::<HistoryEntry>(original),
        "memory" => of::<MemoryMessage>(original),
        "snapshots" => of::<Snapshot>(original),
        _ => Err(FieldError::NotAnObject(format!("{keyspace} holds no records"))),
    }
}
