//! How a scenario went: undisturbed, without one of its syncs, or with a fault.

use std::collections::BTreeMap;
use std::rc::Rc;

use sim::disk::{Disk, Operation};
use sim::fault::Met;
use sim::world::Logged;

use crate::classes::Class;
use crate::explore::Setting;
use crate::faults::judge_end;
use crate::id::Variant;
use crate::judges::Broken;
use crate::lint;
use crate::model::{Known, Model};
use crate::observe::{Wanted, observe};
use crate::scenario::{Outcome, Recording, Scenario};

/// A scenario that was recorded: what every course of it begins with.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    pub(super) recording: Recording,
    model: Rc<Model>,
    /// Whether it is noted who called.
    pub(super) traced: bool,
}

/// How it went.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) base: Rc<Base>,
    pub(super) variant: Variant,
    pub(super) log: Rc<[Logged]>,
    /// The call that met a fault, if one did.
    pub(super) met: Option<Met>,
    /// The index in the log of a sync that was left out.
    pub(super) left_out: Option<(usize, Logged)>,
    /// The disk at its end.
    pub(super) disk: Disk,
    /// What the order of the log itself breaks, if no crash is needed: where, and a sentence.
    pub(super) lint: Option<(usize, String)>,
    /// What the run itself broke.
    said: Option<Broken>,
    failed: Option<Outcome>,
    lied_to: bool,
    /// What there must be behind a fault: if nothing follows it, and if a crash does.
    models: Option<[Model; 2]>,
}

impl Base {
    /// Records a scenario.
    pub(super) fn of(name: &str, seed: u64) -> Result<Rc<Self>, String> {
        let scenario =
            Scenario::named(name).ok_or_else(|| format!("there is no scenario {name}"))?;
        let recording = scenario.record(seed);
        let model = Rc::new(Model::of(&scenario, &recording));
        Ok(Rc::new(Self { scenario, seed, recording, model, traced: false }))
    }

    /// The same, with who called in every operation.
    pub(super) fn traced(&self) -> Rc<Self> {
        let recording = self.scenario.record_traced(self.seed);
        let (scenario, model) = (self.scenario.clone(), Rc::clone(&self.model));
        Rc::new(Self { scenario, seed: self.seed, recording, model, traced: true })
    }

    /// How it goes with what was different.
    pub(super) fn course(self: &Rc<Self>, variant: &Variant) -> Result<Rc<Course>, String> {
        let log = &self.recording.run.log;
        let course = match variant {
            Variant::Undisturbed => self.without_a_fault(log.clone(), None),
            Variant::LeftOut(at) => {
                let is_sync = matches!(
                    log.get(*at).and_then(Logged::operation),
                    Some(Operation::Sync { .. })
                );
                if !is_sync {
                    return Err(format!("there is no sync {at}"));
                }
                let mut log = log.clone();
                let left_out = (*at, log.remove(*at));
                self.without_a_fault(log, Some(left_out))
            }
            Variant::Fault { class, nth } => {
                let class =
                    Class::named(class).ok_or_else(|| format!("there is no fault {class}"))?;
                self.with_a_fault(class, *nth, variant)?
            }
        };
        Ok(Rc::new(course))
    }

    fn without_a_fault(
        self: &Rc<Self>,
        log: Vec<Logged>,
        left_out: Option<(usize, Logged)>,
    ) -> Course {
        let at = left_out.as_ref().map(|(at, _)| *at);
        Course {
            base: Rc::clone(self),
            variant: at.map_or(Variant::Undisturbed, Variant::LeftOut),
            met: None,
            left_out,
            disk: self.recording.run.disk.clone(),
            lint: lint::check(&self.recording.before, &log),
            said: None,
            failed: None,
            lied_to: false,
            models: None,
            log: log.into(),
        }
    }

    fn with_a_fault(
        self: &Rc<Self>,
        class: Class,
        nth: u64,
        variant: &Variant,
    ) -> Result<Course, String> {
        let world = class.world(&self.recording.before, &self.recording.run.disk, nth);
        let world = if self.traced { world.traced() } else { world };
        let run = self.scenario.perform(self.seed, world, Some(&self.model.outcomes));
        if !class.was_met(&run.calls, run.met.as_ref()) {
            return Err(format!("no fault {} is met as the {nth}th", class.name));
        }
        let known = Known::all(&run.log).last().copied().unwrap_or_default();
        let said = judge_end(class, &self.scenario, &run, &self.model).err();
        let before = self.model.records.iter().take(self.model.records_before);
        let left = observe(&run.disk, Wanted::default()).found.records().to_vec();
        Ok(Course {
            base: Rc::clone(self),
            variant: variant.clone(),
            met: run.met,
            left_out: None,
            lint: None,
            said,
            failed: run.outcomes.get(known.done).cloned(),
            lied_to: class.lies(),
            models: Some([before.cloned().collect(), left].map(|it| self.model.with_records(it))),
            disk: run.disk,
            log: run.log.into(),
        })
    }
}

impl Course {
    /// What there was before it.
    pub(super) fn before(&self) -> &Disk {
        &self.base.recording.before
    }

    /// Asks the judges about a disk that it, or the crash that ended it, has left. The disk may have lied since.
    pub(super) fn judge(
        &self,
        disk: &Disk,
        known: Known,
        crashed: bool,
        lied_to: bool,
    ) -> Result<(), Broken> {
        if let Some(said) = &self.said {
            return Err(said.clone());
        }
        let [left, after_a_crash] = match &self.models {
            Some([left, crashed]) => [left, crashed],
            None => [&*self.base.model; 2],
        };
        let setting = Setting {
            scenario: &self.base.scenario,
            model: if crashed { after_a_crash } else { left },
            before: self.before(),
            disks: &self.base.recording.run.disks,
            failed: self.failed.clone(),
            lied_to: self.lied_to || lied_to,
        };
        setting.judge(disk, known, &mut BTreeMap::new())?;
        match &self.lint {
            Some((_, what)) => Err(Broken { judge: lint::NAME, what: what.clone() }),
            None => Ok(()),
        }
    }
}
