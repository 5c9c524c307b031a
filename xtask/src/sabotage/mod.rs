//! `cargo xtask sabotage`: shows that the simulator finds bugs of the product.
//!
//! Two kinds of bugs are planted. Bugs of the source are planted in a copy of the workspace, all at once, each behind a
//! switch (`plant.rs`); the simulator of that copy is built once, and hunts for one after the other (`run.rs`). Syncs of a
//! recording are left out by the simulator itself. A bug that nobody finds is a gap in the simulator, or code that is not
//! needed; then the table says why.

mod left_out;
mod own_tests;
mod plant;
mod planted;
mod record;
mod run;
mod sites;
mod together;

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::runner::{target_directory, workspace_root};
use crate::trace;
use crate::{CommandResult, Failure};
use own_tests::TestBinaries;
use planted::Planted;
use run::Outcome;

pub(crate) use plant::copy_workspace;
pub(crate) use record::{Entry, Record};
pub(crate) use run::{Simulator, Verdict};

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
    part: Option<Part>,
    quick: bool,
    record: bool,
    new: bool,
    json: bool,
    list: bool,
}

/// Who is asked, if not everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Simulator,
    Tests,
}

/// Plants bugs and hunts for them. The exit code is 1 if any is missed.
// trace: impl FC-25.1
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments)?;
    let all = planted::all();
    if options.list {
        for bug in &all {
            println!("{:<36} {}", bug.name, bug.means);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut chosen = options.choose(&all)?;
    let root = workspace_root();
    let target = target_directory()?.join("sabotage");
    let mut record = Record::load(&root)?;
    if options.new {
        let unasked = unasked(&record);
        chosen.retain(|bug| unasked.contains(&bug.name));
    }
    eprintln!("planting {} bugs in a copy of the workspace, and building it …", all.len());
    plant::plant(&root, &target, &all)?;
    let mut outcomes: Vec<Outcome> = chosen.iter().map(|bug| Outcome::new(bug)).collect();
    let mut syncs = None;
    // What is known is kept at once: all of them take an hour, and much can happen in an hour.
    let mut kept = Ok(());
    let mut keep = |record: &mut Record, outcome: &Outcome, part| {
        eprintln!("{}", told(outcome));
        if options.record {
            record.take(&all, outcome, part);
            kept = kept.clone().and(record.save(&root));
        }
    };
    if options.part != Some(Part::Tests) {
        let simulator = Simulator::build(&target, options.seed.as_deref(), options.quick)?;
        eprintln!("hunting without a planted bug, which must find nothing …");
        simulator.control()?;
        let hints = record.scenarios();
        outcomes = simulator.hunt_for_all(&chosen, &hints, &mut |outcome| {
            keep(&mut record, outcome, Part::Simulator);
        });
        if options.only.is_none() && !options.new {
            eprintln!("leaving out every sync of a recording in turn …");
            syncs = Some(simulator.left_out_syncs(options.quick)?);
        }
    }
    if options.part != Some(Part::Simulator) {
        ask_tests(&root, &target, &record.clone(), &mut outcomes, &mut |outcome| {
            keep(&mut record, outcome, Part::Tests);
        })?;
    }
    kept?;
    if options.record && syncs.is_some() && !options.quick {
        record.syncs.clone_from(&syncs);
        record.save(&root)?;
    }
    let report = summary(&outcomes, syncs.as_ref());
    if options.json {
        println!("{report}");
    } else {
        print_for_people(&outcomes, &report);
    }
    let is_missed = |report: &Value| report["missed"].as_array().is_none_or(|all| !all.is_empty());
    Ok(if is_missed(&report) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The tests of each bug's clauses, with the bug switched on.
fn ask_tests(
    root: &Path,
    copy: &Path,
    record: &Record,
    outcomes: &mut [Outcome],
    tell: &mut dyn FnMut(&Outcome),
) -> Result<(), String> {
    let is_chosen = |name: &String| outcomes.iter().any(|outcome| outcome.bug.name == name);
    let mut own = trace::own_tests(root, record)?;
    own.retain(|name, _| is_chosen(name));
    eprintln!("building the tests of the copy …");
    let binaries = TestBinaries::build(copy)?;
    eprintln!("running the tests of {} bugs …", own.len());
    binaries.ask(&own, outcomes, tell);
    Ok(())
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
                "--simulator" => options.part = Some(Part::Simulator),
                "--tests" => options.part = Some(Part::Tests),
                "--quick" => (options.quick, options.part) = (true, Some(Part::Simulator)),
                "--record" => options.record = true,
                "--new" => options.new = true,
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
        let can_be_asked = |bug: &Planted| self.part != Some(Part::Simulator) || !bug.by_tests;
        let is_chosen = |bug: &&'static Planted| is_wanted(bug) && can_be_asked(bug);
        let chosen: Vec<_> = all.iter().copied().filter(is_chosen).collect();
        if chosen.is_empty() {
            let only = self.only.as_deref().unwrap_or_default();
            return Err(Failure::Usage(format!(
                "there is no planted bug {only:?} that can be asked for so: see --list"
            )));
        }
        Ok(chosen)
    }
}

/// The planted bugs of which the record says nothing, or something about what they were before.
pub(crate) fn unasked(record: &Record) -> Vec<&'static str> {
    let is_known = |bug: &&Planted| {
        record.bugs.get(bug.name).is_some_and(|entry| entry.edits == record::digest(bug))
    };
    planted::all().into_iter().filter(|bug| !is_known(bug)).map(|bug| bug.name).collect()
}

/// The planted bugs that somebody was asked for and nobody has noticed, though somebody could.
pub(crate) fn survivors(record: &Record) -> Vec<&'static str> {
    let survives = |bug: &&Planted| {
        let entry = record.bugs.get(bug.name).filter(|entry| entry.edits == record::digest(bug));
        bug.redundant.is_none() && entry.is_some_and(|entry| !entry.is_caught())
    };
    planted::all().into_iter().filter(survives).map(|bug| bug.name).collect()
}

/// A planted bug, for those who tell of it.
pub(crate) struct Known {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it would mean for somebody who uses the product.
    pub(crate) means: &'static str,
    /// Why nobody can tell, if nobody can.
    pub(crate) redundant: Option<&'static str>,
    /// Where it is planted, relative to the root of the workspace; the first place, if there are several.
    pub(crate) file: &'static str,
}

/// Every planted bug.
pub(crate) fn told_of_all() -> Vec<Known> {
    let known = |bug: &'static Planted| {
        let Planted { name, means, redundant, .. } = bug;
        let file = bug.edits().next().map(|edit| edit.file).unwrap_or_default();
        Known { name, means, redundant: *redundant, file }
    };
    planted::all().into_iter().map(known).collect()
}

/// One outcome as a line.
fn told(outcome: &Outcome) -> String {
    let tests = outcome.failing_tests.len();
    let verdict = match (&outcome.verdict, outcome.bug.redundant) {
        (Verdict::Caught(found), _) if tests == 0 => format!("caught: {found}"),
        (Verdict::Caught(found), _) => format!("caught: {tests} tests, and {found}"),
        (_, _) if tests > 0 => format!("caught: {tests} tests"),
        (_, Some(why)) => format!("redundant: {why}"),
        (Verdict::Missed, None) => "MISSED, though a scenario comes to it".to_owned(),
        (Verdict::NeverReached, None) => "MISSED: no scenario comes to it".to_owned(),
        (Verdict::Hung, None) => "MISSED: the simulator hangs".to_owned(),
        (Verdict::NotAsked, None) if outcome.bug.by_tests => "not caught by any test".to_owned(),
        (Verdict::NotAsked, None) => "no test of its clauses notices".to_owned(),
    };
    format!("{:<36} {:>7.2} s  {verdict}", outcome.bug.name, outcome.seconds)
}

/// Both parts together. What is caught is caught, whatever the table says of it.
fn summary(outcomes: &[Outcome], syncs: Option<&Value>) -> Value {
    let left = || outcomes.iter().filter(|outcome| !outcome.is_caught());
    let caught = outcomes.iter().filter(|outcome| outcome.is_caught());
    let mut seconds: Vec<f64> = caught.map(|outcome| outcome.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let count = |name: &str| syncs.and_then(|syncs| syncs.get(name)?.as_u64()).unwrap_or_default();
    let texts = |name: &str| syncs.and_then(|syncs| syncs.get(name)?.as_array()).cloned();
    let redundant = left().filter_map(|outcome| {
        outcome.bug.redundant.map(|why| Value::from(format!("{}: {why}", outcome.bug.name)))
    });
    // What is there for the simulator to find, and was not asked for, is not missed.
    let was_asked =
        |outcome: &&Outcome| outcome.verdict != Verdict::NotAsked || outcome.bug.by_tests;
    let missed = left().filter(|outcome| outcome.bug.redundant.is_none()).filter(was_asked);
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
    use super::run::Found;
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
        let part = Some(Part::Simulator);
        let chosen = Options { part, ..Options::default() }.choose(&all).unwrap();
        assert!(chosen.iter().all(|bug| !bug.by_tests));
        assert_eq!(chosen.len(), all.iter().filter(|bug| !bug.by_tests).count());
        assert_eq!(Options::default().choose(&all).unwrap().len(), all.len());
    }

    #[test]
    fn what_nobody_has_noticed_survives_unless_nobody_could() {
        let entry = |bug: &&Planted| {
            let entry = record::Entry { edits: record::digest(bug), ..record::Entry::default() };
            (bug.name.to_owned(), entry)
        };
        let all = planted::all();
        let mut record = Record { bugs: all.iter().map(entry).collect(), ..Record::default() };
        let could = all.iter().filter(|bug| bug.redundant.is_none()).count();
        assert_eq!((survivors(&record).len(), unasked(&record).len()), (could, 0));
        record.bugs.get_mut("record-unsynced").unwrap().judge = Some("link".to_owned());
        record.bugs.get_mut("lock-leaked").unwrap().tests = vec!["t".to_owned()];
        record.bugs.get_mut("lock-not-taken").unwrap().edits = "another".to_owned();
        let left = survivors(&record);
        let gone = ["record-unsynced", "lock-leaked", "lock-not-taken"];
        assert_eq!(left.len(), could - gone.len());
        assert!(gone.iter().all(|gone| !left.contains(gone)));
        assert_eq!(unasked(&record), ["lock-not-taken"]);
    }

    #[test]
    fn what_a_quick_run_hunts_for_is_planted() {
        let options = Options { quick: true, ..Options::default() };
        assert_eq!(options.choose(&planted::all()).unwrap().len(), QUICK.len());
    }

    #[test]
    fn both_parts_are_added_up_and_redundant_is_only_what_is_not_caught() {
        let find = |name: &str| planted::all().into_iter().find(|bug| bug.name == name).unwrap();
        let outcome = |name, verdict| Outcome { verdict, seconds: 2.0, ..Outcome::new(find(name)) };
        let text = str::to_owned;
        let found = || Found { judge: text("link"), scenario: text("adopt"), what: text("lost") };
        let caught = || Verdict::Caught(found());
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
