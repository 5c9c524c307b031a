use std::fs;
use std::path::Path;

use super::{home, number, sealed};
use rollback::{Layout, Swept};

#[test]
fn everything_of_a_home_lies_where_its_description_says() {
    let layout = Layout::new(Path::new("/home"));
    assert_eq!(layout.root(), Path::new("/home"));
    let places = [
        (layout.journal(), "/home/journal"),
        (layout.lock(), "/home/lock"),
        (layout.current(), "/home/current"),
        (layout.keyrings(), "/home/keyring"),
        (layout.seals(), "/home/seals"),
        (layout.store_seal(number(7)), "/home/seals/7.json"),
        (layout.generations(), "/home/generations"),
        (layout.generation(number(7)), "/home/generations/7"),
        (layout.staging(number(8)), "/home/generations/.staging-8"),
        (layout.scratch("clone"), "/home/generations/.staging-clone"),
    ];
    for (place, expected) in places {
        assert_eq!(place, Path::new(expected));
    }
}

#[test]
fn a_generation_is_a_directory_with_a_number_for_a_name() {
    let (_root, layout) = home();
    for name in ["2", "10", "07", "x", ".staging-3"] {
        fs::create_dir(layout.generations().join(name)).unwrap();
    }
    fs::write(layout.generations().join("4"), b"a file").unwrap();
    assert_eq!(layout.generation_numbers().unwrap(), [number(2), number(10)]);
}

#[test]
fn generations_that_cannot_be_listed_are_not_taken_for_none() {
    let root = tempfile::tempdir().unwrap();
    let layout = Layout::new(root.path());
    assert_eq!(layout.generation_numbers().unwrap(), []);
    assert_eq!(layout.sweep_staging().unwrap(), Swept::default());
    fs::write(layout.generations(), b"no directory").unwrap();
    assert!(layout.generation_numbers().is_err());
    assert!(layout.sweep_staging().is_err());
}

#[test]
fn sweeping_takes_what_is_unfinished_of_seals_and_keyrings_and_leaves_what_is_not() {
    let (_root, layout) = home();
    for directory in [layout.seals(), layout.keyrings()] {
        fs::create_dir(&directory).unwrap();
        for name in ["1.json", "2.json.tmp", "tmp"] {
            fs::write(directory.join(name), b"{}").unwrap();
        }
    }
    fs::create_dir(layout.scratch("clone")).unwrap();
    assert_eq!(layout.sweep_staging().unwrap(), Swept { removed: 3, left: 0 });
    for directory in [layout.seals(), layout.keyrings()] {
        let there = ["1.json", "2.json.tmp", "tmp"].map(|name| directory.join(name).exists());
        assert_eq!(there, [true, false, true]);
    }
    assert!(!layout.scratch("clone").exists());
    assert_eq!(layout.sweep_staging().unwrap(), Swept::default());
}

#[test]
fn something_is_left_of_a_generation_as_long_as_either_of_its_two_places_is_taken() {
    let (_root, layout) = home();
    let left = || layout.is_anything_left_of(number(3)).unwrap();
    assert!(!left());
    fs::create_dir(layout.generation(number(3))).unwrap();
    assert!(left());
    fs::create_dir(layout.seals()).unwrap();
    fs::write(layout.store_seal(number(3)), b"{}").unwrap();
    assert!(left());
    fs::remove_dir(layout.generation(number(3))).unwrap();
    assert!(left());
    fs::remove_file(layout.store_seal(number(3))).unwrap();
    assert!(!left());
}

#[test]
fn removing_a_generation_takes_its_seal_and_what_an_interrupted_removal_left() {
    let (_root, layout) = home();
    let gone = sealed(&layout, 1, &[("data", b"1")]);
    let stays = sealed(&layout, 2, &[("data", b"2")]);
    fs::create_dir(layout.seals()).unwrap();
    for generation in [1, 2] {
        fs::write(layout.store_seal(number(generation)), b"{}").unwrap();
    }
    fs::create_dir_all(layout.staging(number(1)).join("store")).unwrap();
    layout.remove_generation(number(1)).unwrap();
    assert!(!gone.path().exists() && !layout.staging(number(1)).exists());
    assert!(!layout.store_seal(number(1)).exists());
    assert!(stays.path().exists() && layout.store_seal(number(2)).exists());
    assert_eq!(layout.generation_numbers().unwrap(), [number(2)]);
    // Interrupted behind the renaming: the rest is removed, and nothing more is asked for.
    fs::create_dir(layout.staging(number(1))).unwrap();
    layout.remove_generation(number(1)).unwrap();
    assert!(!layout.staging(number(1)).exists());
}

#[test]
fn the_link_for_people_is_mended_whatever_it_was() {
    let (root, layout) = home();
    let target = || fs::read_link(layout.current()).unwrap();
    // What an interrupted refresh leaves.
    fs::write(root.path().join("current.tmp"), b"").unwrap();
    layout.point_current_to(number(1)).unwrap();
    assert_eq!(target(), Path::new("generations/1"));
    layout.point_current_to(number(2)).unwrap();
    assert_eq!(target(), Path::new("generations/2"));
    // Pointed at what it points at already it stays the link that it is.
    let before = fs::symlink_metadata(layout.current()).unwrap().modified().unwrap();
    layout.point_current_to(number(2)).unwrap();
    let after = fs::symlink_metadata(layout.current()).unwrap().modified().unwrap();
    assert_eq!((target().as_path(), before), (Path::new("generations/2"), after));
    assert!(!root.path().join("current.tmp").exists());
}
