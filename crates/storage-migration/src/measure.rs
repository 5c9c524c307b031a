//! Reading a store or a source to its end: every record is held to its schema, and all of them are digested.

use std::path::Path;

use integrity::{
    CHUNK_RECORDS, ChunkDigest, KeyspaceDigest, KeyspaceHasher, LogicalDigest, chunk_digest,
};

use lsm_tree::Table;

use crate::batch::{Batch, Digested};
use crate::feed::gather;
use crate::tally::Tally;
use crate::{
    ARCHIVE, ArchivedRecord, EngineOptions, KeyspaceMap, MigrationError, Phase, Progress,
    RecordSource, Result, SchemaDefinition, Store,
};

/// Opens a closed store and digests all of it. Opening writes to the store (H11): measure a clone.
///
/// # Errors
/// If the store does not hold exactly these keyspaces, or cannot be read.
pub fn measure(
    directory: &Path,
    map: &KeyspaceMap,
    options: &EngineOptions,
) -> Result<LogicalDigest> {
    let store = Store::open(directory, map, options)?;
    let digest = measure_source(&store, None, options, &mut |_| {})?;
    store.close()?;
    Ok(digest)
}

/// As [`measure`], and holds every record against the invariant of its schema.
///
/// # Errors
/// As [`measure`]; if the keyspaces are not those of the schema, or a record breaks its invariant.
pub fn measure_and_check(
    directory: &Path,
    map: &KeyspaceMap,
    schema: &SchemaDefinition,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    map.check_schema(schema)?;
    let store = Store::open(directory, map, options)?;
    let digest = measure_source(&store, Some(schema), options, progress)?;
    store.close()?;
    Ok(digest)
}

/// Digests every keyspace of a source, and holds its records against a schema if one is given.
///
/// # Errors
/// If the source cannot be read, or a record breaks its invariant.
pub fn measure_source(
    source: &dyn RecordSource,
    schema: Option<&SchemaDefinition>,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    let mut digest = LogicalDigest::default();
    for keyspace in source.keyspaces() {
        digest.insert(&keyspace, measure_keyspace(source, &keyspace, schema, options, progress)?);
    }
    Ok(digest)
}

/// One thread reads, several check and digest.
pub(crate) fn measure_keyspace(
    source: &dyn RecordSource,
    keyspace: &str,
    schema: Option<&SchemaDefinition>,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<KeyspaceDigest> {
    let mut tally = Tally::new(Phase::Verify, keyspace, None);
    let mut hasher = KeyspaceHasher::new(keyspace);
    pipeline::ordered_by_weight(
        options.shape(),
        |batch: &Batch| batch.bytes().len(),
        |put| gather(source, keyspace, put),
        || {
            |batch: Batch| {
                check_records(schema, keyspace, batch.records())?;
                Ok::<_, MigrationError>(Digested::new(batch))
            }
        },
        |records: Digested| {
            tally.add(records.batch.len() as u64, records.batch.content_bytes(), progress);
            records.add_to(&mut hasher);
            Ok(())
        },
    )?;
    tally.finish(progress);
    Ok(hasher.finish())
}

/// As [`measure_keyspace`], of a keyspace of a store: if it is nothing but tables, several threads read one each, through
/// their indexes, and look a sample of the records up by their keys.
pub(crate) fn read_back(
    store: &Store,
    keyspace: &str,
    schema: &SchemaDefinition,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<KeyspaceDigest> {
    let in_one_piece = |progress: &mut dyn FnMut(&Progress<'_>)| {
        measure_keyspace(store, keyspace, Some(schema), options, progress)
    };
    let Some(tables) = store.tables(keyspace)? else { return in_one_piece(progress) };
    let mut tally = Tally::new(Phase::Verify, keyspace, None);
    let mut hasher = KeyspaceHasher::new(keyspace);
    let mut last = Vec::new();
    let mut fits = true;
    pipeline::ordered(
        options.shape(),
        |put| {
            // Nobody wants the others if one is refused.
            let _ = tables.placed().try_for_each(put);
            Ok(())
        },
        || |(before, table): (u64, &Table)| Part::read(store, keyspace, before, table, schema),
        |part: Part| {
            tally.add(part.records, part.bytes, progress);
            fits &= part.is_as_announced && last < part.first;
            part.add_to(&mut hasher);
            last = part.last;
            Ok::<_, MigrationError>(())
        },
    )?;
    if !fits {
        // Tables say of themselves what is not so: what is there has to be read in one piece.
        return in_one_piece(progress);
    }
    tally.finish(progress);
    Ok(hasher.finish())
}

/// The records of a table: those up to the first boundary of a chunk of the logical digest, whole chunks, and what is left.
#[derive(Default)]
struct Part {
    head: Batch,
    chunks: Vec<ChunkDigest>,
    rest: Batch,
    records: u64,
    bytes: u64,
    first: Vec<u8>,
    last: Vec<u8>,
    /// As many records as the table says.
    is_as_announced: bool,
}

impl Part {
    fn read(
        store: &Store,
        keyspace: &str,
        before: u64,
        table: &Table,
        schema: &SchemaDefinition,
    ) -> Result<Self> {
        let mut part = Self::default();
        let to_boundary = before.next_multiple_of(CHUNK_RECORDS) - before;
        let mut found = Ok(());
        store.scan_table(table, &mut |key, value| {
            found = check_record(schema, keyspace, key, value);
            if found.is_ok() && part.rest.is_empty() {
                found = check_lookup(store, keyspace, key, value);
            }
            part.add(key, value, to_boundary);
            found.is_ok()
        })?;
        found?;
        part.bytes += part.rest.content_bytes();
        if !part.rest.is_empty() {
            part.last = part.rest.last_key().to_vec();
        }
        part.is_as_announced = part.records == table.metadata.item_count;
        Ok(part)
    }

    /// `to_boundary`: how many records there are to the first boundary of a chunk.
    fn add(&mut self, key: &[u8], value: &[u8], to_boundary: u64) {
        if self.records == 0 {
            self.first = key.to_vec();
        }
        self.rest.push(key, value);
        self.records += 1;
        let ends_head = self.records == to_boundary;
        let ends_chunk = self.records > to_boundary && self.rest.len() as u64 == CHUNK_RECORDS;
        if !ends_head && !ends_chunk {
            return;
        }
        self.bytes += self.rest.content_bytes();
        self.last = self.rest.last_key().to_vec();
        if ends_head {
            self.head = std::mem::take(&mut self.rest);
        } else {
            self.chunks.push(chunk_digest(self.rest.bytes()));
            self.rest = Batch::reusing(std::mem::take(&mut self.rest).into_bytes());
        }
    }

    fn add_to(&self, hasher: &mut KeyspaceHasher) {
        hasher.add_records(self.head.bytes());
        self.chunks.iter().for_each(|chunk| hasher.add_chunk(*chunk));
        hasher.add_records(self.rest.bytes());
    }
}

/// A record that is read must be found by its key, too: that is how a runtime asks for it.
fn check_lookup(store: &Store, keyspace: &str, key: &[u8], value: &[u8]) -> Result<()> {
    if store.get(keyspace, key)?.as_deref() == Some(value) {
        return Ok(());
    }
    Err(MigrationError::NotFoundByKey { keyspace: keyspace.to_owned(), key: key.to_vec() })
}

fn check_records<'b>(
    schema: Option<&SchemaDefinition>,
    keyspace: &str,
    mut records: impl Iterator<Item = (&'b [u8], &'b [u8])>,
) -> Result<()> {
    schema.map_or(Ok(()), |schema| {
        records.try_for_each(|(key, value)| check_record(schema, keyspace, key, value))
    })
}

/// Holds a record against the invariant of its schema.
pub(crate) fn check_record(
    schema: &SchemaDefinition,
    keyspace: &str,
    key: &[u8],
    value: &[u8],
) -> Result<()> {
    let result = if keyspace == ARCHIVE {
        ArchivedRecord::decode(key, value).map(|_| ()).map_err(|error| error.to_string())
    } else {
        (schema.check)(keyspace, key, value)
    };
    result.map_err(|reason| {
        let (version, keyspace, key) = (schema.version, keyspace.to_owned(), key.to_vec());
        MigrationError::InvariantBroken { version, keyspace, key, reason }
    })
}
