//! Bugs of an upgrade from its beginning to its end: its order, what is told and put on record of it, what going back brings.

use super::{Planted, bug};

const HOME: &str = "crates/upgrade/src/home.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";
const CLONED_STORE: &str = "crates/upgrade/src/apply/store.rs";
const AUTHORITY: &str = "crates/upgrade/src/plan/authority.rs";
const REVERT: &str = "crates/upgrade/src/revert.rs";
const BOOT: &str = "crates/upgrade/src/boot.rs";
const STATE: &str = "crates/upgrade/src/lifecycle/state.rs";

/// The last that a rollback does.
const WENT_BACK: &str = "let _ = self.layout.point_current_to(outcome.to);";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "begun-before-it-is-validated",
        APPLY,
        "let plan = «self.plan(request)?»;",
        "match self.plan(request) { Ok(plan) => plan, Err(error) => { \
         let _ = self.begin(Operation::Upgrade, &Admitted::standing()); return Err(error); } }",
        "an upgrade that cannot be is on record as one that was begun",
    ),
    bug(
        "schema-moved-without-the-engine",
        CLONED_STORE,
        "let after = if «self.path.steps().is_empty()» { AfterMigration::Cloned(map)",
        "true",
        "records of an older schema are taken for those of the next",
    ),
    bug(
        "store-not-verified",
        APPLY,
        "let after = «staged.store.verify(home, to, &target, &staged.staging, progress)?»;",
        "{ let _ = (&target, to); staged.store.before.clone() }",
        "a store that the new runtime cannot read becomes current",
    ),
    bug(
        "activation-not-recorded",
        APPLY,
        "home.append(quiesced.attempt, event)?; drop(quiesced.guard);",
        "let _ = (quiesced.attempt, event); drop(quiesced.guard);",
        "an upgrade that was reported as done is undone by whoever opens the home next",
    ),
    bug(
        "current-once-it-is-sealed",
        STATE,
        "self.expect_building(*generation)?.manifest = Some(*manifest);",
        "self.expect_building(*generation)?.manifest = Some(*manifest); self.current = Some(*generation);",
        "an upgrade that was interrupted before its commit point is half done",
    ),
    bug(
        "records-not-told",
        HOME,
        "self.emit(&before, attempt, name);",
        "drop(before);",
        "nobody who listens hears of an upgrade",
    )
    .by_tests(),
    bug(
        "failure-not-told",
        HOME,
        "self.emit(&before, attempt, \"ABORTED\");",
        "let _ = (&before, attempt);",
        "nobody who listens hears that an upgrade was undone",
    )
    .by_tests(),
    bug(
        "reason-of-failure-lost",
        HOME,
        "let event = Event::Aborted { reason: «shorten(reason)» };",
        "{ let _ = reason; String::new() }",
        "nobody can tell afterwards why an upgrade was undone",
    ),
    bug(
        "reason-of-rollback-lost",
        REVERT,
        "data: DataPolicy::SetAside, reason: «shorten(reason)»,",
        "{ let _ = reason; String::new() }",
        "nobody can tell afterwards why somebody went back",
    ),
    bug(
        "interrupted-rollback-not-undone",
        HOME,
        "if let Some(open) = «state.attempt.clone()» {",
        "state.attempt.clone().filter(|open| open.operation != Operation::Rollback)",
        "a rollback that was interrupted can neither be completed nor made again",
    ),
    bug(
        "previous-version-not-recorded",
        APPLY,
        "previous: «plan.from.versions.clone()»,",
        "plan.to.versions.clone()",
        "nobody can tell what a generation was migrated from",
    ),
    bug(
        "target-version-not-recorded",
        APPLY,
        "target: «plan.to.versions.clone()»,",
        "plan.from.versions.clone()",
        "nobody can tell what a generation was migrated to",
    ),
    bug(
        "migration-time-not-recorded",
        APPLY,
        "time: «now», plan: plan.digest(),",
        "versioning::Timestamp::EPOCH",
        "nobody can tell when a generation was migrated",
    ),
    bug(
        "earlier-migrations-forgotten",
        APPLY,
        "let mut applied = «current.manifest().applied.clone()»;",
        "{ let _ = current; Vec::new() }",
        "nobody can tell what the data has been through",
    ),
    bug(
        "operator-in-what-is-built",
        APPLY,
        "configuration_changes: «plan.configuration.clone()»,",
        "[plan.configuration.as_slice(), &[home.environment.operator.to_owned()]].concat()",
        "the same upgrade of the same home makes another generation for somebody else",
    ),
    bug(
        "everything-granted",
        AUTHORITY,
        "plan.grants.clone_from(&consent.grants);",
        "let _ = consent; let any = capability_migration::Pattern::any; \
         plan.grants = vec![capability_migration::Grant { principal: any(), resource: any(), action: any(), capability: None }];",
        "after an upgrade somebody can do what was never allowed",
    ),
    bug(
        "started-without-its-policy",
        BOOT,
        "let policy = «read_part(&generation, Part::Policy)?»;",
        "Files::new()",
        "after an upgrade a runtime decides by another policy than the one that was carried over",
    ),
    bug(
        "rollback-keeps-the-new-runtime",
        REVERT,
        WENT_BACK,
        "let [left, current] = [outcome.from, outcome.to].map(|number| self.layout.generation(number).join(\"runtime/runtime\")); \
         let _ = std::fs::copy(left, current); let _ = self.layout.point_current_to(outcome.to);",
        "after a rollback the new binary is run on the old records",
    ),
    bug(
        "rollback-keeps-the-new-configuration",
        REVERT,
        WENT_BACK,
        "let [left, current] = [outcome.from, outcome.to].map(|number| self.layout.generation(number).join(\"config/femtoclaw.toml\")); \
         let _ = std::fs::copy(left, current); let _ = self.layout.point_current_to(outcome.to);",
        "after a rollback the old runtime is given the new configuration",
    ),
];
