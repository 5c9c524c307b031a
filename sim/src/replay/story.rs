//! A finding as a timeline.

use std::collections::BTreeSet;

use sim::disk::Operation;
use sim::fault::{Call, Met, Outcome};
use sim::images::{Damage, Enumeration, Pending, Profile};
use sim::timeline::{Action, Ending, Entry, Fate, Line, Order, Segment, Timeline};
use sim::world::{Logged, Mark};

use super::made::{Crashed, Made};
use super::sites::frames;
use crate::id::Variant;
use crate::judges::Broken;

/// At most so many lost operations of a run are told one by one.
const LOST_TOLD: usize = 6;

/// Tells it. What is not lost, damaged, or just before the crash is only counted.
pub(super) fn tell(made: &Made, broken: &Broken, operations_in_all: usize) -> Timeline {
    // Who called is found out by doing it once more.
    let traced = Made::of(&made.id, true).ok();
    let last = made.runs.len().saturating_sub(1);
    let segments: Vec<Segment> = made
        .runs
        .iter()
        .enumerate()
        .map(|(number, run)| {
            let traced_run = traced.as_ref().and_then(|traced| traced.runs.get(number));
            let log = traced_run.map_or(&run.log, |traced| &traced.log);
            let met = traced.as_ref().unwrap_or(made).met.as_ref();
            let meets = usize::from(made.id.recovery.is_some());
            let disturbed = met.filter(|met| number == meets && !is_in_the_log(met));
            let whole = number == last && made.id.crashes.is_empty();
            segment(made, number, run, &Told { log, disturbed, whole })
        })
        .collect();
    let weakest = made.weakest_profile();
    Timeline {
        id: made.id.to_string(),
        seed: made.id.seed,
        commit: commit(),
        scenario: made.id.scenario.clone(),
        profile: made.id.profile.name().to_owned(),
        weakest_profile: (weakest != made.id.profile).then(|| weakest.name().to_owned()),
        fault: fault(&made.id.variant),
        judge: broken.judge.to_owned(),
        broken: broken.what.clone(),
        order: order(&segments),
        segments,
        operations_in_all,
    }
}

/// How many operations are told: one by one, or as so many that the crash took.
pub(super) fn told(timeline: &Timeline) -> usize {
    let lines = timeline.segments.iter().flat_map(|run| &run.lines);
    let of_line = |line: &Line| match line {
        Line::Entry(entry) => usize::from(!matches!(entry.action, Action::Mark { .. })),
        Line::Taken { operations } => *operations,
        Line::Skipped { .. } => 0,
    };
    lines.map(of_line).sum()
}

/// What there is to tell of a run beside what it did.
struct Told<'t> {
    /// The same log, with who called.
    log: &'t [Logged],
    /// The call that met a fault, if it is not in the log.
    disturbed: Option<&'t Met>,
    /// Whether no crash ended it.
    whole: bool,
}

fn segment(made: &Made, number: usize, run: &Crashed, told: &Told<'_>) -> Segment {
    let Told { log, disturbed: met, whole } = *told;
    let title = if number == 0 {
        let steps: Vec<_> = made.scenario.act.iter().map(|step| step.title()).collect();
        steps.join(", then ")
    } else {
        format!("recovery {number}")
    };
    let after = run.point;
    let ending = match made.id.profile {
        _ if whole => Ending::Judged,
        Profile::Kill => Ending::ProcessDies { after },
        _ => Ending::PowerGoes { after },
    };
    let mut segment = Segment::new(title, ending);
    let notable = Notable::of(made, run, whole);
    for (at, logged) in log.iter().take(run.point).enumerate() {
        if number == 0
            && let Some((left_out, sync)) = &made.left_out
            && *left_out == at
        {
            segment.push(entry(at, sync, sync, Fate::LeftOut));
        }
        if let Some(met) = met.filter(|met| met.at == at) {
            segment.push(disturbed(met));
        }
        let recorded = run.log.get(at).unwrap_or(logged);
        let fate = notable.fate(run, at, recorded);
        let tells = match recorded {
            Logged::Mark(mark) => is_told(mark, log.get(at + 1..run.point).unwrap_or_default()),
            Logged::Operation { .. } => notable.tells(at, &fate),
        };
        if notable.untold.contains(&at) {
            segment.take(1);
        } else if tells {
            segment.push(entry(at + 1, recorded, logged, fate));
        } else if recorded.operation().is_some() {
            segment.skip(1);
        }
    }
    if let Some(met) = met.filter(|met| met.at == run.point) {
        segment.push(disturbed(met));
    }
    segment
}

/// What is to be told of a run's operations, as indices of its log.
struct Notable<'r> {
    /// The write that a damage is of.
    damaged: Option<usize>,
    /// What is lost, and only counted since there is so much.
    untold: &'r [usize],
    /// The last before the crash.
    last: Option<usize>,
    /// What nobody had synced.
    unsynced: BTreeSet<usize>,
    /// What came behind the first that was lost, and is there: it may have relied on that.
    behind: Option<usize>,
}

impl<'r> Notable<'r> {
    fn of(made: &Made, run: &'r Crashed, whole: bool) -> Self {
        let lost_untold = run.lost.len().saturating_sub(LOST_TOLD);
        let issued = run.log.iter().take(run.point).enumerate();
        let mut operations = issued.rev().filter(|(_, logged)| logged.operation().is_some());
        let unsynced = if whole { BTreeSet::new() } else { unsynced(made, run) };
        let first_lost = run.lost.iter().min();
        let is_behind =
            |at: &&usize| first_lost.is_some_and(|lost| *at > lost) && !run.lost.contains(at);
        Self {
            damaged: last_kept_write(made, run),
            untold: run.lost.get(..lost_untold).unwrap_or_default(),
            last: operations.next().map(|(at, _)| at),
            behind: unsynced.iter().find(is_behind).copied(),
            unsynced,
        }
    }

    fn fate(&self, run: &Crashed, at: usize, logged: &Logged) -> Fate {
        match fate(run, at, logged, self.damaged) {
            Fate::Durable if self.unsynced.contains(&at) => Fate::Kept,
            fate => fate,
        }
    }

    fn tells(&self, at: usize, fate: &Fate) -> bool {
        let is_there = matches!(fate, Fate::Durable | Fate::Kept);
        !is_there || [self.last, self.behind].contains(&Some(at))
    }
}

/// A sync that fails, and is known to, is an operation.
fn is_in_the_log(met: &Met) -> bool {
    met.call == Call::Sync && matches!(met.outcome, Outcome::Fail(_))
}

/// A call that met a fault.
fn disturbed(met: &Met) -> Entry {
    let name = met.call.name();
    let (name, fate) = match met.outcome {
        Outcome::Fail(errno) => (name.to_owned(), Fate::Failed { errno }),
        Outcome::Lie => (name.to_owned(), Fate::Lied),
        Outcome::Short => (format!("{name} half of it"), Fate::Untouched),
        Outcome::Rot => (format!("{name}, of which a bit flips"), Fate::Untouched),
        Outcome::Pass => (name.to_owned(), Fate::Durable),
    };
    let entry = Entry::new(met.at, Action::Call { name }, met.path.clone(), fate);
    match &met.site {
        Some(site) => entry.called_from(frames(site)),
        None => entry,
    }
}

/// Of the marks the last of each kind.
fn is_told(mark: &Mark, later: &[Logged]) -> bool {
    let same = |other: &Logged| {
        matches!(
            (mark, other),
            (Mark::Record, Logged::Mark(Mark::Record))
                | (Mark::Done(_), Logged::Mark(Mark::Done(_)))
        )
    };
    matches!(mark, Mark::Record | Mark::Done(_)) && !later.iter().any(same)
}

fn entry(number: usize, recorded: &Logged, traced: &Logged, fate: Fate) -> Entry {
    match recorded {
        Logged::Mark(mark) => Entry::mark(number, title(mark)),
        Logged::Operation { operation, path, .. } => {
            let entry = Entry::of(number, operation, path, fate);
            match traced {
                Logged::Operation { site: Some(site), .. } => entry.called_from(frames(site)),
                _ => entry,
            }
        }
    }
}

fn title(mark: &Mark) -> String {
    match mark {
        Mark::Began(step) => format!("step {} begins", step + 1),
        Mark::Record => "a record of the journal is acknowledged".to_owned(),
        Mark::Done(step) => format!("step {} is acknowledged", step + 1),
        Mark::Note(text) => text.clone(),
    }
}

fn fate(run: &Crashed, at: usize, logged: &Logged, damaged: Option<usize>) -> Fate {
    if run.lost.contains(&at) {
        return Fate::Dropped;
    }
    let Some(operation) = logged.operation() else { return Fate::Untouched };
    let offset = match operation {
        Operation::Write { offset, .. } => *offset,
        Operation::SyncFailed { .. } => return Fate::Failed { errno: libc::EIO },
        _ => 0,
    };
    match run.damage.filter(|_| damaged == Some(at)) {
        None => Fate::Durable,
        Some(Damage::Torn { after }) => Fate::Torn { after: after as u64 },
        Some(Damage::Hole { from, to }) => {
            Fate::Hole { from: offset + from as u64, to: offset + to as u64 }
        }
        Some(Damage::SizeOnly { garbage }) => Fate::SizeOnly { garbage },
    }
}

/// What nobody had synced when the crash came. The death of a process takes none of it.
fn unsynced(made: &Made, run: &Crashed) -> BTreeSet<usize> {
    let profile = if made.id.profile == Profile::Kill { Profile::Posix } else { made.id.profile };
    Pending::at(enumeration(made, run, profile), run.point).indices().into_iter().collect()
}

fn enumeration<'c>(made: &Made, run: &'c Crashed, profile: Profile) -> Enumeration<'c> {
    let (seed, effort) = (made.id.seed, made.id.effort());
    Enumeration { before: &run.before, log: &run.log, profile, seed, effort, from: 0 }
}

/// The write that a damage is of: the last one that was pending and is not lost.
fn last_kept_write(made: &Made, run: &Crashed) -> Option<usize> {
    run.damage?;
    let what = enumeration(made, run, made.id.profile);
    let pending = Pending::at(what, run.point).indices();
    let at = pending.into_iter().rev().find(|at| !run.lost.contains(at));
    // A process that dies leaves everything; its last write is what it died in.
    at.or_else(|| run.point.checked_sub(1))
}

/// The first that was lost, and the first after it that was said or kept although it relied on it.
fn order(segments: &[Segment]) -> Option<Order> {
    for (number, segment) in segments.iter().enumerate() {
        let taken = |entry: &&Entry| {
            matches!(
                entry.fate,
                Fate::Dropped | Fate::Torn { .. } | Fate::Hole { .. } | Fate::SizeOnly { .. }
            )
        };
        let Some(lost) = segment.entries().find(taken) else { continue };
        let kept = segment.entries().find(|entry| {
            let was_made =
                !matches!(entry.action, Action::Call { .. }) && entry.fate != Fate::LeftOut;
            entry.number > lost.number && !taken(entry) && was_made
        });
        if let Some(kept) = kept {
            return Some(Order::within(number, lost.number, kept.number));
        }
    }
    None
}

fn fault(variant: &Variant) -> Option<String> {
    match variant {
        Variant::Undisturbed => None,
        Variant::Fault { class, nth } => Some(format!("{class}, call {nth}")),
        Variant::LeftOut(at) => Some(format!("sabotage: sync {at} is left out")),
    }
}

/// The commit of what runs, if there is a repository.
fn commit() -> String {
    let output = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let text = output.ok().filter(|output| output.status.success());
    let text = text.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_met_a_fault_is_told_unless_it_is_in_the_log() {
        let met =
            |call, outcome| Met { at: 7, call, path: "/home/x".to_owned(), outcome, site: None };
        let told = |met: &Met| {
            let entry = disturbed(met);
            (entry.action, entry.fate)
        };
        let call = |name: &str| Action::Call { name: name.to_owned() };
        let full = met(Call::Write, Outcome::Fail(libc::ENOSPC));
        assert_eq!(told(&full), (call("write"), Fate::Failed { errno: libc::ENOSPC }));
        let lied = met(Call::Sync, Outcome::Lie);
        assert_eq!(told(&lied), (call("sync"), Fate::Lied));
        let short = met(Call::Read, Outcome::Short);
        assert_eq!(told(&short), (call("read half of it"), Fate::Untouched));
        let failed = met(Call::Sync, Outcome::Fail(libc::EIO));
        assert!(is_in_the_log(&failed));
        assert!([full, lied, short].iter().all(|met| !is_in_the_log(met)));
    }
}
