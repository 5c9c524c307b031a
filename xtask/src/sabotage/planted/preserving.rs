//! Bugs of going back with what was written since.

use super::{Planted, bug};

const PRESERVE: &str = "crates/upgrade/src/preserve.rs";
const SINCE: &str = "crates/upgrade/src/since.rs";
const REVERT: &str = "crates/upgrade/src/revert.rs";
const STATE: &str = "crates/upgrade/src/lifecycle/state.rs";
const REVERTING: &str = "crates/upgrade/src/lifecycle/state/reverting.rs";
const SPLIT: &str = "crates/femtoclaw/src/steps/three_to_two.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-18.1.1 FC-18.1.2
    bug(
        "carried-back-unproven",
        PRESERVE,
        "self.require_same_again(outcome, (later, earlier), &store, (&staging, &after), progress)?;",
        "",
        "a way back that loses records is believed",
    )
    .by_tests(),
    // trace: sabotage FC-15.2.2
    bug(
        "carried-back-without-what-was-before",
        PRESERVE,
        "self.require_all_of_before(outcome, target, (&staging, map), &schema)?;",
        "",
        "a ledger record of before is replaced, and nobody says so",
    )
    .by_tests(),
    bug(
        "carried-back-from-what-is-altered",
        PRESERVE,
        "self.check_generation(from, VerifyDepth::Content)?;",
        "",
        "records are carried back out of files that are not what they were",
    )
    .redundant("the engine holds every block that is read to a checksum, and whoever goes back holds both sides to their seals before"),
    // trace: sabotage FC-15.3
    bug(
        "carried-back-and-not-sealed",
        PRESERVE,
        "self.append(attempt, Event::Sealed { generation, manifest })",
        "let _ = (attempt, generation, manifest); Ok(())",
        "what was built is current although nothing says that it is complete",
    ),
    // trace: sabotage FC-15.3 FC-7.1
    bug(
        "carried-back-before-it-is-complete",
        REVERTING,
        "if «self.phase != Phase::Sealed(Operation::Rollback)» {",
        "false",
        "a journal in which a half-built generation is current is believed",
    )
    .by_tests(),
    // trace: sabotage FC-15.1
    bug(
        "carried-back-onto-what-is-left",
        STATE,
        "let parent = if «carries_back» {",
        "carries_back && false",
        "after a rollback that carried records back there is no further way back",
    )
    .by_tests(),
    // trace: sabotage FC-15.2.2
    bug(
        "carried-back-without-executions",
        SPLIT,
        "«out.emit(\"executions\", testimony.source.encode(), envelope.encode());» found = true;",
        "if false { out.emit(\"executions\", testimony.source.encode(), envelope.encode()); }",
        "executions are not carried back",
    )
    .by_tests(),
    // trace: sabotage FC-15.4
    bug(
        "set-aside-not-counted",
        REVERT,
        "let left = «self.ledger_records(&from, progress)?»;",
        "from.manifest().ledger_records()",
        "somebody is told that nothing was written since, and it was",
    )
    .by_tests(),
    // trace: sabotage FC-15.4
    bug(
        "added-records-not-told",
        SINCE,
        "let (change, count) = if «other.is_none()» {",
        "false",
        "whoever reads what was written since takes new records for changed ones",
    )
    .by_tests(),
];
