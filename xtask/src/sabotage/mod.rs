//! `cargo xtask sabotage`: shows that the simulator finds bugs of the product.
//!
//! Two kinds of bugs are planted. Bugs of the source are planted in a copy of the workspace, all at once, each behind a
//! switch (`plant.rs`); the simulator of that copy is built once, and hunts for one after the other (`run.rs`). Syncs of a
//! recording are left out by the simulator itself. A bug that nobody finds is a gap in the simulator, or code that is not
//! needed; then the table says why.

mod plant;
mod planted;
mod run;
mod sites;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::runner::{cargo, output_of, workspace_root};
use crate::{CommandResult, Failure};
use planted::Planted;
use run::{Outcome, Simulator, Verdict};

/// What a quick run hunts for: one of each kind, all found within seconds.
const QUICK: [&str; 15] = [
    "record-unsynced",
    "record-sync-failure-ignored",
    "record-sync-retried",
    "witness-before-record",
    "torn-tail-not-cut",
    "damaged-record-cut-as-torn",
    "panic-on-torn-tail",
    "abort-not-recorded",
    "abort-recorded-twice",
    "failure-taken-for-success",
    "append-failure-ignored",
    "abandoned-generation-removed",
    "directory-descriptor-leaked",
    "lock-leaked",
    "new-witness-unsynced",
];

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    only: Option<String>,
    seed: Option<String>,
    quick: bool,
    json: bool,
    list: bool,
}

/// Plants bugs and hunts for them. The exit code is 1 if any is missed.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments)?;
    let all = planted::all();
    if options.list {
        for bug in &all {
            println!("{:<36} {}", bug.name, bug.means);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = options.choose(&all)?;
    let root = workspace_root();
    let target = target_directory()?.join("sabotage");
    eprintln!("planting {} bugs in a copy of the workspace, and building it …", all.len());
    plant::plant(&root, &target, &all)?;
    let simulator = Simulator::build(&target, options.seed.as_deref(), options.quick)?;
    eprintln!("hunting without a planted bug, which must find nothing …");
    simulator.control()?;
    let outcomes = simulator.hunt_for_all(&chosen, &mut |outcome| eprintln!("{}", told(outcome)));
    let syncs = match options.only {
        Some(_) => None,
        None => {
            eprintln!("leaving out every sync of a recording in turn …");
            Some(simulator.left_out_syncs(options.quick)?)
        }
    };
    let report = summary(&outcomes, syncs.as_ref());
    if options.json {
        println!("{report}");
    } else {
        print_for_people(&outcomes, &report);
    }
    let is_missed = |report: &Value| report["missed"].as_array().is_none_or(|all| !all.is_empty());
    Ok(if is_missed(&report) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let wanted = || Failure::Usage(format!("{argument} needs a value"));
                arguments.next().cloned().ok_or_else(wanted)
            };
            match argument.as_str() {
                "--only" => options.only = Some(value()?),
                "--seed" => options.seed = Some(value()?),
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--list" => options.list = true,
                other => {
                    return Err(Failure::Usage(format!("sabotage takes no argument {other:?}")));
                }
            }
        }
        Ok(options)
    }

    fn choose(&self, all: &[&'static Planted]) -> Result<Vec<&'static Planted>, Failure> {
        let is_wanted = |bug: &'static Planted| match &self.only {
            Some(only) => bug.name == only,
            None => !self.quick || QUICK.contains(&bug.name),
        };
        let is_chosen = |bug: &&'static Planted| is_wanted(bug) && !bug.by_tests;
        let chosen: Vec<_> = all.iter().copied().filter(is_chosen).collect();
        if chosen.is_empty() {
            let only = self.only.as_deref().unwrap_or_default();
            return Err(Failure::Usage(format!(
                "there is no planted bug {only:?} that the simulator can come to: see --list"
            )));
        }
        Ok(chosen)
    }
}

/// Where cargo builds.
fn target_directory() -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let metadata: Value = serde_json::from_slice(&output_of(&mut command)?)
        .map_err(|error| format!("cargo metadata says nothing that can be read: {error}"))?;
    let directory = metadata.get("target_directory").and_then(Value::as_str);
    directory
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

/// One outcome as a line.
fn told(outcome: &Outcome) -> String {
    let verdict = match (&outcome.verdict, outcome.bug.redundant) {
        (Verdict::Caught(what), _) => format!("caught: {what}"),
        (_, Some(why)) => format!("redundant: {why}"),
        (Verdict::Missed, None) => "MISSED, though a scenario comes to it".to_owned(),
        (Verdict::NeverReached, None) => "MISSED: no scenario comes to it".to_owned(),
        (Verdict::Hung, None) => "MISSED: the simulator hangs".to_owned(),
    };
    format!("{:<36} {:>7.2} s  {verdict}", outcome.bug.name, outcome.seconds)
}

/// Both parts together. What is caught is caught, whatever the table says of it.
fn summary(outcomes: &[Outcome], syncs: Option<&Value>) -> Value {
    let is_caught = |outcome: &&Outcome| matches!(outcome.verdict, Verdict::Caught(_));
    let left = || outcomes.iter().filter(|outcome| !is_caught(outcome));
    let mut seconds: Vec<f64> = outcomes.iter().filter(is_caught).map(|o| o.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let count = |name: &str| syncs.and_then(|syncs| syncs.get(name)?.as_u64()).unwrap_or_default();
    let texts = |name: &str| syncs.and_then(|syncs| syncs.get(name)?.as_array()).cloned();
    let redundant = left().filter_map(|outcome| {
        outcome.bug.redundant.map(|why| Value::from(format!("{}: {why}", outcome.bug.name)))
    });
    let missed = left().filter(|outcome| outcome.bug.redundant.is_none());
    let missed = missed.map(|outcome| Value::from(outcome.bug.name));
    json!({
        "type": "sabotage",
        "planted": outcomes.len() as u64 + count("planted"),
        "caught": seconds.len() as u64 + count("caught"),
        "redundant": redundant.chain(texts("redundant").unwrap_or_default()).collect::<Vec<_>>(),
        "missed": missed.chain(texts("missed").unwrap_or_default()).collect::<Vec<_>>(),
        "median_s": seconds.get(seconds.len() / 2),
    })
}

fn print_for_people(outcomes: &[Outcome], report: &Value) {
    let mut lines: Vec<String> = outcomes.iter().map(told).collect();
    lines.sort();
    for line in lines {
        println!("{line}");
    }
    for missed in report["missed"].as_array().into_iter().flatten() {
        println!("missed: {}", missed.as_str().unwrap_or_default());
    }
    let redundant = report["redundant"].as_array().map_or(0, Vec::len);
    println!(
        "{} bugs planted, source and left-out syncs together: {} caught, {redundant} redundant entries, median {} s",
        report["planted"], report["caught"], report["median_s"]
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_bug_can_be_planted_and_says_what_it_would_mean() {
        let all = planted::all();
        let root = workspace_root();
        let read = |file: &str| {
            std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))
        };
        let patched = plant::patch_all(&all, &read).unwrap();
        assert!(patched.len() > 20, "{} files", patched.len());
        assert!(all.len() >= 50, "{} bugs", all.len());
        let names: BTreeSet<&str> = all.iter().map(|bug| bug.name).collect();
        assert_eq!(names.len(), all.len(), "two bugs have one name");
        for bug in all {
            assert!(!bug.means.is_empty(), "{}", bug.name);
            assert_ne!(bug.redundant, Some(""), "{}", bug.name);
        }
    }

    #[test]
    fn the_simulator_is_not_asked_for_what_only_tests_come_to() {
        let all = planted::all();
        let chosen = Options::default().choose(&all).unwrap();
        assert!(chosen.iter().all(|bug| !bug.by_tests));
        assert_eq!(chosen.len(), all.iter().filter(|bug| !bug.by_tests).count());
    }

    #[test]
    fn what_a_quick_run_hunts_for_is_planted() {
        let options = Options { quick: true, ..Options::default() };
        assert_eq!(options.choose(&planted::all()).unwrap().len(), QUICK.len());
    }

    #[test]
    fn both_parts_are_added_up_and_redundant_is_only_what_is_not_caught() {
        let find = |name: &str| planted::all().into_iter().find(|bug| bug.name == name).unwrap();
        let outcome = |name, verdict| Outcome { bug: find(name), verdict, seconds: 2.0 };
        let caught = || Verdict::Caught("lost".to_owned());
        let outcomes = [
            outcome("record-unsynced", caught()),
            outcome("tree-root-unsynced", caught()),
            outcome("renamed-old-name-unsynced", Verdict::Missed),
            outcome("lock-leaked", Verdict::NeverReached),
        ];
        let syncs = json!({"planted": 10, "caught": 7, "redundant": ["2: why"], "missed": ["x"]});
        let report = summary(&outcomes, Some(&syncs));
        assert_eq!((&report["planted"], &report["caught"]), (&json!(14), &json!(9)));
        assert_eq!(report["missed"], json!(["lock-leaked", "x"]));
        assert_eq!(report["redundant"].as_array().unwrap().len(), 2);
        assert_eq!(report["median_s"], json!(2.0));
    }
}
