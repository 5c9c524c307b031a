//! Bugs of `crates/durable`, and of the digests in `crates/integrity`.

use super::{Planted, bug};

const WRITE: &str = "crates/durable/src/write.rs";
const TREE: &str = "crates/durable/src/tree.rs";
const CLONE: &str = "crates/durable/src/clone.rs";
const SEAL: &str = "crates/integrity/src/seal.rs";
const DIGEST: &str = "crates/integrity/src/digest.rs";

/// A directory is synced.
const DIRECTORY_SYNC: &str = "File::open(path).map_err(|error| Error::new(Operation::Open, path, error))?\
    .sync_all().map_err(|error| Error::new(Operation::Sync, path, error))";
/// A file of a tree is synced.
const TREE_FILE_SYNC: &str = "File::open(&path).map_err(|error| Error::new(Operation::Open, &path, error))?\
    .sync_all().map_err(|error| Error::new(Operation::Sync, &path, error))?;";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "written-file-unsynced",
        WRITE,
        "create_file(path, bytes)?.sync_all().map_err(|error| Error::new(Operation::Sync, path, error))",
        "create_file(path, bytes).map(|_| ())",
        "after a power failure a manifest or a new journal is empty",
    ),
    bug(
        "replaced-file-unsynced",
        WRITE,
        "write_file(temporary, bytes)?;",
        "create_file(temporary, bytes)?;",
        "after a power failure a replaced witness is empty, and the home does not open",
    ),
    bug(
        "replaced-name-unsynced",
        WRITE,
        "«rename(temporary, path)» }",
        "fs::rename(temporary, path).map_err(|error| Error::new(Operation::Rename, path, error))",
        "after a power failure a replaced witness is the lost one again, and the seal of a closed store is gone",
    ),
    bug(
        "replaced-together-unsynced",
        WRITE,
        "write_file(&new, bytes)?;",
        "create_file(&new, bytes)?;",
        "after a power failure the keyring on record is empty, and nobody can authorise anything",
    ),
    bug(
        "replaced-together-names-unsynced",
        WRITE,
        ".map_err(|error| Error::new(Operation::Rename, &path, error))?; } «sync_directory(directory)» }",
        "Ok(())",
        "after a power failure the keyring on record is gone, and nobody can authorise anything",
    ),
    bug(
        "renamed-name-unsynced",
        WRITE,
        "sync_parent(to)?;",
        "",
        "after a power failure a generation that is on record as current is not there",
    ),
    bug(
        "renamed-old-name-unsynced",
        WRITE,
        "sync_parent(from)?;",
        "",
        "after a power failure what was moved between directories is in both",
    )
    .redundant("no rename of the product leads from one directory to another"),
    bug(
        "directory-of-a-rename-unsynced",
        WRITE,
        "Some(parent) => «sync_directory(parent)»",
        "Ok(())",
        "after a power failure a generation that is on record as current is not there",
    ),
    bug(
        "directory-unsynced",
        WRITE,
        DIRECTORY_SYNC,
        "File::open(path).map(|_| ()).map_err(|error| Error::new(Operation::Open, path, error))",
        "after a power failure files of the new generation have no names",
    ),
    // trace: sabotage FC-7.3 FC-18.2
    bug(
        "directory-sync-failure-ignored",
        WRITE,
        DIRECTORY_SYNC,
        "let _ = File::open(path).map(|directory| directory.sync_all()); Ok(())",
        "a disk that fails to take the new generation's names is taken for a good one",
    ),
    // trace: sabotage FC-16.3
    bug(
        "directory-descriptor-leaked",
        WRITE,
        DIRECTORY_SYNC,
        "let file = File::open(path).map_err(|error| Error::new(Operation::Open, path, error))?; \
         let synced = file.sync_all().map_err(|error| Error::new(Operation::Sync, path, error)); \
         std::mem::forget(file); synced",
        "a long-running process runs out of file descriptors",
    ),
    bug(
        "file-mode-widened",
        WRITE,
        ".mode(«FILE_MODE»)",
        "0o644",
        "other users of the machine read the journal and the manifests",
    ),
    bug(
        "directory-mode-widened",
        WRITE,
        ".mode(«DIRECTORY_MODE»)",
        "0o755",
        "other users of the machine look into the home",
    ),
    // trace: sabotage FC-18.2
    bug(
        "write-failure-ignored",
        WRITE,
        "file.write_all(bytes).map_err(|error| Error::new(Operation::Write, path, error))?;",
        "let _ = file.write_all(bytes);",
        "on a full disk a document of the generation is sealed empty",
    ),
    bug(
        "tree-files-unsynced",
        TREE,
        TREE_FILE_SYNC,
        "",
        "after a power failure files of the current generation are empty",
    ),
    // trace: sabotage FC-7.3 FC-18.2
    bug(
        "tree-file-sync-failure-ignored",
        TREE,
        TREE_FILE_SYNC,
        "let _ = File::open(&path).map(|file| file.sync_all());",
        "a disk that fails to take the new generation is taken for a good one",
    ),
    // trace: sabotage FC-7.3 FC-18.2
    bug(
        "tree-file-sync-retried",
        TREE,
        TREE_FILE_SYNC,
        "let file = File::open(&path).map_err(|error| Error::new(Operation::Open, &path, error))?; \
         file.sync_all().or_else(|_| file.sync_all()).map_err(|error| Error::new(Operation::Sync, &path, error))?;",
        "what a failed sync has lost is taken for durable, because the next one says so",
    ),
    bug(
        "tree-directories-unsynced",
        TREE,
        "sync_directory(&root.join(&entry.path))?;",
        "",
        "after a power failure files of the current generation have no names",
    ),
    // trace: sabotage FC-7.3 FC-18.2
    bug(
        "tree-directory-sync-failure-ignored",
        TREE,
        "sync_directory(&root.join(&entry.path))?;",
        "let _ = sync_directory(&root.join(&entry.path));",
        "a disk that fails to take the new generation's names is taken for a good one",
    ),
    bug(
        "tree-root-unsynced",
        TREE,
        "sync_directory(root)",
        "Ok(())",
        "after a power failure a part of the current generation has no name",
    )
    .redundant("whoever seals a tree syncs its root once more, behind the manifest"),
    bug(
        "removed-name-unsynced",
        TREE,
        "Some(parent) if !parent.as_os_str().is_empty() => «sync_directory(parent)»",
        "Ok(())",
        "after a power failure what was removed is there again",
    )
    .redundant("what is there again after a power failure is removed again by whoever opens the home next, and nobody relies on its absence before"),
    bug(
        "tree-mode-widened",
        TREE,
        "EntryKind::File => «FILE_MODE»",
        "0o644",
        "other users of the machine read configuration and secrets of the new generation",
    ),
    bug(
        "copied-mode-widened",
        CLONE,
        ".mode(«if executable { EXECUTABLE_MODE } else { FILE_MODE }»)",
        "0o777",
        "what is carried over may be executed by everybody",
    ),
    bug(
        "copied-tail-lost",
        CLONE,
        "output.set_len(length).map_err(|error| Error::new(Operation::Write, target, error))?;",
        "",
        "a copied file that ends in zeros is shorter than it was",
    ),
    // trace: sabotage FC-20.1 FC-20.2.1 FC-20.3 FC-28.2
    bug(
        "seal-not-compared",
        SEAL,
        "digest.filter(|digest| «**digest != sealed.digest»)",
        "{ let _ = digest; false }",
        "a file that has rotted is used as if it were good",
    ),
    bug(
        "seal-shape-not-compared",
        SEAL,
        "«(self.size, self.executable) == (sealed.size, sealed.executable)»",
        "{ let _ = sealed; true }",
        "a file that was cut short, or lost its permission, is found late or never",
    ),
    bug(
        "added-files-not-noticed",
        SEAL,
        "violations.extend(added.map(|path| SealViolation::Added { path: path.clone() }));",
        "drop(added);",
        "somebody adds an extension to a sealed generation, and it is run",
    ),
    // trace: sabotage FC-16.3
    bug(
        "file-descriptor-leaked",
        DIGEST,
        "digest_of_rest(«file»)",
        "std::mem::forget(File::open(path)); file",
        "a long-running process runs out of file descriptors",
    ),
];
