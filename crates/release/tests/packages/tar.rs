//! GNU tar as a second opinion: it lists and unpacks a package, and makes the same bytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::trees::{Place, good, mode, read_private};

fn tar(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("tar");
    command.current_dir(directory).env("TZ", "UTC").env("LC_ALL", "C").args(arguments);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "tar {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn gnu_tar_lists_what_is_in_a_package() {
    let (place, manifest) = Place::packed(&good());
    let listed = tar(place.scratch.path(), &["--full-time", "-tvf", "package"]);
    let mut expected = vec![("-rw-------", manifest.bytes().len(), "release.json".to_owned())];
    for (path, (executable, content)) in good() {
        expected.push((if executable { "-rwx------" } else { "-rw-------" }, content.len(), path));
    }
    let listed: Vec<String> =
        listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected: Vec<String> = expected
        .iter()
        .map(|(mode, size, path)| format!("{mode} 0/0 {size} 1970-01-01 00:00:00 {path}"))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn gnu_tar_unpacks_a_package() {
    let (place, manifest) = Place::packed(&good());
    fs::create_dir(&place.target).unwrap();
    tar(&place.target, &["--no-same-owner", "-xpf", "../package"]);
    let manifest_file = place.target.join("release.json");
    assert_eq!(fs::read(&manifest_file).unwrap(), manifest.bytes());
    fs::remove_file(manifest_file).unwrap();
    for (path, (executable, content)) in good() {
        let path = place.target.join(path);
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(mode(&path), if executable { 0o700 } else { 0o600 });
    }
}

#[test]
fn gnu_tar_makes_the_same_bytes() {
    let (place, manifest) = Place::packed(&good());
    release::Package::open(&place.package).unwrap().unpack(&place.target).unwrap();
    assert_eq!(read_private(&place.target), good());
    let manifest_file = place.target.join("release.json");
    fs::write(&manifest_file, manifest.bytes()).unwrap();
    crate::trees::set_mode(&manifest_file, 0o600);
    let mut arguments: Vec<String> = ["--format=ustar", "--blocking-factor=1", "--mtime=@0"]
        .iter()
        .chain(&["--owner=0", "--group=0", "--numeric-owner", "-cf", "../by-tar", "release.json"])
        .map(|argument| (*argument).to_owned())
        .collect();
    arguments.extend(good().into_keys());
    tar(&place.target, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let by_tar = fs::read(place.scratch.path().join("by-tar")).unwrap();
    assert!(fs::read(&place.package).unwrap() == by_tar);
}
