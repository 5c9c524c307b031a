//! Ranges of versions (FC-UPGRADE-0001 §4, §13).
//!
//! # What a range of runtime versions holds
//!
//! 1. A range is a list of requirements, each in Cargo's notation (`^1.0.3`, `>=1.0.0, <2.1.0`, `=2.0.0-rc.1`). A version is
//!    in the range if it satisfies all comparators of at least one of them. An empty list holds no version.
//! 2. A pre-release satisfies a requirement only if one of its comparators names a pre-release of the same
//!    MAJOR.MINOR.PATCH. So `>=1.0.0` holds 2.0.0 and not 2.0.0-rc.1, and `>=2.0.0-rc.1` holds 2.0.0-rc.2 and not
//!    2.1.0-rc.1: who writes a range knows of the pre-releases that it means.
//! 3. Build metadata takes no part in any comparison; versions keep it for display.

use std::fmt;

use semver::VersionReq;
use serde::{Deserialize, Serialize};
use versioning::RuntimeVersion;

use crate::Invalid;

/// A range of runtime versions, as the module's documentation defines it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuntimeRange(Vec<VersionReq>);

impl RuntimeRange {
    /// The range of what satisfies at least one of these requirements.
    ///
    /// # Errors
    /// [`Invalid::Range`] for the first text that is no requirement.
    pub fn parse(requirements: &[&str]) -> Result<Self, Invalid> {
        let parse = |text: &&str| {
            VersionReq::parse(text).map_err(|error| Invalid::Range {
                text: (*text).to_owned(),
                reason: error.to_string(),
            })
        };
        requirements.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// The range that holds no version.
    pub const fn nothing() -> Self {
        Self(Vec::new())
    }

    /// The range that holds every version that is no pre-release.
    pub fn releases() -> Self {
        Self(vec![VersionReq::STAR])
    }

    /// Whether a version is in the range.
    pub fn contains(&self, version: &RuntimeVersion) -> bool {
        // A runtime version prints as what it was parsed from. If that ever failed, it would be in no range.
        semver::Version::parse(&version.to_string())
            .is_ok_and(|version| self.0.iter().any(|requirement| requirement.matches(&version)))
    }

    /// The range of what is in this one or in another.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }
}

impl fmt::Display for RuntimeRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("no version");
        }
        for (index, requirement) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " or " };
            write!(formatter, "{separator}{requirement}")?;
        }
        Ok(())
    }
}

/// Numbered versions from an oldest to a newest, both included. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Ends<V>", into = "Ends<V>")]
#[serde(bound(
    serialize = "V: Copy + Serialize",
    deserialize = "V: Copy + Ord + fmt::Display + Deserialize<'de>"
))]
pub struct Span<V> {
    oldest: V,
    newest: V,
}

/// How a span is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends<V> {
    oldest: V,
    newest: V,
}

impl<V: Copy + Ord + fmt::Display> Span<V> {
    /// The span from the oldest to the newest, both included.
    ///
    /// # Errors
    /// [`Invalid::Span`] if it ends before it begins.
    pub fn new(oldest: V, newest: V) -> Result<Self, Invalid> {
        if oldest > newest {
            return Err(Invalid::Span { oldest: oldest.to_string(), newest: newest.to_string() });
        }
        Ok(Self { oldest, newest })
    }

    /// The span of one version.
    pub const fn only(version: V) -> Self {
        Self { oldest: version, newest: version }
    }

    /// Its oldest version.
    pub const fn oldest(&self) -> V {
        self.oldest
    }

    /// Its newest version.
    pub const fn newest(&self) -> V {
        self.newest
    }

    /// Whether a version is in it.
    pub fn contains(&self, version: V) -> bool {
        self.oldest <= version && version <= self.newest
    }

    /// What both spans hold, if anything.
    pub fn common(&self, other: &Self) -> Option<Self> {
        Self::new(self.oldest.max(other.oldest), self.newest.min(other.newest)).ok()
    }

    /// The smallest span that holds all of both.
    #[must_use]
    pub fn cover(&self, other: &Self) -> Self {
        Self { oldest: self.oldest.min(other.oldest), newest: self.newest.max(other.newest) }
    }
}

impl<V: Copy + Ord + fmt::Display> TryFrom<Ends<V>> for Span<V> {
    type Error = Invalid;

    fn try_from(ends: Ends<V>) -> Result<Self, Self::Error> {
        Self::new(ends.oldest, ends.newest)
    }
}

impl<V> From<Span<V>> for Ends<V> {
    fn from(span: Span<V>) -> Self {
        Self { oldest: span.oldest, newest: span.newest }
    }
}

impl<V: Ord + fmt::Display> fmt::Display for Span<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.oldest == self.newest {
            return write!(formatter, "{}", self.oldest);
        }
        write!(formatter, "{} to {}", self.oldest, self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(requirements: &[&str], version: &str) -> bool {
        RuntimeRange::parse(requirements).unwrap().contains(&version.parse().unwrap())
    }

    #[test]
    fn a_version_is_in_the_range_if_one_requirement_holds_it() {
        assert!(holds(&["=1.0.0", "^2"], "1.0.0"));
        assert!(holds(&["=1.0.0", "^2"], "2.7.1"));
        assert!(!holds(&["=1.0.0", "^2"], "1.0.3"));
        assert!(!holds(&[], "1.0.0"));
    }

    #[test]
    fn a_prerelease_is_held_only_where_the_range_names_one_of_the_same_version() {
        assert!(!holds(&[">=1.0.0"], "2.0.0-rc.1"));
        assert!(!holds(&["*"], "2.0.0-rc.1"));
        assert!(holds(&[">=2.0.0-rc.1"], "2.0.0-rc.2"));
        assert!(holds(&[">=2.0.0-rc.1"], "2.0.0"));
        assert!(!holds(&[">=2.0.0-rc.1"], "2.1.0-rc.1"));
        assert!(!holds(&[">=2.0.0-rc.2"], "2.0.0-rc.1"));
    }

    #[test]
    fn build_metadata_is_ignored_and_kept_for_display() {
        assert!(holds(&["=1.0.3"], "1.0.3+linux"));
        assert!(holds(&["=1.0.3+mac"], "1.0.3+linux"));
        let version: RuntimeVersion = "1.0.3+linux".parse().unwrap();
        assert_eq!(version.to_string(), "1.0.3+linux");
    }

    #[test]
    fn a_range_reads_and_prints_as_a_list_of_requirements() {
        let range: RuntimeRange = serde_json::from_str(r#"["^1.0.3","=2.0.0-rc.1"]"#).unwrap();
        assert_eq!(range.to_string(), "^1.0.3 or =2.0.0-rc.1");
        assert_eq!(serde_json::to_string(&range).unwrap(), r#"["^1.0.3","=2.0.0-rc.1"]"#);
        assert!(RuntimeRange::parse(&["banana"]).is_err());
        assert_eq!(RuntimeRange::nothing().to_string(), "no version");
    }

    #[test]
    fn a_span_that_ends_before_it_begins_does_not_exist() {
        assert!(Span::new(3_u32, 2).is_err());
        assert!(serde_json::from_str::<Span<u32>>(r#"{"oldest":3,"newest":2}"#).is_err());
        let span: Span<u32> = serde_json::from_str(r#"{"oldest":2,"newest":3}"#).unwrap();
        assert!(span.contains(2) && span.contains(3) && !span.contains(4));
        assert_eq!(span.to_string(), "2 to 3");
        assert_eq!(span.common(&Span::only(4)), None);
        assert_eq!(span.cover(&Span::only(5)), Span::new(2, 5).unwrap());
    }
}
