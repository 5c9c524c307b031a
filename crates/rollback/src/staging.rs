//! Building a generation beside the current one.

use std::fs::{File, OpenOptions};
use std::path::{Component, Path, PathBuf};

use durable::{Error as FileError, Operation};
use integrity::{Digest, Digester, TreeSeal};
use versioning::GenerationNumber;

use crate::{Error, Generation, Layout, Manifest, Part, Result, generation::MANIFEST_FILE};

/// A generation that is being built. Dropping it leaves files that the next recovery sweeps.
#[derive(Debug)]
pub struct Staging {
    layout: Layout,
    number: GenerationNumber,
    path: PathBuf,
}

impl Staging {
    /// Starts building a generation: an empty directory for each part. Whatever an earlier attempt left is removed.
    ///
    /// # Errors
    /// [`Error::AlreadyThere`], or what a file operation says.
    pub fn create(layout: &Layout, number: GenerationNumber) -> Result<Self> {
        let place = layout.generation(number);
        if durable::exists(&place)? {
            return Err(Error::AlreadyThere { generation: number, path: place });
        }
        let path = layout.staging(number);
        durable::remove_tree(&path)?;
        durable::create_directory(&path)?;
        for part in Part::ALL {
            durable::create_directory(&path.join(part.directory()))?;
        }
        Ok(Self { layout: layout.clone(), number, path })
    }

    /// The number that the generation will have.
    pub fn number(&self) -> GenerationNumber {
        self.number
    }

    /// The directory that is being built.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of a part.
    pub fn part(&self, part: Part) -> PathBuf {
        self.path.join(part.directory())
    }

    /// Removes the empty directory of a part, for a caller that creates it by itself (a clone, a new store).
    ///
    /// # Errors
    /// If it is not empty, or what removing it says.
    pub fn vacate(&self, part: Part) -> Result<PathBuf> {
        let path = self.part(part);
        std::fs::remove_dir(&path)
            .map_err(|error| FileError::new(Operation::Remove, &path, error))?;
        Ok(path)
    }

    /// The place of a file within a part, with the directories above it created.
    ///
    /// # Errors
    /// [`Error::UnsafePath`] if the path is not a plain relative one, or what a file operation says.
    pub fn place(&self, part: Part, relative: &str) -> Result<PathBuf> {
        let unsafe_path = || Error::UnsafePath { path: relative.to_owned() };
        let mut directory = self.part(part);
        let mut components = Path::new(relative).components().peekable();
        loop {
            let Some(Component::Normal(name)) = components.next() else {
                return Err(unsafe_path());
            };
            let path = directory.join(name);
            if components.peek().is_none() {
                return Ok(path);
            }
            if !durable::is_directory(&path)? {
                durable::create_directory(&path)?;
            }
            directory = path;
        }
    }

    /// Writes a file into a part, and reads it back.
    ///
    /// # Errors
    /// As [`Staging::place`]; also if the file exists, or does not read back as it was written.
    pub fn write(&self, part: Part, relative: &str, bytes: &[u8]) -> Result<()> {
        create_and_read_back(&self.place(part, relative)?, bytes)
    }

    /// As [`Staging::write`], of a file that its owner may execute.
    ///
    /// # Errors
    /// As [`Staging::write`].
    pub fn write_executable(&self, part: Part, relative: &str, bytes: &[u8]) -> Result<()> {
        let place = self.place(part, relative)?;
        create_and_read_back(&place, bytes)?;
        make_executable(&place)
    }

    /// Writes a document beside the parts, such as an adoption's inventory, and reads it back.
    ///
    /// # Errors
    /// If it exists, does not read back as it was written, or what a file operation says.
    pub fn write_document(&self, name: &str, bytes: &[u8]) -> Result<()> {
        create_and_read_back(&self.path.join(name), bytes)
    }

    /// Copies a file from anywhere into a part.
    ///
    /// # Errors
    /// As [`Staging::place`]; also if the file exists.
    pub fn copy(&self, part: Part, relative: &str, source: &Path) -> Result<PathBuf> {
        let place = self.place(part, relative)?;
        durable::copy_file(source, &place)?;
        Ok(place)
    }

    /// Makes the generation durable, seals it, and renames it into place.
    ///
    /// The order is the law's: every file is synced, then every directory from the leaves up; then the manifest with the
    /// digest of every file is written and synced, and its directory; then the rename, and the parent is synced. The
    /// manifest is `describe`'d from the seal, which must be part of it.
    ///
    /// # Errors
    /// What a file operation says. The staging directory stays, for recovery to sweep.
    // trace: impl FC-7.3 FC-9.3
    pub fn seal(
        self,
        digester: &mut Digester,
        describe: impl FnOnce(TreeSeal) -> Manifest,
    ) -> Result<Generation> {
        durable::restrict_tree(&self.path)?;
        durable::sync_tree(&self.path)?;
        let manifest = describe(TreeSeal::of_tree_with(&self.path, |_| false, digester)?);
        let unreadable =
            |reason: String| Error::UnreadableManifest { generation: self.number, reason };
        let mut bytes =
            serde_json::to_vec_pretty(&manifest).map_err(|error| unreadable(error.to_string()))?;
        bytes.push(b'\n');
        durable::write_file(&self.path.join(MANIFEST_FILE), &bytes)?;
        durable::sync_directory(&self.path)?;
        durable::rename(&self.path, &self.layout.generation(self.number))?;
        Generation::open(&self.layout, self.number, Some(Digest::of(&bytes)))
    }
}

/// Places a runtime binary: a copy that its owner may execute.
///
/// # Errors
/// As [`Staging::copy`].
pub(crate) fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let file: File = OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(|error| FileError::new(Operation::Open, path, error))?;
    file.set_permissions(std::fs::Permissions::from_mode(durable::EXECUTABLE_MODE))
        .map_err(|error| FileError::new(Operation::Restrict, path, error))?;
    Ok(())
}

impl Staging {
    /// Writes the runtime binary as `runtime/<name>`, executable by its owner alone, with what `write` writes into it.
    ///
    /// # Errors
    /// As [`Staging::place`]; what `write` says comes back as it is. Whoever writes answers for reading it back.
    pub fn write_runtime<E>(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        let place = self.place(Part::Runtime, name)?;
        let mut file = durable::create_file(&place, b"")?;
        let written = write(&mut file);
        drop(file);
        make_executable(&place)?;
        Ok(written)
    }

    /// Places the runtime binary as `runtime/<name>`, executable by its owner alone, and reads it back.
    ///
    /// # Errors
    /// As [`Staging::copy`]; also if it does not read back as it was given.
    pub fn place_runtime(&self, name: &str, source: &Path) -> Result<()> {
        let placed = self.copy(Part::Runtime, name, source)?;
        hold_to(&placed, Digest::of_file(source)?)?;
        make_executable(&placed)
    }
}

/// What is given to a generation is sealed as it lies there: so it must lie there as it was given.
// trace: impl FC-18.2
fn create_and_read_back(path: &Path, bytes: &[u8]) -> Result<()> {
    durable::create_file(path, bytes)?;
    hold_to(path, Digest::of(bytes))
}

fn hold_to(path: &Path, expected: Digest) -> Result<()> {
    let found = Digest::of_file(path)?;
    if found == expected {
        return Ok(());
    }
    Err(Error::NotAsWritten { path: path.to_path_buf(), expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_read_back_as_it_was_given_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        std::fs::write(&path, b"given").unwrap();
        hold_to(&path, Digest::of(b"given")).unwrap();
        std::fs::write(&path, b"Given").unwrap();
        match hold_to(&path, Digest::of(b"given")) {
            Err(Error::NotAsWritten { path: of, expected, found }) => {
                assert_eq!((of, expected), (path, Digest::of(b"given")));
                assert_eq!(found, Digest::of(b"Given"));
            }
            other => panic!("{other:?}"),
        }
    }
}
