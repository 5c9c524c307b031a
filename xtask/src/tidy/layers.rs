//! Dependencies point one way.

use super::Finding;
use super::metadata::{Metadata, Package};

/// All crates of the workspace, also those that are still to come, in the order in which they may depend on each other: each may
/// use only those above it. Tests may use any.
pub(crate) const LAYERS: [&str; 24] = [
    "femtoclaw-upgrade-durable",
    "femtoclaw-upgrade-versioning",
    "femtoclaw-upgrade-pipeline",
    "femtoclaw-upgrade-gate",
    "femtoclaw-upgrade-integrity",
    "femtoclaw-upgrade-journal",
    "femtoclaw-upgrade-telemetry",
    "femtoclaw-upgrade-authorization",
    "femtoclaw-upgrade-compatibility",
    "femtoclaw-upgrade-storage-migration",
    "femtoclaw-upgrade-config-migration",
    "femtoclaw-upgrade-capability-migration",
    "femtoclaw-upgrade-extension-migration",
    "femtoclaw-upgrade-release",
    "femtoclaw-upgrade-rollback",
    "femtoclaw-upgrade",
    "femtoclaw-upgrade-femtoclaw",
    "femtoclaw-upgrade-cli",
    "femtoclaw-runtime-example",
    "femtoclaw-upgrade-protocol",
    "femtoclaw-upgrade-sim",
    "fuzz",
    "femtoclaw-upgrade-bench",
    "xtask",
];

/// What a runtime links. No async runtime may be in its tree.
const LINKED_BY_RUNTIMES: [&str; 2] = ["femtoclaw-upgrade", "femtoclaw-upgrade-femtoclaw"];

/// Async runtimes, and what brings one in.
const ASYNC_RUNTIMES: [&str; 8] = [
    "async-executor",
    "async-std",
    "futures-executor",
    "futures-lite",
    "glommio",
    "monoio",
    "smol",
    "tokio",
];

/// Migration crates never see each other; only `femtoclaw-upgrade` composes them.
fn is_migration(name: &str) -> bool {
    name.ends_with("-migration")
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == name)
}

/// Holds every member of the workspace to its place.
pub(crate) fn check_directions(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        let place = manifest_of(package);
        let Some(own) = layer(&package.name) else {
            let what =
                format!("{} has no layer; give it one in xtask/src/tidy/layers.rs", package.name);
            findings.push(Finding::of_file(place, what));
            continue;
        };
        for used in metadata.member_dependencies(package) {
            let (from, to) = (&package.name, &used.name);
            if layer(to).is_none_or(|theirs| theirs >= own) {
                let what = format!("{from} depends on {to}, which is not below it");
                findings.push(Finding::of_file(place, what));
            }
            if is_migration(from) && is_migration(to) {
                let what = format!("{from} depends on {to}: migration crates never see each other");
                findings.push(Finding::of_file(place, what));
            }
        }
    }
    findings
}

/// Looks for an async runtime in what a runtime links.
pub(crate) fn check_synchronous(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in LINKED_BY_RUNTIMES {
        let tree = metadata.tree(name);
        if tree.is_empty() {
            let what =
                format!("there is no crate {name}, whose tree is to be free of async runtimes");
            findings.push(Finding::of_file("Cargo.toml", what));
        }
        for (_, way) in tree.iter().filter(|(found, _)| ASYNC_RUNTIMES.contains(&found.as_str())) {
            let what = format!("an async runtime is in the tree: {}", way.join(" -> "));
            findings.push(Finding::of_file("Cargo.lock", what));
        }
    }
    findings
}

fn manifest_of(package: &Package) -> &str {
    package.manifest.as_deref().unwrap_or("Cargo.toml")
}

#[cfg(test)]
mod tests {
    use super::super::metadata::made_up;
    use super::*;

    const DURABLE: &str = "femtoclaw-upgrade-durable";
    const STORAGE: &str = "femtoclaw-upgrade-storage-migration";
    const CONFIGURATION: &str = "femtoclaw-upgrade-config-migration";
    const UPGRADE: &str = "femtoclaw-upgrade";
    const FEMTOCLAW: &str = "femtoclaw-upgrade-femtoclaw";

    fn directions(packages: &[(&str, bool, &[&str])]) -> Vec<String> {
        check_directions(&made_up(packages)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn dependencies_that_point_down_pass() {
        let packages: [(&str, bool, &[&str]); 5] = [
            (DURABLE, true, &["serde"]),
            (STORAGE, true, &[DURABLE]),
            (CONFIGURATION, true, &[DURABLE]),
            (UPGRADE, true, &[STORAGE, CONFIGURATION]),
            ("serde", false, &[]),
        ];
        assert_eq!(directions(&packages), Vec::<String>::new());
    }

    #[test]
    fn every_wrong_direction_is_caught() {
        let wrong: [(&str, &str); 6] = [
            (DURABLE, STORAGE),
            (CONFIGURATION, STORAGE),
            (UPGRADE, FEMTOCLAW),
            (UPGRADE, "femtoclaw-upgrade-sim"),
            ("femtoclaw-upgrade-cli", "xtask"),
            (DURABLE, "fuzz"),
        ];
        for (from, to) in wrong {
            let found = directions(&[(from, true, &[to]), (to, true, &[])]);
            assert!(!found.is_empty(), "{from} -> {to}");
            assert!(found[0].contains(from) && found[0].contains(to), "{found:?}");
        }
        let found = directions(&[(CONFIGURATION, true, &[STORAGE]), (STORAGE, true, &[])]);
        assert!(found[0].contains("never see each other"), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_layer_is_caught() {
        let found = directions(&[("femtoclaw-upgrade-newcomer", true, &[])]);
        assert!(found[0].contains("femtoclaw-upgrade-newcomer has no layer"), "{found:?}");
    }

    #[test]
    fn an_async_runtime_is_caught_however_deep_it_lies() {
        let packages: [(&str, bool, &[&str]); 4] = [
            (UPGRADE, true, &["middle"]),
            (FEMTOCLAW, true, &[]),
            ("middle", false, &["tokio"]),
            ("tokio", false, &[]),
        ];
        let found = check_synchronous(&made_up(&packages));
        assert!(found[0].what.ends_with("femtoclaw-upgrade -> middle -> tokio"), "{found:?}");
        let without = check_synchronous(&made_up(&[(UPGRADE, true, &[]), (FEMTOCLAW, true, &[])]));
        assert!(without.is_empty(), "{without:?}");
        assert_eq!(check_synchronous(&made_up(&[])).len(), 2);
    }
}
