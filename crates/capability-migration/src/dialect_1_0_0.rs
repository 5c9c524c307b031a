//! Policies as FemtoClaw 1.0.0 really applied them.
//!
//! `femtoclaw-policy` 1.0.0 has one function, `Evaluator::evaluate(policy, resource, action)`. It takes the first rule whose
//! resource and action are *equal* to what is asked, and denies if there is none. `*` is a name like any other. Principal and
//! conditions are never looked at.
//!
//! **Assumed**, because no published code says it:
//! - *Several policies.* The evaluator takes one, and nothing in 1.0.0 puts several together. An embedder may have asked any of
//!   them, or required all. Allowed for certain is therefore what *every* policy allows; possibly allowed what *one* allows.
//! - *The registry.* Nothing in 1.0.0 consults it. What is not in it is taken as denied, since no such capability was
//!   there to be used; what is in it could not be switched off.

use crate::dialect_1_0::{Policy1, Rule1, Vote, first};

/// The policies of a home that ran 1.0.0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoliciesOf1_0_0(pub Vec<Policy1>);

impl PoliciesOf1_0_0 {
    /// What each policy says: each has a say.
    pub(crate) fn votes(&self, resource: &str, action: &str) -> Vec<Vote<'_>> {
        let decides = |rule: &Rule1| rule.resource == resource && rule.action == action;
        self.0.iter().map(|policy| first(policy, decides)).collect()
    }
}
