//! What is judged of every disk that a crash could have left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use sim::disk::Disk;
use sim::fault::FaultPlan;
use sim::world::{Logged, World};
use upgrade::{Digest, Home, NoTelemetry, Record};

use crate::hooks;
use crate::scenario::{HOME, Scenario, environment};

/// What there must be, from the recording.
#[derive(Debug)]
pub(crate) struct Expected {
    /// The content of the current generation before; none if there was none.
    old: Option<Digest>,
    /// And after.
    new: Option<Digest>,
    /// The journal after.
    records: Vec<Record>,
    /// Records of the journal before.
    records_before: usize,
}

impl Expected {
    /// The same for a run that a fault makes go another way: of its journal only what was there before is known.
    pub(crate) fn without_history(&self) -> Self {
        let records = self.records.iter().take(self.records_before).cloned().collect();
        Self { old: self.old, new: self.new, records, records_before: self.records_before }
    }
}

/// What a recovered home is.
struct Found {
    current: Option<Digest>,
    records: Vec<Record>,
    problems: Vec<String>,
    clean: bool,
}

/// What had been acknowledged when the crash came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known {
    /// Records of the journal, of this scenario.
    pub(crate) records: usize,
    /// Whether the whole of what was asked for was.
    pub(crate) done: bool,
}

impl Expected {
    /// Reads the state before and after an undisturbed run.
    pub(crate) fn of(before: &Disk, after: &Disk) -> Self {
        let (old, new) = (look(before), look(after));
        let new = new.expect("an undisturbed run leaves a home");
        assert_eq!(new.problems, Vec::<String>::new(), "an undisturbed run leaves problems");
        let records_before = old.as_ref().map_or(0, |old| old.records.len());
        let old = old.ok().and_then(|old| old.current);
        Self { old, new: new.current, records: new.records, records_before }
    }
}

impl Expected {
    /// Reads the home that is installed, whose state should be the one before the scenario: what is damaged must be found,
    /// and what is not found must make no difference.
    pub(crate) fn is_unharmed_or_noticed(&self) -> Result<(), String> {
        let Ok(found) = look_installed() else { return Ok(()) };
        if !found.problems.is_empty() {
            return Ok(());
        }
        let before: Vec<Digest> =
            self.records.iter().take(self.records_before).map(|record| record.hash).collect();
        let now: Vec<Digest> = found.records.iter().map(|record| record.hash).collect();
        if found.current == self.old && now == before {
            return Ok(());
        }
        Err("the state is another one, and nobody noticed".to_owned())
    }
}

/// Lets the product recover a disk, reads all of it, and judges it. Returns what is wrong.
pub(crate) fn judge(
    scenario: &Scenario,
    disk: &Disk,
    known: Known,
    expected: &Expected,
    retry: bool,
) -> Result<(), String> {
    hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
    let judged =
        catch_unwind(AssertUnwindSafe(|| judge_installed(scenario, known, expected, retry)));
    let world = hooks::install(None);
    let judged = judged.unwrap_or_else(|_| Err("the product panicked".to_owned()));
    let open = world.map_or(0, |world| world.open_descriptors());
    if judged.is_ok() && open > 0 {
        return Err(format!("{open} descriptors are left open"));
    }
    judged
}

fn judge_installed(
    scenario: &Scenario,
    known: Known,
    expected: &Expected,
    retry: bool,
) -> Result<(), String> {
    let found = match look_installed() {
        Ok(found) => found,
        Err(error)
            if error.name() == "not-a-home" && scenario.makes_the_home() && known.records == 0 =>
        {
            return scenario.retry().map_err(|error| format!("a retry fails: {error}"));
        }
        Err(error) => return Err(format!("it cannot be recovered: {error}")),
    };
    judge_state(known, expected, &found)?;
    judge_records(known, expected, &found)?;
    let again = look_installed().map_err(|error| format!("it cannot be opened again: {error}"))?;
    if !again.clean {
        return Err("a second recovery still found something to put right".to_owned());
    }
    if retry && found.current != expected.new {
        scenario.retry().map_err(|error| format!("a retry fails: {error}"))?;
        let last = look_installed().map_err(|error| format!("after a retry: {error}"))?;
        if last.current != expected.new || !last.problems.is_empty() {
            return Err("a retry leads elsewhere than an undisturbed run".to_owned());
        }
    }
    Ok(())
}

/// Exactly old or exactly new; new once it was acknowledged; and nothing that is kept is damaged.
fn judge_state(known: Known, expected: &Expected, found: &Found) -> Result<(), String> {
    if !found.problems.is_empty() {
        return Err(format!("what is kept is damaged: {}", found.problems.join("; ")));
    }
    if found.current != expected.old && found.current != expected.new {
        return Err("what is current is neither old nor new".to_owned());
    }
    if known.done && found.current != expected.new {
        return Err("what was acknowledged is not there".to_owned());
    }
    Ok(())
}

/// Every record that was acknowledged is there, unchanged and in its place.
fn judge_records(known: Known, expected: &Expected, found: &Found) -> Result<(), String> {
    let acknowledged = expected.records_before + known.records;
    let hashes = |records: &[Record]| -> Vec<Digest> {
        records.iter().take(acknowledged).map(|record| record.hash).collect()
    };
    if found.records.len() < acknowledged {
        let count = found.records.len();
        return Err(format!("{acknowledged} records were acknowledged, and {count} are there"));
    }
    let comparable = expected.records.len().min(acknowledged);
    let (found, wanted) = (hashes(&found.records), hashes(&expected.records));
    if found.get(..comparable) != wanted.get(..comparable) {
        return Err("a record that was acknowledged is another one".to_owned());
    }
    Ok(())
}

/// Everything that the product does to a disk to recover it.
pub(crate) fn recovery_log(disk: &Disk) -> Vec<Logged> {
    hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
    let mut telemetry = NoTelemetry;
    // Whether it succeeds was judged before; here it is only recorded.
    let home = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO);
    drop(home);
    hooks::install(None).map_or_else(Vec::new, |world| world.log().to_vec())
}

fn look(disk: &Disk) -> Result<Found, upgrade::Error> {
    hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
    let found = look_installed();
    hooks::install(None);
    found
}

/// Recovers the home that is there, and reads all of it.
fn look_installed() -> Result<Found, upgrade::Error> {
    let mut telemetry = NoTelemetry;
    let home = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO)?;
    let clean = home.recovery().is_nothing();
    let report = home.verify(&mut |_| {})?;
    let current = report.generations.iter().find(|generation| generation.current);
    Ok(Found {
        current: current.map(|generation| generation.content),
        records: home.records().to_vec(),
        problems: report.problems,
        clean,
    })
}
