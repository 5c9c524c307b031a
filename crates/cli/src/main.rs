//! `femtoclaw-upgrade`: upgrades a FemtoClaw home in one atomic step, and back.
//!
//! Data goes to standard output, progress and messages to standard error. With `--json` standard output is JSON Lines, the
//! first of which names the version of the format, the last the result. Exit codes are listed in the README.

mod arguments;
mod audit;
mod commands;
mod consent;
mod failure;
mod going_back;
mod human;
mod interrupt;
mod launch;
mod output;
mod progress;
mod summary;
mod surroundings;
mod telemetry;
mod trust;
mod units;
mod verify;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// Exit code: the command line makes no sense.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked_for =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nobody is left to tell if this cannot be printed.
            let _ = error.print();
            if !asked_for && std::env::args_os().any(|argument| argument == "--json") {
                output::usage_error(&error.kind().to_string(), USAGE);
            }
            return if asked_for { ExitCode::SUCCESS } else { USAGE.into() };
        }
    };
    let mut output = Output::new(&arguments.common);
    let result = output.begin().map_err(Failure::from);
    let code = match result.and_then(|()| commands::run(&arguments, &mut output)) {
        Ok(code) => code,
        Err(failure) => output.failure(&failure),
    };
    code.into()
}
