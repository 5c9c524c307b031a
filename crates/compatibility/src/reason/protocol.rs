//! Reasons about the protocol.

use serde::{Deserialize, Serialize};
use versioning::ProtocolVersion;

use super::{Severity, Telling};
use crate::Peers;

/// A reason about the protocol (FC-UPGRADE-0001 §24).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code")]
#[non_exhaustive]
pub enum ProtocolReason {
    /// The release speaks nothing of the major that is spoken now.
    #[serde(rename = "protocol-major-dropped")]
    MajorDropped {
        /// What is spoken now.
        spoken: ProtocolVersion,
        /// What the release speaks.
        offered: String,
        /// Whether the peers are upgraded along.
        peers: Peers,
    },
    /// The release speaks the major that is spoken now, and not the minor.
    #[serde(rename = "protocol-minor-dropped")]
    MinorDropped {
        /// What is spoken now.
        spoken: ProtocolVersion,
        /// What the release speaks.
        offered: String,
        /// Whether the peers are upgraded along.
        peers: Peers,
    },
}

impl ProtocolReason {
    pub(super) fn telling(&self) -> Telling {
        let (code, spoken, offered, peers, what) = match self {
            Self::MajorDropped { spoken, offered, peers } => {
                ("protocol-major-dropped", spoken, offered, peers, "major")
            }
            Self::MinorDropped { spoken, offered, peers } => {
                ("protocol-minor-dropped", spoken, offered, peers, "minor")
            }
        };
        let fact = format!(
            "Protocol {spoken} is spoken now, and the release speaks {offered}: its {what} is gone"
        );
        let telling = match peers {
            Peers::Independent => {
                let message = format!("{fact}, which cuts off peers that are not upgraded along.");
                Telling::new(Severity::Refuse, code, "§24", message)
                    .advise("Upgrade the peers first, or declare that they move together.")
            }
            Peers::MoveTogether => {
                let message = format!("{fact}; the peers are upgraded along.");
                Telling::new(Severity::Note, code, "§24", message)
            }
        };
        telling.about("protocol versions")
    }
}
