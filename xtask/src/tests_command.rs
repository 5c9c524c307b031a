//! `cargo xtask test`: all tests of the workspace, and no test is left out without a word.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use crate::runner::{cargo, shown};
use crate::{CommandResult, Failure};

/// A tool that some tests need and that not every machine has.
struct Need {
    tool: &'static str,
    /// The part of the tests' names that tells them apart.
    tests: &'static str,
    about: &'static str,
}

const NEEDS: [Need; 1] = [Need {
    tool: "strace",
    tests: "durable_order",
    about: "the order of durable steps, as the kernel sees it",
}];

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    strict: bool,
    /// What goes to `cargo test`, and behind `--` to the test runner.
    cargo: Vec<String>,
    runner: Vec<String>,
}

impl Request {
    fn parse(arguments: &[String]) -> Self {
        let mut request = Self::default();
        let mut to_runner = false;
        for argument in arguments {
            match argument.as_str() {
                _ if to_runner => request.runner.push(argument.clone()),
                "--" => to_runner = true,
                "--strict" => request.strict = true,
                _ => request.cargo.push(argument.clone()),
            }
        }
        request
    }
}

/// Runs the tests. The exit code is that of `cargo test`.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let mut request = Request::parse(arguments);
    let strict = request.strict || std::env::var_os("CI").is_some_and(|value| value == "true");
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_installed(need.tool)).collect();
    for need in &missing {
        if strict {
            let Need { tool, tests, about } = need;
            let message = format!("{tool} is not installed, and {tests} ({about}) needs it");
            return Err(Failure::Failed(message));
        }
        println!("{}", left_out(need));
        request.runner.extend(["--skip".to_owned(), need.tests.to_owned()]);
    }
    let mut command = cargo();
    command.args(["test", "--workspace", "--locked"]).args(&request.cargo);
    if !request.runner.is_empty() {
        command.arg("--").args(&request.runner);
    }
    println!("+ {}", shown(&command));
    let status = command
        .status()
        .map_err(|error| Failure::Failed(format!("cannot start cargo test: {error}")))?;
    for need in &missing {
        println!("{}", left_out(need));
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn left_out(need: &Need) -> String {
    let Need { tool, tests, about } = need;
    format!("NOT RUN: tests named {tests} ({about}); install {tool}")
}

fn is_installed(tool: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| is_in(tool, &path))
}

fn is_in(tool: &str, path: &OsStr) -> bool {
    std::env::split_paths(path).any(|directory: std::path::PathBuf| {
        let candidate: &Path = &directory.join(tool);
        candidate.is_file()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_not_ours_goes_to_cargo_and_to_the_runner() {
        let request = Request::parse(&words("--release --strict -p journal -- --strict torn"));
        assert!(request.strict);
        assert_eq!(request.cargo, words("--release -p journal"));
        assert_eq!(request.runner, words("--strict torn"));
        assert_eq!(Request::parse(&[]), Request::default());
    }

    #[test]
    fn a_tool_that_is_missing_is_noticed_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().as_os_str();
        assert!(!is_in("strace", path));
        std::fs::write(directory.path().join("strace"), "").unwrap();
        assert!(is_in("strace", path));
        let line = left_out(&NEEDS[0]);
        assert!(line.starts_with("NOT RUN: ") && line.ends_with("install strace"), "{line}");
    }
}
