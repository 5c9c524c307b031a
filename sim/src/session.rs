//! One process of a campaign: its share, its time, what it has seen, and what it is about to do.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use serde_json::json;
use sim::disk::Fingerprint;

use crate::hooks;
use crate::report::{Part, Report, Violation};

/// How often a process says how far it has come.
const PROGRESS_NANOSECONDS: u64 = 200_000_000;
/// So many states of a scenario are counted; then some may be counted twice.
const MOST_COUNTED: usize = 8_000_000;
/// Bytes of the file in which a process says what it is about to judge.
const BEACON_BYTES: usize = 256;

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
    beacon: Option<File>,
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
            beacon: None,
            next_progress: 0,
            talks: false,
        }
    }

    /// The same, but over at the first violation.
    pub(crate) fn until_violation(mut self) -> Self {
        self.until_violation = true;
        self
    }

    /// The same, as the child of another process, which wants to hear how far it has come, and what it is about to do.
    pub(crate) fn watched(mut self, beacon: Option<File>) -> Self {
        self.talks = true;
        self.beacon = beacon;
        self
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

    /// Says what is judged next, so that somebody knows if this process does not survive it.
    pub(crate) fn about_to_judge(&mut self, id: &dyn std::fmt::Display) {
        if let Some(beacon) = &self.beacon {
            let mut text = format!("{} {id}", self.report.distinct_states).into_bytes();
            text.resize(BEACON_BYTES, b' ');
            let _ = beacon.write_all_at(&text, 0);
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

    /// Another scenario begins: what is the same disk there is another state.
    pub(crate) fn begin_scenario(&mut self) {
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
            let faults: u64 = report.fault_classes.values().sum();
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

    /// Counts something that failed.
    pub(crate) fn count_fault(&mut self, class: &str) {
        *self.report.fault_classes.entry(class.to_owned()).or_default() += 1;
    }
}
