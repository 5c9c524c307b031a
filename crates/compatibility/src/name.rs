//! Names as values: of one kind each, and fit to be shown to a person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// How many characters a name has at most.
pub const MAXIMUM_NAME_CHARACTERS: usize = 256;

/// A name that is not empty, not endless, and cannot write over a terminal.
fn accept(text: &str, expected: &'static str) -> Result<String, Invalid> {
    let length = text.chars().count();
    if length == 0 || length > MAXIMUM_NAME_CHARACTERS || text.contains(char::is_control) {
        return Err(Invalid::Name {
            text: text.chars().take(MAXIMUM_NAME_CHARACTERS).collect(),
            expected,
            maximum: MAXIMUM_NAME_CHARACTERS,
        });
    }
    Ok(text.to_owned())
}

/// The declared kinds differ only in what they name.
macro_rules! named {
    ($(#[$documentation:meta])* $name:ident, $expected:literal) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                accept(text, $expected).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

named! {
    /// The name of an extension, of who publishes it, or of a peer.
    Name, "name"
}

named! {
    /// The id of a capability, such as `web.get`. Ids are compared byte for byte (FC-UPGRADE-0001 §11).
    CapabilityId, "capability id"
}

named! {
    /// What kind of extension it is, such as `tool`.
    ExtensionKind, "kind of extension"
}

named! {
    /// What an extension may ask for, such as `network`.
    Permission, "permission"
}

named! {
    /// A feature of the protocol, such as `streaming`.
    FeatureName, "feature name"
}

/// Who an extension is: its name and its publisher, because two publishers may use the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionIdentity {
    /// Its name.
    pub name: Name,
    /// Who publishes it, if it says so.
    pub publisher: Option<Name>,
}

impl fmt::Display for ExtensionIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.publisher {
            Some(publisher) => write!(formatter, "{} by {publisher}", self.name),
            None => write!(formatter, "{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_shown_on_one_line() {
        let long = "x".repeat(MAXIMUM_NAME_CHARACTERS + 1);
        for text in ["", "a\nb", "\u{1b}[2J", long.as_str()] {
            assert!(text.parse::<CapabilityId>().is_err(), "{text:?} was accepted");
        }
        assert_eq!("web.get".parse::<CapabilityId>().unwrap().as_str(), "web.get");
        assert!(serde_json::from_str::<Permission>("\"\"").is_err());
    }

    #[test]
    fn two_publishers_may_use_the_same_name() {
        let by = |publisher: &str| ExtensionIdentity {
            name: "weather".parse().unwrap(),
            publisher: Some(publisher.parse().unwrap()),
        };
        assert_ne!(by("acme"), by("zenith"));
        assert_eq!(by("acme").to_string(), "weather by acme");
    }
}
