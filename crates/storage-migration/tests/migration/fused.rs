//! The result of a migration, however it is run.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use storage_migration::{
    ARCHIVE, ArchivedRecord, Disposition, EngineOptions, KeyspaceMap, Origin, RecordSource, Store,
    fingerprint, measure, rehearse,
};

use crate::toy::SCHEMAS;
use crate::work::{Keyspaces, Memory, Place, digest, model, path, source, steps};

fn defaults() -> EngineOptions {
    EngineOptions::default()
}

fn tiny() -> EngineOptions {
    EngineOptions { memory_budget_bytes: 1024, open_runs: 3, ..defaults() }
}

// trace: test FC-6.1.1 FC-8.1 FC-8.2.2
#[test]
fn a_fused_run_gives_what_its_steps_give_one_by_one_and_what_the_definition_says() {
    let (place, steps, source) = (Place::new(), steps(), source(2000));
    let expected = digest(&model(&path(&steps, 1, 4), &source.keyspaces));
    let (v1, report, before) = place.build(&path(&steps, 1, 1), &source, &defaults());
    let (_, fused_report, fused) =
        place.upgrade(&path(&steps, 1, 4), (&v1, &report.keyspaces, &before), &defaults());

    let (mut at, mut map, mut digest) = (v1, report.keyspaces, before);
    for from in 1..4 {
        let one = path(&steps, from, from + 1);
        let (next, report, found) = place.upgrade(&one, (&at, &map, &digest), &defaults());
        (at, map, digest) = (next, report.keyspaces, found);
    }
    assert_eq!(fused, digest);
    assert_eq!(fused, expected);
    let names: Vec<_> = fused_report.keyspaces.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["accounts", "archive", "by_name", "history", "notes", "plain", "vault"]);
}

#[test]
fn a_migration_from_foreign_records_gives_the_same_state_as_one_of_a_store() {
    let (place, steps, source) = (Place::new(), steps(), source(500));
    let (v1, report, before) = place.build(&path(&steps, 1, 1), &source, &defaults());
    let origin = (v1.as_path(), &report.keyspaces, &before);
    let (_, _, migrated) = place.upgrade(&path(&steps, 1, 4), origin, &defaults());
    let (_, _, adopted) = place.build(&path(&steps, 1, 4), &source, &defaults());
    assert_eq!(adopted, migrated);
    assert_eq!(before, digest(&source.keyspaces));
}

// trace: test FC-19.2
#[test]
fn neither_the_memory_budget_nor_the_number_of_merge_passes_changes_the_result() {
    let (place, steps, source) = (Place::new(), steps(), source(3000));
    let path = path(&steps, 1, 4);
    let (_, large, in_memory) = place.build(&path, &source, &defaults());
    let (_, small, spilled) = place.build(&path, &source, &tiny());
    assert_eq!(large.scratch_runs, 0);
    assert!(small.scratch_runs > 100, "only {} runs were spilled", small.scratch_runs);
    assert_eq!(in_memory, spilled);
    assert_eq!(large.counts, small.counts);
    assert_eq!(large.keyspaces, small.keyspaces);
}

/// Everything that can be seen of a store: its records, read one by one.
fn contents(directory: &Path, map: &KeyspaceMap) -> Keyspaces {
    let store = Store::open(directory, map, &defaults()).unwrap();
    let mut keyspaces = Keyspaces::new();
    for keyspace in store.keyspaces() {
        let records = keyspaces.entry(keyspace.clone()).or_default();
        store
            .scan_while(&keyspace, &mut |key, value| {
                records.insert(key.to_vec(), value.to_vec());
                true
            })
            .unwrap();
    }
    store.close().unwrap();
    keyspaces
}

/// The bytes of all keys and values.
fn content_bytes<'k>(keyspaces: impl Iterator<Item = &'k BTreeMap<Vec<u8>, Vec<u8>>>) -> u64 {
    let records = keyspaces.flatten();
    records.map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// How many workers there are, how much may be on its way, and how much memory there is: nothing of it can be told from
    /// the result.
    // trace: test FC-19.2
    #[test]
    fn neither_workers_nor_queues_change_a_record_a_digest_or_a_count(
        size in 0_u32..6000,
        pipeline_bytes in prop_oneof![Just(0_usize), 1..200_000_usize, Just(16 << 20)],
        memory_budget_bytes in prop_oneof![Just(1024_usize), 2048..2_000_000_usize],
        recheck_every in 0_u64..4,
    ) {
        let (place, steps, source) = (Place::new(), steps(), source(size));
        let path = path(&steps, 1, 4);
        let run = |workers| {
            let options = EngineOptions {
                workers, pipeline_bytes, memory_budget_bytes, recheck_every, open_runs: 3, ..defaults()
            };
            let (directory, report, found) = place.build(&path, &source, &options);
            let contents = contents(&directory, &report.keyspaces);
            (contents, report, found)
        };
        let expected = run(1);
        prop_assert_eq!(&expected.0, &model(&path, &source.keyspaces));
        for workers in [2, 4, 8] {
            prop_assert_eq!(run(workers), expected.clone(), "{} workers", workers);
        }
    }
}

// trace: test FC-19.1 FC-19.2 FC-28.1.4
#[test]
fn four_workers_make_what_one_makes() {
    let (place, steps, source) = (Place::new(), steps(), source(300));
    let path = path(&steps, 1, 4);
    let run = |workers| {
        let options = EngineOptions { workers, recheck_every: 1, ..defaults() };
        let (directory, report, found) = place.build(&path, &source, &options);
        (contents(&directory, &report.keyspaces), report, found)
    };
    let (alone, together) = (run(1), run(4));
    assert!(alone.1.counts.archived > 0 && alone.2.records() > 300, "too little happened");
    assert_eq!(alone, together);
}

/// Records in key order need no scratch file, however little memory there is.
#[test]
fn what_arrives_in_key_order_is_written_directly_whatever_the_budget() {
    let (place, steps, source) = (Place::new(), steps(), source(3000));
    let (_, report, found) = place.build(&path(&steps, 1, 1), &source, &tiny());
    assert_eq!(report.scratch_runs, 0);
    assert_eq!(found, digest(&source.keyspaces));
}

/// A record that comes out of order after thousands that did not: what was written directly is taken back, and neither
/// the keyspace that it was written to nor its directory is left.
#[test]
fn a_late_record_out_of_order_changes_nothing_but_the_work() {
    let (place, mut steps, mut source) = (Place::new(), steps(), source(0));
    for number in 0..3000_u32 {
        let key = number.to_be_bytes().to_vec();
        source.keyspaces.get_mut("events").unwrap().insert(key, b"Aa text".to_vec());
    }
    steps[0].transform = |_, key, value, out| {
        let late = key == 2999_u32.to_be_bytes();
        out.emit("audit", if late { &[0][..] } else { key }, value);
        Ok(())
    };
    let (directory, report, found) = place.build(&path(&steps, 1, 2), &source, &tiny());
    assert!(report.scratch_runs > 0);
    assert_eq!(found.get("audit").unwrap().records, 3000);
    assert_eq!(report.keyspaces.get("audit").unwrap().physical, "audit.v2");
    let keyspaces = std::fs::read_dir(directory.join("keyspaces")).unwrap().count();
    assert_eq!(keyspaces, SCHEMAS[1].keyspaces.len() + 1, "and the engine's own");
    let (_, _, in_memory) = place.build(&path(&steps, 1, 2), &source, &defaults());
    assert_eq!(in_memory, found);
}

/// There and back again: a keyspace that was kept on the way there meets its own old name on the way back.
#[test]
fn a_keyspace_that_meets_its_own_old_name_gets_another() {
    let (place, source) = (Place::new(), source(20));
    let step = |name, from, to, action| crate::toy::Toy {
        name,
        from,
        to,
        action,
        transform: |keyspace, key, value, out| {
            let keyspace = SCHEMAS[0].keyspace(keyspace).unwrap().name;
            out.emit(keyspace, key, value);
            Ok(())
        },
        join: crate::toy::no_join,
        examples: Vec::new(),
    };
    use storage_migration::{Action, MigrationPath, SchemaDefinition};
    let there = step("there", 1, 2, |_| Action::Keep);
    let back = step("back", 2, 1, |_| Action::Rewrite);
    let version = versioning::SchemaVersion::new;
    let schemas = [SCHEMAS[0], SchemaDefinition { version: version(2), ..SCHEMAS[0] }];
    let resolve = |from, to| {
        MigrationPath::resolve(&schemas, &[&there, &back], version(from), version(to)).unwrap()
    };
    let (at, first, before) = place.build(&resolve(1, 1), &source, &defaults());
    let origin = (at.as_path(), &first.keyspaces, &before);
    let (at, second, after) = place.upgrade(&resolve(1, 2), origin, &defaults());
    assert_eq!(second.keyspaces.get("notes").unwrap().physical, "notes.v1");
    assert_eq!(second.counts.read, 0);
    let origin = (at.as_path(), &second.keyspaces, &after);
    let (_, third, last) = place.upgrade(&resolve(2, 1), origin, &defaults());
    assert_eq!(third.keyspaces.get("notes").unwrap().physical, "notes.v1.2");
    assert_eq!(last, before);
}

#[test]
fn every_record_is_read_once_and_written_once_however_many_steps_there_are() {
    let (place, steps, source) = (Place::new(), steps(), source(800));
    let path = path(&steps, 1, 4);
    let records: u64 = source.keyspaces.values().map(|records| records.len() as u64).sum();
    let (directory, report, found) = place.build(&path, &source, &tiny());
    assert_eq!(source.reads.load(Ordering::Relaxed), records);
    assert_eq!(report.counts.read, records);
    assert_eq!(report.counts.written, found.records());
    assert_eq!(report.bytes_read, content_bytes(source.keyspaces.values()));
    let written = contents(&directory, &report.keyspaces);
    assert_eq!(report.bytes_written, content_bytes(written.values()));
    assert_eq!(report.counts.steps.len(), 3);
    report.counts.check().unwrap();
}

/// From schema 1 to schema 5, every step rewriting every record: four steps, and still one read and one write for each.
#[test]
fn five_schemas_are_crossed_in_one_read_and_one_write_of_each_record() {
    let (place, source) = (Place::new(), source(3000));
    let step = |from: u32| crate::toy::Toy {
        name: ["one", "two", "three", "four"][from as usize - 1],
        from,
        to: from + 1,
        action: |keyspace| match keyspace {
            "events" | "notes" => storage_migration::Action::Rewrite,
            _ => storage_migration::Action::Keep,
        },
        transform: |keyspace, key, value, out| {
            let keyspace = SCHEMAS[0].keyspace(keyspace).unwrap().name;
            out.emit(keyspace, key, [value, b"+"].concat());
            Ok(())
        },
        join: crate::toy::no_join,
        examples: Vec::new(),
    };
    let steps: Vec<_> = (1..5).map(step).collect();
    let steps: Vec<&dyn storage_migration::MigrationStep> =
        steps.iter().map(|step| step as _).collect();
    let version = versioning::SchemaVersion::new;
    let schemas = [1, 2, 3, 4, 5].map(|number| storage_migration::SchemaDefinition {
        version: version(number),
        ..SCHEMAS[0]
    });
    let resolve = |to| {
        storage_migration::MigrationPath::resolve(&schemas, &steps, version(1), version(to))
            .unwrap()
    };
    let (rewritten, all) = (["events", "notes"], resolve(5));
    let expected: u64 = rewritten.iter().map(|name| source.keyspaces[*name].len() as u64).sum();
    let (v1, built, before) = place.build(&resolve(1), &source, &defaults());
    let origin = (v1.as_path(), &built.keyspaces, &before);
    let (v5, report, after) = place.upgrade(&all, origin, &defaults());
    assert_eq!((report.counts.read, report.counts.written), (expected, expected));
    assert_eq!(report.counts.steps.len(), 4);
    assert!(report.counts.steps.iter().all(|step| step.rewritten == expected));
    let written: Vec<_> = report.written.iter().map(|(name, _)| name).collect();
    assert_eq!(written, rewritten, "nothing was written on the way");
    assert_eq!(after.records(), before.records());
    let store = Store::open(&v5, &report.keyspaces, &defaults()).unwrap();
    let key = 7_u32.to_be_bytes();
    let old = &source.keyspaces["events"][key.as_slice()];
    assert_eq!(store.get("events", &key).unwrap().unwrap(), [old.as_slice(), b"++++"].concat());
}

#[test]
fn in_place_only_what_is_rewritten_or_observed_is_read() {
    let (place, steps, source) = (Place::new(), steps(), source(300));
    let (v1, report, before) = place.build(&path(&steps, 1, 1), &source, &defaults());
    let whole = path(&steps, 1, 4);
    let dispositions = ["accounts", "events", "notes", "plain", "vault", "log"]
        .map(|keyspace| whole.disposition(keyspace));
    use Disposition::{Observed, Rewritten, Untouched};
    let rewritten = Some(Rewritten);
    let expected = [rewritten, rewritten, rewritten, Some(Observed), Some(Untouched), None];
    assert_eq!(dispositions, expected);

    let origin = (v1.as_path(), &report.keyspaces, &before);
    let (directory, report, _) = place.upgrade(&whole, origin, &defaults());
    let count = |name: &str| source.keyspaces[name].len() as u64;
    let read = count("accounts") + count("events") + count("notes") + count("plain");
    assert_eq!(report.counts.read, read);
    let read = ["accounts", "events", "notes", "plain"].map(|name| &source.keyspaces[name]);
    assert_eq!(report.bytes_read, content_bytes(read.into_iter()));
    let after = contents(&directory, &report.keyspaces);
    let written = after.iter().filter(|(name, _)| report.written.get(name).is_some());
    assert_eq!(report.bytes_written, content_bytes(written.map(|(_, records)| records)));
    assert_eq!(report.counts.stayed, count("plain"));
    assert_eq!(report.written.get("plain"), None);
    assert_eq!(report.superseded, ["accounts.v1", "events.v1", "notes.v1"]);
    assert_eq!(report.keyspaces.get("vault").unwrap().physical, "vault.v1");
    assert_eq!(report.keyspaces.get("history").unwrap().physical, "history.v4");
}

// trace: test FC-5.1.1
#[test]
fn untouched_keyspaces_share_their_tables_with_the_original_which_stays_as_it_was() {
    let (place, steps, source) = (Place::new(), steps(), source(300));
    let (v1, report, before) = place.build(&path(&steps, 1, 1), &source, &defaults());
    let seal = integrity::TreeSeal::of_tree(&v1, |_| false).unwrap();
    let tables = |directory: &std::path::Path| -> BTreeMap<u64, u64> {
        durable::walk(directory)
            .unwrap()
            .into_iter()
            .filter(|entry| entry.path.components().any(|part| part.as_os_str() == "tables"))
            .filter(|entry| entry.kind == durable::EntryKind::File)
            .map(|entry| (directory.join(&entry.path).metadata().unwrap().ino(), entry.size))
            .collect()
    };
    let origin = (v1.as_path(), &report.keyspaces, &before);
    let (v4, _, after) = place.upgrade(&path(&steps, 1, 4), origin, &defaults());
    for keyspace in ["vault", "plain"] {
        assert_eq!(before.get(keyspace), after.get(keyspace));
    }
    let (old, new) = (tables(&v1), tables(&v4));
    let shared = new.keys().filter(|inode| old.contains_key(inode)).count();
    assert!(shared >= 2, "the tables of vault and plain are not shared");
    assert_eq!(integrity::TreeSeal::of_tree(&v1, |_| false).unwrap(), seal);
}

// trace: test FC-6.2 FC-18.1.2
#[test]
fn archived_records_say_where_they_come_from_and_why() {
    let (place, steps, source) = (Place::new(), steps(), source(100));
    let (v4, report, _) = place.build(&path(&steps, 1, 4), &source, &defaults());
    let store = Store::open(&v4, &report.keyspaces, &defaults()).unwrap();
    let mut reasons = BTreeMap::<_, u64>::new();
    store
        .scan(ARCHIVE, &mut |key, value| {
            let archived = ArchivedRecord::decode(key, value).unwrap();
            let original = &source.keyspaces["events"][&archived.record.key];
            assert_eq!(original, &archived.record.value);
            let schema = archived.schema.number();
            *reasons.entry((schema, archived.keyspace, archived.reason)).or_default() += 1;
            Ok(())
        })
        .unwrap();
    let entry = |schema, keyspace: &str, reason: &str| (schema, keyspace.into(), reason.into());
    assert_eq!(reasons.get(&entry(1, "events", "unknown kind")), Some(&25));
    assert!(reasons.contains_key(&entry(3, "audit", "too long")));
    assert_eq!(reasons.values().sum::<u64>(), report.counts.archived);
}

#[test]
fn an_archive_stays_untouched_if_nothing_joins_it_and_is_carried_if_something_does() {
    let (place, steps, source) = (Place::new(), steps(), source(100));
    let (v2, first, before) = place.build(&path(&steps, 1, 2), &source, &defaults());
    assert_eq!(first.counts.archived, 25);
    let origin = (v2.as_path(), &first.keyspaces, &before);
    let (v3, second, after) = place.upgrade(&path(&steps, 2, 3), origin, &defaults());
    assert_eq!(second.keyspaces.get(ARCHIVE).unwrap().physical, "archive.v2");
    assert_eq!(before.get(ARCHIVE), after.get(ARCHIVE));
    let origin = (v3.as_path(), &second.keyspaces, &after);
    let (_, third, last) = place.upgrade(&path(&steps, 3, 4), origin, &defaults());
    assert_eq!(third.keyspaces.get(ARCHIVE).unwrap().physical, "archive.v4");
    assert_eq!(third.counts.carried, 25);
    assert_eq!(last.get(ARCHIVE).unwrap().records, 25 + third.counts.archived);
}

#[test]
fn an_empty_source_becomes_a_store_with_every_keyspace_of_the_schema() {
    let (place, steps, source) = (Place::new(), steps(), source(0));
    let (directory, report, found) = place.build(&path(&steps, 1, 4), &source, &defaults());
    assert_eq!(found.records(), 0);
    assert_eq!(found.iter().count(), SCHEMAS[3].keyspaces.len());
    assert_eq!(measure(&directory, &report.keyspaces, &defaults()).unwrap(), found);
}

#[test]
fn what_was_only_in_the_journal_of_a_closed_store_is_migrated_too() {
    let (place, steps, source) = (Place::new(), steps(), source(200));
    let (v1, report, _) = place.build(&path(&steps, 1, 1), &source, &defaults());
    let options = EngineOptions { worker_threads: 1, ..defaults() };
    let store = Store::open(&v1, &report.keyspaces, &options).unwrap();
    store.put("events", b"late event", b"Zl late").unwrap();
    store.put("vault", b"late secret", b"late").unwrap();
    store.close().unwrap();
    let before = measure(&v1, &report.keyspaces, &defaults()).unwrap();
    let origin = (v1.as_path(), &report.keyspaces, &before);
    let (v4, report, _) = place.upgrade(&path(&steps, 1, 4), origin, &defaults());
    let store = Store::open(&v4, &report.keyspaces, &defaults()).unwrap();
    assert_eq!(store.get("vault", b"late secret").unwrap().unwrap(), b"late");
    assert_eq!(store.get("history", b"xZ").unwrap().unwrap(), b"1late eventZl late");
}

#[test]
fn the_engines_own_threads_change_nothing() {
    let (place, steps, source) = (Place::new(), steps(), source(500));
    let options = EngineOptions { worker_threads: 2, ..defaults() };
    let (v1, report, before) = place.build(&path(&steps, 1, 1), &source, &options);
    let origin = (v1.as_path(), &report.keyspaces, &before);
    let (_, _, threaded) = place.upgrade(&path(&steps, 1, 4), origin, &options);
    let (_, _, alone) = place.upgrade(&path(&steps, 1, 4), origin, &defaults());
    assert_eq!(threaded, alone);
}

// trace: test FC-8.3
#[test]
fn progress_names_every_keyspace_and_ends_with_its_total() {
    let (place, steps, source) = (Place::new(), steps(), source(100));
    let (path, mut ends) = (path(&steps, 1, 4), Vec::new());
    storage_migration::migrate(
        &path,
        Origin::Records(&source),
        &place.fresh(),
        &place.directory(),
        &defaults(),
        &mut |progress| {
            if progress.total == Some(progress.records) {
                ends.push(format!("{:?} {}", progress.phase, progress.keyspace));
            }
        },
    )
    .unwrap();
    for end in ["Read events", "Join executions", "Write history", "Write archive"] {
        assert!(ends.iter().any(|found| found == end), "{end} is missing in {ends:?}");
    }
}

#[test]
fn the_steps_pass_their_own_rehearsal() {
    let rehearsed = rehearse(&path(&steps(), 1, 4));
    assert!(rehearsed.is_ok(), "{rehearsed:?}");
}

#[test]
fn an_edited_step_has_another_fingerprint_and_a_reordered_or_untouched_one_has_not() {
    let original = fingerprint(&steps()[0], &SCHEMAS[0]);
    assert_eq!(original, fingerprint(&steps()[0], &SCHEMAS[0]));
    let edits: [fn(&mut crate::toy::Toy); 5] = [
        |step| step.name = "split-the-events",
        |step| step.to = 3,
        |step| step.action = |_| storage_migration::Action::Rewrite,
        |step| {
            step.transform = |_, key, value, out| {
                out.emit("audit", key, value);
                Ok(())
            };
        },
        |step| {
            step.examples.pop();
        },
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut step = steps()[0].clone();
        edit(&mut step);
        assert_ne!(fingerprint(&step, &SCHEMAS[0]), original, "edit {number}");
    }
    let mut step = steps()[1].clone();
    let joined = fingerprint(&step, &SCHEMAS[1]);
    step.join = |_, group, fragments, out| {
        out.emit("executions", group, fragments.join(&b"-"[..]));
        Ok(())
    };
    assert_ne!(fingerprint(&step, &SCHEMAS[1]), joined, "an edited join");
}

#[test]
fn the_fingerprints_of_the_toy_steps_are_those_of_the_day_they_were_written() {
    let steps = steps();
    let found: Vec<_> = path(&steps, 1, 4)
        .fingerprints()
        .into_iter()
        .map(|(name, digest)| format!("{name} {}", digest.short()))
        .collect();
    assert_eq!(
        found,
        ["split-events d8901b5ceede", "join-executions ecb0f59c2b0a", "merge-history 24f6ea96a32e"]
    );
}

fn records(
    key: impl Strategy<Value = Vec<u8>>,
    value: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = BTreeMap<Vec<u8>, Vec<u8>>> {
    proptest::collection::btree_map(key, value, 0..60)
}

fn bytes(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), length)
}

prop_compose! {
    fn sources()(
        accounts in records(bytes(1..2), bytes(0..9)),
        events in records(
            bytes(1..6),
            (any::<u8>(), proptest::sample::select(b"al?".to_vec()), bytes(0..20))
                .prop_map(|(account, kind, text)| [&[account, kind], text.as_slice()].concat()),
        ),
        notes in records(bytes(1..20), bytes(0..200)),
        plain in records(bytes(1..20), bytes(0..20)),
        vault in records(bytes(1..20), bytes(0..20)),
    ) -> Keyspaces {
        let names = ["accounts", "events", "notes", "plain", "vault"].map(str::to_owned);
        names.into_iter().zip([accounts, events, notes, plain, vault]).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    // trace: test FC-6.1.1 FC-6.2 FC-18.1.2
    #[test]
    fn random_records_become_what_the_definition_says_under_any_budget(
        keyspaces in sources(),
        budget in 1_usize..4000,
        open_runs in 2_usize..6,
        recheck_every in 0_u64..3,
    ) {
        let (place, steps) = (Place::new(), steps());
        let path = path(&steps, 1, 4);
        let expected = digest(&model(&path, &keyspaces));
        let source = Memory { keyspaces, ..Memory::default() };
        let options = EngineOptions { memory_budget_bytes: budget, open_runs, recheck_every, ..defaults() };
        let (_, report, found) = place.build(&path, &source, &options);
        prop_assert_eq!(found, expected);
        prop_assert_eq!(report.counts.read, source.reads.load(Ordering::Relaxed));
    }
}
