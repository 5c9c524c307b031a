//! What is run: each scenario prepares a home, and then does one thing after another to it.
//!
//! A new feature joins by a step and a scenario; the machine that records, crashes and judges does not change.

mod cancelled;
mod flaw;
mod installation;
mod interference;
mod list;
mod random;
mod recording;
mod runtime;
mod step;
mod trust;

pub(crate) use list::all;
pub(crate) use recording::{Recording, Run, on_its_own};
pub(crate) use step::{Outcome, Refusal, Step, environment, set_surroundings};

/// Where the installation lies that is adopted.
pub(crate) const SOURCE: &str = "/simulated/installation";
/// Where the home lies.
pub(crate) const HOME: &str = "/simulated/home";
/// The same, as the simulated disk calls it.
pub(crate) const HOME_ON_DISK: &str = "/home";
/// Where the runtime binary lies that every upgrade brings.
pub(crate) const BINARY: &str = "/simulated/runtime-binary";
/// The same, as the simulated disk calls it.
pub(crate) const BINARY_ON_DISK: &str = "/runtime-binary";

/// What is done to a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: String,
    /// What it shows.
    pub(crate) about: &'static str,
    /// How much of it a campaign that somebody waits for looks at.
    pub(crate) size: Size,
    /// What is done before the recording begins.
    pub(crate) prepare: Vec<Step>,
    /// What is recorded, crashed and judged.
    pub(crate) act: Vec<Step>,
}

/// How much there is to a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Size {
    /// A few operations on a home: recoveries are crashed too, in every campaign.
    Small,
    /// The smallest upgrade: every crash point in every campaign.
    Medium,
    /// Looked at in full only if there is time.
    Large,
}

impl Scenario {
    fn new(name: &str, size: Size, about: &'static str, prepare: &[Step], act: &[Step]) -> Self {
        let name = name.to_owned();
        Self { name, about, size, prepare: prepare.to_vec(), act: act.to_vec() }
    }

    /// The same home with other pasts, whose records are intact and others: at another time, and by somebody else, all of it
    /// or only the last that was done.
    pub(crate) fn with_other_pasts(&self) -> [Self; 3] {
        let last = self.prepare.len().saturating_sub(1);
        let pasts =
            [(0, Step::Clock(1_000_000)), (0, Step::LongOperator), (last, Step::LongOperator)];
        pasts.map(|(at, step)| {
            let mut other = self.clone();
            other.prepare.insert(at, step);
            other
        })
    }

    /// Whether what it does must be possible on a disk that is full: going back, giving space back, and starting
    /// a runtime.
    pub(crate) fn needs_no_space(&self) -> bool {
        let needs_none = |step: &Step| {
            matches!(
                step,
                Step::Rollback
                    | Step::SignedRollback
                    | Step::Stubborn
                    | Step::Start
                    | Step::StartTooOften
                    | Step::Ended(_)
                    | Step::Collect
                    | Step::Open
                    | Step::LongOperator
            )
        };
        self.act.iter().all(needs_none)
    }

    /// By its name: one of the list, or `random-N`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let number = name.strip_prefix("random-").and_then(|number| number.parse().ok());
        number.map_or_else(
            || all().into_iter().find(|scenario| scenario.name == name),
            |number| Some(random::scenario(number)),
        )
    }

    /// The random scenario of a number.
    pub(crate) fn random(number: u64) -> Self {
        random::scenario(number)
    }
}
