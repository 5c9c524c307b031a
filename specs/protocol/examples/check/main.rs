//! Explores the model of the upgrade protocol in large bounds, and says what it saw.
//!
//! ```console
//! $ cargo run -p femtoclaw-upgrade-protocol --example check
//! $ cargo run -p femtoclaw-upgrade-protocol --example check -- --json
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "this is a command, it tells how long it took, and an index that is too large does not compile"
)]

mod checked;

use std::process::ExitCode;
use std::time::Instant;

use checked::explore;
use protocol::{Bounds, Invariant, Model, State};
use serde_json::json;

/// What is explored at once.
struct Exploration {
    name: &'static str,
    begins: fn() -> State,
    bounds: Bounds,
}

/// Everything together is too much; so each of these lets much happen of some kinds, and less of others.
const EXPLORATIONS: [Exploration; 4] = [
    Exploration {
        name: "three generations, everything that can go wrong",
        begins: State::adopted,
        bounds: Bounds {
            generations: 3,
            crashes: 2,
            faults: 1,
            rots: 1,
            losses: 1,
            writes: 1,
            keyrings: 0,
            tries: 1,
        },
    },
    Exploration {
        name: "three generations, two crashes, two starts on trial, two writes",
        begins: State::adopted,
        bounds: Bounds {
            generations: 3,
            crashes: 2,
            faults: 1,
            rots: 1,
            losses: 0,
            writes: 2,
            keyrings: 0,
            tries: 2,
        },
    },
    Exploration {
        name: "four generations",
        begins: State::adopted,
        bounds: Bounds {
            generations: 4,
            crashes: 1,
            faults: 1,
            rots: 0,
            losses: 0,
            writes: 1,
            keyrings: 0,
            tries: 1,
        },
    },
    Exploration {
        name: "from nothing, two generations, three crashes, two faults, a keyring",
        begins: State::nothing,
        bounds: Bounds {
            generations: 2,
            crashes: 3,
            faults: 2,
            rots: 1,
            losses: 1,
            writes: 1,
            keyrings: 1,
            tries: 2,
        },
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (as_json, report) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (false, None),
        ["--json"] => (true, None),
        ["--report", report] => (false, Some(report)),
        ["--json", "--report", report] => (true, Some(report)),
        _ => {
            eprintln!("usage: check [--json] [--report FILE]");
            return ExitCode::from(64);
        }
    };
    let began = Instant::now();
    let (mut states, mut unique, mut depth) = (0, 0, 0);
    let (mut parts, mut broken) = (Vec::new(), Vec::new());
    for Exploration { name, begins, bounds } in EXPLORATIONS {
        let part_began = Instant::now();
        let explored = explore(Model::new(bounds), begins());
        let seconds = part_began.elapsed().as_secs_f64();
        let (found, distinct, deep) = (explored.states, explored.unique, explored.depth);
        eprintln!("{name}: {distinct} states ({found} found), depth {deep}, {seconds:.1} s");
        for (invariant, way) in &explored.broken {
            eprintln!("  {invariant} does not hold:");
            way.iter().for_each(|action| eprintln!("    {action:?}"));
        }
        states += found;
        unique += distinct;
        depth = depth.max(deep);
        broken.extend(explored.broken.iter().map(|(invariant, _)| *invariant));
        parts.push(json!({ "name": name, "states": found, "unique": distinct, "depth": deep,
            "bounds": format!("{bounds:?}"), "seconds": seconds }));
    }
    let (ok, seconds) = (broken.is_empty(), began.elapsed().as_secs_f64());
    let properties: Vec<_> = Invariant::ALL.iter().map(|found| found.name()).collect();
    let line = json!({ "type": "model", "states": states, "unique": unique, "depth": depth,
        "properties": properties, "broken": broken, "parts": parts, "seconds": seconds, "ok": ok });
    if as_json {
        println!("{line}");
    } else {
        println!(
            "{unique} different states ({states} found), depth {depth}: {} of {} invariants hold ({seconds:.0} s)",
            Invariant::ALL.len() - broken.len(),
            Invariant::ALL.len()
        );
    }
    if let Some(Err(error)) = report.map(|path| std::fs::write(path, format!("{line}\n"))) {
        eprintln!("the report cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
