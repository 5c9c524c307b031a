//! Counters and the histogram, as a recorder gets them.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use telemetry::{EVENTS_TOTAL, Metrics, OPERATION_SECONDS, OPERATIONS_TOTAL, TelemetrySink};

use crate::support::{refused, start, undone, upgrade};

/// What a recorder has in the end, by name and labels, with what it was told of units.
pub(crate) fn recorded(work: impl FnOnce(&mut Metrics)) -> BTreeMap<String, (String, String)> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || work(&mut Metrics::new()));
    let entries = snapshotter.snapshot().into_vec().into_iter();
    entries
        .map(|(key, unit, _, value)| {
            let key = key.key();
            let labels: Vec<String> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let value = match value {
                DebugValue::Counter(count) => count.to_string(),
                DebugValue::Gauge(value) => format!("gauge {value}"),
                DebugValue::Histogram(values) => format!("{values:?}"),
            };
            let unit = unit.map(|unit| unit.as_str().to_owned()).unwrap_or_default();
            (format!("{}{{{}}}", key.name(), labels.join(",")), (value, unit))
        })
        .collect()
}

// trace: test FC-17.1 FC-17.2.3
#[test]
fn events_and_operations_are_counted_and_measured_by_what_they_are() {
    let recorded = recorded(|metrics| {
        upgrade(metrics);
        upgrade(metrics);
        undone(metrics);
        refused(metrics);
        metrics.emit(&start());
    });
    let expect = |name: &str, labels: &str, value: &str, unit: &str| {
        let key = format!("{name}{{{labels}}}");
        let found = recorded.get(&key).unwrap_or_else(|| panic!("no {key} in {recorded:#?}"));
        assert_eq!((found.0.as_str(), found.1.as_str()), (value, unit), "{key}");
    };
    for (labels, count) in [
        ("event=AUTHORIZED,operation=upgrade,result=running", "3"),
        ("event=PREPARED,operation=upgrade,result=running", "3"),
        ("event=QUIESCED,operation=upgrade,result=running", "2"),
        ("event=SEALED,operation=upgrade,result=running", "2"),
        ("event=ACTIVATED,operation=upgrade,result=succeeded", "2"),
        ("event=ABORTED,operation=upgrade,result=undone", "1"),
        ("event=STARTED,operation=none,result=succeeded", "1"),
    ] {
        expect(EVENTS_TOTAL, labels, count, "count");
    }
    for (labels, count, seconds) in [
        ("operation=upgrade,result=succeeded", "2", "[2.5, 2.5]"),
        ("operation=upgrade,result=undone", "1", "[2.0]"),
        ("operation=upgrade,result=refused", "1", "[0.02]"),
    ] {
        expect(OPERATIONS_TOTAL, labels, count, "count");
        expect(OPERATION_SECONDS, labels, seconds, "seconds");
    }
    assert_eq!(recorded.len(), 7 + 3 + 3, "and nothing else: {recorded:#?}");
}
