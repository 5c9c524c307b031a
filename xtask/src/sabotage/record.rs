//! What came of each planted bug the last time that somebody looked: kept with the sources, for `cargo xtask trace`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Part;
use super::planted::Planted;
use super::run::{Outcome, Verdict};

/// Where it is, below the root of the workspace.
const PATH: &str = "specs/evidence/sabotage.json";
/// In a second.
const MILLISECONDS: f64 = 1000.0;
/// How much of a digest tells a bug from what it was before.
const DIGITS: usize = 16;

/// Where bugs were found before: scenarios, by the names of the bugs.
pub(super) type Hints = BTreeMap<String, String>;

/// The record.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// By name.
    pub(crate) bugs: BTreeMap<String, Entry>,
    /// What the simulator said of the syncs that were left out in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) syncs: Option<Value>,
}

/// What came of one bug.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Which bug it was: a digest of its edits.
    pub(crate) edits: String,
    /// The judge that found it, and where; or `death`, if the simulator died of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) judge: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scenario: Option<String>,
    /// How long the simulator hunted for it, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) milliseconds: Option<u64>,
    /// The tests of its own clauses that fail with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tests: Vec<String>,
    /// Why it need not be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) redundant: Option<String>,
}

impl Entry {
    /// True if anybody noticed it.
    pub(crate) fn is_caught(&self) -> bool {
        self.judge.is_some() || !self.tests.is_empty()
    }
}

impl Record {
    /// Reads it. There is none before the first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let path = root.join(PATH);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{PATH}: {error}")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{PATH}: {error}")),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn save(&self, root: &Path) -> Result<(), String> {
        let path = root.join(PATH);
        let write = || {
            std::fs::create_dir_all(path.parent().unwrap_or(root))?;
            std::fs::write(&path, serde_json::to_string_pretty(self)? + "\n")
        };
        write().map_err(|error| format!("{PATH}: {error}"))
    }

    /// Takes in what one part said of a bug. What the other said stays known, if the bug is the same; bugs that are no
    /// longer planted go.
    pub(super) fn take(&mut self, all: &[&Planted], outcome: &Outcome, part: Part) {
        self.bugs.retain(|name, _| all.iter().any(|bug| bug.name == name));
        let Outcome { bug, verdict, failing_tests, seconds } = outcome;
        let edits = digest(bug);
        let known = self.bugs.remove(bug.name).filter(|entry| entry.edits == edits);
        let mut entry = known.unwrap_or_else(|| Entry { edits, ..Entry::default() });
        match (part, verdict) {
            (Part::Tests, _) => entry.tests.clone_from(failing_tests),
            (Part::Simulator, Verdict::Caught(found)) => {
                entry.judge = Some(found.judge.clone());
                entry.scenario = Some(found.scenario.clone());
                entry.milliseconds = Some((seconds * MILLISECONDS).round() as u64);
            }
            (Part::Simulator, _) => {
                (entry.judge, entry.scenario, entry.milliseconds) = (None, None, None);
            }
        }
        entry.redundant = bug.redundant.map(str::to_owned);
        self.bugs.insert(bug.name.to_owned(), entry);
    }

    /// Where bugs were found before.
    pub(super) fn scenarios(&self) -> Hints {
        let hints =
            self.bugs.iter().filter_map(|(name, entry)| Some((name, entry.scenario.as_ref()?)));
        hints.map(|(name, scenario)| (name.clone(), scenario.clone())).collect()
    }
}

/// A digest of what a bug changes.
pub(super) fn digest(bug: &Planted) -> String {
    let mut hash = blake3::Hasher::new();
    for edit in bug.edits() {
        for part in [edit.file, edit.original, edit.replacement] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().to_hex().chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::super::planted::bug;
    use super::super::run::Found;
    use super::*;

    const LOST: Planted = bug("lost", "a.rs", "keep();", "", "it is lost");
    const OTHER: Planted = bug("other", "a.rs", "keep();", "lose();", "it is lost");

    fn outcome(bug: &'static Planted, verdict: Verdict, tests: &[&str]) -> Outcome {
        let failing_tests = tests.iter().map(|test| (*test).to_owned()).collect();
        Outcome { bug, verdict, failing_tests, seconds: 1.0 }
    }

    fn found() -> Verdict {
        let text = str::to_owned;
        Verdict::Caught(Found { judge: text("link"), scenario: text("adopt"), what: text("gone") })
    }

    #[test]
    fn what_one_part_says_leaves_what_the_other_said() {
        let mut record = Record::default();
        let all = [&LOST, &OTHER];
        record.take(&all, &outcome(&LOST, found(), &[]), Part::Simulator);
        record.take(&all, &outcome(&LOST, Verdict::NotAsked, &["t"]), Part::Tests);
        let entry = &record.bugs["lost"];
        let tests = ["t".to_owned()];
        assert_eq!((entry.judge.as_deref(), entry.tests.as_slice()), (Some("link"), &tests[..]));
        assert_eq!(entry.milliseconds, Some(1000));
        assert_eq!(record.scenarios()["lost"], "adopt");
        record.take(&all, &outcome(&LOST, Verdict::Missed, &[]), Part::Simulator);
        assert!(record.bugs["lost"].is_caught() && record.scenarios().is_empty());
        assert_eq!(record.bugs["lost"].milliseconds, None);
        record.take(&all, &outcome(&LOST, Verdict::Missed, &[]), Part::Tests);
        assert!(!record.bugs["lost"].is_caught());
    }

    #[test]
    fn what_is_known_of_another_bug_by_the_same_name_counts_for_nothing() {
        static CHANGED: Planted = bug("lost", "a.rs", "keep();", "lose();", "it is lost");
        let mut record = Record::default();
        record.take(&[&LOST], &outcome(&LOST, found(), &[]), Part::Simulator);
        record.take(&[&CHANGED], &outcome(&CHANGED, Verdict::NotAsked, &[]), Part::Tests);
        assert!(!record.bugs["lost"].is_caught());
    }

    #[test]
    fn a_record_reads_back_and_forgets_what_is_no_longer_planted() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Record::load(directory.path()), Ok(Record::default()));
        let mut record = Record::default();
        record.take(&[&LOST, &OTHER], &outcome(&LOST, found(), &[]), Part::Simulator);
        record.save(directory.path()).unwrap();
        assert_eq!(Record::load(directory.path()), Ok(record));
        let mut record = Record::load(directory.path()).unwrap();
        record.take(&[&OTHER], &outcome(&OTHER, Verdict::Missed, &[]), Part::Simulator);
        assert_eq!(record.bugs.keys().collect::<Vec<_>>(), ["other"]);
        std::fs::write(directory.path().join(PATH), "{").unwrap();
        assert!(Record::load(directory.path()).unwrap_err().contains(PATH));
    }
}
