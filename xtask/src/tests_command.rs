//! `cargo xtask test`: all tests of the workspace, and no test is left out without a word.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::runner::{cargo, shown, target_directory, workspace_root};
use crate::trace::{self, Binary, Listener, Outcomes};
use crate::{CommandResult, Failure};

/// A tool that some tests need and that not every machine has.
struct Need {
    /// What it is called; any of these will do.
    tools: &'static [&'static str],
    /// The parts of the tests' names that tell them apart.
    tests: &'static [&'static str],
    about: &'static str,
}

const NEEDS: [Need; 7] = [
    Need {
        tools: &["strace"],
        tests: &["durable_order", "of_the_simulated_disk_reaches_the_kernel"],
        about: "the order of durable steps, as the kernel sees it, and that nothing simulated gets there",
    },
    Need {
        tools: &["ssh-keygen"],
        tests: &[
            "verdicts::",
            "forms::",
            "trust::",
            "attacks::",
            "documents::getting_started",
            "documents::key_ceremonies",
            "documents::trust",
        ],
        about: "signatures, as OpenSSH makes and judges them",
    },
    Need {
        tools: &["b3sum"],
        tests: &["with_b3sum", "documents::audit"],
        about: "the hashes of the journal, as others compute them",
    },
    Need {
        tools: &["jq"],
        tests: &["documents::deployment", "documents::key_ceremonies", "documents::upgrading"],
        about: "documents that pipe what the command says into it",
    },
    Need {
        tools: &["groff"],
        tests: &["by_groff"],
        about: "the manual pages, as people read them",
    },
    Need {
        tools: &["script"],
        tests: &["on_a_terminal"],
        about: "colour, bars and widths, as a terminal shows them",
    },
    Need {
        tools: &crate::browser::PROGRAMS,
        tests: &["in_chromium"],
        about: "the pages that people read, as a browser shows them",
    },
];

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

    /// True if no test is left out.
    fn is_of_all(&self) -> bool {
        self.cargo.is_empty() && self.runner.is_empty()
    }
}

/// Runs the tests. The exit code is that of `cargo test`.
// trace: impl FC-25.1
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    run_with(arguments, || true)
}

/// The same, doing something else between what the tests write and their sum, which fails if that does.
pub(crate) fn run_with(arguments: &[String], between: impl FnOnce() -> bool) -> CommandResult {
    let mut request = Request::parse(arguments);
    let strict = request.strict || std::env::var_os("CI").is_some_and(|value| value == "true");
    let missing: Vec<&Need> =
        NEEDS.iter().filter(|need| !need.tools.iter().any(|tool| is_installed(tool))).collect();
    for need in &missing {
        if strict {
            let Need { tools, tests, about } = need;
            let (tools, tests) = (tools.join(" or "), tests.join(", "));
            let message = format!("{tools} is not installed, and {tests} ({about}) needs it");
            return Err(Failure::Failed(message));
        }
        println!("{}", left_out(need));
        for tests in need.tests {
            request.runner.extend(["--skip".to_owned(), (*tests).to_owned()]);
        }
    }
    let mut command = cargo();
    command.args(["test", "--workspace", "--exclude", crate::bench::PACKAGE]);
    command.args(["--locked", "--no-fail-fast"]).args(&request.cargo);
    if !request.runner.is_empty() {
        command.arg("--").args(&request.runner);
    }
    println!("+ {}", shown(&command));
    let tree = trace::fingerprint(&workspace_root())?;
    let mut listener = Listener::new(built(&request.cargo)?);
    let (status, total) = run_and_count(&mut command, &mut listener)
        .map_err(|error| Failure::Failed(format!("cannot run cargo test: {error}")))?;
    if request.is_of_all() {
        Outcomes { tree, tests: listener.heard() }.save(&target_directory()?)?;
    }
    let is_well = between();
    for need in &missing {
        println!("{}", left_out(need));
    }
    println!("total: {} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if status.success() && total.passed == 0 {
        return Err(Failure::Failed("no test ran".to_owned()));
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(match code {
        Some(0) if !is_well => ExitCode::FAILURE,
        code => code.map_or(ExitCode::FAILURE, ExitCode::from),
    })
}

/// What all test binaries together ran.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Total {
    /// Adds what a test binary says at its end: `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            let Some((number, what)) = count.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" | "filtered out" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// Builds the test binaries, and says which is which.
fn built(arguments: &[String]) -> Result<BTreeMap<String, (PathBuf, Binary)>, String> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--exclude", crate::bench::PACKAGE, "--locked"]);
    command.args(["--no-run", "--message-format=json-render-diagnostics"]).args(arguments);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
    // What does not build is told once more by the run itself, as people know it.
    Ok(trace::binaries(&workspace_root(), &String::from_utf8_lossy(&output.stdout)))
}

/// Runs the tests, hands on what they print line by line, and adds up their results. Both outputs go into one pipe, because
/// cargo says on one of them which binary the other speaks of.
fn run_and_count(
    command: &mut Command,
    listener: &mut Listener,
) -> std::io::Result<(ExitStatus, Total)> {
    let (reader, writer) = std::io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command holds the writing end as long as it lives, and the pipe would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut total = Total::default();
    let (mut reader, mut line) = (BufReader::new(reader), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        std::io::stdout().write_all(&line)?;
        let text = String::from_utf8_lossy(&line);
        total.add(text.trim_end());
        listener.hear(&text);
        line.clear();
    }
    Ok((child.wait()?, total))
}

fn left_out(need: &Need) -> String {
    let Need { tools, tests, about } = need;
    let (tools, tests) = (tools.join(" or "), tests.join(", "));
    format!("NOT RUN: tests named {tests} ({about}); install {tools}")
}

fn is_installed(tool: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| is_in(tool, &path))
}

fn is_in(tool: &str, path: &OsStr) -> bool {
    std::env::split_paths(path).any(|directory| Path::new(&directory).join(tool).is_file())
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

    // trace: test FC-25.1
    #[test]
    fn results_of_all_binaries_are_added_up() {
        let mut total = Total::default();
        total.add("running 3 tests");
        total.add("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s");
        total.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        assert_eq!(total, Total { passed: 6, failed: 2, skipped: 3 });
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
