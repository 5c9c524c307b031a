//! Whole directory trees: walking, syncing, restricting, removing.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::{DIRECTORY_MODE, EXECUTABLE_MODE, Error, FILE_MODE, Operation, Result, sync_directory};

/// How deep a tree may be. A home needs a handful of levels; a deeper one is hostile or broken.
pub const MAXIMUM_DEPTH: usize = 64;

/// What an entry of a tree is. Links, devices, sockets and pipes are never part of a home: [`walk`] refuses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A plain file.
    File,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The path relative to the root of the walk.
    pub path: PathBuf,
    /// Directory or plain file.
    pub kind: EntryKind,
    /// Size in bytes; 0 for a directory.
    pub size: u64,
    /// Permission bits (the lower nine).
    pub mode: u32,
    /// How many names a file has; 1 for a directory.
    pub names: u64,
}

/// Lists everything below `root`, parents before children, siblings in byte order of their names.
///
/// # Errors
/// Anything that is neither a plain file nor a directory is refused, by name. So is a tree deeper than
/// [`MAXIMUM_DEPTH`].
pub fn walk(root: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    // Siblings that are still to come, each directory's the other way round: so the next one is always the last.
    let mut pending = children(root, Path::new(""))?;
    while let Some(entry) = pending.pop() {
        if entry.kind == EntryKind::Directory {
            if entry.path.components().count() > MAXIMUM_DEPTH {
                let reason = format!("more than {MAXIMUM_DEPTH} levels deep");
                let directory = root.join(&entry.path);
                return Err(Error::new(Operation::Walk, &directory, io::Error::other(reason)));
            }
            pending.extend(children(root, &entry.path)?);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What lies in a directory of the walk, the last name first.
fn children(root: &Path, directory: &Path) -> Result<Vec<Entry>> {
    let mut names = read_directory(&root.join(directory))?;
    names.sort_unstable_by(|left, right| right.cmp(left));
    names.into_iter().map(|name| inspect(root, directory.join(name))).collect()
}

fn read_directory(directory: &Path) -> Result<Vec<std::ffi::OsString>> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .map_err(|error| Error::new(Operation::Read, directory, error))
}

fn inspect(root: &Path, path: PathBuf) -> Result<Entry> {
    let full = root.join(&path);
    let metadata = fs::symlink_metadata(&full)
        .map_err(|error| Error::new(Operation::Inspect, &full, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() {
        Ok(Entry { path, kind: EntryKind::Directory, size: 0, mode, names: 1 })
    } else if metadata.is_file() {
        Ok(Entry {
            path,
            kind: EntryKind::File,
            size: metadata.len(),
            mode,
            names: metadata.nlink(),
        })
    } else {
        Err(Error::planted(Operation::Walk, &full))
    }
}

/// Makes a whole tree durable: every file, then every directory from the leaves up to and including `root`.
///
/// The name of `root` in its own parent is not covered.
// trace: impl FC-7.3
pub fn sync_tree(root: &Path) -> Result<()> {
    let entries = walk(root)?;
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let path = root.join(&entry.path);
        File::open(&path)
            .map_err(|error| Error::new(Operation::Open, &path, error))?
            .sync_all()
            .map_err(|error| Error::new(Operation::Sync, &path, error))?;
    }
    for entry in entries.iter().rev().filter(|entry| entry.kind == EntryKind::Directory) {
        sync_directory(&root.join(&entry.path))?;
    }
    sync_directory(root)
}

/// Gives every directory below and including `root` mode 0700 and every file 0600, or 0700 if its owner may execute it.
///
/// A file with more than one name is not touched: its permissions belong to the sealed generation that it is shared with.
pub fn restrict_tree(root: &Path) -> Result<()> {
    restrict(root, DIRECTORY_MODE, None)?;
    for entry in walk(root)?.into_iter().filter(|entry| entry.names <= 1) {
        let wanted = match entry.kind {
            EntryKind::Directory => DIRECTORY_MODE,
            EntryKind::File if entry.mode & 0o100 != 0 => EXECUTABLE_MODE,
            EntryKind::File => FILE_MODE,
        };
        restrict(&root.join(&entry.path), wanted, Some(entry.mode))?;
    }
    Ok(())
}

/// Gives one directory mode 0700.
pub fn restrict_directory(path: &Path) -> Result<()> {
    restrict(path, DIRECTORY_MODE, None)
}

fn restrict(path: &Path, wanted: u32, found: Option<u32>) -> Result<()> {
    if found == Some(wanted) {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(wanted))
        .map_err(|error| Error::new(Operation::Restrict, path, error))
}

/// Whether anything is at a path, a dangling link included. A path that cannot be looked at is an error, not an absence.
pub fn exists(path: &Path) -> Result<bool> {
    Ok(look(path)?.is_some())
}

/// Whether a path leads to a directory; a link does not count as one. A path that cannot be looked at is an error: who took
/// it for something else would go on without what is there.
pub fn is_directory(path: &Path) -> Result<bool> {
    Ok(look(path)?.is_some_and(|metadata| metadata.is_dir()))
}

/// Whether a path leads to a plain file; a link does not count as one. Else as [`is_directory`].
pub fn is_file(path: &Path) -> Result<bool> {
    Ok(look(path)?.is_some_and(|metadata| metadata.is_file()))
}

/// By what a plain file is known again, whatever its name: as long as nobody writes to it.
///
/// The time of change is not part of it: to give a file another name is a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl FileIdentity {
    /// Of the plain file at a path; none if there is none, or something else.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        Ok(look(path)?.filter(fs::Metadata::is_file).as_ref().map(Self::from))
    }
}

impl From<&fs::Metadata> for FileIdentity {
    fn from(found: &fs::Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }
}

/// Whether two paths are names of one file, so that their bytes are the same without being read.
pub fn is_same_file(left: &Path, right: &Path) -> Result<bool> {
    let left = FileIdentity::of(left)?;
    Ok(left.is_some() && left == FileIdentity::of(right)?)
}

/// What is at a path, if anything is.
fn look(path: &Path) -> Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(Operation::Inspect, path, error)),
    }
}

/// Removes whatever is at a path, if anything is, and syncs its parent, so that the removal is durable.
///
/// Links inside the tree are removed, never followed.
pub fn remove_tree(root: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(root) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(root),
        Ok(_) => fs::remove_file(root),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::new(Operation::Remove, root, error)),
    }
    match root.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_lists_parents_before_children_and_is_sorted() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/c")).unwrap();
        fs::write(root.path().join("b/c/file"), b"12345").unwrap();
        fs::write(root.path().join("a"), b"").unwrap();
        // As text this comes before what is in `b`.
        fs::write(root.path().join("b-a"), b"").unwrap();
        let found = walk(root.path()).unwrap();
        let paths: Vec<_> = found.iter().map(|entry| entry.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["a", "b", "b/c", "b/c/file", "b-a"]);
        assert!(found.is_sorted());
        assert_eq!(found[3].size, 5);
    }

    #[test]
    fn a_walk_refuses_a_link_by_name() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("link")).unwrap();
        let error = walk(root.path()).unwrap_err();
        assert_eq!(error.operation, Operation::Walk);
        assert!(error.to_string().contains("link"), "{error}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "nothing of this needs to be durable")]
    fn a_file_is_the_same_under_all_of_its_names_and_no_other_is() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::write(path("file"), b"bytes").unwrap();
        fs::hard_link(path("file"), path("name")).unwrap();
        fs::copy(path("file"), path("copy")).unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        assert!(is_same_file(&path("file"), &path("name")).unwrap());
        for other in ["copy", "link", "missing", ""] {
            assert!(!is_same_file(&path("file"), &path(other)).unwrap(), "{other}");
            assert!(!is_same_file(&path(other), &path("file")).unwrap(), "{other}");
        }
        assert!(!is_same_file(&path("missing"), &path("missing")).unwrap());
    }

    #[test]
    fn what_is_at_a_path_is_told_and_what_cannot_be_looked_at_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, b"").unwrap();
        std::os::unix::fs::symlink(&file, root.path().join("link")).unwrap();
        let told = |name: &str| {
            let path = root.path().join(name);
            (exists(&path).unwrap(), is_directory(&path).unwrap(), is_file(&path).unwrap())
        };
        assert_eq!(told(""), (true, true, false));
        assert_eq!(told("file"), (true, false, true));
        assert_eq!(told("link"), (true, false, false));
        assert_eq!(told("nothing"), (false, false, false));
        // Nothing can lie below a file: that is no absence.
        let below = file.join("below");
        assert!(
            exists(&below).is_err() && is_directory(&below).is_err() && is_file(&below).is_err()
        );
    }

    #[test]
    fn a_restricted_tree_is_private_and_keeps_what_is_executable() {
        let root = tempfile::tempdir().unwrap();
        let plain = root.path().join("plain");
        let script = root.path().join("script");
        fs::write(&plain, b"").unwrap();
        fs::write(&script, b"").unwrap();
        fs::set_permissions(&plain, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        restrict_tree(root.path()).unwrap();
        let modes: Vec<_> = walk(root.path()).unwrap().iter().map(|entry| entry.mode).collect();
        assert_eq!(modes, [FILE_MODE, EXECUTABLE_MODE]);
    }

    #[test]
    fn whatever_is_at_a_path_is_removed_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (file, link, kept) =
            (root.path().join("file"), root.path().join("link"), root.path().join("kept"));
        fs::create_dir(&kept).unwrap();
        fs::write(&file, b"").unwrap();
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        remove_tree(&file).unwrap();
        remove_tree(&link).unwrap();
        assert!(kept.is_dir() && !exists(&file).unwrap() && !exists(&link).unwrap());
    }

    #[test]
    fn removing_what_is_not_there_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        remove_tree(&root.path().join("nothing")).unwrap();
        assert!(root.path().exists());
    }
}
