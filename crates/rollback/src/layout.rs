//! Where things are in a home.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use durable::{Error as FileError, Operation};
use versioning::GenerationNumber;

use crate::Result;

const STAGING_PREFIX: &str = ".staging-";

/// What sweeping did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    /// Unfinished directories that were removed.
    pub removed: usize,
    /// Those that could not be.
    pub left: usize,
}

/// Where things are in a home. Knowing a place does not mean that something is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of the home at this path.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The home itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal's directory.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// The file that says who holds the lock.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The link for people to the current generation.
    pub fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    /// The directory of the keyrings, one file for each epoch and one for its signatures.
    pub fn keyrings(&self) -> PathBuf {
        self.root.join("keyring")
    }

    /// The directory of the seals of stores that were closed.
    pub fn seals(&self) -> PathBuf {
        self.root.join("seals")
    }

    /// The seal of the store of a generation, as it was closed.
    pub fn store_seal(&self, number: GenerationNumber) -> PathBuf {
        self.seals().join(format!("{number}.json"))
    }

    /// The directory of all generations.
    pub fn generations(&self) -> PathBuf {
        self.root.join("generations")
    }

    /// The directory of a sealed generation.
    pub fn generation(&self, number: GenerationNumber) -> PathBuf {
        self.generations().join(number.to_string())
    }

    /// The directory in which a generation is built, or in which one is taken apart.
    pub fn staging(&self, number: GenerationNumber) -> PathBuf {
        self.generations().join(format!("{STAGING_PREFIX}{number}"))
    }

    /// A directory for what is only needed for a moment; whatever is left of it is swept like a staging directory.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.generations().join(format!("{STAGING_PREFIX}{name}"))
    }

    /// The numbers of the generations that are there, whatever the journal says of them, in ascending order.
    ///
    /// # Errors
    /// What reading the directory says. A home without generations has none, which is no error.
    pub fn generation_numbers(&self) -> Result<Vec<GenerationNumber>> {
        let mut numbers = Vec::new();
        for name in self.names()? {
            let Ok(number) = name.parse() else { continue };
            if durable::is_directory(&self.generations().join(name))? {
                numbers.push(number);
            }
        }
        numbers.sort();
        Ok(numbers)
    }

    /// Removes what attempts left unfinished. Such a directory is never referred to by the journal, so one that cannot be
    /// removed is in nobody's way: it is counted and left. The caller holds the lock.
    ///
    /// # Errors
    /// What reading the directory of generations says.
    // trace: impl FC-7.2.2 FC-7.3
    pub fn sweep_staging(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut left = Vec::new();
        for directory in [self.keyrings(), self.seals()] {
            // Files that were being written.
            left.extend(list(&directory)?.into_iter().filter(|path| is_unfinished(path)));
        }
        let staging = self.names()?.into_iter().filter(|name| name.starts_with(STAGING_PREFIX));
        left.extend(staging.map(|name| self.generations().join(name)));
        for path in left {
            match durable::remove_tree(&path) {
                Ok(()) => swept.removed += 1,
                Err(_) => swept.left += 1,
            }
        }
        Ok(swept)
    }

    /// Whether there is anything left of a generation: its directory, or the seal of its store.
    ///
    /// # Errors
    /// What looking there says.
    pub fn is_anything_left_of(&self, number: GenerationNumber) -> Result<bool> {
        Ok(durable::exists(&self.generation(number))? || durable::exists(&self.store_seal(number))?)
    }

    /// Removes a generation: renames it to its staging name first, so that a crash in the middle leaves something that is
    /// swept, never half a generation. The caller holds the lock and answers for nobody needing it.
    ///
    /// # Errors
    /// What a file operation says. No generation being there is no error.
    pub fn remove_generation(&self, number: GenerationNumber) -> Result<()> {
        let (place, staging) = (self.generation(number), self.staging(number));
        if durable::exists(&place)? {
            durable::remove_tree(&staging)?;
            durable::rename(&place, &staging)?;
        }
        // Without its generation nobody reads it.
        durable::remove_file(&self.store_seal(number))?;
        Ok(durable::remove_tree(&staging)?)
    }

    /// Points the link for people at a generation. Nothing ever reads it to decide anything.
    ///
    /// # Errors
    /// What a file operation says.
    pub fn point_current_to(&self, number: GenerationNumber) -> Result<()> {
        let target = Path::new("generations").join(number.to_string());
        let current = self.current();
        let temporary = self.root.join("current.tmp");
        // Whoever was interrupted here has left it.
        durable::remove_file(&temporary)?;
        if fs::read_link(&current).is_ok_and(|found| found == target) {
            return Ok(());
        }
        symlink(&target, &temporary)
            .map_err(|error| FileError::new(Operation::Create, &temporary, error))?;
        Ok(durable::rename(&temporary, &current)?)
    }

    /// Names in the generations' directory, in byte order. Names that are not UTF-8 are not ours.
    fn names(&self) -> Result<Vec<String>> {
        let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        Ok(list(&self.generations())?.into_iter().filter_map(name).collect())
    }
}

/// Whether a file was being written when somebody was interrupted, and never took its place: nobody reads it.
fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tmp")
}

/// The entries of a directory, in byte order; none if it is not there.
fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries,
    };
    let mut paths = entries
        .and_then(|entries| {
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()
        })
        .map_err(|error| FileError::new(Operation::Read, directory, error))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    // trace: test FC-7.2.2 FC-7.3 FC-16.2.2
    #[test]
    fn sweeping_removes_what_is_unfinished_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        let number = GenerationNumber::new;
        assert_eq!(layout.generation_numbers().unwrap(), []);
        fs::create_dir_all(layout.generation(number(10))).unwrap();
        fs::create_dir_all(layout.generation(number(9))).unwrap();
        fs::create_dir_all(layout.staging(number(11)).join("store")).unwrap();
        fs::create_dir_all(layout.generations().join("notes")).unwrap();
        fs::write(layout.generations().join(".staging-file"), b"").unwrap();
        assert_eq!(layout.sweep_staging().unwrap(), Swept { removed: 2, left: 0 });
        assert_eq!(layout.generation_numbers().unwrap(), [number(9), number(10)]);
        assert!(layout.generations().join("notes").exists());
        fs::create_dir(layout.seals()).unwrap();
        fs::write(layout.store_seal(number(9)), b"{}").unwrap();
        fs::write(layout.seals().join("10.json.tmp"), b"{").unwrap();
        assert_eq!(layout.sweep_staging().unwrap(), Swept { removed: 1, left: 0 });
        layout.remove_generation(number(9)).unwrap();
        assert!(!layout.is_anything_left_of(number(9)).unwrap());
        layout.remove_generation(number(9)).unwrap();
        assert_eq!(layout.generation_numbers().unwrap(), [number(10)]);
    }

    #[test]
    fn the_link_for_people_follows() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        for number in [1, 2, 2] {
            layout.point_current_to(GenerationNumber::new(number)).unwrap();
            let target = fs::read_link(layout.current()).unwrap();
            assert_eq!(target, Path::new("generations").join(number.to_string()));
        }
    }
}
