//! The upgrade: one transaction over binary, data, configuration, policy and extensions (FC-UPGRADE-0001 §5, §7, §29).
//!
//! The stages are types, each made from the one before by the step that earns it, so that a step out of order does not
//! compile:
//!
//! ```text
//! Planned ─authorize→ Authorized ─quiesce, stage→ Staged ─verify→ Verified ─seal→ Sealed ─activate→ Active (on trial)
//! ```
//!
//! Confirming is an operation of its own, later ([`Home::confirm`]). Whatever fails before `activate` leaves the current
//! generation as it was: nothing ever wrote to it.

use std::collections::BTreeMap;

use integrity::{Digest, LogicalDigest};
use journal::{AttemptNumber, Event, Operation};
use rollback::{AppliedStep, Generation, MigrationMetadata, Origin, Parent, Part, Staging};
use serde::Serialize;
use storage_migration::{
    KeyspaceMap, MigrationPath, MigrationReport, SchemaDefinition, clone_mode,
};
use versioning::{GenerationNumber, SchemaVersion};

use crate::adopt::{INVENTORY, RUNTIME_BINARY};
use crate::environment::{Progress, ProgressListener};
use crate::error::{Cause, Error, Result};
use crate::plan::{digest_files, open_current, read_part, store_is_open};
use crate::seal::{Description, digest_parts, keyspace_map, seal, sealed_keyspaces};
use crate::{Authorization, Home, Plan, Request};

/// What an upgrade did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Applied {
    /// The generation that was current.
    pub from: GenerationNumber,
    /// The generation that is current now, on trial.
    pub to: GenerationNumber,
    /// Records before, by keyspace.
    pub before: LogicalDigest,
    /// Records after, by keyspace.
    pub after: LogicalDigest,
    /// The digest of the logical state after.
    pub state: Digest,
    /// How many starts it has to prove itself.
    pub tries: u32,
    /// Files of the store that could not be hard-linked and were copied, because the file system refused.
    pub links_refused: u64,
}

/// An upgrade on its way. `S` is the stage, and holds what was earned so far.
struct Upgrade<'p, S> {
    plan: &'p Plan,
    request: &'p Request,
    stage: S,
}

/// It is known what will be done.
struct Planned;

/// Somebody with the authority wants it, and both are on record.
struct Authorized {
    attempt: AttemptNumber,
    current: Generation,
}

/// Everything of the next generation is there.
struct Staged {
    attempt: AttemptNumber,
    current: Generation,
    staging: Staging,
    store: StagedStore,
    links_refused: u64,
}

/// Everything of the next generation was read back and found right.
struct Verified {
    staged: Staged,
    after: LogicalDigest,
}

/// The next generation is durable, and its seal is on record.
struct Sealed {
    attempt: AttemptNumber,
    generation: Generation,
    outcome: Applied,
}

/// The store of a staged generation.
struct StagedStore {
    before: LogicalDigest,
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

impl Home<'_> {
    /// Carries out a plan: builds the next generation beside the current one, proves it, seals it, and makes it current
    /// with one durable append to the journal.
    ///
    /// `approved` is the digest of the plan that was shown; if what would be done now is anything else, nothing is.
    ///
    /// # Errors
    /// Before the commit point the current generation stays current and untouched; the error says so.
    pub fn apply(
        &mut self,
        request: &Request,
        approved: Option<Digest>,
        authorization: Option<Authorization>,
        progress: &mut ProgressListener<'_>,
    ) -> Result<Option<Applied>> {
        let unchanged = self.unchanged();
        let refuse = |cause| Error::new(cause, unchanged.clone());
        let authorization =
            Authorization::require(authorization, Operation::Upgrade).map_err(refuse)?;
        let plan = self.plan(request)?;
        if plan.is_nothing_to_do() {
            return Ok(None);
        }
        let found = plan.digest();
        if let Some(approved) = approved.filter(|approved| *approved != found) {
            return Err(refuse(Cause::StalePlan { approved, found }));
        }
        let upgrade = Upgrade { plan: &plan, request, stage: Planned };
        let applied = match self.run(upgrade, &authorization, progress) {
            Ok(applied) => applied,
            Err(cause) => {
                let to = self.state.attempt.as_ref().and_then(|open| open.to);
                self.conclude(cause, |state| to.is_some() && state.current == to)?;
                self.describe_applied(&plan).map_err(|cause| Error::new(cause, self.unchanged()))?
            }
        };
        // For people only; the journal has decided.
        let _ = self.layout.point_current_to(applied.to);
        Ok(Some(applied))
    }

    fn run(
        &mut self,
        planned: Upgrade<'_, Planned>,
        authorization: &Authorization,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Applied, Cause> {
        let authorized = planned.authorize(self, authorization)?;
        let staged = authorized.quiesce(self, progress)?.stage(self, progress)?;
        let verified = staged.verify(self, progress)?;
        let sealed = verified.seal(self, progress)?;
        sealed.activate(self)
    }

    /// What was done, told from what is there: after an error that came too late to matter.
    fn describe_applied(&self, plan: &Plan) -> std::result::Result<Applied, Cause> {
        let generation = open_current(&self.layout, &self.state)?;
        let from = Generation::open(&self.layout, plan.from.generation, Some(plan.from.manifest))?;
        Ok(Applied {
            from: plan.from.generation,
            to: generation.number(),
            before: from.manifest().logical(),
            after: generation.manifest().logical(),
            state: generation.manifest().state,
            tries: plan.tries,
            links_refused: 0,
        })
    }

    /// The definition of a storage schema.
    pub(crate) fn schema(
        &self,
        version: SchemaVersion,
    ) -> std::result::Result<SchemaDefinition, Cause> {
        crate::verify::schema(self.environment, version)
    }
}

impl<'p> Upgrade<'p, Planned> {
    /// Puts the authority and the plan on record: from here on there is an attempt.
    fn authorize(
        self,
        home: &mut Home<'_>,
        authorization: &Authorization,
    ) -> std::result::Result<Upgrade<'p, Authorized>, Cause> {
        let current = open_current(&home.layout, &home.state)?;
        let attempt = home.begin(Operation::Upgrade, authorization.authority())?;
        home.append(
            attempt,
            Event::Prepared {
                from: Some(self.plan.from.generation),
                to: self.plan.to.generation,
                previous: Some(Box::new(self.plan.from.versions.clone())),
                target: Box::new(self.plan.to.versions.clone()),
                plan: self.plan.digest(),
            },
        )?;
        Ok(Upgrade {
            plan: self.plan,
            request: self.request,
            stage: Authorized { attempt, current },
        })
    }
}

impl<'p> Upgrade<'p, Authorized> {
    /// Makes sure that nobody has the store open and that the current generation is what it should be, and puts its
    /// digests on record: this is the state that a rollback restores.
    fn quiesce(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Self, Cause> {
        let current = &self.stage.current;
        report(progress, "checking the current generation");
        if store_is_open(&current.part(Part::Store)) {
            return Err(Cause::StoreInUse { generation: current.number() });
        }
        home.check_generation(current, rollback::VerifyDepth::Content)?;
        let (store, parts) = digest_parts(current.path())?;
        let generation = current.number();
        home.append(self.stage.attempt, Event::Quiesced { generation, store, parts })?;
        Ok(self)
    }

    /// Builds every part of the next generation. The current one is only read.
    fn stage(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Staged>, Cause> {
        let Authorized { attempt, current } = self.stage;
        let staging = Staging::create(&home.layout, self.plan.to.generation)?;
        let (store, links_refused) = stage_store(home, self.plan, &current, &staging, progress)?;
        report(progress, "migrating the configuration");
        let (from, to) = (&self.plan.from.versions, &self.plan.to.versions);
        let generation = current.number();
        let configuration = home
            .environment
            .catalogue
            .migrate_configuration(
                from.configuration,
                to.configuration,
                &read_part(&current, Part::Configuration)?,
            )
            .map_err(|violations| Cause::InvalidConfiguration { generation, violations })?;
        for (path, bytes) in &configuration.files {
            staging.write(Part::Configuration, path, bytes)?;
        }
        report(progress, "carrying policy and extensions over");
        for part in self.plan.carried.keys() {
            let target = staging.vacate(*part)?;
            // Copied, never linked: a runtime may write to what lies there.
            durable::clone_tree(&current.part(*part), &target, |_| durable::CloneMode::Copy)?;
        }
        if current.manifest().files.get(INVENTORY).is_some() {
            staging.write_document(INVENTORY, &current.read_sealed(INVENTORY)?)?;
        }
        if let Some(runtime) = &self.request.runtime {
            staging.place_runtime(RUNTIME_BINARY, runtime)?;
        }
        let stage = Staged { attempt, current, staging, store, links_refused };
        Ok(Upgrade { plan: self.plan, request: self.request, stage })
    }
}

impl<'p> Upgrade<'p, Staged> {
    /// Reads everything back, through new handles, and holds it to the plan (FC-UPGRADE-0001 §8, §14, §18).
    fn verify(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Verified>, Cause> {
        let staged = self.stage;
        let target = home.schema(self.plan.to.versions.storage)?;
        let directory = staged.staging.part(Part::Store);
        let options = home.environment.engine;
        let mut forward = forward(progress);
        let before = &staged.store.before;
        let after = match &staged.store.after {
            AfterMigration::Migrated(report) => storage_migration::verify(
                &directory,
                report,
                &target,
                Some(before),
                options,
                &mut forward,
            )?,
            AfterMigration::Cloned(map) => {
                let found = storage_migration::measure_and_check(
                    &directory,
                    map,
                    &target,
                    options,
                    &mut forward,
                )?;
                require_same(self.plan.to.generation, before, &found)?;
                found
            }
            AfterMigration::Copied => {
                let path = staged.staging.path();
                let found = home.measure_foreign(target.version, path, &mut forward)?;
                require_same(self.plan.to.generation, before, &found)?;
                found
            }
        };
        verify_files(home, self.plan, &staged)?;
        let stage = Verified { staged, after };
        Ok(Upgrade { plan: self.plan, request: self.request, stage })
    }
}

impl<'p> Upgrade<'p, Verified> {
    /// Makes the next generation durable and puts its seal on record.
    fn seal(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Sealed>, Cause> {
        report(progress, "making the new generation durable");
        let Verified { staged, after } = self.stage;
        let now = home.environment.clock.now();
        let plan = self.plan;
        let target = home.schema(plan.to.versions.storage)?;
        let parent =
            Parent { generation: staged.current.number(), manifest: staged.current.digest() };
        let (map, counts) = match &staged.store.after {
            AfterMigration::Migrated(report) => {
                (Some(&report.keyspaces), serde_json::to_value(&report.counts).unwrap_or_default())
            }
            AfterMigration::Cloned(map) => (Some(map), serde_json::Value::Null),
            AfterMigration::Copied => (None, serde_json::Value::Null),
        };
        let migration = MigrationMetadata {
            previous: plan.from.versions.clone(),
            target: plan.to.versions.clone(),
            time: now,
            plan: plan.digest(),
            source_state: staged.store.before.state(),
            counts,
            configuration_changes: plan.configuration.clone(),
        };
        let description = Description {
            created: now,
            versions: plan.to.versions.clone(),
            origin: Origin::Upgraded { parent, migration: Box::new(migration) },
            applied: applied_steps(&staged.current, plan),
            keyspaces: sealed_keyspaces(&after, map, &target),
            logical: after.clone(),
        };
        let outcome = Applied {
            from: staged.current.number(),
            to: staged.staging.number(),
            state: after.state(),
            before: staged.store.before,
            after,
            tries: plan.tries,
            links_refused: staged.links_refused,
        };
        let generation = seal(staged.staging, description)?;
        let event =
            Event::Sealed { generation: generation.number(), manifest: generation.digest() };
        home.append(staged.attempt, event)?;
        let stage = Sealed { attempt: staged.attempt, generation, outcome };
        Ok(Upgrade { plan, request: self.request, stage })
    }
}

impl Upgrade<'_, Sealed> {
    /// The commit point: one durable append.
    fn activate(self, home: &mut Home<'_>) -> std::result::Result<Applied, Cause> {
        let Sealed { attempt, generation, outcome } = self.stage;
        let event = Event::Activated { generation: generation.number(), tries: self.plan.tries };
        home.append(attempt, event)?;
        Ok(outcome)
    }
}

/// What was carried over is the same; the configuration is the planned one, and valid; so is the runtime binary.
fn verify_files(home: &Home<'_>, plan: &Plan, staged: &Staged) -> std::result::Result<(), Cause> {
    let altered = |what: &str| Err(Cause::Altered(format!("{what} is not what was planned")));
    for (part, expected) in &plan.carried {
        let seal = integrity::TreeSeal::of_tree(&staged.staging.part(*part), |_| false)?;
        if seal.digest("") != *expected {
            return altered(&format!("the new generation's {part}"));
        }
    }
    let configuration = read_files(&staged.staging.part(Part::Configuration))?;
    if digest_files(&configuration) != plan.configuration_digest {
        return altered("the new configuration");
    }
    home.environment
        .catalogue
        .validate_configuration(plan.to.versions.configuration, &configuration)
        .map_err(|violations| Cause::InvalidConfiguration {
            generation: plan.to.generation,
            violations,
        })?;
    let runtime = staged.staging.part(Part::Runtime).join(RUNTIME_BINARY);
    let found = runtime.exists().then(|| Digest::of_file(&runtime)).transpose()?;
    if found != plan.runtime {
        return altered("the new runtime binary");
    }
    Ok(())
}

/// Builds the store of the next generation: migrated, or as it is if the schema does not move.
fn stage_store(
    home: &Home<'_>,
    plan: &Plan,
    current: &Generation,
    staging: &Staging,
    progress: &mut ProgressListener<'_>,
) -> std::result::Result<(StagedStore, u64), Cause> {
    let environment = home.environment;
    let (from, to) = (plan.from.versions.storage, plan.to.versions.storage);
    let path = MigrationPath::resolve(
        environment.catalogue.schemas(),
        environment.catalogue.steps(),
        from,
        to,
    )?;
    storage_migration::rehearse(&path)?;
    let directory = staging.vacate(Part::Store)?;
    let scratch = staging.path().join("scratch");
    durable::create_directory(&scratch)?;
    let (origin_map, foreign) = (
        keyspace_map(current.manifest()),
        environment.catalogue.foreign_source(from, current.path())?,
    );
    let mut links_refused = 0;
    let (before, after) = match (&foreign, origin_map) {
        (None, Some(map)) => {
            report(progress, "cloning the store");
            let cloned = durable::clone_tree(&current.part(Part::Store), &directory, clone_mode)?;
            links_refused = cloned.links_refused;
            let mut listen = forward(progress);
            let options = environment.engine;
            let schema = home.schema(from)?;
            let before = storage_migration::measure_and_check(
                &directory,
                &map,
                &schema,
                options,
                &mut listen,
            )?;
            home.check_content(current, &before)?;
            if path.steps().is_empty() {
                (before, AfterMigration::Cloned(map))
            } else {
                let origin = storage_migration::Origin::Store(&map);
                let report = storage_migration::migrate(
                    &path,
                    origin,
                    &directory,
                    &scratch,
                    options,
                    &mut listen,
                )?;
                (before, AfterMigration::Migrated(Box::new(report)))
            }
        }
        (Some(_), _) | (None, None) => {
            let mut listen = forward(progress);
            let before = home.measure_foreign(from, current.path(), &mut listen)?;
            home.check_content(current, &before)?;
            match foreign.as_deref().filter(|_| !path.steps().is_empty()) {
                Some(source) => {
                    let origin = storage_migration::Origin::Records(source);
                    let report = storage_migration::migrate(
                        &path,
                        origin,
                        &directory,
                        &scratch,
                        environment.engine,
                        &mut listen,
                    )?;
                    (before, AfterMigration::Migrated(Box::new(report)))
                }
                None => {
                    let store = current.part(Part::Store);
                    durable::clone_tree(&store, &directory, |_| durable::CloneMode::Copy)?;
                    (before, AfterMigration::Copied)
                }
            }
        }
    };
    durable::remove_tree(&scratch)?;
    Ok((StagedStore { before, after }, links_refused))
}

/// What the data has been through, this upgrade included.
fn applied_steps(current: &Generation, plan: &Plan) -> Vec<AppliedStep> {
    let mut applied = current.manifest().applied.clone();
    applied.extend(plan.steps.iter().map(|step| AppliedStep {
        name: step.name.clone(),
        from: step.from,
        to: step.to,
        fingerprint: step.fingerprint,
    }));
    applied
}

/// Two logical digests must agree, keyspace by keyspace.
pub(crate) fn require_same(
    generation: GenerationNumber,
    expected: &LogicalDigest,
    found: &LogicalDigest,
) -> std::result::Result<(), Cause> {
    let names: BTreeMap<&str, ()> =
        expected.iter().chain(found.iter()).map(|(name, _)| (name, ())).collect();
    let describe = |digest: &LogicalDigest, name: &str| {
        digest.get(name).map_or_else(
            || "missing".to_owned(),
            |found| format!("{} records, {}", found.records, found.digest),
        )
    };
    match names.into_keys().find(|name| expected.get(name) != found.get(name)) {
        None => Ok(()),
        Some(name) => Err(Cause::ContentAltered {
            generation,
            keyspace: name.to_owned(),
            expected: describe(expected, name),
            found: describe(found, name),
        }),
    }
}

fn read_files(root: &std::path::Path) -> std::result::Result<crate::Files, Cause> {
    let mut files = crate::Files::new();
    for (path, _) in integrity::TreeSeal::of_tree(root, |_| false)?.iter() {
        let full = root.join(path);
        let bytes = std::fs::read(&full)
            .map_err(|error| durable::Error::new(durable::Operation::Read, &full, error))?;
        files.insert(path.to_owned(), bytes);
    }
    Ok(files)
}

/// Says which phase begins.
pub(crate) fn report(progress: &mut ProgressListener<'_>, phase: &str) {
    progress(&Progress { phase: phase.to_owned(), done: 0, total: None });
}

/// Turns the storage engine's progress into ours.
pub(crate) fn forward<'p>(
    progress: &'p mut ProgressListener<'_>,
) -> impl FnMut(&storage_migration::Progress<'_>) + 'p {
    |found| {
        let verb = match found.phase {
            storage_migration::Phase::Read => "reading",
            storage_migration::Phase::Join => "joining",
            storage_migration::Phase::Write => "writing",
            storage_migration::Phase::Verify => "verifying",
        };
        progress(&Progress {
            phase: format!("{verb} {}", found.keyspace),
            done: found.records,
            total: found.total,
        });
    }
}
