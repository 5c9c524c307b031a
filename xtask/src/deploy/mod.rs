//! `cargo xtask deploy`: whether the files in `deploy` are what their tools take them for, and do what docs/deployment.md says: the
//! Ansible role is run against a home in a temporary directory, with the real command.

mod ansible;
mod files;
mod pod;
mod unit;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde_json::{Value, json};

use crate::runner::{build, now, output_of, target_directory, workspace_root};
use crate::{CommandResult, Failure};

/// The installation of 1.0.3 that checks adopt.
const FIXTURE: &str = "crates/femtoclaw/tests/fixtures/femtoclaw-1.0.3";
/// Where .ci/run installs what deploy/requirements.txt names, below the directory that cargo builds in.
const TOOLS: &str = "deploy-tools/bin";
/// How those are installed.
const INSTALL: &str = "python3 -m venv target/deploy-tools && target/deploy-tools/bin/pip install -r deploy/requirements.txt";

/// What a check needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A program, and how it is installed.
    Program(&'static str, &'static str),
    /// A command of `femtoclaw-upgrade`.
    Subcommand(&'static str),
}

/// One check.
struct Check {
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    /// What was looked at, or what is wrong.
    run: fn(&Context) -> Result<String, String>,
}

const SYSTEMD: Need =
    Need::Program("systemd-analyze", "apt-get install --no-install-recommends systemd");
const LAUNCH: Need = Need::Subcommand("launch");

/// All of them; what is quick comes first.
const CHECKS: [Check; 9] = [
    Check {
        name: "unit",
        about: "the unit's times and exit codes fit the launcher's",
        needs: &[],
        run: unit::rules,
    },
    Check {
        name: "options",
        about: "every option that the files give the command is one of it",
        needs: &[LAUNCH],
        run: files::options,
    },
    Check {
        name: "systemd",
        about: "systemd takes the unit and its drop-in, and finds it well confined",
        needs: &[SYSTEMD],
        run: unit::systemd,
    },
    Check {
        name: "container",
        about: "the container file, by hadolint",
        needs: &[Need::Program("hadolint", INSTALL)],
        run: files::container,
    },
    Check {
        name: "kubernetes",
        about: "the manifests, by the schemas of Kubernetes",
        needs: &[Need::Program("kubernetes-validate", INSTALL)],
        run: files::kubernetes,
    },
    Check {
        name: "pod",
        about: "what a pod does before its launcher, run here on a home with keys",
        needs: &[Need::Program("ssh-keygen", "apt-get install openssh-client")],
        run: pod::starts,
    },
    Check {
        name: "nomad",
        about: "the job is HCL2, and never goes back by itself",
        needs: &[Need::Program("hcl2tojson", INSTALL)],
        run: files::nomad,
    },
    Check {
        name: "ansible",
        about: "the role is linted, and upgrades and rolls back a home here; starting is a command that confirms",
        needs: &[
            Need::Program("ansible-lint", INSTALL),
            Need::Program("ansible-playbook", INSTALL),
        ],
        run: ansible::with_stand_in,
    },
    Check {
        name: "launcher",
        about: "the same, with the launcher and a runtime that says when it is ready, and one that never does",
        needs: &[Need::Program("ansible-playbook", INSTALL), LAUNCH],
        run: ansible::with_launcher,
    },
];

/// What checks work with.
struct Context {
    root: PathBuf,
    /// The command, built.
    command: PathBuf,
    /// Where programs are looked for before anywhere else.
    tools: PathBuf,
    /// A directory that goes away.
    scratch: tempfile::TempDir,
}

impl Context {
    fn deploy(&self, file: &str) -> PathBuf {
        self.root.join("deploy").join(file)
    }

    /// A program of those that check, with nothing of the caller's settings that would change what it says.
    fn program(&self, name: &str) -> Command {
        let own = self.tools.join(name);
        let mut command = if own.is_file() { Command::new(own) } else { Command::new(name) };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(self.tools.clone()).chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(places) {
            command.env("PATH", path);
        }
        command.current_dir(&self.root).env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
        command
    }

    /// What of a check's needs is not here, with how to get it.
    fn missing(&self, check: &Check) -> Vec<String> {
        check.needs.iter().filter_map(|need| self.lacks(*need)).collect()
    }

    fn lacks(&self, need: Need) -> Option<String> {
        match need {
            Need::Program(name, how) => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let mut places =
                    std::iter::once(self.tools.clone()).chain(std::env::split_paths(&path));
                let is_there = places.any(|place| place.join(name).is_file());
                (!is_there).then(|| format!("{name} is missing: {how}"))
            }
            Need::Subcommand(name) => {
                let mut help = Command::new(&self.command);
                let said = output_of(help.args([name, "--help"]));
                said.is_err().then(|| format!("femtoclaw-upgrade has no {name} yet"))
            }
        }
    }

    /// Runs the command for programs, and returns its last line.
    ///
    /// # Errors
    /// If it fails, or says nothing that can be read.
    fn ask(&self, arguments: &[&str], home: &Path) -> Result<Value, String> {
        let mut command = Command::new(&self.command);
        command.args(arguments).arg("--json").arg("--home").arg(home);
        let said = output_of(&mut command)?;
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().next_back().unwrap_or_default();
        serde_json::from_str(last).map_err(|error| format!("{last}: {error}"))
    }
}

/// Runs a program to its end; what it said is told only if it fails.
///
/// # Errors
/// What it said, if it failed.
fn quietly(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let said =
        [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
    if output.status.success() { Ok(said.concat()) } else { Err(said.concat()) }
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    only: Vec<String>,
    command: Option<PathBuf>,
    allow_missing: bool,
    list: bool,
    json: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--allow-missing" => options.allow_missing = true,
                "--list" => options.list = true,
                "--json" => options.json = true,
                "--only" => {
                    let name = rest.next().filter(|name| CHECKS.iter().any(|it| it.name == *name));
                    let name =
                        name.ok_or(Failure::Usage("--only needs a check; see --list".to_owned()))?;
                    options.only.push(name.clone());
                }
                "--command" => {
                    let file =
                        rest.next().ok_or(Failure::Usage("--command needs a file".to_owned()))?;
                    options.command = Some(PathBuf::from(file));
                }
                other => return Err(Failure::Usage(format!("deploy takes no argument {other:?}"))),
            }
        }
        Ok(options)
    }
}

/// Checks. The exit code is 1 if anything is wrong, or a tool is missing that nobody has allowed to be.
///
/// # Errors
/// If the command does not build.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments)?;
    if options.list {
        CHECKS.iter().for_each(|check| println!("{:<11} {}", check.name, check.about));
        return Ok(ExitCode::SUCCESS);
    }
    let command = match options.command {
        Some(file) => {
            file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?
        }
        None => build("femtoclaw-upgrade-cli", "femtoclaw-upgrade", false)?,
    };
    let scratch = tempfile::tempdir().map_err(|error| format!("there is no place: {error}"))?;
    let tools = target_directory()?.join(TOOLS);
    let context = Context { root: workspace_root(), command, tools, scratch };
    let wanted =
        |check: &&Check| options.only.is_empty() || options.only.iter().any(|it| it == check.name);
    let (mut passed, mut missing, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for check in CHECKS.iter().filter(wanted) {
        let lacks = context.missing(check);
        if !lacks.is_empty() {
            eprintln!("{:<11} not checked: {}", check.name, lacks.join("; "));
            missing.push(check.name);
            continue;
        }
        let start = now();
        match (check.run)(&context) {
            Ok(what) => {
                eprintln!("{:<11} {what} ({:.1} s)", check.name, start.elapsed().as_secs_f64());
                passed.push(check.name);
            }
            Err(what) => {
                eprintln!("{:<11} WRONG: {}", check.name, what.trim());
                wrong.push(check.name);
            }
        }
    }
    let is_ok = wrong.is_empty() && (missing.is_empty() || options.allow_missing);
    eprintln!(
        "deploy: {} passed, {} wrong, {} not checked",
        passed.len(),
        wrong.len(),
        missing.len()
    );
    if options.json {
        let line = json!({ "type": "deploy", "ok": is_ok, "passed": passed, "wrong": wrong, "missing": missing });
        println!("{line}");
    }
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn checks_are_chosen_by_name_and_unknown_ones_are_refused() {
        let options = parse("--only nomad --only unit --allow-missing").unwrap();
        assert_eq!(options.only, ["nomad", "unit"]);
        assert!(options.allow_missing && !options.json);
        for wrong in ["--only", "--only nothing", "--command", "nomad"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_the_way_to_get_it() {
        let scratch = tempfile::tempdir().unwrap();
        let tools = scratch.path().join("tools");
        let command = scratch.path().join("no-such-command");
        let context = Context { root: workspace_root(), command, tools: tools.clone(), scratch };
        let need = Need::Program("no-such-program-here", "install it");
        assert_eq!(context.lacks(need).unwrap(), "no-such-program-here is missing: install it");
        assert_eq!(context.lacks(LAUNCH).unwrap(), "femtoclaw-upgrade has no launch yet");
        std::fs::create_dir(&tools).unwrap();
        std::fs::write(tools.join("no-such-program-here"), "").unwrap();
        assert_eq!(context.lacks(need), None);
    }

    #[test]
    fn a_program_that_fails_is_told_with_all_that_it_said() {
        let said = quietly(Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]));
        assert_eq!(said.unwrap_err(), "one\ntwo\n");
        assert_eq!(quietly(Command::new("sh").args(["-c", "echo one"])).unwrap(), "one\n");
    }
}
