//! Reasons about capabilities.

use serde::{Deserialize, Serialize};
use versioning::CapabilitySet;

use super::{Severity, Telling};
use crate::{CapabilityId, Span};

/// A reason about a capability, or about the set of them (FC-UPGRADE-0001 §11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code")]
#[non_exhaustive]
pub enum CapabilityReason {
    /// The release cannot carry over the capability set that is installed.
    #[serde(rename = "capability-set-not-accepted")]
    SetNotAccepted {
        /// The set that is installed.
        found: CapabilitySet,
        /// The sets that the release accepts.
        accepts: Span<CapabilitySet>,
    },
    /// The release does not know the capability, so nothing can use it any more.
    #[serde(rename = "capability-lost")]
    Lost {
        /// Its id.
        id: CapabilityId,
        /// Whether it is enabled: if not, nothing that works now would stop to.
        enabled: bool,
    },
    /// The release knows the capability by another id.
    #[serde(rename = "capability-renamed")]
    Renamed {
        /// Its id now.
        id: CapabilityId,
        /// Its id after.
        to: CapabilityId,
    },
    /// Two capabilities would become one, and each would gain what was granted to the other.
    #[serde(rename = "capability-collides")]
    Collides {
        /// The one that is renamed.
        id: CapabilityId,
        /// Its id after.
        to: CapabilityId,
        /// The other that would have that id.
        with: CapabilityId,
    },
    /// The id means something else than when it was granted.
    #[serde(rename = "capability-redefined")]
    Redefined {
        /// Its id now.
        id: CapabilityId,
        /// The id whose meaning changed: the same, unless it is renamed as well.
        known_as: CapabilityId,
        /// The set in which its meaning changed.
        since: CapabilitySet,
        /// The set that is installed.
        installed: CapabilitySet,
    },
}

impl CapabilityReason {
    pub(super) fn telling(&self) -> Telling {
        use Severity::{NeedsConsent, Note, Refuse};
        match self {
            Self::SetNotAccepted { found, accepts } => Telling::new(
                Refuse,
                "capability-set-not-accepted",
                "§11",
                format!("Capability set {found} is installed, and the release accepts {accepts}."),
            )
            .about("capabilities")
            .advise("Upgrade to a release in between first."),
            Self::Lost { id, enabled } => Telling::new(
                if *enabled { Refuse } else { NeedsConsent },
                "capability-lost",
                "§11",
                format!(
                    "The release does not know the capability {id}, which is {}.",
                    if *enabled {
                        "enabled: what uses it would no longer work"
                    } else {
                        "disabled: it could not be switched on any more"
                    }
                ),
            )
            .about(format!("capability {id}"))
            .advise("Do without it and remove it first, or wait for a release that knows it."),
            Self::Renamed { id, to } => Telling::new(
                Note,
                "capability-renamed",
                "§11",
                format!("The capability {id} will be called {to}."),
            )
            .about(format!("capability {id}")),
            Self::Collides { id, to, with } => Telling::new(
                Refuse,
                "capability-collides",
                "§11",
                format!("The capabilities {id} and {with} would both become {to}."),
            )
            .about(format!("capability {id}"))
            .advise("Remove one of them first."),
            Self::Redefined { id, known_as, since, installed } => Telling::new(
                Refuse,
                "capability-redefined",
                "§11",
                format!(
                    "The capability {id} was granted under set {installed}, and {known_as} means \
                     something else since set {since}."
                ),
            )
            .about(format!("capability {id}"))
            .advise("Remove it first, and grant it anew after the upgrade."),
        }
    }
}
