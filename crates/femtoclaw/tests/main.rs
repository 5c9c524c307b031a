//! Adoption and migration of directories as the field has them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests stop at the first surprise"
)]

#[path = "adoption/support.rs"]
mod support;

#[path = "adoption/fixtures.rs"]
mod fixtures;

#[path = "adoption/damage.rs"]
mod damage;

#[path = "adoption/configuration.rs"]
mod configuration;

#[path = "adoption/danger.rs"]
mod danger;

#[path = "adoption/documents.rs"]
mod documents;

#[path = "adoption/extensions.rs"]
mod extensions;

#[path = "adoption/hostile.rs"]
mod hostile;

#[path = "adoption/transforms.rs"]
mod transforms;

#[path = "adoption/migration.rs"]
mod migration;

#[path = "adoption/sample.rs"]
mod sample;

#[test]
fn no_test_file_is_forgotten() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adoption");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let listed = include_str!("main.rs").contains(&format!("adoption/{name}"));
        assert!(listed, "{name} is not listed in main.rs");
    }
}
