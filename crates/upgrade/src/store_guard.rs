//! Keeps runtimes out of a store while it is read.

use std::path::Path;

use rollback::{Layout, NotRunning, Part};
use versioning::GenerationNumber;

use crate::error::Cause;

/// Keeps everybody else from a store, for as long as it lives: whoever opens it for writing, by a shared lock on the file
/// that the engine locks exclusively; and whoever has started a runtime on its generation, which need not have it open at
/// this moment, by that generation's own lock.
#[derive(Debug)]
pub(crate) struct StoreGuard {
    _not_running: Option<NotRunning>,
    _lock: Option<std::fs::File>,
}

impl StoreGuard {
    /// Takes the locks of the store of a generation. A store that is not the engine's has none of its own.
    pub(crate) fn acquire(
        layout: &Layout,
        generation: GenerationNumber,
    ) -> std::result::Result<Self, Cause> {
        let not_running = not_running(layout, generation)?;
        let store = layout.generation(generation).join(Part::Store.directory());
        Ok(Self { _not_running: not_running, _lock: lock(generation, &store)? })
    }
}

/// Makes sure that nobody runs a generation. Where there is no directory of it there is nothing to run.
pub(crate) fn not_running(
    layout: &Layout,
    generation: GenerationNumber,
) -> std::result::Result<Option<NotRunning>, Cause> {
    match NotRunning::acquire(layout, generation) {
        Ok(found) => Ok(Some(found)),
        Err(rollback::Error::Running { generation }) => Err(Cause::StoreInUse { generation }),
        Err(rollback::Error::File(error))
            if error.source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(rollback::Error::File(error)) => Err(error.into()),
        Err(other) => Err(other.into()),
    }
}

fn lock(
    generation: GenerationNumber,
    store: &Path,
) -> std::result::Result<Option<std::fs::File>, Cause> {
    let path = store.join("lock");
    let lock = match durable::open_plain(&path) {
        Ok(lock) => lock,
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.is_planted() => {
            return Err(Cause::Altered(format!("{} is not a plain file", path.display())));
        }
        Err(error) => return Err(error.into()),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(std::fs::TryLockError::WouldBlock) => Err(Cause::StoreInUse { generation }),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(durable::Error::new(durable::Operation::Lock, &path, error).into())
        }
    }
}
