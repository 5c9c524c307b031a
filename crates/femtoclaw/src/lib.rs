//! FemtoClaw's own schemas, migrations and releases, and the adoption of 1.0.x directories.

pub mod adoption;
mod authority;
mod catalogue;
mod codec;
pub mod configuration;
mod envelope;
mod execution;
mod inventory;
mod json;
mod keys;
mod manifest;
mod parts;
mod pieces;
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
pub use record::{
    AuditEntry, ExecutionRecord, ExecutionStatus, HistoryEntry, Json, MemoryMessage, MessageRole,
    RecordKind, Snapshot, TelemetryEvent, WalEvent,
};
pub use role::Role;
pub use set_aside::SetAside;
pub use steps::{DecodeRecords, JoinExecutions};
