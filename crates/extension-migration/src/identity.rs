//! Who an extension is: its publisher and its name (FC-UPGRADE-0001 §12, "extension identity").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name or publisher, in bytes. A name becomes a directory's name, so it stays far below what file systems allow.
pub const MAXIMUM_NAME_BYTES: usize = 64;

/// The identity of an extension, written `publisher/name`.
///
/// Both parts consist of lower-case letters, digits, `-` and `.`, begin and end with a letter or a digit, hold no `..`,
/// and are at most [`MAXIMUM_NAME_BYTES`] long. So a name is always a single plain path component, and never two
/// spellings of one name. Ordered by name, then by publisher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtensionIdentity {
    name: String,
    publisher: String,
}

/// A part of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityPart {
    /// What the extension is called.
    Name,
    /// Who publishes it.
    Publisher,
}

/// A name or publisher that is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("the {part} {text:?} {rule}")]
pub struct InvalidIdentity {
    /// Which part.
    pub part: IdentityPart,
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub rule: NameRule,
}

/// The rule that a name breaks: the first, in the order of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum NameRule {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// Too long.
    #[error("is {found} bytes long, which is more than {MAXIMUM_NAME_BYTES}")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// It has a separator, so it is a path. FemtoClaw 1.0.3 deletes outside of its directory then.
    #[error("is a path, not a name")]
    Path,
    /// It leads upwards, or looks as if it did.
    #[error("has two dots in a row")]
    TwoDots,
    /// A character that names do not have.
    #[error("has the character {found:?}; names have lower-case letters, digits, - and . only")]
    Character {
        /// The first such character.
        found: char,
    },
    /// It would be hidden, or taken for an option, or lose its last dot on some file systems.
    #[error("does not begin and end with a letter or a digit")]
    Edge,
}

impl ExtensionIdentity {
    /// An identity.
    ///
    /// # Errors
    /// The first rule that the name breaks, or else the first that the publisher breaks.
    pub fn new(name: &str, publisher: &str) -> Result<Self, InvalidIdentity> {
        check_part(IdentityPart::Name, name)?;
        check_part(IdentityPart::Publisher, publisher)?;
        Ok(Self { name: name.to_owned(), publisher: publisher.to_owned() })
    }

    /// What the extension is called. Also the name of its directory, once this system has placed it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who publishes it.
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// True for two extensions of one name and different publishers: one would pass for the other.
    pub fn is_namesake_of(&self, other: &Self) -> bool {
        self.name == other.name && self.publisher != other.publisher
    }
}

fn check_part(part: IdentityPart, text: &str) -> Result<(), InvalidIdentity> {
    check_name(text).map_err(|rule| InvalidIdentity { part, text: text.to_owned(), rule })
}

/// Holds a text against the rules for names.
pub(crate) fn check_name(text: &str) -> Result<(), NameRule> {
    let is_plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    if text.is_empty() {
        return Err(NameRule::Empty);
    }
    if text.len() > MAXIMUM_NAME_BYTES {
        return Err(NameRule::TooLong { found: text.len() });
    }
    if text.contains(['/', '\\']) {
        return Err(NameRule::Path);
    }
    if text.contains("..") {
        return Err(NameRule::TwoDots);
    }
    if let Some(found) = text.chars().find(|c| !is_plain(*c) && !matches!(c, '-' | '.')) {
        return Err(NameRule::Character { found });
    }
    if !(text.starts_with(is_plain) && text.ends_with(is_plain)) {
        return Err(NameRule::Edge);
    }
    Ok(())
}

impl fmt::Display for IdentityPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name => "name",
            Self::Publisher => "publisher",
        })
    }
}

impl fmt::Display for ExtensionIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.publisher, self.name)
    }
}

impl FromStr for ExtensionIdentity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (publisher, name) = text.split_once('/').unwrap_or(("", text));
        Self::new(name, publisher)
    }
}

impl TryFrom<String> for ExtensionIdentity {
    type Error = InvalidIdentity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ExtensionIdentity> for String {
    fn from(identity: ExtensionIdentity) -> Self {
        identity.to_string()
    }
}

/// The identity that an installed extension declares, valid or not: what is on the disk was not made by this system.
///
/// Valid ones come before invalid ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "RawIdentity", into = "RawIdentity")]
pub enum DeclaredIdentity {
    /// An identity.
    Valid(ExtensionIdentity),
    /// None.
    Invalid {
        /// What stands for the name.
        name: String,
        /// What stands for the publisher.
        publisher: String,
        /// Why it is no identity.
        reason: InvalidIdentity,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIdentity {
    name: String,
    publisher: String,
}

impl DeclaredIdentity {
    /// Reads what an extension declares.
    pub fn read(name: &str, publisher: &str) -> Self {
        match ExtensionIdentity::new(name, publisher) {
            Ok(identity) => Self::Valid(identity),
            Err(reason) => {
                Self::Invalid { name: name.to_owned(), publisher: publisher.to_owned(), reason }
            }
        }
    }

    /// The identity, if it is one.
    pub fn valid(&self) -> Option<&ExtensionIdentity> {
        match self {
            Self::Valid(identity) => Some(identity),
            Self::Invalid { .. } => None,
        }
    }
}

impl From<ExtensionIdentity> for DeclaredIdentity {
    fn from(identity: ExtensionIdentity) -> Self {
        Self::Valid(identity)
    }
}

impl From<RawIdentity> for DeclaredIdentity {
    fn from(raw: RawIdentity) -> Self {
        Self::read(&raw.name, &raw.publisher)
    }
}

impl From<DeclaredIdentity> for RawIdentity {
    fn from(declared: DeclaredIdentity) -> Self {
        match declared {
            DeclaredIdentity::Valid(ExtensionIdentity { name, publisher })
            | DeclaredIdentity::Invalid { name, publisher, .. } => Self { name, publisher },
        }
    }
}

impl fmt::Display for DeclaredIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(identity) => identity.fmt(formatter),
            Self::Invalid { name, publisher, .. } => write!(formatter, "{publisher:?}/{name:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_rule_has_its_own_error() {
        let long = "a".repeat(MAXIMUM_NAME_BYTES + 1);
        for (text, rule) in [
            ("", NameRule::Empty),
            (long.as_str(), NameRule::TooLong { found: MAXIMUM_NAME_BYTES + 1 }),
            ("../x", NameRule::Path),
            ("/etc", NameRule::Path),
            ("a\\b", NameRule::Path),
            ("..", NameRule::TwoDots),
            ("a..b", NameRule::TwoDots),
            ("Notes", NameRule::Character { found: 'N' }),
            ("a b", NameRule::Character { found: ' ' }),
            ("a\0", NameRule::Character { found: '\0' }),
            ("é", NameRule::Character { found: 'é' }),
            (".", NameRule::Edge),
            (".hidden", NameRule::Edge),
            ("-flag", NameRule::Edge),
            ("trailing.", NameRule::Edge),
        ] {
            let error = ExtensionIdentity::new(text, "community").unwrap_err();
            assert_eq!((error.part, error.rule), (IdentityPart::Name, rule), "{text:?}");
            let error = ExtensionIdentity::new("notes", text).unwrap_err();
            assert_eq!((error.part, error.rule), (IdentityPart::Publisher, rule), "{text:?}");
        }
    }

    #[test]
    fn an_identity_survives_json_and_so_does_what_is_none() {
        let identity = ExtensionIdentity::new("web.get", "femtoclaw-community").unwrap();
        let json = serde_json::to_string(&identity).unwrap();
        assert_eq!(json, "\"femtoclaw-community/web.get\"");
        assert_eq!(serde_json::from_str::<ExtensionIdentity>(&json).unwrap(), identity);
        assert!(serde_json::from_str::<ExtensionIdentity>("\"a/../b\"").is_err());
        for declared in [DeclaredIdentity::from(identity), DeclaredIdentity::read("../x", "A B")] {
            let json = serde_json::to_string(&declared).unwrap();
            assert_eq!(serde_json::from_str::<DeclaredIdentity>(&json).unwrap(), declared);
        }
    }
}
