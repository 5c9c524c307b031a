use proptest::prelude::*;

use super::*;
use crate::made;

fn file(seeds: &[u8]) -> String {
    String::from_utf8(made::signatures(Role::Operator, b"message", seeds).to_bytes()).unwrap()
}

fn refused(text: &str) -> InvalidSignatures {
    Signatures::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn every_role_has_its_own_namespace() {
    for role in Role::ALL {
        assert_eq!(Role::of_namespace(role.namespace()), Some(role));
    }
    assert_eq!(Role::of_namespace("file"), None);
}

#[test]
fn signatures_that_are_read_are_written_as_they_were() {
    let text = file(&[1, 2, 1]);
    let read = Signatures::parse(text.as_bytes()).unwrap();
    assert_eq!(read.iter().count(), 3);
    assert_eq!(read.to_bytes(), text.as_bytes());
    assert_eq!(read.iter().next().unwrap().key(), made::key(1).public_key());
    assert_eq!(read.iter().next().unwrap().namespace(), "upgrade@femtoclaw.dev");
}

#[test]
fn white_space_between_and_behind_blocks_is_no_matter() {
    let spaced = format!("{}\n\r\n \t{}\n\n", file(&[1]), file(&[2]));
    let read = Signatures::parse(spaced.as_bytes()).unwrap();
    assert_eq!(read.to_bytes(), file(&[1, 2]).as_bytes());
}

#[test]
fn anything_else_is_refused_and_says_where() {
    let (one, two) = (file(&[1]), file(&[1, 2]));
    let touching = two.replacen("E-----\n-----B", "E----------B", 1);
    assert_ne!(touching, two);
    for (text, expected) in [
        (String::new(), InvalidSignatures::Empty),
        (format!("\n{one}"), InvalidSignatures::NoSignature { block: 1 }),
        (format!("x{one}"), InvalidSignatures::NoSignature { block: 1 }),
        (format!("{one}x"), InvalidSignatures::NoSignature { block: 2 }),
        (format!("{one}{two}# comment\n"), InvalidSignatures::NoSignature { block: 4 }),
        (touching, InvalidSignatures::NoSignature { block: 2 }),
        (format!("{one}{}", &one[..200]), InvalidSignatures::CutOff { block: 2 }),
        (format!("{one}é"), InvalidSignatures::NotAscii),
        (one.replace('\n', "\r\n"), InvalidSignatures::OtherSpelling { block: 1 }),
    ] {
        assert_eq!(refused(&text), expected, "{text}");
    }
}

#[test]
fn both_bounds_hold() {
    assert!(Signatures::parse(file(&[1; MAXIMUM_BLOCKS]).as_bytes()).is_ok());
    let many = file(&[1; MAXIMUM_BLOCKS]) + &file(&[1]);
    assert_eq!(refused(&many), InvalidSignatures::TooMany { limit: MAXIMUM_BLOCKS });
    let full = made::signatures(Role::Operator, b"message", &[1; MAXIMUM_BLOCKS]);
    let one_more = made::key(2).sign(Role::Operator, b"message").unwrap();
    assert!(full.with(one_more).is_err());
    let long = file(&[1]) + &" ".repeat(MAXIMUM_SIGNATURE_BYTES);
    assert!(matches!(refused(&long), InvalidSignatures::TooLarge { .. }));
}

#[test]
fn a_file_of_signatures_may_be_as_large_as_its_bound() {
    let one = file(&[1]);
    let largest = one.clone() + &" ".repeat(MAXIMUM_SIGNATURE_BYTES - one.len());
    assert_eq!(Signatures::parse(largest.as_bytes()).unwrap().to_bytes(), one.as_bytes());
    let (bytes, limit) = (MAXIMUM_SIGNATURE_BYTES + 1, MAXIMUM_SIGNATURE_BYTES);
    assert_eq!(refused(&(largest + " ")), InvalidSignatures::TooLarge { bytes, limit });
}

#[test]
fn a_signature_is_shown_by_what_it_was_made_for_and_with() {
    let signature = made::key(1).sign(Role::Keyring, b"message").unwrap();
    let key = made::key(1).public_key().fingerprint();
    assert_eq!(format!("{signature:?}"), format!("Signature(keyring@femtoclaw.dev by {key})"));
    let armored = signature.armored();
    assert!(armored.starts_with(BEGIN) && armored.ends_with(&format!("{END}\n")), "{armored}");
    assert_eq!(Signatures::from(signature.clone()).to_bytes(), armored.as_bytes());
    assert_eq!(Signatures::from(signature.clone()).iter().collect::<Vec<_>>(), [&signature]);
}

#[test]
fn a_role_is_called_what_a_keyring_calls_it() {
    assert_eq!(Role::ALL.map(Role::name), ["publisher", "operator", "keyring"]);
    for role in Role::ALL {
        assert_eq!(role.to_string(), role.name());
        assert_eq!(serde_json::to_value(role).unwrap(), role.name());
    }
}

#[test]
fn a_signature_by_another_algorithm_is_refused_by_name() {
    let text = file(&[1]);
    // The name of the algorithm of the key, in base64: `ssh-ed25519` becomes `ssh-ed25510`.
    let other = text.replacen("NTE5", "NTEw", 1);
    assert_ne!(other, text);
    assert!(
        matches!(
            refused(&other),
            InvalidSignatures::Malformed { block: 1, .. } | InvalidSignatures::Key { block: 1, .. }
        ),
        "{:?}",
        refused(&other)
    );
}

proptest! {
    #[test]
    fn bytes_at_random_are_no_signatures_and_are_refused(
        bytes: Vec<u8>, text in "[-A-Za-z0-9+/=\n ]{0,200}",
    ) {
        prop_assert!(Signatures::parse(&bytes).is_err());
        let block = format!("{BEGIN}\n{text}\n{END}\n");
        prop_assert!(Signatures::parse(block.as_bytes()).is_err());
    }

    /// Whatever is changed in a file, either it is refused, or it is written as it was read.
    #[test]
    fn a_damaged_file_is_refused_or_read_as_it_is(at in 0..310usize, byte in 0u8..128) {
        let mut bytes = file(&[1]).into_bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        if let Ok(read) = Signatures::parse(&bytes) {
            let written = read.to_bytes();
            prop_assert_eq!(written.trim_ascii_end(), bytes.trim_ascii_end());
        }
    }
}
