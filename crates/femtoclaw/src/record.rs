//! The records of FemtoClaw 1.0.x, typed.
//!
//! Each is read from the bytes that 1.0.x wrote, or from the normal form that schemas 2 and 3 keep beside them: fields in
//! the order of the type, absent and null the same, no white space. What a record carries for others ([`Json`]) keeps its
//! literal text, so that no number changes.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::{FieldError, Fields};

/// A kind of record.
pub trait RecordKind: Serialize + Sized {
    /// What it is called in findings.
    const NAME: &'static str;

    /// Takes the record from its fields.
    ///
    /// # Errors
    /// The first field that is missing or not what it must be.
    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError>;

    /// Reads a record, and names the fields that it has beyond those that the type knows.
    ///
    /// # Errors
    /// Why the bytes are no such record.
    fn read(bytes: &[u8]) -> Result<(Self, Vec<String>), FieldError> {
        let mut fields = Fields::read(bytes)?;
        let record = Self::from_fields(&mut fields)?;
        Ok((record, fields.unknown()))
    }

    /// The normal form.
    ///
    /// # Errors
    /// None in practice: every type here can be written as JSON.
    fn normal_form(&self) -> Result<Vec<u8>, FieldError> {
        serde_json::to_vec(self).map_err(|error| FieldError::NotAnObject(error.to_string()))
    }
}

/// Any JSON value, as its text.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The text, exactly as it was written but for white space between tokens.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl From<Box<RawValue>> for Json {
    fn from(value: Box<RawValue>) -> Self {
        Self(value)
    }
}

/// One event of a write-ahead log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalEvent {
    /// Counts from 0. Two writers give the same id to different events.
    pub id: u64,
    /// When, as it was written.
    pub timestamp: String,
    /// What kind of event.
    pub event_type: String,
    /// What the event carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Json>,
}

impl RecordKind for WalEvent {
    const NAME: &'static str = "write-ahead log event";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.number("id")?,
            timestamp: fields.text("timestamp")?,
            event_type: fields.text("event_type")?,
            payload: fields.any("payload").map(Json),
        })
    }
}

/// How far an execution has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ExecutionStatus {
    /// Begun, and nothing is known of its end.
    Started,
    /// Ended well.
    Completed,
    /// Ended in an error.
    Failed,
    /// Not allowed.
    Denied,
}

impl ExecutionStatus {
    /// Whether nothing can follow it.
    pub fn is_terminal(self) -> bool {
        self != Self::Started
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Started, Self::Completed, Self::Failed, Self::Denied]
            .into_iter()
            .find(|status| format!("{status:?}") == text)
    }
}

/// One execution of a capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionRecord {
    /// Its id, usually a UUID.
    pub id: String,
    /// When it began, as it was written.
    pub timestamp: String,
    /// The capability.
    pub capability: String,
    /// What it was called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Json>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// How far it has come.
    pub status: ExecutionStatus,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RecordKind for ExecutionRecord {
    const NAME: &'static str = "execution record";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let status = fields.text("status")?;
        let expected = "one of Started, Completed, Failed, Denied";
        Ok(Self {
            id: fields.text("id")?,
            timestamp: fields.text("timestamp")?,
            capability: fields.text("capability")?,
            arguments: fields.any("arguments").map(Json),
            result: fields.any("result").map(Json),
            status: ExecutionStatus::parse(&status)
                .ok_or(FieldError::Unexpected { field: "status", expected })?,
            error: fields.optional_text("error")?,
        })
    }
}

/// One turn of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// When, as it was written.
    pub timestamp: String,
    /// What was asked.
    pub input: String,
    /// What was answered.
    pub output: String,
    /// Whatever the embedder added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Json>,
}

impl RecordKind for HistoryEntry {
    const NAME: &'static str = "history entry";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            timestamp: fields.text("timestamp")?,
            input: fields.text("input")?,
            output: fields.text("output")?,
            metadata: fields.any("metadata").map(Json),
        })
    }
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its id, usually a UUID.
    pub id: String,
    /// When, as it was written.
    pub timestamp: String,
    /// What happened.
    pub event: String,
    /// Who.
    pub actor: String,
    /// On what.
    pub resource: String,
    /// Doing what.
    pub action: String,
    /// The decision.
    pub result: String,
    /// Whatever belongs to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Json>,
}

impl RecordKind for AuditEntry {
    const NAME: &'static str = "audit entry";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.text("id")?,
            timestamp: fields.text("timestamp")?,
            event: fields.text("event")?,
            actor: fields.text("actor")?,
            resource: fields.text("resource")?,
            action: fields.text("action")?,
            result: fields.text("result")?,
            details: fields.any("details").map(Json),
        })
    }
}

/// One telemetry event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TelemetryEvent {
    /// Its id, usually a UUID.
    pub id: String,
    /// When, as it was written.
    pub timestamp: String,
    /// What kind of event. 1.0.0 and 1.0.3 know different ones; all are kept.
    pub event_type: String,
    /// What the event carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Json>,
    /// The trace that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl RecordKind for TelemetryEvent {
    const NAME: &'static str = "telemetry event";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.text("id")?,
            timestamp: fields.text("timestamp")?,
            event_type: fields.text("event_type")?,
            payload: fields.any("payload").map(Json),
            trace_id: fields.optional_text("trace_id")?,
        })
    }
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// The runtime.
    System,
    /// A person.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

impl MessageRole {
    /// Reads either spelling: 1.0.0's SDK wrote `User`, 1.0.3 writes `user`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "system" | "System" => Some(Self::System),
            "user" | "User" => Some(Self::User),
            "assistant" | "Assistant" => Some(Self::Assistant),
            "tool" | "Tool" => Some(Self::Tool),
            _ => None,
        }
    }
}

/// One message of the conversation memory, from a memory log or a list of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryMessage {
    /// Its id in the memory log, if it came from one.
    #[serde(rename = "log_id", skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// When, if it came from a memory log, as it was written.
    #[serde(rename = "log_timestamp", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Who said it.
    pub role: MessageRole,
    /// What was said.
    pub content: String,
}

impl MemoryMessage {
    fn message(
        fields: &mut Fields<'_>,
        id: Option<u64>,
        timestamp: Option<String>,
    ) -> Result<Self, FieldError> {
        let expected = "one of system, user, assistant, tool";
        let role = MessageRole::parse(&fields.text("role")?)
            .ok_or(FieldError::Unexpected { field: "role", expected })?;
        Ok(Self { id, timestamp, role, content: fields.text("content")? })
    }
}

impl RecordKind for MemoryMessage {
    const NAME: &'static str = "memory message";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        if !fields.has("event_type") {
            let id = if fields.has("log_id") { Some(fields.number("log_id")?) } else { None };
            let timestamp = fields.optional_text("log_timestamp")?;
            return Self::message(fields, id, timestamp);
        }
        let event = WalEvent::from_fields(fields)?;
        if event.event_type != "push" {
            let expected = "push, the only event of a memory log";
            return Err(FieldError::Unexpected { field: "event_type", expected });
        }
        let payload = event.payload.ok_or(FieldError::Missing("payload"))?;
        let mut message = Fields::read(payload.text().as_bytes())?;
        Self::message(&mut message, Some(event.id), Some(event.timestamp))
    }
}

/// A snapshot of the runtime's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its id, usually a UUID.
    pub id: String,
    /// When, as it was written.
    pub timestamp: String,
    /// The state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Json>,
}

impl RecordKind for Snapshot {
    const NAME: &'static str = "snapshot";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.text("id")?,
            timestamp: fields.text("timestamp")?,
            state: fields.any("state").map(Json),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survives<T: RecordKind + PartialEq + fmt::Debug>(text: &str, unknown: &[&str]) -> T {
        let (record, names) = T::read(text.as_bytes()).unwrap();
        assert_eq!(names, unknown);
        let (again, none) = T::read(&record.normal_form().unwrap()).unwrap();
        assert_eq!(record, again);
        assert!(none.is_empty());
        record
    }

    #[test]
    fn every_kind_survives_its_normal_form() {
        survives::<WalEvent>(
            r#"{"id":1,"timestamp":"t","event_type":"input","payload":{"n": 1.10},"x":0}"#,
            &["x"],
        );
        survives::<ExecutionRecord>(
            r#"{"id":"a","timestamp":"t","capability":"c","arguments":{},"status":"Failed","error":"e"}"#,
            &[],
        );
        survives::<HistoryEntry>(r#"{"timestamp":"t","input":"i","output":"o"}"#, &[]);
        survives::<AuditEntry>(
            r#"{"id":"a","timestamp":"t","event":"e","actor":"a","resource":"r","action":"x","result":"R"}"#,
            &[],
        );
        survives::<TelemetryEvent>(
            r#"{"id":"a","timestamp":"t","event_type":"E","payload":null,"trace_id":null}"#,
            &[],
        );
        survives::<Snapshot>(r#"{"id":"a","timestamp":"t","state":{"k":[1]}}"#, &[]);
        survives::<MemoryMessage>(
            r#"{"id":3,"timestamp":"t","event_type":"push","payload":{"role":"user","content":"c"}}"#,
            &[],
        );
        let old: MemoryMessage = survives(r#"{"role":"User","content":"c"}"#, &[]);
        assert_eq!(old.role, MessageRole::User);
    }

    #[test]
    fn a_record_says_which_field_is_wrong() {
        let read = |text: &str| ExecutionRecord::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(read("{}"), "there is no field `status`");
        assert_eq!(
            read(r#"{"id":"a","timestamp":"t","capability":"c","status":"Done"}"#),
            "the field `status` is not one of Started, Completed, Failed, Denied"
        );
    }
}
