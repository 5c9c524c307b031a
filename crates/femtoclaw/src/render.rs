//! Records as JSON, for people and for other programs.

use serde_json::{Map, Value, json};
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::execution::{Execution, Origin, Testimony};
use crate::keys::RecordKey;
use crate::record::RecordKind;
use crate::set_aside::SetAside;

/// A record as a JSON object. Every byte of it is in there.
///
/// A record always has `original`: its text exactly as 1.0.x wrote it, or `original_hex`, the hexadecimal digits of its
/// bytes, where these are not UTF-8. From schema 2 on `record` is its decoded form, in which numbers beyond 64 bits or with
/// more digits than a float holds may be rounded, as JSON readers do. Where such a reader could not hold the decoded form
/// at all (a number beyond any float, half a surrogate pair, nesting beyond its limit), `record_text` is its text instead.
///
/// In an execution of schema 3 each testimony has its own `original`; the execution's is that of the testimony that is held
/// true. It is null for an event of the log, whose original bytes are in `wal`, under the same source.
///
/// Only what is no record of its keyspace, so that `verify` refuses it, has nothing but `value`, in hexadecimal digits.
pub(crate) fn render(schema: SchemaVersion, keyspace: &str, key: &[u8], value: &[u8]) -> Value {
    let mut object = Map::new();
    object.insert("keyspace".to_owned(), keyspace.into());
    object.insert("key".to_owned(), hexadecimal(key).into());
    let fields = understood(schema.number(), keyspace, value)
        .unwrap_or_else(|| object_of([("value", hexadecimal(value).into())]));
    object.extend(fields);
    Value::Object(object)
}

fn understood(schema: u32, keyspace: &str, value: &[u8]) -> Option<Map<String, Value>> {
    match (schema, keyspace) {
        (_, "sources") => Some(object_of([("file", serde_json::from_slice::<Value>(value).ok()?)])),
        (_, "set_aside") => {
            let SetAside { file, line, offset, reason, bytes } = SetAside::decode(value).ok()?;
            Some(object_of([
                ("file", file.into()),
                ("line", line.into()),
                ("offset", offset.into()),
                ("reason", reason.into()),
                original(&bytes),
            ]))
        }
        (1, _) => Some(object_of([original(value)])),
        (3, "executions") => execution(&Execution::decode(value).ok()?),
        (3, "executions_by_id") => Some(object_of([("execution", hexadecimal(value).into())])),
        _ => {
            let envelope = Envelope::decode(value).ok()?;
            Some(object_of([
                ("source", source(envelope.source)),
                ("unknown", envelope.unknown.into()),
                record(&envelope.decoded),
                original(&envelope.original),
            ]))
        }
    }
}

fn execution(execution: &Execution) -> Option<Map<String, Value>> {
    let mut testimonies = Vec::new();
    for testimony in &execution.testimonies {
        let normal = testimony.record.normal_form().ok()?;
        testimonies.push(Value::Object(object_of([
            ("from", if testimony.origin == Origin::Wal { "wal" } else { "executions" }.into()),
            ("source", source(testimony.source)),
            ("record", text(&normal)),
            original_of(testimony),
        ])));
    }
    let conflicts: Vec<Value> = execution
        .conflicts
        .iter()
        .map(|conflict| json!({ "field": conflict.field, "testimony": conflict.testimony }))
        .collect();
    Some(object_of([
        record(&execution.record.normal_form().ok()?),
        ("derived", execution.derived.into()),
        ("conflicts", conflicts.into()),
        ("testimonies", testimonies.into()),
        execution.held_true().map_or(("original", Value::Null), original_of),
    ]))
}

fn object_of<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The decoded form, or its text where a JSON reader could not hold it.
fn record(decoded: &[u8]) -> (&'static str, Value) {
    match serde_json::from_slice(decoded) {
        Ok(record) => ("record", record),
        Err(_) => ("record_text", text(decoded)),
    }
}

/// The original bytes, as text if they are text.
fn original(bytes: &[u8]) -> (&'static str, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => ("original", text.into()),
        Err(_) => ("original_hex", hexadecimal(bytes).into()),
    }
}

fn original_of(testimony: &Testimony) -> (&'static str, Value) {
    match testimony.origin {
        Origin::Record => original(&testimony.original),
        Origin::Wal => ("original", Value::Null),
    }
}

fn source(source: RecordKey) -> Value {
    json!({ "file": source.file, "position": source.ordinal })
}

/// The text of a decoded form. It was written as JSON, so it is UTF-8; of bytes that are none the rest is shown.
fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut digits = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_decoded_record_shows_both_its_forms() {
        let source = RecordKey { file: 1, ordinal: 2 };
        let original = br#"{"n": 1.10}"#.to_vec();
        let envelope = Envelope { source, unknown: vec![], decoded: original.clone(), original };
        let shown = render(SchemaVersion::new(2), "wal", &source.encode(), &envelope.encode());
        assert_eq!(shown["original"], r#"{"n": 1.10}"#);
        assert_eq!(shown["record"]["n"], 1.1);
        assert_eq!(shown["key"], "000000010000000000000002");
    }

    #[test]
    fn what_no_json_reader_could_hold_is_shown_as_text_beside_its_envelope() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for payload in ["1e400", r#""\ud800""#, r#"{"\udc00":1}"#, &deep] {
            let event =
                format!(r#"{{"id":1,"timestamp":"t","event_type":"e","payload": {payload}}}"#);
            let run = format!(
                r#"{{"id":"a","timestamp":"t","capability":"c","status":"Failed","arguments": {payload}}}"#
            );
            for (keyspace, text) in [("wal", event), ("executions", run)] {
                let source = RecordKey { file: 1, ordinal: 2 };
                let original = text.clone().into_bytes();
                let (decoded, unknown) = crate::schema2::normalize(keyspace, &original).unwrap();
                let normal = String::from_utf8(decoded.clone()).unwrap();
                let envelope = Envelope { source, unknown, decoded, original }.encode();
                let shown = render(SchemaVersion::new(2), keyspace, &source.encode(), &envelope);
                assert_eq!(shown["original"], text);
                assert_eq!(shown["record_text"], normal);
                assert_eq!(shown["source"]["position"], 2);
                assert!(shown.get("value").is_none() && shown.get("record").is_none());
                assert!(serde_json::to_string(&shown).is_ok());
                if keyspace == "executions" {
                    let shown = joined(Origin::Record, &text);
                    assert_eq!(shown["original"], text);
                    assert_eq!(shown["testimonies"][0]["original"], text);
                    assert_eq!(shown["record_text"], normal);
                    assert_eq!(joined(Origin::Wal, &text)["original"], Value::Null);
                }
            }
        }
    }

    fn joined(origin: Origin, text: &str) -> Value {
        let (record, _) = crate::ExecutionRecord::read(text.as_bytes()).unwrap();
        let source = RecordKey { file: 1, ordinal: 2 };
        let original = if origin == Origin::Record { text.into() } else { Vec::new() };
        let testimony = Testimony { origin, source, record, original };
        let value = Execution::join(vec![testimony]).unwrap().encode().unwrap();
        render(SchemaVersion::new(3), "executions", b"k", &value)
    }

    #[test]
    fn an_original_that_is_no_text_is_shown_in_hexadecimal_digits() {
        let shown = render(SchemaVersion::new(1), "wal", b"k", b"\xff\x00");
        assert_eq!(shown["original_hex"], "ff00");
        assert!(shown.get("original").is_none());
        let reason = "not UTF-8".to_owned();
        let bytes = vec![0xff];
        let piece = SetAside { file: 1, line: Some(2), offset: Some(3), reason, bytes };
        let shown = render(SchemaVersion::new(3), "set_aside", b"k", &piece.encode());
        assert_eq!(shown["original_hex"], "ff");
        assert_eq!(shown["line"], 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_shown(schema in 0_u32..5, key: Vec<u8>, value: Vec<u8>, name in 0_usize..4) {
            let keyspace = ["executions", "set_aside", "wal", "nothing"][name];
            let shown = render(SchemaVersion::new(schema), keyspace, &key, &value);
            prop_assert!(shown.is_object());
        }
    }
}
