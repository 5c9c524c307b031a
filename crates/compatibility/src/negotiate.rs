//! Which version of the protocol two peers of different releases use (FC-UPGRADE-0001 §24).
//!
//! The answer is the highest version that both speak and at which every feature that either requires there is on both
//! sides. Within a major only the highest common minor is tried: a lower one never has more features. A lower major is
//! tried, because what a peer requires is stated for each major by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use versioning::ProtocolVersion;

use crate::{FeatureName, Invalid, Name, Span};

/// What a peer says of the protocol that it speaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Statement", into = "Statement")]
pub struct Speaks {
    peer: Name,
    majors: BTreeMap<u32, Dialect>,
}

/// What a peer speaks of one major of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The minors that it speaks.
    pub minors: Span<u32>,
    /// The features that it has.
    pub features: BTreeMap<FeatureName, Feature>,
}

/// A feature of a protocol's major.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The minor that it needs.
    pub since: u32,
    /// Whether the peer does not talk without it.
    pub required: bool,
}

/// How [`Speaks`] is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    peer: Name,
    majors: BTreeMap<u32, Dialect>,
}

impl Speaks {
    /// What a peer speaks, by major.
    ///
    /// # Errors
    /// [`Invalid::Silent`] without any major, [`Invalid::Feature`] for a feature that no minor that is spoken can have.
    // trace: impl FC-24.4
    pub fn new(peer: Name, majors: BTreeMap<u32, Dialect>) -> Result<Self, Invalid> {
        if majors.is_empty() {
            return Err(Invalid::Silent { peer: peer.to_string() });
        }
        for (major, dialect) in &majors {
            let newest = dialect.minors.newest();
            let late = dialect.features.iter().find(|(_, feature)| feature.since > newest);
            if let Some((feature, Feature { since, .. })) = late {
                let (peer, feature) = (peer.to_string(), feature.to_string());
                return Err(Invalid::Feature {
                    peer,
                    feature,
                    major: *major,
                    since: *since,
                    newest,
                });
            }
        }
        Ok(Self { peer, majors })
    }

    /// Who it is, for messages.
    pub fn peer(&self) -> &Name {
        &self.peer
    }

    /// What it speaks, by major.
    pub fn majors(&self) -> &BTreeMap<u32, Dialect> {
        &self.majors
    }

    /// Whether it speaks a version.
    pub fn speaks(&self, version: ProtocolVersion) -> bool {
        let dialect = self.majors.get(&version.major);
        dialect.is_some_and(|dialect| dialect.minors.contains(version.minor))
    }

    /// The versions in words, such as `1.0 to 1.3 and 2.0`.
    pub fn versions(&self) -> String {
        let spans = self.majors.iter().map(|(&major, dialect)| {
            let at = |minor| ProtocolVersion { major, minor };
            let minors = &dialect.minors;
            Span::new(at(minors.oldest()), at(minors.newest()))
                .map_or_else(|_| String::new(), |span| span.to_string())
        });
        spans.collect::<Vec<_>>().join(" and ")
    }
}

impl TryFrom<Statement> for Speaks {
    type Error = Invalid;

    fn try_from(statement: Statement) -> Result<Self, Self::Error> {
        Self::new(statement.peer, statement.majors)
    }
}

impl From<Speaks> for Statement {
    fn from(speaks: Speaks) -> Self {
        Self { peer: speaks.peer, majors: speaks.majors }
    }
}

/// What two peers use between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// The version.
    pub version: ProtocolVersion,
    /// The features that both have at that version.
    pub features: BTreeSet<FeatureName>,
    /// Why no higher version was taken, if both speak one.
    pub passed_over: Vec<Misfit>,
}

/// Two peers that have no version in common at which both have what either requires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{first} and {second} cannot talk: {}", sentences(misfits))]
pub struct NoAgreement {
    /// The peer whose statement comes first in order, not in the call.
    pub first: Name,
    /// The other.
    pub second: Name,
    /// Every reason. Never empty.
    pub misfits: Vec<Misfit>,
}

/// Why two peers cannot use a version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Misfit {
    /// They have no major in common.
    NoCommonMajor {
        /// What the first speaks.
        first: String,
        /// What the second speaks.
        second: String,
    },
    /// They have a major in common, and no minor of it.
    NoCommonMinor {
        /// The major.
        major: u32,
        /// The minors that the first speaks.
        first: Span<u32>,
        /// The minors that the second speaks.
        second: Span<u32>,
    },
    /// A feature that one of them requires is not there at their highest common minor.
    RequiredFeatureMissing {
        /// Their highest common version of that major.
        version: ProtocolVersion,
        /// The feature.
        feature: FeatureName,
        /// Who requires it.
        required_by: BTreeSet<Name>,
        /// Who does not have it at that version.
        missing_at: BTreeSet<Name>,
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommonMajor { first, second } => {
                write!(formatter, "one speaks {first}, the other {second}")
            }
            Self::NoCommonMinor { major, first, second } => write!(
                formatter,
                "of protocol {major}, one speaks the minors {first}, the other {second}"
            ),
            Self::RequiredFeatureMissing { version, feature, required_by, missing_at } => write!(
                formatter,
                "{feature} is required by {}, and at {version} it is missing from {}",
                list(required_by),
                list(missing_at)
            ),
        }
    }
}

fn list(names: &BTreeSet<Name>) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(" and ")
}

fn sentences(misfits: &[Misfit]) -> String {
    misfits.iter().map(Misfit::to_string).collect::<Vec<_>>().join("; ")
}

/// Which version of the protocol two peers use, and with which features (FC-UPGRADE-0001 §24). The order of the peers makes no
/// difference.
///
/// # Errors
/// [`NoAgreement`] with every reason, for every major that they have in common.
// trace: impl FC-24.1 FC-24.2.1 FC-24.3
pub fn negotiate(a: &Speaks, b: &Speaks) -> Result<Agreement, NoAgreement> {
    // One order whoever asks: this is what makes the answer, and its messages, the same for both.
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let mut misfits = Vec::new();
    for (&major, ours) in first.majors.iter().rev() {
        let Some(theirs) = second.majors.get(&major) else { continue };
        let Some(minors) = ours.minors.common(&theirs.minors) else {
            let (first, second) = (ours.minors, theirs.minors);
            misfits.push(Misfit::NoCommonMinor { major, first, second });
            continue;
        };
        let version = ProtocolVersion { major, minor: minors.newest() };
        let missing = missing(version, (&first.peer, ours), (&second.peer, theirs));
        if missing.is_empty() {
            let features = common_features(version, ours, theirs);
            return Ok(Agreement { version, features, passed_over: misfits });
        }
        misfits.extend(missing);
    }
    if misfits.is_empty() {
        let (first, second) = (first.versions(), second.versions());
        misfits.push(Misfit::NoCommonMajor { first, second });
    }
    Err(NoAgreement { first: first.peer.clone(), second: second.peer.clone(), misfits })
}

fn has(version: ProtocolVersion, dialect: &Dialect, feature: &FeatureName) -> bool {
    dialect.features.get(feature).is_some_and(|feature| feature.since <= version.minor)
}

fn common_features(
    version: ProtocolVersion,
    ours: &Dialect,
    theirs: &Dialect,
) -> BTreeSet<FeatureName> {
    let features = ours.features.keys();
    let both =
        |feature: &&FeatureName| has(version, ours, feature) && has(version, theirs, feature);
    features.filter(both).cloned().collect()
}

/// Every feature that one of the two requires and that is not on both sides, in the order of names.
// trace: impl FC-24.2.1 FC-24.4
fn missing(
    version: ProtocolVersion,
    first: (&Name, &Dialect),
    second: (&Name, &Dialect),
) -> Vec<Misfit> {
    let sides = [first, second];
    let features = sides.iter().flat_map(|(_, dialect)| dialect.features.keys());
    let features: BTreeSet<_> = features.collect();
    let misfit = |feature: &FeatureName| {
        let of = |wanted: &dyn Fn(&Dialect) -> bool| -> BTreeSet<Name> {
            let found = sides.iter().filter(|(_, dialect)| wanted(dialect));
            found.map(|(peer, _)| (*peer).clone()).collect()
        };
        let required_by =
            of(&|dialect| dialect.features.get(feature).is_some_and(|found| found.required));
        let missing_at = of(&|dialect| !has(version, dialect, feature));
        (!required_by.is_empty() && !missing_at.is_empty()).then(|| {
            let feature = feature.clone();
            Misfit::RequiredFeatureMissing { version, feature, required_by, missing_at }
        })
    };
    features.into_iter().filter_map(misfit).collect()
}
