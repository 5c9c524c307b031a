//! Counters and a histogram, by the `metrics` facade.

use journal::{OperationEvent, OperationResult, TelemetryEvent, TelemetrySink};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::operation_name;

/// A counter: events, by `event`, `operation` and `result`.
pub const EVENTS_TOTAL: &str = "femtoclaw_upgrade_events_total";

/// A counter: operations that ended, by `operation` and `result`.
pub const OPERATIONS_TOTAL: &str = "femtoclaw_upgrade_operations_total";

/// A histogram: how long operations took, in seconds, by `operation` and `result`.
pub const OPERATION_SECONDS: &str = "femtoclaw_upgrade_operation_seconds";

/// What the counters and the histogram say they are.
pub(crate) const EVENTS_ABOUT: &str = "Records of the journal that became durable.";
pub(crate) const OPERATIONS_ABOUT: &str = "Operations that ended.";
pub(crate) const SECONDS_ABOUT: &str = "How long operations took.";

/// Counts and measures, for whatever recorder of the `metrics` crate is installed.
///
/// Labels have few values: names of events, operations and results. Versions are no labels, since there is no end to them.
#[derive(Debug)]
pub struct Metrics {
    _described: (),
}

impl Metrics {
    /// Describes the metrics to the recorder that is installed now.
    #[must_use]
    pub fn new() -> Self {
        describe_counter!(EVENTS_TOTAL, Unit::Count, EVENTS_ABOUT);
        describe_counter!(OPERATIONS_TOTAL, Unit::Count, OPERATIONS_ABOUT);
        describe_histogram!(OPERATION_SECONDS, Unit::Seconds, SECONDS_ABOUT);
        Self { _described: () }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl TelemetrySink for Metrics {
    fn emit(&mut self, event: &TelemetryEvent) {
        let (operation, result) = (operation_name(event), event.result.clone());
        counter!(EVENTS_TOTAL, "event" => event.event, "operation" => operation, "result" => result)
            .increment(1);
    }

    fn operation(&mut self, event: &OperationEvent) {
        if event.result == OperationResult::Started {
            return;
        }
        let (operation, result) = (event.operation, event.result.name());
        counter!(OPERATIONS_TOTAL, "operation" => operation, "result" => result).increment(1);
        if let Some(seconds) = event.seconds {
            histogram!(OPERATION_SECONDS, "operation" => operation, "result" => result)
                .record(seconds);
        }
    }
}
