//! The releases of FemtoClaw.

use upgrade::Release;
use versioning::{
    CapabilitySet, ConfigurationSchema, ExtensionSet, ProtocolVersion, RuntimeVersion,
    SchemaVersion, Versions,
};

/// How many releases are known.
const COUNT: usize = 5;

/// All releases that are known, oldest first.
pub(crate) fn all() -> &'static [Release] {
    static RELEASES: std::sync::LazyLock<[Release; COUNT]> = std::sync::LazyLock::new(|| {
        [
            release("1.0.0", [1, 1, 1], [1, 0], "The first release."),
            release("1.0.3", [1, 1, 2], [1, 0], "Capabilities can be switched off."),
            release("2.0.0-rc.1", [2, 2, 2], [2, 0], "Candidate: records in one store, typed."),
            release("2.0.0", [3, 2, 2], [2, 0], "Executions joined and found by time and by id."),
            release("2.1.0", [3, 3, 2], [2, 1], "What is logged is of telemetry."),
        ]
    });
    RELEASES.as_slice()
}

/// The release that a directory of this version is adopted as.
pub(crate) fn adoptable(runtime: &RuntimeVersion) -> Option<Release> {
    let adoptable =
        |release: &&Release| !release.installable && release.versions.runtime == *runtime;
    all().iter().find(adoptable).cloned()
}

/// A release: its storage, configuration and capability numbers, and the major and minor of its protocol. 1.0.x never numbered
/// anything, so its numbers are ours; a protocol of 2 goes with upgrades that this system makes.
fn release(
    runtime: &str,
    [storage, configuration, capabilities]: [u32; 3],
    [major, minor]: [u32; 2],
    summary: &'static str,
) -> Release {
    Release {
        versions: Versions {
            runtime: runtime.parse().unwrap_or(RuntimeVersion::new(0, 0, 0)),
            storage: SchemaVersion::new(storage),
            configuration: ConfigurationSchema::new(configuration),
            protocol: ProtocolVersion { major, minor },
            capabilities: CapabilitySet::new(capabilities),
            extensions: ExtensionSet::new(1),
        },
        summary,
        installable: major >= 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_known_oldest_first_and_each_by_its_version() {
        let versions: Vec<_> =
            all().iter().map(|release| release.versions.runtime.to_string()).collect();
        assert_eq!(versions, ["1.0.0", "1.0.3", "2.0.0-rc.1", "2.0.0", "2.1.0"]);
        for pair in all().windows(2) {
            assert!(versioning::classify(&pair[0].versions, &pair[1].versions).is_ok());
        }
        assert!(adoptable(&RuntimeVersion::new(2, 0, 0)).is_none());
        assert!(adoptable(&RuntimeVersion::new(1, 0, 3)).is_some());
    }
}
