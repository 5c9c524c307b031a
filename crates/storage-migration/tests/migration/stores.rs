//! Stores: what is refused when they are created, opened and verified.

use std::path::Path;

use durable::CloneMode;
use storage_migration::{
    EngineOptions, KeyspaceClass, KeyspaceMap, MigrationError, PhysicalKeyspace, Record, Stayed,
    Store, clone_mode, measure, verify,
};

use crate::toy::SCHEMAS;
use crate::work::{Place, path, source, steps};

fn options() -> EngineOptions {
    EngineOptions::default()
}

fn physical(name: &str) -> PhysicalKeyspace {
    PhysicalKeyspace { physical: name.to_owned(), class: KeyspaceClass::State }
}

// trace: test FC-20.3
#[test]
fn a_store_with_a_missing_or_an_extra_keyspace_is_refused() {
    let place = Place::new();
    let directory = place.fresh();
    let map = KeyspaceMap::of_schema(&SCHEMAS[0]);
    Store::create(&directory, &map, &options()).unwrap().close().unwrap();
    Store::open(&directory, &map, &options()).unwrap().close().unwrap();

    let mut more = map.clone();
    more.insert("other", physical("other.v1"));
    let error = Store::open(&directory, &more, &options()).err().unwrap();
    let MigrationError::KeyspacesDiffer { missing, unexpected, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((missing.as_slice(), unexpected.len()), (&["other.v1".to_owned()][..], 0));

    let error = measure(&directory, &KeyspaceMap::default(), &options()).unwrap_err();
    assert!(
        matches!(&error, MigrationError::KeyspacesDiffer { unexpected, .. } if unexpected.len() == 5),
        "{error:?}"
    );
}

/// A store with two keyspaces, and the records of one of them.
fn of_a_runtime(directory: &Path) -> (KeyspaceMap, Store) {
    let mut map = KeyspaceMap::default();
    map.insert("events", physical("events.v1"));
    map.insert("index", physical("index.v1"));
    let store = Store::create(directory, &map, &options()).unwrap();
    (map, store)
}

fn record(key: &str, value: &str) -> Record {
    Record { key: key.into(), value: value.into() }
}

fn under(store: &Store, keyspace: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    let all = &mut |key: &[u8], value: &[u8]| {
        found.push(String::from_utf8([key, b"=", value].concat()).unwrap());
        true
    };
    store.scan_prefix_while(keyspace, prefix.as_bytes(), all).unwrap();
    found
}

#[test]
fn what_was_committed_is_there_in_every_keyspace_without_closing_the_store() {
    let place = Place::new();
    let (map, store) = of_a_runtime(&place.fresh());
    store.commit(&[("events", record("1", "a")), ("index", record("a", "1"))]).unwrap();
    store.commit(&[("events", record("2", "b")), ("index", record("b", "2"))]).unwrap();
    let copy = place.directory().join("copy");
    // What a kill would leave.
    durable::clone_tree(store.directory(), &copy, |_: &Path| CloneMode::Copy).unwrap();
    let opened = Store::open(&copy, &map, &options()).unwrap();
    assert_eq!(under(&opened, "events", ""), ["1=a", "2=b"]);
    assert_eq!(under(&opened, "index", ""), ["a=1", "b=2"]);
}

#[test]
fn a_commit_that_cannot_be_whole_writes_nothing() {
    let place = Place::new();
    let (_, store) = of_a_runtime(&place.fresh());
    let error = store.commit(&[("events", record("1", "a")), ("index", record("", "1"))]);
    assert!(matches!(error, Err(MigrationError::NotStorable { .. })), "{error:?}");
    let error = store.commit(&[("events", record("1", "a")), ("other", record("a", "1"))]);
    assert!(matches!(error, Err(MigrationError::NoSuchKeyspace { .. })), "{error:?}");
    assert_eq!(under(&store, "events", ""), Vec::<String>::new());
}

#[test]
fn a_prefix_finds_what_begins_with_it_and_nothing_else() {
    let place = Place::new();
    let (_, store) = of_a_runtime(&place.fresh());
    let keys = ["a", "ab", "abc", "ac", "b"];
    store.commit(&keys.map(|key| ("index", record(key, "x")))).unwrap();
    assert_eq!(under(&store, "index", "ab"), ["ab=x", "abc=x"]);
    assert_eq!(under(&store, "index", "c"), Vec::<String>::new());
    let mut first = None;
    let visit = &mut |key: &[u8], _: &[u8]| {
        first = Some(key.to_vec());
        false
    };
    store.scan_prefix_while("index", b"a", visit).unwrap();
    assert_eq!(first.unwrap(), b"a");
}

#[test]
fn a_map_that_names_a_physical_keyspace_twice_is_refused() {
    let mut map = KeyspaceMap::default();
    map.insert("a", physical("same.v1"));
    map.insert("b", physical("same.v1"));
    let error = Store::create(&Place::new().fresh(), &map, &options()).err().unwrap();
    assert!(matches!(error, MigrationError::InvalidKeyspaceMap { .. }), "{error:?}");
}

#[test]
fn a_store_is_never_created_over_something_nor_opened_where_there_is_none() {
    let place = Place::new();
    let (map, directory) = (KeyspaceMap::default(), place.directory());
    let error = Store::open(&directory, &map, &options()).err().unwrap();
    assert!(matches!(error, MigrationError::NotAStore { .. }), "{error:?}");
    assert!(durable::walk(&directory).unwrap().is_empty(), "opening left something behind");
    std::fs::write(directory.join("file"), b"").unwrap();
    let error = Store::create(&directory, &map, &options()).err().unwrap();
    assert!(matches!(error, MigrationError::NotEmpty { .. }), "{error:?}");
}

/// H10: the engine silently deletes every keyspace if the list of them is gone.
#[test]
fn a_store_whose_list_of_keyspaces_is_gone_is_refused_before_the_engine_sees_it() {
    let place = Place::new();
    let (steps, records) = (steps(), source(50));
    let (directory, report, _) = place.build(&path(&steps, 1, 1), &records, &options());
    std::fs::remove_file(directory.join("keyspaces/0/current")).unwrap();
    let before = durable::walk(&directory).unwrap();
    let error = Store::open(&directory, &report.keyspaces, &options()).err().unwrap();
    assert!(matches!(error, MigrationError::NotAStore { .. }), "{error:?}");
    assert_eq!(durable::walk(&directory).unwrap(), before);
}

/// H10: the engine does not look at the checksum that it keeps, and ends the process on some damage.
#[test]
fn a_damaged_version_file_is_named_before_the_engine_sees_it() {
    let place = Place::new();
    let (steps, records) = (steps(), source(40));
    let (directory, report, _) = place.build(&path(&steps, 1, 1), &records, &options());
    let refused = || match Store::open(&directory, &report.keyspaces, &options()) {
        Err(MigrationError::Damaged { file, .. }) => Some(file),
        Err(other) => panic!("{other:?}"),
        Ok(_) => None,
    };
    let files: Vec<_> = durable::walk(&directory)
        .unwrap()
        .into_iter()
        .filter(|entry| entry.kind == durable::EntryKind::File)
        .map(|entry| entry.path)
        .filter(|path| path.starts_with("keyspaces") && path.components().count() == 3)
        .collect();
    // Of each keyspace the pointer and the version that it points to; older versions are of no use to anybody.
    assert!(files.len() >= 12, "{files:?}");
    let mut named = std::collections::BTreeSet::new();
    for path in &files {
        let file = directory.join(path);
        let intact = std::fs::read(&file).unwrap();
        for byte in 0..intact.len() {
            let mut bytes = intact.clone();
            bytes[byte] ^= 1 << (byte % 8);
            std::fs::write(&file, bytes).unwrap();
            let found = refused().unwrap_or_else(|| panic!("{}: byte {byte}", path.display()));
            named.insert(found);
        }
        std::fs::write(&file, &intact[..intact.len() - 1]).unwrap();
        assert!(refused().is_some(), "{} is cut", path.display());
        std::fs::write(&file, &intact).unwrap();
    }
    assert!(named.len() >= files.len(), "{named:?}");
    assert_eq!(refused(), None);
}

/// H10: whatever a flipped byte does to the engine, it ends in a typed error or in the same state, never in a panic.
#[test]
fn a_flipped_byte_in_any_small_file_ends_in_an_error_or_in_the_same_state() {
    let place = Place::new();
    let (steps, records) = (steps(), source(40));
    let (original, report, expected) = place.build(&path(&steps, 1, 1), &records, &options());
    let files: Vec<_> = durable::walk(&original)
        .unwrap()
        .into_iter()
        .filter(|entry| entry.kind == durable::EntryKind::File && entry.size < 1 << 20)
        .filter(|entry| entry.path.components().any(|part| part.as_os_str() == "tables"))
        .collect();
    let (mut refused, mut same) = (0, 0);
    for entry in files {
        for position in (0..entry.size).step_by(101) {
            let directory = place.fresh();
            durable::clone_tree(&original, &directory, |_| CloneMode::Copy).unwrap();
            let path = directory.join(&entry.path);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[usize::try_from(position).unwrap()] ^= 0x10;
            std::fs::write(&path, bytes).unwrap();
            let target = &SCHEMAS[0];
            match verify(&directory, &report, target, None, Stayed::Read, &options(), &mut |_| {}) {
                Ok(found) => {
                    assert_eq!(found, expected);
                    same += 1;
                }
                Err(_) => refused += 1,
            }
            std::fs::remove_dir_all(&directory).unwrap();
        }
    }
    assert!(refused > 0, "no flip was noticed, {same} went by");
}

// trace: test FC-6.3 FC-18.2 FC-18.3
#[test]
fn changed_records_are_found_when_they_are_read_back() {
    let place = Place::new();
    let (steps, records) = (steps(), source(50));
    let (directory, report, before) = place.build(&path(&steps, 1, 1), &records, &options());
    let store = Store::open(&directory, &report.keyspaces, &options()).unwrap();
    store.put("vault", b"added", b"behind the back").unwrap();
    store.close().unwrap();
    let error =
        verify(&directory, &report, &SCHEMAS[0], None, Stayed::Read, &options(), &mut |_| {});
    let error = error.unwrap_err();
    assert!(
        matches!(&error, MigrationError::DigestMismatch { keyspace, .. } if keyspace == "vault"),
        "{error:?}"
    );
    // A keyspace that only stayed is held against the digest from before.
    let mut stayed = report.clone();
    stayed.written = integrity::LogicalDigest::default();
    let verify = |before| {
        verify(&directory, &stayed, &SCHEMAS[0], before, Stayed::Read, &options(), &mut |_| {})
            .is_ok()
    };
    assert!(verify(None));
    assert!(!verify(Some(&before)));
}

// trace: test FC-6.3 FC-18.2
#[test]
fn a_migration_that_read_other_records_than_were_measured_is_refused() {
    let place = Place::new();
    let steps = steps();
    let path = path(&steps, 1, 2);
    let measured = integrity_of(&source(50));
    let (directory, report, _) = place.build(&path, &source(49), &options());
    let held_to = |before| {
        verify(
            &directory,
            &report,
            path.target(),
            Some(before),
            Stayed::Read,
            &options(),
            &mut |_| {},
        )
    };
    assert!(matches!(held_to(&measured), Err(MigrationError::ReadDiffers { .. })));
    held_to(&integrity_of(&source(49))).unwrap();
}

fn integrity_of(source: &dyn storage_migration::RecordSource) -> integrity::LogicalDigest {
    storage_migration::measure_source(source, None, &options(), &mut |_| {}).unwrap()
}

#[test]
fn what_was_put_is_there_after_a_reopen_and_scans_in_key_order() {
    let place = Place::new();
    let (directory, map) = (place.fresh(), KeyspaceMap::of_schema(&SCHEMAS[0]));
    let store = Store::create(&directory, &map, &options()).unwrap();
    for key in [b"c", b"a", b"b"] {
        store.put("notes", key, b"value").unwrap();
    }
    assert!(matches!(store.put("notes", b"", b""), Err(MigrationError::NotStorable { .. })));
    assert!(matches!(store.get("none", b"a"), Err(MigrationError::NoSuchKeyspace { .. })));
    store.close().unwrap();
    let store = Store::open(&directory, &map, &options()).unwrap();
    let mut keys = Vec::new();
    store
        .scan_while("notes", &mut |key, _| {
            keys.push(key.to_vec());
            keys.len() < 2
        })
        .unwrap();
    assert_eq!(keys, [b"a", b"b"]);
    assert_eq!(store.get("notes", b"c").unwrap().as_deref(), Some(&b"value"[..]));
}

#[test]
fn a_second_handle_on_an_open_store_is_refused_and_a_closed_one_opens_at_once() {
    let place = Place::new();
    let (directory, map) = (place.fresh(), KeyspaceMap::of_schema(&SCHEMAS[0]));
    let threaded = EngineOptions { worker_threads: 2, ..options() };
    let store = Store::create(&directory, &map, &threaded).unwrap();
    let error = Store::open(&directory, &map, &options()).err().unwrap();
    assert!(matches!(error, MigrationError::Engine { .. }), "{error:?}");
    store.close().unwrap();
    for _ in 0..20 {
        Store::open(&directory, &map, &threaded).unwrap().close().unwrap();
    }
}

/// fjall does not join its workers; what they may still do after a close is sync, not write.
#[test]
fn after_a_close_no_thread_of_the_engine_writes_any_more() {
    let (place, steps, records) = (Place::new(), steps(), source(500));
    let threaded = EngineOptions { worker_threads: 2, ..options() };
    for _ in 0..3 {
        let (directory, _, _) = place.build(&path(&steps, 1, 4), &records, &threaded);
        let seal = || integrity::TreeSeal::of_tree(&directory, |_| false).unwrap();
        let at_once = seal();
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(seal(), at_once);
    }
}

// trace: test FC-5.1.1 FC-5.2
#[test]
fn only_tables_are_linked() {
    let mode = |path: &str| clone_mode(Path::new(path));
    assert_eq!(mode("keyspaces/3/tables/17"), CloneMode::Link);
    for path in [
        "0.jnl",
        "lock",
        "version",
        "keyspaces/3/current",
        "keyspaces/3/v17",
        "keyspaces/3/tables",
        "keyspaces/3/tables/a/b",
        "other/3/tables/17",
        "x/keyspaces/3/tables/17",
    ] {
        assert_eq!(mode(path), CloneMode::Copy, "{path}");
    }
}

#[test]
fn a_keyspace_map_reads_back_from_its_own_text() {
    let map = KeyspaceMap::of_schema(&SCHEMAS[0]);
    let text = serde_json::to_string(&map).unwrap();
    assert!(
        text.starts_with(r#"{"accounts":{"physical":"accounts.v1","class":"state"}"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<KeyspaceMap>(&text).unwrap(), map);
}
