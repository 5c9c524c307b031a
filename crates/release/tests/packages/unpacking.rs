//! What is unpacked, and where not.

use std::fs;
use std::os::unix::fs::symlink;

use release::{Error, Package};

use crate::trees::{Place, good, mode, read_private, set_mode};

#[test]
fn what_is_unpacked_is_what_was_packed_and_private() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    package.unpack(&place.target).unwrap();
    assert_eq!(read_private(&place.target), good());
    // Packed again, it is the same release.
    fs::remove_file(&place.package).unwrap();
    let again = release::pack(package.manifest().description(), &place.target, &place.package);
    assert_eq!(again.unwrap().digest(), package.digest());
}

#[test]
fn an_empty_directory_is_unpacked_into_and_made_private() {
    let (place, _) = Place::packed(&good());
    fs::create_dir(&place.target).unwrap();
    set_mode(&place.target, 0o777);
    Package::open(&place.package).unwrap().unpack(&place.target).unwrap();
    assert_eq!(read_private(&place.target), good());
}

#[test]
fn nothing_is_unpacked_beside_what_is_there() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    let outside = place.scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir(&place.target).unwrap();
    set_mode(&place.target, 0o755);
    // A link where the package has a directory, which would lead outside.
    symlink(&outside, place.target.join("runtime")).unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::NotEmpty { .. }));
    fs::remove_file(place.target.join("runtime")).unwrap();
    // A link where the package has a file.
    fs::create_dir(place.target.join("runtime")).unwrap();
    symlink(outside.join("planted"), place.target.join("runtime/femtoclaw")).unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::NotEmpty { .. }));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert!(place.target.join("runtime/femtoclaw").is_symlink(), "what was there was touched");
    assert_eq!(mode(&place.target), 0o755, "what was there was touched");
}

#[test]
fn a_link_or_a_file_is_no_place_to_unpack_into() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    let outside = place.scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    set_mode(&outside, 0o755);
    symlink(&outside, &place.target).unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::NotADirectory { .. }));
    fs::remove_file(&place.target).unwrap();
    symlink("nowhere", &place.target).unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::NotADirectory { .. }));
    fs::remove_file(&place.target).unwrap();
    fs::write(&place.target, b"a file").unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::NotADirectory { .. }));
    assert_eq!(fs::read(&place.target).unwrap(), b"a file");
    assert_eq!(mode(&outside), 0o755);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_parent_that_is_missing_is_not_made() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    let error = package.unpack(&place.target.join("below")).unwrap_err();
    assert!(matches!(error, Error::File(_)), "{error}");
    assert!(!place.target.exists());
}

#[test]
fn what_was_unpacked_of_a_damaged_package_is_removed() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    let mut bytes = fs::read(&place.package).unwrap();
    let last = bytes.iter().rposition(|byte| *byte == 0x7f).unwrap();
    bytes[last] = 0;
    fs::write(&place.package, bytes).unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::ContentDiffers { .. }));
    assert!(!place.target.exists());
    // A directory that was there stays, and is empty again.
    fs::create_dir(&place.target).unwrap();
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::ContentDiffers { .. }));
    assert_eq!(fs::read_dir(&place.target).unwrap().count(), 0);
}
