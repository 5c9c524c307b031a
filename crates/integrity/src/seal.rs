//! The seal over a tree: every file with its size and digest.

use std::collections::BTreeMap;
use std::path::Path;

use durable::{EntryKind, Error, Operation};
use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::digester::{Digester, Wanted};

/// What a seal says of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSeal {
    /// Size in bytes.
    pub size: u64,
    /// Whether its owner may execute it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A seal over every file of a tree, by path relative to its root with `/` between components.
///
/// Empty directories mean nothing here and are not sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TreeSeal {
    files: BTreeMap<String, FileSeal>,
}

/// The seal that a tree with these files would have.
impl FromIterator<(String, FileSeal)> for TreeSeal {
    fn from_iter<I: IntoIterator<Item = (String, FileSeal)>>(files: I) -> Self {
        Self { files: files.into_iter().collect() }
    }
}

/// How a tree differs from its seal. Each names the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealViolation {
    /// A sealed file is gone.
    #[error("{path} was sealed and is missing")]
    Missing {
        /// The file.
        path: String,
    },
    /// A file is there that was not sealed.
    #[error("{path} was not there when the generation was sealed")]
    Added {
        /// The file.
        path: String,
    },
    /// A file's size or execute permission is not what was sealed.
    #[error("{path} was sealed with {expected} and now has {found}")]
    Shape {
        /// The file.
        path: String,
        /// Size and permission when sealed.
        expected: String,
        /// Size and permission now.
        found: String,
    },
    /// A file's bytes are not what was sealed.
    #[error("{path} was sealed as {expected} and is now {found}")]
    Content {
        /// The file.
        path: String,
        /// The digest when sealed.
        expected: Digest,
        /// The digest now.
        found: Digest,
    },
}

impl TreeSeal {
    /// Reads every file below `root`, leaving out the paths for which `skip` is true (and what lies below them).
    ///
    /// # Errors
    /// As [`durable::walk`]; also if a name is not UTF-8, since a seal is a text.
    pub fn of_tree(root: &Path, skip: impl Fn(&str) -> bool) -> durable::Result<Self> {
        Self::of_tree_with(root, skip, &mut Digester::new(1))
    }

    /// As [`TreeSeal::of_tree`], read by `digester`. Neither the seal nor an error depends on how it reads.
    ///
    /// # Errors
    /// As [`TreeSeal::of_tree`]. Of several files that cannot be read, the first in the order of their paths is named.
    pub fn of_tree_with(
        root: &Path,
        skip: impl Fn(&str) -> bool,
        digester: &mut Digester,
    ) -> durable::Result<Self> {
        let shapes = shapes(root, &skip)?;
        let wanted = shapes.iter().map(|(path, shape)| shape.wanted(path)).collect();
        let digests = digester.digests(root, wanted)?;
        let sealed = digests.into_iter().filter_map(|(path, digest)| {
            let Shape { size, executable, .. } = *shapes.get(&path)?;
            Some((path, FileSeal { size, executable, digest }))
        });
        Ok(sealed.collect())
    }

    /// The sealed files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FileSeal)> {
        self.files.iter().map(|(path, seal)| (path.as_str(), seal))
    }

    /// What was sealed of one file.
    pub fn get(&self, path: &str) -> Option<&FileSeal> {
        self.files.get(path)
    }

    /// One digest over the part of the seal that lies below `prefix` (all of it for an empty one), with the paths
    /// relative to it: the same files in another place have the same digest.
    pub fn digest(&self, prefix: &str) -> Digest {
        let mut hasher =
            blake3::Hasher::new_derive_key("femtoclaw-upgrade 2026 digest of a sealed tree");
        for (path, file) in &self.files {
            let Some(path) = below(path, prefix) else { continue };
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(&file.size.to_le_bytes());
            hasher.update(&[u8::from(file.executable)]);
            hasher.update(file.digest.as_bytes());
        }
        hasher.into()
    }

    /// Compares the tree below `root` with the seal, file by file, and returns every difference.
    ///
    /// `content` decides which files' bytes are read, by `digester`; the others are held to size and permission only.
    /// Neither the differences nor an error depend on how it reads.
    ///
    /// # Errors
    /// As [`TreeSeal::of_tree_with`]; a difference is not an error here.
    // trace: impl FC-20.1 FC-20.2.1
    pub fn check(
        &self,
        root: &Path,
        skip: impl Fn(&str) -> bool,
        content: impl Fn(&str) -> bool,
        digester: &mut Digester,
    ) -> durable::Result<Vec<SealViolation>> {
        let found = shapes(root, &skip)?;
        let read = |(path, sealed): (&String, &FileSeal)| {
            let shape = found.get(path).filter(|shape| shape.is(sealed) && content(path))?;
            Some(shape.wanted(path))
        };
        let sealed = || self.files.iter().filter(|(path, _)| !skipped(path, &skip));
        let digests = digester.digests(root, sealed().filter_map(read).collect())?;
        let differs = |(path, sealed): (&String, &FileSeal)| {
            violation(path, sealed, found.get(path), digests.get(path))
        };
        let mut violations: Vec<SealViolation> = sealed().filter_map(differs).collect();
        let added = found.keys().filter(|path| !self.files.contains_key(*path));
        violations.extend(added.map(|path| SealViolation::Added { path: path.clone() }));
        Ok(violations)
    }
}

/// How a file differs from its seal, if it does. Without a digest its bytes do not count.
fn violation(
    path: &str,
    sealed: &FileSeal,
    shape: Option<&Shape>,
    digest: Option<&Digest>,
) -> Option<SealViolation> {
    let path = path.to_owned();
    let Some(shape) = shape else { return Some(SealViolation::Missing { path }) };
    if !shape.is(sealed) {
        let expected = describe(sealed.size, sealed.executable);
        let found = describe(shape.size, shape.executable);
        return Some(SealViolation::Shape { path, expected, found });
    }
    let found = *digest.filter(|digest| **digest != sealed.digest)?;
    Some(SealViolation::Content { path, expected: sealed.digest, found })
}

/// What is known of a file without reading it.
struct Shape {
    size: u64,
    executable: bool,
    /// How many names it has.
    names: u64,
}

impl Shape {
    fn is(&self, sealed: &FileSeal) -> bool {
        (self.size, self.executable) == (sealed.size, sealed.executable)
    }

    fn wanted(&self, path: &str) -> Wanted {
        Wanted { path: path.to_owned(), names: self.names }
    }
}

/// The shape of every plain file below `root`.
fn shapes(root: &Path, skip: &impl Fn(&str) -> bool) -> durable::Result<BTreeMap<String, Shape>> {
    let mut files = BTreeMap::new();
    for entry in durable::walk(root)? {
        let Some(path) = entry.path.to_str() else {
            let reason = std::io::Error::other("its name is not UTF-8");
            return Err(Error::new(Operation::Walk, &root.join(&entry.path), reason));
        };
        if entry.kind == EntryKind::File && !skipped(path, skip) {
            let executable = entry.mode & 0o100 != 0;
            let shape = Shape { size: entry.size, executable, names: entry.names };
            files.insert(path.to_owned(), shape);
        }
    }
    Ok(files)
}

/// True if the path itself or a directory above it is to be skipped.
fn skipped(path: &str, skip: &impl Fn(&str) -> bool) -> bool {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).any(skip)
}

fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(path);
    }
    path.strip_prefix(prefix)?.strip_prefix('/')
}

fn describe(size: u64, executable: bool) -> String {
    format!("{size} bytes{}", if executable { ", executable" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("store/tables")).unwrap();
        fs::write(root.path().join("store/tables/1"), b"rows").unwrap();
        fs::write(root.path().join("config"), b"level = 1").unwrap();
        root
    }

    fn check(seal: &TreeSeal, root: &Path) -> Vec<SealViolation> {
        seal.check(root, |_| false, |_| true, &mut Digester::new(1)).unwrap()
    }

    #[test]
    fn an_unchanged_tree_agrees_with_its_seal() {
        let root = tree();
        let seal = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        assert_eq!(check(&seal, root.path()), []);
        let json = serde_json::to_string(&seal).unwrap();
        assert_eq!(serde_json::from_str::<TreeSeal>(&json).unwrap(), seal);
    }

    // trace: test FC-20.1 FC-20.2.1
    #[test]
    fn every_kind_of_difference_is_found_and_names_its_file() {
        let root = tree();
        let seal = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        fs::write(root.path().join("config"), b"level = 2").unwrap();
        fs::remove_file(root.path().join("store/tables/1")).unwrap();
        fs::write(root.path().join("store/stray"), b"").unwrap();
        let found = check(&seal, root.path());
        let paths: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{paths:?}");
        assert!(paths[0].starts_with("config was sealed as blake3:"), "{paths:?}");
        assert_eq!(found[1], SealViolation::Missing { path: "store/tables/1".to_owned() });
        assert_eq!(found[2], SealViolation::Added { path: "store/stray".to_owned() });
    }

    #[test]
    fn without_reading_content_only_the_shape_is_held() {
        let root = tree();
        let seal = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        fs::write(root.path().join("config"), b"level = 2").unwrap();
        assert_eq!(
            seal.check(root.path(), |_| false, |_| false, &mut Digester::new(1)).unwrap(),
            []
        );
        fs::write(root.path().join("config"), b"level = 10").unwrap();
        let found = seal.check(root.path(), |_| false, |_| false, &mut Digester::new(1)).unwrap();
        assert!(
            matches!(found.as_slice(), [SealViolation::Shape { path, .. }] if path == "config")
        );
    }

    #[test]
    fn what_is_skipped_is_neither_sealed_nor_missed() {
        let root = tree();
        let seal = TreeSeal::of_tree(root.path(), |path| path == "store").unwrap();
        assert_eq!(seal.iter().count(), 1);
        fs::write(root.path().join("store/stray"), b"").unwrap();
        assert_eq!(
            seal.check(root.path(), |path| path == "store", |_| true, &mut Digester::new(1))
                .unwrap(),
            []
        );
    }

    #[test]
    fn the_digest_of_a_part_does_not_depend_on_where_it_lies() {
        let root = tree();
        let whole = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        let part = TreeSeal::of_tree(&root.path().join("store"), |_| false).unwrap();
        assert_eq!(whole.digest("store"), part.digest(""));
        assert_ne!(whole.digest(""), part.digest(""));
    }

    /// Many files, of all sizes around the buffers that they are read with, some of them under two names.
    fn large_tree() -> tempfile::TempDir {
        let root = tree();
        for number in 0..40_usize {
            let path = root.path().join(format!("store/tables/many-{number}"));
            fs::write(&path, vec![u8::try_from(number).unwrap(); number * 6553]).unwrap();
            if number.is_multiple_of(7) {
                link(&path, &root.path().join(format!("store/linked-{number}")));
            }
        }
        root
    }

    #[expect(clippy::disallowed_methods, reason = "nothing of this needs to be durable")]
    fn link(from: &Path, to: &Path) {
        fs::hard_link(from, to).unwrap();
    }

    #[test]
    fn neither_the_seal_nor_the_differences_depend_on_how_many_files_are_read_at_once() {
        let root = large_tree();
        let seal = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        let of_tree = |workers| {
            TreeSeal::of_tree_with(root.path(), |_| false, &mut Digester::new(workers)).unwrap()
        };
        for workers in [0, 2, 8] {
            assert_eq!(of_tree(workers), seal, "{workers} workers");
        }
        fs::write(root.path().join("store/tables/many-3"), vec![9; 3 * 6553]).unwrap();
        fs::write(root.path().join("store/linked-14"), vec![9; 14 * 6553]).unwrap();
        fs::write(root.path().join("store/tables/many-30"), b"short").unwrap();
        fs::remove_file(root.path().join("store/tables/many-5")).unwrap();
        fs::write(root.path().join("store/stray"), b"").unwrap();
        let check = |workers| {
            let mut digester = Digester::new(workers);
            seal.check(root.path(), |_| false, |_| true, &mut digester).unwrap()
        };
        let expected = check(1);
        // The one of two names is found under both.
        assert_eq!(expected.len(), 6, "{expected:?}");
        for workers in [0, 2, 8] {
            assert_eq!(check(workers), expected, "{workers} workers");
        }
    }

    #[test]
    fn of_several_files_that_cannot_be_read_the_first_is_named_whoever_reads_them() {
        let root = large_tree();
        for workers in [1, 2, 8] {
            let missing = |name: &str| Wanted { path: name.to_owned(), names: 1 };
            let there = (0..40).map(|number| missing(&format!("store/tables/many-{number}")));
            let wanted = there.chain(["b", "a", "c"].map(missing)).collect();
            let error = Digester::new(workers).digests(root.path(), wanted).unwrap_err();
            assert_eq!(error.path, root.path().join("b"), "{workers} workers");
        }
    }

    #[test]
    fn a_file_that_took_the_place_of_one_that_was_read_is_read() {
        for workers in [1, 2, 8] {
            let (first, second) = (large_tree(), tempfile::tempdir().unwrap());
            for number in [7, 14, 21] {
                let name = format!("linked-{number}");
                link(&first.path().join("store").join(&name), &second.path().join(&name));
            }
            let seals = [first.path(), second.path()]
                .map(|root| TreeSeal::of_tree(root, |_| false).unwrap());
            let mut digester = Digester::new(workers);
            let mut check = |seal: &TreeSeal, root: &Path| {
                seal.check(root, |_| false, |_| true, &mut digester).unwrap()
            };
            assert_eq!(check(&seals[0], first.path()), []);
            assert_eq!(check(&seals[1], second.path()), []);
            // The same size and the same times, and other bytes.
            let replaced = second.path().join("linked-14");
            let times = fs::metadata(&replaced).unwrap();
            let times = fs::FileTimes::new().set_modified(times.modified().unwrap());
            fs::remove_file(&replaced).unwrap();
            fs::write(&replaced, vec![9; 14 * 6553]).unwrap();
            fs::File::open(&replaced).unwrap().set_times(times).unwrap();
            link(&replaced, &second.path().join("another-name"));
            let found = check(&seals[1], second.path());
            assert_eq!(found.len(), 2, "{workers} workers: {found:?}");
            assert!(
                matches!(&found[0], SealViolation::Content { path, .. } if path == "linked-14"),
                "{found:?}"
            );
            assert_eq!(found[1], SealViolation::Added { path: "another-name".to_owned() });
            assert_eq!(check(&seals[0], first.path()), []);
        }
    }

    #[test]
    fn a_file_that_was_changed_in_place_since_it_was_read_is_read_again() {
        use std::io::Write;
        let (first, second) = (large_tree(), tempfile::tempdir().unwrap());
        let (read, name) = (first.path().join("store/linked-14"), second.path().join("name"));
        link(&read, &name);
        let seal = TreeSeal::of_tree(second.path(), |_| false).unwrap();
        let mut digester = Digester::new(2);
        TreeSeal::of_tree_with(first.path(), |_| false, &mut digester).unwrap();
        // The kernel's clock for files may stand still for some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let mut opened = fs::OpenOptions::new().write(true).open(&read).unwrap();
        let modified = opened.metadata().unwrap().modified().unwrap();
        opened.write_all(b"other").unwrap();
        opened.set_times(fs::FileTimes::new().set_modified(modified)).unwrap();
        let found = seal.check(second.path(), |_| false, |_| true, &mut digester).unwrap();
        assert!(matches!(found.as_slice(), [SealViolation::Content { .. }]), "{found:?}");
    }
}
