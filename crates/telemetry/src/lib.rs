//! Where the telemetry of upgrades goes (FC-UPGRADE-0001 §8, §16, §17).
//!
//! There are two kinds of events, both of the journal's crate: every record of the journal, once it is durable
//! ([`TelemetryEvent`]), and the beginning and the end of every operation ([`OperationEvent`]), also of one that is refused
//! before anything is on record. [`Observed`] emits the latter. `docs/telemetry.md` is the schema, and a test holds it.
//!
//! | sink | what it makes of them |
//! |---|---|
//! | [`JsonLinesFile`], [`JsonLines`] | a line of JSON each, into a file that is private, or into any writer |
//! | [`Tracing`] | `tracing` spans and events, for whoever subscribes |
//! | [`Metrics`] | `metrics` counters and a histogram, for whatever recorder is installed |
//! | `Otlp`, with the feature `otlp` | logs, spans and metrics for an OpenTelemetry collector |
//! | [`Several`] | all of these at once, and none of them can do harm: a panic ends where it began |
//!
//! No sink can fail an operation: none returns an error, none waits longer than its stated bound, and what goes wrong is said
//! once, to whom the sink was given for it ([`Complain`]). No sink sees anything but the two events, and there is no text in
//! them that comes from a configuration, a record or a message of an error.

mod file;
mod measures;
mod observed;
#[cfg(feature = "otlp")]
mod otlp;
mod several;
mod spans;

pub use file::JsonLinesFile;
pub use measures::{EVENTS_TOTAL, Metrics, OPERATION_SECONDS, OPERATIONS_TOTAL};
pub use observed::{Observed, Outcome};
#[cfg(feature = "otlp")]
pub use otlp::{Endpoint, InvalidEndpoint, MAXIMUM_PENDING_EVENTS, Otlp, TIMEOUT};
pub use several::Several;
pub use spans::{TARGET, Tracing};

// What the signatures above speak of.
pub use journal::{
    JsonLines, NoTelemetry, Operation, OperationEvent, OperationResult, TelemetryEvent,
    TelemetrySink,
};

/// Whom a sink tells, once, that it cannot do its work; a sentence without a full stop.
pub type Complain = Box<dyn FnMut(&str)>;

/// What stands for an operation where an event belongs to none, such as a start: labels have no other way to be absent.
const NO_OPERATION: &str = "none";

/// The name of the operation that an event belongs to.
fn operation_name(event: &TelemetryEvent) -> &'static str {
    event.operation.map_or(NO_OPERATION, Operation::name)
}

/// The result of a record that does not end its attempt.
const RUNNING: &str = "running";
/// The result of a record that ends its attempt without effect.
const UNDONE: &str = "undone";

/// How much an event should trouble whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    fn of_record(event: &TelemetryEvent) -> Self {
        if event.result == UNDONE { Self::Warning } else { Self::Info }
    }

    fn of_operation(result: OperationResult) -> Self {
        match result {
            OperationResult::Started | OperationResult::Succeeded => Self::Info,
            OperationResult::Refused => Self::Warning,
            OperationResult::Failed | OperationResult::Undone | OperationResult::RolledBack => {
                Self::Error
            }
        }
    }
}
