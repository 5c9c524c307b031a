//! The bench: `cargo xtask bench` builds it as it would be released, and runs it.

#![allow(clippy::print_stderr, reason = "a command talks to people")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match upgrade_bench::run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
