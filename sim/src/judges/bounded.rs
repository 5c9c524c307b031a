//! Recovery ends.

use sim::disk::Node;

use super::{Case, Judge, Verdict};
use crate::scenario::HOME_ON_DISK;

// trace: invariant FC-16.3
pub(super) const JUDGE: Judge = Judge {
    name: "bounded",
    claim: "recovering and reading takes no more operations than a bound that the home gives, and the journal no more space",
    clause: "§16",
    judge,
};

/// Bytes that a journal may hold in reserve: what is written ahead at once, and what was not used up of that before.
const MOST_RESERVED: u64 = 8 * 64 * 1024;
/// Bytes of a record, at most.
const LARGEST_RECORD: u64 = 16 * 1024;
/// Operations for which there need be no reason.
const ALWAYS: usize = 500;
/// Operations for each generation that is read: its store is cloned, opened, and removed again.
const FOR_A_GENERATION: usize = 500;

fn judge(case: &Case<'_>) -> Verdict {
    let generations = match case.seen.found.state() {
        Some(crate::observe::State::Home { contents, .. }) => contents.len(),
        _ => 0,
    };
    let bound = ALWAYS + FOR_A_GENERATION * generations + 2 * case.model.operations;
    let found = case.seen.operations;
    if found > bound {
        return Verdict::Broken(format!("it took {found} operations, more than {bound}"));
    }
    let disk = &case.seen.disk;
    let journal = disk.lookup(&format!("{HOME_ON_DISK}/journal/records.jsonl"));
    let Some(Node::File(content)) =
        journal.and_then(|inode| disk.inode(inode)).map(|inode| &inode.node)
    else {
        return Verdict::Held;
    };
    let size = content.size();
    if size <= MOST_RESERVED {
        return Verdict::Held;
    }
    // Counted as they lie there: the product may refuse to read them.
    let bytes = content.bytes();
    let records = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    let bound = MOST_RESERVED + LARGEST_RECORD * records;
    Verdict::of((size > bound).then(|| format!("the journal has {size} bytes, more than {bound}")))
}
