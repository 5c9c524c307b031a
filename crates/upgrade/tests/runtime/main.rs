//! A runtime on a home: what `boot` gives, what it refuses, and what becomes of what the runtime writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;
mod trial;

use std::fs;
use std::path::Path;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use integrity::{Digest, TreeSeal};
use storage_migration::{MigrationStep, RecordSource, SchemaDefinition, SourceError};
use upgrade::capability_migration;
use upgrade::lifecycle::Standing;
use upgrade::{
    Adoption, AdoptionRefusal, Authorization, Catalogue, Cause, EffectiveConfiguration,
    Environment, Files, Home, InstalledExtensions, MigratedConfiguration, NoTelemetry,
    OfferedExtensions, Part, Release, Request, SealedFiles, VerifiedGeneration, VerifyReport,
};
use versioning::{ConfigurationSchema, GenerationNumber, RuntimeVersion, SchemaVersion, Versions};

use support::{Scene, append_copies};

fn count(report: &VerifyReport, generation: u64) -> u64 {
    let number = GenerationNumber::new(generation);
    report.generations.iter().find(|found| found.generation == number).unwrap().records
}

#[test]
fn a_runtime_gets_the_parts_of_the_current_generation() {
    let scene = Scene::upgraded("2.0.0");
    scene.booted("2.0.0", |booted| {
        assert_eq!(booted.generation().number(), GenerationNumber::new(2));
        assert!(booted.configuration().contains_key("femtoclaw.toml"));
        assert_eq!(booted.policy().len(), 2);
        assert!(booted.path(Part::Extensions).is_dir());
        let store = booted.open_store().unwrap();
        let mut executions = 0;
        store
            .scan_while("executions", &mut |_, value| {
                femtoclaw_catalogue::schema3::execution(value).unwrap();
                executions += 1;
                true
            })
            .unwrap();
        assert!(executions >= 100, "{executions}");
        store.close().unwrap();
    });
}

#[test]
fn nothing_is_upgraded_under_a_running_runtime() {
    let scene = Scene::upgraded("2.0.0");
    scene.booted("2.0.0", |_| {
        let mut telemetry = NoTelemetry;
        let error = Home::open(&scene.home(), scene.environment(), &mut telemetry, Duration::ZERO)
            .expect_err("the home was not locked");
        assert_eq!((error.name(), error.exit_code()), ("locked", 9));
    });
}

#[test]
fn a_runtime_of_another_version_is_refused() {
    let scene = Scene::upgraded("2.0.0");
    for version in ["1.0.3", "2.0.0-rc.1", "2.0.1"] {
        let error = scene.refused(version, scene.environment());
        assert_eq!((error.name(), error.exit_code()), ("wrong-runtime", 3), "{version}");
    }
    assert!(!scene.with(|home| Ok(home.state().current_generation().unwrap().1.started)));
}

#[test]
fn what_is_not_as_it_was_sealed_is_refused_before_anything_is_opened() {
    for file in [
        "config/femtoclaw.toml",
        "config/secrets.toml",
        "policy/policies.json",
        "policy/capabilities.json",
        "extensions/talons/greeter/scripts/run.sh",
        "manifest.json",
    ] {
        let scene = Scene::upgraded("2.0.0");
        let path = scene.home().join("generations/2").join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
        fs::write(&path, bytes).unwrap();
        let error = scene.refused("2.0.0", scene.environment());
        assert_eq!((error.name(), error.exit_code()), ("integrity-violated", 6), "{file}");
    }
    let scene = Scene::upgraded("2.0.0");
    fs::write(scene.home().join("generations/2/store/stray"), b"").unwrap();
    let error = scene.refused("2.0.0", scene.environment());
    assert!(error.to_string().contains("store/stray"), "{error}");
}

/// FemtoClaw, with a configuration schema that has become stricter.
struct Stricter(&'static str);

impl Catalogue for Stricter {
    fn product(&self) -> &'static str {
        self.0
    }

    fn releases(&self) -> &[Release] {
        FemtoClaw.releases()
    }

    fn schemas(&self) -> &[SchemaDefinition] {
        FemtoClaw.schemas()
    }

    fn steps(&self) -> &[&'static dyn MigrationStep] {
        FemtoClaw.steps()
    }

    fn inspect(
        &self,
        directory: &Path,
        assumed: Option<&RuntimeVersion>,
    ) -> Result<Adoption, AdoptionRefusal> {
        FemtoClaw.inspect(directory, assumed)
    }

    fn foreign_source(
        &self,
        schema: SchemaVersion,
        generation: &Path,
    ) -> Result<Option<Box<dyn RecordSource>>, SourceError> {
        FemtoClaw.foreign_source(schema, generation)
    }

    fn migrate_configuration(
        &self,
        from: ConfigurationSchema,
        to: ConfigurationSchema,
        files: &Files,
    ) -> Result<MigratedConfiguration, Vec<String>> {
        FemtoClaw.migrate_configuration(from, to, files)
    }

    fn validate_configuration(
        &self,
        _schema: ConfigurationSchema,
        _files: &Files,
    ) -> Result<(), Vec<String>> {
        Err(vec!["brain.backend is not one of those that are left".to_owned()])
    }

    fn effective_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<EffectiveConfiguration, Vec<String>> {
        FemtoClaw.effective_configuration(schema, files)
    }

    fn authority(
        &self,
        versions: &Versions,
        files: &Files,
    ) -> Result<capability_migration::Authority, Vec<String>> {
        FemtoClaw.authority(versions, files)
    }

    fn authority_plan(
        &self,
        from: &Versions,
        to: &Versions,
    ) -> Result<capability_migration::Plan, Vec<String>> {
        FemtoClaw.authority_plan(from, to)
    }

    fn write_authority(
        &self,
        versions: &Versions,
        authority: &capability_migration::Authority,
    ) -> Result<Files, Vec<String>> {
        FemtoClaw.write_authority(versions, authority)
    }

    fn extensions(
        &self,
        in_use: &SealedFiles<'_>,
        set_aside: &SealedFiles<'_>,
    ) -> Result<InstalledExtensions, Vec<String>> {
        FemtoClaw.extensions(in_use, set_aside)
    }

    fn offered_extensions(&self, versions: &Versions) -> OfferedExtensions {
        FemtoClaw.offered_extensions(versions)
    }

    fn render(
        &self,
        schema: SchemaVersion,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
    ) -> serde_json::Value {
        FemtoClaw.render(schema, keyspace, key, value)
    }
}

#[test]
fn an_invalid_configuration_stops_a_start_and_an_upgrade() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    let stricter = Environment { catalogue: &Stricter("femtoclaw"), ..scene.environment() };
    let error = scene.refused("2.0.0-rc.1", stricter);
    assert_eq!((error.name(), error.exit_code()), ("configuration-invalid", 3));
    assert!(error.to_string().contains("brain.backend"), "{error}");
    let mut telemetry = NoTelemetry;
    let home = Home::open(&scene.home(), stricter, &mut telemetry, Duration::ZERO).unwrap();
    let error = home.plan(&Request::default()).expect_err("it was planned");
    assert!(matches!(error.cause(), Cause::Incompatible(_)), "{error}");
}

#[test]
fn what_a_runtime_wrote_is_migrated_and_is_still_there_after_a_rollback() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    let before = count(&scene.verify(), 2);
    // `history` is untouched by the next migration, `audit` is rewritten.
    scene.booted("2.0.0-rc.1", |booted| {
        append_copies(booted, "history", 7);
        append_copies(booted, "audit", 5);
    });
    let report = scene.verify();
    assert_eq!(count(&report, 2), before + 12);
    assert!(report.generations.iter().any(|found| found.written_to));
    let left = report.generations.iter().find(|found| found.current).unwrap().clone();
    scene.apply("2.0.0");
    let report = scene.verify();
    assert!(count(&report, 3) >= before + 12);
    scene.rollback();
    let back = scene.verify();
    let found = back.generations.iter().find(|found| found.current).unwrap();
    assert_eq!((found.state, found.content), (left.state, left.content));
}

/// The digest of a generation's content, with every file read by this test rather than taken from the seal.
fn content_as_it_lies(scene: &Scene, found: &VerifiedGeneration) -> Digest {
    let mut text = format!("store {}\n", found.state);
    for part in Part::ALL.into_iter().filter(|part| *part != Part::Store) {
        let directory = format!("generations/{}/{}", found.generation, part.directory());
        let files = TreeSeal::of_tree(&scene.home().join(directory), |_| false).unwrap();
        text += &format!("{} {}\n", part.directory(), files.digest(""));
    }
    Digest::of(text.as_bytes())
}

#[test]
fn the_content_that_is_reported_is_that_of_the_files_as_they_lie() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    let sealed = scene.verify();
    scene.booted("2.0.0-rc.1", |booted| append_copies(booted, "audit", 3));
    let started = scene.verify();
    assert_ne!(sealed.generations[1].content, started.generations[1].content);
    for found in sealed.generations.iter().chain(&started.generations) {
        assert_eq!(found.content, content_as_it_lies(&scene, found), "{}", found.generation);
    }
}

#[test]
fn what_is_written_after_an_upgrade_is_kept_when_it_is_rolled_back() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    let before = scene.verify();
    let keys = scene.booted("2.0.0-rc.1", |booted| append_copies(booted, "audit", 3));
    scene.rollback();
    let after = scene.verify();
    assert_eq!(count(&after, 2), count(&before, 2) + 3, "the abandoned generation keeps them");
    let old = |report: &VerifyReport| report.generations[0].clone();
    assert_eq!(old(&after).content, old(&before).content);
    let mut exported = Vec::new();
    scene.with(|home| {
        let generation = home.generation(Some(GenerationNumber::new(2)))?;
        home.export(&generation, &mut exported)
    });
    let text = String::from_utf8(exported).unwrap();
    for key in keys {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(text.contains(&key), "{key} is not exported");
    }
}

#[test]
fn a_generation_that_was_left_and_then_altered_is_not_gone_back_to() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    scene.booted("2.0.0-rc.1", |booted| append_copies(booted, "audit", 3));
    scene.apply("2.0.0");
    let journal = scene.home().join("generations/2/store/0.jnl");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.push(0);
    fs::write(journal, bytes).unwrap();
    let mut telemetry = NoTelemetry;
    let mut home =
        Home::open(&scene.home(), scene.environment(), &mut telemetry, Duration::ZERO).unwrap();
    let authorization = Some(Authorization::development());
    let error =
        home.rollback(None, authorization, "a test", &mut |_| {}).expect_err("it went back");
    assert_eq!((error.name(), error.exit_code()), ("integrity-violated", 6));
}

#[test]
fn a_start_is_on_record_once_until_the_generation_is_left() {
    let scene = Scene::upgraded("2.0.0");
    for _ in 0..3 {
        scene.booted("2.0.0", |_| ());
    }
    let starts = scene.with(|home| {
        let records = home.records().iter();
        Ok(records.filter(|record| record.event.name() == "STARTED").count())
    });
    assert_eq!(starts, 1);
}

#[test]
fn an_adopted_generation_is_a_copy_and_is_not_run_from_the_home() {
    let scene = Scene::adopted();
    let error = scene.refused("1.0.3", scene.environment());
    assert_eq!((error.name(), error.exit_code()), ("incompatible", 3));
    assert!(!scene.with(|home| Ok(home.state().current_generation().unwrap().1.started)));
}

#[test]
fn a_runtime_confirms_itself_while_it_runs() {
    let scene = Scene::upgraded("2.0.0");
    let mut telemetry = NoTelemetry;
    let environment = scene.environment();
    let version = RuntimeVersion::new(2, 0, 0);
    let mut booted =
        upgrade::boot(&scene.home(), &version, environment, &mut telemetry, Duration::ZERO)
            .unwrap();
    assert_ne!(booted.standing(), Standing::Confirmed);
    booted.confirm().unwrap();
    assert_eq!(booted.standing(), Standing::Confirmed);
}

#[test]
fn a_current_generation_that_is_damaged_beyond_reading_can_be_left() {
    for damage in ["manifest.json", "store", "config"] {
        let scene = Scene::upgraded("2.0.0");
        let path = scene.home().join("generations/2").join(damage);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
            std::os::unix::fs::symlink("/etc", &path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        scene.rollback();
        let current = scene.with(|home| Ok(home.state().current));
        assert_eq!(current, Some(GenerationNumber::FIRST), "{damage}");
    }
}

#[test]
fn a_home_of_another_product_is_not_opened() {
    let scene = Scene::upgraded("2.0.0");
    let other = Environment { catalogue: &Stricter("other"), ..scene.environment() };
    let error = scene.refused("2.0.0", other);
    assert_eq!((error.name(), error.exit_code()), ("unknown-version", 3));
}
