//! Writing one keyspace of the target, in key order, digesting it on the way.

use std::cmp::Ordering;

use fjall::Keyspace;
use integrity::{KeyspaceDigest, KeyspaceHasher};

use crate::batch::{Batch, Digested};
use crate::store::BulkLoad;
use crate::{MigrationError, Result, Store};

/// What was written to a keyspace.
pub(crate) struct Written {
    pub(crate) digest: KeyspaceDigest,
    /// The bytes of keys and values.
    pub(crate) bytes: u64,
}

/// Bulk-loads a keyspace.
pub(crate) struct KeyspaceWriter<'k> {
    name: &'static str,
    /// None while there are no records: a bulk load without any would leave an empty file behind.
    load: Option<BulkLoad<'k>>,
    keyspace: &'k Keyspace,
    hasher: KeyspaceHasher,
    bytes: u64,
    /// No key is empty, so nothing precedes the first.
    last: Vec<u8>,
}

impl<'k> KeyspaceWriter<'k> {
    /// Starts on an empty keyspace.
    pub(crate) fn new(name: &'static str, keyspace: &'k Keyspace) -> Self {
        let hasher = KeyspaceHasher::new(name);
        Self { name, load: None, keyspace, hasher, bytes: 0, last: Vec::new() }
    }

    /// True if all records of a batch come after all that were written, in order.
    pub(crate) fn follows(&self, batch: &Batch) -> bool {
        batch.is_ascending() && batch.first_key() > self.last.as_slice()
    }

    /// Writes the next records in key order.
    ///
    /// # Errors
    /// As [`KeyspaceWriter::write_records`].
    pub(crate) fn write_batch(&mut self, store: &Store, records: &Digested) -> Result<()> {
        self.load(store, &records.batch)?;
        records.add_to(&mut self.hasher);
        Ok(())
    }

    /// As [`KeyspaceWriter::write_batch`], for records that are not digested yet.
    ///
    /// # Errors
    /// If two records have one key, or what the engine says.
    pub(crate) fn write_records(&mut self, store: &Store, batch: &Batch) -> Result<()> {
        self.load(store, batch)?;
        self.hasher.add_records(batch.bytes());
        Ok(())
    }

    fn load(&mut self, store: &Store, batch: &Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if !self.follows(batch) {
            return Err(self.misplaced(batch));
        }
        let load = match &mut self.load {
            Some(load) => load,
            none => none.insert(store.start_bulk_load(self.keyspace)?),
        };
        load.write(batch)?;
        self.bytes += batch.content_bytes();
        self.last.clear();
        self.last.extend_from_slice(batch.last_key());
        Ok(())
    }

    /// The first record that is not where it should be.
    fn misplaced(&self, batch: &Batch) -> MigrationError {
        let mut last = self.last.as_slice();
        let keyspace = self.name.to_owned();
        for (key, _) in batch.records() {
            match key.cmp(last) {
                Ordering::Greater => last = key,
                Ordering::Equal => {
                    return MigrationError::DuplicateKey { keyspace, key: key.to_vec() };
                }
                Ordering::Less => {
                    return MigrationError::OutOfOrder { keyspace, key: key.to_vec() };
                }
            }
        }
        MigrationError::OutOfOrder { keyspace, key: last.to_vec() }
    }

    /// Publishes what was written.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) fn finish(self) -> Result<Written> {
        if let Some(load) = self.load {
            load.finish()?;
        }
        Ok(Written { digest: self.hasher.finish(), bytes: self.bytes })
    }
}
