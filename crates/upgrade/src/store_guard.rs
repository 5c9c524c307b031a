//! Keeps runtimes out of a store while it is read.

use std::path::Path;

use versioning::GenerationNumber;

use crate::error::Cause;

/// Keeps everybody else from opening a store for writing, for as long as it lives: a shared lock on the file that the engine
/// locks exclusively.
#[derive(Debug)]
pub(crate) struct StoreGuard {
    _lock: Option<std::fs::File>,
}

impl StoreGuard {
    /// Takes the lock of the store of a generation. A store that is not the engine's has none.
    pub(crate) fn acquire(
        generation: GenerationNumber,
        store: &Path,
    ) -> std::result::Result<Self, Cause> {
        let path = store.join("lock");
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { _lock: None });
            }
            Err(error) => {
                return Err(durable::Error::new(durable::Operation::Inspect, &path, error).into());
            }
            // Opening anything else could wait for ever.
            Ok(metadata) if !metadata.is_file() => {
                return Err(Cause::Altered(format!("{} is not a plain file", path.display())));
            }
            Ok(_) => {}
        }
        let failed = |operation, error| durable::Error::new(operation, &path, error);
        let opened = std::fs::File::open(&path);
        let lock = opened.map_err(|error| failed(durable::Operation::Open, error))?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(Self { _lock: Some(lock) }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Cause::StoreInUse { generation }),
            Err(std::fs::TryLockError::Error(error)) => {
                Err(failed(durable::Operation::Lock, error).into())
            }
        }
    }
}
