//! What the engine may have failed to make durable without saying so is written anew.

use std::path::Path;

use durable::CloneMode;

use crate::Result;
use crate::store::KEYSPACES;

/// The keyspace in which the engine lists the others.
const LISTING: &str = "0";

/// Gives the list of keyspaces of a *closed* store in staging files and a directory of its own. `scratch` is an empty directory
/// on the same file system, and empty again afterwards.
///
/// After each keyspace that it makes or deletes the engine tidies up that list, and passes over what goes wrong meanwhile (H14).
/// What a sync that failed was to make durable may never be, though everybody sees it and the next sync says that all is
/// well: the list would be gone with the power. Nothing of that is true of files that nobody has synced yet; whoever seals
/// the store does, and hears of it. They are small. Other syncs of the engine that fail are passed on, as far as letting each
/// of them fail has shown.
// trace: impl FC-7.3
pub(crate) fn renew_listing(store: &Path, scratch: &Path) -> Result<()> {
    let listing = store.join(KEYSPACES).join(LISTING);
    let (renewed, worn) = (scratch.join("renewed"), scratch.join("worn"));
    durable::clone_tree(&listing, &renewed, |_| CloneMode::Copy)?;
    durable::rename(&listing, &worn)?;
    durable::rename(&renewed, &listing)?;
    Ok(durable::remove_tree(&worn)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;

    use super::*;
    use crate::{EngineOptions, KeyspaceMap, Store};

    /// Everything below a directory: names, and the bytes of files. Permissions are for whoever seals it to restrict.
    fn contents(directory: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let entries = durable::walk(directory).unwrap().into_iter();
        entries
            .map(|entry| {
                let is_file = entry.kind == durable::EntryKind::File;
                let bytes = is_file.then(|| fs::read(directory.join(&entry.path)).unwrap());
                (entry.path, bytes)
            })
            .collect()
    }

    // trace: test FC-7.3
    #[test]
    fn the_list_of_keyspaces_is_what_it_was_in_files_and_directories_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let (store, scratch) = (root.path().join("store"), root.path().join("scratch"));
        durable::create_directory(&scratch).unwrap();
        let (map, options) = (KeyspaceMap::default(), EngineOptions::default());
        let created = Store::create(&store, &map, &options).unwrap();
        created.create_keyspace("first").unwrap();
        created.create_keyspace("second").unwrap();
        created.close().unwrap();
        let listing = store.join(KEYSPACES).join(LISTING);
        let found = || {
            let entries = durable::walk(&listing).unwrap();
            let inode =
                |entry: &durable::Entry| fs::metadata(listing.join(&entry.path)).unwrap().ino();
            let inodes: Vec<u64> = entries.iter().map(inode).collect();
            (entries, inodes, fs::metadata(&listing).unwrap().ino())
        };
        let (entries, inodes, itself) = found();
        assert!(entries.iter().any(|entry| entry.path.starts_with("tables")), "{entries:?}");
        // They stay open, so that their numbers are not given to others.
        let _open: Vec<fs::File> = entries
            .iter()
            .map(|entry| fs::File::open(listing.join(&entry.path)).unwrap())
            .collect();
        let before = contents(&listing);
        renew_listing(&store, &scratch).unwrap();
        let (renewed, others, other) = found();
        assert_eq!(renewed.len(), entries.len());
        assert_eq!(contents(&listing), before);
        assert!(inodes.iter().zip(&others).all(|(before, after)| before != after));
        assert_ne!(itself, other);
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    }
}
