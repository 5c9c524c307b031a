//! From a recording to every disk that a crash could have left.
//!
//! An operation that was issued is *pending* until a sync makes it durable. At a crash everything durable is on the disk, and
//! of what is pending any part that the [`Profile`] allows.
//!
//! Images are taken at every operation. Those that a crash could have left earlier were taken earlier, so at an operation
//! only those are taken that hold it: every part of what is pending beside it, while there are at most
//! [`Effort::power_set`] of them, else a sample. Whatever can be told from then on is told by a mark, behind which
//! everything is taken anew: what was allowed before it need not be allowed after it.

mod choice;
mod damage;

use std::cell::OnceCell;

use crate::disk::{Disk, Fingerprint, InodeNumber, Operation, Survey};
use crate::random::Random;
use crate::world::Logged;

pub use damage::Damage;

use choice::{Sizes, Units};

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

/// A disk that a crash could have left, before anybody has looked at it.
#[derive(Debug, Clone, Copy)]
pub struct Image<'i> {
    /// Where in the log: everything before this index was issued.
    pub point: usize,
    /// Which of the images at this point.
    pub index: usize,
    /// How many marks had been passed.
    pub marks: usize,
    /// What became of the last write that is on it, if that is not whole.
    pub damage: Option<Damage>,
    /// Which operations are on it, as a number: two images of one log with the same number, and the same damage, are the
    /// same disk.
    applied: u128,
    durable: &'i Durable,
    pending: &'i [(usize, &'i Operation)],
    kept: &'i [bool],
}

/// What is on every image at a point.
#[derive(Debug)]
struct Durable {
    disk: Disk,
    /// Of that disk, once an image's fingerprint was asked for.
    survey: OnceCell<Survey>,
}

impl Durable {
    const fn new(disk: Disk) -> Self {
        Self { disk, survey: OnceCell::new() }
    }

    fn apply(&mut self, operation: &Operation) {
        self.disk.apply(operation);
        self.survey = OnceCell::new();
    }
}

/// The number of one operation: what is on a disk is the sum of them, in whatever order they became durable.
fn number(at: usize) -> u128 {
    let mut random = Random::new(at as u64);
    u128::from(random.next_u64()) << 64 | u128::from(random.next_u64())
}

impl Image<'_> {
    /// Tells images of one log apart without making their disks: what is equal is the same disk.
    pub fn key(&self) -> (u128, Option<Damage>) {
        (self.applied, self.damage)
    }

    /// The disk, without what no name leads to.
    pub fn disk(&self) -> Disk {
        let mut disk = self.unsettled();
        disk.settle();
        disk
    }

    /// The fingerprint of the disk: faster than by settling it.
    pub fn fingerprint(&self) -> Fingerprint {
        let survey = self.durable.survey.get_or_init(|| Survey::of(&self.durable.disk));
        survey.fingerprint(&self.unsettled(), self.there().map(|(_, operation)| operation))
    }

    /// What is there of what was pending, and where in it. An inode without a name is nothing, and with one it is there.
    fn there(&self) -> impl Iterator<Item = (usize, &Operation)> {
        let pending = self.pending.iter().zip(self.kept).enumerate();
        let there = pending.filter(|(_, ((_, operation), kept))| {
            **kept || matches!(operation, Operation::Create { .. })
        });
        there.map(|(at, ((_, operation), _))| (at, *operation))
    }

    fn unsettled(&self) -> Disk {
        let mut disk = self.durable.disk.clone();
        let mut damage = self.damage;
        let last = self.kept.iter().rposition(|kept| *kept);
        for (at, operation) in self.there() {
            match damage.take_if(|_| Some(at) == last) {
                Some(damage) => damage.apply(operation, &mut disk),
                None => disk.apply(operation),
            }
        }
        disk
    }

    /// Whether something is lost, and all of it is of this inode.
    pub fn loses_only(&self, inode: InodeNumber) -> bool {
        let mut lost = self.pending.iter().zip(self.kept).filter(|((_, operation), kept)| {
            !**kept && !matches!(operation, Operation::Create { .. })
        });
        let of_it = |(_, operation): &(usize, &Operation)| operation.owner() == Some(inode);
        lost.clone().next().is_some() && lost.all(|(pending, _)| of_it(pending))
    }

    /// Log indices of operations that were pending and are on it, but for inodes as such.
    pub fn kept(&self) -> Vec<usize> {
        self.indices(true)
    }

    /// Log indices of operations that were pending and are lost.
    pub fn lost(&self) -> Vec<usize> {
        self.indices(false)
    }

    fn indices(&self, wanted: bool) -> Vec<usize> {
        let pending = self.pending.iter().zip(self.kept);
        let of_note = pending.filter(|((_, operation), kept)| {
            **kept == wanted && !matches!(operation, Operation::Create { .. })
        });
        of_note.map(|((at, _), _)| *at).collect()
    }
}

/// How many points and images there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Points at which images were taken.
    pub points: u64,
    /// Points at which every one was taken that the profile allows.
    pub exhaustive: u64,
    /// Images, repeated ones included.
    pub images: u64,
}

/// So many images are all those of ten units that are kept or lost each by itself.
const POWER_SET_IMAGES: usize = 1 << 10;

/// How much is taken where not everything can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// While a point has at most so many images, every one of them is taken.
    pub power_set: usize,
    /// Seeded samples at each operation.
    pub samples: usize,
    /// Seeded samples at each sync and mark, beside each that is lost alone, each that is kept alone, and pairs.
    pub samples_at_barriers: usize,
    /// Of so many at most is it taken that they are lost or kept alone, spread evenly.
    pub singles: usize,
}

impl Effort {
    /// For a campaign that takes as long as it needs.
    pub const FULL: Self = Self {
        power_set: POWER_SET_IMAGES,
        samples: 4,
        samples_at_barriers: 48,
        singles: usize::MAX,
    };
    /// For one that somebody waits for.
    pub const QUICK: Self =
        Self { power_set: 32, samples: 1, samples_at_barriers: 2, singles: usize::MAX };
    /// Behind a fault. There are many of them, and of an upgrade that was given up hundreds of names and files are pending, most
    /// of which are of no more consequence.
    pub const AFTER_FAULT: Self = Self { singles: 32, ..Self::QUICK };
}

/// What is enumerated, and how.
#[derive(Debug, Clone, Copy)]
pub struct Enumeration<'e> {
    /// The disk before.
    pub before: &'e Disk,
    /// What was done to it.
    pub log: &'e [Logged],
    /// What a crash may take.
    pub profile: Profile,
    /// Decides what is sampled.
    pub seed: u64,
    /// How much is.
    pub effort: Effort,
    /// Where images are taken.
    pub points: Points,
}

/// At which points of a log images are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    from: usize,
    every: usize,
}

impl Points {
    /// At every one.
    pub const ALL: Self = Self::from(0);
    /// At none.
    const NONE: Self = Self::from(usize::MAX);

    /// At every one from this index of the log on: everything before was looked at elsewhere.
    pub const fn from(at: usize) -> Self {
        Self { from: at, every: 1 }
    }

    /// At this index of a log of this length, at its end, and at most at so many between them, spread evenly.
    pub fn spread(at: usize, length: usize, most: usize) -> Self {
        let every = length.saturating_sub(at).div_ceil(most.saturating_add(1)).max(1);
        Self { from: at, every }
    }

    fn take(self, point: usize, length: usize) -> bool {
        let behind = point.checked_sub(self.from);
        behind.is_some_and(|behind| point == length || behind.is_multiple_of(self.every))
    }
}

/// Whether there is any use in going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// There is.
    GoOn,
    /// No more images are wanted.
    Stop,
}

/// Hands every image to `visit`, point by point.
pub fn enumerate(what: Enumeration<'_>, visit: &mut dyn FnMut(&Image<'_>) -> Next) -> Coverage {
    let mut walk = Walk::new(what, visit);
    walk.all();
    walk.coverage
}

/// What is durable and what is pending at a point of a log. What of it can be lost, its profile says.
#[derive(Debug)]
pub struct Pending<'p> {
    durable: Durable,
    pending: Vec<(usize, &'p Operation)>,
    profile: Profile,
    /// How many marks had been passed.
    pub marks: usize,
}

impl<'p> Pending<'p> {
    /// What is pending when everything before this index of the log was issued.
    pub fn at(what: Enumeration<'p>, point: usize) -> Self {
        let log = what.log.get(..point).unwrap_or(what.log);
        // What a process died in can be there in part, and all before it is there.
        let (log, died_in) = match log.split_last() {
            Some((Logged::Operation { operation, .. }, before))
                if what.profile == Profile::Kill && operation.owner().is_some() =>
            {
                (before, Some((before.len(), operation)))
            }
            _ => (log, None),
        };
        // An enumeration that begins behind its end takes no image, and leaves what it has walked.
        let mut visit = |_: &Image<'_>| Next::GoOn;
        let mut walk = Walk::new(Enumeration { log, points: Points::NONE, ..what }, &mut visit);
        walk.all();
        walk.pending.extend(died_in);
        let (durable, pending, marks) = (walk.durable, walk.pending, walk.marks);
        Self { durable, pending, profile: what.profile, marks }
    }

    /// Whether the profile allows that exactly this is lost, and what came last is damaged like this: of what is kept in
    /// order, all from one operation on is lost.
    pub fn allows(&self, lost: &[usize], damage: Option<Damage>) -> bool {
        let all = self.indices();
        if self.profile == Profile::Kill {
            let torn = Damage::of_a_kill(&self.pending);
            return lost.is_empty() && (damage.is_none() || damage == torn);
        }
        let damages = Damage::of_newest(&self.pending, &self.durable.disk);
        if damage.is_some_and(|damage| !damages.contains(&damage)) {
            return false;
        }
        let is_lost: Vec<bool> = self.pending.iter().map(|(at, _)| lost.contains(at)).collect();
        let units = Units::of_all(&self.pending, self.profile);
        lost.iter().all(|at| all.contains(at)) && units.are_cut_by(&is_lost)
    }

    /// Log indices of what is pending, but for inodes as such.
    pub fn indices(&self) -> Vec<usize> {
        let of_note =
            |(_, operation): &&(usize, &Operation)| !matches!(operation, Operation::Create { .. });
        self.pending.iter().filter(of_note).map(|(at, _)| *at).collect()
    }

    /// The disk on which everything of it is but what is lost, with the last write that is on it damaged, if it is.
    pub fn disk(&self, lost: &[usize], damage: Option<Damage>) -> Disk {
        let kept: Vec<bool> = self.pending.iter().map(|(at, _)| !lost.contains(at)).collect();
        let (durable, pending) = (&self.durable, self.pending.as_slice());
        let marks = self.marks;
        let (point, index, applied) = (0, 0, 0);
        let image = Image { point, index, marks, damage, applied, durable, pending, kept: &kept };
        image.disk()
    }
}

struct Walk<'w, 'v> {
    durable: Durable,
    pending: Vec<(usize, &'w Operation)>,
    /// Of what is pending.
    sizes: Sizes,
    marks: usize,
    /// Which operations are durable, as a number.
    applied: u128,
    /// Whether every image of what is pending was taken since the last mark.
    covered: bool,
    what: Enumeration<'w>,
    coverage: Coverage,
    /// The point of the last image, and how many were taken there: at a sync there may be more, of a point that was looked at
    /// before.
    numbered: (usize, usize),
    stopped: bool,
    visit: &'v mut dyn FnMut(&Image<'_>) -> Next,
}

impl<'w, 'v> Walk<'w, 'v> {
    fn new(what: Enumeration<'w>, visit: &'v mut dyn FnMut(&Image<'_>) -> Next) -> Self {
        Self {
            durable: Durable::new(what.before.clone()),
            pending: Vec::new(),
            sizes: Sizes::default(),
            marks: 0,
            applied: 0,
            covered: true,
            what,
            coverage: Coverage::default(),
            numbered: (0, 0),
            stopped: false,
            visit,
        }
    }

    fn all(&mut self) {
        // A crash before anything was done.
        self.barrier(0);
        for (at, logged) in self.what.log.iter().enumerate() {
            match logged {
                Logged::Mark(_) => {
                    self.marks += 1;
                    self.barrier(at + 1);
                }
                Logged::Operation { operation: Operation::Sync { inode }, .. } => {
                    if !self.covered {
                        self.barrier(at);
                    }
                    self.sync(*inode);
                }
                Logged::Operation { operation: Operation::SyncFailed { inode }, .. } => {
                    self.lose(*inode);
                    self.barrier(at + 1);
                }
                Logged::Operation { operation, .. } => {
                    self.pending.push((at, operation));
                    self.sizes.add(operation, self.what.profile);
                    self.operation(at + 1);
                }
            }
            if self.stopped {
                return;
            }
        }
        self.barrier(self.what.log.len());
    }

    /// What a sync makes durable.
    fn sync(&mut self, inode: InodeNumber) {
        if self.what.profile == Profile::Kill {
            return;
        }
        let ordered = self.what.profile == Profile::Ordered;
        let durable = |operation: &Operation| {
            operation.owner().is_none_or(|owner| owner == inode)
                || (ordered && !operation.is_data())
        };
        let pending = std::mem::take(&mut self.pending);
        for (at, operation) in pending {
            if durable(operation) {
                self.make_durable(at, operation);
            } else {
                self.pending.push((at, operation));
            }
        }
        self.sizes = Sizes::of(&self.pending, self.what.profile);
        self.covered |= self.pending.is_empty();
    }

    fn make_durable(&mut self, at: usize, operation: &Operation) {
        self.durable.apply(operation);
        // Of an inode as such nothing can be seen.
        if !matches!(operation, Operation::Create { .. }) {
            self.applied = self.applied.wrapping_add(number(at));
        }
    }

    /// What a sync that failed takes with it. If only the process dies, the kernel still has it.
    fn lose(&mut self, inode: InodeNumber) {
        if self.what.profile != Profile::Kill {
            self.pending.retain(|(_, operation)| operation.owner() != Some(inode));
            self.sizes = Sizes::of(&self.pending, self.what.profile);
        }
    }

    /// Takes the images that hold the operation that was issued last.
    fn operation(&mut self, point: usize) {
        let Some((_, newest)) = self.pending.last() else { return };
        if matches!(newest, Operation::Create { .. }) {
            return;
        }
        if self.what.profile == Profile::Kill {
            return self.kill(point);
        }
        if !self.takes_images() {
            return;
        }
        // Whether a later sync needs images of its own does not depend on where the walk began.
        let exhaustive = self.sizes.allow_at_most_beside_newest(self.what.effort.power_set);
        self.covered &= exhaustive;
        if !self.takes(point) {
            return;
        }
        self.count_point(exhaustive);
        let units = Units::beside_newest(&self.pending, self.what.profile);
        let mut choices = Vec::new();
        if exhaustive {
            units.every(&mut |kept| choices.push(kept.to_vec()));
        } else {
            units.extremes(&mut |kept| choices.push(kept.to_vec()));
            let mut random = self.random(point);
            for _ in 0..self.what.effort.samples {
                choices.push(units.sample(&mut random));
            }
        }
        for kept in choices {
            self.emit(point, &kept, None);
        }
        let damages = Damage::of_newest(&self.pending, &self.durable.disk);
        for damage in damages {
            let everything = vec![true; self.pending.len()];
            self.emit(point, &everything, Some(damage));
            self.emit(point, &units.only_newest(), Some(damage));
        }
    }

    /// Only the process dies: exactly what was issued is there, but for a write that it died in.
    fn kill(&mut self, point: usize) {
        if self.takes(point) {
            self.count_point(true);
            let everything = vec![true; self.pending.len()];
            self.emit(point, &everything, None);
            if let Some(damage) = Damage::of_a_kill(&self.pending) {
                self.emit(point, &everything, Some(damage));
            }
        }
        self.all_durable();
    }

    /// Nothing of it is ever lost, so it need not be kept apart.
    fn all_durable(&mut self) {
        for (at, operation) in std::mem::take(&mut self.pending) {
            self.make_durable(at, operation);
        }
        self.sizes = Sizes::default();
    }

    /// Takes every image, or a larger sample.
    fn barrier(&mut self, point: usize) {
        if self.what.profile == Profile::Kill {
            self.all_durable();
        }
        if !self.takes_images() {
            return;
        }
        let exhaustive = self.sizes.allow_at_most(self.what.effort.power_set);
        self.covered = exhaustive;
        if !self.takes(point) {
            return;
        }
        self.count_point(exhaustive);
        if self.what.profile == Profile::Kill {
            return self.emit(point, &[], None);
        }
        let units = Units::of_all(&self.pending, self.what.profile);
        let mut choices = Vec::new();
        if exhaustive {
            units.every(&mut |kept| choices.push(kept.to_vec()));
        } else {
            units.extremes(&mut |kept| choices.push(kept.to_vec()));
            units.singles(self.what.effort.singles, &mut |kept| choices.push(kept.to_vec()));
            units.pairs(&mut |kept| choices.push(kept.to_vec()));
            let mut random = self.random(point);
            for _ in 0..self.what.effort.samples_at_barriers {
                choices.push(units.sample(&mut random));
            }
        }
        for kept in choices {
            self.emit(point, &kept, None);
        }
    }

    /// Whether it comes to where images are taken: else nobody needs to know how many there would be.
    fn takes_images(&self) -> bool {
        self.what.points.from <= self.what.log.len()
    }

    fn takes(&self, point: usize) -> bool {
        self.what.points.take(point, self.what.log.len())
    }

    /// What is sampled at a point does not depend on where the walk began.
    fn random(&self, point: usize) -> Random {
        Random::new(self.what.seed.wrapping_add((point as u64) << 20))
    }

    fn count_point(&mut self, exhaustive: bool) {
        self.coverage.points += 1;
        self.coverage.exhaustive += u64::from(exhaustive);
    }

    fn emit(&mut self, point: usize, kept: &[bool], damage: Option<Damage>) {
        if self.stopped {
            return;
        }
        self.coverage.images += 1;
        let chosen = self.pending.iter().zip(kept).filter(|((_, operation), kept)| {
            **kept && !matches!(operation, Operation::Create { .. })
        });
        let applied = chosen.fold(self.applied, |sum, ((at, _), _)| sum.wrapping_add(number(*at)));
        if self.numbered.0 != point {
            self.numbered = (point, 0);
        }
        let image = Image {
            point,
            index: self.numbered.1,
            marks: self.marks,
            damage,
            applied,
            durable: &self.durable,
            pending: &self.pending,
            kept,
        };
        self.numbered.1 += 1;
        self.stopped = (self.visit)(&image) == Next::Stop;
    }
}

#[cfg(test)]
mod tests;
