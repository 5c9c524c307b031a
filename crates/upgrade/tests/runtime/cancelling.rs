//! What is cancelled comes to its end as an attempt that failed, up to the commit point and not behind it.

use std::fs;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use journal::Event;
use upgrade::lifecycle::Fate;
use upgrade::{
    AdoptRequest, Applied, Authorization, Cancellation, Cause, Condition, EngineOptions,
    Environment, Error, Home, HomeView, NoTelemetry, Request, TelemetryEvent, TelemetrySink,
};
use versioning::GenerationNumber;

use crate::support::Scene;

const FIRST: &str = "2.0.0-rc.1";
const SECOND: &str = "2.0.0";
const BY: &str = "a test";

/// More checks than any upgrade here makes.
const MOST_CHECKS: u64 = 2000;

fn engine(workers: usize, cancellation: Cancellation) -> EngineOptions {
    EngineOptions { workers, cancellation, ..EngineOptions::default() }
}

fn apply(
    scene: &Scene,
    version: &str,
    engine: &EngineOptions,
    telemetry: &mut dyn TelemetrySink,
) -> Result<Option<Applied>, Error> {
    let environment = Environment { engine, ..scene.environment() };
    let mut home = Home::open(&scene.home(), environment, telemetry, Duration::ZERO).unwrap();
    let request = Request { target: Some(version.parse().unwrap()), ..Request::default() };
    home.apply(&request, None, Some(Authorization::development()), &mut |_| {})
}

/// It was cancelled, nothing has changed, and that is on record.
fn assert_undone(scene: &Scene, error: &Error, current: u64) {
    assert!(matches!(error.cause(), Cause::Cancelled(found) if found.by == BY), "{error}");
    assert_eq!(error.name(), "cancelled");
    assert!(error.to_string().ends_with("Run the same command again."), "{error}");
    let view = HomeView::read(&scene.home(), scene.environment()).unwrap();
    assert_eq!(view.state().current, Some(GenerationNumber::new(current)));
    assert_eq!(view.state().attempt, None);
    let mut left: Vec<String> = fs::read_dir(scene.home().join("generations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let generations = view.state().generations.iter();
    let kept = generations.filter(|(_, state)| state.fate == Fate::Kept);
    let mut kept: Vec<String> = kept.map(|(number, _)| number.to_string()).collect();
    kept.sort();
    assert_eq!(left, kept, "something of it is left");
    let last = view.records().last().unwrap();
    let is_recorded =
        matches!(&last.event, Event::Aborted { reason } if reason == "cancelled by a test");
    match error.condition() {
        Condition::Undone(_) => assert!(is_recorded, "{last:?}"),
        Condition::Unchanged(_) => assert!(!is_recorded, "{last:?}"),
        other => panic!("{other:?}"),
    }
}

/// Cancels an upgrade at every so many-th check that it makes, one after the other, until it comes to its end; returns how
/// often.
fn cancel_at_every_check(
    scene: &Scene,
    version: &str,
    current: u64,
    workers: usize,
    step: u64,
) -> u64 {
    let mut cancelled = 0;
    for nth in (1..MOST_CHECKS).step_by(usize::try_from(step).unwrap()) {
        let engine = engine(workers, Cancellation::at_check(nth, BY));
        match apply(scene, version, &engine, &mut NoTelemetry) {
            Ok(applied) => {
                assert!(applied.is_some());
                return cancelled;
            }
            Err(error) => {
                assert_undone(scene, &error, current);
                let was_begun = matches!(error.condition(), Condition::Undone(_));
                assert_eq!(was_begun, nth > 1, "check {nth}: {error}");
                cancelled += 1;
            }
        }
    }
    panic!("{MOST_CHECKS} checks and more");
}

/// What the stores of all generations hold.
fn states(scene: &Scene) -> Vec<upgrade::Digest> {
    let report = scene.verify();
    report.generations.iter().map(|found| found.logical.unwrap().state).collect()
}

#[test]
fn an_upgrade_can_be_cancelled_at_every_check_and_then_leads_where_it_would_have_led() {
    let (scene, undisturbed) = (Scene::adopted(), Scene::adopted());
    let from_files = cancel_at_every_check(&scene, FIRST, 1, 1, 1);
    assert!(from_files >= 12, "{from_files} checks");
    scene.confirm();
    let from_store = cancel_at_every_check(&scene, SECOND, scene_current(&scene), 1, 3);
    assert!(from_store >= 5, "{from_store} checks");
    undisturbed.apply(FIRST);
    undisturbed.confirm();
    undisturbed.apply(SECOND);
    assert_eq!(states(&scene).len(), 3);
    assert_eq!(states(&scene), states(&undisturbed));
}

fn scene_current(scene: &Scene) -> u64 {
    let view = HomeView::read(&scene.home(), scene.environment()).unwrap();
    view.state().current.unwrap().number()
}

#[test]
fn several_workers_are_cancelled_too() {
    let scene = Scene::adopted();
    assert!(cancel_at_every_check(&scene, FIRST, 1, 3, 4) >= 3);
    scene.verify();
}

/// Cancels as soon as a record was acknowledged.
struct CancelsAt<'c>(&'static str, &'c Cancellation);

impl TelemetrySink for CancelsAt<'_> {
    fn emit(&mut self, event: &TelemetryEvent) {
        if event.event == self.0 {
            self.1.cancel(BY);
        }
    }
}

#[test]
fn what_is_on_record_as_done_is_not_cancelled_any_more() {
    let scene = Scene::adopted();
    for record in ["AUTHORIZED", "PREPARED", "QUIESCED", "SEALED"] {
        let cancellation = Cancellation::new();
        let engine = engine(1, cancellation.clone());
        let applied = apply(&scene, FIRST, &engine, &mut CancelsAt(record, &cancellation));
        assert_undone(&scene, &applied.unwrap_err(), 1);
    }
    let cancellation = Cancellation::new();
    let engine = engine(1, cancellation.clone());
    let applied = apply(&scene, FIRST, &engine, &mut CancelsAt("ACTIVATED", &cancellation));
    let applied = applied.unwrap().unwrap();
    assert!(cancellation.check().is_err());
    assert_eq!(applied.to.number(), scene_current(&scene));
    assert_eq!(applied.summary.bytes_read.map(|read| read > 0), Some(true), "told as any is");
    scene.verify();
}

#[test]
fn to_verify_is_cancelled_and_is_no_problem_of_what_is_verified() {
    let scene = Scene::upgraded(FIRST);
    for nth in [1, 2, 4] {
        let engine = engine(1, Cancellation::at_check(nth, BY));
        let environment = Environment { engine: &engine, ..scene.environment() };
        let mut telemetry = NoTelemetry;
        let home = Home::open(&scene.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
        let error = home.verify(&mut |_| {}).expect_err("it was verified to its end");
        assert_eq!(error.name(), "cancelled", "{error}");
        assert!(matches!(error.condition(), Condition::Unchanged(Some(_))), "{error}");
    }
    scene.verify();
}

#[test]
fn an_adoption_that_is_cancelled_can_be_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let request = AdoptRequest {
        source: directory.path().join("installation"),
        home: directory.path().join("home"),
        assumed: None,
        runtime: None,
        lock_timeout: Duration::ZERO,
    };
    let options = femtoclaw_catalogue::sample::SampleOptions::default();
    femtoclaw_catalogue::sample::write_sample_home(&request.source, &options).unwrap();
    let scene = Scene::adopted();
    let mut cancelled = 0;
    for nth in (1..MOST_CHECKS).step_by(7) {
        let engine = engine(1, Cancellation::at_check(nth, BY));
        let environment =
            Environment { engine: &engine, catalogue: &FemtoClaw, ..scene.environment() };
        match upgrade::adopt(&request, environment, &mut NoTelemetry, &mut |_| {}) {
            Ok(adopted) => {
                let sealed = adopted.generation.manifest().logical();
                let other = scene.with(|home| Ok(home.generation(None)?.manifest().logical()));
                assert_eq!(sealed, other);
                assert!(cancelled >= 2, "{cancelled}");
                return;
            }
            Err(error) => {
                assert_eq!(error.name(), "cancelled", "{error}");
                let view = HomeView::read(&request.home, scene.environment()).unwrap();
                assert_eq!((view.state().current, &view.state().attempt), (None, &None));
                cancelled += 1;
            }
        }
    }
    panic!("it was never adopted");
}
