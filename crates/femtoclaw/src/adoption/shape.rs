//! What a JSON object looks like.

use crate::json::Fields;
use crate::role::Role;

/// The kind of value that a field must have for a shape to fit.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Object,
    List,
    Any,
}

use Kind::{Any, List, Number, Object, Text};

type Shape = (Role, &'static [(&'static str, Kind)]);

/// What the elements of an array look like.
const ELEMENTS: &[Shape] = &[
    (
        Role::Executions,
        &[("id", Text), ("timestamp", Text), ("capability", Text), ("status", Text)],
    ),
    (Role::History, &[("timestamp", Text), ("input", Text), ("output", Text)]),
    (
        Role::Audit,
        &[
            ("id", Text),
            ("timestamp", Text),
            ("event", Text),
            ("actor", Text),
            ("resource", Text),
            ("action", Text),
        ],
    ),
    (Role::Telemetry, &[("id", Text), ("timestamp", Text), ("event_type", Text)]),
    (Role::Messages, &[("role", Text), ("content", Text)]),
    (Role::Snapshots, &[("id", Text), ("timestamp", Text), ("state", Any)]),
    (Role::Policies, &[("name", Text), ("rules", List)]),
    (Role::Capabilities, &[("name", Text), ("description", Text), ("parameters", List)]),
];

/// What a document that is one object looks like.
const DOCUMENTS: &[Shape] = &[
    (Role::Snapshot, &[("id", Text), ("timestamp", Text), ("state", Any)]),
    // Whatever they hold: what has the wrong type is reported, not passed over.
    (Role::Configuration, &[("brain", Any)]),
    (Role::Configuration, &[("logging", Any), ("storage", Any)]),
    (Role::ExtensionIndex, &[("talons", Object)]),
    (Role::ExtensionIndex, &[("skills", Object)]),
];

/// What a line of a log looks like.
const LINES: &[Shape] =
    &[(Role::Wal, &[("id", Number), ("timestamp", Text), ("event_type", Text), ("payload", Any)])];

/// The roles that an element of an array fits, without repetition.
pub(crate) fn of_element(bytes: &[u8]) -> Vec<Role> {
    fitting(bytes, ELEMENTS)
}

/// The roles that a document fits.
pub(crate) fn of_document(bytes: &[u8]) -> Vec<Role> {
    fitting(bytes, DOCUMENTS)
}

/// The log that a line fits: a memory log if it pushes a message.
pub(crate) fn of_line(bytes: &[u8]) -> Option<Role> {
    fitting(bytes, LINES).first()?;
    let mut event = Fields::read(bytes).ok()?;
    let is_push = event.optional_text("event_type").ok().flatten().as_deref() == Some("push");
    let payload = event.value("payload").map_or("", serde_json::value::RawValue::get);
    let is_message = fitting(payload.as_bytes(), ELEMENTS).contains(&Role::Messages);
    Some(if is_push && is_message { Role::MemoryWal } else { Role::Wal })
}

/// What a file is by its conventional name, for when it holds nothing to tell by.
pub(crate) fn of_name(path: &str) -> Option<Role> {
    let name = path.rsplit('/').next().unwrap_or(path);
    Some(match name {
        "executions.json" => Role::Executions,
        "history.json" => Role::History,
        "audit.json" => Role::Audit,
        "telemetry.json" => Role::Telemetry,
        "messages.json" => Role::Messages,
        "snapshots.json" => Role::Snapshots,
        "policies.json" | "policy.json" => Role::Policies,
        "capabilities.json" => Role::Capabilities,
        "config.json" | "config.toml" | "femtoclaw.json" => Role::Configuration,
        _ if !name.ends_with(".wal") => return None,
        _ if name.contains("memory") => Role::MemoryWal,
        _ => Role::Wal,
    })
}

fn fitting(bytes: &[u8], shapes: &[Shape]) -> Vec<Role> {
    let Ok(mut fields) = Fields::read(bytes) else { return Vec::new() };
    let mut roles = Vec::new();
    for (role, required) in shapes {
        let fits = required.iter().all(|(name, kind)| fits(&mut fields, name, *kind));
        if fits && !roles.contains(role) {
            roles.push(*role);
        }
    }
    roles
}

fn fits(fields: &mut Fields<'_>, name: &'static str, kind: Kind) -> bool {
    if matches!(kind, Any) {
        return fields.has(name);
    }
    let first = fields.value(name).and_then(|value| value.get().bytes().next());
    match (kind, first) {
        (Text, Some(b'"')) | (Object, Some(b'{')) | (List, Some(b'[')) => true,
        (Number, Some(byte)) => byte.is_ascii_digit() || byte == b'-',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart_by_their_fields() {
        let element = |text: &str| of_element(text.as_bytes());
        assert_eq!(element(r#"{"role":"user","content":"c"}"#), [Role::Messages]);
        assert_eq!(element(r#"{"name":"p","rules":[]}"#), [Role::Policies]);
        assert_eq!(element(r#"{"id":0,"timestamp":"t","event_type":"e"}"#), []);
        assert_eq!(element("5"), []);
        assert_eq!(of_document(br#"{"brain":{}}"#), [Role::Configuration]);
        assert_eq!(of_document(br#"{"brain":7}"#), [Role::Configuration]);
        assert_eq!(of_document(br#"{"logging":7}"#), []);
        assert_eq!(of_document(br#"{"skills":{}}"#), [Role::ExtensionIndex]);
        let line = r#"{"id":0,"timestamp":"t","event_type":"push","payload":{"role":"user","content":""}}"#;
        assert_eq!(of_line(line.as_bytes()), Some(Role::MemoryWal));
        let line = r#"{"id":0,"timestamp":"t","event_type":"push","payload":1}"#;
        assert_eq!(of_line(line.as_bytes()), Some(Role::Wal));
    }
}
