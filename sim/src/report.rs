//! What a campaign saw: counted, merged from all processes, and told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sim::images::Coverage;

/// How many violations are kept; all are counted.
const VIOLATIONS_KEPT: usize = 20;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Violation {
    /// By which it is made again.
    pub(crate) id: String,
    /// Who says so.
    pub(crate) judge: String,
    /// What is broken.
    pub(crate) what: String,
}

/// How far recordings were walked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walked {
    /// Scenarios that were looked at.
    pub(crate) scenarios: u64,
    /// Operations of their recordings.
    pub(crate) operations: u64,
    /// Points at which crashes were derived.
    pub(crate) crash_points: u64,
    /// Of these, points at which every crash was.
    pub(crate) exhaustive_points: u64,
    /// Disks that crashes could have left, repeated ones included.
    pub(crate) images: u64,
}

impl Walked {
    fn each(self, other: Self, join: fn(u64, u64) -> u64) -> Self {
        Self {
            scenarios: join(self.scenarios, other.scenarios),
            operations: join(self.operations, other.operations),
            crash_points: join(self.crash_points, other.crash_points),
            exhaustive_points: join(self.exhaustive_points, other.exhaustive_points),
            images: join(self.images, other.images),
        }
    }

    pub(crate) fn cover(&mut self, coverage: Coverage) {
        self.crash_points += coverage.points;
        self.exhaustive_points += coverage.exhaustive;
        self.images += coverage.images;
    }
}

/// What came of one way of disturbing a scenario, in all scenarios together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Distinct states that it led to first.
    pub(crate) states: u64,
    /// How long it took, in all processes together.
    pub(crate) nanoseconds: u64,
}

impl std::ops::AddAssign for Part {
    fn add_assign(&mut self, other: Self) {
        self.states += other.states;
        self.nanoseconds += other.nanoseconds;
    }
}

/// What a campaign saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What every process walks, to judge its share of it.
    pub(crate) by_all: Walked,
    /// What only one process walks: what follows from a state or a fault of its own, and its random scenarios.
    pub(crate) by_one: Walked,
    /// Distinct disks, with what had been acknowledged, each recovered by the product, read down to the last record, and judged.
    pub(crate) distinct_states: u64,
    /// How many crashes followed each other, at most.
    pub(crate) max_depth: u64,
    /// How often something failed, by class.
    pub(crate) fault_classes: BTreeMap<String, u64>,
    /// How often something failed in a recovery from a crash, by class.
    pub(crate) faults_in_recoveries: BTreeMap<String, u64>,
    /// How often each judge had something to judge.
    pub(crate) judged: BTreeMap<String, u64>,
    /// How often a record of a journal was held to the model of the protocol, in all states together.
    pub(crate) trace_steps: u64,
    /// States by scenario and profile.
    pub(crate) by_scenario: BTreeMap<String, u64>,
    /// States and time by what leads to them.
    pub(crate) by_part: BTreeMap<String, Part>,
    /// How many violations there were.
    pub(crate) violations: u64,
    /// By who says so, and in which run.
    pub(crate) violated: BTreeMap<String, u64>,
    /// The first of them.
    pub(crate) kept: Vec<Violation>,
    /// The recordings, as a digest for each: the same seed gives the same.
    pub(crate) log_hashes: BTreeMap<String, String>,
    /// The verdicts, as a digest that does not depend on their order.
    pub(crate) verdicts: u64,
}

impl Report {
    pub(crate) fn violate(&mut self, violation: Violation) {
        self.violations += 1;
        let run = violation.id.split([':', '@']).next().unwrap_or_default();
        *self.violated.entry(format!("{} ({run})", violation.judge)).or_default() += 1;
        if self.keeps_more() {
            self.kept.push(violation);
        }
    }

    /// Whether the next violation is kept.
    pub(crate) fn keeps_more(&self) -> bool {
        self.kept.len() < VIOLATIONS_KEPT
    }

    /// How far recordings were walked in all.
    pub(crate) fn walked(&self) -> Walked {
        self.by_all.each(self.by_one, |all, one| all + one)
    }

    /// Adds what another process of the same campaign saw.
    pub(crate) fn merge(&mut self, other: Self) {
        self.by_all = self.by_all.each(other.by_all, u64::max);
        self.by_one = self.by_one.each(other.by_one, |ours, theirs| ours + theirs);
        self.distinct_states += other.distinct_states;
        self.max_depth = self.max_depth.max(other.max_depth);
        add(&mut self.fault_classes, other.fault_classes);
        add(&mut self.faults_in_recoveries, other.faults_in_recoveries);
        self.trace_steps += other.trace_steps;
        add(&mut self.judged, other.judged);
        add(&mut self.violated, other.violated);
        add(&mut self.by_scenario, other.by_scenario);
        add(&mut self.by_part, other.by_part);
        self.violations += other.violations;
        self.kept.extend(other.kept);
        self.kept.truncate(VIOLATIONS_KEPT);
        self.log_hashes.extend(other.log_hashes);
        self.verdicts = self.verdicts.wrapping_add(other.verdicts);
    }

    /// One digest for all recordings.
    pub(crate) fn log_hash(&self) -> String {
        let text: String =
            self.log_hashes.iter().map(|(name, hash)| format!("{name} {hash}\n")).collect();
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }
}

fn add<T: std::ops::AddAssign + Default>(
    into: &mut BTreeMap<String, T>,
    from: BTreeMap<String, T>,
) {
    for (name, count) in from {
        *into.entry(name).or_default() += count;
    }
}
