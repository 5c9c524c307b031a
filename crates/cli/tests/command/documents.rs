//! The documents, held to the command: what they tell people to type is what it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{PROGRAM, Scene};

const NAME: &str = "femtoclaw-upgrade ";

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
}

/// A command line of a document, taken apart, and the exit code that it promises.
#[derive(Debug)]
struct Line {
    words: Vec<String>,
    code: i32,
}

/// Every line that calls the command, lines that go on joined to one.
fn lines(page: &str) -> Vec<Line> {
    let joined = page.replace("\\\n", " ");
    let calls = joined
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("$ ").strip_prefix(NAME));
    calls.filter(|call| !call.contains('…')).map(line).collect()
}

fn line(call: &str) -> Line {
    let (call, comment) = call.split_once(" #").unwrap_or((call, ""));
    let code = comment.split_once("exit code ").map_or("0", |(_, code)| &code[..1]);
    // What its output goes to is no matter here.
    let (call, _) = call.split_once(" | ").unwrap_or((call, ""));
    let mut words = Vec::new();
    for (at, part) in call.split('"').enumerate() {
        if at % 2 == 0 {
            words.extend(part.split_whitespace().map(str::to_owned));
        } else {
            words.push(part.to_owned());
        }
    }
    Line { words, code: code.parse().unwrap() }
}

/// Where the commands of `docs/upgrading.md` are typed.
struct Desk {
    scene: Scene,
}

impl Desk {
    fn place(&self, word: &str) -> String {
        let source = self.scene.source().display().to_string();
        word.replace("/var/lib/femtoclaw", &source)
    }

    fn run(&self, words: &[String]) -> Output {
        let mut command = Command::new(PROGRAM);
        let words = words.iter().map(|word| self.place(word));
        command.env_clear().env("FEMTOCLAW_HOME", self.scene.home()).args(words).arg("--yes");
        command.current_dir(self.scene.path()).output().unwrap()
    }

    fn digest(&self) -> String {
        self.scene.ok(&["plan"])["digest"].as_str().unwrap().to_owned()
    }
}

// trace: test FC-22.1 FC-22.2.1 FC-22.2.3 FC-26.1.1
#[test]
fn the_instructions_lead_from_an_installation_to_an_upgrade_and_back() {
    let desk = Desk { scene: Scene::new() };
    let lines = lines(&page("docs/upgrading.md"));
    assert!(lines.len() >= 18, "{} commands", lines.len());
    for Line { mut words, code } in lines {
        for word in words.iter_mut().filter(|word| *word == "DIGEST") {
            *word = desk.digest();
        }
        let output = desk.run(&words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
    }
    let records = desk.scene.lines(&["history"]);
    let events: Vec<&str> =
        records.iter().filter_map(|record| record["event"]["type"].as_str()).collect();
    for event in ["ACTIVATED", "CONFIRMED", "REVERTED"] {
        assert!(
            events.contains(&event),
            "nothing in the instructions leads to {event}: {events:?}"
        );
    }
    let status = desk.scene.ok(&["status"]);
    assert_eq!((&status["version"], &status["current"]), (&Value::from("1.0.3"), &1.into()));
    let exported = desk.scene.path().join("since-the-upgrade.jsonl");
    // No runtime has written anything.
    assert_eq!(fs::read(exported).unwrap(), b"");
}

// trace: test FC-22.1 FC-26.1.1
#[test]
fn every_command_line_of_every_document_is_understood() {
    let docs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")).unwrap();
    let names = docs.map(|entry| PathBuf::from("docs").join(entry.unwrap().file_name()));
    let pages = names.filter(|name| name.extension().is_some_and(|extension| extension == "md"));
    let mut understood = 0;
    for name in pages.chain([PathBuf::from("README.md")]) {
        for Line { words, .. } in lines(&page(name.to_str().unwrap())) {
            let words: Vec<String> = words.into_iter().filter(|word| word != "DIGEST").collect();
            let words = words.iter().filter(|word| *word != "--plan");
            // Help is shown only if everything before it is known.
            let output =
                Command::new(PROGRAM).env_clear().args(words.clone()).arg("--help").output();
            let output = output.unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{}: {words:?}: {error}", name.display());
            understood += 1;
        }
    }
    assert!(understood >= 30, "{understood} command lines");
}
