//! Tests that run once more in a process of their own, under a hostile umask or with little memory.

use std::process::Command;

/// Runs one test of this binary again, after the shell has been told this.
fn again(setting: &str, test: &str) {
    let output = Command::new("sh")
        .args(["-c", &format!("{setting} && exec \"$0\" --exact \"$1\" --test-threads=1")])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{setting}: {test}\n{said}\n{errors}");
    // A test that is not found passes too.
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn permissions_do_not_depend_on_the_umask() {
    for umask in ["umask 0000", "umask 0777", "umask 0177"] {
        again(umask, "limits::what_is_written_is_private");
    }
}

#[test]
fn what_is_written_is_private() {
    use crate::trees::{Place, good, mode, read_private, set_mode, write};

    // The test's own directories are subject to the umask, and none of them is what it is about.
    let place = Place::new();
    set_mode(place.scratch.path(), 0o700);
    let mut directory = std::path::PathBuf::new();
    for (path, _) in good() {
        for component in std::path::Path::new(&path).parent().unwrap().components() {
            directory.push(component);
            for directory in ["".as_ref(), directory.as_path()].map(|path| place.tree.join(path)) {
                if !directory.exists() {
                    std::fs::create_dir(&directory).unwrap();
                    set_mode(&directory, 0o700);
                }
            }
        }
        directory.clear();
    }
    write(&place.tree, &good());
    place.pack().unwrap();
    assert_eq!(mode(&place.package), 0o600);
    release::Package::open(&place.package).unwrap().unpack(&place.target).unwrap();
    assert_eq!(read_private(&place.target), good());
}

/// Of all attacks and of what is random, none takes more than this, the test itself included.
#[cfg(target_os = "linux")]
#[test]
fn hostile_packages_do_not_take_much_memory() {
    for test in [
        "refusals::every_attack_is_refused_for_its_own_reason",
        "hostile_files::a_hole_is_no_manifest",
        "properties::arbitrary_bytes_are_refused",
        "properties::the_largest_manifest_is_taken",
    ] {
        again("ulimit -v 300000", test);
    }
}
