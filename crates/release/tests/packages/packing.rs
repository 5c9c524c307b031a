//! What packing makes, and what it refuses.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use release::{Description, Error, InvalidPath, ManifestFault, Package, PathRule, Role, pack};
use serde_json::json;

use crate::forge::{ARTIFACTS, Archive, Forged};
use crate::trees::{Place, description, good, mode, set_mode, write};

/// A package as version 1 of the format has it. It stays readable, and stays what packing makes.
const FIXTURE: &[u8] = include_bytes!("release-v1.tar");

#[test]
fn the_same_input_makes_the_same_bytes() {
    let files = good();
    let (one, other) = (Place::new(), Place::new());
    write(&one.tree, &files);
    write(&other.tree, files.iter().rev());
    for (number, (path, (executable, _))) in files.iter().enumerate() {
        // Neither times nor what others may do is part of a package.
        let path = other.tree.join(path);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64 * 1_000_000);
        File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        set_mode(&path, if *executable { 0o700 } else { 0o400 });
    }
    one.pack().unwrap();
    other.pack().unwrap();
    assert!(fs::read(&one.package).unwrap() == fs::read(&other.package).unwrap());
}

#[test]
fn the_format_is_the_committed_one() {
    let (place, manifest) = Place::packed(&good());
    assert!(fs::read(&place.package).unwrap() == FIXTURE, "packing makes other bytes than it did");
    fs::write(&place.target, FIXTURE).unwrap();
    let package = Package::open(&place.target).unwrap();
    package.verify().unwrap();
    assert_eq!(package.manifest(), &manifest);
    assert_eq!(
        package.digest().to_string(),
        "blake3:73ad2084b88a9f6863efd2e516e04e8955ff888146e6be0f9f3e459b16627f5c"
    );
}

#[test]
fn an_archive_written_by_hand_is_the_same() {
    let (place, manifest) = Place::packed(&good());
    let files = ARTIFACTS
        .iter()
        .map(|(path, executable, content)| Forged::file(path, *executable, content));
    let by_hand = Archive::new(manifest.bytes(), files.collect());
    assert!(fs::read(&place.package).unwrap() == by_hand.bytes());
}

#[test]
fn a_package_is_private_and_nothing_else_is_left() {
    let place = Place::new();
    write(&place.tree, &good());
    fs::write(place.scratch.path().join("package.tmp"), b"left over from a crash").unwrap();
    place.pack().unwrap();
    assert_eq!(mode(&place.package), 0o600);
    assert_eq!(place.names(), ["package", "tree"]);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let place = Place::new();
    write(&place.tree, &good());
    fs::write(&place.package, b"something").unwrap();
    let error = place.pack().unwrap_err();
    assert!(matches!(&error, Error::File(error) if error.operation == durable::Operation::Create));
    assert_eq!(fs::read(&place.package).unwrap(), b"something");
    fs::remove_file(&place.package).unwrap();
    // Not through a link either.
    std::os::unix::fs::symlink("elsewhere", &place.package).unwrap();
    assert!(matches!(place.pack().unwrap_err(), Error::File(_)));
    assert_eq!(place.names(), ["package", "tree"]);
}

#[test]
fn the_manifest_says_what_was_packed() {
    let (place, manifest) = Place::packed(&good());
    assert_eq!(manifest.description(), &description());
    let package = Package::open(&place.package).unwrap();
    assert_eq!(package.manifest(), &manifest);
    assert_eq!(package.manifest_bytes(), manifest.bytes());
    assert_eq!(package.digest(), integrity::Digest::of(manifest.bytes()));
    for (path, executable, content) in ARTIFACTS {
        let artifact = manifest.artifact(path).unwrap();
        assert_eq!((artifact.size, artifact.executable), (content.len() as u64, executable));
        let mut copied = Vec::new();
        package.copy(path, &mut copied).unwrap();
        assert_eq!(copied, content);
    }
    let runtimes: Vec<&str> =
        manifest.with_role(Role::Runtime).map(|artifact| artifact.path.as_str()).collect();
    assert_eq!(runtimes, ["runtime/femtoclaw"]);
    let missing = package.copy("runtime/other", &mut Vec::new()).unwrap_err();
    assert!(matches!(missing, Error::NoSuchArtifact { .. }));
    let shown = format!("{package:?}");
    assert!(shown.contains(&manifest.digest().to_string()) && shown.len() < 500, "{shown}");
}

/// Packs the good tree after a change to it, which must be refused and leave nothing.
fn refused(change: impl Fn(&Place)) -> Error {
    let place = Place::new();
    write(&place.tree, &good());
    change(&place);
    let error = place.pack().unwrap_err();
    assert_eq!(place.names(), ["tree"], "{error}");
    error
}

#[test]
fn links_and_special_files_are_not_packed() {
    let is_walk = |error: &Error| matches!(error, Error::File(error) if error.operation == durable::Operation::Walk);
    let link = refused(|place| {
        std::os::unix::fs::symlink("empty", place.tree.join("artifacts/link")).unwrap();
    });
    assert!(is_walk(&link), "{link}");
    let directory = refused(|place| {
        std::os::unix::fs::symlink("/", place.tree.join("artifacts/link")).unwrap();
    });
    assert!(is_walk(&directory), "{directory}");
    let pipe = refused(|place| make_pipe(&place.tree.join("artifacts/pipe")));
    assert!(is_walk(&pipe), "{pipe}");
}

pub(crate) fn make_pipe(path: &std::path::Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_would_be_lost_or_misread_is_not_packed() {
    let directory = refused(|place| fs::create_dir_all(place.tree.join("artifacts/x/y")).unwrap());
    assert!(matches!(directory, Error::EmptyDirectory { .. }), "{directory}");
    let stray = refused(|place| fs::write(place.tree.join("release.json"), "{}").unwrap());
    let rule = |error| match error {
        Error::Manifest(ManifestFault::Path(InvalidPath { rule, .. })) => rule,
        other => panic!("{other}"),
    };
    assert_eq!(rule(stray), PathRule::NoRole);
    let hidden = refused(|place| fs::write(place.tree.join("artifacts/.x"), "").unwrap());
    assert_eq!(rule(hidden), PathRule::Ends);
    let foreign = refused(|place| {
        let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
        fs::write(place.tree.join("artifacts").join(name), "").unwrap();
    });
    assert_eq!(rule(foreign), PathRule::Character);
    let case = refused(|place| fs::write(place.tree.join("artifacts/EMPTY"), "").unwrap());
    assert!(matches!(case, Error::Manifest(ManifestFault::SameButForCase { .. })), "{case}");
    let disarmed = refused(|place| set_mode(&place.tree.join("runtime/femtoclaw"), 0o600));
    assert!(matches!(disarmed, Error::Manifest(ManifestFault::RuntimeNotExecutable { .. })));
}

#[test]
fn a_description_that_could_not_be_read_is_not_packed() {
    let place = Place::new();
    write(&place.tree, &good());
    let with = |offer| Description { offer, ..description() };
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let error = pack(&with(deep), &place.tree, &place.package).unwrap_err();
    assert!(matches!(error, Error::Manifest(ManifestFault::TooDeep)), "{error}");
    let long = "x".repeat(4 << 20);
    let error = pack(&with(json!(long)), &place.tree, &place.package).unwrap_err();
    assert!(matches!(error, Error::Manifest(ManifestFault::TooLarge { .. })), "{error}");
    // Of a number that is read as another, what is read counts.
    let offer = json!({"factor": 0.1 + 0.2, "large": 1.797_693_134_862_315_7e308, "tiny": 5e-324});
    let manifest = pack(&with(offer), &place.tree, &place.package).unwrap();
    assert_eq!(Package::open(&place.package).unwrap().manifest(), &manifest);
}
