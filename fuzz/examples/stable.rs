//! What `cargo xtask fuzz` starts for each target, on the stable compiler, and what replays a finding:
//!
//! `stable replay TARGET FILE…` hands the files to the target.
//! `stable search TARGET SECONDS SEED LAST` hands it mutations of its corpus for that long; each is in the file `LAST`
//! before, so that it is known should the process die of it.
//!
//! Standard output is one line: `{"executions":N}`, or `{"executions":N,"finding":"…"}` and exit code 1, with the input in
//! `LAST`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fuzz::mutation::Numbers;
use fuzz::search::{Searched, replay, search};
use fuzz::seeds::{TARGETS, Target, corpus};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let searched = match arguments.as_slice() {
        ["replay", target, files @ ..] if !files.is_empty() => {
            let files = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
            replay(named(target)?, &files, |_| ())
        }
        ["search", target, seconds, seed, last] => {
            let seconds = Duration::from_secs(seconds.parse()?);
            search_for(named(target)?, seconds, seed.parse()?, Path::new(last))?
        }
        _ => return Err("stable replay TARGET FILE… | search TARGET SECONDS SEED LAST".into()),
    };
    let Searched { executions, finding } = searched;
    let Some(finding) = finding else {
        println!("{}", serde_json::json!({"executions": executions}));
        return Ok(ExitCode::SUCCESS);
    };
    println!("{}", serde_json::json!({"executions": executions, "finding": finding.what}));
    Ok(ExitCode::FAILURE)
}

fn named(name: &str) -> Result<&'static Target, String> {
    static ALL: [Target; TARGETS.len()] = TARGETS;
    ALL.iter().find(|target| target.name == name).ok_or(format!("there is no target {name:?}"))
}

fn search_for(
    target: &Target,
    time: Duration,
    seed: u64,
    last: &Path,
) -> Result<Searched, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(corpus().join(target.name))? {
        files.push(entry?.path());
    }
    // The order of a directory is anybody's guess, and the search depends on it.
    files.sort();
    let seeds = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let start = now();
    let mut unwritten = None;
    let searched = search(target, &seeds, &mut Numbers::new(seed), |input| {
        unwritten = fs::write(last, input).err();
        unwritten.is_none() && now().duration_since(start) < time
    });
    match unwritten {
        Some(error) => Err(format!("cannot write {}: {error}", last.display()).into()),
        None => Ok(searched),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a search takes is measured, and decides nothing else"
)]
fn now() -> Instant {
    Instant::now()
}
