//! What kind of upgrade a pair of versions is (FC-UPGRADE-0001 §3).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{RuntimeVersion, Versions};

/// The kinds of upgrade that the specification names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpgradeKind {
    /// Bug fixes in the runtime.
    Patch,
    /// Backward-compatible changes of the runtime.
    Minor,
    /// Incompatible changes of the runtime.
    Major,
    /// The storage schema moves.
    StorageMigration,
    /// The capability registry or the policy dialect moves.
    CapabilityMigration,
    /// The set of extensions moves.
    ExtensionMigration,
    /// The configuration schema moves.
    ConfigurationMigration,
}

impl fmt::Display for UpgradeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::StorageMigration => "storage migration",
            Self::CapabilityMigration => "capability migration",
            Self::ExtensionMigration => "extension migration",
            Self::ConfigurationMigration => "configuration migration",
        })
    }
}

/// All kinds that one upgrade is at once. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UpgradeKinds(BTreeSet<UpgradeKind>);

impl UpgradeKinds {
    /// True if the upgrade is of this kind, among others.
    pub fn contains(&self, kind: UpgradeKind) -> bool {
        self.0.contains(&kind)
    }

    /// The kinds, in the order in which the specification lists them.
    pub fn iter(&self) -> impl Iterator<Item = UpgradeKind> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for UpgradeKinds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, kind) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{kind}")?;
        }
        Ok(())
    }
}

/// Why a pair of versions is no upgrade.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnUpgrade {
    /// Every version is the same.
    #[error("both sides have the same versions")]
    Same,
    /// A part would go back. Going back is a rollback, never an upgrade.
    #[error("the {part} would go back from {from} to {to}, which only a rollback may do")]
    Backwards {
        /// Which part.
        part: &'static str,
        /// Its version now.
        from: String,
        /// Its version after.
        to: String,
    },
}

/// Classifies the step from one set of versions to another.
///
/// The runtime's kind is that of the leftmost number that moves. Two cases count as major although a lesser number moves,
/// because Semantic Versioning promises nothing there: versions below 1.0.0 (clause 4), and a pre-release on either side
/// (clause 9). A runtime whose precedence stays the same while another part moves is a patch.
///
/// # Errors
/// [`NotAnUpgrade::Same`] if nothing moves, [`NotAnUpgrade::Backwards`] naming the first part that would go back.
pub fn classify(from: &Versions, to: &Versions) -> Result<UpgradeKinds, NotAnUpgrade> {
    forwards("runtime", &from.runtime, &to.runtime)?;
    forwards("storage schema", &from.storage, &to.storage)?;
    forwards("configuration schema", &from.configuration, &to.configuration)?;
    forwards("protocol", &from.protocol, &to.protocol)?;
    forwards("capability set", &from.capabilities, &to.capabilities)?;
    forwards("extension set", &from.extensions, &to.extensions)?;
    if from == to {
        return Err(NotAnUpgrade::Same);
    }
    let mut kinds = BTreeSet::from([runtime_kind(&from.runtime, &to.runtime)]);
    let parts = [
        (from.storage != to.storage, UpgradeKind::StorageMigration),
        (from.capabilities != to.capabilities, UpgradeKind::CapabilityMigration),
        (from.extensions != to.extensions, UpgradeKind::ExtensionMigration),
        (from.configuration != to.configuration, UpgradeKind::ConfigurationMigration),
    ];
    kinds.extend(parts.into_iter().filter(|(moves, _)| *moves).map(|(_, kind)| kind));
    Ok(UpgradeKinds(kinds))
}

fn forwards<V: PartialOrd + fmt::Display>(
    part: &'static str,
    from: &V,
    to: &V,
) -> Result<(), NotAnUpgrade> {
    if from <= to {
        return Ok(());
    }
    Err(NotAnUpgrade::Backwards { part, from: from.to_string(), to: to.to_string() })
}

// trace: impl FC-4.1.2 FC-4.1.3 FC-4.1.4
fn runtime_kind(from: &RuntimeVersion, to: &RuntimeVersion) -> UpgradeKind {
    if from == to {
        UpgradeKind::Patch
    } else if from.major() != to.major() || from.is_prerelease() || to.is_prerelease() {
        UpgradeKind::Major
    } else if from.minor() != to.minor() {
        if from.major() == 0 { UpgradeKind::Major } else { UpgradeKind::Minor }
    } else {
        UpgradeKind::Patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapabilitySet, ConfigurationSchema, ExtensionSet, ProtocolVersion, SchemaVersion};
    use proptest::prelude::*;

    fn versions(runtime: &str, storage: u32) -> Versions {
        Versions {
            runtime: runtime.parse().unwrap(),
            storage: SchemaVersion::new(storage),
            configuration: ConfigurationSchema::new(1),
            protocol: ProtocolVersion { major: 1, minor: 0 },
            capabilities: CapabilitySet::new(1),
            extensions: ExtensionSet::new(1),
        }
    }

    fn kinds(from: &str, to: &str) -> Vec<UpgradeKind> {
        classify(&versions(from, 1), &versions(to, 1)).unwrap().iter().collect()
    }

    // trace: test FC-4.1.2 FC-4.1.3 FC-4.1.4
    #[test]
    fn the_leftmost_number_that_moves_names_the_kind() {
        assert_eq!(kinds("1.0.0", "1.0.3"), [UpgradeKind::Patch]);
        assert_eq!(kinds("1.0.3", "1.1.0"), [UpgradeKind::Minor]);
        assert_eq!(kinds("1.9.9", "2.0.0"), [UpgradeKind::Major]);
    }

    // trace: test FC-4.1.2
    #[test]
    fn where_semantic_versioning_promises_nothing_the_kind_is_major() {
        assert_eq!(kinds("0.1.0", "0.2.0"), [UpgradeKind::Major]);
        assert_eq!(kinds("0.1.0", "0.1.1"), [UpgradeKind::Patch]);
        assert_eq!(kinds("2.0.0-rc.1", "2.0.0"), [UpgradeKind::Major]);
        assert_eq!(kinds("2.0.0", "2.0.1-beta"), [UpgradeKind::Major]);
    }

    #[test]
    fn every_part_that_moves_adds_its_kind() {
        let from = versions("1.0.3", 1);
        let to = Versions {
            storage: SchemaVersion::new(3),
            configuration: ConfigurationSchema::new(2),
            capabilities: CapabilitySet::new(2),
            extensions: ExtensionSet::new(2),
            ..versions("2.0.0", 1)
        };
        assert_eq!(
            classify(&from, &to).unwrap().to_string(),
            "major, storage migration, capability migration, extension migration, \
             configuration migration"
        );
    }

    #[test]
    fn an_upgrade_is_of_the_kinds_that_it_lists_and_of_no_other() {
        let kinds = classify(&versions("1.0.3", 1), &versions("1.1.0", 2)).unwrap();
        let all = [
            UpgradeKind::Patch,
            UpgradeKind::Minor,
            UpgradeKind::Major,
            UpgradeKind::StorageMigration,
            UpgradeKind::CapabilityMigration,
            UpgradeKind::ExtensionMigration,
            UpgradeKind::ConfigurationMigration,
        ];
        let contained: Vec<_> = all.into_iter().filter(|kind| kinds.contains(*kind)).collect();
        assert_eq!(contained, [UpgradeKind::Minor, UpgradeKind::StorageMigration]);
        assert_eq!(kinds.iter().collect::<Vec<_>>(), contained);
        // By the same names in text and in JSON.
        assert_eq!(serde_json::to_string(&kinds).unwrap(), r#"["minor","storage_migration"]"#);
        assert_eq!(UpgradeKind::Patch.to_string(), "patch");
    }

    #[test]
    fn going_back_is_never_an_upgrade() {
        let error = classify(&versions("1.0.3", 3), &versions("2.0.0", 2)).unwrap_err();
        let expected = NotAnUpgrade::Backwards {
            part: "storage schema",
            from: "3".to_owned(),
            to: "2".to_owned(),
        };
        assert_eq!(error, expected);
        assert_eq!(
            error.to_string(),
            "the storage schema would go back from 3 to 2, which only a rollback may do"
        );
        assert_eq!(
            classify(&versions("1.0.3", 1), &versions("1.0.3+other", 1)),
            Err(NotAnUpgrade::Same)
        );
    }

    proptest! {
        #[test]
        fn exactly_one_direction_of_two_different_versions_is_an_upgrade(
            a in (0_u64..3, 0_u64..3, 0_u64..3),
            b in (0_u64..3, 0_u64..3, 0_u64..3),
        ) {
            let text = |(major, minor, patch)| format!("{major}.{minor}.{patch}");
            let (from, to) = (versions(&text(a), 1), versions(&text(b), 1));
            let ways = [classify(&from, &to).is_ok(), classify(&to, &from).is_ok()];
            let upgrades = ways.into_iter().filter(|way| *way).count();
            prop_assert_eq!(upgrades, usize::from(a != b));
        }
    }
}
