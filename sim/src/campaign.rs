//! A campaign: what is to be looked at, in which order, and how closely.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sim::Random;
use sim::images::{Effort, Points, Profile};

use crate::arguments::MAXIMUM_DEPTH;
use crate::classes::CLASSES;
use crate::damage::Damaged;
use crate::explore::{Depth, Exploration, Setting};
use crate::faults::Injection;
use crate::golden;
use crate::id::StateId;
use crate::lint;
use crate::model::{Known, Model};
use crate::relied::Relied;
use crate::report::Violation;
use crate::rot::{Density, Sealed};
use crate::scenario::{Recording, Scenario, Size, all};
use crate::session::Session;

/// A hunt looks at every so many-th state of the quick tier first, then at more, and then at all of them.
const HUNTED_EVERY: [u64; 3] = [64, 8, 1];

/// A scenario, run without a disturbance.
struct Prepared {
    scenario: Scenario,
    recording: Recording,
    model: Model,
}

/// Scenarios whose home rots before they begin: sealed ones, from which each way leads on. Of the first every byte does.
const ROTTEN: [(&str, bool); 6] = [
    ("rollback", true),
    ("rollback-store", false),
    ("upgrade-store", false),
    ("upgrade-run", false),
    ("recover-journal", false),
    ("rollback-signed", false),
];

/// Of the states that a power loss behind a fault leaves, every so many-th one's recovery is crashed.
const RECOVERIES_BEHIND_FAULTS: u64 = 256;

/// Random scenarios of a campaign that is given neither time nor a number of states.
const RANDOM_SCENARIOS: u64 = 24;
/// The same, if somebody waits for it.
const RANDOM_SCENARIOS_QUICK: u64 = 4;
/// Faults in each random scenario.
const RANDOM_FAULTS: u64 = 12;

/// Whether its home rots.
fn rots(scenario: &Scenario) -> bool {
    ROTTEN.iter().any(|(name, _)| scenario.name == *name)
}

/// What is to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    pub(crate) seed: u64,
    /// Those that were asked for; all, and then random ones, if empty.
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) profiles: Vec<Profile>,
    /// The most states that are judged.
    pub(crate) states: Option<u64>,
    /// The most seconds that it takes.
    pub(crate) budget: Option<Duration>,
    /// How many crashes follow each other, if that was said: whoever says it sees more of the third.
    pub(crate) depth: Option<u32>,
    /// Which share of the states, of how many.
    pub(crate) shard: (u64, u64),
    /// Somebody waits for it.
    pub(crate) quick: bool,
}

impl Campaign {
    /// Whether there is a limit other than that of what there is to see.
    pub(crate) fn is_limited(&self) -> bool {
        self.states.is_some() || self.budget.is_some()
    }

    /// Whether every class of faults is to be met.
    pub(crate) fn is_whole(&self) -> bool {
        self.scenarios.is_empty() && !self.is_limited() && self.shard.1 == 1
    }

    /// Looks at everything, or at this session's share of it.
    pub(crate) fn run(&self, session: &mut Session) {
        let mut number = 0;
        for scenario in &self.chosen() {
            if session.is_over() {
                return;
            }
            // A random one belongs to one process as a whole.
            let is_ours = !scenario.is_random() || session.is_ours(number);
            if is_ours && session.begin_scenario(number) {
                self.scenario(session, scenario);
            }
            number += 1;
        }
        // Whoever has little time sees something of every scenario before every byte of one home rots.
        for scenario in self.chosen().iter().filter(|scenario| rots(scenario)) {
            if session.is_over() {
                return;
            }
            if session.begin_scenario(number)
                && let Some(prepared) = self.recorded(session, scenario)
            {
                let density = self.density(scenario);
                session.part("rot", |session| self.rot(session, &prepared, density));
            }
            number += 1;
        }
        if self.scenarios.is_empty() {
            self.random_scenarios(session, number);
        }
    }

    /// Looks for one violation, wherever it is: at a few states of everything first, and then at more.
    pub(crate) fn hunt(&self, session: &mut Session) {
        let mut prepared = Vec::new();
        for scenario in &self.chosen() {
            if session.is_over() {
                return;
            }
            prepared.extend(self.prepare(session, scenario));
        }
        for prepared in &prepared {
            self.injection(prepared).explore_full_disk(session);
            self.rot(session, prepared, Density::SPARSE);
            self.injection(prepared).explore_damage(session);
        }
        for stride in HUNTED_EVERY {
            session.take_share(stride);
            for prepared in &prepared {
                self.look(session, prepared);
            }
        }
        for prepared in &prepared {
            self.injection(prepared).explore_syncs(session);
            self.rot(session, prepared, self.density(&prepared.scenario));
        }
        // Whoever still has time gets what a campaign without haste looks at.
        let thorough = Self { quick: false, ..self.clone() };
        for prepared in &prepared {
            thorough.look(session, prepared);
            thorough.rot(session, prepared, thorough.density(&prepared.scenario));
        }
    }

    /// Writes what undisturbed runs leave now, for a person to agree to.
    pub(crate) fn accept(&self) -> std::io::Result<()> {
        let scenarios = all();
        let states = scenarios.iter().map(|scenario| {
            let recording = scenario.record(self.seed);
            (scenario.name.clone(), Model::of(scenario, &recording).golden)
        });
        golden::accept(&states.collect::<Vec<_>>())
    }

    fn chosen(&self) -> Vec<Scenario> {
        if self.scenarios.is_empty() { all() } else { self.scenarios.clone() }
    }

    /// Random scenarios, behind so many others: each belongs to one process as a whole.
    fn random_scenarios(&self, session: &mut Session, behind: u64) {
        let most = match (self.is_limited(), self.quick) {
            (true, _) => u64::MAX,
            (false, true) => RANDOM_SCENARIOS_QUICK,
            (false, false) => RANDOM_SCENARIOS,
        };
        let first = self.seed.wrapping_mul(1_000_000);
        for number in 0..most {
            if session.is_over() {
                return;
            }
            if session.is_ours(number) && session.begin_scenario(behind + number) {
                self.scenario(session, &Scenario::random(first + number));
            }
        }
    }

    fn scenario(&self, session: &mut Session, scenario: &Scenario) {
        let mut prepared = None;
        session.part("recordings", |session| prepared = self.prepare(session, scenario));
        if let Some(prepared) = prepared {
            self.look(session, &prepared);
        }
    }

    /// Runs a scenario without a disturbance.
    fn recorded(&self, session: &mut Session, scenario: &Scenario) -> Option<Prepared> {
        session.about_to_record(&format!("{}:{}", scenario.name, self.seed));
        let recorded = catch_unwind(AssertUnwindSafe(|| {
            let recording = scenario.record(self.seed);
            let model = Model::of(scenario, &recording);
            Prepared { scenario: scenario.clone(), recording, model }
        }));
        if recorded.is_err() {
            let (id, what) = (format!("{}:{}", scenario.name, self.seed), crate::panics::last());
            session.violate(Violation { id, judge: "undisturbed".to_owned(), what });
        }
        recorded.ok()
    }

    /// Runs a scenario without a disturbance, and looks at what needs no crash.
    fn prepare(&self, session: &mut Session, scenario: &Scenario) -> Option<Prepared> {
        let prepared = self.recorded(session, scenario)?;
        let random = scenario.is_random();
        let report = &mut session.report;
        let walked = if random { &mut report.by_one } else { &mut report.by_all };
        walked.scenarios += 1;
        walked.operations += prepared.recording.run.log.len() as u64;
        let hash = prepared.recording.log_hash.clone();
        session.report.log_hashes.insert(scenario.name.clone(), hash);
        if let Err(what) = golden::check(&scenario.name, self.seed, &prepared.model.golden) {
            let (id, judge) = (format!("{}:{}", scenario.name, self.seed), "golden".to_owned());
            session.violate(Violation { id, judge, what });
        }
        self.lint(session, scenario, &prepared.recording);
        Some(prepared)
    }

    /// Looks at what crashes, damage and faults make of it.
    fn look(&self, session: &mut Session, prepared: &Prepared) {
        session.forget_counted();
        let Prepared { scenario, recording, model } = prepared;
        self.damage(session, prepared);
        self.relied(session, prepared);
        session.part("crashes", |session| self.crashes(session, scenario, recording, model));
        session.part("faults", |session| self.faults(session, prepared));
    }

    /// Looks at what is no state that a crash left, in every scenario that was asked for.
    pub(crate) fn run_beside_crashes(&self, session: &mut Session) {
        for scenario in &self.chosen() {
            let Some(prepared) = self.prepare(session, scenario) else { continue };
            self.damage(session, &prepared);
            self.relied(session, &prepared);
            self.faults(session, &prepared);
            self.rot(session, &prepared, self.density(scenario));
        }
    }

    fn damage(&self, session: &mut Session, prepared: &Prepared) {
        let Prepared { scenario, recording, model } = prepared;
        let id = StateId::of(&scenario.name, self.seed, Profile::Posix, Effort::QUICK);
        let (before, log) = (&recording.before, &recording.run.log);
        let sharded = !scenario.is_random();
        session.part("damage", |session| {
            Damaged { before, log, model, id: &id, sharded }.explore(session);
        });
    }

    fn relied(&self, session: &mut Session, prepared: &Prepared) {
        let Prepared { scenario, recording, .. } = prepared;
        let id = StateId::of(&scenario.name, self.seed, Profile::Kill, Effort::QUICK);
        let (before, log) = (&recording.before, &recording.run.log);
        let every = match (scenario.size, self.quick) {
            (Size::Small, _) => 1,
            (Size::Medium, false) => 16,
            (Size::Large, false) => 64,
            (Size::Medium, true) => 64,
            (Size::Large, true) => 512,
        };
        let shared = scenario.act.iter().any(|step| step.writes_records() || step.is_written_to());
        let step = if let [step] = scenario.act.as_slice() { Some(*step) } else { None };
        session.part("relied", |session| {
            let sharded = !scenario.is_random();
            Relied { before, log, id: &id, every, shared, step, sharded }.explore(session);
        });
    }

    fn density(&self, scenario: &Scenario) -> Density {
        let thorough = ROTTEN.iter().any(|(name, thorough)| *thorough && scenario.name == *name);
        match (thorough, self.quick) {
            (true, false) => Density::EVERY_BYTE,
            (true, true) => Density { bytes: 24, sectors: 2 },
            (false, false) => Density { bytes: 64, sectors: 8 },
            (false, true) => Density::SPARSE,
        }
    }

    /// Looks at what rot and forgery make of it, if it is one of those that rot.
    fn rot(&self, session: &mut Session, prepared: &Prepared, density: Density) {
        let Prepared { scenario, recording, model } = prepared;
        if session.is_over() || !rots(scenario) {
            return;
        }
        let seed = self.seed;
        let others = &scenario.with_other_pasts().map(|other| other.prepared(seed));
        Sealed { scenario, recording, model, others, seed, density }.explore(session);
    }

    fn lint(&self, session: &mut Session, scenario: &Scenario, recording: &Recording) {
        if let Some((at, what)) = lint::check(&recording.before, &recording.run.log) {
            let id =
                StateId::of(&scenario.name, self.seed, Profile::Posix, Effort::FULL).to_string();
            let what = format!("{what} (operation {at})");
            session.violate(Violation { id, judge: lint::NAME.to_owned(), what });
        }
        *session.report.judged.entry(lint::NAME.to_owned()).or_default() += 1;
    }

    fn crashes(
        &self,
        session: &mut Session,
        scenario: &Scenario,
        recording: &Recording,
        model: &Model,
    ) {
        let known = Known::all(&recording.run.log);
        let mut seen = BTreeSet::new();
        let setting = Setting {
            scenario,
            model,
            before: &recording.before,
            disks: &recording.run.disks,
            failed: None,
            lied_to: false,
        };
        let how = (Profile::Kill, self.depth_of(scenario));
        let mut exploration = Exploration::new(session, setting, how, &mut seen);
        exploration.sharded = !scenario.is_random();
        for profile in self.profiles_of(scenario) {
            exploration.profile = profile;
            let id = StateId::of(&scenario.name, self.seed, profile, self.effort());
            exploration.run(&recording.run.log, &known, Points::ALL, &id);
        }
    }

    fn effort(&self) -> Effort {
        if self.quick { Effort::QUICK } else { Effort::FULL }
    }

    /// Somebody who waits sees the large ones die, and their faults, but not every power loss.
    fn profiles_of(&self, scenario: &Scenario) -> Vec<Profile> {
        let all = self.profiles.iter().copied();
        let left_out = self.quick && scenario.size == Size::Large;
        all.filter(|profile| !left_out || *profile == Profile::Kill).collect()
    }

    fn most_crashes(&self) -> u32 {
        self.depth.unwrap_or(MAXIMUM_DEPTH)
    }

    fn depth_of(&self, scenario: &Scenario) -> Depth {
        let (second_every, unasked, asked_for) = match (scenario.size, self.quick) {
            (Size::Small, false) => (1, 1024, 8),
            (Size::Small, true) => (8, 1024, 64),
            (Size::Medium, false) => (32, 4096, 64),
            (Size::Medium, true) => (128, 0, 0),
            (Size::Large, false) => (512, 0, 256),
            (Size::Large, true) => (0, 0, 0),
        };
        let third_every = if self.depth.is_some() { asked_for } else { unasked };
        // The smallest of all is exhausted.
        let smallest = scenario.name == "confirm";
        let second_every = if smallest { 1 } else { second_every };
        let faults_every = match (scenario.size, self.quick) {
            (Size::Small, false) => 32,
            (Size::Medium, false) => 128,
            (Size::Large, false) => 1024,
            (Size::Small, true) => 64,
            (Size::Medium, true) => 2048,
            (Size::Large, true) => 0,
        };
        Depth { most: self.most_crashes(), second_every, third_every, faults_every }
    }

    fn injection<'p>(&self, prepared: &'p Prepared) -> Injection<'p> {
        let Prepared { scenario, recording, model } = prepared;
        let second_every = if self.quick { 0 } else { RECOVERIES_BEHIND_FAULTS };
        let depth = Depth { most: self.most_crashes(), second_every, ..Depth::ONE };
        Injection { scenario, recording, model, seed: self.seed, depth, quick: self.quick }
    }

    fn faults(&self, session: &mut Session, prepared: &Prepared) {
        let Prepared { scenario, recording, .. } = prepared;
        let injection = self.injection(prepared);
        if !scenario.is_random() {
            injection.explore(session);
            if !self.quick {
                injection.explore_damage(session);
            }
            return;
        }
        let mut random = Random::new(self.seed ^ recording.run.log.len() as u64);
        for _ in 0..RANDOM_FAULTS {
            if session.is_over() {
                return;
            }
            let class = random.below(CLASSES.len() as u64);
            let Some(class) = CLASSES.get(usize::try_from(class).unwrap_or_default()) else {
                return;
            };
            let nth = 1 + random.below(injection.many(*class).max(1));
            injection.meet(session, *class, nth);
        }
    }
}
