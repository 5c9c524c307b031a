//! Generations on a real file system: where they lie, how they are built and sealed, what is noticed, who holds the lock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

mod generation;
mod layout;
mod lock;
mod manifest;
mod staging;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use integrity::{Digester, LogicalDigest, TreeSeal};
use rollback::{Generation, Layout, MANIFEST_FORMAT, Manifest, Origin, Part, Staging};
use tempfile::TempDir;
use versioning::{
    CapabilitySet, ConfigurationSchema, ExtensionSet, GenerationNumber, ProtocolVersion,
    RuntimeVersion, SchemaVersion, Versions,
};

fn number(number: u64) -> GenerationNumber {
    GenerationNumber::new(number)
}

/// A home without generations.
fn home() -> (TempDir, Layout) {
    let root = tempfile::tempdir().unwrap();
    let layout = Layout::new(root.path());
    fs::create_dir(layout.generations()).unwrap();
    (root, layout)
}

/// The manifest of an adopted generation with these files.
fn manifest(generation: GenerationNumber, files: TreeSeal) -> Manifest {
    Manifest {
        format: MANIFEST_FORMAT,
        generation,
        created: "2026-11-23T00:00:00Z".parse().unwrap(),
        versions: Versions {
            runtime: RuntimeVersion::new(1, 0, 3),
            storage: SchemaVersion::new(1),
            configuration: ConfigurationSchema::new(1),
            protocol: ProtocolVersion { major: 1, minor: 0 },
            capabilities: CapabilitySet::new(1),
            extensions: ExtensionSet::new(1),
        },
        origin: Origin::Adopted { evidence: vec![] },
        applied: vec![],
        keyspaces: BTreeMap::new(),
        state: LogicalDigest::default().state(),
        parts: Part::ALL.map(|part| (part, files.digest(part.directory()))).into(),
        files,
    }
}

/// Builds and seals a generation with these files of its store.
fn sealed(layout: &Layout, generation: u64, files: &[(&str, &[u8])]) -> Generation {
    let staging = Staging::create(layout, number(generation)).unwrap();
    for (path, bytes) in files {
        staging.write(Part::Store, path, bytes).unwrap();
    }
    staging.seal(&mut Digester::new(1), |files| manifest(number(generation), files)).unwrap()
}

/// The permissions of a file.
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
