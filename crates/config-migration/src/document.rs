//! A document: its tree, and what in it is secret.

use std::fmt;

use crate::{
    ConfigurationError, Notation, Path, Result, Secret, SecretPaths, Segment, Value, carried, json,
    toml_reader,
};

/// A configuration document of either notation (FC-UPGRADE-0001 §10).
///
/// Debug shows no value and no key. Two documents are equal if their trees are, whatever is marked secret.
#[derive(Clone)]
pub struct Document {
    root: Value,
    secrets: SecretPaths,
}

impl Document {
    /// A document of this tree.
    pub const fn new(root: Value, secrets: SecretPaths) -> Self {
        Self { root, secrets }
    }

    /// Reads JSON without any loss: keys keep their order and numbers their spelling.
    ///
    /// # Errors
    /// `Syntax` with line and column and never with text, `RepeatedKey`, `TooLarge`, `TooDeep`, `TooManyValues`.
    pub fn from_json(text: &str, secrets: SecretPaths) -> Result<Self> {
        Ok(Self { root: json::read(text, &secrets)?, secrets })
    }

    /// Reads TOML as a runtime sees it. Comments are not in the tree (see [`crate::TomlDocument`]), and what is in the
    /// table [`crate::CARRIED_JSON`] stays there, covered as a secret (see [`Document::with_carried_restored`]).
    ///
    /// # Errors
    /// `Syntax` with line and column and never with text (a repeated key is one), `TooLarge`, `TooDeep`,
    /// `TooManyValues`.
    pub fn from_toml(text: &str, mut secrets: SecretPaths) -> Result<Self> {
        let root = toml_reader::read(text)?;
        secrets.mark(&Path::keys([carried::CARRIED_JSON]));
        Ok(Self { root, secrets })
    }

    /// The document with every value of the table [`crate::CARRIED_JSON`] back at its place: exactly what
    /// [`crate::to_toml`] was given, if the text was not changed since. Where a carried value's place was filled since,
    /// what was filled in stays.
    ///
    /// # Errors
    /// `InvalidCarried` if an entry of the table was changed so that it says nothing.
    pub fn with_carried_restored(&self) -> Result<Self> {
        let root = carried::restore(&self.root).map_err(|error| match error {
            ConfigurationError::InvalidCarried { path } => {
                ConfigurationError::InvalidCarried { path: self.shown_carried(&path) }
            }
            other => other,
        })?;
        Ok(Self { root, secrets: self.secrets.clone() })
    }

    /// Writes JSON, indented by two.
    ///
    /// # Errors
    /// `NotRepresentable` for dates, times, `inf` and `nan` out of TOML.
    pub fn to_json(&self) -> Result<Secret> {
        json::write_indented(&self.root).map(Secret::new).map_err(|error| match error {
            ConfigurationError::NotRepresentable { path, notation } => {
                let path = self.secrets.shown(&path);
                ConfigurationError::NotRepresentable { path, notation }
            }
            other => other,
        })
    }

    /// Its tree.
    pub const fn root(&self) -> &Value {
        &self.root
    }

    /// The value at a path.
    pub fn get(&self, path: &Path) -> Option<&Value> {
        self.root.get(path)
    }

    /// What in it is secret.
    pub const fn secrets(&self) -> &SecretPaths {
        &self.secrets
    }

    /// Marks one more place as secret.
    pub fn mark_secret(&mut self, path: &Path) {
        self.secrets.mark(path);
    }

    /// An entry is named after the path of its value, which may lead into a secret.
    fn shown_carried(&self, entry: &Path) -> Path {
        let named = entry.segments().last();
        match named {
            Some(Segment::Key(key))
                if key.parse().is_ok_and(|path| !self.secrets.covers(&path)) =>
            {
                entry.clone()
            }
            _ => Path::keys([carried::CARRIED_JSON]),
        }
    }

    pub(crate) const fn parts_mut(&mut self) -> (&mut Value, &mut SecretPaths) {
        (&mut self.root, &mut self.secrets)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Document");
        debug.field("root", &self.root).field("secrets", &self.secrets).finish()
    }
}

/// The error for text that is not TOML at this byte.
pub(crate) fn toml_syntax(text: &str, offset: usize) -> ConfigurationError {
    let before: Vec<u8> = text.bytes().take(offset).collect();
    let lines_before = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
    ConfigurationError::Syntax {
        notation: Notation::Toml,
        line: lines_before.saturating_add(1),
        column: column.saturating_add(1),
    }
}
