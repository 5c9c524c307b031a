//! The conservation law: what became of every record, step by step (FC-UPGRADE-0001 §6, §18).

use serde::{Deserialize, Serialize};

use crate::{MigrationError, Result};

/// What one step of a path did, in records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCounts {
    /// The name of the step.
    pub step: String,
    /// Records that came to the step: from the source, or from the step before. Untouched keyspaces do not take part.
    pub received: u64,
    /// Of these, in keyspaces that the step keeps.
    pub kept: u64,
    /// Of these, in keyspaces that the step observes.
    pub observed: u64,
    /// Of these, in keyspaces that the step rewrites.
    pub rewritten: u64,
    /// Of the rewritten ones: live on, in records or in fragments.
    pub living: u64,
    /// Of the rewritten ones: went to the archive.
    pub archived: u64,
    /// Of the rewritten ones: were derived from others, and dropped.
    #[serde(default)]
    pub dropped: u64,
    /// Records emitted, derived ones not counted.
    pub emitted: u64,
    /// Records derived.
    pub derived: u64,
    /// Fragments sent to groups, derived ones included.
    pub fragments: u64,
    /// Fragments that joins received.
    pub joined_fragments: u64,
    /// Groups joined.
    pub groups: u64,
    /// Records that joins emitted or derived.
    pub joined: u64,
}

impl StepCounts {
    fn absorb(&mut self, other: &Self) {
        self.received += other.received;
        self.kept += other.kept;
        self.observed += other.observed;
        self.rewritten += other.rewritten;
        self.living += other.living;
        self.archived += other.archived;
        self.dropped += other.dropped;
        self.emitted += other.emitted;
        self.derived += other.derived;
        self.fragments += other.fragments;
        self.joined_fragments += other.joined_fragments;
        self.groups += other.groups;
        self.joined += other.joined;
    }

    /// Records that the step hands on.
    fn handed_on(&self) -> u64 {
        self.kept + self.observed + self.emitted + self.derived + self.joined
    }
}

/// What a whole run did, in records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCounts {
    /// Records read from the source, the archive not counted. Each is read once, however many steps there are.
    pub read: u64,
    /// Records that passed all steps and stay where they are (in observed keyspaces).
    pub stayed: u64,
    /// Records that passed all steps and are to be written.
    pub arrived: u64,
    /// Records archived by any step.
    pub archived: u64,
    /// Records of an earlier archive that are written anew because others join them.
    pub carried: u64,
    /// Records written, those of the archive included. Each is written once, however many steps there are.
    pub written: u64,
    /// What each step did.
    pub steps: Vec<StepCounts>,
}

impl RecordCounts {
    /// Adds what happened to some more records on the same path.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.read += other.read;
        self.stayed += other.stayed;
        self.arrived += other.arrived;
        self.archived += other.archived;
        self.carried += other.carried;
        self.written += other.written;
        for (step, other) in self.steps.iter_mut().zip(&other.steps) {
            step.absorb(other);
        }
    }

    /// Checks the law, for every step and for the whole.
    ///
    /// # Errors
    /// [`MigrationError::CountsDoNotBalance`] with the first law that is broken.
    // trace: impl FC-6.2 FC-18.1.2
    pub fn check(&self) -> Result<()> {
        let mut coming = self.read;
        for step in &self.steps {
            let law = |law: &str| format!("{}: {law}", step.step);
            balance(law("records received = records handed to it"), step.received, coming)?;
            let split = step.kept + step.observed + step.rewritten;
            balance(law("kept + observed + rewritten = received"), split, step.received)?;
            let accounted = step.living + step.archived + step.dropped;
            balance(law("rewritten = living on + archived + dropped"), step.rewritten, accounted)?;
            balance(law("fragments = joined"), step.fragments, step.joined_fragments)?;
            let barren = step.groups.saturating_sub(step.joined);
            balance(law("groups without a record = none"), barren, 0)?;
            coming = step.handed_on();
        }
        let left = |law: &str| law.to_owned();
        let passed = self.stayed + self.arrived;
        balance(left("stayed + arrived = handed on by the last step"), passed, coming)?;
        let archived = self.steps.iter().map(|step| step.archived).sum();
        balance(left("archived = archived by any step"), self.archived, archived)?;
        let due = self.arrived + self.archived + self.carried;
        balance(left("written = arrived + archived + carried"), self.written, due)
    }
}

fn balance(law: String, left: u64, right: u64) -> Result<()> {
    if left == right {
        return Ok(());
    }
    Err(MigrationError::CountsDoNotBalance { law, left, right })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balanced() -> RecordCounts {
        RecordCounts {
            read: 10,
            stayed: 2,
            arrived: 10,
            archived: 1,
            carried: 4,
            written: 15,
            steps: vec![StepCounts {
                step: "step".to_owned(),
                received: 10,
                kept: 1,
                observed: 2,
                rewritten: 7,
                living: 6,
                archived: 1,
                dropped: 0,
                emitted: 5,
                derived: 2,
                fragments: 3,
                joined_fragments: 3,
                groups: 1,
                joined: 2,
            }],
        }
    }

    // trace: test FC-6.2 FC-18.1.2
    #[test]
    fn balanced_counts_pass_and_every_single_miscount_is_caught() {
        balanced().check().unwrap();
        let miscounts: [fn(&mut RecordCounts) -> &mut u64; 17] = [
            |counts| &mut counts.read,
            |counts| &mut counts.stayed,
            |counts| &mut counts.arrived,
            |counts| &mut counts.archived,
            |counts| &mut counts.carried,
            |counts| &mut counts.written,
            |counts| &mut counts.steps[0].received,
            |counts| &mut counts.steps[0].kept,
            |counts| &mut counts.steps[0].observed,
            |counts| &mut counts.steps[0].rewritten,
            |counts| &mut counts.steps[0].living,
            |counts| &mut counts.steps[0].archived,
            |counts| &mut counts.steps[0].dropped,
            |counts| &mut counts.steps[0].emitted,
            |counts| &mut counts.steps[0].fragments,
            |counts| &mut counts.steps[0].joined_fragments,
            |counts| &mut counts.steps[0].joined,
        ];
        for (number, miscount) in miscounts.into_iter().enumerate() {
            let mut counts = balanced();
            *miscount(&mut counts) += 1;
            assert!(counts.check().is_err(), "miscount {number} passed");
        }
    }

    #[test]
    fn a_group_that_came_to_nothing_is_caught() {
        let mut counts = balanced();
        counts.steps[0].groups = 3;
        assert!(counts.check().is_err());
    }
}
