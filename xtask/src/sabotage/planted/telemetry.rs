//! What an upgrade tells the outside.

use super::{Planted, bug};

const OBSERVED: &str = "crates/telemetry/src/observed.rs";
const SEVERAL: &str = "crates/telemetry/src/several.rs";
const COMMAND: &str = "crates/cli/src/telemetry.rs";
const HOME: &str = "crates/upgrade/src/home.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-4.3 FC-17.2.1
    bug(
        "target-version-not-told",
        OBSERVED,
        "if event.to.is_some() { self.to.clone_from(&event.to); }",
        "",
        "telemetry does not say which version an upgrade led to",
    )
    .by_tests(),
    // trace: sabotage FC-4.3
    bug(
        "version-of-a-record-not-told",
        HOME,
        "from: «before.runtime().cloned()»,",
        "None",
        "telemetry does not say which version an upgrade set out from",
    )
    .by_tests(),
    // trace: sabotage FC-17.1
    bug(
        "end-of-an-operation-not-told",
        OBSERVED,
        "self.say(outcome, now, Some(seconds));",
        "let _ = (outcome, now, seconds);",
        "an upgrade that is over seems to go on for ever",
    )
    .by_tests(),
    // trace: sabotage FC-17.1
    bug(
        "operations-told-to-nobody",
        SEVERAL,
        "self.each(|sink| sink.operation(event));",
        "let _ = event;",
        "what was refused before anything was on record leaves no trace anywhere",
    )
    .by_tests(),
    // trace: sabotage FC-17.2.2
    bug(
        "beginning-without-its-time",
        OBSERVED,
        "observed.say(started, «now», None);",
        "Timestamp::EPOCH",
        "nobody can tell when an upgrade began",
    )
    .by_tests(),
    // trace: sabotage FC-17.2.3
    bug(
        "failure-told-as-success",
        COMMAND,
        "Err(failure) => («result_of(failure)», Some(failure.name()), failure.exit_code()),",
        "OperationResult::Succeeded",
        "whoever watches telemetry believes in an upgrade that was refused",
    )
    .by_tests(),
    // trace: sabotage FC-17.2.3
    bug(
        "beginning-told-as-an-end",
        OBSERVED,
        "let started = Outcome { result: «OperationResult::Started»,",
        "OperationResult::Succeeded",
        "an upgrade counts as done while it runs",
    )
    .by_tests(),
];
