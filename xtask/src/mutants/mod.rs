//! `cargo xtask mutants`: changes the core crates in every way that cargo-mutants knows, and shows that somebody notices.
//!
//! cargo-mutants changes a copy of the workspace and runs a crate's tests (`tool.rs`, `outcomes.rs`). What they miss can be
//! built into the simulator (`simulate.rs`). What is known is merged over runs and kept in the repository (`evidence.rs`);
//! what behaves as the original does, so that nobody can notice, is written down by name (`equivalent.rs`).

mod equivalent;
mod evidence;
mod outcomes;
mod simulate;
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::runner::{target_directory, workspace_root};
use crate::sabotage::copy_workspace;
use crate::{CommandResult, Failure};
pub(crate) use evidence::sources;
use evidence::{Entry, Evidence, Summary};
use outcomes::{Mutant, Run, Span, Verdict};
use simulate::Finding;
use tool::Tool;

/// The crates whose score is kept: what decides which version a home is at, who may change that, and how it goes back.
const CORE: [&str; 5] = ["versioning", "journal", "rollback", "authorization", "compatibility"];

/// The score that each of them has at least.
const WANTED: f64 = 0.9;

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    crates: Vec<String>,
    jobs: u32,
    shard: Option<String>,
    iterate: bool,
    read: bool,
    simulate: bool,
    record: bool,
    json: bool,
}

/// Runs the mutants of the crates that are asked for. The exit code is 1 if a score is too low, some of the mutants were not
/// run, or one that is written down as equivalent is not.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments)?;
    tool::require()?;
    let root = workspace_root();
    options.hold_to(&root)?;
    let base = target_directory()?.join("mutants");
    let tool = Tool {
        workspace: base.join("workspace"),
        output: base.join("out"),
        jobs: options.jobs,
        shard: options.shard.clone(),
        iterate: options.iterate,
    };
    if !options.read {
        // Also takes back what an interrupted run has left changed.
        copy_workspace(&root, &tool.workspace, &BTreeMap::new())?;
    }
    let mut evidence = if options.record { Evidence::load(&root)? } else { Evidence::default() };
    let mut spans = BTreeMap::new();
    for krate in &options.crates {
        let listed = outcomes::listed(krate, &tool::list(&root, krate)?)?;
        let sources = evidence::sources(&root, krate)?;
        let mut take = || {
            let runs = outcomes::read(krate, &tool.output_of(krate))?;
            tell_of(krate, &runs);
            evidence.merge(krate, &sources, listed.keys(), &runs);
            Ok(())
        };
        if options.read {
            take()?;
        } else {
            eprintln!("{krate}: {} mutants …", listed.len());
            tool.run(krate, &mut take)?;
        }
        spans.extend(listed);
    }
    let table = equivalent::load(&root)?;
    let line = |mutant: &Mutant| line_of(&root, mutant);
    evidence.excuse(&table, &line);
    if options.simulate {
        simulated(&root, &tool.workspace, &options.crates, &spans, &mut evidence)?;
    }
    let wrong = evidence.excuse(&table, &line);
    if options.record {
        eprintln!("recorded in {}", evidence.store(&root)?.display());
    }
    Ok(reported(&options, &evidence, &wrong))
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self { jobs: 1, ..Self::default() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let wanted = || Failure::Usage(format!("{argument} needs a value"));
                arguments.next().cloned().ok_or_else(wanted)
            };
            match argument.as_str() {
                "--jobs" => {
                    let jobs = value()?.parse().ok().filter(|jobs| *jobs > 0);
                    let wanted = || Failure::Usage("--jobs needs a number from 1".to_owned());
                    options.jobs = jobs.ok_or_else(wanted)?;
                }
                "--shard" => options.shard = Some(value()?),
                "--iterate" => options.iterate = true,
                "--read" => options.read = true,
                "--simulate" => options.simulate = true,
                "--record" => options.record = true,
                "--json" => options.json = true,
                other if other.starts_with('-') => {
                    return Err(Failure::Usage(format!("mutants takes no argument {other:?}")));
                }
                krate => options.crates.push(krate.to_owned()),
            }
        }
        if options.crates.is_empty() {
            options.crates = CORE.map(str::to_owned).to_vec();
        }
        Ok(options)
    }

    /// Holds the names of crates to those that there are.
    fn hold_to(&self, root: &Path) -> Result<(), Failure> {
        let is_there = |krate: &str| {
            !krate.contains(['/', '.']) && root.join("crates").join(krate).join("src").is_dir()
        };
        match self.crates.iter().find(|krate| !is_there(krate)) {
            Some(unknown) => Err(Failure::Usage(format!("there is no crate {unknown:?}"))),
            None => Ok(()),
        }
    }
}

/// What a run has shown, mutant by mutant.
fn tell_of(krate: &str, runs: &[Run]) {
    for run in runs.iter().filter(|run| matches!(run.verdict, Verdict::Missed | Verdict::Timeout)) {
        eprintln!("{}  {:.1} s  {:?}", named(&run.mutant), run.seconds, run.verdict);
    }
    let seconds: f64 = runs.iter().map(|run| run.seconds).sum();
    eprintln!("{krate}: {} mutants were run in {seconds:.0} s", runs.len());
}

/// Hunts for what is missed so far.
fn simulated(
    root: &Path,
    copy: &Path,
    crates: &[String],
    spans: &BTreeMap<Mutant, Span>,
    evidence: &mut Evidence,
) -> Result<(), String> {
    let missed: Vec<(Mutant, Span)> = crates
        .iter()
        .flat_map(|krate| evidence.missed(krate))
        .filter_map(|mutant| Some((mutant.clone(), *spans.get(mutant)?)))
        .collect();
    eprintln!(
        "{} mutants that the tests miss are built into the simulator in turn …",
        missed.len()
    );
    let missed: Vec<(&Mutant, Span)> =
        missed.iter().map(|(mutant, span)| (mutant, *span)).collect();
    simulate::hunt(root, copy, &missed, &mut |mutant, finding| match finding {
        Finding::Caught { by, what } => {
            eprintln!("{}  {by}: {what}", named(mutant));
            evidence.caught(mutant, by);
        }
        Finding::Missed(why) => eprintln!("{}  missed: {why}", named(mutant)),
    })
}

/// The line in which a mutant stands.
fn line_of(root: &Path, mutant: &Mutant) -> Option<String> {
    let source = fs::read_to_string(root.join(&mutant.file)).ok()?;
    source.lines().nth(mutant.line.checked_sub(1)?).map(|line| line.trim().to_owned())
}

fn named(mutant: &Mutant) -> String {
    format!("{}:{}:{}: {}", mutant.file, mutant.line, mutant.column, mutant.change)
}

/// Tells what is known of the crates that were asked for, and whether that is enough.
fn reported(options: &Options, evidence: &Evidence, wrong: &[String]) -> ExitCode {
    let summaries = evidence.summaries();
    let asked: BTreeMap<&str, &Summary> = options
        .crates
        .iter()
        .filter_map(|krate| Some((krate.as_str(), summaries.get(krate.as_str())?)))
        .collect();
    let entries: Vec<&Entry> = asked.keys().flat_map(|krate| evidence.entries(krate)).collect();
    let report = summary(&asked, &entries, wrong);
    if options.json {
        println!("{report}");
    } else {
        print_for_people(&asked, &entries, wrong);
    }
    let is_ok = report.get("ok") == Some(&Value::Bool(true));
    if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The last line of `--json`.
fn summary(asked: &BTreeMap<&str, &Summary>, entries: &[&Entry], wrong: &[String]) -> Value {
    let score: BTreeMap<&str, f64> = asked.iter().map(|(name, of)| (*name, of.score)).collect();
    let missed = entries.iter().filter(|entry| is_missed(entry)).map(|entry| named(&entry.mutant));
    let is_enough = score.values().all(|score| *score >= WANTED);
    // The score of some of them says little of the rest.
    let not_run: usize = asked.values().map(|of| of.listed - of.mutants).sum();
    json!({
        "type": "mutants",
        "score": score,
        "missed": missed.collect::<Vec<_>>(),
        "not_run": not_run,
        "not_equivalent": wrong,
        "ok": is_enough && not_run == 0 && wrong.is_empty(),
    })
}

fn is_missed(entry: &Entry) -> bool {
    entry.verdict == Verdict::Missed && entry.equivalent.is_none()
}

fn print_for_people(asked: &BTreeMap<&str, &Summary>, entries: &[&Entry], wrong: &[String]) {
    for entry in entries {
        match &entry.equivalent {
            Some(reason) => println!("equivalent: {}: {reason}", named(&entry.mutant)),
            None if is_missed(entry) => println!("missed: {}", named(&entry.mutant)),
            None => {}
        }
    }
    for wrong in wrong {
        println!("wrong in {}: {wrong}", equivalent::EQUIVALENT_FILE);
    }
    for (name, of) in asked {
        println!(
            "{name:<16} {:>5.1} %  of {} mutants {} run: {} caught, {} timed out, {} missed, {} equivalent, {} unviable",
            of.score * 100.0,
            of.listed,
            of.mutants,
            of.caught,
            of.timeout,
            of.missed,
            of.equivalent,
            of.unviable,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Options, Failure> {
        Options::parse(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    fn summary_of(score: f64) -> Summary {
        Summary {
            listed: 10,
            mutants: 10,
            caught: 9,
            missed: 1,
            equivalent: 0,
            unviable: 0,
            timeout: 0,
            score,
            sources: String::new(),
        }
    }

    #[test]
    fn without_a_name_it_is_the_core_and_there_must_be_such_a_crate() {
        assert_eq!(parsed(&["--record"]).unwrap().crates, CORE);
        let options = parsed(&["journal", "--shard", "0/4", "--jobs", "2"]).unwrap();
        assert_eq!((options.crates.len(), options.jobs), (1, 2));
        assert_eq!(options.shard.as_deref(), Some("0/4"));
        for wrong in [&["--jobs", "0"][..], &["--shard"], &["--faster"]] {
            assert!(matches!(parsed(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
        let root = workspace_root();
        assert!(parsed(&[]).unwrap().hold_to(&root).is_ok());
        for unknown in ["nothing", "../crates/journal", "."] {
            let refused = parsed(&[unknown]).unwrap().hold_to(&root);
            assert!(matches!(refused, Err(Failure::Usage(_))), "{unknown}");
        }
    }

    #[test]
    fn it_is_enough_if_every_crate_has_its_score_and_the_table_is_true() {
        let (good, bad) = (summary_of(0.9), summary_of(0.8999));
        let one = BTreeMap::from([("journal", &good)]);
        assert_eq!(summary(&one, &[], &[])["ok"], json!(true));
        assert_eq!(summary(&one, &[], &["x".to_owned()])["ok"], json!(false));
        let both = BTreeMap::from([("journal", &good), ("rollback", &bad)]);
        let report = summary(&both, &[], &[]);
        assert_eq!((&report["type"], &report["ok"]), (&json!("mutants"), &json!(false)));
        assert_eq!(report["score"], json!({"journal": 0.9, "rollback": 0.8999}));
        let part = Summary { listed: 12, ..summary_of(1.0) };
        let report = summary(&BTreeMap::from([("journal", &part)]), &[], &[]);
        assert_eq!((&report["not_run"], &report["ok"]), (&json!(2), &json!(false)));
    }

    #[test]
    fn what_is_written_down_as_equivalent_is_a_line_of_its_crate() {
        let root = workspace_root();
        for equivalent in equivalent::load(&root).unwrap() {
            let source = fs::read_to_string(root.join(&equivalent.file)).unwrap();
            let stands = source.lines().any(|line| line.trim() == equivalent.line);
            assert!(stands, "{equivalent}");
        }
    }
}
