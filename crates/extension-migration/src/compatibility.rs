//! Which runtimes an extension runs on (FC-UPGRADE-0001 §12, "extension compatibility").

use std::fmt;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use versioning::RuntimeVersion;

use crate::identity::{NameRule, check_name};

/// What hosts an extension: `shell`, `rust`, `wasm` and the like. Spelled by the rules for names of an
/// [`ExtensionIdentity`](crate::ExtensionIdentity).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kind(String);

/// A text that is no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kind {text:?} {rule}")]
pub struct InvalidKind {
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub rule: NameRule,
}

impl Kind {
    /// A kind.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(text: &str) -> Result<Self, InvalidKind> {
        check_name(text).map_err(|rule| InvalidKind { text: text.to_owned(), rule })?;
        Ok(Self(text.to_owned()))
    }

    /// Its spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Kind {
    type Error = InvalidKind;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What an extension says of the runtimes that it runs on.
///
/// Not to be taken from the `runtime:` of a 1.0.x manifest: that one names the kind and the version of what hosts the
/// extension (`shell`, `rust >=1.70`), never a version of FemtoClaw. So every 1.0.x extension is `Unstated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compatibility {
    /// It says nothing. What that means is for the release to say: [`UnstatedPolicy`].
    Unstated,
    /// It runs on every runtime that one of these ranges holds for; with no range, on none.
    ///
    /// By the rules of Cargo: a pre-release such as `2.0.0-rc.1` is held only by a range that names a pre-release of 2.0.0.
    AnyOf(Vec<VersionReq>),
    /// It says something that is no range, which no runtime satisfies.
    Unreadable {
        /// What it says.
        text: String,
        /// Why that is no range.
        reason: String,
    },
}

/// What it means that an extension says nothing of the runtimes that it runs on. A release decides it for its runtime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnstatedPolicy {
    /// It is not known to run, so it does not. This is what holds unless a release says otherwise.
    #[default]
    Incompatible,
    /// The runtime still runs what older ones ran: it is compatible if its kind is hosted.
    CompatibleIfHosted,
}

impl Compatibility {
    /// Reads ranges, of which one must hold.
    pub fn read(ranges: &[&str]) -> Self {
        let mut parsed = Vec::with_capacity(ranges.len());
        for text in ranges {
            match VersionReq::parse(text) {
                Ok(range) => parsed.push(range),
                Err(error) => {
                    let reason = error.to_string();
                    return Self::Unreadable { text: (*text).to_owned(), reason };
                }
            }
        }
        Self::AnyOf(parsed)
    }

    /// Whether it holds for a runtime, for which `policy` says what silence means.
    pub fn holds_for(&self, runtime: &RuntimeVersion, policy: UnstatedPolicy) -> bool {
        match self {
            Self::Unstated => policy == UnstatedPolicy::CompatibleIfHosted,
            // A runtime's version is a semantic version; were it none, nothing would hold for it.
            Self::AnyOf(ranges) => Version::parse(&runtime.to_string())
                .is_ok_and(|version| ranges.iter().any(|range| range.matches(&version))),
            Self::Unreadable { .. } => false,
        }
    }
}

impl fmt::Display for Compatibility {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstated => formatter.write_str("unstated"),
            Self::AnyOf(ranges) if ranges.is_empty() => formatter.write_str("no runtime at all"),
            Self::AnyOf(ranges) => {
                let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                formatter.write_str(&ranges.join(" or "))
            }
            Self::Unreadable { text, .. } => write!(formatter, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: RuntimeVersion = RuntimeVersion::new(2, 0, 0);

    fn holds(ranges: &[&str], runtime: &RuntimeVersion) -> bool {
        Compatibility::read(ranges).holds_for(runtime, UnstatedPolicy::CompatibleIfHosted)
    }

    #[test]
    fn one_of_the_ranges_must_hold() {
        assert!(holds(&[">=1.0, <3"], &TWO));
        assert!(holds(&["^1", "^2"], &TWO));
        assert!(!holds(&["^1"], &TWO));
        assert!(!holds(&[], &TWO));
        assert!(!holds(&["^2", "banana"], &TWO));
    }

    #[test]
    fn a_prerelease_is_held_only_by_a_range_that_names_one() {
        let candidate: RuntimeVersion = "2.0.0-rc.1".parse().unwrap();
        assert!(!holds(&[">=1.0"], &candidate));
        assert!(holds(&[">=2.0.0-rc.0"], &candidate));
    }

    #[test]
    fn what_silence_means_is_for_the_release_to_say() {
        let unstated = Compatibility::Unstated;
        assert!(!unstated.holds_for(&TWO, UnstatedPolicy::default()));
        assert!(unstated.holds_for(&TWO, UnstatedPolicy::CompatibleIfHosted));
    }

    #[test]
    fn compatibility_survives_json() {
        for value in [
            Compatibility::Unstated,
            Compatibility::read(&["^1", "^2"]),
            Compatibility::read(&["banana"]),
        ] {
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Compatibility>(&json).unwrap(), value);
        }
        assert!(Kind::new("Shell").is_err());
    }
}
