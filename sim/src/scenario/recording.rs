//! A scenario that is run: once without a disturbance, from which everything else is derived, and with faults.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use femtoclaw_catalogue::sample::SampleOptions;
use sim::disk::Disk;
use sim::fault::{FaultPlan, Met};
use sim::world::{Logged, Mark, World, log_hash};

use super::Scenario;
use super::installation::write_installation;
use super::step::{Outcome, Step, set_surroundings};
use crate::hooks;

/// A scenario that was run without a disturbance.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The disk before.
    pub(crate) before: Disk,
    /// What was done.
    pub(crate) run: Run,
    /// The digest of everything that was done.
    pub(crate) log_hash: String,
}

/// What came of the steps of a scenario.
#[derive(Debug)]
pub(crate) struct Run {
    /// Everything that was done to the disk.
    pub(crate) log: Vec<Logged>,
    /// What came of each step, as far as they went.
    pub(crate) outcomes: Vec<Outcome>,
    /// The disk after each.
    pub(crate) disks: Vec<Disk>,
    /// The disk at the end.
    pub(crate) disk: Disk,
    /// Which calls there were, and which failed.
    pub(crate) calls: FaultPlan,
    /// The first call that met a fault.
    pub(crate) met: Option<Met>,
    /// What the product said when it panicked, if it did.
    pub(crate) panicked: Option<String>,
    /// Descriptors that were left open.
    pub(crate) open: usize,
}

/// Does something on a thread of its own, on which clocks and randomness begin anew: so that it is the same each time.
pub(crate) fn on_its_own<T: Send>(seed: u64, act: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            hooks::freeze(seed);
            set_surroundings(&[]);
            act()
        });
        thread.join()
    });
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Scenario {
    /// The disk that the scenario begins with.
    pub(crate) fn prepared(&self, seed: u64) -> Disk {
        on_its_own(seed, || {
            hooks::install(Some(World::new(Disk::default(), FaultPlan::none())));
            write_installation(&self.sample(seed));
            for step in &self.prepare {
                if let Err(error) = step.act() {
                    panic!("{}: {step:?} does not succeed: {error}", self.name);
                }
            }
            let world = hooks::install(None).expect("the world that was installed");
            let mut disk = world.disk().clone();
            disk.settle();
            disk.compacted()
        })
    }

    fn sample(&self, seed: u64) -> SampleOptions {
        super::random::sample(&self.name, seed)
    }

    /// Runs the scenario once, without a disturbance.
    pub(crate) fn record(&self, seed: u64) -> Recording {
        self.record_from(seed, self.prepared(seed), false)
    }

    /// The same, with who called in every operation.
    pub(crate) fn record_traced(&self, seed: u64) -> Recording {
        self.record_from(seed, self.prepared(seed), true)
    }

    fn record_from(&self, seed: u64, before: Disk, traced: bool) -> Recording {
        let world = World::new(before.clone(), FaultPlan::none());
        let world = if traced { world.traced() } else { world };
        let run = self.perform(seed, world, None);
        if let Some(said) = &run.panicked {
            panic!("{}: the product panics on a disk without faults: {said}", self.name);
        }
        for ((step, outcome), succeeds) in self.act.iter().zip(&run.outcomes).zip(self.expected()) {
            let done = *outcome == Outcome::Done;
            if succeeds.is_some_and(|succeeds| succeeds != done) {
                let (prepare, act) = (&self.prepare, &self.act);
                panic!(
                    "{}: of {act:?}, behind {prepare:?}, {step:?} on a disk without faults: {outcome:?}",
                    self.name
                );
            }
        }
        let log_hash = log_hash(&run.log);
        Recording { before, run, log_hash }
    }

    /// Whether each of its steps succeeds undisturbed, as far as that is known.
    fn expected(&self) -> Vec<Option<bool>> {
        if self.is_random() {
            return super::random::expected(&self.prepare, &self.act);
        }
        self.act.iter().map(|step| Some(!step.must_be_refused())).collect()
    }

    /// Whether nobody has thought about the order of its steps.
    pub(crate) fn is_random(&self) -> bool {
        self.name.starts_with("random-")
    }

    /// Runs the steps on a world, until one comes to another end than it should.
    pub(crate) fn perform(&self, seed: u64, world: World, expected: Option<&[Outcome]>) -> Run {
        on_its_own(seed, || {
            hooks::install(Some(world));
            let mut run = Steps { outcomes: Vec::new(), disks: Vec::new() };
            let acted = catch_unwind(AssertUnwindSafe(|| run.all(&self.act, expected)));
            let mut world = hooks::install(None).expect("the world that was installed");
            Run {
                log: world.take_log(),
                outcomes: run.outcomes,
                disks: run.disks,
                disk: world.disk().clone(),
                calls: world.faults().clone(),
                met: world.met().cloned(),
                panicked: acted.err().map(|_| crate::panics::last()),
                open: world.open_descriptors(),
            }
        })
    }
}

struct Steps {
    outcomes: Vec<Outcome>,
    disks: Vec<Disk>,
}

impl Steps {
    fn all(&mut self, steps: &[Step], expected: Option<&[Outcome]>) {
        for (number, step) in steps.iter().enumerate() {
            hooks::with(|world| world.mark(Mark::Began(number)));
            let outcome = Outcome::of(&step.act());
            let as_expected = expected.is_none_or(|all| all.get(number) == Some(&outcome));
            self.outcomes.push(outcome);
            if !as_expected {
                hooks::with(|world| world.mark(Mark::Failed(number)));
                break;
            }
            hooks::with(|world| world.mark(Mark::Done(number)));
            self.disks.extend(hooks::with(|world| world.disk().clone()));
        }
    }
}
