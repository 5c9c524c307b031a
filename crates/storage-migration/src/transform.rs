//! What becomes of a batch of records: the part of a run that is pure, and is done on any thread.
//!
//! A record on its way is pushed from level to level; level `i` is the schema that step `i` starts from. A kept record
//! goes on as it is, a rewritten one as what the step makes of it; fragments, and whatever comes out behind the last step,
//! are gathered by destination. Nothing here looks at anything but the batch, so neither the number of threads nor their
//! order can change what comes out (FC-UPGRADE-0001 §19).

use std::collections::BTreeSet;

use pipeline::Pool;

use crate::apply::check_storable;
use crate::batch::{BATCH_BYTES, Batch, Digested};
use crate::path::Stage;
use crate::{
    ARCHIVE, Action, ArchivedRecord, Emitter, MigrationError, MigrationPath, Output, Record,
    RecordCounts, Result, StepCounts,
};

/// Memory of this many batches is kept to be used again.
const KEPT_BUFFERS: usize = 64;
/// What an unusually large batch leaves behind is not kept.
const KEPT_BYTES: usize = 4 * BATCH_BYTES;

/// Where records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Destination {
    /// Fragments of a step's joins into a keyspace, by group.
    Join(usize, &'static str),
    /// Records of a keyspace of the target.
    Target(&'static str),
}

/// What the records of a batch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records of a keyspace of the source.
    Source(&'static str),
    /// Whole groups of fragments, each key being a group, for the joins of a step into a keyspace.
    Groups(usize, &'static str),
    /// Records that go into a keyspace of the target as they are.
    Finished(&'static str),
}

impl Kind {
    /// The keyspace that is worked on.
    pub(crate) fn keyspace(self) -> &'static str {
        match self {
            Self::Source(keyspace) | Self::Groups(_, keyspace) | Self::Finished(keyspace) => {
                keyspace
            }
        }
    }
}

/// Some records that are to go through the steps.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) kind: Kind,
    pub(crate) batch: Batch,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many records, or groups, were in the batch.
    pub(crate) done: u64,
    /// The bytes of their keys and values.
    pub(crate) bytes: u64,
    /// The batch itself, as it was read from the source.
    pub(crate) read: Option<Digested>,
    /// What goes where, in the order in which it came.
    pub(crate) batches: Vec<(Destination, Digested)>,
    /// What happened to the records. Steps are told apart by their place alone.
    pub(crate) counts: RecordCounts,
}

/// What is the same for every batch of a run.
pub(crate) struct Route<'r, 'a> {
    pub(crate) path: &'r MigrationPath<'a>,
    pub(crate) stages: Vec<Stage<'r, 'a>>,
    /// Keyspaces of the source that stay as they are.
    staying: BTreeSet<&'static str>,
    recheck_every: u64,
    buffers: Pool<Vec<u8>>,
}

impl<'r, 'a> Route<'r, 'a> {
    pub(crate) fn new(
        path: &'r MigrationPath<'a>,
        staying: BTreeSet<&'static str>,
        recheck_every: u64,
    ) -> Self {
        let buffers = Pool::new(KEPT_BUFFERS);
        Self { path, stages: path.stages().collect(), staying, recheck_every, buffers }
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch {
        Batch::reusing(self.buffers.take().unwrap_or_default())
    }

    /// Takes back the memory of a batch that is done with.
    pub(crate) fn recycle(&self, batch: Batch) {
        let bytes = batch.into_bytes();
        if bytes.capacity() <= KEPT_BYTES {
            self.buffers.give(bytes);
        }
    }

    fn counts(&self) -> RecordCounts {
        let steps = self.stages.iter().map(|_| StepCounts::default()).collect();
        RecordCounts { steps, ..RecordCounts::default() }
    }
}

/// Does the work for one batch after the other.
pub(crate) struct Worker<'w, 'r, 'a> {
    route: &'w Route<'r, 'a>,
    /// One for each level: a record may be pushed on while what else became of its predecessor still waits.
    emitters: Vec<Emitter>,
    again: Emitter,
    /// Calls of steps for this batch.
    calls: u64,
    batches: Vec<(Destination, Batch)>,
    counts: RecordCounts,
}

// trace: impl FC-5.3 FC-6.1.1 FC-19.1 FC-19.2
impl<'w, 'r, 'a> Worker<'w, 'r, 'a> {
    pub(crate) fn new(route: &'w Route<'r, 'a>) -> Self {
        Self {
            emitters: route.stages.iter().map(|_| Emitter::default()).collect(),
            again: Emitter::default(),
            calls: 0,
            batches: Vec::new(),
            counts: route.counts(),
            route,
        }
    }

    /// Sends all records of a batch through the steps.
    ///
    /// # Errors
    /// What the first of them meets.
    pub(crate) fn work(&mut self, chunk: Chunk) -> Result<Outcome> {
        let Chunk { kind, batch } = chunk;
        self.calls = 0;
        let (mut done, bytes) = (batch.len() as u64, batch.content_bytes());
        let read = match kind {
            Kind::Source(keyspace) => {
                self.counts.read += done;
                batch.records().try_for_each(|(key, value)| self.push(0, keyspace, key, value))?;
                Some(Digested::new(batch))
            }
            Kind::Groups(level, keyspace) => {
                done = self.join(level, keyspace, &batch)?;
                self.route.recycle(batch);
                None
            }
            Kind::Finished(keyspace) => {
                self.batches.push((Destination::Target(keyspace), batch));
                None
            }
        };
        let digested = |(destination, batch)| (destination, Digested::new(batch));
        let batches = std::mem::take(&mut self.batches).into_iter().map(digested).collect();
        let counts = std::mem::replace(&mut self.counts, self.route.counts());
        Ok(Outcome { done, bytes, read, batches, counts })
    }

    /// A record of the schema of this level goes through the step of this level. Recursion is as deep as the path is
    /// long, at most [`MAXIMUM_STEPS`](crate::MAXIMUM_STEPS).
    fn push(
        &mut self,
        level: usize,
        keyspace: &'static str,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let Some(stage) = self.route.stages.get(level).copied() else {
            return self.arrive(keyspace, key, value);
        };
        let action = stage.step.action(keyspace);
        self.count(level, |counts| {
            counts.received += 1;
            match action {
                Action::Keep => counts.kept += 1,
                Action::Observe => counts.observed += 1,
                Action::Rewrite => counts.rewritten += 1,
            }
        });
        if action != Action::Rewrite {
            self.push(level + 1, keyspace, key, value)?;
        }
        if action == Action::Keep {
            return Ok(());
        }
        let mut emitter = self.emitter(level);
        stage.transform(keyspace, key, value, &mut emitter)?;
        if self.is_to_be_rechecked() {
            stage.transform(keyspace, key, value, &mut self.again)?;
            self.agree(stage, keyspace, key, &emitter)?;
        }
        self.deliver(level, keyspace, key, value, &emitter)?;
        self.keep(level, emitter);
        Ok(())
    }

    fn deliver(
        &mut self,
        level: usize,
        keyspace: &'static str,
        key: &[u8],
        value: &[u8],
        emitter: &Emitter,
    ) -> Result<()> {
        let mut lives = false;
        for output in emitter.outputs() {
            match output {
                Output::Emit { keyspace, key, value, derived } => {
                    lives |= !derived;
                    self.count(level, |counts| {
                        *(if derived { &mut counts.derived } else { &mut counts.emitted }) += 1;
                    });
                    self.push(level + 1, keyspace, key, value)?;
                }
                Output::Fragment { keyspace, group, fragment, derived } => {
                    lives |= !derived;
                    self.count(level, |counts| counts.fragments += 1);
                    self.put(Destination::Join(level, keyspace), group, fragment);
                }
                Output::Archive { reason } => {
                    self.count(level, |counts| counts.archived += 1);
                    self.archive(level, keyspace, key, value, reason)?;
                }
                Output::Drop => self.count(level, |counts| counts.dropped += 1),
            }
        }
        self.count(level, |counts| counts.living += u64::from(lives));
        Ok(())
    }

    // trace: impl FC-6.2
    fn archive(
        &mut self,
        level: usize,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        reason: &str,
    ) -> Result<()> {
        let route = self.route;
        let schema = route.stages.get(level).map_or(route.path.to(), |stage| stage.from.version);
        let record = Record { key: key.to_vec(), value: value.to_vec() };
        let (keyspace, reason) = (keyspace.to_owned(), reason.to_owned());
        let archived = ArchivedRecord { schema, keyspace, reason, record };
        let encoded = archived.encode().ok_or_else(|| MigrationError::NotStorable {
            keyspace: ARCHIVE.to_owned(),
            key: key.to_vec(),
            reason: "a part of it is too long for the archive",
        })?;
        check_storable(ARCHIVE, &encoded.key, &encoded.value)?;
        self.counts.archived += 1;
        self.put(Destination::Target(ARCHIVE), &encoded.key, &encoded.value);
        Ok(())
    }

    fn arrive(&mut self, keyspace: &'static str, key: &[u8], value: &[u8]) -> Result<()> {
        if self.route.staying.contains(keyspace) {
            self.counts.stayed += 1;
            return Ok(());
        }
        check_storable(keyspace, key, value)?;
        self.counts.arrived += 1;
        self.put(Destination::Target(keyspace), key, value);
        Ok(())
    }

    /// Joins every group of a batch, and returns how many there were.
    fn join(&mut self, level: usize, keyspace: &'static str, batch: &Batch) -> Result<u64> {
        let (mut records, mut groups) = (batch.records().peekable(), 0);
        // Bounded by the number of fragments.
        while let Some((group, fragment)) = records.next() {
            let mut members = vec![fragment.to_vec()];
            while let Some((_, fragment)) = records.next_if(|(next, _)| *next == group) {
                members.push(fragment.to_vec());
            }
            self.join_group(level, keyspace, group, &members)?;
            groups += 1;
        }
        Ok(groups)
    }

    fn join_group(
        &mut self,
        level: usize,
        keyspace: &'static str,
        group: &[u8],
        members: &[Vec<u8>],
    ) -> Result<()> {
        let Some(stage) = self.route.stages.get(level).copied() else { return Ok(()) };
        let mut emitter = self.emitter(level);
        stage.join(keyspace, group, members, &mut emitter)?;
        if self.is_to_be_rechecked() {
            stage.join(keyspace, group, members, &mut self.again)?;
            self.agree(stage, keyspace, group, &emitter)?;
        }
        self.count(level, |counts| {
            counts.groups += 1;
            counts.joined_fragments += members.len() as u64;
            counts.joined += emitter.outputs().count() as u64;
        });
        for output in emitter.outputs() {
            if let Output::Emit { keyspace, key, value, .. } = output {
                self.push(level + 1, keyspace, key, value)?;
            }
        }
        self.keep(level, emitter);
        Ok(())
    }

    /// A step that was called twice must have said the same.
    // trace: impl FC-19.1
    fn agree(
        &self,
        stage: Stage<'_, '_>,
        keyspace: &str,
        key: &[u8],
        first: &Emitter,
    ) -> Result<()> {
        if first.agrees_with(&self.again) {
            return Ok(());
        }
        let (step, keyspace, key) = (stage.step.name(), keyspace.to_owned(), key.to_vec());
        Err(MigrationError::NotDeterministic { step, keyspace, key })
    }

    /// True if the call of a step that was just made is to be made once more. Counted within the batch, so that it does
    /// not depend on which worker gets it; the first call for a batch is always among them.
    fn is_to_be_rechecked(&mut self) -> bool {
        let every = self.route.recheck_every;
        let due = every > 0 && self.calls.is_multiple_of(every);
        self.calls += 1;
        due
    }

    fn put(&mut self, destination: Destination, key: &[u8], value: &[u8]) {
        // A handful of destinations.
        let found = self.batches.iter_mut().find(|(other, _)| *other == destination);
        if let Some((_, batch)) = found {
            return batch.push(key, value);
        }
        let mut batch = self.route.batch();
        batch.push(key, value);
        self.batches.push((destination, batch));
    }

    fn count(&mut self, level: usize, change: impl FnOnce(&mut StepCounts)) {
        if let Some(counts) = self.counts.steps.get_mut(level) {
            change(counts);
        }
    }

    fn emitter(&mut self, level: usize) -> Emitter {
        self.emitters.get_mut(level).map(std::mem::take).unwrap_or_default()
    }

    fn keep(&mut self, level: usize, emitter: Emitter) {
        if let Some(kept) = self.emitters.get_mut(level) {
            *kept = emitter;
        }
    }
}
