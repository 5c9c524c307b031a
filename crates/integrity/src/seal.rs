//! The seal over a tree: every file with its size and digest.

use std::collections::BTreeMap;
use std::path::Path;

use durable::{EntryKind, Error, Operation};
use serde::{Deserialize, Serialize};

use crate::Digest;

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
        let mut files = BTreeMap::new();
        for (path, shape) in shapes(root, &skip)? {
            let digest = Digest::of_file(&root.join(&path))?;
            files.insert(path, FileSeal { size: shape.0, executable: shape.1, digest });
        }
        Ok(Self { files })
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
    /// `content` decides which files' bytes are read; the others are held to size and permission only.
    ///
    /// # Errors
    /// As [`TreeSeal::of_tree`]; a difference is not an error here.
    pub fn check(
        &self,
        root: &Path,
        skip: impl Fn(&str) -> bool,
        content: impl Fn(&str) -> bool,
    ) -> durable::Result<Vec<SealViolation>> {
        let found = shapes(root, &skip)?;
        let mut violations = Vec::new();
        for (path, sealed) in self.files.iter().filter(|(path, _)| !skipped(path, &skip)) {
            match found.get(path) {
                None => violations.push(SealViolation::Missing { path: path.clone() }),
                Some(shape) if *shape != (sealed.size, sealed.executable) => {
                    violations.push(SealViolation::Shape {
                        path: path.clone(),
                        expected: describe(sealed.size, sealed.executable),
                        found: describe(shape.0, shape.1),
                    });
                }
                Some(_) if content(path) => {
                    let digest = Digest::of_file(&root.join(path))?;
                    if digest != sealed.digest {
                        violations.push(SealViolation::Content {
                            path: path.clone(),
                            expected: sealed.digest,
                            found: digest,
                        });
                    }
                }
                Some(_) => {}
            }
        }
        let added = found.into_keys().filter(|path| !self.files.contains_key(path));
        violations.extend(added.map(|path| SealViolation::Added { path }));
        Ok(violations)
    }
}

/// Size and execute permission of every plain file below `root`.
fn shapes(
    root: &Path,
    skip: &impl Fn(&str) -> bool,
) -> durable::Result<BTreeMap<String, (u64, bool)>> {
    let mut files = BTreeMap::new();
    for entry in durable::walk(root)? {
        let Some(path) = entry.path.to_str() else {
            let reason = std::io::Error::other("its name is not UTF-8");
            return Err(Error::new(Operation::Walk, &root.join(&entry.path), reason));
        };
        if entry.kind == EntryKind::File && !skipped(path, skip) {
            files.insert(path.to_owned(), (entry.size, entry.mode & 0o100 != 0));
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
        seal.check(root, |_| false, |_| true).unwrap()
    }

    #[test]
    fn an_unchanged_tree_agrees_with_its_seal() {
        let root = tree();
        let seal = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        assert_eq!(check(&seal, root.path()), []);
        let json = serde_json::to_string(&seal).unwrap();
        assert_eq!(serde_json::from_str::<TreeSeal>(&json).unwrap(), seal);
    }

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
        assert_eq!(seal.check(root.path(), |_| false, |_| false).unwrap(), []);
        fs::write(root.path().join("config"), b"level = 10").unwrap();
        let found = seal.check(root.path(), |_| false, |_| false).unwrap();
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
        assert_eq!(seal.check(root.path(), |path| path == "store", |_| true).unwrap(), []);
    }

    #[test]
    fn the_digest_of_a_part_does_not_depend_on_where_it_lies() {
        let root = tree();
        let whole = TreeSeal::of_tree(root.path(), |_| false).unwrap();
        let part = TreeSeal::of_tree(&root.path().join("store"), |_| false).unwrap();
        assert_eq!(whole.digest("store"), part.digest(""));
        assert_ne!(whole.digest(""), part.digest(""));
    }
}
