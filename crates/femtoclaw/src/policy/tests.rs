use std::collections::BTreeSet;

use capability_migration::{Code, Request, migrate};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::*;
use crate::releases::authority_plan;

/// The sets of all releases that can be upgraded to, in order, and every way through them.
const PATHS: [&[u32]; 6] = [&[3, 4, 5], &[3, 4], &[4], &[4, 5], &[3, 5], &[5]];

const PRINCIPALS: [&str; 3] = ["*", "agent", "root"];
const RESOURCES: [&str; 7] = ["*", "fs", "net", "process", "shell", "web.get", "web_get"];
const ACTIONS: [&str; 4] = ["*", "execute", "read", "write"];

fn rule() -> impl Strategy<Value = Value> {
    let effect = select(&["Allow", "Deny"][..]);
    let parts = (effect, select(&PRINCIPALS[..]), select(&RESOURCES[..]), select(&ACTIONS[..]));
    let conditions =
        select(vec![json!([]), json!([{"key": "bin", "operator": "in", "value": ["ls"]}])]);
    (parts, conditions).prop_map(|((effect, principal, resource, action), conditions)| {
        json!({"effect": effect, "principal": principal, "resource": resource, "action": action,
               "conditions": conditions})
    })
}

fn policies() -> impl Strategy<Value = Value> {
    let name = select(&["a", "b"][..]);
    let policy = (name, prop::collection::vec(rule(), 0..4))
        .prop_map(|(name, rules)| json!({"name": name, "version": "1.0", "rules": rules}));
    prop::collection::vec(policy, 0..3).prop_map(Value::Array)
}

/// A registry of 1.0.0 or of 1.0.3. One with both names of a renamed capability is refused, and none has them here.
fn registry(set: u32) -> impl Strategy<Value = Value> {
    let names = prop::sample::subsequence(vec!["fs", "net", "process", "shell", "own"], 0..=5);
    let web = select(if set == FIRST_SET { vec!["web_get"] } else { vec!["web.get", "web_get"] });
    (names, web, any::<[bool; 6]>()).prop_map(move |(names, web, flags)| {
        let capability = |(name, enabled): (&str, bool)| {
            let parameters = if name == "shell" {
                json!([{"name": "bin", "param_type": "string", "required": enabled}])
            } else {
                json!([])
            };
            let mut capability = json!({"name": name, "description": "", "parameters": parameters});
            if set != FIRST_SET {
                capability["enabled"] = enabled.into();
            }
            capability
        };
        let names = names.into_iter().chain([web]);
        names.zip(flags).map(capability).collect()
    })
}

fn installation() -> impl Strategy<Value = (u32, Files)> {
    select(&[FIRST_SET, LAST_OLD_SET][..]).prop_flat_map(|set| {
        (policies(), registry(set)).prop_map(move |(policies, registry)| {
            let file = |name: &str, value: Value| (name.to_owned(), value.to_string().into_bytes());
            (
                set,
                Files::from([
                    file("p/policies.json", policies),
                    file("capabilities.json", registry),
                ]),
            )
        })
    })
}

/// Every call that can be told from another by these rules.
fn calls() -> Vec<Request> {
    let mut calls = Vec::new();
    for principal in PRINCIPALS {
        for resource in RESOURCES.iter().chain(&["own", "net.request", "fs.watch"]) {
            for action in ACTIONS {
                for arguments in [json!({}), json!({"bin": "ls"}), json!({"bin": 3})] {
                    let Value::Object(arguments) = arguments else { continue };
                    calls.push(Request {
                        principal: principal.to_owned(),
                        resource: (*resource).to_owned(),
                        action: action.to_owned(),
                        arguments,
                    });
                }
            }
        }
    }
    calls
}

/// One step of a path: planned, migrated, written, and read back.
fn step(from: u32, to: u32, before: &Authority) -> (Authority, Files) {
    let (from, to) = (CapabilitySet::new(from), CapabilitySet::new(to));
    let migrated = migrate(before, &authority_plan(from, to).unwrap()).unwrap();
    let files = write(to, &migrated.authority).unwrap();
    let read = authority(to, &files).unwrap();
    assert_eq!(read, migrated.authority, "what was written is not what was decided");
    (read, files)
}

/// What a capability was called at first.
fn at_first<'r>(first: &Authority, resource: &'r str) -> &'r str {
    match resource {
        "net.request" => "net",
        "web.get" if first.registry.get("web_get").is_some() => "web_get",
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // trace: test FC-11.2
    #[test]
    fn nobody_can_do_more_on_any_path((set, files) in installation()) {
        let first = authority(CapabilitySet::new(set), &files).unwrap();
        for path in PATHS {
            let (mut at, mut now) = (set, first.clone());
            for to in path {
                now = step(at, *to, &now).0;
                at = *to;
            }
            for call in calls() {
                let resource = at_first(&first, &call.resource).to_owned();
                let then = Request { resource, ..call.clone() };
                let allowed = now.decide(&call).code == Code::Authorized;
                let was = first.decide(&then).code == Code::Authorized;
                prop_assert!(!allowed || was, "{call} on {path:?}");
            }
        }
    }

    #[test]
    fn every_path_leads_to_the_same_and_planning_again_changes_nothing((set, files) in installation()) {
        let first = authority(CapabilitySet::new(set), &files).unwrap();
        let mut led = BTreeSet::new();
        for path in PATHS.iter().filter(|path| path.last() == Some(&4)) {
            let (mut at, mut now, mut written) = (set, first.clone(), Files::new());
            for to in *path {
                (now, written) = step(at, *to, &now);
                at = *to;
            }
            let (again, files) = step(at, at, &now);
            prop_assert_eq!(&again, &now);
            prop_assert_eq!(&files, &written);
            // Nobody can tell by the policies on which path a home has come.
            led.insert(written.remove(POLICY_FILE).unwrap());
        }
        prop_assert_eq!(led.len(), 1);
    }
}

#[test]
fn what_nothing_can_be_read_of_is_refused_with_every_reason() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let set = CapabilitySet::new(LAST_OLD_SET);
    let policy = r#"[{"name": "a", "version": "1.0", "rules": []}]"#;
    let files = Files::from([
        file("a.json", policy),
        file("b.json", policy),
        file("c.json", "{"),
        file("d.json", r#"[{"name": "fs", "description": "", "parameters": []}]"#),
    ]);
    let reasons = authority(set, &files).unwrap_err();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].contains("is in a.json, too"), "{reasons:?}");
    let new = authority(CapabilitySet::new(3), &Files::from([file("x", "")])).unwrap_err();
    assert_eq!(new.len(), 3, "{new:?}");
}

/// A policy that tells so many principals, resources and actions apart, each from all others.
fn of_many_names(names: usize) -> Files {
    let rule = |number: usize| {
        json!({"effect": "Allow", "principal": format!("p{number}"),
               "resource": format!("r{number}"), "action": format!("a{number}"), "conditions": []})
    };
    let rules: Vec<Value> = (0..names).map(rule).collect();
    let policy = json!([{"name": "many", "version": "1.0", "rules": rules}]);
    Files::from([("policies.json".to_owned(), policy.to_string().into_bytes())])
}

#[test]
fn what_would_take_too_long_to_decide_is_refused_and_not_waited_for() {
    let sets = [FIRST_SET, 3].map(CapabilitySet::new);
    let plan = authority_plan(sets[0], sets[1]).unwrap();
    let widened = |names: usize| {
        let before = authority(sets[0], &of_many_names(names)).unwrap();
        migrate(&before, &plan)
    };
    widened(20).unwrap();
    let error = widened(600).expect_err("600 rules about 600 resources are not decided one by one");
    assert!(error.to_string().contains("too much to decide"), "{error}");
}
