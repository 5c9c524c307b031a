//! Reading a store or a source to its end: every record is held to its schema, and all of them are digested.

use std::collections::BTreeMap;
use std::path::Path;

use gate::Cancellation;
use integrity::{KeyspaceDigest, KeyspaceHasher, LogicalDigest};
use lsm_tree::Table;
use versioning::SchemaVersion;

use crate::batch::{Batch, Digested};
use crate::feed::gather;
use crate::part::Part;
use crate::pieces::measure_pieces;
use crate::tally::Tally;
use crate::{
    ARCHIVE, ArchivedRecord, EngineOptions, FileIdentity, KeyspaceMap, MigrationError, Phase,
    Progress, RecordSource, Result, SchemaDefinition, Store,
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
    measure_unknown(source, schema, options, &mut KnownKeyspaces::default(), progress)
}

/// What the keyspaces hold that were measured, by the files that they lie in.
///
/// Generations share tables: what lies in the same files, and in nothing else, need not be read for each of them. That is
/// so for one run, in which nobody writes to a file that was read.
#[derive(Debug, Default)]
pub struct KnownKeyspaces {
    known: BTreeMap<(Held, String, Vec<FileIdentity>), KeyspaceDigest>,
}

/// The schema that the records of a keyspace were held against.
type Held = Option<SchemaVersion>;

impl KnownKeyspaces {
    fn get(&self, held: Held, keyspace: &str, files: &[FileIdentity]) -> Option<KeyspaceDigest> {
        self.known.get(&(held, keyspace.to_owned(), files.to_vec())).copied()
    }
}

/// As [`measure_source`], without reading what is known, and makes known what was read.
///
/// # Errors
/// As [`measure_source`].
pub fn measure_unknown(
    source: &dyn RecordSource,
    schema: Option<&SchemaDefinition>,
    options: &EngineOptions,
    known: &mut KnownKeyspaces,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    let held = schema.map(|schema| schema.version);
    let mut digest = LogicalDigest::default();
    let (mut unknown, mut files) = (Vec::new(), Vec::new());
    for keyspace in source.keyspaces() {
        let lies_in = source.files(&keyspace);
        let found = lies_in.as_ref().and_then(|files| known.get(held, &keyspace, files));
        if let Some(found) = found {
            digest.insert(&keyspace, found);
            continue;
        }
        files.extend(lies_in.map(|files| (keyspace.clone(), files)));
        unknown.push(keyspace);
    }
    let mut left = unknown.as_slice();
    // Bounded by the number of keyspaces: every turn measures one at least.
    while !left.is_empty() {
        if options.workers > 1 {
            left = measure_pieces(source, left, schema, options, progress, &mut digest)?;
        }
        let Some((keyspace, after)) = left.split_first() else { break };
        digest.insert(keyspace, measure_keyspace(source, keyspace, schema, options, progress)?);
        left = after;
    }
    for (keyspace, files) in files {
        let found = digest.get(&keyspace).copied();
        known.known.extend(found.map(|found| ((held, keyspace, files), found)));
    }
    Ok(digest)
}

/// In one piece: one thread reads, several check and digest.
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
            options.cancellation.check()?;
            tally.add(records.batch.len() as u64, records.batch.content_bytes(), progress);
            records.add_to(&mut hasher);
            Ok(())
        },
    )?;
    tally.finish(progress);
    Ok(hasher.finish())
}

/// As [`measure_keyspace`], of a keyspace of a store: if it is nothing but tables, several threads read one each, from
/// its front to its end, and look a sample of the records up by their keys, through filter and index.
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
        || {
            |(before, table): (u64, &Table)| {
                read_table(store, keyspace, (before, table), schema, &options.cancellation)
            }
        },
        |part: Part| {
            tally.add(part.records(), part.bytes(), progress);
            fits &= part.records() == part.announced && part.comes_after(&last);
            part.add_to(&mut hasher);
            last = part.into_last();
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

fn read_table(
    store: &Store,
    keyspace: &str,
    (before, table): (u64, &Table),
    schema: &SchemaDefinition,
    cancellation: &Cancellation,
) -> Result<Part> {
    let mut part = Part::new(before, table.metadata.item_count);
    let mut found = Ok(());
    store.scan_table(table, &mut |key, value| {
        found = check_record(schema, keyspace, key, value);
        if found.is_ok() && part.begins_chunk() {
            let is_wanted = cancellation.check().map_err(MigrationError::from);
            found = is_wanted.and_then(|()| check_lookup(store, keyspace, key, value));
        }
        part.add(key, value);
        found.is_ok()
    })?;
    found.map(|()| part)
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
// trace: impl FC-18.1.1
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
