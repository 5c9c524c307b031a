//! Sources that are read in pieces: what comes of it is what comes of reading them in one.

use std::collections::BTreeSet;

use proptest::prelude::*;
use storage_migration::{
    EngineOptions, KnownKeyspaces, MigrationError, RecordSource, SchemaDefinition, SourceError,
    Store, Visitor, clone_mode, measure_source, measure_unknown,
};

use crate::toy::SCHEMAS;
use crate::work::{Memory, Place, digest, path, source, steps};

const WORKERS: [usize; 3] = [1, 2, 8];

/// Records that can be read in pieces which end at these places, where they are.
struct Cut {
    records: Memory,
    ends: Vec<usize>,
    /// By how much the source is wrong about the number of records in its first piece.
    wrong_by: u64,
    /// A keyspace that can be read in one piece only.
    uncut: Option<&'static str>,
    /// A piece that cannot be read to its end.
    failing: Option<usize>,
}

impl Cut {
    fn new(size: u32, ends: Vec<usize>) -> Self {
        Self { records: source(size), ends, wrong_by: 0, uncut: None, failing: None }
    }

    fn piece(&self, keyspace: &str, piece: usize) -> std::ops::Range<usize> {
        let count = self.records.keyspaces[keyspace].len();
        let place = |piece: usize| self.ends.get(piece).map_or(count, |end| count.min(*end));
        (if piece == 0 { 0 } else { place(piece - 1) })..place(piece)
    }
}

impl RecordSource for Cut {
    fn keyspaces(&self) -> Vec<String> {
        self.records.keyspaces()
    }

    fn scan(&self, keyspace: &str, visit: &mut Visitor<'_>) -> Result<(), SourceError> {
        (0..=self.ends.len()).try_for_each(|piece| self.scan_piece(keyspace, piece, visit))
    }

    fn pieces(&self, keyspace: &str) -> Result<Option<Vec<u64>>, SourceError> {
        if self.uncut == Some(keyspace) {
            return Ok(None);
        }
        let count = |piece| self.piece(keyspace, piece).len() as u64;
        let mut pieces: Vec<u64> = (0..=self.ends.len()).map(count).collect();
        pieces[0] += self.wrong_by;
        Ok(Some(pieces))
    }

    fn scan_piece(
        &self,
        keyspace: &str,
        piece: usize,
        visit: &mut Visitor<'_>,
    ) -> Result<(), SourceError> {
        let range = self.piece(keyspace, piece);
        let records = self.records.keyspaces[keyspace].iter();
        for (key, value) in records.skip(range.start).take(range.len()) {
            visit(key, value)?;
        }
        if self.failing == Some(piece) {
            let (keyspace, origin) = (keyspace.to_owned(), format!("piece {piece}"));
            return Err(SourceError { keyspace, origin, reason: "torn".to_owned() });
        }
        Ok(())
    }
}

fn options(workers: usize) -> EngineOptions {
    EngineOptions { workers, ..EngineOptions::default() }
}

/// What comes of it for every number of workers, which must be one and the same.
fn measured(
    source: &Cut,
    schema: Option<&SchemaDefinition>,
    pipeline_bytes: usize,
) -> Result<integrity::LogicalDigest, String> {
    let all = WORKERS.map(|workers| {
        let options = EngineOptions { pipeline_bytes, ..options(workers) };
        let found = measure_source(source, schema, &options, &mut |_| {});
        found.map_err(|error: MigrationError| error.to_string())
    });
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    all.into_iter().next().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever the pieces end, whatever the source says of them, and whether there is memory for their ends or not.
    #[test]
    fn pieces_have_the_digest_of_the_whole(
        size in 0_u32..5000,
        mut ends in proptest::collection::vec(0_usize..5000, 0..12),
        wrong_by in prop_oneof![4 => Just(0_u64), 1 => Just(1_u64)],
        uncut in prop_oneof![Just(None), Just(Some("events")), Just(Some("vault"))],
        pipeline_bytes in prop_oneof![Just(0_usize), 1..200_000_usize, Just(16 << 20)],
    ) {
        ends.sort_unstable();
        let source = Cut { wrong_by, uncut, ..Cut::new(size, ends) };
        let expected = digest(&source.records.keyspaces);
        prop_assert_eq!(measured(&source, None, pipeline_bytes), Ok(expected));
    }
}

#[test]
fn the_first_error_in_the_order_of_the_records_is_the_one_that_is_told() {
    fn check(keyspace: &str, key: &[u8], _: &[u8]) -> Result<(), String> {
        let is_bad = keyspace == "events" && key >= 2500_u32.to_be_bytes().as_slice();
        if is_bad { Err(format!("bad: {key:?}")) } else { Ok(()) }
    }
    let schema = SchemaDefinition { check, ..SCHEMAS[0] };
    let told = |failing, wrong_by| {
        let ends = vec![500, 1000, 1500, 2000, 3000];
        let source = Cut { failing, wrong_by, ..Cut::new(4000, ends) };
        measured(&source, Some(&schema), 16 << 20).unwrap_err()
    };
    // The first keyspace has fewer than 500 records: all in its first piece.
    let bad = told(None, 0);
    assert!(bad.contains("bad: [0, 0, 9, 196]"), "{bad}");
    assert_eq!(told(None, 1), bad);
    let torn = told(Some(2), 0);
    assert!(torn.contains("accounts from piece 2"), "{torn}");
    let torn = told(Some(0), 0);
    assert!(torn.contains("accounts from piece 0"), "{torn}");
}

#[test]
fn progress_tells_every_keyspace_and_its_whole_number_of_records() {
    for workers in WORKERS {
        let source = Cut::new(3000, vec![700, 1024, 2000]);
        let mut last = std::collections::BTreeMap::new();
        let found = measure_source(&source, None, &options(workers), &mut |progress| {
            last.insert(progress.keyspace.to_owned(), (progress.records, progress.total));
        });
        let found = found.unwrap();
        for (keyspace, digest) in found.iter() {
            let told = last.get(keyspace);
            assert_eq!(told, Some(&(digest.records, Some(digest.records))), "{keyspace}");
        }
    }
}

#[test]
fn what_lies_in_the_same_tables_is_read_once_and_under_another_claim_again() {
    let (place, steps, records) = (Place::new(), steps(), source(500));
    let (directory, report, found) = place.build(&path(&steps, 1, 1), &records, &options(1));
    for workers in WORKERS {
        let mut known = KnownKeyspaces::default();
        let mut measure = |schema: Option<&SchemaDefinition>| {
            let clone = place.fresh();
            durable::clone_tree(&directory, &clone, clone_mode).unwrap();
            let options = options(workers);
            let store = Store::open(&clone, &report.keyspaces, &options).unwrap();
            let mut read = BTreeSet::new();
            let digest = measure_unknown(&store, schema, &options, &mut known, &mut |progress| {
                read.insert(progress.keyspace.to_owned());
            });
            (digest.unwrap(), read.len())
        };
        let all = records.keyspaces.len();
        assert_eq!(measure(None), (found.clone(), all));
        assert_eq!(measure(None), (found.clone(), 0), "{workers} workers");
        // Nobody has held these records against the schema yet.
        assert_eq!(measure(Some(&SCHEMAS[0])), (found.clone(), all));
        assert_eq!(measure(Some(&SCHEMAS[0])), (found.clone(), 0));
    }
}

#[test]
fn a_store_that_was_written_to_since_is_read_again() {
    let (place, steps, records) = (Place::new(), steps(), source(500));
    let (directory, report, found) = place.build(&path(&steps, 1, 1), &records, &options(1));
    for workers in WORKERS {
        let mut known = KnownKeyspaces::default();
        let clone = place.fresh();
        durable::clone_tree(&directory, &clone, clone_mode).unwrap();
        let options = options(workers);
        let store = Store::open(&clone, &report.keyspaces, &options).unwrap();
        let mut measure =
            || measure_unknown(&store, None, &options, &mut known, &mut |_| {}).unwrap();
        assert_eq!(measure(), found);
        store.put("notes", b"new", b"value").unwrap();
        let after = measure();
        assert_eq!(after.records(), found.records() + 1, "{workers} workers");
        assert_eq!(after.get("events"), found.get("events"));
    }
}
