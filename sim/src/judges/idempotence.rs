//! Recovery is done when it is done.

use super::{Case, Judge, Verdict};
use crate::observe::Second;

// trace: invariant FC-7.2.2 FC-16.3
pub(super) const JUDGE: Judge = Judge {
    name: "idempotence",
    claim: "a second recovery finds nothing to do and changes nothing",
    clause: "§16",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    match &case.seen.second {
        Second::Nothing | Second::RefusedAgain => Verdict::Held,
        Second::Something(what) => Verdict::Broken(format!("opened a second time, {what}")),
    }
}
