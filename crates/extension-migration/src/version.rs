//! The version that an extension declares.

use std::cmp::Ordering;
use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};

/// The version of an extension, a full semantic version or not: 1.0.x never looked, so `banana` is in the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DeclaredVersion {
    /// A semantic version.
    Valid(Version),
    /// None.
    Invalid {
        /// What stands for it.
        text: String,
        /// Why it is none.
        reason: String,
    },
}

impl DeclaredVersion {
    /// Reads what an extension declares.
    pub fn read(text: &str) -> Self {
        match Version::parse(text) {
            Ok(version) => Self::Valid(version),
            Err(error) => Self::Invalid { text: text.to_owned(), reason: error.to_string() },
        }
    }

    /// The version, if it is one.
    pub fn valid(&self) -> Option<&Version> {
        match self {
            Self::Valid(version) => Some(version),
            Self::Invalid { .. } => None,
        }
    }

    /// How this version stands to another by precedence, which build metadata takes no part in; nothing if one of them is
    /// no version.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(self.valid()?.cmp_precedence(other.valid()?))
    }
}

impl From<String> for DeclaredVersion {
    fn from(text: String) -> Self {
        Self::read(&text)
    }
}

impl From<DeclaredVersion> for String {
    fn from(version: DeclaredVersion) -> Self {
        match version {
            DeclaredVersion::Valid(version) => version.to_string(),
            DeclaredVersion::Invalid { text, .. } => text,
        }
    }
}

impl fmt::Display for DeclaredVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(version) => version.fmt(formatter),
            Self::Invalid { text, .. } => write!(formatter, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_kept_with_its_reason() {
        for text in ["banana", "1.0", "", "01.0.0"] {
            let version = DeclaredVersion::read(text);
            assert!(version.valid().is_none(), "{text:?}");
            assert_eq!(String::from(version.clone()), text);
            assert_eq!(version.compare(&DeclaredVersion::read("1.0.0")), None);
        }
    }

    #[test]
    fn build_metadata_takes_no_part_in_precedence() {
        let order = DeclaredVersion::read("1.0.0+a").compare(&DeclaredVersion::read("1.0.0+b"));
        assert_eq!(order, Some(Ordering::Equal));
    }
}
