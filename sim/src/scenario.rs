//! What is run: each scenario prepares a disk, and then does one thing to a home.

use std::path::Path;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions, write_sample_home};
use sim::disk::Disk;
use sim::fault::FaultPlan;
use sim::world::{Logged, World};
use upgrade::{
    AdoptRequest, Authorization, EngineOptions, Environment, Home, Request, TelemetryEvent,
    TelemetrySink,
};
use versioning::{FixedClock, GenerationNumber, Timestamp};

use crate::hooks;

/// Where the installation lies that is adopted.
const SOURCE: &str = "/simulated/installation";
/// Where the home lies.
pub(crate) const HOME: &str = "/simulated/home";
/// What a scenario marks when what it was asked for was acknowledged.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged";
/// What it marks for each journal record that was acknowledged.
pub(crate) const RECORD: &str = "record";

static CLOCK: FixedClock = FixedClock(Timestamp::EPOCH);
static ENGINE: EngineOptions = EngineOptions {
    memory_budget_bytes: 4 << 20,
    maximum_group_bytes: 4 << 20,
    open_runs: 8,
    recheck_every: 1024,
    cache_bytes: 1 << 20,
    worker_threads: 0,
};

/// What every operation is given here.
pub(crate) fn environment() -> Environment<'static> {
    Environment { catalogue: &FemtoClaw, clock: &CLOCK, operator: "simulator", engine: &ENGINE }
}

/// One thing that is done to a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    prepare: &'static [Step],
    act: Step,
}

/// A step of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Adopt,
    Upgrade(&'static str),
    Confirm,
    Rollback,
    Collect,
    /// Opening a home in which an upgrade was interrupted just before its commit point.
    Recover,
}

/// All scenarios, the smallest first.
pub(crate) const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "confirm",
        prepare: &[Step::Adopt, Step::Upgrade("2.0.0")],
        act: Step::Confirm,
    },
    Scenario {
        name: "rollback",
        prepare: &[Step::Adopt, Step::Upgrade("2.0.0")],
        act: Step::Rollback,
    },
    Scenario {
        name: "collect",
        prepare: &[
            Step::Adopt,
            Step::Upgrade("2.0.0-rc.1"),
            Step::Confirm,
            Step::Upgrade("2.0.0"),
            Step::Confirm,
        ],
        act: Step::Collect,
    },
    Scenario { name: "recover", prepare: &[Step::Adopt], act: Step::Recover },
    Scenario { name: "adopt", prepare: &[], act: Step::Adopt },
    Scenario { name: "upgrade", prepare: &[Step::Adopt], act: Step::Upgrade("2.0.0") },
    Scenario {
        name: "upgrade-store",
        prepare: &[Step::Adopt, Step::Upgrade("2.0.0-rc.1"), Step::Confirm],
        act: Step::Upgrade("2.0.0"),
    },
];

/// A scenario that was run once: everything else is derived from this.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The disk before.
    pub(crate) before: Disk,
    /// Everything that was done to it.
    pub(crate) log: Vec<Logged>,
    /// The disk after.
    pub(crate) after: Disk,
    /// Which calls there were.
    pub(crate) calls: FaultPlan,
}

impl Scenario {
    /// Runs the scenario once on the recording disk.
    pub(crate) fn record(&self, seed: u64) -> Recording {
        hooks::freeze(seed);
        hooks::install(Some(World::new(Disk::default(), FaultPlan::none())));
        let sample = SampleOptions { seed, records: 2, damage: SampleDamage::NONE };
        write_sample_home(Path::new(SOURCE), &sample).expect("the sample is written");
        for step in self.prepare {
            step.act();
        }
        let before = hooks::with(|world| world.disk().clone()).unwrap_or_default();
        let before = if self.act == Step::Recover { interrupted(before) } else { before };
        hooks::install(Some(World::new(before.clone(), FaultPlan::none())));
        self.act.act();
        hooks::with(|world| world.mark(ACKNOWLEDGED));
        let world = hooks::install(None).expect("the world that was installed");
        hooks::thaw();
        Recording {
            before,
            log: world.log().to_vec(),
            after: world.disk().clone(),
            calls: world.faults().clone(),
        }
    }

    /// Does once more what the scenario does.
    ///
    /// # Errors
    /// What the product says.
    pub(crate) fn retry(&self) -> Result<(), upgrade::Error> {
        self.act.try_act()
    }

    /// Whether it is small enough for every recovery of every state to be crashed too.
    pub(crate) fn is_small(&self) -> bool {
        matches!(self.act, Step::Confirm | Step::Rollback)
    }

    /// Whether there need not be a home before the scenario is through.
    pub(crate) fn makes_the_home(&self) -> bool {
        self.act == Step::Adopt
    }
}

/// The disk of an upgrade that was killed just before its commit point.
fn interrupted(before: Disk) -> Disk {
    hooks::install(Some(World::new(before.clone(), FaultPlan::none())));
    Step::Upgrade("2.0.0").act();
    let world = hooks::install(None).expect("the world that was installed");
    let mut disk = before;
    for logged in world.log() {
        if let Logged::Operation(operation, path) = logged {
            let writes = matches!(operation, sim::disk::Operation::Write { data, .. }
                if data.windows(11).any(|found| found == b"\"ACTIVATED\""));
            if writes && path.ends_with("records.jsonl") {
                break;
            }
            disk.apply(operation);
        }
    }
    disk.sweep();
    disk
}

impl Step {
    fn act(self) {
        if let Err(error) = self.try_act() {
            panic!("{self:?} does not succeed on a disk without faults: {error}");
        }
    }

    fn try_act(self) -> Result<(), upgrade::Error> {
        let mut telemetry = Marks;
        let home = Path::new(HOME);
        let development = || Some(Authorization::development());
        if self == Self::Adopt {
            let request = AdoptRequest {
                source: SOURCE.into(),
                home: home.into(),
                assumed: None,
                runtime: None,
                lock_timeout: Duration::ZERO,
            };
            upgrade::adopt(&request, environment(), &mut telemetry, &mut |_| {})?;
            return Ok(());
        }
        let mut home = Home::open(home, environment(), &mut telemetry, Duration::ZERO)?;
        match self {
            Self::Adopt | Self::Recover => {}
            Self::Upgrade(version) => {
                let request = Request { target: version.parse().ok(), runtime: None };
                home.apply(&request, None, development(), &mut |_| {})?;
            }
            Self::Confirm => {
                let current = home.state().current.unwrap_or(GenerationNumber::FIRST);
                home.confirm(current)?;
            }
            Self::Collect => {
                home.collect(0, development())?;
            }
            Self::Rollback => {
                home.rollback(None, development(), "simulated", &mut |_| {})?;
            }
        }
        Ok(())
    }
}

/// Marks each record of the journal as soon as it was acknowledged.
struct Marks;

impl TelemetrySink for Marks {
    fn emit(&mut self, _event: &TelemetryEvent) {
        hooks::with(|world| world.mark(RECORD));
    }
}
