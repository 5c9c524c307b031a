//! An upgrade that somebody cancels.

use upgrade::{
    Authorization, Cancellation, EngineOptions, Environment, Error, TelemetryEvent, TelemetrySink,
};

use super::step::{Marks, apply_in, environment};

/// When an upgrade is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When it asks for this time whether to go on.
    Check(u64),
    /// As soon as this record was acknowledged.
    Record(&'static str),
}

impl Moment {
    /// The moment from which on it comes too late.
    pub(crate) const TOO_LATE: Self = Self::Record("ACTIVATED");
}

/// Upgrades, and somebody cancels it.
pub(super) fn upgrade(version: &str, moment: Moment) -> Result<(), Error> {
    const SOMEBODY: &str = "somebody";
    let cancellation = match moment {
        Moment::Check(nth) => Cancellation::at_check(nth, SOMEBODY),
        Moment::Record(_) => Cancellation::new(),
    };
    let engine =
        EngineOptions { cancellation: cancellation.clone(), ..environment().engine.clone() };
    let mut telemetry = Cancels { moment, cancellation, by: SOMEBODY };
    let environment = Environment { engine: &engine, ..environment() };
    let allowed = (None, Some(Authorization::development()));
    apply_in(environment, &mut telemetry, version, allowed, &mut || {})
}

/// Cancels as soon as a record was acknowledged.
struct Cancels {
    moment: Moment,
    cancellation: Cancellation,
    by: &'static str,
}

impl TelemetrySink for Cancels {
    fn emit(&mut self, event: &TelemetryEvent) {
        Marks.emit(event);
        if self.moment == Moment::Record(event.event) {
            self.cancellation.cancel(self.by);
        }
    }
}
