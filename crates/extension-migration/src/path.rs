//! Where the files of extensions lie.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest path of a file within its extension, in bytes.
pub const MAXIMUM_PATH_BYTES: usize = 1024;

/// Longest name of a directory or file that is taken over, in bytes. Leaves room for the suffix of what is set aside
/// more than once, below the 255 of common file systems.
pub const MAXIMUM_COMPONENT_BYTES: usize = 230;

/// The directory that the extensions in use lie in, relative to their generation.
pub const EXTENSIONS: &str = "extensions";

/// The directory that the extensions which were set aside lie in, relative to their generation.
pub const SET_ASIDE: &str = "set-aside/extensions";

/// A path or name that could lead elsewhere, or that not every file system has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path {text:?} {rule}")]
pub struct InvalidPath {
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub rule: PathRule,
}

/// The rule that a path breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathRule {
    /// Too long as a whole.
    #[error("is longer than {MAXIMUM_PATH_BYTES} bytes")]
    TooLong,
    /// A component that is empty; also the first of an absolute path.
    #[error("is absolute, or has an empty component")]
    EmptyComponent,
    /// A component that is `.` or `..`.
    #[error("has a component . or ..")]
    DotComponent,
    /// A component that is too long.
    #[error("has a component of more than {MAXIMUM_COMPONENT_BYTES} bytes")]
    LongComponent,
    /// A backslash, which some systems take for a separator, or a control character.
    #[error("has a backslash or a control character")]
    Character,
    /// More than one component where one is allowed.
    #[error("is more than one component")]
    NotOneComponent,
}

/// The path of a file relative to its extension's directory, with `/` between components. Never leads out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtensionPath(String);

/// The directory of an extension: a single plain component below `extensions/`. 1.0.x does not hold it to the
/// extension's name, so it says nothing of the identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Directory(String);

impl ExtensionPath {
    /// A path.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(text: &str) -> Result<Self, InvalidPath> {
        match broken_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(InvalidPath { text: text.to_owned(), rule }),
        }
    }

    /// Its spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories above it, from the nearest to the farthest.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        self.0.rmatch_indices('/').filter_map(|(end, _)| Some(Self(self.0.get(..end)?.to_owned())))
    }
}

impl Directory {
    /// A directory's name.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(text: &str) -> Result<Self, InvalidPath> {
        let rule = broken_rule(text);
        match rule.or_else(|| text.contains('/').then_some(PathRule::NotOneComponent)) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(InvalidPath { text: text.to_owned(), rule }),
        }
    }

    /// The directory of an extension that this system places: it has the extension's name.
    pub fn of(identity: &crate::ExtensionIdentity) -> Self {
        // A valid name is a plain component by the rules for names.
        Self(identity.name().to_owned())
    }

    /// Its spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name with a number behind it, for what is set aside beside an earlier one.
    pub(crate) fn numbered(&self, number: usize) -> Self {
        Self(format!("{}.{number}", self.0))
    }
}

fn broken_rule(text: &str) -> Option<PathRule> {
    if text.len() > MAXIMUM_PATH_BYTES {
        return Some(PathRule::TooLong);
    }
    if text.contains(|character: char| character == '\\' || character.is_control()) {
        return Some(PathRule::Character);
    }
    text.split('/').find_map(|component| match component {
        "" => Some(PathRule::EmptyComponent),
        "." | ".." => Some(PathRule::DotComponent),
        long if long.len() > MAXIMUM_COMPONENT_BYTES => Some(PathRule::LongComponent),
        _ => None,
    })
}

/// The texts of both types: parsed when read, plain when written.
macro_rules! text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidPath;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(path: $name) -> Self {
                path.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text!(ExtensionPath);
text!(Directory);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for text in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a\\b", "a\0b", "a\nb"]
        {
            assert!(ExtensionPath::new(text).is_err(), "{text:?} was accepted");
            assert!(Directory::new(text).is_err(), "{text:?} was accepted");
        }
        assert!(ExtensionPath::new(&"a/".repeat(600)).is_err());
        assert!(ExtensionPath::new(&"a".repeat(MAXIMUM_COMPONENT_BYTES + 1)).is_err());
        assert!(ExtensionPath::new("scripts/run.sh").is_ok());
        assert_eq!(Directory::new("scripts/run.sh").unwrap_err().rule, PathRule::NotOneComponent);
    }

    #[test]
    fn the_directories_above_a_path_are_named() {
        let path = ExtensionPath::new("a/b/c").unwrap();
        let above: Vec<String> = path.ancestors().map(String::from).collect();
        assert_eq!(above, ["a/b", "a"]);
    }
}
