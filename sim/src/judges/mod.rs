//! What is judged of every disk that a crash could have left: one claim, one file.

mod atomicity;
mod attempts;
mod authorization;
mod binary;
mod bounded;
pub(crate) mod capability;
mod condition;
mod durability;
mod idempotence;
mod journal;
mod leaks;
mod link;
mod metadata;
mod old_generation;
mod one_generation;
mod permissions;
pub(crate) mod protocol;
mod recoverable;
pub(crate) mod refusal;
mod retry;
mod set_aside;
mod space;

use std::collections::BTreeMap;

use serde_json::Value;
use sim::disk::{Disk, Node};

use crate::model::{Known, Model};
use crate::observe::{Observation, State};
use crate::scenario::{HOME_ON_DISK, Outcome, Scenario, Step};

/// A claim that must hold of every disk.
pub(crate) struct Judge {
    /// Its name, by which it is counted.
    pub(crate) name: &'static str,
    /// What it claims.
    pub(crate) claim: &'static str,
    /// The clause of FC-UPGRADE-0001 that it serves.
    pub(crate) clause: &'static str,
    /// Judges.
    pub(crate) judge: fn(&Case<'_>) -> Verdict,
}

/// What a judge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is nothing to judge here.
    NotApplicable,
    /// It holds.
    Held,
    /// It does not: a sentence.
    Broken(String),
}

impl Verdict {
    fn of(problem: Option<String>) -> Self {
        problem.map_or(Self::Held, Self::Broken)
    }
}

/// All judges, in the order in which they are asked.
pub(crate) const ALL: [&Judge; 22] = [
    &recoverable::JUDGE,
    &atomicity::JUDGE,
    &durability::JUDGE,
    &one_generation::JUDGE,
    &binary::JUDGE,
    &permissions::JUDGE,
    &old_generation::JUDGE,
    &journal::JUDGE,
    &attempts::JUDGE,
    &protocol::JUDGE,
    &authorization::JUDGE,
    &metadata::JUDGE,
    &capability::JUDGE,
    &refusal::JUDGE,
    &condition::JUDGE,
    &idempotence::JUDGE,
    &bounded::JUDGE,
    &leaks::JUDGE,
    &space::JUDGE,
    &link::JUDGE,
    &set_aside::JUDGE,
    &retry::JUDGE,
];

/// A disk that was recovered and read, with what there must be.
pub(crate) struct Case<'c> {
    /// What was done.
    pub(crate) scenario: &'c Scenario,
    /// What there must be.
    pub(crate) model: &'c Model,
    /// What had been acknowledged.
    pub(crate) known: Known,
    /// What there was to begin with.
    pub(crate) before: &'c Disk,
    /// What there was after each step of an undisturbed run.
    pub(crate) disks: &'c [Disk],
    /// What there is.
    pub(crate) seen: &'c Observation,
    /// What came of the step that a fault was met in, if one was.
    pub(crate) failed: Option<&'c Outcome>,
    /// Whether the disk did not keep what it had said was durable: then a typed refusal is an answer too.
    pub(crate) lied_to: bool,
}

impl Case<'_> {
    /// The states that are allowed: exactly the last one that was acknowledged, or, while a step is under way, the next.
    fn allowed(&self) -> (&State, Option<&State>) {
        let states = &self.model.states;
        let old = states.get(self.known.done).or(states.last());
        let next = self.known.under_way().and_then(|step| states.get(step + 1));
        (old.unwrap_or(&State::Nothing), next)
    }

    /// Whether a runtime writes at all.
    fn runs(&self) -> bool {
        self.scenario.act.iter().any(|step| step.writes_records())
    }

    /// Whether a runtime is started at all.
    fn starts(&self) -> bool {
        self.scenario.act.iter().any(|step| step.starts_a_runtime())
    }

    /// Whether a runtime is starting: then a try may be spent already.
    fn is_starting(&self) -> bool {
        let step = self.known.under_way().and_then(|step| self.scenario.act.get(step));
        step.is_some_and(|step| step.starts_a_runtime())
    }

    /// Whether generations are being given back.
    fn is_collecting(&self) -> bool {
        let step = self.known.under_way().and_then(|step| self.scenario.act.get(step));
        step == Some(&Step::Collect)
    }

    /// Whether a runtime is writing: then the content of what is current is between two states.
    fn is_being_written(&self) -> bool {
        let step = self.known.under_way().and_then(|step| self.scenario.act.get(step));
        step.is_some_and(|step| step.writes_records())
    }
}

/// What was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The judge.
    pub(crate) judge: &'static str,
    /// What it says.
    pub(crate) what: String,
}

/// Asks all judges; counts how often each had something to judge; returns what the first says that something is broken.
pub(crate) fn judge(
    case: &Case<'_>,
    applied: &mut BTreeMap<&'static str, u64>,
) -> Result<(), Broken> {
    for judge in ALL {
        match (judge.judge)(case) {
            Verdict::NotApplicable => {}
            Verdict::Held => *applied.entry(judge.name).or_default() += 1,
            Verdict::Broken(what) => {
                *applied.entry(judge.name).or_default() += 1;
                return Err(Broken { judge: judge.name, what });
            }
        }
    }
    Ok(())
}

/// The path of a generation on the simulated disk.
fn generation_path(number: versioning::GenerationNumber) -> String {
    format!("{HOME_ON_DISK}/generations/{number}")
}

/// The bytes of a file on a disk.
fn file(disk: &Disk, path: &str) -> Option<Vec<u8>> {
    match &disk.inode(disk.lookup(path)?)?.node {
        Node::File(content) => Some(content.bytes()),
        _ => None,
    }
}

/// A member of this name in a JSON object, wherever it stands.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(members) = value else { return None };
    members.get(name).or_else(|| members.values().find_map(|found| member(found, name)))
}

/// The names in a directory on a disk.
fn names(disk: &Disk, path: &str) -> Vec<String> {
    let node = disk.lookup(path).and_then(|inode| disk.inode(inode)).map(|inode| &inode.node);
    match node {
        Some(Node::Directory(entries)) => entries.keys().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}
