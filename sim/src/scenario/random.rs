//! Random lives of random homes.

use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions};
use sim::Random;

use super::flaw::Flaw;
use super::list::{ADOPTED, SECURED};
use super::trust::Wrong;
use super::{Scenario, Size, Step};

/// The release that is signed, of those that a secured home may go to.
const CANDIDATE: &str = "2.0.0-rc.1";
/// How many starts a generation on trial has.
const TRIES: u8 = 3;
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
    let secured = random.below(4) == 0;
    let mut steps = match (secured, random.below(8)) {
        (true, _) => SECURED.to_vec(),
        // Nothing was adopted yet.
        (false, 0) => Vec::new(),
        (false, _) => ADOPTED.to_vec(),
    };
    let mut life = Life::default();
    for step in &steps {
        life.expects(*step);
    }
    let most = steps.len() as u64 + prepared;
    // Only what succeeds prepares a home.
    while life.adopted && (steps.len() as u64) < most {
        let step = any(&mut random, secured);
        let mut next = life.clone();
        if next.expects(step) == Some(true) {
            steps.push(step);
            life = next;
        }
    }
    let mut act = Vec::new();
    while (act.len() as u64) < recorded {
        act.push(any(&mut random, secured));
    }
    Scenario {
        name: format!("random-{number}"),
        about: "a random life of a random home",
        size: Size::Large,
        prepare: steps,
        act,
    }
}

/// Whether each of the recorded steps succeeds undisturbed, as far as this knows: it shares nothing with the product.
pub(super) fn expected(prepare: &[Step], act: &[Step]) -> Vec<Option<bool>> {
    let mut life = Life::default();
    for step in prepare {
        life.expects(*step);
    }
    act.iter().map(|step| life.expects(*step)).collect()
}

fn any(random: &mut Random, secured: bool) -> Step {
    if secured && random.below(2) == 0 {
        return match random.below(4) {
            0 | 1 => Step::Signed(CANDIDATE),
            2 => Step::SignedRollback,
            _ => Step::Wrongly(CANDIDATE, Wrong::Threshold),
        };
    }
    match random.below(24) {
        0 | 1 => Step::Upgrade(CANDIDATE),
        2 | 3 => Step::Upgrade("2.0.0"),
        4 => Step::Upgrade("2.1.0"),
        5 | 6 => Step::Confirm,
        7 | 8 => Step::Rollback,
        9 => Step::Preserve,
        10 => Step::Collect,
        11 => Step::Open,
        12 | 13 => Step::Run(1 + random.below(3)),
        14 | 15 => Step::Killed(1 + random.below(3)),
        16 | 17 => Step::Start,
        18 => Step::Fail,
        19 => Step::Clock(if random.below(2) == 0 { 90_000 } else { -90_000 }),
        20 => Step::Adopt,
        21 => Step::RecoverGeneration(1),
        _ => Step::Flawed("2.0.0", Flaw::InvalidConfiguration),
    }
}

/// The number of a release: a later one has a larger one.
fn release(version: &str) -> u8 {
    match version {
        CANDIDATE => 2,
        "2.0.0" => 3,
        _ => 4,
    }
}

/// Which steps succeed, and what they lead to: a model of a home that is as small as can be.
#[derive(Debug, Clone, Default)]
struct Life {
    adopted: bool,
    /// Whether there is a keyring, so that an upgrade or a way back has to be signed.
    secured: bool,
    /// Releases of the generations that ways back lead through, the current one last: 1, 2 (candidate), 3 or 4.
    releases: Vec<u8>,
    /// How many starts what is on trial has left.
    tries: Option<u8>,
    /// Whether the clock was moved: then it may be behind what is on record, which counts where something is signed.
    clock_moved: bool,
    /// Whether something was done of which this does not know what it leads to.
    lost: bool,
}

impl Life {
    /// Whether a step succeeds; nothing if this does not know it.
    fn expects(&mut self, step: Step) -> Option<bool> {
        let free = !self.secured;
        match step {
            Step::Clock(_) => {
                self.clock_moved = true;
                return Some(true);
            }
            Step::Publish(..) => return Some(true),
            Step::Adopt if !self.adopted => {
                (self.adopted, self.releases) = (true, vec![1]);
                return Some(true);
            }
            // Whatever else is done to the home.
            Step::Adopt | Step::Flawed(..) => return Some(false),
            // A runtime of no version starts on no home.
            Step::Start | Step::Run(_) | Step::Killed(_) | Step::Fail if !self.adopted => {
                return None;
            }
            _ if !self.adopted => return Some(false),
            Step::Open => return Some(true),
            _ => {}
        }
        let known = (!self.lost).then(|| self.of_home(step, free)).flatten();
        self.lost |= known.is_none();
        known
    }

    /// The same of a home that it knows.
    fn of_home(&mut self, step: Step, free: bool) -> Option<bool> {
        let current = self.releases.last().copied()?;
        match step {
            Step::Keyring => {
                self.secured = true;
                Some(true)
            }
            Step::Signed(_) | Step::SignedRollback | Step::Wrongly(..) if self.clock_moved => None,
            Step::Upgrade("2.1.0") if current < 3 => None,
            Step::Upgrade(_) if !free => Some(false),
            // What is current already takes no change, and no authority.
            Step::Upgrade(version) | Step::Signed(version) | Step::Wrongly(version, _)
                if release(version) == current =>
            {
                Some(true)
            }
            Step::Wrongly(..) => Some(false),
            // The first generation is the one that was adopted.
            Step::RecoverGeneration(1) => Some(current == 1),
            Step::Upgrade(version) | Step::Signed(version) => {
                let goes = self.tries.is_none() && release(version) > current;
                if goes {
                    self.releases.push(release(version));
                    self.tries = Some(TRIES);
                }
                Some(goes)
            }
            Step::Confirm => {
                self.tries = None;
                Some(true)
            }
            Step::Rollback | Step::SignedRollback => {
                let may = free || step == Step::SignedRollback;
                let goes = may && self.releases.len() > 1;
                if goes {
                    self.goes_back();
                }
                Some(goes)
            }
            Step::Collect if free => {
                if self.tries.is_none() {
                    // The current one, and what a way back leads to, are kept.
                    let many = self.releases.len().saturating_sub(2);
                    self.releases.drain(..many);
                }
                Some(true)
            }
            // What was adopted is a copy, on which nothing is started.
            Step::Run(_) | Step::Killed(_) | Step::Start | Step::Fail if current == 1 => {
                Some(false)
            }
            Step::Run(_) | Step::Killed(_) | Step::Start | Step::Fail => self.starts(step),
            _ => None,
        }
    }

    /// A runtime is started: on trial that takes a try, which it gives back if it stops in good order.
    fn starts(&mut self, step: Step) -> Option<bool> {
        let Some(tries) = self.tries else {
            // What has proven itself does not go back.
            return (step != Step::Fail).then_some(true);
        };
        let Some(left) = tries.checked_sub(1) else {
            self.goes_back();
            return Some(false);
        };
        match step {
            Step::Run(_) => {}
            Step::Fail => self.goes_back(),
            _ => self.tries = Some(left),
        }
        Some(true)
    }

    fn goes_back(&mut self) {
        self.releases.pop();
        self.tries = None;
    }
}

/// The installation that a scenario adopts: for a random one a random one, for one a damaged one.
pub(super) fn sample(scenario: &str, seed: u64) -> SampleOptions {
    let number = scenario.strip_prefix("random-").and_then(|number| number.parse::<u64>().ok());
    match number {
        None if scenario == super::list::DAMAGED => {
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
