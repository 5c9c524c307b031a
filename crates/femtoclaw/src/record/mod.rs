//! The records of FemtoClaw 1.0.x, typed.
//!
//! Each is read from the bytes that 1.0.x wrote, or from the normal form that schemas 2 and 3 keep beside them: fields in
//! the order of the type, absent and null the same, no white space. What a record carries for others ([`Json`]) keeps its
//! literal text, so that no number changes.

mod event;
mod execution;
mod message;

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::{FieldError, Fields};

pub use event::{AuditEntry, HistoryEntry, Snapshot, TelemetryEvent, WalEvent};
pub use execution::{ExecutionRecord, ExecutionStatus};
pub use message::{MemoryMessage, MessageRole};

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
