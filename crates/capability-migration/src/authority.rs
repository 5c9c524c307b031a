//! Who may do what in a home: its policies, by the dialect that it really runs, and its registry.

use serde_json::Value;

use crate::decide::RuleRef;
use crate::dialect_1_0_0::PoliciesOf1_0_0;
use crate::dialect_1_0_3::PoliciesOf1_0_3;
use crate::dialect_2::PoliciesOf2;
use crate::registry::Registry;

/// Policies, and what they mean.
///
/// The dialect is that of the release which the home ran, never guessed from the file: the files of 1.0.0 and 1.0.3 look the
/// same and mean different things.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySet {
    /// As 1.0.0 applied them.
    V1_0_0(PoliciesOf1_0_0),
    /// As 1.0.3 applied them.
    V1_0_3(PoliciesOf1_0_3),
    /// As 2.x applies them.
    V2(PoliciesOf2),
}

/// Policies and the registry that goes with them: together they decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Authority {
    /// The policies.
    pub policies: PolicySet,
    /// The capabilities.
    pub registry: Registry,
}

impl PolicySet {
    /// A rule as it was written, if it is there. In 1.0.3 a later policy of a name takes the place of an earlier one, so the
    /// last of that name is meant.
    pub fn rule(&self, rule: &RuleRef) -> Option<Value> {
        match self {
            Self::V1_0_0(PoliciesOf1_0_0(policies)) | Self::V1_0_3(PoliciesOf1_0_3(policies)) => {
                let policy = policies.iter().rev().find(|policy| policy.name == rule.policy)?;
                Some(policy.rules.get(rule.index)?.original.clone())
            }
            Self::V2(PoliciesOf2(policies)) => {
                let policy = policies.iter().find(|policy| policy.name == rule.policy)?;
                serde_json::to_value(policy.rules.get(rule.index)?).ok()
            }
        }
    }

    /// How many rules and policies there are to be asked.
    pub(crate) fn rules(&self) -> usize {
        match self {
            Self::V1_0_0(PoliciesOf1_0_0(policies)) | Self::V1_0_3(PoliciesOf1_0_3(policies)) => {
                policies.iter().map(|policy| policy.rules.len() + 1).sum()
            }
            Self::V2(PoliciesOf2(policies)) => {
                policies.iter().map(|policy| policy.rules.len() + 1).sum()
            }
        }
    }

    /// The dialect in words.
    pub fn dialect(&self) -> &'static str {
        match self {
            Self::V1_0_0(_) => "as 1.0.0 applied it",
            Self::V1_0_3(_) => "as 1.0.3 applied it",
            Self::V2(_) => "as 2.x applies it",
        }
    }
}
