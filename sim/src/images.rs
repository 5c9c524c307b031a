//! From a recording to every disk that a crash could have left.
//!
//! An operation that was issued is *pending* until a sync makes it durable. At a crash everything durable is on the disk, and
//! of what is pending any part that the [`Profile`] allows. Images are taken at every sync, with everything that it was
//! about to make durable, and at every mark and at the end: whatever a crash between two of these points leaves is among them,
//! because a prefix of what is pending is a part of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::disk::{Disk, InodeNumber, Operation};
use crate::random::Random;
use crate::world::Logged;

/// While at most this many units are pending, every subset of them is tried.
pub const POWER_SET_UNITS: usize = 10;

/// Beyond that, so many seeded samples.
const SAMPLES: usize = 48;

/// Where a write may tear, in bytes.
const TEAR_BYTES: [usize; 2] = [512, 4096];

/// What a crash may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// The process dies: everything written stays.
    Kill,
    /// Power is lost; names and sizes are durable in the order in which they were changed, as on ext4 and xfs.
    Ordered,
    /// Power is lost; only what was synced is certain.
    Posix,
}

impl Profile {
    /// All of them, the one that takes least first.
    pub const ALL: [Self; 3] = [Self::Kill, Self::Ordered, Self::Posix];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Ordered => "ordered",
            Self::Posix => "posix",
        }
    }
}

/// A disk that a crash could have left.
#[derive(Debug, Clone)]
pub struct Image {
    /// Where in the log: everything before this index was issued.
    pub point: usize,
    /// The disk.
    pub disk: Disk,
    /// Log indices of operations that were pending and are on it.
    pub kept: Vec<usize>,
    /// Log indices of operations that were pending and are lost.
    pub lost: Vec<usize>,
    /// If the last write of `kept` is torn: after how many bytes.
    pub torn: Option<usize>,
    /// How many marks had been passed.
    pub marks: usize,
}

/// How many points and images there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Points at which images were taken.
    pub points: u64,
    /// Points at which every subset was taken.
    pub exhaustive: u64,
    /// Images, repeated ones included.
    pub images: u64,
}

/// Hands every image to `visit`, point by point.
pub fn enumerate(
    before: &Disk,
    log: &[Logged],
    profile: Profile,
    seed: u64,
    visit: &mut dyn FnMut(Image),
) -> Coverage {
    let mut walk = Walk {
        durable: before.clone(),
        pending: Vec::new(),
        marks: 0,
        profile,
        random: Random::new(seed),
        coverage: Coverage::default(),
        visit,
    };
    for (at, logged) in log.iter().enumerate() {
        match logged {
            Logged::Mark(_) => {
                walk.images(at);
                walk.marks += 1;
            }
            Logged::Operation(Operation::Sync { inode }, _) => {
                walk.images(at);
                walk.sync(*inode);
            }
            Logged::Operation(Operation::SyncFailed { inode }, _) => walk.lose(*inode),
            Logged::Operation(operation, _) => {
                // A crash right here leaves, if only the process dies, exactly what was issued so far.
                walk.pending.push((at, operation));
                if profile == Profile::Kill {
                    walk.images(at + 1);
                }
            }
        }
    }
    walk.images(log.len());
    walk.coverage
}

/// Hands every image at the end of a log to `visit`: what a crash leaves after everything in it was issued.
pub fn enumerate_end(
    before: &Disk,
    log: &[Logged],
    profile: Profile,
    seed: u64,
    visit: &mut dyn FnMut(Image),
) {
    enumerate(before, log, profile, seed, &mut |image| {
        if image.point == log.len() {
            visit(image);
        }
    });
}

struct Walk<'w> {
    durable: Disk,
    pending: Vec<(usize, &'w Operation)>,
    marks: usize,
    profile: Profile,
    random: Random,
    coverage: Coverage,
    visit: &'w mut dyn FnMut(Image),
}

/// What an operation has to be synced by.
fn owner(operation: &Operation) -> Option<InodeNumber> {
    match operation {
        // An inode without a name is nothing; with a name it is there.
        Operation::Create { .. } | Operation::Sync { .. } | Operation::SyncFailed { .. } => None,
        Operation::Enter { directory, .. } | Operation::Leave { directory, .. } => Some(*directory),
        Operation::Move { to, .. } => Some(to.0),
        Operation::Write { inode, .. }
        | Operation::Resize { inode, .. }
        | Operation::Mode { inode, .. } => Some(*inode),
    }
}

fn is_data(operation: &Operation) -> bool {
    matches!(operation, Operation::Write { .. })
}

impl Walk<'_> {
    /// What a sync makes durable.
    fn sync(&mut self, inode: InodeNumber) {
        if self.profile == Profile::Kill {
            return;
        }
        let ordered = self.profile == Profile::Ordered;
        let pending = std::mem::take(&mut self.pending);
        for (at, operation) in pending {
            let owner = owner(operation);
            let durable =
                owner.is_none_or(|owner| owner == inode) || (ordered && !is_data(operation));
            if durable {
                self.durable.apply(operation);
            } else {
                self.pending.push((at, operation));
            }
        }
    }

    /// What a sync that failed takes with it. If only the process dies, the kernel still has it.
    fn lose(&mut self, inode: InodeNumber) {
        if self.profile != Profile::Kill {
            self.pending.retain(|(_, operation)| owner(operation) != Some(inode));
        }
    }

    /// Takes every image at this point.
    fn images(&mut self, point: usize) {
        self.coverage.points += 1;
        match self.profile {
            Profile::Kill => {
                self.coverage.exhaustive += 1;
                let all: BTreeSet<usize> = (0..self.pending.len()).collect();
                self.emit(point, &all, None);
                // Nothing of it is ever lost, so it need not be kept apart.
                for (_, operation) in std::mem::take(&mut self.pending) {
                    self.durable.apply(operation);
                }
            }
            Profile::Ordered => self.ordered(point),
            Profile::Posix => self.posix(point),
        }
    }

    /// A prefix of the changes of names and sizes; of the data all, none, or all but one file's.
    fn ordered(&mut self, point: usize) {
        let units = self.units();
        let names: Vec<usize> = self.indices(|operation| !is_data(operation));
        let data: Vec<usize> = self.indices(is_data);
        self.coverage.exhaustive += u64::from(units.len() <= 1);
        for end in 0..=names.len() {
            let prefix: BTreeSet<usize> = names.iter().take(end).copied().collect();
            self.emit(point, &prefix, None);
            let mut with_data = prefix.clone();
            with_data.extend(&data);
            self.emit(point, &with_data, None);
        }
        for unit in units {
            let all = 0..self.pending.len();
            let without: BTreeSet<usize> =
                all.filter(|at| !unit.contains(at) || !data.contains(at)).collect();
            self.emit(point, &without, None);
        }
    }

    /// Every subset of units while they are few; else all, none, each dropped, each kept, and samples. Within a file every
    /// prefix; the last write torn.
    fn posix(&mut self, point: usize) {
        let units = self.units();
        let everything: BTreeSet<usize> = units.iter().flatten().copied().collect();
        self.emit(point, &everything, None);
        if units.len() <= POWER_SET_UNITS {
            self.coverage.exhaustive += 1;
            for chosen in 0..(1_u32 << units.len()) {
                self.emit_units(point, &units, |unit| chosen & (1 << unit) != 0);
            }
        } else {
            self.emit_units(point, &units, |_| false);
            for one in 0..units.len() {
                self.emit_units(point, &units, |unit| unit != one);
                self.emit_units(point, &units, |unit| unit == one);
            }
            for _ in 0..SAMPLES {
                let bits: Vec<bool> =
                    units.iter().map(|_| self.random.next_u64() & 1 == 0).collect();
                self.emit_units(point, &units, |unit| bits.get(unit).copied().unwrap_or(false));
            }
        }
        for unit in &units {
            for end in 1..unit.len() {
                let cut: BTreeSet<usize> = unit.iter().skip(end).copied().collect();
                let kept = everything.difference(&cut).copied().collect();
                self.emit(point, &kept, None);
            }
        }
        for tear in TEAR_BYTES {
            self.emit(point, &everything, Some(tear));
        }
    }

    /// What is pending, by what makes it durable: the bytes of one file, or one change of a directory. As indices into
    /// `pending`.
    fn units(&self) -> Vec<Vec<usize>> {
        let mut files: BTreeMap<InodeNumber, Vec<usize>> = BTreeMap::new();
        let mut units = Vec::new();
        for (at, (_, operation)) in self.pending.iter().enumerate() {
            match operation {
                Operation::Create { .. }
                | Operation::Sync { .. }
                | Operation::SyncFailed { .. } => {}
                Operation::Write { inode, .. }
                | Operation::Resize { inode, .. }
                | Operation::Mode { inode, .. } => files.entry(*inode).or_default().push(at),
                _ => units.push(vec![at]),
            }
        }
        units.extend(files.into_values());
        units
    }

    fn indices(&self, wanted: impl Fn(&Operation) -> bool) -> Vec<usize> {
        let pending = self.pending.iter().enumerate();
        pending.filter(|(_, (_, operation))| wanted(operation)).map(|(at, _)| at).collect()
    }

    fn emit_units(&mut self, point: usize, units: &[Vec<usize>], chosen: impl Fn(usize) -> bool) {
        let kept = units.iter().enumerate().filter(|(unit, _)| chosen(*unit));
        let kept: BTreeSet<usize> = kept.flat_map(|(_, unit)| unit).copied().collect();
        self.emit(point, &kept, None);
    }

    fn emit(&mut self, point: usize, kept: &BTreeSet<usize>, torn: Option<usize>) {
        let mut disk = self.durable.clone();
        let (mut on, mut lost) = (Vec::new(), Vec::new());
        let last_write = self
            .pending
            .iter()
            .enumerate()
            .rfind(|(at, (_, operation))| kept.contains(at) && is_data(operation))
            .map(|(at, _)| at);
        for (at, (index, operation)) in self.pending.iter().enumerate() {
            if matches!(operation, Operation::Create { .. }) {
                disk.apply(operation);
            } else if kept.contains(&at) {
                match (torn, operation) {
                    (Some(bytes), Operation::Write { inode, offset, data })
                        if last_write == Some(at) =>
                    {
                        let Some(data) = data.get(..bytes) else { return };
                        let (inode, offset) = (*inode, *offset);
                        disk.apply(&Operation::Write { inode, offset, data: data.into() });
                    }
                    _ => disk.apply(operation),
                }
                on.push(*index);
            } else {
                lost.push(*index);
            }
        }
        disk.sweep();
        self.coverage.images += 1;
        let marks = self.marks;
        (self.visit)(Image { point, disk, kept: on, lost, torn, marks });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Content, Node, ROOT};
    use std::sync::Arc;

    /// A file is made, written, synced, its directory synced, and something acknowledged.
    fn log(with_file_sync: bool, with_directory_sync: bool) -> Vec<Logged> {
        let mut operations = vec![
            Operation::Create { inode: 2, node: Node::File(Content::default()), mode: 0o600 },
            Operation::Enter { directory: ROOT, name: "file".to_owned(), inode: 2 },
            Operation::Write { inode: 2, offset: 0, data: Arc::from(*b"acknowledged") },
        ];
        if with_file_sync {
            operations.push(Operation::Sync { inode: 2 });
        }
        if with_directory_sync {
            operations.push(Operation::Sync { inode: ROOT });
        }
        let operations = operations.into_iter();
        let mut log: Vec<_> =
            operations.map(|operation| Logged::Operation(operation, Arc::from(""))).collect();
        log.push(Logged::Mark("acknowledged".to_owned()));
        log
    }

    /// Contents of the file in every image after the mark; none where there is no file.
    fn after_mark(log: &[Logged], profile: Profile) -> BTreeSet<Option<Vec<u8>>> {
        let mut found = BTreeSet::new();
        enumerate(&Disk::default(), log, profile, 1, &mut |image| {
            if image.marks == 1 {
                let content = image.disk.entry(ROOT, "file").and_then(|inode| {
                    match &image.disk.inode(inode)?.node {
                        Node::File(content) => Some(content.bytes()),
                        _ => None,
                    }
                });
                found.insert(content);
            }
        });
        found
    }

    #[test]
    fn what_was_synced_is_in_every_image_after_it_was_acknowledged() {
        let whole = BTreeSet::from([Some(b"acknowledged".to_vec())]);
        for profile in Profile::ALL {
            assert_eq!(after_mark(&log(true, true), profile), whole, "{profile:?}");
        }
    }

    #[test]
    fn what_was_not_synced_is_missing_from_some_image() {
        assert_eq!(after_mark(&log(false, false), Profile::Kill).len(), 1, "a kill takes nothing");
        let posix = after_mark(&log(false, false), Profile::Posix);
        assert!(posix.contains(&None) && posix.contains(&Some(Vec::new())), "{posix:?}");
        assert!(after_mark(&log(true, false), Profile::Posix).contains(&None), "the name");
        assert!(
            after_mark(&log(false, true), Profile::Posix).contains(&Some(Vec::new())),
            "the bytes"
        );
        assert!(
            after_mark(&log(false, true), Profile::Ordered).contains(&Some(Vec::new())),
            "the bytes, though the name is durable"
        );
    }

    #[test]
    fn before_it_is_acknowledged_anything_may_be_there() {
        let mut images = 0;
        let coverage =
            enumerate(&Disk::default(), &log(true, true), Profile::Posix, 1, &mut |_| images += 1);
        assert_eq!(coverage.images, images);
        assert!(coverage.points >= 3 && coverage.exhaustive == coverage.points, "{coverage:?}");
    }
}
