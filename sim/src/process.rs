//! The real command, run as a process.

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::Value;

/// The command under test, on one home.
#[derive(Debug, Clone)]
pub struct Command {
    program: PathBuf,
    home: PathBuf,
}

/// A run that did not do what it should have.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It could not be run at all.
    #[error("cannot run {}: {error}", program.display())]
    NotRun {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// It ended with another exit code than it should have.
    #[error("`{arguments}` ended with {code:?}, not 0:\n{error}")]
    Refused {
        /// Its arguments.
        arguments: String,
        /// Its exit code; none if a signal ended it.
        code: Option<i32>,
        /// What it said.
        error: String,
    },
    /// It said something that is no JSON Lines.
    #[error("`{arguments}` printed what is no result: {line}")]
    Unreadable {
        /// Its arguments.
        arguments: String,
        /// What it printed last.
        line: String,
    },
}

impl Command {
    /// The command at this path, on this home.
    pub fn new(program: &Path, home: &Path) -> Self {
        Self { program: program.to_path_buf(), home: home.to_path_buf() }
    }

    /// The home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Starts it and returns at once.
    ///
    /// # Errors
    /// [`Failed::NotRun`].
    pub fn start(&self, arguments: &[&str]) -> Result<Child, Failed> {
        std::process::Command::new(&self.program)
            .args(arguments)
            .arg("--home")
            .arg(&self.home)
            .args(["--json", "--yes"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.not_run(error))
    }

    /// Runs it to its end, and returns the last line that it printed.
    ///
    /// # Errors
    /// If it does not end with exit code 0 and a result.
    pub fn run(&self, arguments: &[&str]) -> Result<Value, Failed> {
        let Output { status, stdout, stderr } =
            self.start(arguments)?.wait_with_output().map_err(|error| self.not_run(error))?;
        let arguments = arguments.join(" ");
        if !status.success() {
            let error = String::from_utf8_lossy(&stderr).into_owned();
            return Err(Failed::Refused { arguments, code: status.code(), error });
        }
        let text = String::from_utf8_lossy(&stdout).into_owned();
        let line = text.lines().last().unwrap_or_default().to_owned();
        serde_json::from_str(&line).map_err(|_| Failed::Unreadable { arguments, line })
    }

    fn not_run(&self, error: std::io::Error) -> Failed {
        Failed::NotRun { program: self.program.clone(), error }
    }
}
