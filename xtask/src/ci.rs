//! `cargo xtask ci`: everything that has to pass before a change lands, one step after another, up to the first that fails.
//!
//! What is quick and what often fails comes first. The tests come last, and what they say at their end is what is seen last.

use std::fmt::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::bench::PACKAGE as BENCH;
use crate::runner::{cargo, now, shown};
use crate::{CommandResult, Failure, tests_command};

/// The command.
const CLI: &str = "femtoclaw-upgrade-cli";

/// A step but the last ones.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), String>,
}

/// All steps but the [`LAST`], in their order.
const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the sources are formatted", run: fmt },
    Step { name: "clippy", about: "no warning, whatever is built", run: clippy },
    Step { name: "tidy", about: "dependencies, licences, rules of sources and tests", run: tidy },
    Step {
        name: "licences",
        about: "the same, as cargo-deny sees it, if it is there",
        run: licences,
    },
    Step { name: "doc", about: "the documentation, without a warning", run: doc },
    Step {
        name: "demo",
        about: "a home is upgraded and taken back, for people and programs",
        run: demo,
    },
    Step {
        name: "deploy",
        about: "the deployment files, by the tools that are there",
        run: deploy,
    },
    Step { name: "sim", about: "crashes and faults on a simulated disk", run: sim },
    Step { name: "model", about: "the protocol, explored in full within its bounds", run: model },
    Step { name: "sabotage", about: "planted bugs and syncs left out are noticed", run: sabotage },
    Step { name: "fuzz", about: "the committed inputs, and some seconds of others", run: fuzz },
    Step { name: "bench", about: "the bench's tests, and all contenders agree", run: bench },
    Step { name: "otlp", about: "the feature that no member of the workspace asks for", run: otlp },
];

/// The last steps. The trace needs what came of the tests, the report what came of the trace, and the summary of the tests is the
/// end of what is written.
const TESTS: &str = "test";
const TRACE: &str = "trace";
const REPORT: &str = "report";
const LAST: [(&str, &str); 3] = [
    (TESTS, "all tests; none is left out"),
    (TRACE, "every clause has evidence that ran"),
    (REPORT, "all of it as one site, tried in a browser"),
];

fn fmt() -> Result<(), String> {
    run_cargo(&["fmt", "--all", "--check"])
}

/// The sets of packages and features that are built, each with the profile in which it is needed anyway. Every warning is
/// an error, but not through RUSTFLAGS: those are part of what cargo compares, and everything would be built twice.
fn clippy() -> Result<(), String> {
    let deny = ["--all-targets", "--locked", "--", "-D", "warnings"];
    run_cargo(&[&["clippy", "--workspace", "--exclude", BENCH], &deny[..]].concat())?;
    run_cargo(&[&["clippy", "-p", CLI, "--features", "otlp"], &deny[..]].concat())?;
    // One build of SQLite serves the bench's lints, its tests and its run.
    run_cargo(&[&["clippy", "-p", BENCH, "--release"], &deny[..]].concat())
}

fn tidy() -> Result<(), String> {
    run_cargo(&["xtask", "tidy"])
}

/// Advisories are left out: they come from elsewhere, and what passed yesterday would fail without any change.
fn licences() -> Result<(), String> {
    let mut version = cargo();
    version.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if version.status().is_ok_and(|status| status.success()) {
        return run_cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"]);
    }
    println!("cargo-deny is not installed; `cargo xtask tidy` holds licences to the same lists");
    Ok(())
}

fn doc() -> Result<(), String> {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--exclude", BENCH, "--no-deps", "--locked", "--quiet"]);
    let command = command.env("RUSTDOCFLAGS", "-D warnings");
    println!("+ RUSTDOCFLAGS='-D warnings' {}", shown(command));
    succeed(command)
}

fn demo() -> Result<(), String> {
    run_cargo(&["xtask", "demo"])?;
    let mut command = cargo();
    command.args(["xtask", "demo", "--json"]).stdin(Stdio::null()).stderr(Stdio::null());
    println!("+ {}", shown(&command));
    let output = command.output().map_err(|error| cannot_start(&command, &error))?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    if output.status.success() && is_promised_result(&said) {
        return Ok(());
    }
    Err(format!(
        "`{}` ended with {}, and this is not the one line that it promises",
        shown(&command),
        output.status
    ))
}

/// What a program is promised: standard output is one line, which says that it went well.
fn is_promised_result(said: &str) -> bool {
    let starts = said.starts_with(r#"{"type":"demo","ok":true,"#);
    starts && said.ends_with("}\n") && said.lines().count() == 1
}

/// A machine that lacks a tool says which, and goes on.
fn deploy() -> Result<(), String> {
    run_cargo(&["xtask", "deploy", "--allow-missing"])
}

fn sim() -> Result<(), String> {
    run_cargo(&["xtask", "sim", "--quick"])
}

fn model() -> Result<(), String> {
    run_cargo(&["xtask", "model"])
}

/// A step behind the tests: what fails there is told, and does not end what comes behind it.
fn is_well(step: &str) -> bool {
    let done = run_cargo(&["xtask", step]);
    done.inspect_err(|message| eprintln!("the step {step} failed: {message}")).is_ok()
}

fn sabotage() -> Result<(), String> {
    run_cargo(&["xtask", "sabotage", "--quick"])
}

fn fuzz() -> Result<(), String> {
    run_cargo(&["xtask", "fuzz", "--smoke"])
}

fn bench() -> Result<(), String> {
    run_cargo(&["test", "-p", BENCH, "--release", "--locked", "--quiet"])?;
    run_cargo(&["xtask", "bench", "--quick"])
}

fn otlp() -> Result<(), String> {
    run_cargo(&["test", "-p", CLI, "--features", "otlp", "--locked", "--quiet", "--", "telemetry"])
}

fn run_cargo(arguments: &[&str]) -> Result<(), String> {
    let mut command = cargo();
    command.args(arguments);
    println!("+ {}", shown(&command));
    succeed(&mut command)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` ended with {status}", shown(command)))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start `{}`: {error}", shown(command))
}

/// What the steps are called and are about.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    STEPS.iter().map(|step| (step.name, step.about)).chain(LAST)
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    only: Vec<String>,
    skip: Vec<String>,
    list: bool,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut request = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let steps = match argument.as_str() {
                "--only" => &mut request.only,
                "--skip" => &mut request.skip,
                "--list" => {
                    request.list = true;
                    continue;
                }
                other => return Err(format!("ci takes no argument {other:?}")),
            };
            let step = rest.next().ok_or(format!("{argument} needs a step"))?;
            if !all().any(|(known, _)| known == step) {
                return Err(format!("there is no step {step:?}; see --list"));
            }
            steps.push(step.clone());
        }
        Ok(request)
    }

    fn wants(&self, step: &str) -> bool {
        let is_in = |steps: &[String]| steps.iter().any(|name| name == step);
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.skip)
    }
}

/// How long the steps took that were run.
#[derive(Debug, Default)]
struct Taken(Vec<(&'static str, Duration)>);

impl Taken {
    fn table(&self) -> String {
        let mut table = String::new();
        let mut total = Duration::ZERO;
        for (name, taken) in &self.0 {
            total += *taken;
            // Writing to a text cannot fail.
            let _ = writeln!(table, "{name:<10} {:>8.1} s", taken.as_secs_f64());
        }
        let _ = write!(table, "{:<10} {:>8.1} s", "together", total.as_secs_f64());
        table
    }
}

/// Runs the steps. The exit code is that of the tests, or 1 if another step fails.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let request = Request::parse(arguments).map_err(Failure::Usage)?;
    if request.list {
        for (name, about) in all() {
            println!("{name:<10} {about}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut taken = Taken::default();
    for step in STEPS.iter().filter(|step| request.wants(step.name)) {
        let start = now();
        let result = (step.run)();
        taken.0.push((step.name, start.elapsed()));
        if let Err(message) = result {
            println!("\n{}", taken.table());
            return Err(Failure::Failed(format!("the step {} failed: {message}", step.name)));
        }
    }
    let others_too = |taken: &mut Taken| {
        let mut all_well = true;
        for step in [TRACE, REPORT].into_iter().filter(|step| request.wants(step)) {
            let start = now();
            all_well &= is_well(step);
            taken.0.push((step, start.elapsed()));
        }
        println!("\n{}\n", taken.table());
        all_well
    };
    if !request.wants(TESTS) {
        let all_well = others_too(&mut taken);
        return Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!("+ cargo xtask test --strict");
    let start = now();
    tests_command::run_with(&["--strict".to_owned()], || {
        taken.0.push((TESTS, start.elapsed()));
        others_too(&mut taken)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Request::parse(&words)
    }

    #[test]
    fn steps_are_chosen_by_name_and_unknown_ones_are_refused() {
        let all = parse("").unwrap();
        assert!(STEPS.iter().all(|step| all.wants(step.name)) && all.wants(TESTS));
        let only = parse("--only fmt --only test").unwrap();
        assert!(only.wants("fmt") && only.wants(TESTS) && !only.wants("sim"));
        let skip = parse("--skip sim --skip test").unwrap();
        assert!(skip.wants("fmt") && !skip.wants("sim") && !skip.wants(TESTS));
        for wrong in ["--only", "--only nothing", "--skip", "--quick", "fmt"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_promised_line_of_the_demonstration_passes() {
        assert!(is_promised_result("{\"type\":\"demo\",\"ok\":true,\"from\":\"1\"}\n"));
        for wrong in [
            "",
            "{\"type\":\"demo\",\"ok\":false,\"error\":\"x\"}\n",
            "{\"type\":\"demo\",\"ok\":true,\"from\":\"1\"}",
            "{\"type\":\"demo\",\"ok\":true,\"from\":\"1\"}\n{}\n",
            "hello\n{\"type\":\"demo\",\"ok\":true,\"from\":\"1\"}\n",
        ] {
            assert!(!is_promised_result(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_table_has_every_step_and_the_sum() {
        let taken =
            Taken(vec![("fmt", Duration::from_millis(1500)), ("sim", Duration::from_secs(62))]);
        assert_eq!(
            taken.table(),
            "fmt             1.5 s\nsim            62.0 s\ntogether       63.5 s"
        );
    }

    #[test]
    fn a_command_that_fails_or_is_not_there_is_named() {
        let failed = succeed(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(failed, "`sh -c exit 3` ended with exit status: 3");
        let missing = succeed(&mut Command::new("no-such-command-here")).unwrap_err();
        assert!(missing.starts_with("cannot start `no-such-command-here`"), "{missing}");
    }
}
