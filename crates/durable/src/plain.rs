//! Opening what should be a plain file or a directory, whatever somebody has put in its place.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::{Error, Operation, Result};

/// Reads a plain file of at most `most` bytes.
///
/// A link is not followed, a pipe is not waited for, a device is not read: what is said of the file is said of the handle, so
/// that it cannot become something else in between. An error that comes of that is one for which [`Error::is_planted`] holds.
pub fn read_plain(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed = |error| Error::new(Operation::Read, path, error);
    let (opened, metadata) = open(path)?;
    if metadata.len() > most {
        let reason = format!("it has {} bytes, and may have {most}", metadata.len());
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, reason)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    // One that grows meanwhile is not read for ever.
    opened.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Opens a plain file for reading, as [`read_plain`] does.
pub fn open_plain(path: &Path) -> Result<File> {
    open(path).map(|(file, _)| file)
}

/// Opens a directory that is one, and no link to one: for its lock, which needs nothing else of it.
///
/// # Errors
/// What the operating system says; of a link or anything else that is no directory, [`io::ErrorKind::NotADirectory`].
pub fn open_directory(path: &Path) -> Result<File> {
    let opened =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY).open(path);
    opened.map_err(|error| {
        // Of a link some systems say this.
        let is_link = error.raw_os_error() == Some(libc::ELOOP);
        let error = if is_link { io::ErrorKind::NotADirectory.into() } else { error };
        Error::new(Operation::Open, path, error)
    })
}

fn open(path: &Path) -> Result<(File, Metadata)> {
    let failed = |error| Error::new(Operation::Read, path, error);
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            // A link, or a socket.
            Some(libc::ELOOP | libc::ENXIO) => Error::planted(Operation::Read, path),
            _ => failed(error),
        })?;
    let metadata = opened.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::planted(Operation::Read, path));
    }
    Ok((opened, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_plain_file_within_its_bound_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read_plain(&path, 4).unwrap(), b"1234");
        let error = read_plain(&path, 3).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::FileTooLarge);
        assert!(!error.is_planted());
        let error = read_plain(&directory.path().join("missing"), 4).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn only_a_directory_is_opened_as_one() {
        let directory = tempfile::tempdir().unwrap();
        let (link, file) = (directory.path().join("link"), directory.path().join("file"));
        symlink(directory.path(), &link).unwrap();
        std::fs::write(&file, b"1234").unwrap();
        open_directory(directory.path()).unwrap();
        for path in [&link, &file] {
            let error = open_directory(path).unwrap_err();
            assert_eq!(error.source.kind(), io::ErrorKind::NotADirectory, "{}", path.display());
        }
        let error = open_directory(&directory.path().join("missing")).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn nothing_else_is_followed_waited_for_or_read() {
        let directory = tempfile::tempdir().unwrap();
        let (link, pipe) = (directory.path().join("link"), directory.path().join("pipe"));
        let socket = directory.path().join("socket");
        symlink("/dev/zero", &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&link, &pipe, &socket, Path::new("/dev/zero"), directory.path()] {
            assert!(read_plain(path, 4).unwrap_err().is_planted(), "{}", path.display());
        }
    }
}
