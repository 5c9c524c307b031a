//! Bulk-loading a keyspace, part by part.
//!
//! A bulk load is one stream: encoding, checksums, the filter, writing, and waiting for the disk when a table is complete all
//! happen one after the other, and would be what everybody waits for. So a keyspace is loaded in parts of a fixed size, each a
//! bulk load of its own on a thread of its own, of which few are under way at once. Where a part ends depends on the records
//! alone, and parts are published in their order; they do not overlap, so the engine keeps them as one run.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, Scope};

use fjall::Keyspace;

use crate::batch::Batch;
use crate::store::{BULK_LOAD, BulkLoad};
use crate::transform::Route;
use crate::{MigrationError, Result, Store};

/// A part ends with the batch that brings it to so many bytes. The engine begins a new table after 64 MiB, so each is one
/// table.
const PART_BYTES: usize = 32 * 1024 * 1024;

/// Parts that are under way at once: this many of them may be in memory.
const PARTS_AT_ONCE: usize = 2;

/// What bulk loads are started with.
pub(crate) struct Loaders<'r> {
    store: &'r Store,
    /// Starts one on a thread of its own, if there is one to be had.
    start: Box<StartPart<'r>>,
    recycle: Box<dyn Fn(Batch) + 'r>,
}

/// The keyspace, whether it is the first part, and what says that the part before is published.
type StartPart<'r> = dyn Fn(&Keyspace, bool, Option<Receiver<()>>) -> Option<Part> + 'r;

impl<'r> Loaders<'r> {
    /// On threads of a scope if there are to be any, else on the caller's.
    pub(crate) fn new<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        store: &'scope Store,
        route: &'scope Route<'_, '_>,
        threads: bool,
    ) -> Self
    where
        'scope: 'r,
    {
        let start = move |keyspace: &Keyspace, is_first: bool, turn: Option<Receiver<()>>| {
            if !threads {
                return None;
            }
            let keyspace = keyspace.clone();
            let (batches, incoming) = channel();
            let (published, next_turn) = channel();
            let (result, done) = channel();
            let (started, has_started) = channel();
            let body = move || {
                let load = || -> Result<()> {
                    let mut load = store.start_bulk_load(&keyspace, is_first)?;
                    let _ = started.send(());
                    // Bounded by the batches of a part. Whoever hangs up without an end wants nothing published.
                    loop {
                        match incoming.recv() {
                            Ok(Message::Batch(batch)) => {
                                load.write(&batch)?;
                                route.recycle(batch);
                            }
                            Ok(Message::End) => break,
                            Err(_) => return Ok(()),
                        }
                    }
                    // Behind a part that failed nothing is done to the store any more: what that one says is what counts.
                    if turn.is_some_and(|turn| turn.recv().is_err()) {
                        return Ok(());
                    }
                    load.finish()?;
                    let _ = published.send(());
                    Ok(())
                };
                let _ = result.send(load());
            };
            Builder::new().name("bulk-load".to_owned()).spawn_scoped(scope, body).ok()?;
            // The tables of a keyspace are numbered in the order in which their parts start.
            let _ = has_started.recv();
            Some(Part { batches, done, next_turn: Some(next_turn) })
        };
        let recycle = |batch| route.recycle(batch);
        Self { store, start: Box::new(start), recycle: Box::new(recycle) }
    }
}

/// A part that is loaded on another thread.
struct Part {
    batches: Sender<Message>,
    done: Receiver<Result<()>>,
    next_turn: Option<Receiver<()>>,
}

enum Message {
    Batch(Batch),
    /// All were sent: publish them.
    End,
}

impl Part {
    /// Why it takes no more batches.
    fn failure(&self, directory: impl Fn() -> PathBuf) -> MigrationError {
        self.join(&directory).err().unwrap_or_else(|| ended(directory()))
    }

    /// What came of it.
    fn join(&self, directory: impl Fn() -> PathBuf) -> Result<()> {
        // A thread that ends without a word has panicked, and the scope that it is of goes on with that.
        self.done.recv().unwrap_or_else(|_| Err(ended(directory())))
    }
}

fn ended(directory: PathBuf) -> MigrationError {
    let (operation, message) = (BULK_LOAD, "its thread ended".to_owned());
    MigrationError::EnginePanicked { operation, directory, message }
}

/// A bulk load of a whole keyspace.
pub(crate) struct KeyspaceLoad<'k> {
    loaders: &'k Loaders<'k>,
    keyspace: &'k Keyspace,
    open: Option<OpenPart<'k>>,
    /// Bytes in the open part.
    bytes: usize,
    /// Parts that have all their records and are not published yet, in order.
    closing: VecDeque<Part>,
    turn: Option<Receiver<()>>,
    is_first: bool,
}

enum OpenPart<'k> {
    Here(BulkLoad<'k>),
    There(Part),
}

impl<'k> KeyspaceLoad<'k> {
    pub(crate) fn new(loaders: &'k Loaders<'k>, keyspace: &'k Keyspace) -> Self {
        let (open, closing) = (None, VecDeque::new());
        Self { loaders, keyspace, open, bytes: 0, closing, turn: None, is_first: true }
    }

    /// Adds the next records. The caller answers for the order: the engine panics on a wrong one.
    ///
    /// # Errors
    /// What the engine says, of this or of an earlier batch.
    pub(crate) fn write(&mut self, batch: Batch) -> Result<()> {
        self.bytes += batch.bytes().len();
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let started = self.start()?;
                self.open.insert(started)
            }
        };
        match open {
            OpenPart::Here(load) => {
                load.write(&batch)?;
                (self.loaders.recycle)(batch);
            }
            OpenPart::There(part) => {
                if part.batches.send(Message::Batch(batch)).is_err() {
                    return Err(part.failure(|| self.loaders.store.directory().to_path_buf()));
                }
            }
        }
        if self.bytes >= PART_BYTES { self.close_part() } else { Ok(()) }
    }

    /// Publishes everything.
    ///
    /// # Errors
    /// What the engine says. Some parts may be published all the same (H3).
    pub(crate) fn finish(mut self) -> Result<()> {
        self.close_part()?;
        self.join_until(0)
    }

    fn start(&mut self) -> Result<OpenPart<'k>> {
        let is_first = std::mem::take(&mut self.is_first);
        self.bytes = 0;
        if let Some(part) = (self.loaders.start)(self.keyspace, is_first, self.turn.take()) {
            return Ok(OpenPart::There(part));
        }
        self.join_until(0)?;
        Ok(OpenPart::Here(self.loaders.store.start_bulk_load(self.keyspace, is_first)?))
    }

    fn close_part(&mut self) -> Result<()> {
        match self.open.take() {
            None => Ok(()),
            Some(OpenPart::Here(load)) => load.finish(),
            Some(OpenPart::There(mut part)) => {
                // If it ended early, that is what joining it will tell.
                let _ = part.batches.send(Message::End);
                self.turn = part.next_turn.take();
                self.closing.push_back(part);
                self.join_until(PARTS_AT_ONCE - 1)
            }
        }
    }

    fn join_until(&mut self, left: usize) -> Result<()> {
        while self.closing.len() > left {
            let Some(part) = self.closing.pop_front() else { break };
            part.join(|| self.loaders.store.directory().to_path_buf())?;
        }
        Ok(())
    }
}
