//! The lifecycle of a home: which event may follow which, and what a history amounts to (FC-UPGRADE-0001 §29).
//!
//! [`transition`] is the one table. The journal is folded through it ([`HomeState::replay`]), and every record that is
//! about to be appended is tried on it first, so no history can come to be that could not be read back.

mod state;
mod table;

pub use state::{
    Fate, GenerationState, HomeState, KeyringState, OpenAttempt, Standing, StoreStanding,
};
pub use table::{EventKind, Phase, transition};
