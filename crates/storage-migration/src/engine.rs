//! How the storage engine is used: its options, and a fence around its panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use gate::Cancellation;
use pipeline::Shape;

use crate::{MigrationError, Result};

/// How much a migration may use, and what ends it early. None of it changes the result of one that comes to its end
/// (FC-UPGRADE-0001 §19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// Bytes of records that all sorters together hold before the largest one goes to a scratch file.
    pub memory_budget_bytes: usize,
    /// Bytes of fragments that one group may have: a join sees all of its group at once.
    pub maximum_group_bytes: usize,
    /// Scratch files that one merge reads at once; more are merged in several passes. At least 2.
    pub open_runs: usize,
    /// Every so many-th call of a step is made twice and must give the same outputs; 0 is never, 1 is always.
    pub recheck_every: u64,
    /// Threads that put records through the steps, digest and check them, beside one that reads and the caller's, which
    /// writes. 1 by default: then everything happens on the caller's thread, and no other is started.
    pub workers: usize,
    /// Bytes of records that may be on their way between reading and writing. A batch of records is up to 512 KiB; a record
    /// that is larger than all of this is on its way alone.
    pub pipeline_bytes: usize,
    /// Bytes of the engine's block cache.
    pub cache_bytes: u64,
    /// Background threads of the engine.
    ///
    /// 0 by default. A migration only bulk-loads fresh keyspaces, so there is nothing for a worker to do; and fjall does
    /// not join its workers: the last reference to its journal may be dropped, and synced, by a worker that ends after
    /// [`Store::close`](crate::Store::close) has returned. Without workers the files that result are always the same,
    /// and nothing can happen behind our back. A runtime that writes to a store needs at least one.
    pub worker_threads: usize,
    /// Ends whatever reads records or writes them, with [`MigrationError::Cancelled`]: checked for every batch of records that
    /// is about to be used. Never, by default.
    pub cancellation: Cancellation,
}

impl EngineOptions {
    /// How pipelines are run.
    pub(crate) fn shape(&self) -> Shape {
        Shape { workers: self.workers, window: self.pipeline_bytes }
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            memory_budget_bytes: 64 * 1024 * 1024,
            maximum_group_bytes: 256 * 1024 * 1024,
            open_runs: 64,
            recheck_every: 1024,
            workers: 1,
            pipeline_bytes: 16 * 1024 * 1024,
            cache_bytes: 16 * 1024 * 1024,
            worker_threads: 0,
            cancellation: Cancellation::never(),
        }
    }
}

/// Calls the engine. Its errors and its panics (H10) both become typed errors, after which its handle must be dropped:
/// that is what makes it sound to carry on after a panic.
pub(crate) fn contain<T>(
    operation: &'static str,
    directory: &Path,
    call: impl FnOnce() -> fjall::Result<T>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => {
            Err(MigrationError::Engine { operation, directory: directory.to_path_buf(), source })
        }
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "without a message".to_owned());
            let directory = directory.to_path_buf();
            Err(MigrationError::EnginePanicked { operation, directory, message })
        }
    }
}
