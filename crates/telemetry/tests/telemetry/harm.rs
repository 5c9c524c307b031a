//! No sink can do harm: not to whoever emits, and not to its neighbours.

use std::cell::RefCell;
use std::rc::Rc;

use telemetry::{
    JsonLines, Metrics, OperationEvent, Several, TelemetryEvent, TelemetrySink, Tracing,
};

use crate::support::{Kept, refused, upgrade};

/// Panics at the event of this number, and counts those that it was given.
struct Panicking {
    at: usize,
    given: Rc<RefCell<usize>>,
}

impl Panicking {
    fn take(&mut self) {
        *self.given.borrow_mut() += 1;
        assert!(*self.given.borrow() != self.at, "a sink that is broken");
    }
}

impl TelemetrySink for Panicking {
    fn emit(&mut self, _event: &TelemetryEvent) {
        self.take();
    }

    fn operation(&mut self, _event: &OperationEvent) {
        self.take();
    }
}

/// Panics when it is dropped.
struct PanicsAtItsEnd;

impl TelemetrySink for PanicsAtItsEnd {
    fn emit(&mut self, _event: &TelemetryEvent) {}
}

impl Drop for PanicsAtItsEnd {
    fn drop(&mut self) {
        panic!("a sink that is broken to its end");
    }
}

/// Panics with something that panics when it is dropped.
struct PanicsWithAPanic;

impl TelemetrySink for PanicsWithAPanic {
    fn emit(&mut self, _event: &TelemetryEvent) {
        std::panic::panic_any(PanicsAtItsEnd);
    }
}

/// A disk that is full.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
}

// trace: test FC-17.1
#[test]
fn a_sink_that_panics_at_any_event_is_left_out_and_its_neighbours_get_everything() {
    let whole = Kept::default();
    upgrade(&mut whole.clone());
    for at in 1..=7 {
        let (before, after) = (Kept::default(), Kept::default());
        let given = Rc::new(RefCell::new(0));
        let broken = Panicking { at, given: given.clone() };
        let mut several = Several::new().and(before.clone()).and(broken).and(after.clone());
        assert_eq!(several.len(), 3);
        upgrade(&mut several);
        assert_eq!(several.len(), 2, "the one that panicked is gone");
        assert_eq!(*given.borrow(), at, "and was given nothing more");
        for kept in [before, after] {
            assert_eq!(kept.records, whole.records);
            assert_eq!(kept.operations, whole.operations);
        }
    }
}

#[test]
fn a_sink_that_panics_when_dropped_or_with_what_panics_when_dropped_does_no_harm() {
    let kept = Kept::default();
    let broken = Several::new().and(PanicsAtItsEnd).and(PanicsWithAPanic);
    let mut several = broken.and(kept.clone()).and(PanicsAtItsEnd);
    upgrade(&mut several);
    assert_eq!(several.len(), 3);
    drop(several);
    assert_eq!(kept.operations.borrow().len(), 2);
}

#[test]
fn a_writer_that_fails_goes_unnoticed() {
    let kept = Kept::default();
    let mut several = Several::new().and(JsonLines(Full)).and(kept.clone());
    upgrade(&mut several);
    refused(&mut several);
    assert_eq!((kept.records.borrow().len(), kept.operations.borrow().len()), (5, 4));
}

#[test]
fn without_anybody_who_listens_spans_and_metrics_are_nothing() {
    let mut several = Several::new().and(Tracing::new()).and(Metrics::new());
    upgrade(&mut several);
    assert_eq!(several.len(), 2);
    assert!(Several::new().is_empty());
}
