//! The witness: which record was acknowledged last.
//!
//! Two slots of one sector each, written in turn (record `seq` goes to slot `seq` modulo 2), each with a checksum of its
//! own. A torn write damages the slot that is being written and leaves the other, which vouches for the record before.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use durable::{Error as FileError, Operation};
use integrity::Digest;

use crate::{Error, Record, Result};

/// The size of a slot: what disks have written in one piece for as long as there have been disks.
const SLOT_BYTES: usize = 512;
const SLOTS: u64 = 2;
/// No file that is larger than a few slots is one of ours.
const MAXIMUM_WITNESS_BYTES: u64 = 64 * 1024;

/// What the witness vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Witness {
    pub(crate) seq: u64,
    pub(crate) hash: Digest,
}

impl Witness {
    /// Vouches for a record.
    pub(crate) fn of(record: &Record) -> Self {
        Self { seq: record.seq, hash: record.hash }
    }

    /// The bytes of a fresh witness file.
    pub(crate) fn initial_file(self) -> Vec<u8> {
        let mut bytes = vec![b'\n'; SLOT_BYTES * SLOTS as usize];
        for (target, byte) in bytes.iter_mut().skip(self.offset() as usize).zip(self.slot()) {
            *target = byte;
        }
        bytes
    }

    /// Writes the slot of this record and syncs. After an error what the slot holds is unknown.
    pub(crate) fn write(self, file: &File, path: &Path) -> Result<()> {
        file.write_all_at(&self.slot(), self.offset())
            .map_err(|error| FileError::new(Operation::Write, path, error))?;
        file.sync_data().map_err(|error| FileError::new(Operation::Sync, path, error))?;
        Ok(())
    }

    /// Reads the newest slot that is intact.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = durable::read_plain(path, MAXIMUM_WITNESS_BYTES).map_err(|error| {
            use std::io::ErrorKind::{FileTooLarge, NotFound};
            if matches!(error.source.kind(), NotFound | FileTooLarge) {
                return Error::WitnessUnreadable { path: path.to_path_buf() };
            }
            error.into()
        })?;
        bytes
            .chunks(SLOT_BYTES)
            .filter_map(Self::parse)
            .max_by_key(|witness| witness.seq)
            .ok_or_else(|| Error::WitnessUnreadable { path: path.to_path_buf() })
    }

    fn offset(self) -> u64 {
        (self.seq % SLOTS) * SLOT_BYTES as u64
    }

    fn slot(self) -> Vec<u8> {
        let text = format!("acknowledged {} {}", self.seq, self.hash);
        let mut slot = format!("{text} {}\n", Digest::of(text.as_bytes())).into_bytes();
        slot.resize(SLOT_BYTES, b'\n');
        slot
    }

    fn parse(slot: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(slot).ok()?.trim_end_matches('\n');
        let (text, checksum) = text.rsplit_once(' ')?;
        if checksum != Digest::of(text.as_bytes()).to_string() {
            return None;
        }
        let (seq, hash) = text.strip_prefix("acknowledged ")?.split_once(' ')?;
        Some(Self { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(seq: u64) -> Witness {
        Witness { seq, hash: Digest::of(&seq.to_le_bytes()) }
    }

    #[test]
    fn a_damaged_slot_leaves_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        std::fs::write(&path, witness(6).initial_file()).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        assert_eq!(Witness::read(&path).unwrap(), witness(6));
        witness(7).write(&file, &path).unwrap();
        assert_eq!(Witness::read(&path).unwrap(), witness(7));
        let intact = std::fs::read(&path).unwrap();
        for byte in 0..intact.len() {
            let mut bytes = intact.clone();
            bytes[byte] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            let found = Witness::read(&path).unwrap();
            assert!(found == witness(7) || found == witness(6), "byte {byte}: {found:?}");
        }
        std::fs::write(&path, vec![0; 1024]).unwrap();
        assert!(matches!(Witness::read(&path), Err(Error::WitnessUnreadable { .. })));
    }

    #[test]
    fn the_slots_lie_in_sectors_of_their_own_and_a_record_goes_to_one_by_its_number() {
        let sectors = |seq: u64| {
            let bytes = witness(seq).initial_file();
            assert_eq!(bytes.len(), 1024);
            [0, 512].map(|at| bytes[at..].starts_with(b"acknowledged"))
        };
        assert_eq!(sectors(6), [true, false]);
        assert_eq!(sectors(7), [false, true]);
    }

    #[test]
    fn what_is_behind_the_slots_does_not_matter_unless_there_is_too_much_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        let mut bytes = witness(6).initial_file();
        bytes.resize(MAXIMUM_WITNESS_BYTES as usize, 0);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Witness::read(&path).unwrap(), witness(6));
        bytes.resize(70_000, 0);
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(Witness::read(&path), Err(Error::WitnessUnreadable { .. })));
        // A block of a file system fits in any case.
        bytes.truncate(4096);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Witness::read(&path).unwrap(), witness(6));
    }
}
