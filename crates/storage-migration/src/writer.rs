//! Writing one keyspace of the target, in key order, digesting it on the way.

use fjall::Keyspace;
use integrity::{KeyspaceDigest, KeyspaceHasher};

use crate::store::BulkLoad;
use crate::{MigrationError, Result, Store};

/// Bulk-loads a keyspace.
pub(crate) struct KeyspaceWriter<'k> {
    name: &'static str,
    /// None while there are no records: a bulk load without any would leave an empty file behind.
    load: Option<BulkLoad<'k>>,
    keyspace: &'k Keyspace,
    hasher: KeyspaceHasher,
    /// No key is empty, so nothing precedes the first.
    last: Vec<u8>,
    records: u64,
}

impl<'k> KeyspaceWriter<'k> {
    /// Starts on an empty keyspace.
    pub(crate) fn new(name: &'static str, keyspace: &'k Keyspace) -> Self {
        let hasher = KeyspaceHasher::new(name);
        Self { name, load: None, keyspace, hasher, last: Vec::new(), records: 0 }
    }

    /// True if this key comes after all that were written.
    pub(crate) fn is_next(&self, key: &[u8]) -> bool {
        key > self.last.as_slice()
    }

    /// Records written.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Writes the next record in key order.
    ///
    /// # Errors
    /// If two records have one key, or what the engine says.
    pub(crate) fn write(&mut self, store: &Store, key: &[u8], value: &[u8]) -> Result<()> {
        if !self.is_next(key) {
            let (keyspace, key) = (self.name.to_owned(), key.to_vec());
            return Err(if key == self.last {
                MigrationError::DuplicateKey { keyspace, key }
            } else {
                MigrationError::OutOfOrder { keyspace, key }
            });
        }
        let load = match &mut self.load {
            Some(load) => load,
            none => none.insert(store.start_bulk_load(self.keyspace)?),
        };
        load.write(key, value)?;
        self.hasher.update(key, value);
        self.last.clear();
        self.last.extend_from_slice(key);
        self.records += 1;
        Ok(())
    }

    /// Publishes what was written.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) fn finish(self) -> Result<KeyspaceDigest> {
        if let Some(load) = self.load {
            load.finish()?;
        }
        Ok(self.hasher.finish())
    }
}
