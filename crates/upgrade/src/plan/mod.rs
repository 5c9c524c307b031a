//! What an upgrade will do, before it does anything (FC-UPGRADE-0001 §13, §14).

mod authority;
mod configuration;
mod extensions;
mod files;
mod needs;
mod release;
mod storage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use compatibility::{Reason, Severity, Verdict};
use extension_migration::ExtensionPlan;
use integrity::Digest;
use journal::{Event, Record, ReleaseIdentity};
use rollback::{Generation, Layout, Part};
use serde::Serialize;
use versioning::{GenerationNumber, RuntimeVersion, UpgradeKinds, Versions};

pub use authority::PlannedAuthority;
pub use files::PlannedPart;
pub(crate) use files::Source;
pub use needs::{Needs, PlannedBinary, Sample, SampleBasis};
pub(crate) use storage::steps;

use crate::adopt::require_file;
use crate::error::{Cause, Condition, Error, Result};
use crate::home::{current, no_current};
use crate::lifecycle::{Fate, HomeState, Standing};
use crate::{
    ConfigurationStretch, Consent, Environment, Files, Home, HomeView, Refusal, Refusals,
    SignedRelease,
};

use files::Drawing;
use release::Case;

/// How many starts a new generation has to prove itself.
pub const TRIAL_TRIES: u32 = 3;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The release to upgrade to; the newest that the catalogue carries if there is none, unless that was left before
    /// ([`Plan::pinned`]).
    pub target: Option<RuntimeVersion>,
    /// The runtime binary to place into the new generation, if the release does not come as a package.
    pub runtime: Option<PathBuf>,
    /// The release as a package, which brings the runtime binary.
    pub release: Option<SignedRelease>,
    /// What whoever asks for it agrees to.
    pub consent: Consent,
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
    /// The same changes, place by place. No part of the plan's digest, which has them as sentences.
    #[serde(skip)]
    pub configuration_stretches: Vec<ConfigurationStretch>,
    /// The digest over the configuration's files after the migration.
    pub configuration_digest: Digest,
    /// What becomes of capabilities and policies.
    pub authority: PlannedAuthority,
    /// What becomes of each extension; nothing if there is nothing to do.
    pub extensions: Option<ExtensionPlan>,
    /// Policy, extensions and what was set aside, file by file.
    pub parts: BTreeMap<Part, PlannedPart>,
    /// What else there is to know, and to agree to: why the release suits what is installed.
    pub verdict: Option<Verdict>,
    /// What whoever asks for it agrees to.
    pub consent: Consent,
    /// The digest of the runtime binary that will be placed, if one was given.
    pub runtime: Option<Digest>,
    /// The release, if it comes as a package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseIdentity>,
    /// How many starts the new generation has to prove itself.
    pub tries: u32,
    /// Generations of the same release that were rolled back: it is not taken again without somebody knowing. No part of
    /// the plan's digest.
    #[serde(skip)]
    pub rolled_back: Vec<GenerationNumber>,
    /// Why there is nothing to do although there is a newer release. No part of the plan's digest.
    #[serde(skip)]
    pub pinned: Option<Pinned>,
}

/// A release that is not taken unless it is asked for by its version, because a generation of it was left (FC-UPGRADE-0001
/// §15): a rollback stays one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pinned {
    /// The release.
    pub version: RuntimeVersion,
    /// The last generation of it that was left.
    pub generation: GenerationNumber,
    /// Why it was, as it is on record.
    pub reason: String,
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

impl Request {
    /// The same, with the version that a package states where none was asked for.
    fn with_target(&self) -> Self {
        let stated = self
            .release
            .as_ref()
            .map(|release| release.package.manifest().description().versions.runtime.clone());
        Self { target: self.target.clone().or(stated), ..self.clone() }
    }
}

impl Plan {
    /// True if the home is at that release already.
    pub fn is_nothing_to_do(&self) -> bool {
        self.kinds.is_none()
    }

    /// The digest of all that the plan says: what an approval is bound to.
    // trace: impl FC-22.3
    pub fn digest(&self) -> Digest {
        // That it can be written down the tests hold; if it could not, no two plans may pass for each other.
        Digest::of(&serde_json::to_vec(self).unwrap_or_else(|_| format!("{self:?}").into_bytes()))
    }
}

impl HomeView<'_> {
    /// Plans an upgrade. Writes nothing anywhere.
    ///
    /// # Errors
    /// [`Cause::Incompatible`] with every reason, or whatever keeps the home from being read.
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        let past = (&self.state, self.records());
        plan(&self.layout, past, self.environment, request)
            .map_err(|cause| Error::new(cause, Condition::Unchanged(current(&self.state))))
    }

    /// Who may do what in the current generation.
    ///
    /// # Errors
    /// [`Cause::InvalidPolicy`], or whatever keeps the home from being read.
    pub fn authority(&self) -> Result<(GenerationNumber, capability_migration::Authority)> {
        let read = || {
            let generation = open_current(&self.layout, &self.state)?;
            let files = read_part(&generation, Part::Policy)?;
            let number = generation.number();
            let found =
                self.environment.catalogue.authority(&generation.manifest().versions, &files);
            let invalid = |reasons| Cause::InvalidPolicy { generation: number, reasons };
            Ok((number, found.map_err(invalid)?))
        };
        read().map_err(|cause: Cause| Error::new(cause, Condition::Unchanged(current(&self.state))))
    }

    /// What an upgrade would change about who may do what, whatever else speaks against it.
    ///
    /// # Errors
    /// [`Cause::Incompatible`] if that alone is refused, or whatever keeps the home from being read.
    pub fn authority_changes(
        &self,
        request: &Request,
    ) -> Result<(RuntimeVersion, PlannedAuthority)> {
        let plan = || {
            let generation = open_current(&self.layout, &self.state)?;
            let installed = &generation.manifest().versions;
            let files = read_part(&generation, Part::Policy)?;
            let mut refusals = Vec::new();
            let request = &request.with_target();
            let release = release::choose(self.environment, request, installed, &mut refusals);
            let target = release.as_ref().map_or(installed, |release| release.versions());
            match versioning::classify(installed, target) {
                Err(versioning::NotAnUpgrade::Same) if refusals.is_empty() => {
                    return Ok((target.runtime.clone(), PlannedAuthority::default()));
                }
                Err(error) if refusals.is_empty() => {
                    refusals.push(Refusal::new("downgrade", "§3", "release", error.to_string()));
                }
                _ => {}
            }
            let before = authority::read(self.environment, installed, &files, &mut refusals);
            let after = before.as_ref().and_then(|before| {
                let from = (installed, before);
                authority::plan(self.environment, from, target, &request.consent, &mut refusals)
            });
            match (after, refusals.is_empty()) {
                (Some(after), true) => Ok((target.runtime.clone(), after.planned)),
                _ => Err(Cause::Incompatible(Box::new(Refusals { reasons: refusals, path: None }))),
            }
        };
        plan().map_err(|cause: Cause| Error::new(cause, Condition::Unchanged(current(&self.state))))
    }
}

impl Home<'_> {
    /// As [`HomeView::plan`], under the lock.
    ///
    /// # Errors
    /// As [`HomeView::plan`].
    pub fn plan(&self, request: &Request) -> Result<Plan> {
        let past = (&self.state, self.records());
        plan(&self.layout, past, self.environment, request)
            .map_err(|cause| Error::new(cause, self.unchanged()))
    }
}

// trace: impl FC-13.1 FC-14.1.2 FC-14.3
fn plan(
    layout: &Layout,
    (state, records): (&HomeState, &[Record]),
    environment: Environment<'_>,
    request: &Request,
) -> std::result::Result<Plan, Cause> {
    if let Some(runtime) = &request.runtime {
        require_file(runtime)?;
    }
    let request = &request.with_target();
    let generation = open_current(layout, state)?;
    let installed = generation.manifest().versions.clone();
    let mut refusals = Vec::new();
    let chosen = release::choose(environment, request, &installed, &mut refusals);
    let pinned = chosen.as_ref().and_then(|release| {
        let newer = storage::is_upgrade(&installed, release.versions());
        let unasked = newer && request.target.is_none();
        unasked.then(|| pinned((state, records), release.versions())).flatten()
    });
    let release = chosen.filter(|_| pinned.is_none());
    let target = release.as_ref().map_or(&installed, |release| release.versions());
    let is_upgrade = storage::is_upgrade(&installed, target);
    if is_upgrade {
        refuse_on_trial(state, &mut refusals);
    }
    storage::check_applied(&generation, environment, &mut refusals);
    let files = read_part(&generation, Part::Configuration)?;
    let configuration =
        configuration::plan(environment, (&installed, &files), target, &mut refusals);
    let meaning = Meaning::plan(environment, &generation, target, request, &mut refusals)?;
    let case = Case {
        environment,
        installed: &installed,
        authority: meaning.authority.as_ref(),
        extensions: meaning.extensions.as_ref(),
        steps_back: storage::steps_back(environment, &generation),
        request,
    };
    let judged = release.as_ref().filter(|_| is_upgrade);
    let verdict = judged.map(|release| case.judge(release, &mut refusals));
    // Whether there is a path was judged already, but for a catalogue that contradicts itself.
    let mut storage_refusals = Vec::new();
    let path = storage::path(environment, installed.storage, target.storage, &mut storage_refusals);
    let is_of_storage = |reason: &Reason| matches!(reason, Reason::Storage(_));
    let is_judged = |verdict: &Verdict| verdict.of(Severity::Refuse).any(is_of_storage);
    if !verdict.as_ref().is_some_and(is_judged) {
        refusals.append(&mut storage_refusals);
    }
    let steps = path.as_ref().map(|path| storage::steps(path)).unwrap_or_default();
    if let (Some(package), Some(release)) = (&request.release, &release) {
        refusals.extend(package.refusals(environment.catalogue, release, &steps));
    }
    let (Some(path), Some(configuration), []) = (path, configuration, refusals.as_slice()) else {
        // Whatever else speaks against it would be in the way on every path.
        let judged_only = verdict.as_ref().map(|verdict| verdict.of(Severity::Refuse).count())
            == Some(refusals.len());
        let path = judged.filter(|_| judged_only).and_then(|release| case.path(release));
        return Err(Cause::Incompatible(Box::new(Refusals { reasons: refusals, path })));
    };
    Ok(Plan {
        product: environment.catalogue.product().to_owned(),
        from: planned_from(&generation, state),
        to: PlannedTo {
            generation: next_generation(layout, state)?,
            versions: target.clone(),
            summary: release.as_ref().map_or("", |release| release.summary).to_owned(),
        },
        kinds: versioning::classify(&installed, target).ok(),
        steps,
        keyspaces: storage::keyspaces(&generation, &path),
        configuration: configuration.changes,
        configuration_stretches: configuration.stretches,
        configuration_digest: digest_files(&configuration.files),
        authority: meaning.planned,
        extensions: meaning.extensions,
        parts: meaning.parts,
        verdict,
        consent: request.consent.clone(),
        runtime: match &request.release {
            Some(release) => release.runtime(),
            None => request.runtime.as_deref().map(Digest::of_file).transpose()?,
        },
        release: request.release.as_ref().map(SignedRelease::identity),
        tries: TRIAL_TRIES,
        rolled_back: rolled_back(state, target),
        pinned,
    })
}

/// What becomes of policy, capabilities and extensions.
#[derive(Default)]
struct Meaning {
    /// Who may do what now, if it could be read.
    authority: Option<capability_migration::Authority>,
    planned: PlannedAuthority,
    extensions: Option<ExtensionPlan>,
    parts: BTreeMap<Part, PlannedPart>,
}

impl Meaning {
    fn plan(
        environment: Environment<'_>,
        generation: &Generation,
        target: &Versions,
        request: &Request,
        refusals: &mut Vec<Refusal>,
    ) -> std::result::Result<Self, Cause> {
        let installed = &generation.manifest().versions;
        let mut drawing = Drawing::of(generation);
        if !storage::is_upgrade(installed, target) {
            return Ok(Self { parts: drawing.finish(refusals), ..Self::default() });
        }
        let policy = read_part(generation, Part::Policy)?;
        let before = authority::read(environment, installed, &policy, refusals);
        let after = before.as_ref().and_then(|before| {
            authority::plan(environment, (installed, before), target, &request.consent, refusals)
        });
        let extensions =
            extensions::plan(environment, generation, target, &request.consent, refusals)?;
        if let Some(files) = after.as_ref().and_then(|after| after.files.as_ref()) {
            drawing.write_policy(files);
        }
        if let Some(extensions) = &extensions {
            drawing.place_extensions(extensions);
        }
        Ok(Self {
            authority: before,
            planned: after.map(|after| after.planned).unwrap_or_default(),
            extensions: extensions.map(|extensions| extensions.plan),
            parts: drawing.finish(refusals),
        })
    }
}

fn refuse_on_trial(state: &HomeState, refusals: &mut Vec<Refusal>) {
    if let (Standing::Trial { .. }, Some(number)) = (state.standing, state.current) {
        let message = format!("generation {number} is on trial: confirm it or roll it back first");
        refusals.push(Refusal::new("on-trial", "§15", "trial", message));
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

/// Whether a release is not to be taken without being asked for.
fn pinned((state, records): (&HomeState, &[Record]), target: &Versions) -> Option<Pinned> {
    let generation = rolled_back(state, target).pop()?;
    let reason = records.iter().rev().find_map(|record| match &record.event {
        Event::Reverted { from, reason, .. } if *from == generation => Some(reason.clone()),
        _ => None,
    });
    let version = target.runtime.clone();
    Some(Pinned { version, generation, reason: reason.unwrap_or_default() })
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

/// One digest over files in memory.
pub(crate) fn digest_files(files: &Files) -> Digest {
    let lines: Vec<String> =
        files.iter().map(|(path, bytes)| format!("{path:?} {}\n", Digest::of(bytes))).collect();
    Digest::of(lines.concat().as_bytes())
}
