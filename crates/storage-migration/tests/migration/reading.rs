//! What is read, and what need not be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use proptest::prelude::*;
use storage_migration::{
    EngineOptions, KeyspaceMap, MigrationError, MigrationReport, Origin, Stayed, Store, clone_mode,
    measure, verify,
};

use crate::toy::SCHEMAS;
use crate::work::{Place, digest, path, source, steps};

fn workers(workers: usize) -> EngineOptions {
    EngineOptions { workers, ..EngineOptions::default() }
}

/// The largest table of a keyspace of a store.
fn table(store: &Path, map: &KeyspaceMap, keyspace: &str) -> PathBuf {
    let physical = &map.get(keyspace).unwrap().physical;
    let database = Database::builder(store).open().unwrap();
    let handle = database.keyspace(physical, KeyspaceCreateOptions::default).unwrap();
    let tables = fs::read_dir(handle.path().join("tables")).unwrap();
    tables
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap()
}

/// A store of schema 1, and a clone of it that was migrated to 4, where `vault` stays untouched.
struct Migrated {
    place: Place,
    original: PathBuf,
    map: KeyspaceMap,
    before: integrity::LogicalDigest,
    directory: PathBuf,
    report: MigrationReport,
}

fn migrated() -> Migrated {
    let (place, steps, source) = (Place::new(), steps(), source(4000));
    let (original, built, before) = place.build(&path(&steps, 1, 1), &source, &workers(1));
    let directory = place.fresh();
    durable::clone_tree(&original, &directory, clone_mode).unwrap();
    let origin = Origin::Store(&built.keyspaces);
    let report = place.migrate(&path(&steps, 1, 4), origin, &directory, &workers(1)).unwrap();
    Migrated { place, original, map: built.keyspaces, before, directory, report }
}

impl Migrated {
    fn verify(
        &self,
        before: &integrity::LogicalDigest,
        stayed: Stayed<'_>,
    ) -> Result<integrity::LogicalDigest, MigrationError> {
        let clone = self.place.fresh();
        durable::clone_tree(&self.directory, &clone, clone_mode).unwrap();
        let (report, target) = (&self.report, &SCHEMAS[3]);
        verify(&clone, report, target, Some(before), stayed, &workers(2), &mut |_| {})
    }
}

#[test]
fn what_stayed_and_is_the_same_files_is_not_read_and_counts_as_what_it_was() {
    let scene = migrated();
    let shared = Stayed::SharedWith(&scene.original);
    let expected = scene.verify(&scene.before, Stayed::Read).unwrap();
    assert_eq!(scene.verify(&scene.before, shared).unwrap(), expected);
    // That it is not read shows when it cannot be: the file has two names, and both are damaged.
    let table = table(&scene.original, &scene.map, "vault");
    let mut bytes = fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&table, bytes).unwrap();
    assert_eq!(scene.verify(&scene.before, shared).unwrap(), expected);
    assert!(scene.verify(&scene.before, Stayed::Read).is_err());
}

#[test]
fn what_stayed_and_is_another_file_or_of_another_number_of_records_is_read() {
    let scene = migrated();
    let shared = Stayed::SharedWith(&scene.original);
    // A copy with the same bytes passes, because it is read …
    let physical = &scene.report.keyspaces;
    let table = table(&scene.directory, physical, "vault");
    let bytes = fs::read(&table).unwrap();
    fs::remove_file(&table).unwrap();
    fs::write(&table, &bytes).unwrap();
    scene.verify(&scene.before, shared).unwrap();
    // … and one with others does not.
    let mut altered = bytes.clone();
    altered[bytes.len() / 2] ^= 1;
    fs::write(&table, altered).unwrap();
    assert!(scene.verify(&scene.before, shared).is_err());
    fs::write(&table, bytes).unwrap();
    // Nor is somebody believed who takes it for something that it cannot be.
    let mut before = scene.before.clone();
    let known = *before.get("vault").unwrap();
    before.insert("vault", integrity::KeyspaceDigest { records: known.records + 1, ..known });
    let error = scene.verify(&before, shared).unwrap_err();
    assert!(
        matches!(&error, MigrationError::DigestMismatch { keyspace, .. } if keyspace == "vault"),
        "{error}"
    );
}

#[derive(Debug, Clone)]
enum Write {
    Put(u16, u8),
    Remove(u16),
    /// What is in memory goes into tables.
    Flush,
    /// All tables become one run.
    Compact,
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let write = prop_oneof![
        40 => (0_u16..300, any::<u8>()).prop_map(|(key, value)| Write::Put(key, value)),
        10 => (0_u16..300).prop_map(Write::Remove),
        1 => Just(Write::Flush),
        1 => Just(Write::Compact),
    ];
    proptest::collection::vec(write, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However a store came to be, overwritten, deleted from, in memory or in one run of tables or in many: what is read of it
    /// is what was written last.
    #[test]
    fn a_store_reads_as_what_was_written_last_however_it_lies(writes in writes(), ends in 0_usize..3) {
        let place = Place::new();
        let directory = place.fresh();
        let map = KeyspaceMap::of_schema(&SCHEMAS[0]);
        Store::create(&directory, &map, &workers(1)).unwrap().close().unwrap();
        let mut expected = BTreeMap::new();
        let database = Database::builder(&directory).worker_threads_unchecked(1).open().unwrap();
        let physical = &map.get("events").unwrap().physical;
        let events = database.keyspace(physical, KeyspaceCreateOptions::default).unwrap();
        let ending = [Write::Flush, Write::Compact];
        for write in writes.iter().chain(&ending[..ends]) {
            match write {
                Write::Put(key, value) => {
                    let (key, value) = (key.to_be_bytes().to_vec(), vec![*value; 20]);
                    events.insert(key.as_slice(), value.as_slice()).unwrap();
                    expected.insert(key, value);
                }
                Write::Remove(key) => {
                    events.remove(key.to_be_bytes()).unwrap();
                    expected.remove(key.to_be_bytes().as_slice());
                }
                Write::Flush => events.rotate_memtable_and_wait().unwrap(),
                Write::Compact => events.major_compact().unwrap(),
            }
        }
        database.persist(PersistMode::SyncAll).unwrap();
        drop((events, database));
        let mut keyspaces: BTreeMap<_, _> =
            map.iter().map(|(name, _)| (name.to_owned(), BTreeMap::new())).collect();
        keyspaces.insert("events".to_owned(), expected);
        for count in [1, 3] {
            prop_assert_eq!(&measure(&directory, &map, &workers(count)).unwrap(), &digest(&keyspaces));
        }
    }
}

/// A large keyspace is loaded in parts, several at once: where they begin and end, and in which order they are published,
/// depends on the records alone, and together they are one run of tables.
#[test]
fn a_keyspace_that_is_loaded_in_parts_is_the_same_for_any_number_of_workers() {
    let (place, steps, mut source) = (Place::new(), steps(), source(0));
    let vault = source.keyspaces.get_mut("vault").unwrap();
    for number in 0..90_000_u32 {
        let value = [&number.to_le_bytes()[..], &[7; 900]].concat();
        vault.insert(number.to_be_bytes().to_vec(), value);
    }
    let path = path(&steps, 1, 1);
    let expected = digest(&source.keyspaces);
    let sizes = |count| {
        let (directory, report, found) = place.build(&path, &source, &workers(count));
        assert_eq!(found, expected);
        let largest = table(&directory, &report.keyspaces, "vault");
        let tables = fs::read_dir(largest.parent().unwrap()).unwrap().map(Result::unwrap);
        let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
        tables.map(|entry| (name(&entry), entry.metadata().unwrap().len())).collect()
    };
    let alone: BTreeMap<String, u64> = sizes(1);
    assert_eq!(alone.len(), 3, "{alone:?}");
    for count in [2, 4] {
        assert_eq!(sizes(count), alone, "{count} workers");
    }
}
