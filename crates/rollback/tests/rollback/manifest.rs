use super::{home, manifest, number, sealed};
use integrity::{Digest, KeyspaceDigest, TreeSeal};
use rollback::{Part, SealedKeyspace};
use storage_migration::KeyspaceClass;

fn keyspace(records: u64) -> SealedKeyspace {
    let content = KeyspaceDigest { records, digest: Digest::of(&records.to_le_bytes()) };
    SealedKeyspace { physical: None, class: KeyspaceClass::Ledger, content }
}

#[test]
fn the_logical_digest_and_the_records_of_a_manifest_are_those_of_its_keyspaces() {
    let mut described = manifest(number(1), TreeSeal::default());
    assert_eq!(described.records(), 0);
    let empty = described.logical().state();
    described.keyspaces.insert("audit".to_owned(), keyspace(3));
    described.keyspaces.insert("executions".to_owned(), keyspace(40));
    assert_eq!(described.records(), 43);
    let logical = described.logical();
    assert_eq!(logical.records(), 43);
    assert_eq!(logical.get("audit"), Some(&keyspace(3).content));
    assert_eq!(logical.get("executions"), Some(&keyspace(40).content));
    assert_ne!(logical.state(), empty);
}

#[test]
fn a_manifest_reads_back_as_it_was_written() {
    let (_root, layout) = home();
    let mut described = sealed(&layout, 1, &[("a", b"1")]).manifest().clone();
    described.keyspaces.insert("audit".to_owned(), keyspace(3));
    let json = serde_json::to_vec(&described).unwrap();
    assert_eq!(serde_json::from_slice::<rollback::Manifest>(&json).unwrap(), described);
}

#[test]
fn every_part_has_a_directory_and_a_name_of_its_own() {
    let directories = Part::ALL.map(Part::directory);
    assert_eq!(directories, ["runtime", "store", "config", "policy", "extensions", "set-aside"]);
    let names = Part::ALL.map(|part| part.to_string());
    let expected = ["runtime", "store", "configuration", "policy", "extensions", "set-aside files"];
    assert_eq!(names, expected);
}
