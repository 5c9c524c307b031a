//! What a migration did, in words (FC-UPGRADE-0001 §11: it has to be observable).

use std::fmt;

use serde_json::Value;

use crate::decide::RuleRef;

/// Everything that a migration changed or decided, in the order in which it did so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    entries: Vec<Entry>,
}

/// One thing that was changed or decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about, such as `capability web.get`.
    pub subject: String,
    /// What happened to it.
    pub what: String,
}

/// A rule that has no place as it was written, kept because nothing is dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivedRule {
    /// Where it stood.
    pub rule: RuleRef,
    /// What it said, with what is not known here.
    pub original: Value,
    /// Why it is not there any more.
    pub reason: String,
}

impl Report {
    /// The entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn note(&mut self, subject: impl fmt::Display, what: impl Into<String>) {
        self.entries.push(Entry { subject: subject.to_string(), what: what.into() });
    }

    pub(crate) fn append(&mut self, later: Self) {
        self.entries.extend(later.entries);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { subject, what } in &self.entries {
            writeln!(formatter, "{subject}: {what}")?;
        }
        Ok(())
    }
}
