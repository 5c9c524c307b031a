//! One process of a campaign: its share, its time, what it has seen, and what it is about to do.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use serde_json::json;
use sim::disk::Fingerprint;

use crate::hooks;
use crate::place::{Beacon, Checkpoint, Place};
use crate::report::{Part, Report, Violation};

/// How often a process says how far it has come.
const PROGRESS_NANOSECONDS: u64 = 200_000_000;
/// So many states of a scenario are counted; then some may be counted twice.
const MOST_COUNTED: usize = 8_000_000;

/// One process of a campaign.
pub(crate) struct Session {
    pub(crate) report: Report,
    /// Which states are this process's: those whose fingerprint leaves this remainder.
    shard: (u64, u64),
    /// When it has to be over, by the clock that never stands still.
    deadline: u64,
    /// How many states there are to judge.
    states: u64,
    /// Whether the first violation is enough.
    until_violation: bool,
    /// States of this scenario that were counted.
    counted: BTreeSet<Fingerprint>,
    /// Where it leaves what another process needs to go on.
    place: Option<(Place, Beacon)>,
    /// The first scenario that it begins with: another process has seen those before.
    first_scenario: u64,
    /// What other processes in its place have died of.
    passed_over: BTreeSet<String>,
    /// The one thing that is judged, and whether it was come to.
    only: Option<(String, bool)>,
    next_progress: u64,
    talks: bool,
}

impl Session {
    /// A session with this share of the states, which ends when the time or the number of states is used up.
    pub(crate) fn new(shard: (u64, u64), budget: Option<Duration>, states: u64) -> Self {
        let now = hooks::real_nanoseconds();
        Self {
            report: Report::default(),
            shard,
            deadline: budget.map_or(u64::MAX, |budget| {
                now.saturating_add(u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX))
            }),
            states,
            until_violation: false,
            counted: BTreeSet::new(),
            place: None,
            first_scenario: 0,
            passed_over: BTreeSet::new(),
            only: None,
            next_progress: 0,
            talks: false,
        }
    }

    /// The same, but over at the first violation.
    pub(crate) fn until_violation(mut self) -> Self {
        self.until_violation = true;
        self
    }

    /// The same, as the child of another process, which wants to hear how far it has come, and what it is about to do. It goes
    /// on where another left this place.
    pub(crate) fn watched(mut self, place: Place) -> std::io::Result<Self> {
        self.talks = true;
        if let Some(checkpoint) = place.checkpoint() {
            self.first_scenario = checkpoint.scenario;
            self.deadline = checkpoint.deadline;
            self.report = checkpoint.report;
        }
        self.passed_over = place.passed_over();
        let beacon = place.open_beacon()?;
        self.place = Some((place, beacon));
        Ok(self)
    }

    /// The same, but that only what has this id is judged, and whatever leads to it.
    pub(crate) fn judging_only(mut self, id: &str) -> Self {
        self.only = Some((id.to_owned(), false));
        self
    }

    /// Whether only one thing is judged.
    fn judges_one_thing(&self) -> bool {
        self.only.is_some()
    }

    /// Whether the one thing that is to be judged was come to.
    pub(crate) fn came_to_it(&self) -> bool {
        self.only.as_ref().is_some_and(|(_, came)| *came)
    }

    /// Whether there is no time, or nothing more to judge.
    pub(crate) fn is_over(&self) -> bool {
        (self.until_violation && self.report.violations > 0)
            || self.report.distinct_states >= self.states
            || hooks::real_nanoseconds() > self.deadline
    }

    /// From here on every so many-th state is judged.
    pub(crate) fn take_share(&mut self, every: u64) {
        self.shard = (0, every);
    }

    /// Whether this process judges what has these bits.
    pub(crate) fn is_ours(&self, bits: u64) -> bool {
        bits % self.shard.1 == self.shard.0
    }

    /// Says which scenario is recorded next. Whoever takes the place of a process that dies then tries it again: without the
    /// recording nothing of the scenario can be seen.
    pub(crate) fn about_to_record(&self, id: &str) {
        self.say(id);
    }

    /// Says what the product is about to do that only one thing to judge may need. False as with what is to be judged.
    #[must_use]
    pub(crate) fn about_to_run(&mut self, id: &dyn std::fmt::Display) -> bool {
        self.about_to_judge(id) || self.judges_one_thing()
    }

    /// Says what is judged next, so that somebody knows if this process does not survive it. False if another has not: then
    /// it was told, and is passed over.
    #[must_use]
    pub(crate) fn about_to_judge(&mut self, id: &dyn std::fmt::Display) -> bool {
        if let Some((only, came)) = &mut self.only {
            let id = id.to_string();
            *came |= *only == id;
            return only.starts_with(&id);
        }
        if self.place.is_none() {
            return true;
        }
        let id = id.to_string();
        let survivable = !self.passed_over.contains(&id);
        if survivable {
            self.say(&id);
        }
        survivable
    }

    fn say(&self, id: &str) {
        if let Some((_, beacon)) = &self.place {
            beacon.say(self.report.distinct_states, id);
        }
    }

    /// Does one part of what there is to do, and notes what came of it.
    pub(crate) fn part(&mut self, name: &'static str, explore: impl FnOnce(&mut Self)) {
        let (began, states) = (hooks::real_nanoseconds(), self.report.distinct_states);
        explore(self);
        let nanoseconds = hooks::real_nanoseconds().saturating_sub(began);
        let states = self.report.distinct_states - states;
        *self.report.by_part.entry(name.to_owned()).or_default() += Part { states, nanoseconds };
    }

    /// Another scenario of a campaign begins, by its number there: what was seen until here is kept, whatever becomes of this
    /// process. False if another process has seen the scenario.
    pub(crate) fn begin_scenario(&mut self, scenario: u64) -> bool {
        if scenario < self.first_scenario {
            return false;
        }
        self.forget_counted();
        if let Some((place, _)) = &self.place {
            let (deadline, report) = (self.deadline, self.report.clone());
            // Without it whoever takes this place begins where the last one was written, with what was seen until then.
            let _ = place.save(&Checkpoint { scenario, deadline, report });
        }
        true
    }

    /// What is the same disk in another scenario is another state.
    pub(crate) fn forget_counted(&mut self) {
        self.counted.clear();
    }

    /// A state was judged, by its fingerprint. It counts if it is the first of its kind: after a fault, states that were seen
    /// before are judged again, since other things may be true of them.
    pub(crate) fn judged(&mut self, state: Fingerprint, broken: bool) {
        if self.counted.len() >= MOST_COUNTED {
            self.counted.clear();
        }
        self.report.distinct_states += u64::from(self.counted.insert(state));
        let bits = state as u64;
        let verdict = if broken { bits.rotate_left(1) } else { bits };
        self.report.verdicts = self.report.verdicts.wrapping_add(verdict);
        let now = hooks::real_nanoseconds();
        if self.talks && now > self.next_progress {
            self.next_progress = now + PROGRESS_NANOSECONDS;
            let report = &self.report;
            let faults = report.fault_classes.values().chain(report.faults_in_recoveries.values());
            let faults: u64 = faults.sum();
            let line = json!({ "states": report.distinct_states, "faults": faults,
                "violations": report.violations });
            println!("{line}");
            let _ = std::io::stdout().flush();
        }
    }

    /// Something is not as it must be: whoever waits hears of it now.
    pub(crate) fn violate(&mut self, violation: Violation) {
        if self.talks && self.report.keeps_more() {
            println!("{}", json!({ "violation": violation }));
            let _ = std::io::stdout().flush();
        }
        self.report.violate(violation);
    }

    /// Counts something that failed in a recovery.
    pub(crate) fn count_fault_in_recovery(&mut self, class: &str) {
        *self.report.faults_in_recoveries.entry(class.to_owned()).or_default() += 1;
    }

    /// Counts something that failed.
    pub(crate) fn count_fault(&mut self, class: &str) {
        *self.report.fault_classes.entry(class.to_owned()).or_default() += 1;
    }
}
