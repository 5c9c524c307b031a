//! The shortest runtime that links the upgrade system: starts through `boot()`, reads from its upgraded store, and closes it
//! again.
//!
//! ```console
//! $ cargo run --example runtime -- HOME
//! ```
//!
//! How a runtime serves, writes from several threads and ends is in `examples/runtime` of the workspace.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use femtoclaw_catalogue::configuration::RuntimeConfiguration;
use femtoclaw_catalogue::{FemtoClaw, schema3};
use upgrade::{EngineOptions, Environment, NoTelemetry, Store};
use versioning::{Clock, RuntimeVersion, Timestamp};

/// What this runtime is. A home at any other version refuses it.
const VERSION: RuntimeVersion = RuntimeVersion::new(2, 0, 0);

/// How many executions are shown.
const SHOWN: usize = 5;

/// The runtime's own clock. The upgrade system has none.
struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a runtime is where the time comes from")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = i128::try_from(since.as_nanos()).unwrap_or_default();
        Timestamp::from_unix_nanoseconds(nanoseconds).unwrap_or(Timestamp::EPOCH)
    }
}

fn main() -> ExitCode {
    let Some(home) = std::env::args_os().nth(1) else {
        eprintln!("usage: runtime HOME");
        return ExitCode::from(64);
    };
    match run(Path::new(&home)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("refused to start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(home: &Path) -> Result<(), Box<dyn Error>> {
    let environment = Environment {
        catalogue: &FemtoClaw,
        clock: &WallClock,
        operator: "runtime",
        engine: &EngineOptions::default(),
    };
    // Before anything else is opened: lock, put right, verify, or refuse.
    let mut telemetry = NoTelemetry;
    let booted = upgrade::boot(home, &VERSION, environment, &mut telemetry, Duration::ZERO)?;
    let configuration = RuntimeConfiguration::parse(booted.configuration())
        .map_err(|violations| violations.join("; "))?;
    // What a call is decided by, before it is made.
    let authority = booted.authority();
    println!(
        "generation {} ({}), backend {}, log level {}, {} capabilities, of which {} are on",
        booted.generation().number(),
        booted.versions().runtime,
        configuration.backend,
        configuration.log_level,
        authority.registry.iter().count(),
        authority.registry.iter().filter(|capability| capability.enabled).count(),
    );
    let store = booted.open_store()?;
    show_executions(&store)?;
    // At shutdown, explicitly: the writers first, each of which would hold a pass of this gate; then the store, then the
    // home. On trial, this start is given back.
    booted.gate().drain()?;
    store.close()?;
    booted.stop()?;
    Ok(())
}

/// The first executions in the order of time.
fn show_executions(store: &Store) -> Result<(), Box<dyn Error>> {
    let mut shown = Vec::new();
    let mut unreadable = None;
    store.scan_while("executions", &mut |_, value| {
        match schema3::execution(value) {
            Ok(execution) => shown.push(execution.record),
            Err(error) => unreadable = Some(error),
        }
        unreadable.is_none() && shown.len() < SHOWN
    })?;
    if let Some(error) = unreadable {
        return Err(error.into());
    }
    for record in shown {
        println!("{}  {:<10} {}", record.timestamp, record.capability, record.id);
    }
    Ok(())
}
