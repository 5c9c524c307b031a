//! The writers of a runtime, which is stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use upgrade::lifecycle::StoreStanding;
use upgrade::{Cause, Closed, HomeView, NoTelemetry, NotDrained};

use crate::support::Scene;

const VERSION: &str = "2.0.0-rc.1";

fn is_sealed_anew(scene: &Scene) -> bool {
    let view = HomeView::read(&scene.home(), scene.environment()).unwrap();
    let (_, current) = view.state().current_generation().unwrap();
    matches!(current.store, StoreStanding::Closed { .. })
}

#[test]
fn a_runtime_that_is_stopped_waits_for_its_writers_and_takes_no_more() {
    let scene = Scene::upgraded(VERSION);
    let mut telemetry = NoTelemetry;
    let booted = scene.boot(VERSION, &mut telemetry).unwrap();
    let gate = booted.gate().clone();
    let (entered, has_entered) = channel();
    let has_written = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let pass = gate.enter().unwrap();
            entered.send(()).unwrap();
            // As long as it takes until somebody waits.
            while gate.clone().drain_within(std::time::Duration::ZERO) == Err(NotDrained::Inside) {
                let refused = thread::scope(|scope| scope.spawn(|| gate.enter().is_err()).join());
                if refused.unwrap() {
                    break;
                }
                thread::yield_now();
            }
            has_written.store(true, Ordering::SeqCst);
            drop(pass);
        });
        has_entered.recv().unwrap();
        booted.stop().unwrap();
        assert!(has_written.load(Ordering::SeqCst), "it was stopped under a writer");
    });
    assert!(is_sealed_anew(&scene));
    assert_eq!(gate.enter().err(), Some(Closed));
    scene.verify();
}

#[test]
fn a_writer_cannot_stop_the_runtime_that_waits_for_it() {
    let scene = Scene::upgraded(VERSION);
    let mut telemetry = NoTelemetry;
    let booted = scene.boot(VERSION, &mut telemetry).unwrap();
    let gate = booted.gate().clone();
    let pass = gate.enter().unwrap();
    let error = booted.stop().expect_err("it waited for itself");
    assert!(matches!(error.cause(), Cause::NotDrained(NotDrained::Inside)), "{error}");
    assert_eq!((error.name(), error.exit_code()), ("writers-inside", 9));
    drop(pass);
    assert!(!is_sealed_anew(&scene), "a store was sealed that somebody writes to");
}

#[test]
fn a_runtime_that_has_failed_takes_no_more_writers_and_waits_for_none() {
    let scene = Scene::upgraded(VERSION);
    let mut telemetry = NoTelemetry;
    let booted = scene.boot(VERSION, &mut telemetry).unwrap();
    let gate = booted.gate().clone();
    let stuck = gate.enter().unwrap();
    booted.fail("a writer is stuck").unwrap();
    let other = thread::scope(|scope| scope.spawn(|| gate.enter().err()).join().unwrap());
    assert_eq!(other, Some(Closed));
    drop(stuck);
}
