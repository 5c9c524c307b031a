//! What cannot be provoked from outside: a file that changes between its digest and its copy.

use std::fs;

use super::*;
use crate::Package;

fn description() -> Description {
    Description {
        product: "femtoclaw".to_owned(),
        versions: serde_json::from_value(serde_json::json!({
            "runtime": "2.0.0", "storage": 3, "configuration": 2,
            "protocol": {"major": 2, "minor": 0}, "capabilities": 2, "extensions": 2,
        }))
        .unwrap(),
        security_epoch: 3,
        offer: serde_json::json!(null),
        migrations: Vec::new(),
    }
}

/// Prepares a tree, lets it change, then writes it.
fn changed(change: impl Fn(&Path)) -> Result<()> {
    let scratch = tempfile::tempdir().unwrap();
    let tree = scratch.path().join("tree");
    fs::create_dir_all(tree.join("runtime")).unwrap();
    let runtime = tree.join("runtime/femtoclaw");
    fs::write(&runtime, b"runtime").unwrap();
    fs::set_permissions(&runtime, PermissionsExt::from_mode(0o755)).unwrap();
    let manifest = Manifest::new(&description(), &artifacts(&tree)?)?;
    change(&runtime);
    let target = scratch.path().join("package");
    if let Err(error) = publish(&manifest, &tree, &target) {
        let left: Vec<_> =
            fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(left.len(), 1, "{left:?}");
        return Err(error);
    }
    Package::open(&target)?.verify()
}

#[test]
fn a_file_that_changes_between_digest_and_copy_is_refused() {
    changed(|_| {}).unwrap();
    let append = |path: &Path| fs::write(path, b"runtime and more").unwrap();
    let shorten = |path: &Path| fs::write(path, b"run").unwrap();
    let replace = |path: &Path| fs::write(path, b"RUNTIME").unwrap();
    let disarm = |path: &Path| fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    let changes: [&dyn Fn(&Path); 4] = [&append, &shorten, &replace, &disarm];
    for (number, change) in changes.iter().enumerate() {
        let error = changed(change).unwrap_err();
        assert!(matches!(error, Error::SourceChanged { .. }), "{number}: {error}");
    }
}

#[test]
fn a_file_that_becomes_a_link_or_vanishes_is_refused() {
    let link = changed(|path| {
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    });
    assert!(matches!(link.unwrap_err(), Error::NotAPlainFile { .. }));
    let gone = changed(|path| fs::remove_file(path).unwrap());
    assert!(matches!(gone.unwrap_err(), Error::File(_)));
}
