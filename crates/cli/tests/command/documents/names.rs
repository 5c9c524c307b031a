//! docs/recovering.md has an entry for every name that the command can end with, and for nothing else.

use std::collections::BTreeSet;

use super::text;

/// Where names of errors are given: from the line with the first text to the one with the second.
const ERRORS: [(&str, &str, &str); 6] = [
    ("crates/upgrade/src/error/telling.rs", "pub fn name(", "fn is_of_authority"),
    ("crates/upgrade/src/error/names.rs", "", ""),
    ("crates/upgrade/src/audit.rs", "pub fn name(", "fn fmt("),
    ("crates/cli/src/failure.rs", "fn name(", "fn to_json("),
    ("crates/cli/src/launch/told.rs", "", ""),
    ("crates/cli/src/launch/mod.rs", "fn crashed(", "fn confirmed_failed("),
];

/// Where reasons of `incompatible` are given, likewise.
const REASONS: [(&str, &str, &str); 15] = [
    ("crates/upgrade/src/error/telling.rs", "fn unreadable_store(", "fn exit_code("),
    ("crates/upgrade/src/boot.rs", "", ""),
    ("crates/upgrade/src/plan/authority.rs", "", ""),
    ("crates/upgrade/src/plan/configuration.rs", "", ""),
    ("crates/upgrade/src/plan/extensions.rs", "", ""),
    ("crates/upgrade/src/plan/files.rs", "", ""),
    ("crates/upgrade/src/plan/mod.rs", "", ""),
    ("crates/upgrade/src/plan/release.rs", "", ""),
    ("crates/upgrade/src/plan/storage.rs", "", ""),
    ("crates/compatibility/src/reason/capability.rs", "fn telling(", ""),
    ("crates/compatibility/src/reason/extension.rs", "fn telling(", ""),
    ("crates/compatibility/src/reason/protocol.rs", "fn telling(", ""),
    ("crates/compatibility/src/reason/release.rs", "fn telling(", ""),
    ("crates/compatibility/src/reason/storage.rs", "fn telling(", ""),
    ("crates/extension-migration/src/reason.rs", "pub fn code(", "pub fn is_obstacle("),
];

/// Reasons that stop nothing: they are told in a plan.
const NOTES: [&str; 15] = [
    "arrives-disabled",
    "capability-renamed",
    "compatible",
    "compatible-unstated",
    "configuration-migrates",
    "extension-states-no-runtime",
    "newer-version",
    "no-rollback-target",
    "permission-granted",
    "prerelease-asked-for",
    "renamed",
    "rollback-converts",
    "set-aside-by-consent",
    "storage-migrates",
    "was-set-aside",
];

/// Texts in the same places that are no names.
const OTHER: [&str; 3] = ["kept", "pre-release", "rewritten"];

/// Every word in quotes that could be a name. Words without a hyphen are taken where a `match` gives them.
fn given(places: &[(&str, &str, &str)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, from, to) in places {
        let source = text(path);
        // Tests stand at the end of a file.
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let start = source.find(from).unwrap_or_else(|| panic!("{path} has no {from:?}"));
        let part = &source[start..];
        let end = if to.is_empty() { part.len() } else { part.find(to).unwrap() };
        for line in part[..end].lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, word) in line.split('"').enumerate() {
                let is_given =
                    line.contains("=> \"") || line.contains("Some(") || line.contains("None =>");
                let is_name = at % 2 == 1
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                    && (word.contains('-') || (is_given && !word.is_empty()));
                if is_name {
                    found.insert(word.to_owned());
                }
            }
        }
    }
    found.retain(|name| !OTHER.contains(&name.as_str()));
    found
}

/// What the first column of the tables of a part of the page has in code.
fn entries(part: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in part.lines() {
        let Some(cell) = line.strip_prefix("| `").and_then(|line| line.split('|').next()) else {
            continue;
        };
        for (at, name) in format!("`{cell}").split('`').enumerate() {
            if at % 2 == 1 {
                assert!(found.insert(name.to_owned()), "{name} has two entries");
            }
        }
    }
    found
}

#[test]
fn recovering_has_every_refusal_by_its_name_and_no_other() {
    let page = text("docs/recovering.md");
    let (errors, reasons) = page.split_once("\n## Reasons\n").unwrap();
    let named = given(&ERRORS);
    assert!(named.len() > 100 && named.contains("locked"), "{named:?}");
    assert_eq!(entries(errors), named, "the page, and the code");

    let mut named = given(&REASONS);
    for note in NOTES {
        assert!(named.remove(note), "{note} is given nowhere");
    }
    assert_eq!(entries(reasons), named, "the page, and the code");
}
