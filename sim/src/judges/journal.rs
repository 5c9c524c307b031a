//! The journal keeps what it acknowledged.

use super::{Case, Judge, Verdict};
use crate::observe::Found;

// trace: invariant FC-23.1.3
// trace: invariant FC-5.1.4 FC-15.4 FC-16.2.3 FC-18.1.3
pub(super) const JUDGE: Judge = Judge {
    name: "journal",
    claim: "every record that was acknowledged is there, unchanged and in its place",
    clause: "§17",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    let Found::Home(home) = &case.seen.found else { return Verdict::NotApplicable };
    // Of a journal that was lost there were no records; the one that replaces it begins anew.
    let acknowledged = case.model.acknowledged(case.known);
    if home.records.len() < acknowledged {
        let count = home.records.len();
        let what = format!("{acknowledged} records were acknowledged, and {count} are there");
        return Verdict::Broken(what);
    }
    let differs = case
        .model
        .records
        .iter()
        .zip(&home.records)
        .take(acknowledged)
        .find(|(wanted, found)| wanted != found);
    Verdict::of(differs.map(|(wanted, found)| {
        let (wanted, found, seq) = (wanted.event.name(), found.event.name(), found.seq);
        format!("record {seq}, which was acknowledged as {wanted}, is another one ({found})")
    }))
}
