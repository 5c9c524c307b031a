//! Classes of faults: what fails, how, and how often it is tried.

use std::collections::{BTreeMap, BTreeSet};

use sim::disk::{Disk, Operation};
use sim::fault::{Call, Effect, Fault, FaultPlan, Met};
use sim::world::{Logged, World};

use crate::judges::Broken;
use crate::scenario::{Outcome, Size};

/// A class of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    /// Its name.
    pub(crate) name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub(crate) const CLASSES: [Class; 56] = [
    fails("sync-eio", Call::Sync, libc::EIO, false),
    fails("sync-eio-sticky", Call::Sync, libc::EIO, true),
    fails("sync-enospc", Call::Sync, libc::ENOSPC, false),
    fails("sync-enospc-sticky", Call::Sync, libc::ENOSPC, true),
    does("sync-lies", Call::Sync, Effect::Lie, false),
    does("sync-lies-sticky", Call::Sync, Effect::Lie, true),
    fails("write-enospc", Call::Write, libc::ENOSPC, false),
    fails("write-enospc-sticky", Call::Write, libc::ENOSPC, true),
    fails("write-edquot", Call::Write, libc::EDQUOT, false),
    fails("write-edquot-sticky", Call::Write, libc::EDQUOT, true),
    fails("write-eio", Call::Write, libc::EIO, false),
    fails("write-eio-sticky", Call::Write, libc::EIO, true),
    fails("write-erofs-sticky", Call::Write, libc::EROFS, true),
    fails("write-eintr", Call::Write, libc::EINTR, false),
    does("write-short", Call::Write, Effect::Short, false),
    does("write-short-sticky", Call::Write, Effect::Short, true),
    fails("read-eio", Call::Read, libc::EIO, false),
    fails("read-eio-sticky", Call::Read, libc::EIO, true),
    fails("read-eintr", Call::Read, libc::EINTR, false),
    does("read-short", Call::Read, Effect::Short, false),
    does("read-short-sticky", Call::Read, Effect::Short, true),
    fails("create-edquot", Call::Create, libc::EDQUOT, false),
    fails("create-edquot-sticky", Call::Create, libc::EDQUOT, true),
    fails("create-enospc", Call::Create, libc::ENOSPC, false),
    fails("create-enospc-sticky", Call::Create, libc::ENOSPC, true),
    fails("create-erofs-sticky", Call::Create, libc::EROFS, true),
    fails("open-emfile", Call::Open, libc::EMFILE, false),
    fails("open-emfile-sticky", Call::Open, libc::EMFILE, true),
    fails("rename-eio", Call::Rename, libc::EIO, false),
    fails("rename-eio-sticky", Call::Rename, libc::EIO, true),
    fails("remove-eio", Call::Remove, libc::EIO, false),
    fails("remove-eio-sticky", Call::Remove, libc::EIO, true),
    fails("remove-erofs-sticky", Call::Remove, libc::EROFS, true),
    fails("link-emlink", Call::Link, libc::EMLINK, false),
    fails("link-emlink-sticky", Call::Link, libc::EMLINK, true),
    fails("resize-eio", Call::Resize, libc::EIO, false),
    fails("resize-eio-sticky", Call::Resize, libc::EIO, true),
    fails("resize-enospc", Call::Resize, libc::ENOSPC, false),
    fails("resize-enospc-sticky", Call::Resize, libc::ENOSPC, true),
    fails("mode-eio", Call::Mode, libc::EIO, false),
    fails("mode-eio-sticky", Call::Mode, libc::EIO, true),
    fails("stat-eio", Call::Stat, libc::EIO, false),
    fails("stat-eio-sticky", Call::Stat, libc::EIO, true),
    fails("list-eio", Call::List, libc::EIO, false),
    fails("list-eio-sticky", Call::List, libc::EIO, true),
    fails("resolve-eio", Call::Resolve, libc::EIO, false),
    fails("resolve-eio-sticky", Call::Resolve, libc::EIO, true),
    fails("lock-enolck", Call::Lock, libc::ENOLCK, false),
    fails("lock-enolck-sticky", Call::Lock, libc::ENOLCK, true),
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
pub(crate) const EVERY_SYNC: &str = "sync-eio";
/// In so many parts the space is divided that a scenario needs.
const FULL_AFTER: u64 = 24;
/// So many other orders of directories.
const ORDERS: u64 = 4;

/// The writes that a fault is about, in order: of which file, and where in it.
fn writes_of(fault: Fault, log: &[Logged]) -> impl Iterator<Item = (&str, u64)> {
    log.iter().filter_map(move |logged| match logged.operation() {
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
    pub(crate) fn most(self, size: Size, quick: bool) -> u64 {
        match (size, quick) {
            (_, false) if self.name == EVERY_SYNC => u64::MAX,
            (Size::Small, false) => 1000,
            (Size::Medium, false) => 120,
            (Size::Large, false) => 40,
            (Size::Small, true) => 24,
            (Size::Medium, true) => 6,
            (Size::Large, true) => 2,
        }
    }

    /// How many faults of this class can be met by what did this, and called so often.
    pub(crate) fn many(self, log: &[Logged], calls: &FaultPlan) -> u64 {
        match self.kind {
            Kind::Call(fault) if fault.call == Call::Write => writes_of(fault, log).count() as u64,
            Kind::Call(fault) => calls.calls(fault.call),
            Kind::DiskFull => FULL_AFTER,
            Kind::DirectoryOrder => ORDERS,
        }
    }

    /// Of a class that damages what is written, the first and the last write to each kind of file: what damage does depends
    /// on what is damaged.
    pub(crate) fn some_of_each_kind(self, log: &[Logged]) -> BTreeSet<u64> {
        let Kind::Call(fault) = self.kind else { return BTreeSet::new() };
        if fault.call != Call::Write || !matches!(fault.effect, Effect::Rot | Effect::Lie) {
            return BTreeSet::new();
        }
        let mut ends = BTreeMap::new();
        for (nth, write) in (1..).zip(writes_of(fault, log)) {
            ends.entry(kind_of(write)).or_insert([nth, nth])[1] = nth;
        }
        ends.into_values().flatten().collect()
    }

    /// Whether it is a disk without space.
    pub(crate) fn fills_the_disk(self) -> bool {
        matches!(self.kind, Kind::DiskFull)
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
    pub(crate) fn fails_to_sync(self) -> bool {
        matches!(self.kind, Kind::Call(Fault { call: Call::Sync, effect: Effect::Error(_), .. }))
    }

    /// A full disk is in the way of nothing that needs no space; in what order a directory lists, or whether a file can have
    /// another name, of nothing at all.
    pub(crate) fn held_up(
        self,
        needs_no_space: bool,
        outcomes: &[Outcome],
        undisturbed: &[Outcome],
    ) -> Result<(), Broken> {
        let is_full = self.fills_the_disk();
        let differs = outcomes.iter().zip(undisturbed).any(|(is, was)| is != was);
        if is_full && differs && needs_no_space {
            let what = format!("a full disk is in the way: {outcomes:?}");
            return Err(Broken { judge: "full-disk", what });
        }
        let is_nothing = match self.kind {
            Kind::DirectoryOrder => true,
            Kind::Call(fault) => fault.call == Call::Link,
            Kind::DiskFull => false,
        };
        if is_nothing && differs {
            let what = format!("{} is in the way: {outcomes:?}", self.name);
            return Err(Broken { judge: "undisturbed", what });
        }
        Ok(())
    }

    /// Whether it was met by what called so often, and met this.
    pub(crate) fn was_met(self, calls: &FaultPlan, met: Option<&Met>) -> bool {
        match self.kind {
            Kind::Call(_) => calls.hits() > 0,
            Kind::DiskFull => met.is_some(),
            Kind::DirectoryOrder => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_faults_must_make_no_difference() {
        let held_up = |name: &str, needs_no_space| {
            let class = CLASSES.into_iter().find(|class| class.name == name).unwrap();
            let refused = Outcome::Refused { error: "locked", unchanged: true };
            class.held_up(needs_no_space, &[refused], &[Outcome::Done]).is_err()
        };
        for name in ["directory-order", "link-emlink", "link-emlink-sticky"] {
            assert!(held_up(name, false), "{name}");
        }
        assert!(held_up("disk-full", true));
        assert!(!held_up("disk-full", false), "it may need space");
        assert!(!held_up("read-eio", true));
    }
}
