//! The table of attacks: each is a package that must be refused, for a reason of its own.
//!
//! The table and what it is made with (`forge`, `hostile_members`, `hostile_manifests`) stand on their own, below whatever module:
//! they make seeds for fuzzing, too.

use release::Error;

use super::{hostile_manifests, hostile_members};

/// Who notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// `Package::open`.
    ByOpening,
    /// `Package::verify`.
    ByVerifying,
}

/// One attack.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) noticed: Noticed,
    /// Whether it is refused for the right reason.
    pub(crate) is_told: fn(&Error) -> bool,
}

/// An attack that opening notices: its name, its bytes, and the error that it must give.
macro_rules! attack {
    ($name:literal, $bytes:expr, $error:pat) => {
        Attack {
            name: $name,
            bytes: $bytes,
            noticed: Noticed::ByOpening,
            is_told: |error| matches!(error, $error),
        }
    };
}
pub(crate) use attack;

/// All attacks.
pub(crate) fn all() -> Vec<Attack> {
    let mut attacks = hostile_members::attacks();
    attacks.extend(hostile_manifests::attacks());
    attacks
}
