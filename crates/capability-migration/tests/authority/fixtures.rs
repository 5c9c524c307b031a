//! The policies and registries of the fixtures of 1.0.0 and 1.0.3, and what becomes of them.

use capability_migration::{
    Authority, Capability, CapabilityError, Certainty, Code, Effect, Grant, Pattern, Plan,
    PoliciesOf1_0_0, PoliciesOf1_0_3, PoliciesOf2, Policy2, PolicySet, Reading, Registry, Renames,
    Request, Rule2, diff, migrate, migrate_registry, policies_1_0, widens,
};
use serde_json::{Map, Value, json};

const POLICIES_1_0_0: &str = r#"[{"name":"default","version":"1.0","rules":[
    {"effect":"Allow","principal":"*","resource":"shell","action":"execute",
     "conditions":[{"key":"bin","operator":"in","value":["ls"]}]},
    {"effect":"Allow","principal":"*","resource":"web_get","action":"execute",
     "conditions":[{"key":"bin","operator":"in","value":["ls"]}]},
    {"effect":"Allow","principal":"*","resource":"*","action":"read",
     "conditions":[{"key":"bin","operator":"in","value":["ls"]}]}]}]"#;

const CAPABILITIES_1_0_0: &str = r#"[{"name":"web_get","description":"Bounded HTTP GET",
    "parameters":[{"name":"url","param_type":"string","required":true}]}]"#;

const POLICIES_1_0_3: &str = r#"[{"name":"default","version":"1.0","rules":[
    {"effect":"Allow","principal":"*","resource":"shell","action":"execute",
     "conditions":[{"key":"bin","operator":"in","value":["ls","cat","pwd"]}]},
    {"effect":"Allow","principal":"*","resource":"web.get","action":"execute","conditions":[]},
    {"effect":"Deny","principal":"*","resource":"process","action":"execute","conditions":[]},
    {"effect":"Deny","principal":"*","resource":"*","action":"execute","conditions":[]}]}]"#;

const CAPABILITIES_1_0_3: &str = r#"[
    {"name":"fs","description":"Filesystem read operations","enabled":true,"parameters":[]},
    {"name":"net","description":"Network operations","enabled":true,"parameters":[]},
    {"name":"process","description":"Process execution","enabled":true,"parameters":[],"since":"1.0"},
    {"name":"shell","description":"Execute shell commands","enabled":true,"parameters":[
        {"name":"bin","param_type":"string","required":true},
        {"name":"argv","param_type":"array","required":false}]},
    {"name":"web.get","description":"Fetch URLs","enabled":true,"parameters":[]}]"#;

const ALLOW_ANY_READ: &str = r#"[{"name":"default","version":"1.0","rules":[
    {"effect":"Allow","principal":"*","resource":"*","action":"read","conditions":[]}]}]"#;

fn of_1_0_0(policies: &str, capabilities: &str) -> Authority {
    let policies = PolicySet::V1_0_0(PoliciesOf1_0_0(policies_1_0(policies).unwrap()));
    Authority { policies, registry: Registry::from_1_0_0(capabilities).unwrap() }
}

fn of_1_0_3(policies: &str) -> Authority {
    let policies = PolicySet::V1_0_3(PoliciesOf1_0_3(policies_1_0(policies).unwrap()));
    Authority { policies, registry: Registry::from_1_0_3(CAPABILITIES_1_0_3).unwrap() }
}

fn request(resource: &str, action: &str, arguments: Value) -> Request {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let (resource, action) = (resource.to_owned(), action.to_owned());
    Request { principal: "agent".to_owned(), resource, action, arguments }
}

fn code(authority: &Authority, resource: &str, action: &str) -> Code {
    authority.decide(&request(resource, action, json!({}))).code
}

fn web_get_is_renamed() -> Renames {
    Renames::new([("web_get".parse().unwrap(), "web.get".parse().unwrap())]).unwrap()
}

fn new_capability(id: &str) -> Capability {
    Capability {
        id: id.parse().unwrap(),
        description: "new".to_owned(),
        enabled: true,
        parameters: vec![],
        unknown: Map::new(),
    }
}

fn allow(resource: &str) -> Policy2 {
    let rule = Rule2 {
        effect: Effect::Allow,
        principal: Pattern::any(),
        resource: resource.parse().unwrap(),
        action: "execute".parse().unwrap(),
        conditions: vec![],
    };
    Policy2 { name: "release".to_owned(), rules: vec![rule] }
}

fn grant(resource: &str) -> Grant {
    Grant {
        principal: Pattern::any(),
        resource: resource.parse().unwrap(),
        action: "execute".parse().unwrap(),
        capability: None,
    }
}

#[test]
fn allow_any_read_of_1_0_0_denies_process_execute_before_and_after() {
    let process = r#"[{"name":"process","description":"","parameters":[]}]"#;
    let before = of_1_0_0(ALLOW_ANY_READ, process);
    assert_eq!(code(&before, "process", "execute"), Code::DeniedPolicyViolation);
    assert_eq!(code(&before, "process", "read"), Code::DeniedPolicyViolation);
    let migrated = migrate(&before, &Plan::new(Reading::Enforced)).unwrap();
    assert_eq!(code(&migrated.authority, "process", "execute"), Code::DeniedPolicyViolation);
    assert!(diff(&before, &migrated.authority, &migrated.renames).is_empty());
    assert!(migrated.archived[0].reason.contains("took `*` for a name"), "{:?}", migrated.archived);
}

#[test]
fn allow_any_read_of_1_0_3_allows_process_execute_before_and_after_unless_read_as_written() {
    let before = of_1_0_3(ALLOW_ANY_READ);
    assert_eq!(code(&before, "process", "execute"), Code::Authorized);
    let enforced = migrate(&before, &Plan::new(Reading::Enforced)).unwrap();
    assert_eq!(code(&enforced.authority, "process", "execute"), Code::Authorized);
    let written = migrate(&before, &Plan::new(Reading::Written)).unwrap();
    assert_eq!(code(&written.authority, "process", "execute"), Code::DeniedPolicyViolation);
    assert_eq!(code(&written.authority, "process", "read"), Code::Authorized);
}

#[test]
fn a_home_of_1_0_0_is_not_taken_for_one_of_1_0_3() {
    let capabilities = r#"[{"name":"process","description":"","parameters":[]}]"#;
    let really = of_1_0_0(ALLOW_ANY_READ, capabilities);
    let wrongly = Authority {
        policies: PolicySet::V1_0_3(PoliciesOf1_0_3(policies_1_0(ALLOW_ANY_READ).unwrap())),
        registry: really.registry.clone(),
    };
    let migrated = migrate(&wrongly, &Plan::new(Reading::Enforced)).unwrap();
    let found = widens(&really, &migrated.authority, &Renames::none(), &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].witness.resource, "process");
    assert_eq!(found[0].certainty, Certainty::Proven);
}

// trace: test FC-11.1.1 FC-11.1.3 FC-11.3
#[test]
fn the_fixture_of_1_0_0_keeps_what_it_allowed_under_the_new_id() {
    let before = of_1_0_0(POLICIES_1_0_0, CAPABILITIES_1_0_0);
    let mut plan = Plan::new(Reading::Enforced);
    plan.registry.renames = web_get_is_renamed();
    let migrated = migrate(&before, &plan).unwrap();
    let get = |resource| request(resource, "execute", json!({"url": "https://example.com"}));
    assert_eq!(before.decide(&get("web_get")).code, Code::Authorized);
    let after = migrated.authority.decide(&get("web.get"));
    assert_eq!(after.code, Code::Authorized);
    assert_eq!(after.rule.unwrap().policy, "default");
    assert_eq!(migrated.authority.decide(&get("web_get")).code, Code::DeniedCapabilityNotFound);
    assert_eq!(code(&migrated.authority, "web.get", "execute"), Code::DeniedArgumentInvalid);
    assert_eq!(migrated.archived.len(), 3);
    let report = migrated.report.to_string();
    assert!(report.contains("capability web_get: is called web.get from now on"), "{report}");
}

// trace: test FC-11.1.3
#[test]
fn the_fixture_of_1_0_3_keeps_what_it_allowed_and_begins_to_hold_its_conditions_if_so_read() {
    let before = of_1_0_3(POLICIES_1_0_3);
    let run = |bin: &str| request("shell", "execute", json!({"bin": bin}));
    assert_eq!(before.decide(&run("rm")).code, Code::Authorized);
    let enforced = migrate(&before, &Plan::new(Reading::Enforced)).unwrap().authority;
    let written = migrate(&before, &Plan::new(Reading::Written)).unwrap().authority;
    for (bin, expected) in [("ls", Code::Authorized), ("rm", Code::DeniedPolicyViolation)] {
        assert_eq!(enforced.decide(&run(bin)).code, Code::Authorized);
        assert_eq!(written.decide(&run(bin)).code, expected, "{bin}");
    }
    for denied in ["process", "fs", "net"] {
        assert_eq!(code(&enforced, denied, "execute"), Code::DeniedPolicyViolation);
    }
    let denied = diff(&before, &written, &Renames::none()).newly_denied;
    assert!(!denied.is_empty());
    assert!(denied.iter().all(|it| ["shell", "web.get"].contains(&it.witness.resource.as_str())));
}

#[test]
fn what_two_policies_decided_by_chance_is_denied_after_migration() {
    let before = of_1_0_3(
        r#"[{"name":"a","version":"1.0","rules":[
               {"effect":"Allow","principal":"*","resource":"fs","action":"execute","conditions":[]}]},
            {"name":"b","version":"1.0","rules":[
               {"effect":"Deny","principal":"*","resource":"fs","action":"execute","conditions":[]}]}]"#,
    );
    let fs = request("fs", "execute", json!({}));
    assert!(before.possibly_allows(&fs));
    assert_eq!(before.decide(&fs).rule.unwrap().policy, "b");
    let migrated = migrate(&before, &Plan::new(Reading::Enforced)).unwrap();
    assert!(!migrated.authority.possibly_allows(&fs));
    assert!(migrated.report.to_string().contains("the policies disagree"));
    let denied = diff(&before, &migrated.authority, &Renames::none()).newly_denied;
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].certainty, Certainty::ByChance);
}

// trace: test FC-11.2
#[test]
fn a_release_that_widens_is_refused_with_a_witness_until_a_grant_allows_exactly_that() {
    let before = of_1_0_3(POLICIES_1_0_3);
    let mut plan = Plan::new(Reading::Enforced);
    plan.added = vec![allow("fs")];
    let CapabilityError::Widens { widenings } = migrate(&before, &plan).unwrap_err() else {
        panic!("refused for another reason")
    };
    assert_eq!(widenings.len(), 1);
    assert_eq!(widenings[0].witness.resource, "fs");
    assert_eq!(widenings[0].after.rule.as_ref().unwrap().policy, "release");
    assert_eq!(widenings[0].before.rule.as_ref().unwrap().index, 3);

    plan.grants = vec![grant("net"), grant("fs")];
    let migrated = migrate(&before, &plan).unwrap();
    assert_eq!(code(&migrated.authority, "fs", "execute"), Code::Authorized);
    assert_eq!(migrated.unused_grants, [grant("net")]);

    // The grant is for `fs` and for nothing beside it.
    plan.added = vec![allow("*")];
    plan.grants = vec![grant("fs")];
    let CapabilityError::Widens { widenings } = migrate(&before, &plan).unwrap_err() else {
        panic!("refused for another reason")
    };
    let refused: Vec<_> = widenings.iter().map(ToString::to_string).collect();
    assert!(refused.iter().any(|it| it.contains("\"net\"")), "{refused:?}");
    assert!(!refused.iter().any(|it| it.contains("\"fs\"")), "{refused:?}");
}

// trace: test FC-11.2
#[test]
fn a_new_capability_arrives_switched_off_and_only_a_grant_switches_it_on() {
    let before = of_1_0_3(ALLOW_ANY_READ);
    let mut plan = Plan::new(Reading::Enforced);
    plan.registry.offered = vec![new_capability("camera")];
    plan.added = vec![allow("camera")];
    let migrated = migrate(&before, &plan).unwrap();
    let after = code(&migrated.authority, "camera", "execute");
    assert_eq!(after, Code::DeniedCapabilityDisabled);

    plan.registry.enabled = ["camera".parse().unwrap()].into();
    assert!(matches!(migrate(&before, &plan), Err(CapabilityError::Widens { .. })));
    plan.grants = vec![grant("camera")];
    let migrated = migrate(&before, &plan).unwrap();
    assert_eq!(code(&migrated.authority, "camera", "execute"), Code::Authorized);
}

// trace: test FC-11.1.2
#[test]
fn an_id_that_would_take_something_else_is_refused() {
    let before = of_1_0_3(POLICIES_1_0_3);
    let mut plan = Plan::new(Reading::Enforced);
    plan.registry.offered = vec![new_capability("shell")];
    let error = migrate(&before, &plan).unwrap_err();
    assert!(matches!(error, CapabilityError::MeaningChanged { .. }), "{error}");
}

// trace: test FC-11.1.1
#[test]
fn what_is_removed_is_retired_and_its_id_is_never_used_again() {
    let registry = of_1_0_3(POLICIES_1_0_3).registry;
    let mut plan = Plan::new(Reading::Enforced).registry;
    plan.removed = [("net".parse().unwrap(), "it is part of web".to_owned())].into();
    let first = migrate_registry(&registry, &plan).unwrap();
    assert_eq!(first.registry.retired()[0].reason, "it is part of web");
    let read = Registry::from_json(&first.registry.to_json()).unwrap();
    assert_eq!(read, first.registry);
    assert_eq!(read.get("process").unwrap().unknown["since"], "1.0");

    let mut plan = Plan::new(Reading::Enforced).registry;
    plan.offered = vec![new_capability("net")];
    let error = migrate_registry(&read, &plan).unwrap_err();
    assert!(matches!(error, CapabilityError::PlanContradicted { .. }), "{error}");
}

// trace: test FC-11.1.1
#[test]
fn a_rename_onto_an_id_that_is_there_is_refused() {
    let registry = Registry::new([new_capability("web_get"), new_capability("web.get")]).unwrap();
    let mut plan = Plan::new(Reading::Enforced).registry;
    plan.renames = web_get_is_renamed();
    let error = migrate_registry(&registry, &plan).unwrap_err();
    assert!(matches!(error, CapabilityError::InvalidRename { .. }), "{error}");
}

#[test]
fn a_prefix_does_not_come_to_allow_what_is_renamed_into_it() {
    let registry = Registry::new([new_capability("web_get"), new_capability("web.put")]).unwrap();
    let policies = PolicySet::V2(PoliciesOf2(vec![allow("web.*")]));
    let before = Authority { policies, registry };
    let mut plan = Plan::new(Reading::Enforced);
    plan.registry.renames = web_get_is_renamed();
    let migrated = migrate(&before, &plan).unwrap();
    assert_eq!(code(&migrated.authority, "web.get", "execute"), Code::DeniedPolicyViolation);
    assert_eq!(code(&migrated.authority, "web.put", "execute"), Code::Authorized);
    assert_eq!(migrated.archived.len(), 1);
}

// trace: test FC-11.1.3
#[test]
fn a_prefix_goes_on_denying_what_is_renamed_out_of_it() {
    let registry = Registry::new([new_capability("web.get")]).unwrap();
    let mut policy = allow("*");
    policy.rules.push(Rule2 { effect: Effect::Deny, ..allow("web.*").rules[0].clone() });
    let before = Authority { policies: PolicySet::V2(PoliciesOf2(vec![policy])), registry };
    let mut plan = Plan::new(Reading::Enforced);
    plan.registry.renames =
        Renames::new([("web.get".parse().unwrap(), "fetch".parse().unwrap())]).unwrap();
    let migrated = migrate(&before, &plan).unwrap();
    let decision = migrated.authority.decide(&request("fetch", "execute", json!({})));
    assert_eq!(decision.code, Code::DeniedPolicyViolation);
    assert_eq!(decision.rule.unwrap().index, 2);
    assert!(
        migrated.report.to_string().contains("written for web.*, fetch"),
        "{}",
        migrated.report
    );
}

#[test]
fn rules_of_a_release_go_behind_those_of_a_policy_with_the_same_name() {
    let before = of_1_0_3(POLICIES_1_0_3);
    let mut plan = Plan::new(Reading::Enforced);
    plan.added = vec![Policy2 { name: "default".to_owned(), ..allow("shell") }];
    let migrated = migrate(&before, &plan).unwrap();
    let PolicySet::V2(policies) = &migrated.authority.policies else { panic!("of 2.x") };
    assert_eq!(policies.0.len(), 1);
    assert_eq!(PoliciesOf2::from_json(&policies.to_json()).unwrap(), *policies);
}

#[test]
fn errors_name_the_place() {
    let shown = |text: &str| policies_1_0(text).unwrap_err().to_string();
    let error = shown(r#"[{"name":"a","version":"1.0","rules":[{"effect":"allow"}]}]"#);
    assert!(error.contains("[0].rules[0]"), "{error}");
    let unknown = r#"{"format":"femtoclaw-policies","version":2,"policies":[{"name":"a","rules":[
        {"effect":"allow","principal":"*","resource":"*","action":"*","conditions":[],"until":"noon"}]}]}"#;
    let error = PoliciesOf2::from_json(unknown).unwrap_err().to_string();
    assert!(error.contains("at policies[0].rules[0]") && error.contains("\"until\""), "{error}");
    let error = Registry::from_1_0_3(CAPABILITIES_1_0_0).unwrap_err().to_string();
    assert!(error.contains("at [0]") && error.contains("enabled"), "{error}");
}

#[test]
fn what_is_too_much_to_decide_counts_as_wider() {
    // Whether some bit string satisfies a hundred clauses: beyond any bound, so nothing is claimed.
    let condition =
        |key: String, value: Value| json!({"key": key, "operator": "equals", "value": value});
    let rule = |effect: &str, conditions: Vec<Value>| json!({"effect": effect, "principal": "*", "resource": "fs", "action": "*", "conditions": conditions});
    let clauses = (0..70).map(|at| {
        let keys = [at, at * 7 + 3, at * 11 + 5].map(|key| format!("k{}", key % 60));
        rule("deny", keys.into_iter().map(|key| condition(key, json!(at % 3))).collect())
    });
    let rules: Vec<_> = clauses.chain([rule("allow", vec![])]).collect();
    let reversed: Vec<_> = rules.iter().rev().cloned().collect();
    let authority = |rules: Vec<Value>| {
        let text = json!({"format": "femtoclaw-policies", "version": 2,
            "policies": [{"name": "clauses", "rules": rules}]});
        Authority {
            policies: PolicySet::V2(PoliciesOf2::from_json(&text.to_string()).unwrap()),
            registry: Registry::new([new_capability("fs")]).unwrap(),
        }
    };
    let found = widens(&authority(rules.clone()), &authority(reversed), &Renames::none(), &[]);
    assert!(found.iter().all(|it| it.certainty == Certainty::Undecided) && !found.is_empty());
    // The same rules in the same order say the same, however many they are.
    assert_eq!(widens(&authority(rules.clone()), &authority(rules), &Renames::none(), &[]), []);
}
