//! What came of mutants, as `cargo xtask mutants --record` left it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::record;

/// Where the record is, below the root of the workspace.
const RECORD: &str = "specs/evidence/mutants.json";

/// What came of one mutant.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Mutant {
    #[serde(rename = "crate")]
    pub(super) package: String,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) function: String,
    /// The change in words.
    pub(super) change: String,
    pub(super) verdict: String,
    /// `test:NAME` and `judge:NAME`.
    #[serde(default)]
    pub(super) caught_by: Vec<String>,
}

impl Mutant {
    /// True if the test with this id noticed it. Of a mutant the tests of its own crate are run, and are on record as
    /// `test:BINARY::PATH`.
    pub(super) fn is_caught_by_test(&self, id: &str) -> bool {
        let mut parts = id.splitn(3, ' ');
        let (package, name) = (parts.next(), parts.nth(1).unwrap_or_default());
        let of_crates = package.and_then(|package| package.strip_prefix("crates/"));
        let mut tests = self.caught_by.iter().filter_map(|by| by.strip_prefix("test:"));
        let is_it = |test: &str| test.split_once("::").is_some_and(|(_, path)| path == name);
        of_crates == Some(self.package.as_str()) && tests.any(is_it)
    }

    /// True if this judge noticed it.
    pub(super) fn is_caught_by_judge(&self, name: &str) -> bool {
        self.caught_by.iter().filter_map(|by| by.strip_prefix("judge:")).any(|judge| judge == name)
    }
}

/// The record.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
pub(super) struct Mutants {
    /// What was counted, by crate.
    #[serde(default)]
    pub(super) crates: serde_json::Map<String, Value>,
    #[serde(default)]
    pub(super) mutants: Vec<Mutant>,
}

impl Mutants {
    /// Reads it. There is none before the first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn load(root: &Path) -> Result<Self, String> {
        if root.join(RECORD).is_file() { record::load(root, RECORD) } else { Ok(Self::default()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_caught_it_is_told_by_name() {
        let text = r#"{"type": "mutants", "crates": {"journal": {"score": 0.9}}, "mutants": [
            {"crate": "journal", "file": "crates/journal/src/file.rs", "line": 7, "function": "append",
             "genre": "FnValue", "replacement": "()", "change": "replace append with ()", "verdict": "caught",
             "caught_by": ["test:journal::file::tests::a_torn_tail_is_cut", "judge:durability"]}]}"#;
        let mutants: Mutants = serde_json::from_str(text).unwrap();
        let mutant = &mutants.mutants[0];
        assert!(mutant.is_caught_by_test("crates/journal lib file::tests::a_torn_tail_is_cut"));
        assert!(!mutant.is_caught_by_test("crates/journal lib tests::a_torn_tail_is_cut"));
        assert!(!mutant.is_caught_by_test("crates/rollback lib file::tests::a_torn_tail_is_cut"));
        assert!(mutant.is_caught_by_judge("durability") && !mutant.is_caught_by_judge("link"));
    }
}
