//! Small worlds: random authorities, and all the requests that can tell them apart.

use capability_migration::{
    Arguments, Authority, Capability, Condition, Condition1, Effect, Parameter, Pattern,
    PoliciesOf1_0_0, PoliciesOf1_0_3, PoliciesOf2, Policy1, Policy2, PolicySet, Registry, Request,
    Rule1, Rule2, Test,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KEYS: [&str; 2] = ["k", "m"];
const RESOURCES: [&str; 5] = ["a", "a.b", "a.b.c", "b", "c.d"];

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![2 => Just(Effect::Allow), 1 => Just(Effect::Deny)]
}

fn value() -> impl Strategy<Value = Value> + Clone {
    prop::sample::select(vec![json!(1), json!("x"), json!(true), json!([1])])
}

fn text(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(from).prop_map(str::to_owned)
}

fn pattern(from: &'static [&'static str]) -> impl Strategy<Value = Pattern> {
    prop::sample::select(from).prop_map(|text| text.parse().unwrap())
}

fn condition_1() -> impl Strategy<Value = Condition1> {
    let operator = text(&["equals", "in", "not_equals", "starts_with"]);
    (text(&KEYS), operator, value()).prop_map(|(key, operator, value)| {
        let value = if operator == "in" { json!([value]) } else { value };
        Condition1 { key, operator, value }
    })
}

fn rule_1() -> impl Strategy<Value = Rule1> {
    let names = (text(&["*", "p"]), text(&["*", "a", "a.b", "b", "gone"]));
    let conditions = prop::collection::vec(condition_1(), 0..2);
    (effect(), names, text(&["*", "read", "execute"]), conditions).prop_map(
        |(effect, (principal, resource), action, conditions)| Rule1 {
            effect,
            principal,
            resource,
            action,
            conditions,
            original: json!("kept"),
        },
    )
}

pub(crate) fn policies_1() -> impl Strategy<Value = Vec<Policy1>> {
    let policy = (text(&["one", "two", "three"]), prop::collection::vec(rule_1(), 0..4));
    let policy =
        policy.prop_map(|(name, rules)| Policy1 { name, version: "1.0".to_owned(), rules });
    prop::collection::vec(policy, 0..4)
}

fn condition() -> impl Strategy<Value = Condition> {
    let values = prop::collection::vec(value(), 0..3);
    let test = prop_oneof![
        value().prop_map(Test::Equals),
        value().prop_map(Test::NotEquals),
        values.clone().prop_map(Test::In),
        values.prop_map(Test::NotIn),
    ];
    (text(&KEYS), test).prop_map(|(key, test)| Condition { key, test })
}

fn rule_2() -> impl Strategy<Value = Rule2> {
    let resource = pattern(&["*", "a", "a.b", "b", "a.*", "a.b.*", "c.*", "c.new", "a.new"]);
    let conditions = prop::collection::vec(condition(), 0..3);
    (effect(), pattern(&["*", "p", "p.*"]), resource, pattern(&["*", "read"]), conditions).prop_map(
        |(effect, principal, resource, action, conditions)| Rule2 {
            effect,
            principal,
            resource,
            action,
            conditions,
        },
    )
}

pub(crate) fn of_1_0_0() -> impl Strategy<Value = PolicySet> {
    policies_1().prop_map(|it| PolicySet::V1_0_0(PoliciesOf1_0_0(it)))
}

pub(crate) fn of_1_0_3() -> impl Strategy<Value = PolicySet> {
    policies_1().prop_map(|it| PolicySet::V1_0_3(PoliciesOf1_0_3(it)))
}

pub(crate) fn of_2() -> impl Strategy<Value = PolicySet> {
    let policies = prop::collection::vec(prop::collection::vec(rule_2(), 0..4), 1..3);
    policies.prop_map(|policies| {
        let named = |(at, rules)| Policy2 { name: format!("policy {at}"), rules };
        PolicySet::V2(PoliciesOf2(policies.into_iter().enumerate().map(named).collect()))
    })
}

fn parameter() -> impl Strategy<Value = Parameter> {
    let kind = text(&["string", "number", "integer", "boolean", "array", "note"]);
    (text(&KEYS), kind, any::<bool>()).prop_map(|(name, kind, required)| Parameter {
        name,
        kind,
        required,
        unknown: Map::new(),
    })
}

pub(crate) fn capability(id: &'static str) -> impl Strategy<Value = Capability> {
    let parameters = prop::collection::vec(parameter(), 0..2);
    (prop::bool::weighted(0.8), parameters).prop_map(move |(enabled, parameters)| Capability {
        id: id.parse().unwrap(),
        description: "for a test".to_owned(),
        enabled,
        parameters,
        unknown: Map::new(),
    })
}

fn registry() -> impl Strategy<Value = Registry> {
    let each = RESOURCES.map(|id| prop::option::weighted(0.8, capability(id)));
    each.prop_map(|found| Registry::new(found.into_iter().flatten()).unwrap())
}

pub(crate) fn authority_of(
    policies: impl Strategy<Value = PolicySet>,
) -> impl Strategy<Value = Authority> {
    (policies, registry()).prop_map(|(policies, registry)| Authority { policies, registry })
}

/// Of any dialect.
pub(crate) fn authority() -> impl Strategy<Value = Authority> {
    authority_of(prop_oneof![of_1_0_0(), of_1_0_3(), of_2()])
}

/// Every way for the arguments to turn out, several times over.
fn arguments() -> Vec<Arguments> {
    let values = [json!(1), json!("x"), json!("y"), json!(true), json!(2), json!(2.5), json!([1])];
    let choices: Vec<_> = values.into_iter().map(Some).chain([None]).collect();
    let mut all = Vec::new();
    for k in &choices {
        for m in &choices {
            let given = KEYS.into_iter().zip([k, m]);
            let given = given.filter_map(|(key, it)| Some((key.to_owned(), it.clone()?)));
            all.push(given.collect());
        }
    }
    all
}

/// Every request of the small world.
pub(crate) fn requests() -> Vec<Request> {
    let resources = ["a", "a.b", "a.b.c", "b", "c.d", "gone", "c.new", "a.new", "d"];
    let mut all = Vec::new();
    for principal in ["p", "p.x", "z"] {
        for resource in resources {
            for action in ["read", "execute", "*"] {
                all.extend(arguments().into_iter().map(|arguments| Request {
                    principal: principal.to_owned(),
                    resource: resource.to_owned(),
                    action: action.to_owned(),
                    arguments,
                }));
            }
        }
    }
    all
}
