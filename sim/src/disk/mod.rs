//! A file system in memory: inodes, directories, sparse files.
//!
//! A [`Disk`] is a value. Copies share what they have in common, so that thousands of crash images can be derived from one
//! recording. Every change is an [`Operation`]; [`Disk::apply`] is the only way to change anything, so that a log of
//! operations, replayed in part, gives the disk that a crash could have left.

mod content;
mod operation;
mod table;
mod walk;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use xxhash_rust::xxh3::xxh3_128;

pub use content::Content;
pub use operation::Operation;
pub use walk::Survey;

use table::Table;
use walk::Walk;

/// The number of an inode.
pub type InodeNumber = u64;

/// The inode of the simulated root.
pub const ROOT: InodeNumber = 1;

/// Bytes of a page: files are held, torn and lost by pages.
pub const PAGE_BYTES: u64 = 4096;

/// Tells disks and files apart by what they hold. Nobody tries to deceive it, so it need not be a cryptographic one.
pub type Fingerprint = u128;

fn fingerprint_of(bytes: &[u8]) -> Fingerprint {
    xxh3_128(bytes)
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A plain file.
    File(Content),
    /// A directory: names and what they lead to.
    Directory(BTreeMap<Arc<str>, InodeNumber>),
    /// A symbolic link.
    Link(String),
}

/// An inode.
#[derive(Debug, Clone)]
pub struct Inode {
    /// What it is.
    pub node: Node,
    /// Its permission bits.
    pub mode: u32,
    /// How many names lead to it.
    pub names: u64,
    /// Of a file or link, once somebody asked for it.
    fingerprint: OnceLock<Fingerprint>,
}

impl PartialEq for Inode {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && self.mode == other.mode && self.names == other.names
    }
}

impl Eq for Inode {}

impl Inode {
    /// One that no name leads to yet.
    fn new(node: Node, mode: u32) -> Self {
        Self { node, mode, names: 0, fingerprint: OnceLock::new() }
    }
}

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    inodes: Table,
}

impl Default for Disk {
    fn default() -> Self {
        let mut root = Inode::new(Node::Directory(BTreeMap::new()), 0o755);
        root.names = 1;
        let mut inodes = Table::default();
        inodes.add(ROOT, Arc::new(root));
        Self { inodes }
    }
}

fn index(number: InodeNumber) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Disk {
    /// An inode.
    pub fn inode(&self, number: InodeNumber) -> Option<&Inode> {
        self.inodes.get(number).map(AsRef::as_ref)
    }

    fn inode_mut(&mut self, number: InodeNumber) -> Option<&mut Inode> {
        let inode = Arc::make_mut(self.inodes.get_mut(number)?);
        inode.fingerprint = OnceLock::new();
        Some(inode)
    }

    /// The number of no inode yet.
    pub fn next_inode(&self) -> InodeNumber {
        self.inodes.len() as InodeNumber
    }

    /// What a name in a directory leads to.
    pub fn entry(&self, directory: InodeNumber, name: &str) -> Option<InodeNumber> {
        match &self.inode(directory)?.node {
            Node::Directory(entries) => entries.get(name).copied(),
            _ => None,
        }
    }

    /// What a path from the root leads to. Links are not followed.
    pub fn lookup(&self, path: &str) -> Option<InodeNumber> {
        let names = path.split('/').filter(|name| !name.is_empty());
        names.into_iter().try_fold(ROOT, |directory, name| self.entry(directory, name))
    }

    /// The same disk with inodes numbered anew, without gaps: whoever copies it copies less.
    pub fn compacted(&self) -> Self {
        let mut numbers = BTreeMap::from([(ROOT, ROOT)]);
        for (_, number) in self.paths() {
            let next = ROOT + numbers.len() as InodeNumber;
            numbers.entry(number).or_insert(next);
        }
        let mut inodes = Table::default();
        for (old, new) in &numbers {
            let Some(mut inode) = self.inode(*old).cloned() else { continue };
            if let Node::Directory(entries) = &mut inode.node {
                entries.values_mut().for_each(|child| *child = numbers[child]);
            }
            inodes.add(*new, Arc::new(inode));
        }
        Self { inodes }
    }

    /// How many bytes the files take.
    pub fn allocated(&self) -> u64 {
        let files = self.inodes.iter().map(|(_, inode)| match &inode.node {
            Node::File(content) => content.allocated(),
            _ => 0,
        });
        files.sum()
    }

    /// Carries out one operation. What it refers to and is not there is passed over: in a crash image an operation may be
    /// there without the one that it builds on.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { inode, node, mode } => self.create(*inode, node, *mode),
            Operation::Enter { directory, name, inode } => self.enter(*directory, name, *inode),
            Operation::Leave { directory, name } => {
                self.leave(*directory, name);
            }
            Operation::Move { from, to } => {
                if let Some(inode) = self.leave(from.0, &from.1) {
                    self.enter(to.0, &to.1, inode);
                }
            }
            Operation::Write { inode, offset, data } => {
                if let Some(content) = self.content_mut(*inode) {
                    content.write(*offset, data);
                }
            }
            Operation::Resize { inode, size } => {
                if let Some(content) = self.content_mut(*inode) {
                    content.resize(*size);
                }
            }
            Operation::Mode { inode, mode } => {
                if let Some(inode) = self.inode_mut(*inode) {
                    inode.mode = *mode;
                }
            }
            Operation::Sync { .. } | Operation::SyncFailed { .. } => {}
        }
    }

    fn create(&mut self, number: InodeNumber, node: &Node, mode: u32) {
        self.inodes.add(number, Arc::new(Inode::new(node.clone(), mode)));
    }

    fn enter(&mut self, directory: InodeNumber, name: &Arc<str>, inode: InodeNumber) {
        let Some(entries) = self.entries_mut(directory) else { return };
        let replaced = entries.insert(Arc::clone(name), inode);
        if let Some(replaced) = replaced {
            self.count_names(replaced, -1);
        }
        self.count_names(inode, 1);
    }

    fn leave(&mut self, directory: InodeNumber, name: &str) -> Option<InodeNumber> {
        let inode = self.entries_mut(directory)?.remove(name)?;
        self.count_names(inode, -1);
        Some(inode)
    }

    fn count_names(&mut self, number: InodeNumber, change: i64) {
        // Names are no part of a fingerprint.
        if let Some(inode) = self.inodes.get_mut(number) {
            let inode = Arc::make_mut(inode);
            inode.names = inode.names.saturating_add_signed(change);
        }
    }

    fn entries_mut(&mut self, number: InodeNumber) -> Option<&mut BTreeMap<Arc<str>, InodeNumber>> {
        match &mut self.inode_mut(number)?.node {
            Node::Directory(entries) => Some(entries),
            _ => None,
        }
    }

    /// The bytes of a file, to be changed outside of any operation: by rot.
    pub fn content_mut(&mut self, number: InodeNumber) -> Option<&mut Content> {
        match &mut self.inode_mut(number)?.node {
            Node::File(content) => Some(content),
            _ => None,
        }
    }

    /// Forgets an inode that no name leads to and nobody has open.
    pub(crate) fn forget_unnamed(&mut self, number: InodeNumber) {
        if self.inode(number).is_some_and(|inode| inode.names == 0) {
            self.inodes.remove(number);
        }
    }

    /// Every path with its inode, in byte order.
    pub fn paths(&self) -> Vec<(String, InodeNumber)> {
        let mut found = Vec::new();
        let mut pending = vec![(String::new(), ROOT)];
        while let Some((path, number)) = pending.pop() {
            if let Some(Node::Directory(entries)) = self.inode(number).map(|inode| &inode.node) {
                for (name, child) in entries {
                    pending.push((format!("{path}/{name}"), *child));
                }
            }
            if !path.is_empty() {
                found.push((path, number));
            }
        }
        found.sort();
        found
    }

    /// Removes inodes that no name leads to, as a file system does after a crash, and returns the fingerprint of what is
    /// left: of every path with its kind, permissions and content.
    pub fn settle(&mut self) -> Fingerprint {
        let mut walk = Walk::of(self, &[]);
        let fingerprint = walk.fingerprint(ROOT, 0);
        let reached = walk.found;
        for (number, reached) in (0..).zip(reached) {
            if reached.is_none() {
                self.inodes.remove(number);
            }
        }
        fingerprint
    }

    /// The fingerprint of everything, without changing anything. What lies below these paths is passed over.
    pub fn fingerprint_without(&self, passed_over: &[&str]) -> Fingerprint {
        self.fingerprint_from(ROOT, passed_over)
    }

    /// The fingerprint of what lies at a path, if anything does.
    pub fn fingerprint_below(&self, path: &str) -> Option<Fingerprint> {
        self.fingerprint_below_without(path, &[])
    }

    /// The same; what lies below these paths is passed over.
    pub fn fingerprint_below_without(
        &self,
        path: &str,
        passed_over: &[&str],
    ) -> Option<Fingerprint> {
        Some(self.fingerprint_from(self.lookup(path)?, passed_over))
    }

    fn fingerprint_from(&self, start: InodeNumber, passed_over: &[&str]) -> Fingerprint {
        let passed_over: Vec<_> = passed_over.iter().filter_map(|path| self.lookup(path)).collect();
        Walk::of(self, &passed_over).fingerprint(start, 0)
    }
}

impl Inode {
    /// Of a file or a link.
    fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| {
            let mut text = self.mode.to_le_bytes().to_vec();
            match &self.node {
                Node::Directory(_) => {}
                Node::Link(target) => {
                    text.push(b'l');
                    text.extend_from_slice(target.as_bytes());
                }
                Node::File(content) => {
                    text.push(b'f');
                    content.describe(&mut text);
                }
            }
            fingerprint_of(&text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_disk_do_not_see_each_others_changes() {
        let mut disk = Disk::default();
        let node = Node::File(Content::default());
        disk.apply(&Operation::Create { inode: 2, node, mode: 0o600 });
        disk.apply(&Operation::Enter { directory: ROOT, name: Arc::from("file"), inode: 2 });
        let copy = disk.clone();
        disk.apply(&Operation::Write { inode: 2, offset: 0, data: Arc::from(*b"bytes") });
        assert_ne!(disk, copy);
        assert_eq!(copy.inode(2).map(|inode| &inode.node), Some(&Node::File(Content::default())));
        assert_eq!(disk.paths(), [("/file".to_owned(), 2)]);
        assert_ne!(disk.fingerprint_without(&[]), copy.fingerprint_without(&[]));
        assert_eq!(disk.fingerprint_without(&[]), disk.compacted().fingerprint_without(&[]));
    }
}
