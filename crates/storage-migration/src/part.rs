//! What is digested of a keyspace apart from the rest of it.

use integrity::{CHUNK_RECORDS, ChunkDigest, KeyspaceHasher, chunk_digest};

use crate::batch::Batch;

/// The records of a piece of a keyspace: those up to the first boundary of a chunk of the logical digest, whole chunks, and
/// what is left.
#[derive(Default)]
pub(crate) struct Part {
    head: Batch,
    chunks: Vec<ChunkDigest>,
    rest: Batch,
    records: u64,
    bytes: u64,
    first: Vec<u8>,
    last: Vec<u8>,
    /// How many records there are to the first boundary of a chunk.
    to_boundary: u64,
    /// How many records were expected.
    pub(crate) announced: u64,
}

impl Part {
    /// An empty one that follows so many records, of which so many are expected.
    pub(crate) fn new(before: u64, announced: u64) -> Self {
        let to_boundary = before.next_multiple_of(CHUNK_RECORDS) - before;
        Self { to_boundary, announced, ..Self::default() }
    }

    /// Adds the next record.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        if self.records == 0 {
            self.first = key.to_vec();
        }
        self.rest.push(key, value);
        self.records += 1;
        let ends_head = self.records == self.to_boundary;
        let ends_chunk = self.records > self.to_boundary && self.rest.len() as u64 == CHUNK_RECORDS;
        if !ends_head && !ends_chunk {
            return;
        }
        self.bytes += self.rest.content_bytes();
        self.last = self.rest.last_key().to_vec();
        if ends_head {
            self.head = std::mem::take(&mut self.rest);
        } else {
            self.chunks.push(chunk_digest(self.rest.bytes()));
            self.rest = Batch::reusing(std::mem::take(&mut self.rest).into_bytes());
        }
    }

    /// True if the next record begins a chunk, or the part.
    pub(crate) fn begins_chunk(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes of the records that are waiting for the end of their chunk.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.rest.bytes().len()
    }

    /// How many records there are.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The bytes of their keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes + self.rest.content_bytes()
    }

    /// Whether its first key is greater than the last one before. Nothing comes before the first part of a keyspace,
    /// whose first key may be empty.
    pub(crate) fn comes_after(&self, last: &[u8]) -> bool {
        self.records == 0 || last < self.first.as_slice()
    }

    /// The last key.
    pub(crate) fn into_last(self) -> Vec<u8> {
        if self.rest.is_empty() { self.last } else { self.rest.last_key().to_vec() }
    }

    /// Adds all records to the digest of their keyspace, to which everything before is added.
    pub(crate) fn add_to(&self, hasher: &mut KeyspaceHasher) {
        hasher.add_records(self.head.bytes());
        self.chunks.iter().for_each(|chunk| hasher.add_chunk(*chunk));
        hasher.add_records(self.rest.bytes());
    }
}
