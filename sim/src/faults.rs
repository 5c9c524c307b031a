//! Calls that fail, disks that are full, directories that list in another order: each in turn, and the power after it.

use std::collections::{BTreeMap, BTreeSet};

use sim::disk::{Disk, Operation};
use sim::fault::{Call, Effect, Fault, FaultPlan};
use sim::images::{Effort, Profile};
use sim::world::World;

use crate::damage::Damaged;
use crate::explore::{Depth, Exploration, Setting};
use crate::id::{StateId, Variant};
use crate::judges::{Broken, protocol};
use crate::model::{Known, Model};
use crate::report::Violation;
use crate::scenario::{Outcome, Recording, Run, Scenario, Size};
use crate::session::Session;

/// A class of faults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Class {
    /// Its name.
    pub(crate) name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The `nth` call fails.
    Call(Fault),
    /// The disk is full after the `nth` part of what the scenario needs.
    DiskFull,
    /// Directories list their entries in another order.
    DirectoryOrder,
}

const fn fails(name: &'static str, call: Call, errno: i32, sticky: bool) -> Class {
    does(name, call, Effect::Error(errno), sticky)
}

const fn does(name: &'static str, call: Call, effect: Effect, sticky: bool) -> Class {
    Class { name, kind: Kind::Call(Fault { call, path: "", except: "", nth: 1, effect, sticky }) }
}

/// A write into a file with this in its path, and without the other.
const fn writes(
    name: &'static str,
    [path, except]: [&'static str; 2],
    effect: Effect,
    sticky: bool,
) -> Class {
    let call = Call::Write;
    Class { name, kind: Kind::Call(Fault { call, path, except, nth: 1, effect, sticky }) }
}

/// All classes. Each is met in every full campaign, or the campaign fails.
pub(crate) const CLASSES: [Class; 38] = [
    fails("sync-eio", Call::Sync, libc::EIO, false),
    fails("sync-eio-sticky", Call::Sync, libc::EIO, true),
    fails("sync-enospc", Call::Sync, libc::ENOSPC, false),
    does("sync-lies", Call::Sync, Effect::Lie, false),
    does("sync-lies-sticky", Call::Sync, Effect::Lie, true),
    fails("write-enospc", Call::Write, libc::ENOSPC, false),
    fails("write-enospc-sticky", Call::Write, libc::ENOSPC, true),
    fails("write-edquot", Call::Write, libc::EDQUOT, false),
    fails("write-eio", Call::Write, libc::EIO, false),
    fails("write-erofs-sticky", Call::Write, libc::EROFS, true),
    fails("write-eintr", Call::Write, libc::EINTR, false),
    does("write-short", Call::Write, Effect::Short, false),
    fails("read-eio", Call::Read, libc::EIO, false),
    fails("read-eio-sticky", Call::Read, libc::EIO, true),
    fails("read-eintr", Call::Read, libc::EINTR, false),
    does("read-short", Call::Read, Effect::Short, false),
    fails("create-edquot", Call::Create, libc::EDQUOT, false),
    fails("create-enospc", Call::Create, libc::ENOSPC, false),
    fails("create-erofs-sticky", Call::Create, libc::EROFS, true),
    fails("open-emfile", Call::Open, libc::EMFILE, false),
    fails("open-emfile-sticky", Call::Open, libc::EMFILE, true),
    fails("rename-eio", Call::Rename, libc::EIO, false),
    fails("remove-eio", Call::Remove, libc::EIO, false),
    fails("remove-erofs-sticky", Call::Remove, libc::EROFS, true),
    fails("link-emlink", Call::Link, libc::EMLINK, false),
    fails("resize-eio", Call::Resize, libc::EIO, false),
    fails("resize-enospc", Call::Resize, libc::ENOSPC, false),
    fails("mode-eio", Call::Mode, libc::EIO, false),
    fails("stat-eio", Call::Stat, libc::EIO, false),
    fails("list-eio", Call::List, libc::EIO, false),
    fails("lock-enolck", Call::Lock, libc::ENOLCK, false),
    writes("write-rots", ["/.staging-", ""], Effect::Rot, false),
    writes("write-lost", ["/.staging-", ""], Effect::Lie, false),
    writes("copy-rots", ["/.staging-", "/store/"], Effect::Rot, false),
    writes("copy-lost", ["/.staging-", "/store/"], Effect::Lie, false),
    writes("journal-erofs-sticky", [JOURNAL, ""], Effect::Error(libc::EROFS), true),
    Class { name: "disk-full", kind: Kind::DiskFull },
    Class { name: "directory-order", kind: Kind::DirectoryOrder },
];

/// The file of the journal's records.
const JOURNAL: &str = "/journal/records.jsonl";
/// The class of which every one is tried: an engine that passes over an error does so at one call of many.
const EVERY_SYNC: &str = "sync-eio";
/// In so many parts the space is divided that a scenario needs.
const FULL_AFTER: u64 = 24;
/// So many other orders of directories.
const ORDERS: u64 = 4;

/// What is disturbed.
pub(crate) struct Disturbed<'d> {
    pub(crate) scenario: &'d Scenario,
    pub(crate) recording: &'d Recording,
    pub(crate) model: &'d Model,
    pub(crate) seed: u64,
}

/// The writes that a fault is about, in order: of which file, and where in it.
fn writes_of(fault: Fault, recording: &Recording) -> impl Iterator<Item = (&str, u64)> {
    recording.run.log.iter().filter_map(move |logged| match logged.operation() {
        Some(Operation::Write { offset, .. }) if fault.is_about(logged.path()) => {
            Some((logged.path(), *offset))
        }
        _ => None,
    })
}

/// How far into a file the place of a write makes a difference.
const MOST_OFFSET: u64 = 512;

/// The path of a file without its numbers, and the place: temporary files have names of their own.
fn kind_of((path, offset): (&str, u64)) -> (String, u64) {
    let (named, _) = path.split_once("/.tmp").unwrap_or((path, ""));
    let named = named.chars().filter(|character| !character.is_ascii_digit());
    (named.collect(), offset.min(MOST_OFFSET))
}

impl Class {
    /// The class of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        CLASSES.into_iter().find(|class| class.name == name)
    }

    /// How many faults of this class are tried in a scenario, spread evenly over all calls.
    fn most(self, size: Size, quick: bool) -> u64 {
        match (size, quick) {
            (_, false) if self.name == EVERY_SYNC => u64::MAX,
            (Size::Small, false) => 1000,
            (Size::Medium, false) => 200,
            (Size::Large, false) => 60,
            (Size::Small, true) => 24,
            (Size::Medium, true) => 6,
            (Size::Large, true) => 2,
        }
    }

    /// How many faults of this class a scenario can meet.
    fn many(self, recording: &Recording) -> u64 {
        match self.kind {
            Kind::Call(fault) if fault.call == Call::Write => {
                writes_of(fault, recording).count() as u64
            }
            Kind::Call(fault) => recording.run.calls.calls(fault.call),
            Kind::DiskFull => FULL_AFTER,
            Kind::DirectoryOrder => ORDERS,
        }
    }

    /// Of a class that damages what is written, the first and the last write to each kind of file: what damage does depends
    /// on what is damaged.
    fn some_of_each_kind(self, recording: &Recording) -> BTreeSet<u64> {
        let Kind::Call(fault) = self.kind else { return BTreeSet::new() };
        if fault.call != Call::Write || !matches!(fault.effect, Effect::Rot | Effect::Lie) {
            return BTreeSet::new();
        }
        let mut ends = BTreeMap::new();
        for (nth, write) in (1..).zip(writes_of(fault, recording)) {
            ends.entry(kind_of(write)).or_insert([nth, nth])[1] = nth;
        }
        ends.into_values().flatten().collect()
    }

    /// The world in which the `nth` of them is met.
    pub(crate) fn world(self, before: &Disk, after: &Disk, nth: u64) -> World {
        match self.kind {
            Kind::Call(fault) => World::new(before.clone(), FaultPlan::of(Fault { nth, ..fault })),
            Kind::DiskFull => {
                let (old, new) = (before.allocated(), after.allocated());
                let needed = new.saturating_sub(old).max(1 << 16);
                let world = World::new(before.clone(), FaultPlan::none());
                world.with_capacity(old + needed * (nth - 1) / FULL_AFTER)
            }
            Kind::DirectoryOrder => {
                World::new(before.clone(), FaultPlan::none()).with_shuffled_directories(nth)
            }
        }
    }

    /// Whether the disk says that it has kept what it has not, and nobody can tell before a crash.
    pub(crate) fn lies(self) -> bool {
        matches!(self.kind, Kind::Call(Fault { call: Call::Sync, effect: Effect::Lie, .. }))
    }

    /// Whether a sync fails, and it is known.
    fn fails_to_sync(self) -> bool {
        matches!(self.kind, Kind::Call(Fault { call: Call::Sync, effect: Effect::Error(_), .. }))
    }

    /// A full disk is in the way of nothing that needs no space.
    pub(crate) fn held_up(
        self,
        scenario: &Scenario,
        outcomes: &[Outcome],
        undisturbed: &[Outcome],
    ) -> Result<(), Broken> {
        let is_full = matches!(self.kind, Kind::DiskFull);
        let differs = outcomes.iter().zip(undisturbed).any(|(is, was)| is != was);
        if is_full && differs && scenario.needs_no_space() {
            let what = format!("a full disk is in the way: {outcomes:?}");
            return Err(Broken { judge: "full-disk", what });
        }
        Ok(())
    }

    fn was_met(self, run: &Run) -> bool {
        match self.kind {
            Kind::Call(_) => run.calls.hits() > 0,
            Kind::DiskFull => run.met.is_some(),
            Kind::DirectoryOrder => true,
        }
    }
}

impl Disturbed<'_> {
    /// How many faults of a class there are to meet.
    pub(crate) fn many(&self, class: Class) -> u64 {
        class.many(self.recording)
    }

    /// Meets faults of every class: fewer of each if somebody waits.
    pub(crate) fn explore(&self, session: &mut Session, quick: bool) {
        let mut number = 0;
        for class in CLASSES {
            let many = class.many(self.recording);
            let most = class.most(self.scenario.size, quick);
            let step = usize::try_from(many.div_ceil(most).max(1)).unwrap_or(1);
            for nth in (1..=many).step_by(step) {
                number += 1;
                if session.is_over() {
                    return;
                }
                if session.is_ours(number) {
                    self.meet(session, class, nth);
                }
            }
        }
    }

    /// Lets every sync fail in turn.
    pub(crate) fn explore_syncs(&self, session: &mut Session) {
        for class in CLASSES.into_iter().filter(|class| class.name == EVERY_SYNC) {
            for nth in 1..=class.many(self.recording) {
                if session.is_over() {
                    return;
                }
                if session.is_ours(nth) {
                    self.meet(session, class, nth);
                }
            }
        }
    }

    /// Damages the first and the last write to each kind of file, beside those that are spread evenly.
    pub(crate) fn explore_damage(&self, session: &mut Session) {
        let mut number = 0;
        for class in CLASSES {
            for nth in class.some_of_each_kind(self.recording) {
                number += 1;
                if session.is_over() {
                    return;
                }
                if session.is_ours(number) {
                    self.meet(session, class, nth);
                }
            }
        }
    }

    /// Meets one fault, and judges what is left: by the process ending, and by the power going too.
    pub(crate) fn meet(&self, session: &mut Session, class: Class, nth: u64) {
        let variant = Variant::Fault { class: class.name.to_owned(), nth };
        let (scenario, seed) = (self.scenario.name.clone(), self.seed);
        let id = StateId { variant, ..StateId::of(&scenario, seed, Profile::Kill, Effort::QUICK) };
        if !session.about_to_judge(&id) {
            return;
        }
        let world = class.world(&self.recording.before, &self.recording.run.disk, nth);
        let run = self.scenario.perform(self.seed, world, Some(&self.model.outcomes));
        if !class.was_met(&run) {
            return;
        }
        session.count_fault(class.name);
        if let Err(broken) = self.judge_run(session, class, &run, &id) {
            let Broken { judge, what } = broken;
            let judge = judge.to_owned();
            session.violate(Violation { id: id.to_string(), judge, what });
        }
    }

    fn setting<'s>(
        &'s self,
        model: &'s Model,
        failed: Option<Outcome>,
        class: Class,
    ) -> Setting<'s> {
        let (scenario, recording) = (self.scenario, self.recording);
        let (before, disks) = (&recording.before, recording.run.disks.as_slice());
        Setting { scenario, model, before, disks, failed, lied_to: class.lies() }
    }

    fn judge_run(
        &self,
        session: &mut Session,
        class: Class,
        run: &Run,
        id: &StateId,
    ) -> Result<(), Broken> {
        if let Some(said) = &run.panicked {
            let what = format!("the product panics: {said}");
            return Err(Broken { judge: "recoverable", what });
        }
        if run.open > 0 {
            let what = format!("{} descriptors are left open after a fault", run.open);
            return Err(Broken { judge: "leaks", what });
        }
        class.held_up(self.scenario, &run.outcomes, &self.model.outcomes)?;
        let known = Known::all(&run.log);
        let last = known.last().copied().unwrap_or_default();
        let failed = run.outcomes.get(last.done).cloned();
        let before = self.model.records.iter().take(self.model.records_before).cloned().collect();
        let mut seen = BTreeSet::new();
        let model = self.model.with_records(before);
        let mut exploration = Exploration {
            session,
            setting: self.setting(&model, failed, class),
            profile: Profile::Kill,
            depth: Depth::ONE,
            seen: &mut seen,
            recovered: BTreeSet::new(),
            taken: BTreeSet::new(),
            only_lost: None,
            repeats: true,
            sharded: false,
            applied: BTreeMap::new(),
        };
        let fingerprint = run.disk.fingerprint_without(&[]);
        let applied = &mut exploration.applied;
        let (judged, seen) = exploration.setting.judge_once(&run.disk, fingerprint, last, applied);
        exploration.session.judged(fingerprint ^ last.fingerprint(), judged.is_err());
        judged?;
        // What the journal is now was acknowledged, as far as it was.
        let steps = protocol::steps(&seen.found, exploration.setting.lied_to);
        exploration.session.report.trace_steps += steps;
        let records = seen.found.records().to_vec();
        let model = self.model.with_records(records);
        if class.fails_to_sync() && self.scenario.size == Size::Small {
            let (before, log) = (&self.recording.before, &run.log);
            Damaged { before, log, model: &model, id, sharded: false }.explore(exploration.session);
        }
        exploration.setting.model = &model;
        for profile in [Profile::Ordered, Profile::Posix] {
            exploration.profile = profile;
            let from = match self.scenario.size {
                Size::Small => run.met.as_ref().map_or(run.log.len(), |met| met.at),
                _ => run.log.len(),
            };
            exploration.run(&run.log, &known, from, &StateId { profile, ..id.clone() });
        }
        Ok(())
    }
}
