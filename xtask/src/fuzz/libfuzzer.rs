//! libFuzzer, through `cargo fuzz` and a nightly compiler.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Finding, PATIENCE, Round, relative};
use crate::runner::{shown, target_directory, workspace_root};

/// What libFuzzer needs: how to see whether it is there, what it is, and how it comes.
const NEEDS: [(&[&str], &str, &str); 2] = [
    (
        &["run", "nightly", "rustc", "--version"],
        "a nightly compiler",
        "rustup toolchain install nightly --profile minimal",
    ),
    (
        &["run", "nightly", "cargo", "fuzz", "--version"],
        "cargo-fuzz",
        "cargo install cargo-fuzz --locked",
    ),
];

/// What is missing, a sentence each.
pub(super) fn missing() -> Vec<String> {
    let missing = NEEDS.iter().filter(|(arguments, ..)| !succeeds(rustup().args(*arguments)));
    missing.map(|(_, what, how)| format!("{what} is missing: {how}")).collect()
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// `rustup`, without what the toolchain of this process has set for it.
fn rustup() -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(workspace_root());
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
}

/// `cargo fuzz` with this for a target.
fn cargo_fuzz(what: &str, target: &str) -> Command {
    let mut command = rustup();
    // With the optimization of the whole program a target takes minutes to link.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.args(["run", "nightly", "cargo", "fuzz", what, "--features", "libfuzzer", target]);
    command
}

/// Builds a target, so that this is no part of the time of its search.
///
/// # Errors
/// If it does not build.
pub(super) fn build(target: &str) -> Result<(), String> {
    let mut command = cargo_fuzz("build", target);
    eprintln!("+ {}", shown(&command));
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    let status = status.map_err(|error| format!("cannot run cargo fuzz: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo fuzz build ended with {status}")) }
}

/// Lets it search for this long. Inputs that it finds interesting stay in the target directory for the next time.
///
/// # Errors
/// If it does not run.
pub(super) fn search(target: &str, time: Duration) -> Result<Round, String> {
    let interesting = target_directory()?.join("corpus").join(target);
    fs::create_dir_all(&interesting)
        .map_err(|error| format!("cannot create {}: {error}", interesting.display()))?;
    let mut command = cargo_fuzz("run", target);
    command.arg(&interesting).arg(format!("fuzz/corpus/{target}"));
    command
        .arg("--")
        .arg(format!("-max_total_time={}", time.as_secs()))
        .arg("-print_final_stats=1");
    command.arg(format!("-timeout={}", PATIENCE.as_secs()));
    eprintln!("+ {}", shown(&command));
    let failed = |error: std::io::Error| format!("cannot run cargo fuzz: {error}");
    // Standard output is for the result.
    command.stdout(std::io::stderr()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let mut told = Told::default();
    if let Some(output) = child.stderr.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(failed)?;
            let line = String::from_utf8_lossy(&line);
            eprintln!("{line}");
            told.add(&line);
        }
    }
    let status = child.wait().map_err(failed)?;
    let finding = told.finding(target);
    if !status.success() && finding.is_none() {
        return Err(format!("cargo fuzz ended with {status} and found nothing"));
    }
    Ok(Round { executions: told.executions, finding })
}

/// What libFuzzer's output says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    executions: u64,
    /// The file of the input.
    input: Option<String>,
    what: Option<String>,
}

impl Told {
    fn add(&mut self, line: &str) {
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = number.trim().parse().unwrap_or_default();
        }
        // What is only slow is kept as well, and is no finding.
        let is_slow = line.contains("/slow-unit-");
        if let Some((_, path)) = line.split_once("Test unit written to ").filter(|_| !is_slow) {
            self.input = Some(path.trim().to_owned());
        }
        let says = line.contains("panicked at") || line.contains("ERROR: ");
        if says && self.what.is_none() {
            self.what = Some(line.trim().to_owned());
        }
    }

    fn finding(&self, target: &str) -> Option<Finding> {
        let input = relative(Path::new(self.input.as_ref()?));
        let what = self.what.clone().unwrap_or_else(|| "it broke a promise".to_owned());
        let replay = format!("cargo +nightly fuzz run {target} {input} --features libfuzzer");
        Some(Finding { target: target.to_owned(), input, what, replay })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut told = Told::default();
        for line in "INFO: seed corpus: files: 12\n\
            #83\tINITED cov: 100 ft: 200\n\
            thread '<unnamed>' panicked at fuzz/src/lib.rs:38:24:\n\
            the key is shown\n\
            ==7== ERROR: libFuzzer: deadly signal\n\
            artifact_prefix='/x/fuzz/artifacts/journal/'; Test unit written to /x/fuzz/artifacts/journal/crash-0a\n\
            stat::number_of_executed_units: 4711\n"
            .lines()
        {
            told.add(line);
        }
        assert_eq!(told.executions, 4711);
        let finding = told.finding("journal").unwrap();
        assert_eq!(finding.input, "/x/fuzz/artifacts/journal/crash-0a");
        assert_eq!(finding.what, "thread '<unnamed>' panicked at fuzz/src/lib.rs:38:24:");
        assert!(
            finding
                .replay
                .ends_with("journal /x/fuzz/artifacts/journal/crash-0a --features libfuzzer")
        );
        let mut slow = Told::default();
        slow.add("artifact_prefix='/x/artifacts/journal/'; Test unit written to /x/artifacts/journal/slow-unit-0a");
        assert!(slow.finding("journal").is_none());
    }
}
