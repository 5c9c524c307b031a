//! The beginning and the end of an operation.

use telemetry::{Observed, OperationResult, TelemetrySink};

use crate::support::{Kept, at, refused, start, succeeded, undone, upgrade, version};

// trace: test FC-4.3 FC-17.1 FC-17.2.1 FC-17.2.2 FC-17.2.3
#[test]
fn an_operation_begins_and_ends_once_with_versions_time_and_result() {
    let mut kept = Kept::default();
    upgrade(&mut kept);
    let operations = kept.operations.borrow();
    let [started, ended] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!((started.result, started.seconds), (OperationResult::Started, None));
    assert_eq!((started.operation, started.time), ("upgrade", at(0)));
    assert_eq!((started.exit_code, started.error, started.attempt), (None, None, None));
    assert_eq!((ended.result, ended.seconds), (OperationResult::Succeeded, Some(2.5)));
    assert_eq!((&ended.from, &ended.to), (&version("1.0.3"), &version("2.1.0")));
    assert_eq!((ended.time, ended.attempt, ended.exit_code), (at(3), Some(4), Some(0)));
    assert_eq!(kept.records.borrow().len(), 5, "every record is handed on");
}

// trace: test FC-17.1 FC-17.2.3
#[test]
fn what_is_refused_before_anything_is_on_record_begins_and_ends_too() {
    let mut kept = Kept::default();
    refused(&mut kept);
    let operations = kept.operations.borrow();
    assert_eq!(operations.len(), 2);
    assert_eq!(operations[0].to, version("9.0.0"), "what was asked for is known at once");
    let ended = &operations[1];
    assert_eq!((ended.result, ended.error), (OperationResult::Refused, Some("incompatible")));
    assert_eq!((&ended.from, &ended.to), (&version("1.0.3"), &version("9.0.0")));
    assert!(kept.records.borrow().is_empty());
}

// trace: test FC-4.3 FC-17.2.1
#[test]
fn what_the_journal_says_counts_more_than_what_was_asked_for() {
    let mut kept = Kept::default();
    undone(&mut kept);
    let mut observed = Observed::begin(&mut kept, "boot", None, at(5));
    observed.emit(&start());
    observed.learn(version("1.0.0"), version("9.9.9"));
    observed.end(succeeded(), at(6), 1.0);
    let operations = kept.operations.borrow();
    assert_eq!((&operations[3].from, &operations[3].to), (&version("2.1.0"), &version("2.1.0")));
}
