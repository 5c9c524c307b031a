//! The migrations keep every original byte, and join what belongs together.

use femtoclaw_catalogue::schema3::{execution, execution_by_id_key, executions_with_id};
use femtoclaw_catalogue::{
    DecodeRecords, Envelope, ExecutionStatus, FemtoClaw, JoinExecutions, Origin, SetAside,
    SplitExecutions, TimeKey,
};
use proptest::prelude::*;
use upgrade::Catalogue;

use crate::support::{CAPABILITIES, Generation, Records, directory, fixture, run};

fn check(schema: u32, records: &Records) {
    let definition =
        FemtoClaw.schemas().iter().find(|found| found.version.number() == schema).unwrap();
    let names: Vec<_> = definition.keyspaces.iter().map(|keyspace| keyspace.name).collect();
    for (keyspace, all) in records {
        assert!(names.contains(&keyspace.as_str()), "{keyspace}");
        for (key, value) in all {
            let checked = (definition.check)(keyspace, key, value);
            assert_eq!(checked, Ok(()), "{keyspace} in schema {schema}");
        }
    }
}

/// All original bytes that schema 1 holds, sorted.
fn originals_of_one(records: &Records) -> Vec<Vec<u8>> {
    let mut originals = Vec::new();
    for (keyspace, all) in records.iter().filter(|(keyspace, _)| *keyspace != "sources") {
        originals.extend(all.values().map(|value| match keyspace.as_str() {
            "set_aside" => SetAside::decode(value).unwrap().bytes,
            _ => value.clone(),
        }));
    }
    originals.sort();
    originals
}

/// All original bytes that a later schema holds, sorted.
fn originals(records: &Records, joined: bool) -> Vec<Vec<u8>> {
    let mut originals = Vec::new();
    for (keyspace, all) in records {
        for value in all.values() {
            match keyspace.as_str() {
                "sources" | "executions_by_id" => {}
                "set_aside" => originals.push(SetAside::decode(value).unwrap().bytes),
                "executions" if joined => {
                    let testimonies = execution(value).unwrap().testimonies;
                    let records =
                        testimonies.into_iter().filter(|part| part.origin == Origin::Record);
                    originals.extend(records.map(|part| part.original));
                }
                _ => originals.push(Envelope::decode(value).unwrap().original),
            }
        }
    }
    originals.sort();
    originals
}

fn migrate(one: &Records) -> (Records, Records) {
    check(1, one);
    let two = run(&DecodeRecords, one);
    check(2, &two);
    assert_eq!(originals(&two, false), originals_of_one(one));
    let three = run(&JoinExecutions, &two);
    check(3, &three);
    assert_eq!(originals(&three, true), originals_of_one(one));
    // And back: what was led there and back is what it was, byte for byte.
    let filled = |records: &Records| -> Records {
        let records = records.iter().filter(|(_, all)| !all.is_empty());
        records.map(|(keyspace, all)| (keyspace.clone(), all.clone())).collect()
    };
    assert_eq!(filled(&run(&SplitExecutions, &three)), filled(&two));
    (two, three)
}

// trace: test FC-5.1.4 FC-6.1.2 FC-6.1.3
#[test]
fn the_fixture_of_1_0_3_arrives_whole_and_its_executions_are_joined() {
    let one = Generation::adopt(&fixture("femtoclaw-1.0.3")).records();
    let (two, three) = migrate(&one);
    assert_eq!(two["wal"], three["wal"]);
    assert_eq!(three["executions"].len(), 10);
    assert_eq!(three["executions_by_id"].len(), 10);
    assert_eq!(three["audit"].len(), 10);
    assert_eq!(three["telemetry"].len(), 30);
    for (key, value) in &three["executions"] {
        let execution = execution(value).unwrap();
        assert_eq!(execution.testimonies.len(), 3, "{execution:?}");
        assert!(execution.conflicts.is_empty());
        assert!(execution.record.status.is_terminal());
        assert!(!execution.derived);
        let index = execution_by_id_key(&execution.record.id, key);
        assert_eq!(three["executions_by_id"][&index], *key);
        assert!(index.starts_with(&executions_with_id(&execution.record.id)));
    }
}

// trace: test FC-6.1.3
#[test]
fn an_execution_that_only_the_log_tells_of_is_found_as_interrupted() {
    let started = r#"{"id":0,"timestamp":"2026-01-01T00:00:01Z","event_type":"execution_started","payload":{"id":"e","timestamp":"2026-01-01T00:00:00Z","capability":"shell","arguments":{},"result":null,"status":"Started","error":null}}"#;
    let source = directory(&[
        ("x.wal", format!("{started}\n").as_bytes()),
        ("c.json", CAPABILITIES.as_bytes()),
    ]);
    let (_, three) = migrate(&Generation::adopt(source.path()).records());
    let (key, value) = three["executions"].first_key_value().unwrap();
    let execution = execution(value).unwrap();
    assert!(execution.derived);
    assert_eq!(execution.record.status, ExecutionStatus::Started);
    assert!(matches!(TimeKey::split(key).unwrap().0, TimeKey::At(_)));
}

// trace: test FC-18.1.1
#[test]
fn a_changed_byte_of_a_decoded_record_breaks_the_invariant_of_its_schema() {
    let one = Generation::adopt(&fixture("femtoclaw-1.0.3")).records();
    let (two, three) = migrate(&one);
    for (schema, records) in [(2, &two), (3, &three)] {
        let definition = FemtoClaw.schemas()[schema - 1];
        for keyspace in ["audit", "history", "memory", "snapshots", "telemetry", "wal"] {
            for (key, value) in &records[keyspace] {
                for at in (0..value.len()).step_by(7) {
                    let mut changed = value.clone();
                    changed[at] ^= 1;
                    let checked = (definition.check)(keyspace, key, &changed);
                    assert!(checked.is_err(), "{keyspace} of schema {schema}, byte {at}");
                }
                let elsewhere = [key.as_slice(), &[0]].concat();
                assert!((definition.check)(keyspace, &elsewhere, value).is_err());
            }
        }
    }
}

fn any_execution() -> impl Strategy<Value = String> {
    let time = prop::sample::select(vec![
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "1969-01-01T00:00:00Z",
        "never",
        "",
    ]);
    let status = prop::sample::select(vec!["Started", "Completed", "Failed", "Denied", "Paused"]);
    let id = prop::sample::select(vec!["a", "b", "", "\\u0000"]);
    (id, time, status, 0_u32..3).prop_map(|(id, time, status, result)| {
        format!(r#"{{"id":"{id}","timestamp":"{time}","capability":"c","status":"{status}", "result": {result}.10}}"#)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    // trace: test FC-25.2.1
    // trace: test FC-6.1.1 FC-18.1.3
    #[test]
    fn no_original_byte_is_lost_on_the_way(
        records in prop::collection::vec(any_execution(), 0..8),
        events in prop::collection::vec((any_execution(), any::<bool>()), 0..8),
        junk in prop::collection::vec("[ -~]{0,20}", 0..3),
    ) {
        let array = format!("[{}]", records.join(",\n"));
        let mut log = String::new();
        for (id, (payload, ended)) in events.iter().enumerate() {
            let kind = if *ended { "execution_finished" } else { "execution_started" };
            log += &format!(r#"{{"id":{id},"timestamp":"t","event_type":"{kind}","payload":{payload}}}"#);
            log.push('\n');
        }
        for line in junk {
            log += &line;
            log.push('\n');
        }
        let source = directory(&[
            ("executions.json", array.as_bytes()),
            ("x.wal", log.as_bytes()),
            ("c.json", CAPABILITIES.as_bytes()),
        ]);
        let generation = Generation::adopt(source.path());
        generation.account_for_every_byte();
        migrate(&generation.records());
    }
}
