//! The whole way: upgraded under load, killed, confirmed, loaded, rolled back.

use serde_json::json;

use crate::support::{Load, Runtime, Scene, Seeded, account_for, pause};

/// How many records are acknowledged at least before the next thing happens.
const SOME: usize = 30;

// trace: test FC-5.1.4 FC-28.1.2
#[test]
fn whatever_was_acknowledged_is_in_the_store_or_in_the_generation_that_was_left() {
    let scene = Scene::at_2_0_0();
    let runtime = Runtime::start(&scene, "2.0.0");
    assert_eq!(runtime.ready["standing"], "confirmed");
    let mut load = Load::start(&scene, &runtime, "before");
    load.wait_for(&scene, "before", SOME);
    // Upgraded by itself, while others write.
    assert_eq!(runtime.upgrade("2.1.0")["ends"], true);
    load.end();
    assert_eq!(runtime.end(), Some(4));
    assert_eq!(scene.current(), (3, "2.1.0".to_owned()));

    // The new version is killed while it is loaded: a start is spent, nothing else is.
    let runtime = Runtime::start(&scene, "2.1.0");
    assert_eq!(runtime.ready["standing"], json!({"trial": {"tries": 3, "left": 2}}));
    let mut load = Load::start(&scene, &runtime, "killed");
    load.wait_for(&scene, "killed", SOME);
    runtime.kill();
    load.end();

    let runtime = Runtime::start(&scene, "2.1.0");
    assert_eq!(runtime.ready["standing"], json!({"trial": {"tries": 3, "left": 1}}));
    assert_eq!(runtime.ok(&json!({"do": "confirm"}))["standing"], "confirmed");
    let mut load = Load::start(&scene, &runtime, "confirmed");
    load.wait_for(&scene, "confirmed", SOME);
    assert_eq!(runtime.terminate(), Some(0));
    load.end();
    scene.verify();

    scene.rollback();
    assert_eq!(scene.current(), (2, "2.0.0".to_owned()));
    let runtime = Runtime::start(&scene, "2.0.0");
    let mut load = Load::start(&scene, &runtime, "after");
    load.wait_for(&scene, "after", SOME);
    // Whoever asks for an execution that was acknowledged finds it.
    let id = scene.acknowledged("before").into_iter().find(|id| id.ends_with("-1")).unwrap();
    let found = runtime.ok(&json!({"do": "get", "id": id}));
    assert_eq!(found["executions"][0]["status"], "Completed");
    runtime.kill();
    load.end();

    scene.verify();
    let (current, left) = (scene.export(2), scene.export(3));
    for (prefix, is_current, is_left) in [
        ("before", true, true),
        ("killed", false, true),
        ("confirmed", false, true),
        ("after", true, false),
    ] {
        let acknowledged = scene.acknowledged(prefix);
        assert!(acknowledged.len() >= SOME, "{prefix}");
        for (records, holds) in [(&current, is_current), (&left, is_left)] {
            if holds {
                account_for(&acknowledged, records, prefix);
            } else {
                assert!(acknowledged.iter().all(|id| !records["audit"].contains(id)), "{prefix}");
            }
        }
    }
}

/// Chooses how long after a step an upgrade is killed.
const SEED: u64 = 20_261_126;

/// The journal has a record more for each step of the upgrade: CLOSED, AUTHORIZED, PREPARED, QUIESCED, SEALED, ACTIVATED.
const STEPS: usize = 6;

/// Kills at other moments than just behind a step, and how many milliseconds later at most: longer than a step takes.
const LATER: usize = 3;
const LATEST: u64 = 40;

#[test]
fn an_upgrade_that_is_killed_at_any_step_loses_nothing_that_was_acknowledged() {
    let template = Scene::at_2_0_0();
    let mut seeded = Seeded(SEED);
    let (mut old, mut new) = (0, 0);
    let behind_each = (0..=STEPS).map(|steps| (steps, 0));
    let later = (STEPS - LATER..STEPS).map(|steps| (steps, seeded.below(LATEST)));
    for (steps, delay) in behind_each.chain(later) {
        let scene = template.copy();
        let version = killed_upgrade(&scene, steps, delay);
        println!("seed {SEED}: killed {delay} ms after {steps} steps: {version} is current");
        *(if version == "2.0.0" { &mut old } else { &mut new }) += 1;
    }
    assert!(old >= 1 && new >= 1, "{old} were before the commit point, {new} behind it");
}

/// Kills a runtime on its way from 2.0.0 to 2.1.0, and accounts for everything. Returns the version that is current then.
fn killed_upgrade(scene: &Scene, steps: usize, delay: u64) -> String {
    let mut runtime = Runtime::start(scene, "2.0.0");
    let mut load = Load::start(scene, &runtime, "before");
    load.wait_for(scene, "before", SOME);
    let before = scene.journal().len();
    assert_eq!(runtime.upgrade("2.1.0")["ends"], true);
    wait_for_steps(scene, &mut runtime, before + steps);
    pause(delay);
    runtime.kill();
    load.end();

    let (generation, version) = scene.current();
    let runtime = Runtime::start(scene, &version);
    let mut load = Load::start(scene, &runtime, "after");
    load.wait_for(scene, "after", SOME);
    runtime.ok(&json!({"do": "confirm"}));
    runtime.kill();
    load.end();
    let records = scene.export(generation);
    account_for(&scene.acknowledged("before"), &records, "before");
    account_for(&scene.acknowledged("after"), &records, "after");
    scene.verify();
    version
}

/// Waits until there are so many records in the journal, or the runtime has ended.
fn wait_for_steps(scene: &Scene, runtime: &mut Runtime, records: usize) {
    while scene.journal().len() < records && runtime.has_ended().is_none() {
        pause(1);
    }
}

#[test]
fn an_upgrade_that_somebody_stops_is_undone_or_done() {
    let scene = Scene::at_2_0_0();
    let mut runtime = Runtime::start(&scene, "2.0.0");
    let before = scene.journal().len();
    assert_eq!(runtime.upgrade("2.1.0")["ends"], true);
    // CLOSED, AUTHORIZED, PREPARED.
    wait_for_steps(&scene, &mut runtime, before + 3);
    let ended = runtime.terminate();
    let (_, version) = scene.current();
    println!("{ended:?}: {version} is current");
    assert!(
        matches!((ended, version.as_str()), (Some(143), "2.0.0") | (Some(4), "2.1.0")),
        "{ended:?}, {version}"
    );
    assert_eq!(Runtime::start(&scene, &version).terminate(), Some(0));
    scene.verify();
}
