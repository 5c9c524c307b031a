//! What a crash makes of a write that it comes into.

use std::sync::Arc;

use serde::Serialize;

use crate::disk::{Disk, Node, Operation, PAGE_BYTES};

/// Bytes of a sector, which is written whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// What stands where a size grew and the bytes did not come.
const GARBAGE: u8 = 0xC3;

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Only so many bytes of it are there.
    Torn {
        /// How many.
        after: usize,
    },
    /// A page in its middle is missing.
    Hole {
        /// From this byte of the write,
        from: usize,
        /// to before this one.
        to: usize,
    },
    /// The file is as long as it should be, and the bytes are not there.
    SizeOnly {
        /// Whether something else stands in their place, rather than zeros.
        garbage: bool,
    },
}

impl Damage {
    /// All that can become of the operation that was issued last, if the power goes.
    pub(super) fn of_newest(pending: &[(usize, &Operation)], durable: &Disk) -> Vec<Self> {
        let Some((_, Operation::Write { inode, offset, data })) = pending.last() else {
            return Vec::new();
        };
        let length = data.len() as u64;
        let to_boundary = |unit: u64| (offset / unit + 1) * unit - offset;
        let mut tears =
            vec![SECTOR_BYTES, PAGE_BYTES, to_boundary(SECTOR_BYTES), to_boundary(PAGE_BYTES)];
        tears.retain(|after| *after < length);
        tears.sort_unstable();
        tears.dedup();
        let mut found: Vec<Self> =
            tears.into_iter().map(|after| Self::Torn { after: after as usize }).collect();
        let first = to_boundary(PAGE_BYTES);
        if first + PAGE_BYTES < length {
            found.push(Self::Hole { from: first as usize, to: (first + PAGE_BYTES) as usize });
        }
        let written = |(_, operation): &(usize, &Operation)| match operation {
            Operation::Write { inode: file, offset, data } if file == inode => {
                offset + data.len() as u64
            }
            _ => 0,
        };
        let earlier = pending.iter().rev().skip(1).map(written).max().unwrap_or_default();
        let before = match durable.inode(*inode).map(|inode| &inode.node) {
            Some(Node::File(content)) => content.size().max(earlier),
            _ => earlier,
        };
        if *offset >= before {
            found.push(Self::SizeOnly { garbage: false });
            found.push(Self::SizeOnly { garbage: true });
        }
        found
    }

    /// What can become of it if only the process dies: it ends at a page.
    pub(super) fn of_a_kill(pending: &[(usize, &Operation)]) -> Option<Self> {
        let Some((_, Operation::Write { offset, data, .. })) = pending.last() else { return None };
        let after = (offset / PAGE_BYTES + 1) * PAGE_BYTES - offset;
        (after < data.len() as u64).then_some(Self::Torn { after: after as usize })
    }

    /// Writes what is there of a write.
    pub(super) fn apply(self, operation: &Operation, disk: &mut Disk) {
        let Operation::Write { inode, offset, data } = operation else {
            return disk.apply(operation);
        };
        let mut write = |from: usize, bytes: &[u8]| {
            let (inode, offset) = (*inode, offset + from as u64);
            disk.apply(&Operation::Write { inode, offset, data: Arc::from(bytes) });
        };
        match self {
            Self::Torn { after } => write(0, data.get(..after).unwrap_or(data)),
            Self::Hole { from, to } => {
                write(0, data.get(..from).unwrap_or(data));
                write(to, data.get(to..).unwrap_or_default());
            }
            Self::SizeOnly { garbage } => {
                write(0, &vec![if garbage { GARBAGE } else { 0 }; data.len()]);
            }
        }
    }
}
