//! Runs the tests of a planted bug's own clauses with the bug switched on: the evidence for a clause has to notice when it
//! no longer holds.
//!
//! Every test runs in a process of its own, the quicker ones first, until each clause that the bug breaks has one that
//! does not pass. One that does not pass without the bug either has noticed nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::plant::SWITCH;
use super::run::{Outcome, Verdict, listen, wait};
use super::together::beside_each_other;
use crate::runner::{cargo, now, shown};
use crate::trace::{self, Binary, OwnTests, TestPlace};

/// How long a test may take. What hangs is noticed too.
const LIMIT: Duration = Duration::from_secs(300);
/// What a test takes of which nothing is known yet: within the sources, beside them, and with the real command or the
/// simulator.
const GUESSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_secs(1), Duration::from_secs(10)];

/// The test binaries of the copy, with all bugs in them.
pub(super) struct TestBinaries {
    workspace: PathBuf,
    binaries: Vec<(PathBuf, Binary)>,
    /// All tests of all binaries.
    all: trace::Outcomes,
    known: Mutex<BTreeMap<Test, Known>>,
}

/// What is known of a test.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// How long it took when it passed.
    taken: Option<Duration>,
    /// Whether it passes without any bug.
    passes: Option<bool>,
}

/// A test: the binary that it is in, and its name there.
type Test = (usize, String);

impl TestBinaries {
    /// Builds the tests of the copy.
    ///
    /// # Errors
    /// If they do not build.
    pub(super) fn build(workspace: &Path) -> Result<Self, String> {
        let mut command = cargo();
        command.current_dir(workspace).env("CARGO_TARGET_DIR", workspace.join("target"));
        // Nobody debugs what is broken on purpose, and it is built once: that takes less space.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
        command.env("RUSTFLAGS", "-Awarnings");
        command.args(["test", "--workspace", "--exclude", crate::bench::PACKAGE]);
        command.args([
            "--locked",
            "--quiet",
            "--no-run",
            "--message-format=json-render-diagnostics",
        ]);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output =
            output.map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
        if !output.status.success() {
            return Err(format!("`{}` ended with {}", shown(&command), output.status));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let binaries: Vec<_> = trace::binaries(workspace, &messages).into_values().collect();
        let mut all = trace::Outcomes::default();
        for (executable, binary) in &binaries {
            let listed = Command::new(executable).arg("--list").env_remove(SWITCH).output();
            let listed = listed.map_err(|error| format!("{}: {error}", executable.display()))?;
            let listed = String::from_utf8_lossy(&listed.stdout);
            all.list(binary, listed.lines().filter_map(|line| line.strip_suffix(": test")));
        }
        Ok(Self { workspace: workspace.to_owned(), binaries, all, known: Mutex::default() })
    }

    /// Adds to each outcome the tests that fail with its bug.
    pub(super) fn ask(
        &self,
        own: &OwnTests,
        outcomes: &mut [Outcome],
        tell: &mut dyn FnMut(&Outcome),
    ) {
        let bugs: Vec<&'static str> = outcomes.iter().map(|outcome| outcome.bug.name).collect();
        let known = bugs.into_iter().filter(|bug| own.contains_key(*bug)).collect();
        let run = |bug: &&'static str| {
            let began = now();
            let failing = own.get(*bug).map(|clauses| self.failing(bug, clauses));
            (failing.unwrap_or_default(), began.elapsed())
        };
        beside_each_other(known, &run, &mut |bug, (failing, taken)| {
            let mut of_bug = outcomes.iter_mut().filter(|outcome| outcome.bug.name == bug);
            let Some(outcome) = of_bug.next() else { return };
            outcome.failing_tests = failing;
            if outcome.verdict == Verdict::NotAsked {
                outcome.seconds = taken.as_secs_f64();
            }
            tell(outcome);
        });
    }

    /// The ids of the tests that do not pass with this bug: at least one of each clause, if there is one.
    fn failing(&self, bug: &str, clauses: &BTreeMap<String, Vec<TestPlace>>) -> Vec<String> {
        let of_clause = |places: &Vec<TestPlace>| -> BTreeSet<Test> {
            places.iter().flat_map(|place| self.find(place)).collect()
        };
        let mut open: Vec<BTreeSet<Test>> = clauses.values().map(of_clause).collect();
        let mut tests: Vec<Test> = open.iter().flatten().cloned().collect();
        tests.sort_by_key(|test| (self.cost(test), test.clone()));
        tests.dedup();
        let mut failing = Vec::new();
        for test in tests {
            let is_open = open.iter().any(|tests| tests.contains(&test));
            if is_open && !self.passes(Some(bug), &test) && self.passes_without(&test) {
                open.retain(|tests| !tests.contains(&test));
                failing.push(self.id(&test));
            }
        }
        failing.sort();
        failing
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Test, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it took, or probably takes.
    fn cost(&self, test: &Test) -> Duration {
        let [within, beside, whole] = GUESSES;
        let binary = self.binaries.get(test.0).map(|(_, binary)| binary);
        let guess = || match binary.map(|binary| (binary.package.as_str(), binary.target.as_str()))
        {
            Some(("crates/cli" | "sim", _)) | None => whole,
            Some((_, "lib" | "bin")) => within,
            Some(_) => beside,
        };
        self.known().get(test).and_then(|known| known.taken).unwrap_or_else(guess)
    }

    /// Without any bug. It is asked once.
    fn passes_without(&self, test: &Test) -> bool {
        let known = self.known().get(test).and_then(|known| known.passes);
        known.unwrap_or_else(|| {
            let passes = self.passes(None, test);
            self.known().entry(test.clone()).or_default().passes = Some(passes);
            if !passes {
                eprintln!("does not pass without any bug: {}", self.id(test));
            }
            passes
        })
    }

    fn find(&self, (file, item): &TestPlace) -> Vec<Test> {
        let of_place = self.all.of(file, item).into_iter().filter_map(|test| {
            let binary = self.binaries.iter().position(|(_, binary)| *binary == test.binary)?;
            Some((binary, test.name.clone()))
        });
        of_place.collect()
    }

    fn id(&self, (binary, name): &Test) -> String {
        self.binaries.get(*binary).map(|(_, binary)| trace::id(binary, name)).unwrap_or_default()
    }

    /// What a test does not get to, because it dies or hangs, does not pass.
    fn passes(&self, bug: Option<&str>, test: &Test) -> bool {
        let (index, name) = test;
        let Some((executable, binary)) = self.binaries.get(*index) else { return false };
        let mut command = Command::new(executable);
        let directory = self.workspace.join(&binary.package);
        command.args(["--exact", name]).current_dir(&directory);
        command.env("CARGO_MANIFEST_DIR", &directory).env_remove(SWITCH);
        if let Some(bug) = bug {
            command.env(SWITCH, bug);
        }
        let began = now();
        let passes = passed(&mut command, LIMIT).contains(name);
        if passes {
            self.known().entry(test.clone()).or_default().taken = Some(began.elapsed());
        }
        passes
    }
}

/// The tests that a binary says have passed.
fn passed(command: &mut Command, limit: Duration) -> BTreeSet<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.process_group(0).spawn() else { return BTreeSet::new() };
    let stdout = listen(child.stdout.take());
    // Whether it succeeds says nothing that its lines do not.
    if wait(&mut child, limit).is_none() {
        // What it has started holds the pipe as well.
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
    let said = stdout.join().unwrap_or_default();
    let outcomes = said.lines().filter_map(trace::outcome);
    outcomes.filter(|(_, outcome)| *outcome == "ok").map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_binary_does_not_get_to_does_not_pass() {
        let mut dies = Command::new("sh");
        dies.args(["-c", "echo 'test a ... ok'; echo 'test b ... FAILED'; kill -9 $$"]);
        assert_eq!(passed(&mut dies, LIMIT), BTreeSet::from(["a".to_owned()]));
        let mut hangs = Command::new("sh");
        hangs.args(["-c", "echo 'test a ... ok'; sleep 60; true"]);
        let began = now();
        assert_eq!(
            passed(&mut hangs, Duration::from_millis(300)),
            BTreeSet::from(["a".to_owned()])
        );
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
