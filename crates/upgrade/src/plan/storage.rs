//! What an upgrade does to the store.

use std::collections::BTreeSet;

use compatibility::Migration;
use rollback::Generation;
use storage_migration::{Disposition, MigrationPath};
use versioning::{SchemaVersion, Versions};

use super::{PlannedKeyspace, PlannedStep};
use crate::seal::keyspace_map;
use crate::{Environment, Refusal};

/// The migrations that lead from one schema to another.
pub(super) fn path<'e>(
    environment: Environment<'e>,
    from: SchemaVersion,
    to: SchemaVersion,
    refusals: &mut Vec<Refusal>,
) -> Option<MigrationPath<'e>> {
    let (schemas, steps) = (environment.catalogue.schemas(), environment.catalogue.steps());
    let path = MigrationPath::resolve(schemas, steps, from, to);
    path.map_err(|error| {
        refusals.push(Refusal::new("migration-path", "§8", "storage", error.to_string()));
    })
    .ok()
}

/// The migrations by which a rollback to this generation, or to a later one, could carry back what was written since
/// (FC-UPGRADE-0001 §15): those that the rollback itself would find. None leads into a store that is not the engine's: that
/// is a copy of an installation, which is not run from a home.
// trace: impl FC-15.2.2
pub(super) fn steps_back(
    environment: Environment<'_>,
    generation: &Generation,
) -> BTreeSet<Migration> {
    let manifest = generation.manifest();
    let foreign = keyspace_map(manifest).is_none().then_some(manifest.versions.storage);
    let steps = environment.catalogue.back_steps().iter();
    let steps = steps.map(|step| Migration { from: step.from(), to: step.to() });
    let leads = |step: &Migration| environment.back(step.from, step.to).is_ok();
    steps.filter(|step| Some(step.to) != foreign && leads(step)).collect()
}

/// A migration that was applied and has been edited since would make history a lie.
// trace: impl FC-14.1.3
pub(super) fn check_applied(
    generation: &Generation,
    environment: Environment<'_>,
    refusals: &mut Vec<Refusal>,
) {
    let (schemas, steps) = (environment.catalogue.schemas(), environment.catalogue.steps());
    for applied in &generation.manifest().applied {
        let step =
            steps.iter().find(|step| step.name() == applied.name && step.from() == applied.from);
        let schema = schemas.iter().find(|schema| schema.version == applied.from);
        let (Some(step), Some(schema)) = (step, schema) else { continue };
        let found = storage_migration::fingerprint(*step, schema);
        if found != applied.fingerprint {
            let message = format!(
                "the migration {} from schema {} to {} has been edited since it was applied here \
                 ({} then, {found} now)",
                applied.name, applied.from, applied.to, applied.fingerprint
            );
            refusals.push(Refusal::new("migration-edited", "§9", "storage", message));
        }
    }
}

pub(crate) fn steps(path: &MigrationPath<'_>) -> Vec<PlannedStep> {
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

pub(super) fn keyspaces(generation: &Generation, path: &MigrationPath<'_>) -> Vec<PlannedKeyspace> {
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

/// Whether anything is different afterwards.
pub(super) fn is_upgrade(from: &Versions, to: &Versions) -> bool {
    !matches!(versioning::classify(from, to), Err(versioning::NotAnUpgrade::Same))
}
