use std::fs;

use super::{home, number, sealed};
use integrity::{Digest, Digester, SealViolation};
use rollback::{Error, Generation, Layout, Part, VerifyDepth};

/// The differences that a verification finds.
fn violations(generation: &Generation, depth: VerifyDepth) -> Vec<SealViolation> {
    match generation.verify(depth, |_| false) {
        Ok(()) => Vec::new(),
        Err(Error::Altered { generation: of, violations }) => {
            assert_eq!(of, generation.number());
            violations
        }
        Err(other) => panic!("{other}"),
    }
}

fn is_table(path: &str) -> bool {
    path.starts_with("store/tables/")
}

fn unreadable(layout: &Layout, generation: u64) -> String {
    match Generation::open(layout, number(generation), None) {
        Err(Error::UnreadableManifest { generation: of, reason }) => {
            assert_eq!(of, number(generation));
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_generation_says_what_it_is_and_where() {
    let (_root, layout) = home();
    sealed(&layout, 1, &[("data", b"1")]);
    let generation = sealed(&layout, 2, &[("data", b"2")]);
    assert_eq!(generation.number(), number(2));
    assert_eq!(generation.path(), layout.generation(number(2)));
    assert_eq!(generation.part(Part::Configuration), generation.path().join("config"));
    assert_eq!(generation.manifest().generation, number(2));
    let bytes = fs::read(generation.path().join("manifest.json")).unwrap();
    assert_eq!(generation.digest(), Digest::of(&bytes));
}

#[test]
fn how_deep_a_verification_goes_decides_which_bytes_it_reads() {
    let paths = ["store/tables/7", "store/data", "config/config.json"];
    let read = |depth: VerifyDepth| paths.map(|path| depth.reads(path));
    assert_eq!(read(VerifyDepth::Shape), [false, false, false]);
    assert_eq!(read(VerifyDepth::Except(is_table)), [false, true, true]);
    assert_eq!(read(VerifyDepth::Content), [true, true, true]);
    let everything = [VerifyDepth::Shape, VerifyDepth::Except(is_table), VerifyDepth::Content]
        .map(VerifyDepth::reads_everything);
    assert_eq!(everything, [false, false, true]);
}

#[test]
fn altered_bytes_are_noticed_where_they_are_read_and_altered_sizes_everywhere() {
    let (_root, layout) = home();
    let generation = sealed(&layout, 1, &[("tables/7", b"table"), ("data", b"data")]);
    let depths = [VerifyDepth::Shape, VerifyDepth::Except(is_table), VerifyDepth::Content];
    let found = || depths.map(|depth| violations(&generation, depth).len());
    assert_eq!(found(), [0, 0, 0]);
    fs::write(generation.path().join("store/tables/7"), b"TABLE").unwrap();
    assert_eq!(found(), [0, 0, 1]);
    fs::write(generation.path().join("store/data"), b"DATA").unwrap();
    assert_eq!(found(), [0, 1, 2]);
    fs::write(generation.path().join("store/tables/7"), b"longer than it was").unwrap();
    assert_eq!(found(), [1, 2, 2]);
}

#[test]
fn what_is_skipped_is_not_looked_at_and_the_manifest_is_held_by_its_own_digest() {
    let (_root, layout) = home();
    let generation = sealed(&layout, 1, &[("data", b"data")]);
    fs::write(generation.path().join("store/data"), b"DATA").unwrap();
    fs::write(generation.path().join("store/new"), b"").unwrap();
    generation.verify(VerifyDepth::Content, |path| path.starts_with("store")).unwrap();
    assert_eq!(violations(&generation, VerifyDepth::Content).len(), 2);
    let mut digester = Digester::new(2);
    let verified =
        generation.verify_with(VerifyDepth::Content, |path| path == "store", &mut digester);
    assert!(verified.is_ok());
}

#[test]
fn a_sealed_file_is_read_only_if_it_is_what_was_sealed() {
    let (_root, layout) = home();
    let generation = sealed(&layout, 1, &[("data", b"data")]);
    let path = generation.path().join("store/data");
    assert_eq!(generation.read_sealed("store/data").unwrap(), b"data");
    let violation = |name: &str| match generation.read_sealed(name) {
        Err(Error::Altered { mut violations, .. }) => violations.remove(0),
        other => panic!("{other:?}"),
    };
    fs::write(&path, b"DATA").unwrap();
    assert!(matches!(violation("store/data"), SealViolation::Content { .. }));
    fs::write(&path, b"longer").unwrap();
    match violation("store/data") {
        SealViolation::Shape { expected, found, .. } => {
            assert_eq!((expected.as_str(), found.as_str()), ("4 bytes", "6 bytes"));
        }
        other => panic!("{other}"),
    }
    fs::write(generation.path().join("store/new"), b"new").unwrap();
    assert!(matches!(violation("store/new"), SealViolation::Added { .. }));
    fs::remove_file(&path).unwrap();
    assert!(matches!(generation.read_sealed("store/data"), Err(Error::File(_))));
}

// trace: test FC-20.3
#[test]
fn a_manifest_is_believed_only_if_its_keyspaces_are_the_state_that_it_says() {
    let (_root, layout) = home();
    let generation = sealed(&layout, 1, &[("data", b"1")]);
    let path = layout.generation(number(1)).join("manifest.json");
    let said = serde_json::to_value(generation.manifest()).unwrap();
    let mut other = said.clone();
    other["state"] = integrity::Digest::of(b"other").to_string().into();
    let mut more = said.clone();
    let content = serde_json::json!({ "records": 1, "digest": said["state"] });
    more["keyspaces"]["memory"] =
        serde_json::json!({ "physical": "memory.v1", "class": "state", "content": content });
    for altered in [other, more] {
        fs::write(&path, altered.to_string()).unwrap();
        assert_eq!(
            unreadable(&layout, 1),
            "what it says of its keyspaces is not the state that it says"
        );
    }
    fs::write(&path, said.to_string()).unwrap();
    assert!(Generation::open(&layout, number(1), None).is_ok());
}

#[test]
fn a_manifest_is_believed_only_at_its_own_place_and_in_its_own_format() {
    let (_root, layout) = home();
    let generation = sealed(&layout, 1, &[("data", b"1")]);
    fs::create_dir(layout.generation(number(2))).unwrap();
    let [first, second] = [1, 2].map(|of| layout.generation(number(of)).join("manifest.json"));
    fs::copy(&first, &second).unwrap();
    assert_eq!(unreadable(&layout, 2), "it is the manifest of generation 1");
    let mut later = serde_json::to_value(generation.manifest()).unwrap();
    later["format"] = 2.into();
    fs::write(&first, later.to_string()).unwrap();
    assert_eq!(unreadable(&layout, 1), "it has format 2, and this version knows 1");
    fs::write(&first, b"{}").unwrap();
    assert!(unreadable(&layout, 1).contains("missing field"));
    let altered = Generation::open(&layout, number(1), Some(generation.digest())).unwrap_err();
    match altered {
        Error::AlteredManifest { expected, found, .. } => {
            assert_eq!((expected, found), (generation.digest(), Digest::of(b"{}")));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_generation_without_a_manifest_is_missing_and_one_that_is_a_file_is_not() {
    let (_root, layout) = home();
    let open = |of: u64| Generation::open(&layout, number(of), None).unwrap_err();
    assert!(matches!(open(1), Error::MissingGeneration { generation } if generation == number(1)));
    fs::create_dir(layout.generation(number(1))).unwrap();
    assert!(matches!(open(1), Error::MissingGeneration { .. }));
    fs::create_dir(layout.generation(number(1)).join("manifest.json")).unwrap();
    assert!(matches!(open(1), Error::File(_)), "a directory is no missing manifest");
    fs::write(layout.generation(number(2)), b"").unwrap();
    assert_eq!(unreadable(&layout, 2), "its directory is not a directory");
}

#[test]
fn a_manifest_of_some_megabytes_is_read_and_one_that_is_larger_than_any_is_refused() {
    let (_root, layout) = home();
    let generation = sealed(&layout, 1, &[("data", b"1")]);
    let path = generation.path().join("manifest.json");
    let mut bytes = fs::read(&path).unwrap();
    bytes.resize(2_000_000, b'\n');
    fs::write(&path, &bytes).unwrap();
    let large = Generation::open(&layout, number(1), Some(Digest::of(&bytes))).unwrap();
    assert_eq!(large.manifest(), generation.manifest());
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    assert_eq!(unreadable(&layout, 1), "more than 67108864 bytes are no manifest");
}
