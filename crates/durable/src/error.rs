//! What went wrong, at which step, on which path.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of a durable operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", path.display())]
pub struct Error {
    /// The step that failed.
    pub operation: Operation,
    /// The path that it was about.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// Something other than a plain file or a directory, where one of them belongs.
#[derive(Debug, thiserror::Error)]
#[error("it is not of the kind that belongs there: a link, a pipe, a device or a directory")]
struct Planted;

impl Error {
    /// Somebody put a link, a pipe, a device or a directory where it does not belong.
    pub fn planted(operation: Operation, path: &Path) -> Self {
        Self::new(operation, path, io::Error::other(Planted))
    }

    /// True when there is a link, a pipe, a device or a directory where it does not belong. No home has any of these by
    /// itself: somebody put it there.
    pub fn is_planted(&self) -> bool {
        self.source.get_ref().is_some_and(|inner| inner.is::<Planted>())
    }

    /// Names the step and the path of an operating-system error.
    pub fn new(operation: Operation, path: &Path, source: io::Error) -> Self {
        Self { operation, path: path.to_path_buf(), source }
    }

    /// True when the disk, or the user's share of it, is full.
    pub fn is_disk_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// True when the operating system says that the device, or what the file system keeps on it, is damaged. That may be of
    /// the moment: who gives something up because of it looks a second time.
    pub fn is_damage(&self) -> bool {
        let damage = [
            libc::EIO,
            libc::EBADMSG,
            #[cfg(target_os = "linux")]
            libc::EUCLEAN,
        ];
        self.source.raw_os_error().is_some_and(|errno| damage.contains(&errno))
    }
}

/// The step of an operation, as it reads in an error: "cannot *sync* …".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opening a file or directory.
    Open,
    /// Creating a file or directory.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Making durable. The state on disk is unknown after this failed.
    Sync,
    /// Renaming. The path is the new name.
    Rename,
    /// Hard-linking. The path is the new name.
    Link,
    /// Removing.
    Remove,
    /// Reading the kind, size or permissions of a path.
    Inspect,
    /// Changing permissions.
    Restrict,
    /// Taking a lock.
    Lock,
    /// Walking a tree that holds something other than plain files and directories.
    Walk,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Rename => "rename to",
            Self::Link => "link to",
            Self::Remove => "remove",
            Self::Inspect => "inspect",
            Self::Restrict => "restrict the permissions of",
            Self::Lock => "lock",
            Self::Walk => "walk",
        })
    }
}
