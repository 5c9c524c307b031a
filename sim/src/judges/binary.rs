//! The runtime binary is the one that was given.

use upgrade::Event;

use super::{Case, Judge, Verdict, file, generation_path};
use crate::observe::State;
use crate::scenario::BINARY_ON_DISK;

// trace: invariant FC-23.1.1
// trace: invariant FC-15.2.1
pub(super) const JUDGE: Judge = Judge {
    name: "binary",
    claim: "every generation that an upgrade has built holds the binary that it was given, and it can be executed",
    clause: "§5 §14",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Some(State::Home { contents, .. }) = case.seen.found.state() else {
        return Verdict::NotApplicable;
    };
    let disk = &case.seen.disk;
    // What was adopted had none; of what a journal that was lost knew, nothing is known.
    let upgraded = |number: &&versioning::GenerationNumber| {
        case.seen.found.records().iter().any(|record| {
            matches!(&record.event, Event::Prepared { from: Some(_), to, .. } if to == *number)
        })
    };
    let mut judged = false;
    for number in contents.keys().filter(upgraded) {
        judged = true;
        let path = format!("{}/runtime/runtime", generation_path(*number));
        let mode = disk.lookup(&path).and_then(|inode| disk.inode(inode)).map(|inode| inode.mode);
        let same = file(disk, &path) == file(disk, BINARY_ON_DISK);
        if !same || mode != Some(0o700) {
            let what = format!("the binary of generation {number} is not the one that was given");
            return Verdict::Broken(what);
        }
    }
    if judged { Verdict::Held } else { Verdict::NotApplicable }
}
