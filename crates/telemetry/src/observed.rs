//! An operation that is observed from its beginning to its end.

use journal::{AttemptNumber, OperationEvent, OperationResult, TelemetryEvent, TelemetrySink};
use versioning::{RuntimeVersion, Timestamp};

/// How an operation came out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Its result.
    pub result: OperationResult,
    /// The stable name of what went wrong, if something did.
    pub error: Option<&'static str>,
    /// The exit code, if it is a command's.
    pub exit_code: Option<u8>,
}

/// One operation, between a caller and a sink: says that it begins, hands on every event, remembers the versions that go by, and
/// says how it ended. One that is dropped instead, as when the process dies, is seen to have begun and not to have ended.
pub struct Observed<'s> {
    sink: &'s mut dyn TelemetrySink,
    operation: &'static str,
    attempt: Option<AttemptNumber>,
    from: Option<RuntimeVersion>,
    to: Option<RuntimeVersion>,
}

impl<'s> Observed<'s> {
    /// An operation begins; `to` is the version that was asked for, if one was.
    pub fn begin(
        sink: &'s mut dyn TelemetrySink,
        operation: &'static str,
        to: Option<RuntimeVersion>,
        now: Timestamp,
    ) -> Self {
        let mut observed = Self { sink, operation, attempt: None, from: None, to };
        let started = Outcome { result: OperationResult::Started, error: None, exit_code: None };
        observed.say(started, now, None);
        observed
    }

    /// The versions, where something else tells than events: what an event said stays.
    pub fn learn(&mut self, from: Option<RuntimeVersion>, to: Option<RuntimeVersion>) {
        if self.attempt.is_none() {
            self.from = self.from.take().or(from);
            self.to = to.or_else(|| self.to.take());
        }
    }

    /// The operation ended, after this many seconds.
    pub fn end(mut self, outcome: Outcome, now: Timestamp, seconds: f64) {
        self.say(outcome, now, Some(seconds));
    }

    // trace: impl FC-4.3 FC-17.2.1 FC-17.2.2 FC-17.2.3
    fn say(&mut self, outcome: Outcome, time: Timestamp, seconds: Option<f64>) {
        self.sink.operation(&OperationEvent {
            time,
            operation: self.operation,
            attempt: self.attempt,
            from: self.from.clone(),
            to: self.to.clone(),
            result: outcome.result,
            seconds,
            error: outcome.error,
            exit_code: outcome.exit_code,
        });
    }
}

impl TelemetrySink for Observed<'_> {
    fn emit(&mut self, event: &TelemetryEvent) {
        // The first event knows where the operation set out from, the last one where it leads.
        if self.attempt.is_none() {
            self.from.clone_from(&event.from);
        }
        if event.to.is_some() {
            self.to.clone_from(&event.to);
        }
        self.attempt = event.attempt.or(self.attempt);
        self.sink.emit(event);
    }

    fn operation(&mut self, event: &OperationEvent) {
        self.sink.operation(event);
    }
}
