//! Reasons about a release as a whole, and about its configuration.

use serde::{Deserialize, Serialize};
use versioning::{ConfigurationSchema, RuntimeVersion};

use super::{Severity, Telling};
use crate::{Part, Span};

/// A reason about a release as a whole, or about its configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReleaseReason {
    /// The release cannot be reached directly from this runtime.
    RuntimeOutOfRange {
        /// What is installed.
        installed: RuntimeVersion,
        /// What is offered.
        offered: RuntimeVersion,
        /// From where it can be reached.
        upgrades_from: String,
    },
    /// A part would go back.
    Downgrade {
        /// Which.
        part: Part,
        /// Its version now.
        from: String,
        /// Its version after.
        to: String,
    },
    /// The runtime's version stays as it is.
    SameVersion {
        /// The version that is offered.
        version: RuntimeVersion,
        /// The other parts that move forward. If there are none, this is no upgrade.
        moving: Vec<Part>,
    },
    /// The release is only taken when asked for, and was not.
    PrereleaseNotAskedFor {
        /// Its version.
        version: RuntimeVersion,
    },
    /// The release is only taken when asked for, and was.
    PrereleaseAskedFor {
        /// Its version.
        version: RuntimeVersion,
    },
    /// The configuration is of a schema that the release cannot migrate from.
    ConfigurationNotMigratable {
        /// The schema that is installed.
        found: ConfigurationSchema,
        /// The schemas that it migrates from.
        migrates_from: Span<ConfigurationSchema>,
    },
    /// The configuration will be migrated.
    ConfigurationMigrates {
        /// From this schema …
        from: ConfigurationSchema,
        /// … to this one.
        to: ConfigurationSchema,
    },
}

impl ReleaseReason {
    pub(super) fn telling(&self) -> Telling {
        use Severity::{Note, Refuse};
        match self {
            Self::RuntimeOutOfRange { installed, offered, upgrades_from } => Telling::new(
                Refuse,
                "runtime-out-of-range",
                "§13",
                format!("{offered} can be reached from {upgrades_from}, not from {installed}."),
            )
            .about("runtime")
            .advise("Upgrade to a release in between first."),
            Self::Downgrade { part, from, to } => Telling::new(
                Refuse,
                "downgrade",
                "§3",
                format!("The {part} would go back from {from} to {to}."),
            )
            .about(part.to_string())
            .advise("Going back is done by a rollback."),
            Self::SameVersion { version, moving } => Self::same_version(version, moving),
            Self::PrereleaseNotAskedFor { version } => Telling::new(
                Refuse,
                "prerelease-not-asked-for",
                "§4",
                format!("{version} is only taken when it is asked for, and it was not."),
            )
            .about("pre-release")
            .advise(format!("Ask for {version} by its version if you want it.")),
            Self::PrereleaseAskedFor { version } => Telling::new(
                Note,
                "prerelease-asked-for",
                "§4",
                format!("{version} is taken because it was asked for: it promises less than a release."),
            )
            .about("pre-release"),
            Self::ConfigurationNotMigratable { found, migrates_from } => Telling::new(
                Refuse,
                "configuration-not-migratable",
                "§10",
                format!(
                    "The configuration has schema {found}, and the release migrates from {migrates_from}."
                ),
            )
            .about("configuration")
            .advise("Upgrade to a release in between first."),
            Self::ConfigurationMigrates { from, to } => Telling::new(
                Note,
                "configuration-migrates",
                "§10",
                format!("The upgrade migrates the configuration from schema {from} to {to}."),
            )
            .about("configuration"),
        }
    }

    fn same_version(version: &RuntimeVersion, moving: &[Part]) -> Telling {
        let parts: Vec<String> = moving.iter().map(Part::to_string).collect();
        let telling = if parts.is_empty() {
            let message = format!("{version} is installed already.");
            Telling::new(Severity::Refuse, "same-version", "§3", message)
                .advise("There is nothing to do.")
        } else {
            let message = format!("The runtime stays {version}; what moves: {}.", parts.join(", "));
            Telling::new(Severity::Note, "same-version", "§3", message)
        };
        telling.about("runtime")
    }
}
