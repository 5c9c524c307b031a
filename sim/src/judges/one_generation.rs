//! Everything that is kept is whole, and of one generation.

use super::{Case, Judge, Verdict};
use crate::observe::Found;

// trace: invariant FC-1.1 FC-5.1.1 FC-7.3 FC-18.1.1 FC-18.2 FC-20.3 FC-28.2
pub(super) const JUDGE: Judge = Judge {
    name: "one-generation",
    claim: "binary, store, configuration, policy and extensions are of one generation, as it was sealed",
    clause: "§7 §14 §18",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let Found::Home(home) = &case.seen.found else { return Verdict::NotApplicable };
    // Of a store that a runtime is writing to the engine says what is left of it.
    if home.current.is_none() || case.lied_to || case.is_being_written() {
        return Verdict::NotApplicable;
    }
    let problems = home.problems.join("; ");
    Verdict::of((!problems.is_empty()).then(|| format!("what is kept is damaged: {problems}")))
}
