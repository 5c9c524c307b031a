//! What was written to a generation since it was activated (FC-UPGRADE-0001 §15): what it holds, without what it was built with.
//!
//! Nothing is kept for this. What a generation was built with is built once more, from the one that it was built from, by the
//! same migrations, which always give the same (§19). If a runtime has started on that one since, it may hold more than it
//! did then; of a ledger, which only ever grows, what is in neither is told all the same.

use std::io::Write;
use std::path::Path;

use rollback::{Generation, Origin, Part};
use serde::Serialize;
use storage_migration::{KeyspaceClass, KeyspaceMap, MigrationPath, SchemaDefinition, Store};
use versioning::GenerationNumber;

use crate::Home;
use crate::error::{Cause, Error, Result};
use crate::lifecycle::Fate;
use crate::seal::keyspace_map;
use crate::store_guard::StoreGuard;

/// What was written since, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Since {
    /// Records that were not there.
    pub added: u64,
    /// Records that were there with another value.
    pub changed: u64,
    /// Records that were there and are not any more: never of a ledger. Not told unless `as_activated`.
    pub removed: u64,
    /// The generation that it was compared with, led to the same schema; none if no runtime ever started on it.
    pub compared_with: Option<GenerationNumber>,
    /// Whether that one holds what it held when this one was built from it.
    pub as_activated: bool,
}

/// Two stores of one schema.
struct Compared<'c> {
    before: &'c Store,
    now: &'c Store,
    schema: SchemaDefinition,
}

impl Home<'_> {
    /// Writes every record that was added, changed or removed since a generation was activated, as one line of JSON, and
    /// returns how many there were. Records of an index are left out: they are derived from others. A removed record is
    /// shown as it was.
    ///
    /// # Errors
    /// [`Cause::NothingToCompare`] if what it was built from is gone; if a store cannot be read, or the output not written.
    pub fn export_since_activation(
        &self,
        generation: &Generation,
        output: &mut dyn Write,
    ) -> Result<Since> {
        self.since(generation, output).map_err(|cause| Error::new(cause, self.unchanged()))
    }

    fn since(
        &self,
        generation: &Generation,
        output: &mut dyn Write,
    ) -> std::result::Result<Since, Cause> {
        let mut since =
            Since { added: 0, changed: 0, removed: 0, compared_with: None, as_activated: true };
        if !self.is_started(generation) {
            return Ok(since);
        }
        let (base, path) = self.built_from(generation)?;
        let (was, is) = (self.layout.scratch("activated"), self.layout.scratch("now"));
        let before = self.build_again(&base, &path, &was)?;
        let engine = self.environment.engine;
        let found = storage_migration::measure_source(&before, None, engine, &mut |_| {})?;
        since.compared_with = Some(base.number());
        since.as_activated = found == generation.manifest().logical();
        let store = generation.part(Part::Store);
        let guard = StoreGuard::acquire(&self.layout, generation.number())?;
        let now = self.open_clone(&store, &required_map(generation)?, &is)?;
        drop(guard);
        let schema = self.schema(generation.manifest().versions.storage)?;
        self.tell_changes(&Compared { before: &before, now: &now, schema }, &mut since, output)?;
        output.flush().map_err(Cause::Output)?;
        before.close()?;
        now.close()?;
        [&was, &is].into_iter().try_for_each(|path| durable::remove_tree(path))?;
        Ok(since)
    }

    /// The generation whose records a generation was built with, and how.
    fn built_from(
        &self,
        generation: &Generation,
    ) -> std::result::Result<(Generation, MigrationPath<'static>), Cause> {
        let to = generation.manifest().versions.storage;
        let nothing =
            |reason: String| Cause::NothingToCompare { generation: generation.number(), reason };
        let (from, leads_back) = match &generation.manifest().origin {
            Origin::Adopted { .. } => return Err(nothing("it was adopted".to_owned())),
            Origin::Upgraded { parent, .. } => (parent, false),
            Origin::Preserved { carried_from, .. } => (carried_from, true),
        };
        let known = self.state.generations.get(&from.generation);
        if known.is_none_or(|known| matches!(known.fate, Fate::Collected | Fate::Aborted)) {
            let number = from.generation;
            return Err(nothing(format!("generation {number}, which it was built from, is gone")));
        }
        let base = Generation::open(&self.layout, from.generation, Some(from.manifest))?;
        let schema = base.manifest().versions.storage;
        let path = if leads_back {
            self.environment.back(schema, to)
        } else {
            self.environment.forward(schema, to)
        };
        Ok((base, path?))
    }

    /// Builds a store once more, in a directory that is for the moment, and opens it.
    fn build_again(
        &self,
        base: &Generation,
        path: &MigrationPath<'_>,
        directory: &Path,
    ) -> std::result::Result<Store, Cause> {
        let store = base.part(Part::Store);
        let _guard = StoreGuard::acquire(&self.layout, base.number())?;
        let runs = self.layout.scratch("activated-runs");
        [directory, &runs].into_iter().try_for_each(durable::remove_tree)?;
        let options = self.environment.engine;
        let schema = base.manifest().versions.storage;
        let source = self.environment.catalogue.foreign_source(schema, base.path())?;
        let known = keyspace_map(base.manifest());
        let origin = match (&source, &known) {
            (Some(source), _) => storage_migration::Origin::Records(&**source),
            (None, Some(map)) => {
                durable::clone_tree(&store, directory, storage_migration::clone_mode)?;
                storage_migration::Origin::Store(map)
            }
            (None, None) => {
                let reason = format!("nobody knows how to read a store of schema {schema}");
                return Err(Cause::unreadable_store(reason));
            }
        };
        let map = match (&known, path.steps().is_empty()) {
            (Some(map), true) => map.clone(),
            _ => {
                durable::create_directory(&runs)?;
                let report = storage_migration::migrate(
                    path,
                    origin,
                    directory,
                    &runs,
                    options,
                    &mut |_| {},
                )?;
                durable::remove_tree(&runs)?;
                report.keyspaces
            }
        };
        Ok(Store::open(directory, &map, options)?)
    }

    fn tell_changes(
        &self,
        compared: &Compared<'_>,
        since: &mut Since,
        output: &mut dyn Write,
    ) -> std::result::Result<(), Cause> {
        let Compared { before, now, schema } = compared;
        let is_told = |name: &str| {
            let class = schema.keyspace(name).map(|keyspace| keyspace.class);
            class != Some(KeyspaceClass::Index)
        };
        let mut tell = |keyspace: &str, change, key: &[u8], value: &[u8]| {
            self.write_line((schema.version, keyspace), (key, value), Some(change), &mut *output)
                .map_err(Cause::Output)
        };
        for keyspace in names(now).filter(|name| is_told(name)) {
            differing(now, before, &keyspace, &mut |key, value, other| {
                let (change, count) = if other.is_none() {
                    ("added", &mut since.added)
                } else {
                    ("changed", &mut since.changed)
                };
                *count += 1;
                tell(&keyspace, change, key, value)
            })?;
        }
        // What it was built from may have gone on since: then what only that holds was not removed here.
        if !since.as_activated {
            return Ok(());
        }
        for keyspace in names(before).filter(|name| is_told(name)) {
            differing(before, now, &keyspace, &mut |key, value, other| {
                if other.is_some() {
                    return Ok(());
                }
                since.removed += 1;
                tell(&keyspace, "removed", key, value)
            })?;
        }
        Ok(())
    }
}

/// The map of a store that a runtime has started on.
fn required_map(generation: &Generation) -> std::result::Result<KeyspaceMap, Cause> {
    keyspace_map(generation.manifest()).ok_or_else(|| {
        let schema = generation.manifest().versions.storage;
        Cause::unreadable_store(format!("nobody knows how to read a store of schema {schema}"))
    })
}

fn names(store: &Store) -> impl Iterator<Item = String> {
    storage_migration::RecordSource::keyspaces(store).into_iter()
}

/// What is told of a record that is not the same in another store: its key, its value, and the other's value.
type Differing<'d> = dyn FnMut(&[u8], &[u8], Option<&[u8]>) -> std::result::Result<(), Cause> + 'd;

/// Every record of a keyspace of one store that is not in another, or is another there.
fn differing(
    of: &Store,
    other: &Store,
    keyspace: &str,
    tell: &mut Differing<'_>,
) -> std::result::Result<(), Cause> {
    let is_there = names(other).any(|name| name == keyspace);
    let mut failed = None;
    of.scan_while(keyspace, &mut |key, value| {
        let found = if is_there { other.get(keyspace, key) } else { Ok(None) };
        let told = match found {
            Ok(found) if found.as_deref() == Some(value) => Ok(()),
            Ok(found) => tell(key, value, found.as_deref()),
            Err(error) => Err(error.into()),
        };
        failed = told.err();
        failed.is_none()
    })?;
    failed.map_or(Ok(()), Err)
}
