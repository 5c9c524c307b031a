use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::made::at;

fn generation(number: u64) -> GenerationReference {
    let manifest = Digest::of(&number.to_be_bytes());
    GenerationReference { generation: GenerationNumber::new(number), manifest }
}

fn set<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    values.into_iter().collect()
}

fn upgrade() -> Action {
    Action::Upgrade {
        release: Digest::of(b"release"),
        version: RuntimeVersion::new(2, 0, 0),
        security_epoch: 3,
    }
}

fn statement(action: Action) -> Statement {
    Statement {
        id: AuthorizationId::new([0xa5; 16]),
        action,
        nodes: set(["node-1".to_owned(), "node-2".to_owned()]),
        from: Some(generation(7)),
        plan: Digest::of(b"plan"),
        data_policy: DataPolicy::SetAside,
        grants: set(["shell".to_owned(), "network".to_owned()]),
        keyring_epoch: 2,
        not_before: at("2026-11-23T00:00:00Z"),
        not_after: at("2026-11-30T00:00:00Z"),
        reason: "the release that mends the leak".to_owned(),
    }
}

fn actions() -> [Action; 4] {
    let generations = set([GenerationNumber::new(3), GenerationNumber::new(5)]);
    [
        upgrade(),
        Action::Rollback(generation(6)),
        Action::Recover(generation(6)),
        Action::Collect { generations },
    ]
}

/// The document with one change.
fn changed(action: Action, change: impl FnOnce(&mut Value)) -> Result<Statement, InvalidStatement> {
    let mut document: Value =
        serde_json::from_slice(&statement(action).to_bytes().unwrap()).unwrap();
    change(&mut document);
    Statement::parse(&serde_json::to_vec(&document).unwrap())
}

#[test]
fn every_action_is_written_and_read_again() {
    for action in actions() {
        let written = statement(action);
        let bytes = written.to_bytes().unwrap();
        assert_eq!(Statement::parse(&bytes), Ok(written.clone()));
        assert_eq!(written.digest().unwrap(), Digest::of(&bytes));
    }
    let recover = Statement { from: None, ..statement(Action::Recover(generation(6))) };
    assert_eq!(Statement::parse(&recover.to_bytes().unwrap()), Ok(recover));
}

/// The form is a promise: what was signed once must be readable for as long as the journal names it.
#[test]
fn the_document_is_the_one_that_was_agreed() {
    let text = r#"{"type":"femtoclaw.dev/upgrade-authorization/v1","action":"upgrade",
        "id":"00112233445566778899aabbccddeeff","audience":{"nodes":["node-1"]},
        "from":{"generation":7,"manifest":"MANIFEST"},
        "to":{"release":"MANIFEST","version":"2.0.0","security_epoch":3},"plan":"MANIFEST",
        "data_policy":"preserve","grants":[],"keyring_epoch":2,
        "not_before":"2026-11-23T00:00:00Z","not_after":"2026-11-24T00:00:00.5Z","reason":"why"}"#;
    let digest = Digest::of(b"manifest");
    let read = Statement::parse(text.replace("MANIFEST", &digest.to_string()).as_bytes()).unwrap();
    assert_eq!(read.id.to_string(), "00112233445566778899aabbccddeeff");
    assert_eq!(read.data_policy, DataPolicy::Preserve);
    assert_eq!(read.not_after, at("2026-11-24T00:00:00.5Z"));
    let written: Value = serde_json::from_slice(&read.to_bytes().unwrap()).unwrap();
    let original: Value =
        serde_json::from_str(&text.replace("MANIFEST", &digest.to_string())).unwrap();
    assert_eq!(written, original);
    let to = |action: Action| {
        let bytes = statement(action).to_bytes().unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["to"].clone()
    };
    let [_, rollback, recover, collect] = actions();
    let expected = json!({"generation": 6, "manifest": generation(6).manifest});
    assert_eq!(to(rollback), expected);
    assert_eq!(to(recover), expected);
    assert_eq!(to(collect), json!({"generations": [3, 5]}));
}

/// Every object of a document, with the path to it.
fn objects(value: &Value, path: String, found: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        found.push(path.clone());
        for (name, value) in fields {
            objects(value, format!("{path}/{name}"), found);
        }
    }
}

#[test]
fn every_field_of_every_object_is_there_once_and_no_other() {
    let mut tried = 0;
    for action in actions() {
        let bytes = statement(action).to_bytes().unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let mut paths = Vec::new();
        objects(&document, String::new(), &mut paths);
        for path in paths {
            let fields = document.pointer(&path).unwrap().as_object().unwrap().clone();
            let refuse = |object: Value| {
                let mut other = document.clone();
                *other.pointer_mut(&path).unwrap() = object;
                Statement::parse(&serde_json::to_vec(&other).unwrap()).unwrap_err()
            };
            let mut more = fields.clone();
            more.insert("unknown".to_owned(), Value::Null);
            let error = refuse(Value::Object(more));
            assert!(
                matches!(error, InvalidStatement::Document(InvalidDocument::Unknown { .. })),
                "{error}"
            );
            refuse(Value::Array(fields.values().cloned().collect()));
            for (name, value) in &fields {
                let mut less = fields.clone();
                less.remove(name);
                let error = refuse(Value::Object(less));
                assert!(
                    matches!(error, InvalidStatement::Document(InvalidDocument::Missing { .. })),
                    "{error}"
                );
                let object = serde_json::to_string(&fields).unwrap();
                let twice = object.replacen('{', &format!("{{\"{name}\":{value},"), 1);
                let text = serde_json::to_string(&document).unwrap();
                let repeated = text.replacen(&object, &twice, 1);
                assert_ne!(repeated, text);
                let error = Statement::parse(repeated.as_bytes()).unwrap_err();
                assert!(
                    matches!(error, InvalidStatement::Document(InvalidDocument::Json { .. })),
                    "{error}"
                );
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 4 * (13 + 1 + 2) + 3 + 2 + 2 + 1);
}

#[test]
fn values_of_another_form_are_refused() {
    for (path, value) in [
        ("/type", json!("femtoclaw.dev/upgrade-authorization/v2")),
        ("/action", json!("Upgrade")),
        ("/action", json!("rollback")),
        ("/id", json!("A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5")),
        ("/id", json!("a5a5")),
        ("/id", json!("+5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5")),
        ("/audience/nodes", json!("node-1")),
        ("/audience/nodes", json!([""])),
        ("/audience/nodes", json!(["a", "a"])),
        ("/audience/nodes", json!(["a\u{1b}[2J"])),
        ("/audience/nodes", json!(["a".repeat(MAXIMUM_NODE_BYTES + 1)])),
        ("/from", json!(7)),
        ("/from/generation", json!(0)),
        ("/from/generation", json!("7")),
        ("/from/manifest", json!("sha256:00")),
        ("/to/version", json!("2.0")),
        ("/to/security_epoch", json!(-1)),
        ("/plan", json!(null)),
        ("/data_policy", json!("set_aside")),
        ("/grants", json!(["a", "a"])),
        ("/grants", json!([""])),
        ("/grants", json!((0..=MAXIMUM_GRANTS).map(|n| n.to_string()).collect::<Vec<_>>())),
        ("/keyring_epoch", json!(2.0)),
        ("/not_before", json!("yesterday")),
        // The same moment, spelled in another way.
        ("/not_before", json!("2026-11-23T01:00:00+01:00")),
        ("/not_after", json!("2026-11-30 00:00:00Z")),
        ("/not_after", json!(1)),
        ("/reason", json!("a\nb")),
        ("/reason", json!("r".repeat(MAXIMUM_REASON_BYTES + 1))),
    ] {
        let result = changed(upgrade(), |document| {
            *document.pointer_mut(path).unwrap() = value.clone();
        });
        let error = result.unwrap_err();
        assert!(matches!(error, InvalidStatement::Document(_)), "{path} {value}: {error}");
    }
}

#[test]
fn texts_may_be_as_long_as_their_bounds() {
    let result = changed(upgrade(), |document| {
        document["audience"]["nodes"] = json!(["n".repeat(MAXIMUM_NODE_BYTES)]);
        document["grants"] = json!(["g".repeat(MAXIMUM_GRANT_BYTES)]);
        document["reason"] = json!("r".repeat(MAXIMUM_REASON_BYTES));
    });
    let statement = result.unwrap();
    assert_eq!(statement.nodes.first().unwrap().len(), MAXIMUM_NODE_BYTES);
    assert_eq!(statement.grants.first().unwrap().len(), MAXIMUM_GRANT_BYTES);
    assert_eq!(statement.reason.len(), MAXIMUM_REASON_BYTES);
    assert_eq!(Statement::parse(&statement.to_bytes().unwrap()), Ok(statement));
}

#[test]
fn what_is_stated_is_shown_in_words() {
    let manifest = generation(6).manifest;
    let shown = actions().map(|action| action.to_string());
    let release = Digest::of(b"release");
    let expected = [
        format!("upgrade to 2.0.0 ({release}, security epoch 3)"),
        format!("rollback to generation 6 ({manifest})"),
        format!("recover to generation 6 ({manifest})"),
        "collect of generations 3, 5".to_owned(),
    ];
    assert_eq!(shown, expected);
    for action in actions() {
        assert_eq!(serde_json::to_value(action.kind()).unwrap(), action.kind().to_string());
    }
    for policy in [DataPolicy::SetAside, DataPolicy::Preserve] {
        assert_eq!(serde_json::to_value(policy).unwrap(), policy.to_string());
    }
}

#[test]
fn an_id_is_written_as_its_digits_and_read_back() {
    let id = AuthorizationId::new([0xa5; 16]);
    let digits = "a5".repeat(16);
    assert_eq!((id.to_string(), format!("{id:?}")), (digits.clone(), digits.clone()));
    assert_eq!(serde_json::to_value(id).unwrap(), digits);
    assert_eq!(serde_json::from_value::<AuthorizationId>(json!(digits)).unwrap(), id);
    for other in [&digits[1..], &format!("{digits}a"), &digits.to_uppercase(), ""] {
        let refused = other.parse::<AuthorizationId>();
        assert_eq!(refused, Err(InvalidId { text: other.to_owned() }));
        assert!(serde_json::from_value::<AuthorizationId>(json!(other)).is_err());
    }
}

#[test]
fn it_is_for_somebody_and_about_something() {
    let nobody = changed(upgrade(), |document| document["audience"]["nodes"] = json!([]));
    assert_eq!(nobody, Err(InvalidStatement::Nothing { field: "audience.nodes".to_owned() }));
    let nothing = Statement {
        action: Action::Collect { generations: BTreeSet::new() },
        ..statement(upgrade())
    };
    assert!(matches!(nothing.to_bytes(), Err(InvalidStatement::Unwritable(_))));
}

#[test]
fn only_a_recovery_can_start_from_what_is_not_known() {
    for action in actions() {
        let kind = action.kind();
        let result = changed(action, |document| document["from"] = Value::Null);
        match kind {
            ActionKind::Recover => assert_eq!(result.unwrap().from, None),
            action => assert_eq!(result, Err(InvalidStatement::FromMissing { action })),
        }
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let large = set((0..MAXIMUM_NODES).map(|n| format!("{n:0>255}")));
    for wrong in [
        Statement { reason: "\u{7}".to_owned(), ..statement(upgrade()) },
        Statement { nodes: BTreeSet::new(), ..statement(upgrade()) },
        Statement { nodes: large, ..statement(upgrade()) },
        Statement { from: None, ..statement(upgrade()) },
    ] {
        assert!(matches!(wrong.to_bytes(), Err(InvalidStatement::Unwritable(_))));
        assert!(wrong.digest().is_err());
    }
    let bytes = vec![b' '; MAXIMUM_STATEMENT_BYTES + 1];
    let error = Statement::parse(&bytes).unwrap_err();
    assert!(matches!(error, InvalidStatement::Document(InvalidDocument::TooLarge { .. })));
}

fn text(limit: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[a-zA-Zäß€\"\\\\ .,-]{{1,{limit}}}")).unwrap()
}

fn any_action() -> impl Strategy<Value = Action> {
    let reference = (1u64.., any::<[u8; 4]>()).prop_map(|(number, seed)| GenerationReference {
        generation: GenerationNumber::new(number),
        manifest: Digest::of(&seed),
    });
    let generations =
        proptest::collection::btree_set((1u64..).prop_map(GenerationNumber::new), 1..9);
    prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(minor, security_epoch)| Action::Upgrade {
            release: Digest::of(b"release"),
            version: RuntimeVersion::new(2, minor, 0),
            security_epoch,
        }),
        reference.clone().prop_map(Action::Rollback),
        reference.prop_map(Action::Recover),
        generations.prop_map(|generations| Action::Collect { generations }),
    ]
}

proptest! {
    #[test]
    fn every_statement_is_read_as_it_was_written(
        action in any_action(),
        id: [u8; 16],
        nodes in proptest::collection::btree_set(text(20), 1..5),
        grants in proptest::collection::btree_set(text(20), 0..5),
        reason in text(100),
        nanoseconds in 0i128..200_000_000_000_000_000_000,
    ) {
        let time = |nanoseconds| Timestamp::from_unix_nanoseconds(nanoseconds).unwrap();
        let written = Statement {
            id: AuthorizationId::new(id),
            nodes,
            grants,
            reason,
            not_before: time(nanoseconds),
            not_after: time(nanoseconds + 1),
            ..statement(action)
        };
        let bytes = written.to_bytes().unwrap();
        prop_assert_eq!(Statement::parse(&bytes).unwrap(), written.clone());
        prop_assert_eq!(written.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn no_bytes_make_reading_a_statement_panic(
        bytes: Vec<u8>,
        action in any_action(),
        at: proptest::sample::Index,
        byte: u8,
    ) {
        let _ = Statement::parse(&bytes);
        let mut damaged = statement(action).to_bytes().unwrap();
        let place = at.index(damaged.len());
        damaged[place] = byte;
        let _ = Statement::parse(&damaged);
        // Without its last brace at least; the newline behind it is no matter.
        damaged.truncate(place.min(damaged.len() - 2));
        prop_assert!(Statement::parse(&damaged).is_err());
    }
}
