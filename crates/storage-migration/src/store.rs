//! A fjall store that is created, opened and closed as the facts about the engine demand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use durable::{CloneMode, Operation};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, UserKey, UserValue};
use lsm_tree::Table;

use crate::batch::Batch;
use crate::engine::contain;
use crate::keyspace_map::owned;
use crate::tables::{Tables, streamed};
use crate::version_files::{check_version_files, is_same_keyspace};
use crate::{
    EngineOptions, FileIdentity, KeyspaceMap, MigrationError, Record, RecordSource, Result,
    SourceError, Visitor,
};

/// Where the engine keeps its keyspaces.
pub(crate) const KEYSPACES: &str = "keyspaces";
/// Where each keyspace keeps its immutable tables.
pub(crate) const TABLES: &str = "tables";
/// The engine takes a directory without this file for a new one.
const VERSION_MARKER: &str = "version";
/// The pointer of a keyspace to its tables; of keyspace 0, which lists the others.
const META_POINTER: &str = "keyspaces/0/current";
pub(crate) const BULK_LOAD: &str = "bulk-load a keyspace";
/// Records that are read from the engine behind one fence.
const SCANNED_AT_ONCE: usize = 64;
/// Open file descriptors that the engine may cache.
const CACHED_FILES: usize = 128;

/// How a file of a *closed* store may be cloned, by its path relative to the store's directory: tables are immutable and
/// may be shared (FC-UPGRADE-0001 §7), everything else is written in place and must be copied.
// trace: impl FC-5.1.1
pub fn clone_mode(path: &Path) -> CloneMode {
    let parts: Vec<_> = path.iter().collect();
    match parts.as_slice() {
        [keyspaces, _, tables, _] if *keyspaces == KEYSPACES && *tables == TABLES => {
            CloneMode::Link
        }
        _ => CloneMode::Copy,
    }
}

/// An open store: keyspaces by their logical names, over the physical ones of a [`KeyspaceMap`].
///
/// After any error from it the store must be dropped, opened anew and verified: the engine can fail and have done what
/// was asked all the same (H3). Opening repairs, truncates and deletes (H11): open only a clone of what must not change.
pub struct Store {
    directory: PathBuf,
    map: KeyspaceMap,
    keyspaces: BTreeMap<String, Keyspace>,
    removed: Vec<PathBuf>,
    /// None only once it is being closed.
    database: Option<Database>,
}

impl Store {
    /// Creates a store with these keyspaces, all empty, in a new or empty directory.
    ///
    /// Not safe against a crash (H1): create it in a staging directory, close it, sync the tree, rename it into place.
    ///
    /// # Errors
    /// If the directory holds anything, or what the engine says.
    pub fn create(directory: &Path, map: &KeyspaceMap, options: &EngineOptions) -> Result<Self> {
        map.check()?;
        if durable::exists(directory)? {
            if !durable::walk(directory)?.is_empty() {
                return Err(MigrationError::NotEmpty { directory: directory.to_path_buf() });
            }
        } else {
            durable::create_directory(directory)?;
        }
        let database = open_database("create a store", directory, options)?;
        let mut store = Self::around(directory, map, database);
        for (logical, keyspace) in map.iter() {
            let handle = store.create_keyspace(&keyspace.physical)?;
            store.keyspaces.insert(logical.to_owned(), handle);
        }
        Ok(store)
    }

    /// Opens a store and verifies that it holds exactly the keyspaces of its record (H9, H10).
    ///
    /// # Errors
    /// If there is no store, if it holds other keyspaces, or what the engine says; a panic of the engine is an error too.
    pub fn open(directory: &Path, map: &KeyspaceMap, options: &EngineOptions) -> Result<Self> {
        map.check()?;
        for file in [VERSION_MARKER, META_POINTER] {
            // The engine would silently start afresh, and delete what it then does not know.
            if !durable::is_file(&directory.join(file))? {
                let (directory, reason) = (directory.to_path_buf(), format!("{file} is missing"));
                return Err(MigrationError::NotAStore { directory, reason });
            }
        }
        check_version_files(directory)?;
        let database = open_database("open a store", directory, options)?;
        let mut store = Self::around(directory, map, database);
        store.check_keyspaces(map)?;
        for (logical, keyspace) in map.iter() {
            let handle = store.engine("open a keyspace", |database| {
                database.keyspace(&keyspace.physical, KeyspaceCreateOptions::default)
            })?;
            store.keyspaces.insert(logical.to_owned(), handle);
        }
        Ok(store)
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The record of its keyspaces.
    pub fn keyspace_map(&self) -> &KeyspaceMap {
        &self.map
    }

    /// The value under a key, if there is one.
    ///
    /// # Errors
    /// If there is no such keyspace, or what the engine says.
    pub fn get(&self, keyspace: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let handle = self.keyspace(keyspace)?;
        let value = contain("read a record", &self.directory, || handle.get(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// Hands every record of a keyspace to `visit`, in ascending order of keys, until it returns false.
    ///
    /// # Errors
    /// If there is no such keyspace, or what the engine says.
    pub fn scan_while(
        &self,
        keyspace: &str,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        self.scan_handle(self.keyspace(keyspace)?, visit)
    }

    /// As [`Store::scan_while`], for the records whose keys start with `prefix`. It is looked up, so that finding them takes
    /// one seek however large the keyspace is.
    ///
    /// # Errors
    /// As [`Store::scan_while`].
    pub fn scan_prefix_while(
        &self,
        keyspace: &str,
        prefix: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let handle = self.keyspace(keyspace)?;
        self.visit(|| handle.prefix(prefix).map(fjall::Guard::into_inner), visit)
    }

    /// As [`Store::scan_while`], for a keyspace that is not part of the map.
    pub(crate) fn scan_handle(
        &self,
        handle: &Keyspace,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        match Tables::of(handle) {
            Some(tables) => self.visit(|| tables.records(), visit),
            None => self.visit(|| handle.iter().map(fjall::Guard::into_inner), visit),
        }
    }

    /// The tables of a keyspace, if there is nothing else to it.
    pub(crate) fn tables(&self, keyspace: &str) -> Result<Option<Tables>> {
        Ok(Tables::of(self.keyspace(keyspace)?))
    }

    /// Hands every record of a table to `visit`, in ascending order of keys, until it returns false.
    pub(crate) fn scan_table(
        &self,
        table: &Table,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        self.visit(|| streamed(table), visit)
    }

    fn visit<R: Iterator<Item = fjall::Result<(UserKey, UserValue)>>>(
        &self,
        start: impl FnOnce() -> R,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let engine = "scan a keyspace";
        let mut records = contain(engine, &self.directory, || Ok(start()))?;
        let mut some = Vec::with_capacity(SCANNED_AT_ONCE);
        // Bounded by the number of records in the keyspace. What was read before an error is visited before it is told.
        loop {
            let read = contain(engine, &self.directory, || {
                let mut next = records.by_ref().take(SCANNED_AT_ONCE);
                next.try_for_each(|record| record.map(|record| some.push(record)))
            });
            let last = some.len() < SCANNED_AT_ONCE;
            for (key, value) in some.drain(..) {
                if !visit(&key, &value) {
                    return Ok(());
                }
            }
            read?;
            if last {
                return Ok(());
            }
        }
    }

    /// Puts one record. Durable only after [`Store::persist`]. For a runtime; a migration bulk-loads instead.
    ///
    /// # Errors
    /// If there is no such keyspace, if the record cannot be stored, or what the engine says.
    pub fn put(&self, keyspace: &str, key: &[u8], value: &[u8]) -> Result<()> {
        crate::apply::check_storable(keyspace, key, value)?;
        let handle = self.keyspace(keyspace)?;
        contain("write a record", &self.directory, || handle.insert(key, value))
    }

    /// Writes records to any keyspaces, all of them or none, and makes them durable: when this has returned they may be
    /// acknowledged. For a runtime, as [`Store::put`]. Each call syncs once, however many records it is given.
    ///
    /// # Errors
    /// If there is no such keyspace or if a record cannot be stored: then nothing was written. Or what the engine says: then
    /// all of them may be there, or none, and the store is to be dropped and opened anew.
    pub fn commit(&self, records: &[(&str, Record)]) -> Result<()> {
        let mut handles = Vec::with_capacity(records.len());
        for (keyspace, record) in records {
            crate::apply::check_storable(keyspace, &record.key, &record.value)?;
            handles.push(self.keyspace(keyspace)?);
        }
        self.engine("commit records", |database| {
            let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
            for (handle, (_, record)) in handles.into_iter().zip(records) {
                batch.insert(handle, record.key.as_slice(), record.value.as_slice());
            }
            batch.commit()
        })
    }

    /// Makes everything that was put durable.
    ///
    /// # Errors
    /// What the engine says. Never to be retried on this store.
    pub fn persist(&self) -> Result<()> {
        self.engine("sync its journal", |database| database.persist(PersistMode::SyncAll))
    }

    /// Syncs and closes the store. Afterwards no thread writes to it any more; with
    /// [`EngineOptions::worker_threads`] = 0 there is none.
    ///
    /// # Errors
    /// What the engine says, or what is found wrong about deleted keyspaces.
    pub fn close(mut self) -> Result<()> {
        self.persist()?;
        self.release()?;
        // The engine removes a deleted keyspace when its last handle goes, and only logs it if that fails.
        for path in &self.removed {
            durable::remove_tree(path)?;
        }
        Ok(durable::sync_directory(&self.directory.join(KEYSPACES))?)
    }

    /// Creates a physical keyspace beside those of the map.
    pub(crate) fn create_keyspace(&self, physical: &str) -> Result<Keyspace> {
        let handle = self.engine("create a keyspace", |database| {
            // Never a keyspace that is there already: ingesting over records of another life would mix the two.
            if database.keyspace_exists(physical) {
                return Err(std::io::Error::from(std::io::ErrorKind::AlreadyExists).into());
            }
            database.keyspace(physical, KeyspaceCreateOptions::default)
        })?;
        // The engine does not sync the directory that the new keyspace's name is in (H5).
        durable::sync_directory(&self.directory.join(KEYSPACES))?;
        Ok(handle)
    }

    /// Whether a keyspace consists of the very tables that a closed store in another directory has for it, and of nothing
    /// else, so that it holds what that one holds: `records` records.
    pub(crate) fn shares(&self, logical: &str, original: &Path, records: u64) -> Result<bool> {
        let handle = self.keyspace(logical)?;
        let here = handle.path();
        // The engine makes the path absolute; the directory of a keyspace is called the same in both.
        let Some(name) = here.file_name() else { return Ok(false) };
        // What is in tables, and what the journal adds to it.
        let found = contain("count records", &self.directory, || Ok(handle.approximate_len()))?;
        Ok(found as u64 == records && is_same_keyspace(here, &original.join(KEYSPACES).join(name))?)
    }

    /// Starts to bulk-load an empty keyspace, or the next part of one.
    pub(crate) fn start_bulk_load<'k>(
        &self,
        keyspace: &'k Keyspace,
        is_first: bool,
    ) -> Result<BulkLoad<'k>> {
        if is_first {
            // An unsynced batch in the journal and an ingest could be torn apart by a crash (H8).
            self.persist()?;
        }
        let started = contain(BULK_LOAD, &self.directory, || keyspace.start_ingestion())?;
        let mut ingestion = Some(started);
        let call = Box::new(move |batch: Option<&Batch>| match (batch, &mut ingestion) {
            (Some(batch), Some(ingestion)) => {
                batch.records().try_for_each(|(key, value)| ingestion.write(key, value))
            }
            (None, ingestion) => {
                ingestion.take().map_or(Err(fjall::Error::Poisoned), |ingestion| ingestion.finish())
            }
            (Some(_), None) => Err(fjall::Error::Poisoned),
        });
        Ok(BulkLoad { directory: self.directory.clone(), call })
    }

    /// Deletes a keyspace that is not part of the map, and returns the directory that goes with it.
    pub(crate) fn discard_keyspace(&self, handle: &Keyspace) -> Result<PathBuf> {
        let path = handle.path().to_path_buf();
        self.engine("delete a keyspace", |database| database.delete_keyspace(handle.clone()))?;
        Ok(path)
    }

    /// Directories of deleted keyspaces, for [`Store::close`] to verify that they are gone.
    pub(crate) fn expect_removed(&mut self, paths: Vec<PathBuf>) {
        self.removed.extend(paths);
    }

    /// Deletes the keyspace behind a logical name. Its files go at the latest when the store is closed.
    pub(crate) fn delete_keyspace(&mut self, logical: &str) -> Result<()> {
        let handle = self.keyspaces.remove(logical).ok_or_else(|| self.no_keyspace(logical))?;
        self.removed.push(handle.path().to_path_buf());
        self.engine("delete a keyspace", |database| database.delete_keyspace(handle))
    }

    /// The engine's list of keyspaces is exactly that of a record.
    pub(crate) fn check_keyspaces(&self, map: &KeyspaceMap) -> Result<()> {
        let names =
            self.engine("list its keyspaces", |database| Ok(database.list_keyspace_names()))?;
        let found: BTreeSet<&str> = names.iter().map(|name| name.as_ref()).collect();
        let recorded = map.physical_names();
        if found == recorded {
            return Ok(());
        }
        Err(MigrationError::KeyspacesDiffer {
            directory: self.directory.clone(),
            missing: owned(&recorded, &found),
            unexpected: owned(&found, &recorded),
        })
    }

    fn around(directory: &Path, map: &KeyspaceMap, database: Database) -> Self {
        Self {
            directory: directory.to_path_buf(),
            map: map.clone(),
            keyspaces: BTreeMap::new(),
            removed: Vec::new(),
            database: Some(database),
        }
    }

    fn keyspace(&self, logical: &str) -> Result<&Keyspace> {
        self.keyspaces.get(logical).ok_or_else(|| self.no_keyspace(logical))
    }

    fn no_keyspace(&self, logical: &str) -> MigrationError {
        let (directory, keyspace) = (self.directory.clone(), logical.to_owned());
        MigrationError::NoSuchKeyspace { directory, keyspace }
    }

    fn engine<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&Database) -> fjall::Result<T>,
    ) -> Result<T> {
        let database = self.database.as_ref();
        contain(operation, &self.directory, || database.map_or(Err(fjall::Error::Poisoned), call))
    }

    /// Drops every handle. The engine's destructor can panic after a panic elsewhere in it.
    fn release(&mut self) -> Result<()> {
        let (keyspaces, database) = (std::mem::take(&mut self.keyspaces), self.database.take());
        contain("close the store", &self.directory, || {
            drop(keyspaces);
            drop(database);
            Ok(())
        })
    }
}

/// A bulk load: records in strictly ascending order of keys become immutable tables, past journal and memtable.
pub(crate) struct BulkLoad<'k> {
    directory: PathBuf,
    /// The engine does not export the type of its ingestion; this hides it. None finishes.
    call: Box<Ingest<'k>>,
}

type Ingest<'k> = dyn FnMut(Option<&Batch>) -> fjall::Result<()> + 'k;

impl BulkLoad<'_> {
    /// Adds the next records. The caller answers for the order: the engine panics on a wrong one.
    pub(crate) fn write(&mut self, batch: &Batch) -> Result<()> {
        contain(BULK_LOAD, &self.directory, || (self.call)(Some(batch)))
    }

    /// Publishes the tables. After an error they may be there all the same (H3).
    pub(crate) fn finish(mut self) -> Result<()> {
        contain(BULK_LOAD, &self.directory, || (self.call)(None))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Dropped without `close`: something failed already, and that is the error that counts.
        let _ = self.release();
    }
}

impl RecordSource for Store {
    fn keyspaces(&self) -> Vec<String> {
        self.map.iter().map(|(logical, _)| logical.to_owned()).collect()
    }

    fn scan(
        &self,
        keyspace: &str,
        visit: &mut Visitor<'_>,
    ) -> std::result::Result<(), SourceError> {
        self.hand_on(keyspace, visit, |visit| self.scan_while(keyspace, visit))
    }

    fn pieces(&self, keyspace: &str) -> std::result::Result<Option<Vec<u64>>, SourceError> {
        let tables = self.tables(keyspace).map_err(|error| self.unreadable(keyspace, &error))?;
        Ok(tables.map(|tables| tables.counts()))
    }

    fn files(&self, keyspace: &str) -> Option<Vec<FileIdentity>> {
        self.tables(keyspace).ok().flatten()?.files()
    }

    fn scan_piece(
        &self,
        keyspace: &str,
        piece: usize,
        visit: &mut Visitor<'_>,
    ) -> std::result::Result<(), SourceError> {
        self.hand_on(keyspace, visit, |visit| {
            let tables = self.tables(keyspace)?;
            let table = tables.as_ref().and_then(|tables| tables.get(piece));
            table.map_or(Ok(()), |table| self.visit(|| streamed(table), visit))
        })
    }
}

impl Store {
    /// Scans for a visitor that may refuse.
    fn hand_on(
        &self,
        keyspace: &str,
        visit: &mut Visitor<'_>,
        scan: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()>,
    ) -> std::result::Result<(), SourceError> {
        let mut refused = None;
        let scanned = scan(&mut |key, value| {
            refused = visit(key, value).err();
            refused.is_none()
        });
        if let Some(error) = refused {
            return Err(error);
        }
        scanned.map_err(|error| self.unreadable(keyspace, &error))
    }

    fn unreadable(&self, keyspace: &str, error: &MigrationError) -> SourceError {
        SourceError {
            keyspace: keyspace.to_owned(),
            origin: self.directory.display().to_string(),
            reason: error.to_string(),
        }
    }
}

fn open_database(
    operation: &'static str,
    directory: &Path,
    options: &EngineOptions,
) -> Result<Database> {
    // The engine would create it, with whatever permissions the process's mask allows.
    if !durable::is_directory(directory)? {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(durable::Error::new(Operation::Open, directory, error).into());
    }
    contain(operation, directory, || {
        Database::builder(directory)
            .worker_threads_unchecked(options.worker_threads)
            .cache_size(options.cache_bytes)
            .max_cached_files(Some(CACHED_FILES))
            .open()
    })
}
