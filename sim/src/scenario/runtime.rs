//! What runtimes do once they have started: write, and end in one way or another.

use std::path::Path;
use std::time::Duration;

use femtoclaw_catalogue::Envelope;
use upgrade::{Booted, Cause, Error, Home};
use versioning::GenerationNumber;

use super::HOME;
use super::step::{ENGINE, Marks, Refusal, development, environment};
use crate::hooks;

/// How a runtime that was launched has ended, as its launcher says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// It was stopped in good order.
    Stopped,
    /// It died, and no try is left: the home goes back at once.
    Spent,
    /// It does not work.
    Unhealthy,
}

/// Launches the runtime of the current generation, which ends. What it writes is another scenario's.
pub(super) fn launch() -> Result<(), Refusal> {
    let launch = with_home(|home| home.launch())?;
    nobody_goes_back();
    drop(launch);
    Ok(())
}

/// Says how it has ended.
pub(super) fn ended(course: Course) -> Result<(), Refusal> {
    let ended = with_home(|home| {
        let generation = home.state().current.unwrap_or(GenerationNumber::FIRST);
        match course {
            Course::Stopped => home.stopped(generation),
            Course::Spent => home.crashed(generation),
            Course::Unhealthy => match home.failed(generation, "simulated") {
                error if matches!(error.cause(), Cause::TrialFailed { .. }) => Ok(()),
                error => Err(error),
            },
        }
    });
    Ok(ended?)
}

/// Opens the home anew: a launcher does not hold it while the runtime runs.
fn with_home<T>(act: impl FnOnce(&mut Home<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let mut telemetry = Marks;
    let root = Path::new(HOME);
    act(&mut Home::open(root, environment(), &mut telemetry, Duration::ZERO)?)
}

/// A rollback under a runtime that runs must be refused, by name, and leave the journal as it is.
fn nobody_goes_back() {
    let records = |home: &mut Home<'_>| Ok(home.records().len());
    let before = with_home(records);
    let refused = with_home(|home| home.rollback(None, development(), "simulated", &mut |_| {}));
    let name = refused.as_ref().err().map(Error::name);
    let disturbed = hooks::with(|world| world.faults().hits() > 0).unwrap_or_default();
    let as_it_should = name == Some("store-in-use") || (disturbed && name.is_some());
    assert!(as_it_should, "going back under a runtime is not refused as it should be: {name:?}");
    if let (Ok(before), Ok(after)) = (before, with_home(records)) {
        assert_eq!(before, after, "a rollback that is refused is on record");
    }
}

/// Where the records that a runtime of ours writes are counted from: no installation has so many.
const FIRST_ORDINAL: u64 = 1 << 40;

/// It writes records to its history and to its log, makes them durable, and stops.
pub(super) fn killed(booted: &Booted<'_>, records: u64) -> Result<(), Refusal> {
    let store = booted.open_store_with(&ENGINE)?;
    append(&store, "history", records)?;
    store.persist()?;
    // Nothing that it does from here on reaches the disk.
    hooks::with(|world| world.stop(true));
    drop(store);
    hooks::with(|world| world.stop(false));
    Ok(())
}

pub(super) fn run(booted: Booted<'_>, records: u64) -> Result<(), Refusal> {
    let store = booted.open_store_with(&ENGINE)?;
    for keyspace in ["history", "wal"] {
        append(&store, keyspace, records)?;
    }
    store.close()?;
    Ok(booted.stop()?)
}

/// Appends copies of a keyspace's last record, each with a place of its own. All but the last are made durable: that is left
/// to what comes next, which must do it.
fn append(store: &upgrade::Store, keyspace: &str, records: u64) -> Result<(), Refusal> {
    let mut last = None;
    store.scan_while(keyspace, &mut |_, value| {
        last = Some(value.to_vec());
        true
    })?;
    let Some(mut envelope) = last.and_then(|last| Envelope::decode(&last).ok()) else {
        return Ok(());
    };
    let first = envelope.source.ordinal.max(FIRST_ORDINAL) + 1;
    for ordinal in first..first + records {
        envelope.source.ordinal = ordinal;
        if ordinal != first {
            store.persist()?;
        }
        store.put(keyspace, &envelope.source.encode(), &envelope.encode())?;
    }
    Ok(())
}
