//! Bugs of what is cancelled.

use super::{Planted, bug};

const HOME: &str = "crates/upgrade/src/home.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "cancelled-in-time-and-activated",
        APPLY,
        "tries: self.plan.tries }; «home.go_on()?;»",
        "",
        "an upgrade that was cancelled before its commit point is made current all the same",
    ),
    bug(
        "cancelled-too-late-and-undone",
        APPLY,
        "let _ = self.layout.point_current_to(applied.to);",
        "let _ = self.layout.point_current_to(applied.to); \
         self.go_on().map_err(|cause| Error::new(cause, self.unchanged()))?;",
        "somebody is told that nothing has changed, and the new generation is current",
    ),
    bug(
        "cancellation-taken-for-success",
        APPLY,
        "let applied = match «self.run(upgrade, &admitted, progress)» {",
        "match self.run(upgrade, &admitted, progress) { \
         Err(Cause::Cancelled(_)) => return Ok(None), result => result }",
        "an upgrade that was cancelled is reported as nothing to do",
    ),
    bug(
        "cancellation-not-recorded",
        HOME,
        "if «self.state.phase == Phase::Idle && !self.journal.outcome_unknown()» {",
        "matches!(cause, Cause::Cancelled(_)) \
         || (self.state.phase == Phase::Idle && !self.journal.outcome_unknown())",
        "what was cancelled is never put on record as ended, and what it built is left",
    ),
];
