//! Going back with what was written since, and being told what that is (FC-UPGRADE-0001 §15).

use std::collections::BTreeSet;

use femtoclaw_catalogue::{
    Envelope, Execution, Origin, RecordKey, SplitExecutions, Testimony, schema2, schema3,
};
use journal::RevertedRecords;
use storage_migration::{Action, Emitter, Example, MigrationStep, TransformError};
use upgrade::lifecycle::{Fate, Standing};
use upgrade::{
    Authorization, Booted, Cause, Condition, DataPolicy, Environment, Error, Event, Home,
    NoTelemetry, RollbackRequest, RolledBack,
};
use versioning::{GenerationNumber, SchemaVersion};

use super::support::Scene;
use super::{Stricter, Wrong};

/// From here on positions are those of runtimes that write to the store themselves.
const FIRST: u64 = 1_000_000;

/// Writes one audit entry and one execution with these ids, in the forms of the schema that the runtime has, durably.
pub(crate) fn write(booted: &Booted<'_>, ids: &[u64]) {
    let store = booted.open_store().unwrap();
    let schema = booted.versions().storage.number();
    for id in ids {
        let source = RecordKey { file: 1, ordinal: FIRST + id };
        let audit = envelope("audit", source, &audit_text(*id));
        let time = "2026-11-26T10:00:00Z";
        let key = match schema {
            2 => source.encode().to_vec(),
            _ => schema3::event_key(time, source),
        };
        store.put("audit", &key, &audit.encode()).unwrap();
        let run = envelope("executions", source, &run_text(*id));
        if schema == 2 {
            store.put("executions", &source.encode(), &run.encode()).unwrap();
            continue;
        }
        let (record, _) = read(&run.decoded);
        let key = schema3::execution_key(&record);
        let testimony =
            Testimony { origin: Origin::Record, source, record, original: run.original };
        let execution = Execution::join(vec![testimony]).unwrap();
        let index = schema3::execution_by_id_key(&execution.record.id, &key);
        store.put("executions", &key, &execution.encode().unwrap()).unwrap();
        store.put("executions_by_id", &index, &key).unwrap();
    }
    store.persist().unwrap();
    store.close().unwrap();
}

fn read(bytes: &[u8]) -> (femtoclaw_catalogue::ExecutionRecord, Vec<String>) {
    use femtoclaw_catalogue::RecordKind;
    femtoclaw_catalogue::ExecutionRecord::read(bytes).unwrap()
}

fn audit_text(id: u64) -> String {
    format!(
        r#"{{"id":"audit-{id}","timestamp":"2026-11-26T10:00:00Z","event":"authorization","actor":"agent","resource":"shell","action":"execute","result":"AUTHORIZED"}}"#
    )
}

fn run_text(id: u64) -> String {
    format!(
        r#"{{"id":"run-{id}","timestamp":"2026-11-26T10:00:01Z","capability":"shell","arguments":{{"n":1.10}},"result":"r","status":"Completed"}}"#
    )
}

fn envelope(keyspace: &str, source: RecordKey, text: &str) -> Envelope {
    let (decoded, unknown) = schema2::normalize(keyspace, text.as_bytes()).unwrap();
    Envelope { source, unknown, decoded, original: text.as_bytes().to_vec() }
}

/// The ids that one of the two exports tells of: both records of each must be there.
pub(crate) fn ids_in(lines: &[u8]) -> BTreeSet<u64> {
    let text = std::str::from_utf8(lines).unwrap();
    let told = |word: &str| -> BTreeSet<u64> {
        let quoted = format!("\"{word}-");
        let numbers = text.split(&quoted).skip(1).filter_map(|rest| {
            let end = rest.find(|found: char| !found.is_ascii_digit())?;
            rest[..end].parse().ok()
        });
        numbers.collect()
    };
    let escaped = |word: &str| -> BTreeSet<u64> {
        let quoted = format!("\\\"{word}-");
        let numbers = text.split(&quoted).skip(1).filter_map(|rest| {
            let end = rest.find(|found: char| !found.is_ascii_digit())?;
            rest[..end].parse().ok()
        });
        numbers.collect()
    };
    let (audits, runs) = (&told("audit") | &escaped("audit"), &told("run") | &escaped("run"));
    assert_eq!(audits, runs, "one of two records is missing");
    audits
}

pub(crate) fn export(scene: &Scene, generation: Option<u64>) -> Vec<u8> {
    let mut lines = Vec::new();
    scene.with(|home| {
        let generation = home.generation(generation.map(GenerationNumber::new))?;
        home.export(&generation, &mut lines)
    });
    lines
}

pub(crate) fn go_back(scene: &Scene, data: DataPolicy, count: bool) -> Result<RolledBack, Error> {
    let mut telemetry = NoTelemetry;
    let timeout = std::time::Duration::ZERO;
    let mut home = Home::open(&scene.home(), scene.environment(), &mut telemetry, timeout).unwrap();
    let request = RollbackRequest { reason: "a test", data, count };
    home.rollback(None, Some(Authorization::development()), request, &mut |_| {})
}

fn candidate_then_release() -> Scene {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    scene.apply("2.0.0");
    scene
}

// trace: test FC-15.1 FC-15.2.2 FC-15.4 FC-16.2.1
#[test]
fn what_was_written_since_is_led_back_into_a_new_generation() {
    let scene = candidate_then_release();
    scene.booted("2.0.0", |booted| write(booted, &[1, 2, 3]));
    let before = scene.verify();
    let done = go_back(&scene, DataPolicy::Preserve, false).unwrap();
    assert_eq!((done.from.number(), done.restored.number(), done.to.number()), (3, 2, 4));
    assert_eq!(done.to_version.to_string(), "2.0.0-rc.1");
    let records = done.records.unwrap();
    assert_eq!(records.left, records.activated + 6);
    scene.with(|home| {
        let state = home.state();
        assert_eq!(state.current, Some(done.to));
        assert_eq!(state.standing, Standing::Confirmed);
        assert_eq!(state.generations[&done.from].fate, Fate::Bad);
        assert_eq!(state.rollback_target().map(|(number, _)| number), Some(done.restored));
        let Some(Event::Reverted { data, records: journalled, .. }) =
            home.records().last().map(|record| &record.event)
        else {
            panic!("{:?}", home.records().last())
        };
        assert_eq!((*data, *journalled), (DataPolicy::Preserve, Some(records)));
        Ok(())
    });
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([1, 2, 3]));
    // The runtime of before reads and writes it, and what was left is as it was left.
    scene.booted("2.0.0-rc.1", |booted| write(booted, &[4]));
    let after = scene.verify();
    let left = |report: &upgrade::VerifyReport| {
        let mut found = report.generations.iter();
        found.find(|found| found.generation == done.from).map(|found| found.logical.unwrap().state)
    };
    assert_eq!(left(&after), left(&before));
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([1, 2, 3, 4]));
    // And from there it goes on: back once more, and forward again with everything.
    scene.apply("2.0.0");
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([1, 2, 3, 4]));
}

// trace: test FC-15.2.2
#[test]
fn where_the_schema_stays_the_records_are_carried_as_they_are() {
    let scene = Scene::upgraded("2.0.0");
    scene.confirm();
    scene.apply("2.1.0");
    // Stopped in good order, this time: what was sealed is what is led back.
    let mut telemetry = NoTelemetry;
    let booted = scene.boot("2.1.0", &mut telemetry).unwrap();
    write(&booted, &[7]);
    booted.stop().unwrap();
    let done = go_back(&scene, DataPolicy::Preserve, true).unwrap();
    let records = done.records.unwrap();
    assert_eq!(records.restored, records.left);
    assert_eq!(records.left, records.activated + 2);
    scene.booted("2.0.0", |booted| {
        // All but the records is what it was.
        assert!(!String::from_utf8_lossy(&booted.configuration()["femtoclaw.toml"]).is_empty());
        assert_eq!(booted.versions().configuration.number(), 2);
    });
    scene.verify();
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([7]));
}

#[test]
fn nothing_is_carried_back_to_an_installation_that_is_not_run_from_a_home() {
    let scene = Scene::upgraded("2.0.0");
    let records = scene.with(|home| Ok(home.records().len()));
    let error = go_back(&scene, DataPolicy::Preserve, false).unwrap_err();
    assert_eq!((error.name(), error.exit_code()), ("not-carried-back", 3));
    assert!(matches!(error.condition(), Condition::Unchanged(_)), "{error}");
    assert!(error.next().contains("--data set-aside"), "{error}");
    assert_eq!(scene.with(|home| Ok(home.records().len())), records);
    assert!(go_back(&scene, DataPolicy::SetAside, false).is_ok());
}

/// A ledger record is never another one: whoever changed it, it is not carried back as if nothing had happened.
// trace: test FC-15.2.2
#[test]
fn a_ledger_in_which_something_of_before_is_missing_is_not_carried_back() {
    let scene = candidate_then_release();
    scene.booted("2.0.0", |booted| {
        let store = booted.open_store().unwrap();
        let mut first = None;
        store
            .scan_while("audit", &mut |key, value| {
                first = Some((key.to_vec(), value.to_vec()));
                false
            })
            .unwrap();
        let (key, value) = first.unwrap();
        let Envelope { source, original, .. } = Envelope::decode(&value).unwrap();
        let mut entry: serde_json::Value = serde_json::from_slice(&original).unwrap();
        entry["actor"] = "somebody else".into();
        let other = envelope("audit", source, &entry.to_string());
        store.put("audit", &key, &other.encode()).unwrap();
        store.close().unwrap();
    });
    let error = go_back(&scene, DataPolicy::Preserve, false).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotCarriedBack { .. }), "{error}");
    assert!(error.cause().to_string().contains("audit of generation 2"), "{error}");
    assert!(matches!(error.condition(), Condition::Undone(_)), "{error}");
    scene.with(|home| {
        assert_eq!(home.state().current, Some(GenerationNumber::new(3)));
        assert!(matches!(home.records().last().unwrap().event, Event::Aborted { .. }));
        Ok(())
    });
    assert!(!scene.home().join("generations/4").exists());
}

/// FemtoClaw's way back, but for audit entries that a runtime of the later schema wrote: these it drops.
struct Forgetful;

static FORGETFUL: [&dyn MigrationStep; 1] = [&Forgetful];

pub(crate) fn forgetful_steps() -> &'static [&'static dyn MigrationStep] {
    &FORGETFUL
}

impl MigrationStep for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn from(&self) -> SchemaVersion {
        SplitExecutions.from()
    }

    fn to(&self) -> SchemaVersion {
        SplitExecutions.to()
    }

    fn action(&self, keyspace: &str) -> Action {
        SplitExecutions.action(keyspace)
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        if keyspace == "audit" && Envelope::decode(value).unwrap().source.ordinal >= FIRST {
            out.drop_derived();
            return Ok(());
        }
        SplitExecutions.transform(keyspace, key, value, out)
    }

    fn examples(&self) -> Vec<Example> {
        SplitExecutions.examples()
    }
}

/// What leads back need not be believed: led forward again, what is missing is missed.
// trace: test FC-15.2.2 FC-18.1.2
#[test]
fn a_way_back_that_loses_something_is_found_out_before_it_counts() {
    let scene = candidate_then_release();
    scene.booted("2.0.0", |booted| write(booted, &[1]));
    let catalogue = Stricter("femtoclaw", Wrong::Forgetful);
    let environment = Environment { catalogue: &catalogue, ..scene.environment() };
    let mut telemetry = NoTelemetry;
    let timeout = std::time::Duration::ZERO;
    let mut home = Home::open(&scene.home(), environment, &mut telemetry, timeout).unwrap();
    let data = DataPolicy::Preserve;
    let request = RollbackRequest { reason: "a test", data, count: false };
    let authorization = Some(Authorization::development());
    let error = home.rollback(None, authorization, request, &mut |_| {}).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotCarriedBack { .. }), "{error}");
    assert!(error.cause().to_string().contains("led forward again"), "{error}");
    assert!(matches!(error.condition(), Condition::Undone(_)), "{error}");
    drop(home);
    assert_eq!(scene.with(|home| Ok(home.state().current)), Some(GenerationNumber::new(3)));
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([1]));
}

// trace: test FC-15.4
#[test]
fn what_is_set_aside_is_counted_before_and_after_and_told() {
    let scene = Scene::upgraded("2.0.0");
    scene.confirm();
    scene.apply("2.1.0");
    scene.booted("2.1.0", |booted| write(booted, &[1, 2]));
    let since = |generation: u64| {
        let mut lines = Vec::new();
        let since = scene.with(|home| {
            let generation = home.generation(Some(GenerationNumber::new(generation)))?;
            home.export_since_activation(&generation, &mut lines)
        });
        (since, lines)
    };
    let (told, lines) = since(3);
    assert_eq!((told.added, told.changed, told.removed), (4, 0, 0));
    assert_eq!((told.compared_with, told.as_activated), (Some(GenerationNumber::new(2)), true));
    assert_eq!(ids_in(&lines), BTreeSet::from([1, 2]));
    let done = go_back(&scene, DataPolicy::SetAside, true).unwrap();
    let records = done.records.unwrap();
    assert_eq!((records.left, records.restored), (records.activated + 4, records.activated));
    let journalled = scene.with(|home| Ok(home.records().last().unwrap().event.clone()));
    assert!(matches!(journalled, Event::Reverted { records: Some(found), .. } if found == records));
    // The generation before goes on, and what was set aside is still told: no more, and no less.
    scene.booted("2.0.0", |booted| write(booted, &[5]));
    let (told, lines) = since(3);
    assert_eq!((told.added, told.removed, told.as_activated), (4, 0, false));
    assert_eq!(ids_in(&lines), BTreeSet::from([1, 2]));
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([5]));
    let never_started = since(1).0;
    assert_eq!((never_started.added, never_started.compared_with), (0, None));
}

#[test]
fn what_cannot_be_counted_keeps_nobody_from_going_back() {
    let scene = Scene::upgraded("2.0.0");
    scene.confirm();
    scene.apply("2.1.0");
    scene.booted("2.1.0", |booted| write(booted, &[1]));
    let store = scene.home().join("generations/3/store");
    std::fs::remove_file(store.join("version")).unwrap();
    let done = go_back(&scene, DataPolicy::SetAside, true).unwrap();
    assert_eq!(done.records, None);
    assert!(done.not_counted.unwrap().contains("version"));
    assert_eq!(scene.with(|home| Ok(home.state().current)), Some(GenerationNumber::new(2)));
}

/// Numbers that look random, from a seed.
struct Numbers(u64);

impl Numbers {
    /// One below `end`, by SplitMix64 (Steele, Lea and Flood, 2014).
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Whatever happens, in whatever order: no ledger record that was acknowledged is missing from the current store and from
/// what was set aside, taken together.
// trace: test FC-15.2.2 FC-16.2.1
#[test]
fn no_acknowledged_ledger_record_ever_disappears() {
    for seed in 0..3 {
        let mut numbers = Numbers(seed);
        let scene = candidate_then_release();
        let mut acknowledged = BTreeSet::new();
        let mut set_aside = BTreeSet::new();
        for turn in 0..7 {
            let version = scene.with(|home| Ok(home.state().runtime().unwrap().to_string()));
            match numbers.below(6) {
                0..=2 if version != "1.0.3" => {
                    let ids: Vec<u64> =
                        (0..=numbers.below(3)).map(|at| seed * 1000 + turn * 10 + at).collect();
                    let mut telemetry = NoTelemetry;
                    // A start that finds no tries left goes back instead.
                    let Ok(booted) = scene.boot(&version, &mut telemetry) else { continue };
                    write(&booted, &ids);
                    acknowledged.extend(ids);
                    if numbers.below(2) == 0 {
                        booted.stop().unwrap();
                    }
                }
                3 => {
                    scene.confirm();
                    let next = if version.starts_with("2.0.0-") { "2.0.0" } else { "2.1.0" };
                    if !version.starts_with("2.1") {
                        scene.apply(next);
                    }
                }
                which => {
                    let data = if which == 4 { DataPolicy::SetAside } else { DataPolicy::Preserve };
                    // That there is nothing to go back to, or no way to carry anything there, changes nothing.
                    let _ = go_back(&scene, data, numbers.below(2) == 0);
                }
            }
            let bad: Vec<u64> = scene.with(|home| {
                let all = home.state().generations.iter();
                Ok(all
                    .filter(|(_, known)| known.fate == Fate::Bad)
                    .map(|(n, _)| n.number())
                    .collect())
            });
            for generation in bad {
                set_aside.extend(ids_in(&export(&scene, Some(generation))));
            }
            let there = &ids_in(&export(&scene, None)) | &set_aside;
            assert!(there.is_superset(&acknowledged), "seed {seed}, turn {turn}");
        }
        scene.verify();
    }
}

/// What is on record is what is read, in both forms of the event.
#[test]
fn a_record_from_before_there_were_counts_is_read() {
    let old = r#"{"type":"REVERTED","from":2,"to":1,"data":"set-aside","reason":"r"}"#;
    let Event::Reverted { records, .. } = serde_json::from_str(old).unwrap() else { panic!() };
    assert_eq!(records, None::<RevertedRecords>);
}
