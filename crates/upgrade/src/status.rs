//! What a home looks like from outside.

use journal::Authority;
use serde::Serialize;
use versioning::{GenerationNumber, Timestamp, Versions};

use crate::HomeView;
use crate::lifecycle::{Fate, Standing};

/// What a home looks like from outside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Whose home it is.
    pub product: String,
    /// The current generation.
    pub current: Option<GenerationNumber>,
    /// The version that runs (FC-UPGRADE-0001 §4).
    pub version: Option<String>,
    /// Whether the current generation became current without a signature.
    pub development: bool,
    /// The keyring without whose signatures nothing goes; none if the home is changed in development mode alone.
    pub keyring: Option<KeyringStatus>,
    /// The highest security epoch that was confirmed: no release of an earlier one is taken.
    pub security_floor: u64,
    /// Every generation, newest first.
    pub generations: Vec<GenerationStatus>,
    /// What is going on, or was interrupted.
    pub attempt: Option<AttemptStatus>,
    /// Records of the journal.
    pub journal_records: u64,
}

/// The keyring of a [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyringStatus {
    /// The epoch that counts.
    pub epoch: u64,
    /// What authorisations call the home.
    pub node: String,
}

/// One generation of a [`Status`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenerationStatus {
    /// Its number.
    pub generation: GenerationNumber,
    /// Its versions.
    pub versions: Versions,
    /// Whether it is current.
    pub current: bool,
    /// `trial`, `confirmed`, `bad`, `building`, `aborted` or `collected`.
    pub standing: &'static str,
    /// Starts that it was given to prove itself, if it is on trial (FC-UPGRADE-0001 §15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
    /// How many of them are left, if it is on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    /// Whether a rollback leads here.
    pub rollback_target: bool,
    /// When it last became current.
    pub activated: Option<Timestamp>,
}

/// The attempt of a [`Status`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptStatus {
    /// Its number.
    pub attempt: u64,
    /// How far it has come, such as `upgrade: sealed`.
    pub phase: String,
}

impl HomeView<'_> {
    /// What the home looks like.
    // trace: impl FC-4.2
    pub fn status(&self) -> Status {
        let state = self.state();
        let target = state.rollback_target().map(|(number, _)| number);
        let describe = |number: GenerationNumber| {
            let generation = state.generations.get(&number)?;
            let current = state.current == Some(number);
            let trial = match state.standing {
                Standing::Trial { tries, left, .. } if current => Some((tries, left)),
                _ => None,
            };
            let standing = match generation.fate {
                Fate::Kept if trial.is_some() => "trial",
                Fate::Kept => "confirmed",
                Fate::Bad => "bad",
                Fate::Building => "building",
                Fate::Aborted => "aborted",
                Fate::Collected => "collected",
            };
            Some(GenerationStatus {
                generation: number,
                versions: generation.versions.clone(),
                current,
                standing,
                tries: trial.map(|(tries, _)| tries),
                tries_left: trial.map(|(_, left)| left),
                rollback_target: target == Some(number),
                activated: generation.activated,
            })
        };
        Status {
            product: state.product.clone(),
            current: state.current,
            version: state.runtime().map(ToString::to_string),
            development: state.authority == Some(Authority::Development),
            keyring: state
                .keyring
                .as_ref()
                .map(|keyring| KeyringStatus { epoch: keyring.epoch, node: keyring.node.clone() }),
            security_floor: state.security_floor,
            generations: state.generations.keys().rev().filter_map(|n| describe(*n)).collect(),
            attempt: state
                .attempt
                .as_ref()
                .map(|open| AttemptStatus { attempt: open.number, phase: state.phase.to_string() }),
            journal_records: self.records().len() as u64,
        }
    }
}
