//! The link for people leads where it should.

use sim::disk::Node;

use super::{Case, Judge, Verdict};
use crate::observe::State;
use crate::scenario::HOME_ON_DISK;

// trace: invariant FC-15.2.1
pub(super) const JUDGE: Judge = Judge {
    name: "link",
    claim: "after a recovery the link `current` leads to what is current",
    clause: "§15",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(State::Home { current, .. }) = case.seen.found.state() else {
        return Verdict::NotApplicable;
    };
    let disk = &case.seen.disk;
    let link = disk.lookup(&format!("{HOME_ON_DISK}/current")).and_then(|inode| disk.inode(inode));
    let leads = match link.map(|inode| &inode.node) {
        Some(Node::Link(target)) => target.rsplit('/').next() == Some(&current.to_string()),
        _ => false,
    };
    Verdict::of((!leads).then(|| format!("the link does not lead to generation {current}")))
}
