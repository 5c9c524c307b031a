//! A run: sorted records in a scratch file, verified when they are read back.
//!
//! A run is a sequence of blocks. A block is the length of its payload (8 bytes, little endian), the BLAKE3 digest of its
//! payload (32 bytes), and the payload: the block's number in the run (8 bytes), then records, each as the lengths of key
//! and value (4 bytes each), key, value. Whoever wrote the run knows how many records it has, so a run that is cut off
//! between two blocks is noticed as well.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use durable::{Error, Operation};
use integrity::Digest;

use crate::{MigrationError, Record, Result};

/// A block is closed once its payload has this many bytes.
const BLOCK_BYTES: usize = 32 * 1024;
const DIGEST_BYTES: usize = 32;
const LENGTH_BYTES: usize = 8;

/// A finished run. Its file goes when the run does.
#[derive(Debug)]
pub(crate) struct Run {
    path: PathBuf,
    records: u64,
}

impl Drop for Run {
    fn drop(&mut self) {
        // Only scratch: whoever owns the directory sweeps what cannot be removed here.
        let _ = durable::remove_file(&self.path);
    }
}

/// Writes a run.
pub(crate) struct RunWriter {
    run: Run,
    file: BufWriter<File>,
    block: Vec<u8>,
    blocks: u64,
}

impl RunWriter {
    /// Starts a run in a new file.
    pub(crate) fn create(path: PathBuf) -> Result<Self> {
        let file =
            File::create_new(&path).map_err(|error| Error::new(Operation::Create, &path, error))?;
        let run = Run { path, records: 0 };
        Ok(Self { run, file: BufWriter::new(file), block: Vec::new(), blocks: 0 })
    }

    /// Adds the next record. The caller answers for the order.
    pub(crate) fn write(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if self.block.is_empty() {
            self.block.extend(self.blocks.to_le_bytes());
        }
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| MigrationError::ScratchCorrupt {
                path: self.run.path.clone(),
                reason: "a part of a record has 2^32 bytes or more",
            })?;
            self.block.extend(length.to_le_bytes());
        }
        self.block.extend(key);
        self.block.extend(value);
        self.run.records += 1;
        if self.block.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    /// Finishes the run. Nothing is synced: a run never outlives the process.
    pub(crate) fn finish(mut self) -> Result<Run> {
        if !self.block.is_empty() {
            self.close_block()?;
        }
        self.file.flush().map_err(|error| Error::new(Operation::Write, &self.run.path, error))?;
        Ok(self.run)
    }

    fn close_block(&mut self) -> Result<()> {
        let length = (self.block.len() as u64).to_le_bytes();
        let digest = Digest::of(&self.block);
        for bytes in [length.as_slice(), digest.as_bytes().as_slice(), &self.block] {
            self.file
                .write_all(bytes)
                .map_err(|error| Error::new(Operation::Write, &self.run.path, error))?;
        }
        self.block.clear();
        self.blocks += 1;
        Ok(())
    }
}

/// Reads a run back, block by block.
pub(crate) struct RunReader {
    run: Run,
    file: BufReader<File>,
    /// Bytes of the file that are not read yet.
    left: u64,
    block: Vec<u8>,
    position: usize,
    blocks: u64,
    records: u64,
}

impl RunReader {
    /// Opens a run.
    pub(crate) fn open(run: Run) -> Result<Self> {
        let file =
            File::open(&run.path).map_err(|error| Error::new(Operation::Open, &run.path, error))?;
        let left = file
            .metadata()
            .map_err(|error| Error::new(Operation::Inspect, &run.path, error))?
            .len();
        let file = BufReader::new(file);
        Ok(Self { run, file, left, block: Vec::new(), position: 0, blocks: 0, records: 0 })
    }

    /// The next record; none at the end, if all were there.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        if self.position == self.block.len() && !self.next_block()? {
            if self.records != self.run.records {
                return Err(self.corrupt("it is cut off"));
            }
            return Ok(None);
        }
        let lengths = (self.number(), self.number());
        let (Some(key), Some(value)) = lengths else {
            return Err(self.corrupt("a record is cut off"));
        };
        let parts = (self.take(key), self.take(value));
        let (Some(key), Some(value)) = parts else {
            return Err(self.corrupt("a record is cut off"));
        };
        self.records += 1;
        Ok(Some(Record { key, value }))
    }

    fn next_block(&mut self) -> Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        let (mut length, mut digest) = ([0; LENGTH_BYTES], [0; DIGEST_BYTES]);
        self.read(&mut length)?;
        self.read(&mut digest)?;
        let length = u64::from_le_bytes(length);
        // Bounded by what is there before it is allocated.
        let payload = usize::try_from(length).ok().filter(|_| length <= self.left);
        let mut block = vec![0; payload.ok_or_else(|| self.corrupt("a block is too long"))?];
        self.read(&mut block)?;
        if Digest::of(&block).as_bytes() != &digest {
            return Err(self.corrupt("a block does not have its digest"));
        }
        if block.split_first_chunk().map(|(number, _)| u64::from_le_bytes(*number))
            != Some(self.blocks)
        {
            return Err(self.corrupt("a block is in the wrong place"));
        }
        (self.block, self.position) = (block, size_of::<u64>());
        self.blocks += 1;
        Ok(true)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        let wanted = buffer.len() as u64;
        self.left = self.left.checked_sub(wanted).ok_or_else(|| self.corrupt("it is cut off"))?;
        self.file
            .read_exact(buffer)
            .map_err(|error| Error::new(Operation::Read, &self.run.path, error))?;
        Ok(())
    }

    fn number(&mut self) -> Option<usize> {
        let bytes = self.block.get(self.position..)?.first_chunk()?;
        self.position += bytes.len();
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let bytes = self.block.get(self.position..)?.get(..length)?;
        self.position += length;
        Some(bytes.to_vec())
    }

    fn corrupt(&self, reason: &'static str) -> MigrationError {
        MigrationError::ScratchCorrupt { path: self.run.path.clone(), reason }
    }
}

/// Hands out names for runs in a scratch directory.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    runs: u64,
}

impl Scratch {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_path_buf(), runs: 0 }
    }

    pub(crate) fn start_run(&mut self) -> Result<RunWriter> {
        self.runs += 1;
        RunWriter::create(self.directory.join(format!("{:08}.run", self.runs)))
    }

    /// How many runs were started.
    pub(crate) fn runs(&self) -> u64 {
        self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, count: u32) -> Run {
        let mut writer = Scratch::new(directory).start_run().unwrap();
        for number in 0..count {
            writer.write(&number.to_be_bytes(), &[7; 100]).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(run: Run) -> Result<u32> {
        let mut reader = RunReader::open(run)?;
        let mut count = 0_u32;
        while let Some(record) = reader.next()? {
            assert_eq!(record, Record { key: count.to_be_bytes().to_vec(), value: vec![7; 100] });
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_run_reads_back_as_written_and_its_file_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        for count in [0, 1, 1000] {
            assert_eq!(read(write(directory.path(), count)).unwrap(), count);
            assert!(durable::walk(directory.path()).unwrap().is_empty());
        }
    }

    #[test]
    fn a_changed_byte_anywhere_in_a_run_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let length = write(directory.path(), 0).path.clone();
        let original = write(directory.path(), 700);
        let bytes = std::fs::read(&original.path).unwrap();
        drop(original);
        assert!(bytes.len() > 2 * BLOCK_BYTES, "several blocks are under test");
        for position in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
            let run = write(directory.path(), 700);
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            std::fs::write(&run.path, &changed).unwrap();
            let error = read(run).unwrap_err();
            assert!(matches!(error, MigrationError::ScratchCorrupt { .. }), "{position}: {error}");
        }
        assert!(!length.exists());
    }

    #[test]
    fn a_run_that_is_cut_off_anywhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(&write(directory.path(), 700).path).unwrap();
        let first = LENGTH_BYTES
            + DIGEST_BYTES
            + usize::try_from(u64::from_le_bytes(*bytes.first_chunk().unwrap())).unwrap();
        for length in [0, 1, 39, 40, first - 1, first, first + 1, bytes.len() - 1] {
            let run = write(directory.path(), 700);
            std::fs::write(&run.path, &bytes[..length]).unwrap();
            let error = read(run).unwrap_err();
            assert!(matches!(error, MigrationError::ScratchCorrupt { .. }), "{length}: {error}");
        }
    }
}
