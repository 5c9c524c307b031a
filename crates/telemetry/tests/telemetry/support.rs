//! Events, as the upgrade system and the command emit them.

use std::cell::RefCell;
use std::rc::Rc;

use telemetry::{
    Complain, Observed, Operation, OperationEvent, OperationResult, Outcome, TelemetryEvent,
    TelemetrySink,
};
use versioning::{RuntimeVersion, Timestamp};

/// When the first event of every story happens: 2026-11-25T12:00:00Z.
pub(crate) const BEGINNING: i128 = 1_795_608_000_000_000_000;

pub(crate) fn at(seconds: i128) -> Timestamp {
    Timestamp::from_unix_nanoseconds(BEGINNING + seconds * 1_000_000_000).unwrap()
}

pub(crate) fn version(text: &str) -> Option<RuntimeVersion> {
    Some(text.parse().unwrap())
}

/// A record of attempt 4, an upgrade from 1.0.3.
pub(crate) fn record(
    seconds: i128,
    event: &'static str,
    to: Option<RuntimeVersion>,
    result: &str,
) -> TelemetryEvent {
    TelemetryEvent {
        time: at(seconds),
        operation: Some(Operation::Upgrade),
        attempt: Some(4),
        from: version("1.0.3"),
        to,
        event,
        result: result.to_owned(),
    }
}

/// A start, which belongs to no operation.
pub(crate) fn start() -> TelemetryEvent {
    TelemetryEvent {
        time: at(0),
        operation: None,
        attempt: Some(9),
        from: version("2.1.0"),
        to: version("2.1.0"),
        event: "STARTED",
        result: "succeeded".to_owned(),
    }
}

pub(crate) fn succeeded() -> Outcome {
    Outcome { result: OperationResult::Succeeded, error: None, exit_code: Some(0) }
}

/// An upgrade that succeeds in 2.5 seconds.
pub(crate) fn upgrade(sink: &mut dyn TelemetrySink) {
    let mut observed = Observed::begin(sink, "upgrade", None, at(0));
    observed.emit(&record(0, "AUTHORIZED", None, "running"));
    for event in ["PREPARED", "QUIESCED", "SEALED"] {
        observed.emit(&record(1, event, version("2.1.0"), "running"));
    }
    observed.emit(&record(2, "ACTIVATED", version("2.1.0"), "succeeded"));
    observed.end(succeeded(), at(3), 2.5);
}

/// An upgrade that fails on its way and is undone.
pub(crate) fn undone(sink: &mut dyn TelemetrySink) {
    let mut observed = Observed::begin(sink, "upgrade", version("2.1.0"), at(0));
    observed.emit(&record(0, "AUTHORIZED", None, "running"));
    observed.emit(&record(1, "PREPARED", version("2.1.0"), "running"));
    observed.emit(&record(2, "ABORTED", version("2.1.0"), "undone"));
    let error = Some("storage-migration-failed");
    observed.end(
        Outcome { result: OperationResult::Undone, error, exit_code: Some(7) },
        at(2),
        2.0,
    );
}

/// An upgrade that is refused before anything is on record.
pub(crate) fn refused(sink: &mut dyn TelemetrySink) {
    let mut observed = Observed::begin(sink, "upgrade", version("9.0.0"), at(0));
    observed.learn(version("1.0.3"), None);
    let error = Some("incompatible");
    observed.end(
        Outcome { result: OperationResult::Refused, error, exit_code: Some(3) },
        at(0),
        0.02,
    );
}

/// Keeps what it is told.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) records: Rc<RefCell<Vec<TelemetryEvent>>>,
    pub(crate) operations: Rc<RefCell<Vec<OperationEvent>>>,
}

impl TelemetrySink for Kept {
    fn emit(&mut self, event: &TelemetryEvent) {
        self.records.borrow_mut().push(event.clone());
    }

    fn operation(&mut self, event: &OperationEvent) {
        self.operations.borrow_mut().push(event.clone());
    }
}

/// What sinks complain of.
#[derive(Clone, Default)]
pub(crate) struct Complaints(pub(crate) Rc<RefCell<Vec<String>>>);

impl Complaints {
    pub(crate) fn listener(&self) -> Complain {
        let kept = self.0.clone();
        Box::new(move |complaint| kept.borrow_mut().push(complaint.to_owned()))
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}
