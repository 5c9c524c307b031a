//! Proof that a migrated store is what it should be (FC-UPGRADE-0001 §8, §14, §18).

use std::collections::BTreeMap;
use std::path::Path;

use integrity::{KeyspaceDigest, LogicalDigest};

use crate::measure::{self, check_record};
use crate::path::Stage;
use crate::{
    Action, Emitter, EngineOptions, KeyspaceMap, MigrationError, MigrationPath, MigrationReport,
    Output, Progress, RecordSource, Result, SchemaDefinition, Store,
};

/// How what stayed through a migration is held to what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stayed<'s> {
    /// Every record is read.
    Read,
    /// The store was cloned from the closed one in this directory, whose every file was held to a seal, and nothing wrote to
    /// that since it was sealed: all of it is in tables. A keyspace whose tables are the very same files, by the same
    /// pointers, is what it was, and is not read. Any other is.
    SharedWith(&'s Path),
}

/// Reads a migrated and closed store back through a new handle: what was written in parallel, and what stayed as `stayed`
/// says.
///
/// What the migration read must be what is in `before`, if that is given: the digest of the store before the migration, of
/// another reading. Every keyspace that was written must have the digest and the count that it had while it was written;
/// every keyspace that stayed must have those in `before`. Every record that is read must satisfy the target's schema, every
/// archived record must decode.
///
/// # Errors
/// What is not as it should be.
// trace: impl FC-6.3 FC-8.2.3 FC-18.2 FC-18.3
pub fn verify(
    directory: &Path,
    report: &MigrationReport,
    target: &SchemaDefinition,
    before: Option<&LogicalDigest>,
    stayed: Stayed<'_>,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    for (keyspace, digest) in report.read.iter() {
        let expected = before.map_or(Some(digest), |before| before.get(keyspace));
        if expected != Some(digest) {
            let (keyspace, expected) = (keyspace.to_owned(), expected.copied().map(Box::new));
            return Err(MigrationError::ReadDiffers {
                keyspace,
                expected,
                found: Box::new(*digest),
            });
        }
    }
    let (keyspaces, written) = (&report.keyspaces, &report.written);
    let held = Held { written, before, stayed };
    let found = held.read_back(directory, keyspaces, target, options, progress)?;
    for (keyspace, digest) in found.iter() {
        let stayed = || before.map_or(Some(digest), |before| before.get(keyspace));
        let expected = report.written.get(keyspace).or_else(stayed);
        if expected != Some(digest) {
            let (expected, found) = (expected.copied().map(Box::new), Some(Box::new(*digest)));
            let keyspace = keyspace.to_owned();
            return Err(MigrationError::DigestMismatch { keyspace, expected, found });
        }
    }
    for (keyspace, digest) in report.written.iter() {
        if found.get(keyspace).is_none() {
            let (keyspace, expected) = (keyspace.to_owned(), Some(Box::new(*digest)));
            return Err(MigrationError::DigestMismatch { keyspace, expected, found: None });
        }
    }
    Ok(found)
}

/// As [`verify`], for a clone that nothing was migrated in. Whoever asks holds what is found to what it should be.
///
/// # Errors
/// If it cannot be read, or a record breaks the invariant of its schema.
pub fn verify_clone(
    directory: &Path,
    keyspaces: &KeyspaceMap,
    schema: &SchemaDefinition,
    before: &LogicalDigest,
    stayed: Stayed<'_>,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    let held = Held { written: &LogicalDigest::default(), before: Some(before), stayed };
    held.read_back(directory, keyspaces, schema, options, progress)
}

/// What the keyspaces of a store are held to.
struct Held<'h> {
    written: &'h LogicalDigest,
    before: Option<&'h LogicalDigest>,
    stayed: Stayed<'h>,
}

impl Held<'_> {
    fn read_back(
        &self,
        directory: &Path,
        keyspaces: &KeyspaceMap,
        schema: &SchemaDefinition,
        options: &EngineOptions,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<LogicalDigest> {
        keyspaces.check_schema(schema)?;
        let store = Store::open(directory, keyspaces, options)?;
        let mut found = LogicalDigest::default();
        for keyspace in store.keyspaces() {
            let digest = match self.shared(&store, &keyspace)? {
                Some(known) => known,
                None => measure::read_back(&store, &keyspace, schema, options, progress)?,
            };
            found.insert(&keyspace, digest);
        }
        store.close()?;
        Ok(found)
    }

    /// What is known of a keyspace without reading it: nothing was written to it, and its tables are those that it was
    /// known by.
    fn shared(&self, store: &Store, keyspace: &str) -> Result<Option<KeyspaceDigest>> {
        let Stayed::SharedWith(original) = self.stayed else { return Ok(None) };
        let known = self.before.and_then(|before| before.get(keyspace));
        let Some(known) = known.filter(|_| self.written.get(keyspace).is_none()) else {
            return Ok(None);
        };
        Ok(store.shares(keyspace, original, known.records)?.then_some(*known))
    }
}

/// Runs every step of a path on its examples, twice: each must keep the rules, the schemas' invariants and its word.
///
/// # Errors
/// What a step breaks, on which example.
pub fn rehearse(path: &MigrationPath<'_>) -> Result<()> {
    path.stages().try_for_each(|stage| stage.rehearse())
}

impl Stage<'_, '_> {
    fn rehearse(&self) -> Result<()> {
        let mut emitter = Emitter::default();
        let mut groups: BTreeMap<(&'static str, Vec<u8>), Vec<Vec<u8>>> = BTreeMap::new();
        for example in self.step.examples() {
            let (keyspace, record) = (example.keyspace, example.record);
            check_record(self.from, keyspace, &record.key, &record.value)?;
            if self.step.action(keyspace) == Action::Keep {
                continue;
            }
            let run = |out: &mut Emitter| self.transform(keyspace, &record.key, &record.value, out);
            self.same_twice(keyspace, &record.key, &mut emitter, run)?;
            self.check_outputs(&emitter)?;
            for output in emitter.outputs() {
                if let Output::Fragment { keyspace, group, fragment, .. } = output {
                    let group = groups.entry((keyspace, group.to_vec())).or_default();
                    group.push(fragment.to_vec());
                }
            }
        }
        for ((keyspace, group), mut fragments) in groups {
            fragments.sort();
            let run = |out: &mut Emitter| self.join(keyspace, &group, &fragments, out);
            self.same_twice(keyspace, &group, &mut emitter, run)?;
            self.check_outputs(&emitter)?;
        }
        Ok(())
    }

    /// Leaves in the emitter what both runs must agree on.
    fn same_twice(
        &self,
        keyspace: &str,
        key: &[u8],
        emitter: &mut Emitter,
        run: impl Fn(&mut Emitter) -> Result<()>,
    ) -> Result<()> {
        let mut again = Emitter::default();
        run(emitter)?;
        run(&mut again)?;
        if emitter.agrees_with(&again) {
            return Ok(());
        }
        let (step, keyspace, key) = (self.step.name(), keyspace.to_owned(), key.to_vec());
        Err(MigrationError::NotDeterministic { step, keyspace, key })
    }

    fn check_outputs(&self, emitter: &Emitter) -> Result<()> {
        emitter.outputs().try_for_each(|output| match output {
            Output::Emit { keyspace, key, value, .. } => {
                check_record(self.to, keyspace, key, value)
            }
            Output::Fragment { .. } | Output::Archive { .. } | Output::Drop => Ok(()),
        })
    }
}
