//! What there must be: from a run without a disturbance.

use upgrade::Record;

use crate::judges::capability;
use crate::observe::{Found, State, Wanted, observe};
use crate::scenario::{Outcome, Recording, Scenario};
use sim::disk::Fingerprint;
use sim::world::{Logged, Mark};

/// What there must be.
#[derive(Debug)]
pub(crate) struct Model {
    /// Before everything, and after each step.
    pub(crate) states: Vec<State>,
    /// What came of each step.
    pub(crate) outcomes: Vec<Outcome>,
    /// The journal at the end.
    pub(crate) records: Vec<Record>,
    /// How many of its records were there before.
    pub(crate) records_before: usize,
    /// How many there were before everything, and after each step.
    records_after: Vec<usize>,
    /// Policies of what is current, before everything and after each step.
    pub(crate) policies: Vec<Option<Fingerprint>>,
    /// What there is to say of each state, to be held to what was accepted.
    pub(crate) golden: Vec<String>,
    /// How many operations the recording has.
    pub(crate) operations: usize,
}

impl Model {
    /// Reads the state before and after each step of an undisturbed run.
    pub(crate) fn of(scenario: &Scenario, recording: &Recording) -> Self {
        let mut model = Self {
            states: Vec::new(),
            outcomes: recording.run.outcomes.clone(),
            records: Vec::new(),
            records_before: 0,
            records_after: Vec::new(),
            policies: Vec::new(),
            golden: Vec::new(),
            operations: recording.run.log.len(),
        };
        let outcomes = std::iter::once(None).chain(recording.run.outcomes.iter().map(Some));
        let disks = std::iter::once(&recording.before).chain(&recording.run.disks);
        for (disk, outcome) in disks.zip(outcomes) {
            let seen = observe(disk, Wanted::default());
            let Some(state) = seen.found.state() else {
                panic!("{}: an undisturbed run leaves {:?}", scenario.name, seen.found);
            };
            if let Found::Home(home) = &seen.found {
                assert_eq!(home.problems, Vec::<String>::new(), "{}", scenario.name);
            }
            model.policies.push(capability::policy_of(&seen.disk, &state));
            if let Some(call) = capability::widened(&seen.disk, &state) {
                panic!("{}: an upgrade has widened what is allowed: {call}", scenario.name);
            }
            model.records = seen.found.records().to_vec();
            if model.states.is_empty() {
                model.records_before = model.records.len();
            }
            model.golden.push(crate::golden::describe(&state, &seen.found, disk, outcome));
            model.records_after.push(model.records.len());
            model.states.push(state);
        }
        model
    }

    /// The same for a run that a fault makes go another way: of its journal only what was there before is known, and what
    /// it left itself.
    pub(crate) fn with_records(&self, records: Vec<Record>) -> Self {
        let (states, outcomes) = (self.states.clone(), self.outcomes.clone());
        let (policies, operations) = (self.policies.clone(), self.operations);
        let (records_before, records_after) = (self.records_before, Vec::new());
        let golden = Vec::new();
        Self {
            states,
            outcomes,
            records,
            records_before,
            records_after,
            policies,
            golden,
            operations,
        }
    }

    /// How many records of the journal were acknowledged, at least: those that were said to be, and those of what was said
    /// to be done.
    pub(crate) fn acknowledged(&self, known: Known) -> usize {
        // The first record of a journal is there before anybody can say so.
        let first = usize::from(self.records_before == 0 && known.records > 0);
        let of_steps = self.records_after.get(known.done).copied().filter(|_| known.done > 0);
        (self.records_before + first + known.records).max(of_steps.unwrap_or_default())
    }
}

/// What had been acknowledged when the crash came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Known {
    /// Records of the journal, since the recording began.
    pub(crate) records: usize,
    /// How many steps had begun.
    pub(crate) begun: usize,
    /// How many had come to their end.
    pub(crate) done: usize,
    /// Whether the next one had come to another end than undisturbed.
    pub(crate) failed: bool,
}

impl Known {
    /// What was acknowledged after each mark of a log; the first is before all of them.
    pub(crate) fn all(log: &[Logged]) -> Vec<Self> {
        let mut all = vec![Self::default()];
        for logged in log {
            let Logged::Mark(mark) = logged else { continue };
            let mut next = all.last().copied().unwrap_or_default();
            match mark {
                Mark::Record => next.records += 1,
                Mark::Began(step) => next.begun = step + 1,
                Mark::Done(step) => next.done = step + 1,
                Mark::Failed(_) => next.failed = true,
                Mark::Note(_) => {}
            }
            all.push(next);
        }
        all
    }

    /// As a part of a state's fingerprint: the same disk is another state if something else had been acknowledged.
    pub(crate) fn fingerprint(self) -> Fingerprint {
        let Self { records, begun, done, failed } = self;
        let numbers = [records, begun, done, usize::from(failed)];
        xxhash_rust::xxh3::xxh3_128(&numbers.map(usize::to_le_bytes).concat())
    }

    /// The step that was under way.
    pub(crate) fn under_way(self) -> Option<usize> {
        (self.begun > self.done).then_some(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_a_step_failed_is_known_as_soon_as_it_is_told() {
        let log = [Mark::Began(0), Mark::Record, Mark::Failed(0)].map(Logged::Mark);
        let known = Known::all(&log);
        let failed: Vec<bool> = known.iter().map(|known| known.failed).collect();
        assert_eq!(failed, [false, false, false, true]);
        let [.., before, after] = known.as_slice() else { panic!("{known:?}") };
        assert_ne!(before.fingerprint(), after.fingerprint());
        assert_eq!(after.under_way(), Some(0), "nobody has acknowledged it");
    }
}
