//! What is found in one file, bounded.

use upgrade::{Finding, FindingOutcome};

/// At most this many findings of one file are listed one by one; the rest is counted in one more.
pub const MAXIMUM_FINDINGS_PER_FILE: usize = 20;

/// The findings of one file.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    file: String,
    findings: Vec<Finding>,
    unlisted: u64,
    unlisted_set_aside: bool,
}

impl Report {
    pub(crate) fn new(file: &str) -> Self {
        let file = file.to_owned();
        Self { file, findings: Vec::new(), unlisted: 0, unlisted_set_aside: false }
    }

    /// The file that it is about.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Notes what is adopted as it is.
    pub(crate) fn kept(&mut self, line: Option<u64>, message: impl Into<String>) {
        self.add(line, FindingOutcome::Kept, message.into());
    }

    /// Notes what is set aside.
    pub(crate) fn set_aside(&mut self, line: Option<u64>, message: impl Into<String>) {
        self.add(line, FindingOutcome::SetAside, message.into());
    }

    /// Notes what stops the adoption. Never left out, however many there are of others.
    pub(crate) fn refused(&mut self, line: Option<u64>, message: impl Into<String>) {
        let (file, message) = (self.file.clone(), message.into());
        self.findings.push(Finding { file, line, outcome: FindingOutcome::Refused, message });
    }

    fn add(&mut self, line: Option<u64>, outcome: FindingOutcome, message: String) {
        if self.findings.len() < MAXIMUM_FINDINGS_PER_FILE {
            self.findings.push(Finding { file: self.file.clone(), line, outcome, message });
        } else {
            self.unlisted += 1;
            self.unlisted_set_aside |= outcome == FindingOutcome::SetAside;
        }
    }

    /// All findings.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        if self.unlisted > 0 {
            let message = format!("and {} more findings like these", self.unlisted);
            let outcome = if self.unlisted_set_aside {
                FindingOutcome::SetAside
            } else {
                FindingOutcome::Kept
            };
            self.findings.push(Finding { file: self.file, line: None, outcome, message });
        }
        self.findings
    }
}
