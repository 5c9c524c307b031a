//! Taking a migration back, with what was edited since (FC-UPGRADE-0001 §10).

use upgrade::Files;
use versioning::ConfigurationSchema;

use super::layouts::{Layout, SECOND, THIRD};
use super::to_first::to_first;
use super::to_third::between;
use super::{CONFIGURATION_FILE, JSON_SCHEMA};

/// What taking a migration back gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The files of the older schema.
    pub files: Files,
    /// What was edited since the migration and what became of it, a sentence each. Secrets never appear in them.
    pub changes: Vec<String>,
}

/// Why a migration cannot be taken back. Secrets never appear in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UndoError {
    /// No migration leads from the one schema to the other.
    #[error("no change leads from configuration schema {from} to {to}: there is nothing to undo")]
    NoMigration {
        /// The older schema.
        from: ConfigurationSchema,
        /// The newer schema.
        to: ConfigurationSchema,
    },
    /// Files are not what their schema says.
    #[error("{state} is not valid: {}", .reasons.join("; "))]
    Invalid {
        /// Which files.
        state: State,
        /// Every reason, a sentence each.
        reasons: Vec<String>,
    },
    /// What was edited since the migration has no place in the older schema.
    #[error("what was edited cannot be said in configuration schema {schema}: {}", .reasons.join("; "))]
    NotExpressible {
        /// The older schema.
        schema: ConfigurationSchema,
        /// Every reason, a sentence each.
        reasons: Vec<String>,
    },
}

/// A state of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Before the migration.
    Before,
    /// As the migration made them.
    Migrated,
    /// As they are now.
    Now,
}

impl std::fmt::Display for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Before => "the configuration before the migration",
            Self::Migrated => "the configuration that the migration made",
            Self::Now => "the configuration as it is now",
        })
    }
}

/// Takes the migration from one schema to a later one back: `before` are the files that it was given, `migrated` those that
/// it made, `now` those that are there.
///
/// If nothing was edited since, this gives the files from before, byte for byte. What was edited is carried back:
/// - from schema 3 to 2 in place, so that comments, order and layout of the text stay as they are now;
/// - to the JSON of schema 1 key by key: what was not edited is as it was before, with its spelling, place and meaning. The
///   layout of the text is then that of 1.0.x. Comments have no place in JSON, which is reported.
///
/// Nothing unknown is lost: what is given back leads to the same configuration again when it is migrated anew.
///
/// # Errors
/// [`UndoError`]; above all `NotExpressible` with every edit that the older schema has no place for.
pub fn undo(
    from: ConfigurationSchema,
    to: ConfigurationSchema,
    before: &Files,
    migrated: &Files,
    now: &Files,
) -> Result<Undone, UndoError> {
    let no_migration = || UndoError::NoMigration { from, to };
    let newer = Layout::of(to).filter(|_| from < to).ok_or_else(no_migration)?;
    if now == migrated {
        return Ok(Undone { files: before.clone(), changes: Vec::new() });
    }
    let invalid = |state| move |reasons| UndoError::Invalid { state, reasons };
    newer.documents(now).map_err(invalid(State::Now))?;
    newer.documents(migrated).map_err(invalid(State::Migrated))?;
    super::validate(from, before).map_err(invalid(State::Before))?;
    let undone = match from {
        JSON_SCHEMA => to_first(newer, before, migrated, now),
        schema if schema == SECOND.schema => to_second(before, migrated, now),
        _ => return Err(no_migration()),
    };
    undone.map_err(|reasons| UndoError::NotExpressible { schema: from, reasons })
}

/// From schema 3 to schema 2. Secrets are where they were.
fn to_second(before: &Files, migrated: &Files, now: &Files) -> Result<Undone, Vec<String>> {
    let name = CONFIGURATION_FILE;
    if now.get(name) == migrated.get(name) {
        let mut files = now.clone();
        files.extend(before.get(name).map(|bytes| (name.to_owned(), bytes.clone())));
        return Ok(Undone { files, changes: Vec::new() });
    }
    let restated = between(THIRD, SECOND, now)?;
    Ok(Undone { files: restated.files, changes: restated.changes })
}

#[cfg(test)]
mod tests;
