//! What an operation is given: catalogue, clock and operator.

use std::fmt;

use storage_migration::MigrationPath;
use versioning::{Clock, SchemaVersion};

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

impl Environment<'_> {
    /// How the records of one schema become those of a later one.
    pub(crate) fn forward(
        &self,
        from: SchemaVersion,
        to: SchemaVersion,
    ) -> storage_migration::Result<MigrationPath<'static>> {
        MigrationPath::resolve(self.catalogue.schemas(), self.catalogue.steps(), from, to)
    }

    /// How the records of one schema become those of an earlier one.
    pub(crate) fn back(
        &self,
        from: SchemaVersion,
        to: SchemaVersion,
    ) -> storage_migration::Result<MigrationPath<'static>> {
        MigrationPath::resolve(self.catalogue.schemas(), self.catalogue.back_steps(), from, to)
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Environment").field("operator", &self.operator).finish()
    }
}
