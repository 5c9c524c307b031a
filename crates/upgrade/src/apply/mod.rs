//! The upgrade: one transaction over binary, data, configuration, policy and extensions (FC-UPGRADE-0001 §5, §7, §29).
//!
//! The stages are types, each made from the one before by the step that earns it, so that a step out of order does not
//! compile:
//!
//! ```text
//! Planned ─authorize→ Authorized ─quiesce→ Quiesced ─stage→ Staged ─verify→ Verified ─seal→ Sealed ─activate→ on trial
//! ```
//!
//! Each begins by asking whether it is still wanted (`EngineOptions::cancellation`), the last one just before the commit point:
//! an upgrade that is cancelled is an attempt that failed, and one that is on record as done is not cancelled any more.
//!
//! Confirming is an operation of its own, later ([`Home::confirm`]). Whatever fails before `activate` leaves the current
//! generation as it was: nothing ever wrote to it.

pub(crate) mod store;
mod summary;

use integrity::{Digest, LogicalDigest};
use journal::{AttemptNumber, Event, Operation};
use rollback::{AppliedStep, Generation, MigrationMetadata, Origin, Parent, Part, Staging};
use serde::Serialize;
use storage_migration::SchemaDefinition;
use versioning::{GenerationNumber, SchemaVersion};

use crate::adopt::{INVENTORY, RUNTIME_BINARY};
use crate::error::{Cause, Condition, Error, Result};
use crate::home::current;
use crate::package::{RELEASE_MANIFEST, RELEASE_SIGNATURES};
use crate::plan::{Source, digest_files, open_current, read_part};
use crate::progress::{Activity, ProgressListener, report};
use crate::seal::{Description, digest_parts, keyspace_map, seal, sealed_keyspaces};
use crate::store_guard::StoreGuard;
use crate::trust::{Admitted, Wanted};
use crate::{Authorization, Home, Plan, PlannedPart, Request, SignedRelease};

use store::StagedStore;
pub(crate) use store::require_same;
pub use summary::Summary;

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
    /// What was done to the records, in numbers.
    pub summary: Summary,
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

/// Nobody writes to the current generation, and its digests are on record.
struct Quiesced {
    attempt: AttemptNumber,
    current: Generation,
    /// The digest over the files of its store.
    store: Digest,
    /// Keeps a runtime from opening the store until the new generation is current.
    guard: StoreGuard,
}

/// Everything of the next generation is there.
struct Staged {
    quiesced: Quiesced,
    staging: Staging,
    store: StagedStore,
}

/// Everything of the next generation was read back and found right.
struct Verified {
    staged: Staged,
    after: LogicalDigest,
}

/// The next generation is durable, and its seal is on record.
struct Sealed {
    quiesced: Quiesced,
    generation: Generation,
    outcome: Applied,
}

impl Home<'_> {
    /// Carries out a plan: builds the next generation beside the current one, proves it, seals it, and makes it current
    /// with one durable append to the journal.
    ///
    /// `approved` is the digest of the plan that was shown; if what would be done now is anything else, nothing is.
    ///
    /// # Errors
    /// Before the commit point the current generation stays current and untouched; the error says so. [`Cause::Cancelled`] if
    /// it was cancelled before.
    // trace: impl FC-27.1.1
    // trace: impl FC-1.1 FC-5.2 FC-28.2
    pub fn apply(
        &mut self,
        request: &Request,
        approved: Option<Digest>,
        authorization: Option<Authorization>,
        progress: &mut ProgressListener<'_>,
    ) -> Result<Option<Applied>> {
        self.require_authority(authorization.as_ref(), Operation::Upgrade)?;
        report(progress, Activity::Preparing, "planning");
        let plan = self.plan(request)?;
        if plan.is_nothing_to_do() {
            return Ok(None);
        }
        let found = plan.digest();
        if let Some(approved) = approved.filter(|approved| *approved != found) {
            return Err(Error::new(Cause::StalePlan { approved, found }, self.unchanged()));
        }
        let admitted = self.admit_upgrade(request, &plan, authorization.as_ref())?;
        let upgrade = Upgrade { plan: &plan, request, stage: Planned };
        let applied = match self.run(upgrade, &admitted, progress) {
            Ok(applied) => applied,
            Err(cause) => {
                let to = self.state.attempt.as_ref().and_then(|open| open.to);
                self.conclude(cause, |state| to.is_some() && state.current == to)?;
                let done = Condition::Done(current(&self.state));
                self.describe_applied(&plan).map_err(|cause| Error::new(cause, done))?
            }
        };
        // For people only; the journal has decided.
        let _ = self.layout.point_current_to(applied.to);
        Ok(Some(applied))
    }

    /// Holds the release to its publishers and to the security floor, and the plan to what was allowed.
    // trace: impl FC-14.3 FC-23.3
    fn admit_upgrade(
        &mut self,
        request: &Request,
        plan: &Plan,
        authorization: Option<&Authorization>,
    ) -> Result<Admitted> {
        let wanted = Wanted::upgrade(plan);
        let admitted = self.admit(authorization, &wanted)?;
        let release = || {
            let court = self.court()?;
            let epoch = plan.release.map_or(0, |release| release.security_epoch);
            if epoch < self.state.security_floor {
                let (found, floor) = (epoch, self.state.security_floor);
                return Err(Cause::BelowSecurityFloor { found, floor });
            }
            request.release.as_ref().map_or(Ok(()), |release| release.check(&court))
        };
        release().map_err(|cause| self.refuse(Operation::Upgrade, authorization, cause))?;
        Ok(admitted)
    }

    // trace: impl FC-14.2
    // trace: impl FC-2.1 FC-29.1.2 FC-29.1.6
    fn run(
        &mut self,
        planned: Upgrade<'_, Planned>,
        admitted: &Admitted,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Applied, Cause> {
        let authorized = planned.authorize(self, admitted)?;
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
            summary: Summary::of_manifest(&generation)?,
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
    // trace: impl FC-9.2.1 FC-9.2.2 FC-29.1.1
    fn authorize(
        self,
        home: &mut Home<'_>,
        admitted: &Admitted,
    ) -> std::result::Result<Upgrade<'p, Authorized>, Cause> {
        home.go_on()?;
        let current = open_current(&home.layout, &home.state)?;
        let attempt = home.begin(Operation::Upgrade, admitted)?;
        home.append(
            attempt,
            Event::Prepared {
                from: Some(self.plan.from.generation),
                to: self.plan.to.generation,
                previous: Some(Box::new(self.plan.from.versions.clone())),
                target: Box::new(self.plan.to.versions.clone()),
                plan: self.plan.digest(),
                release: self.plan.release,
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
    // trace: impl FC-16.1 FC-18.2 FC-20.3
    fn quiesce(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Quiesced>, Cause> {
        home.go_on()?;
        let Authorized { attempt, current } = self.stage;
        report(progress, Activity::Checking, "checking the current generation");
        let generation = current.number();
        let guard = StoreGuard::acquire(&home.layout, generation)?;
        home.check_generation(&current, rollback::VerifyDepth::Content)?;
        let store = home.put_quiesced(attempt, &current)?;
        let stage = Quiesced { attempt, current, store, guard };
        Ok(Upgrade { plan: self.plan, request: self.request, stage })
    }
}

impl<'p> Upgrade<'p, Quiesced> {
    /// Builds every part of the next generation. The current one is only read.
    // trace: impl FC-27.1.2
    fn stage(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Staged>, Cause> {
        home.go_on()?;
        let current = &self.stage.current;
        let staging = Staging::create(&home.layout, self.plan.to.generation)?;
        let path = home
            .environment
            .forward(self.plan.from.versions.storage, self.plan.to.versions.storage)?;
        let store = StagedStore::build(home, path, current, &staging, progress)?;
        home.go_on()?;
        report(progress, Activity::Placing, "migrating the configuration");
        let (from, to) = (&self.plan.from.versions, &self.plan.to.versions);
        let generation = current.number();
        let configuration = home
            .environment
            .catalogue
            .migrate_configuration(
                from.configuration,
                to.configuration,
                &read_part(current, Part::Configuration)?,
            )
            .map_err(|violations| Cause::InvalidConfiguration { generation, violations })?;
        for (path, bytes) in &configuration.files {
            staging.write(Part::Configuration, path, bytes)?;
        }
        report(progress, Activity::Placing, "placing policy and extensions");
        for (part, planned) in &self.plan.parts {
            place_part(current, &staging, *part, planned)?;
        }
        if current.manifest().files.get(INVENTORY).is_some() {
            staging.write_document(INVENTORY, &current.read_sealed(INVENTORY)?)?;
        }
        match (&self.request.release, &self.request.runtime) {
            (Some(release), _) => place_release(&staging, release)?,
            (None, Some(runtime)) => staging.place_runtime(RUNTIME_BINARY, runtime)?,
            (None, None) => {}
        }
        let stage = Staged { quiesced: self.stage, staging, store };
        Ok(Upgrade { plan: self.plan, request: self.request, stage })
    }
}

// trace: impl FC-8.2.3 FC-18.1.1 FC-18.2 FC-29.1.3
impl<'p> Upgrade<'p, Staged> {
    /// Reads everything back, through new handles, and holds it to the plan (FC-UPGRADE-0001 §8, §14, §18).
    fn verify(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Verified>, Cause> {
        home.go_on()?;
        let staged = self.stage;
        let target = home.schema(self.plan.to.versions.storage)?;
        let to = self.plan.to.generation;
        report(progress, Activity::Verifying, "verifying the new generation");
        let after = staged.store.verify(home, to, &target, &staged.staging, progress)?;
        verify_files(home, self.plan, &staged)?;
        let stage = Verified { staged, after };
        Ok(Upgrade { plan: self.plan, request: self.request, stage })
    }
}

impl<'p> Upgrade<'p, Verified> {
    /// Makes the next generation durable and puts its seal on record.
    // trace: impl FC-7.3 FC-9.1 FC-9.2.3 FC-9.3
    fn seal(
        self,
        home: &mut Home<'_>,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Upgrade<'p, Sealed>, Cause> {
        home.go_on()?;
        report(progress, Activity::MakingDurable, "making the new generation durable");
        let Verified { staged, after } = self.stage;
        let now = home.environment.clock.now();
        let plan = self.plan;
        let target = home.schema(plan.to.versions.storage)?;
        let parent = Parent {
            generation: staged.quiesced.current.number(),
            manifest: staged.quiesced.current.digest(),
        };
        let (map, counts) = staged.store.description();
        let summary = staged.store.summary();
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
            applied: applied_steps(&staged.quiesced.current, plan),
            keyspaces: sealed_keyspaces(&after, map, &target),
            logical: after.clone(),
        };
        let outcome = Applied {
            from: staged.quiesced.current.number(),
            to: staged.staging.number(),
            state: after.state(),
            before: staged.store.before,
            after,
            tries: plan.tries,
            links_refused: staged.store.links_refused,
            summary,
        };
        let generation = seal(staged.staging, description, &mut home.digester())?;
        let event =
            Event::Sealed { generation: generation.number(), manifest: generation.digest() };
        home.append(staged.quiesced.attempt, event)?;
        let stage = Sealed { quiesced: staged.quiesced, generation, outcome };
        Ok(Upgrade { plan, request: self.request, stage })
    }
}

impl Upgrade<'_, Sealed> {
    /// The commit point: one durable append.
    // trace: impl FC-7.1 FC-7.2.1 FC-29.1.4
    fn activate(self, home: &mut Home<'_>) -> std::result::Result<Applied, Cause> {
        let Sealed { quiesced, generation, outcome } = self.stage;
        // Files of an older format have no lock that anybody would respect: whoever wrote to them meanwhile is found out.
        if keyspace_map(quiesced.current.manifest()).is_none() {
            let (found, _) = digest_parts(quiesced.current.path())?;
            if found != quiesced.store {
                let number = quiesced.current.number();
                return Err(Cause::Altered(format!(
                    "the store of generation {number} was written to while it was upgraded"
                )));
            }
        }
        let event = Event::Activated { generation: generation.number(), tries: self.plan.tries };
        home.go_on()?;
        home.append(quiesced.attempt, event)?;
        drop(quiesced.guard);
        Ok(outcome)
    }
}

/// Places the files of a part: those that are carried over are copied, never linked, since a runtime may write to them.
fn place_part(
    current: &Generation,
    staging: &Staging,
    part: Part,
    planned: &PlannedPart,
) -> std::result::Result<(), Cause> {
    for (path, file) in planned.files() {
        match &file.source {
            Source::Carried(from) => {
                staging.copy(part, path, &current.path().join(from))?;
            }
            Source::Written(bytes) if file.seal.executable => {
                staging.write_executable(part, path, bytes)?;
            }
            Source::Written(bytes) => staging.write(part, path, bytes)?,
        }
    }
    Ok(())
}

/// Places the runtime binary that a package brings, with what its publishers have signed. That the binary is what they have
/// signed is seen while it is copied, and once more when the new generation is verified.
// trace: impl FC-23.1.1 FC-23.2
fn place_release(staging: &Staging, release: &SignedRelease) -> std::result::Result<(), Cause> {
    let missing = || Cause::Altered("the release package holds no runtime".to_owned());
    let path = release.runtime_path().ok_or_else(missing)?;
    staging.write_runtime(RUNTIME_BINARY, |file| release.package.copy(path.as_str(), file))??;
    let manifest = release.package.manifest_bytes();
    staging.write_document(RELEASE_MANIFEST, manifest)?;
    if let Some(signatures) = &release.signatures {
        staging.write_document(RELEASE_SIGNATURES, &signatures.to_bytes())?;
    }
    Ok(())
}

/// Policy and extensions are as planned; the configuration is the planned one, and valid; so is the runtime binary.
// trace: impl FC-14.1.1 FC-14.2 FC-23.1.1
// trace: impl FC-5.1.3 FC-18.2
fn verify_files(home: &Home<'_>, plan: &Plan, staged: &Staged) -> std::result::Result<(), Cause> {
    let altered = |what: &str| Err(Cause::Altered(format!("{what} is not what was planned")));
    for (part, planned) in &plan.parts {
        let seal = integrity::TreeSeal::of_tree(&staged.staging.part(*part), |_| false)?;
        if seal.digest("") != planned.digest {
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
    let found = durable::exists(&runtime)?.then(|| Digest::of_file(&runtime)).transpose()?;
    if found != plan.runtime {
        return altered("the new runtime binary");
    }
    Ok(())
}

/// What the data has been through, this upgrade included.
// trace: impl FC-2.2 FC-9.1
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
