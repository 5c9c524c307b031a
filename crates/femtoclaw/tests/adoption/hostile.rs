//! No input makes an adoption panic, and nothing is ever lost.

use femtoclaw_catalogue::{DecodeRecords, FemtoClaw, JoinExecutions};
use proptest::prelude::*;
use upgrade::{Catalogue, Part};
use versioning::RuntimeVersion;

use crate::support::{Generation, directory, read, run};

/// Bytes that often look like something.
fn any_content() -> impl Strategy<Value = Vec<u8>> {
    let snippet = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\n",
        "\0",
        "---\n",
        "name: a\n",
        "version: 1.0.0\n",
        "\"",
        "\\",
        "1.10",
        "\u{e9}",
        "\u{feff}",
        "null",
        " ",
        r#"{"id":0,"timestamp":"t","event_type":"push","payload":{"role":"user","content":"c"}}"#,
        r#"{"id":1,"timestamp":"t","event_type":"execution_started","payload":{"id":"e","timestamp":"t","capability":"c","status":"Started"}}"#,
        r#"{"id":"e","timestamp":"2026-01-01T00:00:00Z","capability":"c","status":"Failed"}"#,
        r#"{"timestamp":"t","input":"i","output":"o"}"#,
        r#"{"id":"t","timestamp":"t","event_type":"Error"}"#,
        r#"{"id":"s","timestamp":"t","state":{"runtime_version":"1.0.3"}}"#,
        r#"{"brain":{"backend":"x"}}"#,
        r#"{"talons":{"a":{"name":"a"}}}"#,
    ]);
    let texts = prop::collection::vec(snippet, 0..12).prop_map(|parts| parts.concat().into_bytes());
    prop_oneof![4 => texts, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}

const NAMES: [&str; 6] =
    ["a.json", "history.json", "x.wal", "memory.wal", "t/a/TALON.md", "t/index.json"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_an_adoption_panic_or_lose_anything(
        contents in prop::collection::vec(any_content(), 6),
    ) {
        let files: Vec<_> = NAMES.iter().copied().zip(contents.iter().map(Vec::as_slice)).collect();
        let source = directory(&files);
        let stated = RuntimeVersion::new(1, 0, 3);
        let Ok(adoption) = FemtoClaw.inspect(source.path(), Some(&stated)) else { return Ok(()) };
        let generation = Generation::copy(source.path(), adoption);
        generation.account_for_every_byte();
        let whole: usize = Part::ALL.iter().map(|part| generation.part(*part).len()).sum();
        prop_assert_eq!(whole, files.len());
        let one = read(&generation.source());
        let two = run(&DecodeRecords, &one);
        let count = |records: &crate::support::Records| records.values().map(|all| all.len()).sum::<usize>();
        prop_assert_eq!(count(&one), count(&two));
        let three = run(&JoinExecutions, &two);
        for (number, records) in [(2, &two), (3, &three)] {
            let schema = FemtoClaw.schemas()[number - 1];
            for (keyspace, all) in records {
                for (key, value) in all {
                    prop_assert_eq!((schema.check)(keyspace, key, value), Ok(()));
                }
            }
        }
    }
}
