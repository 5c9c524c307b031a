//! Once nothing is wrong any more, it succeeds.

use super::{Case, Judge, Verdict};
use crate::observe::Found;

// trace: invariant FC-5.3 FC-16.3 FC-19.2 FC-28.1.4
pub(super) const JUDGE: Judge = Judge {
    name: "retry",
    claim: "once nothing is wrong any more, what was interrupted succeeds, and leads where it would have led",
    clause: "§16 §19",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let (Some(retry), Some(step)) = (&case.seen.retry, case.known.under_way()) else {
        return Verdict::NotApplicable;
    };
    if let Found::Panicked(said) = &retry.found {
        return Verdict::Broken(format!("done again, it panics: {said}"));
    }
    let wanted = case.model.outcomes.get(step);
    if Some(&retry.outcome) != wanted {
        return Verdict::Broken(format!("done again, it ends with {:?}", retry.outcome));
    }
    if case.is_being_written() {
        return Verdict::Held;
    }
    let Some(wanted) = case.model.states.get(step + 1) else { return Verdict::NotApplicable };
    let led = retry.found.state().is_some_and(|found| {
        let found = if case.is_starting() { found.as_if_started_as(wanted) } else { found };
        found.is_but_for_numbers(wanted)
    });
    Verdict::of((!led).then(|| "done again, it leads elsewhere than undisturbed".to_owned()))
}
