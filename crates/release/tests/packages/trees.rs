//! Directories that are packed, and what they are packed with.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use integrity::Digest;
use release::{Description, Manifest, Migration, pack};
use serde_json::json;
use versioning::SchemaVersion;

use crate::forge::ARTIFACTS;

/// Files by path: whether it is executable, and its content.
pub(crate) type Files = BTreeMap<String, (bool, Vec<u8>)>;

pub(crate) fn description() -> Description {
    Description {
        product: "femtoclaw".to_owned(),
        versions: serde_json::from_value(json!({
            "runtime": "2.0.0", "storage": 3, "configuration": 2,
            "protocol": {"major": 2, "minor": 0}, "capabilities": 2, "extensions": 2,
        }))
        .unwrap(),
        security_epoch: 3,
        // In the manifest, an offer's fields are in order; here they are not.
        offer: json!({"storage": {"reads": [1, 3]}, "capabilities": 2}),
        migrations: vec![Migration {
            name: "two to three".to_owned(),
            from: SchemaVersion::new(2),
            to: SchemaVersion::new(3),
            fingerprint: Digest::of(b"step"),
        }],
    }
}

/// The files of the good package.
pub(crate) fn good() -> Files {
    ARTIFACTS
        .iter()
        .map(|(path, executable, content)| ((*path).to_owned(), (*executable, content.to_vec())))
        .collect()
}

pub(crate) fn write<'f>(
    root: &Path,
    files: impl IntoIterator<Item = (&'f String, &'f (bool, Vec<u8>))>,
) {
    for (path, (executable, content)) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        set_mode(&path, if *executable { 0o755 } else { 0o644 });
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Reads a tree again, and sees to it that everything in it is private.
pub(crate) fn read_private(root: &Path) -> Files {
    let mut files = Files::new();
    assert_eq!(mode(root), 0o700, "{}", root.display());
    for entry in durable::walk(root).unwrap() {
        let path = root.join(&entry.path);
        if entry.kind == durable::EntryKind::Directory {
            assert_eq!(mode(&path), 0o700, "{}", path.display());
            continue;
        }
        let executable = mode(&path) == 0o700;
        assert!(executable || mode(&path) == 0o600, "{}: {:o}", path.display(), mode(&path));
        let name = entry.path.to_str().unwrap().to_owned();
        files.insert(name, (executable, fs::read(&path).unwrap()));
    }
    files
}

/// A place for one test: a tree, a package, and somewhere to unpack to.
pub(crate) struct Place {
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) tree: PathBuf,
    pub(crate) package: PathBuf,
    pub(crate) target: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        Self { tree: at("tree"), package: at("package"), target: at("target"), scratch }
    }

    /// With these files, packed.
    pub(crate) fn packed(files: &Files) -> (Self, Manifest) {
        let place = Self::new();
        write(&place.tree, files);
        let manifest = place.pack().unwrap();
        (place, manifest)
    }

    pub(crate) fn pack(&self) -> release::Result<Manifest> {
        pack(&description(), &self.tree, &self.package)
    }

    /// The names in the place itself.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.scratch.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
