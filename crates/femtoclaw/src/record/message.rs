//! Messages of the conversation memory.

use serde::Serialize;

use super::{RecordKind, WalEvent};
use crate::json::{FieldError, Fields};

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
