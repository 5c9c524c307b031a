//! The simulator's own promises, held to with its real executable.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

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

/// The process that another one has started.
fn child_of(parent: u32) -> Option<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.map(|process| process.file_name().into_string().unwrap()).find(|number| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        // Behind the name, which may be anything, come its state and its parent.
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(&parent.to_string())
    })
}

/// What the process of a campaign that has this scratch directory is about to judge, once it judges something.
fn judging(scratch: &Path) -> String {
    for _ in 0..12_000 {
        let places = fs::read_dir(scratch).unwrap().filter_map(Result::ok);
        let beacons = places.map(|place| place.path().join("0/beacon"));
        let doing = beacons.filter_map(|beacon| fs::read_to_string(beacon).ok());
        let doing: String = doing.collect();
        // A state, and not the scenario as a whole.
        if let Some(id) = doing.split_whitespace().nth(1).filter(|id| id.matches(':').count() == 3)
        {
            return id.to_owned();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing is judged");
}

/// Kills the process of a campaign, if there is one by now.
fn kill(campaign: u32) -> Option<String> {
    let process = child_of(campaign)?;
    let killed = Command::new("sh").args(["-c", &format!("kill -9 {process}")]).status().unwrap();
    killed.success().then_some(process)
}

#[test]
fn a_process_that_dies_is_a_finding_and_another_goes_on_in_its_place() {
    let common = ["--scenario", "confirm", "--quick", "--workers", "1", "--json"];
    let whole = result(&common);
    let scratch = tempfile::tempdir().unwrap();
    let campaign = Command::new(env!("CARGO_BIN_EXE_femtoclaw-upgrade-sim"))
        .args(common)
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let before = judging(scratch.path());
    let first = kill(campaign.id()).unwrap();
    // The next one dies before it has said anything, or at its beginning.
    let next = (0..12_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        child_of(campaign.id()).filter(|process| *process != first)
    });
    assert!(next.is_some() && kill(campaign.id()) == next, "nobody takes its place");
    let output = campaign.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "it died at or behind {before}");
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(found["violations"], 2, "{found}");
    for death in found["found"].as_array().unwrap() {
        assert_eq!(death["judge"], "process", "{found}");
        assert!(!death["what"].as_str().unwrap().contains("not looked at"), "{found}");
    }
    let died_of = found["found"][0]["id"].as_str().unwrap();
    assert!(died_of.starts_with("confirm"), "{died_of}");
    // All of it was seen but what they died of, and what follows from that, unless something else led there too.
    assert_eq!(found["log_hash"], whole["log_hash"]);
    let states = |found: &Value| found["distinct_states"].as_u64().unwrap();
    let (seen, all) = (states(&found), states(&whole));
    assert!(seen <= all && seen > all / 2, "{seen} of {all}");
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
    let names: Vec<&str> =
        html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let different: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "two rows have one name: {names:?}");
    let text = String::from_utf8(simulator(&["--replay", id, "--shrink"]).stdout).unwrap();
    assert!(text.contains("DROPPED") && text.contains("crates/journal/src/file.rs"), "{text}");
}

/// Whether there is a state of this id, and it is broken.
fn is_broken(id: &str) -> bool {
    let text = String::from_utf8(simulator(&["--replay", id, "--json"]).stdout).unwrap();
    text.contains("\"ok\":false")
}

/// A finding of the canary: a record is not synced, and the crash comes late and takes all that it can. Returns the
/// finding that the canary was found by, and this one, with its last crash.
fn late_finding() -> (String, String, usize) {
    let found = result(&["--scenario", "confirm", "--profile", "kill", "--quick", "--json"]);
    let canary = found["canary"].as_str().unwrap().to_owned();
    let (run, crash) = canary.rsplit_once(':').unwrap();
    let point: usize = crash.split('.').next().unwrap().parse().unwrap();
    let late = (point + 1..point + 6).rev().map(|point| (format!("{run}:{point}.0"), point));
    let mut broken = late.filter(|(id, _)| is_broken(id));
    let (late, point) = broken.next().unwrap();
    (canary, late, point)
}

#[test]
fn a_crash_is_shrunk_to_the_earliest_that_shows_it() {
    let (canary, late, point) = late_finding();
    let told = |id: &str, how: &[&str]| result(&[&["--replay", id, "--json"], how].concat());
    let small = told(&late, &["--shrink"]);
    let (as_found, small) = (&told(&late, &[])["timeline"], &small["timeline"]);
    assert_eq!(as_found["segments"][0]["ending"]["after"], point);
    assert_eq!(as_found["shrunk"], Value::Null);
    let tried = |told: &Value| told["order"]["tried"] == true;
    assert_eq!((tried(as_found), tried(small)), (false, true), "{small}");
    assert!(small["segments"][0]["ending"]["after"].as_u64().unwrap() < point as u64, "{small}");
    // What is left is the finding that a search for what is lost alone comes to, and that is broken in the same way.
    let named = small["shrunk"].as_str().unwrap();
    let earliest = told(&canary, &["--shrink"]);
    let own = &earliest["timeline"]["shrunk"];
    assert_eq!(own.as_str().unwrap_or(&canary), named);
    assert_eq!(told(named, &[])["judge"], earliest["judge"]);
    // The record was lost, and what vouches for it was kept.
    let path = |end: &str| {
        let lines = small["segments"][0]["lines"].as_array().unwrap();
        let number = &small["order"][end]["number"];
        let line = lines.iter().find(|line| line["number"] == *number);
        line.and_then(|line| line["path"].as_str()).unwrap().to_owned()
    };
    assert_eq!(
        [path("lost"), path("kept")],
        ["/home/journal/records.jsonl", "/home/journal/witness"]
    );
}

#[test]
fn a_finding_of_two_crashes_is_shrunk_to_the_one_that_shows_it() {
    let (_, late, _) = late_finding();
    // The recovery from it dies before it has done anything: nothing is the better or the worse for it.
    let twice = format!("{late}/0.0");
    let as_found = result(&["--replay", &twice, "--json"]);
    let small = result(&["--replay", &twice, "--shrink", "--json"]);
    let crashes = |told: &Value| told["timeline"]["segments"].as_array().unwrap().len();
    assert_eq!((crashes(&as_found), crashes(&small)), (2, 1), "{small}");
    assert!(small["operations"].as_u64() < as_found["operations"].as_u64(), "{small}");
    let once = result(&["--replay", &late, "--shrink", "--json"]);
    assert_eq!(small["timeline"]["shrunk"], once["timeline"]["shrunk"]);
}

#[test]
fn a_finding_that_needs_no_crash_is_shrunk_to_none() {
    // The first record of a rollback is not synced, and the next is appended behind it.
    let replayed = |id: &str| result(&["--replay", id, "--shrink", "--json"]);
    let runs = (0..20).map(|sync| (sync, format!("rollback-sync@{sync}:1:posix-quick")));
    let (sync, run) = runs.into_iter().find(|(_, run)| is_broken(run)).unwrap();
    let whole = replayed(&run);
    assert_eq!(whole["judge"], "ordering", "{whole}");
    assert_eq!(whole["timeline"]["order"]["lost"]["number"], format!("{sync}a"));
    assert_eq!(whole["operations"], 2, "the sync that is left out, and the record behind it");
    // Behind what breaks it a process dies, and takes nothing.
    let died = replayed(&format!("{}:{}.0", run.replace("posix", "kill"), sync + 8));
    assert_eq!(died["judge"], "ordering", "{died}");
    assert_eq!(died["timeline"]["segments"], whole["timeline"]["segments"]);
}

#[test]
fn a_fault_in_a_recovery_is_made_again_and_left_out_where_it_does_not_matter() {
    let (_, late, _) = late_finding();
    let replayed = |id: &str, how: &[&str]| result(&[&["--replay", id, "--json"], how].concat());
    let once = replayed(&late, &["--shrink"]);
    for faulty in [format!("{late}+stat-eio@1"), format!("{late}+stat-eio-sticky@1/0.0")] {
        let as_found = replayed(&faulty, &[]);
        let met = as_found["timeline"]["segments"][1]["lines"].as_array().unwrap();
        let names: Vec<_> = met.iter().map(|line| line["action"]["name"].clone()).collect();
        assert!(names.contains(&"stat".into()), "{as_found}");
        let fault = as_found["timeline"]["fault"].as_str().unwrap();
        assert!(fault.ends_with("call 1 of the recovery"), "{fault}");
        let small = replayed(&faulty, &["--shrink"]);
        assert_eq!(small["timeline"]["shrunk"], once["timeline"]["shrunk"], "{small}");
    }
    let full = replayed(&format!("{late}+sync-enospc@1"), &[]);
    let told = full["timeline"]["segments"][1]["lines"].as_array().unwrap();
    assert!(told.iter().any(|line| line["fate"]["errno"] == 28), "ENOSPC is told as such: {full}");
    let held = result(&["--replay", "recover:1:posix-quick:8.1+write-eio@1", "--json"]);
    assert_eq!(held["ok"], true, "{held}");
}

#[test]
fn a_fault_that_is_not_met_is_not_made_again() {
    for id in [
        "confirm+write-eio@99999:1:kill-quick",
        "recover:1:posix-quick:8.1+write-eio@99999",
        "recover:1:posix-quick:8.1+disk-full@77",
    ] {
        let output = simulator(&["--replay", id, "--json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{id}: {said}");
        assert!(said.contains("met"), "{id}: {said}");
    }
}

#[test]
fn what_is_no_state_of_a_crash_is_made_again_by_its_id() {
    for id in [
        "rot:rollback:1:/home/journal/records.jsonl:sector-zeroed@0",
        "forgery:rollback:1:/home/lock:-it-is-gone",
        "confirm:1:posix-quick:damage:12",
        "confirm:1:kill-quick:10.2:ordered",
        "confirm:1:kill-quick:11.again",
    ] {
        let held = result(&["--replay", id, "--json"]);
        assert_eq!((&held["ok"], held["id"].as_str()), (&Value::Bool(true), Some(id)), "{held}");
    }
    let unknown = simulator(&["--replay", "confirm:1:posix-quick:damage:99999"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no campaign comes to it"));
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
        &["--replay", "confirm:1:posix-quick:damage:12", "--shrink"],
    ] {
        let output = simulator(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage"), "{arguments:?}");
    }
}

#[test]
fn whoever_asks_for_help_is_told_what_every_option_does() {
    let output = simulator(&["--quick", "--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{text}");
    let (usage, told) = text.split_once("\n\n").unwrap();
    let words = usage.split(|at: char| !at.is_ascii_lowercase() && at != '-');
    let options: BTreeSet<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 18, "{usage}");
    for option in options {
        assert!(told.contains(option), "{option}: {told}");
    }
}

/// What the kernel is asked of files and descriptors by a program and what it starts, a line for each call. What is read and
/// written is left out, so that whatever names a path is a path.
fn asked_of_the_kernel(program: &str, arguments: &[&str]) -> (Output, Vec<String>) {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-s", "0", "-e", "trace=%file,%desc", "-e", "signal=none", "-o"])
        .arg(&log)
        .arg(program)
        .args(arguments)
        .output()
        .expect("strace must be installed for this test");
    let text = std::fs::read_to_string(log).unwrap();
    // Each line begins with the number of a process.
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    (output, lines.map(|(_, call)| call.trim_start().to_owned()).collect())
}

/// Whether a call names a path below the simulated root, or a descriptor of a simulated file. Those are numbered from here.
fn is_of_the_simulated_disk(call: &str) -> bool {
    const DESCRIPTORS: std::ops::Range<u64> = 1 << 24..(1 << 24) + (1 << 16);
    let arguments = call.rsplit_once(" = ").map_or(call, |(arguments, _)| arguments);
    // Sizes of memory are any numbers: of its descriptor alone such a call is judged.
    let judged = match arguments.strip_prefix("mmap(") {
        Some(arguments) => arguments.split(", ").nth(4).unwrap_or_default(),
        None => arguments,
    };
    let mut words = judged.split(|letter: char| !letter.is_ascii_alphanumeric());
    call.contains("/simulated")
        || words.any(|word| word.parse().is_ok_and(|number| DESCRIPTORS.contains(&number)))
}

#[test]
fn nothing_of_the_simulated_disk_reaches_the_kernel() {
    let program = env!("CARGO_BIN_EXE_femtoclaw-upgrade-sim");
    let campaign = ["--scenario", "confirm", "--quick", "--states", "200", "--workers", "1"];
    let life = ["--replay", "life:1:kill"];
    for arguments in [&campaign[..], &life, &["--regressions"]] {
        let (output, calls) = asked_of_the_kernel(program, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert!(calls.iter().any(|call| call.starts_with("openat(")), "{calls:?}");
        let reached: Vec<_> = calls.iter().filter(|call| is_of_the_simulated_disk(call)).collect();
        assert!(reached.is_empty(), "{arguments:?}: {reached:#?}");
    }
}

#[test]
fn what_of_the_simulated_disk_reaches_the_kernel_is_noticed() {
    let (_, calls) = asked_of_the_kernel("cat", &["/simulated/home/journal"]);
    let reached: Vec<_> = calls.iter().filter(|call| is_of_the_simulated_disk(call)).collect();
    assert!(
        matches!(&reached[..], [call] if call.starts_with("openat(") && call.contains("ENOENT")),
        "{calls:#?}"
    );
    for call in [
        "fsync(16777216) = -1 EBADF (Bad file descriptor)",
        "dup3(16777217, 5, 0 <unfinished ...>",
        "poll([{fd=16777300, events=POLLIN}], 1, 0) = 1",
        "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 16777218, 0) = -1 EBADF (Bad file descriptor)",
    ] {
        assert!(is_of_the_simulated_disk(call), "{call}");
    }
    for call in [
        "read(3, \"\"..., 8192) = 16777216",
        "mmap(NULL, 16777216, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0001000000",
    ] {
        assert!(!is_of_the_simulated_disk(call), "{call}");
    }
}
