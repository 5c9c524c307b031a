//! `cargo xtask sim`: the simulator, built with optimization and run.

use std::process::ExitCode;

use crate::runner::{cargo, shown};
use crate::{CommandResult, Failure};

/// Runs the simulator with these arguments, which are its own.
///
/// # Errors
/// If it cannot be started. What it finds is in its exit code.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--profile", "sim"]);
    command.args(["--package", "femtoclaw-upgrade-sim", "--"]).args(arguments);
    let status = command
        .status()
        .map_err(|error| Failure::Failed(format!("cannot start `{}`: {error}", shown(&command))))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
