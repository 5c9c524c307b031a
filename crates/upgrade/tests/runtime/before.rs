//! What is found out before anything is current.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use storage_migration::{Action, Emitter, Example, MigrationStep, TransformError};
use upgrade::{
    Authorization, Catalogue, Condition, Consent, Environment, Home, NoTelemetry, Request,
};
use versioning::SchemaVersion;

use crate::support::Scene;
use crate::{Stricter, Wrong, codes, refusals};

/// A migration that somebody edited after it was released: one of its examples is gone.
struct Edited(&'static dyn MigrationStep);

impl MigrationStep for Edited {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn from(&self) -> SchemaVersion {
        self.0.from()
    }

    fn to(&self) -> SchemaVersion {
        self.0.to()
    }

    fn action(&self, keyspace: &str) -> Action {
        self.0.action(keyspace)
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        self.0.transform(keyspace, key, value, out)
    }

    fn join(
        &self,
        keyspace: &str,
        group: &[u8],
        fragments: &[Vec<u8>],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        self.0.join(keyspace, group, fragments, out)
    }

    fn examples(&self) -> Vec<Example> {
        let mut examples = self.0.examples();
        examples.pop();
        examples
    }
}

/// The migrations of FemtoClaw, edited.
pub(crate) fn edited_steps() -> &'static [&'static dyn MigrationStep] {
    static STEPS: LazyLock<Vec<&'static dyn MigrationStep>> = LazyLock::new(|| {
        let edited = |step: &&'static dyn MigrationStep| -> &'static dyn MigrationStep {
            Box::leak(Box::new(Edited(*step)))
        };
        FemtoClaw.steps().iter().map(edited).collect()
    });
    &STEPS
}

/// Whether the configuration was validated before: the plan does it first.
pub(crate) fn is_late() -> bool {
    static VALIDATED: AtomicUsize = AtomicUsize::new(0);
    VALIDATED.fetch_add(1, Ordering::Relaxed) > 0
}

// trace: test FC-14.2 FC-14.3
#[test]
fn what_is_wrong_with_a_new_generation_is_found_before_it_is_current() {
    let scene = Scene::adopted();
    let late = Stricter("femtoclaw", Wrong::Late);
    let environment = Environment { catalogue: &late, ..scene.environment() };
    let mut telemetry = NoTelemetry;
    let mut home = Home::open(&scene.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
    let (current, before) = (home.state().current, home.records().len());
    let authorization = Some(Authorization::development());
    let error = home
        .apply(&Request::default(), None, authorization, &mut |_| {})
        .expect_err("it was activated");
    assert_eq!(error.name(), "configuration-invalid");
    assert!(matches!(error.condition(), Condition::Undone(_)), "{error}");
    assert_eq!(home.state().current, current);
    let since: Vec<_> = home.records().iter().skip(before).map(|it| it.event.name()).collect();
    assert_eq!(since, ["AUTHORIZED", "PREPARED", "QUIESCED", "ABORTED"]);
    assert!(!scene.home().join("generations/2").exists(), "what was built is still there");
}

// trace: test FC-14.1.3
#[test]
fn a_migration_that_was_edited_after_it_was_applied_is_refused() {
    let scene = Scene::upgraded("2.0.0-rc.1");
    scene.confirm();
    let edited = Stricter("femtoclaw", Wrong::Edited);
    let found = refusals(&scene, &edited, Consent::default());
    assert_eq!(codes(&found), ["migration-edited"]);
    let sound = Environment { catalogue: &FemtoClaw, ..scene.environment() };
    let mut telemetry = NoTelemetry;
    let home = Home::open(&scene.home(), sound, &mut telemetry, Duration::ZERO).unwrap();
    home.plan(&Request::default()).unwrap();
}

// trace: test FC-21.1 FC-21.2 FC-21.3
#[test]
fn without_an_authorization_nothing_is_changed() {
    let scene = Scene::upgraded("2.0.0");
    let (mut telemetry, environment) = (NoTelemetry, scene.environment());
    let mut home = Home::open(&scene.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
    let (current, before) = (home.state().current, home.records().len());
    let request = Request::default();
    let upgraded = home.apply(&request, None, None, &mut |_| {}).expect_err("it was upgraded");
    let back = home.rollback(None, None, "a test", &mut |_| {}).expect_err("it went back");
    for error in [upgraded, back] {
        assert_eq!((error.name(), error.exit_code()), ("unauthorized", 5));
    }
    assert_eq!(home.state().current, current);
    let since: Vec<_> = home.records().iter().skip(before).map(|it| it.event.name()).collect();
    assert_eq!(since, ["REFUSED", "REFUSED"]);
}
