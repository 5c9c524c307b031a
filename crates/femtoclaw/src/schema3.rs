//! Storage schema 3: as the runtime asks.
//!
//! Schema 2 is ordered as the files of 1.0.x were. No question that a runtime asks at run time is about files:
//!
//! - *What was running when we stopped?* At start-up the runtime must find executions that began and never ended. In
//!   schema 2 that takes a read of the whole log and of all execution records, and a join in memory. Here `executions`
//!   holds one record for each execution, already joined from the execution records and the log's `execution_started` and
//!   `execution_finished` events, in the order of time: the interrupted ones are those whose status is `Started`.
//! - *What did execution X do?* Audit entries and telemetry name executions by id. `executions_by_id` leads from an id to
//!   the execution in one seek.
//! - *What happened between ten and eleven?* Audit and telemetry are read by time: for display, for export, for retention.
//!   Keyed by time, that is a range scan; and what the runtime appends next always comes last, which suits the engine.
//!
//! `wal`, `history`, `memory`, `snapshots`, `set_aside` and `sources` stay as they are in [schema 2](crate::schema2). The log
//! is a ledger: the join reads it and leaves it untouched, so that coming from schema 2 it is not even copied.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `executions` | start time, id (, timestamp text if it does not parse) | [`Execution`] |
//! | `executions_by_id` | id, key in `executions` | key in `executions` |
//! | `audit`, `telemetry` | time, file number, position | [`Envelope`] |
//!
//! A time that does not parse sorts after all that do ([`TimeKey`]). The key of such an execution also holds the text of
//! its timestamp, so that two executions with the same id stay apart here as well.

use storage_migration::{KeyspaceClass, KeyspaceDefinition, SchemaDefinition};
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::execution::Execution;
use crate::keys::{RecordKey, TimeKey, push_text};
use crate::record::{
    AuditEntry, ExecutionRecord, HistoryEntry, MemoryMessage, RecordKind, Snapshot, TelemetryEvent,
    WalEvent,
};
use crate::schema1::{check_set_aside, check_source};
use crate::schema2::check_envelope;

const fn keyspace(
    name: &'static str,
    class: KeyspaceClass,
    about: &'static str,
) -> KeyspaceDefinition {
    KeyspaceDefinition { name, class, about }
}

/// Storage schema 3.
pub const SCHEMA: SchemaDefinition = SchemaDefinition {
    version: SchemaVersion::new(3),
    keyspaces: &[
        keyspace("audit", KeyspaceClass::Ledger, "audit entries, by time"),
        keyspace("executions", KeyspaceClass::Ledger, "joined executions, by start time and id"),
        keyspace("executions_by_id", KeyspaceClass::Index, "keys in executions, by id"),
        keyspace("history", KeyspaceClass::State, "turns of the history, by file and position"),
        keyspace("memory", KeyspaceClass::State, "messages of the memory, by file and position"),
        keyspace(
            "set_aside",
            KeyspaceClass::Ledger,
            "what could not be read, by file and position",
        ),
        keyspace("snapshots", KeyspaceClass::State, "snapshots, by file and position"),
        keyspace("sources", KeyspaceClass::Ledger, "the files that records came from, by number"),
        keyspace("telemetry", KeyspaceClass::Ledger, "telemetry events, by time"),
        keyspace("wal", KeyspaceClass::Ledger, "events of the log, by file and position"),
    ],
    check,
};

/// A record that a reader of schema 3 cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{keyspace} holds a record that cannot be read: {reason}")]
pub struct UnreadableRecord {
    /// The keyspace.
    pub keyspace: &'static str,
    /// Why.
    pub reason: String,
}

/// A typed record together with what it was decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// The record.
    pub record: T,
    /// Where it came from, and its original bytes.
    pub envelope: Envelope,
}

/// Reads a value of `wal`.
///
/// # Errors
/// Why it cannot be read.
pub fn wal_event(value: &[u8]) -> Result<Stored<WalEvent>, UnreadableRecord> {
    stored("wal", value)
}

/// Reads a value of `audit`.
///
/// # Errors
/// Why it cannot be read.
pub fn audit_entry(value: &[u8]) -> Result<Stored<AuditEntry>, UnreadableRecord> {
    stored("audit", value)
}

/// Reads a value of `telemetry`.
///
/// # Errors
/// Why it cannot be read.
pub fn telemetry_event(value: &[u8]) -> Result<Stored<TelemetryEvent>, UnreadableRecord> {
    stored("telemetry", value)
}

/// Reads a value of `history`.
///
/// # Errors
/// Why it cannot be read.
pub fn history_entry(value: &[u8]) -> Result<Stored<HistoryEntry>, UnreadableRecord> {
    stored("history", value)
}

/// Reads a value of `memory`.
///
/// # Errors
/// Why it cannot be read.
pub fn memory_message(value: &[u8]) -> Result<Stored<MemoryMessage>, UnreadableRecord> {
    stored("memory", value)
}

/// Reads a value of `snapshots`.
///
/// # Errors
/// Why it cannot be read.
pub fn snapshot(value: &[u8]) -> Result<Stored<Snapshot>, UnreadableRecord> {
    stored("snapshots", value)
}

/// Reads a value of `executions`.
///
/// # Errors
/// Why it cannot be read.
pub fn execution(value: &[u8]) -> Result<Execution, UnreadableRecord> {
    let keyspace = "executions";
    Execution::decode(value)
        .map_err(|error| UnreadableRecord { keyspace, reason: error.to_string() })
}

/// The key of an execution.
pub fn execution_key(record: &ExecutionRecord) -> Vec<u8> {
    let time = TimeKey::of(&record.timestamp);
    let mut key = time.encode().to_vec();
    push_text(&mut key, &record.id);
    if time == TimeKey::Unknown {
        push_text(&mut key, &record.timestamp);
    }
    key
}

/// The key in `executions_by_id` of an execution.
pub fn execution_by_id_key(id: &str, execution_key: &[u8]) -> Vec<u8> {
    let mut key = executions_with_id(id);
    key.extend_from_slice(execution_key);
    key
}

/// What every key in `executions_by_id` of executions with this id starts with, and no other.
pub fn executions_with_id(id: &str) -> Vec<u8> {
    let mut prefix = Vec::new();
    push_text(&mut prefix, id);
    prefix
}

/// The key of an audit entry or telemetry event: time, then where it came from.
// trace: impl FC-6.1.2
pub fn event_key(timestamp: &str, source: RecordKey) -> Vec<u8> {
    let mut key = TimeKey::of(timestamp).encode().to_vec();
    key.extend_from_slice(&source.encode());
    key
}

fn stored<T: RecordKind>(
    keyspace: &'static str,
    value: &[u8],
) -> Result<Stored<T>, UnreadableRecord> {
    let unreadable = |reason| UnreadableRecord { keyspace, reason };
    let envelope = Envelope::decode(value).map_err(|error| unreadable(error.to_string()))?;
    let (record, _) = T::read(&envelope.decoded).map_err(|error| unreadable(error.to_string()))?;
    Ok(Stored { record, envelope })
}

fn check(keyspace: &str, key: &[u8], value: &[u8]) -> Result<(), String> {
    let differ = |same: bool| if same { Ok(()) } else { Err("key and value differ".to_owned()) };
    match keyspace {
        "sources" => check_source(key, value),
        "set_aside" => check_set_aside(key, value),
        "executions" => {
            let execution = execution(value).map_err(|error| error.to_string())?;
            execution.check()?;
            let testimonies = execution.testimonies.iter();
            differ(testimonies.map(|part| execution_key(&part.record)).all(|own| own == key))
        }
        "executions_by_id" => {
            let tail = key.len().checked_sub(value.len()).and_then(|start| key.get(start..));
            TimeKey::split(value).map_err(|error| error.to_string())?;
            differ(tail == Some(value))
        }
        "audit" | "telemetry" => {
            let envelope = check_envelope(keyspace, value)?;
            let timestamp = match keyspace {
                "audit" => audit_entry(value).map(|entry| entry.record.timestamp),
                _ => telemetry_event(value).map(|event| event.record.timestamp),
            };
            let timestamp = timestamp.map_err(|error| error.to_string())?;
            differ(key == event_key(&timestamp, envelope.source))
        }
        _ => {
            let envelope = check_envelope(keyspace, value)?;
            differ(key == envelope.source.encode())
        }
    }
}
