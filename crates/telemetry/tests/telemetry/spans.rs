//! Spans and events, as a subscriber gets them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use telemetry::{TARGET, TelemetrySink, Tracing};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{at, record, refused, start, undone, upgrade, version};

type Fields = BTreeMap<&'static str, String>;

/// What happened to a subscriber, in order. Spans are numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Opened { id: u64, name: &'static str, parent: Option<u64> },
    Event { within: Option<u64>, level: Level, name: String },
    Closed { id: u64 },
}

#[derive(Default)]
struct Book {
    heard: Vec<Heard>,
    spans: Vec<Fields>,
    events: Vec<Fields>,
    references: Vec<usize>,
}

/// A subscriber that writes everything down.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Book>>);

struct Reader<'f>(&'f mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        assert_eq!(metadata.target(), TARGET);
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut book = self.0.lock().unwrap();
        let mut fields = Fields::new();
        span.record(&mut Reader(&mut fields));
        book.spans.push(fields);
        book.references.push(1);
        let id = book.spans.len() as u64;
        let parent = span.parent().map(Id::into_u64);
        book.heard.push(Heard::Opened { id, name: span.metadata().name(), parent });
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Reader(&mut self.0.lock().unwrap().spans[at]));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut book = self.0.lock().unwrap();
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        let within = event.parent().map(Id::into_u64);
        let level = *event.metadata().level();
        book.heard.push(Heard::Event { within, level, name: fields["event"].clone() });
        book.events.push(fields);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}

    fn clone_span(&self, id: &Id) -> Id {
        let at = usize::try_from(id.into_u64()).unwrap() - 1;
        self.0.lock().unwrap().references[at] += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut book = self.0.lock().unwrap();
        let at = usize::try_from(id.into_u64()).unwrap() - 1;
        book.references[at] -= 1;
        let is_closed = book.references[at] == 0;
        if is_closed {
            book.heard.push(Heard::Closed { id: id.into_u64() });
        }
        is_closed
    }
}

/// What a subscriber hears of this.
fn book(work: impl FnOnce(&mut Tracing)) -> Book {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), || work(&mut Tracing::new()));
    std::mem::take(&mut *recorder.0.lock().unwrap())
}

fn opened(id: u64, name: &'static str, parent: Option<u64>) -> Heard {
    Heard::Opened { id, name, parent }
}

fn event(within: Option<u64>, level: Level, name: &str) -> Heard {
    Heard::Event { within, level, name: name.to_owned() }
}

fn fields(pairs: &[(&'static str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[test]
fn an_attempt_lies_within_its_operation_and_every_event_within_the_innermost_span() {
    let book = book(|tracing| upgrade(tracing));
    let mut expected = vec![
        opened(1, "operation", None),
        event(Some(1), Level::INFO, "OPERATION"),
        opened(2, "attempt", Some(1)),
    ];
    for name in ["AUTHORIZED", "PREPARED", "QUIESCED", "SEALED", "ACTIVATED"] {
        expected.push(event(Some(2), Level::INFO, name));
    }
    expected.push(Heard::Closed { id: 2 });
    expected.push(event(Some(1), Level::INFO, "OPERATION"));
    expected.push(Heard::Closed { id: 1 });
    assert_eq!(book.heard, expected);
    let all = [
        ("operation", "upgrade"),
        ("attempt", "4"),
        ("from", "1.0.3"),
        ("to", "2.1.0"),
        ("result", "succeeded"),
    ];
    assert_eq!(book.spans, [fields(&all), fields(&all)]);
    let last =
        [("event", "OPERATION"), ("seconds", "2.5"), ("exit_code", "0"), ("message", "operation")];
    let time = at(3).to_string();
    let last = [&all[..], &last, &[("time", time.as_str())]].concat();
    assert_eq!(book.events.last(), Some(&fields(&last)));
    let time = at(1).to_string();
    let record = [
        &all[..4],
        &[("event", "SEALED"), ("result", "running"), ("message", "record"), ("time", &time)],
    ]
    .concat();
    assert_eq!(book.events[4], fields(&record));
}

#[test]
fn what_goes_wrong_is_louder_and_says_its_name() {
    let undone = book(|tracing| undone(tracing));
    assert!(undone.heard.contains(&event(Some(2), Level::WARN, "ABORTED")));
    assert!(undone.heard.contains(&event(Some(1), Level::ERROR, "OPERATION")));
    assert_eq!(undone.events.last().unwrap()["error"], "storage-migration-failed");
    assert_eq!((&*undone.spans[0]["result"], &*undone.spans[1]["result"]), ("undone", "undone"));
    let refused = book(|tracing| refused(tracing));
    let expected = [
        opened(1, "operation", None),
        event(Some(1), Level::INFO, "OPERATION"),
        event(Some(1), Level::WARN, "OPERATION"),
        Heard::Closed { id: 1 },
    ];
    assert_eq!(refused.heard, expected);
    assert_eq!(refused.events[1]["error"], "incompatible");
}

#[test]
fn without_an_operation_an_attempt_stands_by_itself_and_a_start_has_no_span() {
    let book = book(|tracing| {
        tracing.emit(&record(0, "AUTHORIZED", None, "running"));
        tracing.emit(&record(1, "ACTIVATED", version("2.1.0"), "succeeded"));
        tracing.emit(&start());
    });
    let expected = [
        opened(1, "attempt", None),
        event(Some(1), Level::INFO, "AUTHORIZED"),
        event(Some(1), Level::INFO, "ACTIVATED"),
        Heard::Closed { id: 1 },
        event(None, Level::INFO, "STARTED"),
    ];
    assert_eq!(book.heard, expected);
}

#[test]
fn spans_that_never_end_are_closed_with_the_sink_the_inner_one_first() {
    let book = book(|tracing| {
        let mut observed = telemetry::Observed::begin(tracing, "upgrade", None, at(0));
        observed.emit(&record(0, "AUTHORIZED", None, "running"));
    });
    let closed: Vec<_> =
        book.heard.iter().filter(|heard| matches!(heard, Heard::Closed { .. })).collect();
    assert_eq!(closed, [&Heard::Closed { id: 2 }, &Heard::Closed { id: 1 }]);
}
