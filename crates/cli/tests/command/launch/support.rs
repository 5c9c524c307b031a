//! Homes with runtimes that can be launched, and launchers that are under way.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{PROGRAM, Scene, alone, copy};

/// How long anything that is waited for may take. Nothing takes so long, unless it never comes.
const DEADLINE: Duration = Duration::from_secs(120);

/// Every runtime: it does what the file says that it is given first.
const RUNTIME: &str = "#!/bin/sh\nbehaviour=$1\nshift\n. \"$behaviour\"\n";

/// What a runtime does that runs until it is asked to stop.
pub(super) const SERVE: &str = "trap 'exit 0' TERM INT\nwhile :; do sleep 0.02; done\n";

/// Generation 2 (2.0.0-rc.1, confirmed), generation 3 (2.0.0, on trial).
static ON_TRIAL: LazyLock<Scene> = LazyLock::new(|| {
    let scene = Scene::adopted();
    apply(&scene, "2.0.0-rc.1");
    scene.ok(&["confirm"]);
    apply(&scene, "2.0.0");
    scene
});

/// Generation 1 (1.0.3, adopted), generation 2 (2.0.0, on trial).
static FIRST: LazyLock<Scene> = LazyLock::new(|| {
    let scene = Scene::adopted();
    apply(&scene, "2.0.0");
    scene
});

fn apply(scene: &Scene, version: &str) {
    let runtime = scene.path().join("runtime");
    fs::write(&runtime, RUNTIME).unwrap();
    let runtime = runtime.to_str().unwrap();
    scene.ok(&["apply", "--development", "--target-version", version, "--runtime", runtime]);
}

/// A home of its own, and what its runtime does.
pub(super) struct Stage {
    pub(super) scene: Scene,
}

impl Stage {
    /// Generation 2 is confirmed, generation 3 on trial.
    pub(super) fn on_trial(behaviour: &str) -> Self {
        Self::of(&ON_TRIAL, behaviour)
    }

    /// Generation 1 was adopted, generation 2 is on trial.
    pub(super) fn first(behaviour: &str) -> Self {
        Self::of(&FIRST, behaviour)
    }

    fn of(template: &Scene, behaviour: &str) -> Self {
        let scene = Scene::without_installation();
        copy(&template.home(), &scene.home());
        let stage = Self { scene };
        stage.behave(behaviour);
        stage
    }

    /// From here on its runtimes do this.
    pub(super) fn behave(&self, behaviour: &str) {
        fs::write(self.file("behaviour"), behaviour).unwrap();
    }

    /// A file beside the home, which a runtime finds as `$PWD/NAME`.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.scene.path().join(name)
    }

    /// The launcher with these options, its runtime with these arguments.
    pub(super) fn command(&self, options: &[&str], arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(PROGRAM);
        alone(&mut command).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.args(["launch", "--json", "--home"]).arg(self.scene.home()).args(options);
        command.arg("--").arg(self.file("behaviour")).args(arguments);
        command.current_dir(self.scene.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Launches.
    pub(super) fn launch(&self, options: &[&str]) -> Launcher {
        Launcher::of(self.command(options, &[]))
    }

    /// Launches, and waits for the end: the exit code, and everything that was printed.
    pub(super) fn run(&self, options: &[&str]) -> (i32, Vec<Value>) {
        self.launch(options).end()
    }

    /// What the status says of the current generation: its number, its standing, the tries that are left.
    pub(super) fn current(&self) -> (u64, String, Option<u64>) {
        let status = self.scene.ok(&["status"]);
        let generations = status["generations"].as_array().unwrap();
        let current = generations.iter().find(|found| found["current"] == true).unwrap();
        let standing = current["standing"].as_str().unwrap().to_owned();
        (current["generation"].as_u64().unwrap(), standing, current["tries_left"].as_u64())
    }

    /// The names of the journal's records.
    pub(super) fn events(&self) -> Vec<String> {
        let history = self.scene.lines(&["history"]);
        let names = history.iter().filter_map(|line| line["event"]["type"].as_str());
        names.map(str::to_owned).collect()
    }

    /// What a runtime has written to a file beside the home, once it has.
    pub(super) fn written(&self, name: &str) -> String {
        let path = self.file(name);
        wait_for(&format!("{name} is not written"), || {
            fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))
        })
    }
}

/// Waits until there is something.
pub(super) fn wait_for<T>(otherwise: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{otherwise}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A launcher that is under way.
pub(super) struct Launcher {
    child: Child,
    lines: Receiver<Value>,
    printed: Vec<Value>,
    error: Receiver<String>,
}

impl Launcher {
    pub(super) fn of(mut command: std::process::Command) -> Self {
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map(Result::unwrap) {
                let line = serde_json::from_str(&line)
                    .unwrap_or_else(|_| panic!("the launcher's output is its own: {line}"));
                let _ = sender.send(line);
            }
        });
        let mut said = child.stderr.take().unwrap();
        let (sender, error) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = said.read_to_string(&mut text);
            let _ = sender.send(text);
        });
        Self { child, lines, printed: Vec::new(), error }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for an event of this kind.
    pub(super) fn event(&mut self, kind: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|_| panic!("no {kind} behind {:?}", self.printed));
            self.printed.push(line.clone());
            if line["type"] == kind {
                return line;
            }
        }
    }

    pub(super) fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// Asks it to stop, and waits for its end.
    pub(super) fn stop(self) -> (i32, Vec<Value>) {
        self.signal("TERM");
        self.end()
    }

    /// Waits for its end: the exit code, and everything that it has printed.
    pub(super) fn end(self) -> (i32, Vec<Value>) {
        let (code, printed, _) = self.end_with_error();
        (code, printed)
    }

    /// The same, with what was written to standard error.
    pub(super) fn end_with_error(mut self) -> (i32, Vec<Value>, String) {
        let child = &mut self.child;
        let status = wait_for("the launcher does not end", || child.try_wait().unwrap());
        let error = self.error.recv_timeout(DEADLINE).unwrap();
        self.printed.extend(self.lines.iter());
        let code = status.code().unwrap_or_else(|| panic!("it ended with {status}: {error}"));
        crate::schemas::hold(&self.printed);
        (code, std::mem::take(&mut self.printed), error)
    }

    /// Kills it, and nothing else.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A test that has failed leaves nothing behind that runs.
impl Drop for Launcher {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub(super) fn send(signal: &str, pid: impl std::fmt::Display) {
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([format!("-{signal}"), pid.to_string()]).status().unwrap().success());
}

/// The kinds of events, in order.
pub(super) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

/// The last line, which is the error that a launcher ended with.
pub(super) fn error(events: &[Value]) -> (&str, u64) {
    let last = events.last().unwrap();
    assert_eq!(last["type"], "error", "{events:?}");
    for part in ["message", "condition", "next"] {
        assert!(!last[part].as_str().unwrap().is_empty(), "{last}");
    }
    (last["error"].as_str().unwrap(), last["exit_code"].as_u64().unwrap())
}

/// Flips what a file says.
pub(super) fn rot(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes.push(b'?');
    fs::write(path, bytes).unwrap();
}
