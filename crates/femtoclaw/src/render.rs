//! Records as JSON, for people and for other programs.

use serde_json::{Map, Value, json};
use versioning::SchemaVersion;

use crate::envelope::Envelope;
use crate::execution::{Execution, Origin};
use crate::keys::RecordKey;
use crate::record::RecordKind;
use crate::set_aside::SetAside;

/// A record as a JSON object. Every byte of it is in there: what is not understood in hexadecimal.
///
/// Where a record has a decoded form and original bytes, `record` is the decoded form, in which numbers beyond 64 bits or
/// with more digits than a float holds may be rounded, as JSON readers do; `original` is the text exactly as it was.
pub(crate) fn render(schema: SchemaVersion, keyspace: &str, key: &[u8], value: &[u8]) -> Value {
    let mut object = Map::new();
    object.insert("keyspace".to_owned(), keyspace.into());
    object.insert("key".to_owned(), hexadecimal(key).into());
    let fields = understood(schema.number(), keyspace, value)
        .unwrap_or_else(|| json!({ "value": hexadecimal(value) }));
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

fn understood(schema: u32, keyspace: &str, value: &[u8]) -> Option<Value> {
    match (schema, keyspace) {
        (_, "sources") => Some(json!({ "file": serde_json::from_slice::<Value>(value).ok()? })),
        (_, "set_aside") => {
            let SetAside { file, line, offset, reason, bytes } = SetAside::decode(value).ok()?;
            let bytes = text(&bytes);
            Some(json!({
                "file": file, "line": line, "offset": offset, "reason": reason, "bytes": bytes
            }))
        }
        (1, _) => Some(json!({ "original": text(value) })),
        (3, "executions") => execution(&Execution::decode(value).ok()?),
        (3, "executions_by_id") => Some(json!({ "execution": hexadecimal(value) })),
        _ => {
            let envelope = Envelope::decode(value).ok()?;
            Some(json!({
                "source": source(envelope.source),
                "unknown": envelope.unknown,
                "record": serde_json::from_slice::<Value>(&envelope.decoded).ok()?,
                "original": text(&envelope.original),
            }))
        }
    }
}

fn execution(execution: &Execution) -> Option<Value> {
    let mut testimonies = Vec::new();
    for testimony in &execution.testimonies {
        let normal = testimony.record.normal_form().ok()?;
        testimonies.push(json!({
            "from": if testimony.origin == Origin::Wal { "wal" } else { "executions" },
            "source": source(testimony.source),
            "record": text(&normal),
            "original": text(&testimony.original),
        }));
    }
    let conflicts: Vec<Value> = execution
        .conflicts
        .iter()
        .map(|conflict| json!({ "field": conflict.field, "testimony": conflict.testimony }))
        .collect();
    let normal = execution.record.normal_form().ok()?;
    Some(json!({
        "record": serde_json::from_slice::<Value>(&normal).ok()?,
        "derived": execution.derived,
        "conflicts": conflicts,
        "testimonies": testimonies,
    }))
}

fn source(source: RecordKey) -> Value {
    json!({ "file": source.file, "position": source.ordinal })
}

/// Text as text; other bytes as an object with their hexadecimal digits.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "hexadecimal": hexadecimal(bytes) }),
    }
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

    proptest! {
        #[test]
        fn any_bytes_are_shown(schema in 0_u32..5, key: Vec<u8>, value: Vec<u8>, name in 0_usize..4) {
            let keyspace = ["executions", "set_aside", "wal", "nothing"][name];
            let shown = render(SchemaVersion::new(schema), keyspace, &key, &value);
            prop_assert!(shown.is_object());
        }
    }
}
