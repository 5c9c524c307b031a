//! Records on their way from one thread to another.

use std::ops::Range;

use integrity::{
    CHUNK_RECORDS, ChunkDigest, KeyspaceHasher, append_record, chunk_digest, split_record,
};

/// A batch is handed on once it has this many bytes, or once a chunk of the logical digest ends.
pub(crate) const BATCH_BYTES: usize = 512 * 1024;

/// Some records in one piece of memory, laid out as the logical digest covers them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    records: usize,
    /// Where the first key and the last one are.
    first: Range<usize>,
    last: Range<usize>,
    descends: bool,
}

impl Batch {
    /// An empty batch in memory that was used before.
    pub(crate) fn reusing(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, ..Self::default() }
    }

    /// Gives the memory back.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) {
        self.descends |= self.records > 0 && key <= self.last_key();
        let start = self.bytes.len() + size_of::<u64>();
        append_record(&mut self.bytes, key, value);
        self.last = start..start + key.len();
        if self.records == 0 {
            self.first = self.last.clone();
        }
        self.records += 1;
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records
    }

    /// True if there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// All bytes, as the logical digest covers them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of keys and values alone.
    pub(crate) fn content_bytes(&self) -> u64 {
        (self.bytes.len() - self.records * 2 * size_of::<u64>()) as u64
    }

    /// True if every key is greater than the one before.
    pub(crate) fn is_ascending(&self) -> bool {
        !self.descends
    }

    /// The first key.
    pub(crate) fn first_key(&self) -> &[u8] {
        self.bytes.get(self.first.clone()).unwrap_or_default()
    }

    /// The last key.
    pub(crate) fn last_key(&self) -> &[u8] {
        self.bytes.get(self.last.clone()).unwrap_or_default()
    }

    /// Keys and values in the order in which they were added.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (key, value, after) = split_record(rest)?;
            rest = after;
            Some((key, value))
        })
    }
}

/// A batch with its digest, if it is as long as a chunk of the logical digest.
#[derive(Debug)]
pub(crate) struct Digested {
    pub(crate) batch: Batch,
    digest: Option<ChunkDigest>,
}

impl Digested {
    pub(crate) fn new(batch: Batch) -> Self {
        let whole = batch.len() as u64 == CHUNK_RECORDS;
        let digest = whole.then(|| chunk_digest(batch.bytes()));
        Self { batch, digest }
    }

    /// Adds the records to a keyspace's digest.
    pub(crate) fn add_to(&self, hasher: &mut KeyspaceHasher) {
        match self.digest {
            Some(digest) if hasher.at_chunk_boundary() => hasher.add_chunk(digest),
            _ => hasher.add_records(self.batch.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(keys: &[&[u8]]) -> Batch {
        let mut batch = Batch::default();
        keys.iter().for_each(|key| batch.push(key, b"value"));
        batch
    }

    #[test]
    fn a_batch_gives_back_what_was_added() {
        let found = batch(&[b"a", b"bc", b""]);
        let keys: Vec<&[u8]> = found.records().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"a".as_slice(), b"bc", b""]);
        assert!(found.records().all(|(_, value)| value == b"value"));
        assert_eq!((found.len(), found.first_key(), found.last_key()), (3, &b"a"[..], &b""[..]));
        assert!(Batch::reusing(found.into_bytes()).is_empty());
    }

    #[test]
    fn only_strictly_ascending_keys_count_as_ascending() {
        for (keys, ascending) in [
            (vec![], true),
            (vec![&b"a"[..]], true),
            (vec![b"a", b"b"], true),
            (vec![b"a", b"a"], false),
            (vec![b"a", b"b", b"a", b"c"], false),
        ] {
            assert_eq!(batch(&keys).is_ascending(), ascending, "{keys:?}");
        }
    }
}
