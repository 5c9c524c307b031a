//! What must hold for every tree, every package and all bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use proptest::test_runner::Config;
use release::{Error, MAXIMUM_ARTIFACTS, MAXIMUM_MIGRATIONS, Manifest, Package, Result};
use serde_json::json;

use crate::forge::{self, Archive, Forged};
use crate::trees::{Files, Place, good, read_private};

fn check(place: &Place) -> Result<Package> {
    let package = Package::open(&place.package)?;
    package.verify()?;
    Ok(package)
}

/// A package that is taken is, byte for byte, what its manifest and its contents make: there is no room for anything else.
fn is_canonical(package: &Package, bytes: &[u8]) -> bool {
    let members = package.manifest().artifacts().iter().map(|artifact| {
        let mut content = Vec::new();
        package.copy(artifact.path.as_str(), &mut content).unwrap();
        Forged::file(artifact.path.as_str(), artifact.executable, &content)
    });
    Archive::new(package.manifest_bytes(), members.collect()).bytes() == bytes
}

/// Changes one byte of a package and takes it back. Accepted is the change only if it makes another release of it.
fn change_one(place: &Place, file: &File, bytes: &[u8], at: usize, mask: u8, manifest: &Manifest) {
    file.write_all_at(&[bytes[at] ^ mask], at as u64).unwrap();
    if let Ok(package) = check(place) {
        let inside = 512..512 + manifest.bytes().len();
        assert!(inside.contains(&at), "byte {at} ^ {mask:#04x} was taken");
        assert_ne!(package.digest(), manifest.digest(), "byte {at} ^ {mask:#04x}");
    }
    file.write_all_at(&[bytes[at]], at as u64).unwrap();
}

// trace: test FC-14.1.1 FC-23.1.1 FC-23.3
#[test]
fn every_byte_counts() {
    let (place, manifest) = Place::packed(&good());
    let bytes = fs::read(&place.package).unwrap();
    let file = File::options().write(true).open(&place.package).unwrap();
    for at in 0..bytes.len() {
        change_one(&place, &file, &bytes, at, 1 << (at % 8), &manifest);
    }
    check(&place).unwrap();
}

#[test]
fn every_truncation_is_refused() {
    let (place, _) = Place::packed(&good());
    let file = File::options().write(true).open(&place.package).unwrap();
    for length in (0..file.metadata().unwrap().len()).rev() {
        file.set_len(length).unwrap();
        let error = check(&place).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "{length}: {error}");
    }
}

/// The bound on values leaves room for everything that the other bounds allow.
#[test]
fn the_largest_manifest_is_taken() {
    let mut manifest = forge::manifest();
    let step = manifest["migrations"][0].clone();
    manifest["migrations"] = vec![step; MAXIMUM_MIGRATIONS].into();
    let paths = (1..MAXIMUM_ARTIFACTS).map(|number| format!("artifacts/{number:090}"));
    let paths: Vec<String> = paths.chain(["runtime/femtoclaw".to_owned()]).collect();
    manifest["artifacts"] = paths.iter().map(|path| forge::named(path, true, b"")).collect();
    let members = paths.iter().map(|path| Forged::file(path, true, b""));
    let text = serde_json::to_vec_pretty(&manifest).unwrap();
    let place = Place::new();
    fs::write(&place.package, Archive::new(&text, members.collect()).bytes()).unwrap();
    assert_eq!(check(&place).unwrap().manifest().artifacts().len(), MAXIMUM_ARTIFACTS);
}

/// Trees as a release can have them: no two names that differ in case, no file that is a directory.
fn files() -> impl Strategy<Value = Files> {
    let component = "[a-zA-Z0-9_][a-zA-Z0-9._+-]{0,6}[a-zA-Z0-9_+-]";
    let directory =
        prop::sample::select(vec!["artifacts", "capabilities", "configuration", "extensions"]);
    let path = (directory, prop::collection::vec(component, 1..4))
        .prop_map(|(directory, components)| format!("{directory}/{}", components.join("/")));
    let sizes = prop_oneof![0_usize..20, 500_usize..1030, Just(512), Just(200_000)];
    let content = (sizes, any::<u8>()).prop_map(|(size, first)| {
        (0..size).map(|at| first.wrapping_add((at % 251) as u8)).collect::<Vec<u8>>()
    });
    prop::collection::btree_map(path, (any::<bool>(), content), 0..12).prop_map(|mut files| {
        let mut seen = BTreeMap::new();
        files.retain(|path: &String, _| {
            let folded = path.to_ascii_lowercase();
            let ends: Vec<usize> = folded.match_indices('/').map(|(end, _)| end).collect();
            let above = ends.iter().map(|end| (folded[..*end].to_owned(), path[..*end].to_owned()));
            let above: Vec<_> = above.collect();
            let fits = above.iter().all(|(folded, path)| {
                seen.get(folded).is_none_or(|found| *found == (path.clone(), true))
            }) && !seen.contains_key(&folded);
            if fits {
                seen.extend(above.into_iter().map(|(folded, path)| (folded, (path, true))));
                seen.insert(folded, (path.clone(), false));
            }
            fits
        });
        files.insert("runtime/femtoclaw".to_owned(), (true, b"runtime".to_vec()));
        files
    })
}

/// A package in which any header, checksum and all, and any piece of the manifest was changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let member = (0..7_usize, 0..500_usize, any::<u8>());
    let text = (any::<prop::sample::Index>(), any::<u8>());
    (prop::option::of(member), prop::option::of(text)).prop_map(|(member, text)| {
        let mut archive = Archive::good();
        if let Some((at, byte)) = text {
            let content = &mut archive.members[0].content;
            let at = at.index(content.len());
            content[at] = byte;
        }
        let mut bytes = archive.bytes();
        if let Some((number, at, byte)) = member {
            let before: usize = archive.members[..number]
                .iter()
                .map(|member| 512 + member.content.len().next_multiple_of(512))
                .sum();
            let header = &mut bytes[before..before + 512];
            header[at] = byte;
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn what_is_packed_comes_back(files in files()) {
        let (place, manifest) = Place::packed(&files);
        let package = check(&place).unwrap();
        prop_assert_eq!(package.manifest(), &manifest);
        prop_assert!(is_canonical(&package, &fs::read(&place.package).unwrap()));
        package.unpack(&place.target).unwrap();
        prop_assert_eq!(read_private(&place.target), files);
    }
}

proptest! {
    #![proptest_config(Config { cases: 512, ..Config::default() })]

    #[test]
    fn any_byte_counts(at: prop::sample::Index, mask in 1_u8..) {
        let (place, manifest) = Place::packed(&good());
        let bytes = fs::read(&place.package).unwrap();
        let file = File::options().write(true).open(&place.package).unwrap();
        change_one(&place, &file, &bytes, at.index(bytes.len()), mask, &manifest);
    }

    #[test]
    fn any_extension_is_refused(tail in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 1..2000)) {
        let place = Place::new();
        let bytes = [Archive::good().bytes(), tail].concat();
        fs::write(&place.package, bytes).unwrap();
        let is_refused = matches!(check(&place), Err(Error::BytesBehindTheEnd { .. }));
        prop_assert!(is_refused);
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let place = Place::new();
        fs::write(&place.package, bytes).unwrap();
        prop_assert!(check(&place).is_err());
    }

    #[test]
    fn whatever_is_taken_is_canonical(bytes in mutated()) {
        let place = Place::new();
        fs::write(&place.package, &bytes).unwrap();
        if let Ok(package) = check(&place) {
            prop_assert!(is_canonical(&package, &bytes));
        }
    }

    #[test]
    fn arbitrary_manifests_never_panic(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Manifest::parse(text.as_bytes()).is_err());
        prop_assert!(Manifest::parse(&bytes).is_err());
    }

    /// The rule for trees against its definition: the paths, case folded, make a tree in which every name is of one file or
    /// one directory, in one spelling.
    #[test]
    fn trees_are_judged_as_they_are_defined(paths in prop::collection::btree_set("artifacts(/[aAbB.-]?[aA]){1,3}", 1..5)) {
        let paths: BTreeSet<String> = paths;
        let mut spelled: BTreeMap<String, BTreeSet<(String, bool)>> = BTreeMap::new();
        for path in &paths {
            let ends = path.match_indices('/').map(|(end, _)| (end, true));
            for (end, is_directory) in ends.chain([(path.len(), false)]) {
                let part = path[..end].to_owned();
                spelled.entry(part.to_ascii_lowercase()).or_default().insert((part, is_directory));
            }
        }
        let is_valid = paths.iter().all(|path| release::ArtifactPath::new(path).is_ok());
        let is_tree = spelled.values().all(|spellings| spellings.len() == 1);
        let mut manifest = forge::manifest();
        let runtime = "runtime/x".to_owned();
        manifest["artifacts"] = json!(
            paths.iter().chain([&runtime]).map(|path| forge::named(path, true, b"")).collect::<Vec<_>>()
        );
        let parsed = Manifest::parse(&serde_json::to_vec(&manifest).unwrap());
        prop_assert_eq!(parsed.is_ok(), is_valid && is_tree, "{:?}", parsed);
    }
}
