//! Homes to test on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};
use femtoclaw_catalogue::{Envelope, FemtoClaw, RecordKey};
use upgrade::{
    AdoptRequest, Authorization, Booted, EngineOptions, Environment, Error, Home, NoTelemetry,
    Request, VerifyReport,
};
use versioning::{FixedClock, Timestamp};

const CLOCK: FixedClock = FixedClock(Timestamp::EPOCH);

/// A home in a directory of its own.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    engine: EngineOptions,
}

impl Scene {
    pub(crate) fn adopted() -> Self {
        Self::adopted_after(|_| {})
    }

    /// Of an installation with this configuration.
    pub(crate) fn with_configuration(text: &str) -> Self {
        Self::adopted_after(|source| {
            std::fs::write(source.join("config/config.json"), text).unwrap();
        })
    }

    fn adopted_after(change: impl FnOnce(&Path)) -> Self {
        Self::adopted_of(&SampleOptions::default(), change)
    }

    /// Of an installation with so many turns of the conversation, each being a dozen records.
    pub(crate) fn with_turns(turns: u64) -> Self {
        let options = SampleOptions { records: turns, ..SampleOptions::default() };
        Self::adopted_of(&options, |_| {})
    }

    fn adopted_of(options: &SampleOptions, change: impl FnOnce(&Path)) -> Self {
        let scene =
            Self { directory: tempfile::tempdir().unwrap(), engine: EngineOptions::default() };
        let source = scene.directory.path().join("installation");
        write_sample_home(&source, options).unwrap();
        change(&source);
        let request = AdoptRequest {
            source,
            home: scene.home(),
            assumed: None,
            runtime: None,
            lock_timeout: Duration::ZERO,
        };
        upgrade::adopt(&request, scene.environment(), &mut NoTelemetry, &mut |_| {}).unwrap();
        scene
    }

    /// The same home as it lies now, in another place: what a kill of everybody would leave.
    pub(crate) fn killed(&self) -> Self {
        let scene =
            Self { directory: tempfile::tempdir().unwrap(), engine: EngineOptions::default() };
        copy(&self.home(), &scene.home());
        scene
    }

    pub(crate) fn upgraded(version: &str) -> Self {
        let scene = Self::adopted();
        scene.apply(version);
        scene
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(crate) fn environment(&self) -> Environment<'_> {
        Environment { catalogue: &FemtoClaw, clock: &CLOCK, operator: "test", engine: &self.engine }
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Home<'_>) -> upgrade::Result<T>) -> T {
        let mut telemetry = NoTelemetry;
        let mut home =
            Home::open(&self.home(), self.environment(), &mut telemetry, Duration::ZERO).unwrap();
        act(&mut home).unwrap()
    }

    pub(crate) fn apply(&self, version: &str) {
        self.apply_with(version, None);
    }

    pub(crate) fn apply_with(&self, version: &str, runtime: Option<PathBuf>) {
        let request =
            Request { target: Some(version.parse().unwrap()), runtime, ..Request::default() };
        let authorization = Some(Authorization::development());
        self.with(|home| home.apply(&request, None, authorization, &mut |_| {})).unwrap();
    }

    pub(crate) fn confirm(&self) {
        self.with(|home| {
            let current = home.state().current.unwrap();
            home.confirm(current)
        });
    }

    pub(crate) fn rollback(&self) {
        let authorization = Some(Authorization::development());
        self.with(|home| home.rollback(None, authorization, "a test", &mut |_| {}));
    }

    pub(crate) fn verify(&self) -> VerifyReport {
        let report = self.with(|home| home.verify(&mut |_| {}));
        assert_eq!(report.problems, Vec::<String>::new());
        report
    }

    pub(crate) fn boot<'e>(
        &'e self,
        version: &str,
        telemetry: &'e mut NoTelemetry,
    ) -> upgrade::Result<Booted<'e>> {
        let version = version.parse().unwrap();
        upgrade::boot(&self.home(), &version, self.environment(), telemetry, Duration::ZERO)
    }

    /// Boots, does something, closes nothing more than Rust does.
    pub(crate) fn booted<T>(&self, version: &str, act: impl FnOnce(&Booted<'_>) -> T) -> T {
        let mut telemetry = NoTelemetry;
        let version = version.parse().unwrap();
        let environment = self.environment();
        let booted =
            upgrade::boot(&self.home(), &version, environment, &mut telemetry, Duration::ZERO)
                .unwrap();
        act(&booted)
    }

    pub(crate) fn refused(&self, version: &str, environment: Environment<'_>) -> Error {
        let mut telemetry = NoTelemetry;
        let version = version.parse().unwrap();
        upgrade::boot(&self.home(), &version, environment, &mut telemetry, Duration::ZERO)
            .expect_err("it booted")
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Appends copies of the first record of a keyspace of schema 2, as a runtime would append records, and returns their keys.
pub(crate) fn append_copies(booted: &Booted<'_>, keyspace: &str, count: u64) -> Vec<Vec<u8>> {
    let store = booted.open_store().unwrap();
    let mut first = None;
    store
        .scan_while(keyspace, &mut |_, value| {
            first = Some(Envelope::decode(value).unwrap());
            false
        })
        .unwrap();
    let mut keys = Vec::new();
    for number in 0..count {
        let mut envelope = first.clone().unwrap();
        envelope.source = RecordKey { ordinal: 1_000_000 + number, ..envelope.source };
        store.put(keyspace, &envelope.source.encode(), &envelope.encode()).unwrap();
        keys.push(envelope.source.encode().to_vec());
    }
    store.persist().unwrap();
    store.close().unwrap();
    keys
}
