//! Why a command did not do what it was asked for, for people and for programs.

use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};
use upgrade::{Cause, Condition, Error, HeadViolation};

use crate::interrupt;
use crate::launch::Told;
use crate::report::Parts;

/// Exit code: something is not what it was.
const INTEGRITY_VIOLATED: u8 = 6;

/// What comes next where the journal is another one.
const COMPARE: &str = "Compare the journal with what was exported of it.";

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The upgrade system refused or failed.
    Upgrade(Error),
    /// Nobody was there to say yes.
    NeedsConsent { question: String },
    /// Somebody said no.
    Declined,
    /// No home was named.
    NoHome,
    /// The output could not be written, or the answer not be read.
    Output(io::Error),
    /// A file named on the command line cannot be written.
    File { path: PathBuf, error: io::Error },
    /// A file named on the command line cannot be read.
    Unreadable { path: PathBuf, error: io::Error },
    /// A file named on the command line is not what it should be.
    Unusable { path: PathBuf, reason: String },
    /// A keyring cannot be made or changed like this.
    Keyring(String),
    /// The journal is not the one that these heads were taken of.
    Head(Vec<HeadViolation>),
    /// A runtime that was to be launched, or was, does not work.
    Launch(Box<Told>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Upgrade(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    /// What is wrong, what state the home is in, and what comes next.
    pub(crate) fn parts(&self) -> Parts {
        let changed_nothing = || "Nothing was changed.".to_owned();
        let (message, condition, next) = match self {
            Self::Upgrade(error) => {
                (error.cause().to_string(), error.condition().to_string(), error.next())
            }
            Self::Launch(told) => (told.message.clone(), told.condition.clone(), told.next.clone()),
            Self::NeedsConsent { question } => (
                format!("there is no terminal to ask: {question}"),
                unchanged(),
                "Say so on the command line with `--yes`.".to_owned(),
            ),
            Self::Declined => ("declined".to_owned(), unchanged(), String::new()),
            Self::NoHome => (
                "no home was named".to_owned(),
                changed_nothing(),
                "Name it with `--home DIR`, or in $FEMTOCLAW_HOME.".to_owned(),
            ),
            Self::Output(error) => (
                format!("cannot write the output: {error}"),
                unchanged(),
                "Run the command again.".to_owned(),
            ),
            Self::File { path, error } => {
                (format!("cannot write {}: {error}", path.display()), unchanged(), another_file())
            }
            Self::Unreadable { path, error } => {
                (format!("cannot read {}: {error}", path.display()), unchanged(), another_file())
            }
            Self::Unusable { path, reason } => {
                (format!("{}: {reason}", path.display()), unchanged(), another_file())
            }
            Self::Head(violations) => {
                let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
                (lines.join("\n"), unchanged(), COMPARE.to_owned())
            }
            Self::Keyring(reason) => {
                (reason.clone(), unchanged(), "See `femtoclaw-upgrade keyring show`.".to_owned())
            }
        };
        Parts { message, condition, next }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Upgrade(error) => match error.cause() {
                // Unless there is something to be put right.
                Cause::Cancelled(cancelled) if *error.condition() != Condition::Unfinished => {
                    interrupt::exit_code(cancelled)
                }
                _ => error.exit_code(),
            },
            Self::NeedsConsent { .. } | Self::NoHome => 64,
            Self::Declined
            | Self::Output(_)
            | Self::File { .. }
            | Self::Unreadable { .. }
            | Self::Unusable { .. }
            | Self::Keyring(_) => 1,
            Self::Head(_) => INTEGRITY_VIOLATED,
            Self::Launch(told) => told.exit_code,
        }
    }

    /// The stable name of what is wrong, for scripts and for telemetry.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Upgrade(error) => error.name(),
            Self::NeedsConsent { .. } => "needs-consent",
            Self::Declined => "declined",
            Self::NoHome => "no-home-named",
            Self::Output(_) => "output-failed",
            Self::File { .. } => "file-not-written",
            Self::Unreadable { .. } => "file-not-read",
            Self::Unusable { .. } => "file-unusable",
            Self::Keyring(_) => "keyring-unusable",
            Self::Launch(told) => told.name,
            Self::Head(violations) => violations.first().map_or("journal-cut", HeadViolation::name),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let name = self.name();
        let Parts { message, condition, next } = self.parts();
        let exit_code = self.exit_code();
        let mut value = json!({
            "type": "error", "error": name, "exit_code": exit_code, "message": message,
            "condition": condition, "next": next,
        });
        if let (Self::Upgrade(error), Value::Object(value)) = (self, &mut value)
            && let Cause::Incompatible(refusals) = error.cause()
        {
            value.insert("reasons".to_owned(), json!(refusals.reasons));
            value.insert("path".to_owned(), json!(refusals.path));
        }
        value
    }
}

fn unchanged() -> String {
    "The home is unchanged.".to_owned()
}

fn another_file() -> String {
    "Name another file.".to_owned()
}
