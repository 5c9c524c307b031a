//! `femtoclaw-runtime`: a small runtime that links the upgrade system, as one of FemtoClaw 2.x would.
//!
//! `serve` is the whole pattern (`serve.rs`): boot → open → pass the gate → write, sync, acknowledge → drain → close → stop.
//! `load` asks it to write, from many threads, and keeps the id of everything that was acknowledged; `ask` asks one thing.
//!
//! ```console
//! $ femtoclaw-runtime serve --home /srv/femtoclaw --as-version 2.0.0
//! $ femtoclaw-runtime load --connect /srv/femtoclaw/runtime.sock --threads 4 --acknowledged ids
//! $ femtoclaw-runtime ask --connect /srv/femtoclaw/runtime.sock '{"do":"confirm"}'
//! ```
//!
//! | file | what |
//! |---|---|
//! | `serve.rs` | from the start to the end of a run |
//! | `connection.rs` | what is asked and answered: one JSON object a line |
//! | `ledger.rs` | how a record is written: through the gate, durable before it is acknowledged |
//! | `upgrading.rs` | how a runtime upgrades its own home |
//! | `surroundings.rs` | clock, environment, signals: what the libraries do not ask for |
//! | `load.rs` | the other side |
//!
//! A real runtime knows its version when it is built. This one stands for several releases and is told: by `--as-version`, or by
//! `FEMTOCLAW_VERSION`, which a launcher sets. `--home` can be in `FEMTOCLAW_HOME`.
//!
//! It exits as `femtoclaw-upgrade` does (README, "Exit codes"): 0 when it was stopped, 4 when it has upgraded its home and the
//! new version is to be started, 7 when it went back, and what [`upgrade::Error::exit_code`] says when it was refused. A
//! signal that comes while it upgrades its home cancels that, up to the commit point (143, 130).

mod connection;
mod ledger;
mod load;
mod serve;
mod surroundings;
mod upgrading;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use upgrade::{Cause, Condition};
use versioning::RuntimeVersion;

use crate::surroundings::{exit_code_of, variable};

/// Exit code: the command line makes no sense.
const USAGE: u8 = 64;

/// A small runtime that links the upgrade system.
#[derive(Debug, Parser)]
#[command(name = "femtoclaw-runtime", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs on the current generation of a home, and answers at a socket
    Serve {
        /// The home ($FEMTOCLAW_HOME)
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
        /// Where it answers; runtime.sock in the home if it is not said
        #[arg(long, value_name = "PATH")]
        listen: Option<PathBuf>,
        /// The release that it stands for ($FEMTOCLAW_VERSION)
        #[arg(long, value_name = "VERSION")]
        as_version: Option<RuntimeVersion>,
    },
    /// Asks a runtime to write, again and again, until it does not answer any more
    Load(load::Options),
    /// Asks a runtime one thing, and shows the answer
    Ask(load::Question),
}

/// Why it ended otherwise than it should have.
#[derive(Debug)]
enum Failure {
    /// The command line makes no sense.
    Usage(&'static str),
    /// The upgrade system refused or failed.
    Upgrade(upgrade::Error),
    /// The operating system said no.
    System(String, io::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Upgrade(error) => match error.cause() {
                // Unless there is something to be put right.
                Cause::Cancelled(cancelled) if *error.condition() != Condition::Unfinished => {
                    exit_code_of(&cancelled.by)
                }
                _ => error.exit_code(),
            },
            Self::System(..) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => formatter.write_str(what),
            Self::Upgrade(error) => error.fmt(formatter),
            Self::System(what, error) => write!(formatter, "{what}: {error}"),
        }
    }
}

impl From<upgrade::Error> for Failure {
    fn from(error: upgrade::Error) -> Self {
        Self::Upgrade(error)
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked_for =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return if asked_for { ExitCode::SUCCESS } else { USAGE.into() };
        }
    };
    match run(arguments.command) {
        Ok(code) => code.into(),
        Err(failure) => {
            say(&failure.to_string());
            failure.exit_code().into()
        }
    }
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Serve { home, listen, as_version } => {
            let home = home.or_else(|| variable("FEMTOCLAW_HOME").map(PathBuf::from));
            let home = home.ok_or(Failure::Usage("name a home: --home, or FEMTOCLAW_HOME"))?;
            let named = || variable("FEMTOCLAW_VERSION")?.parse().ok();
            let version = as_version.or_else(named).ok_or(Failure::Usage(
                "say which release this stands for: --as-version, or FEMTOCLAW_VERSION",
            ))?;
            let socket = listen.unwrap_or_else(|| home.join("runtime.sock"));
            serve::run(&serve::Options { home, socket, version })
        }
        Command::Load(options) => load::run(&options),
        Command::Ask(question) => load::ask_once(&question),
    }
}

/// Tells whoever reads standard error. That nobody does is no reason to end.
fn say(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}
