//! From events to messages.

use std::collections::BTreeMap;
use std::fmt::Debug;

use integrity::Digest;
use journal::{OperationEvent, TelemetryEvent};
use prost::Message;
use versioning::{RuntimeVersion, Timestamp};

use super::EventKind;
use super::messages::{
    AnyValue, Data, Export, Histogram, HistogramPoint, KeyValue, LogRecord, Metric, NumberPoint,
    OfResource, OfScope, Resource, Scope, Span, Status, Sum, Value,
};
use super::post::Request;
use crate::Severity;
use crate::measures::{EVENTS_ABOUT, OPERATIONS_ABOUT, SECONDS_ABOUT};

/// What every attribute and every metric is named behind.
const PREFIX: &str = "femtoclaw.upgrade.";

/// `SPAN_KIND_INTERNAL`.
const SPAN_KIND_INTERNAL: i32 = 1;
/// `STATUS_CODE_ERROR`.
const STATUS_CODE_ERROR: i32 = 2;
/// `AGGREGATION_TEMPORALITY_DELTA`: a command ends, and what it counted is all that it will ever have to say.
const DELTA: i32 = 1;

/// The upper bounds of the histogram's buckets, in seconds; the last bucket has none.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 3600.0];

/// The ids of an operation's trace and of its one span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    trace: [u8; 16],
    span: [u8; 8],
}

impl Ids {
    /// Derived from what an operation is and when it began: nothing here is random.
    pub(super) fn of(operation: &str, started: Timestamp) -> Self {
        let digest =
            |what| Digest::of(format!("{PREFIX}{what}\n{operation}\n{started}").as_bytes());
        let (trace, span) = (digest("trace"), digest("span"));
        // A digest is longer than both, so that neither default is ever taken.
        Self {
            trace: trace.as_bytes().first_chunk().copied().unwrap_or_default(),
            span: span.as_bytes().first_chunk().copied().unwrap_or_default(),
        }
    }
}

/// A record of the journal, as a log record.
pub(super) fn record(event: &TelemetryEvent, ids: Option<Ids>) -> LogRecord {
    let mut attributes = vec![text("event", event.event)];
    attributes.extend(event.operation.map(|operation| text("operation", operation.name())));
    attributes.extend(event.attempt.map(attempt));
    attributes.extend(versions(event.from.as_ref(), event.to.as_ref()));
    attributes.push(text("result", &event.result));
    log(event.time, Severity::of_record(event), event.event, "record", attributes, ids)
}

/// The beginning or the end of an operation, as a log record.
pub(super) fn operation(event: &OperationEvent, ids: Ids) -> LogRecord {
    let mut attributes = vec![text("event", OperationEvent::NAME)];
    attributes.extend(operation_attributes(event));
    let severity = Severity::of_operation(event.result);
    log(event.time, severity, OperationEvent::NAME, "operation", attributes, Some(ids))
}

/// An operation that ended, as a span.
pub(super) fn span(ids: Ids, started: Timestamp, event: &OperationEvent) -> Span {
    let is_well = Severity::of_operation(event.result) == Severity::Info;
    let status = (!is_well).then(|| Status {
        message: event.error.unwrap_or(event.result.name()).to_owned(),
        code: STATUS_CODE_ERROR,
    });
    Span {
        trace_id: ids.trace.to_vec(),
        span_id: ids.span.to_vec(),
        name: event.operation.to_owned(),
        kind: SPAN_KIND_INTERNAL,
        start_time_unix_nano: nanoseconds(started),
        // A clock may have been set back.
        end_time_unix_nano: nanoseconds(event.time.max(started)),
        attributes: operation_attributes(event),
        status,
    }
}

/// How often each kind of event happened.
pub(super) fn event_counts(
    events: &BTreeMap<EventKind, i64>,
    since: Timestamp,
    now: Timestamp,
) -> Metric {
    let points = events.iter().map(|((event, operation, result), count)| {
        let attributes =
            vec![text("event", event), text("operation", operation), text("result", result)];
        number(*count, attributes, since, now)
    });
    counter("events", EVENTS_ABOUT, "{event}", points.collect())
}

/// That an operation ended, and how long it took.
pub(super) fn operation_metrics(started: Timestamp, event: &OperationEvent) -> Vec<Metric> {
    let attributes = vec![text("operation", event.operation), text("result", event.result.name())];
    let count = number(1, attributes.clone(), started, event.time);
    let mut metrics = vec![counter("operations", OPERATIONS_ABOUT, "{operation}", vec![count])];
    if let Some(seconds) = event.seconds {
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        let point = HistogramPoint {
            start_time_unix_nano: nanoseconds(started),
            time_unix_nano: nanoseconds(event.time.max(started)),
            count: 1,
            sum: Some(seconds),
            bucket_counts: (0..=BOUNDS.len()).map(|at| u64::from(at == bucket)).collect(),
            explicit_bounds: BOUNDS.to_vec(),
            attributes,
        };
        let histogram = Histogram { data_points: vec![point], aggregation_temporality: DELTA };
        metrics.push(metric("operation", SECONDS_ABOUT, "s", Data::Histogram(histogram)));
    }
    metrics
}

/// The requests that say all of this; none for what there is nothing of.
pub(super) fn requests(
    logs: Vec<LogRecord>,
    spans: Vec<Span>,
    metrics: Vec<Metric>,
) -> Vec<Request> {
    let requests = [
        ("/v1/logs", export(logs)),
        ("/v1/traces", export(spans)),
        ("/v1/metrics", export(metrics)),
    ];
    let present = |(path, body): (&'static str, Option<Vec<u8>>)| Some((path, body?));
    requests.into_iter().filter_map(present).collect()
}

fn export<T: Message + Default + Debug>(items: Vec<T>) -> Option<Vec<u8>> {
    if items.is_empty() {
        return None;
    }
    let version = env!("CARGO_PKG_VERSION");
    let scope = Scope { name: env!("CARGO_PKG_NAME").to_owned(), version: version.to_owned() };
    let attributes = vec![
        attribute("service.name", Value::Text("femtoclaw-upgrade".to_owned())),
        attribute("service.version", Value::Text(version.to_owned())),
    ];
    let of_resource = OfResource {
        resource: Some(Resource { attributes }),
        scope: Some(OfScope { scope: Some(scope), items }),
    };
    Some(Export { resource: Some(of_resource) }.encode_to_vec())
}

fn operation_attributes(event: &OperationEvent) -> Vec<KeyValue> {
    let mut attributes = vec![text("operation", event.operation)];
    attributes.extend(event.attempt.map(attempt));
    attributes.extend(versions(event.from.as_ref(), event.to.as_ref()));
    attributes.push(text("result", event.result.name()));
    attributes.extend(event.seconds.map(|seconds| ours("seconds", Value::Number(seconds))));
    attributes.extend(event.error.map(|error| text("error", error)));
    attributes.extend(event.exit_code.map(|code| ours("exit_code", Value::Integer(code.into()))));
    attributes
}

fn log(
    time: Timestamp,
    severity: Severity,
    body: &str,
    kind: &str,
    attributes: Vec<KeyValue>,
    ids: Option<Ids>,
) -> LogRecord {
    // Of the 24 severities of the protocol these are the plain ones.
    let (severity_number, severity_text) = match severity {
        Severity::Info => (9, "INFO"),
        Severity::Warning => (13, "WARN"),
        Severity::Error => (17, "ERROR"),
    };
    LogRecord {
        time_unix_nano: nanoseconds(time),
        severity_number,
        severity_text: severity_text.to_owned(),
        body: Some(AnyValue { value: Some(Value::Text(body.to_owned())) }),
        attributes,
        trace_id: ids.map(|ids| ids.trace.to_vec()).unwrap_or_default(),
        span_id: ids.map(|ids| ids.span.to_vec()).unwrap_or_default(),
        observed_time_unix_nano: nanoseconds(time),
        event_name: format!("{PREFIX}{kind}"),
    }
}

fn number(count: i64, attributes: Vec<KeyValue>, since: Timestamp, now: Timestamp) -> NumberPoint {
    NumberPoint {
        start_time_unix_nano: nanoseconds(since),
        time_unix_nano: nanoseconds(now.max(since)),
        as_int: Some(count),
        attributes,
    }
}

fn counter(name: &str, about: &str, unit: &str, data_points: Vec<NumberPoint>) -> Metric {
    let sum = Sum { data_points, aggregation_temporality: DELTA, is_monotonic: true };
    metric(name, about, unit, Data::Sum(sum))
}

fn metric(name: &str, about: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: format!("{PREFIX}{name}"),
        description: about.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
    }
}

fn versions(
    from: Option<&RuntimeVersion>,
    to: Option<&RuntimeVersion>,
) -> impl Iterator<Item = KeyValue> {
    let version = |key: &str, version: &RuntimeVersion| text(key, &version.to_string());
    let from = from.map(|found| version("from", found));
    from.into_iter().chain(to.map(|found| version("to", found)))
}

fn attempt(number: u64) -> KeyValue {
    ours("attempt", Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn text(key: &str, value: &str) -> KeyValue {
    ours(key, Value::Text(value.to_owned()))
}

fn ours(key: &str, value: Value) -> KeyValue {
    attribute(&format!("{PREFIX}{key}"), value)
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

/// Nanoseconds since 1970; 0, which means unknown, for what was before.
fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.unix_nanoseconds()).unwrap_or(0)
}
