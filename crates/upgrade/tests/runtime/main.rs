//! A runtime on a home: what `boot` gives, what it refuses, and what becomes of what the runtime writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod before;
mod cancelling;
mod interrupted;
mod keyring;
mod launch;
mod lifecycle;
mod preserve;
mod progress;
mod promised;
mod support;
mod trial;
mod writers;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use integrity::{Digest, TreeSeal};
use storage_migration::{MigrationStep, RecordSource, SchemaDefinition, SourceError};
use upgrade::capability_migration;
use upgrade::lifecycle::Standing;
use upgrade::{
    Adoption, AdoptionRefusal, Authorization, Catalogue, Cause, Consent, EffectiveConfiguration,
    Environment, Files, Home, InstalledExtensions, MigratedConfiguration, NoTelemetry,
    OfferedExtensions, Part, Refusals, Release, Request, SealedFiles, VerifiedGeneration,
    VerifyReport,
};
use versioning::{ConfigurationSchema, GenerationNumber, RuntimeVersion, SchemaVersion, Versions};

use support::{Scene, append_copies};

fn count(report: &VerifyReport, generation: u64) -> u64 {
    let number = GenerationNumber::new(generation);
    report
        .generations
        .iter()
        .find(|found| found.generation == number)
        .unwrap()
        .logical
        .unwrap()
        .records
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

// trace: test FC-20.3 FC-28.2
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

/// FemtoClaw, but for what is wrong.
struct Stricter(&'static str, Wrong);

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// Nothing.
    Nothing,
    /// The configuration's schema has become stricter.
    Configuration,
    /// Policies cannot be read.
    Policy,
    /// A policy comes along that lets everybody do everything, and the release hosts no extension.
    Generous,
    /// The migrated configuration lacks a key, and logs more.
    Lossy,
    /// The migrations are others than those that were released.
    Edited,
    /// The configuration is found to be invalid once it lies in the new generation, and not before.
    Late,
    /// Of the last storage schema no turn of a conversation can be read.
    Records,
    /// The way back forgets telemetry that was written in the later schema.
    Forgetful,
    /// There is no way back.
    NoWayBack,
    /// The only way back leads into the files of an installation.
    ToFiles,
}

/// FemtoClaw's schemas, the last of which has an invariant that no turn of a conversation satisfies.
static UNREADABLE: LazyLock<Vec<SchemaDefinition>> = LazyLock::new(|| {
    let mut schemas = FemtoClaw.schemas().to_vec();
    schemas.last_mut().unwrap().check = |keyspace, _, _| match keyspace {
        "history" => Err("no runtime can read it".to_owned()),
        _ => Ok(()),
    };
    schemas
});

impl Catalogue for Stricter {
    fn product(&self) -> &'static str {
        self.0
    }

    fn releases(&self) -> &[Release] {
        FemtoClaw.releases()
    }

    fn schemas(&self) -> &[SchemaDefinition] {
        if self.1 == Wrong::Records { &UNREADABLE } else { FemtoClaw.schemas() }
    }

    fn steps(&self) -> &[&'static dyn MigrationStep] {
        if self.1 == Wrong::Edited { before::edited_steps() } else { FemtoClaw.steps() }
    }

    fn back_steps(&self) -> &[&'static dyn MigrationStep] {
        match self.1 {
            Wrong::Forgetful => preserve::forgetful_steps(),
            Wrong::NoWayBack => &[],
            Wrong::ToFiles => promised::steps_to_files(),
            _ => FemtoClaw.back_steps(),
        }
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
        let mut migrated = FemtoClaw.migrate_configuration(from, to, files)?;
        for file in migrated.files.values_mut().filter(|_| self.1 == Wrong::Lossy) {
            let text = String::from_utf8(file.clone()).unwrap();
            let text = text.replace("level = \"info\"", "level = \"trace\"");
            *file = text.replace("colour = \"green\"", "").into_bytes();
        }
        Ok(migrated)
    }

    fn validate_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<(), Vec<String>> {
        if self.1 == Wrong::Configuration || (self.1 == Wrong::Late && before::is_late()) {
            return Err(vec!["brain.backend is not one of those that are left".to_owned()]);
        }
        FemtoClaw.validate_configuration(schema, files)
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
        if self.1 == Wrong::Policy {
            return Err(vec!["policies.json: nobody knows what it means".to_owned()]);
        }
        FemtoClaw.authority(versions, files)
    }

    fn authority_plan(
        &self,
        from: &Versions,
        to: &Versions,
    ) -> Result<capability_migration::Plan, Vec<String>> {
        let mut plan = FemtoClaw.authority_plan(from, to)?;
        if self.1 == Wrong::Generous {
            let any = capability_migration::Pattern::any;
            let effect = capability_migration::Effect::Allow;
            let (principal, resource, action, conditions) = (any(), any(), any(), Vec::new());
            let rule =
                capability_migration::Rule2 { effect, principal, resource, action, conditions };
            let name = "generous".to_owned();
            plan.added.push(capability_migration::Policy2 { name, rules: vec![rule] });
        }
        Ok(plan)
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

    fn configuration_schemas(&self, schema: ConfigurationSchema) -> Files {
        FemtoClaw.configuration_schemas(schema)
    }

    fn offered_extensions(&self, versions: &Versions) -> OfferedExtensions {
        let mut offered = FemtoClaw.offered_extensions(versions);
        if self.1 == Wrong::Generous {
            offered.offered.hosted.clear();
        }
        offered
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

// trace: test FC-10.1.3 FC-10.2
// trace: test FC-5.1.3
#[test]
fn an_invalid_configuration_stops_a_start_and_an_upgrade() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    let stricter = Environment {
        catalogue: &Stricter("femtoclaw", Wrong::Configuration),
        ..scene.environment()
    };
    let error = scene.refused("2.0.0-rc.1", stricter);
    assert_eq!((error.name(), error.exit_code()), ("configuration-invalid", 3));
    assert!(error.to_string().contains("brain.backend"), "{error}");
    let mut telemetry = NoTelemetry;
    let home = Home::open(&scene.home(), stricter, &mut telemetry, Duration::ZERO).unwrap();
    let error = home.plan(&Request::default()).expect_err("it was planned");
    assert!(matches!(error.cause(), Cause::Incompatible(_)), "{error}");
}

#[test]
fn a_policy_that_cannot_be_read_stops_a_start_and_an_upgrade() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    let wrong =
        Environment { catalogue: &Stricter("femtoclaw", Wrong::Policy), ..scene.environment() };
    let error = scene.refused("2.0.0-rc.1", wrong);
    assert_eq!((error.name(), error.exit_code()), ("policy-invalid", 3));
    let refusals = refusals(&scene, &Stricter("femtoclaw", Wrong::Policy), Consent::default());
    assert_eq!(codes(&refusals), ["policy-unreadable"]);
}

// trace: test FC-11.2 FC-12.2 FC-14.3
// trace: test FC-5.1.2 FC-28.1.3
#[test]
fn what_would_let_somebody_do_more_is_refused_with_every_reason_unless_exactly_that_is_granted() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    let generous = Stricter("femtoclaw", Wrong::Generous);
    let found = refusals(&scene, &generous, Consent::default());
    let codes = codes(&found);
    // Not the first reason alone: of the policy and of each extension, all of them.
    assert!(codes.contains(&"authority-widens") && codes.contains(&"kind-not-hosted"), "{codes:?}");
    assert!(codes.iter().filter(|code| **code == "kind-not-hosted").count() > 1, "{codes:?}");
    let granting = |text: &str| {
        let mut parts = text.split(':').map(|part| part.parse().unwrap());
        let (principal, resource, action) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let grant = capability_migration::Grant { principal, resource, action, capability: None };
        Consent { grants: vec![grant], ..Consent::default() }
    };
    let partly = refusals(&scene, &generous, granting("*:fs:*"));
    assert!(self::codes(&partly).contains(&"authority-widens"));
    let wholly = refusals(&scene, &generous, granting("*:*:*"));
    assert!(!self::codes(&wholly).contains(&"authority-widens"));
}

// trace: test FC-10.1.2 FC-14.3
#[test]
fn a_configuration_step_that_loses_something_is_refused_with_every_difference() {
    let scene = Scene::with_configuration(
        r#"{"brain": {"backend": "echo"}, "logging": {"level": "info"}, "colour": "green"}"#,
    );
    let found = refusals(&scene, &Stricter("femtoclaw", Wrong::Lossy), Consent::default());
    assert_eq!(codes(&found), ["meaning-changed", "meaning-changed"]);
    let text = found.to_string();
    assert!(text.contains("carried.colour") && text.contains("logging.level"), "{text}");
    assert!(!text.contains("green"), "{text}");
    let sound = Stricter("femtoclaw", Wrong::Nothing);
    let mut telemetry = NoTelemetry;
    let environment = Environment { catalogue: &sound, ..scene.environment() };
    let home = Home::open(&scene.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
    home.plan(&Request::default()).unwrap();
}

/// Why an upgrade is refused, with the exit code of what is incompatible.
fn refusals(scene: &Scene, catalogue: &Stricter, consent: Consent) -> Refusals {
    let mut telemetry = NoTelemetry;
    let environment = Environment { catalogue, ..scene.environment() };
    let home = Home::open(&scene.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
    let error = home.plan(&Request { consent, ..Request::default() }).expect_err("it was planned");
    assert_eq!((error.name(), error.exit_code()), ("incompatible", 3));
    let Cause::Incompatible(refusals) = error.cause() else { panic!("{error}") };
    Refusals::clone(refusals)
}

fn codes(refusals: &Refusals) -> Vec<&'static str> {
    refusals.reasons.iter().map(|reason| reason.code).collect()
}

// trace: test FC-5.1.1 FC-5.1.4 FC-5.2 FC-6.1.1 FC-6.1.2 FC-8.1 FC-15.2.2 FC-23.1.2 FC-28.1.2 FC-29.1.2
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
    assert_eq!(found.logical, left.logical);
}

/// The digest of a generation's content, with every file read by this test rather than taken from the seal.
fn content_as_it_lies(scene: &Scene, found: &VerifiedGeneration) -> Digest {
    let mut text = format!("store {}\n", found.logical.unwrap().state);
    for part in Part::ALL.into_iter().filter(|part| *part != Part::Store) {
        let directory = format!("generations/{}/{}", found.generation, part.directory());
        let files = TreeSeal::of_tree(&scene.home().join(directory), |_| false).unwrap();
        text += &format!("{} {}\n", part.directory(), files.digest(""));
    }
    Digest::of(text.as_bytes())
}

// trace: test FC-18.3
#[test]
fn the_content_that_is_reported_is_that_of_the_files_as_they_lie() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    let sealed = scene.verify();
    scene.booted("2.0.0-rc.1", |booted| append_copies(booted, "audit", 3));
    let started = scene.verify();
    assert_ne!(sealed.generations[1].logical, started.generations[1].logical);
    for found in sealed.generations.iter().chain(&started.generations) {
        assert_eq!(
            found.logical.unwrap().content,
            content_as_it_lies(&scene, found),
            "{}",
            found.generation
        );
    }
}

// trace: test FC-15.4 FC-28.1.2
#[test]
fn what_is_written_after_an_upgrade_is_kept_when_it_is_rolled_back() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    let before = scene.verify();
    let keys = scene.booted("2.0.0-rc.1", |booted| append_copies(booted, "audit", 3));
    scene.rollback();
    let after = scene.verify();
    assert_eq!(count(&after, 2), count(&before, 2) + 3, "the abandoned generation keeps them");
    let old = |report: &VerifyReport| report.generations[0].clone();
    assert_eq!(old(&after).logical, old(&before).logical);
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

// trace: test FC-15.2.2 FC-20.3
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

// trace: test FC-15.1
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
    let other =
        Environment { catalogue: &Stricter("other", Wrong::Nothing), ..scene.environment() };
    let error = scene.refused("2.0.0", other);
    assert_eq!((error.name(), error.exit_code()), ("unknown-version", 3));
}
