//! Holds the journals of homes to the model of the protocol.
//!
//! ```console
//! $ cargo run -p femtoclaw-upgrade-protocol --example conform -- HOME/journal …
//! ```
#![allow(clippy::print_stdout, reason = "this is a command")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut ok = true;
    for journal in std::env::args().skip(1) {
        let told = match journal::read(Path::new(&journal)) {
            Err(error) => Err(error.to_string()),
            Ok(records) => protocol::conform(&records).map_err(|error| error.to_string()),
        };
        ok &= told.is_ok();
        match told {
            Ok(steps) => println!("{journal}: {steps} steps, each a step of the model"),
            Err(why) => println!("{journal}: {why}"),
        }
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
