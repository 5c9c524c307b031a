//! The real engine: fused and step by step give the same store.

use std::path::Path;

use femtoclaw_catalogue::FemtoClaw;
use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions, write_sample_home};
use integrity::LogicalDigest;
use storage_migration::{
    EngineOptions, MigrationPath, MigrationReport, Origin, RecordSource, Stayed, migrate, rehearse,
    verify,
};
use upgrade::Catalogue;
use versioning::SchemaVersion;

use crate::support::{Generation, fixture, shared_fixture};

fn path(from: u32, to: u32) -> MigrationPath<'static> {
    let (from, to) = (SchemaVersion::new(from), SchemaVersion::new(to));
    static CATALOGUE: FemtoClaw = FemtoClaw;
    MigrationPath::resolve(CATALOGUE.schemas(), CATALOGUE.steps(), from, to).unwrap()
}

fn run(
    from: u32,
    to: u32,
    origin: Origin<'_>,
    directory: &Path,
) -> (MigrationReport, LogicalDigest) {
    let path = path(from, to);
    let scratch = tempfile::tempdir().unwrap();
    let options = EngineOptions { recheck_every: 1, ..EngineOptions::default() };
    let report = migrate(&path, origin, directory, scratch.path(), &options, &mut |_| {}).unwrap();
    let digest =
        verify(directory, &report, path.target(), None, Stayed::Read, &options, &mut |_| {})
            .unwrap();
    (report, digest)
}

fn fused_and_stepwise(generation: &Generation) -> MigrationReport {
    let root = tempfile::tempdir().unwrap();
    let source = FemtoClaw
        .foreign_source(SchemaVersion::new(1), generation.directory.path())
        .unwrap()
        .expect("schema 1 is not a store");
    let source: &dyn RecordSource = source.as_ref();
    let (report, fused) = run(1, 3, Origin::Records(source), &root.path().join("fused"));
    let stepwise = root.path().join("stepwise");
    let (first, _) = run(1, 2, Origin::Records(source), &stepwise);
    let (_, second) = run(2, 3, Origin::Store(&first.keyspaces), &stepwise);
    assert_eq!(fused, second);
    report
}

#[test]
fn the_steps_keep_the_rules_on_their_own_examples() {
    for (from, to) in [(1, 2), (2, 3), (1, 3)] {
        let rehearsed = rehearse(&path(from, to));
        assert!(rehearsed.is_ok(), "{from} to {to}: {rehearsed:?}");
    }
}

// trace: test FC-5.1.4 FC-6.1.2 FC-8.2.2
#[test]
fn fused_and_stepwise_migrations_of_the_fixtures_give_the_same_digest() {
    for name in ["femtoclaw-1.0.3", "femtoclaw-1.0.0"] {
        for source in [Some(fixture(name)), shared_fixture(name)].into_iter().flatten() {
            let report = fused_and_stepwise(&Generation::adopt(&source));
            let records =
                |keyspace: &str| report.written.get(keyspace).map_or(0, |found| found.records);
            let expected =
                if name == "femtoclaw-1.0.3" { (10, 10, 10, 30, 50) } else { (0, 0, 0, 6, 0) };
            let found = (
                records("executions"),
                records("executions_by_id"),
                records("audit"),
                records("telemetry"),
                records("wal"),
            );
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn a_damaged_sample_migrates_fused_and_stepwise_to_the_same_digest() {
    let directory = tempfile::tempdir().unwrap();
    let options = SampleOptions { seed: 5, records: 300, damage: SampleDamage::ALL };
    let summary = write_sample_home(directory.path(), &options).unwrap();
    let report = fused_and_stepwise(&Generation::adopt(directory.path()));
    let executions = report.written.get("executions").unwrap().records;
    assert_eq!(executions, summary.executions + summary.interrupted);
}

/// A released migration is never edited: homes have its fingerprint in their manifests. What must change comes as a
/// further step.
#[test]
fn the_released_migrations_are_what_they_were() {
    let steps: [(&dyn storage_migration::MigrationStep, &storage_migration::SchemaDefinition); 3] = [
        (&femtoclaw_catalogue::DecodeRecords, &femtoclaw_catalogue::schema1::SCHEMA),
        (&femtoclaw_catalogue::JoinExecutions, &femtoclaw_catalogue::schema2::SCHEMA),
        (&femtoclaw_catalogue::SplitExecutions, &femtoclaw_catalogue::schema3::SCHEMA),
    ];
    let found = steps
        .map(|(step, schema)| (step.name(), storage_migration::fingerprint(step, schema).short()));
    assert_eq!(
        found,
        [
            ("decode-records", "acb27d203557".to_owned()),
            ("join-executions", "bf908a2cec38".to_owned()),
            ("split-executions", "26ba3781942e".to_owned())
        ]
    );
}
