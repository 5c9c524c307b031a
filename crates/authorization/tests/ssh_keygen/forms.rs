//! Keys, fingerprints, lines and times mean the same to both; where the forms differ, this library takes fewer.

use std::fs;

use authorization::{AllowedSigner, InvalidKey, Moment, PublicKey, Role, Signatures, SigningKey};

use crate::cases::second;
use crate::tool::{Key, Question, Tool, run, sign};

const MESSAGE: &[u8] = b"message";

#[test]
fn public_keys_and_fingerprints_are_spelled_the_same() {
    let tool = Tool::new();
    for name in ["one", "two", "three", "four"] {
        let key = tool.make_key(name);
        let public = key.path.with_extension("pub");
        let text = fs::read_to_string(&public).unwrap();
        let read: PublicKey = text.trim_end().parse().unwrap();
        assert_eq!(format!("{read}\n"), text);
        assert_eq!(read.to_string(), key.ours.public_key().to_string());
        let printed = run(&["-l", "-f", public.to_str().unwrap()], b"").stdout;
        let printed = String::from_utf8(printed).unwrap();
        assert_eq!(printed.split(' ').nth(1), Some(read.fingerprint().to_string().as_str()));
    }
}

#[test]
fn private_keys_that_cannot_be_used_are_told_apart() {
    let tool = Tool::new();
    let read = |name: &str, arguments: &[&str], passphrase: &str| {
        let path = tool.make_key_file(name, arguments, passphrase);
        SigningKey::from_openssh(&fs::read(path).unwrap()).unwrap_err()
    };
    assert_eq!(read("locked", &["-t", "ed25519"], "a passphrase"), InvalidKey::Encrypted);
    assert_eq!(
        read("locked-rsa", &["-t", "rsa", "-b", "2048"], "a passphrase"),
        InvalidKey::Encrypted
    );
    for (name, arguments) in
        [("rsa", &["-t", "rsa", "-b", "2048"][..]), ("ecdsa", &["-t", "ecdsa"])]
    {
        let error = read(name, arguments, "");
        assert!(matches!(error, InvalidKey::OtherAlgorithm { .. }), "{name}: {error}");
        let public = fs::read_to_string(tool.path(&format!("{name}.pub"))).unwrap();
        let error = public.trim_end().parse::<PublicKey>().unwrap_err();
        assert!(matches!(error, InvalidKey::OtherAlgorithm { .. }), "{name}: {error}");
        let signature = sign(&tool.path(name), "upgrade@femtoclaw.dev", &[], MESSAGE);
        assert!(Signatures::parse(signature.as_bytes()).is_err(), "a signature by {name} was read");
    }
    let pem = read("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"], "");
    assert!(matches!(pem, InvalidKey::Malformed { .. }), "{pem}");
}

/// Whether `ssh-keygen` accepts a signature by the key of a line at a time.
fn theirs(tool: &Tool, key: &Key, line: &str, now: Moment) -> bool {
    tool.accepts(&Question {
        name: "line",
        namespace: "upgrade@femtoclaw.dev",
        principal: "alice",
        allowed_signers: &format!("{line}\n"),
        revoked: "",
        message: MESSAGE,
        signature: key.ours.sign(Role::Operator, MESSAGE).unwrap().armored().as_bytes(),
        now,
    })
}

/// Read by this library, written by it, and as it stood: `ssh-keygen` makes the same of all three.
#[test]
fn every_line_that_is_accepted_means_the_same_to_both() {
    let tool = Tool::new();
    let key = tool.make_key("key");
    let public = key.ours.public_key().with_comment("").unwrap();
    let upgrade = "namespaces=\"upgrade@femtoclaw.dev\"";
    let all = "namespaces=\"keyring@femtoclaw.dev,upgrade@femtoclaw.dev,release@femtoclaw.dev\"";
    let (after, before) = ("valid-after=\"20260101Z\"", "valid-before=\"202607011234Z\"");
    let mut accepted = 0;
    for (line, is_ours) in [
        (format!("alice {upgrade} {public}"), true),
        (format!("alice {upgrade} {public} a comment \"with\" # everything, in=it"), true),
        (format!("alice {all} {public}"), true),
        (format!("alice {after},{all} {public}"), true),
        (format!("alice {before},{after},{upgrade} {public}"), true),
        (format!("alice {upgrade},{before} {public}"), true),
        (format!("alice namespaces=\"release@femtoclaw.dev\" {public}"), true),
        (format!("alice {public}"), false),
        (format!("* {upgrade} {public}"), false),
        (format!("bob,alice {upgrade} {public}"), false),
        (format!("alice namespaces=\"*\" {public}"), false),
        (format!("alice {upgrade},valid-after=\"20260101\" {public}"), false),
        (format!("alice {upgrade},cert-authority {public}"), false),
        (format!("alice {upgrade},{upgrade} {public}"), false),
        (format!("alice {upgrade},{after},valid-before=\"20260101Z\" {public}"), false),
    ] {
        let ours = line.parse::<AllowedSigner>();
        assert_eq!(ours.is_ok(), is_ours, "{line}");
        let Ok(ours) = ours else { continue };
        for now in ["20251231235959Z", "20260101Z", "202607011234Z", "20260701123401Z"] {
            let now: Moment = now.parse().unwrap();
            let written = theirs(&tool, &key, &ours.to_string(), now);
            assert_eq!(theirs(&tool, &key, &line, now), written, "{line} at {now}");
            let expected = ours.roles().contains(&Role::Operator)
                && ours.valid_after().is_none_or(|after| now >= after)
                && ours.valid_before().is_none_or(|before| now <= before);
            assert_eq!(written, expected, "{line} at {now}");
            accepted += usize::from(written);
        }
    }
    assert_eq!(accepted, 4 + 4 + 4 + 3 + 2 + 3);
}

#[test]
fn every_time_that_is_accepted_is_the_same_second_to_both() {
    let tool = Tool::new();
    let key = tool.make_key("key");
    let public = key.ours.public_key().clone();
    for (text, expected) in [
        ("20260101Z", 1_767_225_600),
        ("202601010001Z", 1_767_225_660),
        ("20260101000101Z", 1_767_225_661),
        ("20240229Z", 1_709_164_800),
        ("19700102Z", 86_400),
        ("21060207062816Z", 4_294_967_296),
    ] {
        assert_eq!(text.parse::<Moment>().unwrap(), second(expected), "{text}");
        let line = |option: &str| {
            format!("alice namespaces=\"upgrade@femtoclaw.dev\",{option}=\"{text}\" {public}")
        };
        let at = |option: &str, by: i128| theirs(&tool, &key, &line(option), second(expected + by));
        assert_eq!([-1, 0, 1].map(|by| at("valid-after", by)), [false, true, true], "{text}");
        assert_eq!([-1, 0, 1].map(|by| at("valid-before", by)), [true, true, false], "{text}");
    }
}

/// The base64 of an armored block as bytes.
fn decoded(armored: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => 0,
    };
    let text: Vec<u8> =
        armored.lines().filter(|line| !line.starts_with('-')).flat_map(str::bytes).collect();
    let padding = text.iter().filter(|byte| **byte == b'=').count();
    let mut bytes = Vec::new();
    for four in text.chunks(4) {
        let bits = four.iter().fold(0, |bits, byte| (bits << 6) | digit(*byte));
        bytes.extend(&bits.to_be_bytes()[1..]);
    }
    bytes.truncate(bytes.len() - padding);
    bytes
}

/// Armored once more, with lines of another length.
fn armored(bytes: &[u8], line: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3)
            .fold(0u32, |bits, at| (bits << 8) | u32::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..=three.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * at)) as usize & 63]));
        }
        text.push_str(&"=".repeat(3 - three.len()));
    }
    let lines: Vec<&[u8]> = text.as_bytes().chunks(line).collect();
    let lines = lines.join(&b'\n');
    let text = String::from_utf8(lines).unwrap();
    format!("-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n")
}

/// A signature has one spelling here, so that nothing can be hidden in it and two files never mean the same.
#[test]
fn where_the_two_differ_this_library_takes_less() {
    let tool = Tool::new();
    let key = tool.make_key("key");
    let good = key.ours.sign(Role::Operator, MESSAGE).unwrap().armored().to_owned();
    let bytes = decoded(&good);
    assert_eq!(armored(&bytes, 70), good, "the helpers of this test are wrong");
    let mut version_zero = bytes.clone();
    version_zero[9] = 0;
    // Behind the preamble, the version, the key and the namespace.
    let reserved = 6 + 4 + (4 + 51) + (4 + 21);
    assert_eq!(bytes[reserved..reserved + 8], *b"\0\0\0\0\0\0\0\x06");
    let mut with_reserved = bytes.clone();
    with_reserved.splice(reserved..reserved + 4, *b"\0\0\0\x02hi");
    let cases = [
        ("longer lines", armored(&bytes, 76)),
        ("one line", armored(&bytes, 1000)),
        ("version 0", armored(&version_zero, 70)),
        ("something in the reserved field", armored(&with_reserved, 70)),
        ("text behind it", format!("{good}and so on\n")),
        ("white space in it", good.replacen("U1NI", "U1 NI", 1)),
    ];
    let public = key.ours.public_key();
    for (name, signature) in &cases {
        let theirs = tool.accepts(&Question {
            name: "spelling",
            namespace: "upgrade@femtoclaw.dev",
            principal: "alice",
            allowed_signers: &format!("alice namespaces=\"upgrade@femtoclaw.dev\" {public}\n"),
            revoked: "",
            message: MESSAGE,
            signature: signature.as_bytes(),
            now: second(1_767_225_600),
        });
        assert!(theirs, "ssh-keygen refuses {name} too: it belongs into the table of cases");
        assert!(Signatures::parse(signature.as_bytes()).is_err(), "{name} was accepted");
    }
}

/// Both hashes of SSHSIG are accepted: people may have set the other one.
#[test]
fn a_signature_over_the_other_hash_is_accepted() {
    let tool = Tool::new();
    let key = tool.make_key("key");
    let made = sign(&key.path, "upgrade@femtoclaw.dev", &["-Ohashalg=sha256"], MESSAGE);
    assert_ne!(made, key.ours.sign(Role::Operator, MESSAGE).unwrap().armored());
    let line: AllowedSigner = format!(
        "alice namespaces=\"upgrade@femtoclaw.dev,release@femtoclaw.dev,keyring@femtoclaw.dev\" {}",
        key.ours.public_key()
    )
    .parse()
    .unwrap();
    let thresholds = authorization::Thresholds::all(std::num::NonZeroU32::MIN);
    let keyring = authorization::Keyring::first(thresholds, vec![line]).unwrap();
    let signatures = Signatures::parse(made.as_bytes()).unwrap();
    let now = second(1_767_225_600).timestamp();
    assert!(keyring.verify(Role::Operator, MESSAGE, &signatures, now).is_ok());
    assert!(keyring.verify(Role::Operator, b"other", &signatures, now).is_err());
}
