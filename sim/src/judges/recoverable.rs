//! The product opens what a crash left.

use super::{Case, Judge, Verdict};
use crate::observe::Found;

// trace: invariant FC-16.3 FC-28.1.1
pub(super) const JUDGE: Judge = Judge {
    name: "recoverable",
    claim: "the product opens what a crash left, without panic, or says why there is nothing to open",
    clause: "§16",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    Verdict::of(match &case.seen.found {
        Found::Panicked(said) => Some(format!("it panics: {said}")),
        Found::Refused { .. } if case.lied_to => None,
        found @ Found::Refused { message, .. } if found.state().is_none() => {
            Some(format!("it cannot be recovered: {message}"))
        }
        _ => None,
    })
}
