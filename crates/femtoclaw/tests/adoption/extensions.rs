//! Extensions, in either layout, and what is wrong with them.

use upgrade::Part;

use crate::support::{CAPABILITIES, Generation, directory};

fn adopt(files: &[(&str, &str)]) -> Generation {
    let mut files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    files.push(("c.json", CAPABILITIES.as_bytes()));
    let source = directory(&files);
    Generation::adopt(source.path())
}

#[test]
fn an_extension_that_cannot_be_used_is_set_aside_whole_with_file_and_line() {
    let cases = [
        (
            "name: a\nversion: banana",
            "t/a/TALON.md:3: the version \"banana\" is not a semantic version",
        ),
        ("name: a\nversion: 1.0", "t/a/TALON.md:3: the version \"1.0\" is not a semantic version"),
        ("name: a\nversion: 1.0.0\ntags: [x", "t/a/TALON.md:"),
        ("version: 1.0.0", "t/a/TALON.md:2: the front matter has no text under `name`"),
        (
            "name: a\nx: &x [1]\ny: *x\nversion: 1.0.0",
            "t/a/TALON.md:4: the front matter does not parse: aliases",
        ),
    ];
    for (matter, finding) in cases {
        let manifest = format!("---\n{matter}\n---\n# A\n");
        let generation = adopt(&[("t/a/TALON.md", &manifest), ("t/a/scripts/run.sh", "x")]);
        let findings = generation.findings();
        assert!(findings.contains(finding), "{finding}\n{findings}");
        assert!(findings.contains("the extension is set aside whole"), "{findings}");
        assert!(generation.part(Part::Extensions).is_empty());
        let aside = generation.part(Part::SetAside);
        assert_eq!(aside["t/a/TALON.md"], manifest.as_bytes());
        assert_eq!(aside["t/a/scripts/run.sh"], b"x");
    }
}

#[test]
fn both_layouts_are_understood() {
    let manifest = "---\nname: a\nversion: 1.0.0\n---\n";
    for (home, name) in [("talons", "TALON.md"), ("skills", "SKILL.md")] {
        let path = format!("{home}/a/{name}");
        let index =
            format!(r#"{{"{home}":{{"a":{{"name":"a","path":"/elsewhere/a"}}}},"version":"1.0"}}"#);
        let place = format!("{home}/index.json");
        let generation = adopt(&[(&path, manifest), (&place, &index)]);
        assert_eq!(generation.findings(), "");
        assert_eq!(generation.part(Part::Extensions).len(), 2);
    }
}

#[test]
fn an_index_that_disagrees_with_the_directories_is_noted() {
    let manifest = "---\nname: a\nversion: 1.0.0\n---\n";
    let index = r#"{"talons":{"b":{"name":"b"},"c":{"name":"d","path":"/x/../y"}}}"#;
    let generation = adopt(&[("t/a/TALON.md", manifest), ("t/index.json", index)]);
    let findings = generation.findings();
    for expected in [
        "t/index.json: the entry \"b\" has no directory",
        "t/index.json: the extension in \"t/a\" has no entry",
        "t/index.json:1: the entry \"c\" says that its name is \"d\"",
        "t/index.json:1: the entry \"c\" points elsewhere: \"/x/../y\"",
    ] {
        assert!(findings.contains(expected), "{expected}\n{findings}");
    }
}

#[test]
fn an_index_that_says_something_twice_is_set_aside_with_the_line() {
    for (index, expected) in [
        (
            "{\n\"talons\": {},\n\"skills\": {}}",
            "t/index.json:3: not an index of extensions: it has both `talons` and `skills`",
        ),
        (
            "{\n\"talons\": {},\n\"talons\": {}}",
            "t/index.json:3: the key \"talons\" is there more than once",
        ),
        (
            "{\"talons\": {},\n\"version\":\"1.0\",\"version\":\"1.0\"}",
            "t/index.json:2: the key \"version\" is there more than once",
        ),
        (
            "{\"talons\": {\n\"a\": {},\n\"a\": {}}}",
            "t/index.json:3: not an index of extensions: the entry \"a\" is there more than once",
        ),
        (
            "{\"talons\": {\n\"a\": {\"name\":\"a\",\"name\":\"b\"}}}",
            "t/index.json:2: not an index of extensions: the entry \"a\": the field `name`",
        ),
    ] {
        let generation = adopt(&[("t/index.json", index)]);
        let findings = generation.findings();
        assert!(findings.starts_with(expected), "{expected}\n{findings}");
        assert!(findings.ends_with("set aside whole"), "{findings}");
        assert_eq!(generation.part(Part::SetAside)["t/index.json"], index.as_bytes());
    }
}

#[test]
fn everything_below_an_extension_belongs_to_it_whatever_its_shape() {
    let manifest = "---\nname: a\nversion: 1.0.0\n---\n";
    let turn = r#"[{"timestamp":"t","input":"i","output":"o"}]"#;
    let generation = adopt(&[("t/a/TALON.md", manifest), ("t/a/data/history.json", turn)]);
    assert_eq!(generation.part(Part::Extensions).len(), 2);
    assert!(generation.records()["history"].is_empty());
}

#[test]
fn an_extension_with_two_manifests_needs_both_to_be_good() {
    let good = "---\nname: a\nversion: 1.0.0\n---\n";
    let bad = good.replace("1.0.0", "banana");
    for (talon, skill) in [(good, bad.as_str()), (&bad, good)] {
        let generation = adopt(&[("t/a/TALON.md", talon), ("t/a/SKILL.md", skill)]);
        assert_eq!(generation.part(Part::SetAside).len(), 2, "{}", generation.findings());
    }
}
