//! A configuration is adopted as it is, or stops the adoption: defaults never take its place.

use femtoclaw_catalogue::{FemtoClaw, Role};
use upgrade::{AdoptionRefusal, Catalogue, FindingOutcome, Part};
use versioning::ConfigurationSchema;

use crate::support::{CAPABILITIES, Generation, directory, inspect};

const GOOD: &str = r#"{"brain":{"backend":"openai","api_key":"sk-NOT-A-REAL-KEY"},"logging":{"level":"info"},"storage":{"path":"/d"}}"#;

/// The findings that stop the adoption of a directory with this file.
fn refused(name: &str, bytes: &[u8]) -> String {
    let source = directory(&[(name, bytes), ("c.json", CAPABILITIES.as_bytes())]);
    match inspect(source.path()) {
        Err(AdoptionRefusal::Dangerous { findings, .. }) => {
            assert!(findings.iter().all(|finding| finding.outcome == FindingOutcome::Refused));
            findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_configuration_that_cannot_be_read_stops_the_adoption_with_line_and_cause() {
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let torn = &GOOD.as_bytes()[..40];
    let cases: [(&[u8], &str); 12] = [
        (&[b"\xef\xbb\xbf", GOOD.as_bytes()].concat(), ":1: a byte order mark"),
        (torn, ":1: torn: it ends before it is complete"),
        (b"", ": it holds nothing"),
        (b" \n", ": it holds nothing"),
        (
            &GOOD.as_bytes().iter().map(|b| if *b == b'o' { 0xff } else { *b }).collect::<Vec<_>>(),
            ":1: it is not UTF-8",
        ),
        (&utf16, ":1: it is not valid JSON"),
        (&[b"{\n// mine\n", &GOOD.as_bytes()[1..]].concat(), ":2: a comment"),
        (&[b"// mine\n", GOOD.as_bytes()].concat(), ":1: a comment"),
        (b"{\"brain\":{},\n\"brain\":{}}", ":2: the key brain is given more than once"),
        (b"[]", ":1: it is not an object"),
        (b"[{\"brain\":{}}]", ":1: it is not an object"),
        (&[GOOD.as_bytes(), b"\0\0"].concat(), ":1: it is not valid JSON"),
    ];
    for (bytes, expected) in cases {
        for name in ["config.json", "x/y/config.json", "config.toml", "config/femtoclaw.json"] {
            let found = refused(name, bytes);
            let (place, cause) = expected.split_once(": ").unwrap();
            let expected = format!("{name}{place}: a configuration cannot be read: {cause}");
            assert!(found.starts_with(&expected), "{expected}\n{found}");
            assert!(found.contains("mend it, or remove it"), "{found}");
            assert!(!found.contains("sk-NOT"), "{found}");
        }
    }
}

#[test]
fn a_configuration_is_told_by_its_beginning_under_any_name() {
    let marked = [b"\xef\xbb\xbf", GOOD.as_bytes()].concat();
    for bytes in [
        marked.as_slice(),
        &GOOD.as_bytes()[..40],
        b"{\"logging\": {\"level\"",
        b"// mine\n{\n\"storage\": {}}",
        b"{\"brain\":{},\"brain\":{}}",
        b"{\"brain\":{\"backend\":\"a\",\"backend\":\"b\"}}",
        b"{\"brain\":{}} x",
        b"{\"brain\":{\"backend\":\"\xff\"}}",
    ] {
        for name in ["settings", "data/history.json"] {
            let found = refused(name, bytes);
            assert!(found.contains("a configuration cannot be read"), "{found}");
        }
    }
    // What is read and says nothing that a configuration says cannot be one, whatever its name.
    let found = refused("config.json", b"{\"theme\":\"dark\"}");
    assert!(found.contains("it has none of brain, logging and storage"), "{found}");
}

#[test]
fn what_an_upgrade_will_refuse_is_said_at_the_adoption() {
    for (text, expected) in [
        ("{\"brain\": {},\n\"logging\": 5}", "2: logging is a number"),
        ("{\"brain\":7}", "1: brain is a number"),
        ("{\"logging\":[1]}", "1: logging is an array"),
        ("{\"brain\":{\n\"backend\": 7}}", "2: brain.backend is 7"),
        ("{\"brain\":{},\"logging\":{\n\n\"level\":\"trce\"}}", "3: logging.level is \"trce\""),
        ("{\"brain\":{},\"storage\":{\"path\":\"data\"}}", "1: storage.path is \"data\""),
        ("{\"storage\":{\"path\":5}}", "1: storage.path is 5"),
        ("{\"brain\":{\"api_key\":4711}}", "1: brain.api_key is a number that is not shown"),
    ] {
        let name = "config/config.json";
        let source = directory(&[(name, text.as_bytes()), ("c.json", CAPABILITIES.as_bytes())]);
        let generation = Generation::adopt(source.path());
        let findings = generation.findings();
        assert!(findings.starts_with(&format!("{name}:{expected}")), "{expected}\n{findings}");
        assert!(findings.contains("an upgrade will refuse this: mend it in the source"));
        assert!(!findings.contains("4711"), "{findings}");
        assert_eq!(generation.adoption.findings[0].outcome, FindingOutcome::Kept);
        assert_eq!(generation.inventory.files[1].role, Role::Configuration);
        let files = generation.part(Part::Configuration);
        let [from, to] = [1, 2].map(ConfigurationSchema::new);
        let reasons = FemtoClaw.migrate_configuration(from, to, &files).unwrap_err();
        assert!(reasons[0].starts_with(&format!("{name}:{expected}")), "{reasons:?}");
        assert!(!reasons.concat().contains("4711"));
    }
}

#[test]
fn a_home_without_a_configuration_gets_the_defaults_and_is_told_so() {
    let source = directory(&[("c.json", CAPABILITIES.as_bytes())]);
    let generation = Generation::adopt(source.path());
    assert_eq!(generation.findings(), "");
    let files = generation.part(Part::Configuration);
    let [from, to] = [1, 2].map(ConfigurationSchema::new);
    let migrated = FemtoClaw.migrate_configuration(from, to, &files).unwrap();
    assert!(migrated.changes[0].contains("the defaults of 1.0.3 are written"));
}
