//! What an operation is given: catalogue, clock, operator, and who listens.

use std::fmt;

use versioning::Clock;

use crate::Catalogue;

/// What every operation is given. Nothing is asked of the surroundings.
#[derive(Clone, Copy)]
pub struct Environment<'e> {
    /// The runtime's own schemas, migrations and releases.
    pub catalogue: &'e dyn Catalogue,
    /// Where the time comes from.
    pub clock: &'e dyn Clock,
    /// Who runs the operation, for the journal.
    pub operator: &'e str,
    /// How the storage engine is run.
    pub engine: &'e storage_migration::EngineOptions,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Environment").field("operator", &self.operator).finish()
    }
}

/// How far an operation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, such as `migrating executions`.
    pub phase: String,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, where it is known.
    pub total: Option<u64>,
}

/// Listens to the progress of an operation.
pub type ProgressListener<'p> = dyn FnMut(&Progress) + 'p;
