//! Unpacking a release into a directory of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use durable::{EXECUTABLE_MODE, EntryKind, FILE_MODE, Operation};

use crate::error::{Error, Result};
use crate::file::{CopyError, copy, failed, open_plain};
use crate::manifest::{Artifact, Manifest};
use crate::package::Package;

impl Package {
    /// Unpacks all artifacts below `directory`, which must not exist or be empty (its parent must exist). The manifest is not
    /// among them: who needs it there has [`Package::manifest_bytes`].
    ///
    /// Files get mode 0600 or 0700, directories 0700, whatever the umask. Contents are held against their digests while they
    /// are written, and once more as they are on disk, when everything is durable. From the moment that it is looked into,
    /// nobody but its owner can put anything into `directory`; that nobody puts another one in its place is for the parent's
    /// permissions to see to.
    ///
    /// # Errors
    /// Whatever was unpacked is removed again. A process that dies on the way leaves an incomplete directory, which is not
    /// unpacked into again: who calls stages, and knows by its own records what is complete.
    pub fn unpack(&self, directory: &Path) -> Result<()> {
        let is_ours = prepare(directory)?;
        let unpacked = self.fill(directory).and_then(Written::read_back);
        if unpacked.is_err() {
            // What went wrong first is what is told.
            let _ = clear(self.manifest(), directory, is_ours);
        }
        unpacked
    }

    fn fill<'u>(&'u self, directory: &'u Path) -> Result<Written<'u>> {
        let mut made: BTreeSet<&str> = BTreeSet::new();
        for (artifact, begin) in self.located() {
            for parent in artifact.path.directories().filter(|parent| made.insert(parent)) {
                create_private(&directory.join(parent))?;
            }
            self.place(artifact, begin, &directory.join(artifact.path.as_str()))?;
        }
        durable::sync_tree(directory)?;
        durable::sync_directory(parent(directory))?;
        Ok(Written { manifest: self.manifest(), directory })
    }

    fn place(&self, artifact: &Artifact, begin: u64, target: &Path) -> Result<()> {
        let mut file = durable::create_file(target, b"")?;
        file.set_permissions(PermissionsExt::from_mode(mode(artifact)))
            .map_err(|error| failed(Operation::Restrict, target, error))?;
        self.stream(artifact, begin, &mut file).map_err(|error| match error {
            Error::Output { source, .. } => failed(Operation::Write, target, source),
            other => other,
        })
    }
}

/// Sees to an empty, private directory. True if it was made here.
fn prepare(directory: &Path) -> Result<bool> {
    if !durable::exists(directory)? {
        create_private(directory)?;
        return Ok(true);
    }
    if !durable::is_directory(directory)? {
        return Err(Error::NotADirectory { path: directory.to_path_buf() });
    }
    // A directory that is refused is left as it is. Of one that is taken, what counts is what it holds once it is private:
    // from then on nobody else can put anything there.
    require_empty(directory)?;
    durable::restrict_directory(directory)?;
    require_empty(directory)?;
    Ok(false)
}

fn require_empty(directory: &Path) -> Result<()> {
    let mut entries =
        std::fs::read_dir(directory).map_err(|error| failed(Operation::Read, directory, error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::NotEmpty { path: directory.to_path_buf() }),
    }
}

/// Creates a directory that is private whatever the umask.
fn create_private(directory: &Path) -> Result<()> {
    durable::create_directory(directory)?;
    Ok(durable::restrict_directory(directory)?)
}

fn parent(directory: &Path) -> &Path {
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn mode(artifact: &Artifact) -> u32 {
    if artifact.executable { EXECUTABLE_MODE } else { FILE_MODE }
}

/// Removes what was unpacked: the directory if it was made here, else what is in it.
fn clear(manifest: &Manifest, directory: &Path, is_ours: bool) -> Result<()> {
    if is_ours {
        return Ok(durable::remove_tree(directory)?);
    }
    let roles: BTreeSet<_> =
        manifest.artifacts().iter().map(|artifact| artifact.path.role().directory()).collect();
    for role in roles {
        durable::remove_tree(&directory.join(role))?;
    }
    Ok(())
}

/// What was written and made durable, and not yet looked at again.
#[must_use]
struct Written<'u> {
    manifest: &'u Manifest,
    directory: &'u Path,
}

impl Written<'_> {
    /// Holds what is on disk against the manifest: every file with its permissions and its bytes, and no file besides.
    fn read_back(self) -> Result<()> {
        let Self { manifest, directory } = self;
        let differs = |path: PathBuf| Error::UnpackedDiffers { path };
        let mut files: BTreeMap<PathBuf, u32> = durable::walk(directory)?
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File)
            .map(|entry| (directory.join(entry.path), entry.mode))
            .collect();
        for artifact in manifest.artifacts() {
            let path = directory.join(artifact.path.as_str());
            if files.remove(&path) != Some(mode(artifact)) {
                return Err(differs(path));
            }
            let (file, _) = open_plain(&path)?;
            let mut content = io::Read::take(file, artifact.size + 1);
            let found = copy(&mut content, &mut io::sink()).map_err(|error| match error {
                CopyError::Read(error) | CopyError::Write(error) => {
                    failed(Operation::Read, &path, error)
                }
            })?;
            if found != (artifact.size, artifact.digest) {
                return Err(differs(path));
            }
        }
        files.into_keys().next().map_or(Ok(()), |stray| Err(differs(stray)))
    }
}

#[cfg(test)]
mod tests;
