//! Opening files that may be anything, and streaming what is in them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use durable::Operation;
use integrity::Digest;

use crate::error::{Error, FileKind, Result};

/// Content goes through a buffer of this many bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Opens a plain file to read. What is said of it is said of the handle, so it cannot become something else in between.
///
/// A link is not followed; a pipe that nobody writes to is not waited for.
pub(crate) fn open_plain(path: &Path) -> Result<(File, Metadata)> {
    let not_plain = |found| Error::NotAPlainFile { path: path.to_path_buf(), found };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => not_plain(FileKind::SymbolicLink),
            Some(libc::ENXIO) => not_plain(FileKind::Other),
            _ => failed(Operation::Open, path, error),
        })?;
    let metadata = opened.metadata().map_err(|error| failed(Operation::Inspect, path, error))?;
    let kind = metadata.file_type();
    if kind.is_file() {
        Ok((opened, metadata))
    } else if kind.is_dir() {
        Err(not_plain(FileKind::Directory))
    } else if kind.is_fifo() {
        Err(not_plain(FileKind::Pipe))
    } else {
        Err(not_plain(FileKind::Other))
    }
}

/// A file operation that failed.
pub(crate) fn failed(operation: Operation, path: &Path, error: io::Error) -> Error {
    durable::Error::new(operation, path, error).into()
}

/// Which side of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies all that there is to read, and says how much it was and what its digest is.
pub(crate) fn copy(
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> std::result::Result<(u64, Digest), CopyError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut length = 0;
    loop {
        let read = match input.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        output.write_all(bytes).map_err(CopyError::Write)?;
        length += read as u64;
    }
    Ok((length, hasher.into()))
}
