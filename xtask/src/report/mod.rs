//! `cargo xtask report`: everything that is known of this tree as one site of static pages, which opens without a server, can be
//! read without scripts, and asks for nothing. It runs none of the commands whose records it shows, and says of each record
//! whether it is of this tree.

mod browser;
mod pages;
mod parts;
mod plot;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::runner::{target_directory, workspace_root};
use crate::sabotage::{self, Record};
use crate::trace::html::data::{count, flag, list, of_things};
use crate::trace::{commit, fingerprint};
use crate::{CommandResult, Failure};
use pages::PAGES;
use sources::{BENCH, COVERAGE, MODEL, SIMULATION, Source, TESTS, TRACE};

/// Where it goes, below the directory that cargo builds in.
const DIRECTORY: &str = "report";
/// What the trace leaves that is taken over as it is.
const TRACE_FILES: [&str; 2] = ["index.html", "trace.json"];

/// Who noticed a planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noticed {
    ByBoth,
    ByJudge,
    ByTests,
    /// Nobody can, for a reason that is written down.
    Redundant,
    Missed,
    /// Nobody was asked since it is what it is.
    Unasked,
}

impl Noticed {
    fn is_caught(self) -> bool {
        matches!(self, Self::ByBoth | Self::ByJudge | Self::ByTests)
    }
}

/// A planted bug, with what came of it.
#[derive(Debug)]
struct Bug {
    name: &'static str,
    means: &'static str,
    file: &'static str,
    redundant: Option<&'static str>,
    noticed: Noticed,
    judge: Option<String>,
    scenario: Option<String>,
    milliseconds: Option<u64>,
    /// How many tests of the clauses that it breaks fail with it.
    tests: u64,
}

/// How many planted bugs came to what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    by_both: u64,
    by_judge: u64,
    by_tests: u64,
    redundant: u64,
    missed: u64,
    unasked: u64,
}

impl Tally {
    fn of(bugs: &[Bug]) -> Self {
        let mut tally = Self::default();
        for bug in bugs {
            *match bug.noticed {
                Noticed::ByBoth => &mut tally.by_both,
                Noticed::ByJudge => &mut tally.by_judge,
                Noticed::ByTests => &mut tally.by_tests,
                Noticed::Redundant => &mut tally.redundant,
                Noticed::Missed => &mut tally.missed,
                Noticed::Unasked => &mut tally.unasked,
            } += 1;
        }
        tally
    }

    fn caught(self) -> u64 {
        self.by_both + self.by_judge + self.by_tests
    }

    fn all(self) -> u64 {
        self.caught() + self.redundant + self.missed + self.unasked
    }
}

/// Everything that the pages show.
struct Gathered {
    commit: String,
    tree: String,
    tests: Source,
    simulation: Source,
    model: Source,
    trace: Source,
    sabotage: Source,
    mutants: Source,
    coverage: Source,
    bench: Source,
    bugs: Vec<Bug>,
}

impl Gathered {
    /// Reads every record that there is.
    ///
    /// # Errors
    /// If the sources themselves cannot be read. A record that is missing or broken is none: it is shown.
    fn gather(root: &Path, target: &Path) -> Result<Self, String> {
        let tree = fingerprint(root)?;
        let record = Record::load(root).unwrap_or_default();
        Ok(Self {
            commit: commit(root)?,
            tests: sources::of_tree(target, TESTS, &tree),
            simulation: sources::of_tree(target, SIMULATION, &tree),
            model: sources::of_tree(target, MODEL, &tree),
            trace: sources::of_tree(target, TRACE, &tree),
            sabotage: sources::sabotage(root),
            mutants: sources::mutants(root),
            coverage: sources::of_commit(root, COVERAGE, &["crates"]),
            bench: sources::of_commit(root, BENCH, &["crates", "bench"]),
            bugs: bugs(&record),
            tree,
        })
    }

    /// All records, in the order in which they are told.
    fn sources(&self) -> [&Source; 8] {
        [
            &self.trace,
            &self.tests,
            &self.simulation,
            &self.model,
            &self.sabotage,
            &self.mutants,
            &self.coverage,
            &self.bench,
        ]
    }

    fn tally(&self) -> Tally {
        Tally::of(&self.bugs)
    }

    /// How often something failed in the simulator.
    fn faults(&self) -> u64 {
        let classes = self.simulation.value.get("report").and_then(|of| of.get("fault_classes"));
        let classes = classes.and_then(Value::as_object).into_iter().flatten();
        classes.filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// What records of this very tree say is wrong with it.
    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.tests.is_current() {
            let others = sources::not_passed(&self.tests.value).len() as u64;
            let told = (others > 0).then(|| format!("{} did not pass", of_things(others, "test")));
            broken.extend(told);
        }
        for source in [&self.simulation, &self.model].into_iter().filter(|it| it.is_current()) {
            let is_content = source.value.get("report").is_some_and(|report| flag(report, "ok"));
            let report = source.value.get("report").unwrap_or(&Value::Null);
            let found = count(report, "violations") + list(report, "broken").len() as u64;
            let told = format!("{}: not content, {}", source.name, of_things(found, "finding"));
            broken.extend((!is_content).then_some(told));
        }
        if self.trace.is_current() {
            let problems = list(&self.trace.value, "problems").iter().filter_map(Value::as_str);
            broken.extend(problems.map(|problem| format!("Trace: {problem}")));
        }
        let missed = self.tally().missed;
        let told = format!("{} missed", of_things(missed, "planted bug"));
        broken.extend((missed > 0 && self.sabotage.is_there()).then_some(told));
        broken
    }

    /// The same for other programs.
    fn data(&self) -> Value {
        let records = self.sources().map(|source| {
            json!({
                "name": source.name,
                "file": source.file,
                "command": source.command,
                "current": source.is_current(),
                "problem": source.problem(),
                "record": if source.is_there() && source.name != TRACE.name && source.name != TESTS.name {
                    source.value.clone()
                } else {
                    Value::Null
                },
            })
        });
        let tally = self.tally();
        json!({
            "type": "report",
            "commit": self.commit,
            "tree": self.tree,
            "problems": self.broken(),
            "planted": { "all": tally.all(), "caught": tally.caught(), "redundant": tally.redundant,
                "missed": tally.missed, "unasked": tally.unasked },
            "records": records,
        })
    }
}

/// What came of every planted bug.
fn bugs(record: &Record) -> Vec<Bug> {
    let unasked = sabotage::unasked(record);
    let each = sabotage::told_of_all().into_iter().map(|known| {
        let entry = record.bugs.get(known.name).filter(|_| !unasked.contains(&known.name));
        let tests = entry.map_or(0, |entry| entry.tests.len() as u64);
        let judge = entry.and_then(|entry| entry.judge.clone());
        let noticed = match (entry, &judge, tests, known.redundant) {
            (None, ..) => Noticed::Unasked,
            (_, Some(_), 0, _) => Noticed::ByJudge,
            (_, Some(_), _, _) => Noticed::ByBoth,
            (_, None, 1.., _) => Noticed::ByTests,
            (_, None, 0, Some(_)) => Noticed::Redundant,
            (_, None, 0, None) => Noticed::Missed,
        };
        Bug {
            name: known.name,
            means: known.means,
            file: known.file,
            redundant: known.redundant,
            noticed,
            scenario: entry.and_then(|entry| entry.scenario.clone()),
            milliseconds: entry.and_then(|entry| entry.milliseconds),
            judge,
            tests,
        }
    });
    let mut bugs: Vec<Bug> = each.collect();
    bugs.sort_by_key(|bug| bug.name);
    bugs
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    out: Option<PathBuf>,
    json: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                "--out" => {
                    let out = rest.next();
                    let out = out.ok_or(Failure::Usage("--out needs a directory".to_owned()))?;
                    options.out = Some(PathBuf::from(out));
                }
                other => return Err(Failure::Usage(format!("report takes no argument {other:?}"))),
            }
        }
        Ok(options)
    }
}

/// Writes the site, and tries it in a browser. The exit code is 1 if a page is not as it has to be; what is missing in the
/// records is on the pages, and changes nothing in it.
///
/// # Errors
/// If the sources cannot be read, or the site cannot be written.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments)?;
    let (root, target) = (workspace_root(), target_directory()?);
    let gathered = Gathered::gather(&root, &target)?;
    let directory = options.out.unwrap_or_else(|| target.join(DIRECTORY));
    write(&gathered, &target, &directory)?;
    let wrong = match browser::check(&directory) {
        Ok(checked) => {
            checked.iter().for_each(|what| eprintln!("the pages: {what}"));
            Vec::new()
        }
        Err(wrong) => wrong,
    };
    for what in &wrong {
        eprintln!("report: {what}");
    }
    for source in gathered.sources() {
        if let Some(problem) = source.problem() {
            eprintln!("{}: {problem}; {}", source.name, source.command);
        }
    }
    let current = gathered.sources().iter().filter(|source| source.is_current()).count();
    eprintln!(
        "{current} of {} records are of this tree: {}",
        gathered.sources().len(),
        directory.join("index.html").display()
    );
    if options.json {
        let line = json!({
            "type": "report", "ok": wrong.is_empty(), "tree": gathered.tree, "current": current,
            "records": gathered.sources().len(), "problems": gathered.broken(), "wrong": wrong,
        });
        println!("{line}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes all pages. What another run has left there does not stay.
fn write(gathered: &Gathered, target: &Path, directory: &Path) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let put = |path: PathBuf, text: &str| {
        std::fs::write(&path, text).map_err(|error| failed(&path, error))
    };
    let traced = directory.join("trace");
    std::fs::create_dir_all(&traced).map_err(|error| failed(&traced, error))?;
    for page in &PAGES {
        put(directory.join(page.file), &pages::render(page, gathered))?;
    }
    put(directory.join("report.json"), &format!("{:#}\n", gathered.data()))?;
    for name in TRACE_FILES {
        let (from, to) = (target.join("trace").join(name), traced.join(name));
        if gathered.trace.is_there() {
            std::fs::copy(&from, &to).map_err(|error| failed(&from, error))?;
        } else if to.exists() {
            std::fs::remove_file(&to).map_err(|error| failed(&to, error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
