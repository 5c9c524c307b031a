//! Random lives of random homes.

use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions};
use sim::Random;

use super::flaw::Flaw;
use super::{Scenario, Size, Step};

/// Records of each kind in a random home, at most.
const MOST_RECORDS: u64 = 4;
/// Steps before the recording begins, at most.
const MOST_PREPARED: u64 = 6;
/// Steps that are recorded, at most.
const MOST_RECORDED: u64 = 3;

/// The scenario of a number: what is done in an order that nobody has thought about, with what a runtime writes in between.
pub(super) fn scenario(number: u64) -> Scenario {
    let mut random = Random::new(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let prepared = random.below(MOST_PREPARED);
    let recorded = 1 + random.below(MOST_RECORDED);
    let mut steps = vec![Step::Adopt];
    // Those that are refused now have nothing to prepare; they are recorded all the same.
    let mut life = Life::default();
    while (steps.len() as u64) < 1 + prepared {
        let step = any(&mut random);
        if life.allows(step) {
            steps.push(step);
        }
    }
    let mut act = Vec::new();
    while (act.len() as u64) < recorded {
        act.push(any(&mut random));
    }
    Scenario {
        name: format!("random-{number}"),
        about: "a random life of a random home",
        size: Size::Large,
        prepare: steps,
        act,
    }
}

fn any(random: &mut Random) -> Step {
    match random.below(17) {
        0 | 1 => Step::Upgrade("2.0.0-rc.1"),
        2 | 3 => Step::Upgrade("2.0.0"),
        4 | 5 => Step::Confirm,
        6 | 7 => Step::Rollback,
        8 => Step::Collect,
        9 => Step::Open,
        10 | 11 => Step::Run(1 + random.below(3)),
        12 | 13 => Step::Start,
        14 => Step::Fail,
        15 => Step::Clock(if random.below(2) == 0 { 90_000 } else { -90_000 }),
        _ => Step::Flawed("2.0.0", Flaw::InvalidConfiguration),
    }
}

/// Which steps succeed, as far as it takes to prepare a home.
#[derive(Debug)]
struct Life {
    /// Versions of the generations that a rollback leads through, the current one last: 1, 2 (candidate) or 3.
    versions: Vec<u8>,
    on_trial: bool,
}

impl Default for Life {
    fn default() -> Self {
        Self { versions: vec![1], on_trial: false }
    }
}

impl Life {
    fn allows(&mut self, step: Step) -> bool {
        let current = self.versions.last().copied().unwrap_or(1);
        match step {
            Step::Upgrade(version) => {
                let target = if version == "2.0.0" { 3 } else { 2 };
                if self.on_trial || target <= current {
                    return false;
                }
                self.versions.push(target);
                self.on_trial = true;
                true
            }
            Step::Confirm | Step::Open | Step::Clock(_) => {
                self.on_trial &= step != Step::Confirm;
                true
            }
            Step::Rollback if self.versions.len() > 1 => {
                self.versions.pop();
                self.on_trial = false;
                true
            }
            Step::Run(_) => current > 1,
            // What is collected cannot be rolled back to: left to what is recorded.
            _ => false,
        }
    }
}

/// The installation that a scenario adopts: for a random one a random one, for one a damaged one.
pub(super) fn sample(scenario: &str, seed: u64) -> SampleOptions {
    let number = scenario.strip_prefix("random-").and_then(|number| number.parse::<u64>().ok());
    match number {
        None if scenario == super::DAMAGED => {
            SampleOptions { seed, records: 4, damage: SampleDamage::ALL }
        }
        None => SampleOptions { seed, records: 2, damage: SampleDamage::NONE },
        Some(number) => {
            let mut random = Random::new(seed ^ number);
            let records = 1 + random.below(MOST_RECORDS);
            let mut one_in_four = || random.below(4) == 0;
            let damage = SampleDamage {
                torn_tail: one_in_four(),
                nul_tail: one_in_four(),
                repeated_ids: one_in_four(),
                unknown_fields: one_in_four(),
                big_numbers: one_in_four(),
                broken_extension: one_in_four(),
            };
            SampleOptions { seed: random.next_u64(), records, damage }
        }
    }
}
