//! Licences of everything that is built, and `deny.toml`, which must say the same.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item};

use super::Finding;
use super::metadata::Metadata;
use super::spdx::Expression;

/// Permissive licences: what is built may be passed on under Apache-2.0, sources closed or open.
pub(crate) const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences that are fine for one crate only.
pub(crate) const ALLOWED_FOR: [(&str, &str); 1] = [
    // LLVM's old licence, permissive too: the runtime of libFuzzer, which is only ever linked into fuzz targets.
    ("libfuzzer-sys", "NCSA"),
];

/// Looks at the licence of every package.
pub(crate) fn check_packages(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.packages.values() {
        let name = format!("{} {}", package.name, package.version);
        let place = package.manifest.as_deref().unwrap_or("Cargo.lock");
        let Some(licence) = &package.licence else {
            findings.push(Finding::of_file(place, format!("{name} states no licence")));
            continue;
        };
        let is_allowed = |licence: &str| {
            ALLOWED.contains(&licence) || ALLOWED_FOR.contains(&(package.name.as_str(), licence))
        };
        match Expression::parse(licence) {
            Err(reason) => {
                let what = format!("{name} states the licence {licence:?}, but {reason}");
                findings.push(Finding::of_file(place, what));
            }
            Ok(expression) if !expression.is_met_by(&is_allowed) => {
                let what = format!("{name} is under {licence}, which is not on the list");
                findings.push(Finding::of_file(place, what));
            }
            Ok(_) => {}
        }
    }
    findings
}

/// Compares the lists above with those of `deny.toml`.
pub(crate) fn check_deny(text: &str) -> Vec<Finding> {
    let found = |what: String| vec![Finding::of_file("deny.toml", what)];
    let document: DocumentMut = match text.parse() {
        Ok(document) => document,
        Err(error) => return found(format!("it is no TOML: {error}").replace('\n', " ")),
    };
    let licenses = document.get("licenses");
    let allow = licenses.and_then(|table| table.get("allow")).map(texts).unwrap_or_default();
    let mut exceptions = BTreeSet::new();
    let listed = licenses.and_then(|table| table.get("exceptions")).and_then(Item::as_array);
    for exception in listed.into_iter().flatten().filter_map(|value| value.as_inline_table()) {
        let name = exception.get("crate").and_then(|value| value.as_str()).unwrap_or_default();
        let licences = exception.get("allow").and_then(|value| value.as_array());
        for licence in licences.into_iter().flatten().filter_map(|value| value.as_str()) {
            exceptions.insert(format!("{licence} for {name}"));
        }
    }
    let ours = ALLOWED.iter().map(|licence| (*licence).to_owned()).collect();
    let ours_for =
        ALLOWED_FOR.iter().map(|(name, licence)| format!("{licence} for {name}")).collect();
    let mut findings = Vec::new();
    for (theirs, ours) in [(allow, ours), (exceptions, ours_for)] {
        for licence in theirs.symmetric_difference(&ours) {
            let what = format!("it and xtask/src/tidy/licences.rs do not agree on {licence}");
            findings.push(Finding::of_file("deny.toml", what));
        }
    }
    findings
}

fn texts(item: &Item) -> BTreeSet<String> {
    let values = item.as_array().into_iter().flatten();
    values.filter_map(|value| value.as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::metadata::made_up;
    use super::*;

    fn found(name: &str, licence: Option<&str>) -> usize {
        let mut metadata = made_up(&[(name, false, &[])]);
        metadata.packages.get_mut(name).unwrap().licence = licence.map(str::to_owned);
        check_packages(&metadata).len()
    }

    #[test]
    fn a_licence_that_is_not_permissive_or_missing_or_unreadable_is_caught() {
        assert_eq!(found("a", Some("MIT OR GPL-3.0-only")), 0);
        assert_eq!(found("a", Some("GPL-3.0-only")), 1);
        assert_eq!(found("a", Some("MIT AND MPL-2.0")), 1);
        assert_eq!(found("a", Some("MIT OR")), 1);
        assert_eq!(found("a", None), 1);
    }

    #[test]
    fn an_exception_holds_for_its_crate_only() {
        assert_eq!(found("libfuzzer-sys", Some("(MIT OR Apache-2.0) AND NCSA")), 0);
        assert_eq!(found("another", Some("(MIT OR Apache-2.0) AND NCSA")), 1);
    }

    #[test]
    fn deny_toml_says_the_same() {
        let text = include_str!("../../../deny.toml");
        assert!(check_deny(text).is_empty(), "{:?}", check_deny(text));
        assert_eq!(check_deny(&text.replace("    \"Zlib\",\n", "")).len(), 1);
        assert_eq!(check_deny(&text.replace("\"Zlib\"", "\"Zlib\", \"GPL-3.0-only\"")).len(), 1);
        assert_eq!(check_deny(&text.replace("libfuzzer-sys", "another")).len(), 2);
        assert_eq!(check_deny("[[").len(), 1);
    }
}
