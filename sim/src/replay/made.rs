//! A state that was made again, with everything that led to it.

use std::collections::BTreeMap;

use sim::disk::{Disk, Operation};
use sim::fault::Met;
use sim::images::{Damage, Enumeration, Next, Pending, Profile, enumerate};
use sim::world::Logged;

use crate::classes::Class;
use crate::explore::Setting;
use crate::id::{StateId, Variant};
use crate::judges::Broken;
use crate::lint;
use crate::model::{Known, Model};
use crate::observe::{Wanted, observe};
use crate::recovery::Recovery;
use crate::scenario::{Outcome, Scenario};

/// A run of the product, and the crash that ended it.
#[derive(Debug, Clone)]
pub(super) struct Crashed {
    /// What there was before it.
    pub(super) before: Disk,
    /// Everything that it did.
    pub(super) log: Vec<Logged>,
    /// Everything before this index of the log was issued.
    pub(super) point: usize,
    /// Indices of what was pending and is lost.
    pub(super) lost: Vec<usize>,
    /// What became of the last write that is not lost.
    pub(super) damage: Option<Damage>,
}

/// A state that was made again.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: StateId,
    pub(super) scenario: Scenario,
    model: Model,
    before: Disk,
    /// What there was after each step, undisturbed.
    disks: Vec<Disk>,
    failed: Option<Outcome>,
    /// The call that met a fault, if one did.
    pub(super) met: Option<Met>,
    /// The index in the log of a sync that was left out.
    pub(super) left_out: Option<(usize, Logged)>,
    known: Known,
    /// The runs, each with its crash. The first is the scenario's.
    pub(super) runs: Vec<Crashed>,
    /// What is judged.
    disk: Disk,
    lied_to: bool,
    /// What the order of the log itself breaks, if no crash is needed.
    lint: Option<(usize, String)>,
    /// What the undisturbed or disturbed run itself broke.
    said: Option<Broken>,
}

impl Made {
    /// Makes a state again.
    pub(super) fn of(id: &StateId, traced: bool) -> Result<Self, String> {
        let scenario = Scenario::named(&id.scenario)
            .ok_or_else(|| format!("there is no scenario {}", id.scenario))?;
        let recording =
            if traced { scenario.record_traced(id.seed) } else { scenario.record(id.seed) };
        let model = Model::of(&scenario, &recording);
        let before = recording.before.clone();
        let mut made = Self {
            id: id.clone(),
            model,
            before: before.clone(),
            disks: recording.run.disks.clone(),
            failed: None,
            met: None,
            left_out: None,
            known: Known::default(),
            disk: recording.run.disk.clone(),
            runs: Vec::new(),
            lied_to: false,
            lint: None,
            said: None,
            scenario,
        };
        let log = match &id.variant {
            Variant::Undisturbed => recording.run.log,
            Variant::LeftOut(at) => {
                let mut log = recording.run.log;
                if *at >= log.len() || !matches!(log[*at].operation(), Some(Operation::Sync { .. }))
                {
                    return Err(format!("there is no sync {at}"));
                }
                made.left_out = Some((*at, log.remove(*at)));
                log
            }
            Variant::Fault { class, nth } => {
                let class =
                    Class::named(class).ok_or_else(|| format!("there is no fault {class}"))?;
                made.meet(class, *nth, &recording.run.disk, traced)
            }
        };
        if id.variant == Variant::Undisturbed || made.left_out.is_some() {
            made.lint = lint::check(&before, &log);
        }
        made.crash(log, traced)?;
        Ok(made)
    }

    /// Meets a fault, and returns the log of that.
    fn meet(&mut self, class: Class, nth: u64, after: &Disk, traced: bool) -> Vec<Logged> {
        let world = class.world(&self.before, after, nth);
        let world = if traced { world.traced() } else { world };
        let run = self.scenario.perform(self.id.seed, world, Some(&self.model.outcomes));
        let known = Known::all(&run.log).last().copied().unwrap_or_default();
        self.failed = run.outcomes.get(known.done).cloned();
        self.lied_to = class.lies();
        self.known = known;
        self.disk = run.disk.clone();
        self.met = run.met;
        if let Some(said) = run.panicked {
            let what = format!("the product panics: {said}");
            self.said = Some(Broken { judge: "recoverable", what });
        } else if run.open > 0 {
            let what = format!("{} descriptors are left open after a fault", run.open);
            self.said = Some(Broken { judge: "leaks", what });
        } else {
            let held_up =
                class.held_up(self.scenario.needs_no_space(), &run.outcomes, &self.model.outcomes);
            self.said = held_up.err();
        }
        let records = if self.id.crashes.is_empty() {
            self.model.records.iter().take(self.model.records_before).cloned().collect()
        } else {
            observe(&run.disk, Wanted::default()).found.records().to_vec()
        };
        self.model = self.model.with_records(records);
        run.log
    }

    /// Makes the crashes of the id, one after the other.
    fn crash(&mut self, mut log: Vec<Logged>, traced: bool) -> Result<(), String> {
        let mut before = self.before.clone();
        if self.id.crashes.is_empty() {
            let (point, lost, damage) = (log.len(), Vec::new(), None);
            self.known = Known::all(&log).last().copied().unwrap_or_default();
            self.runs.push(Crashed { before, log, point, lost, damage });
            return Ok(());
        }
        for (number, (point, index)) in self.id.crashes.clone().into_iter().enumerate() {
            let what = Enumeration {
                before: &before,
                log: &log,
                profile: self.id.profile,
                seed: self.id.seed,
                effort: self.id.effort(),
                from: point,
            };
            let mut found = None;
            enumerate(what, &mut |image| {
                if (image.point, image.index) != (point, index) {
                    return if image.point > point { Next::Stop } else { Next::GoOn };
                }
                found = Some((image.disk(), image.lost(), image.damage, image.marks));
                Next::Stop
            });
            let (disk, lost, damage, marks) =
                found.ok_or_else(|| format!("there is no image {point}.{index}"))?;
            if number == 0 {
                self.known = Known::all(&log).get(marks).copied().unwrap_or_default();
            }
            self.runs.push(Crashed { before, log, point, lost, damage });
            let undisturbed = Recovery::undisturbed(&disk, self.id.seed, traced);
            match self.id.recovery.clone().filter(|_| number == 0) {
                Some((class, nth)) => {
                    let class =
                        Class::named(&class).ok_or_else(|| format!("there is no fault {class}"))?;
                    (before, log) = self.fail(disk, class, nth, &undisturbed, traced);
                }
                None => (before, log) = (disk, undisturbed.log),
            }
        }
        if self.id.recovery.is_none() || self.id.crashes.len() > 1 {
            self.disk = before;
        }
        Ok(())
    }

    /// Lets a recovery meet a fault; what it leaves is judged, unless another crash follows.
    fn fail(
        &mut self,
        disk: Disk,
        class: Class,
        nth: u64,
        undisturbed: &Recovery,
        traced: bool,
    ) -> (Disk, Vec<Logged>) {
        let failed = undisturbed.meeting(&disk, (class, nth), self.id.seed, traced);
        self.said = failed.broken(class, undisturbed).err();
        self.lied_to = class.lies();
        self.met = failed.met;
        self.disk = failed.disk;
        if self.id.crashes.len() == 1 {
            let (before, log, point) = (disk.clone(), failed.log.clone(), failed.log.len());
            self.runs.push(Crashed { before, log, point, lost: Vec::new(), damage: None });
        }
        (disk, failed.log)
    }

    /// Asks the judges.
    pub(super) fn judge(&self) -> Result<(), Broken> {
        if let Some(said) = &self.said {
            return Err(said.clone());
        }
        self.judge_disk(&self.disk)?;
        match &self.lint {
            Some((_, what)) => Err(Broken { judge: lint::NAME, what: what.clone() }),
            None => Ok(()),
        }
    }

    fn judge_disk(&self, disk: &Disk) -> Result<(), Broken> {
        let setting = Setting {
            scenario: &self.scenario,
            model: &self.model,
            before: &self.before,
            disks: &self.disks,
            failed: self.failed.clone(),
            lied_to: self.lied_to,
        };
        setting.judge(disk, self.known, &mut BTreeMap::new())
    }

    /// The same with another last crash, if that is broken in the same way.
    pub(super) fn try_crash(
        &mut self,
        lost: &[usize],
        damage: Option<Damage>,
        judge: &str,
    ) -> bool {
        let Some(last) = self.runs.last() else { return false };
        let disk = Pending::at(self.last_enumeration(last), last.point).disk(lost, damage);
        if self.judge_disk(&disk).err().is_none_or(|broken| broken.judge != judge) {
            return false;
        }
        self.disk = disk;
        if let Some(last) = self.runs.last_mut() {
            (last.lost, last.damage) = (lost.to_vec(), damage);
        }
        true
    }

    /// What was pending at the last crash, as indices of the log.
    pub(super) fn pending(&self) -> Vec<usize> {
        let last = self.runs.last();
        last.map_or_else(Vec::new, |last| {
            Pending::at(self.last_enumeration(last), last.point).indices()
        })
    }

    fn last_enumeration<'m>(&self, last: &'m Crashed) -> Enumeration<'m> {
        Enumeration {
            before: &last.before,
            log: &last.log,
            profile: self.id.profile,
            seed: self.id.seed,
            effort: self.id.effort(),
            from: 0,
        }
    }

    /// The profile that takes least and still allows the last crash.
    pub(super) fn weakest_profile(&self) -> Profile {
        let Some(last) = self.runs.last() else { return self.id.profile };
        if last.lost.is_empty() && last.damage.is_none() {
            return Profile::Kill;
        }
        let operation = |at: &usize| last.log.get(*at).and_then(Logged::operation);
        let names = |at: &&usize| operation(at).is_some_and(|operation| !operation.is_data());
        let pending = self.pending();
        let first_lost = last.lost.iter().filter(names).min();
        let in_order = first_lost.is_none_or(|first| {
            pending.iter().filter(|at| *at >= first).filter(names).all(|at| last.lost.contains(at))
        });
        if in_order { Profile::Ordered } else { Profile::Posix }
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> usize {
        let logs = self.runs.iter().map(|run| run.log.get(..run.point).unwrap_or(&run.log));
        logs.flatten().filter(|logged| logged.operation().is_some()).count()
    }
}
