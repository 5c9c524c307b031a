//! The journal is one that the model of the protocol writes.
//!
//! The model (`specs/protocol`) is explored in full within its bounds, without any code of the product. Here the journals that
//! the product has written are held to it, record by record.

use std::cell::RefCell;
use std::collections::BTreeMap;

use protocol::Follower;
use upgrade::{Digest, Record};

use super::{Case, Judge, Verdict};
use crate::observe::Found;

pub(super) const JUDGE: Judge = Judge {
    name: "protocol",
    claim: "the journal is a behaviour of the model of the protocol",
    clause: "§7 §16 §29",
    judge,
};

/// So many records are remembered.
const MOST_FOLLOWED: usize = 10_000;

thread_local! {
    /// Where the model stands behind a record, by its hash, which vouches for all records before it.
    static FOLLOWED: RefCell<BTreeMap<Digest, Follower>> = const { RefCell::new(BTreeMap::new()) };
}

fn judge(case: &Case<'_>) -> Verdict {
    let records = held(&case.seen.found, case.lied_to);
    if records.is_empty() {
        return Verdict::NotApplicable;
    }
    let again = case.seen.retry.as_ref().map(|retry| retry.found.records()).unwrap_or_default();
    Verdict::of(
        FOLLOWED.with_borrow_mut(|followed| {
            follow(followed, records).or_else(|| follow(followed, again))
        }),
    )
}

/// How many records are held to the model.
pub(crate) fn steps(found: &Found, lied_to: bool) -> u64 {
    held(found, lied_to).len() as u64
}

/// What a disk did not keep that said it would may be missing anywhere, also where the model relies on it.
fn held(found: &Found, lied_to: bool) -> &[Record] {
    if lied_to { &[] } else { found.records() }
}

/// Follows a journal from the last of its records on that was followed before. Nearly all journals begin alike.
fn follow(followed: &mut BTreeMap<Digest, Follower>, records: &[Record]) -> Option<String> {
    let known = records.iter().rposition(|record| followed.contains_key(&record.hash));
    let mut follower = known
        .and_then(|known| followed.get(&records.get(known)?.hash).cloned())
        .unwrap_or_default();
    if followed.len() >= MOST_FOLLOWED {
        followed.clear();
    }
    for record in records.iter().skip(known.map_or(0, |known| known + 1)) {
        if let Err(error) = follower.step(record) {
            return Some(error.to_string());
        }
        followed.insert(record.hash, follower.clone());
    }
    None
}
