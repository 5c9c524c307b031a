//! Seeds of what is signed, and of what says who may.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use integrity::Digest;
use upgrade::authorization::{
    Action, AllowedSigner, AuthorizationId, DataPolicy, GenerationReference, InvalidKeyring,
    Keyring, Role, Signature, Statement, Thresholds,
};
use versioning::{GenerationNumber, RuntimeVersion};

use super::Named;
use crate::keys::{MESSAGE, SEEDS, key, sign, signer};

/// Epochs of a keyring.
pub fn keyrings() -> Vec<Named> {
    match write_keyrings() {
        Ok(keyrings) => keyrings,
        Err(error) => panic!("cannot write a keyring: {error}"),
    }
}

fn write_keyrings() -> Result<Vec<Named>, InvalidKeyring> {
    let one = NonZeroU32::MIN;
    let two = NonZeroU32::new(2).unwrap_or(one);
    let operators = [Role::Operator, Role::Keyring];
    let window = |line: AllowedSigner, after: &str, before: &str| {
        let moments = (after.parse().ok(), before.parse().ok());
        line.valid(moments.0, moments.1)
            .map_err(|reason| InvalidKeyring::Signer { line: 0, reason })
    };
    let lines = vec![
        signer("alice@example.com", &operators, 1),
        signer("alice@example.com", &operators, 2),
        window(signer("bob", &operators, 3), "20260101Z", "20280101Z")?,
        signer("publisher", &[Role::Publisher], 4),
    ];
    let thresholds = Thresholds { publisher: one, operator: two, keyring: one };
    let first = Keyring::first(thresholds, lines)?;
    let next = first.next()?.revoke(key(1).public_key().clone()).finish()?;
    let expired = window(signer("alice", &Role::ALL, 1), "20200101Z", "20210101Z")?;
    let expired = Keyring::first(Thresholds::all(one), vec![expired])?;
    let single = vec![signer("alice", &Role::ALL, 1)];
    let smallest = Keyring::first(Thresholds::all(one), single)?;
    let text = |keyring: &Keyring| String::from_utf8_lossy(&keyring.to_bytes()).into_owned();
    let out_of_reach = text(&first).replace("\"keyring\": 1", "\"keyring\": 3");
    let (other, same) = (key(2).public_key().to_string(), key(3).public_key().to_string());
    let key_twice = text(&first).replace(&other, &same);
    Ok(vec![
        ("first", first.to_bytes()),
        ("next", next.to_bytes()),
        ("expired", expired.to_bytes()),
        ("smallest", smallest.to_bytes()),
        ("out-of-reach", out_of_reach.into_bytes()),
        ("key-twice", key_twice.into_bytes()),
    ])
}

/// Files of signatures over what the target signs.
pub fn signatures() -> Vec<Named> {
    let armored = |all: &[Signature]| all.iter().map(Signature::armored).collect::<String>();
    let one = armored(&[sign(Role::Operator, MESSAGE, 1)]);
    let several: Vec<Signature> = SEEDS
        .iter()
        .zip([Role::Operator, Role::Operator, Role::Publisher, Role::Keyring])
        .map(|(seed, role)| sign(role, MESSAGE, *seed))
        .collect();
    let repeated = [one.as_str(), "\n", &one].concat();
    let no_end = one.lines().filter(|line| !line.contains("END")).collect::<Vec<_>>().join("\n");
    let another = armored(&[sign(Role::Operator, b"something else\n", 1)]);
    [
        ("one", one),
        ("several", armored(&several)),
        ("repeated", repeated),
        ("no-end", no_end),
        ("of-something-else", another),
    ]
    .map(|(name, text)| (name, text.into_bytes()))
    .to_vec()
}

/// Statements, one of each action, and one that says something twice.
pub fn statements() -> Vec<Named> {
    let reference = |number| GenerationReference {
        generation: GenerationNumber::new(number),
        manifest: Digest::of(b"manifest"),
    };
    let upgrade = Action::Upgrade {
        release: Digest::of(b"release"),
        version: RuntimeVersion::new(2, 0, 0),
        security_epoch: 3,
    };
    let generations = BTreeSet::from([GenerationNumber::new(1), GenerationNumber::new(2)]);
    let (day, years) = ("2026-11-24T00:00:00Z", "2036-11-23T00:00:00Z");
    let from = Some(reference(7));
    let upgraded = statement(upgrade.clone(), from, day);
    let repeated =
        String::from_utf8_lossy(&upgraded).replacen('{', "{\n  \"action\": \"upgrade\",", 1);
    vec![
        ("upgrade", upgraded),
        ("rollback", statement(Action::Rollback(reference(6)), from, day)),
        ("recover", statement(Action::Recover(reference(7)), None, day)),
        ("collect", statement(Action::Collect { generations }, from, day)),
        ("window", statement(upgrade, from, years)),
        ("repeated", repeated.into_bytes()),
    ]
}

fn statement(action: Action, from: Option<GenerationReference>, not_after: &str) -> Vec<u8> {
    let write = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let statement = Statement {
            id: AuthorizationId::new([0x5a; 16]),
            action,
            nodes: BTreeSet::from(["node-1".to_owned(), "node-2".to_owned()]),
            from,
            plan: Digest::of(b"plan"),
            data_policy: DataPolicy::SetAside,
            grants: BTreeSet::from(["grant one".to_owned(), "grant \u{e9}".to_owned()]),
            keyring_epoch: 2,
            not_before: "2026-11-23T00:00:00Z".parse()?,
            not_after: not_after.parse()?,
            reason: "it is time".to_owned(),
        };
        Ok(statement.to_bytes()?)
    };
    match write() {
        Ok(bytes) => bytes,
        Err(error) => panic!("cannot write a statement: {error}"),
    }
}
