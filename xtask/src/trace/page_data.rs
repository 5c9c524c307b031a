//! Everything that the page shows, as one value: it is also left beside the page, for other programs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Trace;
use super::matrix::{Part, Row};
use super::specification::Specification;

/// The most lines of an item that are shown.
const EXCERPT_LINES: usize = 40;

/// The value.
///
/// # Errors
/// If a source cannot be read.
pub(super) fn of(
    trace: &Trace,
    specification: &Specification,
    root: &Path,
) -> Result<Value, String> {
    let sections: Vec<Value> = specification
        .titles
        .iter()
        .map(|(number, title)| json!({"number": number, "title": title}))
        .collect();
    let problems: Vec<String> = trace.problems.iter().map(ToString::to_string).collect();
    let (ran, passed) = trace.tests;
    let (planted, caught) = trace.sabotage;
    Ok(json!({
        "type": "trace-data",
        "commit": trace.commit,
        "tree": trace.tree,
        "figures": trace.figures,
        "problems": problems,
        "tests": {"ran": ran, "passed": passed},
        "simulation": trace.simulation.report,
        "model": trace.model,
        "mutants": trace.mutants.crates,
        "sabotage": {"planted": planted, "caught": caught, "syncs": trace.syncs},
        "coverage": trace.coverage,
        "sections": sections,
        "rows": trace.rows,
        "excerpts": excerpts(&trace.rows, root)?,
    }))
}

/// The sources of everything that a row names, by `file:line`.
fn excerpts(rows: &[Row], root: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    let mut excerpts = BTreeMap::new();
    for part in rows.iter().flat_map(parts) {
        let Part { file, line, last, .. } = part;
        if !files.contains_key(file.as_str()) {
            let text = std::fs::read_to_string(root.join(file));
            files.insert(file, text.map_err(|error| format!("{file}: {error}"))?);
        }
        let text = files.get(file.as_str()).map(String::as_str).unwrap_or_default();
        let lines = (last + 1).saturating_sub(*line).clamp(1, EXCERPT_LINES);
        let text: Vec<&str> = text.lines().skip(line.saturating_sub(1)).take(lines).collect();
        excerpts.insert(format!("{file}:{line}"), text.join("\n"));
    }
    Ok(excerpts)
}

fn parts(row: &Row) -> impl Iterator<Item = &Part> {
    let tests = row.tests.iter().map(|test| &test.part);
    let judges = row.judges.iter().map(|judge| &judge.part);
    let broken = row.sabotages.iter().chain(&row.mutants).map(|broken| &broken.part);
    row.implementation.iter().chain(&row.documents).chain(tests).chain(judges).chain(broken)
}
