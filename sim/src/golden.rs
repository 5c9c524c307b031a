//! What an undisturbed run leaves, as it was when it was last looked at by a person.
//!
//! Everything else that is judged is held to an undisturbed run of the same code. What that run itself gets wrong, the same
//! way each time, such as a record that is always dropped, can be told only from what is known from elsewhere: from this.

use std::fmt::Write;
use std::fs;

use serde_json::Value;
use sim::disk::Disk;
use upgrade::Event;

use crate::observe::{Found, State};
use crate::scenario::Outcome;

/// The seed that the file is of.
const SEED: u64 = 1;

/// The file, and what was in it when this was built.
const FILE: &str = "sim/golden.txt";
const ACCEPTED: &str = include_str!("../golden.txt");

/// What there is to say of one state: what came of the step that led to it, what is current and kept, which records the
/// journal has and whether they say why, and which files were there before anybody looked, with their permissions. Bytes of
/// files are in the digests of contents.
pub(crate) fn describe(
    state: &State,
    found: &Found,
    disk: &Disk,
    outcome: Option<&Outcome>,
) -> String {
    let mut text = format!("{outcome:?}\n{state:?}\n");
    for record in found.records() {
        let why = if says_why(&record.event) { ", and why" } else { "" };
        let _ = writeln!(text, "{} {}{why}", record.attempt, record.event.name());
    }
    for (path, inode) in disk.paths() {
        let mode = disk.inode(inode).map_or(0, |inode| inode.mode);
        let _ = writeln!(text, "{mode:o} {path}");
    }
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Whether a record has a reason that somebody could read.
fn says_why(event: &Event) -> bool {
    let event = serde_json::to_value(event).unwrap_or_default();
    event.get("reason").and_then(Value::as_str).is_some_and(|reason| !reason.is_empty())
}

/// Whether the states of a scenario are what was accepted. Only of one seed, and of no random scenario, is that known.
pub(crate) fn check(scenario: &str, seed: u64, states: &[String]) -> Result<(), String> {
    let known: Vec<&str> = accepted(scenario).collect();
    if seed != SEED || scenario.starts_with("random-") || known == states {
        return Ok(());
    }
    let first = states.iter().zip(&known).position(|(found, known)| found != known);
    Err(match first {
        Some(0) => "what there is before it is not what was accepted".to_owned(),
        Some(step) => format!("what step {step} leaves is not what was accepted"),
        None => format!("it has {} states, and {} were accepted", states.len(), known.len()),
    })
}

fn accepted(scenario: &str) -> impl Iterator<Item = &'static str> {
    let lines = ACCEPTED.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(move |line| line.strip_prefix(scenario)?.strip_prefix(' '))
}

/// Writes what the states of these scenarios are now.
pub(crate) fn accept(scenarios: &[(String, Vec<String>)]) -> std::io::Result<()> {
    let mut text = "# What undisturbed runs leave, before and after each step: written by `cargo xtask sim --accept`, for a \
                    person to agree to.\n"
        .to_owned();
    for (scenario, states) in scenarios {
        for state in states {
            let _ = writeln!(text, "{scenario} {state}");
        }
    }
    fs::write(FILE, text)
}
