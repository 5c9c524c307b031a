//! Every record of every generated home of every version survives every path and every path back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod installation;
mod originals;
mod records;
mod walk;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use serde_json::Value;

use installation::installation;
use records::Release;
use walk::{RELEASES, Tally, Walk};

/// An upgrade, and how often the runtime is started that it leads to.
#[derive(Debug, Clone)]
struct Step {
    release: &'static str,
    starts: u8,
}

/// Some upgrades, then some rollbacks.
#[derive(Debug, Clone)]
struct Leg {
    up: Vec<Step>,
    /// Whether the last of them is confirmed before it is left.
    confirmed: bool,
    back: u8,
}

fn leg(back: impl Strategy<Value = u8>) -> impl Strategy<Value = Leg> {
    let starts = prop_oneof![5 => Just(0_u8), 1 => Just(1_u8)];
    let up = (subsequence(RELEASES.to_vec(), 1..=3), [starts.clone(), starts.clone(), starts]);
    (up, any::<bool>(), back).prop_map(|((releases, starts), confirmed, back)| {
        let steps = releases.into_iter().zip(starts);
        let up = steps.map(|(release, starts)| Step { release, starts }).collect();
        Leg { up, confirmed, back }
    })
}

fn path() -> impl Strategy<Value = Vec<Leg>> {
    let again = prop::option::of(leg(0_u8..=1));
    (leg(0_u8..=3), again).prop_map(|(first, again)| [first].into_iter().chain(again).collect())
}

/// How many of the 1000 cases begin with one release.
const CASES: u32 = 500;

/// Where the seeds of failures are kept: beside this file, for whoever runs it next.
const SEEDS: FileFailurePersistence = FileFailurePersistence::WithSource("proptest-regressions");

/// Runs the property for a release; every tenth case twice.
// trace: impl FC-25.2.1
fn survives(release: Release, name: &'static str) {
    let config = ProptestConfig {
        cases: CASES,
        max_shrink_iters: 2000,
        source_file: Some(file!()),
        test_name: Some(name),
        failure_persistence: Some(Box::new(SEEDS)),
        ..ProptestConfig::default()
    };
    let tally = Cell::new(Tally::default());
    let twice = prop_oneof![9 => Just(false), 1 => Just(true)];
    let result = TestRunner::new(config).run(
        &(installation(release), path(), twice),
        |(installation, legs, twice)| {
            let walk = Walk::take(&installation, &legs);
            if twice {
                prop_assert_eq!(&walk.steps, &Walk::take(&installation, &legs).steps);
            }
            tally.set(tally.get().with(walk.tally));
            Ok(())
        },
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(tally.get().is_enough(), "{:?}", tally.get());
}

#[test]
fn every_record_of_1_0_0_survives_every_path_and_every_path_back() {
    survives(Release::First, "1.0.0");
}

// trace: test FC-25.2.1 FC-25.2.2
#[test]
fn every_record_of_1_0_3_survives_every_path_and_every_path_back() {
    survives(Release::Last, "1.0.3");
}

/// The same line with one byte more in the first original that counts, if one does.
fn altered(line: &Value) -> Option<Value> {
    let mut line = line.clone();
    let alter = |shown: &mut Value| {
        for name in ["original", "original_hex"] {
            if let Some(Value::String(text)) = shown.get_mut(name) {
                text.push_str("00");
                return true;
            }
        }
        false
    };
    let is_altered = match line.get_mut("testimonies").and_then(Value::as_array_mut) {
        Some(testimonies) => testimonies.iter_mut().any(alter),
        None => alter(&mut line),
    };
    is_altered.then_some(line)
}

// trace: test FC-25.2.1
#[test]
fn every_record_that_is_lost_altered_or_doubled_is_noticed() {
    let mut runner = TestRunner::deterministic();
    let up = RELEASES.map(|release| Step { release, starts: 1 }).to_vec();
    let legs = [Leg { up, confirmed: true, back: 1 }];
    let mut altered_lines = 0;
    for release in [Release::First, Release::Last].repeat(2) {
        let installation = installation(release).new_tree(&mut runner).unwrap().current();
        let walk = Walk::take(&installation, &legs);
        for (generation, exported) in &walk.exports {
            let text = std::str::from_utf8(exported).unwrap();
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let is_noticed = |at: usize, replaced: &[Value]| {
                let lines = [&lines[..at], replaced, &lines[at + 1..]].concat();
                let text: Vec<_> = lines.iter().map(Value::to_string).collect();
                !walk.differences(*generation, text.join("\n").as_bytes()).is_empty()
            };
            for (at, line) in lines.iter().enumerate() {
                let Some(changed) = altered(line) else { continue };
                altered_lines += 1;
                assert!(is_noticed(at, &[]), "{line}");
                assert!(is_noticed(at, &[line.clone(), line.clone()]), "{line}");
                assert!(is_noticed(at, &[changed]), "{line}");
            }
        }
    }
    assert!(altered_lines > 100, "{altered_lines}");
}
