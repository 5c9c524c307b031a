//! What is decided of one request.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::authority::{Authority, PolicySet};
use crate::dialect_1_0::{Vote, certainly, possibly};
use crate::dialect_2::PoliciesOf2;
use crate::registry::Capability;

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
}

/// The arguments of a call: always an object.
pub type Arguments = Map<String, Value>;

/// Somebody wants to do something.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Who.
    pub principal: String,
    /// With which capability: its id.
    pub resource: String,
    /// Doing what; `execute` for every call in 1.0.3.
    pub action: String,
    /// With which arguments.
    pub arguments: Arguments,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, resource, action, arguments } = self;
        let arguments = Value::Object(arguments.clone());
        write!(formatter, "{principal:?} may {action:?} on {resource:?} with {arguments}")
    }
}

/// How a request is answered, in the words of the capability specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// Allowed.
    Authorized,
    /// No such capability.
    DeniedCapabilityNotFound,
    /// The capability is switched off.
    DeniedCapabilityDisabled,
    /// A rule denies it, or none allows it.
    DeniedPolicyViolation,
    /// An argument is missing or of another type than declared.
    DeniedArgumentInvalid,
}

impl Code {
    /// As it is written in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorized => "AUTHORIZED",
            Self::DeniedCapabilityNotFound => "DENIED_CAPABILITY_NOT_FOUND",
            Self::DeniedCapabilityDisabled => "DENIED_CAPABILITY_DISABLED",
            Self::DeniedPolicyViolation => "DENIED_POLICY_VIOLATION",
            Self::DeniedArgumentInvalid => "DENIED_ARGUMENT_INVALID",
        }
    }
}

/// A rule, by its policy's name and its place in it, from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RuleRef {
    /// The policy's name.
    pub policy: String,
    /// The rule's place.
    pub index: usize,
}

impl fmt::Display for RuleRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "rule {} of policy {:?}", self.index, self.policy)
    }
}

/// The answer to a request, and the rule that decided; no rule, if it was the default or the registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Decision {
    /// The answer.
    pub code: Code,
    /// What decided.
    pub rule: Option<RuleRef>,
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code.as_str())?;
        match &self.rule {
            Some(rule) => write!(formatter, " by {rule}"),
            None => Ok(()),
        }
    }
}

impl Authority {
    /// Answers a request. `AUTHORIZED` means: allowed for certain, also where the release left the order of the policies
    /// to chance.
    pub fn decide(&self, request: &Request) -> Decision {
        let Request { resource, action, .. } = request;
        let Some(capability) = self.registry.get(resource) else {
            return Decision { code: Code::DeniedCapabilityNotFound, rule: None };
        };
        match &self.policies {
            PolicySet::V1_0_0(policies) => of_votes(&policies.votes(resource, action)),
            _ if !capability.enabled => {
                Decision { code: Code::DeniedCapabilityDisabled, rule: None }
            }
            PolicySet::V1_0_3(policies) => of_votes(&policies.votes(resource)),
            PolicySet::V2(policies) => decide_2(policies, capability, request),
        }
    }

    /// Whether the request is allowed if chance will have it so: more than [`Authority::decide`] only where the release left
    /// something to chance, or is not known well enough.
    pub fn possibly_allows(&self, request: &Request) -> bool {
        let Request { resource, action, .. } = request;
        let Some(capability) = self.registry.get(resource) else { return false };
        match &self.policies {
            PolicySet::V1_0_0(policies) => possibly(&policies.votes(resource, action)),
            PolicySet::V1_0_3(policies) => {
                capability.enabled && possibly(&policies.votes(resource))
            }
            PolicySet::V2(_) => self.decide(request).code == Code::Authorized,
        }
    }
}

/// Names a rule that is against it, if there is one, else the first that is for it.
fn of_votes(votes: &[Vote<'_>]) -> Decision {
    if certainly(votes) {
        let rule = votes.iter().find_map(Vote::rule_ref);
        return Decision { code: Code::Authorized, rule };
    }
    let rule = votes.iter().filter(|vote| !vote.allows()).find_map(Vote::rule_ref);
    Decision { code: Code::DeniedPolicyViolation, rule }
}

fn decide_2(policies: &PoliciesOf2, capability: &Capability, request: &Request) -> Decision {
    let Request { principal, resource, action, arguments } = request;
    let declared = &capability.parameters;
    if !declared.iter().all(|parameter| parameter.accepts(arguments.get(&parameter.name))) {
        return Decision { code: Code::DeniedArgumentInvalid, rule: None };
    }
    let first = |effect| {
        policies.rules().find_map(|(policy, index, rule)| {
            let mut conditions = rule.conditions.iter();
            let applies = rule.effect == effect
                && rule.covers(principal, resource, action)
                && conditions.all(|condition| condition.holds(arguments.get(&condition.key)));
            applies.then(|| RuleRef { policy: policy.to_owned(), index })
        })
    };
    if let Some(rule) = first(Effect::Deny) {
        return Decision { code: Code::DeniedPolicyViolation, rule: Some(rule) };
    }
    match first(Effect::Allow) {
        Some(rule) => Decision { code: Code::Authorized, rule: Some(rule) },
        None => Decision { code: Code::DeniedPolicyViolation, rule: None },
    }
}
