//! The digest of what a store means, independent of how it lies on disk.
//!
//! Records in key order are cut into chunks of [`CHUNK_RECORDS`]; a chunk's digest covers the length-prefixed key and
//! value of each of its records. A keyspace's digest covers its name, its number of records and its chunks' digests; the
//! digest of the state covers its keyspaces sorted by name. Chunks are cut by count, never by bytes or by where a worker
//! happened to stop, so the digest depends on nothing but the records (FC-UPGRADE-0001 §19).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Records in one chunk. Part of the definition of the digest: changing it changes every digest.
pub const CHUNK_RECORDS: u64 = 1024;

const CHUNK_CONTEXT: &str = "femtoclaw-upgrade 2026 logical digest: chunk of records";
const KEYSPACE_CONTEXT: &str = "femtoclaw-upgrade 2026 logical digest: keyspace";
const STATE_CONTEXT: &str = "femtoclaw-upgrade 2026 logical digest: state";

/// The digest of one keyspace, with the number of records that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceDigest {
    /// How many records.
    pub records: u64,
    /// The digest over the keyspace's name, count and records.
    pub digest: Digest,
}

/// How many bytes are gathered before they are hashed: BLAKE3 takes many pieces of 1 KiB at once, several times as fast as
/// one small record after the other. It makes no difference to the digest.
const GATHERED_BYTES: usize = 64 * 1024;

/// The digest of one chunk of records, for [`KeyspaceHasher::add_chunk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkDigest([u8; 32]);

/// The bytes of a record that a length takes, before key and before value.
const LENGTH_BYTES: usize = size_of::<u64>();

/// Appends a record to a chunk, as the digest of the chunk covers it: the length of the key (8 bytes, little endian), the
/// key, the length of the value, the value.
pub fn append_record(chunk: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    for part in [key, value] {
        chunk.extend_from_slice(&(part.len() as u64).to_le_bytes());
        chunk.extend_from_slice(part);
    }
}

/// Splits the first record off what [`append_record`] wrote: its key, its value, and the rest. None at the end, and of
/// bytes that are no whole record.
pub fn split_record(chunk: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key, rest) = split_part(chunk)?;
    let (value, rest) = split_part(rest)?;
    Some((key, value, rest))
}

fn split_part(chunk: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = chunk.split_first_chunk::<LENGTH_BYTES>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// The digest of a whole chunk that was put together with [`append_record`]. Depends on nothing else, so chunks can be
/// digested on any thread, in any order.
pub fn chunk_digest(chunk: &[u8]) -> ChunkDigest {
    let mut hasher = chunk_hasher();
    hasher.update(chunk);
    ChunkDigest(*hasher.finalize().as_bytes())
}

/// Computes a [`KeyspaceDigest`] from records that arrive in key order.
#[derive(Debug)]
pub struct KeyspaceHasher {
    chunk: blake3::Hasher,
    /// What belongs to the chunk and is not hashed yet.
    gathered: Vec<u8>,
    chunks: blake3::Hasher,
    records: u64,
}

impl KeyspaceHasher {
    /// Starts on the keyspace with this logical name.
    pub fn new(name: &str) -> Self {
        let mut chunks = blake3::Hasher::new_derive_key(KEYSPACE_CONTEXT);
        update_prefixed(&mut chunks, name.as_bytes());
        Self { chunk: chunk_hasher(), gathered: Vec::new(), chunks, records: 0 }
    }

    /// Adds the next record in key order. The caller answers for the order.
    pub fn update(&mut self, key: &[u8], value: &[u8]) {
        self.gather(key);
        self.gather(value);
        self.records += 1;
        if self.records.is_multiple_of(CHUNK_RECORDS) {
            self.close_chunk();
        }
    }

    /// True if the next record begins a chunk.
    pub fn at_chunk_boundary(&self) -> bool {
        self.records.is_multiple_of(CHUNK_RECORDS)
    }

    /// Records added so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Adds [`CHUNK_RECORDS`] records at once, by the digest of their chunk. To be called at a chunk boundary only: the
    /// caller answers for that and for the number of records, as for the order.
    pub fn add_chunk(&mut self, chunk: ChunkDigest) {
        self.chunks.update(&chunk.0);
        self.records += CHUNK_RECORDS;
    }

    /// Adds the records that [`append_record`] wrote to `chunk`, wherever the boundaries are.
    pub fn add_records(&mut self, chunk: &[u8]) {
        let (mut pending, mut rest) = (chunk, chunk);
        while let Some((_, _, after)) = split_record(rest) {
            rest = after;
            self.records += 1;
            if self.at_chunk_boundary() {
                let (whole, next) = pending.split_at(pending.len() - rest.len());
                self.gather_all(whole);
                self.close_chunk();
                pending = next;
            }
        }
        self.gather_all(pending);
    }

    /// The digest of everything added.
    pub fn finish(mut self) -> KeyspaceDigest {
        if !self.records.is_multiple_of(CHUNK_RECORDS) {
            self.close_chunk();
        }
        self.chunks.update(&self.records.to_le_bytes());
        KeyspaceDigest { records: self.records, digest: self.chunks.into() }
    }

    fn gather(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.gather_all(bytes);
    }

    fn gather_all(&mut self, bytes: &[u8]) {
        if bytes.len() >= GATHERED_BYTES {
            // Large enough by itself.
            self.hash_gathered();
            self.chunk.update(bytes);
            return;
        }
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED_BYTES {
            self.hash_gathered();
        }
    }

    fn hash_gathered(&mut self) {
        self.chunk.update(&self.gathered);
        self.gathered.clear();
    }

    fn close_chunk(&mut self) {
        self.hash_gathered();
        let chunk = std::mem::replace(&mut self.chunk, chunk_hasher());
        self.chunks.update(chunk.finalize().as_bytes());
    }
}

fn chunk_hasher() -> blake3::Hasher {
    blake3::Hasher::new_derive_key(CHUNK_CONTEXT)
}

fn update_prefixed(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// The digests of all keyspaces of a store, by logical name.
// trace: impl FC-18.3 FC-20.1
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogicalDigest {
    keyspaces: BTreeMap<String, KeyspaceDigest>,
}

impl LogicalDigest {
    /// Adds a keyspace, or replaces what was known of it.
    pub fn insert(&mut self, name: &str, digest: KeyspaceDigest) {
        self.keyspaces.insert(name.to_owned(), digest);
    }

    /// What is known of one keyspace.
    pub fn get(&self, name: &str) -> Option<&KeyspaceDigest> {
        self.keyspaces.get(name)
    }

    /// All keyspaces in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &KeyspaceDigest)> {
        self.keyspaces.iter().map(|(name, digest)| (name.as_str(), digest))
    }

    /// Records in all keyspaces together.
    pub fn records(&self) -> u64 {
        self.keyspaces.values().map(|keyspace| keyspace.records).sum()
    }

    /// The digest of the whole state. An empty keyspace is part of the state; a missing one is not the same.
    pub fn state(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(STATE_CONTEXT);
        for (name, keyspace) in &self.keyspaces {
            update_prefixed(&mut hasher, name.as_bytes());
            hasher.update(keyspace.digest.as_bytes());
        }
        hasher.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(name: &str, records: &[(Vec<u8>, Vec<u8>)]) -> KeyspaceDigest {
        let mut hasher = KeyspaceHasher::new(name);
        records.iter().for_each(|(key, value)| hasher.update(key, value));
        hasher.finish()
    }

    /// The definition once more, over all records at once, as a reader of the module's documentation would write it.
    fn reference(name: &str, records: &[(Vec<u8>, Vec<u8>)]) -> Digest {
        let prefixed = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
        let mut message = prefixed(name.as_bytes());
        for chunk in records.chunks(1024) {
            let chunk: Vec<u8> =
                chunk.iter().flat_map(|(k, v)| [prefixed(k), prefixed(v)].concat()).collect();
            message.extend(blake3::derive_key(CHUNK_CONTEXT, &chunk));
        }
        message.extend((records.len() as u64).to_le_bytes());
        let hash = blake3::Hash::from_bytes(blake3::derive_key(KEYSPACE_CONTEXT, &message));
        format!("blake3:{}", hash.to_hex()).parse().unwrap()
    }

    fn many(count: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        (0..count).map(|n| (n.to_be_bytes().to_vec(), format!("value {n}").into_bytes())).collect()
    }

    #[test]
    fn the_streamed_digest_is_the_defined_one_around_chunk_boundaries() {
        for count in [0, 1, 1023, 1024, 1025, 2048, 3000] {
            let records = many(count);
            assert_eq!(digest("wal", &records).digest, reference("wal", &records), "{count}");
        }
    }

    #[test]
    fn the_streamed_digest_is_the_defined_one_whatever_the_size_of_a_record() {
        let around = |size: usize| [size - 17, size - 16, size - 1, size, size + 1, 2 * size];
        for size in [0, 1].into_iter().chain(around(GATHERED_BYTES)) {
            let records: Vec<_> =
                (0..5_u8).map(|n| (vec![n], vec![n; if n % 2 == 0 { size } else { 3 }])).collect();
            assert_eq!(digest("wal", &records).digest, reference("wal", &records), "{size}");
        }
    }

    #[test]
    fn chunks_and_pieces_of_any_size_give_the_digest_of_single_records() {
        for (count, piece) in [(1, 1), (1024, 1024), (3000, 1024), (3000, 7), (5000, 4999)] {
            let records = many(count);
            let mut hasher = KeyspaceHasher::new("wal");
            for piece in records.chunks(piece) {
                let mut chunk = Vec::new();
                piece.iter().for_each(|(key, value)| append_record(&mut chunk, key, value));
                if piece.len() as u64 == CHUNK_RECORDS && hasher.at_chunk_boundary() {
                    hasher.add_chunk(chunk_digest(&chunk));
                } else {
                    hasher.add_records(&chunk);
                }
            }
            assert_eq!(hasher.finish(), digest("wal", &records), "{count} in pieces of {piece}");
        }
    }

    #[test]
    fn what_was_appended_splits_into_the_same_records_and_nothing_else_does() {
        let mut chunk = Vec::new();
        append_record(&mut chunk, b"key", b"");
        append_record(&mut chunk, b"k", b"value");
        let (key, value, rest) = split_record(&chunk).unwrap();
        assert_eq!((key, value), (b"key".as_slice(), b"".as_slice()));
        assert_eq!(
            split_record(rest).unwrap(),
            (b"k".as_slice(), b"value".as_slice(), [].as_slice())
        );
        for length in 0..rest.len() {
            assert_eq!(split_record(&rest[..length]), None, "cut at {length}");
        }
        assert_eq!(split_record(&[0xFF; 40]), None);
    }

    #[test]
    fn an_empty_keyspace_is_not_a_missing_one() {
        let mut with = LogicalDigest::default();
        let without = with.state();
        with.insert("audit", digest("audit", &[]));
        assert_ne!(with.state(), without);
    }

    proptest! {
        #[test]
        fn moving_a_byte_between_key_and_value_changes_the_digest(
            key in proptest::collection::vec(any::<u8>(), 1..20),
            value in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let whole = digest("a", &[(key.clone(), value.clone())]);
            let mut shorter = key.clone();
            let moved = shorter.pop().unwrap();
            let longer = [vec![moved], value.clone()].concat();
            prop_assert_ne!(whole, digest("a", &[(shorter, longer)]));
            prop_assert_ne!(whole, digest("b", &[(key, value)]));
        }
    }
}
