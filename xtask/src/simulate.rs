//! `cargo xtask sim`: the simulator, built with optimization and run.

use std::process::{Command, ExitCode};

use crate::runner::{cargo, shown, target_directory, workspace_root};
use crate::trace::{self, Simulation};
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
    let mut command = simulator(arguments);
    let recorded = if is_tier { Some(Recorded::begin(&mut command)?) } else { None };
    let status = command
        .status()
        .map_err(|error| Failure::Failed(format!("cannot start `{}`: {error}", shown(&command))))?;
    if let Some(recorded) = recorded {
        recorded.end()?;
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn simulator(arguments: &[String]) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--profile", "sim"]);
    command.args(["--package", "femtoclaw-upgrade-sim", "--"]).args(arguments);
    command
}

/// A run of which a record is left.
struct Recorded {
    tree: String,
    report: tempfile::NamedTempFile,
}

impl Recorded {
    fn begin(command: &mut Command) -> Result<Self, String> {
        let tree = trace::fingerprint(&workspace_root())?;
        let report = tempfile::NamedTempFile::new()
            .map_err(|error| format!("there is no place for the report: {error}"))?;
        command.arg("--report").arg(report.path());
        Ok(Self { tree, report })
    }

    /// A run that came to no report leaves no record.
    fn end(self) -> Result<(), String> {
        let report = std::fs::read(self.report.path()).unwrap_or_default();
        match serde_json::from_slice(&report) {
            Ok(report) => Simulation { tree: self.tree, report }.save(&target_directory()?),
            Err(_) => Ok(()),
        }
    }
}
