//! The bytes of a file: sparse, by pages that copies share.

use std::sync::{Arc, OnceLock};

use super::{Fingerprint, PAGE_BYTES};

const PAGE: usize = PAGE_BYTES as usize;

/// A page, and its fingerprint once somebody asked for it.
#[derive(Debug, Clone)]
struct Page {
    /// As far as they were written; what follows is zero.
    bytes: Vec<u8>,
    fingerprint: OnceLock<Fingerprint>,
}

impl Page {
    /// The bytes without zeros at their end.
    fn meant(&self) -> &[u8] {
        let end = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &self.bytes[..end]
    }

    fn fingerprint(&self) -> Fingerprint {
        // Zeros that were written are told from those that were not by nobody.
        *self.fingerprint.get_or_init(|| super::fingerprint_of(self.meant()))
    }
}

/// The bytes of a file: pages that were written, and a size. What was never written is zero.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// In the order of their numbers.
    pages: Vec<(u64, Arc<Page>)>,
    size: u64,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        let pages = || self.pages.iter().zip(&other.pages);
        self.size == other.size
            && self.pages.len() == other.pages.len()
            && pages()
                .all(|(ours, theirs)| ours.0 == theirs.0 && ours.1.meant() == theirs.1.meant())
    }
}

impl Eq for Content {}

impl Content {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes it takes on the disk.
    pub fn allocated(&self) -> u64 {
        self.pages.len() as u64 * PAGE_BYTES
    }

    /// Reads from an offset; returns how many bytes there were.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let available = self.size.saturating_sub(offset);
        let length = buffer.len().min(usize::try_from(available).unwrap_or(usize::MAX));
        let first = offset / PAGE_BYTES;
        let mut next = self.pages.partition_point(|(number, _)| *number < first);
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let (page, within) = (at / PAGE_BYTES, (at % PAGE_BYTES) as usize);
            let part = (PAGE - within).min(length - done);
            let Some(target) = buffer.get_mut(done..done + part) else { break };
            let found = self.pages.get(next).filter(|(number, _)| *number == page);
            let there = found.map(|(_, page)| page.bytes.get(within..).unwrap_or_default());
            let there = there.unwrap_or_default();
            let copied = there.len().min(part);
            let (copy, zeros) = target.split_at_mut(copied);
            copy.copy_from_slice(&there[..copied]);
            zeros.fill(0);
            next += usize::from(found.is_some());
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
            let target = self.page_mut(page);
            if target.len() < within + part {
                target.resize(within + part, 0);
            }
            target[within..within + part].copy_from_slice(&data[done..done + part]);
            done += part;
        }
        self.size = self.size.max(offset + data.len() as u64);
    }

    /// The bytes of a page, to be changed.
    fn page_mut(&mut self, number: u64) -> &mut Vec<u8> {
        let at = self.pages.partition_point(|(found, _)| *found < number);
        if self.pages.get(at).is_none_or(|(found, _)| *found != number) {
            let page = Page { bytes: Vec::new(), fingerprint: OnceLock::new() };
            self.pages.insert(at, (number, Arc::new(page)));
        }
        let page = Arc::make_mut(&mut self.pages[at].1);
        page.fingerprint = OnceLock::new();
        &mut page.bytes
    }

    /// Cuts the file, or extends it with zeros.
    pub fn resize(&mut self, size: u64) {
        if size < self.size {
            let (last, within) = (size / PAGE_BYTES, (size % PAGE_BYTES) as usize);
            let kept = last + u64::from(within > 0);
            self.pages.truncate(self.pages.partition_point(|(number, _)| *number < kept));
            let there = self.pages.last().is_some_and(|(number, _)| *number == last);
            if there {
                self.page_mut(last).truncate(within);
            }
        }
        self.size = size;
    }

    /// Appends size and pages, each page as its fingerprint.
    pub(super) fn describe(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(&self.size.to_le_bytes());
        for (number, page) in &self.pages {
            text.extend_from_slice(&number.to_le_bytes());
            text.extend_from_slice(&page.fingerprint().to_le_bytes());
        }
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
}
