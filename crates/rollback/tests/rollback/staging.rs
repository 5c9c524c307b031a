use std::fs;
use std::io::Write;

use super::{home, manifest, mode, number, sealed};
use integrity::{Digest, Digester};
use rollback::{Error, Part, Staging};

#[test]
fn a_generation_is_built_in_a_directory_for_each_part_and_nothing_of_an_earlier_attempt() {
    let (_root, layout) = home();
    let left = layout.staging(number(1)).join("store/left");
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, b"of an earlier attempt").unwrap();
    let staging = Staging::create(&layout, number(1)).unwrap();
    assert_eq!((staging.number(), staging.path()), (number(1), &*layout.staging(number(1))));
    for part in Part::ALL {
        let directory = staging.part(part);
        assert_eq!(directory, layout.staging(number(1)).join(part.directory()));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "{part}");
    }
}

#[test]
fn what_is_written_lies_in_its_part_with_the_directories_above_it() {
    let (root, layout) = home();
    let staging = Staging::create(&layout, number(1)).unwrap();
    staging.write(Part::Store, "data/a/one", b"1").unwrap();
    // The directories may be there already.
    staging.write(Part::Store, "data/a/two", b"2").unwrap();
    staging.write_executable(Part::Extensions, "tool/run", b"#!").unwrap();
    staging.write_document("adoption.json", b"{}").unwrap();
    let source = root.path().join("source");
    fs::write(&source, b"copied").unwrap();
    let copied = staging.copy(Part::SetAside, "from/elsewhere", &source).unwrap();
    assert_eq!(copied, staging.part(Part::SetAside).join("from/elsewhere"));
    let files: [(&str, &[u8]); 5] = [
        ("store/data/a/one", b"1"),
        ("store/data/a/two", b"2"),
        ("extensions/tool/run", b"#!"),
        ("adoption.json", b"{}"),
        ("set-aside/from/elsewhere", b"copied"),
    ];
    for (path, bytes) in files {
        assert_eq!(fs::read(staging.path().join(path)).unwrap(), bytes, "{path}");
    }
    assert_eq!(mode(&staging.path().join("extensions/tool/run")), 0o700);
    assert_eq!(mode(&staging.path().join("store/data/a/one")), 0o600);
    assert!(staging.write(Part::Store, "data/a/one", b"3").is_err(), "nothing is overwritten");
    assert_eq!(fs::read(staging.path().join("store/data/a/one")).unwrap(), b"1");
}

#[test]
fn a_part_is_vacated_only_if_nothing_is_in_it() {
    let (_root, layout) = home();
    let staging = Staging::create(&layout, number(1)).unwrap();
    let vacated = staging.vacate(Part::Store).unwrap();
    assert_eq!(vacated, staging.part(Part::Store));
    assert!(!vacated.exists());
    staging.write(Part::Policy, "policy.json", b"[]").unwrap();
    assert!(matches!(staging.vacate(Part::Policy), Err(Error::File(_))));
    assert!(staging.part(Part::Policy).join("policy.json").exists());
}

#[test]
fn a_runtime_is_executable_by_its_owner_alone_however_it_comes() {
    let (root, layout) = home();
    let staging = Staging::create(&layout, number(1)).unwrap();
    let source = root.path().join("binary");
    fs::write(&source, b"ELF").unwrap();
    staging.place_runtime("placed", &source).unwrap();
    let written = staging.write_runtime("written", |file| file.write_all(b"ELF"));
    assert!(matches!(written, Ok(Ok(()))));
    for name in ["placed", "written"] {
        let path = staging.part(Part::Runtime).join(name);
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"ELF"[..], 0o700));
    }
    let failed = staging.write_runtime("failed", |_| Err::<(), _>("it cannot be read"));
    assert!(matches!(failed, Ok(Err("it cannot be read"))), "what the writer says comes back");
}

#[test]
fn a_sealed_generation_is_private_and_its_manifest_names_every_file_with_its_digest() {
    let (_root, layout) = home();
    let staging = Staging::create(&layout, number(1)).unwrap();
    staging.write(Part::Store, "data", b"1").unwrap();
    staging.write_executable(Part::Runtime, "femtoclaw", b"ELF").unwrap();
    let open = staging.path().join("config/open");
    fs::write(&open, b"{}").unwrap();
    fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let place = staging.path().to_path_buf();
    let generation =
        staging.seal(&mut Digester::new(1), |files| manifest(number(1), files)).unwrap();
    assert!(!place.exists());
    assert_eq!(generation.path(), layout.generation(number(1)));
    assert_eq!(mode(&generation.path().join("config/open")), 0o600);
    assert_eq!(mode(&generation.path().join("runtime/femtoclaw")), 0o700);
    let files: Vec<_> = generation.manifest().files.iter().collect();
    let paths: Vec<_> = files.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, ["config/open", "runtime/femtoclaw", "store/data"]);
    assert_eq!(files[2].1.digest, Digest::of(b"1"));
    assert!(files[1].1.executable && !files[2].1.executable);
}

#[test]
fn what_cannot_take_its_place_is_not_sealed() {
    let (_root, layout) = home();
    let staging = Staging::create(&layout, number(1)).unwrap();
    // Somebody else was faster.
    let first = sealed_aside(&layout);
    let refused = staging.seal(&mut Digester::new(1), |files| manifest(number(1), files));
    assert!(refused.is_err());
    assert!(first.join("manifest.json").exists());
    assert!(layout.staging(number(1)).exists(), "it stays, to be swept");
}

/// Makes generation 1 from another one, behind everybody's back.
fn sealed_aside(layout: &rollback::Layout) -> std::path::PathBuf {
    let other = sealed(layout, 2, &[("data", b"2")]);
    let place = layout.generation(number(1));
    fs::create_dir(&place).unwrap();
    fs::copy(other.path().join("manifest.json"), place.join("manifest.json")).unwrap();
    place
}
