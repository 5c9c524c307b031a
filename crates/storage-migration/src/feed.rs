//! Handing records to a pipeline, batch by batch.

use integrity::CHUNK_RECORDS;
use pipeline::Stopped;

use crate::batch::{BATCH_BYTES, Batch};
use crate::merge::Merge;
use crate::transform::{Chunk, Kind, Route};
use crate::{MigrationError, Record, RecordSource, Result, SourceError};

/// Hands on every record of a keyspace of a source, in batches that never cross the boundary of a chunk of the logical
/// digest. The source answers for the order.
pub(crate) fn gather(
    source: &dyn RecordSource,
    keyspace: &str,
    put: &mut dyn FnMut(Batch) -> std::result::Result<(), Stopped>,
) -> Result<()> {
    let (mut batch, mut records) = (Batch::default(), 0_u64);
    let scanned = source.scan(keyspace, &mut |key, value| {
        batch.push(key, value);
        records += 1;
        if is_complete(&batch, records) {
            put(std::mem::take(&mut batch)).map_err(|stopped| no_more(keyspace, stopped))?;
        }
        Ok(())
    });
    if !batch.is_empty() {
        // What was read before an error is worked on before it is told, as if there were no batches.
        let _ = put(batch);
    }
    Ok(scanned?)
}

/// What a visitor tells a source that it is to read no further. Nobody gets to see it.
fn no_more(keyspace: &str, stopped: Stopped) -> SourceError {
    let (keyspace, origin) = (keyspace.to_owned(), String::new());
    SourceError { keyspace, origin, reason: stopped.to_string() }
}

/// Whether a batch is to be handed on, so many records being read.
fn is_complete(batch: &Batch, records: u64) -> bool {
    records.is_multiple_of(CHUNK_RECORDS) || batch.bytes().len() >= BATCH_BYTES
}

/// What a pipeline takes batches with.
pub(crate) type Put<'p> = dyn FnMut(Chunk) -> std::result::Result<(), Stopped> + 'p;

/// Gathers records into batches. No batch crosses the boundary of a chunk of the logical digest.
pub(crate) struct Feed<'f, 'r, 'a> {
    route: &'f Route<'r, 'a>,
    kind: Kind,
    put: &'f mut Put<'f>,
    batch: Batch,
    records: u64,
    /// The last key of the batch before.
    last: Vec<u8>,
}

impl<'f, 'r, 'a> Feed<'f, 'r, 'a> {
    pub(crate) fn new(route: &'f Route<'r, 'a>, kind: Kind, put: &'f mut Put<'f>) -> Self {
        Self { batch: route.batch(), route, kind, put, records: 0, last: Vec::new() }
    }

    /// Every record of a keyspace of a source, held to the order of keys.
    pub(crate) fn scan(mut self, source: &dyn RecordSource, keyspace: &'static str) -> Result<()> {
        let mut failure = None;
        let scanned = source.scan(keyspace, &mut |key, value| {
            if !self.comes_next(key) {
                let (named, key) = (keyspace.to_owned(), key.to_vec());
                failure = Some(MigrationError::OutOfOrder { keyspace: named, key });
                return Err(no_more(keyspace, Stopped));
            }
            self.push(key, value).map_err(|stopped| no_more(keyspace, stopped))
        });
        // What was read before an error is worked on before it is told, as if there were no batches.
        let _ = self.flush();
        match (failure, scanned) {
            (Some(error), _) => Err(error),
            (None, scanned) => Ok(scanned?),
        }
    }

    /// Every record of a sorted keyspace.
    pub(crate) fn sorted(mut self, mut records: Merge) -> Result<()> {
        let mut failure = Ok(());
        // Bounded by the number of records.
        while let Some(Record { key, value }) = records.next().unwrap_or_else(|error| {
            failure = Err(error);
            None
        }) {
            if self.push(&key, &value).is_err() {
                return Ok(());
            }
        }
        let _ = self.flush();
        failure
    }

    /// Every group of sorted fragments, none of them cut in two.
    pub(crate) fn groups(
        mut self,
        mut fragments: Merge,
        keyspace: &'static str,
        maximum_group_bytes: usize,
    ) -> Result<()> {
        let (mut current, mut bytes) = (Vec::new(), 0);
        // Bounded by the number of fragments.
        loop {
            let next = match fragments.next() {
                Ok(next) => next,
                Err(error) => {
                    let _ = self.flush_without(&current);
                    return Err(error);
                }
            };
            let Some(Record { key: group, value }) = next else { break };
            if group != current {
                if self.is_full() && self.flush().is_err() {
                    return Ok(());
                }
                (current, bytes) = (group, 0);
            }
            bytes += value.len();
            if bytes > maximum_group_bytes {
                let (keyspace, group, maximum) =
                    (keyspace.to_owned(), current, maximum_group_bytes);
                let _ = self.flush_without(&group);
                return Err(MigrationError::GroupTooLarge { keyspace, group, maximum });
            }
            self.batch.push(&current, &value);
            self.records += 1;
        }
        let _ = self.flush();
        Ok(())
    }

    /// Whether a key is greater than all before.
    fn comes_next(&self, key: &[u8]) -> bool {
        let last = if self.batch.is_empty() { self.last.as_slice() } else { self.batch.last_key() };
        self.records == 0 || key > last
    }

    fn push(&mut self, key: &[u8], value: &[u8]) -> std::result::Result<(), Stopped> {
        self.batch.push(key, value);
        self.records += 1;
        if is_complete(&self.batch, self.records) { self.flush() } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.batch.len() as u64 >= CHUNK_RECORDS || self.batch.bytes().len() >= BATCH_BYTES
    }

    fn flush(&mut self) -> std::result::Result<(), Stopped> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.last.clear();
        self.last.extend_from_slice(self.batch.last_key());
        let batch = std::mem::replace(&mut self.batch, self.route.batch());
        (self.put)(Chunk { kind: self.kind, batch })
    }

    /// Hands on what there is of other groups than this one, which is not whole.
    fn flush_without(&mut self, group: &[u8]) -> std::result::Result<(), Stopped> {
        let mut batch = self.route.batch();
        for (key, value) in self.batch.records().filter(|(key, _)| *key != group) {
            batch.push(key, value);
        }
        self.batch = batch;
        self.flush()
    }
}
