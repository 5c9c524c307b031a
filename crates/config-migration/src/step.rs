//! The steps of a migration, as data.

use crate::{Path, Value};

/// One step of a migration of the configuration document (FC-UPGRADE-0001 §10).
///
/// # Laws
/// - A step is a pure function of the documents, and has an exact inverse ([`crate::Undo`]).
/// - No step drops or overwrites a value: where one is in the way, the step is refused.
/// - A step whose value is not there does nothing. That a value must be there is for [`crate::Schema`] to say.
/// - Tables that a step needs are created, and tables that it empties are taken away.
/// - A new plain value stands before the tables beside it, as TOML wants it; a new table stands last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A value goes to another place. Within one table this is a renaming, and keeps its position.
    Move {
        /// Where it is.
        from: Path,
        /// Where it will be.
        to: Path,
    },
    /// A value goes to the document of secrets.
    MoveSecret {
        /// Where it is.
        from: Path,
        /// Where it will be in the document of secrets.
        to: Path,
    },
    /// A value, if there is none. A `null` counts as a value.
    SetDefault {
        /// Where.
        path: Path,
        /// The value.
        value: Value,
    },
    /// A value goes into a table at its place: `a = 1` becomes `a = { key = 1 }`.
    Wrap {
        /// Where it is.
        path: Path,
        /// Its key in the new table.
        key: String,
    },
    /// The only member of a table takes the table's place: `a = { key = 1 }` becomes `a = 1`.
    Unwrap {
        /// Where the table is.
        path: Path,
        /// The key of its member.
        key: String,
    },
    /// A value is said in other words. One to one, or the inverse would not be exact.
    Translate {
        /// Where it is.
        path: Path,
        /// Each old value with its new one.
        pairs: Vec<(Value, Value)>,
    },
    /// A text becomes two, cut at the first separator: `host:port`. The separator itself is in neither.
    Split {
        /// Where it is.
        path: Path,
        /// Where it is cut.
        separator: String,
        /// Where the parts will be.
        into: [Path; 2],
    },
    /// A value that the new schema has no use for goes into a carry table, under its old path.
    Retire {
        /// Where it is.
        path: Path,
        /// The carry table.
        under: String,
    },
    /// Every value that the new schema does not know goes into a carry table, under its old path.
    Carry {
        /// The paths that the new schema knows, each with everything inside it: see [`crate::Schema::paths`].
        known: Vec<Path>,
        /// The top-level table that takes the rest.
        under: String,
    },
}

impl Step {
    /// [`Step::Move`].
    pub fn relocate(from: impl Into<Path>, to: impl Into<Path>) -> Self {
        Self::Move { from: from.into(), to: to.into() }
    }

    /// [`Step::Move`] to another key of the same table.
    pub fn rename(path: impl Into<Path>, key: &str) -> Self {
        let from: Path = path.into();
        let to = from.split_last().map_or_else(Path::root, |(parent, _)| parent.child(key));
        Self::Move { from, to }
    }

    /// [`Step::MoveSecret`].
    pub fn move_secret(from: impl Into<Path>, to: impl Into<Path>) -> Self {
        Self::MoveSecret { from: from.into(), to: to.into() }
    }

    /// [`Step::SetDefault`].
    pub fn set_default(path: impl Into<Path>, value: impl Into<Value>) -> Self {
        Self::SetDefault { path: path.into(), value: value.into() }
    }

    /// [`Step::Carry`].
    pub fn carry(known: Vec<Path>, under: &str) -> Self {
        Self::Carry { known, under: under.to_owned() }
    }

    /// The place that the step is about.
    pub fn place(&self) -> Path {
        match self {
            Self::Move { from, .. } | Self::MoveSecret { from, .. } => from.clone(),
            Self::SetDefault { path, .. }
            | Self::Wrap { path, .. }
            | Self::Unwrap { path, .. }
            | Self::Translate { path, .. }
            | Self::Split { path, .. }
            | Self::Retire { path, .. } => path.clone(),
            Self::Carry { under, .. } => Path::keys([under.as_str()]),
        }
    }
}
