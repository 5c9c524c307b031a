//! Nothing is left open or locked.

use super::{Case, Judge, Verdict};

// trace: invariant FC-16.3
pub(super) const JUDGE: Judge = Judge {
    name: "leaks",
    claim: "no descriptor is left open, and so no lock is held",
    clause: "§16",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let open = case.seen.open;
    Verdict::of((open > 0).then(|| format!("{open} descriptors are left open")))
}
