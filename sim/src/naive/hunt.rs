//! Runs a program on the recording disk, crashes it everywhere, and keeps the smallest evidence.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::disk::{Disk, Operation, PAGE_BYTES};
use sim::fault::{Effect, Fault, FaultPlan};
use sim::images::{Effort, Enumeration, Next, Points, Profile, enumerate};
use sim::world::{Logged, World};

use super::evidence::{Evidence, tell};
use super::judge::{Fact, judge};
use super::programs::{Program, Session};
use crate::hooks;

/// One run of a program.
pub(super) struct Run {
    before: Disk,
    /// Everything that it did.
    pub(super) log: Vec<Logged>,
    /// What was known of the disk before.
    prepared: Vec<Fact>,
    /// What of this the program did not itself give up.
    known: Vec<Fact>,
    /// What it came to know: one fact for each mark.
    noted: Vec<Fact>,
    /// Which call failed, from 1.
    pub(super) failing: Option<u64>,
    /// How many calls of that kind there were.
    calls: u64,
}

/// A crash of a run.
pub(super) struct Crash {
    /// What it may have taken.
    pub(super) profile: Profile,
    /// Everything before this index of the log was issued.
    pub(super) point: usize,
    disk: Disk,
    /// What is lost: indices of the log.
    pub(super) lost: Vec<usize>,
    /// Whether of the write that is lost it is only a page in its middle.
    pub(super) hole: bool,
    marks: usize,
}

/// What a hunt saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hunt {
    /// The smallest evidence.
    pub(super) evidence: Option<Evidence>,
    /// How many states were judged.
    pub(super) states: u64,
}

/// Runs a program with every fault that it is to meet, and crashes it everywhere.
///
/// # Errors
/// If what is to be there before cannot be made.
pub(super) fn hunt(program: &Program, seed: u64) -> Result<Hunt, String> {
    let mut hunt = Hunt::default();
    let undisturbed = record(program, None)?;
    if let Some((_, what)) =
        judge(&undisturbed.before, &undisturbed.prepared.iter().collect::<Vec<_>>())
    {
        return Err(format!("what is there before is not sound: {what}"));
    }
    if program.fault.is_none() {
        hunt.search(program, &undisturbed, seed);
        return Ok(hunt);
    }
    for nth in 1..=undisturbed.calls {
        let run = record(program, Some(nth))?;
        hunt.search(program, &run, seed);
    }
    Ok(hunt)
}

fn record(program: &Program, failing: Option<u64>) -> Result<Run, String> {
    hooks::install(Some(World::new(Disk::default(), FaultPlan::none())));
    let mut session = Session::default();
    let prepared = catch_unwind(AssertUnwindSafe(|| (program.prepare)(&mut session)));
    let prepared = prepared.map_err(|_| "the preparation panics".to_owned())?;
    prepared.map_err(|error| format!("the preparation fails: {error}"))?;
    let prepared = session.finish();
    let before = hooks::with(|world| world.disk().clone()).unwrap_or_default();
    let fault = program.fault.zip(failing).map(|(call, nth)| {
        let effect = Effect::Error(libc::EIO);
        FaultPlan::of(Fault { call, path: "", except: "", nth, effect, sticky: false })
    });
    hooks::install(Some(World::new(before.clone(), fault.unwrap_or_default())));
    let mut session = Session::knowing(prepared.clone());
    // That it fails or panics is no hazard yet: what counts is what it leaves, and what it was told.
    let acted = catch_unwind(AssertUnwindSafe(|| (program.act)(&mut session)));
    session.die();
    if failing.is_none() && !matches!(acted, Ok(Ok(()))) {
        return Err("it does not even succeed on a disk without faults".to_owned());
    }
    let world = hooks::install(None);
    Ok(Run {
        before,
        prepared,
        log: world.as_ref().map_or_else(Vec::new, |world| world.log().to_vec()),
        known: std::mem::take(&mut session.known),
        noted: std::mem::take(&mut session.noted),
        failing,
        calls: world.zip(program.fault).map_or(0, |(world, call)| world.faults().calls(call)),
    })
}

impl Hunt {
    fn search(&mut self, program: &Program, run: &Run, seed: u64) {
        for (strength, profile) in Profile::ALL.into_iter().enumerate() {
            let (before, log, effort) = (&run.before, run.log.as_slice(), Effort::FULL);
            let what = Enumeration { before, log, profile, seed, effort, points: Points::ALL };
            enumerate(what, &mut |image| {
                // What is torn only repeats, here, what a hole shows.
                if image.damage.is_none() {
                    let (point, disk, lost) = (image.point, image.disk(), image.lost());
                    let marks = image.marks;
                    let crash = Crash { profile, point, disk, lost, hole: false, marks };
                    self.consider(program, run, &crash, strength);
                }
                Next::GoOn
            });
            if profile == Profile::Ordered {
                for crash in holes(run) {
                    self.consider(program, run, &crash, strength);
                }
            }
        }
    }

    /// Judges a crash, if it would be smaller evidence than what there is.
    fn consider(&mut self, program: &Program, run: &Run, crash: &Crash, strength: usize) {
        let failing = run.failing.unwrap_or_default();
        let rank = (strength, crash.lost.len(), crash.point, failing);
        let better = self.evidence.as_ref().is_none_or(|best| rank < best.rank);
        if !better || crash.marks < program.after_facts {
            return;
        }
        self.states += 1;
        let facts = run.known.iter().chain(run.noted.iter().take(crash.marks));
        let facts: Vec<&Fact> = facts.collect();
        let Some((harm, what)) = judge(&crash.disk, &facts) else { return };
        if harm == program.harm {
            let text = tell(program, run, crash, &what);
            self.evidence = Some(Evidence { rank, hazard: program.hazard, text });
        }
    }
}

/// The crashes at the end of a run in which one page is lost from the middle of a write that was not synced, and all else
/// is kept: a kernel writes pages back in any order.
fn holes(run: &Run) -> Vec<Crash> {
    let mut crashes = Vec::new();
    for (at, logged) in run.log.iter().enumerate() {
        let Some(Operation::Write { inode, offset, data }) = logged.operation() else { continue };
        let synced = run.log.iter().skip(at).any(|later| {
            matches!(later.operation(), Some(Operation::Sync { inode: found }) if found == inode)
        });
        let begin = (offset + PAGE_BYTES).next_multiple_of(PAGE_BYTES) - offset;
        let (begin, end) = (begin as usize, (begin + PAGE_BYTES) as usize);
        let (false, Some(head), Some(tail)) = (synced, data.get(..begin), data.get(end..)) else {
            continue;
        };
        let mut disk = run.before.clone();
        for (index, logged) in run.log.iter().enumerate() {
            let Some(operation) = logged.operation() else { continue };
            if index != at {
                disk.apply(operation);
                continue;
            }
            for (data, offset) in [(head, *offset), (tail, offset + end as u64)] {
                disk.apply(&Operation::Write { inode: *inode, offset, data: data.into() });
            }
        }
        disk.settle();
        let (profile, point, marks) = (Profile::Ordered, run.log.len(), run.noted.len());
        crashes.push(Crash { profile, point, disk, lost: vec![at], hole: true, marks });
    }
    crashes
}
