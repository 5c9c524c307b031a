//! Proof that a migrated store is what it should be (FC-UPGRADE-0001 §8, §14, §18).

use std::collections::BTreeMap;
use std::path::Path;

use integrity::{KeyspaceDigest, KeyspaceHasher, LogicalDigest};

use crate::path::Stage;
use crate::{
    ARCHIVE, Action, ArchivedRecord, Emitter, EngineOptions, KeyspaceMap, MigrationError,
    MigrationPath, MigrationReport, Output, Phase, Progress, RecordSource, Result,
    SchemaDefinition, Store,
};

/// Opens a closed store and digests all of it. Opening writes to the store (H11): measure a clone.
///
/// # Errors
/// If the store does not hold exactly these keyspaces, or cannot be read.
pub fn measure(
    directory: &Path,
    map: &KeyspaceMap,
    options: &EngineOptions,
) -> Result<LogicalDigest> {
    let store = Store::open(directory, map, options)?;
    let digest = measure_source(&store, None, &mut |_| {})?;
    store.close()?;
    Ok(digest)
}

/// As [`measure`], and holds every record against the invariant of its schema.
///
/// # Errors
/// As [`measure`]; if the keyspaces are not those of the schema, or a record breaks its invariant.
pub fn measure_and_check(
    directory: &Path,
    map: &KeyspaceMap,
    schema: &SchemaDefinition,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    map.check_schema(schema)?;
    let store = Store::open(directory, map, options)?;
    let digest = measure_source(&store, Some(schema), progress)?;
    store.close()?;
    Ok(digest)
}

/// Reads a migrated and closed store back through a new handle, in one scan per keyspace.
///
/// What the migration read must be what is in `before`, if that is given: the digest of the store before the migration, of
/// another reading. Every keyspace that was written must have the digest and the count that it had while it was written;
/// every keyspace that stayed must have those in `before`. Every record must satisfy the target's schema, every archived
/// record must decode.
///
/// # Errors
/// What is not as it should be.
pub fn verify(
    directory: &Path,
    report: &MigrationReport,
    target: &SchemaDefinition,
    before: Option<&LogicalDigest>,
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
    let found = measure_and_check(directory, &report.keyspaces, target, options, progress)?;
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

/// Runs every step of a path on its examples, twice: each must keep the rules, the schemas' invariants and its word.
///
/// # Errors
/// What a step breaks, on which example.
pub fn rehearse(path: &MigrationPath<'_>) -> Result<()> {
    path.stages().try_for_each(|stage| stage.rehearse())
}

/// Digests every keyspace of a source, and holds its records against a schema if one is given.
///
/// # Errors
/// If the source cannot be read, or a record breaks its invariant.
pub fn measure_source(
    source: &dyn RecordSource,
    schema: Option<&SchemaDefinition>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<LogicalDigest> {
    let mut digest = LogicalDigest::default();
    for keyspace in source.keyspaces() {
        digest.insert(&keyspace, digest_keyspace(source, &keyspace, schema, progress)?);
    }
    Ok(digest)
}

fn digest_keyspace(
    source: &dyn RecordSource,
    keyspace: &str,
    schema: Option<&SchemaDefinition>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<KeyspaceDigest> {
    let (phase, mut records) = (Phase::Verify, 0_u64);
    let mut hasher = KeyspaceHasher::new(keyspace);
    let mut broken = None;
    source.scan(keyspace, &mut |key, value| {
        // The scan goes on after the first broken record, which is the one that is reported.
        if let (Some(schema), None) = (schema, &broken) {
            broken = check_record(schema, keyspace, key, value).err();
        }
        hasher.update(key, value);
        records += 1;
        if records.is_multiple_of(crate::PROGRESS_RECORDS) {
            progress(&Progress { phase, keyspace, records, total: None });
        }
        Ok(())
    })?;
    progress(&Progress { phase, keyspace, records, total: Some(records) });
    broken.map_or(Ok(hasher.finish()), Err)
}

fn check_record(schema: &SchemaDefinition, keyspace: &str, key: &[u8], value: &[u8]) -> Result<()> {
    let result = if keyspace == ARCHIVE {
        ArchivedRecord::decode(key, value).map(|_| ()).map_err(|error| error.to_string())
    } else {
        (schema.check)(keyspace, key, value)
    };
    result.map_err(|reason| {
        let (version, keyspace, key) = (schema.version, keyspace.to_owned(), key.to_vec());
        MigrationError::InvariantBroken { version, keyspace, key, reason }
    })
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
            let mut run = || self.transform(keyspace, &record.key, &record.value, &mut emitter);
            let outputs = self.same_twice(keyspace, &record.key, &mut run)?;
            self.check_outputs(&outputs)?;
            for output in outputs {
                if let Output::Fragment { keyspace, group, fragment, .. } = output {
                    groups.entry((keyspace, group)).or_default().push(fragment);
                }
            }
        }
        for ((keyspace, group), mut fragments) in groups {
            fragments.sort();
            let mut run = || self.join(keyspace, &group, &fragments, &mut emitter);
            let outputs = self.same_twice(keyspace, &group, &mut run)?;
            self.check_outputs(&outputs)?;
        }
        Ok(())
    }

    fn same_twice(
        &self,
        keyspace: &str,
        key: &[u8],
        run: &mut dyn FnMut() -> Result<Vec<Output>>,
    ) -> Result<Vec<Output>> {
        let outputs = run()?;
        if outputs == run()? {
            return Ok(outputs);
        }
        let (step, keyspace, key) = (self.step.name(), keyspace.to_owned(), key.to_vec());
        Err(MigrationError::NotDeterministic { step, keyspace, key })
    }

    fn check_outputs(&self, outputs: &[Output]) -> Result<()> {
        outputs.iter().try_for_each(|output| match output {
            Output::Emit { keyspace, record, .. } => {
                check_record(self.to, keyspace, &record.key, &record.value)
            }
            Output::Fragment { .. } | Output::Archive { .. } => Ok(()),
        })
    }
}
