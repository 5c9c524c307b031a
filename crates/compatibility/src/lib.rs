//! Whether a release suits an installation, by which path it can be reached, and which version of the protocol two peers share
//! (FC-UPGRADE-0001 §13, §24).
//!
//! A release states what it is in an [`Offer`], an installation in an [`Installed`], and what the operator decides is a
//! [`Policy`]. From these three values and nothing else,
//! - [`judge`] gives a [`Verdict`] with every [`Reason`], never only the first;
//! - [`paths`] gives the shortest path over several offers, or every reason why there is none;
//! - [`negotiate`] gives the version and the features that two peers use between them;
//! - [`readers`] tells which of several releases read which storage schema.
//!
//! Nothing here reads a file, a clock or the environment, and nothing depends on the order in which sets are given.

mod error;
mod installed;
mod judge;
mod name;
mod negotiate;
mod offer;
mod path;
mod policy;
mod range;
mod reason;
mod storage;
#[cfg(test)]
mod tests;
mod verdict;

pub use error::Invalid;
pub use installed::{Installed, InstalledExtension, RollbackTarget};
pub use judge::judge;
pub use name::{
    CapabilityId, ExtensionIdentity, ExtensionKind, FeatureName, MAXIMUM_NAME_CHARACTERS, Name,
    Permission,
};
pub use negotiate::{Agreement, Dialect, Feature, Misfit, NoAgreement, Speaks, negotiate};
pub use offer::{
    CapabilityOffer, CapabilityStatement, ExtensionApi, ExtensionHost, Offer, StorageOffer,
};
pub use path::{MAXIMUM_STATES, NoPath, UpgradePath, paths};
pub use policy::{Part, Peers, Policy, RollbackData};
pub use range::{RuntimeRange, Span};
pub use reason::{
    CapabilityReason, ExtensionReason, ProtocolReason, Reason, ReleaseReason, Severity,
    StorageReason, Telling,
};
pub use storage::{Migration, Readable, readers, route};
pub use verdict::Verdict;
