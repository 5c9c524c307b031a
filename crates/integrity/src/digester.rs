//! Digesting many files: several at once, and no file twice.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use durable::{Error, FileIdentity, Operation, Result};
use pipeline::Shape;

use crate::Digest;

/// How many files each worker may be ahead of the one whose digest is wanted next.
const AHEAD: usize = 2;

/// Reads files for [`TreeSeal`](crate::TreeSeal): several at once, and each only once, however many names it has.
///
/// Generations share what is the same in them by hard links. One file has the same bytes under all of its names, so what
/// was read under one of them is not read again under another: as long as it is the same inode, of the same size, last
/// modified and last changed at the same time. What is said of a file is then what it held at one moment between the
/// making of this value and the answer, which is all that can be said of a file that was read. So a value of this type is
/// for one operation, never for longer.
#[derive(Debug)]
pub struct Digester {
    workers: usize,
    /// The digests of the files with several names that were read.
    known: BTreeMap<Identity, Digest>,
}

/// A file to be digested, by its path relative to a root.
pub(crate) struct Wanted {
    pub(crate) path: String,
    /// How many names it has.
    pub(crate) names: u64,
}

impl Digester {
    /// One that has read nothing yet, and reads so many files at once. With 0 or 1 everything is read on the calling
    /// thread, file after file in the order of their paths.
    #[must_use]
    pub const fn new(workers: usize) -> Self {
        Self { workers, known: BTreeMap::new() }
    }

    /// The digests of these files, by path.
    ///
    /// # Errors
    /// The first in the order in which the files are given.
    pub(crate) fn digests(
        &mut self,
        root: &Path,
        files: Vec<Wanted>,
    ) -> Result<BTreeMap<String, Digest>> {
        let mut digests = BTreeMap::new();
        let mut unread = Vec::new();
        for file in files {
            match self.known(&root.join(&file.path), file.names) {
                Some(digest) => _ = digests.insert(file.path, digest),
                None => unread.push(file),
            }
        }
        let window = self.workers.saturating_mul(AHEAD);
        pipeline::ordered(
            Shape { workers: self.workers, window },
            |put| {
                // Nobody wants the others if one is refused.
                let _ = unread.into_iter().try_for_each(put);
                Ok(())
            },
            || |file: Wanted| Read::new(root.join(&file.path), file),
            |read: Read| {
                if let Some(identity) = read.identity {
                    self.known.insert(identity, read.digest);
                }
                digests.insert(read.path, read.digest);
                Ok::<_, Error>(())
            },
        )?;
        Ok(digests)
    }

    /// What is known of a file. One that cannot be looked at is not known: whoever reads it will say why.
    fn known(&self, path: &Path, names: u64) -> Option<Digest> {
        let is_shared = names > 1 && !self.known.is_empty();
        let found = is_shared.then(|| fs::symlink_metadata(path).ok()).flatten()?;
        self.known.get(&Identity::of(&found)).copied()
    }
}

/// A file that was read.
struct Read {
    path: String,
    digest: Digest,
    /// If it has several names.
    identity: Option<Identity>,
}

impl Read {
    fn new(full: PathBuf, file: Wanted) -> Result<Self> {
        let opened =
            File::open(&full).map_err(|error| Error::new(Operation::Open, &full, error))?;
        // Of the handle, and before it is read: a change from here on is no longer what is known.
        let identity = (file.names > 1).then(|| opened.metadata()).transpose();
        let identity = identity.map_err(|error| Error::new(Operation::Inspect, &full, error))?;
        let digest = Digest::of_opened(&opened, &full)?;
        Ok(Self { path: file.path, digest, identity: identity.as_ref().map(Identity::of) })
    }
}

/// By what a file is known again. Modification cannot be told from the time of modification alone, which anybody may set;
/// the time of change is the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    file: FileIdentity,
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { file: FileIdentity::from(metadata), changed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "nothing of this needs to be durable")]
    fn what_was_read_under_one_name_is_not_read_under_another() {
        let root = tempfile::tempdir().unwrap();
        let wanted = |path: &str, names| vec![Wanted { path: path.to_owned(), names }];
        for name in ["read", "alone"] {
            fs::write(root.path().join(name), b"bytes").unwrap();
        }
        fs::hard_link(root.path().join("read"), root.path().join("other")).unwrap();
        for workers in [1, 2] {
            let mut digester = Digester::new(workers);
            digester.digests(root.path(), wanted("read", 2)).unwrap();
            digester.digests(root.path(), wanted("alone", 1)).unwrap();
            // As no file has it, it can come of nothing but what is known.
            let marked = Digest::of(b"marked");
            assert_eq!(digester.known.len(), 1);
            digester.known.values_mut().for_each(|digest| *digest = marked);
            let digests = digester.digests(root.path(), wanted("other", 2)).unwrap();
            assert_eq!(digests.get("other"), Some(&marked));
            let digests = digester.digests(root.path(), wanted("alone", 2)).unwrap();
            assert_eq!(digests.get("alone"), Some(&Digest::of(b"bytes")));
        }
    }
}
