//! A finding as a timeline.

use std::collections::BTreeSet;
use std::rc::Rc;

use sim::disk::Operation;
use sim::fault::{Call, Met, Outcome};
use sim::images::{Damage, Pending, Profile};
use sim::timeline::{
    Action, Ending, Entry, EntryRef, Fate, Line, Number, Order, Segment, Timeline,
};
use sim::world::{Logged, Mark};

use super::made::{Crash, Crashed, Made};
use super::shrink::{Pair, Small};
use super::sites::frames;
use crate::id::Variant;

/// At most so many lost operations of a run are told one by one.
const LOST_TOLD: usize = 6;

/// So many syncs that failed are told: of a fault that stays, more say no more.
const FAILED_TOLD: usize = 2;

/// Tells it. What is not lost, damaged, or just before the crash is only counted.
pub(super) fn tell(small: &Small, operations_in_all: usize) -> Timeline {
    let Small { made, broken, is_smaller, pair } = small;
    // Who called is found out by doing it once more.
    let traced = made.traced();
    let traced_failed = traced.as_ref().unwrap_or(made).failed.as_ref();
    let whole = if made.runs.is_empty() { Some(whole(made)) } else { made.failed_run() };
    let runs = || made.runs.iter().chain(&whole);
    let segments: Vec<Segment> = runs()
        .enumerate()
        .map(|(number, run)| {
            let traced_course = traced.as_ref().map_or(&made.course, |traced| &traced.course);
            let traced_run = traced.as_ref().and_then(|traced| traced.runs.get(number));
            let is_whole = number == made.runs.len();
            let traced_whole = traced.as_ref().filter(|_| is_whole).map(Made::next_log);
            let log = traced_run.map(|run| Rc::clone(&run.log)).or(traced_whole);
            let log = &log.unwrap_or_else(|| Rc::clone(&run.log));
            let met = match number {
                0 => traced_course.met.as_ref(),
                1 => traced_failed.and_then(|failed| failed.met.as_ref()),
                _ => None,
            };
            let failing = met.filter(|met| is_in_the_log(met)).map(|met| met.outcome);
            let errno = if let Some(Outcome::Fail(errno)) = failing { errno } else { libc::EIO };
            let beside = met.filter(|met| !is_in_the_log(met));
            let left_out = traced_course.left_out.as_ref().filter(|_| number == 0);
            let pair = pair.map(|pair| {
                let of_run = [pair.lost, pair.kept].into_iter().filter(|(run, _)| *run == number);
                of_run.map(|(_, at)| at).collect()
            });
            segment(made, number, run, &Told { log, left_out, beside, errno, pair, is_whole })
        })
        .collect();
    let weakest = made.weakest_profile().filter(|weakest| *weakest != made.id.profile);
    let order = pair.map(order_of).or_else(|| order_of_log(made)).or_else(|| order(&segments));
    let fault = fault(&made.course.variant, &made.id.variant);
    let faults: Vec<String> = fault.into_iter().chain(fault_in_recovery(made)).collect();
    let shrunk = is_smaller.then(|| made.named()).flatten();
    Timeline {
        id: made.id.to_string(),
        seed: made.id.seed,
        commit: commit(),
        scenario: made.id.scenario.clone(),
        profile: made.id.profile.name().to_owned(),
        shrunk: shrunk.map(|id| id.to_string()),
        weakest_profile: weakest.map(|weakest| weakest.name().to_owned()),
        fault: (!faults.is_empty()).then(|| faults.join("; ")),
        judge: broken.judge.to_owned(),
        broken: broken.what.clone(),
        order,
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

/// The scenario, if no crash ended it: as if one had come at its end, or behind what the order of the log itself breaks.
fn whole(made: &Made) -> Crashed {
    let log = Rc::clone(&made.course.log);
    let point = made.course.lint.as_ref().map_or(log.len(), |(at, _)| at + 1);
    let crash = Crash { point, lost: Vec::new(), damage: None };
    Crashed { before: made.course.before().clone(), log, crash }
}

/// What there is to tell of a run beside what it did.
struct Told<'t> {
    /// The same log, with who called.
    log: &'t [Logged],
    /// The sync that was left out, with who called.
    left_out: Option<&'t (usize, Logged)>,
    /// The call that met a fault, if it is not in the log.
    beside: Option<&'t Met>,
    /// What a sync says that fails.
    errno: i32,
    /// Indices in the log of the pair whose order mattered, if it was found by trying, in whatever run.
    pair: Option<BTreeSet<usize>>,
    /// Whether no crash ended it.
    is_whole: bool,
}

impl Told<'_> {
    /// What is in no log, and came before this index of it.
    fn beside(&self, at: usize) -> impl Iterator<Item = Entry> {
        let left_out = self.left_out.filter(|(left_out, _)| *left_out == at);
        let left_out =
            left_out.map(|(_, sync)| entry(Number::beside(at), sync, sync, Fate::LeftOut));
        let met = self.beside.filter(|met| met.at == at).map(fault_met);
        left_out.into_iter().chain(met)
    }
}

fn segment(made: &Made, number: usize, run: &Crashed, told: &Told<'_>) -> Segment {
    let log = told.log;
    let point = run.crash.point;
    let ending = match made.id.profile {
        _ if told.is_whole => Ending::Judged,
        Profile::Kill => Ending::ProcessDies { after: point },
        _ => Ending::PowerGoes { after: point },
    };
    let mut segment = Segment::new(title_of(made, number), ending);
    let mut notable = Notable::of(made, run, told);
    if let Some(pair) = &told.pair {
        notable.untold.retain(|at| !pair.contains(at));
        notable.of_pair.clone_from(pair);
    }
    for (at, logged) in log.iter().take(point).enumerate() {
        told.beside(at).for_each(|entry| segment.push(entry));
        let recorded = run.log.get(at).unwrap_or(logged);
        let fate = notable.fate(run, at, recorded);
        let tells = match recorded {
            Logged::Mark(mark) => {
                let later = log.get(at + 1..point).unwrap_or_default();
                notable.of_pair.contains(&at) || is_told(mark, later)
            }
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
    told.beside(point).for_each(|entry| segment.push(entry));
    segment
}

fn title_of(made: &Made, run: usize) -> String {
    if run > 0 {
        return format!("recovery {run}");
    }
    let steps: Vec<_> = made.course.base.scenario.act.iter().map(|step| step.title()).collect();
    steps.join(", then ")
}

/// What is to be told of a run's operations, as indices of its log.
struct Notable {
    /// The write that a damage is of.
    damaged: Option<usize>,
    /// What is lost: to the crash, or to a sync that failed.
    lost: BTreeSet<usize>,
    /// What is lost, and only counted since there is so much.
    untold: BTreeSet<usize>,
    /// Syncs that failed, and that are only counted.
    failed: BTreeSet<usize>,
    /// What they say.
    errno: i32,
    /// The last before the crash.
    last: Option<usize>,
    /// What nobody had synced.
    unsynced: BTreeSet<usize>,
    /// The pair whose order mattered; else what came behind the first that was lost, and is there: it may have relied on that.
    of_pair: BTreeSet<usize>,
}

impl Notable {
    fn of(made: &Made, run: &Crashed, told: &Told<'_>) -> Self {
        let has_crashed = !told.is_whole;
        let issued = run.log.iter().take(run.crash.point).enumerate();
        let mut operations = issued.filter_map(|(at, logged)| Some((at, logged.operation()?)));
        let mut lost: BTreeSet<usize> = run.crash.lost.iter().copied().collect();
        if has_crashed {
            lost.extend(run.lost_to_syncs(made.id.profile));
        }
        let unsynced = if has_crashed { unsynced(made, run) } else { BTreeSet::new() };
        let first_lost = lost.first().copied();
        let is_behind =
            |at: &&usize| first_lost.is_some_and(|lost| *at > &lost) && !lost.contains(at);
        let failed = operations
            .clone()
            .filter(|(_, operation)| matches!(operation, Operation::SyncFailed { .. }));
        Self {
            damaged: last_kept_write(made, run),
            untold: lost.iter().copied().take(lost.len().saturating_sub(LOST_TOLD)).collect(),
            failed: failed.skip(FAILED_TOLD).map(|(at, _)| at).collect(),
            errno: told.errno,
            last: operations.next_back().map(|(at, _)| at),
            of_pair: unsynced.iter().find(is_behind).copied().into_iter().collect(),
            unsynced,
            lost,
        }
    }

    fn fate(&self, run: &Crashed, at: usize, logged: &Logged) -> Fate {
        if self.lost.contains(&at) {
            return Fate::Dropped;
        }
        if let Some(Operation::SyncFailed { .. }) = logged.operation() {
            return Fate::Failed { errno: self.errno };
        }
        match fate(run, at, logged, self.damaged) {
            Fate::Durable if self.unsynced.contains(&at) => Fate::Kept,
            fate => fate,
        }
    }

    fn tells(&self, at: usize, fate: &Fate) -> bool {
        let is_there = matches!(fate, Fate::Durable | Fate::Kept) || self.failed.contains(&at);
        !is_there || self.last == Some(at) || self.of_pair.contains(&at)
    }
}

/// A sync that fails, and is known to, is an operation.
fn is_in_the_log(met: &Met) -> bool {
    met.call == Call::Sync && matches!(met.outcome, Outcome::Fail(_))
}

/// A call that met a fault.
fn fault_met(met: &Met) -> Entry {
    let name = met.call.name();
    let (name, fate) = match met.outcome {
        Outcome::Fail(errno) => (name.to_owned(), Fate::Failed { errno }),
        Outcome::Lie => (name.to_owned(), Fate::Lied),
        Outcome::Short => (format!("{name} half of it"), Fate::Untouched),
        Outcome::Rot => (format!("{name}, of which a bit flips"), Fate::Untouched),
        Outcome::Pass => (name.to_owned(), Fate::Durable),
    };
    let entry = Entry::new(Number::beside(met.at), Action::Call { name }, met.path.clone(), fate);
    match &met.site {
        Some(site) => entry.called_from(frames(site)),
        None => entry,
    }
}

/// That a step failed, and of the other marks the last of each kind.
fn is_told(mark: &Mark, later: &[Logged]) -> bool {
    let same = |other: &Logged| {
        matches!(
            (mark, other),
            (Mark::Record, Logged::Mark(Mark::Record))
                | (Mark::Done(_), Logged::Mark(Mark::Done(_)))
        )
    };
    match mark {
        Mark::Failed(_) => true,
        Mark::Record | Mark::Done(_) => !later.iter().any(same),
        Mark::Began(_) | Mark::Note(_) => false,
    }
}

fn entry(number: impl Into<Number>, recorded: &Logged, traced: &Logged, fate: Fate) -> Entry {
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
        Mark::Failed(step) => format!("step {} ends otherwise than undisturbed", step + 1),
        Mark::Note(text) => text.clone(),
    }
}

fn fate(run: &Crashed, at: usize, logged: &Logged, damaged: Option<usize>) -> Fate {
    let Some(operation) = logged.operation() else { return Fate::Untouched };
    let offset = match operation {
        Operation::Write { offset, .. } => *offset,
        _ => 0,
    };
    match run.crash.damage.filter(|_| damaged == Some(at)) {
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
    pending(made, run, profile).into_iter().collect()
}

fn pending(made: &Made, run: &Crashed, profile: Profile) -> Vec<usize> {
    Pending::at(run.enumeration(&made.id, profile), run.crash.point).indices()
}

/// The write that a damage is of: the last one that was pending and is not lost.
fn last_kept_write(made: &Made, run: &Crashed) -> Option<usize> {
    run.crash.damage?;
    let pending = pending(made, run, made.id.profile);
    pending.into_iter().rev().find(|at| !run.crash.lost.contains(at))
}

/// The pair that was found by trying.
fn order_of(pair: Pair) -> Order {
    let told = |(run, at): (usize, usize)| EntryRef::new(run, at + 1);
    Order { lost: told(pair.lost), kept: told(pair.kept), tried: true }
}

/// The sync that was left out, and what was done as if it had been made, if no crash is needed to see that.
fn order_of_log(made: &Made) -> Option<Order> {
    let (at, _) = made.course.lint.as_ref().filter(|_| made.runs.is_empty())?;
    let (left_out, _) = made.course.left_out.as_ref()?;
    Some(Order::within(0, Number::beside(*left_out), at + 1))
}

/// Of the last run that has lost anything the first of it, and the first after it that was said or kept: nobody has tried
/// whether it relied on that.
fn order(segments: &[Segment]) -> Option<Order> {
    for (number, segment) in segments.iter().enumerate().rev() {
        let taken = |entry: &&Entry| {
            matches!(
                entry.fate,
                Fate::Dropped | Fate::Torn { .. } | Fate::Hole { .. } | Fate::SizeOnly { .. }
            )
        };
        let Some(lost) = segment.entries().find(taken) else { continue };
        let kept = segment.entries().find(|entry| {
            let was_made = !entry.number.beside;
            entry.number > lost.number && !taken(entry) && was_made
        });
        if let Some(kept) = kept {
            return Some(Order { tried: false, ..Order::within(number, lost.number, kept.number) });
        }
    }
    None
}

/// What was different from an undisturbed run, and what it was before that was shrunk.
fn fault(variant: &Variant, before: &Variant) -> Option<String> {
    let told = |variant: &Variant| match variant {
        Variant::Undisturbed => None,
        Variant::Fault { class, nth } => Some(format!("{class}, call {nth}")),
        Variant::LeftOut(at) => Some(format!("sabotage: sync {at} is left out")),
    };
    if variant == before {
        return told(variant);
    }
    let needed = told(variant).unwrap_or_else(|| "none is needed".to_owned());
    Some(format!("{needed} (found with: {})", told(before).unwrap_or_default()))
}

/// What the recovery from the first crash met, and what that was before it was shrunk.
fn fault_in_recovery(made: &Made) -> Option<String> {
    let told = |name: &str, nth: u64| format!("{name}, call {nth} of the recovery");
    let (before, nth) = made.id.recovery.as_ref()?;
    match made.recovery {
        Some((class, of)) if class.name == before && of == *nth => Some(told(before, *nth)),
        Some((class, of)) => {
            Some(format!("{} (found with: {})", told(class.name, of), told(before, *nth)))
        }
        None => Some(format!("none is needed (found with: {})", told(before, *nth))),
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
    fn what_was_acknowledged_last_is_told_and_whatever_failed() {
        let later = [Mark::Record, Mark::Failed(1)].map(Logged::Mark);
        assert!(!is_told(&Mark::Record, &later));
        assert!(is_told(&Mark::Record, &[]));
        assert!(is_told(&Mark::Done(0), &later));
        assert!(is_told(&Mark::Failed(1), &later));
        assert!(!is_told(&Mark::Began(0), &[]));
    }

    #[test]
    fn a_call_that_met_a_fault_is_told_unless_it_is_in_the_log() {
        let met =
            |call, outcome| Met { at: 7, call, path: "/home/x".to_owned(), outcome, site: None };
        let told = |met: &Met| {
            let entry = fault_met(met);
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
