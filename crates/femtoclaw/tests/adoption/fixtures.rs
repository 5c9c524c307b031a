//! What the published crates wrote is adopted without loss.

use std::path::Path;

use femtoclaw_catalogue::{Role, parse_capabilities, parse_extensions, parse_policies};
use upgrade::{FindingOutcome, Part};
use versioning::RuntimeVersion;

use crate::support::{Generation, fixture, shared_fixture};

fn counts(generation: &Generation) -> Vec<(String, usize)> {
    let records = generation.records();
    records.into_iter().map(|(keyspace, all)| (keyspace, all.len())).collect()
}

fn expect(generation: &Generation, expected: &[(&str, usize)]) {
    let expected: Vec<_> =
        expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(counts(generation), expected);
    generation.account_for_every_byte();
    let set_aside = |finding: &&upgrade::Finding| finding.outcome != FindingOutcome::Kept;
    assert_eq!(generation.adoption.findings.iter().find(set_aside), None);
}

fn check_1_0_3(path: &Path, files: usize) {
    let generation = Generation::adopt(path);
    assert_eq!(generation.adoption.versions.runtime, RuntimeVersion::new(1, 0, 3));
    assert_eq!(generation.adoption.files.len(), files);
    let expected = [
        ("audit", 10),
        ("executions", 10),
        ("history", 10),
        ("memory", 12),
        ("set_aside", 0),
        ("snapshots", 1),
        ("sources", files),
        ("telemetry", 30),
        ("wal", 50),
    ];
    expect(&generation, &expected);
    let role =
        |path: &str| generation.inventory.files.iter().find(|file| file.path == path).unwrap().role;
    assert_eq!(role("data/execution.wal"), Role::Wal);
    assert_eq!(role("data/memory.wal"), Role::MemoryWal);
    assert_eq!(role("config/config.json"), Role::Configuration);
    assert_eq!(role("talons/index.json"), Role::ExtensionIndex);
    assert_eq!(parse_policies(&generation.part(Part::Policy)).unwrap().len(), 1);
    let capabilities = parse_capabilities(&generation.part(Part::Policy)).unwrap();
    assert_eq!(capabilities["policy/capabilities.json"].len(), 5);
    let extensions = parse_extensions(&generation.part(Part::Extensions)).unwrap();
    // Each extension has a manifest and a script; eleven files belong to none.
    assert_eq!(extensions.len(), (files - 11) / 2);
}

#[test]
fn a_home_of_1_0_3_is_told_by_its_shape_and_adopted_whole() {
    check_1_0_3(&fixture("femtoclaw-1.0.3"), 15);
}

#[test]
fn the_home_that_the_published_1_0_3_wrote_with_its_own_talons_is_adopted_whole() {
    if let Some(path) = shared_fixture("femtoclaw-1.0.3") {
        check_1_0_3(&path, 25);
    }
}

#[test]
fn a_flat_home_of_1_0_0_is_told_by_its_shape_and_adopted_whole() {
    for path in [Some(fixture("femtoclaw-1.0.0")), shared_fixture("femtoclaw-1.0.0")] {
        let Some(path) = path else { continue };
        let generation = Generation::adopt(&path);
        assert_eq!(generation.adoption.versions.runtime, RuntimeVersion::new(1, 0, 0));
        let expected = [
            ("audit", 0),
            ("executions", 0),
            ("history", 5),
            ("memory", 1),
            ("set_aside", 0),
            ("snapshots", 1),
            ("sources", 6),
            ("telemetry", 6),
            ("wal", 0),
        ];
        expect(&generation, &expected);
        let evidence = generation.adoption.evidence.join("\n");
        for sign in
            ["capabilities.json:2", "messages.json:2", "telemetry.json:2", "snapshot.json:1"]
        {
            assert!(evidence.contains(sign), "{sign}: {evidence}");
        }
        let capabilities = parse_capabilities(&generation.part(Part::Policy)).unwrap();
        assert_eq!(capabilities["capabilities.json"][0].enabled, None);
    }
}
