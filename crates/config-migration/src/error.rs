//! What can go wrong with a configuration, without ever quoting it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Path, Violation};

/// The result of an operation on a configuration.
pub type Result<T> = std::result::Result<T, ConfigurationError>;

/// The notation of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notation {
    /// JSON, RFC 8259.
    Json,
    /// TOML 1.1, a superset of TOML 1.0.
    Toml,
}

impl fmt::Display for Notation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "JSON",
            Self::Toml => "TOML",
        })
    }
}

/// Why a configuration cannot be read, changed, written or accepted (FC-UPGRADE-0001 §10).
///
/// Nothing of this crate writes to disk: after any of these errors the files are as they were. No variant holds a value of
/// a document or a piece of its text, because either could be a secret; a path below a secret ends at the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Longer than [`MAXIMUM_BYTES`](crate::MAXIMUM_BYTES).
    #[error("the configuration is {found_bytes} bytes long, more than the {bound_bytes} allowed")]
    TooLarge {
        /// Its length.
        found_bytes: usize,
        /// The bound.
        bound_bytes: usize,
    },
    /// Nested more deeply than [`MAXIMUM_DEPTH`](crate::MAXIMUM_DEPTH).
    #[error("the configuration nests more than {bound} levels deep")]
    TooDeep {
        /// The bound.
        bound: usize,
    },
    /// Holds more values than [`MAXIMUM_VALUES`](crate::MAXIMUM_VALUES).
    #[error("the configuration holds more than {bound} values")]
    TooManyValues {
        /// The bound.
        bound: usize,
    },
    /// Not in the notation that it should be in.
    #[error("not valid {notation} at line {line}, column {column} (the text itself is not shown)")]
    Syntax {
        /// What it should be.
        notation: Notation,
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1. 0 if the text ended before the line had any.
        column: usize,
    },
    /// A key is given twice in one object, so that nobody can say which one counts.
    #[error("the key {path} is given more than once")]
    RepeatedKey {
        /// The repeated key.
        path: Path,
    },
    /// A text that is no [`Path`].
    #[error("not a path of keys, such as storage.path or servers[0].\"odd name\"")]
    InvalidPath,
    /// A table is needed where the document has something else.
    #[error("{path} should be a table, and is none")]
    NotATable {
        /// Where.
        path: Path,
    },
    /// Nothing is where something should be.
    #[error("nothing is at {path}")]
    Missing {
        /// Where.
        path: Path,
    },
    /// Something is where a value should go, and it is never overwritten.
    #[error("{path} already holds a value, which is not overwritten")]
    Occupied {
        /// Where.
        path: Path,
    },
    /// A value would move to a place inside itself.
    #[error("{from} cannot move to {to}, which is inside itself")]
    IntoItself {
        /// The value.
        from: Path,
        /// The place inside it.
        to: Path,
    },
    /// A value was changed since the migration, so that undoing it would lose the change.
    #[error("{path} was changed since the migration; undoing it would lose that change")]
    ChangedSince {
        /// Where.
        path: Path,
    },
    /// A step has no rule for the value that it finds.
    #[error("the value of {path} cannot be converted: expected {expected}")]
    NotConvertible {
        /// Where.
        path: Path,
        /// What the step can convert.
        expected: String,
    },
    /// A step that could not be undone exactly, or that contradicts itself.
    #[error("the step at {path} is not exact: {reason}")]
    InexactStep {
        /// Where.
        path: Path,
        /// Why.
        reason: &'static str,
    },
    /// A value that the notation cannot hold.
    #[error("{notation} cannot hold the value of {path}")]
    NotRepresentable {
        /// Where.
        path: Path,
        /// The notation.
        notation: Notation,
    },
    /// An entry of the carried values that does not say what it should: it was edited by hand.
    #[error("the carried value {path} is not readable: it was changed by hand")]
    InvalidCarried {
        /// The entry.
        path: Path,
    },
    /// What was written does not read back as what was meant. A defect of this crate, found before anything was stored.
    #[error("the {notation} text does not read back as the configuration; nothing was written")]
    NotReproduced {
        /// The notation.
        notation: Notation,
    },
    /// The TOML text is laid out so that an edit would touch bytes elsewhere (scattered dotted keys, spaces within
    /// headers, mixed line ends).
    #[error("the TOML layout cannot be edited in place without touching other lines")]
    LayoutNotKept,
    /// A step that cannot be applied to TOML in place.
    #[error("the step at {path} cannot be applied in place")]
    NotInPlace {
        /// Where.
        path: Path,
    },
    /// The configuration breaks its schema. Every violation is listed.
    #[error("the configuration is not valid: {}", listed(.violations))]
    Invalid {
        /// All of them, in the order of the schema, then of the document.
        violations: Vec<Violation>,
    },
}

fn listed(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
