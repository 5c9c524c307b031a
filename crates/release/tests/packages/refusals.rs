//! Every attack of the table is refused.

use std::collections::BTreeSet;

use release::{Package, Result};

use crate::attacks::{Attack, Noticed, all};
use crate::forge::Archive;

/// Opens and verifies these bytes.
pub(crate) fn try_package(bytes: &[u8]) -> Result<Package> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let package = Package::open(file.path())?;
    package.verify()?;
    Ok(package)
}

#[test]
fn the_good_package_is_taken() {
    let package = try_package(&Archive::good().bytes()).unwrap();
    assert_eq!(package.manifest().artifacts().len(), 6);
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    let scratch = tempfile::tempdir().unwrap();
    let (file, target) = (scratch.path().join("package"), scratch.path().join("target"));
    let (mut failed, attacks) = (Vec::new(), all());
    for Attack { name, bytes, noticed, is_told } in &attacks {
        std::fs::write(&file, bytes).unwrap();
        let opened = Package::open(&file);
        let found = match (noticed, opened) {
            (Noticed::ByOpening, Err(error)) => error,
            (Noticed::ByOpening, Ok(_)) => panic!("{name}: was opened"),
            (Noticed::ByVerifying, Err(error)) => panic!("{name}: was not opened: {error}"),
            (Noticed::ByVerifying, Ok(package)) => {
                // Unpacking without verifying first is no way around it, and leaves nothing behind.
                let error = package.unpack(&target).unwrap_err();
                assert!(is_told(&error) && !target.exists(), "{name}: {error}");
                package.verify().unwrap_err()
            }
        };
        println!("{name}: {found}");
        if !is_told(&found) {
            failed.push(format!("{name}: {found:?}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    let names: BTreeSet<&str> = attacks.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), attacks.len(), "a name is used twice");
    assert!(attacks.len() >= 100, "{}", attacks.len());
}

#[test]
fn no_message_carries_what_a_terminal_would_obey() {
    for Attack { name, bytes, .. } in all() {
        let error = try_package(&bytes).unwrap_err().to_string();
        assert!(!error.chars().any(char::is_control), "{name}: {error:?}");
        assert!(error.len() < 2_000, "{name}: {} bytes", error.len());
    }
}
