//! A real browser without a window, and what a page is like in it: for pages that this project writes.
//!
//! It is spoken to over a pipe by the DevTools protocol, so no port is open and nobody else can join. Everything has a time
//! by which it must have happened.

mod page;
pub(crate) mod rules;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use page::Page;

/// What it may be called.
pub(crate) const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// By when it must have answered, unless a test is less patient. Machines that build something else at the same time are slow.
const ANSWERS_WITHIN: Duration = Duration::from_secs(120);
/// By when it must have ended, once it was asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What ends a message.
const END: u8 = 0;
/// It reads from descriptor 3 and writes to descriptor 4; the shell puts the pipes there.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;
/// No window, no network of its own, nothing that differs from machine to machine.
const ARGUMENTS: [&str; 15] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Its sandbox needs rights that containers do not have; only pages of our own are shown.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
    "--lang=en",
];

/// A browser that runs. It ends when this is dropped.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    /// By when it must have answered.
    patience: Duration,
    /// The id of the last command.
    last: u64,
    /// What it said that was no answer, in order.
    events: Vec<Value>,
    /// Everything that it writes.
    profile: TempDir,
}

impl Browser {
    /// Starts one, with a profile of its own.
    ///
    /// # Errors
    /// If none is installed, or it does not start.
    pub(crate) fn start() -> Result<Self, String> {
        let program = program(&std::env::var_os("PATH").unwrap_or_default())?;
        let failed = |error: std::io::Error| format!("cannot start {}: {error}", program.display());
        let profile = tempfile::tempdir().map_err(failed)?;
        let said = File::create(said_in(profile.path())).map_err(failed)?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(WITH_PIPES).arg(&program).args(ARGUMENTS);
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{} has no pipes", program.display()));
        };
        let from = listen(from);
        let mut browser = Self {
            child,
            to,
            from,
            patience: ANSWERS_WITHIN,
            last: 0,
            events: Vec::new(),
            profile,
        };
        browser.call("Browser.getVersion", &json!({}), None)?;
        Ok(browser)
    }

    /// A page with nothing on it.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub(crate) fn page(&mut self) -> Result<Page<'_>, String> {
        let created = self.call("Target.createTarget", &json!({ "url": page::NOTHING }), None)?;
        let target = created.get("targetId").cloned().unwrap_or_default();
        let attach = json!({ "targetId": target, "flatten": true });
        let attached = self.call("Target.attachToTarget", &attach, None)?;
        let session = attached.get("sessionId").and_then(Value::as_str);
        let session = session.ok_or("the browser names no session")?.to_owned();
        Page::attach(self, session)
    }

    /// Has a command done, and returns what came of it.
    fn call(
        &mut self,
        method: &str,
        parameters: &Value,
        session: Option<&str>,
    ) -> Result<Value, String> {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": parameters });
        if let (Some(session), Some(command)) = (session, command.as_object_mut()) {
            command.insert("sessionId".to_owned(), session.into());
        }
        let mut message = command.to_string().into_bytes();
        message.push(END);
        let sent = self.to.write_all(&message).and_then(|()| self.to.flush());
        sent.map_err(|error| self.told(&format!("{method}: {error}")))?;
        let deadline = now() + self.patience;
        loop {
            let mut message = self.next(method, deadline)?;
            if message.get("id") != Some(&self.last.into()) {
                self.events.push(message);
                continue;
            }
            if let Some(error) = message.get("error") {
                return Err(format!("{method}: {error}"));
            }
            return Ok(message.get_mut("result").map(Value::take).unwrap_or_default());
        }
    }

    /// Waits for something that happens by itself: an event behind the first `seen` ones.
    fn wait_for(&mut self, method: &str, seen: usize) -> Result<(), String> {
        let deadline = now() + self.patience;
        let is_it = |event: &Value| event.get("method").is_some_and(|of| of == method);
        while !self.events.iter().skip(seen).any(is_it) {
            let event = self.next(method, deadline)?;
            self.events.push(event);
        }
        Ok(())
    }

    fn next(&self, waits_for: &str, deadline: Instant) -> Result<Value, String> {
        let left = deadline.saturating_duration_since(now());
        self.from.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                self.told(&format!("{waits_for}: nothing in {} s", self.patience.as_secs()))
            }
            RecvTimeoutError::Disconnected => self.told(&format!("{waits_for}: it has ended")),
        })
    }

    /// What went wrong, with the last that the browser said to people.
    fn told(&self, what: &str) -> String {
        let said = std::fs::read_to_string(said_in(self.profile.path())).unwrap_or_default();
        let last = said.lines().next_back().unwrap_or_default();
        format!("the browser: {what} ({last})")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // What it does not do by itself, it is made to do: there is nobody left to tell.
        let mut message = json!({ "id": self.last + 1, "method": "Browser.close" }).to_string();
        message.push(char::from(END));
        let _ = self.to.write_all(message.as_bytes());
        let deadline = now() + ENDS_WITHIN;
        while now() < deadline {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(LOOK_EVERY),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads messages until there are no more.
fn listen(from: ChildStdout) -> Receiver<Value> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut from, mut message) = (BufReader::new(from), Vec::new());
        while from.read_until(END, &mut message).is_ok_and(|read| read > 0) {
            let text = message.strip_suffix(&[END]).unwrap_or(&message);
            let Ok(value) = serde_json::from_slice(text) else { break };
            if sender.send(value).is_err() {
                break;
            }
            message.clear();
        }
    });
    receiver
}

/// Where what the browser says to people goes.
fn said_in(directory: &Path) -> PathBuf {
    directory.join("said.txt")
}

/// The address of a file.
///
/// # Errors
/// If it is not there.
pub(crate) fn address(file: &Path) -> Result<String, String> {
    let path = file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
    let mut address = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                address.push(char::from(*byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(address)
}

/// Where it is installed.
fn program(path: &OsStr) -> Result<PathBuf, String> {
    let places = || std::env::split_paths(path);
    let installed = |name| places().map(|place| place.join(name)).find(|file| file.is_file());
    PROGRAMS.into_iter().find_map(installed).ok_or_else(|| {
        let names = PROGRAMS.join(", ");
        format!("none of {names} is installed: apt-get install --no-install-recommends chromium")
    })
}

#[expect(clippy::disallowed_methods, reason = "how long a browser takes is what is measured here")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_that_is_missing_is_an_error_that_says_how_to_install_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().as_os_str();
        assert!(program(path).unwrap_err().contains("apt-get install"));
        let file = directory.path().join("chromium-browser");
        std::fs::write(&file, "").unwrap();
        assert_eq!(program(path), Ok(file));
    }

    #[test]
    fn the_address_of_a_file_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a b#%.html");
        assert!(address(&file).is_err());
        std::fs::write(&file, "").unwrap();
        let address = address(&file).unwrap();
        assert!(address.starts_with("file:///") && address.ends_with("/a%20b%23%25.html"));
    }
}

#[cfg(test)]
mod in_chromium {
    use super::*;

    #[test]
    fn what_does_not_answer_is_waited_for_only_so_long() {
        let mut browser = Browser::start().unwrap();
        let mut page = browser.page().unwrap();
        assert_eq!(page.evaluate("6 * 7").unwrap(), 42);
        assert!(page.evaluate("nothing()").unwrap_err().contains("nothing is not defined"));
        page.impatient(Duration::from_secs(1));
        let told = page.evaluate("for (;;) {}").unwrap_err();
        assert!(told.contains("Runtime.evaluate: nothing in 1 s"), "{told}");
    }
}
