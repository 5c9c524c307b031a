//! Everything that can be wrong with what comes in, or be refused.

use crate::registry::CapabilityId;
use crate::symbolic::Widening;

/// What this crate answers with.
pub type Result<T> = std::result::Result<T, CapabilityError>;

/// Why a file was not read, or a migration was refused. Nothing was changed: this crate changes nothing by itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CapabilityError {
    /// A text is not JSON, or an object in it gives a key twice.
    #[error("the {file} is not a JSON document that can be read one way only: {reason}")]
    NotJson {
        /// Which kind of file.
        file: &'static str,
        /// What the parser says, with line and column.
        reason: String,
    },
    /// Something in a file is not what it has to be.
    #[error("the {file} has at {path} {found}, where {expected} is needed")]
    Field {
        /// Which kind of file.
        file: &'static str,
        /// Where, as in `[0].rules[1].effect`.
        path: String,
        /// What is needed.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A text that is no pattern.
    #[error(
        "{text:?} is no pattern: write a name without `*`, `*` alone, or a prefix such as `web.*`"
    )]
    InvalidPattern {
        /// What was given.
        text: String,
    },
    /// A text that is no capability id.
    #[error(
        "{text:?} is no capability id: it must not be empty nor hold `*` or control characters"
    )]
    InvalidId {
        /// What was given.
        text: String,
    },
    /// A rename that cannot be made.
    #[error("capability {from} cannot be renamed to {to}: {reason}")]
    InvalidRename {
        /// The id until now.
        from: CapabilityId,
        /// The id that was declared.
        to: CapabilityId,
        /// Why it cannot be.
        reason: &'static str,
    },
    /// An id would stand for something else (FC-UPGRADE-0001 §11).
    #[error(
        "capability {id} would change its meaning: it takes {found} now and would take {offered}; \
         declare a new id for the new capability"
    )]
    MeaningChanged {
        /// The id.
        id: CapabilityId,
        /// Its parameters now.
        found: String,
        /// The parameters that the release gives it.
        offered: String,
    },
    /// Two capabilities of one list have the same id.
    #[error("capability {id} is listed twice")]
    Repeated {
        /// The id.
        id: CapabilityId,
    },
    /// A plan speaks of a capability that is not there.
    #[error("the plan says that capability {id} is {said}, but it is {but}")]
    PlanContradicted {
        /// The id.
        id: CapabilityId,
        /// What the plan says.
        said: &'static str,
        /// How it really is.
        but: &'static str,
    },
    /// The migration would allow what was not allowed before, and no grant covers it (FC-UPGRADE-0001 §11).
    #[error(
        "the migration would allow what is not allowed now, and was refused: {}",
        widenings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Widens {
        /// Each with a request that shows it.
        widenings: Vec<Widening>,
    },
}
