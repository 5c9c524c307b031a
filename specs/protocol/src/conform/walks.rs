//! Random walks through the model, with everything that disturbs it, whose journals must be behaviours of it.
//!
//! A trace leaves out what it cannot show: failures of the machine and of syncs, and the second process. So whatever the model
//! writes with all of them is held to what it is followed by without them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

use std::collections::BTreeSet;

use super::{Follower, follow};
use crate::{Action, Bounds, Model, Process, Record, State};

const BOUNDS: Bounds = Bounds {
    generations: 40,
    crashes: 250,
    faults: 250,
    rots: 1,
    losses: 2,
    writes: 8,
    keyrings: 2,
    tries: 3,
};

/// One that is as good as any other, and the same in every run.
struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn pick(&mut self, actions: &[Action]) -> Action {
        actions[self.next() as usize % actions.len()]
    }
}

/// How often something is passed over that keeps everything else from coming to something, for each time that it happens.
fn passed_over(action: Action) -> u64 {
    use Action::{Fail, GiveUp, Kill, Leave, LoseJournal, PowerLoss, Rot};
    match action {
        Kill(_) | PowerLoss(..) | Fail(..) | Leave(_) | GiveUp(_) => 128,
        Rot(_) | LoseJournal => 512,
        _ => 1,
    }
}

/// What an action makes durable, acknowledged or found by a recovery: a record; or the first of a new journal.
fn written(state: &State, action: Action, next: &State) -> Option<Record> {
    let Action::Step(process) = action else { return None };
    if matches!(state.process(process), Process::Deciding(_)) {
        return Some(Record::Initialized { replaces: true });
    }
    let taken_in = next.journal.tail.len() < state.journal.tail.len();
    taken_in.then(|| state.journal.tail[0].record)
}

/// The records that a walk writes, each held to the model.
fn walk(seed: u64, steps: usize) -> Vec<Record> {
    let model = Model::new(BOUNDS);
    let (mut random, mut state) = (Random(seed), State::nothing());
    let (mut behind, mut records) = (Follower::new().states, Vec::new());
    for _ in 0..steps {
        let actions = model.actions(&state);
        let action = random.pick(&actions);
        if !random.next().is_multiple_of(passed_over(action)) {
            continue;
        }
        let next = model.next(&state, action);
        if let Some(record) = written(&state, action, &next) {
            if record == (Record::Initialized { replaces: true }) {
                behind = Follower::new().states;
            }
            records.push(record);
            behind = follow(&behind, record).states;
            assert!(!behind.is_empty(), "walk {seed}: {records:?}");
        }
        state = next;
    }
    records
}

#[test]
fn whatever_the_model_writes_is_a_behaviour_of_it() {
    let records: Vec<Record> = (0..60).flat_map(|seed| walk(seed, 12_000)).collect();
    assert!(records.len() > 5_000, "{}", records.len());
    let names: BTreeSet<_> = records.iter().map(|record| record.name()).collect();
    assert_eq!(names.len(), 16, "all but REFUSED: {names:?}");
}
