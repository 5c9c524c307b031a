//! Schema 1 to 2: every record decoded, its original bytes kept beside it.

use storage_migration::{Action, Emitter, Example, MigrationStep, Record, TransformError};
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::keys::RecordKey;
use crate::schema2::normalize;
use crate::set_aside::SetAside;

/// Decodes every record. What is not of its kind moves to `set_aside`, whole, with the reason.
///
/// `set_aside` is rewritten although its own records stay as they are, because others join them. Its keys cannot collide:
/// a position in a file is given once, to a record or to a damaged piece.
#[derive(Debug, Clone, Copy)]
pub struct DecodeRecords;

/// The keyspaces that hold records to decode.
const DECODED: [&str; 7] =
    ["audit", "executions", "history", "memory", "snapshots", "telemetry", "wal"];

// trace: impl FC-5.1.4 FC-6.1.1 FC-18.1.3
impl MigrationStep for DecodeRecords {
    fn name(&self) -> &'static str {
        "decode-records"
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(1)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(2)
    }

    fn action(&self, keyspace: &str) -> Action {
        if keyspace == "set_aside" || DECODED.contains(&keyspace) {
            Action::Rewrite
        } else {
            Action::Keep
        }
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        if keyspace == "set_aside" {
            out.emit("set_aside", key, value);
            return Ok(());
        }
        let Some(keyspace) = DECODED.into_iter().find(|decoded| *decoded == keyspace) else {
            return Err(TransformError(format!("schema 1 has no records in {keyspace}")));
        };
        let source = RecordKey::decode(key).map_err(|error| TransformError(error.to_string()))?;
        match normalize(keyspace, value) {
            Ok((decoded, unknown)) => {
                let envelope = Envelope { source, unknown, decoded, original: value.to_vec() };
                out.emit(keyspace, key, envelope.encode());
            }
            Err(error) => {
                let set_aside = SetAside {
                    file: source.file,
                    line: None,
                    offset: None,
                    reason: format!("no record of {keyspace}: {error}"),
                    bytes: value.to_vec(),
                };
                out.emit("set_aside", key, set_aside.encode());
            }
        }
        Ok(())
    }

    fn examples(&self) -> Vec<Example> {
        let texts: [(&'static str, &str); 14] = [
            ("audit", AUDIT),
            ("executions", EXECUTION),
            ("executions", r#"{"id":"e","timestamp":"t","capability":"c","status":"Paused"}"#),
            ("history", r#"{"timestamp":"t","input":"i","output":"o","metadata":{"n": 1.10}}"#),
            ("memory", PUSH),
            ("memory", r#"{"role":"User","content":"c"}"#),
            ("memory", r#"{"id":1,"timestamp":"t","event_type":"pop","payload":{}}"#),
            ("snapshots", r#"{"id":"s","timestamp":"t","state":{"runtime_version":"1.0.3"}}"#),
            ("telemetry", r#"{"id":"m","timestamp":"t","event_type":"Error","trace_id":null}"#),
            (
                "wal",
                r#"{"id":18446744073709551615,"timestamp":"t","event_type":"input","payload":[ 1e5 ]}"#,
            ),
            ("wal", r#"{"id":18446744073709551616,"timestamp":"t","event_type":"input"}"#),
            ("wal", r#"{"id":1,"id":2,"timestamp":"t","event_type":"input"}"#),
            ("wal", r#"{"id":3,"timestamp":"t","event_type":"input","surprise":true}"#),
            ("wal", "5"),
        ];
        let example = |(ordinal, (keyspace, text)): (usize, (&'static str, &str))| {
            let key = RecordKey { file: 1, ordinal: ordinal as u64 }.encode().to_vec();
            Example { keyspace, record: Record { key, value: text.as_bytes().to_vec() } }
        };
        let mut examples: Vec<Example> = texts.into_iter().enumerate().map(example).collect();
        let key = RecordKey { file: 2, ordinal: 0 }.encode().to_vec();
        let reason = "torn".to_owned();
        let value = SetAside { file: 2, line: Some(9), offset: Some(99), reason, bytes: vec![0] };
        let record = Record { key, value: value.encode() };
        examples.push(Example { keyspace: "set_aside", record });
        examples
    }
}

const AUDIT: &str = r#"{"id":"a","timestamp":"2026-11-23T03:04:06.949870825Z","event":"authorization","actor":"agent","resource":"shell","action":"execute","result":"AUTHORIZED","details":{"b": 1, "a": 2}}"#;
const EXECUTION: &str = r#"{"id":"e","timestamp":"t","capability":"shell","arguments":{"n": 12345678901234567890123},"result":"r","status":"Completed","error":null}"#;
const PUSH: &str =
    r#"{"id":0,"timestamp":"t","event_type":"push","payload":{"content":"c","role":"user"}}"#;
