//! Going back with what was written since (FC-UPGRADE-0001 §15).
//!
//! A rollback that preserves builds a generation of its own: the one before in all its parts, but with the records of the
//! one that is left, led back to the earlier schema. It is proven before it is current:
//!
//! - led forward again, it is what is left, record for record: so nothing that was written is missing or other;
//! - every ledger record of the generation before is in it, so nothing of before is missing either.
//!
//! What cannot be proven is refused, and nothing has changed then. The commit point is the same as of any rollback:
//! `REVERTED`. What is left is kept, as always.

use std::path::Path;

use integrity::{Digest, LogicalDigest};
use journal::{AttemptNumber, DataPolicy, Event, Operation, RevertedRecords};
use rollback::{Generation, MigrationMetadata, Origin, Parent, Part, Staging, VerifyDepth};
use storage_migration::{
    ARCHIVE, KeyspaceClass, KeyspaceMap, SchemaDefinition, SourceError, Stayed, Store, clone_mode,
};
use versioning::GenerationNumber;

use crate::apply::store::{StagedStore, require_same};
use crate::error::{Cause, Result};
use crate::home::shorten;
use crate::lifecycle::GenerationState;
use crate::progress::{Activity, ProgressListener, forward, report};
use crate::revert::ledger_records;
use crate::seal::{Description, keyspace_map, seal, sealed_keyspaces};
use crate::store_guard::StoreGuard;
use crate::trust::Admitted;
use crate::{Environment, Home, RolledBack};

/// A generation by its number, and what the journal says of it.
type Known<'s> = (GenerationNumber, &'s GenerationState);

/// Refuses to carry records back where no migration leads.
pub(crate) fn require_way_back(
    environment: Environment<'_>,
    (from, current): Known<'_>,
    (to, target): Known<'_>,
) -> std::result::Result<(), Cause> {
    let way = environment.back(current.versions.storage, target.versions.storage);
    way.map(|_| ()).map_err(|error| {
        let reason = error.to_string();
        Cause::NotCarriedBack { from, to, reason }
    })
}

/// Both sides of a rollback that carries records back.
struct Sides {
    /// What is left.
    from: Generation,
    /// The one before.
    target: Generation,
}

/// A store that records were carried back into, and what is in it.
struct Carried {
    staging: Staging,
    store: StagedStore,
    after: LogicalDigest,
    records: RevertedRecords,
}

impl Home<'_> {
    /// Goes back to a new generation, which is the one before with all that was written since. Whoever calls has verified
    /// the one before, and keeps runtimes out of what is left.
    pub(crate) fn preserve(
        &mut self,
        outcome: &mut RolledBack,
        (admitted, reason): (&Admitted, &str),
        guard: Option<&StoreGuard>,
        progress: &mut ProgressListener<'_>,
    ) -> Result<()> {
        let refuse = |home: &Self, cause| crate::Error::new(cause, home.unchanged());
        if guard.is_none() {
            let reason = "its store is damaged";
            return Err(refuse(self, not_carried(outcome, reason)));
        }
        let sides = self.sides(outcome).map_err(|cause| refuse(self, cause))?;
        let to = outcome.to;
        match self.carry_back(outcome, &sides, (admitted, reason), progress) {
            Ok(records) => outcome.records = Some(records),
            Err(cause) => self.conclude(cause, |state| state.current == Some(to))?,
        }
        // For people only; the journal has decided.
        let _ = self.layout.point_current_to(to);
        Ok(())
    }

    fn sides(&self, outcome: &RolledBack) -> std::result::Result<Sides, Cause> {
        let (from, target) = (self.open_known(outcome.from)?, self.open_known(outcome.restored)?);
        if keyspace_map(target.manifest()).is_none() {
            // Whoever runs that installation knows nothing of homes.
            let reason = "it is a copy of an installation that is not run from a home";
            return Err(not_carried(outcome, reason));
        }
        Ok(Sides { from, target })
    }

    fn carry_back(
        &mut self,
        outcome: &RolledBack,
        sides: &Sides,
        (admitted, reason): (&Admitted, &str),
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<RevertedRecords, Cause> {
        let attempt = self.begin(Operation::Rollback, admitted)?;
        let plan = outcome.digest();
        let release = self.state.generations.get(&outcome.restored).and_then(|state| state.release);
        let event = Event::Prepared {
            from: Some(outcome.from),
            to: outcome.to,
            previous: Some(Box::new(sides.from.manifest().versions.clone())),
            target: Box::new(sides.target.manifest().versions.clone()),
            plan,
            release,
        };
        self.append(attempt, event)?;
        self.quiesce_left(attempt, &sides.from, progress)?;
        let carried = self.build_carried(outcome, sides, progress)?;
        self.go_on()?;
        self.seal_carried(attempt, plan, sides, &carried.store, (carried.staging, &carried.after))?;
        self.go_on()?;
        let records = carried.records;
        let event = Event::Reverted {
            from: outcome.from,
            to: outcome.to,
            data: DataPolicy::Preserve,
            reason: shorten(reason),
            records: Some(records),
        };
        self.append(attempt, event)?;
        Ok(records)
    }

    /// Holds what is left to its seals, and puts it on record. What a runtime left open is sealed first.
    fn quiesce_left(
        &mut self,
        attempt: AttemptNumber,
        from: &Generation,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<(), Cause> {
        self.go_on()?;
        report(progress, Activity::Checking, "checking the generation that is left");
        self.check_generation(from, VerifyDepth::Content)?;
        self.put_quiesced(attempt, from).map(|_| ())
    }

    /// Builds every part of the new generation, reads it back, and proves it. Both sides are only read.
    fn build_carried(
        &self,
        outcome: &RolledBack,
        sides: &Sides,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Carried, Cause> {
        let Sides { from, target } = sides;
        let (later, earlier) =
            (from.manifest().versions.storage, target.manifest().versions.storage);
        let staging = Staging::create(&self.layout, outcome.to)?;
        let path = self.environment.back(later, earlier)?;
        let store = StagedStore::build(self, path, from, &staging, progress)?;
        self.go_on()?;
        report(progress, Activity::Placing, "placing what the generation before consists of");
        place_all(target, &staging)?;
        report(progress, Activity::Verifying, "verifying what was carried back");
        let schema = self.schema(earlier)?;
        let after = store.verify(self, outcome.to, &schema, &staging, progress)?;
        let (map, _) = store.description();
        let map = map.ok_or_else(|| not_carried(outcome, "its store is no database"))?;
        self.require_all_of_before(outcome, target, (&staging, map), &schema)?;
        self.require_same_again(outcome, (later, earlier), &store, (&staging, &after), progress)?;
        let records = RevertedRecords {
            activated: from.manifest().ledger_records(),
            left: ledger_records(&self.schema(later)?, &store.before),
            restored: ledger_records(&schema, &after),
        };
        Ok(Carried { staging, store, after, records })
    }

    /// Every ledger record of the generation before is in what was built, as it was.
    // trace: impl FC-15.2.2 FC-16.2.1
    fn require_all_of_before(
        &self,
        outcome: &RolledBack,
        before: &Generation,
        (staging, map): (&Staging, &KeyspaceMap),
        schema: &SchemaDefinition,
    ) -> std::result::Result<(), Cause> {
        let clone = self.layout.scratch("carried");
        let store = self.open_clone(&staging.part(Part::Store), map, &clone)?;
        let is_ledger = |name: &String| {
            let class = schema.keyspace(name).map(|keyspace| keyspace.class);
            name == ARCHIVE || class == Some(KeyspaceClass::Ledger)
        };
        let result = self.with_source(before, |source| {
            for keyspace in source.keyspaces().into_iter().filter(is_ledger) {
                let mut failed = None;
                let scanned = source.scan(&keyspace, &mut |key, value| {
                    let found = match store.get(&keyspace, key) {
                        Ok(found) => found,
                        Err(error) => {
                            failed = Some(Cause::from(error));
                            return Err(stopped(&keyspace));
                        }
                    };
                    if found.as_deref() == Some(value) {
                        return Ok(());
                    }
                    let reason = format!(
                        "a record of {keyspace} of generation {} is not in it any more, or another",
                        outcome.restored
                    );
                    failed = Some(not_carried(outcome, &reason));
                    Err(stopped(&keyspace))
                });
                failed.map_or(Ok(()), Err)?;
                scanned?;
            }
            Ok(())
        });
        // Behind an error nothing is asked of the store any more: what is left of the clone is swept.
        result?;
        store.close()?;
        Ok(durable::remove_tree(&clone)?)
    }

    /// What was built, led forward again, is what is left: keyspace by keyspace, record for record.
    // trace: impl FC-15.2.2 FC-18.1.1
    fn require_same_again(
        &self,
        outcome: &RolledBack,
        (later, earlier): (versioning::SchemaVersion, versioning::SchemaVersion),
        store: &StagedStore,
        (staging, after): (&Staging, &LogicalDigest),
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<(), Cause> {
        let path = self.environment.forward(earlier, later)?;
        let (Some(map), false) = (store.description().0, path.steps().is_empty()) else {
            // The records are the very same: nothing was led anywhere.
            return require_same(outcome.to, &store.before, after);
        };
        report(progress, Activity::Verifying, "leading it forward again");
        let (again, runs) = (self.layout.scratch("again"), self.layout.scratch("again-runs"));
        [&again, &runs].into_iter().try_for_each(|path| durable::remove_tree(path))?;
        durable::clone_tree(&staging.part(Part::Store), &again, clone_mode)?;
        durable::create_directory(&runs)?;
        let (origin, options) = (storage_migration::Origin::Store(map), self.environment.engine);
        let known = [after];
        let mut listen = forward(progress, &known);
        let report =
            storage_migration::migrate(&path, origin, &again, &runs, options, &mut listen)?;
        let found = storage_migration::verify(
            &again,
            &report,
            &self.schema(later)?,
            Some(after),
            Stayed::Read,
            options,
            &mut listen,
        )?;
        [&again, &runs].into_iter().try_for_each(|path| durable::remove_tree(path))?;
        require_same(outcome.from, &store.before, &found)
            .map_err(|cause| not_carried(outcome, &format!("led forward again, {cause}")))
    }

    /// Makes what was built durable, and puts its seal on record.
    fn seal_carried(
        &mut self,
        attempt: AttemptNumber,
        plan: Digest,
        Sides { from, target }: &Sides,
        store: &StagedStore,
        (staging, after): (Staging, &LogicalDigest),
    ) -> std::result::Result<(), Cause> {
        let now = self.environment.clock.now();
        let versions = target.manifest().versions.clone();
        let schema = self.schema(versions.storage)?;
        let (map, counts) = store.description();
        let reference = |of: &Generation| Parent { generation: of.number(), manifest: of.digest() };
        let migration = MigrationMetadata {
            previous: from.manifest().versions.clone(),
            target: versions.clone(),
            time: now,
            plan,
            source_state: store.before.state(),
            counts,
            configuration_changes: Vec::new(),
        };
        let description = Description {
            created: now,
            versions,
            origin: Origin::Preserved {
                parent: reference(target),
                carried_from: reference(from),
                migration: Box::new(migration),
            },
            applied: target.manifest().applied.clone(),
            keyspaces: sealed_keyspaces(after, map, &schema),
            logical: after.clone(),
        };
        let generation = seal(staging, description, &mut self.digester())?;
        let (generation, manifest) = (generation.number(), generation.digest());
        self.append(attempt, Event::Sealed { generation, manifest })
    }

    /// Opens a clone of a closed store: opening writes.
    pub(crate) fn open_clone(
        &self,
        store: &Path,
        map: &KeyspaceMap,
        clone: &Path,
    ) -> std::result::Result<Store, Cause> {
        durable::remove_tree(clone)?;
        durable::clone_tree(store, clone, clone_mode)?;
        Ok(Store::open(clone, map, self.environment.engine)?)
    }
}

/// Places every file of a generation but those of its store, and holds what was placed to the seal of what it was placed from.
fn place_all(of: &Generation, staging: &Staging) -> std::result::Result<(), Cause> {
    for (path, _) in of.manifest().files.iter() {
        let inside = path.split_once('/');
        let part = inside.and_then(|(first, rest)| Some((part_of(first)?, rest)));
        match part {
            Some((Part::Store, _)) => {}
            Some((part, rest)) => drop(staging.copy(part, rest, &of.path().join(path))?),
            None => staging.write_document(path, &of.read_sealed(path)?)?,
        }
    }
    for part in Part::ALL.into_iter().filter(|part| *part != Part::Store) {
        let placed = integrity::TreeSeal::of_tree(&staging.part(part), |_| false)?;
        if of.manifest().parts.get(&part) != Some(&placed.digest("")) {
            let what = format!("the new generation's {part} is not what it was placed from");
            return Err(Cause::Altered(what));
        }
    }
    Ok(())
}

fn part_of(directory: &str) -> Option<Part> {
    Part::ALL.into_iter().find(|part| part.directory() == directory)
}

fn not_carried(outcome: &RolledBack, reason: &str) -> Cause {
    let (from, to, reason) = (outcome.from, outcome.restored, reason.to_owned());
    Cause::NotCarriedBack { from, to, reason }
}

/// Ends a scan whose reason is kept elsewhere.
fn stopped(keyspace: &str) -> SourceError {
    let (origin, reason) = ("a comparison".to_owned(), "it has ended".to_owned());
    SourceError { keyspace: keyspace.to_owned(), origin, reason }
}
