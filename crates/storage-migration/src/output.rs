//! The target of a run: which keyspaces stay, which are written and how, which go.
//!
//! Records on their way into a keyspace wait in its sorter. When there are some thousands and all came in key order so far,
//! they are bulk-loaded at once, and so is every one that follows: no scratch file, no second write. The first that comes
//! out of order ends this: what was loaded is read back into the sorter, and the keyspace is written at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fjall::Keyspace;
use integrity::LogicalDigest;

use crate::batch::{BATCH_BYTES, Digested};
use crate::feed::Feed;
use crate::run::{Run, stays};
use crate::transform::{Destination, Kind};
use crate::writer::{KeyspaceWriter, Written};
use crate::{
    ARCHIVE, KeyspaceClass, KeyspaceMap, MigrationError, MigrationPath, MigrationReport, Phase,
    PhysicalKeyspace, Record, Result, Store,
};

/// A keyspace is written directly once so much of it has arrived in key order.
const DIRECT_BYTES: usize = 1024 * 1024;

/// Keyspaces of the target that are to be written, by logical name.
pub(crate) type Handles = BTreeMap<&'static str, Keyspace>;

/// Which keyspaces stay, which are written, which go. The archive is decided on at the end of a run.
pub(crate) struct Plan {
    source: KeyspaceMap,
    keyspaces: KeyspaceMap,
    write: BTreeMap<&'static str, String>,
    superseded: BTreeMap<String, String>,
}

impl Plan {
    /// Plans the keyspaces of the path's target over those of a source that is migrated in place, if there is one.
    pub(crate) fn new(path: &MigrationPath<'_>, source: Option<&KeyspaceMap>) -> Self {
        let in_place = source.is_some();
        let source = source.cloned().unwrap_or_default();
        let of_source = |(logical, keyspace): (&str, &PhysicalKeyspace)| {
            (logical.to_owned(), keyspace.physical.clone())
        };
        let superseded = source.iter().map(of_source).collect();
        let (keyspaces, write) = (KeyspaceMap::default(), BTreeMap::new());
        let mut plan = Self { source, keyspaces, write, superseded };
        for keyspace in path.target().keyspaces {
            let stays = stays(path, in_place, keyspace.name);
            plan.add(path, keyspace.name, keyspace.class, stays);
        }
        plan
    }

    /// Creates the keyspaces that are to be written.
    pub(crate) fn create(&self, store: &Store) -> Result<Handles> {
        let create = |(name, physical): (&&'static str, &String)| {
            Ok((*name, store.create_keyspace(physical)?))
        };
        self.write.iter().map(create).collect()
    }

    fn add(
        &mut self,
        path: &MigrationPath<'_>,
        name: &'static str,
        class: KeyspaceClass,
        stays: bool,
    ) {
        if let Some(keyspace) = self.source.get(name).filter(|_| stays) {
            let physical = keyspace.physical.clone();
            self.superseded.remove(name);
            self.keyspaces.insert(name, PhysicalKeyspace { physical, class });
            return;
        }
        self.keyspaces.add(name, class, path.to(), &self.source);
        if let Some(keyspace) = self.keyspaces.get(name) {
            self.write.insert(name, keyspace.physical.clone());
        }
    }
}

/// What a run leaves for the store to do: logical names to delete, directories that must be gone once it is closed.
pub(crate) struct Leftovers {
    pub(crate) superseded: Vec<String>,
    pub(crate) removed: Vec<PathBuf>,
}

/// Keyspaces that are written while records still arrive.
#[derive(Default)]
pub(crate) struct DirectWrites<'r> {
    open: BTreeMap<&'static str, KeyspaceWriter<'r>>,
    /// Keyspaces where a record came out of order.
    abandoned: BTreeSet<&'static str>,
}

impl<'r> Run<'r, '_> {
    /// Takes what became of a batch.
    pub(crate) fn take_in(&mut self, batches: Vec<(Destination, Digested)>) -> Result<()> {
        for (destination, records) in batches {
            if let Destination::Target(keyspace) = destination {
                *self.arrived.entry(keyspace).or_default() += records.batch.len() as u64;
            }
            self.take_batch(destination, records)?;
        }
        Ok(())
    }

    fn take_batch(&mut self, destination: Destination, records: Digested) -> Result<()> {
        if let Destination::Target(keyspace) = destination
            && let Some(writer) = self.direct.open.get_mut(keyspace)
        {
            if records.batch.is_empty() {
                return Ok(());
            }
            if writer.follows(&records.batch) {
                return writer.write_batch(records);
            }
            self.abandon_direct(keyspace)?;
        }
        let mut rest = records.batch.records();
        while let Some((key, value)) = rest.next() {
            self.sorters.push(&destination, key, value);
            self.make_room()?;
            if self.is_written_directly(destination) {
                // From here on: what is in the batch as much as what comes after it.
                let mut batch = self.route.batch();
                rest.for_each(|(key, value)| batch.push(key, value));
                return self.take_batch(destination, Digested::new(batch));
            }
        }
        drop(rest);
        self.route.recycle(records.batch);
        if self.sorters.held_by(&destination) >= DIRECT_BYTES {
            self.start_direct(destination)?;
        }
        Ok(())
    }

    fn is_written_directly(&self, destination: Destination) -> bool {
        matches!(destination, Destination::Target(keyspace) if self.direct.open.contains_key(keyspace))
    }

    /// While all sorters together hold too much, the largest is written directly if it can be, or spilled.
    fn make_room(&mut self) -> Result<()> {
        // Bounded by the number of sorters: each turn empties one.
        while let Some(largest) = self.sorters.over_budget() {
            if !self.start_direct(largest)? {
                self.sorters.spill(&largest)?;
            }
        }
        Ok(())
    }

    fn start_direct(&mut self, name: Destination) -> Result<bool> {
        let Destination::Target(keyspace) = name else { return Ok(false) };
        let Some(handle) = self.handles.get(keyspace) else { return Ok(false) };
        if self.direct.abandoned.contains(keyspace) {
            return Ok(false);
        }
        let Some(mut buffer) = self.sorters.take_if_sorted(&name) else { return Ok(false) };
        let mut writer = KeyspaceWriter::new(keyspace, self.loaders, handle);
        let mut batch = self.route.batch();
        // Bounded by the records in the buffer.
        while let Some(Record { key, value }) = buffer.next() {
            batch.push(&key, &value);
            if batch.bytes().len() >= BATCH_BYTES {
                writer.write_records(std::mem::replace(&mut batch, self.route.batch()))?;
            }
        }
        writer.write_records(batch)?;
        self.direct.open.insert(keyspace, writer);
        Ok(true)
    }

    /// Reads back what was written directly.
    fn abandon_direct(&mut self, keyspace: &'static str) -> Result<()> {
        let (handles, store): (&'r Handles, &'r Store) = (self.handles, self.store);
        self.direct.abandoned.insert(keyspace);
        let (Some(writer), Some(handle)) =
            (self.direct.open.remove(keyspace), handles.get(keyspace))
        else {
            return Ok(());
        };
        let (expected, mut records, mut failure) = (writer.finish()?.digest.records, 0, None);
        store.scan_handle(handle, &mut |key, value| {
            records += 1;
            self.sorters.push(&Destination::Target(keyspace), key, value);
            let is_wanted = self.options.cancellation.check().map_err(MigrationError::from);
            failure = is_wanted.and_then(|()| self.make_room()).err();
            failure.is_none()
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
        balance(keyspace, records, expected)
    }

    /// Writes every keyspace that does not stay and was not written yet.
    pub(crate) fn write_output(mut self, mut plan: Plan) -> Result<(MigrationReport, Leftovers)> {
        if self.writes_archive || plan.source.get(ARCHIVE).is_some() {
            plan.add(self.route.path, ARCHIVE, KeyspaceClass::Ledger, !self.writes_archive);
        }
        let (mut written, mut bytes_written) = (LogicalDigest::default(), 0);
        let mut removed = Vec::new();
        for (name, physical) in &plan.write {
            let Written { digest, bytes } = self.write_keyspace(name, physical, &mut removed)?;
            self.counts.written += digest.records;
            bytes_written += bytes;
            written.insert(name, digest);
        }
        let superseded = plan.superseded.values().cloned().collect();
        let report = MigrationReport {
            from: self.route.path.from(),
            to: self.route.path.to(),
            keyspaces: plan.keyspaces,
            read: self.read,
            written,
            superseded,
            counts: self.counts,
            bytes_read: self.bytes_read,
            bytes_written,
            scratch_runs: self.sorters.runs_written(),
        };
        let superseded = plan.superseded.into_keys().collect();
        Ok((report, Leftovers { superseded, removed }))
    }

    fn write_keyspace(
        &mut self,
        name: &'static str,
        physical: &str,
        removed: &mut Vec<PathBuf>,
    ) -> Result<Written> {
        let total = self.arrived.get(name).copied().unwrap_or(0);
        let written = match (self.direct.open.remove(name), self.handles.get(name)) {
            (Some(writer), _) => writer.finish()?,
            (None, Some(handle)) if !self.direct.abandoned.contains(name) => {
                self.write_sorted(name, handle, total)?
            }
            (None, used) => {
                // Never into a keyspace that held something before: the engine cannot empty one safely (H7).
                if let Some(used) = used {
                    removed.push(self.store.discard_keyspace(used)?);
                }
                let handle = self.store.create_keyspace(physical)?;
                self.write_sorted(name, &handle, total)?
            }
        };
        balance(name, written.digest.records, total)?;
        Ok(written)
    }

    fn write_sorted(
        &mut self,
        name: &'static str,
        handle: &Keyspace,
        total: u64,
    ) -> Result<Written> {
        let sorted = self.sorters.take(&Destination::Target(name))?;
        let mut writer = KeyspaceWriter::new(name, self.loaders, handle);
        let produce = move |feed: Feed<'_, '_, '_>| feed.sorted(sorted);
        self.drive(Kind::Finished(name), (Phase::Write, Some(total)), produce, |_, outcome| {
            for (_, records) in outcome.batches {
                writer.write_batch(records)?;
            }
            Ok(())
        })?;
        writer.finish()
    }
}

fn balance(keyspace: &str, left: u64, right: u64) -> Result<()> {
    if left == right {
        return Ok(());
    }
    let law = format!("{keyspace}: records written = records that arrived");
    Err(MigrationError::CountsDoNotBalance { law, left, right })
}
