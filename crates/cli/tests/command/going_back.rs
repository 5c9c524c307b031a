//! Going back with what was written since, or without, and being told what that is.

use std::time::Duration;

use femtoclaw_catalogue::{AuditEntry, FemtoClaw, native};
use serde_json::Value;
use upgrade::{EngineOptions, Environment, NoTelemetry};
use versioning::{FixedClock, Timestamp};

use crate::support::{Scene, json_lines};

/// A runtime of this version starts, writes so many audit entries durably, and is killed.
fn run(scene: &Scene, version: &str, entries: u64) {
    let environment = Environment {
        catalogue: &FemtoClaw,
        clock: &FixedClock(Timestamp::EPOCH),
        operator: "runtime",
        engine: &EngineOptions::default(),
    };
    let (version, mut telemetry) = (version.parse().unwrap(), NoTelemetry);
    let booted =
        upgrade::boot(&scene.home(), &version, environment, &mut telemetry, Duration::ZERO)
            .unwrap();
    let store = booted.open_store().unwrap();
    for position in 0..entries {
        let text = |text: &str| text.to_owned();
        let entry = AuditEntry {
            id: format!("written-later-{position}"),
            timestamp: text("2026-11-26T10:00:00Z"),
            event: text("authorization"),
            actor: text("agent"),
            resource: text("shell"),
            action: text("execute"),
            result: text("AUTHORIZED"),
            details: None,
        };
        for (keyspace, record) in native::audit(&entry, position).unwrap() {
            store.put(keyspace, &record.key, &record.value).unwrap();
        }
    }
    store.persist().unwrap();
    store.close().unwrap();
}

/// The candidate is confirmed, 2.0.0 is on trial, and has written three entries.
fn written_to() -> Scene {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
    run(&scene, "2.0.0", 3);
    scene
}

fn later(lines: &[Value]) -> usize {
    let of_later = |line: &&Value| line.to_string().contains("written-later-");
    lines.iter().filter(of_later).count()
}

// trace: test FC-15.2.2 FC-15.4 FC-22.2.3
#[test]
fn what_was_written_since_is_carried_back_when_it_is_asked_for() {
    let scene = written_to();
    let planned = scene.ok(&["rollback", "--data", "preserve", "--dry-run"]);
    assert_eq!(planned["type"], "would-roll-back");
    let of =
        |found: &Value| (found["from"].clone(), found["restored"].clone(), found["to"].clone());
    assert_eq!(of(&planned), (3.into(), 2.into(), 4.into()));
    let text = scene.run(&["rollback", "--data", "preserve", "--dry-run"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("a new generation 4 (2.0.0-rc.1)"), "{text}");
    let done = scene.ok(&["rollback", "--data", "preserve", "--development"]);
    assert_eq!((&done["type"], &done["data"]), (&"rolled-back".into(), &"preserve".into()));
    assert_eq!(of(&done), of(&planned));
    let count = |name: &str| done["records"][name].as_u64().unwrap();
    assert_eq!(count("left"), count("activated") + 3);
    assert_eq!(later(&scene.lines(&["export"])), 3);
    assert_eq!(scene.verified(4)["current"], true);
    let history = String::from_utf8(scene.run(&["history"]).stdout).unwrap();
    let words: Vec<&str> = history.split_whitespace().collect();
    assert!(words.join(" ").contains("generation 3 → 4, records carried back"), "{history}");
    let records = scene.lines(&["history"]);
    let reverted = records.iter().find(|line| line["event"]["type"] == "REVERTED").unwrap();
    assert_eq!(reverted["event"]["records"], done["records"]);
}

// trace: test FC-13.2.2 FC-15.2.2 FC-22.2.3
#[test]
fn an_upgrade_that_promises_to_preserve_keeps_what_is_written_after_it() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    let apply = ["--target-version", "2.0.0", "--rollback-data", "preserve"];
    let plan = scene.ok(&[&["plan"][..], &apply].concat())["plan"].clone();
    assert_eq!(plan["verdict"]["irreversible"], false, "{plan}");
    let reasons = plan["verdict"]["reasons"].as_array().unwrap();
    let way = reasons.iter().find(|reason| reason["code"] == "rollback-converts").unwrap();
    assert_eq!((&way["severity"], &way["way"]), (&"note".into(), &serde_json::json!([3, 2])));
    let text = String::from_utf8(scene.run(&[&["plan"][..], &apply].concat()).stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let told = "With --data preserve it takes along what is written after the upgrade;";
    assert!(words.join(" ").contains(told), "{text}");
    scene.ok(&[&["apply", "--development"][..], &apply].concat());
    run(&scene, "2.0.0", 3);
    let done = scene.ok(&["rollback", "--data", "preserve", "--development"]);
    let count = |name: &str| done["records"][name].as_u64().unwrap();
    assert_eq!(count("left"), count("activated") + 3);
    assert_eq!(later(&scene.lines(&["export"])), 3);
    assert_eq!(scene.verified(4)["current"], true);
}

// trace: test FC-15.4
#[test]
fn what_is_set_aside_is_counted_and_exported_by_itself() {
    let scene = written_to();
    let output = scene.run(&["rollback", "--development", "--yes"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("of which 3 were written since"), "{text}");
    assert!(text.contains("export --home"), "{text}");
    let lines = scene.lines(&["export", "--generation", "3", "--since-activation"]);
    let told = lines.last().unwrap();
    assert_eq!(
        (&told["added"], &told["changed"], &told["removed"]),
        (&3.into(), &0.into(), &0.into())
    );
    assert_eq!(told["as_activated"], true);
    assert_eq!((later(&lines), lines.len()), (3, 5));
    assert!(lines[1..4].iter().all(|line| line["change"] == "added"), "{lines:?}");
    // Into a file: whole, and nobody else's to read.
    let file = scene.path().join("since.jsonl");
    let arguments = ["export", "--generation", "3", "--since-activation", "--output"];
    scene.ok(&[&arguments[..], &[file.to_str().unwrap()]].concat());
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 3);
    let output = scene.run(&["export", "--since-activation"]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("No runtime has started"),
        "{output:?}"
    );
}

#[test]
fn without_counting_nothing_is_read_and_nothing_is_said_of_it() {
    let scene = written_to();
    let done = scene.ok(&["rollback", "--development", "--no-count"]);
    assert!(done.get("records").is_none(), "{done}");
    let text = json_lines(&scene.run(&["history", "--json"]));
    assert!(text.iter().all(|line| line["event"].get("records").is_none()));
}

#[test]
fn what_cannot_be_carried_back_is_refused_with_another_way() {
    let scene = Scene::upgraded();
    let refused = scene.refused(&["rollback", "--data", "preserve", "--development"], 3);
    assert_eq!(refused["error"], "not-carried-back");
    assert!(refused["next"].as_str().unwrap().contains("--data set-aside"), "{refused}");
}
