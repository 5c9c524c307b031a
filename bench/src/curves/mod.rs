//! How cost grows with size.

mod growth;
mod homes;
mod untouched;

use serde::{Deserialize, Serialize};

use crate::arguments::Request;
use crate::contenders::Contender;
use crate::failure::Result;
use crate::process::Cost;
use crate::task::{self, Migrate, Migrated, Task};
use crate::transform::Transform;
use crate::workbench::{Source, Workbench};

pub(crate) use growth::GrowthPoint;
pub(crate) use homes::HomePoint;
pub(crate) use untouched::UntouchedPoint;

/// More rounds than this tell nothing new of a curve.
const MAXIMUM_ROUNDS: usize = 3;

/// Every curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curves {
    pub(crate) growth: Vec<GrowthPoint>,
    pub(crate) untouched: Vec<UntouchedPoint>,
    /// Time beside most, as a multiple of the time beside nothing.
    pub(crate) untouched_ratio: f64,
    pub(crate) homes: Vec<HomePoint>,
}

/// Measures every curve.
///
/// # Errors
/// If anything fails.
pub(crate) fn run(workbench: &Workbench, request: &Request) -> Result<Curves> {
    let rounds = request.rounds.min(MAXIMUM_ROUNDS);
    let records = request.curve_records();
    let growth = growth::run(workbench, &records, rounds)?;
    let (untouched, untouched_ratio) = untouched::run(workbench, request.quick, rounds)?;
    let homes = homes::run(workbench, &records)?;
    Ok(Curves { growth, untouched, untouched_ratio, homes })
}

/// Migrates a source with ours. It is only cloned by links, and so not changed: it needs no copy.
fn migrate(workbench: &Workbench, source: &Source) -> Result<Cost> {
    let directory = workbench.empty("run")?;
    task::settle_disks()?;
    let task = Migrate {
        contender: Contender::Ours,
        transform: Transform::Cheap,
        source: source.directory.clone(),
        directory,
        before: source.digest.clone(),
        reads_back: false,
    };
    let migrated: Migrated = task::run(&Task::Migrate(task))?;
    Ok(migrated.cost)
}
