//! A state that was made again, with everything that led to it.

use std::rc::Rc;

use sim::disk::{Disk, Operation};
use sim::fault::Met;
use sim::images::{Damage, Enumeration, Image, Next, Pending, Points, Profile, enumerate};
use sim::world::Logged;

use super::again::found_again;
use super::course::{Base, Course};
use crate::classes::Class;
use crate::id::StateId;
use crate::judges::Broken;
use crate::model::Known;
use crate::recovery::Recovery;

/// Where a crash came, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crash {
    /// Everything before this index of the log was issued.
    pub(super) point: usize,
    /// Indices of what was pending and is lost, in order.
    pub(super) lost: Vec<usize>,
    /// What became of the last write that is not lost.
    pub(super) damage: Option<Damage>,
}

/// A run of the product, and the crash that ended it.
#[derive(Debug, Clone)]
pub(super) struct Crashed {
    /// What there was before it.
    pub(super) before: Disk,
    /// Everything that it did, or would have done.
    pub(super) log: Rc<[Logged]>,
    /// The crash.
    pub(super) crash: Crash,
}

/// A state that was made again.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// By which it was asked for.
    pub(super) id: StateId,
    pub(super) course: Rc<Course>,
    /// The runs, each with its crash. The first is the scenario's; there is none if no crash ended it.
    pub(super) runs: Vec<Crashed>,
    known: Known,
    /// What the last crash has left.
    disk: Disk,
    /// The fault that the recovery from the first crash meets: of which class, and which call, from 1.
    pub(super) recovery: Option<(Class, u64)>,
    /// What came of that recovery.
    pub(super) failed: Option<Rc<Failed>>,
}

/// A recovery that met a fault.
#[derive(Debug)]
pub(super) struct Failed {
    log: Rc<[Logged]>,
    disk: Disk,
    /// The call that met it.
    pub(super) met: Option<Met>,
    /// What it broke itself.
    broken: Option<Broken>,
    lied_to: bool,
}

impl Made {
    /// Makes a state again.
    pub(super) fn of(id: &StateId) -> Result<Self, String> {
        let course = Base::of(&id.scenario, id.seed)?.course(&id.variant)?;
        let mut made = Self::begun(id, &course);
        if let Some((class, nth)) = &id.recovery {
            let known = Class::named(class).ok_or_else(|| format!("there is no fault {class}"))?;
            made.recovery = Some((known, *nth));
        }
        for (point, index) in &id.crashes {
            let (before, log) = (made.last_disk().clone(), made.next_log());
            let what = enumeration(id, &before, &log, id.profile);
            let wanted = |image: &Image<'_>| image.index == *index;
            let crash = image_at(what, *point, wanted).map(|(crash, _)| crash);
            let crash = crash.ok_or_else(|| format!("there is no image {point}.{index}"))?;
            if !made.crash(log, crash) {
                return Err("the fault in the recovery is not met".to_owned());
            }
        }
        Ok(made)
    }

    /// No crash yet.
    fn begun(id: &StateId, course: &Rc<Course>) -> Self {
        Self {
            id: id.clone(),
            course: Rc::clone(course),
            runs: Vec::new(),
            known: Known::all(&course.log).last().copied().unwrap_or_default(),
            disk: course.disk.clone(),
            recovery: None,
            failed: None,
        }
    }

    /// The same with other crashes, each with the run that it was of, if they can be made: what was done in a run is looked for
    /// in what is done now.
    pub(super) fn again(&self, course: &Rc<Course>, crashes: &[(usize, Crash)]) -> Option<Self> {
        self.again_meeting(course, self.recovery, crashes)
    }

    /// The same, and the recovery from the first crash meets this fault.
    pub(super) fn again_meeting(
        &self,
        course: &Rc<Course>,
        recovery: Option<(Class, u64)>,
        crashes: &[(usize, Crash)],
    ) -> Option<Self> {
        let mut made = Self { recovery, ..Self::begun(&self.id, course) };
        let mut as_before = Rc::ptr_eq(course, &self.course);
        for (number, (of, crash)) in crashes.iter().enumerate() {
            let old = self.runs.get(*of)?;
            as_before &= *of == number && (number == 0 || recovery == self.recovery);
            let log = if as_before { Rc::clone(&old.log) } else { made.next_log() };
            let crash = found_again(crash, &old.log, &log)?;
            as_before &= crash == old.crash;
            if !made.crash(log, crash) {
                return None;
            }
        }
        Some(made)
    }

    /// The same once more, with who called in every operation.
    pub(super) fn traced(&self) -> Option<Self> {
        let course = self.course.base.traced().course(&self.course.variant).ok()?;
        self.again(&course, &self.crashes())
    }

    /// Its crashes, each with the run that it is of.
    pub(super) fn crashes(&self) -> Vec<(usize, Crash)> {
        self.runs.iter().map(|run| run.crash.clone()).enumerate().collect()
    }

    /// What the next run begins with.
    fn last_disk(&self) -> &Disk {
        if self.runs.is_empty() { self.course.before() } else { &self.disk }
    }

    /// What the next run does: it is a recovery, unless it is the first.
    pub(super) fn next_log(&self) -> Rc<[Logged]> {
        if self.runs.is_empty() {
            return Rc::clone(&self.course.log);
        }
        if let Some(failed) = self.failed.as_ref().filter(|_| self.runs.len() == 1) {
            return Rc::clone(&failed.log);
        }
        Recovery::undisturbed(&self.disk, self.id.seed, self.course.base.traced).log.into()
    }

    /// Lets the recovery from the first crash meet its fault.
    fn fail(&self, (class, nth): (Class, u64)) -> Option<Failed> {
        let (disk, seed) = (&self.disk, self.id.seed);
        let undisturbed = Recovery::undisturbed(disk, seed, false);
        let traced = self.course.base.traced;
        let recovery = undisturbed.meeting(disk, (class, nth), seed, traced);
        class.was_met(&recovery.calls, recovery.met.as_ref()).then(|| Failed {
            broken: recovery.broken(class, &undisturbed).err(),
            lied_to: class.lies(),
            log: recovery.log.into(),
            disk: recovery.disk,
            met: recovery.met,
        })
    }

    /// The recovery that met a fault, if nothing follows it: as if a crash had come at its end, and taken nothing.
    pub(super) fn failed_run(&self) -> Option<Crashed> {
        let failed = self.failed.as_ref().filter(|_| self.runs.len() == 1)?;
        let crash = Crash { point: failed.log.len(), lost: Vec::new(), damage: None };
        Some(Crashed { before: self.disk.clone(), log: Rc::clone(&failed.log), crash })
    }

    /// One more crash, if the profile allows it.
    fn crash(&mut self, log: Rc<[Logged]>, crash: Crash) -> bool {
        let run = Crashed { before: self.last_disk().clone(), log, crash };
        let pending = Pending::at(run.enumeration(&self.id, self.id.profile), run.crash.point);
        if !pending.allows(&run.crash.lost, run.crash.damage) {
            return false;
        }
        if self.runs.is_empty() {
            self.known = Known::all(&run.log).get(pending.marks).copied().unwrap_or_default();
        }
        self.disk = pending.disk(&run.crash.lost, run.crash.damage);
        self.runs.push(run);
        if let Some(fault) = self.recovery.filter(|_| self.runs.len() == 1) {
            self.failed = self.fail(fault).map(Rc::new);
            return self.failed.is_some();
        }
        true
    }

    /// Asks the judges.
    pub(super) fn judge(&self) -> Result<(), Broken> {
        let failed = self.failed.as_ref();
        if let Some(broken) = failed.and_then(|failed| failed.broken.clone()) {
            return Err(broken);
        }
        let lied_to = failed.is_some_and(|failed| failed.lied_to);
        let last = failed.filter(|_| self.runs.len() == 1);
        let disk = last.map_or(&self.disk, |failed| &failed.disk);
        self.course.judge(disk, self.known, !self.runs.is_empty(), lied_to)
    }

    /// Its id, if the enumeration takes it. What was shrunk may lie between what is sampled.
    pub(super) fn named(&self) -> Option<StateId> {
        let variant = self.course.variant.clone();
        let recovery = self.recovery.map(|(class, nth)| (class.name.to_owned(), nth));
        let recovery = recovery.filter(|_| !self.runs.is_empty());
        let mut id = StateId { variant, recovery, crashes: Vec::new(), ..self.id.clone() };
        for run in &self.runs {
            let Crash { point, lost, damage } = &run.crash;
            let wanted = |image: &Image<'_>| image.damage == *damage && image.lost() == *lost;
            let (_, index) = image_at(run.enumeration(&id, id.profile), *point, wanted)?;
            id = id.crashed(*point, index);
        }
        Some(id)
    }

    /// The profile that takes least and still allows every crash, if there is one.
    pub(super) fn weakest_profile(&self) -> Option<Profile> {
        let weaker = Profile::ALL.into_iter().take_while(|profile| *profile != self.id.profile);
        let mut weaker = weaker.filter(|profile| {
            self.runs.iter().all(|run| run.is_the_same_under(*profile, &self.id))
        });
        weaker.next().or(Some(self.id.profile)).filter(|_| !self.runs.is_empty())
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> usize {
        let logs = self.runs.iter().map(|run| run.log.get(..run.crash.point).unwrap_or(&run.log));
        let whole = logs.chain(self.runs.is_empty().then_some(&*self.course.log));
        whole.flatten().filter(|logged| logged.operation().is_some()).count()
    }
}

impl Crashed {
    pub(super) fn enumeration(&self, id: &StateId, profile: Profile) -> Enumeration<'_> {
        enumeration(id, &self.before, &self.log, profile)
    }

    /// Whether a profile allows the same crash, and it leaves the same disk.
    fn is_the_same_under(&self, profile: Profile, id: &StateId) -> bool {
        let Crash { point, lost, damage } = &self.crash;
        // What becomes of a write that a process dies in is less than what can become of it when the power goes.
        if profile == Profile::Kill && damage.is_some() {
            return false;
        }
        let [own, other] =
            [id.profile, profile].map(|profile| Pending::at(self.enumeration(id, profile), *point));
        let disk = |pending: &Pending<'_>| pending.disk(lost, *damage).fingerprint_without(&[]);
        other.allows(lost, *damage) && disk(&own) == disk(&other)
    }

    /// What a sync that failed has taken with it, as indices of the log. If only the process dies, the kernel still has it.
    pub(super) fn lost_to_syncs(&self, profile: Profile) -> Vec<usize> {
        if profile == Profile::Kill {
            return Vec::new();
        }
        let (mut pending, mut lost) = (Vec::new(), Vec::new());
        for (at, logged) in self.log.iter().take(self.crash.point).enumerate() {
            let is_of = |of: &(usize, &Operation), inode| of.1.owner() == Some(inode);
            match logged.operation() {
                None => {}
                Some(Operation::Sync { inode }) => pending.retain(|of: &(usize, &Operation)| {
                    let is_in_order = profile == Profile::Ordered && !of.1.is_data();
                    !is_in_order && !is_of(of, *inode)
                }),
                Some(Operation::SyncFailed { inode }) => {
                    lost.extend(pending.extract_if(.., |of| is_of(of, *inode)));
                }
                Some(operation) => pending.push((at, operation)),
            }
        }
        let mut lost: Vec<usize> = lost.into_iter().map(|(at, _)| at).collect();
        lost.sort_unstable();
        lost
    }
}

fn enumeration<'e>(
    id: &StateId,
    before: &'e Disk,
    log: &'e [Logged],
    profile: Profile,
) -> Enumeration<'e> {
    Enumeration { before, log, profile, seed: id.seed, effort: id.effort(), points: Points::ALL }
}

/// The first image at a point that is wanted, and its index.
fn image_at(
    what: Enumeration<'_>,
    point: usize,
    wanted: impl Fn(&Image<'_>) -> bool,
) -> Option<(Crash, usize)> {
    let mut found = None;
    enumerate(Enumeration { points: Points::from(point), ..what }, &mut |image| {
        if image.point > point {
            return Next::Stop;
        }
        if image.point < point || !wanted(image) {
            return Next::GoOn;
        }
        let crash = Crash { point, lost: image.lost(), damage: image.damage };
        found = Some((crash, image.index));
        Next::Stop
    });
    found
}
