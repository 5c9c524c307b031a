//! What an upgrade says that it did, in numbers.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::Scene;

/// What the manifest of a generation says of the migration that built it.
fn manifest(scene: &Scene, generation: &str) -> Value {
    let path = scene.home().join("generations").join(generation).join("manifest.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn counts(scene: &Scene, generation: &str) -> Value {
    manifest(scene, generation)["origin"]["migration"]["counts"].clone()
}

/// An upgrade without `--json`: every line that it prints.
fn applied_in_words(scene: &Scene, arguments: &[&str]) -> Vec<String> {
    let output = scene.run(&[&["apply", "--development", "--yes"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The words behind what begins a line.
fn row(lines: &[String], name: &str) -> Vec<String> {
    let mut rows = lines.iter().filter_map(|line| line.trim_start().strip_prefix(name));
    let found = rows.next().unwrap_or_else(|| panic!("no {name} in {lines:#?}"));
    assert_eq!(rows.next(), None, "{name} stands there twice");
    found.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_summary_of_an_upgrade_has_the_numbers_of_manifest_and_verification() {
    let scene = Scene::new();
    let adopted = scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    let before = scene.verified(1);
    let applied = scene.ok(&["apply", "--development"]);
    let (summary, counts) = (&applied["summary"], counts(&scene, "2"));
    assert_eq!(summary["records_in"], counts["read"]);
    assert_eq!(summary["records_out"], counts["written"]);
    assert_eq!(summary["records_archived"], counts["archived"]);
    // All of an installation is read, and all of its new store is written.
    assert_eq!(summary["records_in"], adopted["records"]);
    assert_eq!(summary["records_out"], applied["records_after"]);
    assert_eq!(summary["records_out"], scene.verified(2)["records"]);
    assert_eq!(summary["state_before"], before["state"]);
    assert_eq!(summary["state_after"], scene.verified(2)["state"]);
    for (bytes, records) in [("bytes_read", "records_in"), ("bytes_written", "records_out")] {
        let (bytes, records) =
            (summary[bytes].as_u64().unwrap(), summary[records].as_u64().unwrap());
        assert!(records > 100 && bytes > records, "{bytes} bytes of {records} records");
    }
}

#[test]
fn the_summary_says_the_same_in_words_as_in_json() {
    let summary = Scene::adopted().ok(&["apply", "--development"])["summary"].clone();
    let lines = applied_in_words(&Scene::adopted(), &[]);
    let kilobytes = |bytes: &Value| format!("{:.1}", bytes.as_f64().unwrap() / 1000.0);
    for (name, records, bytes) in [
        ("records in", "records_in", "bytes_read"),
        ("records out", "records_out", "bytes_written"),
    ] {
        let bytes = kilobytes(&summary[bytes]);
        assert_eq!(row(&lines, name), [summary[records].to_string(), bytes, "kB".to_owned()]);
    }
    assert_eq!(row(&lines, "of them archived"), [summary["records_archived"].to_string()]);
    let digest = |name: &str| {
        let digest = summary[name].as_str().unwrap();
        digest.split_once(':').unwrap().1.chars().take(12).collect::<String>()
    };
    assert_eq!(row(&lines, "state "), [digest("state_before"), "→".into(), digest("state_after")]);
    let mut seconds = 0.0;
    for name in ["preparing", "checking", "reading", "placing", "verifying", "making durable"] {
        let row = row(&lines, name);
        assert_eq!((row.len(), row[1].as_str()), (2, "s"), "{name}: {row:?}");
        seconds += row[0].parse::<f64>().unwrap();
    }
    let in_all = row(&lines, "in all")[0].parse::<f64>().unwrap();
    assert!(in_all > 0.0 && in_all >= seconds - 0.01, "{in_all} s of {seconds} s");
}

#[test]
fn what_stays_in_a_store_is_not_counted_as_moved() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    let applied = scene.ok(&["apply", "--development"]);
    let (summary, counts) = (&applied["summary"], counts(&scene, "3"));
    assert_eq!(summary["records_in"], counts["read"]);
    assert_eq!(summary["records_out"], counts["written"]);
    let (moved, there) = (&summary["records_in"], &applied["records_before"]);
    assert!(moved.as_u64() > Some(0) && moved.as_u64() < there.as_u64(), "{moved} of {there}");
}

#[test]
fn an_upgrade_that_moves_no_record_says_so() {
    let upgraded = || {
        let scene = Scene::adopted();
        scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
        scene.ok(&["confirm"]);
        scene
    };
    let applied = upgraded().ok(&["apply", "--development"]);
    let summary = &applied["summary"];
    for name in ["records_in", "records_out", "records_archived", "bytes_read", "bytes_written"] {
        assert_eq!(summary[name], 0, "{name}");
    }
    assert_eq!(summary["state_before"], summary["state_after"]);
    assert_eq!(summary["seconds"]["reading"], 0.0);
    let lines = applied_in_words(&upgraded(), &[]);
    assert_eq!(row(&lines, "no records were rewritten"), [""; 0]);
}

#[test]
fn the_seconds_of_all_activities_are_those_that_the_command_took() {
    let scene = Scene::adopted();
    let began = Instant::now();
    let applied = scene.ok(&["apply", "--development"]);
    let took = began.elapsed().as_secs_f64();
    let seconds: BTreeMap<String, f64> =
        serde_json::from_value(applied["summary"]["seconds"].clone()).unwrap();
    let names: Vec<&str> = seconds.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "checking",
            "copying",
            "joining",
            "making_durable",
            "placing",
            "preparing",
            "reading",
            "verifying",
            "writing"
        ]
    );
    let sum: f64 = seconds.values().sum();
    assert!(sum > 0.0 && sum <= took + 0.01, "{seconds:?} in {took} s");
    assert!(seconds["reading"] > 0.0 && seconds["verifying"] > 0.0, "{seconds:?}");
}

// trace: test FC-22.3
#[test]
fn the_number_of_threads_changes_nothing_that_is_counted_or_digested() {
    let apply = |threads: &str| {
        let mut applied = Scene::adopted().ok(&["apply", "--development", "--threads", threads]);
        let summary = applied["summary"].as_object_mut().unwrap();
        assert!(summary.remove("seconds").unwrap().is_object());
        json!([applied["after"], applied["state"], applied["summary"]])
    };
    let alone = apply("1");
    for threads in ["2", "8", "64"] {
        assert_eq!(apply(threads), alone, "{threads} threads");
    }
}
