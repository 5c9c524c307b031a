//! One row a clause: what was decided, where it is done, what shows it, and what that evidence has noticed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::annotations::{Annotation, Kind, Problem};
use super::items::Item;
use super::lock::{Clause, Lock};
use super::meaning::Meanings;
use super::mutants::Mutants;
use super::outcomes::Outcomes;
use super::specification::Level;
use super::told::Told;
use crate::sabotage::Record;

/// Everything that is put side by side.
pub(super) struct Evidence<'a> {
    pub(super) lock: &'a Lock,
    pub(super) meanings: &'a Meanings,
    pub(super) annotations: &'a [Annotation],
    pub(super) tests: &'a Outcomes,
    pub(super) simulation: &'a Told,
    pub(super) sabotage: &'a Record,
    pub(super) mutants: &'a Mutants,
}

/// A part of the sources or of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    pub(super) file: String,
    /// The first and the last line, from 1.
    pub(super) line: usize,
    pub(super) last: usize,
    pub(super) name: String,
}

/// A test, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TestRow {
    #[serde(flatten)]
    pub(super) part: Part,
    /// As the runs of all binaries name it.
    pub(super) ids: Vec<String>,
    /// `ok`, `FAILED`, `ignored`, or `missing`.
    pub(super) outcome: String,
}

/// A judge of the simulator, and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct JudgeRow {
    #[serde(flatten)]
    pub(super) part: Part,
    pub(super) judged: u64,
    pub(super) violations: u64,
}

/// A planted bug or a mutant, and who of the clause's own evidence noticed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct BrokenRow {
    #[serde(flatten)]
    pub(super) part: Part,
    /// Tests and judges of this clause.
    pub(super) caught_by: Vec<String>,
    /// Anybody noticed it.
    pub(super) is_caught: bool,
    /// Why nobody need notice it.
    pub(super) redundant: Option<String>,
}

/// Whether a clause is shown, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub(super) enum Status {
    /// By evidence of its own.
    Shown,
    /// Others, which are shown, say all of it.
    Implied { by: Vec<String>, reason: String },
    /// It is not so, and somebody has said why.
    Exception { reason: String },
    /// Something is missing.
    Uncovered { missing: String },
}

/// A clause with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) section: u32,
    pub(super) level: Level,
    pub(super) text: String,
    pub(super) meaning: String,
    pub(super) status: Status,
    pub(super) implementation: Vec<Part>,
    pub(super) documents: Vec<Part>,
    pub(super) tests: Vec<TestRow>,
    pub(super) judges: Vec<JudgeRow>,
    pub(super) sabotages: Vec<BrokenRow>,
    pub(super) mutants: Vec<BrokenRow>,
}

impl Row {
    pub(super) fn has_passing_test(&self) -> bool {
        self.tests.iter().any(|test| test.outcome == "ok")
    }

    pub(super) fn has_invariant(&self) -> bool {
        self.judges.iter().any(|judge| judge.judged > 0 && judge.violations == 0)
    }

    /// True if its own evidence has noticed that it was broken, at least once.
    pub(super) fn has_caught(&self) -> bool {
        self.sabotages.iter().chain(&self.mutants).any(|broken| !broken.caught_by.is_empty())
    }
}

/// All rows, in the order of the specification.
pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = evidence.lock.ruled().map(|clause| row(evidence, clause)).collect();
    let shown: BTreeSet<String> = settle(&rows);
    for row in &mut rows {
        if let Status::Implied { by, .. } = &row.status {
            let open: Vec<&str> =
                by.iter().filter(|id| !shown.contains(*id)).map(String::as_str).collect();
            if !open.is_empty() {
                let missing = format!("{}, which imply it, are not shown", open.join(", "));
                row.status = Status::Uncovered { missing };
            }
        }
    }
    rows
}

/// The clauses that are shown, by themselves or because others are. Those that imply each other in a circle are not.
fn settle(rows: &[Row]) -> BTreeSet<String> {
    let is_shown = |row: &&Row| row.status == Status::Shown;
    let mut shown: BTreeSet<String> =
        rows.iter().filter(is_shown).map(|row| row.id.clone()).collect();
    loop {
        let implied = rows.iter().filter(|row| match &row.status {
            Status::Implied { by, .. } => by.iter().all(|id| shown.contains(id)),
            _ => false,
        });
        let more: Vec<String> =
            implied.map(|row| row.id.clone()).filter(|id| !shown.contains(id)).collect();
        if more.is_empty() {
            return shown;
        }
        shown.extend(more);
    }
}

fn row(evidence: &Evidence<'_>, clause: &Clause) -> Row {
    let of = |kind| {
        let is_of = move |annotation: &&Annotation| annotation.kind == kind;
        evidence.annotations.iter().filter(is_of).filter(|a| a.clauses.contains(&clause.id))
    };
    let tests: Vec<TestRow> = of(Kind::Test).map(|test| test_row(evidence.tests, test)).collect();
    let judges: Vec<JudgeRow> = of(Kind::Invariant)
        .map(|judge| JudgeRow {
            part: part(judge),
            judged: evidence.simulation.judged(&judge.item.path),
            violations: evidence.simulation.violations(&judge.item.path),
        })
        .collect();
    let sabotages =
        of(Kind::Sabotage).map(|bug| sabotage_row(evidence.sabotage, bug, &tests, &judges));
    let implementation: Vec<&Annotation> = of(Kind::Impl).collect();
    let mut row = Row {
        id: clause.id.clone(),
        section: clause.section(),
        level: clause.level,
        text: clause.told(),
        meaning: evidence.meanings.get(&clause.id).cloned().unwrap_or_default(),
        status: Status::Shown,
        documents: of(Kind::Doc).map(part).collect(),
        sabotages: sabotages.collect(),
        mutants: mutant_rows(evidence.mutants, &implementation, &tests, &judges),
        implementation: implementation.into_iter().map(part).collect(),
        tests,
        judges,
    };
    row.status = status(&row, of(Kind::Implied).next(), of(Kind::Exception).next());
    row
}

fn status(row: &Row, implied: Option<&Annotation>, exception: Option<&Annotation>) -> Status {
    let reason = |annotation: &Annotation| annotation.reason.clone();
    if let Some(exception) = exception {
        return Status::Exception { reason: reason(exception) };
    }
    let missing = if row.implementation.is_empty() && row.documents.is_empty() {
        "nothing says that it does it"
    } else if !row.has_passing_test() && !row.has_invariant() {
        "no test that passes and no judge shows it"
    } else {
        return Status::Shown;
    };
    match implied {
        Some(implied) => Status::Implied { by: implied.by.clone(), reason: reason(implied) },
        None => Status::Uncovered { missing: missing.to_owned() },
    }
}

fn part(annotation: &Annotation) -> Part {
    let Item { path, named, last, .. } = &annotation.item;
    let file = annotation.place.file.clone();
    Part { file, line: *named, last: *last, name: path.clone() }
}

fn test_row(tests: &Outcomes, test: &Annotation) -> TestRow {
    let found = tests.of(&test.place.file, &test.item);
    // In several binaries, the worst counts.
    let outcome = found.iter().map(|test| test.outcome.as_str()).find(|outcome| *outcome != "ok");
    let outcome = if found.is_empty() { "missing" } else { outcome.unwrap_or("ok") };
    let ids = found.iter().map(|test| test.id()).collect();
    TestRow { part: part(test), ids, outcome: outcome.to_owned() }
}

fn sabotage_row(
    record: &Record,
    bug: &Annotation,
    tests: &[TestRow],
    judges: &[JudgeRow],
) -> BrokenRow {
    let entry = record.bugs.get(&bug.item.path);
    let own_tests = tests.iter().filter(|test| {
        entry.is_some_and(|entry| test.ids.iter().any(|id| entry.tests.contains(id)))
    });
    let own_judges = judges
        .iter()
        .filter(|judge| entry.is_some_and(|entry| entry.judge.as_ref() == Some(&judge.part.name)));
    let tests = own_tests.map(|test| test.part.name.clone());
    BrokenRow {
        part: part(bug),
        caught_by: tests.chain(own_judges.map(|judge| judge.part.name.clone())).collect(),
        is_caught: entry.is_some_and(crate::sabotage::Entry::is_caught),
        // What was noticed after all need not be excused.
        redundant: entry
            .filter(|entry| !entry.is_caught())
            .and_then(|entry| entry.redundant.clone()),
    }
}

/// The mutants of what makes the clause true that its own evidence noticed.
fn mutant_rows(
    mutants: &Mutants,
    implementation: &[&Annotation],
    tests: &[TestRow],
    judges: &[JudgeRow],
) -> Vec<BrokenRow> {
    let is_within = |file: &str, line: usize| {
        implementation.iter().any(|annotation| {
            let item = &annotation.item;
            annotation.place.file == file && (item.first..=item.last).contains(&line)
        })
    };
    let within = mutants.mutants.iter().filter(|mutant| is_within(&mutant.file, mutant.line));
    let rows = within.map(|mutant| {
        let own_tests =
            tests.iter().filter(|test| test.ids.iter().any(|id| mutant.is_caught_by_test(id)));
        let own_judges = judges.iter().filter(|judge| mutant.is_caught_by_judge(&judge.part.name));
        let tests = own_tests.map(|test| test.part.name.clone());
        let (file, line) = (mutant.file.clone(), mutant.line);
        BrokenRow {
            part: Part { file, line, last: line, name: mutant.change.clone() },
            caught_by: tests.chain(own_judges.map(|judge| judge.part.name.clone())).collect(),
            is_caught: mutant.verdict == "caught",
            redundant: None,
        }
    });
    rows.filter(|row| !row.caught_by.is_empty()).collect()
}

/// What is wrong with the annotations themselves, whichever clause they name.
pub(super) fn dangling(evidence: &Evidence<'_>) -> Vec<Problem> {
    let clauses: BTreeMap<&str, &Clause> =
        evidence.lock.clauses.iter().map(|clause| (clause.id.as_str(), clause)).collect();
    let mut problems = Vec::new();
    for annotation in evidence.annotations {
        for id in annotation.clauses.iter().chain(&annotation.by) {
            let what = match clauses.get(id.as_str()) {
                None => "there is no clause",
                Some(clause) if clause.is_retired => "the specification no longer says",
                Some(_) => continue,
            };
            let place = &annotation.place;
            problems.push(Problem::at(&place.file, place.line, format!("{what} {id}")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::annotations::{of_document, of_source};
    use super::super::outcomes::Binary;
    use super::super::specification::read;
    use super::*;
    use serde_json::json;

    const FILE: &str = "crates/a/src/lib.rs";
    const SOURCE: &str = "\
// trace: impl FC-1.1 FC-1.2
fn keep() {}
// trace: invariant FC-1.1
const JUDGE: Judge = Judge { name: \"kept\" };
const BUGS: [B; 1] = [
    // trace: sabotage FC-1.1 FC-1.2
    bug(\"lost\", F),
];
mod tests {
    // trace: test FC-1.1
    #[test]
    fn it_is_kept() {}
}
";
    const MEANING: &str = "\
<!-- trace: implied FC-1.3 by FC-1.1: all of it -->
<!-- trace: implied FC-1.4 by FC-1.2: all of it -->
<!-- trace: exception FC-1.5: not yet -->
";

    /// Everything but what differs from test to test.
    struct Known {
        lock: Lock,
        annotations: Vec<Annotation>,
        tests: Outcomes,
        simulation: Told,
        sabotage: Record,
        mutants: Mutants,
    }

    fn known() -> Known {
        let text = (1..=5).map(|n| format!("It MUST be {n}.\n\n")).collect::<String>();
        let lock = Lock::default().accept(&read(&format!("# 1. A\n\n{text}")));
        let marks = of_source(FILE, SOURCE).into_iter().chain(of_document("m.md", MEANING));
        let mut tests = Outcomes::default();
        let [package, target, root] = ["crates/a", "lib", FILE].map(str::to_owned);
        tests.list(&Binary { package, target, root }, ["tests::it_is_kept"].into_iter());
        "ok".clone_into(&mut tests.tests[0].outcome);
        let report = json!({"ok": true, "judged": {"kept": 7}, "violated": {}});
        Known {
            lock,
            annotations: marks.map(Result::unwrap).collect(),
            tests,
            simulation: Told { tree: String::new(), report },
            sabotage: Record::default(),
            mutants: Mutants::default(),
        }
    }

    fn rows_of(known: &Known) -> Vec<Row> {
        let meanings = Meanings::new();
        let evidence = Evidence {
            lock: &known.lock,
            meanings: &meanings,
            annotations: &known.annotations,
            tests: &known.tests,
            simulation: &known.simulation,
            sabotage: &known.sabotage,
            mutants: &known.mutants,
        };
        assert_eq!(dangling(&evidence), []);
        rows(&evidence)
    }

    fn is_uncovered(row: &Row) -> bool {
        matches!(row.status, Status::Uncovered { .. })
    }

    #[test]
    fn a_clause_is_shown_by_what_passed_and_others_are_implied_by_what_is_shown() {
        let rows = rows_of(&known());
        assert_eq!(rows[0].status, Status::Shown);
        assert_eq!(rows[0].tests[0].ids, ["crates/a lib tests::it_is_kept"]);
        assert!(rows[0].has_passing_test() && rows[0].has_invariant());
        assert!(is_uncovered(&rows[1]), "nothing shows it");
        assert!(matches!(rows[2].status, Status::Implied { .. }));
        assert!(is_uncovered(&rows[3]), "what implies it is not shown");
        assert!(matches!(rows[4].status, Status::Exception { .. }));
    }

    #[test]
    fn neither_a_test_that_did_not_pass_nor_a_judge_that_saw_a_violation_shows_anything() {
        let mut known = known();
        "FAILED".clone_into(&mut known.tests.tests[0].outcome);
        assert_eq!(rows_of(&known)[0].status, Status::Shown, "the judge still shows it");
        known.simulation.report["violated"] = json!({"kept (adopt)": 1});
        assert!(is_uncovered(&rows_of(&known)[0]));
        known.tests.tests.clear();
        assert_eq!(rows_of(&known)[0].tests[0].outcome, "missing");
        known.simulation.report = json!({});
        assert!(is_uncovered(&rows_of(&known)[0]), "a judge with nothing to judge shows nothing");
    }

    #[test]
    fn only_its_own_evidence_counts_for_a_clause_that_was_broken() {
        let mut known = known();
        assert!(!rows_of(&known)[0].has_caught(), "nobody was asked");
        let mut caught_by = |judge: Option<&str>, tests: &[&str]| {
            let entry = crate::sabotage::Entry {
                judge: judge.map(str::to_owned),
                tests: tests.iter().map(|test| (*test).to_owned()).collect(),
                ..crate::sabotage::Entry::default()
            };
            known.sabotage.bugs.insert("lost".to_owned(), entry);
            let rows = rows_of(&known);
            (rows[0].has_caught(), rows[1].has_caught(), rows[0].sabotages[0].is_caught)
        };
        assert_eq!(caught_by(Some("kept"), &[]), (true, false, true));
        assert_eq!(caught_by(None, &["crates/a lib tests::it_is_kept"]), (true, false, true));
        assert_eq!(caught_by(Some("other"), &["crates/a lib tests::other"]), (false, false, true));
        assert_eq!(caught_by(None, &[]), (false, false, false));
    }

    #[test]
    fn a_mutant_counts_within_what_makes_the_clause_true_and_if_its_own_test_noticed() {
        let mut known = known();
        let mut caught = |line: usize, by: &str| {
            let mutant = json!({"crate": "a", "file": FILE, "line": line, "function": "keep",
                "change": "replace keep with ()", "verdict": "caught", "caught_by": [by]});
            known.mutants.mutants = vec![serde_json::from_value(mutant).unwrap()];
            rows_of(&known)[0].has_caught()
        };
        assert!(caught(2, "test:a::tests::it_is_kept"));
        assert!(caught(2, "judge:kept"));
        assert!(!caught(2, "test:a::tests::it_is_lost"));
        assert!(!caught(2, "test:a::other::tests::it_is_kept"), "another test by that name");
        assert!(!caught(4, "test:a::tests::it_is_kept"));
    }

    #[test]
    fn an_id_that_the_specification_does_not_have_is_a_problem() {
        let mut known = known();
        known.annotations[0].clauses.push("FC-9.9".to_owned());
        known.lock.clauses[1].is_retired = true;
        let meanings = Meanings::new();
        let evidence = Evidence {
            lock: &known.lock,
            meanings: &meanings,
            annotations: &known.annotations[..1],
            tests: &known.tests,
            simulation: &known.simulation,
            sabotage: &known.sabotage,
            mutants: &known.mutants,
        };
        let told: Vec<String> = dangling(&evidence).iter().map(ToString::to_string).collect();
        let expected = [
            "crates/a/src/lib.rs:1: the specification no longer says FC-1.2",
            "crates/a/src/lib.rs:1: there is no clause FC-9.9",
        ];
        assert_eq!(told, expected);
    }
}
