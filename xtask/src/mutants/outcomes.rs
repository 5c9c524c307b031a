//! What cargo-mutants has left behind: which mutants there are, and what became of each that was run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The directory that cargo-mutants writes within the one that it is given.
const OUTPUT: &str = "mutants.out";

/// One change of the product's source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Mutant {
    /// The crate, by the name of its directory.
    #[serde(rename = "crate")]
    pub(super) krate: String,
    /// The file, from the root of the workspace.
    pub(super) file: String,
    /// Where the change begins, counted from 1.
    pub(super) line: usize,
    /// The same within the line, in characters.
    pub(super) column: usize,
    /// The function that is changed; empty outside of one.
    pub(super) function: String,
    /// The kind of change, as cargo-mutants names it.
    pub(super) genre: String,
    /// What stands there instead; empty where something is deleted.
    pub(super) replacement: String,
    /// The change in words.
    pub(super) change: String,
}

/// Where a mutant's replacement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Span {
    /// The first character that is replaced.
    pub(super) start: Position,
    /// The first that is not.
    pub(super) end: Position,
}

/// A place in a text, counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What the tests say of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// A test failed, or the simulation found it.
    Caught,
    /// Every test passed.
    Missed,
    /// The tests did not end.
    Timeout,
    /// It does not compile, so it is no mutant at all.
    Unviable,
}

/// A mutant that was run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) mutant: Mutant,
    pub(super) verdict: Verdict,
    /// The tests that failed, sorted.
    pub(super) caught_by: Vec<String>,
    /// How long building and testing it took.
    pub(super) seconds: f64,
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
    log_path: String,
    phase_results: Vec<PhaseResult>,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Listed),
}

#[derive(Deserialize)]
struct PhaseResult {
    duration: f64,
}

/// A mutant as cargo-mutants lists it.
#[derive(Deserialize)]
struct Listed {
    name: String,
    file: String,
    function: Option<Function>,
    span: Span,
    replacement: String,
    genre: String,
}

#[derive(Deserialize)]
struct Function {
    function_name: String,
}

impl Listed {
    fn named(self, krate: &str) -> Mutant {
        let change = self.name.split_once(": ").map_or(self.name.as_str(), |(_, change)| change);
        Mutant {
            krate: krate.to_owned(),
            file: self.file,
            line: self.span.start.line,
            column: self.span.start.column,
            function: self.function.map_or_else(String::new, |function| function.function_name),
            genre: self.genre,
            replacement: self.replacement,
            change: change.to_owned(),
        }
    }
}

/// What `cargo mutants --list --json` says: every mutant, and what of the file it replaces.
///
/// # Errors
/// If it cannot be understood.
pub(super) fn listed(krate: &str, json: &[u8]) -> Result<BTreeMap<Mutant, Span>, String> {
    let listed: Vec<Listed> = serde_json::from_slice(json)
        .map_err(|error| format!("the list of mutants of {krate} cannot be read: {error}"))?;
    Ok(listed
        .into_iter()
        .map(|mutant| (mutant.span, mutant))
        .map(|(span, mutant)| (mutant.named(krate), span))
        .collect())
}

/// Every mutant of a crate that was run, from the directory that cargo-mutants was given. It writes none if none were left to
/// run.
///
/// # Errors
/// If there is nothing at all, or it cannot be understood.
pub(super) fn read(krate: &str, directory: &Path) -> Result<Vec<Run>, String> {
    let directory = directory.join(OUTPUT);
    let path = directory.join("outcomes.json");
    if !path.exists() && directory.join("mutants.json").exists() {
        return Ok(Vec::new());
    }
    let json = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let log = |log: &str| {
        let path = directory.join(log);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    runs(krate, &json, &log)
}

fn runs(
    krate: &str,
    json: &[u8],
    log: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<Run>, String> {
    let outcomes: Outcomes = serde_json::from_slice(json)
        .map_err(|error| format!("the outcomes of {krate} cannot be read: {error}"))?;
    let mut runs = Vec::new();
    for outcome in outcomes.outcomes {
        let Scenario::Mutant(listed) = outcome.scenario else { continue };
        let verdict = match outcome.summary.as_str() {
            "CaughtMutant" => Verdict::Caught,
            "MissedMutant" => Verdict::Missed,
            "Timeout" => Verdict::Timeout,
            "Unviable" => Verdict::Unviable,
            other => return Err(format!("{}: there is no outcome {other:?}", listed.name)),
        };
        let caught_by = match verdict {
            Verdict::Caught => failed_tests(&log(&outcome.log_path)?),
            _ => Vec::new(),
        };
        let seconds = outcome.phase_results.iter().map(|phase| phase.duration).sum();
        runs.push(Run { mutant: listed.named(krate), verdict, caught_by, seconds });
    }
    Ok(runs)
}

/// The tests that failed by a log of `cargo test`, sorted, as `test:BINARY::PATH::NAME`. A test binary that died by itself has
/// no result for its tests: it is named as `test:BINARY`.
fn failed_tests(log: &str) -> Vec<String> {
    let (mut failed, mut binary) = (BTreeSet::new(), "");
    for line in log.lines().map(str::trim) {
        if let Some(started) = line.strip_prefix("Running ").and_then(binary_of) {
            binary = started;
        } else if let Some(name) = failed_test(line) {
            failed.insert(format!("test:{binary}::{name}"));
        } else if line.starts_with("process didn't exit successfully") && line.contains("(signal") {
            failed.insert(format!("test:{binary}"));
        }
    }
    failed.into_iter().collect()
}

/// The name of a test binary in what cargo says when it starts it: `tests/journal.rs (target/debug/deps/journal-0123abc)`, or
/// with the whole command between backquotes.
fn binary_of(started: &str) -> Option<&str> {
    let in_parentheses = started.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let command = in_parentheses.map_or(started.trim_matches('`'), |(_, command)| command);
    let program = command.split_whitespace().next()?;
    let (directory, file) = program.rsplit_once('/')?;
    if !directory.ends_with("deps") {
        return None;
    }
    file.rsplit_once('-').map(|(name, _)| name)
}

/// The name in a line `test NAME ... FAILED`, with or without `- should panic` behind the name.
fn failed_test(line: &str) -> Option<&str> {
    let rest =
        line.strip_prefix("test ")?.strip_suffix("FAILED")?.trim_end().strip_suffix("...")?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOMES: &str = r#"{
        "outcomes": [
            {"scenario": "Baseline", "summary": "Success", "log_path": "log/baseline.log", "diff_path": null,
             "phase_results": [{"phase": "Build", "duration": 9.0, "process_status": "Success", "argv": []}]},
            {"scenario": {"Mutant": {
                "name": "crates/journal/src/read.rs:30:5: replace read -> Result<Vec<Record>> with Ok(vec![])",
                "package": "femtoclaw-upgrade-journal", "file": "crates/journal/src/read.rs",
                "function": {"function_name": "read", "return_type": "-> Result<Vec<Record>>",
                             "span": {"start": {"line": 28, "column": 1}, "end": {"line": 44, "column": 2}}},
                "span": {"start": {"line": 30, "column": 5}, "end": {"line": 43, "column": 20}},
                "replacement": "Ok(vec![])", "genre": "FnValue"}},
             "summary": "CaughtMutant", "log_path": "log/one.log", "diff_path": "diff/one.diff",
             "phase_results": [
                {"phase": "Build", "duration": 2.5, "process_status": "Success", "argv": []},
                {"phase": "Test", "duration": 0.5, "process_status": {"Failure": 101}, "argv": []}]},
            {"scenario": {"Mutant": {
                "name": "crates/journal/src/read.rs:9:3: replace == with != in look",
                "package": "femtoclaw-upgrade-journal", "file": "crates/journal/src/read.rs", "function": null,
                "span": {"start": {"line": 9, "column": 3}, "end": {"line": 9, "column": 5}},
                "replacement": "!=", "genre": "BinaryOperator"}},
             "summary": "MissedMutant", "log_path": "log/two.log", "diff_path": null, "phase_results": []}
        ],
        "total_mutants": 2, "missed": 1, "caught": 1, "timeout": 0, "unviable": 0, "success": 0,
        "cargo_mutants_version": "27.1.0"
    }"#;

    const LOG: &str = "
*** mutation diff:
+test of_a_diff ... FAILED or not
     Running `/bin/rustc --crate-name other --extern a=/w/target/debug/deps/liba-1.rmeta --cap-lints allow`
     Running `/w/target/debug/deps/journal-0123abcd --nocapture`
running 2 tests
test read::tests::one_other_byte ... FAILED
test read::tests::padding ... ok
test record::tests::dies - should panic ... FAILED
     Running tests/on_disk/main.rs (target/debug/deps/on_disk-89ef)
test torn::every_append ... FAILED
test result: FAILED. 1 passed; 1 failed
";

    #[test]
    fn of_every_mutant_it_is_known_where_it_is_what_became_of_it_and_by_what() {
        let log = |path: &str| {
            assert_eq!(path, "log/one.log", "nothing else has a test that failed");
            Ok(LOG.to_owned())
        };
        let runs = runs("journal", OUTCOMES.as_bytes(), &log).unwrap();
        assert_eq!(runs.len(), 2);
        let caught = &runs[0];
        assert_eq!((caught.mutant.line, caught.mutant.column), (30, 5));
        assert_eq!(caught.mutant.change, "replace read -> Result<Vec<Record>> with Ok(vec![])");
        assert_eq!((caught.mutant.function.as_str(), caught.verdict), ("read", Verdict::Caught));
        assert!((caught.seconds - 3.0).abs() < 1e-9);
        assert_eq!(caught.caught_by.len(), 3);
        assert_eq!((runs[1].verdict, runs[1].caught_by.len()), (Verdict::Missed, 0));
        assert_eq!(runs[1].mutant.function, "");
    }

    #[test]
    fn tests_that_failed_are_named_with_their_binary() {
        let expected = [
            "test:journal::read::tests::one_other_byte",
            "test:journal::record::tests::dies",
            "test:on_disk::torn::every_append",
        ];
        assert_eq!(failed_tests(LOG), expected);
        assert_eq!(failed_tests("test a ... ok\ntest result: ok. 1 passed"), Vec::<String>::new());
        let died = "     Running unittests src/lib.rs (target/debug/deps/upgrade-1)\n\
                    error: test failed\n\
                    Caused by:\n  process didn't exit successfully: `x` (signal: 6, SIGABRT)\n";
        assert_eq!(failed_tests(died), ["test:upgrade"]);
    }

    #[test]
    fn an_outcome_that_is_not_known_is_an_error() {
        let json = OUTCOMES.replace("MissedMutant", "Failure");
        let error = runs("journal", json.as_bytes(), &|_| Ok(String::new())).unwrap_err();
        assert!(error.contains("Failure"), "{error}");
        assert!(runs("journal", b"{}", &|_| Ok(String::new())).is_err());
    }

    #[test]
    fn a_list_of_mutants_is_what_there_is_to_run() {
        let list = br#"[{"name": "crates/journal/src/read.rs:9:3: replace == with != in look",
            "package": "p", "file": "crates/journal/src/read.rs", "function": null, "diff": "",
            "span": {"start": {"line": 9, "column": 3}, "end": {"line": 9, "column": 5}},
            "replacement": "!=", "genre": "BinaryOperator"}]"#;
        let listed = listed("journal", list).unwrap();
        let (mutant, span) = listed.first_key_value().unwrap();
        assert_eq!((mutant.line, mutant.change.as_str()), (9, "replace == with != in look"));
        assert_eq!(span.end, Position { line: 9, column: 5 });
    }
}
