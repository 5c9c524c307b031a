//! Every state of the model within moderate bounds; and that its invariants can fail.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

#[path = "../examples/check/checked.rs"]
mod checked;

use std::collections::BTreeSet;

use checked::{Explored, explore};
use protocol::{Action, Bounds, Flaw, Invariant, Model, Process, Record, State};

const BOUNDS: Bounds = Bounds {
    generations: 2,
    crashes: 1,
    faults: 1,
    rots: 1,
    losses: 1,
    writes: 1,
    keyrings: 1,
    tries: 2,
};

/// Everything holds in every state; there are at least so many.
fn holds(bounds: Bounds, begins: State, at_least: usize) {
    let Explored { states, unique, depth, broken } = explore(Model::new(bounds), begins);
    assert_eq!(broken, []);
    assert!(unique > at_least, "{unique} different states of {states}, depth {depth}");
}

#[test]
fn every_invariant_holds_from_the_first_record_of_a_home_on() {
    holds(BOUNDS, State::nothing(), 100_000);
}

#[test]
fn every_invariant_holds_over_three_generations() {
    let bounds = Bounds { generations: 3, rots: 0, losses: 0, keyrings: 0, tries: 1, ..BOUNDS };
    holds(bounds, State::adopted(), 50_000);
}

#[test]
fn every_invariant_holds_whatever_is_interrupted_twice_and_fails_twice() {
    let bounds = Bounds { crashes: 2, faults: 2, losses: 0, keyrings: 0, tries: 1, ..BOUNDS };
    holds(bounds, State::adopted(), 20_000);
}

/// What each flaw breaks, among other things, in the order of [`Flaw::ALL`].
const CAUGHT: [(&str, Invariant); 20] = [
    ("ActivatesBeforeSync", Invariant::CurrentIsWhole),
    ("NameIsNotSynced", Invariant::CurrentIsWhole),
    ("RetriesOnFailedHandle", Invariant::AcknowledgedSurvives),
    ("AnswersWithoutLooking", Invariant::OldOrNew),
    ("BelievesWhatIsRead", Invariant::AcknowledgedSurvives),
    ("VouchesFirst", Invariant::RecoveryEnds),
    ("SweepsWithoutLock", Invariant::CurrentIsWhole),
    ("IgnoresLock", Invariant::OneAtWork),
    ("BuildsBesideRuntime", Invariant::WritesSurvive),
    ("LeavesAttemptOpen", Invariant::OneAttempt),
    ("LeavesWhatWasBuilt", Invariant::RecoveryEnds),
    ("ReusesNumbers", Invariant::NumbersOnce),
    ("CollectsTarget", Invariant::CollectSpares),
    ("CollectsAbandoned", Invariant::CollectSpares),
    ("RemovesBeforeRecord", Invariant::KeptIsKept),
    ("CountsAfterStart", Invariant::TriesCount),
    ("GivesBackAfterCrash", Invariant::TriesCount),
    ("RevertsToRotten", Invariant::Halts),
    ("RevertsConfirmed", Invariant::ConfirmedStays),
    ("Alternates", Invariant::AbandonedStays),
];

#[test]
fn whatever_is_wrong_with_the_protocol_is_caught_by_name() {
    let three = Bounds { generations: 3, rots: 0, losses: 0, keyrings: 0, tries: 1, ..BOUNDS };
    for (flaw, (name, expected)) in Flaw::ALL.into_iter().zip(CAUGHT) {
        assert_eq!(format!("{flaw:?}"), name);
        let bounds = match flaw {
            Flaw::RevertsToRotten => Bounds { generations: 2, rots: 1, ..three },
            _ => three,
        };
        let explored = explore(Model::flawed(bounds, flaw), State::adopted());
        let broken = explored.broken.iter().map(|(invariant, _)| *invariant);
        let broken: Vec<_> = broken.collect();
        assert!(broken.contains(&expected.name()), "{flaw:?}: {broken:?}");
    }
    // An invariant that nothing can break says nothing.
    let caught: BTreeSet<_> = CAUGHT.iter().map(|(_, invariant)| *invariant).collect();
    assert_eq!(caught, BTreeSet::from(Invariant::ALL));
}

/// What happens is told by its name alone.
fn name(text: &str) -> String {
    text.split(['(', ' ', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn the_model_does_all_that_it_is_about() {
    let bounds = Bounds { generations: 3, faults: 0, rots: 1, tries: 1, crashes: 0, ..BOUNDS };
    let bounds = [bounds, Bounds { crashes: 1, faults: 1, losses: 0, ..BOUNDS }];
    let (mut actions, mut records, mut places) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for bounds in bounds {
        let model = Model::new(bounds);
        let mut open = vec![State::nothing()];
        let mut seen = BTreeSet::new();
        while let Some(state) = open.pop() {
            if seen.contains(&state) {
                continue;
            }
            for process in state.processes {
                places.insert(match process {
                    Process::Settling { at, .. } => format!("{at:?}"),
                    Process::At(next) => format!("{next:?}"),
                    other => name(&format!("{other:?}")),
                });
            }
            for action in model.actions(&state) {
                actions.insert(name(&format!("{action:?}")));
                if let Action::Write(_, record, _) = action {
                    records.insert(record.name());
                }
                open.push(model.next(&state, action));
            }
            seen.insert(state);
        }
    }
    assert_eq!(
        actions.into_iter().collect::<Vec<_>>().join(" "),
        "Acknowledge Begin Boot Decide Fail GiveUp Kill Leave LoseJournal PowerLoss Rot Step Stop Write"
    );
    // Recovery writes ABORTED by itself; nothing comes of REFUSED, which is in traces only.
    records.insert(Record::Aborted.name());
    assert_eq!(
        records.into_iter().collect::<Vec<_>>().join(" "),
        "ABORTED ACTIVATED AUTHORIZED CLOSED COLLECTED CONFIRMED INITIALIZED KEYRING PREPARED QUIESCED RECOVERED \
         REVERTED SEALED STARTED STOPPED TRIED"
    );
    assert_eq!(
        places.into_iter().collect::<Vec<_>>().join(" "),
        "Attempt Boot Build(Fill) Build(Make) Build(Rename) Build(Sync) Build(SyncName) Built Deciding Execute \
         Gone Idle Read Resynced Rewritten Stop Sweep Tidy Writing"
    );
}
