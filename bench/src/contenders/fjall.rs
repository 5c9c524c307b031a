//! Plain fjall, as one would write it: with the engine's own defaults, and no verification.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::ours::source_map;
use super::{Content, ReadBack, digester};
use crate::failure::{Failure, Result};
use crate::records::each_record;
use crate::schema::{RECORDS, UNTOUCHED};
use crate::transform::Transform;

/// The keyspace that is migrated to.
const TARGET: &str = "records.v3";

/// Records of one batch.
const BATCH_RECORDS: usize = 1000;

/// Bytes of one value of what is not migrated.
const UNTOUCHED_VALUE_BYTES: u64 = 4096;

/// Scan, transform, bulk-load, `SyncAll`: one thread.
pub(super) fn bulk_load(transform: Transform, source: &Path) -> Result<ReadBack> {
    let database = Database::builder(source).open()?;
    let records = keyspace(&database, &physical(RECORDS)?)?;
    let target = keyspace(&database, TARGET)?;
    let mut ingestion = target.start_ingestion()?;
    let mut new = Vec::new();
    for record in records.iter() {
        let (key, value) = record.into_inner()?;
        new.clear();
        transform.apply_to(&value, &mut new)?;
        ingestion.write(key, new.as_slice())?;
    }
    ingestion.finish()?;
    database.persist(PersistMode::SyncAll)?;
    drop((records, target, database));
    Ok(read_back(source))
}

/// Scan, transform, insert in batches, `SyncAll`: one thread, beside those of the engine.
pub(super) fn insert_batches(transform: Transform, source: &Path) -> Result<ReadBack> {
    let database = Database::builder(source).open()?;
    let records = keyspace(&database, &physical(RECORDS)?)?;
    let target = keyspace(&database, TARGET)?;
    let mut batch = database.batch();
    for record in records.iter() {
        let (key, value) = record.into_inner()?;
        batch.insert(&target, key, transform.apply(&value)?);
        if batch.len() == BATCH_RECORDS {
            std::mem::replace(&mut batch, database.batch()).commit()?;
        }
    }
    batch.commit()?;
    database.persist(PersistMode::SyncAll)?;
    drop((records, target, database));
    Ok(read_back(source))
}

/// Fills a store: bulk-loaded, so that there is nothing left in its journal.
pub(super) fn generate(directory: &Path, content: &Content) -> Result<()> {
    let database = Database::builder(directory).open()?;
    let records = keyspace(&database, &physical(RECORDS)?)?;
    let mut ingestion = records.start_ingestion()?;
    each_record(content.seed, content.records, |key, value| ingestion.write(key, value))?;
    ingestion.finish()?;
    let untouched = keyspace(&database, &physical(UNTOUCHED)?)?;
    let mut ingestion = untouched.start_ingestion()?;
    let mut value = vec![b'u'; usize::try_from(UNTOUCHED_VALUE_BYTES)?];
    for number in 0..content.untouched_bytes / UNTOUCHED_VALUE_BYTES {
        // No two values the same.
        for (place, byte) in value.iter_mut().zip(number.to_be_bytes()) {
            *place = byte;
        }
        ingestion.write(number.to_be_bytes(), value.as_slice())?;
    }
    ingestion.finish()?;
    database.persist(PersistMode::SyncAll)?;
    Ok(())
}

fn read_back(source: &Path) -> ReadBack {
    let source = source.to_path_buf();
    Box::new(move || {
        let database = Database::builder(&source).open()?;
        let mut digest = digester();
        for record in keyspace(&database, TARGET)?.iter() {
            let (key, value) = record.into_inner()?;
            digest.update(&key, &value);
        }
        Ok(digest.finish())
    })
}

fn keyspace(database: &Database, name: &str) -> Result<Keyspace> {
    Ok(database.keyspace(name, KeyspaceCreateOptions::default)?)
}

/// The name of a keyspace of the source, as our contender's record of it has it.
fn physical(logical: &str) -> Result<String> {
    let map = source_map();
    let found = map.get(logical).map(|keyspace| keyspace.physical.clone());
    found.ok_or_else(|| Failure::new(format!("there is no keyspace {logical}")))
}
