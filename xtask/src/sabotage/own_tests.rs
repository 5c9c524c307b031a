//! Runs the tests of a planted bug's own clauses with the bug switched on: the evidence for a clause has to notice when it
//! no longer holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::plant::SWITCH;
use super::run::{Outcome, Verdict, listen, wait};
use crate::runner::{cargo, now, shown};
use crate::trace::{self, Binary, OwnTests};

/// How long the tests of one binary may take with a bug. What hangs is noticed too.
const LIMIT: Duration = Duration::from_secs(300);
/// How long all of them together may take without any.
const CONTROL_LIMIT: Duration = Duration::from_secs(1800);

/// The test binaries of the copy, with all bugs in them.
pub(super) struct TestBinaries {
    workspace: PathBuf,
    binaries: Vec<(PathBuf, Binary)>,
    /// All tests of all binaries.
    all: trace::Outcomes,
}

/// Tests by the binary that they are in: the names.
type ByBinary = BTreeMap<usize, BTreeSet<String>>;

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
        command.args([
            "test",
            "--workspace",
            "--exclude",
            "xtask",
            "--exclude",
            crate::bench::PACKAGE,
        ]);
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
        Ok(Self { workspace: workspace.to_owned(), binaries, all })
    }

    /// Without any bug every test passes, or nothing can be learnt from it.
    ///
    /// # Errors
    /// The tests that fail.
    pub(super) fn control(&self, own: &OwnTests) -> Result<(), String> {
        let mut every = ByBinary::new();
        for tests in own.values() {
            for (binary, names) in self.find(tests) {
                every.entry(binary).or_default().extend(names);
            }
        }
        let failing = self.failing(None, &every);
        if failing.is_empty() {
            return Ok(());
        }
        Err(format!("without any planted bug these fail in the copy: {}", failing.join(", ")))
    }

    /// Adds to each outcome the tests that fail with its bug.
    pub(super) fn ask(
        &self,
        own: &OwnTests,
        outcomes: &mut [Outcome],
        tell: &mut dyn FnMut(&Outcome),
    ) {
        for outcome in outcomes {
            let Some(tests) = own.get(outcome.bug.name) else { continue };
            let began = now();
            outcome.failing_tests = self.failing(Some(outcome.bug.name), &self.find(tests));
            if outcome.verdict == Verdict::NotAsked {
                outcome.seconds = began.elapsed().as_secs_f64();
            }
            tell(outcome);
        }
    }

    fn find(&self, tests: &[trace::TestPlace]) -> ByBinary {
        let mut found = ByBinary::new();
        for (file, item) in tests {
            for test in self.all.of(file, item) {
                let binary = self.binaries.iter().position(|(_, binary)| *binary == test.binary);
                if let Some(binary) = binary {
                    found.entry(binary).or_default().insert(test.name.clone());
                }
            }
        }
        found
    }

    /// The ids of the tests that do not pass. What a binary does not get to, because it dies or hangs, does not pass.
    fn failing(&self, bug: Option<&str>, tests: &ByBinary) -> Vec<String> {
        let mut failing = Vec::new();
        for (index, names) in tests {
            let Some((executable, binary)) = self.binaries.get(*index) else { continue };
            let mut command = Command::new(executable);
            let directory = self.workspace.join(&binary.package);
            command.arg("--exact").args(names).current_dir(&directory);
            command.env("CARGO_MANIFEST_DIR", &directory).env_remove(SWITCH);
            if let Some(bug) = bug {
                command.env(SWITCH, bug);
            }
            let limit = if bug.is_some() { LIMIT } else { CONTROL_LIMIT };
            let passed = passed(&mut command, limit);
            let missed = names.iter().filter(|name| !passed.contains(*name));
            failing.extend(missed.map(|name| trace::id(binary, name)));
        }
        failing
    }
}

/// The tests that a binary says have passed.
fn passed(command: &mut Command, limit: Duration) -> BTreeSet<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return BTreeSet::new() };
    let stdout = listen(child.stdout.take());
    // Whether it succeeds says nothing that its lines do not.
    let _ = wait(&mut child, limit);
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
    }
}
