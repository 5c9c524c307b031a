//! Nothing becomes current without authority.

use upgrade::{Event, Operation};

use super::{Case, Judge, Verdict};
use crate::observe::Found;

pub(super) const JUDGE: Judge = Judge {
    name: "authorization",
    claim: "who allowed it was on record before it was done",
    clause: "§21",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    let Found::Home(home) = &case.seen.found else { return Verdict::NotApplicable };
    let mut judged = false;
    for (at, record) in home.records.iter().enumerate() {
        let allowed: &[Operation] = match &record.event {
            Event::Activated { .. } => &[Operation::Adopt, Operation::Upgrade],
            Event::Reverted { .. } => &[Operation::Rollback],
            Event::Recovered { .. } => &[Operation::Recover],
            Event::Collected { .. } => &[Operation::Collect],
            _ => continue,
        };
        judged = true;
        let earlier = home.records.iter().take(at);
        let authorized = earlier.rev().any(|earlier| {
            earlier.attempt == record.attempt
                && matches!(&earlier.event, Event::Authorized { operation, .. }
                    if allowed.contains(operation))
        });
        if !authorized {
            let (name, seq) = (record.event.name(), record.seq);
            return Verdict::Broken(format!("record {seq}, {name}, was authorised by nobody"));
        }
    }
    if judged { Verdict::Held } else { Verdict::NotApplicable }
}
