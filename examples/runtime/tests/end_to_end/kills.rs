//! Killed while it writes, at moments that a seed chooses.

use crate::support::{Load, Runtime, Scene, Seeded, account_for};

/// Kills, one after the other, of runtimes on the same store.
const KILLS: u64 = 8;

/// The most records that are acknowledged before a kill is due.
const MOST: u64 = 150;

const SEED: u64 = 20_261_126;

#[test]
fn no_record_that_was_acknowledged_is_gone_after_any_number_of_kills() {
    let scene = Scene::at_2_0_0();
    let mut seeded = Seeded(SEED);
    let prefixes: Vec<String> = (0..KILLS).map(|kill| format!("kill{kill}")).collect();
    for prefix in &prefixes {
        let records = usize::try_from(1 + seeded.below(MOST)).unwrap();
        println!("seed {SEED}: {prefix} after {records} records");
        let runtime = Runtime::start(&scene, "2.0.0");
        let mut load = Load::start(&scene, &runtime, prefix);
        load.wait_for(&scene, prefix, records);
        runtime.kill();
        load.end();
    }
    let records = scene.export(2);
    let mut acknowledged = 0;
    for prefix in &prefixes {
        let of_load = scene.acknowledged(prefix);
        acknowledged += of_load.len();
        account_for(&of_load, &records, prefix);
    }
    println!("{acknowledged} records were acknowledged");
    assert!(acknowledged > 0, "nothing was written before any kill");
    scene.verify();
}
