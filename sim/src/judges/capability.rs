//! Nobody may do more than before.

use super::{Case, Judge, Verdict, policy_of};

pub(super) const JUDGE: Judge = Judge {
    name: "capability",
    claim: "the set of what is authorised never widens",
    clause: "§11",
    judge,
};

/// Policies and capabilities are carried over byte for byte: as long as they are, what they allow is the same.
fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Some(state) = case.seen.found.state() else { return Verdict::NotApplicable };
    let Some(found) = policy_of(&case.seen.disk, &state) else { return Verdict::NotApplicable };
    let known = case.model.policies.contains(&Some(found));
    Verdict::of((!known).then(|| "the policies of what is current are others".to_owned()))
}
