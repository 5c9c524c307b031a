//! Where an artifact lies in a release, and what it is for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest path of an artifact, in bytes: what the name of an ustar header holds. The header's second field for longer paths
/// is not used, so that a path has one place.
pub const MAXIMUM_PATH_BYTES: usize = 100;

/// What an artifact is for. It follows from the first directory of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The runtime's binary, below `runtime/`. Every release has exactly one, and it is executable.
    Runtime,
    /// Part of the configuration's schema, below `configuration/`.
    ConfigurationSchema,
    /// Part of the capability registry or of its policies, below `capabilities/`.
    Capabilities,
    /// A file of an extension, below `extensions/`.
    Extension,
    /// Anything else that belongs to the release, below `artifacts/`.
    Artifact,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Runtime,
        Self::ConfigurationSchema,
        Self::Capabilities,
        Self::Extension,
        Self::Artifact,
    ];

    /// The directory that artifacts of this role lie in.
    pub const fn directory(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::ConfigurationSchema => "configuration",
            Self::Capabilities => "capabilities",
            Self::Extension => "extensions",
            Self::Artifact => "artifacts",
        }
    }
}

/// A path that no artifact can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path {text:?} {rule}")]
pub struct InvalidPath {
    /// What it says, cut off where it is too long.
    pub text: String,
    /// The first rule that it breaks.
    pub rule: PathRule,
}

/// The rule that a path breaks. What is allowed is narrow on purpose: a path means the same on every file system, in every
/// shell and in every archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathRule {
    /// Too long as a whole.
    #[error("is longer than {MAXIMUM_PATH_BYTES} bytes")]
    TooLong,
    /// It begins with a slash.
    #[error("is absolute")]
    Absolute,
    /// A component is `..`.
    #[error("leads upwards with ..")]
    Parent,
    /// A component is `.`.
    #[error("has a component .")]
    Dot,
    /// A component is empty.
    #[error("is empty or has an empty component")]
    EmptyComponent,
    /// Something else than ASCII letters, digits and `. _ - +`.
    #[error("has other characters than letters, digits and . _ - +")]
    Character,
    /// A component that begins like a hidden file or an option, or ends with a dot, which some systems drop.
    #[error("has a component that begins with . - or + or ends with .")]
    Ends,
    /// Not below one of the directories that a role is known by.
    #[error("is not below runtime/, configuration/, capabilities/, extensions/ or artifacts/")]
    NoRole,
}

/// The path of an artifact within a release, with `/` between components. Never leads out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath {
    text: String,
    role: Role,
}

impl ArtifactPath {
    /// A path.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(text: &str) -> Result<Self, InvalidPath> {
        let invalid = |rule| InvalidPath { text: shown(text), rule };
        if let Some(rule) = broken_rule(text) {
            return Err(invalid(rule));
        }
        let first = text.split_once('/').map(|(first, _)| first);
        let role = Role::ALL.into_iter().find(|role| Some(role.directory()) == first);
        let role = role.ok_or_else(|| invalid(PathRule::NoRole))?;
        Ok(Self { text: text.to_owned(), role })
    }

    /// Its spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the artifact is for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The directories above it, from the farthest to the nearest.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        self.text.match_indices('/').filter_map(|(end, _)| self.text.get(..end))
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn broken_rule(text: &str) -> Option<PathRule> {
    if text.len() > MAXIMUM_PATH_BYTES {
        return Some(PathRule::TooLong);
    }
    if text.starts_with('/') {
        return Some(PathRule::Absolute);
    }
    if text.split('/').any(|component| component == "..") {
        return Some(PathRule::Parent);
    }
    text.split('/').find_map(|component| match component {
        "" => Some(PathRule::EmptyComponent),
        "." => Some(PathRule::Dot),
        _ if !component.chars().all(is_allowed) => Some(PathRule::Character),
        _ if component.starts_with(['.', '-', '+']) || component.ends_with('.') => {
            Some(PathRule::Ends)
        }
        _ => None,
    })
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['.', '_', '-', '+'].contains(&character)
}

/// What is shown of a text that may be anything: its beginning.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN: usize = 128;
    let mut characters = text.chars();
    let mut beginning: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_known_by_the_first_directory() {
        for role in Role::ALL {
            let path = ArtifactPath::new(&format!("{}/a/b", role.directory())).unwrap();
            assert_eq!(path.role(), role);
            assert_eq!(path.directories().last(), path.as_str().strip_suffix("/b"));
        }
    }

    #[test]
    fn every_rule_is_told_by_name() {
        for (text, rule) in [
            (format!("artifacts/{}", "a".repeat(91)), PathRule::TooLong),
            ("/etc/passwd".to_owned(), PathRule::Absolute),
            ("artifacts/../../x".to_owned(), PathRule::Parent),
            ("./artifacts/x".to_owned(), PathRule::Dot),
            ("artifacts//x".to_owned(), PathRule::EmptyComponent),
            (String::new(), PathRule::EmptyComponent),
            ("artifacts/".to_owned(), PathRule::EmptyComponent),
            ("artifacts/a b".to_owned(), PathRule::Character),
            ("artifacts/a\\b".to_owned(), PathRule::Character),
            ("artifacts/a\0b".to_owned(), PathRule::Character),
            ("artifacts/ä".to_owned(), PathRule::Character),
            ("artifacts/.hidden".to_owned(), PathRule::Ends),
            ("artifacts/-rf".to_owned(), PathRule::Ends),
            ("artifacts/...".to_owned(), PathRule::Ends),
            ("artifacts/x.".to_owned(), PathRule::Ends),
            ("artifacts".to_owned(), PathRule::NoRole),
            ("release.json".to_owned(), PathRule::NoRole),
            ("Runtime/x".to_owned(), PathRule::NoRole),
        ] {
            assert_eq!(ArtifactPath::new(&text).map_err(|error| error.rule), Err(rule), "{text:?}");
        }
        assert!(ArtifactPath::new(&format!("artifacts/{}", "a".repeat(90))).is_ok());
    }
}
