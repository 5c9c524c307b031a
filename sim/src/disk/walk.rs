//! Fingerprints of trees: of a whole one, and of one that differs in a few places from one that was walked before.

use super::{Disk, Fingerprint, InodeNumber, Node, Operation, ROOT, fingerprint_of, index};

/// So deep a tree is looked at.
const MAXIMUM_DEPTH: usize = 64;

/// Goes through a tree.
pub(super) struct Walk<'w> {
    disk: &'w Disk,
    passed_over: &'w [InodeNumber],
    /// The fingerprint of each inode that was reached, by number.
    pub(super) found: Vec<Option<Fingerprint>>,
    /// What the directories that lead to where it is are described by so far, one behind the other.
    text: Vec<u8>,
    /// Whether the tree went on below what is looked at.
    too_deep: bool,
}

impl<'w> Walk<'w> {
    pub(super) fn of(disk: &'w Disk, passed_over: &'w [InodeNumber]) -> Self {
        Self::knowing(Vec::new(), disk, passed_over)
    }

    /// The same, where something is known already.
    fn knowing(
        mut found: Vec<Option<Fingerprint>>,
        disk: &'w Disk,
        passed_over: &'w [InodeNumber],
    ) -> Self {
        found.resize(disk.inodes.len(), None);
        Self { disk, passed_over, found, text: Vec::with_capacity(4096), too_deep: false }
    }

    /// Of what lies at an inode.
    pub(super) fn fingerprint(&mut self, number: InodeNumber, depth: usize) -> Fingerprint {
        let Some(inode) = self.disk.inode(number) else { return 0 };
        let fingerprint = match &inode.node {
            Node::Directory(entries) => {
                let start = self.text.len();
                self.text.extend_from_slice(&inode.mode.to_le_bytes());
                for (name, child) in entries {
                    // A directory within itself cannot be, but a crash image of a move could have made one.
                    self.too_deep |= depth >= MAXIMUM_DEPTH;
                    if depth >= MAXIMUM_DEPTH || self.passed_over.contains(child) {
                        continue;
                    }
                    self.text.extend_from_slice(name.as_bytes());
                    self.text.push(0);
                    let child = self.known(*child, depth + 1);
                    self.text.extend_from_slice(&child.to_le_bytes());
                }
                let fingerprint = fingerprint_of(&self.text[start..]);
                self.text.truncate(start);
                fingerprint
            }
            Node::File(_) | Node::Link(_) => inode.fingerprint(),
        };
        if let Some(found) = self.found.get_mut(index(number)) {
            *found = Some(fingerprint);
        }
        fingerprint
    }

    /// What is known from a survey of it, or else comes of looking at it.
    fn known(&mut self, number: InodeNumber, depth: usize) -> Fingerprint {
        let known = self.found.get(index(number)).copied().flatten();
        known.unwrap_or_else(|| self.fingerprint(number, depth))
    }
}

/// A disk that was walked. Of one that came of it by a few operations the fingerprint is found by looking only at what
/// they have changed, and at the directories above.
#[derive(Debug)]
pub struct Survey {
    /// Of each inode that a name leads to, by number.
    fingerprints: Vec<Option<Fingerprint>>,
    /// The directories in which an inode has names, by number.
    parents: Vec<Vec<InodeNumber>>,
    /// If the tree is deeper than is looked at, a fingerprint depends on where its inode lies, and none can be used.
    usable: bool,
}

impl Survey {
    /// Walks a disk.
    pub fn of(disk: &Disk) -> Self {
        let mut walk = Walk::of(disk, &[]);
        walk.fingerprint(ROOT, 0);
        let mut parents = vec![Vec::new(); disk.inodes.len()];
        for (number, inode) in disk.inodes.iter() {
            let Node::Directory(entries) = &inode.node else { continue };
            for child in entries.values() {
                // What it leads to need not have been made yet.
                if parents.len() <= index(*child) {
                    parents.resize(index(*child) + 1, Vec::new());
                }
                if let Some(parents) = parents.get_mut(index(*child)) {
                    parents.push(number);
                }
            }
        }
        Self { fingerprints: walk.found, parents, usable: !walk.too_deep }
    }

    /// The fingerprint of a disk that came of the one that was walked by these operations, or by some of them, whole or
    /// damaged: the same that [`Disk::settle`] returns.
    pub fn fingerprint<'o>(
        &self,
        disk: &Disk,
        operations: impl Iterator<Item = &'o Operation>,
    ) -> Fingerprint {
        let known = if self.usable { self.fingerprints.clone() } else { Vec::new() };
        let mut walk = Walk::knowing(known, disk, &[]);
        if self.usable {
            operations.flat_map(Operation::changes).for_each(|changed| {
                self.forget(changed, &mut walk.found);
            });
        }
        let fingerprint = walk.known(ROOT, 0);
        // Then it depends on where a directory lies, too.
        if walk.too_deep { Walk::of(disk, &[]).fingerprint(ROOT, 0) } else { fingerprint }
    }

    /// Forgets an inode, and every directory above it.
    fn forget(&self, number: InodeNumber, found: &mut [Option<Fingerprint>]) {
        let parents = |number| self.parents.get(index(number)).into_iter().flatten();
        if let Some(found) = found.get_mut(index(number)) {
            *found = None;
        }
        // A name may lead to nothing, until what it leads to is made: so they are forgotten in any case.
        let mut pending: Vec<_> = parents(number).collect();
        while let Some(number) = pending.pop() {
            let known = found.get_mut(index(*number)).and_then(Option::take);
            // What is above one that is not known is not known either: it was forgotten with it, or nothing leads to it.
            if known.is_some() {
                pending.extend(parents(*number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::disk::Content;

    /// Any operation on a few inodes, possible or not: crash images come of impossible sequences too.
    fn operation() -> impl Strategy<Value = Operation> {
        let inode = 1..12_u64;
        let name = (0..4_u8).prop_map(|name| Arc::<str>::from(name.to_string()));
        let node = any::<bool>().prop_map(|file| match file {
            true => Node::File(Content::default()),
            false => Node::Directory(BTreeMap::new()),
        });
        let place = (inode.clone(), name);
        prop_oneof![
            (inode.clone(), node).prop_map(|(inode, node)| Operation::Create {
                inode,
                node,
                mode: 0o700
            }),
            (place.clone(), inode.clone())
                .prop_map(|((directory, name), inode)| Operation::Enter { directory, name, inode }),
            place.clone().prop_map(|(directory, name)| Operation::Leave { directory, name }),
            (place.clone(), place).prop_map(|(from, to)| Operation::Move { from, to }),
            (inode.clone(), 0..3_u64, any::<u8>()).prop_map(|(inode, offset, byte)| {
                Operation::Write { inode, offset, data: Arc::from([byte].as_slice()) }
            }),
            (inode.clone(), 0..3_u64).prop_map(|(inode, size)| Operation::Resize { inode, size }),
            (inode, 0..4_u32).prop_map(|(inode, mode)| Operation::Mode { inode, mode }),
        ]
    }

    proptest! {
        #[test]
        fn a_survey_gives_the_fingerprint_that_a_whole_walk_gives(
            before in proptest::collection::vec(operation(), 0..60),
            after in proptest::collection::vec(operation(), 0..8),
        ) {
            let mut disk = Disk::default();
            before.iter().for_each(|operation| disk.apply(operation));
            let survey = Survey::of(&disk);
            after.iter().for_each(|operation| disk.apply(operation));
            let found = survey.fingerprint(&disk, after.iter());
            prop_assert_eq!(found, disk.settle());
        }
    }
}
