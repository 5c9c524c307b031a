//! Storage migration: plans, runs and verifies record transforms over fjall (FC-UPGRADE-0001 §6–§9, §18, §19).
//!
//! - A [`SchemaDefinition`] lists the keyspaces of one schema version, with the class of each.
//! - A [`MigrationStep`] leads from one schema version to the next. It says what happens to each keyspace, and is a pure
//!   function of one record, or of one sorted group of fragments.
//! - A migration path is a sequence of steps. It is run fused: one read and one write per record, however many
//!   versions are crossed.
//! - Nothing is dropped: a record that has no place in the next schema goes to the [`ARCHIVE`] keyspace with a reason,
//!   and the counts must balance ([`RecordCounts`]).
//!
//! The order of calls: [`MigrationPath::resolve`], [`rehearse`]; clone the closed store with [`clone_mode`] into staging;
//! [`migrate`] the clone, [`verify`] it through a new handle. The caller then syncs the tree, seals and activates it: until
//! then nothing that was there before has changed, which is what makes a migration atomic (§7).
//!
//! | module | what it holds |
//! |---|---|
//! | `schema`, `step`, `source` | the terms in which a runtime describes its schemas, steps and older formats |
//! | `path`, `fingerprint` | which steps lead where, and whether they are still the same |
//! | `apply`, `counts` | the rules that every step is held to, and the conservation law |
//! | `batch`, `feed` | records on their way from one thread to another |
//! | `transform` | what becomes of a batch: the part of a run that is pure |
//! | `run`, `output`, `writer`, `load` | the fused run: reading, joining, writing in order |
//! | `sort`, `merge`, `run_file` | sorting more than fits in memory |
//! | `engine`, `store`, `tables`, `keyspace_map` | the storage engine, used as the facts about it demand |
//! | `archive` | records without a place |
//! | `measure` | reading all of a store, in parallel |
//! | `verify` | the proof |
//!
//! What is absent: nothing here clears a keyspace, writes to one that held records of another life, creates blobs, retries
//! after an error of the engine, or reads a clock. What is not proven: how much memory the engine itself takes beside its block cache, for the
//! index and the filter of each table that is being written.

mod apply;
mod archive;
mod batch;
mod counts;
mod engine;
mod error;
mod feed;
mod fingerprint;
mod keyspace_map;
mod load;
mod measure;
mod merge;
mod output;
mod part;
mod path;
mod pieces;
mod renew;
mod report;
mod run;
mod run_file;
mod schema;
mod sort;
mod source;
mod step;
mod store;
mod tables;
mod tally;
mod transform;
mod verify;
mod version_files;
mod writer;

pub use archive::{ArchivedRecord, InvalidArchivedRecord};
pub use counts::{RecordCounts, StepCounts};
pub use durable::FileIdentity;
pub use engine::EngineOptions;
pub use error::{MigrationError, Result};
pub use fingerprint::fingerprint;
pub use keyspace_map::{KeyspaceMap, PhysicalKeyspace};
pub use measure::{KnownKeyspaces, measure, measure_source, measure_unknown};
pub use path::{Disposition, MAXIMUM_STEPS, MigrationPath};
pub use report::{MigrationReport, Origin, PROGRESS_RECORDS, Phase, Progress};
pub use run::migrate;
pub use schema::{ARCHIVE, KeyspaceClass, KeyspaceDefinition, RecordCheck, SchemaDefinition};
pub use source::{RecordSource, SourceError, Visitor};
pub use step::{Action, Emitter, Example, MigrationStep, Output, Record, TransformError};
pub use store::{Store, clone_mode};
pub use verify::{Stayed, rehearse, verify, verify_clone};
