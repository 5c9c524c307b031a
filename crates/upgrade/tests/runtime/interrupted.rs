//! An upgrade that is killed leaves exactly the old state or exactly the new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use integrity::TreeSeal;
use journal::RECORDS_FILE;
use upgrade::lifecycle::Phase;
use upgrade::{Event, HomeView, Record};
use versioning::GenerationNumber;

use crate::support::{Scene, append_copies, copy};

const OLD: &str = "2.0.0-rc.1";
const NEW: &str = "2.0.0";

fn records(scene: &Scene) -> Vec<Record> {
    HomeView::read(&scene.home(), scene.environment()).unwrap().records().to_vec()
}

/// The names in the directory of the generations.
fn generations(scene: &Scene) -> Vec<String> {
    let entries = fs::read_dir(scene.home().join("generations")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The first records of a journal, and so many bytes of the next.
fn cut(bytes: &[u8], lines: usize, more: usize) -> Vec<u8> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let end = ends.take(lines).last().unwrap() + more;
    let mut cut = bytes[..end].to_vec();
    cut.resize(bytes.len(), b'\n');
    cut
}

/// How far the next generation was built when the kill came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Built {
    Nothing,
    /// So many files of it lie in staging.
    Staged(usize),
    /// It has its name.
    Renamed,
}

/// What a kill leaves that came when so much of the journal was written.
fn killed(start: &Scene, built: &Scene, journal: &[u8], progress: Built) -> Scene {
    let killed = start.killed();
    let name = if progress == Built::Renamed { "3" } else { ".staging-3" };
    let place = killed.home().join("generations").join(name);
    if progress != Built::Nothing {
        copy(&built.home().join("generations/3"), &place);
    }
    if let Built::Staged(keep) = progress {
        for path in files(&place).split_off(keep) {
            fs::remove_file(place.join(path)).unwrap();
        }
    }
    fs::write(killed.home().join("journal").join(RECORDS_FILE), journal).unwrap();
    if built.home().join("seals").exists() {
        copy(&built.home().join("seals"), &killed.home().join("seals"));
    }
    killed
}

fn files(directory: &Path) -> Vec<String> {
    let seal = TreeSeal::of_tree(directory, |_| false).unwrap();
    seal.iter().map(|(path, _)| path.to_owned()).collect()
}

// trace: test FC-1.1 FC-5.2 FC-7.1 FC-7.2.1 FC-7.2.2 FC-7.3 FC-16.2.3 FC-28.2 FC-29.1.4
#[test]
fn a_kill_at_any_record_of_an_upgrade_leaves_exactly_the_old_or_exactly_the_new() {
    let start = Scene::upgraded(OLD);
    start.confirm();
    start.booted(OLD, |booted| append_copies(booted, "audit", 3));
    let built = start.killed();
    built.apply(NEW);
    let (before, after) = (records(&start).len(), records(&built));
    let current = |scene: &Scene| {
        let report = scene.verify();
        let found = report.generations.into_iter().find(|found| found.current).unwrap();
        (found.generation, found.logical.unwrap())
    };
    let (old, new) = (current(&start), current(&built));
    assert_ne!(old, new);
    let bytes = fs::read(built.home().join("journal").join(RECORDS_FILE)).unwrap();
    for lines in before..=after.len() {
        let has = |name| after[..lines].iter().skip(before).any(|r| r.event.name() == name);
        let progress = match (has("SEALED"), has("PREPARED")) {
            (true, _) => vec![Built::Renamed],
            (false, true) => vec![Built::Staged(3), Built::Renamed],
            (false, false) => vec![Built::Nothing],
        };
        for (progress, more) in progress.into_iter().flat_map(|built| [(built, 0), (built, 40)]) {
            let what = format!("{lines} records, {more} bytes, {progress:?}");
            let killed = killed(&start, &built, &cut(&bytes, lines, more), progress);
            let phase = killed.with(|home| Ok(home.state().phase));
            assert_eq!(phase, Phase::Idle, "{what}");
            let completed = lines == after.len();
            assert_eq!(current(&killed), if completed { new } else { old }, "{what}");
            let names: &[&str] = if completed { &["1", "2", "3"] } else { &["1", "2"] };
            assert_eq!(generations(&killed), names, "{what}");
            let last = records(&killed).pop().unwrap().event;
            let ended = matches!(last, Event::Activated { .. } | Event::Aborted { .. });
            assert!(ended || lines == before, "{what}: {last:?}");
        }
    }
}

// trace: test FC-7.2.1 FC-16.3 FC-19.2
#[test]
fn what_was_interrupted_is_made_again_and_leads_to_the_same() {
    let start = Scene::upgraded(OLD);
    start.confirm();
    let built = start.killed();
    built.apply(NEW);
    let bytes = fs::read(built.home().join("journal").join(RECORDS_FILE)).unwrap();
    let killed =
        killed(&start, &built, &cut(&bytes, records(&built).len() - 1, 40), Built::Renamed);
    killed.apply(NEW);
    let state = |scene: &Scene| {
        let report = scene.verify();
        let found = report.generations.into_iter().find(|found| found.current).unwrap();
        (found.generation, found.logical.unwrap().state)
    };
    assert_eq!(state(&killed), (GenerationNumber::new(4), state(&built).1));
    assert!(!killed.home().join("generations/3").exists());
}
