//! Recoveries that fail: of some states, the recovery meets a fault of each class in turn, and the power goes behind it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use sim::Random;
use sim::disk::{Disk, Fingerprint};
use sim::fault::{FaultPlan, Met};
use sim::images::{Points, Profile};
use sim::world::{Logged, World};
use upgrade::{Home, NoTelemetry};

use crate::classes::{CLASSES, Class};
use crate::explore::{Exploration, Walk};
use crate::hooks;
use crate::id::StateId;
use crate::judges::{Broken, protocol};
use crate::model::Known;
use crate::observe::{Wanted, observe_once};
use crate::report::Violation;
use crate::scenario::{HOME, Outcome, Refusal, environment, on_its_own};

/// What the product did to a disk to recover it.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// Everything that it did to the disk.
    pub(crate) log: Vec<Logged>,
    /// The disk behind it.
    pub(crate) disk: Disk,
    /// What it said; nothing if it panicked.
    pub(crate) opened: Option<Outcome>,
    /// What it said when it panicked, if it did.
    pub(crate) panicked: Option<String>,
    /// Which calls there were, and which failed.
    pub(crate) calls: FaultPlan,
    /// The first call that met a fault.
    pub(crate) met: Option<Met>,
    /// Descriptors that were left open.
    pub(crate) open: usize,
}

impl Recovery {
    /// Recovers the disk of a world, on a thread of its own, so that it is the same each time.
    pub(crate) fn of(world: World, seed: u64) -> Self {
        on_its_own(seed, || {
            hooks::install(Some(world));
            let opened = catch_unwind(AssertUnwindSafe(|| {
                let mut telemetry = NoTelemetry;
                let opened =
                    Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO);
                Outcome::of(&opened.map(|_| ()).map_err(Refusal::from))
            }));
            let mut world = hooks::install(None).expect("the world that was installed");
            Self {
                log: world.take_log(),
                disk: world.disk().clone(),
                panicked: opened.is_err().then(crate::panics::last),
                opened: opened.ok(),
                calls: world.faults().clone(),
                met: world.met().cloned(),
                open: world.open_descriptors(),
            }
        })
    }

    /// Recovers a disk on which nothing fails.
    pub(crate) fn undisturbed(disk: &Disk, seed: u64, traced: bool) -> Self {
        let world = World::new(disk.clone(), FaultPlan::none());
        Self::of(if traced { world.traced() } else { world }, seed)
    }

    /// The same disk is recovered, and a fault is met: of a class, and which of them, from 1.
    pub(crate) fn meeting(
        &self,
        disk: &Disk,
        (class, nth): (Class, u64),
        seed: u64,
        traced: bool,
    ) -> Self {
        let world = class.world(disk, &self.disk, nth);
        Self::of(if traced { world.traced() } else { world }, seed)
    }

    /// What it broke itself, whatever disk it left. Beside it stands what came of it undisturbed.
    pub(crate) fn broken(&self, class: Class, undisturbed: &Self) -> Result<(), Broken> {
        if let Some(said) = &self.panicked {
            let what = format!("the product panics: {said}");
            return Err(Broken { judge: "recoverable", what });
        }
        if self.open > 0 {
            let what =
                format!("{} descriptors are left open after a fault in a recovery", self.open);
            return Err(Broken { judge: "leaks", what });
        }
        class.held_up(true, self.opened.as_slice(), undisturbed.opened.as_slice())?;
        self.says_the_truth(class, undisturbed)
    }

    /// An error that says that nothing has changed is right: what is current is what it is behind a recovery that met nothing.
    fn says_the_truth(&self, class: Class, undisturbed: &Self) -> Result<(), Broken> {
        let Some(Outcome::Refused { error, unchanged: true }) = self.opened else { return Ok(()) };
        let content = |disk: &Disk| {
            let fingerprint = disk.fingerprint_without(&[]);
            let seen = observe_once(fingerprint, Wanted::default(), || disk.clone());
            seen.found.state().and_then(|state| state.content())
        };
        if class.lies() || content(&self.disk) == content(&undisturbed.disk) {
            return Ok(());
        }
        let what = format!("the error “{error}” says that nothing has changed, and something has");
        Err(Broken { judge: "condition", what })
    }
}

impl Exploration<'_> {
    /// Lets the recovery of a disk meet one fault of each class, wherever the disk's fingerprint says.
    pub(crate) fn inject_into_recovery(
        &mut self,
        disk: &Disk,
        fingerprint: Fingerprint,
        known: Known,
        id: &StateId,
    ) {
        let undisturbed = Recovery::undisturbed(disk, id.seed, false);
        // Another one under each profile.
        let mut random = Random::new(fingerprint as u64 ^ self.profile as u64);
        for class in CLASSES {
            let many = class.many(&undisturbed.log, &undisturbed.calls);
            if many == 0 {
                continue;
            }
            let nth = 1 + random.below(many);
            if self.session.is_over() {
                return;
            }
            let id = StateId { recovery: Some((class.name.to_owned(), nth)), ..id.clone() };
            if !self.session.about_to_judge(&id) {
                continue;
            }
            let recovery = undisturbed.meeting(disk, (class, nth), id.seed, false);
            if !class.was_met(&recovery.calls, recovery.met.as_ref()) {
                continue;
            }
            self.session.count_fault_in_recovery(class.name);
            let lied_to = std::mem::replace(&mut self.setting.lied_to, class.lies());
            let judged = recovery.broken(class, &undisturbed);
            let judged =
                judged.and_then(|()| self.judge_failed_recovery(disk, &recovery, known, &id));
            self.setting.lied_to = lied_to;
            if let Err(Broken { judge, what }) = judged {
                let judge = judge.to_owned();
                self.session.violate(Violation { id: id.to_string(), judge, what });
            }
        }
    }

    /// What a recovery that met a fault has left is judged as it is; then the power goes too.
    fn judge_failed_recovery(
        &mut self,
        disk: &Disk,
        recovery: &Recovery,
        known: Known,
        id: &StateId,
    ) -> Result<(), Broken> {
        let fingerprint = recovery.disk.fingerprint_without(&[]);
        let (judged, seen) =
            self.setting.judge_once(&recovery.disk, fingerprint, known, &mut self.applied);
        self.session.judged(fingerprint ^ known.fingerprint(), judged.is_err());
        judged?;
        self.session.report.trace_steps += protocol::steps(&seen.found, self.setting.lied_to);
        // A process that dies loses nothing that it has written.
        if self.profile != Profile::Kill {
            let met = recovery.met.as_ref().map_or(recovery.log.len(), |met| met.at);
            let points = Points::from(met);
            let (log, known) = (recovery.log.as_slice(), [known]);
            self.follow(&Walk { disk, log, known: &known, points, id, depth: 2 });
        }
        Ok(())
    }
}
