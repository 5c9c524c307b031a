//! What happens to a disk.

use std::sync::Arc;

use super::{InodeNumber, Node};

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
        name: Arc<str>,
        /// What it leads to.
        inode: InodeNumber,
    },
    /// A name is gone.
    Leave {
        /// The directory.
        directory: InodeNumber,
        /// The name.
        name: Arc<str>,
    },
    /// A name moves, in one step, over whatever the new name led to.
    Move {
        /// The directory and name before.
        from: (InodeNumber, Arc<str>),
        /// The directory and name after.
        to: (InodeNumber, Arc<str>),
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

impl Operation {
    /// What has to be synced for it to be durable. An inode without a name is nothing, and with a name it is there.
    pub fn owner(&self) -> Option<InodeNumber> {
        match self {
            Self::Create { .. } | Self::Sync { .. } | Self::SyncFailed { .. } => None,
            Self::Enter { directory, .. } | Self::Leave { directory, .. } => Some(*directory),
            Self::Move { to, .. } => Some(to.0),
            Self::Write { inode, .. } | Self::Resize { inode, .. } | Self::Mode { inode, .. } => {
                Some(*inode)
            }
        }
    }

    /// The inodes that are no longer what they were: which file, or which directories. How many names something has is
    /// not what it is.
    pub(crate) fn changes(&self) -> impl Iterator<Item = InodeNumber> + use<> {
        let changed = match self {
            Self::Sync { .. } | Self::SyncFailed { .. } => [None, None],
            Self::Enter { directory, .. } | Self::Leave { directory, .. } => {
                [Some(*directory), None]
            }
            Self::Move { from, to } => [Some(from.0), Some(to.0)],
            Self::Create { inode, .. }
            | Self::Write { inode, .. }
            | Self::Resize { inode, .. }
            | Self::Mode { inode, .. } => [Some(*inode), None],
        };
        changed.into_iter().flatten()
    }

    /// Whether it changes bytes of a file, rather than names, sizes or permissions.
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    /// Feeds all that it is to a digest, so that a log can be told from another.
    pub(crate) fn digest(&self, hasher: &mut blake3::Hasher) {
        match self {
            Self::Write { inode, offset, data } => {
                hasher.update(format!("write {inode} {offset} {}", data.len()).as_bytes());
                hasher.update(data);
            }
            other => {
                hasher.update(format!("{other:?}").as_bytes());
            }
        }
    }
}
