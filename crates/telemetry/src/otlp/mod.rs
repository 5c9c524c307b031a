//! Telemetry for an OpenTelemetry collector: OTLP over HTTP, in protobuf.

mod encode;
mod endpoint;
mod messages;
mod post;

pub use endpoint::{Endpoint, InvalidEndpoint};
pub use post::TIMEOUT;

use std::collections::BTreeMap;

use journal::{OperationEvent, OperationResult, TelemetryEvent, TelemetrySink};
use messages::{LogRecord, Metric, Span};
use versioning::Timestamp;

use crate::{Complain, operation_name};

/// How many events are kept before they are sent at the latest.
pub const MAXIMUM_PENDING_EVENTS: usize = 256;

/// Sends events as logs, operations as spans, and counts of both as metrics.
///
/// All of it is sent when an operation ends, when [`MAXIMUM_PENDING_EVENTS`] are waiting, or when the sink is dropped. Whoever
/// emits waits for at most [`TIMEOUT`] each time, and after the first failure not at all: the sink complains once and goes quiet.
pub struct Otlp {
    endpoint: Endpoint,
    /// Nothing any more, once it has failed.
    complain: Option<Complain>,
    operation: Option<Running>,
    pending: Pending,
}

/// The operation that is going on.
#[derive(Debug, Clone, Copy)]
struct Running {
    ids: encode::Ids,
    started: Timestamp,
}

impl Running {
    fn since(event: &OperationEvent) -> Self {
        Self { ids: encode::Ids::of(event.operation, event.time), started: event.time }
    }
}

/// What counts events apart: their names, operations and results.
type EventKind = (&'static str, &'static str, String);

/// What is not sent yet.
#[derive(Debug, Default)]
struct Pending {
    /// When the first and the last of it happened: metrics say of which time they speak.
    between: Option<(Timestamp, Timestamp)>,
    logs: Vec<LogRecord>,
    spans: Vec<Span>,
    events: BTreeMap<EventKind, i64>,
    metrics: Vec<Metric>,
}

impl Otlp {
    /// Events will go to this collector.
    #[must_use]
    pub fn new(endpoint: Endpoint, complain: Complain) -> Self {
        let (operation, pending) = (None, Pending::default());
        Self { endpoint, complain: Some(complain), operation, pending }
    }

    fn log(&mut self, record: LogRecord, time: Timestamp) {
        self.pending.between.get_or_insert((time, time)).1 = time;
        self.pending.logs.push(record);
        if self.pending.logs.len() >= MAXIMUM_PENDING_EVENTS {
            self.send();
        }
    }

    fn end(&mut self, running: Running, event: &OperationEvent) {
        self.pending.between.get_or_insert((event.time, event.time)).1 = event.time;
        self.pending.spans.push(encode::span(running.ids, running.started, event));
        self.pending.metrics.extend(encode::operation_metrics(running.started, event));
        self.send();
    }

    /// Sends what is pending.
    fn send(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        if let (Some((first, last)), false) = (pending.between, pending.events.is_empty()) {
            pending.metrics.push(encode::event_counts(&pending.events, first, last));
        }
        let requests = encode::requests(pending.logs, pending.spans, pending.metrics);
        if let Err(reason) = post::all(&self.endpoint, requests) {
            let reason = format!("cannot send to {}: {reason}", self.endpoint);
            if let Some(mut complain) = self.complain.take() {
                complain(&reason);
            }
        }
    }
}

impl TelemetrySink for Otlp {
    fn emit(&mut self, event: &TelemetryEvent) {
        if self.complain.is_none() {
            return;
        }
        let kind = (event.event, operation_name(event), event.result.clone());
        *self.pending.events.entry(kind).or_default() += 1;
        self.log(encode::record(event, self.operation.map(|running| running.ids)), event.time);
    }

    fn operation(&mut self, event: &OperationEvent) {
        if self.complain.is_none() {
            return;
        }
        let begins = event.result == OperationResult::Started;
        if begins {
            self.operation = None;
        }
        let running = *self.operation.get_or_insert_with(|| Running::since(event));
        self.log(encode::operation(event, running.ids), event.time);
        if !begins {
            self.operation = None;
            self.end(running, event);
        }
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        if self.complain.is_some() && self.pending.between.is_some() {
            self.send();
        }
    }
}
