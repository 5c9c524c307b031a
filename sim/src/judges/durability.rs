//! What was acknowledged stays.

use super::{Case, Judge, Verdict};
use crate::observe::State;

// trace: invariant FC-7.1 FC-9.3 FC-15.3
pub(super) const JUDGE: Judge = Judge {
    name: "durability",
    claim: "what was acknowledged is there after any crash",
    clause: "§7",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    if case.known.under_way().is_some() || case.known.done == 0 {
        return Verdict::NotApplicable;
    }
    let Some(found) = case.seen.found.state() else { return Verdict::NotApplicable };
    let (wanted, _) = case.allowed();
    let current = |state: &State| match state {
        State::Home { current, standing, .. } => Some((*current, *standing)),
        _ => None,
    };
    let same = current(wanted) == current(&found) && wanted.content() == found.content();
    Verdict::of((!same).then(|| "what was acknowledged is not there".to_owned()))
}
