//! Policies as FemtoClaw 1.0.3 really applied them.
//!
//! `femtoclaw-policy` 1.0.3 looks at a rule's resource only: equal to what is asked, or `*`. Principal, action and
//! conditions are ignored. Within a policy the first rule that matches decides. The policies are the values of a hash map,
//! and the first that has a matching rule decides: in which order they are asked changes from one start to the next. What
//! no rule matches is denied. A policy replaces an earlier one of the same name.
//!
//! Allowed for certain is what every order allows; possibly allowed what some order allows. Since any policy with a
//! matching rule can come to be asked first, that is: all of them allow, or one does.

use std::collections::BTreeMap;

use crate::dialect_1_0::{Policy1, Vote, first};

/// The policies of a home that ran 1.0.3.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoliciesOf1_0_3(pub Vec<Policy1>);

impl PoliciesOf1_0_3 {
    /// The policies that were in force: of those with the same name, the last.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &Policy1> {
        let last: BTreeMap<&str, usize> = self
            .0
            .iter()
            .enumerate()
            .map(|(index, policy)| (policy.name.as_str(), index))
            .collect();
        let policies = self.0.iter().enumerate();
        let is_last = move |(index, policy): &(usize, &Policy1)| {
            last.get(policy.name.as_str()) == Some(index)
        };
        policies.filter(is_last).map(|(_, policy)| policy)
    }

    /// What each policy says that has a rule which matches: no other has a say.
    pub(crate) fn votes(&self, resource: &str) -> Vec<Vote<'_>> {
        let vote = |policy| first(policy, |rule| rule.resource == resource || rule.resource == "*");
        self.in_force().map(vote).filter(|vote| vote.rule.is_some()).collect()
    }
}
