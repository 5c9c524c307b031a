//! The whole way: adopt, plan, apply, confirm, roll back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Scene, copy, files};

/// The JSON and WAL files that the published crates wrote.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../femtoclaw/tests/fixtures").join(name)
}

fn counts(digests: &Value) -> BTreeMap<String, u64> {
    let keyspaces = digests.as_object().unwrap().iter();
    keyspaces.map(|(name, found)| (name.clone(), found["records"].as_u64().unwrap())).collect()
}

/// Every original byte of every record of a generation's ledgers and states, from its export.
fn originals(scene: &Scene, generation: &str) -> Vec<String> {
    let output = scene.run(&["export", "--generation", generation]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut found = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        collect_originals(&record, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn collect_originals(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "original" => found.push(text.clone()),
                    other => collect_originals(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_originals(item, found)),
        _ => {}
    }
}

fn there_and_back(scene: &Scene, version: &str) {
    let source = files(&scene.source());
    let adopted = scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    assert_eq!((&adopted["version"], &adopted["generation"]), (&version.into(), &1.into()));
    assert_eq!(adopted["files"], source.len());
    let before = scene.verified(1);
    assert_eq!(before["records"], adopted["records"]);

    let plan = scene.ok(&["plan"]);
    let applied = scene.ok(&["apply", "--development", "--plan", plan["digest"].as_str().unwrap()]);
    let (old, new) = (counts(&applied["before"]), counts(&applied["after"]));
    for (keyspace, records) in &old {
        assert!(new[keyspace] >= *records, "{keyspace}: {records} before, {} after", new[keyspace]);
    }
    let lost: Vec<_> = {
        let after = originals(scene, "2");
        originals(scene, "1").into_iter().filter(|text| !after.contains(text)).collect()
    };
    assert_eq!(lost, Vec::<String>::new(), "records were lost");

    scene.ok(&["rollback", "--development"]);
    let status = scene.ok(&["status"]);
    assert_eq!((&status["version"], &status["current"]), (&version.into(), &1.into()));
    let after = scene.verified(1);
    for digest in ["state", "content", "records", "files"] {
        assert_eq!(before[digest], after[digest], "{digest}");
    }
    assert_eq!(scene.verified(2)["state"], applied["state"], "what was abandoned is kept");
    assert_eq!(files(&scene.source()), source, "the adopted directory was modified");
}

// trace: test FC-22.2.1 FC-22.2.3 FC-23.1.2 FC-25.2.2 FC-27.1.1 FC-27.1.2 FC-27.1.3
// trace: test FC-6.1.1 FC-15.1 FC-28.1.2
#[test]
fn a_sample_installation_goes_to_2_0_0_and_back_without_losing_a_record() {
    there_and_back(&Scene::new(), "1.0.3");
}

// trace: test FC-22.2.1 FC-27.1.1
#[test]
fn what_the_published_crates_wrote_goes_to_2_0_0_and_back_without_losing_a_record() {
    for version in ["1.0.0", "1.0.3"] {
        let scene = Scene::without_installation();
        copy(&fixture(&format!("femtoclaw-{version}")), &scene.source());
        there_and_back(&scene, version);
    }
}

#[test]
fn one_step_or_two_lead_to_the_same_state() {
    let (direct, stepwise) = (Scene::adopted(), Scene::adopted());
    let applied = direct.ok(&["apply", "--development"]);
    stepwise.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    stepwise.ok(&["confirm"]);
    let second = stepwise.ok(&["apply", "--development"]);
    assert_eq!(applied["after"], second["after"]);
    assert_eq!(applied["state"], second["state"]);
    assert_eq!(direct.verified(2)["state"], stepwise.verified(3)["state"]);
}

#[test]
fn untouched_keyspaces_of_a_store_are_hard_links_to_the_same_bytes() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    scene.ok(&["apply", "--development"]);
    let tables = |generation: &str| -> BTreeMap<u64, PathBuf> {
        files(&scene.home().join("generations").join(generation).join("store"))
            .into_iter()
            .filter(|(path, _)| path.parent().unwrap().ends_with("tables"))
            .map(|(path, _)| {
                let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
                (inode, path)
            })
            .collect()
    };
    let (old, new) = (tables("2"), tables("3"));
    let shared = old.keys().filter(|inode| new.contains_key(inode)).count();
    assert!(shared >= 4, "only {shared} tables of {} are shared", old.len());
    assert!(shared < old.len(), "nothing was rewritten");
}

// trace: test FC-22.3
// trace: test FC-5.3 FC-19.2
#[test]
fn the_state_does_not_depend_on_the_run() {
    let states: Vec<_> =
        [(); 2].map(|()| Scene::adopted().ok(&["apply", "--development"])["after"].clone()).into();
    assert_eq!(states[0], states[1]);
}

#[test]
fn a_generation_that_was_rolled_back_stays_bad_and_a_retry_builds_another() {
    let scene = Scene::upgraded();
    scene.ok(&["rollback", "--development"]);
    // Not unless somebody asks for it.
    assert_eq!(scene.ok(&["plan"])["pinned"]["generation"], 2);
    assert_eq!(scene.ok(&["apply", "--development"])["type"], "nothing-to-do");
    let asked = ["--target-version", "2.1.0"];
    assert_eq!(scene.ok(&[&["plan"], &asked[..]].concat())["rolled_back"], serde_json::json!([2]));
    let again = scene.ok(&[&["apply", "--development"], &asked[..]].concat());
    assert_eq!(again["to"], 3);
    let status = scene.ok(&["status"]);
    let standing = |at: usize| status["generations"][at]["standing"].clone();
    assert_eq!([standing(0), standing(1), standing(2)], ["trial", "bad", "confirmed"]);
    assert_eq!(status["generations"][2]["rollback_target"], true);
}

// trace: test FC-23.1.3
#[test]
fn only_what_nobody_needs_is_collected_and_its_history_stays() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    scene.ok(&["apply", "--development"]);
    let collect = ["gc", "--development"];
    assert_eq!(scene.ok(&collect)["type"], "nothing-to-do", "on trial");
    scene.ok(&["confirm"]);
    assert_eq!(scene.ok(&["gc", "--development", "--keep", "1"])["type"], "nothing-to-do");
    assert_eq!(scene.ok(&["gc", "--dry-run"])["generations"], serde_json::json!([1]));
    assert_eq!(scene.refused(&["gc"], 5)["error"], "unauthorized");
    assert_eq!(scene.ok(&collect)["generations"], serde_json::json!([1]));
    assert!(!scene.home().join("generations/1").exists());
    let status = scene.ok(&["status"]);
    assert_eq!(status["generations"][2]["standing"], "collected");
    let history = scene.lines(&["history"]);
    assert!(history.iter().any(|record| record["event"]["type"] == "COLLECTED"));
    scene.ok(&["rollback", "--development"]);
    let after = scene.ok(&["gc", "--dry-run"]);
    assert_eq!(
        (&after["generations"], &after["abandoned"]),
        (&serde_json::json!([]), &serde_json::json!([3]))
    );
    scene.ok(&["verify"]);
}

#[test]
fn nothing_to_do_is_a_success_that_writes_nothing() {
    let scene = Scene::upgraded();
    let before = files(&scene.home().join("journal"));
    assert_eq!(scene.ok(&["apply", "--development"])["type"], "nothing-to-do");
    assert_eq!(scene.ok(&["plan"])["nothing_to_do"], true);
    assert_eq!(scene.run(&["plan", "--check"]).status.code(), Some(0));
    assert_eq!(files(&scene.home().join("journal")), before);
}

// trace: test FC-22.2.2
#[test]
fn a_dry_run_writes_nothing_not_even_a_lock() {
    let scene = Scene::new();
    let source = scene.source();
    let adopt = ["adopt", "--dry-run", "--from", source.to_str().unwrap()];
    assert_eq!(scene.ok(&adopt)["type"], "would-adopt");
    assert!(!scene.home().exists());
    scene.ok(&["adopt", "--from", source.to_str().unwrap()]);
    fs::remove_file(scene.home().join("lock")).unwrap();
    let before = files(&scene.home());
    scene.ok(&["apply", "--dry-run"]);
    scene.ok(&["recover", "--dry-run"]);
    scene.ok(&["confirm", "--dry-run"]);
    scene.ok(&["status"]);
    scene.ok(&["history"]);
    assert_eq!(scene.run(&["plan", "--check"]).status.code(), Some(2));
    assert_eq!(files(&scene.home()), before);
    scene.ok(&["apply", "--development"]);
    fs::remove_file(scene.home().join("lock")).unwrap();
    let before = files(&scene.home());
    assert_eq!(scene.ok(&["rollback", "--dry-run"])["type"], "would-roll-back");
    assert_eq!(files(&scene.home()), before);
}

// trace: test FC-23.3
#[test]
fn a_home_is_private() {
    let scene = Scene::upgraded();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scene.home()), 0o700);
    for (path, _) in files(&scene.home()) {
        assert!([0o600, 0o700].contains(&mode(&path)), "{}: {:o}", path.display(), mode(&path));
        assert_eq!(mode(path.parent().unwrap()), 0o700, "{}", path.display());
    }
}

// trace: test FC-23.1.1
// trace: test FC-15.2.1
#[test]
fn a_runtime_binary_is_placed_and_comes_back_with_a_rollback() {
    let scene = Scene::new();
    let binary = |name: &str| {
        let path = scene.path().join(name);
        fs::write(&path, name).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (binary("old runtime"), binary("new runtime"));
    scene.ok(&["adopt", "--from", scene.source().to_str().unwrap(), "--runtime", &old]);
    scene.ok(&["apply", "--development", "--runtime", &new]);
    let current = |scene: &Scene| fs::read(scene.home().join("current/runtime/runtime")).unwrap();
    assert_eq!(current(&scene), b"new runtime");
    scene.ok(&["rollback", "--development"]);
    assert_eq!(current(&scene), b"old runtime");
}

// trace: test FC-4.2 FC-4.3 FC-17.2.1 FC-17.2.2 FC-17.2.3
#[test]
fn versions_are_observable_everywhere() {
    let scene = Scene::adopted();
    let telemetry = scene.path().join("telemetry.jsonl");
    scene.ok(&["apply", "--development", "--telemetry", telemetry.to_str().unwrap()]);
    let status = scene.ok(&["status"]);
    assert_eq!((&status["version"], &status["development"]), (&"2.1.0".into(), &true.into()));
    let version = scene.run(&["--version"]);
    assert!(String::from_utf8(version.stdout).unwrap().contains("femtoclaw 2.1.0"));
    let history = scene.lines(&["history"]);
    let event = |name: &str| {
        let found =
            history.iter().find(|record| record["event"]["type"] == name && record["attempt"] != 1);
        found.unwrap_or_else(|| panic!("no {name}"))["event"].clone()
    };
    assert_eq!(event("PREPARED")["previous"]["runtime"], "1.0.3");
    assert_eq!(event("PREPARED")["target"]["runtime"], "2.1.0");
    assert_eq!(event("AUTHORIZED")["authority"], "development");
    let telemetry = fs::read_to_string(telemetry).unwrap();
    let events: Vec<Value> =
        telemetry.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (event, name) in events.iter().rev().zip(["OPERATION", "ACTIVATED"]) {
        assert_eq!((&event["from"], &event["to"]), (&"1.0.3".into(), &"2.1.0".into()));
        assert_eq!((&event["event"], &event["result"]), (&name.into(), &"succeeded".into()));
        assert!(event["time"].is_string());
    }
}
