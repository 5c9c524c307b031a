//! The naive mode: fjall, used as one would at first, and what that leads to.
//!
//! It shows two things. The hazards that the product is built around are real; and the simulator finds them by itself, so
//! that it would also find them in the product. Nothing is listed that was not observed in this very run, and every piece
//! of evidence was found three times over, the same each time.

mod evidence;
mod hunt;
mod judge;
mod programs;

use std::time::Duration;

use serde_json::json;

use crate::campaign::Campaign;
use crate::hooks;
use crate::scenario::on_its_own;
use evidence::Evidence;
use programs::Program;

/// So many hazards must be found.
const WANTED: usize = 6;
/// So often each hunt is repeated, and must find the same.
const REPEATED: usize = 2;

/// What was found.
pub(crate) struct Report {
    found: Vec<Evidence>,
    missed: Vec<String>,
    states: u64,
    took: Duration,
}

/// Runs every naive program, and crashes it everywhere.
pub(crate) fn run(campaign: &Campaign) -> Report {
    let began = hooks::real_nanoseconds();
    // A panic of the engine is an open that fails, and is told as such.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut report =
        Report { found: Vec::new(), missed: Vec::new(), states: 0, took: Duration::ZERO };
    for program in &programs::PROGRAMS {
        match find(program, campaign.seed, &mut report.states) {
            Ok(evidence) => report.found.push(evidence),
            Err(why) => report.missed.push(format!("{}: {why}", program.hazard)),
        }
    }
    std::panic::set_hook(hook);
    report.took = Duration::from_nanos(hooks::real_nanoseconds() - began);
    report
}

/// The evidence for a program's hazard, or why there is none.
fn find(program: &Program, seed: u64, states: &mut u64) -> Result<Evidence, String> {
    let hunt = || on_its_own(seed, || hunt::hunt(program, seed));
    let first = hunt()?;
    *states += first.states;
    for _ in 0..REPEATED {
        if hunt()? != first {
            return Err("what is found is not the same each time".to_owned());
        }
    }
    first.evidence.ok_or_else(|| "no state shows it".to_owned())
}

impl Report {
    /// Whether enough was found.
    pub(crate) fn ok(&self) -> bool {
        self.found.len() >= WANTED
    }

    /// Prints it: a paragraph for each hazard, and on request a line for machines.
    pub(crate) fn print(&self, machine: bool) {
        for evidence in &self.found {
            println!("{}\n", evidence.text);
        }
        for missed in &self.missed {
            println!("not found: {missed}");
        }
        println!(
            "{} hazards of {}, in {} states, each found {} times over, in {:.1} s",
            self.found.len(),
            programs::PROGRAMS.len(),
            self.states,
            REPEATED + 1,
            self.took.as_secs_f64()
        );
        if machine {
            let hazards: Vec<&str> = self.found.iter().map(|evidence| evidence.hazard).collect();
            println!("{}", json!({ "type": "naive", "hazards": hazards }));
        }
    }
}
