//! A refusal changes nothing but the audit.

use sim::disk::Disk;

use super::{Case, Judge, Verdict, generation_path};
use crate::observe::State;
use crate::scenario::{HOME_ON_DISK, Outcome};

// trace: invariant FC-13.3 FC-14.3 FC-21.2
// trace: invariant FC-16.1
pub(super) const JUDGE: Judge = Judge {
    name: "refusal",
    claim: "what is refused changes nothing but the audit",
    clause: "§16 §21",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    // What a runtime has written is written, whatever becomes of it then.
    if case.scenario.act.first().is_some_and(|step| step.starts_a_runtime()) {
        return Verdict::NotApplicable;
    }
    // Only before the first step is it known what there was, byte by byte.
    let refused = match case.failed {
        Some(failed) => (case.known.done == 0).then_some(failed),
        None => {
            let first = case.known.done == 1 && case.known.under_way().is_none();
            first.then(|| case.model.outcomes.first()).flatten()
        }
    };
    let (Some(Outcome::Refused { unchanged: true, .. }), Some(before)) =
        (refused, case.model.states.first())
    else {
        return Verdict::NotApplicable;
    };
    let same = kept(case.before, before) == kept(&case.seen.disk, before);
    Verdict::of((!same).then(|| "it was refused, and something else has changed".to_owned()))
}

/// Everything outside of the home, and every generation that was kept.
fn kept(disk: &Disk, before: &State) -> Vec<Option<u128>> {
    let mut found = vec![Some(disk.fingerprint_without(&[HOME_ON_DISK]))];
    if let State::Home { contents, .. } = before {
        let generations = contents.keys();
        found.extend(generations.map(|number| disk.fingerprint_below(&generation_path(*number))));
    }
    found
}
