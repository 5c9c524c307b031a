//! A file system in memory: inodes, directories, sparse files.
//!
//! A [`Disk`] is a value. Copies share what they have in common, so that thousands of crash images can be derived from one
//! recording. Every change is an [`Operation`]; [`Disk::apply`] is the only way to change anything, so that a log of
//! operations, replayed in part, gives the disk that a crash could have left.

use std::collections::BTreeMap;
use std::sync::Arc;

use integrity::Digest;

/// The number of an inode.
pub type InodeNumber = u64;

/// The inode of the simulated root.
pub const ROOT: InodeNumber = 1;

/// Bytes of a page: files are held, torn and lost by pages.
pub const PAGE_BYTES: u64 = 4096;

const PAGE: usize = PAGE_BYTES as usize;

/// The bytes of a file: pages that were written, and a size. What was never written is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    pages: BTreeMap<u64, Arc<[u8; PAGE]>>,
    size: u64,
}

impl Content {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads from an offset; returns how many bytes there were.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let available = self.size.saturating_sub(offset);
        let length = buffer.len().min(usize::try_from(available).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let (page, within) = (at / PAGE_BYTES, (at % PAGE_BYTES) as usize);
            let part = (PAGE - within).min(length - done);
            let Some(target) = buffer.get_mut(done..done + part) else { break };
            match self.pages.get(&page).and_then(|page| page.get(within..within + part)) {
                Some(bytes) => target.copy_from_slice(bytes),
                None => target.fill(0),
            }
            done += part;
        }
        done
    }

    /// All bytes. For small files: a sparse one is as long as its size.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or_default()];
        self.read(0, &mut bytes);
        bytes
    }

    /// Writes at an offset, growing the file where needed.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        let mut done = 0;
        while done < data.len() {
            let at = offset + done as u64;
            let (page, within) = (at / PAGE_BYTES, (at % PAGE_BYTES) as usize);
            let part = (PAGE - within).min(data.len() - done);
            let target = self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE]));
            let target = Arc::make_mut(target);
            if let (Some(target), Some(source)) =
                (target.get_mut(within..within + part), data.get(done..done + part))
            {
                target.copy_from_slice(source);
            }
            done += part;
        }
        self.size = self.size.max(offset + data.len() as u64);
    }

    /// Cuts the file, or extends it with zeros.
    pub fn resize(&mut self, size: u64) {
        if size < self.size {
            let (last, within) = (size / PAGE_BYTES, (size % PAGE_BYTES) as usize);
            self.pages.split_off(&(last + u64::from(within > 0)));
            if let Some(page) = self.pages.get_mut(&last)
                && let Some(rest) = Arc::make_mut(page).get_mut(within..)
            {
                rest.fill(0);
            }
        }
        self.size = size;
    }
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A plain file.
    File(Content),
    /// A directory: names and what they lead to.
    Directory(BTreeMap<String, InodeNumber>),
    /// A symbolic link.
    Link(String),
}

/// An inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// What it is.
    pub node: Node,
    /// Its permission bits.
    pub mode: u32,
    /// How many names lead to it.
    pub names: u64,
}

/// One change of a disk, or one sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A new inode, which has no name yet.
    Create {
        /// Its number.
        inode: InodeNumber,
        /// What it is: an empty file, an empty directory, a link.
        node: Node,
        /// Its permission bits.
        mode: u32,
    },
    /// A name for an inode.
    Enter {
        /// The directory.
        directory: InodeNumber,
        /// The name.
        name: String,
        /// What it leads to.
        inode: InodeNumber,
    },
    /// A name is gone.
    Leave {
        /// The directory.
        directory: InodeNumber,
        /// The name.
        name: String,
    },
    /// A name moves, in one step, over whatever the new name led to.
    Move {
        /// The directory and name before.
        from: (InodeNumber, String),
        /// The directory and name after.
        to: (InodeNumber, String),
    },
    /// Bytes of a file.
    Write {
        /// The file.
        inode: InodeNumber,
        /// Where.
        offset: u64,
        /// What.
        data: Arc<[u8]>,
    },
    /// The size of a file.
    Resize {
        /// The file.
        inode: InodeNumber,
        /// The new size.
        size: u64,
    },
    /// Permission bits.
    Mode {
        /// The inode.
        inode: InodeNumber,
        /// The new bits.
        mode: u32,
    },
    /// A sync that failed: what it was about to make durable is lost, although everybody who reads still sees it.
    SyncFailed {
        /// The file or directory.
        inode: InodeNumber,
    },
    /// Bytes and size of a file become durable, or the names in a directory.
    Sync {
        /// The file or directory.
        inode: InodeNumber,
    },
}

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    inodes: BTreeMap<InodeNumber, Arc<Inode>>,
}

impl Default for Disk {
    fn default() -> Self {
        let root = Inode { node: Node::Directory(BTreeMap::new()), mode: 0o755, names: 1 };
        Self { inodes: BTreeMap::from([(ROOT, Arc::new(root))]) }
    }
}

impl Disk {
    /// An inode.
    pub fn inode(&self, number: InodeNumber) -> Option<&Inode> {
        self.inodes.get(&number).map(Arc::as_ref)
    }

    /// The number of no inode yet.
    pub fn next_inode(&self) -> InodeNumber {
        self.inodes.keys().last().map_or(ROOT, |last| last + 1)
    }

    /// What a name in a directory leads to.
    pub fn entry(&self, directory: InodeNumber, name: &str) -> Option<InodeNumber> {
        match &self.inode(directory)?.node {
            Node::Directory(entries) => entries.get(name).copied(),
            _ => None,
        }
    }

    /// Carries out one operation. What it refers to and is not there is passed over: in a crash image an operation may be
    /// there without the one that it builds on.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { inode, node, mode } => {
                let inode_value = Inode { node: node.clone(), mode: *mode, names: 0 };
                self.inodes.entry(*inode).or_insert_with(|| Arc::new(inode_value));
            }
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
                if let Some(inode) = self.inodes.get_mut(inode) {
                    Arc::make_mut(inode).mode = *mode;
                }
            }
            Operation::Sync { .. } | Operation::SyncFailed { .. } => {}
        }
    }

    fn enter(&mut self, directory: InodeNumber, name: &str, inode: InodeNumber) {
        let Some(entries) = self.entries_mut(directory) else { return };
        let replaced = entries.insert(name.to_owned(), inode);
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

    fn count_names(&mut self, inode: InodeNumber, change: i64) {
        if let Some(inode) = self.inodes.get_mut(&inode) {
            let inode = Arc::make_mut(inode);
            inode.names = inode.names.saturating_add_signed(change);
        }
    }

    fn entries_mut(&mut self, number: InodeNumber) -> Option<&mut BTreeMap<String, InodeNumber>> {
        match &mut Arc::make_mut(self.inodes.get_mut(&number)?).node {
            Node::Directory(entries) => Some(entries),
            _ => None,
        }
    }

    /// The bytes of a file, to be changed outside of any operation: by rot.
    pub fn content_mut(&mut self, number: InodeNumber) -> Option<&mut Content> {
        match &mut Arc::make_mut(self.inodes.get_mut(&number)?).node {
            Node::File(content) => Some(content),
            _ => None,
        }
    }

    /// Every path with its inode, parents before children, in byte order.
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

    /// Removes inodes that no name leads to: what a file system does after a crash.
    pub fn sweep(&mut self) {
        let mut reached: std::collections::BTreeSet<_> =
            self.paths().into_iter().map(|(_, number)| number).collect();
        reached.insert(ROOT);
        self.inodes.retain(|number, _| reached.contains(number));
    }
}

/// Computes one digest over everything that a disk holds, remembering what it has seen of shared inodes.
#[derive(Debug, Default)]
pub struct Fingerprints {
    /// By address; the inode is kept, so that its address stays its own.
    known: BTreeMap<usize, (Arc<Inode>, Digest)>,
}

impl Fingerprints {
    /// How many inodes are remembered at most.
    const LIMIT: usize = 100_000;

    /// The digest of a disk: of every path with its kind, permissions and content.
    pub fn of(&mut self, disk: &Disk) -> Digest {
        if self.known.len() > Self::LIMIT {
            self.known.clear();
        }
        let mut text = Vec::new();
        for (path, number) in disk.paths() {
            let Some(inode) = disk.inodes.get(&number) else { continue };
            text.extend_from_slice(path.as_bytes());
            text.push(0);
            text.extend_from_slice(self.of_inode(inode).as_bytes());
        }
        Digest::of(&text)
    }

    fn of_inode(&mut self, inode: &Arc<Inode>) -> Digest {
        let address = Arc::as_ptr(inode).addr();
        if let Some((_, digest)) = self.known.get(&address) {
            return *digest;
        }
        let mut bytes = inode.mode.to_le_bytes().to_vec();
        match &inode.node {
            Node::Directory(_) => bytes.push(b'd'),
            Node::Link(target) => {
                bytes.push(b'l');
                bytes.extend_from_slice(target.as_bytes());
            }
            Node::File(content) => {
                bytes.push(b'f');
                bytes.extend_from_slice(&content.size.to_le_bytes());
                for (number, page) in &content.pages {
                    bytes.extend_from_slice(&number.to_le_bytes());
                    bytes.extend_from_slice(page.as_slice());
                }
            }
        }
        let digest = Digest::of(&bytes);
        self.known.insert(address, (Arc::clone(inode), digest));
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn content_is_what_a_plain_buffer_would_be(
            steps in proptest::collection::vec(
                (any::<bool>(), 0_u64..20_000, proptest::collection::vec(any::<u8>(), 0..6000)),
                0..12,
            ),
        ) {
            let (mut content, mut model) = (Content::default(), Vec::<u8>::new());
            for (resize, offset, data) in steps {
                let at = usize::try_from(offset).unwrap();
                if resize {
                    content.resize(offset);
                    model.resize(at, 0);
                } else {
                    content.write(offset, &data);
                    model.resize(model.len().max(at + data.len()), 0);
                    model[at..at + data.len()].copy_from_slice(&data);
                }
                prop_assert_eq!(content.bytes(), model.clone());
            }
        }
    }

    #[test]
    fn copies_of_a_disk_do_not_see_each_others_changes() {
        let mut disk = Disk::default();
        let node = Node::File(Content::default());
        disk.apply(&Operation::Create { inode: 2, node, mode: 0o600 });
        disk.apply(&Operation::Enter { directory: ROOT, name: "file".to_owned(), inode: 2 });
        let copy = disk.clone();
        disk.apply(&Operation::Write { inode: 2, offset: 0, data: Arc::from(*b"bytes") });
        assert_ne!(disk, copy);
        assert_eq!(copy.inode(2).map(|inode| &inode.node), Some(&Node::File(Content::default())));
        assert_eq!(disk.paths(), [("/file".to_owned(), 2)]);
    }
}
