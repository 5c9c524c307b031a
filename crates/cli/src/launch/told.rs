//! What is said of a runtime that does not work: what is wrong, what state the home is in, what comes next.

use std::fmt;
use std::io;
use std::path::Path;

use upgrade::lifecycle::Standing;
use versioning::GenerationNumber;

use crate::failure::Failure;

/// Why a runtime was not launched, or has not worked.
#[derive(Debug)]
pub(crate) struct Told {
    /// The stable name.
    pub(crate) name: &'static str,
    /// The exit code.
    pub(crate) exit_code: u8,
    /// What is wrong.
    pub(crate) message: String,
    /// What state the home is in.
    pub(crate) condition: String,
    /// What comes next.
    pub(crate) next: String,
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n{}\n{}", self.message, self.condition, self.next)
    }
}

impl From<Told> for Failure {
    fn from(told: Told) -> Self {
        Self::Launch(Box::new(told))
    }
}

/// Exit code: failed, and the home is unchanged.
const FAILED: u8 = 1;

/// Exit code: a person has to decide.
const RECOVERY_NEEDED: u8 = 8;

fn told(name: &'static str, message: String, condition: String, next: &str) -> Told {
    Told { name, exit_code: FAILED, message, condition, next: next.to_owned() }
}

fn unchanged() -> String {
    "The home is unchanged.".to_owned()
}

fn is_current(generation: GenerationNumber) -> String {
    format!("The home is unchanged: generation {generation} is current.")
}

const LOOK: &str = "Look at what the runtime has said; then launch it again.";

/// Nothing was launched, because of this.
fn not_launched(message: String, next: &str) -> Told {
    told("not-launched", message, unchanged(), next)
}

pub(super) fn unusable_home(error: io::Error) -> Told {
    not_launched(format!("the path of the home cannot be used: {error}"), "Name another one.")
}

pub(super) fn no_signals(error: io::Error) -> Told {
    not_launched(format!("signals cannot be listened to: {error}"), "Launch it again.")
}

pub(super) fn nothing_to_become() -> Told {
    not_launched("there is nothing to become".to_owned(), "See `femtoclaw-upgrade status`.")
}

pub(super) fn not_executed(error: &io::Error) -> Told {
    told(
        "runtime-not-started",
        format!("the runtime cannot be executed: {error}"),
        unchanged(),
        LOOK,
    )
}

pub(super) fn ready_file(path: &Path, error: &io::Error) -> Told {
    let message = format!("{} cannot be the ready file: {error}", path.display());
    not_launched(message, "Name another one with `--ready-file`.")
}

pub(super) fn no_socket(error: io::Error) -> Told {
    let message = format!("there can be no notification socket: {error}");
    not_launched(message, "Set $TMPDIR to a directory with a short path that can be written to.")
}

pub(super) fn killed(generation: GenerationNumber) -> Told {
    let message = format!(
        "the runtime of generation {generation} did not end in time when it was asked to, and was killed"
    );
    told("runtime-killed", message, is_current(generation), "Give it longer with `--stop-timeout`.")
}

pub(super) fn restarts_for_ever(generation: GenerationNumber, times: u32) -> Told {
    let message = format!(
        "the runtime of generation {generation} asked to be started again more than {times} times in a row"
    );
    told("runtime-failed", message, is_current(generation), LOOK)
}

pub(super) fn failed(name: &'static str, generation: GenerationNumber, how: &str) -> Told {
    let message = format!("the runtime of generation {generation} {how}");
    told(name, message, is_current(generation), LOOK)
}

pub(super) fn failed_on_trial(generation: GenerationNumber, how: &str, standing: Standing) -> Told {
    let left = match standing {
        Standing::Trial { left, tries, .. } => {
            format!(", on trial with {left} of {tries} starts left")
        }
        Standing::Confirmed => String::new(),
    };
    let condition = format!("Generation {generation} is current{left}.");
    let message = format!("the runtime of generation {generation} {how}");
    told("runtime-failed", message, condition, LOOK)
}

pub(super) fn both_failed(generation: GenerationNumber, from: GenerationNumber, how: &str) -> Told {
    Told {
        name: "both-failed",
        exit_code: RECOVERY_NEEDED,
        message: format!(
            "the runtime of generation {generation} {how}; and generation {from} had been left for it before"
        ),
        condition: is_current(generation),
        next: "Nothing goes back any further by itself. Look at what both runtimes have said; then launch this \
               one again, go back further with `femtoclaw-upgrade rollback`, or ask for another release with \
               `femtoclaw-upgrade apply --target-version`."
            .to_owned(),
    }
}
