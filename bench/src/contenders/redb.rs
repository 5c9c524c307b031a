//! redb, with its defaults: a cache of 1 GiB, and `Durability::Immediate`.

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Content, ReadBack, digester};
use crate::failure::Result;
use crate::records::each_record;
use crate::transform::Transform;

const FILE: &str = "records.redb";
const SOURCE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
const TARGET: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("migrated");

/// Reads one table and inserts into another, in one transaction.
pub(super) fn copy(transform: Transform, source: &Path) -> Result<ReadBack> {
    let database = Database::open(file(source))?;
    let reading = database.begin_read()?;
    let writing = database.begin_write()?;
    {
        let records = reading.open_table(SOURCE)?;
        let mut target = writing.open_table(TARGET)?;
        let mut new = Vec::new();
        for record in records.iter()? {
            let (key, value) = record?;
            new.clear();
            transform.apply_to(value.value(), &mut new)?;
            target.insert(key.value(), new.as_slice())?;
        }
    }
    writing.commit()?;
    drop(reading);
    drop(database);
    let source = source.to_path_buf();
    Ok(Box::new(move || {
        let database = Database::open(file(&source))?;
        let target = database.begin_read()?.open_table(TARGET)?;
        let mut digest = digester();
        for record in target.iter()? {
            let (key, value) = record?;
            digest.update(key.value(), value.value());
        }
        Ok(digest.finish())
    }))
}

/// Fills a new database.
pub(super) fn generate(directory: &Path, content: &Content) -> Result<()> {
    let database = Database::create(file(directory))?;
    let writing = database.begin_write()?;
    {
        let mut records = writing.open_table(SOURCE)?;
        each_record(content.seed, content.records, |key, value| {
            records.insert(key, value).map(drop)
        })?;
    }
    writing.commit()?;
    Ok(())
}

fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
