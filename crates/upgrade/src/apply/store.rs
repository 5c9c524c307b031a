//! The store of the next generation: built beside the current one, and read back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use integrity::LogicalDigest;
use rollback::{Generation, Part, Staging};
use storage_migration::{
    KeyspaceMap, MigrationPath, MigrationReport, Origin, RecordSource, SchemaDefinition, Stayed,
    clone_mode,
};
use versioning::GenerationNumber;

use super::Summary;
use crate::Home;
use crate::error::Cause;
use crate::progress::{Activity, ProgressListener, forward, report};
use crate::seal::keyspace_map;

/// The store of a staged generation.
pub(crate) struct StagedStore {
    /// The store that it was cloned from, if that was held to a seal just now and nothing has written to it since.
    original: Option<PathBuf>,
    /// What was there before, as it was read.
    pub(crate) before: LogicalDigest,
    /// Files that could not be hard-linked and were copied.
    pub(crate) links_refused: u64,
    after: AfterMigration,
}

/// How a staged store came to be.
enum AfterMigration {
    /// By a migration, which says what it wrote.
    Migrated(Box<MigrationReport>),
    /// Unchanged, in the engine's format.
    Cloned(KeyspaceMap),
    /// Unchanged, in another format.
    Copied,
}

/// Where a store is built, and from what.
struct Building<'b, 'e> {
    home: &'b Home<'e>,
    current: &'b Generation,
    path: MigrationPath<'b>,
    directory: &'b Path,
    scratch: &'b Path,
}

impl StagedStore {
    /// Builds the store: migrated along this path, or as it is if that is empty. The current one is only read.
    // trace: impl FC-5.1.1 FC-8.1 FC-8.2.1 FC-8.2.2 FC-29.1.2
    pub(crate) fn build(
        home: &Home<'_>,
        path: MigrationPath<'_>,
        current: &Generation,
        staging: &Staging,
        progress: &mut ProgressListener<'_>,
    ) -> Result<Self, Cause> {
        let catalogue = home.environment.catalogue;
        let from = path.from();
        storage_migration::rehearse(&path)?;
        let directory = staging.vacate(Part::Store)?;
        let scratch = staging.path().join("scratch");
        durable::create_directory(&scratch)?;
        let building = Building { home, current, path, directory: &directory, scratch: &scratch };
        let foreign = catalogue.foreign_source(from, current.path())?;
        let store = match (foreign, keyspace_map(current.manifest())) {
            (Some(source), _) => building.read_and_migrate(&*source, progress)?,
            (None, Some(map)) => building.clone_and_migrate(map, progress)?,
            (None, None) => {
                let reason = format!("nobody knows how to read a store of schema {from}");
                return Err(Cause::unreadable_store(reason));
            }
        };
        durable::remove_tree(&scratch)?;
        Ok(store)
    }

    /// Reads the staged store back through a new handle, and holds it to what was written or carried over.
    // trace: impl FC-5.1.1 FC-8.2.3 FC-18.1.2 FC-29.1.3
    pub(crate) fn verify(
        &self,
        home: &Home<'_>,
        generation: GenerationNumber,
        target: &SchemaDefinition,
        staging: &Staging,
        progress: &mut ProgressListener<'_>,
    ) -> Result<LogicalDigest, Cause> {
        let directory = staging.part(Part::Store);
        let (before, options) = (&self.before, home.environment.engine);
        let stayed = self.original.as_deref().map_or(Stayed::Read, Stayed::SharedWith);
        let written = match &self.after {
            AfterMigration::Migrated(report) => Some(&report.written),
            AfterMigration::Cloned(_) | AfterMigration::Copied => None,
        };
        let known: Vec<&LogicalDigest> = written.into_iter().chain([before]).collect();
        let mut listen = forward(progress, &known);
        let found = match &self.after {
            AfterMigration::Migrated(report) => {
                return Ok(storage_migration::verify(
                    &directory,
                    report,
                    target,
                    Some(before),
                    stayed,
                    options,
                    &mut listen,
                )?);
            }
            AfterMigration::Cloned(map) => storage_migration::verify_clone(
                &directory,
                map,
                target,
                before,
                stayed,
                options,
                &mut listen,
            )?,
            AfterMigration::Copied => {
                home.measure_foreign(target.version, staging.path(), &mut listen)?
            }
        };
        require_same(generation, before, &found)?;
        Ok(found)
    }

    /// What the manifest says of the store: its keyspaces, if it is the engine's, and the migration's counts.
    pub(crate) fn description(&self) -> (Option<&KeyspaceMap>, serde_json::Value) {
        match &self.after {
            AfterMigration::Migrated(report) => {
                (Some(&report.keyspaces), serde_json::to_value(&report.counts).unwrap_or_default())
            }
            AfterMigration::Cloned(map) => (Some(map), serde_json::Value::Null),
            AfterMigration::Copied => (None, serde_json::Value::Null),
        }
    }

    /// What was done to the records, in numbers.
    pub(crate) fn summary(&self) -> Summary {
        match &self.after {
            AfterMigration::Migrated(report) => Summary::of_migration(report),
            AfterMigration::Cloned(_) | AfterMigration::Copied => Summary::NOTHING_MOVED,
        }
    }
}

impl Building<'_, '_> {
    /// From a store of the engine: a clone, by hard links as far as files are immutable, migrated in place of the clone.
    // trace: impl FC-5.1.1 FC-8.1
    fn clone_and_migrate(
        &self,
        map: KeyspaceMap,
        progress: &mut ProgressListener<'_>,
    ) -> Result<StagedStore, Cause> {
        let before = self.known_content(progress)?;
        report(progress, Activity::Copying, "cloning the store");
        let store = self.current.part(Part::Store);
        let cloned = durable::clone_tree(&store, self.directory, clone_mode)?;
        let after = if self.path.steps().is_empty() {
            AfterMigration::Cloned(map)
        } else {
            self.migrate(Origin::Store(&map), &before, progress)?
        };
        let original = (!self.home.is_started(self.current)).then_some(store);
        Ok(StagedStore { original, before, links_refused: cloned.links_refused, after })
    }

    /// From files of an older format: a new store, or the same files if the schema does not move.
    fn read_and_migrate(
        &self,
        source: &dyn RecordSource,
        progress: &mut ProgressListener<'_>,
    ) -> Result<StagedStore, Cause> {
        let before = self.known_content(progress)?;
        let after = if self.path.steps().is_empty() {
            report(progress, Activity::Copying, "copying the store");
            let store = self.current.part(Part::Store);
            durable::clone_tree(&store, self.directory, |_| durable::CloneMode::Copy)?;
            AfterMigration::Copied
        } else {
            self.migrate(Origin::Records(source), &before, progress)?
        };
        Ok(StagedStore { original: None, before, links_refused: 0, after })
    }

    /// What the store holds, by something else than the reading of the migration, which is held to it. As it was sealed, its
    /// files having been held to the seal when it was quiesced. Of a store that a runtime has written to nobody knows: it is
    /// read, from a clone of its own, since opening a store can lose what it cannot read at that moment.
    fn known_content(&self, progress: &mut ProgressListener<'_>) -> Result<LogicalDigest, Cause> {
        if self.home.is_started(self.current) {
            report(progress, Activity::Verifying, "opening the store");
            self.home.measure(self.current, progress)
        } else {
            Ok(self.current.manifest().logical())
        }
    }

    fn migrate(
        &self,
        origin: Origin<'_>,
        before: &LogicalDigest,
        progress: &mut ProgressListener<'_>,
    ) -> Result<AfterMigration, Cause> {
        report(progress, Activity::Reading, "opening the store");
        let options = self.home.environment.engine;
        let report = storage_migration::migrate(
            &self.path,
            origin,
            self.directory,
            self.scratch,
            options,
            &mut forward(progress, &[before]),
        )?;
        Ok(AfterMigration::Migrated(Box::new(report)))
    }
}

/// Two logical digests must agree, keyspace by keyspace.
pub(crate) fn require_same(
    generation: GenerationNumber,
    expected: &LogicalDigest,
    found: &LogicalDigest,
) -> Result<(), Cause> {
    let names: BTreeSet<&str> = expected.iter().chain(found.iter()).map(|(name, _)| name).collect();
    let describe = |digest: &LogicalDigest, name: &str| {
        digest.get(name).map_or_else(
            || "missing".to_owned(),
            |found| format!("{} records, {}", found.records, found.digest),
        )
    };
    match names.into_iter().find(|name| expected.get(name) != found.get(name)) {
        None => Ok(()),
        Some(name) => Err(Cause::ContentAltered {
            generation,
            keyspace: name.to_owned(),
            expected: describe(expected, name),
            found: describe(found, name),
        }),
    }
}
