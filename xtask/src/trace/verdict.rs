//! What is missing, and the figures.

use serde::Serialize;

use super::annotations::Problem;
use super::matrix::{Row, Status};

/// Each MUST of these sections has a planted bug or a mutant that its own evidence noticed.
const HARDENED: [u32; 11] = [5, 6, 7, 8, 9, 15, 16, 18, 19, 20, 21];
/// So many of a hundred MUSTs have one, at least.
const CAUGHT_PERCENT: usize = 60;

/// What there is in numbers. All but the first count MUST and MUST NOT only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Figures {
    /// Leaf clauses of every level.
    pub(super) clauses: usize,
    /// Those that say MUST or MUST NOT.
    pub(super) must: usize,
    /// Of these: shown, or implied by what is shown.
    pub(super) covered: usize,
    /// Of these: with a test of their own that passed, at least.
    pub(super) with_passing_test: usize,
    /// Of these: with a judge of the simulator that had something to judge, and found nothing wrong.
    pub(super) with_invariant: usize,
    /// Of these: with a planted bug or a mutant that their own evidence noticed.
    pub(super) with_sabotage_caught: usize,
    /// The clauses of every level that are not covered.
    pub(super) uncovered: Vec<String>,
}

impl Figures {
    pub(super) fn of(rows: &[Row]) -> Self {
        let must = || rows.iter().filter(|row| row.level.is_must());
        let is_covered = |row: &Row| matches!(row.status, Status::Shown | Status::Implied { .. });
        Self {
            clauses: rows.len(),
            must: must().count(),
            covered: must().filter(|row| is_covered(row)).count(),
            with_passing_test: must().filter(|row| row.has_passing_test()).count(),
            with_invariant: must().filter(|row| row.has_invariant()).count(),
            with_sabotage_caught: must().filter(|row| row.has_caught()).count(),
            uncovered: rows
                .iter()
                .filter(|row| !is_covered(row))
                .map(|row| row.id.clone())
                .collect(),
        }
    }
}

/// Everything that is wrong with these rows.
pub(super) fn problems(rows: &[Row], figures: &Figures) -> Vec<Problem> {
    let mut problems: Vec<Problem> = rows.iter().flat_map(problems_of).collect();
    if figures.with_sabotage_caught * 100 < figures.must * CAUGHT_PERCENT {
        problems.push(Problem::new(format!(
            "of {} clauses that say MUST, {} have a planted bug or a mutant that their own evidence noticed; {CAUGHT_PERCENT} % are wanted",
            figures.must, figures.with_sabotage_caught
        )));
    }
    problems.sort();
    problems.dedup();
    problems
}

fn problems_of(row: &Row) -> Vec<Problem> {
    let mut problems = Vec::new();
    match &row.status {
        Status::Uncovered { missing } => {
            problems.push(Problem::new(format!("{} is not covered: {missing}", row.id)));
        }
        Status::Exception { reason } if row.level.is_must() => {
            problems.push(Problem::new(format!("{} does not hold: {reason}", row.id)));
        }
        Status::Shown | Status::Implied { .. } | Status::Exception { .. } => {}
    }
    if HARDENED.contains(&row.section) && row.level.is_must() && !row.has_caught() {
        let what = "has no planted bug and no mutant that its own evidence noticed";
        problems.push(Problem::new(format!("{} {what}", row.id)));
    }
    for test in &row.tests {
        let what = match test.outcome.as_str() {
            "ok" => continue,
            "missing" => "did not run".to_owned(),
            other => format!("did not pass: {other}"),
        };
        let name = &test.part.name;
        problems.push(Problem::at(
            &test.part.file,
            test.part.line,
            format!("the test {name} {what}"),
        ));
    }
    for judge in &row.judges {
        let name = &judge.part.name;
        let what = match (judge.judged, judge.violations) {
            (0, _) => format!("the judge {name} had nothing to judge"),
            (_, 0) => continue,
            (_, violations) => format!("the judge {name} saw {violations} violations"),
        };
        problems.push(Problem::at(&judge.part.file, judge.part.line, what));
    }
    for bug in &row.sabotages {
        if !bug.is_caught && bug.redundant.is_none() {
            let what = format!(
                "nobody is on record to have noticed the planted bug {0}: cargo xtask sabotage --record --only {0}",
                bug.part.name
            );
            problems.push(Problem::at(&bug.part.file, bug.part.line, what));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::matrix::{BrokenRow, JudgeRow, Part, TestRow};
    use super::super::specification::Level;
    use super::*;

    fn part(name: &str) -> Part {
        Part { file: "a.rs".to_owned(), line: 3, last: 4, name: name.to_owned() }
    }

    fn test(outcome: &str) -> TestRow {
        TestRow { part: part("t"), ids: vec!["a lib t".to_owned()], outcome: outcome.to_owned() }
    }

    fn judge(judged: u64, violations: u64) -> JudgeRow {
        JudgeRow { part: part("link"), judged, violations }
    }

    fn bug(caught_by: &[&str], is_caught: bool) -> BrokenRow {
        let caught_by = caught_by.iter().map(|by| (*by).to_owned()).collect();
        BrokenRow { part: part("lost"), caught_by, is_caught, redundant: None }
    }

    fn row(level: Level, section: u32) -> Row {
        Row {
            id: format!("FC-{section}.1"),
            section,
            level,
            text: String::new(),
            meaning: String::new(),
            status: Status::Shown,
            implementation: vec![part("f")],
            documents: Vec::new(),
            tests: vec![test("ok")],
            judges: vec![judge(5, 0)],
            sabotages: vec![bug(&["t"], true)],
            mutants: Vec::new(),
        }
    }

    fn told(row: Row) -> Vec<String> {
        problems_of(&row).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_shown_is_no_problem() {
        assert_eq!(told(row(Level::Must, 7)), Vec::<String>::new());
    }

    #[test]
    fn whatever_is_missing_is_a_problem() {
        let must = || row(Level::Must, 7);
        let missing = || Status::Uncovered { missing: "no test".to_owned() };
        assert_eq!(told(Row { status: missing(), ..must() }), ["FC-7.1 is not covered: no test"]);
        assert_eq!(
            told(Row { tests: vec![test("missing")], ..must() }),
            ["a.rs:3: the test t did not run"]
        );
        let ignored = Row { tests: vec![test("ok"), test("ignored")], ..must() };
        assert_eq!(told(ignored), ["a.rs:3: the test t did not pass: ignored"]);
        let idle = Row { judges: vec![judge(0, 0)], ..must() };
        assert_eq!(told(idle), ["a.rs:3: the judge link had nothing to judge"]);
        let violated = Row { judges: vec![judge(9, 2)], ..must() };
        assert_eq!(told(violated), ["a.rs:3: the judge link saw 2 violations"]);
        let exception = || Status::Exception { reason: "not yet".to_owned() };
        assert_eq!(told(Row { status: exception(), ..must() }), ["FC-7.1 does not hold: not yet"]);
        assert_eq!(told(Row { status: exception(), ..row(Level::May, 24) }), Vec::<String>::new());
    }

    #[test]
    fn a_bug_that_others_noticed_is_no_evidence_and_one_that_nobody_noticed_is_a_problem() {
        let by_others =
            |section| Row { sabotages: vec![bug(&[], true)], ..row(Level::Must, section) };
        assert_eq!(told(by_others(7)).len(), 1);
        assert_eq!(told(by_others(21)).len(), 1);
        assert_eq!(told(by_others(4)), Vec::<String>::new());
        let survived =
            Row { sabotages: vec![bug(&["t"], true), bug(&[], false)], ..row(Level::Must, 4) };
        assert!(told(survived)[0].contains("sabotage --record --only lost"));
    }

    #[test]
    fn figures_count_what_must_be_and_a_share_of_them_is_hardened() {
        let uncovered = Row {
            status: Status::Uncovered { missing: String::new() },
            tests: Vec::new(),
            judges: Vec::new(),
            sabotages: Vec::new(),
            ..row(Level::MustNot, 4)
        };
        let rows = [row(Level::Must, 7), row(Level::May, 24), uncovered];
        let figures = Figures::of(&rows);
        let expected = Figures {
            clauses: 3,
            must: 2,
            covered: 1,
            with_passing_test: 1,
            with_invariant: 1,
            with_sabotage_caught: 1,
            uncovered: vec!["FC-4.1".to_owned()],
        };
        assert_eq!(figures, expected);
        let told: Vec<String> = problems(&rows, &figures).iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|what| what.contains("60 % are wanted")), "{told:?}");
    }
}
