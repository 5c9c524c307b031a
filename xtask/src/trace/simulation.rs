//! What the simulator saw, in a run of its quick tier, of this very tree.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record;

/// Where a run leaves what it saw, below the directory that cargo builds in.
const RECORD: &str = "trace/simulation.json";

/// A run of the quick tier.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Simulation {
    /// The tree, as `tree::fingerprint` names it.
    pub(crate) tree: String,
    /// The line that the simulator ends with.
    pub(crate) report: Value,
}

impl Simulation {
    /// Reads what the last run left.
    ///
    /// # Errors
    /// If there is no such record, or it cannot be read.
    pub(super) fn load(target: &Path) -> Result<Self, String> {
        record::load(target, RECORD)
    }

    /// Leaves it for whoever asks next.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn save(&self, target: &Path) -> Result<(), String> {
        record::save(target, RECORD, self)
    }

    /// How often this judge had something to judge.
    pub(super) fn judged(&self, judge: &str) -> u64 {
        let judged = self.report.get("judged").and_then(|all| all.get(judge));
        judged.and_then(Value::as_u64).unwrap_or_default()
    }

    /// How often it said that something is broken.
    pub(super) fn violations(&self, judge: &str) -> u64 {
        let violated = self.report.get("violated").and_then(Value::as_object);
        let of_judge = |run: &&String| run.split(" (").next() == Some(judge);
        let counts = violated.into_iter().flatten().filter(|(run, _)| of_judge(run));
        counts.filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// A number of the report.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.report.get(name).and_then(Value::as_u64).unwrap_or_default()
    }

    /// True if the simulator was content.
    pub(super) fn is_ok(&self) -> bool {
        self.report.get("ok").and_then(Value::as_bool).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn judgements_are_counted_by_judge() {
        let report = json!({
            "ok": true,
            "judged": {"atomicity": 12},
            "violated": {"atomicity (adopt)": 2, "atomicity (confirm)": 1, "link (adopt)": 7},
        });
        let simulation = Simulation { tree: String::new(), report };
        assert_eq!((simulation.judged("atomicity"), simulation.judged("leaks")), (12, 0));
        assert_eq!((simulation.violations("atomicity"), simulation.violations("leaks")), (3, 0));
        assert!(simulation.is_ok());
    }
}
