//! What cannot be provoked from outside: a disk that does not hold what was written to it.

use std::fs;

use integrity::Digest;

use super::*;
use crate::{ArtifactPath, Description};

fn manifest() -> Manifest {
    let artifact = |path: &str, content: &[u8], executable| Artifact {
        path: ArtifactPath::new(path).unwrap(),
        size: content.len() as u64,
        executable,
        digest: Digest::of(content),
    };
    let description = Description {
        product: "femtoclaw".to_owned(),
        versions: serde_json::from_value(serde_json::json!({
            "runtime": "2.0.0", "storage": 3, "configuration": 2,
            "protocol": {"major": 2, "minor": 0}, "capabilities": 2, "extensions": 2,
        }))
        .unwrap(),
        security_epoch: 3,
        offer: serde_json::json!([]),
        migrations: Vec::new(),
    };
    let artifacts =
        [artifact("artifacts/notes", b"notes", false), artifact("runtime/claw", b"claw", true)];
    Manifest::new(&description, &artifacts).unwrap()
}

/// Reads back a tree that is as the manifest says but for one change.
fn read_back_after(change: impl Fn(&Path)) -> Result<()> {
    let root = tempfile::tempdir().unwrap();
    for (path, content, mode) in
        [("artifacts/notes", "notes", 0o600), ("runtime/claw", "claw", 0o700)]
    {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    change(root.path());
    Written { manifest: &manifest(), directory: root.path() }.read_back()
}

#[test]
fn what_is_on_disk_is_held_against_the_manifest() {
    read_back_after(|_| {}).unwrap();
    let bytes = |root: &Path| fs::write(root.join("artifacts/notes"), "NOTES").unwrap();
    let longer = |root: &Path| fs::write(root.join("artifacts/notes"), "notes ").unwrap();
    let missing = |root: &Path| fs::remove_file(root.join("runtime/claw")).unwrap();
    let stray = |root: &Path| fs::write(root.join("artifacts/stray"), "").unwrap();
    let mode = |root: &Path| {
        fs::set_permissions(root.join("runtime/claw"), PermissionsExt::from_mode(0o755)).unwrap();
    };
    let changes: [&dyn Fn(&Path); 5] = [&bytes, &longer, &missing, &stray, &mode];
    for (number, change) in changes.iter().enumerate() {
        let error = read_back_after(change).unwrap_err();
        assert!(matches!(error, Error::UnpackedDiffers { .. }), "{number}: {error}");
    }
}

#[test]
fn a_link_among_what_was_unpacked_is_refused() {
    let error = read_back_after(|root| {
        std::os::unix::fs::symlink("notes", root.join("artifacts/link")).unwrap();
    })
    .unwrap_err();
    assert!(matches!(error, Error::File(durable::Error { operation: Operation::Walk, .. })));
}
