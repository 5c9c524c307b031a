//! This project's storage migration, as an upgrade runs it: with every verification on.

use std::path::Path;

use integrity::LogicalDigest;
use storage_migration::{
    EngineOptions, KeyspaceMap, MigrationPath, MigrationStep, Origin, Stayed, Store, clone_mode,
};

use super::{ReadBack, digester};
use crate::failure::Result;
use crate::schema::{MIGRATED, RECORDS, SCHEMAS, STORED, TransformRecords, schema};
use crate::transform::Transform;

/// Where the migrated store goes, below the directory of a run.
const TARGET: &str = "migrated";

/// Clones, migrates, reads back and verifies, syncs.
///
/// `before` is the digest of the source that a sealed generation has on record.
pub(super) fn migrate(
    transform: Transform,
    source: &Path,
    directory: &Path,
    before: &LogicalDigest,
) -> Result<ReadBack> {
    let step = TransformRecords(transform);
    let steps: [&dyn MigrationStep; 1] = [&step];
    let path = MigrationPath::resolve(&SCHEMAS, &steps, STORED, MIGRATED)?;
    storage_migration::rehearse(&path)?;
    let (target, scratch) = (directory.join(TARGET), directory.join("scratch"));
    durable::clone_tree(source, &target, clone_mode)?;
    durable::create_directory(&scratch)?;
    let options = options();
    let report = storage_migration::migrate(
        &path,
        Origin::Store(&source_map()),
        &target,
        &scratch,
        &options,
        &mut |_| {},
    )?;
    storage_migration::verify(
        &target,
        &report,
        &schema(MIGRATED),
        Some(before),
        Stayed::SharedWith(source),
        &options,
        &mut |_| {},
    )?;
    durable::sync_tree(&target)?;
    Ok(Box::new(move || {
        let store = Store::open(&target, &report.keyspaces, &EngineOptions::default())?;
        let mut digest = digester();
        store.scan_while(RECORDS, &mut |key, value| {
            digest.update(key, value);
            true
        })?;
        store.close()?;
        Ok(digest.finish())
    }))
}

/// As the command runs the engine: with as many workers as there are cores.
pub(crate) fn options() -> EngineOptions {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    EngineOptions { workers: workers.min(8), ..EngineOptions::default() }
}

/// The digest of a source, measured on a clone of it at `scratch`, which is removed.
///
/// # Errors
/// What the engine says.
pub(crate) fn measure_source(source: &Path, scratch: &Path) -> Result<LogicalDigest> {
    durable::clone_tree(source, scratch, clone_mode)?;
    let digest = storage_migration::measure(scratch, &source_map(), &EngineOptions::default())?;
    durable::remove_tree(scratch)?;
    Ok(digest)
}

/// The keyspaces of a source.
pub(super) fn source_map() -> KeyspaceMap {
    KeyspaceMap::of_schema(&schema(STORED))
}
