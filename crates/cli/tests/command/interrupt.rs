//! The real command, and signals in the middle of a migration.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::time::Duration;

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};
use serde_json::Value;

use crate::support::Scene;

/// Enough turns of a conversation, a dozen records each, that an upgrade takes a while.
const TURNS: u64 = 4000;

const APPLY: [&str; 4] = ["apply", "--development", "--yes", "--json"];

/// A larger installation, adopted.
pub(crate) fn adopted() -> Scene {
    let scene = Scene::without_installation();
    let options = SampleOptions { records: TURNS, ..SampleOptions::default() };
    write_sample_home(&scene.source(), &options).unwrap();
    scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    scene
}

/// An upgrade that is going on.
pub(crate) struct UnderWay {
    child: Child,
    error: BufReader<ChildStderr>,
}

impl UnderWay {
    /// Begins one, and returns when it builds.
    pub(crate) fn begin(scene: &Scene) -> Self {
        let mut command = scene.command(&APPLY);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let error = BufReader::new(child.stderr.take().unwrap());
        // Bounded by the upgrade's own length.
        while !is_building(scene) {
            assert_eq!(child.try_wait().unwrap(), None, "it ended before it was seen to build");
            std::thread::sleep(Duration::from_millis(1));
        }
        Self { child, error }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let mut kill = std::process::Command::new("kill");
        kill.args([format!("-{signal}"), self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// The next line that it says to people.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.error.read_line(&mut line).unwrap();
        line
    }

    /// Waits for its end: how it ended, what it printed, what it said.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<Value>, String) {
        let (mut printed, mut said) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        self.error.read_to_string(&mut said).unwrap();
        let lines = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (self.child.wait().unwrap(), lines, said)
    }
}

/// Whether a store is being built. No attempt builds the generation of another.
fn is_building(scene: &Scene) -> bool {
    let entries = std::fs::read_dir(scene.home().join("generations")).unwrap();
    entries.map(|entry| entry.unwrap()).any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(".staging-") && entry.path().join("store").exists()
    })
}

/// The events of the last attempt.
fn last_attempt(scene: &Scene) -> Vec<String> {
    let history = scene.lines(&["history"]);
    let records: Vec<&Value> = history.iter().filter(|line| line["type"] == "record").collect();
    let last = &records.last().unwrap()["attempt"];
    let of_last = records.iter().filter(|record| record["attempt"] == *last);
    of_last.map(|record| record["event"]["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_first_signal_cancels_and_the_same_command_then_succeeds() {
    let scene = adopted();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut upgrade = UnderWay::begin(&scene);
        upgrade.signal(signal);
        let said = upgrade.line();
        assert!(said.starts_with(&format!("SIG{signal}: cancelling")), "{said}");
        let (status, printed, said) = upgrade.end();
        assert_eq!(status.code(), Some(code), "{said}");
        let error = printed.last().unwrap();
        assert_eq!((&error["type"], &error["error"]), (&"error".into(), &"cancelled".into()));
        assert_eq!(error["exit_code"], code);
        assert_eq!(error["message"], format!("cancelled by SIG{signal}"));
        assert_eq!(error["next"], "Run the same command again.");
        assert!(said.contains("generation 1 (1.0.3) is current, as before"), "{said}");
        assert!(said.ends_with("Run the same command again.\n"), "{said}");
        assert_eq!(last_attempt(&scene).last().unwrap(), "ABORTED");
        assert_eq!(scene.ok(&["verify"])["ok"], true);
        let left = std::fs::read_dir(scene.home().join("generations")).unwrap().count();
        assert_eq!(left, 1, "what was being built is left");
    }
    assert_eq!(scene.ok(&APPLY[..2])["type"], "applied");
    assert_eq!(last_attempt(&scene).last().unwrap(), "ACTIVATED");
    assert_eq!(scene.ok(&["verify"])["ok"], true);
}

#[test]
fn the_second_signal_ends_the_command_and_the_next_one_puts_right_what_it_left() {
    use std::os::unix::process::ExitStatusExt;
    let scene = adopted();
    let content = scene.verified_current_content();
    let mut killed = 0;
    for _ in 0..5 {
        let mut upgrade = UnderWay::begin(&scene);
        upgrade.signal("INT");
        upgrade.line();
        upgrade.signal("INT");
        let (status, _, said) = upgrade.end();
        // It may have come to its end between the two.
        assert!(status.signal() == Some(2) || status.code() == Some(130), "{status}: {said}");
        killed += u32::from(status.signal() == Some(2));
        scene.ok(&["recover"]);
        assert_eq!(last_attempt(&scene).last().unwrap(), "ABORTED");
        assert_eq!(scene.verified_current_content(), content);
    }
    assert!(killed > 0, "no second signal came in time");
    assert_eq!(scene.ok(&APPLY[..2])["type"], "applied");
    assert_eq!(scene.ok(&["verify"])["ok"], true);
}

/// Whoever waits for a lock has nothing to undo.
#[test]
fn a_command_that_waits_for_a_lock_is_ended_by_the_first_signal() {
    use std::os::unix::process::ExitStatusExt;
    let scene = Scene::adopted();
    let held = std::fs::File::open(scene.home()).unwrap();
    held.lock().unwrap();
    let mut command = scene.command(&[APPLY.as_slice(), &["--lock-timeout", "600"]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().unwrap(), None, "it does not wait");
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    drop(held);
    assert_eq!(scene.ok(&APPLY[..2])["type"], "applied");
}
