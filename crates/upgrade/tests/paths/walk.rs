//! One home on one path, held to the property after every step.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use femtoclaw_catalogue::{Envelope, FemtoClaw, RecordKey, schema2};
use integrity::{Digest, TreeSeal};
use upgrade::{
    AdoptRequest, AdoptedFile, Authorization, Cancellation, EngineOptions, Environment, Home,
    NoTelemetry, Part, Request, VerifiedGeneration,
};
use versioning::{FixedClock, GenerationNumber, Timestamp};

use crate::Leg;
use crate::installation::Installation;
use crate::originals::Originals;

const CLOCK: FixedClock = FixedClock(Timestamp::EPOCH);

static ENGINE: EngineOptions = EngineOptions {
    memory_budget_bytes: 1 << 20,
    maximum_group_bytes: 1 << 20,
    open_runs: 8,
    recheck_every: 1,
    workers: 2,
    pipeline_bytes: 4 << 20,
    cache_bytes: 1 << 20,
    worker_threads: 0,
    cancellation: Cancellation::never(),
};

/// What an upgrade can lead to, oldest first.
pub(crate) const RELEASES: [&str; 3] = ["2.0.0-rc.1", "2.0.0", "2.1.0"];

/// Where the records that a runtime writes are counted from: no file has so many.
const FIRST_ORDINAL: u64 = 1 << 40;

/// What a step left, by everything that must not depend on the run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Left {
    found: VerifiedGeneration,
    exported: Digest,
}

/// Being current is not of its content.
fn as_left(found: VerifiedGeneration) -> VerifiedGeneration {
    VerifiedGeneration { current: false, held_as_left: false, ..found }
}

/// What happened in some walks: a property that is never put to the test holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) upgrades: u64,
    pub(crate) rollbacks: u64,
    pub(crate) again: u64,
    pub(crate) written: u64,
    pub(crate) set_aside: u64,
    pub(crate) joined: u64,
    pub(crate) originals: u64,
}

impl Tally {
    fn counts(self) -> [u64; 7] {
        let Self { upgrades, rollbacks, again, written, set_aside, joined, originals } = self;
        [upgrades, rollbacks, again, written, set_aside, joined, originals]
    }

    pub(crate) fn with(self, other: Self) -> Self {
        let mut sums = self.counts();
        sums.iter_mut().zip(other.counts()).for_each(|(sum, count)| *sum += count);
        let [upgrades, rollbacks, again, written, set_aside, joined, originals] = sums;
        Self { upgrades, rollbacks, again, written, set_aside, joined, originals }
    }

    /// Whether everything happened often.
    pub(crate) fn is_enough(self) -> bool {
        self.counts().iter().all(|count| *count >= 50)
    }
}

pub(crate) struct Walk {
    directory: tempfile::TempDir,
    adopted: Vec<AdoptedFile>,
    /// By generation: what must be in it.
    expected: BTreeMap<GenerationNumber, Originals>,
    /// By generation: how it was when it was looked at last.
    left: BTreeMap<GenerationNumber, Left>,
    /// By release, as long as no runtime has written: the state of the store that every path to it leads to.
    reached: BTreeMap<&'static str, Digest>,
    pub(crate) steps: Vec<Left>,
    /// By generation: its records.
    pub(crate) exports: BTreeMap<GenerationNumber, Vec<u8>>,
    pub(crate) tally: Tally,
}

impl Walk {
    /// Adopts an installation and takes a path.
    pub(crate) fn take(installation: &Installation, legs: &[Leg]) -> Self {
        let mut walk = Self::adopt(installation);
        let sealed = walk.source_as_it_lies();
        for (number, leg) in legs.iter().enumerate() {
            walk.tally.again += u64::from(number > 0 && !leg.up.is_empty());
            for step in &leg.up {
                walk.upgrade(step.release);
                (0..step.starts).for_each(|_| walk.run());
            }
            if leg.confirmed {
                walk.confirm();
            }
            (0..leg.back).for_each(|_| walk.rollback());
        }
        walk.all_generations_hold();
        assert_eq!(walk.source_as_it_lies(), sealed, "the installation was modified");
        walk
    }

    fn adopt(installation: &Installation) -> Self {
        // In memory, if there is a place for that: every step syncs.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (source, home) = (directory.path().join("source"), directory.path().join("home"));
        installation.write(&source);
        let version = installation.release.version().parse().unwrap();
        let request = AdoptRequest {
            source,
            home,
            assumed: installation.stated.then_some(version),
            runtime: None,
            lock_timeout: Duration::ZERO,
        };
        let mut telemetry = NoTelemetry;
        let adopted = upgrade::adopt(&request, environment(), &mut telemetry, &mut |_| {}).unwrap();
        let version = adopted.generation.manifest().versions.runtime.to_string();
        assert_eq!(version, installation.release.version());
        let adopted = adopted.adoption.files;
        let mut originals = Originals::default();
        for (number, file) in (0..).zip(&adopted) {
            let path = file.source.to_str().unwrap();
            originals.file(number, path);
            let written = installation.files.iter().find(|file| file.path == path).unwrap();
            if file.part == Part::Store {
                written.pieces.iter().for_each(|piece| originals.piece(number, piece));
            }
        }
        assert_eq!(adopted.len(), installation.files.len());
        let mut walk = Self {
            directory,
            adopted,
            expected: BTreeMap::from([(GenerationNumber::FIRST, originals)]),
            left: BTreeMap::new(),
            reached: BTreeMap::new(),
            steps: Vec::new(),
            exports: BTreeMap::new(),
            tally: Tally::default(),
        };
        walk.look();
        walk
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    fn source_as_it_lies(&self) -> Digest {
        TreeSeal::of_tree(&self.directory.path().join("source"), |_| false).unwrap().digest("")
    }

    fn with<T>(&self, act: impl FnOnce(&mut Home<'_>) -> upgrade::Result<T>) -> T {
        let mut telemetry = NoTelemetry;
        let home = Home::open(&self.home(), environment(), &mut telemetry, Duration::ZERO);
        act(&mut home.unwrap()).unwrap()
    }

    fn current(&self) -> (GenerationNumber, String) {
        self.with(|home| {
            let (number, found) = home.state().current_generation().unwrap();
            Ok((number, found.versions.runtime.to_string()))
        })
    }

    fn confirm(&self) {
        self.with(|home| {
            let current = home.state().current.unwrap();
            home.confirm(current)
        });
    }

    /// Upgrades, if the release is one that is ahead.
    fn upgrade(&mut self, release: &'static str) {
        let (from, version) = self.current();
        let place = |version: &str| RELEASES.iter().position(|release| *release == version);
        if place(&version) >= place(release) {
            return;
        }
        self.confirm();
        let request = Request { target: release.parse().ok(), ..Request::default() };
        let authorization = Some(Authorization::development());
        let applied = self.with(|home| home.apply(&request, None, authorization, &mut |_| {}));
        assert_eq!(applied.unwrap().from, from);
        self.tally.upgrades += 1;
        let (to, version) = self.current();
        assert_eq!(version, release);
        self.expected.insert(to, self.expected[&from].clone());
        let left = self.look();
        if self.tally.written == 0 {
            // The files are others: what each upgrade replaced is set aside.
            let found = left.found.logical.unwrap().state;
            let reached = self.reached.entry(release).or_insert(found);
            assert_eq!(*reached, found, "{release} depends on the way there");
        }
    }

    /// Goes back, if there is anything to go back to.
    // trace: impl FC-25.2.2
    fn rollback(&mut self) {
        let is_possible = self.with(|home| Ok(home.state().rollback_target().is_some()));
        if !is_possible {
            return;
        }
        let authorization = Some(Authorization::development());
        let back = self.with(|home| home.rollback(None, authorization, "a test", &mut |_| {}));
        self.tally.rollbacks += 1;
        let before = self.left[&back.to].clone();
        let after = self.look();
        assert_eq!(after, before, "what it went back to is not what was left");
    }

    /// A runtime starts, writes a turn of the history and an event that begins an execution, and stops.
    fn run(&mut self) {
        let (number, version) = self.current();
        self.tally.written += 1;
        let ordinal = FIRST_ORDINAL + self.tally.written;
        let history = format!(
            r#"{{"timestamp":"2026-02-01T00:00:00Z","input":"{ordinal}","output":"é","metadata":1.10}}"#
        );
        let event = format!(
            r#"{{"id":{ordinal},"timestamp":"2026-02-01T00:00:00Z","event_type":"execution_started","payload":{{"id":"a","timestamp":"2026-02-01T00:00:00Z","capability":"shell","status":"Started","result": 1.10}}}}"#
        );
        let mut telemetry = NoTelemetry;
        let version = version.parse().unwrap();
        let booted =
            upgrade::boot(&self.home(), &version, environment(), &mut telemetry, Duration::ZERO)
                .unwrap();
        let store = booted.open_store_with(&ENGINE).unwrap();
        let source = RecordKey { file: 0, ordinal };
        let originals = self.expected.get_mut(&number).unwrap();
        for (keyspace, original) in [("history", history), ("wal", event)] {
            let original = original.into_bytes();
            originals.piece(0, &original);
            let (decoded, unknown) = schema2::normalize(keyspace, &original).unwrap();
            let envelope = Envelope { source, unknown, decoded, original };
            store.put(keyspace, &source.encode(), &envelope.encode()).unwrap();
        }
        store.close().unwrap();
        booted.stop().unwrap();
        self.look();
    }

    /// Holds the home to the property as it is now.
    fn look(&mut self) -> Left {
        let (report, exported, parts) = self.with(|home| {
            let generation = home.generation(None)?;
            // The others are looked at when the walk is over.
            let report = home.verify_only(|number| number == generation.number(), &mut |_| {})?;
            let mut exported = Vec::new();
            home.export(&generation, &mut exported)?;
            Ok((report, exported, Part::ALL.map(|part| (part, generation.part(part)))))
        });
        assert_eq!(report.problems, Vec::<String>::new());
        let found = report.generations.iter().find(|found| found.current).unwrap();
        let originals = self.hold(found.generation, &exported);
        self.hold_files(&parts);
        let text = std::str::from_utf8(&exported).unwrap();
        self.tally.set_aside += u64::from(text.contains(r#""keyspace":"set_aside""#));
        self.tally.joined += u64::from(text.contains(r#""derived":"#));
        self.tally.originals += originals;
        let left = Left { found: as_left(found.clone()), exported: Digest::of(&exported) };
        self.left.insert(found.generation, left.clone());
        self.exports.insert(found.generation, exported);
        self.steps.push(left.clone());
        left
    }

    /// Holds the export of a generation to what must be in it.
    fn hold(&self, generation: GenerationNumber, exported: &[u8]) -> u64 {
        let differences = self.differences(generation, exported);
        assert_eq!(differences, Vec::<String>::new(), "generation {generation}");
        self.expected[&generation].total()
    }

    /// How an export differs from what must be in a generation.
    pub(crate) fn differences(&self, generation: GenerationNumber, exported: &[u8]) -> Vec<String> {
        self.expected[&generation].differences(&Originals::exported(exported))
    }

    /// What is no record is there byte for byte, in its place or among what was set aside when it was replaced. The
    /// configuration is rewritten.
    fn hold_files(&self, parts: &[(Part, PathBuf)]) {
        let of = |part: Part| !matches!(part, Part::Store | Part::Configuration);
        let trees = parts.iter().filter(|(part, _)| of(*part));
        let seals = trees.map(|(_, tree)| TreeSeal::of_tree(tree, |_| false).unwrap());
        let found: Vec<Digest> = seals
            .flat_map(|seal| seal.iter().map(|(_, file)| file.digest).collect::<Vec<_>>())
            .collect();
        for file in self.adopted.iter().filter(|file| of(file.part)) {
            assert!(found.contains(&file.digest), "{}", file.target);
        }
    }

    /// Every generation is kept, those too that were left, each with what was in it: the digests are over every record.
    fn all_generations_hold(&self) {
        let report = self.with(|home| home.verify(&mut |_| {}));
        assert_eq!(report.problems, Vec::<String>::new());
        assert_eq!(report.generations.len(), self.expected.len());
        for found in report.generations {
            let number = found.generation;
            assert_eq!(as_left(found), self.left[&number].found);
        }
    }
}

fn environment() -> Environment<'static> {
    Environment { catalogue: &FemtoClaw, clock: &CLOCK, operator: "test", engine: &ENGINE }
}
