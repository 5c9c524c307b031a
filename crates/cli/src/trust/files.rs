//! Small files that are named on the command line.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use upgrade::authorization::{MAXIMUM_SIGNATURE_BYTES, Signatures};

use crate::commands::PRIVATE;
use crate::failure::Failure;

/// Reads a file that has at most so many bytes.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::Unreadable { path: path.to_path_buf(), error };
    let mut bytes = Vec::new();
    // Waiting for a named pipe would be waiting for whoever planted it.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is no plain file")));
    }
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > most {
        return Err(failed(std::io::Error::other(format!("it has more than {most} bytes"))));
    }
    Ok(bytes)
}

/// The signatures in these files, one after the other; in the file beside `signed`, if none is named.
pub(super) fn signatures(named: &[PathBuf], signed: &Path) -> Result<Vec<u8>, Failure> {
    let beside = [beside(signed)];
    let files = if named.is_empty() { beside.as_slice() } else { named };
    let mut all = Vec::new();
    for file in files {
        all.extend(read(file, MAXIMUM_SIGNATURE_BYTES)?);
    }
    Ok(all)
}

/// The name of the file that holds the signatures of another.
pub(super) fn beside(signed: &Path) -> PathBuf {
    let mut name = signed.as_os_str().to_os_string();
    name.push(".sig");
    PathBuf::from(name)
}

/// Writes a new file, private to its owner, that is there whole or not at all.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::File { path: path.to_path_buf(), error };
    let mut file: File =
        OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a document would be taken for a whole one.
        let _ = std::fs::remove_file(path);
    }
    written.map_err(failed)
}

/// Puts signatures into a file: those that are there already stay.
pub(super) fn add_signatures(path: &Path, more: &Signatures) -> Result<(), Failure> {
    let failed = |error| Failure::File { path: path.to_path_buf(), error };
    let mut file = OpenOptions::new().append(true).create(true).mode(PRIVATE).open(path);
    let file = file.as_mut().map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    file.write_all(&more.to_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
