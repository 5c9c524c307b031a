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
    // trace: sabotage FC-8.2.1 FC-16.1 FC-29.1.1
    bug(
        "begun-before-it-is-validated",
        APPLY,
        "let plan = «self.plan(request)?»;",
        "match self.plan(request) { Ok(plan) => plan, Err(error) => { \
         let _ = self.begin(Operation::Upgrade, &Admitted::standing()); return Err(error); } }",
        "an upgrade that cannot be is on record as one that was begun",
    ),
    // trace: sabotage FC-8.1 FC-29.1.2
    bug(
        "schema-moved-without-the-engine",
        CLONED_STORE,
        "let after = if «self.path.steps().is_empty()» { AfterMigration::Cloned(map)",
        "true",
        "records of an older schema are taken for those of the next",
    ),
    // trace: sabotage FC-2.2 FC-8.2.3 FC-18.1.1 FC-29.1.3
    bug(
        "store-not-verified",
        APPLY,
        "let after = «staged.store.verify(home, to, &target, &staged.staging, progress)?»;",
        "{ let _ = (&target, to); staged.store.before.clone() }",
        "a store that the new runtime cannot read becomes current",
    ),
    // trace: sabotage FC-7.2.1 FC-29.1.4 FC-29.1.6
    bug(
        "activation-not-recorded",
        APPLY,
        "home.append(quiesced.attempt, event)?; drop(quiesced.guard);",
        "let _ = (quiesced.attempt, event); drop(quiesced.guard);",
        "an upgrade that was reported as done is undone by whoever opens the home next",
    ),
    // trace: sabotage FC-1.1 FC-5.2 FC-7.1 FC-7.3 FC-28.2 FC-29.1.4
    bug(
        "current-once-it-is-sealed",
        STATE,
        "self.expect_building(*generation)?.manifest = Some(*manifest);",
        "self.expect_building(*generation)?.manifest = Some(*manifest); self.current = Some(*generation);",
        "an upgrade that was interrupted before its commit point is half done",
    ),
    // trace: sabotage FC-8.4 FC-29.1.5
    bug(
        "records-not-told",
        HOME,
        "self.emit(&before, attempt, name);",
        "drop(before);",
        "nobody who listens hears of an upgrade",
    )
    .by_tests(),
    // trace: sabotage FC-16.2.1
    bug(
        "failure-not-told",
        HOME,
        "self.emit(&before, attempt, \"ABORTED\");",
        "let _ = (&before, attempt);",
        "nobody who listens hears that an upgrade was undone",
    )
    .by_tests(),
    // trace: sabotage FC-16.2.3
    bug(
        "reason-of-failure-lost",
        HOME,
        "let event = Event::Aborted { reason: «shorten(reason)» };",
        "{ let _ = reason; String::new() }",
        "nobody can tell afterwards why an upgrade was undone",
    ),
    // trace: sabotage FC-15.4
    bug(
        "reason-of-rollback-lost",
        REVERT,
        "data: DataPolicy::SetAside, reason: «shorten(reason)»,",
        "{ let _ = reason; String::new() }",
        "nobody can tell afterwards why somebody went back",
    ),
    // trace: sabotage FC-15.3 FC-16.3
    bug(
        "interrupted-rollback-not-undone",
        HOME,
        "if let Some(open) = «state.attempt.clone()» {",
        "state.attempt.clone().filter(|open| open.operation != Operation::Rollback)",
        "a rollback that was interrupted can neither be completed nor made again",
    ),
    // trace: sabotage FC-9.2.1
    bug(
        "previous-version-not-recorded",
        APPLY,
        "previous: «plan.from.versions.clone()»,",
        "plan.to.versions.clone()",
        "nobody can tell what a generation was migrated from",
    ),
    // trace: sabotage FC-9.2.2
    bug(
        "target-version-not-recorded",
        APPLY,
        "target: «plan.to.versions.clone()»,",
        "plan.from.versions.clone()",
        "nobody can tell what a generation was migrated to",
    ),
    // trace: sabotage FC-9.2.3
    bug(
        "migration-time-not-recorded",
        APPLY,
        "time: «now», plan: plan.digest(),",
        "versioning::Timestamp::EPOCH",
        "nobody can tell when a generation was migrated",
    )
    .by_tests(),
    // trace: sabotage FC-2.2 FC-9.1
    bug(
        "earlier-migrations-forgotten",
        APPLY,
        "let mut applied = «current.manifest().applied.clone()»;",
        "{ let _ = current; Vec::new() }",
        "nobody can tell what the data has been through",
    ),
    // trace: sabotage FC-2.1 FC-5.3
    bug(
        "operator-in-what-is-built",
        APPLY,
        "configuration_changes: «plan.configuration.clone()»,",
        "[plan.configuration.as_slice(), &[home.environment.operator.to_owned()]].concat()",
        "the same upgrade of the same home makes another generation for somebody else",
    )
    .by_tests(),
    // trace: sabotage FC-5.1.2 FC-28.1.3
    bug(
        "everything-granted",
        AUTHORITY,
        "plan.grants.clone_from(&consent.grants);",
        "let _ = consent; let any = capability_migration::Pattern::any; \
         plan.grants = vec![capability_migration::Grant { principal: any(), resource: any(), action: any(), capability: None }];",
        "after an upgrade somebody can do what was never allowed",
    ),
    // trace: sabotage FC-5.1.2 FC-28.1.3
    bug(
        "started-without-its-policy",
        BOOT,
        "let policy = «read_part(&generation, Part::Policy)?»;",
        "Files::new()",
        "after an upgrade a runtime decides by another policy than the one that was carried over",
    )
    .by_tests(),
    // trace: sabotage FC-15.2.1
    bug(
        "rollback-keeps-the-new-runtime",
        REVERT,
        WENT_BACK,
        "let [left, current] = [outcome.from, outcome.to].map(|number| self.layout.generation(number).join(\"runtime/runtime\")); \
         if let Ok(bytes) = std::fs::read(left) { let _ = std::fs::write(current, bytes); } let _ = self.layout.point_current_to(outcome.to);",
        "after a rollback the new binary is run on the old records",
    ),
    // trace: sabotage FC-15.2.3
    bug(
        "rollback-keeps-the-new-configuration",
        REVERT,
        WENT_BACK,
        "let [left, current] = [outcome.from, outcome.to].map(|number| self.layout.generation(number).join(\"config/femtoclaw.toml\")); \
         if let Ok(bytes) = std::fs::read(left) { let _ = std::fs::write(current, bytes); } let _ = self.layout.point_current_to(outcome.to);",
        "after a rollback the old runtime is given the new configuration",
    ),
];
