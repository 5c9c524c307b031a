//! The versions of everything that moves together.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the version it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {expected}: {reason}")]
pub struct InvalidVersion {
    /// What was found.
    pub text: String,
    /// What it should have been.
    pub expected: &'static str,
    /// Why it is not.
    pub reason: String,
}

/// The version of the runtime: MAJOR.MINOR.PATCH by Semantic Versioning 2.0.0 (FC-UPGRADE-0001 §4).
///
/// Ordered by precedence. Build metadata takes no part in precedence, so two versions that differ only there are equal
/// for every decision of this system.
// trace: impl FC-4.1.1
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuntimeVersion(semver::Version);

impl RuntimeVersion {
    /// A release version without pre-release or build metadata.
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(major, minor, patch))
    }

    /// Incompatible changes.
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// Backward-compatible changes.
    pub fn minor(&self) -> u64 {
        self.0.minor
    }

    /// Bug fixes.
    pub fn patch(&self) -> u64 {
        self.0.patch
    }

    /// True for versions such as `2.0.0-rc.1`.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }
}

// trace: impl FC-4.1.1
impl Ord for RuntimeVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl PartialOrd for RuntimeVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RuntimeVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for RuntimeVersion {}

impl fmt::Display for RuntimeVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

// trace: impl FC-4.1.1
impl FromStr for RuntimeVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        semver::Version::parse(text).map(Self).map_err(|error| InvalidVersion {
            text: text.to_owned(),
            expected: "semantic version",
            reason: error.to_string(),
        })
    }
}

/// A whole-number version: the declared kinds differ only in what they number.
macro_rules! numbered {
    ($(#[$documentation:meta])* $name:ident($number:ty)) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($number);

        impl $name {
            /// The version with this number.
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn number(self) -> $number {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

numbered! {
    /// The version of the storage schema: which keyspaces there are, and how their records are coded.
    ///
    /// One number, because every change of a schema is incompatible by definition (a MAJOR, in the words of §4): a
    /// runtime says which schemas it reads and writes.
    SchemaVersion(u32)
}

numbered! {
    /// The version of the configuration's schema. One number, for the same reason as [`SchemaVersion`].
    ConfigurationSchema(u32)
}

numbered! {
    /// The revision of the capability registry and the policy dialect.
    CapabilitySet(u32)
}

numbered! {
    /// The revision of the set of extensions that a release brings.
    ExtensionSet(u32)
}

numbered! {
    /// The number of a generation within a home: 1 is what was adopted, each upgrade builds the next. Not used
    /// again, unless the journal was lost and nothing of the generation was left.
    GenerationNumber(u64)
}

impl GenerationNumber {
    /// The first generation of a home.
    pub const FIRST: Self = Self(1);

    /// The generation after this one. Saturates, which no home lives to see.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl FromStr for GenerationNumber {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason: String| InvalidVersion {
            text: text.to_owned(),
            expected: "generation number",
            reason,
        };
        match text.parse() {
            Ok(0) => Err(invalid("generations are numbered from 1".to_owned())),
            Ok(number)
                if text.starts_with(|first: char| first.is_ascii_digit() && first != '0') =>
            {
                Ok(Self(number))
            }
            Ok(_) => Err(invalid("leading zeros or signs are not allowed".to_owned())),
            Err(error) => Err(invalid(error.to_string())),
        }
    }
}

/// The version of the protocol between runtimes and tools: peers with the same major understand each other, and use the
/// lower of their minors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProtocolVersion {
    /// Incompatible changes.
    pub major: u32,
    /// Backward-compatible changes.
    pub minor: u32,
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// The versions of everything that a generation holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The runtime binary.
    pub runtime: RuntimeVersion,
    /// The store.
    pub storage: SchemaVersion,
    /// The configuration.
    pub configuration: ConfigurationSchema,
    /// The protocol that the runtime speaks.
    pub protocol: ProtocolVersion,
    /// Capability registry and policy.
    pub capabilities: CapabilitySet,
    /// The extensions that come with the release.
    pub extensions: ExtensionSet,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // trace: test FC-4.1.1
    #[test]
    fn build_metadata_takes_no_part_in_precedence() {
        let plain: RuntimeVersion = "2.0.0".parse().unwrap();
        let built: RuntimeVersion = "2.0.0+linux".parse().unwrap();
        assert_eq!(plain, built);
        assert_eq!(built.to_string(), "2.0.0+linux");
    }

    // trace: test FC-4.1.1
    #[test]
    fn a_prerelease_comes_before_its_release() {
        let candidate: RuntimeVersion = "2.0.0-rc.1".parse().unwrap();
        assert!(candidate < RuntimeVersion::new(2, 0, 0));
        assert!(candidate > RuntimeVersion::new(1, 0, 3));
        assert!(candidate.is_prerelease());
    }

    // trace: test FC-4.1.1
    #[test]
    fn what_is_no_semantic_version_is_refused_with_its_text() {
        for text in ["banana", "1.0", "1", "01.0.0", ""] {
            let error = text.parse::<RuntimeVersion>().unwrap_err();
            assert_eq!(error.text, text);
        }
    }

    #[test]
    fn each_number_of_a_version_is_told_by_its_name() {
        let version: RuntimeVersion = "3.5.7-rc.2+linux".parse().unwrap();
        assert_eq!((version.major(), version.minor(), version.patch()), (3, 5, 7));
        let protocol = ProtocolVersion { major: 2, minor: 4 };
        assert_eq!(protocol.to_string(), "2.4");
        assert_eq!(
            (SchemaVersion::new(3).number(), CapabilitySet::new(4).to_string()),
            (3, "4".to_owned())
        );
        assert_eq!(GenerationNumber::FIRST.next(), GenerationNumber::new(2));
    }

    #[test]
    fn a_generation_number_has_one_spelling() {
        assert_eq!("7".parse(), Ok(GenerationNumber::new(7)));
        for text in ["0", "07", "+7", "-7", "7 ", "", "99999999999999999999999"] {
            assert!(text.parse::<GenerationNumber>().is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn a_runtime_version_survives_printing(major: u64, minor: u64, patch: u64) {
            let version = RuntimeVersion::new(major, minor, patch);
            prop_assert_eq!(version.to_string().parse::<RuntimeVersion>().unwrap(), version);
        }

        #[test]
        fn versions_are_ordered_by_their_numbers_from_the_left(
            a in (0_u64..3, 0_u64..3, 0_u64..3),
            b in (0_u64..3, 0_u64..3, 0_u64..3),
        ) {
            let version = |(major, minor, patch)| RuntimeVersion::new(major, minor, patch);
            prop_assert_eq!(version(a).cmp(&version(b)), a.cmp(&b));
            prop_assert_eq!(version(a) == version(b), a == b);
        }

        #[test]
        fn what_is_parsed_is_printed_as_it_was(
            text: String, version in "[0-9]\\.[0-9]{1,2}\\.[0-9]{1,2}[-+.a0-9]{0,6}", number in "[+0-9]{0,4}",
        ) {
            for text in [&text, &version, &number] {
                let version = text.parse::<RuntimeVersion>();
                prop_assert!(version.map_or(true, |version| version.to_string() == *text));
                let number = text.parse::<GenerationNumber>();
                prop_assert!(number.map_or(true, |number| number.to_string() == *text));
            }
        }
    }
}
