//! FemtoClaw's own schemas, migrations and releases, and the adoption of 1.0.x directories.
//!
//! The upgrade system knows no FemtoClaw: [`FemtoClaw`] tells it everything, through [`upgrade::Catalogue`].
//!
//! | question | where |
//! |---|---|
//! | What is in a directory that 1.0.x left behind? | [`adoption`], [`Inventory`] |
//! | What is in a store? | [`schema1`] (the files as they lie), [`schema2`] (decoded), [`schema3`] (as the runtime asks) |
//! | How does one become the next, and the one before? | [`DecodeRecords`], [`JoinExecutions`], [`SplitExecutions`] |
//! | What may a configuration say? | [`configuration`], [`configuration::json_schemas`] |
//! | How does a configuration go back, with its edits? | [`configuration::undo()`] |
//! | What does a runtime read when it starts? | [`parse_policies`], [`parse_capabilities`], [`parse_extensions`], [`configuration::RuntimeConfiguration`], the functions of [`schema3`] |
//! | What does a runtime write? | [`native`] |
//! | What can it be tried on? | [`sample`] |
//!
//! Two rules hold everywhere. The bytes that 1.0.x wrote are kept beside whatever is made of them, because printing a
//! record again changes it. And what cannot be read is set aside whole, with its place and the reason, never dropped and
//! never repaired; only what would be dangerous is refused.

pub mod adoption;
mod authority;
mod catalogue;
mod codec;
pub mod configuration;
mod envelope;
mod execution;
mod extensions;
mod inventory;
mod json;
mod json_configuration;
mod keys;
mod manifest;
mod members;
pub mod native;
mod parts;
mod pieces;
mod policy;
mod record;
mod releases;
mod render;
mod role;
pub mod sample;
pub mod schema1;
pub mod schema2;
pub mod schema3;
mod set_aside;
mod steps;
mod yaml;

pub use authority::{Capability, CapabilityParameter, Effect, Policy, PolicyCondition, PolicyRule};
pub use catalogue::FemtoClaw;
pub use codec::CodecError;
pub use envelope::Envelope;
pub use execution::{Conflict, Execution, Origin, Testimony};
pub use inventory::{
    INVENTORY_FILE, INVENTORY_FORMAT, Inventory, InventoryError, InventoryFile,
    MAXIMUM_INVENTORY_BYTES,
};
pub use json::{FieldError, Fields};
pub use keys::{InvalidKey, MAXIMUM_KEY_TEXT_BYTES, RecordKey, TimeKey};
pub use manifest::{
    ExtensionManifest, MANIFEST_NAMES, MAXIMUM_MANIFEST_BYTES, ManifestCommand, ManifestError,
    ManifestFault, ManifestParameter, is_plain_component,
};
pub use parts::{PartError, parse_capabilities, parse_extensions, parse_policies};
pub use policy::{CAPABILITY_FILE, POLICY_FILE};
pub use record::{
    AuditEntry, ExecutionRecord, ExecutionStatus, HistoryEntry, Json, MemoryMessage, MessageRole,
    RecordKind, Snapshot, TelemetryEvent, WalEvent,
};
pub use role::Role;
pub use set_aside::SetAside;
pub use steps::{DecodeRecords, JoinExecutions, SplitExecutions};
