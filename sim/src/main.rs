//! The simulator: real product code and real fjall on a simulated disk, at every crash that could happen to it.
//!
//! See `ARCHITECTURE.md`, “The simulator”.

#![allow(
    clippy::disallowed_methods,
    reason = "the simulator measures time, and tries what the product may only do in one place"
)]

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")))]
compile_error!("the simulator answers the calls of glibc on Linux for x86-64; build it there");

mod arguments;
mod campaign;
mod classes;
mod damage;
mod explore;
mod faults;
mod golden;
mod hooks;
mod id;
mod judges;
mod lint;
mod model;
mod naive;
mod observe;
mod panics;
mod parent;
mod place;
mod recovery;
mod relied;
mod replay;
mod report;
mod rot;
mod sabotage;
mod scenario;
mod session;
mod tell;

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use arguments::{Arguments, Mode};
use place::Place;
use session::Session;
use tell::Summary;

/// A third of what the product does while it is judged is to allocate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes that a process may take: what asks for more, as an engine may that reads a rotten length, dies, and
/// is a finding.
const MOST_MEMORY: u64 = 8 << 30;

fn main() -> ExitCode {
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        // Where panics are kept, nobody has heard of it.
        eprintln!("the simulator itself panics: {}", panics::last());
        ExitCode::from(PANICKED)
    })
}

/// What a process ends with that panics.
const PANICKED: u8 = 101;

fn run() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1).collect()) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}\n\n{}", arguments::USAGE);
            return ExitCode::from(64);
        }
    };
    limit_memory();
    if let Err(missing) = hooks::check() {
        eprintln!("the hooks do not see everything: {missing}");
        return ExitCode::FAILURE;
    }
    if perform(&arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does what is asked for; whether everything is as it must be.
fn perform(arguments: &Arguments) -> bool {
    match &arguments.mode {
        Mode::List => tell::list(),
        Mode::Help => {
            println!("{}\n{}", arguments::USAGE, arguments::HELP);
            true
        }
        Mode::Explore => explore(arguments),
        Mode::Worker(index, count, place) => worker(arguments, *index, *count, place),
        Mode::Hunt => hunt(arguments),
        Mode::Sabotage => {
            panics::keep();
            let mut report = sabotage::run(&arguments.campaign);
            report.print(arguments.json);
            report.ok()
        }
        Mode::Naive => {
            let report = naive::run(&arguments.campaign);
            report.print(arguments.json);
            report.ok()
        }
        Mode::Replay(replay) => {
            panics::keep();
            replay::run(replay, arguments.json)
        }
        Mode::Check(check, keep) => {
            panics::keep();
            check.run(*keep, arguments.json)
        }
        Mode::Accept => {
            panics::keep();
            hooks::freeze(arguments.campaign.seed);
            match arguments.campaign.accept() {
                Ok(()) => true,
                Err(error) => {
                    eprintln!("it cannot be written: {error}");
                    false
                }
            }
        }
        Mode::Regressions => {
            panics::keep();
            replay::regressions()
        }
    }
}

/// A campaign, once or twice, and the canary.
fn explore(arguments: &Arguments) -> bool {
    let began = hooks::real_nanoseconds();
    let report = parent::run(arguments);
    let seconds = (hooks::real_nanoseconds() - began) as f64 / 1e9;
    let same = !arguments.doublecheck || {
        let again = parent::run(arguments);
        (again.log_hash(), again.verdicts, again.distinct_states)
            == (report.log_hash(), report.verdicts, report.distinct_states)
    };
    panics::keep();
    let canary = sabotage::canary(arguments.campaign.seed);
    let canary = canary.as_deref();
    tell::campaign(arguments, &Summary { report: &report, seconds, canary, same })
}

/// One process of a campaign.
fn worker(arguments: &Arguments, index: u64, count: u64, place: &Path) -> bool {
    panics::keep();
    let campaign = &arguments.campaign;
    let (shard, shards) = campaign.shard;
    let states = campaign.states.map_or(u64::MAX, |states| states.div_ceil(count));
    let share = (shard * count + index, shards * count);
    let mut session = match Session::new(share, campaign.budget, states).watched(Place::at(place)) {
        Ok(session) => session,
        Err(error) => {
            eprintln!("{} is no place for a process of a campaign: {error}", place.display());
            return false;
        }
    };
    hooks::freeze(campaign.seed);
    campaign.run(&mut session);
    println!("{}", json!({ "report": session.report }));
    true
}

/// A campaign in this process, up to the first violation.
fn hunt(arguments: &Arguments) -> bool {
    panics::keep();
    let mut campaign = arguments.campaign.clone();
    campaign.quick = true;
    let began = hooks::real_nanoseconds();
    let states = campaign.states.unwrap_or(u64::MAX);
    let mut session = Session::new((0, 1), campaign.budget, states).until_violation();
    replay::hunt_regressions(&campaign.scenarios, &mut session);
    hooks::freeze(campaign.seed);
    campaign.hunt(&mut session);
    let seconds = (hooks::real_nanoseconds() - began) as f64 / 1e9;
    let report = &session.report;
    report.kept.iter().for_each(tell::violation);
    let canary = Some("a hunt has none");
    tell::campaign(arguments, &Summary { report, seconds, canary, same: true })
}

fn limit_memory() {
    if let Err(error) = hooks::limit_memory(MOST_MEMORY) {
        eprintln!("memory is not limited: {error}");
    }
}
