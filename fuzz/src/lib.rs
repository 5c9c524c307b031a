//! Fuzz targets: what comes from a disk, or from somebody, that we do not trust.
//!
//! Each module is a target: `run` hands bytes to the library, observes what comes of it, and holds the observation to an
//! oracle. An oracle never says only that nothing panicked. `cargo test` replays every committed seed and a few hundred
//! mutations of each on the stable compiler; see `README.md` for how to let libFuzzer search.

#![allow(clippy::panic, reason = "a fuzz target fails by panicking")]

pub mod authorization;
pub mod configuration;
pub mod extension_manifest;
pub mod journal;
pub mod keyring;
mod keys;
pub mod manifest;
mod memory;
pub mod mutation;
pub mod release_archive;
mod scratch;
pub mod search;
pub mod seeds;
pub mod signatures;
pub mod wal_adoption;

/// What the library made of the bytes. Either is fine, if the oracle agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// They were taken.
    Accepted,
    /// They were refused, with a typed error.
    Refused,
}

/// What an oracle says: the outcome, or a sentence about the promise that was broken.
pub type Verdict = Result<Outcome, String>;

/// Fails the target if a promise was broken.
fn insist(verdict: Verdict) -> Outcome {
    match verdict {
        Ok(outcome) => outcome,
        Err(broken) => panic!("{broken}"),
    }
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
