//! Bit rot: one bit of one byte of a sealed home is flipped, in turn. It must be found and named, or make no difference.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::Random;
use sim::disk::{Disk, Node};
use sim::fault::FaultPlan;
use sim::world::World;

use crate::explore::{Campaign, Report};
use crate::hooks;
use crate::judge::Expected;
use crate::scenario::Recording;

/// The class under which it is counted.
const CLASS: &str = "bit-rot";

/// Of every file, so many bytes are tried, spread evenly.
const BYTES: u64 = 4096;
/// The same in a quick campaign.
const BYTES_QUICK: u64 = 24;

/// Flips a seeded bit of every byte (or of a dense sample) of every file of the home.
pub(crate) fn explore(
    campaign: &Campaign,
    recording: &Recording,
    expected: &Expected,
    report: &mut Report,
) {
    let most = if campaign.is_quick() { BYTES_QUICK } else { BYTES };
    let mut random = Random::new(campaign.seed());
    for (path, inode) in recording.before.paths() {
        let Some(Node::File(content)) = recording.before.inode(inode).map(|inode| &inode.node)
        else {
            continue;
        };
        if !path.starts_with("/home/") {
            continue;
        }
        let step = usize::try_from(content.size().div_ceil(most).max(1)).unwrap_or(1);
        for offset in (0..content.size()).step_by(step) {
            let bit = 1_u8 << (random.next_u64() % 8);
            let mut disk = recording.before.clone();
            if let Some(content) = disk.content_mut(inode) {
                let mut byte = [0];
                content.read(offset, &mut byte);
                content.write(offset, &[byte[0] ^ bit]);
            }
            let told = |what| format!("bit rot in {path}, byte {offset}, bit {bit:#04x}: {what}");
            report.count_fault(CLASS, judge(disk, expected).map_err(told));
        }
    }
}

/// Found, or without effect. Never silently wrong, never a panic.
fn judge(disk: Disk, expected: &Expected) -> Result<(), String> {
    hooks::install(Some(World::new(disk, FaultPlan::none())));
    let looked = catch_unwind(AssertUnwindSafe(|| expected.is_unharmed_or_noticed()));
    hooks::install(None);
    looked.unwrap_or_else(|_| Err("the product panicked".to_owned()))
}
