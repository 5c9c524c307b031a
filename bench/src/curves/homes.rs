//! Whole homes: going back, and opening one whose upgrade was killed half way.

use serde::{Deserialize, Serialize};

use crate::failure::Result;
use crate::output::say;
use crate::process::Cost;
use crate::statistics::rounded;
use crate::task::{self, Task};
use crate::workbench::Workbench;

/// What is done with a home of so many records takes this long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct HomePoint {
    pub(crate) records: u64,
    /// The whole upgrade, from the plan to the commit point.
    pub(crate) upgrade_s: f64,
    /// Going back, of which most is holding every file of what will be current to its seal.
    pub(crate) rollback_ms: f64,
    /// Opening a home whose upgrade was killed when half of the records were read, by a new process.
    pub(crate) recovery_ms: f64,
    /// The engine's own opening of the store that is current then, for comparison: no part of the recovery.
    pub(crate) engine_open_ms: f64,
}

/// Measures every size, once each.
pub(super) fn run(workbench: &Workbench, sizes: &[u64]) -> Result<Vec<HomePoint>> {
    sizes.iter().map(|records| measure(workbench, *records)).collect()
}

fn measure(workbench: &Workbench, records: u64) -> Result<HomePoint> {
    let directory = workbench.empty("home")?;
    let at = || directory.clone();
    say(&format!("making a home of {records} records"));
    task::run::<()>(&Task::MakeHome { directory: at(), records })?;
    let halt_at = Some(records / 2);
    task::run_and_kill(&Task::Upgrade { directory: at(), records, halt_at })?;
    let recovered: Cost = task::run(&Task::Recover { directory: at(), records })?;
    let opened: Cost = task::run(&Task::OpenEngine { directory: at(), records })?;
    task::settle_disks()?;
    let upgraded: Cost = task::run(&Task::Upgrade { directory: at(), records, halt_at: None })?;
    let back: Cost = task::run(&Task::RollBack { directory: at(), records })?;
    durable::remove_tree(&directory)?;
    let ms = |cost: &Cost| rounded(cost.seconds * 1000.0);
    let point = HomePoint {
        records,
        upgrade_s: rounded(upgraded.seconds),
        rollback_ms: ms(&back),
        recovery_ms: ms(&recovered),
        engine_open_ms: ms(&opened),
    };
    say(&format!(
        "home of {records} records: upgrade {:.3} s, rollback {:.1} ms, recovery {:.1} ms",
        point.upgrade_s, point.rollback_ms, point.recovery_ms
    ));
    Ok(point)
}
