//! Executions of capabilities.

use serde::Serialize;

use super::{Json, RecordKind};
use crate::json::{FieldError, Fields};

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
            arguments: fields.any("arguments").map(Json::from),
            result: fields.any("result").map(Json::from),
            status: ExecutionStatus::parse(&status)
                .ok_or(FieldError::Unexpected { field: "status", expected })?,
            error: fields.optional_text("error")?,
        })
    }
}
