//! The records that the report is made of, and whether each is of this tree. What is missing or of another tree is said so,
//! with the command that makes it: old figures are never shown as today's.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::runner::output_of;
use crate::trace::html::data::{list, of_things, text};
use crate::{mutants, sabotage};

/// How much of a tree's name is shown.
const DIGITS: usize = 12;

/// What a record is worth for this tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It was gathered from this very tree.
    Current,
    /// It is about another tree, or about parts of one that are not what they were: a sentence that says how.
    Other(String),
    /// Nobody has made it yet.
    Missing,
    /// It is there and cannot be read: what is wrong.
    Broken(String),
}

/// One record.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What it is called on the pages.
    pub(super) name: &'static str,
    /// Where it lies, as people are told.
    pub(super) file: &'static str,
    /// What makes it anew.
    pub(super) command: &'static str,
    pub(super) state: State,
    /// What stands in it; nothing where it is missing or broken.
    pub(super) value: Value,
}

impl Source {
    /// True if it speaks of this tree.
    pub(super) fn is_current(&self) -> bool {
        self.state == State::Current
    }

    /// True if there is anything to show.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.state, State::Current | State::Other(_))
    }

    /// What is wrong with it, in words; nothing if it speaks of this tree.
    pub(super) fn problem(&self) -> Option<String> {
        match &self.state {
            State::Current => None,
            State::Other(how) => Some(how.clone()),
            State::Missing => Some(format!("There is no {}", self.file)),
            State::Broken(why) => Some(format!("It cannot be read: {why}")),
        }
    }
}

/// Where the records of one kind lie, how they are called, and what makes them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) command: &'static str,
}

/// What is left below the directory in which cargo builds.
pub(super) const TESTS: Kind =
    Kind { name: "Tests", file: "trace/tests.json", command: "cargo xtask test" };
pub(super) const SIMULATION: Kind =
    Kind { name: "Simulator", file: "trace/simulation.json", command: "cargo xtask sim --quick" };
pub(super) const MODEL: Kind =
    Kind { name: "Model", file: "trace/model.json", command: "cargo xtask model" };
pub(super) const TRACE: Kind =
    Kind { name: "Trace", file: "trace/trace.json", command: "cargo xtask trace" };
/// What is kept with the sources.
pub(super) const SABOTAGE: Kind = Kind {
    name: "Planted bugs",
    file: "specs/evidence/sabotage.json",
    command: "cargo xtask sabotage --record --new",
};
pub(super) const MUTANTS: Kind = Kind {
    name: "Mutants",
    file: "specs/evidence/mutants.json",
    command: "cargo xtask mutants --record",
};
pub(super) const COVERAGE: Kind =
    Kind { name: "Coverage", file: crate::coverage::RECORD, command: "cargo xtask coverage" };
pub(super) const BENCH: Kind = Kind {
    name: "Bench",
    file: "docs/performance.json",
    command: "cargo xtask bench --write-docs",
};

/// Reads a record and decides what it is worth.
fn load(directory: &Path, kind: Kind, judge: impl FnOnce(&Value) -> State) -> Source {
    let Kind { name, file, command } = kind;
    let of = |state, value| Source { name, file, command, state, value };
    let text = match std::fs::read_to_string(directory.join(file)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return of(State::Missing, Value::Null);
        }
        Err(error) => return of(State::Broken(error.to_string()), Value::Null),
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() => of(judge(&value), value),
        Ok(_) => of(State::Broken("it is no record".to_owned()), Value::Null),
        Err(error) => of(State::Broken(error.to_string()), Value::Null),
    }
}

/// A record that a command has left below the directory in which cargo builds, with the tree that it looked at.
pub(super) fn of_tree(target: &Path, kind: Kind, tree: &str) -> Source {
    load(target, kind, |value| match text(value, "tree") {
        known if known == tree => State::Current,
        "" => State::Other("It does not say of which tree it is".to_owned()),
        other => {
            let short: String = other.chars().take(DIGITS).collect();
            State::Other(format!("It is of another tree, {short}"))
        }
    })
}

/// What came of planted bugs. Each entry names the bug by a digest of its edits.
pub(super) fn sabotage(root: &Path) -> Source {
    load(root, SABOTAGE, |_| match sabotage::Record::load(root) {
        Ok(record) => stale(sabotage::unasked(&record).len(), "planted bug", "nobody was asked"),
        Err(why) => State::Broken(why),
    })
}

/// What came of mutants. Each crate has the digest of the sources that were changed.
pub(super) fn mutants(root: &Path) -> Source {
    load(root, MUTANTS, |value| {
        let crates = value.get("crates").and_then(Value::as_object);
        let differs = |(name, of): &(&String, &Value)| {
            mutants::sources(root, name).ok().as_deref() != Some(text(of, "sources"))
        };
        let changed = crates.into_iter().flatten().filter(differs).count();
        stale(changed, "crate", "the sources are not those that were changed")
    })
}

fn stale(number: usize, thing: &str, how: &str) -> State {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    if number == 0 {
        return State::Current;
    }
    State::Other(format!("Of {} {how}", of_things(number, thing)))
}

/// A record that does not say of which tree it is, but was committed with it: it is current as long as nothing below these
/// directories has changed since.
pub(super) fn of_commit(root: &Path, kind: Kind, about: &[&str]) -> Source {
    load(root, kind, |_| match changed_since(root, kind.file, about) {
        Ok((_, 0)) => State::Current,
        Ok((commit, files)) => {
            let files = of_things(files, "file");
            State::Other(format!(
                "It was measured at commit {commit}; the code has changed since, in {files}"
            ))
        }
        Err(why) => State::Other(format!("Nobody knows of which tree it is: {why}")),
    })
}

/// The commit that a file was last written with, and how many files of these directories differ from it now.
fn changed_since(root: &Path, file: &str, about: &[&str]) -> Result<(String, u64), String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(root).args(arguments);
        output_of(&mut command).map(|said| String::from_utf8_lossy(&said).trim().to_owned())
    };
    let format = format!("--abbrev={DIGITS}");
    let commit = git(&["log", "-1", "--format=%h", &format, "--", file])?;
    if commit.is_empty() {
        return Err("it was never committed".to_owned());
    }
    let changed = git(&[&["diff", "--name-only", &commit, "--"], about].concat())?;
    Ok((commit, u64::try_from(changed.lines().count()).unwrap_or(u64::MAX)))
}

/// The tests of a record that did not pass, by name.
pub(super) fn not_passed(tests: &Value) -> Vec<String> {
    let others = list(tests, "tests").iter().filter(|test| text(test, "outcome") != "ok");
    let told = |test: &Value| {
        let [package, name, outcome] = ["package", "name", "outcome"].map(|key| text(test, key));
        format!("{package} {name}: {outcome}")
    };
    others.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(root: &Path, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.current_dir(root).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        output_of(command.args(arguments)).unwrap();
    }

    fn write(root: &Path, name: &str, text: &str) {
        std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        std::fs::write(root.join(name), text).unwrap();
    }

    #[test]
    fn a_record_that_is_missing_names_the_file_and_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let source = of_tree(directory.path(), SIMULATION, "abc");
        assert_eq!((&source.state, source.command), (&State::Missing, "cargo xtask sim --quick"));
        assert!(!source.is_there() && !source.is_current());
        assert_eq!(source.problem().unwrap(), "There is no trace/simulation.json");
    }

    #[test]
    fn a_record_of_another_tree_is_there_but_not_current() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), MODEL.file, r#"{"tree": "0123456789abcdef", "report": {}}"#);
        assert_eq!(of_tree(directory.path(), MODEL, "0123456789abcdef").state, State::Current);
        let source = of_tree(directory.path(), MODEL, "fedc");
        assert!(source.is_there() && !source.is_current());
        assert!(source.problem().unwrap().contains("another tree, 0123456789ab"));
        write(directory.path(), MODEL.file, r#"{"report": {}}"#);
        assert!(!of_tree(directory.path(), MODEL, "fedc").is_current());
    }

    #[test]
    fn a_record_that_cannot_be_read_shows_nothing_and_says_why() {
        let directory = tempfile::tempdir().unwrap();
        for broken in ["{\"tree\": ", "[]", ""] {
            write(directory.path(), TRACE.file, broken);
            let source = of_tree(directory.path(), TRACE, "abc");
            assert!(matches!(source.state, State::Broken(_)), "{broken}: {:?}", source.state);
            assert!(!source.is_there() && source.value.is_null());
        }
        write(directory.path(), SABOTAGE.file, "{\"bugs\": 7}");
        let source = sabotage(directory.path());
        assert!(matches!(source.state, State::Broken(_)), "{:?}", source.state);
    }

    #[test]
    fn planted_bugs_that_nobody_was_asked_for_make_the_record_an_old_one() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), SABOTAGE.file, "{\"bugs\": {}}");
        let told = sabotage(directory.path()).problem().unwrap();
        assert!(told.contains("planted bugs nobody was asked"), "{told}");
    }

    #[test]
    fn mutants_are_of_the_sources_that_were_changed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        write(root, "crates/a/src/lib.rs", "fn one() {}");
        let sources = crate::mutants::sources(root, "a").unwrap();
        let record = serde_json::json!({ "crates": { "a": { "sources": sources } } });
        write(root, MUTANTS.file, &record.to_string());
        assert_eq!(mutants(root).state, State::Current);
        write(root, "crates/a/src/lib.rs", "fn other() {}");
        assert!(mutants(root).problem().unwrap().starts_with("Of 1 crate the sources"));
    }

    #[test]
    fn what_was_measured_is_current_until_what_it_measures_changes() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        write(root, BENCH.file, "{}");
        write(root, "crates/a.rs", "one");
        write(root, "docs/a.md", "one");
        git(root, &["init", "--quiet"]);
        assert!(!of_commit(root, BENCH, &["crates"]).is_current());
        git(root, &["add", "."]);
        git(root, &["commit", "--quiet", "--message", "first"]);
        write(root, "docs/a.md", "two");
        assert_eq!(of_commit(root, BENCH, &["crates"]).state, State::Current);
        write(root, "crates/a.rs", "two");
        let told = of_commit(root, BENCH, &["crates"]).problem().unwrap();
        assert!(told.ends_with("changed since, in 1 file"), "{told}");
    }

    #[test]
    fn tests_that_did_not_pass_are_named() {
        let tests = serde_json::json!({ "tests": [
            { "package": "a", "name": "good", "outcome": "ok" },
            { "package": "a", "name": "bad", "outcome": "FAILED" },
        ] });
        assert_eq!(not_passed(&tests), ["a bad: FAILED"]);
    }
}
