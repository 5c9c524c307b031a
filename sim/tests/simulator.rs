//! The simulator's own promises, held to with its real executable.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::process::{Command, Output};

use serde_json::Value;

fn simulator(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_femtoclaw-upgrade-sim")).args(arguments).output().unwrap()
}

/// The last line that it prints.
fn result(arguments: &[&str]) -> Value {
    let output = simulator(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_else(|| panic!("{arguments:?} prints nothing"));
    serde_json::from_str(last).unwrap()
}

#[test]
fn what_was_broken_once_holds_now() {
    let output = simulator(&["--regressions"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.lines().count() >= 2, "{text}");
}

#[test]
fn every_scenario_and_every_judge_is_documented() {
    let text = String::from_utf8(simulator(&["--list"]).stdout).unwrap();
    let documented = include_str!("../../docs/simulator.md");
    let named: Vec<_> = text.lines().filter_map(|line| line.trim().split_once("  ")).collect();
    assert!(named.len() > 40, "{text}");
    for (name, what) in named {
        let what = what.trim().split(" (§").next().unwrap();
        assert!(documented.contains(&format!("| `{name}` | {what}")), "{name}: {what}");
    }
}

#[test]
fn the_smallest_scenario_is_exhausted_and_twice_the_same() {
    let arguments = ["--scenario", "confirm", "--quick", "--doublecheck", "--json"];
    let found = result(&arguments);
    assert_eq!(found["type"], "sim");
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(found["violations"], 0);
    assert_eq!(found["exhaustive_ratio"], 1.0);
    assert_eq!(found["canary_caught"], true);
    assert!(found["distinct_states"].as_u64().unwrap() > 100, "{found}");
}

#[test]
fn shards_together_see_what_one_process_sees() {
    let states = |arguments: &[&str]| {
        let common =
            ["--scenario", "confirm", "--quick", "--depth", "1", "--profile", "kill", "--json"];
        let found = result(&[common.as_slice(), arguments].concat());
        assert_eq!(found["ok"], true, "{found}");
        found["judged"]["recoverable"].as_u64().unwrap()
    };
    let whole = states(&["--workers", "1"]);
    let parts = states(&["--shard", "1/2"]) + states(&["--shard", "2/2"]);
    assert!(whole > 0);
    assert_eq!(whole, parts);
}

#[test]
fn a_planted_bug_is_found_shrunk_and_told() {
    let scratch = tempfile::tempdir().unwrap();
    let page = scratch.path().join("timeline.html");
    // The canary: the journal's last record is acknowledged, and was never synced.
    let found = result(&["--scenario", "confirm", "--profile", "kill", "--quick", "--json"]);
    let id = found["canary"].as_str().unwrap();
    let told = result(&["--replay", id, "--shrink", "--json", "--html", page.to_str().unwrap()]);
    assert_eq!(told["ok"], false, "{told}");
    let operations = told["operations"].as_u64().unwrap();
    assert!((1..=10).contains(&operations), "{operations} operations: {told}");
    assert!(told["seconds"].as_f64().unwrap() < 30.0, "{told}");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<html") && html.contains(id), "{html}");
    let text = String::from_utf8(simulator(&["--replay", id, "--shrink"]).stdout).unwrap();
    assert!(text.contains("DROPPED") && text.contains("crates/journal/src/file.rs"), "{text}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    for arguments in [
        &["--depth", "9"][..],
        &["--scenario", "nothing"],
        &["--shard", "3/2"],
        &["--replay", "banana"],
        &["--budget", "1s", "--doublecheck"],
        &["--shrink"],
    ] {
        let output = simulator(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage"), "{arguments:?}");
    }
}
