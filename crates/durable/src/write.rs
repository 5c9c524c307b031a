//! Writing, renaming and removing single files and directories.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::{DIRECTORY_MODE, Error, FILE_MODE, Operation, Result};

/// Creates a directory with mode 0700. Its name is durable only once the parent is synced.
pub fn create_directory(path: &Path) -> Result<()> {
    DirBuilder::new()
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|error| Error::new(Operation::Create, path, error))
}

/// Writes a new file with mode 0600 and syncs it. Fails if the name exists.
///
/// The name itself is durable only once the parent is synced: see [`sync_directory`].
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    create_file(path, bytes)?.sync_all().map_err(|error| Error::new(Operation::Sync, path, error))
}

/// Writes a new file with mode 0600, and leaves it to the caller to make it durable: for files of a tree that is synced as
/// a whole ([`sync_tree`](crate::sync_tree)). Fails if the name exists.
pub fn create_file(path: &Path, bytes: &[u8]) -> Result<File> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| Error::new(Operation::Create, path, error))?;
    file.write_all(bytes).map_err(|error| Error::new(Operation::Write, path, error))?;
    Ok(file)
}

/// Replaces a file in one step: writes `<name>.tmp` beside it, syncs that, renames it into place and syncs the parent.
///
/// After a crash the name holds the old bytes or the new ones, never a mixture. A left-over `.tmp` is overwritten.
// trace: impl FC-16.3
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = &unfinished(path);
    remove_file(temporary)?;
    write_file(temporary, bytes)?;
    rename(temporary, path)
}

/// Replaces files of one directory together, in this order, and syncs the directory once.
///
/// After a crash each name holds the old bytes or the new ones, never a mixture; which of them have which is open until this
/// returns. Left-over `.tmp`s are overwritten.
#[expect(clippy::disallowed_methods, reason = "durable like the rename that the lint asks for")]
pub fn replace_files(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    for (name, bytes) in files {
        let new = unfinished(&directory.join(name));
        remove_file(&new)?;
        write_file(&new, bytes)?;
    }
    for (name, _) in files {
        let path = directory.join(name);
        fs::rename(unfinished(&path), &path)
            .map_err(|error| Error::new(Operation::Rename, &path, error))?;
    }
    sync_directory(directory)
}

/// The name under which a file is written before it takes its place.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Renames within one file system and syncs the parent of the new name (and of the old one, if it is another).
#[expect(clippy::disallowed_methods, reason = "this is the durable rename that the lint asks for")]
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::new(Operation::Rename, to, error))?;
    sync_parent(to)?;
    if from.parent() != to.parent() {
        sync_parent(from)?;
    }
    Ok(())
}

/// Removes a file if it is there. Durable once the parent is synced.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Operation::Remove, path, error))
        }
        _ => Ok(()),
    }
}

/// Makes the entries of a directory durable.
pub fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .map_err(|error| Error::new(Operation::Open, path, error))?
        .sync_all()
        .map_err(|error| Error::new(Operation::Sync, path, error))
}

fn sync_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_written_file_is_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_file(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, FILE_MODE);
        let error = write_file(&path, b"two").unwrap_err();
        assert_eq!(error.operation, Operation::Create);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_replaced_file_holds_the_new_bytes_and_leaves_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(directory.path().join("file.tmp"), b"left over from a crash").unwrap();
        replace_file(&path, b"one").unwrap();
        replace_file(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
