//! Sabotage: every sync of a recording is left out in turn, as if the product had never made it. Each must be found by a
//! judgement, or there must be a reason why no judgement can tell.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use sim::disk::{InodeNumber, Operation};
use sim::images::Profile;
use sim::world::Logged;

use crate::explore::{Campaign, Report, explore};
use crate::judge::Expected;
use crate::scenario::{Recording, Scenario};

/// What became of the planted bugs.
#[derive(Debug, Default)]
pub(crate) struct SabotageReport {
    planted: u64,
    caught: u64,
    redundant: BTreeMap<&'static str, u64>,
    missed: Vec<String>,
    times: Vec<Duration>,
}

impl SabotageReport {
    /// Every sync was missed by nobody, and something was planted.
    pub(crate) fn ok(&self) -> bool {
        self.missed.is_empty() && self.caught > 0
    }

    pub(crate) fn print(&mut self, json: bool) {
        self.times.sort();
        let middle = self.times.get(self.times.len() / 2).copied().unwrap_or_default();
        if json {
            let redundant: Vec<String> =
                self.redundant.iter().map(|(why, count)| format!("{count}: {why}")).collect();
            let line = json!({
                "type": "sabotage", "planted": self.planted, "caught": self.caught,
                "redundant": redundant, "missed": self.missed, "median_s": middle.as_secs_f64(),
            });
            println!("{line}");
            return;
        }
        for (why, count) in &self.redundant {
            println!("{count:>4} redundant: {why}");
        }
        for missed in &self.missed {
            println!("missed: {missed}");
        }
        println!(
            "{} syncs left out in turn: {} caught (median {:.2} s), {} missed",
            self.planted,
            self.caught,
            middle.as_secs_f64(),
            self.missed.len()
        );
    }
}

/// Leaves out every sync of every scenario in turn.
pub(crate) fn run(campaign: &Campaign) -> SabotageReport {
    let mut report = SabotageReport::default();
    for scenario in campaign.scenarios() {
        let recording = scenario.record(campaign.seed());
        let expected = Expected::of(&recording.before, &recording.after);
        for (at, logged) in recording.log.iter().enumerate() {
            let Logged::Operation(Operation::Sync { inode }, path) = logged else { continue };
            report.planted += 1;
            if let Some(why) = made_again(&recording, at, *inode, path) {
                *report.redundant.entry(why).or_default() += 1;
                continue;
            }
            let began = Instant::now();
            if is_caught(campaign, scenario, &recording, &expected, at) {
                report.caught += 1;
                report.times.push(began.elapsed());
            } else if let Some(why) = not_for_crashes(&recording, at, *inode, path) {
                *report.redundant.entry(why).or_default() += 1;
            } else {
                report.missed.push(format!("{}: sync {at} of {path}", scenario.name));
            }
        }
    }
    report
}

/// Why no crash can tell that a sync was left out although it was not made again, if there is a reason. Asked only for what
/// no judgement has caught.
fn not_for_crashes(
    recording: &Recording,
    at: usize,
    inode: InodeNumber,
    path: &str,
) -> Option<&'static str> {
    if path.ends_with("/journal/witness") {
        return Some(
            "of the witness, which is for damage: after a crash one that lags is made good",
        );
    }
    if path == "/home" {
        return Some(
            "of the home's directory, which whoever opens it next syncs before relying on it",
        );
    }
    // What this sync was about to make durable.
    let log = recording.log.get(..at).unwrap_or_default().iter().rev();
    let pending = log.map_while(|logged| match logged {
        Logged::Operation(Operation::Sync { inode: found }, _) if *found == inode => None,
        other => Some(other),
    });
    let is_nothing = |logged: &Logged| match logged {
        Logged::Operation(Operation::Write { inode: file, data, .. }, _) if *file == inode => {
            data.iter().all(|byte| *byte == b'\n')
        }
        Logged::Operation(Operation::Enter { directory, name, .. }, _) if *directory == inode => {
            name.starts_with(".staging-")
        }
        Logged::Operation(Operation::Move { to, .. }, _) if to.0 == inode => {
            to.1.starts_with(".staging-")
        }
        _ => true,
    };
    pending
        .into_iter()
        .all(is_nothing)
        .then_some("of reserved space, or of the removal of what nothing refers to")
}

/// Why leaving a sync out makes no difference, because it is made again or there is nothing to it.
fn made_again(
    recording: &Recording,
    at: usize,
    inode: InodeNumber,
    path: &str,
) -> Option<&'static str> {
    let later = recording.log.iter().skip(at + 1);
    let again = later.clone().any(|logged| {
        matches!(logged, Logged::Operation(Operation::Sync { inode: again }, _) if *again == inode)
    });
    if path.contains("/.staging-") && again {
        return Some("in staging, which nothing refers to, and synced again when it is sealed");
    }
    let gone = !recording.after.paths().iter().any(|(_, found)| *found == inode);
    if path.contains("/.staging-") && gone {
        return Some("of something in staging that is gone when it is sealed");
    }
    let is_empty = recording.after.inode(inode).is_some_and(
        |found| matches!(&found.node, sim::disk::Node::Directory(entries) if entries.is_empty()),
    );
    if is_empty {
        return Some("of a directory that is empty, and has nothing to lose");
    }
    None
}

/// A planted bug that every campaign must find, or it finds nothing: the journal's last record is never synced.
pub(crate) fn canary(campaign: &Campaign, scenario: &Scenario) -> bool {
    let recording = scenario.record(campaign.seed());
    let expected = Expected::of(&recording.before, &recording.after);
    let last = recording.log.iter().rposition(|logged| {
        matches!(logged, Logged::Operation(Operation::Sync { .. }, path)
            if path.ends_with("/journal/records.jsonl"))
    });
    last.is_some_and(|at| is_caught(campaign, scenario, &recording, &expected, at))
}

fn is_caught(
    campaign: &Campaign,
    scenario: &Scenario,
    recording: &Recording,
    expected: &Expected,
    at: usize,
) -> bool {
    let mut log = recording.log.clone();
    log.remove(at);
    let (before, after) = (recording.before.clone(), recording.after.clone());
    let calls = recording.calls.clone();
    let sabotaged = Recording { before, log, after, calls };
    let mut report = Report::default();
    for profile in [Profile::Posix, Profile::Ordered] {
        explore(campaign, scenario, profile, &sabotaged, expected, &mut report, true);
        if report.violations() > 0 {
            return true;
        }
    }
    false
}
