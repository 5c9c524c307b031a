//! Whether a statement allows what is about to happen.

use std::collections::BTreeSet;

use integrity::Digest;
use versioning::Timestamp;

use super::{Action, ActionKind, AuthorizationId, DataPolicy, GenerationReference, Statement};

#[cfg(test)]
mod tests;

/// Longest window between `not_before` and `not_after`, in days.
pub const MAXIMUM_WINDOW_DAYS: u32 = 366;

const NANOSECONDS_A_DAY: i128 = 86_400 * 1_000_000_000;

/// What is about to happen, where, and when.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The time.
    pub now: Timestamp,
    /// The name of this node.
    pub node: &'a str,
    /// What is about to be done.
    pub action: &'a Action,
    /// What is current; `None` if no journal tells.
    pub from: Option<GenerationReference>,
    /// The digest of the plan that would be carried out. `None` for what has none: then the statement's is not looked at.
    pub plan: Option<Digest>,
    /// What would happen to data that has no place.
    pub data_policy: DataPolicy,
    /// What would be widened.
    pub grants: &'a BTreeSet<String>,
    /// The epoch of the keyring that is in force.
    pub keyring_epoch: u64,
    /// The ids that were used.
    pub consumed: &'a BTreeSet<AuthorizationId>,
    /// When the present journal began, if ids that were used before are not known any more.
    pub not_before_at_least: Option<Timestamp>,
}

/// Why a statement does not allow what is about to happen: the first of these that holds, in this order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// It allows something else.
    #[error("the authorization is for {expected}, not for {found}")]
    OtherAction {
        /// What it allows.
        expected: ActionKind,
        /// What is about to happen.
        found: ActionKind,
    },
    /// It is for other nodes.
    #[error("the authorization is for {}, not for {found}", list(expected))]
    OtherNode {
        /// The nodes that it is for.
        expected: BTreeSet<String>,
        /// This node.
        found: String,
    },
    /// Something else is current by now.
    #[error(
        "the authorization starts from {}, and current is {}",
        generation(expected),
        generation(found)
    )]
    FromChanged {
        /// What should be current.
        expected: Option<GenerationReference>,
        /// What is.
        found: Option<GenerationReference>,
    },
    /// It leads elsewhere.
    #[error("the authorization is for the {expected}, not for the {found}")]
    OtherTarget {
        /// What it allows.
        expected: Box<Action>,
        /// What is about to happen.
        found: Box<Action>,
    },
    /// The plan is not the one that was approved.
    #[error("the authorization is for the plan {expected}, and the plan by now is {found}")]
    PlanChanged {
        /// The plan that was approved.
        expected: Digest,
        /// The plan that would be carried out.
        found: Digest,
    },
    /// Something else would happen to data that has no place.
    #[error("the authorization has the data policy {expected}, not {found}")]
    OtherDataPolicy {
        /// What was approved.
        expected: DataPolicy,
        /// What would happen.
        found: DataPolicy,
    },
    /// Something is needed that it does not grant. What it grants and nobody needs is no reason.
    #[error("the authorization does not grant {}", list(missing))]
    GrantMissing {
        /// What it grants.
        expected: BTreeSet<String>,
        /// What is needed beyond that.
        missing: BTreeSet<String>,
    },
    /// It is to be judged by another keyring.
    #[error("the authorization is for epoch {expected} of the keyring, and {found} is in force")]
    OtherKeyringEpoch {
        /// The epoch that it names.
        expected: u64,
        /// The epoch in force.
        found: u64,
    },
    /// Its window ends before it begins, or holds only a moment.
    #[error("the window of the authorization is empty: from {not_before} to {not_after}")]
    WindowEmpty {
        /// Its beginning.
        not_before: Timestamp,
        /// Its end.
        not_after: Timestamp,
    },
    /// Its window is too long.
    #[error(
        "the window of the authorization, from {not_before} to {not_after}, is longer than {} days",
        MAXIMUM_WINDOW_DAYS
    )]
    WindowTooLong {
        /// Its beginning.
        not_before: Timestamp,
        /// Its end.
        not_after: Timestamp,
    },
    /// It may have been used in a journal that is lost.
    #[error(
        "the authorization holds from {found} on, before the present journal began at {expected}: whether it was used \
         is not known"
    )]
    BeforeJournal {
        /// When the journal began.
        expected: Timestamp,
        /// When the statement's window begins.
        found: Timestamp,
    },
    /// Its time has not come.
    #[error("the authorization holds from {expected} on, and it is {found}")]
    NotYetValid {
        /// The first moment at which it holds.
        expected: Timestamp,
        /// The time.
        found: Timestamp,
    },
    /// Its time is over.
    #[error("the authorization held until {expected}, and it is {found}")]
    Expired {
        /// The last moment at which it held.
        expected: Timestamp,
        /// The time.
        found: Timestamp,
    },
    /// It was used.
    #[error("the authorization was used already; each is good for once")]
    AlreadyUsed,
}

fn list(texts: &BTreeSet<String>) -> String {
    texts.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn generation(reference: &Option<GenerationReference>) -> String {
    reference.map_or_else(|| "not known".to_owned(), |reference| reference.to_string())
}

impl Statement {
    /// Whether it allows what is about to happen. Its signatures are another question: [`Keyring::verify`].
    ///
    /// # Errors
    /// The first reason against it, in the order of [`Denied`].
    ///
    /// [`Keyring::verify`]: crate::Keyring::verify
    // trace: impl FC-21.2
    pub fn check(&self, situation: &Situation<'_>) -> Result<(), Denied> {
        self.check_action(situation)?;
        self.check_content(situation)?;
        self.check_window()?;
        self.check_time(situation)
    }

    fn check_action(&self, situation: &Situation<'_>) -> Result<(), Denied> {
        let (expected, found) = (self.action.kind(), situation.action.kind());
        if expected != found {
            return Err(Denied::OtherAction { expected, found });
        }
        if !self.nodes.contains(situation.node) {
            let (expected, found) = (self.nodes.clone(), situation.node.to_owned());
            return Err(Denied::OtherNode { expected, found });
        }
        if self.from != situation.from {
            let (expected, found) = (self.from, situation.from);
            return Err(Denied::FromChanged { expected, found });
        }
        if &self.action != situation.action {
            let (expected, found) =
                (Box::new(self.action.clone()), Box::new(situation.action.clone()));
            return Err(Denied::OtherTarget { expected, found });
        }
        Ok(())
    }

    fn check_content(&self, situation: &Situation<'_>) -> Result<(), Denied> {
        if let Some(found) = situation.plan.filter(|plan| *plan != self.plan) {
            return Err(Denied::PlanChanged { expected: self.plan, found });
        }
        let (expected, found) = (self.data_policy, situation.data_policy);
        if expected != found {
            return Err(Denied::OtherDataPolicy { expected, found });
        }
        let missing: BTreeSet<String> =
            situation.grants.difference(&self.grants).cloned().collect();
        if !missing.is_empty() {
            return Err(Denied::GrantMissing { expected: self.grants.clone(), missing });
        }
        let (expected, found) = (self.keyring_epoch, situation.keyring_epoch);
        if expected != found {
            return Err(Denied::OtherKeyringEpoch { expected, found });
        }
        Ok(())
    }

    fn check_window(&self) -> Result<(), Denied> {
        let (not_before, not_after) = (self.not_before, self.not_after);
        if not_after <= not_before {
            return Err(Denied::WindowEmpty { not_before, not_after });
        }
        let nanoseconds = not_after.unix_nanoseconds() - not_before.unix_nanoseconds();
        if nanoseconds > i128::from(MAXIMUM_WINDOW_DAYS) * NANOSECONDS_A_DAY {
            return Err(Denied::WindowTooLong { not_before, not_after });
        }
        Ok(())
    }

    fn check_time(&self, situation: &Situation<'_>) -> Result<(), Denied> {
        let now = situation.now;
        if let Some(expected) =
            situation.not_before_at_least.filter(|began| self.not_before < *began)
        {
            return Err(Denied::BeforeJournal { expected, found: self.not_before });
        }
        if now < self.not_before {
            return Err(Denied::NotYetValid { expected: self.not_before, found: now });
        }
        if now > self.not_after {
            return Err(Denied::Expired { expected: self.not_after, found: now });
        }
        if situation.consumed.contains(&self.id) {
            return Err(Denied::AlreadyUsed);
        }
        Ok(())
    }
}
