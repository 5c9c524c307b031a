//! The simulator: real product code and real fjall on a simulated disk, at every crash that could happen to it.
//!
//! See `ARCHITECTURE.md`, “The simulator”.

#![allow(
    clippy::disallowed_methods,
    reason = "the simulator measures time, and tries what the product may only do in one place"
)]

mod explore;
mod faults;
mod hooks;
mod judge;
mod naive;
mod rot;
mod sabotage;
mod scenario;

use std::process::ExitCode;

use sim::images::Profile;

use crate::explore::{Campaign, Report};

fn main() -> ExitCode {
    let campaign = match Campaign::parse(std::env::args().skip(1)) {
        Ok(campaign) => campaign,
        Err(message) => {
            eprintln!("{message}\n\n{}", explore::USAGE);
            return ExitCode::from(64);
        }
    };
    if let Err(missing) = hooks::check() {
        eprintln!("the hooks do not see everything: {missing}");
        return ExitCode::FAILURE;
    }
    if campaign.naive {
        let report = naive::run(&campaign);
        report.print(campaign.json);
        return if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if campaign.sabotage {
        let mut report = sabotage::run(&campaign);
        report.print(campaign.json);
        return if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let report: Report = explore::run(&campaign);
    report.print(&campaign);
    if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The names of the profiles, for messages.
pub(crate) fn profile_names() -> String {
    Profile::ALL.map(Profile::name).join("|")
}
