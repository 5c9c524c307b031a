//! Stores that were closed in good order, and are held to that.

use std::fs;

use upgrade::NoTelemetry;
use upgrade::lifecycle::StoreStanding;

use crate::support::{Scene, flip, generation, told};

const VERSION: &str = "2.0.0-rc.1";

fn standing(scene: &Scene) -> StoreStanding {
    scene.view().state().generations[&generation(2)].store
}

/// What a start says that is refused. Nothing is put on record.
fn refused(scene: &Scene) -> String {
    let before = scene.events();
    let mut telemetry = NoTelemetry;
    let error = scene.boot(VERSION, &mut telemetry).expect_err("it started");
    assert_eq!(scene.events(), before);
    told(&error)
}

#[test]
fn a_store_is_sealed_anew_when_its_runtime_is_stopped() {
    let scene = Scene::secured();
    scene.upgrade(VERSION, 3).unwrap();
    assert_eq!(standing(&scene), StoreStanding::Sealed);
    scene.run(VERSION);
    let StoreStanding::Closed { seal } = standing(&scene) else { panic!("it is not closed") };
    let file = fs::read(scene.home().join("seals/2.json")).unwrap();
    assert_eq!(upgrade::Digest::of(&file), seal);
    // Again and again.
    scene.run(VERSION);
    assert!(matches!(standing(&scene), StoreStanding::Closed { .. }));
}

#[test]
fn a_start_refuses_a_closed_store_whose_files_are_others() {
    let scene = Scene::confirmed();
    let path = scene.store_file(2);
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();

    let longer = scene.copied();
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0);
    fs::write(longer.store_file(2), &bytes).unwrap();
    assert!(refused(&longer).contains(&name));

    let more = scene.copied();
    fs::write(more.home().join("generations/2/store/evil"), b"").unwrap();
    assert!(refused(&more).contains("evil"));

    let fewer = scene.copied();
    fs::remove_file(fewer.store_file(2)).unwrap();
    assert!(refused(&fewer).contains(&name));

    scene.run(VERSION);
}

#[test]
fn a_start_refuses_a_seal_that_is_another() {
    let scene = Scene::confirmed();
    let gone = scene.copied();
    fs::remove_file(gone.home().join("seals/2.json")).unwrap();
    assert!(refused(&gone).contains("seals/2.json"));
    let edited = scene.copied();
    flip(&edited.home().join("seals/2.json"));
    assert!(refused(&edited).contains("seals/2.json"));
}

#[test]
fn a_flipped_byte_of_a_closed_store_is_found_and_named() {
    let scene = Scene::confirmed();
    assert!(scene.with(|home| home.verify(&mut |_| {})).unwrap().problems.is_empty());
    let path = scene.store_file(2);
    flip(&path);
    let problems = scene.with(|home| home.verify(&mut |_| {})).unwrap().problems;
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains(name), "{problems:?}");
    // No upgrade is built on it.
    let error = scene.upgrade("2.1.0", 4).unwrap_err();
    assert!(told(&error).contains(name));
}

#[test]
fn a_runtime_that_crashed_leaves_a_store_without_a_seal() {
    let scene = Scene::confirmed();
    {
        let mut telemetry = NoTelemetry;
        drop(scene.boot(VERSION, &mut telemetry).unwrap());
    }
    assert_eq!(standing(&scene), StoreStanding::Started);
    // The seal of before is not held against what came after it.
    fs::write(scene.home().join("generations/2/store/left-over"), b"").unwrap();
    scene.run(VERSION);
    assert!(matches!(standing(&scene), StoreStanding::Closed { .. }));
}
