//! From the policies of 1.0.0 and 1.0.3 to those of 2.x.
//!
//! Both let one rule per policy decide, by names only. So for every name that can come up it is known what was allowed
//! for certain, and each becomes one rule of its own: nothing is written with `*` for a capability, and what chance
//! decided until now is denied. A rule that denied a name stays as one that denies it, so that no later rule brings it back.

use std::collections::BTreeSet;

use crate::decide::{Effect, RuleRef};
use crate::dialect_1_0::{Condition1, Policy1, Rule1, Vote, certainly, possibly};
use crate::dialect_1_0_0::PoliciesOf1_0_0;
use crate::dialect_1_0_3::PoliciesOf1_0_3;
use crate::dialect_2::{Condition, PoliciesOf2, Policy2, Rule2, Test};
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

    pub(crate) fn carry_1_0_0(&mut self, before: &PoliciesOf1_0_0) {
        let rules = || before.0.iter().flat_map(|policy| &policy.rules);
        let pairs: BTreeSet<_> =
            rules().map(|rule| (rule.resource.as_str(), rule.action.as_str())).collect();
        for (resource, written) in pairs {
            // A `*` was a name like any other, which no capability has.
            let (Some(resource), Ok(action)) = (self.named(resource), Pattern::exactly(written))
            else {
                continue;
            };
            let votes = before.votes(resource.before, written);
            self.rule(&resource, &action, &votes);
        }
        for policy in &before.0 {
            self.archive(policy, |rule| match Pattern::exactly(&rule.action) {
                Ok(_) if !rule.resource.contains('*') => {
                    "1.0.0 never looked at its principal and conditions"
                }
                _ => "1.0.0 took `*` for a name like any other, which no request has",
            });
        }
    }

    pub(crate) fn carry_1_0_3(&mut self, before: &PoliciesOf1_0_3) {
        let rules = before.in_force().flat_map(|policy| &policy.rules);
        let known = self.registry.iter().map(|capability| capability.id.as_str());
        let names: BTreeSet<_> = rules.map(|rule| rule.resource.as_str()).chain(known).collect();
        for name in names {
            let Some(resource) = self.named(name) else { continue };
            self.rule(&resource, &Pattern::any(), &before.votes(name));
        }
        let in_force: Vec<_> = before.in_force().collect();
        for policy in &before.0 {
            let replaced = !in_force.iter().any(|it| std::ptr::eq(*it, policy));
            self.archive(policy, |_| match replaced {
                true => "a later policy has the same name, and replaced it",
                false => "1.0.3 never looked at its principal, action and conditions",
            });
        }
    }

    /// A name of before, and its pattern afterwards; none for a name that can be no capability's, or that stood for
    /// nothing and is about to stand for a capability with a new id.
    fn named<'n>(&mut self, name: &'n str) -> Option<Resource<'n>> {
        if self.renames.gives(name) {
            let what = "rules that named it had no effect, and are not carried over to it";
            self.report.note(format_args!("capability {name}"), what);
            return None;
        }
        let after = Pattern::exactly(self.renames.after(name)).ok()?;
        Some(Resource { before: name, after })
    }

    /// The rule for one name, from what the policies said of it; none, if nothing but the default did.
    fn rule(&mut self, resource: &Resource<'_>, action: &Pattern, votes: &[Vote<'_>]) {
        let rule = Rule2 {
            effect: if certainly(votes) { Effect::Allow } else { Effect::Deny },
            principal: Pattern::any(),
            resource: resource.after.clone(),
            action: action.clone(),
            conditions: vec![],
        };
        match rule.effect {
            Effect::Allow => self.allow(rule, votes),
            Effect::Deny => self.deny(rule, resource.before, votes),
        }
    }

    /// A name that a rule denied stays denied by a rule. What `*` denied, 2.x denies by default.
    fn deny(&mut self, rule: Rule2, name: &str, votes: &[Vote<'_>]) {
        if possibly(votes) {
            let what = "is denied: the policies disagree, and which is asked was never certain";
            self.report.note(format_args!("{} on {}", rule.action, rule.resource), what);
        }
        let by_name = |vote: &&Vote<'_>| {
            !vote.allows() && vote.rule.is_some_and(|(_, rule)| rule.resource == name)
        };
        if let Some(vote) = votes.iter().find(by_name) {
            self.push(vote.policy, rule);
        }
    }

    fn allow(&mut self, mut rule: Rule2, votes: &[Vote<'_>]) {
        let Some(policy) = votes.first().map(|vote| vote.policy) else { return };
        let subject = format!("{} on {}", rule.action, rule.resource);
        // 1.0.0 compared actions, so they count already.
        let any_action = rule.action == Pattern::any();
        let ignored = |it: &Rule1| {
            it.principal != "*" || !it.conditions.is_empty() || (any_action && it.action != "*")
        };
        let deciding = || votes.iter().filter_map(|vote| Some(vote.rule?.1));
        let restricted = match self.reading {
            Reading::Enforced => Ok(()),
            Reading::Written => deciding().try_for_each(|it| restrict(&mut rule, it, any_action)),
        };
        match restricted {
            Err(reason) => return self.report.note(subject, format!("is denied: {reason}")),
            Ok(()) if deciding().any(ignored) => {
                let what = match self.reading {
                    Reading::Enforced => "were without effect, and stay so",
                    Reading::Written => "were without effect, and count from now on",
                };
                let what = format!("principal, action or conditions of its rule {what}");
                self.report.note(subject, what);
            }
            Ok(()) => {}
        }
        self.push(policy, rule);
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

/// Adds to a rule what a deciding rule says. Of several deciding rules all that they say is added, since any of them may have
/// been the one.
fn restrict(
    rule: &mut Rule2,
    written: &Rule1,
    actions_count: bool,
) -> std::result::Result<(), String> {
    rule.principal = both(&rule.principal, &written.principal)?;
    if actions_count {
        rule.action = both(&rule.action, &written.action)?;
    }
    for Condition1 { key, operator, value } in &written.conditions {
        let test = Test::new(operator, value).ok_or_else(|| {
            format!("its condition with the operator {operator:?} means nothing to 2.x")
        })?;
        let condition = Condition { key: key.clone(), test };
        if !rule.conditions.contains(&condition) {
            rule.conditions.push(condition);
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
