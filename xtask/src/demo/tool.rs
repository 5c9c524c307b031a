//! Calling the real command, as people and as programs do.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::runner::output_of;

/// The command's name, as it is shown.
const NAME: &str = "femtoclaw-upgrade";

/// The command, built, and where it runs.
pub(crate) struct Tool {
    pub(crate) binary: PathBuf,
    /// Paths on its command lines are relative to this.
    pub(crate) directory: PathBuf,
    pub(crate) audience: Audience,
}

/// Where people read what happens: not where a program reads the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    StandardOutput,
    StandardError,
}

impl Audience {
    /// Says something. If nobody listens any more, the demonstration goes on without being heard.
    pub(crate) fn say(self, text: &str) {
        let _ = match self {
            Self::StandardOutput => std::io::stdout().write_all(text.as_bytes()),
            Self::StandardError => std::io::stderr().write_all(text.as_bytes()),
        };
    }
}

impl Tool {
    /// Runs the command for people: shows its command line and what it says.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn show(&self, arguments: &str) -> Result<(), String> {
        self.audience.say(&format!("\n$ {NAME} {arguments}\n"));
        let mut command = self.command(arguments);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        self.audience.say(&String::from_utf8_lossy(&output.stdout));
        if output.status.success() {
            return Ok(());
        }
        Err(format!("`{NAME} {arguments}` ended with {}", output.status))
    }

    /// Runs the command for people, which must refuse with this exit code.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn refuse(&self, arguments: &str, code: i32) -> Result<(), String> {
        self.audience.say(&format!("\n$ {NAME} {arguments}\n"));
        let output = self.command(arguments).output();
        let output =
            output.map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        self.audience.say(&String::from_utf8_lossy(&output.stderr));
        if output.status.code() == Some(code) {
            return Ok(());
        }
        Err(format!(
            "`{NAME} {arguments}` was to end with exit code {code}, and did with {}",
            output.status
        ))
    }

    /// Runs the command for a program, and returns its JSON Lines without the first, which says which version writes them.
    ///
    /// # Errors
    /// If it fails, or what it writes is not what it promises.
    pub(crate) fn ask(&self, arguments: &str) -> Result<Vec<Value>, String> {
        let output = output_of(self.command(arguments).arg("--json"))?;
        let text = String::from_utf8(output)
            .map_err(|_| format!("`{NAME} {arguments} --json` does not write UTF-8"))?;
        let mut lines = Vec::new();
        for line in text.lines() {
            let value = serde_json::from_str(line)
                .map_err(|error| format!("`{NAME} {arguments} --json` writes no JSON: {error}"))?;
            lines.push(value);
        }
        let first = lines.first().and_then(|line: &Value| line.get("type")).and_then(Value::as_str);
        if first != Some("version") {
            return Err(format!("`{NAME} {arguments} --json` does not begin with its version"));
        }
        lines.remove(0);
        Ok(lines)
    }

    /// As [`Tool::ask`], for a command whose result is its last line.
    ///
    /// # Errors
    /// As [`Tool::ask`]; also if the result has another `type` than `kind`.
    pub(crate) fn ask_one(&self, arguments: &str, kind: &str) -> Result<Value, String> {
        let last = self.ask(arguments)?.pop().unwrap_or_default();
        if last.get("type").and_then(Value::as_str) == Some(kind) {
            return Ok(last);
        }
        Err(format!("`{NAME} {arguments} --json` ends with {last}, where a line {kind:?} belongs"))
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.directory).args(arguments.split_whitespace());
        command.stdin(Stdio::null());
        command
    }
}
