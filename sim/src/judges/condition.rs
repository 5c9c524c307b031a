//! An error says the truth about the state of the home.

use super::{Case, Judge, Verdict};
use crate::scenario::Outcome;

// trace: invariant FC-16.1
pub(super) const JUDGE: Judge = Judge {
    name: "condition",
    claim: "an error that says that nothing has changed is right",
    clause: "§16",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Some(Outcome::Refused { error, unchanged: true }) = case.failed else {
        return Verdict::NotApplicable;
    };
    let Some(found) = case.seen.found.state() else { return Verdict::NotApplicable };
    if case.is_being_written() {
        return Verdict::NotApplicable;
    }
    let (old, _) = case.allowed();
    let found = if case.is_starting() { found.as_if_started_as(old) } else { found };
    Verdict::of(
        (*old != found).then(|| {
            format!("the error “{error}” says that nothing has changed, and something has")
        }),
    )
}
