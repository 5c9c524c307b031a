use proptest::prelude::*;

use super::*;
use crate::Signatures;
use crate::made::{self, at, signatures, signer, thresholds};

const NOW: &str = "2026-11-25T12:00:00Z";
const MESSAGE: &[u8] = b"what is signed";

fn verify(keyring: &Keyring, seeds: &[u8]) -> Result<Vec<Signer>, NotEnough> {
    keyring.verify(Role::Operator, MESSAGE, &signatures(Role::Operator, MESSAGE, seeds), at(NOW))
}

fn names(signers: &[Signer]) -> Vec<&str> {
    signers.iter().map(|signer| signer.principal.as_str()).collect()
}

fn reasons(error: &NotEnough) -> Vec<&Reason> {
    error.not_counted.iter().map(|signature| &signature.reason).collect()
}

fn principal(name: &str) -> Principal {
    name.parse().unwrap()
}

/// The document, with one field set.
fn with(field: &str, value: serde_json::Value) -> Vec<u8> {
    let bytes = made::keyring(thresholds(1, 1, 1)).to_bytes();
    let mut document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    document[field] = value;
    serde_json::to_vec(&document).unwrap()
}

fn refused(field: &str, value: serde_json::Value) -> InvalidKeyring {
    Keyring::parse(&with(field, value)).unwrap_err()
}

#[test]
fn two_principals_meet_a_threshold_of_two() {
    let keyring = made::keyring(thresholds(1, 2, 1));
    assert_eq!(names(&verify(&keyring, &[1, 3]).unwrap()), ["alice", "bob"]);
    assert_eq!(names(&verify(&keyring, &[4, 3, 2]).unwrap()), ["carol", "bob", "alice"]);
}

#[test]
fn who_signed_can_be_put_on_record() {
    let signers = verify(&made::keyring(thresholds(1, 2, 1)), &[1, 3]).unwrap();
    let json = serde_json::to_string(&signers).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Signer>>(&json).unwrap(), signers);
    assert!(json.contains(r#"{"principal":"alice","key":"SHA256:"#), "{json}");
    let pattern = json.replace("alice", "*");
    assert!(serde_json::from_str::<Vec<Signer>>(&pattern).is_err());
}

// trace: test FC-21.2
#[test]
fn one_key_that_signs_twice_counts_once() {
    let error = verify(&made::keyring(thresholds(1, 2, 1)), &[1, 1, 1]).unwrap_err();
    assert_eq!(names(&error.counted), ["alice"]);
    assert_eq!(reasons(&error), [&Reason::SameKey, &Reason::SameKey]);
    assert_eq!(error.needed.get(), 2);
}

#[test]
fn one_principal_with_two_keys_counts_once() {
    let error = verify(&made::keyring(thresholds(1, 2, 1)), &[1, 2]).unwrap_err();
    assert_eq!(names(&error.counted), ["alice"]);
    let expected = Reason::SamePrincipal { principal: principal("alice") };
    assert_eq!(reasons(&error), [&expected]);
}

#[test]
fn what_else_stands_in_the_file_does_not_matter_once_enough_have_signed() {
    let keyring = made::keyring(thresholds(1, 2, 1));
    assert_eq!(names(&verify(&keyring, &[9, 1, 1, 2, 3]).unwrap()), ["alice", "bob"]);
}

#[test]
fn every_signature_that_does_not_count_has_its_reason() {
    let (after, before) = ("20270101Z".parse().unwrap(), "20260101Z".parse().unwrap());
    let lines = vec![
        signer("alice", &Role::ALL, 1),
        signer("bob", &[Role::Publisher], 2),
        signer("carol", &[Role::Operator], 3).valid(Some(after), None).unwrap(),
        signer("dave", &[Role::Operator], 4).valid(None, Some(before)).unwrap(),
        signer("erin", &[Role::Operator], 5),
    ];
    let keyring = Keyring::first(thresholds(1, 3, 1), lines.clone()).unwrap();
    let revoked = made::key(5).public_key().clone();
    let draft = keyring.next().unwrap().revoke(revoked).allow(lines[4].clone());
    let keyring = draft.finish().unwrap();
    let other = made::key(1).sign(Role::Publisher, MESSAGE).unwrap();
    let content = made::key(1).sign(Role::Operator, b"something else").unwrap();
    let rest = signatures(Role::Operator, MESSAGE, &[5, 9, 2, 3, 4, 1]);
    let all = Signatures::new([other, content].into_iter().chain(rest.iter().cloned()).collect());
    let error = keyring.verify(Role::Operator, MESSAGE, &all.unwrap(), at(NOW)).unwrap_err();
    let expected = [
        Reason::OtherNamespace { found: "release@femtoclaw.dev".to_owned() },
        Reason::OtherContent,
        Reason::Revoked,
        Reason::UnknownKey,
        Reason::OtherRole { principal: principal("bob"), role: Role::Operator },
        Reason::NotYetValid { principal: principal("carol"), after },
        Reason::Expired { principal: principal("dave"), before },
    ];
    assert_eq!(reasons(&error), expected.iter().collect::<Vec<_>>());
    assert_eq!(names(&error.counted), ["alice"]);
    let sentence = error.to_string();
    assert!(sentence.starts_with("3 must sign as operator, and 1 did; "), "{sentence}");
    assert!(sentence.contains("the key is revoked"), "{sentence}");
}

#[test]
fn a_keyring_keeps_its_bytes_and_is_written_the_same_every_time() {
    let keyring = made::keyring(thresholds(1, 2, 3));
    assert_eq!(Keyring::parse(&keyring.to_bytes()), Ok(keyring.clone()));
    assert_eq!(made::keyring(thresholds(1, 2, 3)).to_bytes(), keyring.to_bytes());
    let spaced = [keyring.to_bytes(), b"\n".to_vec()].concat();
    let read = Keyring::parse(&spaced).unwrap();
    assert_eq!(read.to_bytes(), spaced);
    assert_eq!(read.digest(), Digest::of(&spaced));
    assert_ne!(read.digest(), keyring.digest());
}

#[test]
fn the_files_for_ssh_keygen_have_the_lines() {
    let keyring = Keyring::first(
        thresholds(1, 1, 1),
        vec![
            signer("alice", &[Role::Operator, Role::Keyring], 1),
            signer("bob", &[Role::Publisher], 2),
        ],
    );
    let keyring = keyring.unwrap().next().unwrap().revoke(made::key(9).public_key().clone());
    let keyring = keyring.finish().unwrap();
    let all = keyring.allowed_signers_file(None);
    assert_eq!(all.lines().count(), 2);
    let publishers = keyring.allowed_signers_file(Some(Role::Publisher));
    assert!(publishers.starts_with("bob namespaces=\"release@femtoclaw.dev\" ssh-ed25519 "));
    assert_eq!(publishers.lines().count(), 1);
    assert_eq!(keyring.revocation_file(), format!("{}\n", made::key(9).public_key()));
}

#[test]
fn fields_are_there_once_and_no_others() {
    let text = String::from_utf8(made::keyring(thresholds(1, 1, 1)).to_bytes()).unwrap();
    let document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(document.len(), 6);
    for (field, value) in &document {
        let mut without = document.clone();
        without.remove(field);
        let missing = InvalidDocument::Missing { field: field.clone() };
        let error = Keyring::parse(&serde_json::to_vec(&without).unwrap()).unwrap_err();
        assert_eq!(error, InvalidKeyring::Document(missing));
        let twice = text.replacen('{', &format!("{{\"{field}\":{value},"), 1);
        let error = Keyring::parse(twice.as_bytes()).unwrap_err();
        assert!(matches!(error, InvalidKeyring::Document(InvalidDocument::Json { .. })), "{field}");
    }
    let unknown = InvalidDocument::Unknown { field: "comment".to_owned() };
    assert_eq!(refused("comment", "".into()), InvalidKeyring::Document(unknown));
    let array = serde_json::Value::Array(document.into_iter().map(|(_, value)| value).collect());
    assert!(Keyring::parse(&serde_json::to_vec(&array).unwrap()).is_err());
}

#[test]
fn fields_of_another_kind_are_refused() {
    for (field, value) in [
        ("type", serde_json::json!("femtoclaw.dev/keyring/v2")),
        ("epoch", serde_json::json!("1")),
        ("epoch", serde_json::json!(1.5)),
        ("previous", serde_json::json!("none")),
        ("thresholds", serde_json::json!([1, 1, 1])),
        ("thresholds", serde_json::json!({"publisher": 1, "operator": 1})),
        ("thresholds", serde_json::json!({"publisher": 1, "operator": 1, "keyring": 0})),
        ("thresholds", serde_json::json!({"publisher": 1, "operator": 1, "keyring": 1, "root": 1})),
        ("allowed_signers", serde_json::json!("alice")),
        ("allowed_signers", serde_json::json!([1])),
        ("allowed_signers", serde_json::json!(vec![""; MAXIMUM_SIGNERS + 1])),
        ("revoked", serde_json::json!(null)),
        ("revoked", serde_json::json!(vec![""; MAXIMUM_REVOKED + 1])),
    ] {
        let error = refused(field, value.clone());
        assert!(matches!(error, InvalidKeyring::Document(_)), "{field}: {value}: {error}");
    }
    let large = vec![b' '; MAXIMUM_KEYRING_BYTES + 1];
    let error = Keyring::parse(&large).unwrap_err();
    assert!(matches!(error, InvalidKeyring::Document(InvalidDocument::TooLarge { .. })));
}

#[test]
fn a_wrong_line_is_named() {
    let good = signer("alice", &Role::ALL, 1).to_string();
    let error = refused("allowed_signers", serde_json::json!([good, "bob"]));
    assert_eq!(error, InvalidKeyring::Signer { line: 2, reason: InvalidSigner::Form });
    let error = refused("revoked", serde_json::json!(["ssh-rsa AAAA"]));
    assert!(matches!(error, InvalidKeyring::Revoked { line: 1, .. }), "{error}");
}

#[test]
fn a_key_stands_on_one_line_only() {
    let lines = vec![signer("alice", &Role::ALL, 1), signer("bob", &Role::ALL, 1)];
    let error = Keyring::first(thresholds(1, 1, 1), lines).unwrap_err();
    let key = made::key(1).public_key().fingerprint();
    assert_eq!(error, InvalidKeyring::KeyTwice { key });
    let key = made::key(1).public_key().to_string();
    let error = refused("revoked", serde_json::json!([key, key]));
    assert!(matches!(error, InvalidKeyring::KeyTwice { .. }));
}

#[test]
fn thresholds_are_within_reach_of_principals_whose_keys_are_not_revoked() {
    assert!(Keyring::parse(&made::keyring(thresholds(3, 3, 3)).to_bytes()).is_ok());
    let value = serde_json::json!({"publisher": 1, "operator": 4, "keyring": 1});
    let out_of_reach = |found| InvalidKeyring::OutOfReach {
        role: Role::Operator,
        needed: NonZeroU32::new(if found == 3 { 4 } else { 3 }).unwrap(),
        found,
    };
    // Alice has two keys and is one principal.
    assert_eq!(refused("thresholds", value), out_of_reach(3));
    let lines = |role| {
        vec![signer("a", &Role::ALL, 1), signer("b", &[role], 2), signer("c", &Role::ALL, 3)]
    };
    assert!(Keyring::first(thresholds(1, 3, 1), lines(Role::Operator)).is_ok());
    assert_eq!(Keyring::first(thresholds(1, 3, 1), lines(Role::Keyring)), Err(out_of_reach(2)));
    let first = Keyring::first(thresholds(1, 3, 1), lines(Role::Operator)).unwrap();
    let revoked = first.next().unwrap().revoke(made::key(1).public_key().clone());
    let again = revoked.allow(signer("a", &Role::ALL, 1)).finish();
    assert_eq!(again, Err(out_of_reach(2)));
}

#[test]
fn epochs_are_counted_from_one_and_name_the_one_before() {
    let digest = serde_json::json!(Digest::of(b""));
    assert_eq!(refused("epoch", serde_json::json!(0)), InvalidKeyring::EpochZero);
    assert_eq!(refused("epoch", serde_json::json!(2)), InvalidKeyring::Previous { epoch: 2 });
    assert_eq!(refused("previous", digest.clone()), InvalidKeyring::Previous { epoch: 1 });
    let mut last: serde_json::Value =
        serde_json::from_slice(&with("epoch", serde_json::json!(u64::MAX))).unwrap();
    last["previous"] = digest;
    let last = Keyring::parse(&serde_json::to_vec(&last).unwrap()).unwrap();
    assert_eq!(last.next().err(), Some(InvalidKeyring::LastEpoch { epoch: u64::MAX }));
}

#[test]
fn the_largest_keyring_that_can_be_is_within_its_bound() {
    let line = signer("a", &Role::ALL, 1).valid("20260101Z".parse().ok(), "20270101Z".parse().ok());
    let key = made::key(1).public_key().with_comment(&"\"".repeat(crate::MAXIMUM_COMMENT_BYTES));
    // As JSON spells it: what needs an escape takes twice the room.
    let key = serde_json::to_string(&key.unwrap()).unwrap().len();
    let line = serde_json::to_string(&line.unwrap().to_string()).unwrap().len()
        + crate::MAXIMUM_PRINCIPAL_BYTES
        + 2 * crate::MAXIMUM_COMMENT_BYTES;
    let largest = MAXIMUM_SIGNERS * (line + 8) + MAXIMUM_REVOKED * (key + 8) + 1024;
    assert!(largest <= MAXIMUM_KEYRING_BYTES, "{largest}");
}

fn approved(keyring: &Keyring, seeds: &[u8]) -> Signatures {
    signatures(Role::Keyring, &keyring.to_bytes(), seeds)
}

#[test]
fn the_first_epoch_trusts_itself() {
    let first = made::keyring(thresholds(1, 1, 2));
    let approvals = first.verify_first(&approved(&first, &[1, 3]), at(NOW)).unwrap();
    assert_eq!(names(&approvals.own), ["alice", "bob"]);
    let error = first.verify_first(&approved(&first, &[1, 2]), at(NOW)).unwrap_err();
    assert!(matches!(error, SuccessionRefused::Own(_)));
    let second = first.next().unwrap().finish().unwrap();
    let error = second.verify_first(&approved(&second, &[1, 3]), at(NOW)).unwrap_err();
    assert_eq!(error, SuccessionRefused::Epoch { expected: 1, found: 2 });
    let operators = signatures(Role::Operator, &first.to_bytes(), &[1, 3]);
    assert!(first.verify_first(&operators, at(NOW)).is_err());
}

#[test]
fn the_next_epoch_needs_the_thresholds_of_both() {
    let old = made::keyring(thresholds(1, 1, 2));
    let draft = old.next().unwrap();
    // Bob and carol go, dave and erin come: alice alone is in both.
    let draft = [3, 4].into_iter().fold(draft, |draft, seed| {
        draft.remove(made::key(seed).public_key().fingerprint()).unwrap()
    });
    let draft = draft.allow(signer("dave", &Role::ALL, 5)).allow(signer("erin", &Role::ALL, 6));
    let next = draft.finish().unwrap();
    let verify = |seeds: &[u8]| old.verify_next(&next, &approved(&next, seeds), at(NOW));
    let approvals = verify(&[1, 3, 5]).unwrap();
    assert_eq!(names(&approvals.before), ["alice", "bob"]);
    assert_eq!(names(&approvals.own), ["alice", "dave"]);
    assert!(matches!(verify(&[1, 5, 6]), Err(SuccessionRefused::Before(_))));
    assert!(matches!(verify(&[1, 3, 4]), Err(SuccessionRefused::Own(_))));
    assert!(verify(&[3, 4, 5, 6]).is_ok());
}

#[test]
fn a_keyring_is_never_rolled_back_and_never_mixed_with_another() {
    let first = made::keyring(thresholds(1, 1, 1));
    let second = first.next().unwrap().finish().unwrap();
    let third = second.next().unwrap().finish().unwrap();
    let verify =
        |old: &Keyring, next: &Keyring| old.verify_next(next, &approved(next, &[1]), at(NOW));
    assert!(verify(&first, &second).is_ok());
    assert!(verify(&second, &third).is_ok());
    for (old, next) in [(&third, &second), (&second, &first), (&second, &second), (&first, &third)]
    {
        let expected = SuccessionRefused::Epoch { expected: old.epoch() + 1, found: next.epoch() };
        assert_eq!(verify(old, next), Err(expected));
    }
    // The same number in another history.
    let other = first.next().unwrap().thresholds(thresholds(2, 1, 1)).finish().unwrap();
    let mixed = verify(&other, &third);
    let expected =
        SuccessionRefused::Previous { expected: other.digest(), found: Some(second.digest()) };
    assert_eq!(mixed, Err(expected));
    // Signatures of one epoch are no signatures of another.
    let error = first.verify_next(&second, &approved(&other, &[1]), at(NOW)).unwrap_err();
    let SuccessionRefused::Before(error) = error else { panic!("{error}") };
    assert_eq!(reasons(&error), [&Reason::OtherContent]);
}

#[test]
fn what_is_revoked_stays_revoked() {
    let first = made::keyring(thresholds(1, 1, 1));
    let lost = made::key(2).public_key().clone();
    let second = first.next().unwrap().revoke(lost.clone()).finish().unwrap();
    assert_eq!(second.signers().len(), 3);
    assert!(second.is_revoked(&lost));
    let third = second.next().unwrap().revoke(lost.clone()).finish().unwrap();
    assert_eq!(third.revoked(), std::slice::from_ref(&lost));
    let forgets: serde_json::Value = {
        let mut document = serde_json::from_slice::<serde_json::Value>(&third.to_bytes()).unwrap();
        document["revoked"] = serde_json::json!([]);
        document
    };
    let forgets = Keyring::parse(&serde_json::to_vec(&forgets).unwrap()).unwrap();
    let error = second.verify_next(&forgets, &approved(&forgets, &[1]), at(NOW)).unwrap_err();
    assert_eq!(error, SuccessionRefused::Unrevoked { key: lost.fingerprint() });
}

#[test]
fn a_key_is_rotated_with_or_without_an_overlap() {
    let first = made::keyring(thresholds(1, 3, 1));
    let (old, new) = (made::key(3).public_key().fingerprint(), made::key(8).public_key().clone());
    let at_once = first.next().unwrap().rotate(old, new.clone(), None).unwrap().finish().unwrap();
    assert_eq!(at_once.signers().len(), 4);
    assert!(verify(&at_once, &[1, 4, 8]).is_ok());
    let error = verify(&at_once, &[1, 4, 3]).unwrap_err();
    assert_eq!(reasons(&error), [&Reason::UnknownKey]);

    let until: crate::Moment = "20261126Z".parse().unwrap();
    let draft = first.next().unwrap().rotate(old, new.clone(), Some(until)).unwrap();
    let overlapping = draft.clone().finish().unwrap();
    assert!(verify(&overlapping, &[1, 4, 8]).is_ok());
    assert!(verify(&overlapping, &[1, 4, 3]).is_ok());
    // Bob has two keys now and is still one principal.
    assert!(verify(&overlapping, &[1, 8, 3]).is_err());
    let later = signatures(Role::Operator, MESSAGE, &[1, 4, 3]);
    let later = overlapping.verify(Role::Operator, MESSAGE, &later, at("2026-11-26T00:00:01Z"));
    let expired = Reason::Expired { principal: principal("bob"), before: until };
    assert_eq!(reasons(&later.unwrap_err()), [&expired]);
    // An end is never put off.
    let twice = draft.rotate(old, made::key(9).public_key().clone(), "20270101Z".parse().ok());
    let twice = twice.unwrap().finish().unwrap();
    let line = twice.signers().iter().find(|line| line.key().fingerprint() == old).unwrap();
    assert_eq!(line.valid_before(), Some(until));
}

#[test]
fn a_change_of_a_key_that_is_not_there_is_refused() {
    let draft = made::keyring(thresholds(1, 1, 1)).next().unwrap();
    let key = made::key(9).public_key().clone();
    let unknown = Some(InvalidKeyring::UnknownKey { key: key.fingerprint() });
    assert_eq!(draft.clone().remove(key.fingerprint()).err(), unknown);
    assert_eq!(draft.rotate(key.fingerprint(), key, None).err(), unknown);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_a_keyring_panic(bytes: Vec<u8>, at: proptest::sample::Index, byte: u8) {
        let _ = Keyring::parse(&bytes);
        let mut damaged = made::keyring(thresholds(1, 1, 1)).to_bytes();
        let place = at.index(damaged.len());
        damaged[place] = byte;
        if let Ok(read) = Keyring::parse(&damaged) {
            prop_assert_eq!(read.to_bytes(), damaged);
        }
    }

    /// The rule once more, as one would explain it: the number of different people among those whose keys signed.
    #[test]
    fn the_number_of_principals_decides(
        seeds in proptest::collection::vec(1u8..7, 1..8),
        needed in 1u32..4,
    ) {
        let people = seeds.iter().filter_map(|seed| match seed {
            1 | 2 => Some("alice"),
            3 => Some("bob"),
            4 => Some("carol"),
            _ => None,
        });
        let people: std::collections::BTreeSet<&str> = people.collect();
        let verdict = verify(&made::keyring(thresholds(1, needed, 1)), &seeds);
        prop_assert_eq!(verdict.is_ok(), people.len() >= needed as usize);
        let counted = verdict.unwrap_or_else(|error| error.counted);
        prop_assert_eq!(counted.len(), people.len());
    }

    // trace: test FC-21.2 FC-23.3
    // trace: test FC-20.2.2
    #[test]
    fn no_changed_bit_of_what_is_signed_goes_unnoticed(
        message in proptest::collection::vec(any::<u8>(), 1..64),
        at: proptest::sample::Index,
        bit in 0u8..8,
    ) {
        let keyring = made::keyring(thresholds(1, 1, 1));
        let signed = signatures(Role::Publisher, &message, &[1]);
        prop_assert!(keyring.verify(Role::Publisher, &message, &signed, made::at(NOW)).is_ok());
        let mut changed = message.clone();
        let place = at.index(changed.len());
        changed[place] ^= 1 << bit;
        prop_assert!(keyring.verify(Role::Publisher, &changed, &signed, made::at(NOW)).is_err());
    }
}
