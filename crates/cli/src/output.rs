//! Where results and failures go.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::report;
use crate::style::width_of_errors;

pub(crate) use crate::style::Style;

/// The version of the JSON that the command prints.
const JSON_FORMAT: u32 = 1;

/// Standard output, as text or as JSON Lines.
pub(crate) struct Output {
    json: bool,
    style: Style,
    /// For standard error.
    errors: Style,
}

impl Output {
    /// As the command line wants it.
    pub(crate) fn new(common: &Common) -> Self {
        let (style, errors) = (Style::of_output(common.color), Style::of_errors(common.color));
        Self { json: common.json, style, errors }
    }

    /// Writes the first line of JSON.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        if self.json {
            let version = env!("CARGO_PKG_VERSION");
            self.line(&json!({"type": "version", "version": version, "format": JSON_FORMAT}))?;
        }
        Ok(())
    }

    /// How messages on standard error are set off.
    pub(crate) fn errors(&self) -> Style {
        self.errors
    }

    /// True if results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a result: as text, or as a line of JSON with this `type`.
    pub(crate) fn result(
        &mut self,
        kind: &str,
        value: &impl Serialize,
        text: impl FnOnce(&Style) -> String,
    ) -> Result<(), Failure> {
        let written = if self.json {
            let mut line = json!({"type": kind});
            let value = serde_json::to_value(value).unwrap_or(Value::Null);
            if let (Value::Object(line), Value::Object(value)) = (&mut line, value) {
                line.extend(value);
            }
            self.line(&line)
        } else {
            self.text(&text(&self.style))
        };
        written.map_err(Failure::Output)
    }

    /// Writes the result of what cannot be undone by failing to write it. If it cannot be written, that is said on standard
    /// error, and the command still succeeds.
    pub(crate) fn done(
        &mut self,
        kind: &str,
        value: &impl Serialize,
        text: impl FnOnce(&Style) -> String,
    ) {
        if let Err(failure) = self.result(kind, value, text) {
            let Failure::Output(error) = failure else { return };
            let _ = writeln!(io::stderr(), "done; but the result cannot be written: {error}");
        }
    }

    /// Writes what has happened, while something else goes on that standard output may belong to: people are told on standard
    /// error. That it cannot be written is no reason to end what goes on.
    pub(crate) fn event(&mut self, kind: &str, value: &impl Serialize, text: &str) {
        if self.json {
            let _ = self.result(kind, value, |_| String::new());
        } else {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Writes what went wrong, and returns the exit code. The sentence goes to standard error in any case.
    pub(crate) fn failure(&mut self, failure: &Failure) -> u8 {
        let code = failure.exit_code();
        if self.json {
            // Nobody is left to tell if this cannot be written.
            let _ = self.line(&failure.to_json());
        }
        let said = report::render(failure, &self.errors, width_of_errors());
        let _ = io::stderr().write_all(said.as_bytes());
        code
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_bytes())?;
        output.flush()
    }

    fn line(&mut self, value: &Value) -> io::Result<()> {
        self.text(&format!("{value}\n"))
    }
}

/// Writes, as the one line of JSON, that the command line makes no sense.
pub(crate) fn usage_error(message: &str, code: u8) {
    let line = json!({
        "type": "error", "error": "usage", "exit_code": code, "message": message,
        "condition": "Nothing was changed.", "next": "See `femtoclaw-upgrade --help`.",
    });
    let version = json!({
        "type": "version", "version": env!("CARGO_PKG_VERSION"), "format": JSON_FORMAT,
    });
    let _ = writeln!(io::stdout(), "{version}\n{line}");
}
