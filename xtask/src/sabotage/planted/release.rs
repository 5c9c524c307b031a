//! Release packages, the command, and the tools that test them.

use super::{Planted, bug};

const PACKAGE: &str = "crates/release/src/package.rs";
const COMMANDS: &str = "crates/cli/src/commands.rs";
const GOING_BACK: &str = "crates/cli/src/going_back.rs";
const VERIFY: &str = "crates/cli/src/verify.rs";
const AUDIT: &str = "crates/cli/src/audit.rs";
const ADMIT: &str = "crates/upgrade/src/trust/admit.rs";
const PLAN: &str = "crates/upgrade/src/plan/mod.rs";
const JOIN: &str = "crates/femtoclaw/src/steps/two_to_three.rs";
const TESTS: &str = "xtask/src/tests_command.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-14.1.1 FC-23.1.1 FC-23.3
    bug(
        "content-of-a-package-not-compared",
        PACKAGE,
        "if «found != artifact.digest» {",
        "false",
        "a runtime is deployed that its publisher has not made",
    )
    .by_tests(),
    // trace: sabotage FC-21.1
    bug(
        "nobodys-authority-accepted",
        ADMIT,
        "let given = «given.ok_or(Cause::Unauthorized { operation })?»;",
        "given.unwrap_or_else(|| &*Box::leak(Box::new(Authorization::development())))",
        "a home is changed although nobody has said that it may be",
    )
    .by_tests(),
    // trace: sabotage FC-21.3
    bug(
        "signers-not-on-record",
        ADMIT,
        "signers: «on_record(&signers)»,",
        "Vec::new()",
        "nobody can tell who allowed an upgrade",
    )
    .by_tests(),
    // trace: sabotage FC-22.1 FC-22.2.1 FC-27.1.1 FC-27.1.2
    bug(
        "apply-does-nothing",
        COMMANDS,
        "«home.apply(&request, Some(approved), Some(authorization), &mut |progress| { \
         line.show(progress); })?»",
        "None",
        "the command says that there is nothing to do, whatever there is",
    )
    .by_tests(),
    // trace: sabotage FC-22.2.2
    bug(
        "problems-told-as-none",
        VERIFY,
        "report.into_result(home)?;",
        "",
        "verification finds damage and ends as if there were none",
    )
    .by_tests(),
    // trace: sabotage FC-22.2.3 FC-25.2.2 FC-26.1.1 FC-27.1.3
    bug(
        "rollback-only-planned",
        GOING_BACK,
        "let done = «home.rollback(Some(&planned), Some(authorization), request, &mut |progress| { \
         line.show(progress); })?»;",
        "{ let _ = request; planned.clone() }",
        "the command says that it went back, and nothing has changed",
    )
    .by_tests(),
    // trace: sabotage FC-22.3
    bug(
        "digest-of-a-plan-depends-on-the-process",
        PLAN,
        "Digest::of(&serde_json::to_vec(self).unwrap_or_else(|_| format!(\"{self:?}\").into_bytes()))",
        "Digest::of(format!(\"{self:?} {}\", std::process::id()).as_bytes())",
        "a plan that was approved is never the one that is carried out",
    )
    .by_tests(),
    // trace: sabotage FC-22.4
    bug(
        "operator-not-shown",
        AUDIT,
        "«format!(\"{operation}, by {operator}, authority: {authority}\")»",
        "format!(\"{operation}, authority: {authority}\")",
        "an audit does not say who did it",
    )
    .by_tests(),
    // trace: sabotage FC-14.1.3
    bug(
        "no-step-is-known-as-applied",
        "crates/upgrade/src/apply/mod.rs",
        "applied.extend(plan.steps.iter().map(|step| AppliedStep { name: step.name.clone(), \
         from: step.from, to: step.to, fingerprint: step.fingerprint, }));",
        "let _ = plan;",
        "nobody notices that a migration was edited after it was applied",
    )
    .by_tests(),
    // trace: sabotage FC-26.1.2
    bug(
        "log-not-read-by-the-migration",
        JOIN,
        "\"wal\" => «Action::Observe»,",
        "Action::Keep",
        "executions that only the log tells of are not found, whatever the documents say",
    )
    .by_tests(),
    // trace: sabotage FC-25.2.1
    bug(
        "original-of-an-execution-not-kept",
        JOIN,
        "let original = «envelope.original»;",
        "envelope.decoded.clone()",
        "what 1.0.x had written of an execution, byte for byte, is lost",
    )
    .by_tests(),
    // trace: sabotage FC-25.1
    bug(
        "failed-tests-not-counted",
        TESTS,
        "\"failed\" => «self.failed += number»,",
        "()",
        "a test that fails goes unnoticed",
    )
    .by_tests(),
];
