//! `cargo xtask bench`: the bench, built as it would be released and run.

use std::process::ExitCode;

use crate::runner::{cargo, shown, workspace_root};
use crate::{CommandResult, Failure};

/// The bench: no default member, for it brings SQLite and others.
pub(crate) const PACKAGE: &str = "femtoclaw-upgrade-bench";

/// Runs the bench with these arguments, which are its own.
///
/// # Errors
/// If it cannot be started. What it finds is in its exit code.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--release", "--package", PACKAGE, "--"]);
    command.arg("--workspace").arg(workspace_root()).args(arguments);
    let status = command
        .status()
        .map_err(|error| Failure::Failed(format!("cannot start `{}`: {error}", shown(&command))))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
