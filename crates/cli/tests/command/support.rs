//! A home, and the command on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};
use serde_json::Value;

/// The command under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_femtoclaw-upgrade");

/// Takes away the tests' own environment, but the switch of a planted bug and the place to which what was reached is written.
pub(crate) fn alone(command: &mut Command) -> &mut Command {
    let kept = ["FEMTOCLAW_SABOTAGE", "LLVM_PROFILE_FILE"];
    command.env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| kept.iter().any(|kept| name == kept)))
}

/// A directory with a 1.0.3 installation, and a place for its home.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    /// An installation with a few hundred records, and no home yet.
    pub(crate) fn new() -> Self {
        let scene = Self::without_installation();
        write_sample_home(&scene.source(), &SampleOptions::default()).unwrap();
        scene
    }

    /// Nothing at all.
    pub(crate) fn without_installation() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// An installation that was adopted.
    pub(crate) fn adopted() -> Self {
        let scene = Self::new();
        scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
        scene
    }

    /// An installation that was adopted and upgraded.
    pub(crate) fn upgraded() -> Self {
        let scene = Self::adopted();
        scene.ok(&["apply", "--development"]);
        scene
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.path().join("installation")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The command with these arguments, which is [`alone`].
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        alone(&mut command).stdin(Stdio::null());
        command.args(arguments).arg("--home").arg(self.home());
        command
    }

    /// Runs the command as given.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the command with `--json --yes`; it must succeed. Returns all lines that it printed.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json", "--yes"]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} ended with {}:\n{error}", output.status);
        json_lines(&output)
    }

    /// As [`Scene::lines`], for the last one: the result.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Value {
        self.lines(arguments).pop().unwrap()
    }

    /// Runs the command with `--json --yes`; it must end with this exit code. Returns the error that it printed.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32) -> Value {
        let output = self.run(&[arguments, &["--json", "--yes"]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        let last = json_lines(&output).pop().unwrap();
        assert_eq!(last["type"], "error", "{arguments:?}");
        assert_eq!(last["exit_code"], code, "{arguments:?}");
        // Every refusal says what is wrong, what state the home is in, and what comes next.
        for part in ["message", "condition"] {
            let sentence = last[part].as_str().unwrap();
            assert!(!sentence.is_empty() && error.contains(sentence), "{arguments:?}: {error}");
        }
        last
    }

    /// What `verify` says of one generation.
    pub(crate) fn verified(&self, generation: u64) -> Value {
        let report = self.ok(&["verify"]);
        assert_eq!(report["ok"], true);
        let generations = report["generations"].as_array().unwrap();
        let found = generations.iter().find(|found| found["generation"] == generation);
        found.unwrap_or_else(|| panic!("no generation {generation} in {report}")).clone()
    }
}

impl Scene {
    /// The content digest of the generation that is current. Generations that the journal does not know are no matter.
    pub(crate) fn verified_current_content(&self) -> Value {
        let report = json_lines(&self.run(&["verify", "--json"]));
        let verified = report.iter().find(|line| line["type"] == "verified").unwrap();
        let generations = verified["generations"].as_array().unwrap();
        generations.iter().find(|found| found["current"] == true).unwrap()["content"].clone()
    }
}

/// Standard output as JSON Lines.
pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.first().map(|line| &line["type"]), Some(&Value::from("version")), "{text}");
    lines
}

/// Every file below a directory with its bytes.
pub(crate) fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else if entry.file_type().unwrap().is_file() {
                found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Copies a directory whole.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_symlink() {
            let leads_to = std::fs::read_link(entry.path()).unwrap();
            std::os::unix::fs::symlink(leads_to, target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
