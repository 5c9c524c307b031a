//! Nobody but the owner may look at a home.

use sim::disk::Node;

use super::{Case, Judge, Verdict};
use crate::observe::State;
use crate::scenario::HOME_ON_DISK;

// trace: invariant FC-23.3
pub(super) const JUDGE: Judge = Judge {
    name: "permissions",
    claim: "every directory of a home is its owner's alone, and so is every file",
    clause: "§23",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Some(State::Home { .. }) = case.seen.found.state() else { return Verdict::NotApplicable };
    let disk = &case.seen.disk;
    let Some(home) = disk.lookup(HOME_ON_DISK) else { return Verdict::NotApplicable };
    let mut pending = vec![(HOME_ON_DISK.to_owned(), home)];
    while let Some((path, number)) = pending.pop() {
        let Some(inode) = disk.inode(number) else { continue };
        let open = match &inode.node {
            Node::Directory(entries) => {
                pending
                    .extend(entries.iter().map(|(name, child)| (format!("{path}/{name}"), *child)));
                inode.mode != 0o700
            }
            Node::File(_) => inode.mode & 0o077 != 0 || inode.mode & 0o600 != 0o600,
            Node::Link(_) => false,
        };
        // What the engine makes while a runtime runs is as the process's mask has it.
        let is_the_engines = case.runs() && path.contains("/store/");
        if open && !is_the_engines {
            return Verdict::Broken(format!("{path} has mode {:o}", inode.mode));
        }
    }
    Verdict::Held
}
