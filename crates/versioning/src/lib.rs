//! Versions, generation numbers, time as a value, and what kind of upgrade a pair of versions is
//! (FC-UPGRADE-0001 §3, §4).
//!
//! Every version is a newtype, so that a storage schema can never be compared with a configuration schema, and a
//! value that exists is valid.

mod clock;
mod kind;
mod version;

pub use clock::{Clock, FixedClock, InvalidTimestamp, Timestamp};
pub use kind::{NotAnUpgrade, UpgradeKind, UpgradeKinds, classify};
pub use version::{
    CapabilitySet, ConfigurationSchema, ExtensionSet, GenerationNumber, InvalidVersion,
    ProtocolVersion, RuntimeVersion, SchemaVersion, Versions,
};
