//! The releases of FemtoClaw.

mod capabilities;
mod extensions;
mod offer;

use upgrade::Release;
use versioning::RuntimeVersion;

pub(crate) use capabilities::{FIRST_SET, LAST_OLD_SET, authority_plan};
pub(crate) use extensions::offered_extensions;

use offer::{Statement, offer};

/// All releases that are known, oldest first.
pub(crate) fn all() -> &'static [Release] {
    // That each of them states what can be, the tests hold.
    static RELEASES: std::sync::LazyLock<Vec<Release>> =
        std::sync::LazyLock::new(|| STATEMENTS.iter().filter_map(release).collect());
    &RELEASES
}

/// What each states of itself. 1.0.x never numbered anything, so its numbers are ours; a protocol of 2 goes with upgrades
/// that this system makes.
// trace: impl FC-4.1.2 FC-4.1.3 FC-24.2.1
const STATEMENTS: [Statement; 6] = [
    Statement {
        runtime: "1.0.0",
        schemas: [1, 1, 1],
        protocol: [1, 0],
        upgrades_from: &[],
        summary: "The first release.",
    },
    Statement {
        runtime: "1.0.3",
        schemas: [1, 1, 2],
        protocol: [1, 0],
        upgrades_from: &[],
        summary: "Capabilities can be switched off.",
    },
    Statement {
        runtime: "2.0.0-rc.1",
        schemas: [2, 2, 3],
        protocol: [2, 0],
        upgrades_from: &["^1.0.0"],
        summary: "Candidate: records in one store, typed; policies that say what they mean.",
    },
    Statement {
        runtime: "2.0.0",
        schemas: [3, 2, 3],
        protocol: [2, 0],
        upgrades_from: &["^1.0.0", ">=2.0.0-rc.1, <2.0.0"],
        summary: "Executions joined and found by time and by id.",
    },
    Statement {
        runtime: "2.1.0",
        schemas: [3, 3, 4],
        protocol: [2, 1],
        upgrades_from: &["^1.0.0", ">=2.0.0-rc.1, <2.1.0"],
        summary: "What is logged is of telemetry; files can be watched.",
    },
    Statement {
        runtime: "3.0.0-alpha",
        schemas: [3, 3, 5],
        protocol: [3, 0],
        upgrades_from: &[">=2.1.0, <3.0.0"],
        summary: "Preview: extensions say what they run on, and programs are run by the shell alone.",
    },
];

fn release(statement: &Statement) -> Option<Release> {
    let installable = !statement.upgrades_from.is_empty();
    Some(Release { offer: offer(statement).ok()?, summary: statement.summary, installable })
}

/// The release that a directory of this version is adopted as.
pub(crate) fn adoptable(runtime: &RuntimeVersion) -> Option<Release> {
    let adoptable = |release: &&Release| !release.installable && release.runtime() == runtime;
    all().iter().find(adoptable).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_known_oldest_first_and_each_by_its_version() {
        let versions: Vec<_> = all().iter().map(|release| release.runtime().to_string()).collect();
        assert_eq!(versions, STATEMENTS.map(|statement| statement.runtime));
        for pair in all().windows(2) {
            assert!(versioning::classify(pair[0].versions(), pair[1].versions()).is_ok());
        }
        assert!(adoptable(&RuntimeVersion::new(2, 0, 0)).is_none());
        assert!(adoptable(&RuntimeVersion::new(1, 0, 3)).is_some());
    }

    /// What a release says that it takes, the code takes; and what it does not say, it does not.
    // trace: test FC-24.2.2 FC-24.4 FC-25.2.3
    #[test]
    fn what_a_release_reads_can_be_migrated_to_it() {
        use upgrade::Catalogue;
        let femtoclaw = crate::FemtoClaw;
        for release in all().iter().filter(|release| release.installable) {
            let (offer, versions) = (&release.offer, release.versions());
            for schema in femtoclaw.schemas() {
                let path = storage_migration::MigrationPath::resolve(
                    femtoclaw.schemas(),
                    femtoclaw.steps(),
                    schema.version,
                    versions.storage,
                );
                let reads = offer.storage.reads.contains(schema.version);
                assert_eq!(path.is_ok(), reads, "{} from {}", release.runtime(), schema.version);
            }
            let steps = femtoclaw.steps().iter().filter(|step| step.to() <= versions.storage);
            let migrations = steps.map(|step| (step.from(), step.to()));
            let stated = offer.storage.migrations.iter().map(|it| (it.from, it.to));
            assert!(migrations.eq(stated), "{}", release.runtime());
            for older in all().iter().take_while(|older| older.runtime() < release.runtime()) {
                let sets = offer.capabilities.statement().sets;
                if sets.contains(older.versions().capabilities) {
                    assert!(femtoclaw.authority_plan(older.versions(), versions).is_ok());
                }
            }
        }
        let readers = compatibility::readers(
            all().iter().map(|release| (release.runtime(), release.offer.readable())),
        );
        let of = |schema: u32| -> Vec<String> {
            let schema = versioning::SchemaVersion::new(schema);
            readers[&schema].iter().map(ToString::to_string).collect()
        };
        assert_eq!(of(2), ["2.0.0-rc.1", "2.0.0", "2.1.0", "3.0.0-alpha"]);
        assert_eq!(of(3), ["2.0.0", "2.1.0", "3.0.0-alpha"]);
    }

    // trace: test FC-24.1 FC-24.2.1
    #[test]
    fn every_two_releases_agree_on_a_protocol_or_both_say_why_not() {
        let speaks = |version: &str| {
            let found = all().iter().find(|release| release.runtime().to_string() == version);
            found.unwrap().offer.protocol.clone()
        };
        let agree = |one: &str, other: &str| {
            let (one, other) = (speaks(one), speaks(other));
            let there = compatibility::negotiate(&one, &other);
            let back = compatibility::negotiate(&other, &one);
            let version = |found: &compatibility::Agreement| found.version.to_string();
            let versions = (there.as_ref().map(version).ok(), back.as_ref().map(version).ok());
            assert_eq!(versions.0, versions.1);
            let features = there.map(|found| found.features.len()).unwrap_or_default();
            (versions.0, features)
        };
        let at = |version: &str, features| (Some(version.to_owned()), features);
        assert_eq!(agree("1.0.3", "2.1.0"), at("1.0", 0));
        assert_eq!(agree("2.0.0", "2.1.0"), at("2.0", 0));
        assert_eq!(agree("2.1.0", "3.0.0-alpha"), at("2.1", 1));
        assert_eq!(agree("2.0.0", "3.0.0-alpha"), (None, 0));
    }

    /// What is not called a major upgrade cuts nobody off: peers, stores, configurations and policies go on, there and back.
    // trace: test FC-4.1.2 FC-4.1.3 FC-4.1.4
    #[test]
    fn only_a_major_release_changes_what_is_incompatible() {
        let (mut compatible, mut incompatible) = (0, 0);
        for (at, new) in all().iter().enumerate() {
            for old in all().iter().take(at) {
                let kinds = versioning::classify(old.versions(), new.versions()).unwrap();
                let (older, newer) = (&old.offer, &new.offer);
                let goes_on = newer.protocol.speaks(old.versions().protocol)
                    && newer.readable().reads_what(&older.readable())
                    && older.readable().reads_what(&newer.readable())
                    && newer.configurations.contains(old.versions().configuration)
                    && newer.capabilities.statement().sets.contains(old.versions().capabilities);
                if kinds.contains(versioning::UpgradeKind::Major) {
                    incompatible += usize::from(!goes_on);
                } else {
                    compatible += 1;
                    assert!(goes_on, "{} to {}: {kinds}", old.runtime(), new.runtime());
                }
            }
        }
        // 1.0.0 to 1.0.3 and 2.0.0 to 2.1.0; whatever leads away from 1.0.x or to 3.0.0.
        assert_eq!((compatible, incompatible > 5), (2, true), "{incompatible}");
    }

    // trace: test FC-13.2.1
    #[test]
    fn every_range_holds_what_it_is_meant_to_hold() {
        let from = |to: &str| -> Vec<String> {
            let to = all().iter().find(|release| release.runtime().to_string() == to).unwrap();
            let held = |release: &&Release| to.offer.upgrades_from.contains(release.runtime());
            all().iter().filter(held).map(|release| release.runtime().to_string()).collect()
        };
        assert_eq!(from("2.0.0-rc.1"), ["1.0.0", "1.0.3"]);
        assert_eq!(from("2.0.0"), ["1.0.0", "1.0.3", "2.0.0-rc.1"]);
        assert_eq!(from("2.1.0"), ["1.0.0", "1.0.3", "2.0.0-rc.1", "2.0.0"]);
        assert_eq!(from("3.0.0-alpha"), ["2.1.0"]);
    }
}
