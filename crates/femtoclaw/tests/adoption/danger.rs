//! What would be dangerous is refused, and what is ambiguous is refused with its reasons.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use femtoclaw_catalogue::FemtoClaw;
use upgrade::{AdoptionRefusal, Catalogue};
use versioning::RuntimeVersion;

use crate::support::{CAPABILITIES, directory, inspect};

fn dangerous(files: &[(&str, &[u8])]) -> String {
    let source = directory(files);
    match inspect(source.path()) {
        Err(AdoptionRefusal::Dangerous { findings, .. }) => {
            findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_link_is_refused_by_name() {
    let source = directory(&[("c.json", CAPABILITIES.as_bytes()), ("d/x", b"")]);
    symlink("/etc/passwd", source.path().join("history.json")).unwrap();
    symlink("..", source.path().join("d/up")).unwrap();
    let refusal = FemtoClaw.inspect(source.path(), None).unwrap_err();
    let AdoptionRefusal::Dangerous { findings, .. } = refusal else { panic!("{refusal}") };
    let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let expected = ["d/up", "history.json"]
        .map(|name| format!("{name}: a link: neither a plain file nor a directory"));
    assert_eq!(found, expected);
}

#[test]
fn names_that_are_no_text_are_refused() {
    for name in [b"a\xffb".as_slice(), b"a\nb", b"a\x1bb"] {
        let source = directory(&[("c.json", CAPABILITIES.as_bytes())]);
        std::fs::write(source.path().join(std::ffi::OsStr::from_bytes(name)), b"").unwrap();
        let refusal = FemtoClaw.inspect(source.path(), None).unwrap_err();
        assert!(matches!(refusal, AdoptionRefusal::Dangerous { .. }), "{refusal}");
    }
}

#[test]
fn policies_and_capabilities_that_cannot_be_read_to_their_end_are_refused() {
    let policy =
        r#"[{"name":"p","rules":[{"effect":"Deny","principal":"*","resource":"*","action":"x"}]}"#;
    for text in
        ["", "[", policy, &policy.replace("Deny", "Maybe"), "rubbish", &format!("{policy}] x")]
    {
        let found = dangerous(&[("policies.json", text.as_bytes())]);
        assert!(found.contains("more might be allowed than before"), "{text}: {found}");
    }
    let found = dangerous(&[("any-name.txt", &policy.as_bytes()[..60])]);
    assert!(found.contains("any-name.txt:1: policies cannot be read: torn"), "{found}");
    let found = dangerous(&[("c.json", CAPABILITIES.replace("true", "1").as_bytes())]);
    assert!(
        found.contains("c.json:1: capabilities cannot be read: the field `enabled`"),
        "{found}"
    );
}

#[test]
fn policies_and_capabilities_that_contradict_each_other_are_refused_while_they_can_be_mended() {
    let policy = r#"[{"name":"p","version":"1.0","rules":[{"effect":"Deny","principal":"*","resource":"*","action":"x","conditions":[]}]}]"#;
    let capabilities = ("c.json", CAPABILITIES.as_bytes());
    let found =
        dangerous(&[("a.json", policy.as_bytes()), ("b.json", policy.as_bytes()), capabilities]);
    assert_eq!(found, "b.json: the policy \"p\" is in a.json, too");
    // Each file is right by itself; which of the two a runtime reads last, nothing says.
    let found =
        dangerous(&[("c.json", CAPABILITIES.as_bytes()), ("d.json", CAPABILITIES.as_bytes())]);
    assert!(found.starts_with("policies and capabilities: "), "{found}");
}

#[test]
fn an_extension_that_leads_elsewhere_is_refused() {
    let manifest = b"---\nname: ../x\nversion: 1.0.0\n---\n";
    let found = dangerous(&[("t/a/TALON.md", manifest)]);
    assert_eq!(found, "t/a/TALON.md:2: the name \"../x\" is not a single plain path component");
    for layout in ["talons", "skills"] {
        let index = format!("{{\n\"{layout}\": {{\n\"../x\": {{\"name\": \"../x\"}}}}}}");
        let found = dangerous(&[("t/index.json", index.as_bytes())]);
        assert_eq!(found, "t/index.json:3: the name \"../x\" is not a single plain path component");
    }
}

#[test]
fn policies_behind_a_byte_order_mark_are_refused_under_whatever_name() {
    let policy = "\u{feff}[{\"name\":\"p\",\"rules\":[{\"effect\":\"Deny\"}]}]";
    let found = dangerous(&[("any-name.txt", policy.as_bytes())]);
    assert!(found.contains("any-name.txt:1: policies cannot be read: a byte order"), "{found}");
}

#[test]
fn a_version_that_cannot_be_stated_is_refused_with_those_that_can() {
    let source = directory(&[("a.txt", b"x")]);
    for version in [RuntimeVersion::new(1, 0, 1), RuntimeVersion::new(2, 0, 0)] {
        let refusal = FemtoClaw.inspect(source.path(), Some(&version)).unwrap_err();
        let AdoptionRefusal::Ambiguous { reasons, .. } = refusal else { panic!("{refusal}") };
        let expected = format!(
            "{version} was stated, which is no release that can be adopted; those that can be stated are 1.0.0 and 1.0.3"
        );
        assert_eq!(reasons, [expected]);
    }
}

fn ambiguous(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let source = directory(&files);
    let Err(AdoptionRefusal::Ambiguous { reasons, .. }) = inspect(source.path()) else {
        panic!("not ambiguous")
    };
    let stated = RuntimeVersion::new(1, 0, 3);
    let adoption = FemtoClaw.inspect(source.path(), Some(&stated)).unwrap();
    assert_eq!(adoption.versions.runtime, stated);
    assert_eq!(adoption.evidence[0], "the operator states that it is 1.0.3");
    assert!(FemtoClaw.inspect(source.path(), Some(&RuntimeVersion::new(1, 0, 1))).is_err());
    reasons
}

#[test]
fn a_version_that_cannot_be_told_is_refused_with_the_reasons() {
    let turn = r#"[{"timestamp":"t","input":"i","output":"o"}]"#;
    let reasons = ambiguous(&[("h.json", turn)]);
    assert_eq!(reasons[0], "nothing in it decides between 1.0.0 and 1.0.3");
    assert!(reasons[1].contains("--source-version"));
    let old = "[\n{\"role\":\"User\",\"content\":\"c\"}]";
    let reasons = ambiguous(&[("c.json", CAPABILITIES), ("m.json", old)]);
    assert_eq!(reasons[0], "m.json:2 has the role User, as 1.0.0 does");
    assert_eq!(reasons[1], "c.json:1 has the capability \"fs\" with `enabled`, as 1.0.3 does");
}

#[test]
fn what_is_no_installation_is_refused() {
    for files in [vec![], vec![("a.txt", b"x".as_slice())], vec![("TALON.md", b"---\n---\n")]] {
        let source = directory(&files);
        assert!(matches!(inspect(source.path()), Err(AdoptionRefusal::Unrecognized { .. })));
    }
    let source = directory(&[]);
    let missing = FemtoClaw.inspect(&source.path().join("missing"), None);
    assert!(matches!(missing, Err(AdoptionRefusal::Unreadable { .. })));
}
