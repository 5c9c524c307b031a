//! The seeds of the corpora, computed, so that they can be written anew when a format changes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions, write_sample_home};
use integrity::{Digest, FileSeal, KeyspaceDigest, LogicalDigest};
use rollback::MANIFEST_FORMAT;
use serde_json::json;

use crate::manifest::SEALED_FILE;
use crate::scratch::Scratch;
use crate::{
    Outcome, authorization, configuration, extension_manifest, journal, keyring,
    manifest as manifest_target, release_archive, signatures as signatures_target, wal_adoption,
};

mod release;
mod trust;

pub use release::{extension_manifests, packages};
pub use trust::{keyrings, signatures, statements};

/// A seed: its name within the corpus of its target, and its bytes.
pub type Named = (&'static str, Vec<u8>);

/// A target: its name, its body, and how a mutated seed is put right so that it gets further.
pub struct Target {
    /// The name of the binary and of the corpus.
    pub name: &'static str,
    /// What bytes are handed to.
    pub run: fn(&[u8]) -> Outcome,
    /// Puts right what a mutation breaks and the library checks first. Keeps other bytes as they are.
    pub repair: fn(&[u8]) -> Vec<u8>,
}

/// All targets.
pub const TARGETS: [Target; 9] = [
    Target { name: "authorization", run: authorization::run, repair: <[u8]>::to_vec },
    Target { name: "configuration", run: configuration::run, repair: <[u8]>::to_vec },
    Target {
        name: "extension_manifest",
        run: extension_manifest::run,
        repair: extension_manifest::enclose,
    },
    Target { name: "keyring", run: keyring::run, repair: <[u8]>::to_vec },
    Target { name: "release_archive", run: release_archive::run, repair: release_archive::relay },
    Target { name: "signatures", run: signatures_target::run, repair: signatures_target::rewrap },
    Target { name: "journal", run: journal::run, repair: journal::rehash },
    Target { name: "manifest", run: manifest_target::run, repair: <[u8]>::to_vec },
    Target { name: "wal_adoption", run: wal_adoption::run, repair: <[u8]>::to_vec },
];

/// Where the corpora are.
pub fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// All seeds, by their path below the corpora.
pub fn all() -> BTreeMap<String, Vec<u8>> {
    let mut seeds = samples();
    for (target, named) in [
        ("authorization", statements()),
        ("configuration", configurations()),
        ("extension_manifest", extension_manifests()),
        ("journal", journals()),
        ("keyring", keyrings()),
        ("manifest", manifests()),
        ("release_archive", packages()),
        ("signatures", signatures()),
    ] {
        let paths = named.into_iter().map(|(name, bytes)| (format!("{target}/{name}"), bytes));
        seeds.extend(paths);
    }
    seeds
}

/// Journals that are whole, journals that a crash has left, and journals that somebody has altered.
fn journals() -> Vec<Named> {
    let whole = journal::written().bytes.clone();
    let cut = whole.get(..whole.len().saturating_sub(9)).unwrap_or_default().to_vec();
    let forged = String::from_utf8_lossy(&whole).replace("recover", "confirm").into_bytes();
    let lines = whole.split_inclusive(|byte| *byte == b'\n');
    vec![
        ("torn", [&whole[..], b"{\"seq\":5,\"time\""].concat()),
        ("cut", cut),
        ("padded", [&whole[..], &[b'\n'; 64]].concat()),
        ("reversed", lines.rev().collect::<Vec<_>>().concat()),
        ("forged-and-rehashed", journal::rehash(&forged)),
        ("forged", forged),
        ("whole", whole),
    ]
}

/// What a sample installation has: whole, damaged, and cut in the middle.
fn samples() -> BTreeMap<String, Vec<u8>> {
    let mut seeds = BTreeMap::from([("wal_adoption/no-log".to_owned(), b"\x7fELF".to_vec())]);
    for (name, damage) in [("good", SampleDamage::NONE), ("damaged", SampleDamage::ALL)] {
        let scratch = Scratch::new();
        let options = SampleOptions { records: 3, damage, ..SampleOptions::default() };
        if let Err(error) = write_sample_home(scratch.path(), &options) {
            panic!("cannot write a sample: {error}");
        }
        let read = |file: &str| match std::fs::read(scratch.path().join(file)) {
            Ok(bytes) => bytes,
            Err(error) => panic!("the sample has no {file}: {error}"),
        };
        let log = read("data/execution.wal");
        let half = log.get(..log.len() / 2).unwrap_or_default().to_vec();
        seeds.insert(format!("wal_adoption/execution-{name}-half"), half);
        seeds.insert(format!("wal_adoption/execution-{name}"), log);
        seeds.insert(format!("wal_adoption/memory-{name}"), read("data/memory.wal"));
        // No damage of a sample is in its configuration.
        seeds.insert("configuration/sample".to_owned(), read("config/config.json"));
    }
    seeds
}

/// Configurations that are migrated, and configurations that are refused, some with a key that no refusal may show.
fn configurations() -> Vec<Named> {
    let texts = [
        ("minimal", r#"{"brain":{"backend":"echo"},"logging":{"level":"info"}}"#),
        (
            "unknown",
            r#"{"brain":{"backend":"x","n":1.10},"logging":{"level":"info"},"extra":[null,{"a":"\u00e9"}]}"#,
        ),
        (
            "secret",
            r#"{"brain":{"backend":"x","api_key":"sk-NOT-A-REAL-KEY","model":null},"logging":{"level":"info"}}"#,
        ),
        (
            "of-another-type",
            r#"{"brain":{"backend":7,"api_key":"sk-NOT-A-REAL-KEY"},"logging":{"level":"info"}}"#,
        ),
        (
            "key-twice",
            r#"{"brain":{"backend":"x","api_key":"sk-NOT-A-REAL-KEY"},"brain":{},"logging":{"level":"info"}}"#,
        ),
        ("cut", r#"{"brain":{"backend":"x","api_key":"sk-NOT-A-REAL-KEY"#),
        ("no-object", r#"["brain"]"#),
    ];
    texts.map(|(name, text)| (name, text.as_bytes().to_vec())).to_vec()
}

/// Manifests that name the file that is there, and manifests that do not.
fn manifests() -> Vec<Named> {
    let matches = manifest(SEALED_FILE.1);
    let edited =
        |from: &str, to: &str| String::from_utf8_lossy(&matches).replacen(from, to, 1).into_bytes();
    let cut = matches.get(..matches.len() / 2).unwrap_or_default().to_vec();
    let text = String::from_utf8_lossy(&matches).into_owned();
    vec![
        ("differs", manifest(b"other records\n")),
        ("another-generation", edited("\"generation\": 1", "\"generation\": 2")),
        ("another-format", edited("\"format\": ", "\"format\": 9")),
        ("leads-elsewhere", edited(SEALED_FILE.0, "store/../records")),
        ("executable", edited("\"size\"", "\"executable\": true, \"size\"")),
        ("unknown-field", edited("{", "{\"more\": null,")),
        ("cut", cut),
        ("in-one-line", text.replace('\n', " ").into_bytes()),
        // Where a mutation changes nothing but blanks, what it says is still taken.
        ("with-much-room", text.replace('\n', &"\n".repeat(32)).into_bytes()),
        ("matches", matches),
    ]
}

/// A manifest of generation 1 that names [`SEALED_FILE`] with these bytes.
pub fn manifest(bytes: &[u8]) -> Vec<u8> {
    let digest = Digest::of(bytes);
    let file = FileSeal { size: bytes.len() as u64, executable: false, digest };
    let mut logical = LogicalDigest::default();
    logical.insert("wal", KeyspaceDigest { records: 2, digest });
    let manifest = json!({
        "format": MANIFEST_FORMAT,
        "generation": 1,
        "created": "2026-11-23T03:04:06.949619482Z",
        "versions": {
            "runtime": "1.0.3",
            "storage": 1,
            "configuration": 1,
            "protocol": {"major": 1, "minor": 0},
            "capabilities": 2,
            "extensions": 1,
        },
        "origin": {"kind": "adopted", "evidence": ["it says so"]},
        "applied": [],
        "keyspaces": {
            "wal": {"physical": null, "class": "ledger", "content": {"records": 2, "digest": digest}},
        },
        "state": logical.state(),
        "parts": {"store": digest},
        "files": {SEALED_FILE.0: file},
    });
    let mut bytes = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
