//! What an operation is given: catalogue, clock, operator, and who listens.

use std::fmt;

use journal::{Authority, Operation};
use versioning::Clock;

use crate::Catalogue;
use crate::error::Cause;

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

/// The authority to change a home (FC-UPGRADE-0001 §21): what turns a planned upgrade into an authorised one.
///
/// Secure mode is the default: without a signature there is no authority. Signed authorisations are made here too, once
/// there are keys; the lifecycle's types ask for this value and do not care where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    authority: Authority,
}

impl Authorization {
    /// Unsigned, asked for by name. Shown in `status` and in the journal.
    pub fn development() -> Self {
        Self { authority: Authority::Development }
    }

    /// What the operations that need authority do when none was given.
    ///
    /// # Errors
    /// [`Cause::Unauthorized`], always.
    pub fn require(given: Option<Self>, operation: Operation) -> Result<Self, Cause> {
        given.ok_or(Cause::Unauthorized { operation })
    }

    /// What the journal says of it.
    pub fn authority(&self) -> Authority {
        self.authority
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
