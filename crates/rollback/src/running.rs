//! Whether a generation is being run.

use std::fs::{File, TryLockError};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use durable::{Error as FileError, Operation, open_directory};
use versioning::GenerationNumber;

use crate::{Error, Layout, Result};

/// Says that a generation is being run, for as long as this value lives, or the process that inherited its descriptor.
///
/// It is a shared lock of the operating system (`flock`) on the directory of the generation: it dies with those who hold it
/// however they end, nothing that is left behind means anything, and it is no part of what is sealed. A runtime that knows
/// nothing of homes is started with the descriptor of [`AsFd`] inherited, so that its generation counts as run for as long
/// as it lives, whatever becomes of whoever has started it.
#[derive(Debug)]
pub struct RunningLock {
    directory: File,
}

impl AsFd for RunningLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Says that a generation is not being run, and keeps it like that for as long as this value lives.
#[derive(Debug)]
pub struct NotRunning {
    directory: File,
    path: PathBuf,
}

impl NotRunning {
    /// Makes sure that nobody runs a generation.
    ///
    /// # Errors
    /// [`Error::Running`] if somebody does; or what a file operation says, such as that there is no directory.
    pub fn acquire(layout: &Layout, generation: GenerationNumber) -> Result<Self> {
        let path = layout.generation(generation);
        // Nothing is asked of it but its lock: on a disk that cannot say what lies there, it may be held all the same. And no
        // link is followed: the lock of another directory would say nothing.
        let directory = open_directory(&path)?;
        match directory.try_lock() {
            Ok(()) => Ok(Self { directory, path }),
            Err(TryLockError::WouldBlock) => Err(Error::Running { generation }),
            Err(TryLockError::Error(error)) => {
                Err(FileError::new(Operation::Lock, &path, error).into())
            }
        }
    }

    /// From here on it is being run. The caller holds the lock of the home, so nobody comes in between.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn run(self) -> Result<RunningLock> {
        let Self { directory, path } = self;
        match directory.try_lock_shared() {
            Ok(()) => Ok(RunningLock { directory }),
            Err(error) => Err(FileError::new(Operation::Lock, &path, error.into()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: GenerationNumber = GenerationNumber::FIRST;

    fn home() -> (tempfile::TempDir, Layout) {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        std::fs::create_dir_all(layout.generation(FIRST)).unwrap();
        (root, layout)
    }

    #[test]
    fn what_is_run_is_not_run_twice_until_the_last_holder_lets_go() {
        let (_root, layout) = home();
        let running = NotRunning::acquire(&layout, FIRST).unwrap().run().unwrap();
        let inherited = running.as_fd().try_clone_to_owned().unwrap();
        for holder in [Some(running), None] {
            let error = NotRunning::acquire(&layout, FIRST).unwrap_err();
            assert!(matches!(error, Error::Running { generation: FIRST }), "{error}");
            drop(holder);
        }
        drop(inherited);
        let idle = NotRunning::acquire(&layout, FIRST).unwrap();
        NotRunning::acquire(&layout, FIRST).expect_err("it was to be kept like that");
        drop(idle);
        NotRunning::acquire(&layout, FIRST).unwrap();
    }

    #[test]
    fn only_a_directory_of_its_own_can_be_run() {
        let (root, layout) = home();
        let second = FIRST.next();
        let missing = NotRunning::acquire(&layout, second).unwrap_err();
        assert!(
            matches!(missing, Error::File(error) if error.source.kind() == std::io::ErrorKind::NotFound)
        );
        std::os::unix::fs::symlink(root.path(), layout.generation(second)).unwrap();
        let planted = NotRunning::acquire(&layout, second).unwrap_err();
        assert!(
            matches!(planted, Error::File(error) if error.source.kind() == std::io::ErrorKind::NotADirectory)
        );
    }
}
