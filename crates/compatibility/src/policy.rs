//! What the operator decides, and no release or installation can (FC-UPGRADE-0001 §13, §15, §24).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use versioning::RuntimeVersion;

/// What the operator decides. The default is the strictest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The runtime version that is wanted, and thereby asked for. Without it, a path leads to the newest release that need not
    /// be asked for.
    pub target: Option<RuntimeVersion>,
    /// Further versions that were asked for by name.
    pub asked_for: BTreeSet<RuntimeVersion>,
    /// What must become of records that are written between an upgrade and a rollback.
    pub rollback_data: RollbackData,
    /// Whether the peers of this runtime are upgraded along with it.
    pub peers: Peers,
}

impl Policy {
    /// Whether a version was asked for by name. Build metadata makes no difference.
    pub fn asks_for(&self, version: &RuntimeVersion) -> bool {
        self.target.as_ref() == Some(version) || self.asked_for.contains(version)
    }
}

/// What must become of records that are written between an upgrade and a rollback (FC-UPGRADE-0001 §15).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackData {
    /// They must be carried back: what the rollback goes back to can read them, or migrations lead them all the way to the
    /// schema that it writes ([`crate::Installed::steps_back`]).
    #[default]
    Preserve,
    /// They stay in the generation that was left, and nobody has to read them, if the operator consents.
    SetAside,
}

/// Whether the peers of a runtime are upgraded along with it (FC-UPGRADE-0001 §24).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Peers {
    /// They are not: a release must go on speaking the protocol that is spoken now.
    #[default]
    Independent,
    /// They are, or there are none.
    MoveTogether,
}

/// A part of an installation that has a version of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The runtime binary.
    Runtime,
    /// The storage schema.
    Storage,
    /// The configuration schema.
    Configuration,
    /// The protocol.
    Protocol,
    /// The capability set.
    Capabilities,
    /// The extension set.
    Extensions,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Runtime => "runtime",
            Self::Storage => "storage schema",
            Self::Configuration => "configuration schema",
            Self::Protocol => "protocol",
            Self::Capabilities => "capability set",
            Self::Extensions => "extension set",
        })
    }
}
