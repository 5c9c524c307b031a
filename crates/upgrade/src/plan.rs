//! What an upgrade will do, before it does anything (FC-UPGRADE-0001 §13, §14).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use integrity::Digest;
use rollback::{Generation, Layout, Part};
use serde::Serialize;
use storage_migration::{Disposition, MigrationPath};
use versioning::{GenerationNumber, RuntimeVersion, UpgradeKinds, Versions};

use crate::adopt::require_file;
use crate::error::{Cause, Condition, Error, Result};
use crate::home::{current, no_current};
use crate::lifecycle::{Fate, HomeState, Standing};
use crate::{Environment, Files, Home, HomeView, MigratedConfiguration, Release};

/// How many starts a new generation has to prove itself.
pub const TRIAL_TRIES: u32 = 3;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The release to upgrade to; the newest that the catalogue carries if there is none.
    pub target: Option<RuntimeVersion>,
    /// The runtime binary to place into the new generation.
    pub runtime: Option<PathBuf>,
}

/// What an upgrade will do. Two plans for the same state and the same release are the same, and have the same digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The product.
    pub product: String,
    /// What is there now.
    pub from: PlannedFrom,
    /// What will be there.
    pub to: PlannedTo,
    /// What kind of upgrade it is; empty if there is nothing to do.
    pub kinds: Option<UpgradeKinds>,
    /// The storage migrations, in order; they run as one.
    pub steps: Vec<PlannedStep>,
    /// What happens to each keyspace that is there now.
    pub keyspaces: Vec<PlannedKeyspace>,
    /// Every change of the configuration. Secrets never appear here.
    pub configuration: Vec<String>,
    /// The digest over the configuration's files after the migration.
    pub configuration_digest: Digest,
    /// Parts that are carried over byte for byte, with the digest over their files.
    pub carried: BTreeMap<Part, Digest>,
    /// The digest of the runtime binary that will be placed, if one was given.
    pub runtime: Option<Digest>,
    /// How many starts the new generation has to prove itself.
    pub tries: u32,
    /// Generations of the same release that were rolled back: it is not taken again without somebody knowing. No part of
    /// the plan's digest.
    #[serde(skip)]
    pub rolled_back: Vec<GenerationNumber>,
}

/// What an upgrade starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedFrom {
    /// The current generation.
    pub generation: GenerationNumber,
    /// The digest of its manifest.
    pub manifest: Digest,
    /// Its versions.
    pub versions: Versions,
    /// Records in its store when it was sealed.
    pub records: u64,
    /// Whether a runtime has written to the store since, so that there may be more.
    pub records_may_have_grown: bool,
}

/// What an upgrade leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedTo {
    /// The generation that will be built. No part of the plan's digest: an attempt that is undone uses up its number, and
    /// the approval of what was planned must still hold for the next one.
    #[serde(skip)]
    pub generation: GenerationNumber,
    /// Its versions.
    pub versions: Versions,
    /// What the release brings.
    pub summary: String,
}

/// A storage migration of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// Its name.
    pub name: String,
    /// From this schema …
    pub from: versioning::SchemaVersion,
    /// … to this one.
    pub to: versioning::SchemaVersion,
    /// What it does, as a digest.
    pub fingerprint: Digest,
}

/// A keyspace of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedKeyspace {
    /// Its logical name.
    pub name: String,
    /// What may happen to its records.
    pub class: storage_migration::KeyspaceClass,
    /// Records in it when it was sealed.
    pub records: u64,
    /// What happens to it: `rewritten`, `kept`, or `kept, and read`.
    pub action: &'static str,
}

impl Plan {
    /// True if the home is at that release already.
    pub fn is_nothing_to_do(&self) -> bool {
        self.kinds.is_none()
    }

    /// The digest of all that the plan says: what an approval is bound to.
    pub fn digest(&self) -> Digest {
        // Serialising strings, numbers and maps of them cannot fail.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

impl HomeView<'_> {
    /// Plans an upgrade. Writes nothing anywhere.
    ///
    /// # Errors
    /// [`Cause::Incompatible`] with every reason, or whatever keeps the home from being read.
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        plan(&self.layout, &self.state, self.environment, request)
            .map_err(|cause| Error::new(cause, Condition::Unchanged(current(&self.state))))
    }
}

impl Home<'_> {
    /// As [`HomeView::plan`], under the lock.
    ///
    /// # Errors
    /// As [`HomeView::plan`].
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        plan(&self.layout, &self.state, self.environment, request)
            .map_err(|cause| Error::new(cause, self.unchanged()))
    }
}

fn plan(
    layout: &Layout,
    state: &HomeState,
    environment: Environment<'_>,
    request: &Request,
) -> std::result::Result<Plan, Cause> {
    if let Some(runtime) = &request.runtime {
        require_file(runtime)?;
    }
    let generation = open_current(layout, state)?;
    let installed = generation.manifest().versions.clone();
    let mut reasons = Vec::new();
    let release = choose_release(environment, request, &installed, &mut reasons);
    let target = release.as_ref().map_or(&installed, |release| &release.versions);
    let kinds = classify(&installed, target, state, &mut reasons);
    let path = MigrationPath::resolve(
        environment.catalogue.schemas(),
        environment.catalogue.steps(),
        installed.storage,
        target.storage,
    )
    .map_err(|error| reasons.push(error.to_string()))
    .ok();
    check_applied(&generation, environment, &mut reasons);
    let files = read_part(&generation, Part::Configuration)?;
    let configuration = environment
        .catalogue
        .migrate_configuration(installed.configuration, target.configuration, &files)
        .map_err(|found| reasons.extend(found.into_iter().map(|r| format!("configuration: {r}"))))
        .ok();
    if let Some(migrated) = &configuration {
        let validation =
            environment.catalogue.validate_configuration(target.configuration, &migrated.files);
        if let Err(found) = validation {
            reasons.extend(found.into_iter().map(|reason| format!("configuration: {reason}")));
        } else {
            compare_meaning(environment, (&installed, &files), (target, migrated), &mut reasons);
        }
    }
    let (Some(path), Some(configuration), []) = (path, configuration, reasons.as_slice()) else {
        return Err(Cause::Incompatible { reasons });
    };
    let carried = [Part::Policy, Part::Extensions, Part::SetAside];
    let seal = &generation.manifest().files;
    Ok(Plan {
        product: environment.catalogue.product().to_owned(),
        from: planned_from(&generation, state),
        to: PlannedTo {
            generation: next_generation(layout, state)?,
            versions: target.clone(),
            summary: release.as_ref().map_or("", |release| release.summary).to_owned(),
        },
        kinds,
        steps: planned_steps(&path),
        keyspaces: planned_keyspaces(&generation, &path),
        configuration: configuration.changes,
        configuration_digest: digest_files(&configuration.files),
        carried: carried.map(|part| (part, seal.digest(part.directory()))).into(),
        runtime: request.runtime.as_deref().map(Digest::of_file).transpose()?,
        tries: TRIAL_TRIES,
        rolled_back: rolled_back(state, target),
    })
}

/// Holds a migrated configuration to what a runtime made of it before: any difference must have been declared
/// (FC-UPGRADE-0001 §10).
fn compare_meaning(
    environment: Environment<'_>,
    (installed, files): (&Versions, &Files),
    (target, migrated): (&Versions, &MigratedConfiguration),
    reasons: &mut Vec<String>,
) {
    let effective =
        |schema, files: &Files| environment.catalogue.effective_configuration(schema, files);
    let before = effective(installed.configuration, files);
    let after = effective(target.configuration, &migrated.files);
    match (before, after) {
        (Ok(before), Ok(after)) => {
            let undeclared = config_migration::undeclared(&before, &after, &migrated.intended);
            reasons.extend(undeclared.iter().map(|difference| {
                format!("configuration: {difference}, which no migration declares")
            }));
        }
        (before, after) => {
            let found = before.err().into_iter().chain(after.err()).flatten();
            reasons.extend(found.map(|reason| format!("configuration: {reason}")));
        }
    }
}

/// Generations of a release that were rolled back.
fn rolled_back(state: &HomeState, target: &Versions) -> Vec<GenerationNumber> {
    let generations = state.generations.iter();
    generations
        .filter(|(_, found)| found.fate == Fate::Bad && found.versions.runtime == target.runtime)
        .map(|(number, _)| *number)
        .collect()
}

/// Opens the current generation by the digest of its manifest that the journal has.
pub(crate) fn open_current(
    layout: &Layout,
    state: &HomeState,
) -> std::result::Result<Generation, Cause> {
    let Some((number, generation)) = state.current_generation() else {
        return Err(no_current(layout, state));
    };
    Ok(Generation::open(layout, number, generation.manifest)?)
}

/// The number for a new generation: never one that was used, not even by a journal that was lost.
pub(crate) fn next_generation(
    layout: &Layout,
    state: &HomeState,
) -> std::result::Result<GenerationNumber, Cause> {
    let found = layout.generation_numbers()?.last().map(|last| last.next());
    Ok(state.next_generation().max(found.unwrap_or(GenerationNumber::FIRST)))
}

/// The files of a part, each held to its seal.
pub(crate) fn read_part(generation: &Generation, part: Part) -> std::result::Result<Files, Cause> {
    let directory = part.directory();
    let sealed = generation.manifest().files.iter();
    let paths = sealed.filter_map(|(path, _)| {
        path.strip_prefix(directory)?.strip_prefix('/').map(|relative| (path, relative))
    });
    paths.map(|(path, relative)| Ok((relative.to_owned(), generation.read_sealed(path)?))).collect()
}

fn choose_release(
    environment: Environment<'_>,
    request: &Request,
    installed: &Versions,
    reasons: &mut Vec<String>,
) -> Option<Release> {
    let releases = environment.catalogue.releases();
    let installable = || releases.iter().filter(|release| release.installable);
    let names = || installable().map(|r| r.versions.runtime.to_string()).collect::<Vec<_>>();
    let Some(wanted) = &request.target else {
        // A pre-release is only ever taken when it is asked for by name.
        let newest = installable()
            .filter(|release| !release.versions.runtime.is_prerelease())
            .max_by(|a, b| a.versions.runtime.cmp(&b.versions.runtime));
        if newest.is_none() {
            reasons.push("this command carries no release".to_owned());
        }
        return newest.cloned();
    };
    if let Some(release) = releases.iter().find(|release| release.versions.runtime == *wanted) {
        if !release.installable && release.versions.runtime != installed.runtime {
            reasons.push(format!(
                "{wanted} is known, but this command cannot install it; it carries {}",
                names().join(", ")
            ));
        }
        return Some(release.clone());
    }
    reasons.push(format!("{wanted} is not known; this command carries {}", names().join(", ")));
    None
}

fn classify(
    installed: &Versions,
    target: &Versions,
    state: &HomeState,
    reasons: &mut Vec<String>,
) -> Option<UpgradeKinds> {
    match versioning::classify(installed, target) {
        Ok(kinds) => {
            if let (Standing::Trial { .. }, Some(number)) = (state.standing, state.current) {
                reasons.push(format!(
                    "generation {number} is on trial: confirm it or roll it back first"
                ));
            }
            Some(kinds)
        }
        Err(versioning::NotAnUpgrade::Same) => None,
        Err(error) => {
            reasons.push(error.to_string());
            None
        }
    }
}

/// A migration that was applied and has been edited since would make history a lie.
fn check_applied(generation: &Generation, environment: Environment<'_>, reasons: &mut Vec<String>) {
    let schemas = environment.catalogue.schemas();
    for applied in &generation.manifest().applied {
        let step = environment
            .catalogue
            .steps()
            .iter()
            .find(|step| step.name() == applied.name && step.from() == applied.from);
        let schema = schemas.iter().find(|schema| schema.version == applied.from);
        let (Some(step), Some(schema)) = (step, schema) else { continue };
        let found = storage_migration::fingerprint(*step, schema);
        if found != applied.fingerprint {
            reasons.push(format!(
                "the migration {} from schema {} to {} has been edited since it was applied here \
                 ({} then, {found} now)",
                applied.name, applied.from, applied.to, applied.fingerprint
            ));
        }
    }
}

fn planned_from(generation: &Generation, state: &HomeState) -> PlannedFrom {
    let started = state.generations.get(&generation.number()).is_some_and(|found| found.started);
    PlannedFrom {
        generation: generation.number(),
        manifest: generation.digest(),
        versions: generation.manifest().versions.clone(),
        records: generation.manifest().records(),
        records_may_have_grown: started,
    }
}

fn planned_steps(path: &MigrationPath<'_>) -> Vec<PlannedStep> {
    let fingerprints = path.fingerprints();
    let steps = path.steps().iter().zip(fingerprints);
    steps
        .map(|(step, (name, fingerprint))| PlannedStep {
            name: name.to_owned(),
            from: step.from(),
            to: step.to(),
            fingerprint,
        })
        .collect()
}

fn planned_keyspaces(generation: &Generation, path: &MigrationPath<'_>) -> Vec<PlannedKeyspace> {
    let keyspaces = generation.manifest().keyspaces.iter();
    keyspaces
        .map(|(name, sealed)| PlannedKeyspace {
            name: name.clone(),
            class: sealed.class,
            records: sealed.content.records,
            action: match path.disposition(name) {
                // A store that is not the engine's is read whole.
                _ if sealed.physical.is_none() && !path.steps().is_empty() => "rewritten",
                Some(Disposition::Rewritten) => "rewritten",
                Some(Disposition::Observed) => "kept, and read",
                Some(Disposition::Untouched) | None => "kept",
            },
        })
        .collect()
}

/// One digest over files in memory.
pub(crate) fn digest_files(files: &Files) -> Digest {
    let lines: Vec<String> =
        files.iter().map(|(path, bytes)| format!("{path:?} {}\n", Digest::of(bytes))).collect();
    Digest::of(lines.concat().as_bytes())
}

/// Keeps everybody else from opening a store for writing, for as long as it lives: a shared lock on the file that the engine
/// locks exclusively.
#[derive(Debug)]
pub(crate) struct StoreGuard {
    _lock: Option<std::fs::File>,
}

impl StoreGuard {
    /// Takes the lock of the store of a generation. A store that is not the engine's has none.
    pub(crate) fn acquire(
        generation: GenerationNumber,
        store: &Path,
    ) -> std::result::Result<Self, Cause> {
        let path = store.join("lock");
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { _lock: None });
            }
            Err(error) => {
                return Err(durable::Error::new(durable::Operation::Inspect, &path, error).into());
            }
            // Opening anything else could wait for ever.
            Ok(metadata) if !metadata.is_file() => {
                return Err(Cause::Altered(format!("{} is not a plain file", path.display())));
            }
            Ok(_) => {}
        }
        let failed = |operation, error| durable::Error::new(operation, &path, error);
        let opened = std::fs::File::open(&path);
        let lock = opened.map_err(|error| failed(durable::Operation::Open, error))?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(Self { _lock: Some(lock) }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Cause::StoreInUse { generation }),
            Err(std::fs::TryLockError::Error(error)) => {
                Err(failed(durable::Operation::Lock, error).into())
            }
        }
    }
}
