use proptest::prelude::*;

use super::*;
use crate::made;

/// From the documentation of `ssh-key`, with the fingerprint that `ssh-keygen -l` prints.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";
const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

#[test]
fn a_public_key_keeps_its_spelling_and_has_its_known_fingerprint() {
    let key: PublicKey = KEY.parse().unwrap();
    assert_eq!(key.to_string(), KEY);
    assert_eq!(key.comment(), "user@example.com");
    assert_eq!(key.fingerprint().to_string(), FINGERPRINT);
    assert_eq!(FINGERPRINT.parse(), Ok(key.fingerprint()));
}

#[test]
fn the_comment_is_no_part_of_the_key() {
    let key: PublicKey = KEY.parse().unwrap();
    let other = key.with_comment("somebody else").unwrap();
    assert_eq!(key, other);
    assert_eq!(key.cmp(&other), Ordering::Equal);
    assert_eq!(key.fingerprint(), other.fingerprint());
    assert_eq!(key.with_comment(&"x".repeat(129)).err(), Some(InvalidKey::Comment));
    assert_eq!(key.with_comment("a\nb").err(), Some(InvalidKey::Comment));
}

#[test]
fn other_spellings_are_no_keys() {
    let encoded = KEY.split(' ').nth(1).unwrap();
    for text in [
        String::new(),
        encoded.to_owned(),
        format!("ssh-ed25519  {encoded}"),
        format!("ssh-ed25519\t{encoded}"),
        format!(" ssh-ed25519 {encoded}"),
        format!("ssh-ed25519 {encoded}\n"),
        format!("ssh-ed25519 {encoded}\tcomment"),
        format!("SSH-ED25519 {encoded}"),
        format!("ssh-ed25519 {encoded}="),
        format!("ssh-ed25519 {}", &encoded[..encoded.len() - 1]),
        format!("namespaces=\"file\" ssh-ed25519 {encoded}"),
    ] {
        assert!(matches!(text.parse::<PublicKey>(), Err(InvalidKey::Malformed { .. })), "{text:?}");
    }
}

#[test]
fn other_algorithms_are_named() {
    for algorithm in ["ssh-rsa", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com", "ssh-dss"] {
        let error = format!("{algorithm} AAAA").parse::<PublicKey>().unwrap_err();
        assert_eq!(error, InvalidKey::OtherAlgorithm { found: algorithm.to_owned() });
    }
}

/// Whoever puts such a key on a line under his name lets everybody sign under it.
#[test]
fn weak_keys_and_what_is_no_point_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::new(identity, "").err(), Some(InvalidKey::Weak));
    assert_eq!(PublicKey::new([0; 32], "").err(), Some(InvalidKey::Weak));
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert!(matches!(PublicKey::new(no_point, ""), Err(InvalidKey::Malformed { .. })));
}

#[test]
fn a_fingerprint_has_one_spelling() {
    let sha512 = format!("SHA512:{}", "A".repeat(86));
    for text in ["", "SHA256:", &FINGERPRINT[7..], &format!("{FINGERPRINT}="), &sha512] {
        assert!(text.parse::<Fingerprint>().is_err(), "{text} was accepted");
    }
}

#[test]
fn keys_and_fingerprints_are_written_in_json_as_their_texts() {
    let key: PublicKey = KEY.parse().unwrap();
    let json = serde_json::to_string(&(&key, key.fingerprint())).unwrap();
    assert_eq!(json, format!("[\"{KEY}\",\"{FINGERPRINT}\"]"));
    let (read, fingerprint): (PublicKey, Fingerprint) = serde_json::from_str(&json).unwrap();
    assert_eq!((read.to_string().as_str(), fingerprint), (KEY, key.fingerprint()));
    assert!(serde_json::from_str::<PublicKey>("\"ssh-ed25519\"").is_err());
    assert!(serde_json::from_str::<Fingerprint>("\"SHA256:\"").is_err());
    assert_eq!(format!("{key:?} {:?}", key.fingerprint()), format!("{KEY} {FINGERPRINT}"));
}

#[test]
fn keys_are_told_apart_and_ordered_by_their_bytes_alone() {
    let keys = [1, 2, 3].map(|seed| made::key(seed).public_key().with_comment("same").unwrap());
    let mut sorted = keys.to_vec();
    sorted.sort();
    let mut by_bytes = keys.to_vec();
    by_bytes.sort_by_key(|key| key.bytes);
    assert_eq!(sorted, by_bytes);
    for (at, key) in keys.iter().enumerate() {
        let equal = keys.iter().map(|other| key == other).collect::<Vec<_>>();
        assert_eq!(equal.iter().position(|equal| *equal), Some(at));
        assert_eq!(equal.iter().filter(|equal| **equal).count(), 1);
        assert_eq!(key.partial_cmp(&keys[0]), Some(key.cmp(&keys[0])));
    }
}

#[test]
fn a_file_is_looked_at_for_a_private_key_up_to_a_bound() {
    let looked_at = |bytes: usize| SigningKey::from_openssh(&vec![b'x'; bytes]).unwrap_err();
    assert!(matches!(looked_at(65_536), InvalidKey::Malformed { .. }));
    assert_eq!(looked_at(65_537), InvalidKey::TooLarge { bytes: 65_537, limit: 65_536 });
}

#[test]
fn a_private_key_is_read_and_never_printed() {
    let key = made::key(7);
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public_key().fingerprint()));
    let large = vec![b'x'; MAXIMUM_PRIVATE_KEY_BYTES + 1];
    assert!(matches!(SigningKey::from_openssh(&large), Err(InvalidKey::TooLarge { .. })));
}

proptest! {
    #[test]
    fn bytes_at_random_are_no_key_and_are_refused(text: String, bytes: Vec<u8>) {
        prop_assert!(text.parse::<PublicKey>().is_err());
        let behind = format!("ssh-ed25519 {text}");
        prop_assert!(behind.parse::<PublicKey>().is_err());
        prop_assert!(text.parse::<Fingerprint>().is_err());
        prop_assert!(SigningKey::from_openssh(&bytes).is_err());
    }

    /// Whoever signs with a damaged key must at least not believe that it is his.
    #[test]
    fn a_damaged_private_key_is_refused_or_is_the_key_that_it_was(
        at in 0..380usize, byte: u8, cut in 0..400usize,
    ) {
        let mut file = made::key_file(1).into_bytes();
        let place = at % file.len();
        file[place] = byte;
        let damaged = SigningKey::from_openssh(&file);
        file.truncate(cut);
        for read in [damaged, SigningKey::from_openssh(&file)].into_iter().flatten() {
            let key = made::key(1).public_key().clone();
            prop_assert_eq!(read.public_key(), &key);
            let signature = read.sign(Role::Operator, b"message").unwrap();
            prop_assert!(key.verifies(Role::Operator.namespace(), b"message", &signature));
        }
    }

    #[test]
    fn a_key_that_is_read_is_written_as_it_was(bytes: [u8; 32], comment in "[a-z@.]{0,20}") {
        if let Ok(key) = PublicKey::new(bytes, &comment) {
            let read: PublicKey = key.to_string().parse().unwrap();
            prop_assert_eq!(read.to_string(), key.to_string());
            prop_assert_eq!(read, key);
        }
    }
}
