//! Which steps lead from one schema to another, and what they do to each keyspace on the whole.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use integrity::Digest;
use versioning::SchemaVersion;

use crate::{
    ARCHIVE, Action, MigrationError, MigrationStep, Result, SchemaDefinition, fingerprint,
};

/// A path may have this many steps.
pub const MAXIMUM_STEPS: usize = 64;

/// What a whole path does with a keyspace of the schema that it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Every step keeps it: it is not even read.
    Untouched,
    /// It stays as it is, but some step reads it to derive other keyspaces.
    Observed,
    /// Some step rewrites it: it is read once, whatever becomes of it is written once, and its old form is deleted.
    Rewritten,
}

/// A sequence of steps from one schema to another, each checked against the schemas that it lies between. May be empty.
#[derive(Clone)]
pub struct MigrationPath<'a> {
    source: SchemaDefinition,
    steps: Vec<&'a dyn MigrationStep>,
    /// The schema that each step leads to.
    targets: Vec<SchemaDefinition>,
}

impl<'a> MigrationPath<'a> {
    /// The shortest path; among equally short ones always the same, whatever the order of `steps`: the one that goes
    /// through lower schema numbers first, then by the names of its steps (FC-UPGRADE-0001 §8, §19).
    ///
    /// # Errors
    /// [`MigrationError::NoPath`] names what can be reached; other errors say what contradicts the schemas.
    // trace: impl FC-8.2.1
    pub fn resolve(
        schemas: &[SchemaDefinition],
        steps: &[&'a dyn MigrationStep],
        from: SchemaVersion,
        to: SchemaVersion,
    ) -> Result<Self> {
        let steps = shortest(steps, from, to)?;
        if steps.len() > MAXIMUM_STEPS {
            let (steps, maximum) = (steps.len(), MAXIMUM_STEPS);
            return Err(MigrationError::PathTooLong { from, to, steps, maximum });
        }
        let source = find(schemas, from)?;
        let targets =
            steps.iter().map(|step| find(schemas, step.to())).collect::<Result<Vec<_>>>()?;
        let path = Self { source, steps, targets };
        path.stages().try_for_each(|stage| stage.check())?;
        Ok(path)
    }

    /// The schema that it starts from.
    pub fn from(&self) -> SchemaVersion {
        self.source().version
    }

    /// The schema that it leads to.
    pub fn to(&self) -> SchemaVersion {
        self.target().version
    }

    /// The definition of the schema that it starts from.
    pub fn source(&self) -> &SchemaDefinition {
        &self.source
    }

    /// The definition of the schema that it leads to.
    pub fn target(&self) -> &SchemaDefinition {
        self.targets.last().unwrap_or(&self.source)
    }

    /// Its steps, in order.
    pub fn steps(&self) -> &[&'a dyn MigrationStep] {
        &self.steps
    }

    /// The name and the fingerprint of each step, for the migration's metadata (FC-UPGRADE-0001 §9).
    pub fn fingerprints(&self) -> Vec<(&'static str, Digest)> {
        self.stages()
            .map(|stage| (stage.step.name(), fingerprint(stage.step, stage.from)))
            .collect()
    }

    /// What the whole path does with a keyspace of the schema that it starts from; none if that has no such keyspace.
    ///
    /// The archive is no part of any schema: whether it is rewritten depends on whether anything is archived.
    pub fn disposition(&self, keyspace: &str) -> Option<Disposition> {
        self.source().keyspace(keyspace)?;
        let actions: Vec<Action> = self.steps.iter().map(|step| step.action(keyspace)).collect();
        Some(if actions.contains(&Action::Rewrite) {
            Disposition::Rewritten
        } else if actions.contains(&Action::Observe) {
            Disposition::Observed
        } else {
            Disposition::Untouched
        })
    }

    /// Each step with the schemas on both sides of it.
    pub(crate) fn stages(&self) -> impl Iterator<Item = Stage<'_, 'a>> {
        let sides = std::iter::once(&self.source).chain(&self.targets).zip(&self.targets);
        self.steps.iter().zip(sides).map(|(step, (from, to))| Stage { step: *step, from, to })
    }
}

impl std::fmt::Debug for MigrationPath<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.steps.iter().map(|step| step.name()).collect();
        formatter
            .debug_struct("MigrationPath")
            .field("from", &self.from())
            .field("to", &self.to())
            .field("steps", &names)
            .finish()
    }
}

/// One step between its schemas.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'p, 'a> {
    pub(crate) step: &'a dyn MigrationStep,
    pub(crate) from: &'p SchemaDefinition,
    pub(crate) to: &'p SchemaDefinition,
}

impl Stage<'_, '_> {
    /// What is kept or observed stays under its name, so the next schema must have it.
    fn check(&self) -> Result<()> {
        for keyspace in self.from.keyspaces {
            let stays = self.step.action(keyspace.name) != Action::Rewrite;
            if stays && self.to.keyspace(keyspace.name).is_none() {
                return Err(MigrationError::KeptKeyspaceVanishes {
                    step: self.step.name(),
                    keyspace: keyspace.name,
                    to: self.to.version,
                });
            }
        }
        Ok(())
    }
}

/// Breadth first, over steps sorted by where they lead and how they are called.
fn shortest<'a>(
    steps: &[&'a dyn MigrationStep],
    from: SchemaVersion,
    to: SchemaVersion,
) -> Result<Vec<&'a dyn MigrationStep>> {
    let mut sorted = steps.to_vec();
    sorted.sort_by_key(|step| (step.to(), step.name()));
    let mut reached: BTreeMap<SchemaVersion, Option<&'a dyn MigrationStep>> =
        BTreeMap::from([(from, None)]);
    let mut pending = VecDeque::from([from]);
    while let Some(version) = pending.pop_front() {
        for step in sorted.iter().filter(|step| step.from() == version) {
            if let Entry::Vacant(vacant) = reached.entry(step.to()) {
                vacant.insert(Some(*step));
                pending.push_back(step.to());
            }
        }
    }
    if !reached.contains_key(&to) {
        let reachable = reached.into_keys().collect();
        return Err(MigrationError::NoPath { from, to, reachable });
    }
    let mut path = Vec::new();
    let mut at = to;
    while let Some(Some(step)) = reached.get(&at) {
        path.push(*step);
        at = step.from();
    }
    path.reverse();
    Ok(path)
}

fn find(schemas: &[SchemaDefinition], version: SchemaVersion) -> Result<SchemaDefinition> {
    let mut found = schemas.iter().filter(|schema| schema.version == version);
    let schema = *found.next().ok_or(MigrationError::UnknownSchema { version })?;
    let invalid = |reason| Err(MigrationError::InvalidSchema { version, reason });
    if found.next().is_some() {
        return invalid("it is defined twice".to_owned());
    }
    if !schema.keyspaces.is_sorted_by(|left, right| left.name < right.name) {
        return invalid("its keyspaces are not in the order of their names, each once".to_owned());
    }
    for keyspace in schema.keyspaces {
        let name = keyspace.name;
        if name == ARCHIVE {
            return invalid(format!("{ARCHIVE} is managed by the engine and no part of a schema"));
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return invalid(format!("{name:?} is not made of lower-case letters and _"));
        }
    }
    Ok(schema)
}
