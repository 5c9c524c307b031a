//! What the tests do over and over: build stores, clone them, migrate and verify them, and the model to compare with.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use integrity::{KeyspaceHasher, LogicalDigest};
use storage_migration::{
    ARCHIVE, Action, ArchivedRecord, Emitter, EngineOptions, KeyspaceMap, MigrationError,
    MigrationPath, MigrationReport, MigrationStep, Origin, Output, Record, RecordSource,
    SourceError, Stayed, Visitor, clone_mode, migrate, verify,
};
use versioning::SchemaVersion;

use crate::toy::{SCHEMAS, Toy, join, merge, split};

pub(crate) type Keyspaces = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Records in memory, counting how often one is handed out.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) keyspaces: Keyspaces,
    pub(crate) reads: AtomicU64,
}

impl RecordSource for Memory {
    fn keyspaces(&self) -> Vec<String> {
        self.keyspaces.keys().cloned().collect()
    }

    fn scan(&self, keyspace: &str, visit: &mut Visitor<'_>) -> Result<(), SourceError> {
        for (key, value) in &self.keyspaces[keyspace] {
            self.reads.fetch_add(1, Ordering::Relaxed);
            visit(key, value)?;
        }
        Ok(())
    }
}

/// A source of schema 1: `size` sets the number of records.
pub(crate) fn source(size: u32) -> Memory {
    let mut keyspaces = Keyspaces::new();
    for name in ["accounts", "events", "notes", "plain", "vault"] {
        keyspaces.insert(name.to_owned(), BTreeMap::new());
    }
    let mut put = |name: &str, key: &[u8], value: Vec<u8>| {
        keyspaces.get_mut(name).unwrap().insert(key.to_vec(), value);
    };
    for number in 0..size {
        let key = number.to_be_bytes();
        let account = b'A' + u8::try_from(number % 23).unwrap();
        let kind = b"all?"[number as usize % 4];
        let text = vec![b'.'; number as usize % 17];
        put("events", &key, [&[account, kind], text.as_slice()].concat());
        put("notes", &(number * 7919 % 65_536).to_be_bytes(), format!("note {number}").into());
        if number % 3 == 0 {
            put("plain", &key, vec![b'p'; 30]);
            put("vault", &key, vec![b'v'; 300]);
        }
        put("accounts", &[account], format!("name of {}", account as char).into());
    }
    Memory { keyspaces, reads: AtomicU64::new(0) }
}

pub(crate) fn steps() -> [Toy; 3] {
    [split(), join(), merge()]
}

/// The path between two of the toy schemas.
pub(crate) fn path<'a>(steps: &'a [Toy], from: u32, to: u32) -> MigrationPath<'a> {
    let steps: Vec<&'a dyn MigrationStep> = steps.iter().map(|step| step as _).collect();
    MigrationPath::resolve(&SCHEMAS, &steps, SchemaVersion::new(from), SchemaVersion::new(to))
        .unwrap()
}

/// A temporary directory with numbered places in it.
pub(crate) struct Place {
    root: tempfile::TempDir,
    next: Cell<u32>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), next: Cell::new(0) }
    }

    /// A path that does not exist yet.
    pub(crate) fn fresh(&self) -> PathBuf {
        self.next.set(self.next.get() + 1);
        self.root.path().join(self.next.get().to_string())
    }

    /// A new, empty directory.
    pub(crate) fn directory(&self) -> PathBuf {
        let path = self.fresh();
        std::fs::create_dir(&path).unwrap();
        path
    }

    /// Migrates, and checks that no scratch file is left, whatever the outcome.
    pub(crate) fn migrate(
        &self,
        path: &MigrationPath<'_>,
        origin: Origin<'_>,
        directory: &Path,
        options: &EngineOptions,
    ) -> Result<MigrationReport, MigrationError> {
        let scratch = self.directory();
        let result = migrate(path, origin, directory, &scratch, options, &mut |_| {});
        assert!(durable::walk(&scratch).unwrap().is_empty(), "scratch files are left");
        result
    }

    /// A new store with the records of a source, and what it holds.
    pub(crate) fn build(
        &self,
        path: &MigrationPath<'_>,
        source: &dyn RecordSource,
        options: &EngineOptions,
    ) -> (PathBuf, MigrationReport, LogicalDigest) {
        let directory = self.fresh();
        let origin = Origin::Records(source);
        let report = self.migrate(path, origin, &directory, options).unwrap();
        let digest =
            verify(&directory, &report, path.target(), None, Stayed::Read, options, &mut |_| {})
                .unwrap();
        (directory, report, digest)
    }

    /// A migrated clone of a store, and what it holds.
    pub(crate) fn upgrade(
        &self,
        path: &MigrationPath<'_>,
        (from, map, before): (&Path, &KeyspaceMap, &LogicalDigest),
        options: &EngineOptions,
    ) -> (PathBuf, MigrationReport, LogicalDigest) {
        let directory = self.fresh();
        durable::clone_tree(from, &directory, clone_mode).unwrap();
        let report = self.migrate(path, Origin::Store(map), &directory, options).unwrap();
        let verified = verify(
            &directory,
            &report,
            path.target(),
            Some(before),
            Stayed::Read,
            options,
            &mut |_| {},
        );
        (directory, report, verified.unwrap())
    }
}

/// One step by its definition, over maps in memory: what the engine is compared with.
pub(crate) fn model(path: &MigrationPath<'_>, source: &Keyspaces) -> Keyspaces {
    let mut state = source.clone();
    for (level, step) in path.steps().iter().enumerate() {
        let schema = SCHEMAS.iter().find(|schema| schema.version == step.to()).unwrap();
        let mut next = Keyspaces::new();
        for keyspace in schema.keyspaces {
            next.insert(keyspace.name.to_owned(), BTreeMap::new());
        }
        let mut groups: BTreeMap<(String, Vec<u8>), Vec<Vec<u8>>> = BTreeMap::new();
        let mut out = Emitter::default();
        for (keyspace, records) in state {
            for (key, value) in records {
                let action = step.action(&keyspace);
                if keyspace == ARCHIVE || action != Action::Rewrite {
                    let records = next.entry(keyspace.clone()).or_default();
                    records.insert(key.clone(), value.clone());
                }
                if keyspace == ARCHIVE || action == Action::Keep {
                    continue;
                }
                out.clear();
                step.transform(&keyspace, &key, &value, &mut out).unwrap();
                for output in out.outputs() {
                    match output {
                        Output::Emit { keyspace, key, value, .. } => {
                            let records = next.get_mut(keyspace).unwrap();
                            assert_eq!(records.insert(key.to_vec(), value.to_vec()), None);
                        }
                        Output::Fragment { keyspace, group, fragment, .. } => {
                            let group = (keyspace.to_owned(), group.to_vec());
                            groups.entry(group).or_default().push(fragment.to_vec())
                        }
                        Output::Archive { reason } => {
                            let record = Record { key: key.clone(), value: value.clone() };
                            let (keyspace, reason) = (keyspace.clone(), reason.to_owned());
                            let schema = path.steps()[level].from();
                            let archived = ArchivedRecord { schema, keyspace, reason, record };
                            let Record { key, value } = archived.encode().unwrap();
                            next.entry(ARCHIVE.to_owned()).or_default().insert(key, value);
                        }
                        Output::Drop => {}
                    }
                }
            }
        }
        for ((keyspace, group), mut fragments) in groups {
            fragments.sort();
            out.clear();
            step.join(&keyspace, &group, &fragments, &mut out).unwrap();
            for output in out.outputs() {
                let Output::Emit { keyspace, key, value, .. } = output else {
                    panic!("{output:?}")
                };
                next.get_mut(keyspace).unwrap().insert(key.to_vec(), value.to_vec());
            }
        }
        state = next;
    }
    state
}

/// The digest of records in memory.
pub(crate) fn digest(keyspaces: &Keyspaces) -> LogicalDigest {
    let mut digest = LogicalDigest::default();
    for (name, records) in keyspaces {
        let mut hasher = KeyspaceHasher::new(name);
        records.iter().for_each(|(key, value)| hasher.update(key, value));
        digest.insert(name, hasher.finish());
    }
    digest
}
