//! A journal that is replaced is kept.

use sim::disk::{Disk, Node};

use super::{Case, Judge, Verdict};
use crate::scenario::{HOME_ON_DISK, Step};

// trace: invariant FC-16.2.3 FC-23.1.3
pub(super) const JUDGE: Judge = Judge {
    name: "set-aside",
    claim: "a journal that another replaces is kept as it was",
    clause: "§17",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let replaces = |step: &Step| matches!(step, Step::RecoverGeneration(_));
    if case.lied_to || !case.scenario.act.iter().any(replaces) {
        return Verdict::NotApplicable;
    }
    let [old] = journals(case.before).try_into().unwrap_or([const { Vec::new() }]);
    if old.is_empty() {
        return Verdict::NotApplicable;
    }
    let is_there = journals(&case.seen.disk).iter().any(|found| found.starts_with(&old));
    Verdict::of((!is_there).then(|| "the journal that was there before is gone".to_owned()))
}

/// The records of the journal, and of those that were replaced, without what is reserved behind them.
fn journals(disk: &Disk) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (path, inode) in disk.paths() {
        let directory = path.strip_prefix(HOME_ON_DISK).and_then(|path| path.strip_prefix('/'));
        let is_journal = directory.is_some_and(|path| {
            path.ends_with("/records.jsonl")
                && (path.starts_with("journal/") || path.starts_with("journal.replaced-"))
        });
        if let (true, Some(Node::File(content))) =
            (is_journal, disk.inode(inode).map(|inode| &inode.node))
        {
            let mut bytes = content.bytes();
            let written = bytes.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
            bytes.truncate(written);
            found.push(bytes);
        }
    }
    found
}
