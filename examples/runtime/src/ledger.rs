//! How this runtime writes: a writer passes the gate, writes all of what belongs together at once, and says that it is written
//! only once it is durable.

use std::sync::{Mutex, PoisonError};

use femtoclaw_catalogue::native::{self, Placed};
use femtoclaw_catalogue::{AuditEntry, CodecError, ExecutionRecord};
use upgrade::{Closed, Condition, Error, Store, WriteGate};
use versioning::{Clock, Timestamp};

use crate::surroundings::WallClock;

/// How often a place is looked for that no record has. There is one at the first try, unless the clock was set back.
const ATTEMPTS: usize = 16;

/// The store of the current generation, for everybody who writes to it or reads from it.
pub(crate) struct Ledger<'s> {
    store: &'s Store,
    gate: WriteGate,
    /// The last moment that a record was given.
    last: Mutex<Timestamp>,
}

/// Where in the ledger a record goes: no other record of this run has the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) time: Timestamp,
    position: u64,
}

/// Why a record was not acknowledged.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// The store is being closed: nothing was written.
    Closing,
    /// No such record can be written: nothing was.
    Refused(String),
    /// The store failed. Whether the record is there, opening the store anew will tell; until then nothing is asked of it.
    Failed(Error),
}

impl<'s> Ledger<'s> {
    pub(crate) fn new(store: &'s Store, gate: WriteGate) -> Self {
        Self { store, gate, last: Mutex::new(Timestamp::EPOCH) }
    }

    /// Writes what `make` makes for a moment: all of it or nothing. When this returns, it may be acknowledged.
    pub(crate) fn write<T>(
        &self,
        mut make: impl FnMut(Moment) -> Result<(Vec<Placed>, T), CodecError>,
    ) -> Result<T, NotWritten> {
        // For as long as this pass lives, nobody closes the store; and once it is being closed, nobody gets one.
        let _pass = self.gate.enter().map_err(|Closed| NotWritten::Closing)?;
        for _ in 0..ATTEMPTS {
            let (records, made) = make(self.next_moment()).map_err(refused)?;
            // What is in a ledger is never written over.
            if !self.holds_any(&records)? {
                self.store.commit(&records).map_err(failed)?;
                return Ok(made);
            }
        }
        Err(NotWritten::Refused("the clock goes back to where other records are".to_owned()))
    }

    fn holds_any(&self, records: &[Placed]) -> Result<bool, NotWritten> {
        for (keyspace, record) in records {
            if self.store.get(keyspace, &record.key).map_err(failed)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Later than every other moment of this run, whatever the clock says.
    fn next_moment(&self) -> Moment {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let nanoseconds = WallClock.now().unix_nanoseconds().max(last.unix_nanoseconds() + 1);
        *last = Timestamp::from_unix_nanoseconds(nanoseconds).unwrap_or(*last);
        Moment { time: *last, position: u64::try_from(nanoseconds).unwrap_or_default() }
    }

    /// What is under a key of a keyspace.
    pub(crate) fn get(&self, keyspace: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(keyspace, key).map_err(of_store)
    }

    /// The values under all keys that start like this, at most so many.
    pub(crate) fn values(
        &self,
        keyspace: &str,
        prefix: &[u8],
        most: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut found = Vec::new();
        let scanned = self.store.scan_prefix_while(keyspace, prefix, &mut |_, value| {
            found.push(value.to_vec());
            found.len() < most
        });
        scanned.map(|()| found).map_err(of_store)
    }

    /// How many records a keyspace has. Reads all of it.
    pub(crate) fn count(&self, keyspace: &str) -> Result<u64, Error> {
        let mut records = 0;
        let scanned = self.store.scan_while(keyspace, &mut |_, _| {
            records += 1;
            true
        });
        scanned.map(|()| records).map_err(of_store)
    }
}

impl Moment {
    /// An audit entry at this moment.
    pub(crate) fn audit(self, entry: &AuditEntry) -> Result<Vec<Placed>, CodecError> {
        native::audit(entry, self.position).map(Vec::from)
    }

    /// An execution at this moment, and what leads to it from its id.
    pub(crate) fn execution(self, record: &ExecutionRecord) -> Result<Vec<Placed>, CodecError> {
        native::execution(record, self.position).map(Vec::from)
    }
}

fn refused(error: CodecError) -> NotWritten {
    NotWritten::Refused(error.to_string())
}

fn failed(error: impl Into<upgrade::Cause>) -> NotWritten {
    NotWritten::Failed(of_store(error))
}

/// An error of the store in the words of the upgrade system, with its exit code. Nothing that only an upgrade changes is
/// changed by it.
pub(crate) fn of_store(error: impl Into<upgrade::Cause>) -> Error {
    Error::new(error, Condition::Unchanged(None))
}
