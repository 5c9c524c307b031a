//! Counting what is done, and telling now and then.

use crate::{PROGRESS_RECORDS, Phase, Progress};

/// How far one phase is with one keyspace.
pub(crate) struct Tally<'k> {
    done: Progress<'k>,
    told: u64,
}

// trace: impl FC-8.3
impl<'k> Tally<'k> {
    pub(crate) fn new(phase: Phase, keyspace: &'k str, total: Option<u64>) -> Self {
        Self { done: Progress { phase, keyspace, records: 0, bytes: 0, total }, told: 0 }
    }

    /// So many more are done.
    pub(crate) fn add(
        &mut self,
        records: u64,
        bytes: u64,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) {
        self.done.records += records;
        self.done.bytes += bytes;
        if self.done.records - self.told >= PROGRESS_RECORDS {
            self.told = self.done.records;
            progress(&self.done);
        }
    }

    /// All are done.
    pub(crate) fn finish(mut self, progress: &mut dyn FnMut(&Progress<'_>)) {
        self.done.total = Some(self.done.records);
        progress(&self.done);
    }
}
