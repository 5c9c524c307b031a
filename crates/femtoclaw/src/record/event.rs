//! Events: of the write-ahead log, of the history, of the audit log, of telemetry; and snapshots.

use serde::Serialize;

use super::{Json, RecordKind};
use crate::json::{FieldError, Fields};

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
            payload: fields.any("payload").map(Json::from),
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
            metadata: fields.any("metadata").map(Json::from),
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
            details: fields.any("details").map(Json::from),
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
            payload: fields.any("payload").map(Json::from),
            trace_id: fields.optional_text("trace_id")?,
        })
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
            state: fields.any("state").map(Json::from),
        })
    }
}
