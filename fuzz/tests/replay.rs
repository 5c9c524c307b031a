//! The corpora and mutations of them, on the stable compiler.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use fuzz::Outcome;
use fuzz::mutation::{Numbers, mutate};
use fuzz::seeds::{self, TARGETS, Target};

/// Mutations of each target, spread over its corpus.
const MUTATIONS: u64 = 400;

/// Fewest files of a corpus.
const FEWEST_SEEDS: usize = 5;

fn corpus_of(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(seeds::corpus().join(target.name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_committed_seed_is_what_the_formats_are_now() {
    for (name, bytes) in seeds::all() {
        let found = fs::read(seeds::corpus().join(&name)).unwrap_or_default();
        assert!(found == bytes, "{name} is old: cargo run -p fuzz --example write_seeds");
    }
}

#[test]
fn every_file_of_the_corpora_keeps_the_promises_and_some_are_accepted_and_some_refused() {
    for target in &TARGETS {
        let corpus = corpus_of(target);
        let outcomes: BTreeSet<_> = corpus.iter().map(|(_, bytes)| (target.run)(bytes)).collect();
        let both = BTreeSet::from([Outcome::Accepted, Outcome::Refused]);
        assert_eq!(outcomes, both, "{}: all {} seeds are alike", target.name, corpus.len());
    }
}

/// A search begins at the seeds: what none of them has takes long to come by.
#[test]
fn every_target_has_a_corpus_of_several_different_files_and_every_corpus_a_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let found = fs::read_dir(seeds::corpus()).unwrap();
    let found = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), names);
    assert_eq!(names.len(), TARGETS.len());
    for target in &TARGETS {
        let different: BTreeSet<_> = corpus_of(target).into_iter().map(|(_, it)| it).collect();
        assert!(different.len() >= FEWEST_SEEDS, "{}: {} seeds", target.name, different.len());
        assert_eq!(
            different.len(),
            corpus_of(target).len(),
            "{}: a seed is there twice",
            target.name
        );
    }
}

#[test]
fn mutations_keep_the_promises_and_are_neither_all_accepted_nor_all_refused() {
    for target in &TARGETS {
        let corpus = corpus_of(target);
        let mut outcomes = BTreeSet::new();
        let mut numbers = Numbers::new(1);
        for number in 0..MUTATIONS {
            let (_, seed) = &corpus[number as usize % corpus.len()];
            let mutated = mutate(seed, &mut numbers);
            outcomes.insert((target.run)(&mutated));
            outcomes.insert((target.run)(&(target.repair)(&mutated)));
        }
        assert_eq!(outcomes.len(), 2, "{}: every mutation was {outcomes:?}", target.name);
    }
}

#[test]
fn every_target_has_a_binary() {
    let targets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    for target in &TARGETS {
        assert!(targets.join(format!("{}.rs", target.name)).is_file(), "{}", target.name);
    }
    assert_eq!(fs::read_dir(targets).unwrap().count(), TARGETS.len());
}
