//! Telemetry: what an upgrade tells the outside while it runs (FC-UPGRADE-0001 §8, §16, §17).

use std::io::Write;

use serde::Serialize;
use versioning::{RuntimeVersion, Timestamp};

use crate::{AttemptNumber, Operation};

/// One event. Every record of the journal is emitted as one once it is durable, and so is the outcome of an operation.
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
    /// How it stands (upgrade result, §17): `running`, `succeeded` or `undone`.
    pub result: String,
}

/// Where telemetry goes. A sink that fails says so to nobody: the outcome of an upgrade never depends on it.
pub trait TelemetrySink {
    /// Takes one event.
    fn emit(&mut self, event: &TelemetryEvent);
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

impl<W: Write> TelemetrySink for JsonLines<W> {
    fn emit(&mut self, event: &TelemetryEvent) {
        // A failing sink must not change the outcome, so neither of these errors goes anywhere.
        if let Ok(line) = serde_json::to_string(event) {
            let _ = writeln!(self.0, "{line}").and_then(|()| self.0.flush());
        }
    }
}
