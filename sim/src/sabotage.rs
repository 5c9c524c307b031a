//! Sabotage: every sync of a recording is left out in turn, as if the product had never made it. Each must be found by a
//! judgement, or there must be a reason why no judgement can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use sim::disk::{InodeNumber, Node, Operation};
use sim::images::{Effort, Points, Profile};
use sim::world::Logged;

use crate::campaign::Campaign;
use crate::damage::Damaged;
use crate::explore::{Depth, Exploration, Setting};
use crate::id::{StateId, Variant};
use crate::model::{Known, Model};
use crate::report::Violation;
use crate::scenario::{Recording, Scenario, Size, all};
use crate::session::Session;
use crate::{hooks, lint};

/// So many states are judged of a recording without one of its syncs, before it is said that none can tell.
const MOST_STATES: u64 = 1500;

/// What became of the planted bugs.
#[derive(Debug, Default)]
pub(crate) struct SabotageReport {
    planted: u64,
    caught: u64,
    /// By whom.
    by: BTreeMap<String, u64>,
    redundant: BTreeMap<&'static str, u64>,
    missed: Vec<String>,
    seconds: Vec<f64>,
}

impl SabotageReport {
    /// Every sync was missed by somebody, and something was planted.
    pub(crate) fn ok(&self) -> bool {
        self.missed.is_empty() && self.caught > 0
    }

    pub(crate) fn print(&mut self, json: bool) {
        self.seconds.sort_by(f64::total_cmp);
        let median = self.seconds.get(self.seconds.len() / 2).copied().unwrap_or_default();
        if json {
            let redundant: Vec<String> =
                self.redundant.iter().map(|(why, count)| format!("{count}: {why}")).collect();
            let line = json!({
                "type": "sabotage", "planted": self.planted, "caught": self.caught,
                "redundant": redundant, "missed": self.missed, "median_s": median,
            });
            println!("{line}");
            return;
        }
        for (why, count) in &self.redundant {
            println!("{count:>4} redundant: {why}");
        }
        for (judge, count) in &self.by {
            println!("{count:>4} caught by {judge}");
        }
        for missed in &self.missed {
            println!("missed: {missed}");
        }
        let (planted, caught, missed) = (self.planted, self.caught, self.missed.len());
        println!(
            "{planted} syncs left out in turn: {caught} caught (median {median:.2} s), {missed} missed"
        );
    }
}

/// Leaves out every sync of every scenario in turn.
pub(crate) fn run(campaign: &Campaign) -> SabotageReport {
    hooks::freeze(campaign.seed);
    let mut report = SabotageReport::default();
    let chosen = if campaign.scenarios.is_empty() { all() } else { campaign.scenarios.clone() };
    let large = |scenario: &Scenario| scenario.size == Size::Large;
    for scenario in chosen.iter().filter(|scenario| !campaign.quick || !large(scenario)) {
        let sabotage = Sabotage::of(scenario, campaign.seed);
        for at in sabotage.syncs() {
            report.planted += 1;
            // What the log itself shows to be made again need not be looked for.
            if let Some(why) = sabotage.reason(at, Sabotage::made_again) {
                *report.redundant.entry(why).or_default() += 1;
                continue;
            }
            let began = hooks::real_nanoseconds();
            let caught = sabotage.catch(at);
            let seconds = (hooks::real_nanoseconds() - began) as f64 / 1e9;
            if let Some(judge) = caught {
                report.caught += 1;
                report.seconds.push(seconds);
                *report.by.entry(judge).or_default() += 1;
            } else if let Some(why) = sabotage.reason(at, Sabotage::nothing_to_lose) {
                *report.redundant.entry(why).or_default() += 1;
            } else {
                let path = sabotage.recording.run.log.get(at).map_or("", Logged::path);
                report.missed.push(format!("{}: sync {at} of {path}", scenario.name));
            }
        }
    }
    report
}

/// A planted bug that every campaign must find, or it finds nothing: the journal's last record is never synced. Only
/// crashes may tell. Returns the state that shows it.
pub(crate) fn canary(seed: u64) -> Option<String> {
    let scenario = Scenario::named("confirm")?;
    hooks::freeze(seed);
    let sabotage = Sabotage::of(&scenario, seed);
    let last = sabotage.syncs().into_iter().rfind(|at| {
        let path = sabotage.recording.run.log.get(*at).map_or("", Logged::path);
        path.ends_with("/journal/records.jsonl")
    });
    Some(sabotage.crash(last?)?.id)
}

/// A scenario whose syncs are left out.
struct Sabotage<'s> {
    scenario: &'s Scenario,
    seed: u64,
    recording: Recording,
    model: Model,
}

impl<'s> Sabotage<'s> {
    fn of(scenario: &'s Scenario, seed: u64) -> Self {
        let recording = scenario.record(seed);
        let model = Model::of(scenario, &recording);
        Self { scenario, seed, recording, model }
    }

    fn log(&self) -> &[Logged] {
        &self.recording.run.log
    }

    fn syncs(&self) -> Vec<usize> {
        let log = self.log().iter().enumerate();
        // What is beside the home is not the product's.
        let is_ours =
            |logged: &Logged| logged.path().is_empty() || logged.path().starts_with("/home");
        let syncs = log.filter(|(_, logged)| {
            matches!(logged.operation(), Some(Operation::Sync { .. })) && is_ours(logged)
        });
        syncs.map(|(at, _)| at).collect()
    }

    /// Who finds that a sync is left out, if anybody does.
    fn catch(&self, at: usize) -> Option<String> {
        let without = self.without(at);
        if lint::check(&self.recording.before, &without).is_some() {
            return Some(lint::NAME.to_owned());
        }
        self.crash(at).map(|found| found.judge).or_else(|| self.damage(&without))
    }

    fn without(&self, at: usize) -> Vec<Logged> {
        let mut log = self.log().to_vec();
        log.remove(at);
        log
    }

    /// What shows it, at a crash.
    fn crash(&self, at: usize) -> Option<Violation> {
        let inode = match self.log().get(at).and_then(Logged::operation) {
            Some(Operation::Sync { inode }) => *inode,
            _ => return None,
        };
        // What is lost alone tells most, wherever it is missed; then whatever else can be lost.
        self.crash_losing(at, Some(inode)).or_else(|| self.crash_losing(at, None))
    }

    fn crash_losing(&self, at: usize, only_lost: Option<InodeNumber>) -> Option<Violation> {
        let without = self.without(at);
        let known = Known::all(&without);
        let mut session = Session::new((0, 1), None, MOST_STATES).until_violation();
        let mut seen = BTreeSet::new();
        for profile in [Profile::Posix, Profile::Ordered] {
            let setting = Setting {
                scenario: self.scenario,
                model: &self.model,
                before: &self.recording.before,
                disks: &self.recording.run.disks,
                failed: None,
                lied_to: false,
            };
            let how = (profile, Depth::ONE);
            let mut exploration = Exploration::new(&mut session, setting, how, &mut seen);
            (exploration.only_lost, exploration.repeats) = (only_lost, true);
            let id = StateId::of(&self.scenario.name, self.seed, profile, Effort::QUICK);
            let id = StateId { variant: Variant::LeftOut(at), ..id };
            exploration.run(&without, &known, Points::from(at), &id);
        }
        session.report.kept.first().cloned()
    }

    /// Whether it is found when damage follows the crash.
    fn damage(&self, without: &[Logged]) -> Option<String> {
        let mut session = Session::new((0, 1), None, MOST_STATES).until_violation();
        let (before, model) = (&self.recording.before, &self.model);
        let id = StateId::of(&self.scenario.name, self.seed, Profile::Posix, Effort::QUICK);
        Damaged { before, log: without, model, id: &id, sharded: false }.explore(&mut session);
        session.report.kept.first().map(|violation| violation.judge.clone())
    }

    /// Why no judgement can tell that a sync was left out, if there is a reason of this kind.
    fn reason(
        &self,
        at: usize,
        ask: fn(&Self, usize, InodeNumber, &str) -> Option<&'static str>,
    ) -> Option<&'static str> {
        let Some(Logged::Operation { operation: Operation::Sync { inode }, path, .. }) =
            self.log().get(at)
        else {
            return None;
        };
        ask(self, at, *inode, path)
    }

    /// It is made again before anything relies on it, or there is nothing to it.
    fn made_again(&self, at: usize, inode: InodeNumber, path: &str) -> Option<&'static str> {
        let later = self.log().iter().skip(at + 1);
        let again = later.into_iter().any(|logged| {
            matches!(logged.operation(), Some(Operation::Sync { inode: again }) if *again == inode)
        });
        if path.contains("/.staging-") && again {
            return Some("in staging, which nothing refers to, and synced again when it is sealed");
        }
        let after = &self.recording.run.disk;
        let gone = !after.paths().iter().any(|(_, found)| *found == inode);
        if path.contains("/.staging-") && gone {
            return Some("of something in staging that is gone when it is sealed");
        }
        let is_empty = after.inode(inode).is_some_and(
            |found| matches!(&found.node, Node::Directory(entries) if entries.is_empty()),
        );
        is_empty.then_some("of a directory that is empty, and has nothing to lose")
    }

    /// Whether the record that was appended last before this is the end of an attempt without effect.
    fn ends_an_attempt_without_effect(&self, at: usize) -> bool {
        let log = self.log().get(..at).unwrap_or_default().iter().rev();
        let mut records = log.filter(|logged| logged.path().ends_with("/journal/records.jsonl"));
        let last = records.find_map(|logged| match logged.operation() {
            Some(Operation::Write { data, .. }) => Some(data),
            _ => None,
        });
        last.is_some_and(|data| data.windows(9).any(|found| found == b"\"ABORTED\""))
    }

    /// Whether the names that it makes durable are taken away again, and nothing is made current in between: whoever made them
    /// gave up.
    fn is_made_in_vain(&self, at: usize, inode: InodeNumber) -> bool {
        let names: Vec<&Arc<str>> = self
            .pending(at, inode)
            .filter_map(|operation| match operation {
                Operation::Enter { directory, name, .. } if *directory == inode => Some(name),
                Operation::Move { to, .. } if to.0 == inode => Some(&to.1),
                _ => None,
            })
            .collect();
        let later = self.log().iter().skip(at + 1).filter_map(Logged::operation);
        let before_commit: Vec<&Operation> = later
            .take_while(|operation| {
                !matches!(operation, Operation::Write { data, .. }
                    if data.windows(11).any(|found| found == b"\"ACTIVATED\""))
            })
            .collect();
        let is_taken = |name: &&Arc<str>| {
            before_commit.iter().any(|operation| match operation {
                Operation::Leave { directory, name: gone, .. } => {
                    *directory == inode && gone == *name
                }
                Operation::Move { from, .. } => from.0 == inode && &from.1 == *name,
                _ => false,
            })
        };
        !names.is_empty() && names.iter().all(is_taken)
    }

    /// What a sync was about to make durable.
    fn pending(&self, at: usize, inode: InodeNumber) -> impl Iterator<Item = &Operation> {
        let log = self.log().get(..at).unwrap_or_default().iter().rev();
        let pending = log.take_while(move |logged| {
            !matches!(logged.operation(), Some(Operation::Sync { inode: found }) if *found == inode)
        });
        pending.filter_map(Logged::operation)
    }

    /// What it makes durable can be lost.
    fn nothing_to_lose(&self, at: usize, inode: InodeNumber, path: &str) -> Option<&'static str> {
        if path.contains("/generations/")
            && path.contains("/store/")
            && !path.contains("/.staging-")
        {
            return Some("of the engine, while a runtime writes, and made again before it stops");
        }
        if path.ends_with("/journal.new") {
            return Some(
                "of a journal that replaces a lost one, which whoever opens it syncs once more",
            );
        }
        if path.ends_with("/journal.new/witness") {
            return Some(
                "of the witness of a journal that replaces a lost one: nothing in it is acknowledged yet, and without \
                 it the same is decided again",
            );
        }
        if path.ends_with("/journal/witness") && self.ends_an_attempt_without_effect(at) {
            return Some(
                "of the witness of an attempt's end, which whoever opens the home next appends again, the same",
            );
        }
        if path == "/home" || path == "/home/journal" {
            return Some(
                "of the home's or the journal's directory, which whoever opens it next syncs before relying on it",
            );
        }
        let again = self.log().iter().skip(at + 1).filter_map(Logged::operation).any(
            |operation| matches!(operation, Operation::Sync { inode: again } if *again == inode),
        );
        if path.is_empty() && again {
            return Some(
                "of the directory that the home is in, which the next adoption syncs once more",
            );
        }
        if self.is_made_in_vain(at, inode) {
            return Some("of names that are taken away again, by an attempt that gave up");
        }
        let is_nothing = |operation: &Operation| match operation {
            Operation::Write { inode: file, data, .. } if *file == inode => {
                data.iter().all(|byte| *byte == b'\n')
            }
            Operation::Enter { directory, name, .. } if *directory == inode => {
                name.starts_with(".staging-")
            }
            Operation::Move { to, .. } if to.0 == inode => to.1.starts_with(".staging-"),
            _ => true,
        };
        self.pending(at, inode)
            .all(is_nothing)
            .then_some("of reserved space, or of the removal of what nothing refers to")
    }
}
