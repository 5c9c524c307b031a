//! What another command told in its last line, when it looked at this very tree.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record;

/// Who tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teller {
    /// The quick tier of the simulator.
    Simulator,
    /// The exploration of the protocol's model.
    Model,
}

impl Teller {
    /// Where it leaves what it told, below the directory that cargo builds in.
    fn record(self) -> &'static str {
        match self {
            Self::Simulator => "trace/simulation.json",
            Self::Model => "trace/model.json",
        }
    }

    /// The command that asks it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Simulator => "cargo xtask sim --quick",
            Self::Model => "cargo xtask model",
        }
    }
}

/// What was told.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The tree, as `tree::fingerprint` names it.
    pub(crate) tree: String,
    /// The line.
    pub(crate) report: Value,
}

impl Told {
    /// Reads what the last run left.
    ///
    /// # Errors
    /// If there is no such record, or it cannot be read.
    pub(super) fn load(target: &Path, teller: Teller) -> Result<Self, String> {
        record::load(target, teller.record())
    }

    /// Leaves it for whoever asks next.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn save(&self, target: &Path, teller: Teller) -> Result<(), String> {
        record::save(target, teller.record(), self)
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

    /// True if whoever told it was content.
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
        let told = Told { tree: String::new(), report };
        assert_eq!((told.judged("atomicity"), told.judged("leaks")), (12, 0));
        assert_eq!((told.violations("atomicity"), told.violations("leaks")), (3, 0));
        assert!(told.is_ok());
    }
}
