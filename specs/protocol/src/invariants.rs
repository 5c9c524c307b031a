//! What must hold in every state that can be reached.

use crate::disk::{Content, Name};
use crate::history::{Authority, Fate, History, Number, Operation, Record};
use crate::model::Model;
use crate::state::{Process, State};
use crate::step::Recovery;

/// A claim about every reachable state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Whenever the record is there that makes a generation current, that generation is whole and durable, whatever a
    /// crash takes (FC-UPGRADE-0001 §7).
    CurrentIsWhole,
    /// Everything that the journal says is kept is kept (§15).
    KeptIsKept,
    /// A record that was acknowledged survives every crash (§7).
    AcknowledgedSurvives,
    /// A crash leaves what was current, or what the record under way makes current; what was answered is so (§7, §16).
    OldOrNew,
    /// From every state a recovery that nothing disturbs comes to a phase in which nothing is open, and nothing is left
    /// over; a journal is lost only if somebody has lost it, and a decision brings it back (§16).
    RecoveryEnds,
    /// No attempt begins while another is open, and none ends that is not (§16).
    OneAttempt,
    /// No two processes are at work at once (§7).
    OneAtWork,
    /// No number is given to two generations, as long as the journal is there (§17).
    NumbersOnce,
    /// A collection removes neither what is current nor what a rollback leads to nor what was rolled back (§15).
    CollectSpares,
    /// What a runtime was told is written is in the current generation, or in one that was rolled back and is kept (§7).
    WritesSurvive,
    /// Starts that are left and starts that were not given back are never more than there were to begin with (§15).
    TriesCount,
    /// What was rolled back never becomes current again (§15).
    AbandonedStays,
    /// Nobody but somebody with the authority leaves a generation that was confirmed (§21).
    ConfirmedStays,
    /// Nothing is gone back to that is not what it was: then the home halts (§15).
    Halts,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::CurrentIsWhole,
        Self::KeptIsKept,
        Self::AcknowledgedSurvives,
        Self::OldOrNew,
        Self::RecoveryEnds,
        Self::OneAttempt,
        Self::OneAtWork,
        Self::NumbersOnce,
        Self::CollectSpares,
        Self::WritesSurvive,
        Self::TriesCount,
        Self::AbandonedStays,
        Self::ConfirmedStays,
        Self::Halts,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CurrentIsWhole => "current-is-whole",
            Self::KeptIsKept => "kept-is-kept",
            Self::AcknowledgedSurvives => "acknowledged-survives",
            Self::OldOrNew => "old-or-new",
            Self::RecoveryEnds => "recovery-ends",
            Self::OneAttempt => "one-attempt",
            Self::OneAtWork => "one-at-work",
            Self::NumbersOnce => "numbers-once",
            Self::CollectSpares => "collect-spares",
            Self::WritesSurvive => "writes-survive",
            Self::TriesCount => "tries-count",
            Self::AbandonedStays => "abandoned-stays",
            Self::ConfirmedStays => "confirmed-stays",
            Self::Halts => "halts",
        }
    }

    /// Whether it holds in a state.
    pub fn holds(self, model: &Model, state: &State) -> bool {
        match self {
            Self::CurrentIsWhole => survivors(state, &|left, history| {
                history.current.is_none_or(|current| left.disk.is_whole(current))
            }),
            Self::KeptIsKept => survivors(state, &kept_is_kept),
            Self::AcknowledgedSurvives => !state.told.forgotten,
            Self::OldOrNew => old_or_new(model, state),
            Self::RecoveryEnds => {
                state.after_a_crash().into_iter().all(|left| recovery_ends(model, left))
            }
            Self::OneAtWork => {
                let at_work = |process: &&Process| **process != Process::Gone;
                state.processes.iter().filter(at_work).count() <= 1
            }
            Self::WritesSurvive => survivors(state, &writes_survive),
            Self::TriesCount => state.journal.base.trial.is_none_or(|trial| {
                trial.left.saturating_add(state.told.executions) <= trial.tries
            }),
            Self::OneAttempt
            | Self::NumbersOnce
            | Self::CollectSpares
            | Self::AbandonedStays
            | Self::ConfirmedStays
            | Self::Halts => state.told.broken != Some(self),
        }
    }

    /// What a record breaks that is written in a state.
    pub(crate) fn of_record(state: &State, history: &History, record: Record) -> Option<Self> {
        let fate = |number: Number| history.known(number).map(|known| known.fate);
        let is_open = history.attempt.is_some();
        match record {
            Record::Authorized { .. } if is_open => Some(Self::OneAttempt),
            _ if record.ends_an_attempt() && !is_open => Some(Self::OneAttempt),
            Record::Authorized { operation: Operation::Rollback, authority } => {
                let by_itself = authority == Authority::Standing && history.trial.is_none();
                by_itself.then_some(Self::ConfirmedStays)
            }
            Record::Prepared { to, .. } => (to <= state.told.highest).then_some(Self::NumbersOnce),
            Record::Activated { generation, .. } => {
                (fate(generation) == Some(Fate::Bad)).then_some(Self::AbandonedStays)
            }
            Record::Reverted { to, .. } if fate(to) == Some(Fate::Bad) => {
                Some(Self::AbandonedStays)
            }
            Record::Reverted { to, .. } => (!state.disk.is_whole(to)).then_some(Self::Halts),
            Record::Collected { generation } => {
                let needed = [history.current, history.target()].contains(&Some(generation));
                let spares = !needed && fate(generation) == Some(Fate::Kept);
                (!spares).then_some(Self::CollectSpares)
            }
            _ => None,
        }
    }
}

/// Whether something is true of everything that a crash may leave, before anybody puts anything right: with each record at the
/// end of the journal that is there, and without each that need not be.
fn survivors(state: &State, holds: &dyn Fn(&State, &History) -> bool) -> bool {
    let left = state.after_a_crash();
    left.iter().all(|left| left.journal.lost || holds(left, &left.journal.seen()))
}

fn kept_is_kept(left: &State, history: &History) -> bool {
    let kept = history.known.iter().filter(|known| matches!(known.fate, Fate::Kept | Fate::Bad));
    // What rotted is still there, for whoever can make something of it.
    let is_there = |number| {
        left.disk.find(number).is_some_and(|built| {
            built.name == Name::Durable
                && matches!(built.content, Content::Durable | Content::Rotten)
        })
    };
    kept.map(|known| known.number).all(is_there)
}

fn writes_survive(left: &State, history: &History) -> bool {
    let counts = |number: Number| {
        let fate = history.known(number).map(|known| known.fate);
        history.current == Some(number) || fate == Some(Fate::Bad)
    };
    let kept = left.disk.built.iter().filter(|built| counts(built.number));
    let kept = kept.fold(0, |writes, built| writes | built.writes);
    history.current.is_none() || left.told.writes & !kept == 0
}

fn old_or_new(model: &Model, state: &State) -> bool {
    if state.journal.lost {
        return true;
    }
    let acknowledged = state.journal.tail.iter().filter(|tail| tail.acknowledged);
    let mut old = state.journal.base.clone();
    acknowledged.for_each(|tail| old.apply(tail.record));
    let allowed = match state.told.answer {
        Some(answer) => [answer, answer],
        None => [old.current, state.journal.seen().current],
    };
    state.after_a_crash().into_iter().all(|left| match model.recover(left) {
        Recovery::Settled(settled) => allowed.contains(&settled.journal.base.current),
        // That is for another claim to say.
        Recovery::Lost | Recovery::Stuck => true,
    })
}

fn recovery_ends(model: &Model, left: State) -> bool {
    let was_lost = left.happened.losses > 0;
    let settled = match model.recover(left.clone()) {
        Recovery::Settled(settled) => settled,
        Recovery::Lost if was_lost => {
            let whole = left.disk.built.iter().filter(|built| built.is_whole());
            let decided = whole.map(|built| model.recover_by(left.clone(), built.number));
            return decided.into_iter().all(|decided| match decided {
                Recovery::Settled(settled) => is_settled(&settled),
                Recovery::Lost | Recovery::Stuck => false,
            });
        }
        Recovery::Lost | Recovery::Stuck => return false,
    };
    is_settled(&settled)
}

/// Whether nothing is going on, and nothing is left over.
fn is_settled(state: &State) -> bool {
    let history = &state.journal.base;
    let gone = |number| {
        let fate = history.known(number).map(|known| known.fate);
        matches!(fate, Some(Fate::Aborted | Fate::Collected | Fate::Building))
    };
    let left_over = |built: &crate::disk::Built| built.name == Name::Staging || gone(built.number);
    history.attempt.is_none()
        && state.journal.tail.is_empty()
        && !state.disk.built.iter().any(left_over)
}
