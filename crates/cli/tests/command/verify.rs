//! `verify`: which depth finds what.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use serde_json::Value;
use upgrade::{EngineOptions, Environment, NoTelemetry, boot};
use versioning::FixedClock;

use crate::support::{Scene, files};

const QUICK: &[&str] = &["verify", "--quick"];
const FILES: &[&str] = &["verify", "--files"];
const RECORDS: &[&str] = &["verify"];
const DEPTHS: [&[&str]; 3] = [QUICK, FILES, RECORDS];

/// A home with two generations in which no part is empty.
fn full() -> Scene {
    let scene = Scene::new();
    let binary = scene.path().join("binary");
    fs::write(&binary, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let (source, binary) = (scene.source(), binary.to_str().unwrap().to_owned());
    scene.ok(&["adopt", "--from", source.to_str().unwrap(), "--runtime", &binary]);
    scene.ok(&["apply", "--development", "--runtime", &binary]);
    scene
}

/// Starts the current generation, and stops it in good order: its store counts as written to from then on.
fn start(scene: &Scene) {
    run(scene, |booted| drop(booted));
}

/// The same, which is stopped in good order.
fn start_and_stop(scene: &Scene) {
    run(scene, |booted| booted.stop().unwrap());
}

fn run(scene: &Scene, then: impl FnOnce(upgrade::Booted<'_>)) {
    let clock = FixedClock("2100-01-01T00:00:00Z".parse().unwrap());
    let engine = EngineOptions::default();
    let environment =
        Environment { catalogue: &FemtoClaw, clock: &clock, operator: "test", engine: &engine };
    let (running, mut telemetry) = ("2.1.0".parse().unwrap(), NoTelemetry);
    let booted = boot(&scene.home(), &running, environment, &mut telemetry, Duration::ZERO);
    then(booted.unwrap());
}

/// Flips one bit of a byte in the middle of a file, and puts it back afterwards.
fn with_one_bit_flipped<T>(path: &Path, look: impl FnOnce() -> T) -> T {
    let intact = fs::read(path).unwrap();
    let mut altered = intact.clone();
    altered[intact.len() / 2] ^= 1;
    fs::write(path, altered).unwrap();
    let result = look();
    fs::write(path, intact).unwrap();
    result
}

/// Verifies; it must find a violation that this name stands in.
fn finds(scene: &Scene, arguments: &[&str], name: &str) {
    let error = scene.refused(arguments, 6);
    assert_eq!(error["error"], "integrity-violated", "{arguments:?} {name}");
    assert!(error["message"].as_str().unwrap().contains(name), "{arguments:?} {name}: {error}");
}

fn depth(report: &Value) -> &str {
    assert_eq!((&report["type"], &report["ok"]), (&"verified".into(), &true.into()));
    report["depth"].as_str().unwrap()
}

#[test]
fn a_home_in_good_order_passes_at_every_depth_and_says_which_it_was() {
    let scene = full();
    for (arguments, named) in DEPTHS.iter().zip(["quick", "files", "records"]) {
        let all = || ["generations", "journal"].map(|part| files(&scene.home().join(part)));
        let before = all();
        let report = scene.ok(arguments);
        assert_eq!(depth(&report), named);
        assert!(all() == before, "{arguments:?} changed the home");
        for generation in report["generations"].as_array().unwrap() {
            assert_eq!(generation["state"].is_string(), named == "records", "{generation}");
            assert!(generation["files"].as_u64().unwrap() > 10, "{generation}");
        }
        let text = String::from_utf8(scene.run(arguments).stdout).unwrap();
        assert!(text.starts_with(&format!("depth         {named}: ")), "{text}");
    }
    assert_eq!(scene.run(&["verify", "--quick", "--files"]).status.code(), Some(64));
}

// trace: test FC-22.2.2
// trace: test FC-18.3 FC-20.1
#[test]
fn one_bit_of_any_sealed_file_is_found_by_every_depth_that_reads_it() {
    let scene = full();
    let generations = scene.home().join("generations");
    let mut parts = BTreeSet::new();
    for (path, bytes) in files(&generations) {
        let within = path.strip_prefix(&generations).unwrap();
        let mut names = within.iter().map(|name| name.to_str().unwrap().to_owned());
        let (number, part) = (names.next().unwrap(), names.next().unwrap());
        let name: PathBuf = within.iter().skip(1).collect();
        if bytes.is_empty() {
            continue;
        }
        with_one_bit_flipped(&path, || {
            if part == "manifest.json" {
                let manifest = format!("the manifest of generation {number} was sealed as");
                DEPTHS.iter().for_each(|arguments| finds(&scene, arguments, &manifest));
                return;
            }
            assert_eq!(depth(&scene.ok(QUICK)), "quick", "{}", path.display());
            for arguments in [FILES, RECORDS] {
                finds(&scene, arguments, name.to_str().unwrap());
            }
        });
        parts.insert((number, part));
    }
    for part in ["manifest.json", "runtime", "store", "config", "policy", "extensions"] {
        for number in ["1", "2"] {
            assert!(parts.contains(&(number.into(), part.into())), "{part} of {number}: {parts:?}");
        }
    }
    assert!(parts.contains(&("2".into(), "set-aside".into())), "{parts:?}");
    scene.ok(RECORDS);
}

/// A table that two generations share is read once for both: what is found in it is found in both, and what took its
/// place in one of them is found there.
#[test]
fn what_two_generations_share_is_held_for_each_of_them() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
    scene.ok(&["confirm"]);
    scene.ok(&["apply", "--development", "--target-version", "2.1.0"]);
    let generations = scene.home().join("generations");
    let largest = |number: &str| {
        let all = files(&generations.join(number).join("store/keyspaces"));
        let tables = all.into_iter().filter(|(path, _)| path.parent().unwrap().ends_with("tables"));
        tables.max_by_key(|(path, bytes)| (bytes.len(), path.clone())).unwrap()
    };
    let ((older, bytes), (newer, _)) = (largest("2"), largest("3"));
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&older), inode(&newer), "nothing is shared");
    let generation_of = |report: &Value, number: usize| report["generations"][number].clone();
    let report = scene.ok(RECORDS);
    let (second, third) = (generation_of(&report, 1), generation_of(&report, 2));
    assert_eq!((&second["state"], &second["records"]), (&third["state"], &third["records"]));
    let told = |arguments| {
        let error = scene.refused(arguments, 6);
        let message = error["message"].as_str().unwrap().to_owned();
        [2, 3].map(|number| message.contains(&format!("generation {number} ")))
    };
    for arguments in [FILES, RECORDS] {
        // Through one name, which is through both.
        let found = with_one_bit_flipped(&newer, || told(arguments));
        assert_eq!(found, [true, true], "{arguments:?}");
    }
    let mut altered = bytes;
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::remove_file(&newer).unwrap();
    fs::write(&newer, altered).unwrap();
    fs::set_permissions(&newer, fs::metadata(&older).unwrap().permissions()).unwrap();
    for arguments in [FILES, RECORDS] {
        assert_eq!(told(arguments), [false, true], "{arguments:?}");
    }
    // A file of its own with the right bytes is as good.
    fs::copy(&older, &newer).unwrap();
    assert_eq!(scene.ok(RECORDS)["generations"], report["generations"]);
}

#[test]
fn one_bit_of_the_journal_is_found_at_every_depth() {
    let scene = full();
    let path = scene.home().join("journal/records.jsonl");
    let intact = fs::read(&path).unwrap();
    let end = intact.iter().rposition(|byte| *byte != b'\n').unwrap();
    for at in [end / 3, end / 2, end] {
        let mut altered = intact.clone();
        altered[at] ^= 1;
        fs::write(&path, altered).unwrap();
        for arguments in DEPTHS {
            let error = scene.refused(arguments, 8);
            assert_eq!(error["error"], "journal-broken", "{arguments:?} byte {at}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("the journal is broken at record "), "{message}");
        }
    }
}

#[test]
fn a_file_of_another_shape_is_found_at_every_depth() {
    let scene = full();
    let generation = scene.home().join("generations/2");
    let (policy, binary) = (generation.join("policy/policies.json"), "runtime/runtime");
    let name = "policy/policies.json";
    let all = |name: &str| DEPTHS.iter().for_each(|arguments| finds(&scene, arguments, name));
    let intact = fs::read(&policy).unwrap();
    fs::write(&policy, [&intact[..], b"\n"].concat()).unwrap();
    all(name);
    fs::remove_file(&policy).unwrap();
    all(&format!("{name} was sealed and is missing"));
    fs::write(&policy, &intact).unwrap();
    fs::write(generation.join("extensions/stray"), "").unwrap();
    all("extensions/stray was not there");
    fs::remove_file(generation.join("extensions/stray")).unwrap();
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(generation.join(binary), mode(0o600)).unwrap();
    all(binary);
    fs::set_permissions(generation.join(binary), mode(0o700)).unwrap();
    DEPTHS.iter().for_each(|arguments| assert_eq!(scene.ok(arguments)["ok"], true));
}

/// The largest table of a generation's store.
fn table(scene: &Scene, generation: u64) -> PathBuf {
    let store = scene.home().join(format!("generations/{generation}/store"));
    let tables = files(&store).into_iter();
    let tables = tables.filter(|(path, _)| path.parent().unwrap().ends_with("tables"));
    tables.max_by_key(|(_, bytes)| bytes.len()).unwrap().0
}

#[test]
fn a_store_that_a_runtime_has_written_to_is_held_to_what_is_left_to_hold_it_to() {
    let scene = full();
    start(&scene);
    for arguments in [QUICK, FILES] {
        let report = scene.ok(arguments);
        let generation = &report["generations"][1];
        assert_eq!(
            (&generation["written_to"], &generation["held_as_left"]),
            (&true.into(), &false.into())
        );
    }
    let text = String::from_utf8(scene.run(FILES).stdout).unwrap();
    assert!(text.contains("written to by a runtime, was not looked at"), "{text}");
    // Only the engine can tell, by its own checksums.
    with_one_bit_flipped(&table(&scene, 2), || {
        scene.ok(QUICK);
        scene.ok(FILES);
        finds(&scene, RECORDS, "");
    });
    scene.ok(RECORDS);
    // The rest of the generation is sealed all the same.
    with_one_bit_flipped(&scene.home().join("generations/2/policy/policies.json"), || {
        scene.ok(QUICK);
        finds(&scene, FILES, "policy/policies.json");
    });
    // Once it was stopped in good order its store is sealed anew, file by file.
    start_and_stop(&scene);
    for arguments in [FILES, RECORDS] {
        assert_eq!(scene.ok(arguments)["generations"][1]["held_as_left"], true);
    }
    with_one_bit_flipped(&table(&scene, 2), || {
        scene.ok(QUICK);
        finds(&scene, FILES, "/tables/");
        finds(&scene, RECORDS, "/tables/");
    });
    scene.ok(&["rollback", "--development"]);
    let report = scene.ok(FILES);
    assert_eq!(report["generations"][1]["held_as_left"], true);
    with_one_bit_flipped(&table(&scene, 2), || {
        scene.ok(QUICK);
        finds(&scene, FILES, "/tables/");
        finds(&scene, RECORDS, "/tables/");
    });
}

/// A rollback holds everything to the seal but the bytes of tables, and those too if it is asked to.
#[test]
fn a_rollback_does_not_read_tables_unless_it_is_asked_to() {
    let scene = Scene::new();
    scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    for version in ["2.0.0", "2.1.0"] {
        scene.ok(&["apply", "--development", "--target-version", version]);
        scene.ok(&["confirm"]);
    }
    let rollback = ["rollback", "--development"];
    let pointer = scene.home().join("generations/2/store/keyspaces/0/current");
    with_one_bit_flipped(&pointer, || finds(&scene, &rollback, "keyspaces/0/current"));
    with_one_bit_flipped(&table(&scene, 2), || {
        finds(&scene, &["rollback", "--development", "--verify"], "/tables/");
        assert_eq!(scene.ok(&["status"])["current"], 3);
        assert_eq!(scene.ok(&rollback)["to"], 2);
        finds(&scene, FILES, "/tables/");
    });
    scene.ok(RECORDS);
}
