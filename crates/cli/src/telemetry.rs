//! Telemetry of the command: where it goes, and what is said of an operation as a whole.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;

use ::telemetry::{
    JsonLines, JsonLinesFile, Metrics, Observed, OperationResult, Outcome, Several, Tracing,
};
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use upgrade::{Cause, Condition, Error, Operation};
use versioning::{Clock, RuntimeVersion};

use crate::arguments::{Arguments, CapabilityCommand, Command};
use crate::failure::Failure;
use crate::surroundings::{Stopwatch, SystemClock};
use crate::trust::arguments::{AuthorizeCommand, KeyringCommand, ReleaseCommand};

/// Where events go, besides to whatever listens in this process.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    /// Standard output, between the results.
    StandardOutput,
    /// A file.
    File(PathBuf),
    /// An OpenTelemetry collector.
    #[cfg(feature = "otlp")]
    Collector(::telemetry::Endpoint),
}

/// Reads a destination. What is refused is not shown again: an address may hold a password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DestinationParser;

impl TypedValueParser for DestinationParser {
    type Value = Destination;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Destination, clap::Error> {
        destination(value).map_err(|reason| {
            let message = format!("invalid value for '--telemetry': {reason}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

fn destination(value: &OsStr) -> Result<Destination, String> {
    match value.to_str() {
        Some("") => Err("expected a file, `-`, or http://HOST:PORT".to_owned()),
        Some("-") => Ok(Destination::StandardOutput),
        Some(address) if address.starts_with("http://") || address.starts_with("https://") => {
            collector(address)
        }
        _ => Ok(Destination::File(value.into())),
    }
}

#[cfg(feature = "otlp")]
fn collector(address: &str) -> Result<Destination, String> {
    address.parse().map(Destination::Collector).map_err(|error| format!("{error}"))
}

#[cfg(not(feature = "otlp"))]
fn collector(_address: &str) -> Result<Destination, String> {
    Err("this command was built without its cargo feature `otlp`; name a file, or `-`".to_owned())
}

/// Everything that events go to.
fn sink(destination: Option<&Destination>) -> Several {
    let complain = || {
        let say = |complaint: &str| {
            let _ = writeln!(io::stderr(), "no telemetry: {complaint}");
        };
        Box::new(say)
    };
    // For a subscriber and a recorder, where somebody builds the command with one.
    let several = Several::new().and(Tracing::new()).and(Metrics::new());
    match destination {
        None => several,
        Some(Destination::StandardOutput) => several.and(JsonLines(io::stdout())),
        Some(Destination::File(path)) => several.and(JsonLinesFile::new(path, complain())),
        #[cfg(feature = "otlp")]
        Some(Destination::Collector(endpoint)) => {
            several.and(::telemetry::Otlp::new(endpoint.clone(), complain()))
        }
    }
}

/// The versions that an operation comes across, for the event at its end.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    from: RefCell<Option<RuntimeVersion>>,
    to: RefCell<Option<RuntimeVersion>>,
}

impl Learned {
    /// What the home is at.
    pub(crate) fn from(&self, version: Option<&RuntimeVersion>) {
        self.from.replace(version.cloned());
    }

    /// What it would be led to.
    pub(crate) fn to(&self, version: &RuntimeVersion) {
        self.to.replace(Some(version.clone()));
    }
}

/// Runs a command between the event at its beginning and the one at its end.
// trace: impl FC-17.1
pub(crate) fn observed(
    arguments: &Arguments,
    run: impl FnOnce(&mut Observed<'_>, &Learned) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let mut sink = sink(arguments.common.telemetry.as_ref());
    let (watch, learned) = (Stopwatch::start(), Learned::default());
    let (operation, to) = operation(&arguments.command);
    let mut observed = Observed::begin(&mut sink, operation, to, SystemClock.now());
    let result = run(&mut observed, &learned);
    observed.learn(learned.from.take(), learned.to.take());
    observed.end(outcome(&result), SystemClock.now(), watch.elapsed().as_secs_f64());
    result
}

/// What a command is called in telemetry, and the version that it names.
fn operation(command: &Command) -> (&'static str, Option<RuntimeVersion>) {
    match command {
        Command::Adopt { dry_run: true, .. } => ("dry-run-adopt", None),
        Command::Adopt { .. } => (Operation::Adopt.name(), None),
        Command::Plan { target, .. } => ("plan", target.target_version.clone()),
        Command::Apply { target, dry_run: true, .. } => {
            ("dry-run-upgrade", target.target_version.clone())
        }
        Command::Apply { target, .. } => (Operation::Upgrade.name(), target.target_version.clone()),
        Command::Status => ("status", None),
        Command::History => ("history", None),
        Command::Verify { .. } => ("verify", None),
        Command::Audit(_) => ("audit", None),
        Command::Confirm { dry_run: true } => ("dry-run-confirm", None),
        Command::Confirm { .. } => (Operation::Confirm.name(), None),
        Command::Launch(_) => ("launch", None),
        Command::Rollback(arguments) if arguments.dry_run => ("dry-run-rollback", None),
        Command::Rollback(_) => (Operation::Rollback.name(), None),
        Command::Gc { dry_run: true, .. } => ("dry-run-collect", None),
        Command::Gc { .. } => (Operation::Collect.name(), None),
        Command::Recover { dry_run: true, .. } => ("dry-run-recover", None),
        Command::Recover { .. } => (Operation::Recover.name(), None),
        Command::Capability(CapabilityCommand::Check { .. }) => ("capability-check", None),
        Command::Capability(CapabilityCommand::Diff { target }) => {
            ("capability-diff", target.target_version.clone())
        }
        Command::Release(ReleaseCommand::New { target_version, .. }) => {
            ("release-new", Some(target_version.clone()))
        }
        Command::Release(ReleaseCommand::Sign { .. }) => ("release-sign", None),
        Command::Release(ReleaseCommand::Inspect { .. }) => ("release-inspect", None),
        Command::Release(ReleaseCommand::Verify { .. }) => ("release-verify", None),
        Command::Keyring(KeyringCommand::Show { .. }) => ("keyring-show", None),
        Command::Keyring(_) => (Operation::Keyring.name(), None),
        Command::Authorize(AuthorizeCommand::Upgrade { target, .. }) => {
            ("authorize", target.target_version.clone())
        }
        Command::Authorize(_) => ("authorize", None),
        Command::Export(_) => ("export", None),
        Command::Completions { .. } => ("completions", None),
        Command::Man { .. } => ("man", None),
    }
}

/// What telemetry says of how a command came out.
// trace: impl FC-17.2.3
fn outcome(result: &Result<u8, Failure>) -> Outcome {
    let (result, error, exit_code) = match result {
        Ok(code) => (OperationResult::Succeeded, None, *code),
        Err(failure) => (result_of(failure), Some(failure.name()), failure.exit_code()),
    };
    Outcome { result, error, exit_code: Some(exit_code) }
}

fn result_of(failure: &Failure) -> OperationResult {
    match failure {
        Failure::Upgrade(error) => match error.condition() {
            Condition::Done(_) => OperationResult::Succeeded,
            Condition::Undone(_) => OperationResult::Undone,
            Condition::RolledBack(_) => OperationResult::RolledBack,
            Condition::Unfinished | Condition::Partly(_) => OperationResult::Failed,
            Condition::NoHome | Condition::Unchanged(_) => of_nothing_begun(error),
        },
        Failure::NeedsConsent { .. }
        | Failure::Declined
        | Failure::NoHome
        | Failure::Unusable { .. }
        | Failure::Keyring(_) => OperationResult::Refused,
        Failure::Output(_)
        | Failure::Launch(_)
        | Failure::File { .. }
        | Failure::Unreadable { .. }
        | Failure::Head(_) => OperationResult::Failed,
    }
}

/// Nothing was begun: because of a decision, or because something is broken.
fn of_nothing_begun(error: &Error) -> OperationResult {
    let is_broken = matches!(
        error.cause(),
        Cause::File(_)
            | Cause::Generation(_)
            | Cause::Journal(_)
            | Cause::Output(_)
            | Cause::Source(_)
            | Cause::SourceChanged { .. }
            | Cause::Storage(_)
    );
    match error.exit_code() {
        1 if is_broken => OperationResult::Failed,
        6 | 8 => OperationResult::Failed,
        _ => OperationResult::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Destination, clap::Error> {
        DestinationParser.parse_ref(&clap::Command::new("test"), None, OsStr::new(value))
    }

    #[test]
    fn a_destination_is_a_file_unless_it_says_otherwise() {
        assert!(matches!(read("-"), Ok(Destination::StandardOutput)));
        for file in ["events.jsonl", "./-", "/var/log/events", "http:", "httpd.log"] {
            assert!(matches!(read(file), Ok(Destination::File(path)) if path == *file), "{file}");
        }
        assert!(read("").is_err());
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_and_not_shown() {
        for address in ["https://user:hunter2@host:1", "http://user:hunter2@host:1"] {
            let error = read(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_collector_needs_the_feature() {
        let read = read("http://localhost:4318");
        #[cfg(feature = "otlp")]
        assert!(matches!(read, Ok(Destination::Collector(_))));
        #[cfg(not(feature = "otlp"))]
        assert!(read.unwrap_err().to_string().contains("feature `otlp`"));
    }
}
