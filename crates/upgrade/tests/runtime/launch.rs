//! A runtime that knows nothing of homes: what a launcher is given, what it says afterwards, and what is refused meanwhile.

use std::fs;
use std::os::fd::AsFd;

use upgrade::lifecycle::{Fate, Standing};
use upgrade::{
    Authorization, Cause, Condition, Error, HomeView, Launch, Part, RecoverRequest, Request,
};
use upgrade::{Digest, NoTelemetry};
use versioning::GenerationNumber;

use crate::support::{Scene, append_copies};

const OLD: &str = "2.0.0-rc.1";
const NEW: &str = "2.0.0";

fn generation(number: u64) -> GenerationNumber {
    GenerationNumber::new(number)
}

/// Generation 2 ([`OLD`], confirmed), generation 3 ([`NEW`], on trial), each with its binary.
fn on_trial() -> Scene {
    let scene = Scene::adopted();
    let binary = scene.home().with_file_name("binary");
    for version in [OLD, NEW] {
        fs::write(&binary, version).unwrap();
        scene.apply_with(version, Some(binary.clone()));
        if version == OLD {
            scene.confirm();
        }
    }
    scene
}

fn launch(scene: &Scene) -> Launch {
    scene.with(|home| home.launch())
}

fn refused<T: std::fmt::Debug>(
    scene: &Scene,
    act: impl FnOnce(&mut upgrade::Home<'_>) -> upgrade::Result<T>,
) -> Error {
    scene.with(|home| Ok(act(home).expect_err("it was done")))
}

fn events(scene: &Scene) -> Vec<&'static str> {
    let view = HomeView::read(&scene.home(), scene.environment()).unwrap();
    view.records().iter().map(|record| record.event.name()).collect()
}

fn standing(scene: &Scene) -> Standing {
    HomeView::read(&scene.home(), scene.environment()).unwrap().state().standing
}

fn current(scene: &Scene) -> GenerationNumber {
    HomeView::read(&scene.home(), scene.environment()).unwrap().state().current.unwrap()
}

// trace: test FC-28.1.1
#[test]
fn a_launch_is_counted_before_anything_is_given_and_a_clean_stop_gives_it_back() {
    let scene = on_trial();
    let before = events(&scene).len();
    let launched = launch(&scene);
    assert_eq!(launched.generation().number(), generation(3));
    assert_eq!(launched.versions().runtime.to_string(), NEW);
    assert_eq!(fs::read_to_string(launched.binary()).unwrap(), NEW);
    assert!(launched.path(Part::Store).is_dir());
    assert_eq!(launched.returned_from(), None);
    let running = Standing::Trial { tries: 3, left: 2, running: true };
    assert_eq!((launched.standing(), standing(&scene)), (running, running));
    assert_eq!(events(&scene)[before..], ["STARTED", "TRIED"]);
    drop(launched);
    scene.with(|home| home.stopped(generation(3)));
    assert_eq!(standing(&scene), Standing::Trial { tries: 3, left: 3, running: false });
    assert_eq!(events(&scene)[before + 2..], ["STOPPED", "CLOSED"]);
    // The next start is held to the seal that was made.
    fs::write(scene.home().join("generations/3/store/stray"), "").unwrap();
    assert_eq!(refused(&scene, |home| home.launch()).name(), "integrity-violated");
}

// trace: test FC-16.1
#[test]
fn a_try_that_was_given_back_is_no_home_that_is_unchanged() {
    let scene = on_trial();
    drop(launch(&scene));
    let before = events(&scene).len();
    let seals = scene.home().join("seals");
    // Put there once the home is open: a home that looks like that is not opened.
    let stopped = || {
        refused(&scene, |home| {
            let _ = fs::remove_dir_all(&seals);
            fs::write(&seals, "in the way").unwrap();
            let stopped = home.stopped(generation(3));
            fs::remove_file(&seals).unwrap();
            stopped
        })
    };
    let error = stopped();
    assert_eq!(events(&scene)[before..], ["STOPPED"]);
    let now = Some((generation(3), NEW.parse().unwrap()));
    assert_eq!(*error.condition(), Condition::Partly(now.clone()), "{error}");
    // Tried again, it fails of the same, and this time nothing has changed.
    assert_eq!(*stopped().condition(), Condition::Unchanged(now));
    scene.with(|home| home.stopped(generation(3)));
    assert_eq!(events(&scene)[before..], ["STOPPED", "CLOSED"]);
}

#[test]
fn what_is_only_checked_is_no_start() {
    let scene = on_trial();
    let before = events(&scene);
    let checked = scene.with(|home| home.check_launch());
    assert_eq!(fs::read_to_string(checked.binary()).unwrap(), NEW);
    drop(checked);
    assert_eq!(events(&scene), before);
    scene.booted(NEW, |_| ());
}

// trace: test FC-16.1
#[test]
fn while_a_runtime_runs_nothing_is_done_to_its_generation_and_it_can_be_confirmed() {
    let scene = on_trial();
    let launched = launch(&scene);
    // The launcher is gone; the runtime has what it inherited.
    let inherited = launched.running().as_fd().try_clone_to_owned().unwrap();
    drop(launched);
    let in_use = |error: Error| {
        assert_eq!((error.name(), error.exit_code()), ("store-in-use", 9), "{error}");
    };
    let before = events(&scene);
    let authority = || Some(Authorization::development());
    in_use(refused(&scene, |home| home.rollback(None, authority(), "", &mut |_| {})));
    in_use(refused(&scene, |home| home.fail(generation(3), "", &mut |_| {})));
    in_use(refused(&scene, |home| home.launch()));
    in_use(refused(&scene, |home| home.stopped(generation(3))));
    in_use(refused(&scene, |home| home.verify(&mut |_| {})));
    in_use(refused(&scene, |home| {
        let current = home.generation(None)?;
        home.export(&current, &mut Vec::new())
    }));
    in_use(scene.refused(NEW, scene.environment()));
    assert_eq!(events(&scene), before);
    scene.confirm();
    let target = Request { target: Some("2.1.0".parse().unwrap()), ..Request::default() };
    in_use(refused(&scene, |home| home.apply(&target, None, authority(), &mut |_| {})));
    drop(inherited);
    assert_eq!(current(&scene), generation(3));
    scene.with(|home| home.stopped(generation(3)));
    scene.apply("2.1.0");
}

// trace: test FC-16.3
#[test]
fn what_runs_is_not_taken_away_where_the_journal_is_lost() {
    let scene = on_trial();
    scene.confirm();
    let launched = launch(&scene);
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    let recover = || {
        let request = RecoverRequest {
            home: scene.home(),
            generation: Some(generation(2)),
            lock_timeout: std::time::Duration::ZERO,
        };
        let authority = Some(Authorization::development());
        upgrade::recover(&request, scene.environment(), &mut NoTelemetry, authority, &mut |_| {})
            .map(|home| home.state().current)
    };
    let error = recover().expect_err("another generation was made current under a runtime");
    assert_eq!((error.name(), error.exit_code()), ("store-in-use", 9));
    assert!(!scene.home().join("journal").exists());
    drop(launched);
    assert_eq!(recover().unwrap(), Some(generation(2)));
}

#[test]
fn a_launch_that_is_refused_is_no_try() {
    let scene = on_trial();
    let binary = scene.home().join("generations/3/runtime/runtime");
    let intact = fs::read(&binary).unwrap();
    fs::write(&binary, "2.0.1").unwrap();
    let before = events(&scene);
    let error = refused(&scene, |home| home.launch());
    assert_eq!((error.name(), error.exit_code()), ("integrity-violated", 6));
    assert_eq!(events(&scene), before);
    fs::write(&binary, intact).unwrap();
    launch(&scene);
}

#[test]
fn what_brings_no_runtime_and_what_was_adopted_are_not_launched() {
    let scene = Scene::upgraded(NEW);
    let error = refused(&scene, |home| home.launch());
    assert_eq!((error.name(), error.exit_code()), ("no-runtime", 1));
    assert!(error.next().contains("apply --runtime"), "{error}");
    let scene = Scene::adopted();
    let error = refused(&scene, |home| home.launch());
    assert_eq!((error.name(), error.exit_code()), ("incompatible", 3));
}

// trace: test FC-28.1.1
#[test]
fn a_launch_that_crashes_spends_its_try_and_the_last_one_goes_back_at_once() {
    let scene = on_trial();
    for left in [2, 1] {
        drop(launch(&scene));
        scene.with(|home| home.crashed(generation(3)));
        assert_eq!(standing(&scene), Standing::Trial { tries: 3, left, running: true });
    }
    drop(launch(&scene));
    let error = refused(&scene, |home| home.crashed(generation(3)));
    assert_eq!((error.name(), error.exit_code()), ("trial-failed", 7));
    let binary = scene.home().join("generations/2/runtime/runtime");
    assert_eq!(error.next(), format!("Start runtime {OLD}: {}.", binary.display()));
    // What is launched then knows that there is nothing further back.
    let launched = launch(&scene);
    assert_eq!(launched.generation().number(), generation(2));
    assert_eq!(launched.returned_from(), Some(generation(3)));
    assert_eq!(launched.standing(), Standing::Confirmed);
    drop(launched);
    scene.with(|home| home.crashed(generation(2)));
    assert_eq!(current(&scene), generation(2));
}

// trace: test FC-28.1.1
#[test]
fn a_launch_without_tries_goes_back_instead_and_halts_where_there_is_no_way_back() {
    let scene = on_trial();
    (0..3).for_each(|_| drop(launch(&scene)));
    let configuration = scene.home().join("generations/2/config/femtoclaw.toml");
    let intact = fs::read(&configuration).unwrap();
    fs::write(&configuration, "rot").unwrap();
    for _ in 0..2 {
        let before = events(&scene);
        let error = refused(&scene, |home| home.launch());
        assert_eq!((error.name(), error.exit_code()), ("halted", 8));
        assert_eq!((events(&scene), current(&scene)), (before, generation(3)));
    }
    fs::write(&configuration, intact).unwrap();
    let error = refused(&scene, |home| home.check_launch());
    assert_eq!((error.name(), error.exit_code()), ("trial-failed", 7));
    assert_eq!(current(&scene), generation(2));
}

#[test]
fn a_launch_that_does_not_work_goes_back_at_once_and_says_why() {
    let scene = on_trial();
    drop(launch(&scene));
    let error = scene.with(|home| Ok(home.failed(generation(3), "it does not answer")));
    assert_eq!((error.name(), error.exit_code()), ("trial-failed", 7));
    assert!(error.to_string().contains("failed its trial (it does not answer)"), "{error}");
    assert!(matches!(error.cause(), Cause::TrialFailed(failure) if failure.to == generation(2)));
    let fate = scene.with(|home| Ok(home.state().generations[&generation(3)].fate));
    assert_eq!(fate, Fate::Bad);
    let confirmed = scene.with(|home| Ok(home.failed(generation(2), "neither does this")));
    assert_eq!(confirmed.name(), "not-on-trial");
    assert_eq!(current(&scene), generation(2));
}

#[test]
fn whoever_launched_another_generation_than_the_current_one_ends_nothing() {
    let scene = on_trial();
    let before = events(&scene);
    for error in [
        refused(&scene, |home| home.stopped(generation(2))),
        refused(&scene, |home| home.crashed(generation(2))),
        scene.with(|home| Ok(home.failed(generation(2), ""))),
    ] {
        assert_eq!(error.name(), "overtaken");
    }
    assert_eq!(events(&scene), before);
}

// trace: test FC-28.1.1
#[test]
fn a_release_that_was_left_is_not_taken_again_unless_it_is_asked_for() {
    let scene = Scene::adopted();
    let plan = |request: &Request| scene.with(|home| home.plan(request));
    let newest = plan(&Request::default()).to.versions.runtime;
    assert!(plan(&Request::default()).pinned.is_none());
    scene.apply(&newest.to_string());
    scene.rollback();
    let pinned = plan(&Request::default());
    assert!(pinned.is_nothing_to_do());
    let why = pinned.pinned.unwrap();
    assert_eq!(
        (&why.version, why.generation, why.reason.as_str()),
        (&newest, generation(2), "a test")
    );
    let authority = Some(Authorization::development());
    let applied = scene.with(|home| home.apply(&Request::default(), None, authority, &mut |_| {}));
    assert!(applied.is_none());
    let asked = plan(&Request { target: Some(newest.clone()), ..Request::default() });
    assert!(!asked.is_nothing_to_do() && asked.pinned.is_none());
    assert_eq!(asked.rolled_back, [generation(2)]);
    scene.apply(&newest.to_string());
    assert_eq!(current(&scene), generation(3));
}

#[test]
fn a_store_that_a_launched_runtime_wrote_to_is_migrated_and_comes_back() {
    let scene = on_trial();
    scene.confirm();
    scene.booted(NEW, |booted| append_copies(booted, "history", 2));
    drop(launch(&scene));
    scene.with(|home| home.stopped(generation(3)));
    let content = |scene: &Scene| -> Digest {
        let report = scene.verify();
        report.generations.iter().find(|found| found.current).unwrap().logical.unwrap().content
    };
    let before = content(&scene);
    scene.apply("2.1.0");
    scene.rollback();
    assert_eq!(content(&scene), before);
}
