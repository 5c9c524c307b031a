//! From the policies of 1.0.0 and 1.0.3 to those of 2.x.
//!
//! Both let one rule per policy decide, by names only. So for every name that can come up it is known what was allowed
//! for certain, and each becomes one rule of its own: nothing is written with `*` for a capability, and what chance
//! decided until now is denied. A rule that denied a name stays as one that denies it, so that no later rule brings it back.

use std::collections::BTreeSet;

use crate::decide::{Effect, RuleRef};
use crate::dialect_1_0::{Policy1, Rule1, Vote, certainly, possibly};
use crate::dialect_1_0_0::PoliciesOf1_0_0;
use crate::dialect_1_0_3::PoliciesOf1_0_3;
use crate::dialect_2::{Condition, PoliciesOf2, Policy2, Rule2, Test};
use crate::error::Result;
use crate::pattern::Pattern;
use crate::registry::Registry;
use crate::rename::Renames;
use crate::report::{ArchivedRule, Report};

/// What of a 1.0.x rule counts. Neither reading allows anything that was not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// What the release really enforced, and nothing else: principals and conditions, which no 1.0.x looked at (nor 1.0.3
    /// at actions), stay without effect. Nobody who was allowed for certain is denied by a rule.
    Enforced,
    /// What the release enforced, and beyond that what the rule says: its principal, its action and its conditions
    /// begin to count. Whoever relied on their being ignored is denied, which the report says.
    Written,
}

/// What a translation has made so far.
pub(crate) struct Translation<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) renames: &'a Renames,
    pub(crate) reading: Reading,
    pub(crate) policies: Vec<Policy2>,
    pub(crate) archived: Vec<ArchivedRule>,
    pub(crate) report: Report,
}

impl<'a> Translation<'a> {
    pub(crate) fn new(registry: &'a Registry, renames: &'a Renames, reading: Reading) -> Self {
        let report = Report::default();
        Self { registry, renames, reading, policies: vec![], archived: vec![], report }
    }

    pub(crate) fn carry_1_0_0(&mut self, before: &PoliciesOf1_0_0) -> Result<()> {
        let rules = || before.0.iter().flat_map(|policy| &policy.rules);
        let pairs: BTreeSet<_> =
            rules().map(|rule| (rule.resource.as_str(), rule.action.as_str())).collect();
        for (resource, action) in pairs {
            // A `*` was a name like any other, which no capability has.
            let (Some(resource), Ok(action)) = (self.named(resource), Pattern::exactly(action))
            else {
                continue;
            };
            let votes = before.votes(resource.before, action.name().unwrap_or_default());
            self.rule(&resource, &action, &votes, false)?;
        }
        for policy in &before.0 {
            self.archive(policy, |rule| match Pattern::exactly(&rule.action) {
                Ok(_) if !rule.resource.contains('*') => {
                    "1.0.0 never looked at its principal and conditions"
                }
                _ => "1.0.0 took `*` for a name like any other, which no request has",
            });
        }
        Ok(())
    }

    pub(crate) fn carry_1_0_3(&mut self, before: &PoliciesOf1_0_3) -> Result<()> {
        let rules = before.in_force().flat_map(|policy| &policy.rules);
        let known = self.registry.iter().map(|capability| capability.id.as_str());
        let names: BTreeSet<_> = rules.map(|rule| rule.resource.as_str()).chain(known).collect();
        for name in names {
            let Some(resource) = self.named(name) else { continue };
            self.rule(&resource, &Pattern::any(), &before.votes(name), true)?;
        }
        let in_force: Vec<_> = before.in_force().collect();
        for policy in &before.0 {
            let replaced = !in_force.iter().any(|it| std::ptr::eq(*it, policy));
            self.archive(policy, |_| match replaced {
                true => "a later policy has the same name, and replaced it",
                false => "1.0.3 never looked at its principal, action and conditions",
            });
        }
        Ok(())
    }

    /// A name of before, and its pattern afterwards; none for a name that can be no capability's, or that stood for
    /// nothing and is about to stand for a capability with a new id.
    fn named<'n>(&mut self, name: &'n str) -> Option<Resource<'n>> {
        if self.renames.before(name) != Some(name) && self.renames.after(name) == name {
            let what = "rules that named it had no effect, and are not carried over to it";
            self.report.note(format_args!("capability {name}"), what);
            return None;
        }
        let after = Pattern::exactly(self.renames.after(name)).ok()?;
        Some(Resource { before: name, after })
    }

    /// The rule for one name, from what the policies said of it.
    fn rule(
        &mut self,
        resource: &Resource<'_>,
        action: &Pattern,
        votes: &[Vote<'_>],
        actions_count: bool,
    ) -> Result<()> {
        let Resource { before: name, after } = resource;
        let deciding: Vec<_> = votes.iter().filter_map(|vote| vote.rule).collect();
        let subject = format!("{action} on {after}");
        let Some(policy) = votes.iter().find(|vote| vote.rule.is_some()).map(|vote| vote.policy)
        else {
            return Ok(());
        };
        let mut rule = Rule2 {
            effect: Effect::Allow,
            principal: Pattern::any(),
            resource: after.clone(),
            action: action.clone(),
            conditions: vec![],
        };
        if !certainly(votes) {
            if possibly(votes) {
                let what = "is denied: the policies disagree, and which is asked was never certain";
                self.report.note(&subject, what);
            }
            let denied = deciding
                .iter()
                .any(|(_, it)| it.effect == Effect::Deny && it.resource.as_str() == *name);
            rule.effect = Effect::Deny;
            if denied {
                self.push(policy, rule);
            }
            return Ok(());
        }
        let unread = |it: &Rule1| {
            it.principal != "*" || !it.conditions.is_empty() || (actions_count && it.action != "*")
        };
        if deciding.iter().any(|(_, it)| unread(it)) {
            self.report.note(&subject, match self.reading {
                Reading::Enforced => "principal, action or conditions of its rule were without effect, and stay so",
                Reading::Written => "principal, action or conditions of its rule were without effect, and count from now on",
            });
        }
        if self.reading == Reading::Written
            && let Err(reason) = restrict(&mut rule, &deciding, actions_count)
        {
            self.report.note(&subject, format!("is denied: {reason}"));
            return Ok(());
        }
        self.push(policy, rule);
        Ok(())
    }

    fn push(&mut self, policy: &str, rule: Rule2) {
        match self.policies.iter_mut().find(|it| it.name == policy) {
            Some(policy) => policy.rules.push(rule),
            None => self.policies.push(Policy2 { name: policy.to_owned(), rules: vec![rule] }),
        }
    }

    fn archive(&mut self, policy: &Policy1, reason: impl Fn(&Rule1) -> &'static str) {
        let archived = policy.rules.iter().enumerate().map(|(index, rule)| ArchivedRule {
            rule: RuleRef { policy: policy.name.clone(), index },
            original: rule.original.clone(),
            reason: reason(rule).to_owned(),
        });
        self.archived.extend(archived);
    }

    pub(crate) fn finish(self) -> (PoliciesOf2, Vec<ArchivedRule>, Report) {
        (PoliciesOf2(self.policies), self.archived, self.report)
    }
}

/// A capability's name before and after.
struct Resource<'a> {
    before: &'a str,
    after: Pattern,
}

/// Adds to a rule what the deciding rules say: of several, all of it, since any of them may have been the one.
fn restrict(
    rule: &mut Rule2,
    deciding: &[(usize, &Rule1)],
    actions_count: bool,
) -> std::result::Result<(), String> {
    for (_, written) in deciding {
        rule.principal = both(&rule.principal, &written.principal)?;
        if actions_count {
            rule.action = both(&rule.action, &written.action)?;
        }
        for condition in &written.conditions {
            let test = Test::new(&condition.operator, &condition.value).ok_or_else(|| {
                let operator = &condition.operator;
                format!("its condition with the operator {operator:?} means nothing to 2.x")
            })?;
            let condition = Condition { key: condition.key.clone(), test };
            if !rule.conditions.contains(&condition) {
                rule.conditions.push(condition);
            }
        }
    }
    Ok(())
}

/// What a pattern and a written name have in common.
fn both(pattern: &Pattern, written: &str) -> std::result::Result<Pattern, String> {
    if written == "*" {
        return Ok(pattern.clone());
    }
    let Ok(name) = Pattern::exactly(written) else {
        return Err(format!("it is for {written:?}, which is no name"));
    };
    if pattern.matches(written) {
        return Ok(name);
    }
    Err(format!("its rules have nobody in common: {pattern} and {written}"))
}
