//! Space is given back.

use super::{Case, Judge, Verdict, names};
use crate::observe::State;
use crate::scenario::HOME_ON_DISK;

// trace: invariant FC-7.2.2 FC-7.3
pub(super) const JUDGE: Judge = Judge {
    name: "space",
    claim: "after a recovery the home holds its journal and what is kept, and nothing else",
    clause: "§16",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to || case.is_being_written() {
        return Verdict::NotApplicable;
    }
    let Some(State::Home { contents, .. }) = case.seen.found.state() else {
        return Verdict::NotApplicable;
    };
    let disk = &case.seen.disk;
    let kept: Vec<String> = contents.keys().map(ToString::to_string).collect();
    let of_home = ["current", "generations", "journal", "keyring", "lock", "seals"];
    let left = names(disk, HOME_ON_DISK)
        .into_iter()
        .find(|name| !of_home.contains(&name.as_str()) && !name.starts_with("journal.replaced-"));
    // The journal's directory is made whole and takes its place: what somebody else put there is theirs.
    let left = left.or_else(|| {
        let was_there = names(case.before, &format!("{HOME_ON_DISK}/journal"));
        names(disk, &format!("{HOME_ON_DISK}/journal")).into_iter().find(|name| {
            !["records.jsonl", "witness"].contains(&name.as_str()) && !was_there.contains(name)
        })
    });
    // Files that were being written are gone, and so is the seal of what is gone.
    let left = left.or_else(|| {
        names(disk, &format!("{HOME_ON_DISK}/keyring"))
            .into_iter()
            .find(|name| name.ends_with(".tmp"))
    });
    let left = left.or_else(|| {
        let seals = names(disk, &format!("{HOME_ON_DISK}/seals"));
        let of_kept = |name: &String| kept.iter().any(|number| *name == format!("{number}.json"));
        seals.into_iter().find(|name| !of_kept(name))
    });
    let left = left.or_else(|| {
        let generations = names(disk, &format!("{HOME_ON_DISK}/generations"));
        generations.into_iter().find(|name| !kept.contains(name))
    });
    Verdict::of(left.map(|name| format!("{name} is left, and nobody needs it")))
}
