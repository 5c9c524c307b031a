//! A new generation on trial: starts are counted, and one that does not prove itself is left by itself.

use std::fs;
use std::path::{Path, PathBuf};

use journal::{Authority, Event, RECORDS_FILE, RESERVE_BYTES, WITNESS_FILE};
use upgrade::lifecycle::{Fate, HomeState, Standing};
use upgrade::{Cause, Digest, Error, HomeView, NoTelemetry, Record};
use versioning::GenerationNumber;

use crate::count;
use crate::support::{Scene, append_copies};

const OLD: &str = "2.0.0-rc.1";
const NEW: &str = "2.0.0";

/// Generation 2 ([`OLD`], confirmed, written to, with its binary), generation 3 ([`NEW`], on trial).
fn on_trial() -> Scene {
    let scene = Scene::adopted();
    let binary = scene.home().with_file_name("binary");
    fs::write(&binary, "a runtime").unwrap();
    scene.apply_with(OLD, Some(binary));
    scene.confirm();
    scene.booted(OLD, |booted| append_copies(booted, "audit", 3));
    scene.apply(NEW);
    scene
}

/// Starts, and is killed.
fn crash(scene: &Scene) {
    drop(scene.boot(NEW, &mut NoTelemetry).unwrap());
}

fn without_tries() -> Scene {
    let scene = on_trial();
    (0..3).for_each(|_| crash(&scene));
    assert_eq!(left(&scene), Some(0));
    scene
}

fn state(scene: &Scene) -> HomeState {
    HomeView::read(&scene.home(), scene.environment()).unwrap().state().clone()
}

fn records(scene: &Scene) -> Vec<Record> {
    HomeView::read(&scene.home(), scene.environment()).unwrap().records().to_vec()
}

fn left(scene: &Scene) -> Option<u32> {
    match state(scene).standing {
        Standing::Trial { left, .. } => Some(left),
        Standing::Confirmed => None,
    }
}

fn content(scene: &Scene, generation: u64) -> Digest {
    let report = scene.verify();
    let number = GenerationNumber::new(generation);
    report
        .generations
        .iter()
        .find(|found| found.generation == number)
        .unwrap()
        .logical
        .unwrap()
        .content
}

fn refused(scene: &Scene, version: &str) -> (&'static str, u8) {
    let error = scene.refused(version, scene.environment());
    (error.name(), error.exit_code())
}

/// The files of a journal.
fn journal(scene: &Scene) -> [PathBuf; 2] {
    [RECORDS_FILE, WITNESS_FILE].map(|file| scene.home().join("journal").join(file))
}

fn is_current(scene: &Scene, generation: u64) {
    assert_eq!(state(scene).current, Some(GenerationNumber::new(generation)));
}

// trace: test FC-28.1.1
#[test]
fn every_start_is_counted_before_the_runtime_has_the_home() {
    let scene = on_trial();
    for expected in [2, 1, 0] {
        let mut telemetry = NoTelemetry;
        let booted = scene.boot(NEW, &mut telemetry).unwrap();
        let standing = Standing::Trial { tries: 3, left: expected, running: true };
        assert_eq!(booted.standing(), standing);
        assert_eq!(left(&scene.killed()), Some(expected), "a kill does not give it back");
        let status = HomeView::read(&scene.home(), scene.environment()).unwrap().status();
        let current = status.generations.iter().find(|found| found.current).unwrap();
        assert_eq!((current.standing, current.tries), ("trial", Some(3)));
        assert_eq!(current.tries_left, Some(expected));
    }
}

#[test]
fn a_start_that_is_refused_is_no_try() {
    let scene = on_trial();
    assert_eq!(refused(&scene, OLD), ("wrong-runtime", 3));
    let configuration = scene.home().join("generations/3/config/femtoclaw.toml");
    let sealed = fs::read(&configuration).unwrap();
    fs::write(&configuration, "no longer").unwrap();
    assert_eq!(refused(&scene, NEW), ("integrity-violated", 6));
    fs::write(&configuration, sealed).unwrap();
    assert_eq!(left(&scene), Some(3));
}

#[test]
fn a_clean_stop_gives_the_try_back_and_a_crash_does_not() {
    let scene = on_trial();
    for _ in 0..5 {
        let mut telemetry = NoTelemetry;
        let booted = scene.boot(NEW, &mut telemetry).unwrap();
        booted.open_store().unwrap().close().unwrap();
        booted.stop().unwrap();
        assert_eq!(left(&scene), Some(3));
    }
    crash(&scene);
    scene.boot(NEW, &mut NoTelemetry).unwrap().stop().unwrap();
    assert_eq!(left(&scene), Some(2));
}

#[test]
fn nobody_has_stopped_who_has_the_store_open() {
    let scene = on_trial();
    for end in ["stop", "fail"] {
        let mut telemetry = NoTelemetry;
        let booted = scene.boot(NEW, &mut telemetry).unwrap();
        let store = booted.open_store().unwrap();
        let before = records(&scene);
        let ended = if end == "stop" { booted.stop() } else { booted.fail("").map(|_| ()) };
        let error = ended.expect_err("the store is open");
        assert_eq!((error.name(), error.exit_code()), ("store-in-use", 9));
        assert_eq!(records(&scene), before);
        drop(store);
    }
    assert_eq!(left(&scene), Some(1));
}

#[test]
fn a_confirmed_generation_is_started_as_often_as_anybody_likes() {
    let scene = on_trial();
    crash(&scene);
    let mut telemetry = NoTelemetry;
    let mut booted = scene.boot(NEW, &mut telemetry).unwrap();
    booted.confirm().unwrap();
    booted.stop().unwrap();
    let before = records(&scene);
    (0..4).for_each(|_| crash(&scene));
    scene.boot(NEW, &mut NoTelemetry).unwrap().stop().unwrap();
    // The first start takes the seal of the store away, and the stop makes it anew; nothing else is of interest any more.
    let after = records(&scene);
    let more: Vec<&str> =
        after.iter().skip(before.len()).map(|record| record.event.name()).collect();
    assert_eq!(more, ["STARTED", "CLOSED"]);
    let error = scene.boot(NEW, &mut NoTelemetry).unwrap().fail("it does not please");
    assert_eq!(error.expect_err("it was left").name(), "not-on-trial");
    is_current(&scene, 3);
}

// trace: test FC-28.1.1
#[test]
fn without_tries_the_home_goes_back_by_itself_and_nothing_is_lost() {
    let scene = without_tries();
    let before = content(&scene, 2);
    scene.with(|home| {
        let generation = home.generation(None)?;
        assert_eq!(upgrade::runtime_binary(&generation), None);
        Ok(())
    });
    let abandoned = count(&scene.verify(), 3);
    let error = scene.refused(NEW, scene.environment());
    assert_eq!((error.name(), error.exit_code()), ("trial-failed", 7));
    let binary = scene.home().join("generations/2/runtime/runtime");
    assert_eq!(fs::read_to_string(&binary).unwrap(), "a runtime");
    assert_eq!(error.next(), format!("Start runtime {OLD}: {}.", binary.display()));
    let text = error.to_string();
    assert!(text.contains("generation 2 (2.0.0-rc.1) is current again"), "{text}");
    let state = state(&scene);
    assert_eq!(state.current, Some(GenerationNumber::new(2)));
    assert_eq!(state.generations[&GenerationNumber::new(3)].fate, Fate::Bad);
    assert_eq!((content(&scene, 2), count(&scene.verify(), 3)), (before, abandoned));
    let records = records(&scene);
    // Of what a runtime left that crashed there is no seal: it is kept, and not read.
    let [.., authorized, reverted] = records.as_slice() else { panic!("{records:?}") };
    assert!(
        matches!(authorized.event, Event::Authorized { authority: Authority::Standing, .. }),
        "{authorized:?}"
    );
    assert!(
        matches!(&reverted.event, Event::Reverted { reason, .. } if reason == "no tries left"),
        "{reverted:?}"
    );
    // Whoever does not listen is refused, and the old runtime starts, without being on trial.
    for _ in 0..4 {
        assert_eq!(refused(&scene, NEW), ("wrong-runtime", 3));
        scene.booted(OLD, |booted| assert_eq!(booted.standing(), Standing::Confirmed));
    }
}

#[test]
fn whoever_starts_when_no_try_is_left_hears_of_it_the_old_runtime_too() {
    let scene = without_tries();
    assert_eq!(refused(&scene, OLD), ("trial-failed", 7));
    scene.booted(OLD, |_| ());
}

#[test]
fn the_generation_that_is_left_need_not_be_readable() {
    let scene = without_tries();
    fs::remove_dir_all(scene.home().join("generations/3/store")).unwrap();
    fs::write(scene.home().join("generations/3/manifest.json"), "rot").unwrap();
    assert_eq!(refused(&scene, NEW), ("trial-failed", 7));
    scene.booted(OLD, |_| ());
}

#[test]
fn back_at_an_adopted_generation_the_installation_itself_is_what_starts() {
    let scene = Scene::upgraded(NEW);
    (0..3).for_each(|_| crash(&scene));
    let error = scene.refused(NEW, scene.environment());
    assert_eq!((error.name(), error.exit_code()), ("trial-failed", 7));
    assert!(error.next().starts_with("Start the installation of 1.0.3"), "{}", error.next());
    is_current(&scene, 1);
}

#[test]
fn when_the_old_generation_fails_as_well_nothing_starts_and_nothing_alternates() {
    let scene = without_tries();
    for damaged in ["generations/2/config/femtoclaw.toml", "generations/2/store/0.jnl"] {
        let path = scene.home().join(damaged);
        let intact = fs::read(&path).unwrap();
        fs::write(&path, [intact.as_slice(), b"rot"].concat()).unwrap();
        let before = journal(&scene).map(|file| fs::read(file).unwrap());
        for version in [NEW, NEW, OLD, NEW] {
            let error = scene.refused(version, scene.environment());
            assert_eq!((error.name(), error.exit_code()), ("halted", 8), "{damaged}");
            assert!(error.to_string().contains("no going back to generation 2"), "{error}");
            assert_eq!(journal(&scene).map(|file| fs::read(file).unwrap()), before);
            is_current(&scene, 3);
        }
        fs::write(&path, intact).unwrap();
    }
    // As the error says: once it is restored, the next start goes back.
    let decided = scene.killed();
    assert_eq!(refused(&scene, NEW), ("trial-failed", 7));
    // Or somebody decides for the new one.
    decided.confirm();
    crash(&decided);
}

// trace: test FC-15.4
#[test]
fn a_reported_failure_goes_back_at_once() {
    let scene = on_trial();
    let before = content(&scene, 2);
    let booted = scene.boot(NEW, &mut NoTelemetry).unwrap().fail("the model does not answer");
    let outcome = booted.unwrap();
    assert_eq!((outcome.from, outcome.to), (GenerationNumber::new(3), GenerationNumber::new(2)));
    let last = records(&scene).pop().unwrap();
    assert!(
        matches!(&last.event, Event::Reverted { reason, .. } if reason == "the model does not answer")
    );
    assert_eq!(content(&scene, 2), before);
    scene.booted(OLD, |_| ());
}

#[test]
fn a_reported_failure_halts_if_the_old_generation_fails_as_well() {
    let scene = on_trial();
    fs::remove_file(scene.home().join("generations/2/manifest.json")).unwrap();
    let mut telemetry = NoTelemetry;
    let booted = scene.boot(NEW, &mut telemetry).unwrap();
    let before = records(&scene);
    let error: Error = booted.fail("the model does not answer").expect_err("it went back");
    assert!(
        matches!(error.cause(), Cause::Halted { why, .. } if why.name() == "integrity-violated")
    );
    assert_eq!((records(&scene), left(&scene)), (before, Some(2)), "the try stays spent");
}

/// A journal as a kill leaves it behind a record that was written and not acknowledged, and in the middle of the next.
fn cut(bytes: &[u8], lines: usize, more: usize) -> Vec<u8> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let end = ends.take(lines).last().unwrap() + more;
    let mut cut = bytes[..end].to_vec();
    cut.resize(bytes.len(), b'\n');
    cut
}

// trace: test FC-15.3 FC-16.3
#[test]
fn a_kill_at_any_record_of_going_back_leaves_what_the_next_start_completes() {
    let scene = without_tries();
    let start = scene.killed();
    assert_eq!(refused(&scene, NEW), ("trial-failed", 7));
    let (before, after) = (records(&start), records(&scene));
    let bytes = fs::read(&journal(&scene)[0]).unwrap();
    for lines in before.len()..=after.len() {
        for more in [0, 40] {
            let killed = start.killed();
            fs::write(&journal(&killed)[0], cut(&bytes, lines, more)).unwrap();
            let complete = lines == after.len();
            let expected = if complete { ("wrong-runtime", 3) } else { ("trial-failed", 7) };
            assert_eq!(refused(&killed, NEW), expected, "{lines} lines and {more} bytes");
            is_current(&killed, 2);
            killed.booted(OLD, |_| ());
            killed.verify();
        }
    }
}

#[test]
fn a_kill_while_a_start_is_counted_counts_it_or_does_not() {
    let start = on_trial();
    let scene = start.killed();
    crash(&scene);
    let bytes = fs::read(&journal(&scene)[0]).unwrap();
    let (before, after) = (records(&start).len(), records(&scene).len());
    assert_eq!(after, before + 2, "STARTED and TRIED");
    for lines in before..=after {
        for more in [0, 40] {
            let killed = start.killed();
            fs::write(&journal(&killed)[0], cut(&bytes, lines, more)).unwrap();
            crash(&killed);
            let counted = u32::from(lines == after);
            assert_eq!(left(&killed), Some(2 - counted), "{lines} lines and {more} bytes");
        }
    }
}

#[test]
fn a_start_does_not_use_up_the_space_that_going_back_needs() {
    let scene = on_trial();
    let path = &journal(&scene)[0];
    let size = || fs::metadata(path).unwrap().len();
    let used = || {
        let bytes = fs::read(path).unwrap();
        bytes.iter().rposition(|byte| *byte != b'\n').unwrap() as u64
    };
    let cut_to = |reserved: u64| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(used() + reserved).unwrap();
    };
    cut_to(RESERVE_BYTES as u64);
    let mut telemetry = NoTelemetry;
    let booted = scene.boot(NEW, &mut telemetry).unwrap();
    assert!(size() - used() >= RESERVE_BYTES as u64);
    cut_to(RESERVE_BYTES as u64);
    drop(booted);
    crash(&scene);
    assert!(size() - used() >= RESERVE_BYTES as u64);
}

/// The records of a committed journal.
fn fixture(name: &str) -> HomeState {
    let directory = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    fs::copy(path, directory.path().join(RECORDS_FILE)).unwrap();
    HomeState::replay(&journal::read_without_witness(directory.path()).unwrap()).unwrap()
}

#[test]
fn a_journal_from_before_starts_were_counted_has_all_its_tries() {
    let state = fixture("journal-before-tries.jsonl");
    assert_eq!(state.standing, Standing::Trial { tries: 3, left: 3, running: false });
    assert!(state.current_generation().unwrap().1.started);
}

#[test]
fn a_journal_with_tries_is_read_as_it_was_written() {
    let state = fixture("journal-with-tries.jsonl");
    assert_eq!(state.standing, Standing::Confirmed);
    assert_eq!(state.current, Some(GenerationNumber::FIRST));
    assert_eq!(state.generations[&GenerationNumber::new(2)].fate, Fate::Bad);
    assert_eq!(state.authority, Some(Authority::Standing));
}
