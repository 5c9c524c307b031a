//! A directory for the length of one run, in memory where there is such a file system.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A file system in memory, on Linux.
const IN_MEMORY: &str = "/dev/shm";

/// A temporary directory. What goes wrong with it is no finding, but nothing can be found without it: it panics.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let prefix = "femtoclaw-fuzz-";
        let builder = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix(prefix);
            builder
        };
        let directory = builder().tempdir_in(IN_MEMORY).or_else(|_| builder().tempdir());
        match directory {
            Ok(directory) => Self(directory),
            Err(error) => panic!("no temporary directory: {error}"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(path);
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, bytes));
        if let Err(error) = written {
            panic!("cannot write {}: {error}", path.display());
        }
        path
    }
}
