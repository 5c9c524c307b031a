//! The old generation opens until it is collected.

use std::collections::BTreeMap;

use upgrade::Digest;
use versioning::GenerationNumber;

use super::{Case, Judge, Verdict};
use crate::observe::State;

// trace: invariant FC-23.1.2 FC-27.1.3
// trace: invariant FC-5.1.1 FC-15.1 FC-15.2.2 FC-15.4 FC-16.2.2 FC-28.1.2
pub(super) const JUDGE: Judge = Judge {
    name: "old-generation",
    claim: "everything that is to be kept is kept, opens, and holds what it held",
    clause: "§15",
    judge,
};

/// Whether everything of the first is in the second, as it is.
fn is_part_of(
    part: &BTreeMap<GenerationNumber, Digest>,
    whole: &BTreeMap<GenerationNumber, Digest>,
) -> bool {
    part.iter().all(|(number, content)| whole.get(number) == Some(content))
}

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Some(State::Home { current, contents, .. }) = case.seen.found.state() else {
        return Verdict::NotApplicable;
    };
    let (old, new) = case.allowed();
    let kept = |state: &State| match state {
        State::Home { contents, .. } => Some(contents.clone()),
        _ => None,
    };
    let matching = [Some(old), new].into_iter().flatten().filter_map(kept);
    // What a runtime writes to just now is between two states.
    let without = |mut contents: BTreeMap<_, _>| {
        if case.is_being_written() {
            contents.remove(&current);
        }
        contents
    };
    let found = without(contents);
    let wanted: Vec<_> = matching.map(without).collect();
    if wanted.is_empty() || wanted.contains(&found) {
        return Verdict::Held;
    }
    // Generations are given back one after the other, each for good.
    let between = |kept: &BTreeMap<_, _>, rest: &BTreeMap<_, _>| {
        is_part_of(rest, &found) && is_part_of(&found, kept)
    };
    if case.is_collecting() && matches!(wanted.as_slice(), [old, new] if between(old, new)) {
        return Verdict::Held;
    }
    let names = |contents: &BTreeMap<_, _>| {
        let numbers = contents.keys().map(|number: &GenerationNumber| number.to_string());
        numbers.collect::<Vec<_>>().join(", ")
    };
    let kept = wanted.iter().map(names).collect::<Vec<_>>().join(" or ");
    Verdict::Broken(format!(
        "generations {kept} should be kept as they were, and there are {}",
        names(&found)
    ))
}
