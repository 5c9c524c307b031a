//! Secrets of a configuration never appear: not in what is printed, not in telemetry, not in the journal.

use std::fs;
use std::path::Path;
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use serde_json::{Value, json};
use telemetry::JsonLinesFile;
use upgrade::{EngineOptions, Environment};
use versioning::{FixedClock, Timestamp};

use crate::support::{Scene, files};

/// Part of every secret here, and of nothing else.
const MARK: &str = "S3CR3T";

/// What everything printed amounts to, and where telemetry goes.
struct Watched {
    scene: Scene,
    seen: Vec<u8>,
}

impl Watched {
    /// An installation whose configuration holds a marked secret wherever it can hold one: the one that the schema knows, and
    /// keys that no version knows, which may be anything.
    fn new() -> Self {
        let scene = Scene::new();
        let path = scene.source().join("config/config.json");
        let mut configuration: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        configuration["brain"]["api_key"] = format!("sk-{MARK}-of-the-schema").into();
        configuration["brain"]["organization_token"] = format!("{MARK}-in-a-known-section").into();
        configuration["webhooks"] = json!({
            "slack": format!("https://hooks.example.org/{MARK}"),
            "others": [{"password": format!("{MARK}-in-an-array")}],
        });
        fs::write(&path, configuration.to_string()).unwrap();
        Self { scene, seen: Vec::new() }
    }

    fn telemetry(&self) -> std::path::PathBuf {
        self.scene.path().join("telemetry.jsonl")
    }

    /// Runs a command, with telemetry. It must end with this exit code.
    fn run(&mut self, arguments: &[&str], code: i32) {
        let telemetry = self.telemetry();
        let output =
            self.scene.run(&[arguments, &["--telemetry", telemetry.to_str().unwrap()]].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        self.seen.extend([output.stdout, output.stderr].concat());
    }

    /// As [`Watched::run`], as text and as JSON, for what can be done twice.
    fn both(&mut self, arguments: &[&str], code: i32) {
        self.run(arguments, code);
        self.run(&[arguments, &["--json"]].concat(), code);
    }

    /// A runtime of this version starts, and ends in this way. What it is told is seen, too.
    fn boot(&mut self, then: impl FnOnce(upgrade::Booted<'_>) -> upgrade::Result<()>) {
        let mut sink = JsonLinesFile::new(&self.telemetry(), Box::new(|_| panic!("no telemetry")));
        let environment = Environment {
            catalogue: &FemtoClaw,
            clock: &FixedClock(Timestamp::EPOCH),
            operator: "a runtime",
            engine: &EngineOptions::default(),
        };
        let (home, version) = (self.scene.home(), "2.1.0".parse().unwrap());
        let booted = upgrade::boot(&home, &version, environment, &mut sink, Duration::ZERO);
        if let Err(error) = booted.and_then(then) {
            self.seen.extend(format!("{error}\n{}\n", error.next()).into_bytes());
        }
    }

    /// Everything that was seen, and what is on record, holds no mark.
    fn hold(mut self) {
        self.seen.extend(fs::read(self.telemetry()).unwrap());
        let home = self.scene.home();
        let found = if home.exists() { files(&home) } else { Vec::new() };
        for (path, bytes) in found {
            let below = path.strip_prefix(&home).unwrap();
            let is_record = below.starts_with("journal")
                || below.ends_with("manifest.json")
                || below.ends_with("adoption.json");
            if is_record {
                self.seen.extend(bytes);
            } else if contains(&bytes, MARK) {
                assert!(holds_secrets(below), "{} holds a secret", below.display());
            }
        }
        let text = String::from_utf8_lossy(&self.seen);
        let shown = text.split_once(MARK).map(|(before, _)| {
            let from = before.char_indices().rev().nth(80).map_or(0, |(at, _)| at);
            &before[from..]
        });
        assert_eq!(shown, None, "a secret was shown, after this");
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The configurations of generations, and what is kept of an older one, are where secrets belong.
fn holds_secrets(below: &Path) -> bool {
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts[0] == "generations" && ["config", "set-aside"].contains(&&*parts[2])
}

fn marked_files(scene: &Scene) -> usize {
    files(&scene.home()).iter().filter(|(_, bytes)| contains(bytes, MARK)).count()
}

#[test]
fn no_secret_appears_on_the_whole_way_there_and_back() {
    let mut watched = Watched::new();
    let source = watched.scene.source();
    let adopt = ["adopt", "--from", source.to_str().unwrap()];
    watched.both(&[&adopt[..], &["--dry-run"]].concat(), 0);
    watched.run(&adopt, 0);
    watched.both(&adopt, 1);
    watched.both(&["plan"], 0);
    watched.both(&["plan", "--target-version", "9.9.9"], 3);
    watched.both(&["capability", "diff"], 0);
    watched.both(&["apply", "--yes"], 5);
    watched.both(&["apply", "--development", "--yes", "--target-version", "1.0.0"], 3);
    watched.both(&["apply", "--development", "--dry-run"], 0);
    watched.run(&["apply", "--development", "--yes"], 0);
    assert!(marked_files(&watched.scene) >= 2, "the new configuration holds the secrets, too");
    for command in ["status", "history", "verify", "export"] {
        watched.both(&[command], 0);
    }
    watched.boot(|booted| booted.stop());
    watched.run(&["rollback", "--development", "--yes", "--json"], 0);
    watched.boot(|_| panic!("a runtime started on what it is not for"));
    watched.run(&["apply", "--development", "--yes", "--json"], 0);
    watched.boot(|booted| booted.fail("it does not answer").map(|_| ()));
    watched.both(&["history"], 0);
    watched.both(&["verify"], 0);
    let text = String::from_utf8_lossy(&watched.seen);
    for word in ["api_key", "runtime 1.0.3", "REVERTED", "incompatible", "unauthorized"] {
        assert!(text.contains(word), "{word}: the test looked at nothing");
    }
    let telemetry = fs::read_to_string(watched.telemetry()).unwrap();
    for word in ["refused", "STARTED", "ACTIVATED", "REVERTED"] {
        assert!(telemetry.contains(word), "{word}: the test looked at nothing");
    }
    watched.hold();
}

#[test]
fn no_secret_appears_when_a_configuration_cannot_be_read() {
    for broken in [
        format!("{{\"brain\": {{\"backend\": \"openai\", \"api_key\": \"{MARK}\""),
        format!("{{\"brain\": {{\"backend\": \"openai\", \"api_key\": {MARK}}}}}"),
    ] {
        let mut watched = Watched::new();
        let source = watched.scene.source();
        fs::write(source.join("config/config.json"), broken).unwrap();
        watched.both(&["adopt", "--dry-run", "--from", source.to_str().unwrap()], 3);
        watched.both(&["adopt", "--from", source.to_str().unwrap()], 3);
        assert!(!watched.scene.home().exists());
        watched.hold();
    }
}

#[test]
fn no_secret_appears_when_a_configuration_is_not_what_it_must_be() {
    for broken in [
        format!("{{\"brain\": {{\"backend\": \"openai\", \"api_key\": [\"{MARK}\"]}}}}"),
        format!("{{\"brain\": \"{MARK}\"}}"),
    ] {
        let mut watched = Watched::new();
        let source = watched.scene.source();
        fs::write(source.join("config/config.json"), broken).unwrap();
        watched.both(&["adopt", "--dry-run", "--from", source.to_str().unwrap()], 0);
        watched.run(&["adopt", "--from", source.to_str().unwrap()], 0);
        watched.both(&["plan"], 3);
        watched.both(&["apply", "--development", "--yes"], 3);
        watched.hold();
    }
}

#[test]
fn no_secret_appears_when_a_sealed_configuration_is_damaged() {
    let mut watched = Watched::new();
    let source = watched.scene.source();
    watched.run(&["adopt", "--from", source.to_str().unwrap()], 0);
    watched.run(&["apply", "--development", "--yes"], 0);
    let secrets = watched.scene.home().join("generations/2/config/secrets.toml");
    let text = fs::read_to_string(&secrets).unwrap();
    assert!(text.contains(MARK));
    fs::write(&secrets, text.replace("api_key = ", "api_key == ")).unwrap();
    watched.both(&["verify"], 6);
    watched.boot(|_| panic!("a runtime started on what is damaged"));
    assert!(String::from_utf8_lossy(&watched.seen).contains("secrets.toml"));
    watched.hold();
}

#[test]
fn a_password_in_an_address_is_not_shown_again() {
    let scene = Scene::without_installation();
    for scheme in ["http", "https"] {
        let address = format!("{scheme}://user:{MARK}@localhost:4318");
        for form in [&[] as &[&str], &["--json"]] {
            let output = scene.run(&[&["status", "--telemetry", &address], form].concat());
            assert_eq!(output.status.code(), Some(64));
            let seen = [output.stdout, output.stderr].concat();
            assert!(contains(&seen, "--telemetry") || contains(&seen, "usage"));
            assert!(!contains(&seen, MARK), "{}", String::from_utf8_lossy(&seen));
        }
    }
}
