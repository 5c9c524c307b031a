//! The lock of a home.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::Duration;

use durable::{Error as FileError, FILE_MODE, Operation};

use crate::{Error, Layout, Result};

/// How long to wait between two tries for a lock that another process holds.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The exclusive lock of a home, held for as long as this value lives.
///
/// It is the operating system's lock on an open file (`flock`), so it dies with its owner however that ends, and a lock
/// file that is left behind means nothing. The file holds the owner's process id, for messages.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

impl HomeLock {
    /// Takes the lock, waiting for at most `timeout` while another process holds it.
    ///
    /// # Errors
    /// [`Error::Locked`] with the holder's process id, or what a file operation says.
    pub fn acquire(layout: &Layout, timeout: Duration) -> Result<Self> {
        let path = layout.lock();
        let failed = |operation| {
            let path = path.clone();
            move |error| Error::File(FileError::new(operation, &path, error))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(failed(Operation::Open))?;
        let mut tries_left = timeout.as_millis() / RETRY_INTERVAL.as_millis();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(Operation::Open)(error)),
                Err(TryLockError::WouldBlock) if tries_left == 0 => {
                    return Err(Error::Locked { pid: holder(&mut file) });
                }
                Err(TryLockError::WouldBlock) => {
                    tries_left -= 1;
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
        // The process id is for messages: a full disk must not keep anybody from the lock, and so from a revert.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
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
        std::fs::write(layout.lock(), "4294967295 left by somebody who died").unwrap();
        HomeLock::acquire(&layout, Duration::ZERO).unwrap();
        let text = std::fs::read_to_string(layout.lock()).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }
}
