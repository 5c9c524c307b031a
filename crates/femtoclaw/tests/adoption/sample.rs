//! The sample home is what it says it is.

use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions, write_sample_home};
use integrity::TreeSeal;
use upgrade::Part;
use versioning::RuntimeVersion;

use crate::support::Generation;

fn write(options: &SampleOptions) -> (tempfile::TempDir, TreeSeal) {
    let directory = tempfile::tempdir().unwrap();
    write_sample_home(directory.path(), options).unwrap();
    let seal = TreeSeal::of_tree(directory.path(), |_| false).unwrap();
    (directory, seal)
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_gives_others() {
    let options = SampleOptions { seed: 7, records: 50, damage: SampleDamage::ALL };
    assert_eq!(write(&options).1, write(&options).1);
    assert_ne!(write(&options).1, write(&SampleOptions { seed: 8, ..options }).1);
}

#[test]
fn a_sample_is_adopted_as_1_0_3_with_every_record_that_it_counts() {
    for damage in [SampleDamage::NONE, SampleDamage::ALL] {
        let options = SampleOptions { seed: 3, records: 120, damage };
        let directory = tempfile::tempdir().unwrap();
        let summary = write_sample_home(directory.path(), &options).unwrap();
        assert!(summary.interrupted > 0);
        let generation = Generation::adopt(directory.path());
        assert_eq!(generation.adoption.versions.runtime, RuntimeVersion::new(1, 0, 3));
        let records = generation.records();
        let count = |keyspace: &str| records[keyspace].len() as u64;
        assert_eq!(count("wal"), summary.wal);
        assert_eq!(count("executions"), summary.executions);
        assert_eq!(count("history"), summary.history);
        assert_eq!(count("audit"), summary.audit);
        assert_eq!(count("telemetry"), summary.telemetry);
        assert_eq!(count("memory"), summary.memory);
        generation.account_for_every_byte();
        let findings = generation.findings();
        if damage == SampleDamage::NONE {
            assert_eq!(findings, "");
            continue;
        }
        for expected in [
            "torn last line",
            "512 NUL bytes",
            "was given before",
            "\"session\" is unknown",
            "numbers would change",
            "\"banana\" is not a semantic version",
        ] {
            assert!(findings.contains(expected), "{expected}\n{findings}");
        }
        assert_eq!(generation.part(Part::SetAside).len(), 2);
    }
}
