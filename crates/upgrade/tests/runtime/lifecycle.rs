//! An upgrade from its beginning to its end, as it is told and as it is put on record.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use integrity::TreeSeal;
use upgrade::{
    Activity, Applied, Authorization, Condition, EngineOptions, Environment, Event, Generation,
    Home, HomeView, Origin, Part, Record, Request, TelemetryEvent, TelemetrySink,
};
use versioning::{Clock, FixedClock, GenerationNumber, Timestamp, Versions};

use crate::support::{Scene, append_copies};
use crate::{Stricter, Wrong};

const OLD: &str = "2.0.0-rc.1";
const NEW: &str = "2.0.0";

/// What was told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// Work of another kind began.
    Begun(Activity),
    /// A record of the journal, once it was durable.
    Recorded(TelemetryEvent),
}

/// Listens to telemetry and to progress.
#[derive(Clone, Default)]
struct Listener(Rc<RefCell<Vec<Told>>>);

impl Listener {
    fn begun(&self, activity: Activity) {
        let told = Told::Begun(activity);
        let last = self.0.borrow().iter().rfind(|told| matches!(told, Told::Begun(_))).cloned();
        if last.as_ref() != Some(&told) {
            self.0.borrow_mut().push(told);
        }
    }

    fn names(&self) -> Vec<String> {
        let told = self.0.borrow();
        let name = |told: &Told| match told {
            Told::Begun(activity) => activity.as_str().to_owned(),
            Told::Recorded(event) => event.event.to_owned(),
        };
        told.iter().map(name).collect()
    }

    fn events(&self) -> Vec<TelemetryEvent> {
        let told = self.0.borrow();
        let event = |told: &Told| match told {
            Told::Begun(_) => None,
            Told::Recorded(event) => Some(event.clone()),
        };
        told.iter().filter_map(event).collect()
    }
}

impl TelemetrySink for Listener {
    fn emit(&mut self, event: &TelemetryEvent) {
        self.0.borrow_mut().push(Told::Recorded(event.clone()));
    }
}

/// A clock that is a second later every time.
struct Ticking(AtomicI64);

impl Ticking {
    fn new() -> Self {
        Self(AtomicI64::new(0))
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let second = 1_795_000_000 + i128::from(self.0.fetch_add(1, Ordering::Relaxed));
        Timestamp::from_unix_nanoseconds(second * 1_000_000_000).unwrap()
    }
}

/// Upgrades to [`NEW`], with somebody listening.
fn apply(
    scene: &Scene,
    environment: Environment<'_>,
    listener: &Listener,
) -> upgrade::Result<Option<Applied>> {
    let mut sink = listener.clone();
    let mut home = Home::open(&scene.home(), environment, &mut sink, Duration::ZERO).unwrap();
    let request = Request { target: NEW.parse().ok(), ..Request::default() };
    let progress = listener.clone();
    home.apply(&request, None, Some(Authorization::development()), &mut |told| {
        progress.begun(told.activity);
    })
}

/// Confirmed at [`OLD`], with records that its runtime has written.
fn before() -> Scene {
    let scene = Scene::upgraded(OLD);
    scene.confirm();
    scene.booted(OLD, |booted| append_copies(booted, "audit", 3));
    scene
}

fn records(scene: &Scene) -> Vec<Record> {
    HomeView::read(&scene.home(), scene.environment()).unwrap().records().to_vec()
}

/// Whatever a generation is held to, read from disk by somebody who has just come.
fn generation(scene: &Scene, number: u64) -> Generation {
    let view = HomeView::read(&scene.home(), scene.environment()).unwrap();
    let number = GenerationNumber::new(number);
    let manifest = view.state().generations[&number].manifest;
    Generation::open(view.layout(), number, manifest).unwrap()
}

// trace: test FC-2.1 FC-8.3 FC-29.1.1 FC-29.1.2 FC-29.1.3 FC-29.1.4 FC-29.1.5 FC-29.1.6
#[test]
fn an_upgrade_is_validated_migrated_verified_sealed_activated_and_told_of_in_this_order() {
    let (scene, listener) = (before(), Listener::default());
    let applied = apply(&scene, scene.environment(), &listener).unwrap().unwrap();
    assert_eq!(
        listener.names(),
        [
            // Compatibility is decided here: what does not suit never comes to a record.
            "preparing",
            "AUTHORIZED",
            "PREPARED",
            "checking",
            "CLOSED",
            "QUIESCED",
            "verifying",
            "copying",
            "reading",
            "joining",
            "writing",
            "placing",
            "verifying",
            "making durable",
            "SEALED",
            "ACTIVATED",
        ]
    );
    let last = listener.events().pop().unwrap();
    let version = |text: &str| Some(text.parse().unwrap());
    assert_eq!((last.from, last.to), (version(OLD), version(NEW)));
    assert_eq!((last.event, last.result.as_str()), ("ACTIVATED", "succeeded"));
    assert_eq!(applied.to, GenerationNumber::new(3));
    scene.booted(NEW, |booted| assert_eq!(booted.generation().number(), applied.to));
    scene.verify();
}

// trace: test FC-8.2.1 FC-16.1 FC-29.1.1
#[test]
fn an_upgrade_that_does_not_suit_leaves_no_record_and_no_file() {
    let scene = before();
    let tree = || TreeSeal::of_tree(&scene.home().join("generations"), |_| false).unwrap();
    let (journal, generations) = (records(&scene), tree());
    let stricter = Stricter("femtoclaw", Wrong::Configuration);
    let environment = Environment { catalogue: &stricter, ..scene.environment() };
    let error = apply(&scene, environment, &Listener::default()).expect_err("it was applied");
    assert_eq!((error.name(), error.exit_code()), ("incompatible", 3));
    assert!(matches!(error.condition(), Condition::Unchanged(_)), "{error}");
    assert_eq!((records(&scene), tree()), (journal, generations));
}

// trace: test FC-8.4 FC-29.1.5
#[test]
fn every_record_of_an_upgrade_is_told_with_its_time_versions_and_result() {
    let (scene, listener, clock) = (before(), Listener::default(), Ticking::new());
    let known = records(&scene).len();
    apply(&scene, Environment { clock: &clock, ..scene.environment() }, &listener).unwrap();
    let (events, records) = (listener.events(), records(&scene));
    assert_eq!(events.len(), records.len() - known);
    for (event, record) in events.iter().zip(&records[known..]) {
        assert_eq!((event.event, event.time), (record.event.name(), record.time));
        assert_eq!(event.attempt, Some(record.attempt));
        assert_eq!(event.from, OLD.parse().ok());
        let is_last = event.event == "ACTIVATED";
        assert_eq!(event.result, if is_last { "succeeded" } else { "running" });
        assert_eq!(event.to, NEW.parse().ok().filter(|_| event.event != "AUTHORIZED"));
    }
}

/// What is on record of the upgrade to a generation: the versions before and after.
fn prepared(records: &[Record], number: u64) -> (Versions, Versions) {
    let found = records.iter().find_map(|record| match &record.event {
        Event::Prepared { to, previous, target, .. } if *to == GenerationNumber::new(number) => {
            Some((Versions::clone(previous.as_ref().unwrap()), Versions::clone(target)))
        }
        _ => None,
    });
    found.unwrap()
}

// trace: test FC-2.2 FC-9.1 FC-9.2.1 FC-9.2.2 FC-9.2.3 FC-9.3
#[test]
fn a_generation_says_from_what_to_what_when_and_by_what_it_was_migrated() {
    let (scene, clock) = (before(), Ticking::new());
    let begun = clock.now();
    apply(&scene, Environment { clock: &clock, ..scene.environment() }, &Listener::default())
        .unwrap();
    let ended = clock.now();
    let (old, new) = (generation(&scene, 2), generation(&scene, 3));
    let Origin::Upgraded { parent, migration } = &new.manifest().origin else {
        panic!("{:?}", new.manifest().origin)
    };
    assert_eq!((parent.generation, parent.manifest), (old.number(), old.digest()));
    let (before, after) = (&old.manifest().versions, &new.manifest().versions);
    assert_eq!((before.runtime.to_string(), after.runtime.to_string()), (OLD.into(), NEW.into()));
    assert_eq!((&migration.previous, &migration.target), (before, after));
    let records = records(&scene);
    let (previous, target) = prepared(&records, 3);
    assert_eq!((&previous, &target), (before, after));
    assert!(begun < migration.time && migration.time < ended, "{}", migration.time);
    // Every step that the data has been through since it was adopted, the one before included.
    let steps = |generation: &Generation| -> Vec<String> {
        let applied = generation.manifest().applied.iter();
        applied.map(|step| format!("{} {} {}", step.name, step.from, step.to)).collect()
    };
    assert_eq!(steps(&old), ["decode-records 1 2"]);
    assert_eq!(steps(&new), ["decode-records 1 2", "join-executions 2 3"]);
    assert!(migration.counts.to_string().contains("join-executions"));
    // It is of one piece with what is sealed: nobody can give it another past.
    let path = new.path().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("join-executions", "joined-executions")).unwrap();
    assert_eq!(scene.refused(NEW, scene.environment()).name(), "integrity-violated");
}

// trace: test FC-1.1 FC-2.2 FC-5.1.1 FC-5.2 FC-7.2.2 FC-8.2.3 FC-16.1 FC-16.2.1 FC-16.2.2 FC-16.2.3 FC-16.3 FC-18.1.1 FC-28.2 FC-29.1.3
#[test]
fn an_upgrade_that_fails_is_undone_on_record_and_told_and_leaves_everything_as_it_was() {
    let (scene, listener) = (before(), Listener::default());
    let tree = || TreeSeal::of_tree(&scene.home().join("generations"), |_| false).unwrap();
    let held = || scene.verify().generations.into_iter().map(|found| found.logical.unwrap());
    let (journal, generations) = (records(&scene), tree());
    let found: Vec<_> = held().collect();
    let unreadable = Stricter("femtoclaw", Wrong::Records);
    let environment = Environment { catalogue: &unreadable, ..scene.environment() };
    let error = apply(&scene, environment, &listener).expect_err("it was applied");
    assert!(matches!(error.condition(), Condition::Undone(_)), "{error}");
    assert!(error.to_string().contains("no runtime can read it"), "{error}");
    assert_eq!((error.exit_code(), tree()), (7, generations));
    assert!(listener.names().contains(&"verifying".to_owned()), "{:?}", listener.names());
    let last = listener.events().pop().unwrap();
    assert_eq!((last.event, last.result.as_str()), ("ABORTED", "undone"));
    let after = records(&scene);
    assert_eq!(after[..journal.len()], journal);
    let Event::Aborted { reason } = &after.last().unwrap().event else { panic!("{after:?}") };
    assert!(reason.contains("no runtime can read it"), "{reason}");
    assert_eq!(held().collect::<Vec<_>>(), found);
    scene.booted(OLD, |booted| append_copies(booted, "history", 1));
    let applied = apply(&scene, scene.environment(), &listener).unwrap().unwrap();
    assert_eq!(applied.to, GenerationNumber::new(4), "a number is never used again");
}

/// The binary, the configuration, the records and what is set aside, as a runtime would find them.
fn found(scene: &Scene, version: &str) -> (String, upgrade::Files, Vec<u8>, PathBuf) {
    let mut exported = Vec::new();
    scene.with(|home| {
        let generation = home.generation(None)?;
        home.export(&generation, &mut exported)
    });
    scene.booted(version, |booted| {
        let binary = booted.path(Part::Runtime).join("runtime");
        let binary_text = fs::read_to_string(&binary).unwrap();
        (binary_text, booted.configuration().clone(), exported, binary)
    })
}

// trace: test FC-15.1 FC-15.2.1 FC-15.2.2 FC-15.2.3 FC-15.4
#[test]
fn a_rollback_restores_binary_records_and_configuration_of_the_generation_before() {
    let scene = Scene::adopted();
    let place = |text: &str| {
        let path = scene.home().with_file_name(text);
        fs::write(&path, text).unwrap();
        Some(path)
    };
    scene.apply_with(OLD, place("the first runtime"));
    scene.confirm();
    scene.apply_with(NEW, place("the old runtime"));
    scene.confirm();
    scene.booted(NEW, |_| ());
    let before = found(&scene, NEW);
    assert_eq!(before.0, "the old runtime");
    scene.apply_with("2.1.0", place("the new runtime"));
    let between = found(&scene, "2.1.0");
    assert_eq!(between.0, "the new runtime");
    assert_ne!(between.1, before.1, "the configuration was migrated");
    scene.rollback();
    let after = found(&scene, NEW);
    assert_eq!(after.0, before.0, "the runtime");
    assert_eq!(after.1, before.1, "the configuration");
    assert!(after.2 == before.2, "the records");
    let history = records(&scene);
    let reverted = history.iter().rfind(|record| record.event.name() == "REVERTED").unwrap();
    let Event::Reverted { from, to, reason, .. } = &reverted.event else { panic!("{reverted:?}") };
    assert_eq!((*from, *to), (GenerationNumber::new(4), GenerationNumber::new(3)));
    assert_eq!(reason, "a test");
    scene.verify();
}

// trace: test FC-5.1.2 FC-28.1.3
#[test]
fn who_may_do_what_is_the_same_after_an_upgrade() {
    let scene = before();
    let authority = |version| scene.booted(version, |booted| booted.authority().clone());
    let before = authority(OLD);
    scene.apply(NEW);
    let after = authority(NEW);
    let renames = upgrade::capability_migration::Renames::default();
    let found = upgrade::capability_migration::diff(&before, &after, &renames);
    assert!(found.newly_allowed.is_empty() && found.newly_denied.is_empty(), "{found:?}");
    assert_eq!(before, after);
}

/// A generation by everything that must not depend on the run: all but the files of the store, which the engine names.
fn content(scene: &Scene, number: u64) -> String {
    let generation = generation(scene, number);
    let manifest = generation.manifest();
    let files: Vec<_> =
        manifest.files.iter().filter(|(path, _)| !path.starts_with("store/")).collect();
    let Origin::Upgraded { migration, .. } = &manifest.origin else { panic!("it was adopted") };
    format!(
        "{:?} {} {files:?} {:?} {} {:?}",
        manifest.keyspaces,
        manifest.state,
        manifest.applied,
        migration.counts,
        migration.configuration_changes
    )
}

// trace: test FC-2.1 FC-5.3 FC-19.1 FC-19.2 FC-28.1.4
#[test]
fn neither_the_clock_nor_who_does_it_nor_how_many_work_on_it_changes_what_an_upgrade_makes() {
    let (scene, clock) = (before(), Ticking::new());
    let killed = scene.killed();
    let engine = EngineOptions { workers: 4, pipeline_bytes: 1, ..EngineOptions::default() };
    let late = FixedClock("2099-01-01T00:00:00Z".parse().unwrap());
    let environments = [
        Environment { clock: &clock, ..scene.environment() },
        Environment { clock: &late, operator: "other", engine: &engine, ..killed.environment() },
    ];
    let found = [&scene, &killed].into_iter().zip(environments).map(|(scene, environment)| {
        let applied = apply(scene, environment, &Listener::default()).unwrap().unwrap();
        (applied.after, applied.state, content(scene, 3))
    });
    let found: Vec<_> = found.collect();
    assert_eq!(found[0], found[1]);
}
