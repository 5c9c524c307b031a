//! A campaign: scenarios, profiles, every image, every judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;
use sim::disk::{Disk, Fingerprints, Operation};
use sim::images::{Coverage, Image, Profile, enumerate};
use sim::world::Logged;

use crate::faults;
use crate::judge::{Expected, Known, judge, recovery_log};
use crate::scenario::{ACKNOWLEDGED, RECORD, Recording, SCENARIOS, Scenario};

/// How the command is used.
pub(crate) const USAGE: &str = "usage: sim [--seed N] [--scenario NAME] [--profile kill|ordered|posix] \
[--states N] [--depth N] [--shard I/N] [--quick] [--sabotage] [--naive] [--json]";

/// The scenario that takes longest.
const LONGEST: &str = "upgrade-store";

/// How many violations are told; all are counted.
const VIOLATIONS_TOLD: usize = 10;

/// Of larger scenarios, every so many-th state's recovery is crashed too; of the small ones, every state's.
const DEEPER_EVERY: u64 = 32;

/// The most crashes that may follow each other.
const MAXIMUM_DEPTH: u64 = 3;

/// Every so many-th state is also retried to its end.
const RETRY_EVERY: u64 = 64;

/// What is to be explored.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    seed: u64,
    scenarios: Vec<Scenario>,
    profiles: Vec<Profile>,
    states: u64,
    /// How many crashes follow each other: 2 is a crash within the recovery from a crash.
    depth: u32,
    shard: (u64, u64),
    /// Leave the longest scenario's power losses out.
    quick: bool,
    /// Instead of exploring, leave out every sync in turn, which must be found.
    pub(crate) sabotage: bool,
    /// Instead, use fjall naively, and show what that leads to.
    pub(crate) naive: bool,
    pub(crate) json: bool,
}

impl Campaign {
    /// Reads the command line.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut campaign = Self {
            seed: 1,
            scenarios: SCENARIOS.to_vec(),
            profiles: Profile::ALL.to_vec(),
            states: u64::MAX,
            depth: 2,
            shard: (0, 1),
            quick: false,
            sabotage: false,
            naive: false,
            json: false,
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--json" => campaign.json = true,
                "--quick" => campaign.quick = true,
                "--sabotage" => campaign.sabotage = true,
                "--naive" => campaign.naive = true,
                _ => {}
            }
            if ["--json", "--quick", "--sabotage", "--naive"].contains(&name.as_str()) {
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{value} is no number"));
            match name.as_str() {
                "--seed" => campaign.seed = number()?,
                "--states" => campaign.states = number()?,
                "--depth" => {
                    campaign.depth = u32::try_from(number()?.clamp(1, MAXIMUM_DEPTH)).unwrap_or(1);
                }
                "--scenario" => {
                    campaign.scenarios.retain(|scenario| scenario.name == value);
                    if campaign.scenarios.is_empty() {
                        let names = SCENARIOS.map(|scenario| scenario.name).join(", ");
                        return Err(format!("{value} is none of {names}"));
                    }
                }
                "--profile" => {
                    campaign.profiles.retain(|profile| profile.name() == value);
                    if campaign.profiles.is_empty() {
                        return Err(format!("{value} is none of {}", crate::profile_names()));
                    }
                }
                "--shard" => campaign.shard = shard(&value)?,
                _ => return Err(format!("{name} is not known")),
            }
        }
        if campaign.quick && campaign.sabotage {
            campaign.scenarios.retain(|scenario| !scenario.name.starts_with("upgrade"));
        }
        Ok(campaign)
    }

    pub(crate) fn scenarios(&self) -> &[Scenario] {
        &self.scenarios
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.quick
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("{text} is no shard such as 1/4");
    let (index, count) = text.split_once('/').ok_or_else(wrong)?;
    let (index, count): (u64, u64) =
        (index.parse().map_err(|_| wrong())?, count.parse().map_err(|_| wrong())?);
    if index == 0 || index > count {
        return Err(wrong());
    }
    Ok((index - 1, count))
}

/// What a campaign saw.
#[derive(Debug, Default)]
pub(crate) struct Report {
    scenarios: u64,
    operations: u64,
    coverage: Coverage,
    states: u64,
    violations: u64,
    told: Vec<String>,
    by_scenario: BTreeMap<String, u64>,
    took: Duration,
    log_hash: String,
    canary_caught: bool,
    faults: BTreeMap<&'static str, u64>,
    max_depth: u32,
}

impl Report {
    /// Counts a state that was judged after a fault.
    pub(crate) fn count_fault(&mut self, class: &'static str, judged: Result<(), String>) {
        self.states += 1;
        *self.faults.entry(class).or_default() += 1;
        if let Err(what) = judged {
            self.violations += 1;
            if self.told.len() < VIOLATIONS_TOLD {
                self.told.push(what);
            }
        }
    }

    pub(crate) fn violations(&self) -> u64 {
        self.violations
    }

    pub(crate) fn ok(&self) -> bool {
        self.violations == 0 && self.states > 0 && self.canary_caught
    }

    pub(crate) fn print(&self, campaign: &Campaign) {
        let rate = self.states as f64 / self.took.as_secs_f64().max(0.001);
        let exhaustive = self.coverage.exhaustive as f64 / self.coverage.points.max(1) as f64;
        for line in &self.told {
            eprintln!("violation: {line}");
        }
        if !campaign.json {
            for (name, states) in &self.by_scenario {
                println!("{name:<24} {states:>8} states");
            }
            println!(
                "{} operations, {} crash points ({:.1} % exhaustive), {} images, {} distinct states \
                 judged in {:.1} s ({rate:.0}/s), {} violations",
                self.operations,
                self.coverage.points,
                100.0 * exhaustive,
                self.coverage.images,
                self.states,
                self.took.as_secs_f64(),
                self.violations
            );
            let canary = if self.canary_caught { "caught, as it must be" } else { "MISSED" };
            for (class, hits) in &self.faults {
                println!("fault {class:<18} {hits:>8} states");
            }
            println!("canary (the journal's last record is never synced): {canary}");
            return;
        }
        let line = json!({
            "type": "sim", "ok": self.ok(), "seed": campaign.seed, "scenarios": self.scenarios,
            "operations": self.operations, "crash_points": self.coverage.points,
            "states": self.coverage.images, "distinct_states": self.states,
            "states_per_s": rate.round(), "exhaustive_ratio": exhaustive, "max_depth": self.max_depth,
            "fault_classes": self.faults, "violations": self.violations, "log_hash": self.log_hash,
            "canary_caught": self.canary_caught,
        });
        println!("{line}");
    }
}

/// Runs a campaign.
pub(crate) fn run(campaign: &Campaign) -> Report {
    let mut report = Report::default();
    let mut hashes = String::new();
    let began = Instant::now();
    for scenario in &campaign.scenarios {
        let recording = scenario.record(campaign.seed);
        hashes += &log_hash(&recording.log);
        report.scenarios += 1;
        report.operations += recording.log.len() as u64;
        let expected = Expected::of(&recording.before, &recording.after);
        for profile in &campaign.profiles {
            if campaign.quick && scenario.name == LONGEST && *profile != Profile::Kill {
                continue;
            }
            explore(campaign, scenario, *profile, &recording, &expected, &mut report, false);
        }
        if scenario.name == "confirm" {
            crate::rot::explore(campaign, &recording, &expected, &mut report);
        }
        if !(campaign.quick && scenario.name == LONGEST) {
            faults::explore(campaign, scenario, &recording, &expected, &mut report);
        }
    }
    report.took = began.elapsed();
    let canary = campaign.scenarios.first().unwrap_or(&SCENARIOS[0]);
    report.canary_caught = crate::sabotage::canary(campaign, canary);
    report.log_hash = integrity::Digest::of(hashes.as_bytes()).to_string();
    report
}

pub(crate) fn explore(
    campaign: &Campaign,
    scenario: &Scenario,
    profile: Profile,
    recording: &Recording,
    expected: &Expected,
    report: &mut Report,
    stop_at_first: bool,
) {
    let known = known(&recording.log);
    let mut exploration = Exploration {
        campaign,
        scenario,
        profile,
        expected,
        report,
        fingerprints: Fingerprints::default(),
        seen: BTreeSet::new(),
        states: 0,
        stop_at_first,
    };
    let at = |marks: usize| known.get(marks).copied().unwrap_or_default();
    exploration.walk(&recording.before, &recording.log, &at, 1);
    let states = exploration.states;
    let name = format!("{} ({})", scenario.name, profile.name());
    *report.by_scenario.entry(name).or_default() += states;
}

/// One scenario under one profile.
struct Exploration<'x> {
    campaign: &'x Campaign,
    scenario: &'x Scenario,
    profile: Profile,
    expected: &'x Expected,
    report: &'x mut Report,
    fingerprints: Fingerprints,
    seen: BTreeSet<(integrity::Digest, Known)>,
    states: u64,
    stop_at_first: bool,
}

impl Exploration<'_> {
    /// Judges every image of a log that was not judged before; and, below the campaign's depth, every image that a crash
    /// within its recovery leaves.
    fn walk(&mut self, before: &Disk, log: &[Logged], known: &dyn Fn(usize) -> Known, depth: u32) {
        let mut images = Vec::new();
        let (fingerprints, seen) = (&mut self.fingerprints, &mut self.seen);
        let (shard, shards) = self.campaign.shard;
        let coverage =
            enumerate(before, log, self.profile, self.campaign.seed, &mut |image: Image| {
                let known = known(image.marks);
                let fingerprint = fingerprints.of(&image.disk);
                let bits = fingerprint.as_bytes().first_chunk().copied().unwrap_or_default();
                let bits = u64::from_le_bytes(bits);
                // Shards part what is found at the first crash; what follows from it stays with it.
                let ours = depth > 1 || bits % shards == shard;
                if ours && seen.insert((fingerprint, known)) {
                    images.push((image, known, bits));
                }
            });
        self.report.coverage.points += coverage.points;
        self.report.coverage.exhaustive += coverage.exhaustive;
        self.report.coverage.images += coverage.images;
        self.report.max_depth = self.report.max_depth.max(depth);
        for (image, known, bits) in images {
            let stopped = self.stop_at_first && self.report.violations > 0;
            if stopped || self.report.states >= self.campaign.states {
                return;
            }
            self.judge(&image, known, log, bits % RETRY_EVERY == 0, depth);
            let deeper = depth < self.campaign.depth && !self.stop_at_first;
            let sampled = !self.campaign.quick && bits % DEEPER_EVERY == 0;
            if deeper && (self.scenario.is_small() || sampled) {
                let recovery = recovery_log(&image.disk);
                self.walk(&image.disk, &recovery, &|_| known, depth + 1);
            }
        }
    }

    fn judge(&mut self, image: &Image, known: Known, log: &[Logged], retry: bool, depth: u32) {
        self.states += 1;
        self.report.states += 1;
        let judged = judge(self.scenario, &image.disk, known, self.expected, retry);
        let Err(what) = judged else { return };
        self.report.violations += 1;
        if self.report.told.len() < VIOLATIONS_TOLD {
            let told = tell(self.scenario, self.profile, image, log, &what);
            self.report.told.push(format!("crash {depth}: {told}"));
        }
    }
}

/// What was acknowledged after so many marks.
pub(crate) fn known(log: &[Logged]) -> Vec<Known> {
    let mut all = vec![Known::default()];
    for logged in log {
        let Logged::Mark(text) = logged else { continue };
        let mut next = all.last().copied().unwrap_or_default();
        match text.as_str() {
            RECORD => next.records += 1,
            ACKNOWLEDGED => next.done = true,
            _ => {}
        }
        all.push(next);
    }
    all
}

fn tell(
    scenario: &Scenario,
    profile: Profile,
    image: &Image,
    log: &[Logged],
    what: &str,
) -> String {
    let describe = |at: &usize| match log.get(*at) {
        Some(Logged::Operation(operation, path)) => format!("{} {path}", kind(operation)),
        _ => String::new(),
    };
    let lost: Vec<String> = image.lost.iter().map(describe).collect();
    format!(
        "{} ({}) at operation {}: {what}\n  lost: {}{}",
        scenario.name,
        profile.name(),
        image.point,
        lost.join(", "),
        image.torn.map_or_else(String::new, |bytes| format!("; torn after {bytes} bytes"))
    )
}

fn kind(operation: &Operation) -> &'static str {
    match operation {
        Operation::Create { .. } => "create",
        Operation::Enter { .. } => "name",
        Operation::Leave { .. } => "remove",
        Operation::Move { .. } => "rename",
        Operation::Write { .. } => "write",
        Operation::Resize { .. } => "resize",
        Operation::Mode { .. } => "chmod",
        Operation::Sync { .. } => "sync",
        Operation::SyncFailed { .. } => "failed sync",
    }
}

/// The digest of a recording: the same seed gives the same one.
fn log_hash(log: &[Logged]) -> String {
    integrity::Digest::of(format!("{log:?}").as_bytes()).to_string()
}
