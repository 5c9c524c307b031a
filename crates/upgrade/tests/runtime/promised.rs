//! An upgrade that promises that a rollback will keep what is written after it (FC-UPGRADE-0001 §13, §15).

use std::collections::BTreeSet;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use storage_migration::{Action, Emitter, Example, MigrationStep, TransformError};
use upgrade::compatibility::{Reason, RollbackData, StorageReason, Verdict};
use upgrade::{
    Authorization, Catalogue, Cause, Consent, DataPolicy, Environment, Home, NoTelemetry, Plan,
    Request,
};
use versioning::{GenerationNumber, SchemaVersion};

use super::preserve::{export, go_back, ids_in, write};
use super::support::Scene;
use super::{Stricter, Wrong, codes};

fn to_preserve(version: &str) -> Request {
    let consent = Consent { rollback_data: RollbackData::Preserve, ..Consent::default() };
    Request { target: Some(version.parse().unwrap()), consent, ..Request::default() }
}

fn candidate() -> Scene {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    scene
}

fn plan(scene: &Scene, catalogue: &dyn Catalogue, request: &Request) -> upgrade::Result<Plan> {
    let mut telemetry = NoTelemetry;
    let environment = Environment { catalogue, ..scene.environment() };
    let home = Home::open(&scene.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
    home.plan(request)
}

/// Which schemas a rollback converts, if the verdict says that it does.
fn way_back(verdict: &Verdict) -> Option<Vec<u32>> {
    verdict.reasons().iter().find_map(|reason| match reason {
        Reason::Storage(StorageReason::RollbackConverts { way, .. }) => {
            Some(way.iter().map(|schema| schema.number()).collect())
        }
        _ => None,
    })
}

// trace: test FC-13.2.2 FC-15.2.2 FC-16.2.1 FC-24.2.2
#[test]
fn what_was_promised_to_be_preserved_is_there_after_the_rollback() {
    let scene = candidate();
    let request = to_preserve("2.0.0");
    let planned = plan(&scene, &FemtoClaw, &request).unwrap();
    let verdict = planned.verdict.as_ref().unwrap();
    assert_eq!(way_back(verdict), Some(vec![3, 2]), "{verdict}");
    assert!(!verdict.is_irreversible(), "{verdict}");
    let authorization = Some(Authorization::development());
    scene.with(|home| home.apply(&request, Some(planned.digest()), authorization, &mut |_| {}));
    scene.booted("2.0.0", |booted| write(booted, &[1, 2, 3]));
    let done = go_back(&scene, DataPolicy::Preserve, false).unwrap();
    assert_eq!((done.from.number(), done.restored.number(), done.to.number()), (3, 2, 4));
    let records = done.records.unwrap();
    assert_eq!(records.left, records.activated + 6);
    scene.verify();
    assert_eq!(ids_in(&export(&scene, None)), BTreeSet::from([1, 2, 3]));
}

// trace: test FC-13.2.2 FC-13.3 FC-24.2.2
#[test]
fn where_nothing_leads_back_to_preserve_is_refused_and_to_set_aside_is_agreed_to() {
    let scene = candidate();
    let catalogue = Stricter("femtoclaw", Wrong::NoWayBack);
    let error = plan(&scene, &catalogue, &to_preserve("2.0.0")).unwrap_err();
    let Cause::Incompatible(refusals) = error.cause() else { panic!("{error}") };
    assert_eq!(codes(refusals), ["rollback-unreadable"]);
    assert_eq!(scene.with(|home| Ok(home.state().current)), Some(GenerationNumber::new(2)));
    let aside = Request { consent: Consent::default(), ..to_preserve("2.0.0") };
    let planned = plan(&scene, &catalogue, &aside).unwrap();
    let verdict = planned.verdict.unwrap();
    assert!(verdict.is_irreversible() && verdict.needs_consent(), "{verdict}");
    // The schema stays: there is nothing that would have to be led anywhere.
    scene.apply("2.0.0");
    scene.confirm();
    let planned = plan(&scene, &catalogue, &to_preserve("2.1.0")).unwrap();
    assert_eq!(way_back(planned.verdict.as_ref().unwrap()), None);
}

/// What is agreed to is part of the plan: whoever approved that records are set aside has not approved the promise.
#[test]
fn the_promise_is_part_of_what_is_approved() {
    let scene = candidate();
    let aside = Request { consent: Consent::default(), ..to_preserve("2.0.0") };
    let digest = |request: &Request| plan(&scene, &FemtoClaw, request).unwrap().digest();
    assert_ne!(digest(&to_preserve("2.0.0")), digest(&aside));
}

/// A step back into the files of an installation of 1.0.x.
struct ToFiles;

static TO_FILES: [&dyn MigrationStep; 1] = [&ToFiles];

pub(crate) fn steps_to_files() -> &'static [&'static dyn MigrationStep] {
    &TO_FILES
}

impl MigrationStep for ToFiles {
    fn name(&self) -> &'static str {
        "to-files"
    }

    fn from(&self) -> SchemaVersion {
        SchemaVersion::new(3)
    }

    fn to(&self) -> SchemaVersion {
        SchemaVersion::new(1)
    }

    fn action(&self, _keyspace: &str) -> Action {
        Action::Rewrite
    }

    fn transform(
        &self,
        _keyspace: &str,
        _key: &[u8],
        _value: &[u8],
        _out: &mut Emitter,
    ) -> Result<(), TransformError> {
        Err(TransformError("nobody gets this far".to_owned()))
    }

    fn examples(&self) -> Vec<Example> {
        Vec::new()
    }
}

// trace: test FC-13.2.2 FC-15.2.2
#[test]
fn a_step_that_leads_into_a_copy_of_an_installation_promises_nothing() {
    let scene = Scene::adopted();
    let catalogue = Stricter("femtoclaw", Wrong::ToFiles);
    let error = plan(&scene, &catalogue, &to_preserve("2.0.0")).unwrap_err();
    let Cause::Incompatible(refusals) = error.cause() else { panic!("{error}") };
    assert_eq!(codes(refusals), ["rollback-unreadable"]);
    // As the rollback itself would say.
    scene.apply("2.0.0");
    let error = go_back(&scene, DataPolicy::Preserve, false).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotCarriedBack { .. }), "{error}");
}
