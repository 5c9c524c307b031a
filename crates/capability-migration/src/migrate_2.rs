//! From policies of 2.x to policies of 2.x, with capabilities that get a new id.
//!
//! A rule for one capability follows it to its new id. A rule for `*` needs no change. A prefix may match only one of the
//! two ids: what it matched under the former id gets a rule of its own; and a prefix that would come to allow the new id,
//! although it did not match the former, is written out, capability by capability.

use serde_json::json;

use crate::decide::{Effect, RuleRef};
use crate::dialect_2::{PoliciesOf2, Policy2, Rule2};
use crate::error::Result;
use crate::migrate_1_0::Translation;
use crate::pattern::Pattern;
use crate::report::ArchivedRule;

impl Translation<'_> {
    pub(crate) fn carry_2(&mut self, before: &PoliciesOf2) -> Result<()> {
        for policy in &before.0 {
            let mut rules = Vec::new();
            for (index, rule) in policy.rules.iter().enumerate() {
                let follow = self.follow(rule)?;
                if follow.as_slice() != [rule.clone()] {
                    let rule_ref = RuleRef { policy: policy.name.clone(), index };
                    self.note_followed(rule_ref, rule, &follow);
                }
                rules.extend(follow);
            }
            self.policies.push(Policy2 { name: policy.name.clone(), rules });
        }
        Ok(())
    }

    /// Says what became of a rule, and keeps it if it is not there any more.
    fn note_followed(&mut self, rule_ref: RuleRef, rule: &Rule2, follow: &[Rule2]) {
        let names: Vec<_> = follow.iter().map(|it| it.resource.to_string()).collect();
        let reason = if names.is_empty() {
            "it matched nothing, and would come to match a capability with a new id".to_owned()
        } else {
            format!("capabilities have new ids; it is written for {}", names.join(", "))
        };
        self.report.note(&rule_ref, reason.clone());
        if !follow.contains(rule) {
            self.archived.push(ArchivedRule { rule: rule_ref, original: json!(rule), reason });
        }
    }

    /// The rules that say afterwards what this one says now.
    fn follow(&self, rule: &Rule2) -> Result<Vec<Rule2>> {
        let to = |name: &str| {
            let resource = Pattern::exactly(name)?;
            Ok(Rule2 { resource, ..rule.clone() })
        };
        if let Some(name) = rule.resource.name() {
            // What denied a name before a capability had it goes on denying: that is the cautious side.
            return match (self.renames.gives(name), rule.effect) {
                (true, Effect::Allow) => Ok(vec![]),
                _ => Ok(vec![to(self.renames.after(name))?]),
            };
        }
        let matches = |name: &crate::registry::CapabilityId| rule.resource.matches(name.as_str());
        let comes_to_allow = rule.effect == Effect::Allow
            && self.renames.iter().any(|(from, new)| !matches(from) && matches(new));
        if comes_to_allow {
            let matched = self.registry.iter().filter(|capability| matches(&capability.id));
            return matched.map(|it| to(self.renames.after(it.id.as_str()))).collect();
        }
        let lost = self.renames.iter().filter(|(from, new)| matches(from) && !matches(new));
        let mut rules = vec![rule.clone()];
        for (_, new) in lost {
            rules.push(to(new.as_str())?);
        }
        Ok(rules)
    }
}
