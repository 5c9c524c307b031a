//! Several sinks at once, each on its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use journal::{OperationEvent, TelemetryEvent, TelemetrySink};

/// Hands every event to several sinks. A sink that panics gets no more events; the others, and whoever emits, never notice.
#[derive(Default)]
pub struct Several {
    sinks: Vec<Box<dyn TelemetrySink>>,
}

impl Several {
    /// No sink yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more sink.
    #[must_use]
    pub fn and(mut self, sink: impl TelemetrySink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// How many sinks still take events.
    pub fn len(&self) -> usize {
        self.sinks.len()
    }

    /// True if no sink takes events.
    pub fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    /// What a sink that panicked has become is never looked at again, only dropped.
    fn each(&mut self, take: impl Fn(&mut dyn TelemetrySink)) {
        for mut sink in std::mem::take(&mut self.sinks) {
            match contained(|| take(&mut *sink)) {
                Some(()) => self.sinks.push(sink),
                None => drop_contained(sink),
            }
        }
    }
}

// trace: impl FC-17.1
impl TelemetrySink for Several {
    fn emit(&mut self, event: &TelemetryEvent) {
        self.each(|sink| sink.emit(event));
    }

    fn operation(&mut self, event: &OperationEvent) {
        self.each(|sink| sink.operation(event));
    }
}

impl Drop for Several {
    fn drop(&mut self) {
        self.sinks.drain(..).for_each(drop_contained);
    }
}

fn drop_contained(sink: Box<dyn TelemetrySink>) {
    let _ = contained(move || drop(sink));
}

/// Nothing, if it panicked. What the panic carries is forgotten rather than dropped, since dropping may panic again.
fn contained(work: impl FnOnce()) -> Option<()> {
    catch_unwind(AssertUnwindSafe(work)).map_err(std::mem::forget).ok()
}
