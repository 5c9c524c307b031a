//! `cargo xtask sim` and `cargo xtask model`: the simulator and the protocol's model, built with optimization and run.

use std::process::{Command, ExitCode};

use crate::runner::{cargo, shown, target_directory, workspace_root};
use crate::trace::{self, Teller, Told};
use crate::{CommandResult, Failure};

/// What the quick tier is asked for by, with everything else as it is.
const QUICK: &str = "--quick";

/// Runs the simulator with these arguments, which are its own. What comes of the whole quick tier is left for
/// `cargo xtask trace`.
///
/// # Errors
/// If it cannot be started. What it finds is in its exit code.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let is_tier = arguments.iter().any(|argument| argument == QUICK)
        && arguments.iter().all(|argument| [QUICK, "--json"].contains(&argument.as_str()));
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--profile", "sim"]);
    command.args(["--package", "femtoclaw-upgrade-sim", "--"]).args(arguments);
    listen(&mut command, is_tier.then_some(Teller::Simulator))
}

/// Explores the model of the protocol, and leaves what it told for `cargo xtask trace`.
///
/// # Errors
/// If it cannot be started. What it finds is in its exit code.
pub(crate) fn model(arguments: &[String]) -> CommandResult {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--profile", "sim"]);
    command.args(["--package", "femtoclaw-upgrade-protocol", "--example", "check", "--"]);
    command.args(arguments);
    listen(&mut command, Some(Teller::Model))
}

/// Runs it; what it writes to the file that it is given by `--report` is left for others.
fn listen(command: &mut Command, teller: Option<Teller>) -> CommandResult {
    let tree = trace::fingerprint(&workspace_root())?;
    let report = tempfile::NamedTempFile::new()
        .map_err(|error| format!("there is no place for the report: {error}"))?;
    if teller.is_some() {
        command.arg("--report").arg(report.path());
    }
    let status = command
        .status()
        .map_err(|error| Failure::Failed(format!("cannot start `{}`: {error}", shown(command))))?;
    // A run that came to no report leaves no record.
    let told = serde_json::from_slice(&std::fs::read(report.path()).unwrap_or_default());
    if let (Some(teller), Ok(report)) = (teller, told) {
        Told { tree, report }.save(&target_directory()?, teller)?;
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
