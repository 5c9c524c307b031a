//! `cargo xtask trace`: every clause of the specification, with the evidence for it.
//!
//! Sources and documents say in comments which clause they make true, show, or ask for (`annotations.rs`). This command
//! reads the clauses, the annotations, and what came of the tests, the simulator, the planted bugs and the mutants, and puts
//! them side by side: one row a clause. It fails if anything is missing.

mod annotations;
mod items;
mod lock;
mod meaning;
mod outcomes;
mod record;
mod simulation;
mod specification;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use crate::CommandResult;
use crate::runner::workspace_root;
use crate::tidy::tracked_files;
use annotations::{Annotation, Kind, Problem};
use items::Item;
pub(crate) use outcomes::{Binary, Listener, Outcomes, binaries, id, outcome};
pub(crate) use simulation::Simulation;
pub(crate) use tree::fingerprint;

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

/// The tests of the clauses that a planted bug breaks, by its name.
pub(crate) type OwnTests = BTreeMap<String, Vec<TestPlace>>;

/// For each planted bug the tests of the clauses that it breaks.
///
/// # Errors
/// If the sources cannot be read.
pub(crate) fn own_tests(root: &Path) -> Result<OwnTests, String> {
    let (annotations, _) = gather(root)?;
    let of = |kind| annotations.iter().filter(move |annotation| annotation.kind == kind);
    let mut own = OwnTests::new();
    for bug in of(Kind::Sabotage) {
        let shows = |test: &&Annotation| test.clauses.iter().any(|id| bug.clauses.contains(id));
        let tests = of(Kind::Test).filter(shows);
        let places = tests.map(|test| (test.place.file.clone(), test.item.clone()));
        own.entry(bug.item.path.clone()).or_default().extend(places);
    }
    Ok(own)
}

pub(crate) fn run(_arguments: &[String]) -> CommandResult {
    let root = workspace_root();
    let text = std::fs::read_to_string(root.join("specs/FC-UPGRADE-0001.md"))
        .map_err(|e| e.to_string())?;
    let specification = specification::read(&text);
    let lock = lock::Lock::parse(
        &std::fs::read_to_string(root.join(lock::PATH)).map_err(|e| e.to_string())?,
    )?;
    for u in lock.compare(&specification) {
        println!("{u}");
    }
    let (annotations, mut problems) = gather(&root)?;
    let (_, more) = meaning::read(
        &std::fs::read_to_string(root.join(meaning::PATH)).map_err(|e| e.to_string())?,
        &lock,
    );
    problems.extend(more);
    println!("{} annotations", annotations.len());
    for problem in &problems {
        println!("{problem}");
    }
    Ok(ExitCode::SUCCESS)
}
