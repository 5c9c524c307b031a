//! The lock of a home.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::thread;
use std::time::Duration;

use durable::{Error as FileError, Operation};

use crate::{Error, Layout, Result};

/// How long to wait between two tries for a lock that another process holds.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// No process id takes more.
const MAXIMUM_LOCK_BYTES: u64 = 16;

/// The exclusive lock of a home, held for as long as this value lives.
///
/// It is the operating system's lock (`flock`) on the home's directory itself: it dies with its owner however that ends,
/// nothing that is left behind keeps anybody out, and it cannot be replaced from inside the home. The file `lock` holds the
/// owner's process id, for messages, and means nothing else.
#[derive(Debug)]
pub struct HomeLock {
    _directory: File,
}

impl HomeLock {
    /// Takes the lock, waiting for at most `timeout` while another process holds it, and names its holder
    /// ([`HomeLock::name_holder`]).
    ///
    /// # Errors
    /// [`Error::Locked`] with the holder's process id, or what a file operation says.
    pub fn acquire(layout: &Layout, timeout: Duration) -> Result<Self> {
        let lock = Self::acquire_unnamed(layout, timeout)?;
        lock.name_holder(layout);
        Ok(lock)
    }

    /// The same of a directory that is no home yet: nothing is written. What a crash made of a file there nobody could tell
    /// from somebody else's.
    ///
    /// # Errors
    /// As [`HomeLock::acquire`].
    pub fn acquire_unnamed(layout: &Layout, timeout: Duration) -> Result<Self> {
        let root = layout.root();
        let failed = |operation, error| Error::File(FileError::new(operation, root, error));
        let directory = File::open(root).map_err(|error| failed(Operation::Open, error))?;
        let mut tries_left = timeout.as_millis() / RETRY_INTERVAL.as_millis();
        loop {
            match directory.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(Operation::Lock, error)),
                Err(TryLockError::WouldBlock) if tries_left == 0 => {
                    return Err(Error::Locked { pid: holder(layout) });
                }
                Err(TryLockError::WouldBlock) => {
                    tries_left -= 1;
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
        Ok(Self { _directory: directory })
    }

    /// Writes this process's id into the file `lock`, unless that is somebody else's. For messages only: a full disk must not
    /// keep anybody from the lock, and so from a revert.
    pub fn name_holder(&self, layout: &Layout) {
        if is_lock_file(layout) {
            let pid = format!("{}\n", std::process::id());
            let _ = durable::remove_file(&layout.lock())
                .and_then(|()| durable::create_file(&layout.lock(), pid.as_bytes()));
        }
    }
}

/// Whether the lock file is one that this system wrote, as far as a crash has left it, or is not there. Somebody else's file
/// of that name is left alone.
pub fn is_lock_file(layout: &Layout) -> bool {
    let path = layout.lock();
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        // What cannot be looked at may be somebody else's.
        Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
    };
    let is_pid = |bytes: Vec<u8>| {
        bytes.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'\n' | 0))
    };
    metadata.is_file()
        && metadata.len() <= MAXIMUM_LOCK_BYTES
        && std::fs::read(path).is_ok_and(is_pid)
}

fn holder(layout: &Layout) -> Option<u32> {
    let mut text = String::new();
    File::open(layout.lock()).ok()?.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_with_the_first_ones_pid_until_it_lets_go() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        let first = HomeLock::acquire(&layout, Duration::ZERO).unwrap();
        for timeout in [Duration::ZERO, Duration::from_millis(120)] {
            match HomeLock::acquire(&layout, timeout) {
                Err(Error::Locked { pid }) => assert_eq!(pid, Some(std::process::id())),
                other => panic!("{other:?}"),
            }
        }
        drop(first);
        HomeLock::acquire(&layout, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_stale_lock_file_means_nothing() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        std::fs::write(layout.lock(), "somebody else's notes").unwrap();
        HomeLock::acquire(&layout, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read(layout.lock()).unwrap(), b"somebody else's notes");
        std::fs::write(layout.lock(), "4294967295\n").unwrap();
        HomeLock::acquire(&layout, Duration::ZERO).unwrap();
        let text = std::fs::read_to_string(layout.lock()).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_lock_file_that_is_removed_or_replaced_lets_nobody_in() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        let precious = root.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        let first = HomeLock::acquire(&layout, Duration::ZERO).unwrap();
        std::fs::remove_file(layout.lock()).unwrap();
        let error = HomeLock::acquire(&layout, Duration::ZERO).unwrap_err();
        assert!(matches!(error, Error::Locked { pid: None }), "{error}");
        std::os::unix::fs::symlink(&precious, layout.lock()).unwrap();
        drop(first);
        HomeLock::acquire(&layout, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    }
}
