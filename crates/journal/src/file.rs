//! The journal as a file that is appended to.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use durable::{Error as FileError, Operation};
use versioning::Timestamp;

use crate::read::{Chain, Standing, read_bytes, read_without_witness, witness_path};
use crate::witness::Witness;
use crate::{
    AttemptNumber, Error, Event, MAXIMUM_RECORD_BYTES, RECORDS_FILE, Record, Result, WITNESS_FILE,
};

/// How much padding [`Journal::reserve`] makes sure of: enough for the records of any one operation and of the revert or
/// recovery behind it.
pub const RESERVE_BYTES: usize = 64 * 1024;

/// A journal that is open for appending. The caller holds the home's lock.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    file: File,
    witness: File,
    records: Vec<Record>,
    /// Where the next record goes.
    end: u64,
    /// The size of the file: padding lies between `end` and here.
    length: u64,
    /// Set by an append that failed: nothing more is written through this handle.
    outcome_unknown: bool,
}

/// Writes a new witness for a journal that is whole but whose witness is lost: by an explicit decision only, since without
/// a witness a journal that was cut short looks whole. Returns the records.
///
/// # Errors
/// If the witness can be read, or the records are not a whole chain.
pub fn replace_witness(directory: &Path) -> Result<Vec<Record>> {
    let path = witness_path(directory)?;
    let records = read_without_witness(directory)?;
    match (Witness::read(&path), records.last()) {
        (Err(Error::WitnessUnreadable { .. }), Some(last)) => {
            durable::replace_file(&path, &Witness::of(last).initial_file())?;
            Ok(records)
        }
        (Err(error), _) => Err(error),
        (Ok(_), _) => Ok(records),
    }
}

/// What [`Journal::open`] had to put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Nothing.
    None,
    /// The torn end of an append that was never acknowledged was cut off.
    TornTail,
    /// A record that was written but not acknowledged was made durable and acknowledged.
    Acknowledged,
}

impl Journal {
    /// Creates a journal in a directory that does not exist yet, with its first record.
    ///
    /// The directory is built under another name and renamed, so a crash leaves a whole journal or none.
    ///
    /// # Errors
    /// If the directory exists, or what a file operation says.
    pub fn create(directory: &Path, event: Event, now: Timestamp) -> Result<Self> {
        let staging = directory.with_extension("new");
        durable::remove_tree(&staging)?;
        durable::create_directory(&staging)?;
        let (record, line) = chain(None, None, event, now)?;
        let mut bytes = line;
        bytes.resize(bytes.len() + RESERVE_BYTES, b'\n');
        durable::write_file(&staging.join(RECORDS_FILE), &bytes)?;
        durable::write_file(&staging.join(WITNESS_FILE), &Witness::of(&record).initial_file())?;
        durable::sync_directory(&staging)?;
        durable::rename(&staging, directory)?;
        Ok(Self::open(directory)?.0)
    }

    /// Opens a journal for appending, and puts right what a crash leaves at its end.
    ///
    /// The names of its files are made durable first: whoever made them may have been killed before that.
    /// A torn append is cut off. What the witness does not vouch for is made durable before anything relies on it: it is
    /// written once more and synced, since the bytes that are read after a failed sync need not be on disk. Both happen in
    /// place, so that a full disk does not keep a journal from being opened.
    ///
    /// # Errors
    /// [`Error::Missing`], or whatever else is wrong with the journal: none of it is ever guessed away.
    // trace: impl FC-16.3
    pub fn open(directory: &Path) -> Result<(Self, Repair)> {
        let records_path = directory.join(RECORDS_FILE);
        let witness_path = witness_path(directory)?;
        // A name that is found here may be one that a killed process has made, and only the page cache has.
        durable::sync_directory(directory)?;
        let witness = Witness::read(&witness_path)?;
        let bytes = read_bytes(&records_path)?;
        let chain = Chain::parse(&bytes)?;
        let standing = chain.hold_to(witness)?;
        let file = open_file(&records_path)?;
        let witness_file = open_file(&directory.join(WITNESS_FILE))?;
        let (from, repair) = match standing {
            Standing::Unacknowledged { offset } => (offset, Repair::Acknowledged),
            Standing::Acknowledged if chain.torn => (chain.end, Repair::TornTail),
            Standing::Acknowledged => (bytes.len(), Repair::None),
        };
        if repair != Repair::None {
            let mut tail = bytes.get(from..chain.end).unwrap_or_default().to_vec();
            tail.resize(bytes.len() - from, b'\n');
            write_synced(&file, &records_path, &tail, from as u64)?;
        }
        if let (Repair::Acknowledged, Some(last)) = (repair, chain.records.last()) {
            Witness::of(last).write(&witness_file, &directory.join(WITNESS_FILE))?;
        }
        let length = file
            .metadata()
            .map_err(|error| FileError::new(Operation::Inspect, &records_path, error))?
            .len();
        let journal = Self {
            directory: directory.to_path_buf(),
            file,
            witness: witness_file,
            records: chain.records,
            end: chain.end as u64,
            length,
            outcome_unknown: false,
        };
        Ok((journal, repair))
    }

    /// All records, oldest first. Never empty.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// True after an append failed on this handle: what is on disk is unknown until the journal is opened again.
    pub fn outcome_unknown(&self) -> bool {
        self.outcome_unknown
    }

    /// How many bytes can be appended although the disk be full.
    pub fn reserved(&self) -> u64 {
        self.length.saturating_sub(self.end)
    }

    /// Makes sure that twice [`RESERVE_BYTES`] can be appended although the disk be full: once for an operation, once for
    /// the revert behind it.
    ///
    /// # Errors
    /// What the file system says. No record was touched, and the handle stays usable.
    pub fn reserve(&mut self) -> Result<()> {
        if self.length >= self.end + 2 * RESERVE_BYTES as u64 {
            return Ok(());
        }
        // More than that, so that not every operation has to do this.
        let wanted = self.end + 4 * RESERVE_BYTES as u64;
        let padding =
            vec![b'\n'; usize::try_from(wanted - self.length).unwrap_or(4 * RESERVE_BYTES)];
        let path = self.directory.join(RECORDS_FILE);
        write_synced(&self.file, &path, &padding, self.length)?;
        self.length = wanted;
        Ok(())
    }

    /// Appends a record that begins an attempt, and returns the attempt's number.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn begin(&mut self, event: Event, now: Timestamp) -> Result<AttemptNumber> {
        self.write(None, event, now).map(|record| record.seq)
    }

    /// Appends a record to an attempt. When this returns, the record is durable: the journal's append is the only commit
    /// point there is.
    ///
    /// # Errors
    /// After a file operation failed the outcome is unknown, and every further append is refused with
    /// [`Error::OutcomeUnknown`]: drop the handle and open the journal again.
    // trace: impl FC-7.1 FC-15.3
    pub fn append(
        &mut self,
        attempt: AttemptNumber,
        event: Event,
        now: Timestamp,
    ) -> Result<&Record> {
        self.write(Some(attempt), event, now)
    }

    fn write(
        &mut self,
        attempt: Option<AttemptNumber>,
        event: Event,
        now: Timestamp,
    ) -> Result<&Record> {
        if self.outcome_unknown {
            return Err(Error::OutcomeUnknown);
        }
        let (record, line) = chain(self.records.last(), attempt, event, now)?;
        self.outcome_unknown = true;
        self.write_line(&line)?;
        Witness::of(&record).write(&self.witness, &self.directory.join(WITNESS_FILE))?;
        self.outcome_unknown = false;
        let at = self.records.len();
        self.records.push(record);
        self.records.get(at).ok_or(Error::OutcomeUnknown)
    }

    fn write_line(&mut self, line: &[u8]) -> Result<()> {
        write_synced(&self.file, &self.directory.join(RECORDS_FILE), line, self.end)?;
        self.end += line.len() as u64;
        self.length = self.length.max(self.end);
        Ok(())
    }
}

/// The next record, and its line with the newline.
fn chain(
    previous: Option<&Record>,
    attempt: Option<AttemptNumber>,
    event: Event,
    now: Timestamp,
) -> Result<(Record, Vec<u8>)> {
    let limit = MAXIMUM_RECORD_BYTES as u64;
    let (record, line) = Record::chain(previous, attempt, event, now)
        .map_err(|_| Error::EventTooLarge { bytes: u64::MAX, limit })?;
    if line.len() > MAXIMUM_RECORD_BYTES {
        return Err(Error::EventTooLarge { bytes: line.len() as u64, limit });
    }
    let mut line = line.into_bytes();
    line.push(b'\n');
    Ok((record, line))
}

fn write_synced(file: &File, path: &Path, bytes: &[u8], offset: u64) -> Result<()> {
    file.write_all_at(bytes, offset)
        .map_err(|error| FileError::new(Operation::Write, path, error))?;
    file.sync_all().map_err(|error| FileError::new(Operation::Sync, path, error))?;
    Ok(())
}

fn open_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| FileError::new(Operation::Open, path, error).into())
}

#[cfg(test)]
mod tests;
