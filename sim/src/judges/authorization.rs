//! Nothing becomes current without authority.

use std::collections::BTreeMap;

use upgrade::{Authority, Event, Operation, Record};

use super::{Case, Judge, Verdict};
use crate::observe::Found;

// trace: invariant FC-21.1 FC-21.2 FC-21.3
pub(super) const JUDGE: Judge = Judge {
    name: "authorization",
    claim: "who allowed it was on record before it was done",
    clause: "§21",
    judge,
};

/// What went without a signature although there was a keyring, or on one that was used before.
fn unsigned(records: &[Record]) -> Option<String> {
    let mut secured = false;
    let mut used = BTreeMap::new();
    for record in records {
        let (operation, authority, signed) = match &record.event {
            Event::Keyring { .. } => {
                secured = true;
                continue;
            }
            Event::Authorized { operation, authority, signed, .. } => {
                (*operation, *authority, signed)
            }
            _ => continue,
        };
        let seq = record.seq;
        if secured && authority == Authority::Development {
            return Some(format!("record {seq}, {operation}, was signed by nobody"));
        }
        let Some(signed) = signed else { continue };
        let ended_without_effect = records.iter().any(|later| {
            later.attempt == record.attempt && matches!(later.event, Event::Aborted { .. })
        });
        if ended_without_effect {
            continue;
        }
        let before = used.insert(&signed.id, signed.statement);
        if before.is_some()
            && !(operation == Operation::Collect && before == Some(signed.statement))
        {
            return Some(format!("record {seq} uses an authorisation that was used before"));
        }
    }
    None
}

fn judge(case: &Case<'_>) -> Verdict {
    let Found::Home(home) = &case.seen.found else { return Verdict::NotApplicable };
    let mut judged = false;
    if let Some(problem) = unsigned(&home.records) {
        return Verdict::Broken(problem);
    }
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
