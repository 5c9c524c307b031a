//! The policy files of FemtoClaw 1.0.x: one format, which 1.0.0 and 1.0.3 took to mean different things.

use serde_json::Value;

use crate::decide::{Effect, RuleRef};
use crate::error::Result;
use crate::json::{Node, parse};

const FILE: &str = "policy file of 1.0.x";

/// A policy as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy1 {
    /// Its name.
    pub name: String,
    /// Its version: `1.0` everywhere.
    pub version: String,
    /// Its rules, in order.
    pub rules: Vec<Rule1>,
}

/// A rule as written. Which of this is looked at depends on the release.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule1 {
    /// What it decides.
    pub effect: Effect,
    /// For whom.
    pub principal: String,
    /// On what.
    pub resource: String,
    /// Doing what.
    pub action: String,
    /// Under which conditions.
    pub conditions: Vec<Condition1>,
    /// All of it as read, with what is not known here.
    pub original: Value,
}

/// A condition as written: neither release ever evaluated one.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition1 {
    /// The argument that it looks at.
    pub key: String,
    /// How it compares: any text.
    pub operator: String,
    /// With what.
    pub value: Value,
}

/// Reads a policy file of 1.0.x. What 1.0.x needs is needed here: it refused the whole file without it.
///
/// # Errors
/// If it is not one, with the path of what is wrong.
pub fn policies_1_0(text: &str) -> Result<Vec<Policy1>> {
    let document = parse(FILE, text)?;
    Node::root(FILE, &document).list()?.iter().map(policy).collect()
}

fn policy(node: &Node<'_>) -> Result<Policy1> {
    let mut fields = node.fields()?;
    let rules = fields.required("rules")?.list()?;
    Ok(Policy1 {
        name: fields.required("name")?.text()?.to_owned(),
        version: fields.required("version")?.text()?.to_owned(),
        rules: rules.iter().map(rule).collect::<Result<_>>()?,
    })
}

fn rule(node: &Node<'_>) -> Result<Rule1> {
    let mut fields = node.fields()?;
    let effect = fields.required("effect")?;
    let conditions = fields.required("conditions")?.list()?;
    Ok(Rule1 {
        effect: match effect.text()? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return Err(effect.needs("\"Allow\" or \"Deny\"")),
        },
        principal: fields.required("principal")?.text()?.to_owned(),
        resource: fields.required("resource")?.text()?.to_owned(),
        action: fields.required("action")?.text()?.to_owned(),
        conditions: conditions.iter().map(condition).collect::<Result<_>>()?,
        original: node.value.clone(),
    })
}

fn condition(node: &Node<'_>) -> Result<Condition1> {
    let mut fields = node.fields()?;
    Ok(Condition1 {
        key: fields.required("key")?.text()?.to_owned(),
        operator: fields.required("operator")?.text()?.to_owned(),
        value: fields.required("value")?.value.clone(),
    })
}

/// What one policy says of a resource and an action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vote<'a> {
    /// The policy.
    pub(crate) policy: &'a str,
    /// Its rule that decides and that rule's place; none if it denies because none matches.
    pub(crate) rule: Option<(usize, &'a Rule1)>,
}

impl Vote<'_> {
    pub(crate) fn allows(&self) -> bool {
        self.rule.is_some_and(|(_, rule)| rule.effect == Effect::Allow)
    }

    pub(crate) fn rule_ref(&self) -> Option<RuleRef> {
        self.rule.map(|(index, _)| RuleRef { policy: self.policy.to_owned(), index })
    }
}

/// What the first rule for which `decides` is true makes of it.
pub(crate) fn first(policy: &Policy1, decides: impl Fn(&Rule1) -> bool) -> Vote<'_> {
    let rule = policy.rules.iter().enumerate().find(|(_, rule)| decides(rule));
    Vote { policy: &policy.name, rule }
}

/// Allowed whichever policy is the one that decides.
pub(crate) fn certainly(votes: &[Vote<'_>]) -> bool {
    !votes.is_empty() && votes.iter().all(Vote::allows)
}

/// Allowed if the right policy is the one that decides.
pub(crate) fn possibly(votes: &[Vote<'_>]) -> bool {
    votes.iter().any(Vote::allows)
}
