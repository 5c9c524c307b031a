//! What is measured on whole homes: an upgrade, opening one after it was interrupted, going back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};
use storage_migration::clone_mode;
use upgrade::{
    AdoptRequest, Authorization, EngineOptions, Environment, Home, NoTelemetry, Part, Progress,
    Request,
};
use versioning::{FixedClock, Timestamp};

use crate::catalogue::SizedFemtoClaw;
use crate::contenders;
use crate::failure::{Failure, Result};
use crate::process::{Cost, measured};
use crate::schema::Generated;
use crate::task;

/// The release whose store is made of the generated records …
const BEFORE: &str = "2.0.0-rc.1";
/// … and the one that transforms them.
const AFTER: &str = "2.0.0";

const CLOCK: FixedClock = FixedClock(Timestamp::EPOCH);

/// The records of homes; any seed would do.
const SEED: u64 = 1;

/// A home, and what it is opened with.
struct Scene {
    directory: PathBuf,
    catalogue: SizedFemtoClaw,
    engine: EngineOptions,
}

impl Scene {
    fn new(directory: &Path, records: u64) -> Self {
        Self {
            directory: directory.to_path_buf(),
            catalogue: SizedFemtoClaw(Generated { seed: SEED, records }),
            engine: contenders::engine_options(),
        }
    }

    fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    fn environment(&self) -> Environment<'_> {
        let (catalogue, engine) = (&self.catalogue, &self.engine);
        Environment { catalogue, clock: &CLOCK, operator: "bench", engine }
    }

    fn open<'s>(&'s self, telemetry: &'s mut NoTelemetry) -> Result<Home<'s>> {
        Ok(Home::open(&self.home(), self.environment(), telemetry, Duration::ZERO)?)
    }

    fn apply(
        &self,
        home: &mut Home<'_>,
        version: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<()> {
        let request = Request { target: Some(version.parse()?), ..Request::default() };
        let authorization = Some(Authorization::development());
        let applied = home.apply(&request, None, authorization, progress)?;
        applied.map(drop).ok_or_else(|| Failure::new(format!("the home was at {version} already")))
    }
}

/// Makes a home whose store has this many records, confirmed.
pub(crate) fn make(directory: &Path, records: u64) -> Result<()> {
    let scene = Scene::new(directory, records);
    let source = directory.join("installation");
    write_sample_home(&source, &SampleOptions { records: 1, ..SampleOptions::default() })?;
    let request = AdoptRequest {
        source,
        home: scene.home(),
        assumed: None,
        runtime: None,
        lock_timeout: Duration::ZERO,
    };
    upgrade::adopt(&request, scene.environment(), &mut NoTelemetry, &mut |_| {})?;
    let mut telemetry = NoTelemetry;
    let mut home = scene.open(&mut telemetry)?;
    scene.apply(&mut home, BEFORE, &mut |_| {})?;
    let current = home.state().current.ok_or_else(|| Failure::new("the home has no generation"))?;
    Ok(home.confirm(current)?)
}

/// Upgrades it; or halts for ever when so many records are done.
pub(crate) fn upgrade(directory: &Path, records: u64, halt_at: Option<u64>) -> Result<Cost> {
    let scene = Scene::new(directory, records);
    let mut telemetry = NoTelemetry;
    let mut home = scene.open(&mut telemetry)?;
    let ((), cost) = measured(|| {
        scene.apply(&mut home, AFTER, &mut |progress| {
            // Not what is verified before and after: half of the migration itself is what counts.
            let migrates = progress.phase.starts_with("reading");
            if migrates && halt_at.is_some_and(|halt_at| progress.done >= halt_at) {
                task::halt();
            }
        })
    })?;
    Ok(cost)
}

/// Opens it after an interruption: what was begun is undone.
pub(crate) fn recover(directory: &Path, records: u64) -> Result<Cost> {
    let scene = Scene::new(directory, records);
    let mut telemetry = NoTelemetry;
    let (home, cost) = measured(|| scene.open(&mut telemetry))?;
    if home.recovery().aborted.is_none() {
        return Err(Failure::new("there was no interrupted upgrade to recover from"));
    }
    Ok(cost)
}

/// Opens the current store with the engine alone, on a copy: sealed stores are not opened in place.
pub(crate) fn open_engine(directory: &Path, records: u64) -> Result<Cost> {
    let scene = Scene::new(directory, records);
    let mut telemetry = NoTelemetry;
    let home = scene.open(&mut telemetry)?;
    let current = home.state().current.ok_or_else(|| Failure::new("the home has no generation"))?;
    let store = home.layout().generation(current).join(Part::Store.directory());
    let copy = directory.join("copy");
    durable::clone_tree(&store, &copy, clone_mode)?;
    let (database, cost) = measured(|| Ok(fjall::Database::builder(&copy).open()?))?;
    drop(database);
    durable::remove_tree(&copy)?;
    Ok(cost)
}

/// Goes back to what was before the upgrade, with the home opened already.
pub(crate) fn roll_back(directory: &Path, records: u64) -> Result<Cost> {
    let scene = Scene::new(directory, records);
    let mut telemetry = NoTelemetry;
    let mut home = scene.open(&mut telemetry)?;
    let authorization = Some(Authorization::development());
    let (_, cost) =
        measured(|| Ok(home.rollback(None, authorization, "measured", &mut |_| {})?))?;
    Ok(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_made_upgraded_and_rolled_back() {
        let directory = tempfile::tempdir().unwrap();
        let records = 5000;
        make(directory.path(), records).unwrap();
        assert!(open_engine(directory.path(), records).unwrap().seconds > 0.0);
        assert!(recover(directory.path(), records).is_err(), "nothing was interrupted");
        upgrade(directory.path(), records, None).unwrap();
        roll_back(directory.path(), records).unwrap();
        let scene = Scene::new(directory.path(), records);
        let mut telemetry = NoTelemetry;
        let home = scene.open(&mut telemetry).unwrap();
        assert_eq!(home.state().runtime().unwrap().to_string(), BEFORE);
    }
}
