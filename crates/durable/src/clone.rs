//! Cloning a tree by hard links where the caller says that a file is immutable, by copies elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::{
    EXECUTABLE_MODE, EntryKind, Error, FILE_MODE, Operation, Result, create_directory, walk,
};

/// Copies go through a buffer of this many bytes; a run of zeros of this length becomes a hole.
const COPY_BUFFER_BYTES: usize = 64 * 1024;

/// How one file of a tree is cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloneMode {
    /// Share the bytes. Only for files that nobody ever writes to again.
    Link,
    /// Copy the bytes.
    Copy,
}

/// What a clone did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CloneReport {
    /// Files that share their bytes with the original.
    pub linked: u64,
    /// Files that were copied, as asked.
    pub copied: u64,
    /// Files that should have been linked but were copied, because the file system refused the link.
    pub links_refused: u64,
    /// Bytes written by copies, without holes.
    pub bytes_copied: u64,
}

/// Clones the tree `from` to the new directory `to`. Nothing is synced: the caller seals the whole tree once.
///
/// Where a hard link is refused (another file system, or one without links) the file is copied instead, and counted
/// in [`CloneReport::links_refused`].
///
/// # Errors
/// Fails if `to` exists, and as [`walk`] does.
// trace: impl FC-5.1.1
pub fn clone_tree(
    from: &Path,
    to: &Path,
    mode: impl Fn(&Path) -> CloneMode,
) -> Result<CloneReport> {
    let mut report = CloneReport::default();
    create_directory(to)?;
    for entry in walk(from)? {
        let (source, target) = (from.join(&entry.path), to.join(&entry.path));
        if entry.kind == EntryKind::Directory {
            create_directory(&target)?;
            continue;
        }
        if mode(&entry.path) == CloneMode::Link {
            if link(&source, &target)? {
                report.linked += 1;
                continue;
            }
            report.links_refused += 1;
        } else {
            report.copied += 1;
        }
        report.bytes_copied += copy_file(&source, &target)?;
    }
    Ok(report)
}

/// True if linked, false if this file system will not, an error if it should have.
#[expect(clippy::disallowed_methods, reason = "this is the clone that the lint asks for")]
fn link(source: &Path, target: &Path) -> Result<bool> {
    use std::io::ErrorKind;
    match fs::hard_link(source, target) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::CrossesDevices
            | ErrorKind::Unsupported
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks => Ok(false),
            _ => Err(Error::new(Operation::Link, target, error)),
        },
    }
}

/// Copies one file to a new name, private to the owner, and leaves holes where it holds long runs of zeros.
///
/// Returns the number of bytes written. Nothing is synced.
pub fn copy_file(source: &Path, target: &Path) -> Result<u64> {
    use std::os::unix::fs::PermissionsExt;
    let mut input =
        File::open(source).map_err(|error| Error::new(Operation::Open, source, error))?;
    let metadata =
        input.metadata().map_err(|error| Error::new(Operation::Inspect, source, error))?;
    let executable = metadata.permissions().mode() & 0o100 != 0;
    let mut output = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(if executable { EXECUTABLE_MODE } else { FILE_MODE })
        .open(target)
        .map_err(|error| Error::new(Operation::Create, target, error))?;
    let mut buffer = vec![0; COPY_BUFFER_BYTES];
    let (mut length, mut written) = (0_u64, 0_u64);
    loop {
        let filled = read_full(&mut input, &mut buffer)
            .map_err(|error| Error::new(Operation::Read, source, error))?;
        let Some(chunk) = buffer.get(..filled).filter(|chunk| !chunk.is_empty()) else { break };
        length += chunk.len() as u64;
        let result = if chunk.iter().all(|byte| *byte == 0) {
            output.seek(SeekFrom::Start(length)).map(|_| ())
        } else {
            written += chunk.len() as u64;
            output.write_all(chunk)
        };
        result.map_err(|error| Error::new(Operation::Write, target, error))?;
    }
    output.set_len(length).map_err(|error| Error::new(Operation::Write, target, error))?;
    Ok(written)
}

/// Fills the buffer as far as the file goes; short reads are joined, interruptions repeated.
fn read_full(input: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_clone_links_what_is_immutable_and_copies_the_rest() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("tables")).unwrap();
        fs::write(from.join("tables/1"), b"table").unwrap();
        fs::write(from.join("current"), b"pointer").unwrap();
        let report = clone_tree(&from, &to, |path| {
            if path.starts_with("tables") { CloneMode::Link } else { CloneMode::Copy }
        })
        .unwrap();
        assert_eq!(report, CloneReport { linked: 1, copied: 1, links_refused: 0, bytes_copied: 7 });
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(&from.join("tables/1")), inode(&to.join("tables/1")));
        fs::write(to.join("current"), b"changed").unwrap();
        assert_eq!(fs::read(from.join("current")).unwrap(), b"pointer");
    }

    #[test]
    fn a_copy_keeps_every_byte_of_a_sparse_file_and_keeps_it_sparse() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        let mut file = File::create(&from).unwrap();
        file.write_all(b"head").unwrap();
        file.set_len(8 * 1024 * 1024).unwrap();
        let written = copy_file(&from, &to).unwrap();
        assert_eq!(fs::read(&from).unwrap(), fs::read(&to).unwrap());
        assert_eq!(written, COPY_BUFFER_BYTES as u64);
    }

    #[test]
    fn a_copy_of_zeros_alone_keeps_its_length() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::write(&from, vec![0; COPY_BUFFER_BYTES + 7]).unwrap();
        assert_eq!(copy_file(&from, &to).unwrap(), 0);
        assert_eq!(fs::read(&to).unwrap().len(), COPY_BUFFER_BYTES + 7);
    }
}
