//! What runtimes do once they have started: write, and end in one way or another.

use femtoclaw_catalogue::Envelope;
use upgrade::lifecycle::Standing;
use upgrade::{Booted, Cause, Error, Home};
use versioning::GenerationNumber;

use super::interference;
use super::step::{ENGINE, Refusal, development, with_home};
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
            Course::Spent => died(home),
            Course::Unhealthy => match home.failed(generation, "simulated") {
                error if matches!(error.cause(), Cause::TrialFailed { .. }) => Ok(()),
                error => Err(error),
            },
        }
    });
    Ok(ended?)
}

/// A file of the generation before the one that is on trial, where one is launched.
const OF_THE_ONE_BEFORE: &str = "/home/generations/2/config/femtoclaw.toml";

/// A runtime has died, no try is left, and the disk does not give the generation before: the home halts, for its launcher
/// and for whoever launches again, and nothing is on record of it.
pub(super) fn halts() -> Result<(), Refusal> {
    let before = with_home(records);
    let (died, again) = interference::unreadable(OF_THE_ONE_BEFORE, || {
        (with_home(died), with_home(|home| home.launch().map(drop)))
    });
    refused_with(&died, ("halted", 8));
    refused_with(&again, ("halted", 8));
    nothing_was_appended(before);
    Ok(died?)
}

/// The generation that the home has gone back to is launched, and its runtime fails too. Its launcher can know that there
/// is nothing further back, and the home stays where it is: two generations that fail are never alternated between.
pub(super) fn both_fail() -> Result<(), Refusal> {
    let launch = with_home(|home| home.launch())?;
    let generation = launch.generation().number();
    assert!(launch.returned_from() > Some(generation), "nobody knows that another was left for it");
    assert_eq!(launch.standing(), Standing::Confirmed, "what was gone back to is on trial");
    nobody_goes_back();
    drop(launch);
    let before = with_home(records);
    with_home(|home| home.crashed(generation))?;
    let failed = with_home(|home| Err::<(), _>(home.failed(generation, "simulated")));
    refused_with(&failed, ("not-on-trial", 1));
    nothing_was_appended(before);
    Ok(failed?)
}

fn died(home: &mut Home<'_>) -> Result<(), Error> {
    let generation = home.state().current.unwrap_or(GenerationNumber::FIRST);
    home.crashed(generation)
}

fn records(home: &mut Home<'_>) -> Result<usize, Error> {
    Ok(home.records().len())
}

/// What is refused must be, by this name and with this exit code, unless a fault was met.
fn refused_with(result: &Result<(), Error>, expected: (&str, u8)) {
    let found = result.as_ref().err().map(|error| (error.name(), error.exit_code()));
    let disturbed = hooks::with(|world| world.faults().hits() > 0).unwrap_or_default();
    let as_it_should = found == Some(expected) || (disturbed && found.is_some());
    assert!(as_it_should, "it ends with {found:?}, and not with {expected:?}");
}

fn nothing_was_appended(before: Result<usize, Error>) {
    if let (Ok(before), Ok(after)) = (before, with_home(records)) {
        assert_eq!(before, after, "what is refused is on record");
    }
}

/// A rollback under a runtime that runs must be refused, by name, and leave the journal as it is.
fn nobody_goes_back() {
    let before = with_home(records);
    let back = |home: &mut Home<'_>| home.rollback(None, development(), "simulated", &mut |_| {});
    refused_with(&with_home(back).map(drop), ("store-in-use", 9));
    nothing_was_appended(before);
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
