//! Spans and events, by the `tracing` facade.

use journal::{AttemptNumber, OperationEvent, OperationResult, TelemetryEvent, TelemetrySink};
use tracing::field::{Empty, display};
use tracing::{Span, error, info, info_span, warn};

use crate::{RUNNING, Severity};

/// The target of every span and event.
pub const TARGET: &str = "femtoclaw_upgrade";

/// Makes spans and events of what it is told: a span `operation` from an operation's beginning to its end, within it a span
/// `attempt` from the attempt's first record to its last, and an event for everything, within the innermost of them.
///
/// Where nobody says that an operation begins, an attempt's span lies in whatever span is current.
#[derive(Debug, Default)]
pub struct Tracing {
    /// Within the operation, so that it is closed first.
    attempt: Option<(AttemptNumber, Span)>,
    operation: Option<Span>,
}

/// An event at the level of its severity: the macros want to know the level when they are compiled.
macro_rules! event_at {
    ($severity:expr, $($fields:tt)+) => {
        match $severity {
            Severity::Info => info!(target: TARGET, $($fields)+),
            Severity::Warning => warn!(target: TARGET, $($fields)+),
            Severity::Error => error!(target: TARGET, $($fields)+),
        }
    };
}

impl Tracing {
    /// No span is open yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The innermost span that is open.
    fn innermost(&self) -> Span {
        let attempt = self.attempt.as_ref().map(|(_, span)| span);
        attempt.or(self.operation.as_ref()).cloned().unwrap_or_else(Span::current)
    }

    /// Opens the span of an event's attempt, unless it is open. What stands by itself, such as a start, has none.
    fn enter_attempt(&mut self, event: &TelemetryEvent) {
        let (Some(operation), Some(number)) = (event.operation, event.attempt) else { return };
        if self.attempt.as_ref().is_some_and(|(open, _)| *open == number) {
            return;
        }
        self.attempt = None;
        let parent = self.innermost();
        let from = event.from.as_ref().map(display);
        let span = info_span!(
            target: TARGET, parent: &parent, "attempt", operation = operation.name(), attempt = number,
            from, to = Empty, result = Empty
        );
        self.attempt = Some((number, span));
    }
}

impl TelemetrySink for Tracing {
    fn emit(&mut self, event: &TelemetryEvent) {
        self.enter_attempt(event);
        let parent = self.innermost();
        let from = event.from.as_ref().map(display);
        let to = event.to.as_ref().map(display);
        event_at!(
            Severity::of_record(event), parent: &parent, time = %event.time, event = event.event,
            operation = event.operation.map(journal::Operation::name), attempt = event.attempt, from, to,
            result = event.result.as_str(), "record"
        );
        // What stands by itself ends no attempt.
        if event.operation.is_some()
            && event.result != RUNNING
            && let Some((_, span)) = self.attempt.take()
        {
            span.record("result", event.result.as_str());
            span.record("to", event.to.as_ref().map(display));
        }
    }

    fn operation(&mut self, event: &OperationEvent) {
        if event.result == OperationResult::Started {
            // One that never ended is over, too.
            self.attempt = None;
            self.operation = Some(info_span!(
                target: TARGET, "operation", operation = event.operation, attempt = Empty, from = Empty,
                to = Empty, result = Empty
            ));
        } else {
            self.attempt = None;
        }
        let parent = self.innermost();
        let from = event.from.as_ref().map(display);
        let to = event.to.as_ref().map(display);
        event_at!(
            Severity::of_operation(event.result), parent: &parent, time = %event.time,
            event = OperationEvent::NAME, operation = event.operation, attempt = event.attempt, from, to,
            result = event.result.name(), seconds = event.seconds, error = event.error,
            exit_code = event.exit_code, "operation"
        );
        if event.result != OperationResult::Started
            && let Some(span) = self.operation.take()
        {
            span.record("attempt", event.attempt);
            span.record("from", from);
            span.record("to", to);
            span.record("result", event.result.name());
        }
    }
}
