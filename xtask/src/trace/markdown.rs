//! The snapshot that is kept with the sources: what a reader of the repository sees without running anything. It holds
//! nothing that differs from run to run, so that it changes only when the evidence does.

use std::fmt::Write;

use super::matrix::{BrokenRow, Part, Row, Status};
use super::specification::Specification;
use super::verdict::Figures;

/// Where it is.
pub(super) const PATH: &str = "docs/trace.md";

/// The snapshot.
pub(super) fn snapshot(specification: &Specification, rows: &[Row], figures: &Figures) -> String {
    let mut text = String::from(HEADER);
    let Figures { clauses, must, covered, with_passing_test, .. } = figures;
    let (with_invariant, caught) = (figures.with_invariant, figures.with_sabotage_caught);
    // Writing into a text does not fail.
    let _ = write!(
        text,
        "\
| | |
|---|---|
| leaf clauses | {clauses} |
| of them MUST and MUST NOT | {must} |
| covered | {covered} |
| with a test of their own that passes | {with_passing_test} |
| with a judge of the simulator | {with_invariant} |
| with a planted bug or a mutant that their own evidence noticed | {caught} |
"
    );
    for (number, title) in &specification.titles {
        let of_section: Vec<&Row> = rows.iter().filter(|row| row.section == *number).collect();
        if of_section.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## §{number} {title}\n");
        for row in of_section {
            text += &clause(row);
        }
    }
    text
}

const HEADER: &str = "\
# Every clause, and what shows it

Written by `cargo xtask trace --write-docs`; a difference is a failure of `cargo xtask trace`, which also makes the page with
the outcomes of a run (`target/trace/index.html`). What the clauses mean is in [specs/meaning.md](../specs/meaning.md), how they
are read and marked in [docs/tracing.md](tracing.md).

";

fn clause(row: &Row) -> String {
    let status = match &row.status {
        Status::Implied { by, reason } => format!("implied by {}: {reason}", by.join(", ")),
        Status::Exception { reason } => format!("exception: {reason}"),
        Status::Uncovered { missing } => format!("**uncovered**: {missing}"),
        Status::Shown => "shown".to_owned(),
    };
    let mut text = format!("\n**{}** ({}, {status}) {}\n\n", row.id, row.level, row.text);
    let mut list = |what: &str, entries: Vec<String>| {
        if !entries.is_empty() {
            text += &format!("- {what}: {}\n", entries.join(", "));
        }
    };
    list("done in", row.implementation.iter().map(place).collect());
    list("written in", row.documents.iter().map(place).collect());
    list("tests", row.tests.iter().map(|test| place(&test.part)).collect());
    list("judges", row.judges.iter().map(|judge| format!("`{}`", judge.part.name)).collect());
    list("planted bugs", row.sabotages.iter().map(broken).collect());
    list(
        "mutants noticed",
        match row.mutants.len() {
            0 => Vec::new(),
            count => vec![count.to_string()],
        },
    );
    text
}

fn place(part: &Part) -> String {
    format!("`{}` ({})", part.name, part.file)
}

fn broken(row: &BrokenRow) -> String {
    let name = &row.part.name;
    match (&row.redundant, row.caught_by.len(), row.is_caught) {
        (_, 1.., _) => format!("`{name}` (noticed)"),
        (_, 0, true) => format!("`{name}` (noticed by others)"),
        (Some(_), 0, false) => format!("`{name}` (redundant)"),
        (None, 0, false) => format!("`{name}` (**not noticed**)"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::TestRow;
    use super::super::specification::{Level, read};
    use super::*;

    fn part(name: &str) -> Part {
        Part { file: "a.rs".to_owned(), line: 3, last: 4, name: name.to_owned() }
    }

    #[test]
    fn a_clause_is_told_with_everything_that_shows_it_and_without_lines() {
        let specification = read("# 7. Atomicity\n\nIt MUST be.\n");
        let text = str::to_owned;
        let noticed = BrokenRow {
            part: part("lost"),
            caught_by: vec![text("t")],
            is_caught: true,
            redundant: None,
        };
        let survived = BrokenRow { caught_by: Vec::new(), is_caught: false, ..noticed.clone() };
        let row = Row {
            id: text("FC-7.1"),
            section: 7,
            level: Level::Must,
            text: text("It MUST be."),
            meaning: String::new(),
            status: Status::Shown,
            implementation: vec![part("f")],
            documents: Vec::new(),
            tests: vec![TestRow { part: part("t"), ids: Vec::new(), outcome: text("ok") }],
            judges: Vec::new(),
            sabotages: vec![noticed, survived],
            mutants: Vec::new(),
        };
        let figures = Figures::of(std::slice::from_ref(&row));
        let written = snapshot(&specification, &[row], &figures);
        let expected = "
## §7 Atomicity

**FC-7.1** (MUST, shown) It MUST be.

- done in: `f` (a.rs)
- tests: `t` (a.rs)
- planted bugs: `lost` (noticed), `lost` (**not noticed**)
";
        assert!(written.ends_with(expected), "{written}");
        assert!(written.contains("| covered | 1 |"), "{written}");
    }
}
