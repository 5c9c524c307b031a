//! Every attempt comes to one end.

use std::collections::BTreeMap;

use upgrade::Event;

use super::{Case, Judge, Verdict};
use crate::observe::Found;

// trace: invariant FC-7.2.2 FC-16.2.3
pub(super) const JUDGE: Judge = Judge {
    name: "attempts",
    claim: "every attempt has exactly one last record, and none is open after a recovery",
    clause: "§16 §17",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let Found::Home(home) = &case.seen.found else { return Verdict::NotApplicable };
    let mut ends: BTreeMap<u64, usize> = BTreeMap::new();
    for record in &home.records {
        match &record.event {
            Event::Authorized { .. } => {
                ends.entry(record.attempt).or_default();
            }
            Event::Activated { .. }
            | Event::Reverted { .. }
            | Event::Recovered { .. }
            | Event::Collected { .. }
            | Event::Aborted { .. } => *ends.entry(record.attempt).or_default() += 1,
            _ => {}
        }
    }
    let wrong = ends.into_iter().find(|(_, ends)| *ends != 1);
    Verdict::of(wrong.map(|(attempt, ends)| format!("attempt {attempt} has {ends} ends")))
}
