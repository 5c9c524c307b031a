//! `cargo xtask trace`: every clause of the specification, with the evidence for it.
//!
//! Sources and documents say in comments which clause they make true, show, or ask for (`annotations.rs`). This command
//! reads the clauses, the annotations, and what came of the tests, the simulator, the planted bugs and the mutants, and puts
//! them side by side: one row a clause. It fails if anything is missing.

mod annotations;
mod browser;
pub(crate) mod html;
mod items;
mod lock;
mod markdown;
mod matrix;
mod meaning;
mod mutants;
mod outcomes;
mod page_data;
mod record;
mod specification;
mod told;
mod tree;
mod verdict;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::runner::{target_directory, workspace_root};
use crate::sabotage::Record;
use crate::tidy::tracked_files;
use crate::{CommandResult, Failure};
use annotations::{Annotation, Kind, Problem};
use items::Item;
use lock::Lock;
use matrix::{Evidence, Row};
use mutants::Mutants;
pub(crate) use outcomes::{Binary, Listener, Outcomes, binaries, id, outcome};
use specification::Specification;
pub(crate) use told::{Teller, Told};
pub(crate) use tree::{commit, fingerprint};
use verdict::Figures;

/// Every annotation of the workspace, and what is wrong with some.
fn gather(root: &Path) -> Result<(Vec<Annotation>, Vec<Problem>), String> {
    let (mut annotations, mut problems) = (Vec::new(), Vec::new());
    for file in tracked_files(root)? {
        let read = match Path::new(&file).extension().and_then(|extension| extension.to_str()) {
            Some("rs") => annotations::of_source,
            Some("md") => annotations::of_document,
            _ => continue,
        };
        let text = std::fs::read_to_string(root.join(&file));
        let text = text.map_err(|error| format!("{file}: {error}"))?;
        for found in read(&file, &text) {
            match found {
                Ok(annotation) => annotations.push(annotation),
                Err(problem) => problems.push(problem),
            }
        }
    }
    Ok((annotations, problems))
}

/// Where a test stands: the file, and what it is called there.
pub(crate) type TestPlace = (String, Item);

/// The tests of the clauses that planted bugs break, by the name of the bug and the id of the clause.
pub(crate) type OwnTests = BTreeMap<String, BTreeMap<String, Vec<TestPlace>>>;

/// For each planted bug the tests of the clauses that it breaks. What a judge of the clause has noticed already need not be
/// asked of tests.
///
/// # Errors
/// If the sources cannot be read.
pub(crate) fn own_tests(root: &Path, record: &Record) -> Result<OwnTests, String> {
    let (annotations, _) = gather(root)?;
    let of = |kind| annotations.iter().filter(move |annotation| annotation.kind == kind);
    let is_judged = |bug: &str, clause: &String| {
        let judge = record.bugs.get(bug).and_then(|entry| entry.judge.as_ref());
        of(Kind::Invariant).any(|it| Some(&it.item.path) == judge && it.clauses.contains(clause))
    };
    let mut own = OwnTests::new();
    for bug in of(Kind::Sabotage) {
        let name = &bug.item.path;
        let clauses = own.entry(name.clone()).or_default();
        for clause in bug.clauses.iter().filter(|clause| !is_judged(name, clause)) {
            let tests = of(Kind::Test).filter(|test| test.clauses.contains(clause));
            let places = tests.map(|test| (test.place.file.clone(), test.item.clone()));
            clauses.entry(clause.clone()).or_default().extend(places);
        }
    }
    Ok(own)
}

/// The document that all of this is about.
const SPECIFICATION: &str = "specs/FC-UPGRADE-0001.md";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    accept: bool,
    clauses: bool,
    write_docs: bool,
    json: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--accept" => options.accept = true,
                "--clauses" => options.clauses = true,
                "--write-docs" => options.write_docs = true,
                "--json" => options.json = true,
                other => return Err(Failure::Usage(format!("trace takes no argument {other:?}"))),
            }
        }
        Ok(options)
    }
}

/// Traces. The exit code is 1 if anything is missing.
///
/// # Errors
/// If a source or a record cannot be read.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments)?;
    let root = workspace_root();
    let specification = specification::read(&text_of(&root, SPECIFICATION)?);
    if options.accept {
        return accept(&root, &specification);
    }
    let lock = Lock::parse(&text_of(&root, lock::PATH)?)?;
    let unruled = lock.compare(&specification);
    if !unruled.is_empty() {
        unruled.iter().for_each(|what| eprintln!("trace: {what}"));
        let hint = "look at it, then: cargo xtask trace --accept";
        return Err(Failure::Failed(format!("{}: {} clauses; {hint}", lock::PATH, unruled.len())));
    }
    if options.clauses {
        list(&lock, &specification);
        return Ok(ExitCode::SUCCESS);
    }
    let trace = Trace::gather(&root, &lock)?;
    trace.write(&root, &specification, &options)
}

fn text_of(root: &Path, file: &str) -> Result<String, String> {
    std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))
}

fn accept(root: &Path, specification: &Specification) -> CommandResult {
    let known = match text_of(root, lock::PATH) {
        Ok(text) => Lock::parse(&text)?,
        Err(_) => Lock::default(),
    };
    known.compare(specification).iter().for_each(|what| println!("{what}"));
    let lock = known.accept(specification);
    let written = std::fs::write(root.join(lock::PATH), lock.render());
    written.map_err(|error| format!("{}: {error}", lock::PATH))?;
    println!("{}: {} clauses", lock::PATH, lock.ruled().count());
    Ok(ExitCode::SUCCESS)
}

/// The clauses, and what binds nobody.
fn list(lock: &Lock, specification: &Specification) {
    for clause in lock.ruled() {
        println!("{:<10} {:<9} {}", clause.id, clause.level, clause.told());
    }
    println!();
    for (line, text) in &specification.informative {
        println!("informative, line {line}: {text}");
    }
}

/// Everything that is known of every clause.
struct Trace {
    commit: String,
    tree: String,
    rows: Vec<Row>,
    figures: Figures,
    problems: Vec<Problem>,
    simulation: Told,
    model: Told,
    mutants: Mutants,
    /// Planted bugs, and those that somebody noticed.
    sabotage: (usize, usize),
    /// What the simulator said of syncs that were left out, when somebody last asked.
    syncs: Option<Value>,
    /// Lines of each crate that tests reach, in percent, when somebody last measured.
    coverage: Option<Value>,
    /// Tests that ran, and those that passed.
    tests: (usize, usize),
}

impl Trace {
    fn gather(root: &Path, lock: &Lock) -> Result<Self, String> {
        let target = target_directory()?;
        let tree = fingerprint(root)?;
        let (meanings, mut problems) = meaning::read(&text_of(root, meaning::PATH)?, lock);
        let (annotations, wrong) = gather(root)?;
        problems.extend(wrong);
        let tests = Outcomes::load(&target)
            .map_err(|why| format!("{why}; all tests first: cargo xtask test"))?;
        if tests.tree != tree {
            problems.push(Problem::new("the tests ran on another tree: cargo xtask test"));
        }
        let mut hear = |teller: Teller| -> Result<Told, String> {
            let command = teller.command();
            let told = Told::load(&target, teller)
                .map_err(|why| format!("{why}; run this first: {command}"))?;
            if told.tree != tree {
                problems.push(Problem::new(format!("that was another tree: {command}")));
            }
            if !told.is_ok() {
                problems.push(Problem::new(format!("it was not content: {command}")));
            }
            Ok(told)
        };
        let (simulation, model) = (hear(Teller::Simulator)?, hear(Teller::Model)?);
        let (sabotage, mutants) = (Record::load(root)?, Mutants::load(root)?);
        let evidence = Evidence {
            lock,
            meanings: &meanings,
            annotations: &annotations,
            tests: &tests,
            simulation: &simulation,
            sabotage: &sabotage,
            mutants: &mutants,
        };
        problems.extend(matrix::dangling(&evidence));
        problems.extend(hollow(root, &annotations)?);
        problems.extend(unnoticed(&sabotage));
        let rows = matrix::rows(&evidence);
        let figures = Figures::of(&rows);
        problems.extend(verdict::problems(&rows, &figures));
        let passed = tests.tests.iter().filter(|test| test.outcome == "ok").count();
        let caught = sabotage.bugs.values().filter(|entry| entry.is_caught()).count();
        Ok(Self {
            commit: tree::commit(root)?,
            tree,
            rows,
            figures,
            problems,
            simulation,
            model,
            mutants,
            sabotage: (sabotage.bugs.len(), caught),
            syncs: sabotage.syncs,
            coverage: record::load(root, crate::coverage::RECORD).ok(),
            tests: (tests.tests.len(), passed),
        })
    }

    fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Writes the reports, and tells.
    fn write(
        mut self,
        root: &Path,
        specification: &Specification,
        options: &Options,
    ) -> CommandResult {
        let snapshot = markdown::snapshot(specification, &self.rows, &self.figures);
        if options.write_docs {
            let written = std::fs::write(root.join(markdown::PATH), &snapshot);
            written.map_err(|error| format!("{}: {error}", markdown::PATH))?;
        } else if text_of(root, markdown::PATH).ok().as_ref() != Some(&snapshot) {
            let what = "is not what is traced: cargo xtask trace --write-docs";
            self.problems.push(Problem::new(format!("{} {what}", markdown::PATH)));
        }
        let directory = target_directory()?.join("trace");
        let data = page_data::of(&self, specification, root)?;
        record::save(&directory, "trace.json", &data)?;
        let page = directory.join("index.html");
        let written = std::fs::write(&page, html::page(&data));
        written.map_err(|error| format!("{}: {error}", page.display()))?;
        match browser::check(&page, &data, &directory) {
            Ok(checked) => checked.iter().for_each(|what| eprintln!("the page: {what}")),
            Err(wrong) => self.problems.extend(
                wrong
                    .lines()
                    .map(|what| Problem::new(format!("the page {}: {what}", page.display()))),
            ),
        }
        for problem in &self.problems {
            eprintln!("trace: {problem}");
        }
        eprintln!("{}", self.told());
        if options.json {
            println!("{}", self.line());
        }
        Ok(if self.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The result in words.
    fn told(&self) -> String {
        let Figures { clauses, must, covered, with_passing_test, .. } = self.figures;
        let (with_invariant, caught) =
            (self.figures.with_invariant, self.figures.with_sabotage_caught);
        let number = |told: &Told, name: &str| told.report.get(name).and_then(Value::as_u64);
        format!(
            "model: {} different states explored; simulator: {} disks judged, {} steps of journals held to the model\n\
             {clauses} clauses, {must} of them MUST: {covered} covered, {with_passing_test} with tests of their own that \
             pass, {with_invariant} with judges, {caught} with bugs that their own evidence noticed; {} problems",
            number(&self.model, "unique").unwrap_or_default(),
            number(&self.simulation, "distinct_states").unwrap_or_default(),
            number(&self.simulation, "trace_steps").unwrap_or_default(),
            self.problems.len()
        )
    }

    /// The result in one line.
    fn line(&self) -> Value {
        let Figures { clauses, must, covered, with_passing_test, .. } = self.figures;
        json!({
            "type": "trace",
            "clauses": clauses,
            "must": must,
            "covered": covered,
            "with_passing_test": with_passing_test,
            "with_invariant": self.figures.with_invariant,
            "with_sabotage_caught": self.figures.with_sabotage_caught,
            "uncovered": self.figures.uncovered,
            "problems": self.problems.len(),
            "ok": self.is_ok(),
        })
    }
}

/// Planted bugs that nobody was asked for since they are what they are, and those that survived.
fn unnoticed(record: &Record) -> Vec<Problem> {
    let told = |why: &'static str| {
        move |name: &str| {
            Problem::new(format!("cargo xtask sabotage --record --only {name}: {why}"))
        }
    };
    let unasked = crate::sabotage::unasked(record).into_iter().map(told("nobody was asked"));
    let survivors = crate::sabotage::survivors(record).into_iter().map(told("nobody noticed it"));
    unasked.chain(survivors).collect()
}

/// The tests of clauses that cannot fail.
fn hollow(root: &Path, annotations: &[Annotation]) -> Result<Vec<Problem>, String> {
    let is_test = |annotation: &&Annotation| annotation.kind == Kind::Test;
    let tests: Vec<&Annotation> = annotations.iter().filter(is_test).collect();
    let found = crate::tidy::hollow_tests(root)?;
    let is_of_clause = |(file, line, _): &(String, usize, String)| {
        tests.iter().any(|test| {
            &test.place.file == file && (test.item.first..=test.item.last).contains(line)
        })
    };
    let of_clauses = found.into_iter().filter(is_of_clause);
    Ok(of_clauses.map(|(file, line, what)| Problem::at(&file, line, what)).collect())
}
