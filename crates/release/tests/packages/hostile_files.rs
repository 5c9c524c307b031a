//! Attacks by what lies at a package's path, and by what happens to it while it is open.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;

use release::{Error, FileKind, MAXIMUM_PACKAGE_BYTES, ManifestFault, Package};

use crate::forge::{Archive, Forged};
use crate::packing::make_pipe;
use crate::trees::{Place, good};

fn kind(place: &Place) -> FileKind {
    match Package::open(&place.package).unwrap_err() {
        Error::NotAPlainFile { found, .. } => found,
        other => panic!("{other}"),
    }
}

#[test]
fn a_package_is_a_plain_file() {
    let place = Place::new();
    fs::create_dir(&place.package).unwrap();
    assert_eq!(kind(&place), FileKind::Directory);
    fs::remove_dir(&place.package).unwrap();
    // Nobody writes to it: whoever waits for that waits for ever.
    make_pipe(&place.package);
    assert_eq!(kind(&place), FileKind::Pipe);
    fs::remove_file(&place.package).unwrap();
    let _listener = UnixListener::bind(&place.package).unwrap();
    assert_eq!(kind(&place), FileKind::Other);
    fs::remove_file(&place.package).unwrap();
    symlink("/dev/zero", &place.package).unwrap();
    assert_eq!(kind(&place), FileKind::SymbolicLink);
    let device = Package::open("/dev/zero".as_ref()).unwrap_err();
    assert!(matches!(device, Error::NotAPlainFile { found: FileKind::Other, .. }), "{device}");
}

#[test]
fn a_link_to_a_good_package_is_not_followed() {
    let (place, _) = Place::packed(&good());
    let link = place.scratch.path().join("link");
    symlink(&place.package, &link).unwrap();
    let error = Package::open(&link).unwrap_err();
    assert!(matches!(error, Error::NotAPlainFile { found: FileKind::SymbolicLink, .. }), "{error}");
}

#[test]
fn nothing_is_no_package() {
    let place = Place::new();
    let error = Package::open(&place.package).unwrap_err();
    assert!(matches!(error, Error::File(_)), "{error}");
}

#[test]
fn a_file_larger_than_any_package_is_not_looked_into() {
    let place = Place::new();
    // A file of one hole: it takes no space.
    File::create(&place.package).unwrap().set_len(MAXIMUM_PACKAGE_BYTES + 1).unwrap();
    let error = Package::open(&place.package).unwrap_err();
    assert!(matches!(error, Error::PackageTooLarge { .. }), "{error}");
}

#[test]
fn a_hole_is_no_manifest() {
    let place = Place::new();
    let file = File::create(&place.package).unwrap();
    // All that the header claims is there, in a file that takes no space.
    let manifest =
        Forged { size: b"37777777777".to_vec(), ..Forged::file("release.json", false, b"") };
    file.write_all_at(&Archive { members: vec![manifest], end: Vec::new() }.bytes(), 0).unwrap();
    file.set_len(MAXIMUM_PACKAGE_BYTES).unwrap();
    let error = Package::open(&place.package).unwrap_err();
    let told = Error::Manifest(ManifestFault::TooLarge { bytes: u64::from(u32::MAX) });
    assert_eq!(error.to_string(), told.to_string());
}

#[test]
fn a_package_is_read_by_many_at_once() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..20).try_for_each(|_| package.verify()))).collect();
        for reader in readers {
            let read = reader.join().unwrap();
            assert!(read.is_ok(), "{read:?}");
        }
    });
}

#[test]
fn a_file_that_is_swapped_at_its_path_changes_nothing() {
    let (place, manifest) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    fs::remove_file(&place.package).unwrap();
    fs::write(&place.package, b"another file").unwrap();
    package.verify().unwrap();
    package.unpack(&place.target).unwrap();
    assert_eq!(package.digest(), manifest.digest());
    assert!(Package::open(&place.package).is_err());
}

#[test]
fn a_file_that_changes_while_it_is_open_is_noticed() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    package.verify().unwrap();
    let bytes = fs::read(&place.package).unwrap();
    let file = File::options().write(true).open(&place.package).unwrap();
    let at = bytes.iter().position(|byte| *byte == 0x7f).unwrap();
    file.write_all_at(b"!", at as u64).unwrap();
    let path = "runtime/femtoclaw";
    let error = package.copy(path, &mut Vec::new()).unwrap_err();
    assert!(matches!(&error, Error::ContentDiffers { artifact, .. } if artifact == path));
    assert!(matches!(package.verify().unwrap_err(), Error::ContentDiffers { .. }));
    assert!(matches!(package.unpack(&place.target).unwrap_err(), Error::ContentDiffers { .. }));
    file.set_len(at as u64 + 1).unwrap();
    assert!(matches!(package.verify().unwrap_err(), Error::Truncated { .. }));
}

/// An output that has no room.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_fails_is_told_from_a_package_that_does() {
    let (place, _) = Place::packed(&good());
    let package = Package::open(&place.package).unwrap();
    let error = package.copy("runtime/femtoclaw", &mut Full).unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error}");
}
