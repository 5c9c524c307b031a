//! Storage migration: plans, runs and verifies record transforms over fjall (FC-UPGRADE-0001 §6–§9, §18, §19).
//!
//! - A [`SchemaDefinition`] lists the keyspaces of one schema version, with the class of each.
//! - A [`MigrationStep`] leads from one schema version to the next. It says what happens to each keyspace, and is a pure
//!   function of one record, or of one sorted group of fragments.
//! - A migration path is a sequence of steps. It is run fused: one read and one write per record, however many
//!   versions are crossed.
//! - Nothing is dropped: a record that has no place in the next schema goes to the [`ARCHIVE`] keyspace with a reason,
//!   and the counts must balance ([`RecordCounts`]).

mod apply;
mod archive;
mod counts;
mod engine;
mod error;
mod fingerprint;
mod keyspace_map;
mod merge;
mod output;
mod path;
mod run;
mod run_file;
mod schema;
mod sort;
mod source;
mod step;
mod store;
mod verify;

pub use archive::{ArchivedRecord, InvalidArchivedRecord};
pub use counts::{RecordCounts, StepCounts};
pub use engine::EngineOptions;
pub use error::{MigrationError, Result};
pub use fingerprint::fingerprint;
pub use keyspace_map::{KeyspaceMap, PhysicalKeyspace};
pub use path::{Disposition, MAXIMUM_STEPS, MigrationPath};
pub use run::{MigrationReport, Origin, PROGRESS_RECORDS, Phase, Progress, migrate};
pub use schema::{ARCHIVE, KeyspaceClass, KeyspaceDefinition, RecordCheck, SchemaDefinition};
pub use source::{RecordSource, SourceError, Visitor};
pub use step::{Action, Emitter, Example, MigrationStep, Output, Record, TransformError};
pub use store::{Store, clone_mode};
pub use verify::{measure, measure_and_check, measure_source, rehearse, verify};
