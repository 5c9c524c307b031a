//! The inodes of a disk, by number, in blocks that copies share: of a disk there are many copies, each of which differs from the
//! one that it was made of in a few inodes.

use std::sync::Arc;

use super::{Inode, InodeNumber, index};

/// So many inodes are shared or copied together.
const BLOCK: usize = 16;

type Place = Option<Arc<Inode>>;

/// Inodes by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    blocks: Vec<Arc<[Place; BLOCK]>>,
    length: usize,
}

impl Table {
    /// One more than the highest number that was ever used.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn get(&self, number: InodeNumber) -> Option<&Arc<Inode>> {
        let at = index(number);
        self.blocks.get(at / BLOCK)?.get(at % BLOCK)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: InodeNumber) -> Option<&mut Arc<Inode>> {
        // Who only looks for one that is not there copies nothing.
        self.get(number)?;
        self.place(index(number))?.as_mut()
    }

    /// Puts one in its place, if none is there.
    pub(super) fn add(&mut self, number: InodeNumber, inode: Arc<Inode>) {
        let at = index(number);
        if self.length <= at {
            self.length = at + 1;
            self.blocks.resize_with(self.length.div_ceil(BLOCK), Arc::default);
        }
        if let Some(place @ None) = self.place(at) {
            *place = Some(inode);
        }
    }

    /// Leaves its place empty.
    pub(super) fn remove(&mut self, number: InodeNumber) {
        if self.get(number).is_some()
            && let Some(place) = self.place(index(number))
        {
            *place = None;
        }
    }

    /// All that are there, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (InodeNumber, &Arc<Inode>)> {
        let places = self.blocks.iter().flat_map(|block| block.iter());
        (0..).zip(places).filter_map(|(number, place)| Some((number, place.as_ref()?)))
    }

    fn place(&mut self, at: usize) -> Option<&mut Place> {
        Arc::make_mut(self.blocks.get_mut(at / BLOCK)?).get_mut(at % BLOCK)
    }
}
