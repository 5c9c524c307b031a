//! Policies of FemtoClaw 2: deterministic, denied by default, and a rule that denies outweighs every rule that allows.
//!
//! A rule applies to a request if its three patterns match and all its conditions hold. The order of rules and policies
//! decides nothing but which rule a decision names.
//!
//! ```
//! let text = r#"{"format":"femtoclaw-policies","version":2,"policies":[{"name":"default","rules":[
//!     {"effect":"allow","principal":"*","resource":"shell","action":"execute",
//!      "conditions":[{"key":"bin","operator":"in","value":["ls","cat"]}]}]}]}"#;
//! let policies = capability_migration::PoliciesOf2::from_json(text)?;
//! assert_eq!(capability_migration::PoliciesOf2::from_json(&policies.to_json())?, policies);
//! # Ok::<(), capability_migration::CapabilityError>(())
//! ```

use serde::Serialize;
use serde_json::Value;

use crate::decide::Effect;
use crate::error::Result;
use crate::json::{Node, parse};
use crate::pattern::Pattern;
use crate::registry::expect_format;
use crate::value::same;

const FILE: &str = "policy file";
const FORMAT: &str = "femtoclaw-policies";
const VERSION: u64 = 2;

/// The policies of a home that runs 2.x.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoliciesOf2(pub Vec<Policy2>);

/// A named list of rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy2 {
    /// Its name.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule2>,
}

/// A rule: what it decides, for which requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule2 {
    /// What it decides.
    pub effect: Effect,
    /// For whom.
    pub principal: Pattern,
    /// On which capability.
    pub resource: Pattern,
    /// Doing what.
    pub action: Pattern,
    /// All of these have to hold.
    pub conditions: Vec<Condition>,
}

/// A condition on one argument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// The key of the argument, at the top of the arguments.
    pub key: String,
    /// How it is compared.
    #[serde(flatten)]
    pub test: Test,
}

/// How an argument is compared. Numbers compare by value, so `1.0` equals `1`.
///
/// The negative ones are exactly the negations of the others: they hold also where the argument is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "operator", content = "value", rename_all = "snake_case")]
pub enum Test {
    /// Given, and equal to the value.
    Equals(Value),
    /// Absent, or another value.
    NotEquals(Value),
    /// Given, and equal to one of the values.
    In(Vec<Value>),
    /// Absent, or equal to none of the values.
    NotIn(Vec<Value>),
}

impl Condition {
    /// Whether it holds for this argument, or for its absence.
    pub fn holds(&self, argument: Option<&Value>) -> bool {
        let is = |value: &Value| argument.is_some_and(|argument| same(argument, value));
        match &self.test {
            Test::Equals(value) => is(value),
            Test::NotEquals(value) => !is(value),
            Test::In(values) => values.iter().any(is),
            Test::NotIn(values) => !values.iter().any(is),
        }
    }

    /// The values that it compares with.
    pub fn values(&self) -> &[Value] {
        match &self.test {
            Test::Equals(value) | Test::NotEquals(value) => std::slice::from_ref(value),
            Test::In(values) | Test::NotIn(values) => values,
        }
    }
}

impl Test {
    /// The test of this operator and value; nothing, if the operator is not known or the value does not fit it.
    pub(crate) fn new(operator: &str, value: &Value) -> Option<Self> {
        Some(match operator {
            "equals" => Self::Equals(value.clone()),
            "not_equals" => Self::NotEquals(value.clone()),
            "in" => Self::In(value.as_array()?.clone()),
            "not_in" => Self::NotIn(value.as_array()?.clone()),
            _ => return None,
        })
    }
}

impl Rule2 {
    /// Whether its three patterns match, whatever its conditions.
    pub fn covers(&self, principal: &str, resource: &str, action: &str) -> bool {
        self.principal.matches(principal)
            && self.resource.matches(resource)
            && self.action.matches(action)
    }
}

impl PoliciesOf2 {
    /// Reads the form that [`PoliciesOf2::to_json`] writes. A field that is not known is refused: it could be a restriction.
    ///
    /// # Errors
    /// If it is not that form, with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Self> {
        let document = parse(FILE, text)?;
        let mut fields = Node::root(FILE, &document).fields()?;
        expect_format(&mut fields, FORMAT, VERSION)?;
        let nodes = fields.required("policies")?.list()?;
        fields.nothing_else()?;
        let mut policies: Vec<Policy2> = Vec::new();
        for node in &nodes {
            let policy = policy(node)?;
            if policies.iter().any(|earlier| earlier.name == policy.name) {
                return Err(node.needs(format!("no second policy of the name {:?}", policy.name)));
            }
            policies.push(policy);
        }
        Ok(Self(policies))
    }

    /// The canonical form: the same policies always give the same text.
    pub fn to_json(&self) -> String {
        let document =
            serde_json::json!({"format": FORMAT, "version": VERSION, "policies": self.0});
        format!("{document:#}\n")
    }

    /// Every rule with its policy's name and its place in it.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, usize, &Rule2)> {
        self.0.iter().flat_map(|policy| {
            let rules = policy.rules.iter().enumerate();
            rules.map(|(index, rule)| (policy.name.as_str(), index, rule))
        })
    }
}

fn policy(node: &Node<'_>) -> Result<Policy2> {
    let mut fields = node.fields()?;
    let name = fields.required("name")?.text()?.to_owned();
    let rules = fields.required("rules")?.list()?;
    fields.nothing_else()?;
    Ok(Policy2 { name, rules: rules.iter().map(rule).collect::<Result<_>>()? })
}

fn rule(node: &Node<'_>) -> Result<Rule2> {
    let mut fields = node.fields()?;
    let effect = fields.required("effect")?;
    let effect = match effect.text()? {
        "allow" => Effect::Allow,
        "deny" => Effect::Deny,
        _ => return Err(effect.needs("\"allow\" or \"deny\"")),
    };
    let principal = pattern(&fields.required("principal")?)?;
    let resource = pattern(&fields.required("resource")?)?;
    let action = pattern(&fields.required("action")?)?;
    let conditions = fields.required("conditions")?.list()?;
    fields.nothing_else()?;
    let conditions = conditions.iter().map(condition).collect::<Result<_>>()?;
    Ok(Rule2 { effect, principal, resource, action, conditions })
}

fn pattern(node: &Node<'_>) -> Result<Pattern> {
    node.text()?.parse().map_err(|_| node.needs("a name, `*`, or a prefix such as `web.*`"))
}

fn condition(node: &Node<'_>) -> Result<Condition> {
    let mut fields = node.fields()?;
    let key = fields.required("key")?.text()?.to_owned();
    let operator = fields.required("operator")?;
    let value = fields.required("value")?;
    fields.nothing_else()?;
    if !["equals", "not_equals", "in", "not_in"].contains(&operator.text()?) {
        return Err(operator.needs("equals, not_equals, in or not_in"));
    }
    let test = Test::new(operator.text()?, value.value);
    Ok(Condition { key, test: test.ok_or_else(|| value.needs("a list of values"))? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn negative_tests_are_exactly_the_negations_and_hold_where_the_argument_is_absent() {
        let holds = |operator: &str, value: Value, argument: Option<&Value>| {
            let test = Test::new(operator, &value).unwrap();
            Condition { key: "bin".to_owned(), test }.holds(argument)
        };
        let (ls, rm, one) = (json!("ls"), json!("rm"), json!(1.0));
        for (argument, is) in [(Some(&ls), true), (Some(&rm), false), (None, false)] {
            assert_eq!(holds("equals", json!("ls"), argument), is);
            assert_eq!(holds("not_equals", json!("ls"), argument), !is);
            assert_eq!(holds("in", json!(["cat", "ls"]), argument), is);
            assert_eq!(holds("not_in", json!(["cat", "ls"]), argument), !is);
        }
        assert!(holds("equals", json!(1), Some(&one)));
        assert!(Test::new("starts_with", &ls).is_none() && Test::new("in", &ls).is_none());
    }

    #[test]
    fn two_policies_of_one_name_are_refused() {
        let policy = json!({"name": "a", "rules": []});
        let text = json!({"format": FORMAT, "version": VERSION, "policies": [policy, policy]});
        let error = PoliciesOf2::from_json(&text.to_string()).unwrap_err().to_string();
        assert!(error.contains("policies[1]"), "{error}");
    }
}
