//! The engine's version files, held to the checksum that it keeps of them and does not look at (H10).
//!
//! lsm-tree 3.1 keeps which tables a keyspace consists of in a version file `vN`. `current` beside it holds `N` (u64), the
//! XXH3 of all bytes of `vN` (u128) and the kind of that checksum (u8, 0), all little-endian. Of a version file that is
//! damaged the engine reads what it can, or panics while it holds a lock that its own destructor takes: that ends the
//! process, whoever would catch the panic.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use durable::{Error as FileError, Operation};
use xxhash_rust::xxh3::Xxh3Default;

use crate::store::{KEYSPACES, TABLES};
use crate::{MigrationError, Result};

/// What says which version of a keyspace is current.
const POINTER: &str = "current";
/// The kind of checksum that there is.
const XXH3: u8 = 0;

/// Holds the current version file of every keyspace of a store to its checksum.
///
/// # Errors
/// The first that is not what the engine wrote, or what a file operation says.
pub(crate) fn check_version_files(directory: &Path) -> Result<()> {
    let keyspaces = directory.join(KEYSPACES);
    let failed = |error| FileError::new(Operation::Open, &keyspaces, error);
    for entry in fs::read_dir(&keyspaces).map_err(failed)? {
        let keyspace = entry.map_err(failed)?.path();
        // One that was never finished has none, and the engine removes it.
        if durable::is_file(&keyspace.join(POINTER))? {
            check_version_file(directory, &keyspace)?;
        }
    }
    Ok(())
}

/// Whether a keyspace consists of the tables that another one consists of: what names them has the same bytes, and every
/// table is one file with two names. The engine has no part in the answer. What else the other one has is of no version that
/// is current.
pub(crate) fn is_same_keyspace(left: &Path, right: &Path) -> Result<bool> {
    let (here, there) = (left.join(POINTER), right.join(POINTER));
    if !durable::is_file(&there)? || head(&here)? != head(&there)? {
        return Ok(false);
    }
    let Some((number, _)) = parse(&head(&here)?) else { return Ok(false) };
    let version = format!("v{number}");
    let (here, there) = (left.join(&version), right.join(&version));
    if !durable::is_file(&there)? || xxh3(&here)? != xxh3(&there)? {
        return Ok(false);
    }
    let (here, there) = (left.join(TABLES), right.join(TABLES));
    for entry in durable::walk(&here)? {
        if !durable::is_same_file(&here.join(&entry.path), &there.join(&entry.path))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check_version_file(store: &Path, keyspace: &Path) -> Result<()> {
    let damaged = |path: &Path, reason: &str| MigrationError::Damaged {
        directory: store.to_path_buf(),
        file: path.strip_prefix(store).unwrap_or(path).display().to_string(),
        reason: reason.to_owned(),
    };
    let pointer = keyspace.join(POINTER);
    let Some((number, checksum)) = parse(&head(&pointer)?) else {
        return Err(damaged(&pointer, "it names no version"));
    };
    let version = keyspace.join(format!("v{number}"));
    if !durable::is_file(&version)? {
        return Err(damaged(&version, "it is missing"));
    }
    if xxh3(&version)? != checksum {
        return Err(damaged(&version, "its checksum differs"));
    }
    Ok(())
}

/// The first bytes of a pointer: more than it can hold.
fn head(path: &Path) -> Result<Vec<u8>> {
    let (mut head, most) = (Vec::new(), 64);
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut head))
        .map_err(|error| FileError::new(Operation::Read, path, error))?;
    Ok(head)
}

fn parse(pointer: &[u8]) -> Option<(u64, u128)> {
    let (number, rest) = pointer.split_first_chunk()?;
    let (checksum, kind) = rest.split_first_chunk()?;
    (kind == [XXH3]).then(|| (u64::from_le_bytes(*number), u128::from_le_bytes(*checksum)))
}

fn xxh3(path: &Path) -> Result<u128> {
    let failed = |error| FileError::new(Operation::Read, path, error);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hasher, mut buffer) = (Xxh3Default::new(), vec![0; 8 * 1024]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.digest128()),
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error).into()),
        }
    }
}
