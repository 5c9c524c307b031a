//! Every line that is printed with `--json` is what `docs/schemas/cli` says of its type.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use crate::json_schema::Schema;
use crate::support::{Scene, json_lines};

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/cli"))
}

/// Every schema, by the type that it is of.
struct Schemas {
    validators: BTreeMap<String, Schema>,
    /// The types of which a line was held to its schema.
    seen: BTreeSet<String>,
    /// All that is wrong, with the line that it is wrong of.
    wrong: Vec<String>,
}

impl Schemas {
    fn read() -> Self {
        let entries = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let kind = name.strip_suffix(".schema.json").unwrap().to_owned();
            let schema: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(schema["properties"]["type"]["const"], kind, "{name}");
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
            assert_eq!(schema["additionalProperties"], false, "{name}");
            (kind, Schema::of(schema).unwrap_or_else(|error| panic!("{name}: {error}")))
        };
        Self { validators: entries.map(read).collect(), seen: BTreeSet::new(), wrong: Vec::new() }
    }

    /// What speaks against a line; nothing if it is what the schema of its type says.
    fn faults(&self, line: &Value) -> Vec<String> {
        let kind = line["type"].as_str().unwrap_or_default();
        match self.validators.get(kind) {
            None => vec![format!("there is no schema of the type {kind:?}")],
            Some(schema) => schema.faults(line),
        }
    }

    fn hold(&mut self, what: &[&str], lines: &[Value]) {
        assert!(lines.len() >= 2, "{what:?}: a version and a result");
        for line in lines {
            let faults = self.faults(line);
            if !faults.is_empty() {
                self.wrong.push(format!("{what:?}: {faults:#?}\n{line}"));
            }
            self.seen.insert(line["type"].as_str().unwrap().to_owned());
        }
    }

    /// Runs a command that ends with this exit code, and holds every line to its schema.
    fn run(&mut self, scene: &Scene, arguments: &[&str], code: i32) -> Value {
        let output = scene.run(&[arguments, &["--json", "--yes"]].concat());
        self.output(arguments, &output, code)
    }

    fn output(&mut self, arguments: &[&str], output: &Output, code: i32) -> Value {
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        let lines = json_lines(output);
        self.hold(arguments, &lines);
        lines.last().unwrap().clone()
    }
}

#[test]
fn a_line_of_another_shape_or_of_a_type_that_has_no_schema_is_noticed() {
    let schemas = Schemas::read();
    let good = json!({"type": "version", "version": "0.1.0", "format": 1});
    assert_eq!(schemas.faults(&good), Vec::<String>::new());
    for wrong in [
        json!({"type": "versions", "version": "0.1.0", "format": 1}),
        json!({"type": "version", "version": "0.1.0", "format": 2}),
        json!({"type": "version", "version": "0.1.0"}),
        json!({"type": "version", "version": "0.1.0", "format": 1, "more": true}),
    ] {
        assert!(!schemas.faults(&wrong).is_empty(), "{wrong}");
    }
    let digest = format!("blake3:{}", "0".repeat(64));
    let record = |event: Value| {
        json!({"type": "record", "seq": 0, "time": "2026-11-26T00:00:00Z", "attempt": 0,
        "event": event, "previous": digest, "hash": digest})
    };
    assert!(schemas.faults(&record(json!({"type": "CONFIRMED", "generation": 1}))).is_empty());
    for event in [
        json!({"type": "CONFIRMED", "generation": 0}),
        json!({"type": "CONFIRMED"}),
        json!({"type": "CONFIRMED", "generation": 1, "left": 2}),
        json!({"type": "EXPLODED", "generation": 1}),
    ] {
        assert!(!schemas.faults(&record(event.clone())).is_empty(), "{event}");
    }
}

/// A home without keys, from its adoption to a rollback, and what goes wrong with it.
fn unsigned(schemas: &mut Schemas) {
    let scene = Scene::new();
    let source = scene.source().display().to_string();
    schemas.run(&scene, &["adopt", "--from", &source, "--dry-run"], 0);
    schemas.run(&scene, &["status"], 1);
    schemas.run(&scene, &["adopt", "--from", &source], 0);
    schemas.run(&scene, &["keyring", "show"], 0);
    schemas.run(&scene, &["rollback", "--development"], 1);
    schemas.run(&scene, &["plan", "--check"], 2);
    schemas.run(&scene, &["plan", "--target-version", "1.0.0"], 3);
    schemas.run(&scene, &["plan", "--target-version", "2.1"], 64);
    schemas.run(&scene, &["capability", "diff"], 0);
    schemas.run(&scene, &["recover", "--dry-run"], 0);
    schemas.run(&scene, &["apply"], 5);
    schemas.run(&scene, &["apply", "--development"], 0);
    schemas.run(&scene, &["confirm", "--dry-run"], 0);
    schemas.run(&scene, &["confirm"], 0);
    schemas.run(&scene, &["confirm"], 0);
    schemas.run(&scene, &["apply", "--development"], 0);
    schemas.run(&scene, &["gc", "--development"], 0);
    schemas.run(&scene, &["plan"], 0);
    let call = ["capability", "check", "--principal", "alice", "--resource"];
    schemas.run(&scene, &[&call[..], &["no.such.thing"]].concat(), 5);
    schemas.run(
        &scene,
        &[&call[..], &["web.get", "--args", r#"{"url": "https://example.com"}"#]].concat(),
        0,
    );
    schemas.run(&scene, &["rollback", "--dry-run"], 0);
    schemas.run(&scene, &["rollback", "--development"], 0);
    for depth in [&[] as &[&str], &["--quick"], &["--files"]] {
        schemas.run(&scene, &[&["verify"], depth].concat(), 0);
    }
    let journal = scene.path().join("journal.jsonl").display().to_string();
    for arguments in [
        &["status"] as &[&str],
        &["history"],
        &["audit", "show"],
        &["audit", "verify"],
        &["audit", "head"],
        &["audit", "export", "--output", &journal],
        &["export", "--output", &format!("{journal}.records")],
        &["gc", "--dry-run"],
        &["recover"],
        &["completions", "fish"],
        &["man"],
    ] {
        schemas.run(&scene, arguments, 0);
    }
    schemas.run(&scene, &["rollback", "--reason"], 64);
    damaged(schemas, &scene);
}

/// Files that are not what was sealed, a journal that is damaged, and one that is begun anew.
fn damaged(schemas: &mut Schemas, scene: &Scene) {
    let sealed = scene.home().join("generations/1/config");
    let (file, bytes) = crate::support::files(&sealed).pop().unwrap();
    fs::write(&file, "{}").unwrap();
    schemas.run(scene, &["verify"], 6);
    fs::write(&file, bytes).unwrap();
    let journal = scene.home().join("journal/records.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let middle = text.lines().nth(3).unwrap();
    fs::write(&journal, text.replacen(middle, &middle.replace('a', "b"), 1)).unwrap();
    schemas.run(scene, &["audit", "show"], 8);
    schemas.run(scene, &["status"], 8);
    schemas.run(scene, &["recover", "--generation", "1", "--dry-run"], 0);
    schemas.run(scene, &["recover", "--generation", "1", "--development"], 0);
    schemas.run(scene, &["history"], 0);
}

/// A home with keys.
fn signed(schemas: &mut Schemas) {
    let scene = Scene::secured();
    let package = scene.publish("2.0.0", "1", "acme");
    let (alice, bob) = (scene.named("alice"), scene.named("bob"));
    let directory = scene.named("release-2.0.0");
    let again = scene.named("again.tar");
    let new =
        ["release", "new", "--from", &directory, "--target-version", "2.0.0", "--output", &again];
    schemas.run(&scene, &new, 0);
    schemas.run(&scene, &["release", "verify", &again], 1);
    schemas.run(&scene, &["release", "sign", &again, "--sign-with", &scene.named("acme")], 0);
    schemas.run(&scene, &["release", "inspect", &package], 0);
    schemas.run(&scene, &["release", "verify", &package], 0);
    let file = scene.named("upgrade.json");
    let terms = ["--output", &file, "--sign-with", &alice, "--sign-with", &bob];
    let upgrade = [&["authorize", "upgrade", "--release", &package], &terms[..]].concat();
    schemas.run(&scene, &upgrade, 0);
    schemas.run(&scene, &["authorize", "rollback", "--output", &scene.named("never.json")], 1);
    schemas.run(&scene, &["apply", "--development", "--release", &package], 5);
    schemas.run(&scene, &["plan", "--release", &package], 0);
    schemas.run(&scene, &["apply", "--release", &package, "--authorization", &file], 0);
    schemas.run(&scene, &["keyring", "show"], 0);
    let carol = scene.signer("carol", "operator");
    let draft = scene.named("draft.json");
    schemas.run(&scene, &["keyring", "add", "--signer", &carol, "--draft", &draft], 0);
    schemas.run(&scene, &["keyring", "add", "--signer", &carol, "--sign-with", &alice], 0);
    let key = scene.fingerprint("carol");
    schemas.run(&scene, &["keyring", "revoke", "--key", &key, "--sign-with", &alice], 0);
    schemas.run(&scene, &["keyring", "show"], 0);
    schemas.run(&scene, &["confirm"], 0);
    let second = scene.publish("2.1.0", "1", "acme");
    schemas.hold(
        &["apply"],
        &[
            json!({"type": "version", "version": "0", "format": 1}),
            scene.upgrade_signed(&second, "second"),
        ],
    );
    schemas.run(&scene, &["confirm"], 0);
    let collected = scene.authorized(&["gc"], "gc", &["gc"]);
    schemas.hold(&["gc"], &[json!({"type": "version", "version": "0", "format": 1}), collected]);
    schemas.run(&scene, &["status"], 0);
    schemas.run(&scene, &["history"], 0);
}

#[test]
fn everything_that_is_printed_for_programs_is_what_its_schema_says_and_every_schema_is_used() {
    let mut schemas = Schemas::read();
    unsigned(&mut schemas);
    signed(&mut schemas);
    assert!(schemas.wrong.is_empty(), "{}", schemas.wrong.join("\n"));
    let here = |kind: &&String| !OF_LAUNCH.contains(&kind.as_str());
    let unused: Vec<&String> = schemas
        .validators
        .keys()
        .filter(here)
        .filter(|kind| !schemas.seen.contains(*kind))
        .collect();
    assert!(unused.is_empty(), "nothing is printed of {unused:?}");
}

/// What only a launcher prints: the tests of launching hold every line of it to its schema.
const OF_LAUNCH: [&str; 9] = [
    "executing",
    "healthy",
    "launched",
    "not-confirmed",
    "restart-needed",
    "restarting",
    "reverted",
    "stopped",
    "stopping",
];

/// Every line is what its schema says.
pub(crate) fn hold(lines: &[Value]) {
    let schemas = Schemas::read();
    for line in lines {
        assert_eq!(schemas.faults(line), Vec::<String>::new(), "{line}");
    }
}

/// Every text behind `type` in the sources, where it is a type of a line.
fn printed() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, bytes) in crate::support::files(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref())
    {
        let text = String::from_utf8(bytes).unwrap();
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for call in
            [".result(\"", ".result( \"", ".done(\"", ".done( \"", "\"type\": \"", "self.event(\""]
        {
            let calls = text.split(call).skip(1);
            found.extend(calls.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
        assert!(path.extension().is_some_and(|extension| extension == "rs"), "{}", path.display());
    }
    found
}

#[test]
fn no_type_is_printed_that_has_no_schema_and_every_type_is_in_the_documents() {
    let (schemas, printed) = (Schemas::read(), printed());
    assert!(printed.len() > 30, "{printed:?}");
    let missing: Vec<&String> =
        printed.iter().filter(|kind| !schemas.validators.contains_key(*kind)).collect();
    assert!(missing.is_empty(), "no schema of {missing:?}");
    let page = fs::read_to_string(directory().join("../../json.md")).unwrap();
    for kind in schemas.validators.keys() {
        let row = format!("| [`{kind}`](schemas/cli/{kind}.schema.json) | ");
        assert!(page.contains(&row), "{kind} is not in docs/json.md");
    }
}
