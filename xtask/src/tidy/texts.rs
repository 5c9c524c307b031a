//! Rules that hold for every text in the repository.

use integrity::Digest;

use super::Finding;

/// The specification, which stays as it was given.
pub(crate) const SPECIFICATION: &str = "specs/FC-UPGRADE-0001.md";

/// BLAKE3 of the specification.
const SPECIFICATION_DIGEST: &str =
    "blake3:ff2aa065b8d3faafff140c8d1fe29227bb9d563b63486bdf955c57ef8af97099";

/// What belongs to one machine only. Each is put together here, so that this file does not break its own rule.
const OF_A_MACHINE: [(&str, &str); 6] = [
    (concat!("/wor", "k/"), "a path of one machine"),
    (concat!("/roo", "t/"), "a path of one machine"),
    (concat!("artifac", "tory"), "a package registry's host"),
    (concat!("index.cra", "tes.io"), "a package registry's host"),
    (concat!("static.cra", "tes.io"), "a package registry's host"),
    (concat!("registry.np", "mjs.org"), "a package registry's host"),
];

/// Looks at one text file.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for (word, what) in OF_A_MACHINE {
            if line.match_indices(word).any(|(at, _)| begins_there(line, at, word)) {
                findings.push(Finding::new(path, number, format!("{word}: {what}")));
            }
        }
    }
    findings
}

/// A path begins at its slash: `a/work/b` is none of this machine.
fn begins_there(line: &str, at: usize, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || ['_', '-', '.', '}', '*', '~'].contains(&c);
    !(word.starts_with('/') && line.get(..at).unwrap_or_default().ends_with(is_part))
}

/// The specification must be there, byte for byte.
pub(crate) fn check_specification(bytes: Option<&[u8]>) -> Option<Finding> {
    let Some(bytes) = bytes else {
        return Some(Finding::of_file(SPECIFICATION, "it is missing"));
    };
    let found = Digest::of(bytes).to_string();
    if found == SPECIFICATION_DIGEST {
        return None;
    }
    let what = format!("it was changed: it is {found}, and was given as {SPECIFICATION_DIGEST}");
    Some(Finding::of_file(SPECIFICATION, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_machine_is_caught() {
        for (word, _) in OF_A_MACHINE {
            assert_eq!(check("a", &format!("x\nsee {word}here")).len(), 1, "{word}");
        }
        assert!(check("a", "target/work/here and https://crates.io").is_empty());
    }

    #[test]
    fn a_specification_that_was_touched_is_caught() {
        let given = include_bytes!("../../../specs/FC-UPGRADE-0001.md");
        assert_eq!(check_specification(Some(given)), None);
        let mut touched = given.to_vec();
        touched.push(b'\n');
        assert!(check_specification(Some(&touched)).is_some());
        assert!(check_specification(None).is_some());
    }
}
