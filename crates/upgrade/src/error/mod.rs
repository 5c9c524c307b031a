//! Why an operation was refused or failed: what is wrong, what state the home is in, which command comes next.

mod cause;
mod names;
mod telling;

use std::fmt;

use versioning::{GenerationNumber, RuntimeVersion};

pub use cause::{Cause, TrialFailure};
pub(crate) use telling::is_integrity;

/// The result of an operation on a home.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was refused or failed.
#[derive(Debug)]
pub struct Error {
    cause: Box<Cause>,
    condition: Condition,
    next: Option<String>,
}

/// What state the home is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is none, and none was made.
    NoHome,
    /// As it was before.
    Unchanged(Option<(GenerationNumber, RuntimeVersion)>),
    /// An attempt began and was undone: what was current still is, untouched.
    Undone(Option<(GenerationNumber, RuntimeVersion)>),
    /// A trial failed, and what was current before it is current again.
    RolledBack(Option<(GenerationNumber, RuntimeVersion)>),
    /// An attempt began and could not be brought to an end.
    Unfinished,
    /// A part of what was asked for is done, and stays done: the rest is asked for by the same again.
    Partly(Option<(GenerationNumber, RuntimeVersion)>),
    /// What was asked for is done; what failed came after it.
    Done(Option<(GenerationNumber, RuntimeVersion)>),
}

impl Error {
    /// Joins what is wrong with the state that the home is in.
    pub fn new(cause: impl Into<Cause>, condition: Condition) -> Self {
        Self { cause: Box::new(cause.into()), condition, next: None }
    }

    /// Names the command that comes next, where the cause alone does not tell.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Replaces what is said of the home's state.
    #[must_use]
    pub(crate) fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// The same of what failed after a part of what was asked for was done: whoever says that nothing has changed means the
    /// rest.
    #[must_use]
    pub(crate) fn behind_a_part(self) -> Self {
        match self.condition {
            Condition::Unchanged(ref found) | Condition::Undone(ref found) => {
                let found = found.clone();
                self.with_condition(Condition::Partly(found))
            }
            _ => self,
        }
    }

    /// What is wrong.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What state the home is in.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// The stable name of what is wrong, for scripts.
    pub fn name(&self) -> &'static str {
        self.cause.name()
    }

    /// The exit code of the command (`facts/anchors.md`; README, exit codes).
    pub fn exit_code(&self) -> u8 {
        match (self.cause.exit_code(), &self.condition) {
            (_, Condition::Unfinished) => 8,
            (1, Condition::Undone(_)) => 7,
            (code, _) => code,
        }
    }

    /// Which command comes next, as a sentence.
    pub fn next(&self) -> String {
        if let Some(next) = &self.next {
            return next.clone();
        }
        if self.condition == Condition::Unfinished {
            return "Run `femtoclaw-upgrade recover`.".to_owned();
        }
        self.cause.next()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n{}\n{}", self.cause, self.condition, self.next())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where the journal was not read, nothing is said of what is current.
        let current = |found: &Option<(GenerationNumber, RuntimeVersion)>, more: &str| {
            found.as_ref().map_or_else(String::new, |(number, version)| {
                format!(": generation {number} ({version}) is current{more}")
            })
        };
        match self {
            Self::NoHome => formatter.write_str("Nothing was changed."),
            Self::Unchanged(found) => {
                write!(formatter, "The home is unchanged{}.", current(found, ""))
            }
            Self::Undone(found) => {
                write!(formatter, "The attempt was undone{}.", current(found, ", as before"))
            }
            Self::RolledBack(found) => write!(
                formatter,
                "The home was rolled back{}.",
                current(found, " again, exactly as it was left")
            ),
            Self::Partly(found) => {
                write!(formatter, "A part of it is done, and stays done{}.", current(found, ""))
            }
            Self::Done(found) => write!(formatter, "It is done all the same{}.", current(found, "")),
            Self::Unfinished => formatter.write_str(
                "The home holds either the old state or the new one, whole; which, the journal says \
                 once it can be written again.",
            ),
        }
    }
}
