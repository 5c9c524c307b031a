//! Telemetry: what an upgrade tells the outside while it runs (FC-UPGRADE-0001 §8, §16, §17).

use std::io::Write;

use serde::Serialize;
use versioning::{RuntimeVersion, Timestamp};

use crate::{AttemptNumber, Operation};

/// One event: a record of the journal, once it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TelemetryEvent {
    /// When (upgrade timestamp, §17).
    pub time: Timestamp,
    /// What is being done; none for what stands by itself, such as a start.
    pub operation: Option<Operation>,
    /// The attempt, once it has begun.
    pub attempt: Option<AttemptNumber>,
    /// The version that the home is at.
    pub from: Option<RuntimeVersion>,
    /// The version that it is led to (upgrade version, §17).
    pub to: Option<RuntimeVersion>,
    /// The journal's event.
    pub event: &'static str,
    /// How it stands (upgrade result, §17): `running`, `succeeded`, `undone` or `refused`.
    pub result: String,
}

/// How an operation stands, from its beginning to its end (upgrade result, §17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationResult {
    /// It begins; nothing is known of it yet.
    Started,
    /// What was asked for is so, or there was nothing to do.
    Succeeded,
    /// It was not allowed or not possible, and nothing was begun.
    Refused,
    /// It went wrong. Nothing was begun, or what was begun is not ended yet.
    Failed,
    /// It went wrong, and what was begun was undone.
    Undone,
    /// A generation on trial was left for the one before.
    RolledBack,
}

impl OperationResult {
    /// Its name, as it is serialised.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// The beginning or the end of an operation as somebody asked for it, also of one that writes nothing into the journal or is
/// refused before it does.
///
/// Names are `&'static str`: they come from the program and from nothing that it read, so that no secret can be among them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename = "OPERATION")]
pub struct OperationEvent {
    /// When (upgrade timestamp, §17).
    pub time: Timestamp,
    /// What is done: the name of an [`Operation`], or of what only reads, such as `plan`.
    pub operation: &'static str,
    /// The last attempt that it made; none if there was none, and none at the beginning.
    pub attempt: Option<AttemptNumber>,
    /// The version that the home was at, as far as it is known.
    pub from: Option<RuntimeVersion>,
    /// The version that it is led to (upgrade version, §17), as far as it is known.
    pub to: Option<RuntimeVersion>,
    /// How it stands (upgrade result, §17).
    pub result: OperationResult,
    /// How long it took, in seconds; none at the beginning.
    pub seconds: Option<f64>,
    /// The stable name of what went wrong. Never a text: a text may say more than telemetry may know.
    pub error: Option<&'static str>,
    /// The exit code of the command; none at the beginning, and none where there is no command.
    pub exit_code: Option<u8>,
}

impl OperationEvent {
    /// What stands in the field `event` of every one.
    pub const NAME: &'static str = "OPERATION";
}

/// Where telemetry goes. A sink that fails says so to nobody: the outcome of an upgrade never depends on it.
pub trait TelemetrySink {
    /// Takes one event.
    fn emit(&mut self, event: &TelemetryEvent);

    /// Takes the beginning or the end of an operation. Of no interest to a sink that does not say otherwise.
    fn operation(&mut self, _event: &OperationEvent) {}
}

/// Telemetry for nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTelemetry;

impl TelemetrySink for NoTelemetry {
    fn emit(&mut self, _event: &TelemetryEvent) {}
}

/// Telemetry as JSON Lines.
#[derive(Debug)]
pub struct JsonLines<W>(pub W);

impl<W: Write> JsonLines<W> {
    /// Writes one line, in one piece: several processes may append to the same file.
    ///
    /// # Errors
    /// What the writer says.
    pub fn line(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.0.write_all(&line)?;
        self.0.flush()
    }
}

// A failing sink must not change the outcome, so the errors go nowhere.
impl<W: Write> TelemetrySink for JsonLines<W> {
    fn emit(&mut self, event: &TelemetryEvent) {
        let _ = self.line(event);
    }

    fn operation(&mut self, event: &OperationEvent) {
        let _ = self.line(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a sink of JSON Lines has written, line by line.
    fn lines(bytes: Vec<u8>) -> Vec<serde_json::Value> {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with('\n'), "{text:?}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn operation(result: OperationResult) -> OperationEvent {
        OperationEvent {
            time: Timestamp::EPOCH,
            operation: "upgrade",
            attempt: Some(4),
            from: Some(RuntimeVersion::new(1, 0, 3)),
            to: None,
            result,
            seconds: None,
            error: None,
            exit_code: None,
        }
    }

    #[test]
    fn a_result_is_called_what_telemetry_says() {
        let all = [
            OperationResult::Started,
            OperationResult::Succeeded,
            OperationResult::Refused,
            OperationResult::Failed,
            OperationResult::Undone,
            OperationResult::RolledBack,
        ];
        for result in all {
            assert_eq!(serde_json::to_value(result).unwrap(), result.name());
        }
    }

    #[test]
    fn every_event_is_one_line_of_json_in_its_order() {
        let mut sink = JsonLines(Vec::new());
        sink.operation(&operation(OperationResult::Started));
        sink.emit(&TelemetryEvent {
            time: Timestamp::EPOCH,
            operation: Some(Operation::Upgrade),
            attempt: Some(4),
            from: None,
            to: Some(RuntimeVersion::new(2, 0, 0)),
            event: "SEALED",
            result: "running".to_owned(),
        });
        sink.operation(&operation(OperationResult::RolledBack));
        let lines = lines(sink.0);
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, [OperationEvent::NAME, "SEALED", OperationEvent::NAME]);
        let results: Vec<_> = lines.iter().map(|line| line["result"].as_str().unwrap()).collect();
        assert_eq!(results, ["started", "running", "rolled-back"]);
        assert_eq!((&lines[0]["from"], &lines[1]["to"]), (&"1.0.3".into(), &"2.0.0".into()));
    }

    /// A disk that is full.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_sink_that_fails_is_told_to_whoever_writes_a_line_and_to_nobody_else() {
        let mut sink = JsonLines(Full);
        let event = operation(OperationResult::Started);
        sink.operation(&event);
        assert_eq!(sink.line(&event).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}
