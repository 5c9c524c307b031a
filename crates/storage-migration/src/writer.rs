//! Writing one keyspace of the target, in key order, digesting it on the way.

use std::cmp::Ordering;

use fjall::Keyspace;
use integrity::{KeyspaceDigest, KeyspaceHasher};

use crate::batch::{Batch, Digested};
use crate::load::{KeyspaceLoad, Loaders};
use crate::{MigrationError, Result};

/// What was written to a keyspace.
pub(crate) struct Written {
    pub(crate) digest: KeyspaceDigest,
    /// The bytes of keys and values.
    pub(crate) bytes: u64,
}

/// Bulk-loads a keyspace.
pub(crate) struct KeyspaceWriter<'k> {
    name: &'static str,
    load: KeyspaceLoad<'k>,
    hasher: KeyspaceHasher,
    bytes: u64,
    /// No key is empty, so nothing precedes the first.
    last: Vec<u8>,
}

impl<'k> KeyspaceWriter<'k> {
    /// Starts on an empty keyspace.
    pub(crate) fn new(
        name: &'static str,
        loaders: &'k Loaders<'k>,
        keyspace: &'k Keyspace,
    ) -> Self {
        let (load, hasher) = (KeyspaceLoad::new(loaders, keyspace), KeyspaceHasher::new(name));
        Self { name, load, hasher, bytes: 0, last: Vec::new() }
    }

    /// True if all records of a batch come after all that were written, in order.
    pub(crate) fn follows(&self, batch: &Batch) -> bool {
        batch.is_ascending() && batch.first_key() > self.last.as_slice()
    }

    /// Writes the next records in key order.
    ///
    /// # Errors
    /// As [`KeyspaceWriter::write_records`].
    pub(crate) fn write_batch(&mut self, records: Digested) -> Result<()> {
        self.check(&records.batch)?;
        records.add_to(&mut self.hasher);
        self.load(records.batch)
    }

    /// As [`KeyspaceWriter::write_batch`], for records that are not digested yet.
    ///
    /// # Errors
    /// If two records have one key, or what the engine says.
    pub(crate) fn write_records(&mut self, batch: Batch) -> Result<()> {
        self.check(&batch)?;
        self.hasher.add_records(batch.bytes());
        self.load(batch)
    }

    fn check(&self, batch: &Batch) -> Result<()> {
        if !batch.is_empty() && !self.follows(batch) {
            return Err(self.misplaced(batch));
        }
        Ok(())
    }

    fn load(&mut self, batch: Batch) -> Result<()> {
        // A bulk load without any records would leave an empty file behind.
        if batch.is_empty() {
            return Ok(());
        }
        self.bytes += batch.content_bytes();
        self.last.clear();
        self.last.extend_from_slice(batch.last_key());
        self.load.write(batch)
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
        self.load.finish()?;
        Ok(Written { digest: self.hasher.finish(), bytes: self.bytes })
    }
}
