//! `femtoclaw-upgrade`: upgrades a FemtoClaw home in one atomic step, and back.
//!
//! Data goes to standard output, progress and messages to standard error. With `--json` standard output is JSON Lines, the
//! first of which names the version of the format, the last the result. Exit codes are listed in the README.

mod arguments;
mod audit;
mod bar;
mod commands;
mod consent;
mod estimate;
mod failure;
mod going_back;
mod help;
mod human;
mod interrupt;
mod launch;
mod manual;
mod output;
mod plan;
mod progress;
mod releases;
mod report;
mod shell;
mod style;
mod summary;
mod surroundings;
mod telemetry;
mod trust;
mod units;
mod verify;

use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// Exit code: the command line makes no sense.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let command = help::command().color(help::color(std::env::args_os()));
    let parsed = command.try_get_matches().and_then(|found| Arguments::from_arg_matches(&found));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked_for =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nobody is left to tell if this cannot be printed.
            let _ = error.print();
            if !asked_for && std::env::args_os().any(|argument| argument == "--json") {
                output::usage_error(&first_paragraph(&error), USAGE);
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

/// What is wrong with the command line, with what may have been meant instead.
fn first_paragraph(error: &clap::Error) -> String {
    let said = error.to_string();
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let told =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let told: Vec<&str> = told.collect();
    told.join("\n").trim_start_matches("error: ").to_owned()
}
