//! Schema 2 to 3: executions joined and keyed by time, audit and telemetry keyed by time.

use storage_migration::{Action, Emitter, Example, MigrationStep, Record, TransformError};
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::execution::{Execution, Origin, Testimony};
use crate::keys::RecordKey;
use crate::record::{AuditEntry, ExecutionRecord, RecordKind, TelemetryEvent, WalEvent};
use crate::schema2::normalize;
use crate::schema3::{event_key, execution_by_id_key, execution_key};

/// The events of the log that carry an execution record.
const EXECUTION_EVENTS: [&str; 2] = ["execution_started", "execution_finished"];

/// Joins what execution records and the log say of an execution, and keys by time what is read by time.
///
/// The log is observed only: an event whose payload is no execution record tells nothing here, and stays where it is.
#[derive(Debug, Clone, Copy)]
pub struct JoinExecutions;

// trace: impl FC-5.1.4 FC-6.1.2 FC-6.1.3 FC-18.1.3
impl MigrationStep for JoinExecutions {
    fn name(&self) -> &'static str {
        "join-executions"
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(2)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(3)
    }

    fn action(&self, keyspace: &str) -> Action {
        match keyspace {
            "audit" | "executions" | "telemetry" => Action::Rewrite,
            "wal" => Action::Observe,
            _ => Action::Keep,
        }
    }

    fn transform(
        &self,
        keyspace: &str,
        _key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        let envelope = Envelope::decode(value).map_err(refusal)?;
        match keyspace {
            "executions" => {
                let (record, _) = ExecutionRecord::read(&envelope.decoded).map_err(refusal)?;
                let (origin, source) = (Origin::Record, envelope.source);
                let original = envelope.original;
                let group = execution_key(&record);
                let testimony = Testimony { origin, source, record, original };
                out.fragment("executions", group, testimony.encode().map_err(refusal)?);
            }
            "wal" => {
                if let Some([group, testimony]) = testimony_of_event(&envelope)? {
                    out.derive_fragment("executions", group, testimony);
                }
            }
            "audit" => {
                let (entry, _) = AuditEntry::read(&envelope.decoded).map_err(refusal)?;
                out.emit("audit", event_key(&entry.timestamp, envelope.source), value);
            }
            "telemetry" => {
                let (event, _) = TelemetryEvent::read(&envelope.decoded).map_err(refusal)?;
                out.emit("telemetry", event_key(&event.timestamp, envelope.source), value);
            }
            _ => return Err(TransformError(format!("{keyspace} is kept"))),
        }
        Ok(())
    }

    fn join(
        &self,
        keyspace: &str,
        group: &[u8],
        fragments: &[Vec<u8>],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        if keyspace != "executions" {
            return Err(TransformError(format!("nothing is joined into {keyspace}")));
        }
        let testimonies = fragments
            .iter()
            .map(|fragment| Testimony::decode(fragment))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refusal)?;
        let execution = Execution::join(testimonies)
            .ok_or_else(|| TransformError("an execution that nothing tells of".to_owned()))?;
        let index_key = execution_by_id_key(&execution.record.id, group);
        let value = execution.encode().map_err(refusal)?;
        if execution.derived {
            out.derive("executions", group, value);
        } else {
            out.emit("executions", group, value);
        }
        out.derive("executions_by_id", index_key, group);
        Ok(())
    }

    fn examples(&self) -> Vec<Example> {
        let texts: [(&'static str, &str); 12] = [
            ("audit", AUDIT),
            ("audit", &AUDIT.replace("2026-11-23T03:04:06.949870825Z", "long ago")),
            ("telemetry", r#"{"id":"m","timestamp":"1969-12-31T23:59:59Z","event_type":"Error"}"#),
            ("executions", RUN),
            ("executions", &RUN.replace("shell", "fs").replace("Completed", "Failed")),
            ("executions", &RUN.replace("2026-11-23T03:04:06Z", "whenever")),
            ("executions", &RUN.replace("\"run\"", &format!("{:?}", "x".repeat(300)))),
            ("wal", &event(7, "execution_started", &RUN.replace("Completed", "Started"))),
            ("wal", &event(8, "execution_finished", RUN)),
            ("wal", &event(9, "execution_started", &RUN.replace("run", "only-in-the-log"))),
            ("wal", &event(10, "execution_started", "{}")),
            ("wal", &event(11, "input", "{\"input\":\"hello\"}")),
        ];
        texts
            .iter()
            .enumerate()
            .filter_map(|(ordinal, (keyspace, text))| example(keyspace, ordinal as u64, text))
            .collect()
    }
}

const AUDIT: &str = r#"{"id":"a","timestamp":"2026-11-23T03:04:06.949870825Z","event":"authorization","actor":"agent","resource":"shell","action":"execute","result":"AUTHORIZED"}"#;
const RUN: &str = r#"{"id":"run","timestamp":"2026-11-23T03:04:06Z","capability":"shell","arguments":{"n":1.10},"result":"r","status":"Completed"}"#;

fn event(id: u64, event_type: &str, payload: &str) -> String {
    format!(
        r#"{{"id":{id},"timestamp":"2026-11-23T03:04:07Z","event_type":"{event_type}","payload":{payload}}}"#
    )
}

fn example(keyspace: &'static str, ordinal: u64, text: &str) -> Option<Example> {
    let source = RecordKey { file: 1, ordinal };
    let (decoded, unknown) = normalize(keyspace, text.as_bytes()).ok()?;
    let envelope = Envelope { source, unknown, decoded, original: text.as_bytes().to_vec() };
    let record = Record { key: source.encode().to_vec(), value: envelope.encode() };
    Some(Example { keyspace, record })
}

/// The group and the testimony of an event that tells of an execution.
fn testimony_of_event(envelope: &Envelope) -> Result<Option<[Vec<u8>; 2]>, TransformError> {
    let (event, _) = WalEvent::read(&envelope.decoded).map_err(refusal)?;
    if !EXECUTION_EVENTS.contains(&event.event_type.as_str()) {
        return Ok(None);
    }
    let Some(payload) = event.payload else { return Ok(None) };
    let Ok((record, _)) = ExecutionRecord::read(payload.text().as_bytes()) else {
        return Ok(None);
    };
    let group = execution_key(&record);
    let (origin, source) = (Origin::Wal, envelope.source);
    let testimony = Testimony { origin, source, record, original: Vec::new() };
    Ok(Some([group, testimony.encode().map_err(refusal)?]))
}

fn refusal(error: impl std::fmt::Display) -> TransformError {
    TransformError(error.to_string())
}
