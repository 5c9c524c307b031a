//! The table: phase × event → phase. All of it is written out in `table.txt`.

use std::fmt;

use journal::{Event, Operation};

/// Where a home stands between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the first record.
    Empty,
    /// Nothing is going on.
    Idle,
    /// An attempt was authorised, and nothing else happened yet.
    Authorized(Operation),
    /// The attempt has said what it will do.
    Prepared(Operation),
    /// The current generation is closed, and its digest is on record.
    Quiesced(Operation),
    /// The next generation is complete, proven and durable, and not yet current.
    Sealed(Operation),
}

impl Phase {
    /// Every phase that a home can be in.
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::Idle,
        Self::Authorized(Operation::Adopt),
        Self::Authorized(Operation::Upgrade),
        Self::Authorized(Operation::Rollback),
        Self::Authorized(Operation::Recover),
        Self::Authorized(Operation::Collect),
        Self::Prepared(Operation::Adopt),
        Self::Prepared(Operation::Upgrade),
        Self::Prepared(Operation::Rollback),
        Self::Quiesced(Operation::Upgrade),
        Self::Quiesced(Operation::Rollback),
        Self::Sealed(Operation::Adopt),
        Self::Sealed(Operation::Upgrade),
        Self::Sealed(Operation::Rollback),
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("empty"),
            Self::Idle => formatter.write_str("idle"),
            Self::Authorized(operation) => write!(formatter, "{operation}: authorized"),
            Self::Prepared(operation) => write!(formatter, "{operation}: prepared"),
            Self::Quiesced(operation) => write!(formatter, "{operation}: quiesced"),
            Self::Sealed(operation) => write!(formatter, "{operation}: sealed"),
        }
    }
}

/// An event without its facts, but for the operation that an `AUTHORIZED` begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// [`Event::Initialized`].
    Initialized,
    /// [`Event::Authorized`].
    Authorized(Operation),
    /// [`Event::Refused`].
    Refused,
    /// [`Event::Keyring`].
    Keyring,
    /// [`Event::Prepared`].
    Prepared,
    /// [`Event::Quiesced`].
    Quiesced,
    /// [`Event::Sealed`].
    Sealed,
    /// [`Event::Activated`].
    Activated,
    /// [`Event::Started`].
    Started,
    /// [`Event::Tried`].
    Tried,
    /// [`Event::Stopped`].
    Stopped,
    /// [`Event::Closed`].
    Closed,
    /// [`Event::Confirmed`].
    Confirmed,
    /// [`Event::Reverted`].
    Reverted,
    /// [`Event::Aborted`].
    Aborted,
    /// [`Event::Recovered`].
    Recovered,
    /// [`Event::Collected`].
    Collected,
}

impl EventKind {
    /// Every event that there is.
    pub const ALL: [Self; 23] = [
        Self::Initialized,
        Self::Authorized(Operation::Adopt),
        Self::Authorized(Operation::Upgrade),
        Self::Authorized(Operation::Rollback),
        Self::Authorized(Operation::Recover),
        Self::Authorized(Operation::Confirm),
        Self::Authorized(Operation::Collect),
        Self::Authorized(Operation::Keyring),
        Self::Refused,
        Self::Keyring,
        Self::Prepared,
        Self::Quiesced,
        Self::Sealed,
        Self::Activated,
        Self::Started,
        Self::Tried,
        Self::Stopped,
        Self::Closed,
        Self::Confirmed,
        Self::Reverted,
        Self::Aborted,
        Self::Recovered,
        Self::Collected,
    ];

    /// The kind of an event.
    pub const fn of(event: &Event) -> Self {
        match event {
            Event::Initialized { .. } => Self::Initialized,
            Event::Authorized { operation, .. } => Self::Authorized(*operation),
            Event::Refused { .. } => Self::Refused,
            Event::Keyring { .. } => Self::Keyring,
            Event::Prepared { .. } => Self::Prepared,
            Event::Quiesced { .. } => Self::Quiesced,
            Event::Sealed { .. } => Self::Sealed,
            Event::Activated { .. } => Self::Activated,
            Event::Started { .. } => Self::Started,
            Event::Tried { .. } => Self::Tried,
            Event::Stopped { .. } => Self::Stopped,
            Event::Closed { .. } => Self::Closed,
            Event::Confirmed { .. } => Self::Confirmed,
            Event::Reverted { .. } => Self::Reverted,
            Event::Aborted { .. } => Self::Aborted,
            Event::Recovered { .. } => Self::Recovered,
            Event::Collected { .. } => Self::Collected,
        }
    }
}

/// The phase after an event, or `None` if the event may not happen in this phase.
///
/// An attempt leaves [`Phase::Idle`] with `AUTHORIZED` and comes back to it by exactly one of `ACTIVATED`, `REVERTED`,
/// `RECOVERED`, `COLLECTED` (with effect) or `ABORTED` (without).
// trace: impl FC-7.2.1 FC-7.2.2 FC-29.1.6
pub const fn transition(phase: Phase, event: EventKind) -> Option<Phase> {
    use Operation::{Adopt, Collect, Recover, Rollback, Upgrade};
    match (phase, event) {
        (Phase::Empty, EventKind::Initialized)
        | (
            Phase::Idle,
            EventKind::Refused
            | EventKind::Keyring
            | EventKind::Started
            | EventKind::Tried
            | EventKind::Stopped
            | EventKind::Closed
            | EventKind::Confirmed,
        )
        | (Phase::Authorized(Collect), EventKind::Collected)
        | (Phase::Sealed(Adopt | Upgrade), EventKind::Activated)
        // What a rollback leaves may be unreadable: that must not keep anybody from leaving it. One that carries records
        // back builds a generation first.
        | (
            Phase::Authorized(Rollback) | Phase::Quiesced(Rollback) | Phase::Sealed(Rollback),
            EventKind::Reverted,
        )
        | (Phase::Authorized(Recover), EventKind::Recovered)
        | (
            Phase::Authorized(_) | Phase::Prepared(_) | Phase::Quiesced(_) | Phase::Sealed(_),
            EventKind::Aborted,
        ) => Some(Phase::Idle),
        (
            Phase::Idle,
            EventKind::Authorized(operation @ (Adopt | Upgrade | Rollback | Recover | Collect)),
        ) => Some(Phase::Authorized(operation)),
        (Phase::Authorized(operation @ (Adopt | Upgrade | Rollback)), EventKind::Prepared) => {
            Some(Phase::Prepared(operation))
        }
        // What a runtime left is sealed before an upgrade builds on it, or records are carried back out of it, if that
        // runtime was not stopped in good order.
        (Phase::Prepared(operation @ (Upgrade | Rollback)), EventKind::Closed) => {
            Some(Phase::Prepared(operation))
        }
        (Phase::Prepared(operation @ (Upgrade | Rollback)), EventKind::Quiesced) => {
            Some(Phase::Quiesced(operation))
        }
        (Phase::Authorized(Rollback), EventKind::Quiesced) => Some(Phase::Quiesced(Rollback)),
        // An adoption has no current generation to quiesce.
        (Phase::Prepared(Adopt), EventKind::Sealed) => Some(Phase::Sealed(Adopt)),
        (Phase::Quiesced(operation @ (Upgrade | Rollback)), EventKind::Sealed) => {
            Some(Phase::Sealed(operation))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
