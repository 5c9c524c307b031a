//! Every reason that a verdict can have (FC-UPGRADE-0001 §13).
//!
//! A reason is a value with its facts. All that is said of it to people and machines (its code, how severe it is, the clause
//! that it rests on, a sentence, what to do) stands in one place: the `telling` of its enum.

mod capability;
mod extension;
mod protocol;
mod release;
mod storage;

pub use capability::CapabilityReason;
pub use extension::ExtensionReason;
pub use protocol::ProtocolReason;
pub use release::ReleaseReason;
pub use storage::StorageReason;

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much weight a reason has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The offer can be taken, but it costs something that only a person can agree to.
    NeedsConsent,
    /// The offer cannot be taken.
    Refuse,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Note => "note",
            Self::NeedsConsent => "needs consent",
            Self::Refuse => "refused",
        })
    }
}

/// A reason, by what it is about.
///
/// In JSON it is an object with a `code` and its facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Reason {
    /// The release as a whole, or its configuration.
    Release(ReleaseReason),
    /// Storage and rollback.
    Storage(StorageReason),
    /// The protocol.
    Protocol(ProtocolReason),
    /// An extension.
    Extension(ExtensionReason),
    /// A capability, or the set of them.
    Capability(CapabilityReason),
}

/// All that is said of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Telling {
    /// Its stable name, in kebab-case.
    #[serde(skip)]
    pub code: &'static str,
    /// How much weight it has.
    pub severity: Severity,
    /// The clause of FC-UPGRADE-0001 that it rests on.
    pub clause: &'static str,
    /// What it is about, such as `storage` or `extension weather by acme`.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// What can be done about it, where anything can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl Telling {
    fn new(severity: Severity, code: &'static str, clause: &'static str, message: String) -> Self {
        Self { code, severity, clause, subject: String::new(), message, action: None }
    }

    fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }

    fn advise(self, action: impl Into<String>) -> Self {
        Self { action: Some(action.into()), ..self }
    }
}

impl Reason {
    /// All that is said of it.
    pub fn telling(&self) -> Telling {
        match self {
            Self::Release(reason) => reason.telling(),
            Self::Storage(reason) => reason.telling(),
            Self::Protocol(reason) => reason.telling(),
            Self::Extension(reason) => reason.telling(),
            Self::Capability(reason) => reason.telling(),
        }
    }

    /// Its stable name, in kebab-case.
    pub fn code(&self) -> &'static str {
        self.telling().code
    }

    /// How much weight it has.
    pub fn severity(&self) -> Severity {
        self.telling().severity
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Telling { code, severity, clause, message, action, .. } = self.telling();
        write!(formatter, "{severity}: {message} [{code}, {clause}]")?;
        match action {
            Some(action) => write!(formatter, " {action}"),
            None => Ok(()),
        }
    }
}

/// Makes a reason of what is said about one subject.
macro_rules! into_reason {
    ($($variant:ident($inner:ty)),*) => {
        $(impl From<$inner> for Reason {
            fn from(reason: $inner) -> Self {
                Self::$variant(reason)
            }
        })*
    };
}

into_reason!(
    Release(ReleaseReason),
    Storage(StorageReason),
    Protocol(ProtocolReason),
    Extension(ExtensionReason),
    Capability(CapabilityReason)
);
