//! Patterns of the second dialect: a name, anything, or everything below a prefix.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::CapabilityError;

/// What a rule's principal, resource or action stands for: `shell`, `*` or `web.*`.
///
/// `web.*` stands for every name that begins with `web.` and is longer; not for `web` nor for `web.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(Kind);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Any,
    /// With the dot at its end.
    Under(String),
    Exactly(String),
}

impl Pattern {
    /// Matches everything.
    pub fn any() -> Self {
        Self(Kind::Any)
    }

    /// Matches one name.
    ///
    /// # Errors
    /// If the name is empty or holds `*`: it could not be written down.
    pub fn exactly(name: &str) -> Result<Self, CapabilityError> {
        if name.is_empty() || name.contains('*') {
            return Err(CapabilityError::InvalidPattern { text: name.to_owned() });
        }
        Ok(Self(Kind::Exactly(name.to_owned())))
    }

    /// Whether it stands for this name.
    pub fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Under(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
            Kind::Exactly(exactly) => exactly == name,
        }
    }

    /// The name, if it stands for one only.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Exactly(name) => Some(name),
            _ => None,
        }
    }

    /// What the names that it stands for begin with, dot included, if it is a prefix.
    pub fn prefix(&self) -> Option<&str> {
        match &self.0 {
            Kind::Under(prefix) => Some(prefix),
            _ => None,
        }
    }
}

impl FromStr for Pattern {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        if text == "*" {
            return Ok(Self::any());
        }
        match text.strip_suffix(".*") {
            Some(stem) => Self::exactly(stem)
                .map(|_| Self(Kind::Under(format!("{stem}."))))
                .map_err(|_| CapabilityError::InvalidPattern { text: text.to_owned() }),
            None => Self::exactly(text),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => formatter.write_str("*"),
            Kind::Under(prefix) => write!(formatter, "{prefix}*"),
            Kind::Exactly(name) => formatter.write_str(name),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_matches_what_is_below_it_and_not_itself() {
        let pattern: Pattern = "web.*".parse().unwrap();
        assert!(pattern.matches("web.get") && pattern.matches("web.a.b"));
        assert!(!pattern.matches("web") && !pattern.matches("web.") && !pattern.matches("webs.x"));
    }

    #[test]
    fn patterns_are_read_as_they_are_written() {
        for text in ["*", "web.*", "a.b.*", "shell", "."] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
        for text in ["", "a*", "*.a", ".*", "**", "a.*.*"] {
            text.parse::<Pattern>().unwrap_err();
        }
    }
}
