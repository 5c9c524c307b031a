//! Storage migration: plans, runs and verifies record transforms over fjall (FC-UPGRADE-0001 §6–§9, §18, §19).
//!
//! - A [`SchemaDefinition`] lists the keyspaces of one schema version, with the class of each.
//! - A [`MigrationStep`] leads from one schema version to the next. It says what happens to each keyspace, and is a pure
//!   function of one record, or of one sorted group of fragments.
//! - A migration path is a sequence of steps. It is run fused: one read and one write per record, however many
//!   versions are crossed.
//! - Nothing is dropped: a record that has no place in the next schema goes to the [`ARCHIVE`] keyspace with a reason,
//!   and the counts must balance ([`RecordCounts`]).

mod schema;
mod source;
mod step;

pub use schema::{ARCHIVE, KeyspaceClass, KeyspaceDefinition, SchemaDefinition};
pub use source::{RecordSource, SourceError, Visitor};
pub use step::{Action, Emitter, Example, MigrationStep, Output, Record, TransformError};
