//! Whether a real journal is a behaviour of the model.
//!
//! A trace shows the records of a journal and nothing else: not when a process began, what it built, when it was killed and
//! what it put right. So all states are kept that the model can be in behind a record (subset construction): from each of
//! them everything is followed that no record shows, until the next record can be written. A record that no state leads to
//! is none that a home could have written in this place.
//!
//! What is followed is [`Model`] itself, the one that is explored in full within bounds. Here numbers, tries and
//! deaths have no bounds. It knows nothing of the table by which the product judges its own records.

mod project;

use std::collections::BTreeSet;
use std::fmt;

use journal::AttemptNumber;

use crate::history::Record;
use crate::model::{Action, Model};
use crate::state::{Process, State};
use project::project;

/// Why a journal is no behaviour of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotABehaviour {
    /// A record does not stand where its number says.
    OutOfPlace {
        /// The place.
        seq: u64,
        /// The number that it has.
        found: u64,
    },
    /// A record says what none says that a home writes: an attempt of what is no attempt, or a signature that nobody gave.
    Meaningless {
        /// The record.
        seq: u64,
        /// What it is.
        event: &'static str,
    },
    /// A record belongs to another attempt than the one that is open.
    OtherAttempt {
        /// The record.
        seq: u64,
        /// What it is.
        event: &'static str,
        /// The attempt that it says it belongs to.
        found: AttemptNumber,
        /// The one that it must belong to.
        expected: AttemptNumber,
    },
    /// No behaviour has this record in this place.
    Impossible {
        /// The record.
        seq: u64,
        /// What it is.
        event: &'static str,
        /// What could stand here. If the event itself is among this, it is what it says that cannot be.
        possible: Vec<&'static str>,
    },
}

impl NotABehaviour {
    /// The record that is none of this behaviour.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::OutOfPlace { seq, .. }
            | Self::Meaningless { seq, .. }
            | Self::OtherAttempt { seq, .. }
            | Self::Impossible { seq, .. } => *seq,
        }
    }
}

impl fmt::Display for NotABehaviour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfPlace { seq, found } => {
                write!(formatter, "record {found} stands in the place of record {seq}")
            }
            Self::Meaningless { seq, event } => {
                write!(formatter, "record {seq} ({event}) says what no record says")
            }
            Self::OtherAttempt { seq, event, found, expected } => write!(
                formatter,
                "record {seq} ({event}) says it belongs to attempt {found}, not to {expected}"
            ),
            Self::Impossible { seq, event, possible } if possible.contains(event) => {
                write!(formatter, "record {seq} ({event}) cannot say this here")
            }
            Self::Impossible { seq, event, possible } => {
                let possible = possible.join(", ");
                write!(formatter, "record {seq} ({event}) cannot stand here, only {possible}")
            }
        }
    }
}

impl std::error::Error for NotABehaviour {}

/// Holds a journal to the model from its first record on, and says how many steps were checked: one for each record.
///
/// That the records are chained by their hashes is for whoever has read them to see.
///
/// # Errors
/// The first record that no behaviour has, and why.
pub fn conform(records: &[journal::Record]) -> Result<u64, NotABehaviour> {
    let mut follower = Follower::new();
    records.iter().try_for_each(|record| follower.step(record))?;
    Ok(follower.steps())
}

/// Follows a journal record by record. It can be cloned behind any of them, and follow several that begin alike.
#[derive(Debug, Clone)]
pub struct Follower {
    /// Every state that the model can be in behind the last record.
    states: BTreeSet<State>,
    /// How many records there were.
    steps: u64,
    /// The attempt that is open.
    attempt: Option<AttemptNumber>,
}

impl Default for Follower {
    fn default() -> Self {
        Self::new()
    }
}

impl Follower {
    /// Before the first record.
    pub fn new() -> Self {
        Self { states: BTreeSet::from([State::nothing()]), steps: 0, attempt: None }
    }

    /// How many records were followed.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Follows one more record. After an error it stands where it stood before.
    ///
    /// # Errors
    /// Why the model cannot write this record here.
    pub fn step(&mut self, record: &journal::Record) -> Result<(), NotABehaviour> {
        let (seq, event) = (self.steps, record.event.name());
        if record.seq != seq {
            return Err(NotABehaviour::OutOfPlace { seq, found: record.seq });
        }
        let expected = self.attempt.unwrap_or(seq);
        if record.attempt != expected {
            let found = record.attempt;
            return Err(NotABehaviour::OtherAttempt { seq, event, found, expected });
        }
        let wanted = project(&record.event).ok_or(NotABehaviour::Meaningless { seq, event })?;
        let Followed { states, possible } = follow(&self.states, wanted);
        if states.is_empty() {
            let possible = possible.into_iter().collect();
            return Err(NotABehaviour::Impossible { seq, event, possible });
        }
        self.states = states;
        self.steps += 1;
        if wanted.ends_an_attempt() {
            self.attempt = None;
        } else if matches!(wanted, Record::Authorized { .. }) {
            self.attempt = Some(seq);
        }
        Ok(())
    }
}

/// Where a record leads.
struct Followed {
    /// Every state behind it.
    states: BTreeSet<State>,
    /// What could have been written instead.
    possible: BTreeSet<&'static str>,
}

/// Follows everything that no record shows, from each of these states, until this record is acknowledged.
fn follow(from: &BTreeSet<State>, wanted: Record) -> Followed {
    let model = Model::tracing(wanted);
    let mut open: Vec<State> = from.iter().cloned().collect();
    let mut seen = BTreeSet::new();
    let mut followed = Followed { states: BTreeSet::new(), possible: BTreeSet::new() };
    while let Some(state) = open.pop() {
        if seen.contains(&state) {
            continue;
        }
        for action in model.actions(&state) {
            match action {
                // To be killed leads to the same, and so does to fail and to put it right at once.
                Action::Leave(_) | Action::GiveUp(_) => continue,
                Action::Write(_, record, _) => {
                    followed.possible.insert(record.name());
                    if record != wanted {
                        continue;
                    }
                }
                _ => {}
            }
            let next = model.next(&state, action);
            match (state.process(0), next.process(0)) {
                (Process::Writing { synced: true, .. }, _) => {
                    followed.states.insert(next);
                }
                // Recovery writes by itself.
                (Process::Settling { .. }, Process::Writing { record, .. }) if record != wanted => {
                    followed.possible.insert(record.name());
                }
                _ => open.push(next),
            }
        }
        seen.insert(state);
    }
    followed
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod walks;
