//! The exporter: a collector on a real socket reads what it sends, with the types that OpenTelemetry generates itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use prost::Message;
use telemetry::{Endpoint, MAXIMUM_PENDING_EVENTS, Otlp, TelemetrySink};

use crate::support::{BEGINNING, Complaints, refused, start, undone, upgrade};

/// Longer than anything here takes, and shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it arrived.
struct Posted {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A collector that answers every request with this.
struct Collector {
    endpoint: Endpoint,
    posted: Receiver<Posted>,
}

impl Collector {
    fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (sender, posted) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                stream.write_all(answer.as_bytes()).unwrap();
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { endpoint, posted }
    }

    fn new() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }

    fn next(&self) -> Posted {
        self.posted.recv_timeout(PATIENCE).unwrap()
    }

    /// Logs, spans and metrics, as they are sent one after the other.
    fn signals(&self) -> (Vec<LogRecord>, Vec<Span>, BTreeMap<String, Metric>) {
        let (logs, spans, metrics) = (logs(&self.next()), spans(&self.next()), self.next());
        (logs, spans, metrics_of(&metrics))
    }
}

fn read(stream: &TcpStream) -> Posted {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let request = line();
    let path = request.strip_prefix("POST ").unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    Posted { path, headers, body }
}

fn whose(resource: Option<&Resource>, scope: Option<&InstrumentationScope>) {
    let resource = attributes(&resource.unwrap().attributes);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(resource["service.name"], "femtoclaw-upgrade");
    assert_eq!(resource["service.version"], version);
    assert_eq!(scope.unwrap().name, "femtoclaw-upgrade-telemetry");
    assert_eq!(scope.unwrap().version, version);
}

fn logs(posted: &Posted) -> Vec<LogRecord> {
    assert_eq!(posted.path, "/v1/logs");
    let request = ExportLogsServiceRequest::decode(&*posted.body).unwrap();
    assert_eq!(request.encode_to_vec(), posted.body, "every byte was understood");
    let [of_resource] = &request.resource_logs[..] else { panic!("{request:?}") };
    let [of_scope] = &of_resource.scope_logs[..] else { panic!("{request:?}") };
    whose(of_resource.resource.as_ref(), of_scope.scope.as_ref());
    of_scope.log_records.clone()
}

fn spans(posted: &Posted) -> Vec<Span> {
    assert_eq!(posted.path, "/v1/traces");
    let request = ExportTraceServiceRequest::decode(&*posted.body).unwrap();
    assert_eq!(request.encode_to_vec(), posted.body, "every byte was understood");
    let [of_resource] = &request.resource_spans[..] else { panic!("{request:?}") };
    let [of_scope] = &of_resource.scope_spans[..] else { panic!("{request:?}") };
    whose(of_resource.resource.as_ref(), of_scope.scope.as_ref());
    of_scope.spans.clone()
}

fn metrics_of(posted: &Posted) -> BTreeMap<String, Metric> {
    assert_eq!(posted.path, "/v1/metrics");
    let request = ExportMetricsServiceRequest::decode(&*posted.body).unwrap();
    assert_eq!(request.encode_to_vec(), posted.body, "every byte was understood");
    let [of_resource] = &request.resource_metrics[..] else { panic!("{request:?}") };
    let [of_scope] = &of_resource.scope_metrics[..] else { panic!("{request:?}") };
    whose(of_resource.resource.as_ref(), of_scope.scope.as_ref());
    of_scope.metrics.iter().map(|metric| (metric.name.clone(), metric.clone())).collect()
}

fn attributes(found: &[KeyValue]) -> BTreeMap<String, String> {
    let shown = |pair: &KeyValue| {
        let value = match pair.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => format!("{number}"),
            Value::DoubleValue(number) => format!("{number:?}"),
            other => panic!("{other:?}"),
        };
        let key = pair.key.strip_prefix("femtoclaw.upgrade.").unwrap_or(&pair.key);
        (key.to_owned(), value)
    };
    found.iter().map(shown).collect()
}

fn pairs(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn nanoseconds(seconds: u64) -> u64 {
    u64::try_from(BEGINNING).unwrap() + seconds * 1_000_000_000
}

/// Every counter of a metric, by its attributes.
fn counts(metric: &Metric) -> BTreeMap<String, i64> {
    let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    assert!(sum.is_monotonic);
    assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Delta);
    let count = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        assert!(point.start_time_unix_nano >= nanoseconds(0));
        assert!(point.start_time_unix_nano <= point.time_unix_nano);
        let Some(number_data_point::Value::AsInt(count)) = point.value else { panic!("{point:?}") };
        let labels: Vec<String> = attributes(&point.attributes).into_values().collect();
        (labels.join(" "), count)
    };
    sum.data_points.iter().map(count).collect()
}

fn otlp(collector: &Collector, complaints: &Complaints) -> Otlp {
    Otlp::new(collector.endpoint.clone(), complaints.listener())
}

#[test]
fn an_operation_arrives_as_logs_within_one_span_and_as_metrics() {
    let (collector, complaints) = (Collector::new(), Complaints::default());
    upgrade(&mut otlp(&collector, &complaints));
    let (logs, spans, metrics) = collector.signals();
    let names: Vec<_> =
        logs.iter().map(|log| attributes(&log.attributes)["event"].clone()).collect();
    let records = ["AUTHORIZED", "PREPARED", "QUIESCED", "SEALED", "ACTIVATED"];
    assert_eq!(names, [&["OPERATION"], &records[..], &["OPERATION"]].concat());

    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
    assert_eq!((span.name.as_str(), span.kind()), ("upgrade", SpanKind::Internal));
    assert_eq!(span.start_time_unix_nano, nanoseconds(0));
    assert_eq!(span.end_time_unix_nano, nanoseconds(3));
    assert_eq!((&span.status, span.parent_span_id.len()), (&None, 0));
    let mut ended = pairs(&[
        ("operation", "upgrade"),
        ("attempt", "4"),
        ("from", "1.0.3"),
        ("to", "2.1.0"),
        ("result", "succeeded"),
        ("seconds", "2.5"),
        ("exit_code", "0"),
    ]);
    assert_eq!(attributes(&span.attributes), ended);

    for log in &logs {
        assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.span_id));
        assert_eq!((log.severity_number, log.severity_text.as_str()), (9, "INFO"));
        assert_eq!(log.time_unix_nano, log.observed_time_unix_nano);
    }
    ended.insert("event".to_owned(), "OPERATION".to_owned());
    assert_eq!(attributes(&logs[6].attributes), ended);
    assert_eq!(logs[6].event_name, "femtoclaw.upgrade.operation");
    let activated = pairs(&[
        ("event", "ACTIVATED"),
        ("operation", "upgrade"),
        ("attempt", "4"),
        ("from", "1.0.3"),
        ("to", "2.1.0"),
        ("result", "succeeded"),
    ]);
    assert_eq!(attributes(&logs[5].attributes), activated);
    assert_eq!(logs[5].event_name, "femtoclaw.upgrade.record");
    assert_eq!(logs[5].time_unix_nano, nanoseconds(2));
    let body = logs[5].body.clone().unwrap().value;
    assert_eq!(body, Some(Value::StringValue("ACTIVATED".to_owned())));

    assert_eq!(metrics.len(), 3);
    let events = counts(&metrics["femtoclaw.upgrade.events"]);
    assert_eq!((events.len(), events["SEALED upgrade running"]), (5, 1));
    let operations = counts(&metrics["femtoclaw.upgrade.operations"]);
    assert_eq!(operations, BTreeMap::from([("upgrade succeeded".to_owned(), 1)]));
    let duration = &metrics["femtoclaw.upgrade.operation"];
    assert_eq!(duration.unit, "s");
    let Some(Data::Histogram(histogram)) = &duration.data else { panic!("{duration:?}") };
    assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Delta);
    let [point] = &histogram.data_points[..] else { panic!("{histogram:?}") };
    assert_eq!((point.count, point.sum), (1, Some(2.5)));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    let bucket = point.bucket_counts.iter().position(|count| *count == 1).unwrap();
    assert!(point.explicit_bounds[bucket - 1] < 2.5 && 2.5 <= point.explicit_bounds[bucket]);
    assert_eq!(complaints.heard(), Vec::<String>::new());
}

#[test]
fn a_request_is_http_as_a_collector_expects_it() {
    let (collector, complaints) = (Collector::new(), Complaints::default());
    let endpoint: Endpoint = format!("{}/otel", collector.endpoint).parse().unwrap();
    refused(&mut Otlp::new(endpoint, complaints.listener()));
    for signal in ["logs", "traces", "metrics"] {
        let posted = collector.next();
        assert_eq!(posted.path, format!("/otel/v1/{signal}"));
        assert_eq!(posted.headers["content-type"], "application/x-protobuf");
        assert_eq!(posted.headers["connection"], "close");
        assert_eq!(format!("http://{}", posted.headers["host"]), collector.endpoint.to_string());
    }
}

#[test]
fn what_goes_wrong_arrives_as_an_error_with_its_name_and_what_is_refused_arrives_too() {
    let (collector, complaints) = (Collector::new(), Complaints::default());
    let mut otlp = otlp(&collector, &complaints);
    undone(&mut otlp);
    let (logs, spans, _) = collector.signals();
    let loud: Vec<_> = logs.iter().map(|log| log.severity_text.as_str()).collect();
    assert_eq!(loud, ["INFO", "INFO", "INFO", "WARN", "ERROR"]);
    let status = spans[0].status.clone().unwrap();
    assert_eq!((status.code(), &*status.message), (StatusCode::Error, "storage-migration-failed"));
    refused(&mut otlp);
    let (logs, spans, metrics) = collector.signals();
    assert_eq!(logs.len(), 2, "what was sent is not sent again");
    let refused = attributes(&spans[0].attributes);
    assert_eq!((&*refused["result"], &*refused["error"]), ("refused", "incompatible"));
    assert_eq!(
        (&*refused["from"], &*refused["to"], &*refused["exit_code"]),
        ("1.0.3", "9.0.0", "3")
    );
    assert!(!metrics.contains_key("femtoclaw.upgrade.events"), "there was none");
}

#[test]
fn ids_tell_operations_apart_and_are_the_same_for_the_same() {
    let ids = |work: &dyn Fn(&mut Otlp)| {
        let (collector, complaints) = (Collector::new(), Complaints::default());
        work(&mut otlp(&collector, &complaints));
        let (_, spans, _) = collector.signals();
        (spans[0].trace_id.clone(), spans[0].span_id.clone())
    };
    let of = |operation: &'static str, second| {
        ids(&move |otlp: &mut Otlp| {
            let begun =
                telemetry::Observed::begin(otlp, operation, None, crate::support::at(second));
            begun.end(crate::support::succeeded(), crate::support::at(second), 0.0);
        })
    };
    let first = of("upgrade", 0);
    assert_eq!(first, of("upgrade", 0));
    for other in [of("upgrade", 1), of("rollback", 0)] {
        assert!(first.0 != other.0 && first.1 != other.1, "{other:?}");
    }
}

#[test]
fn what_belongs_to_no_operation_is_sent_at_the_end_and_never_more_than_so_much_is_kept() {
    let (collector, complaints) = (Collector::new(), Complaints::default());
    let mut otlp = otlp(&collector, &complaints);
    for _ in 0..=MAXIMUM_PENDING_EVENTS {
        otlp.emit(&start());
    }
    assert_eq!(logs(&collector.next()).len(), MAXIMUM_PENDING_EVENTS);
    let events = counts(&metrics_of(&collector.next())["femtoclaw.upgrade.events"]);
    assert_eq!(events["STARTED none succeeded"], 256);
    drop(otlp);
    let last = logs(&collector.next());
    assert_eq!((last.len(), last[0].trace_id.len()), (1, 0));
    assert_eq!(metrics_of(&collector.next()).len(), 1);
    // Nor does it belong to an operation that is over.
    let mut otlp = self::otlp(&collector, &complaints);
    upgrade(&mut otlp);
    collector.signals();
    otlp.emit(&start());
    drop(otlp);
    assert!(logs(&collector.next())[0].trace_id.is_empty());
    assert!(complaints.heard().is_empty());
}

/// How long an upgrade takes whose telemetry goes there, three times over, and what is complained of.
fn harmless(endpoint: &Endpoint) -> (Duration, Vec<String>) {
    let complaints = Complaints::default();
    let begun = std::time::Instant::now();
    let mut otlp = Otlp::new(endpoint.clone(), complaints.listener());
    for _ in 0..3 {
        upgrade(&mut otlp);
    }
    drop(otlp);
    (begun.elapsed(), complaints.heard())
}

#[test]
fn a_collector_that_is_not_there_costs_nothing_and_is_complained_of_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let (took, heard) = harmless(&endpoint);
    assert!(took < telemetry::TIMEOUT, "{took:?}");
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains(&endpoint.to_string()), "{heard:?}");
}

#[test]
fn a_collector_that_says_nothing_is_waited_for_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (took, heard) = harmless(&endpoint);
    assert!(took >= telemetry::TIMEOUT && took < 2 * telemetry::TIMEOUT, "{took:?}");
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains("no answer within 2 s"), "{heard:?}");
}

#[test]
fn a_collector_that_refuses_or_talks_nonsense_is_asked_once() {
    for (answer, complaint) in [
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "status 503"),
        ("HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\n\r\n", "status 301"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP"),
    ] {
        let collector = Collector::answering(answer);
        let (_, heard) = harmless(&collector.endpoint);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains(complaint), "{heard:?}");
        collector.next();
        assert!(collector.posted.recv_timeout(Duration::from_millis(100)).is_err(), "{answer}");
    }
}
