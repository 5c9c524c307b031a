//! The migration run: every record goes through all steps at once, is read once and written once.
//!
//! A record on its way is pushed from level to level; level `i` is the schema that step `i` starts from. A kept record
//! goes on as it is, a rewritten one as what the step makes of it, fragments wait in a sorter until everything was read;
//! then the groups of the first step are joined, then those of the second, and so on. Whatever comes out behind the last
//! step waits in the sorter of its keyspace, and is bulk-loaded from there in key order (see `output`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use integrity::{KeyspaceHasher, LogicalDigest};

use crate::apply::check_storable;
use crate::keyspace_map::check_schema;
use crate::output::{DirectWrites, Handles, Plan};
use crate::path::Stage;
use crate::run_file::Scratch;
use crate::sort::SorterPool;
use crate::{
    ARCHIVE, Action, ArchivedRecord, Disposition, Emitter, EngineOptions, KeyspaceMap,
    MigrationError, MigrationPath, MigrationReport, Origin, Output, PROGRESS_RECORDS, Phase,
    Progress, Record, RecordCounts, RecordSource, Result, SourceError, StepCounts, Store,
};

/// Runs a whole path: reads each record at most once, writes each at most once, loses none (FC-UPGRADE-0001 §6–§8, §19).
///
/// `directory` must be in staging: after an error it is to be thrown away, whatever the error. After success it is
/// closed, but its tree is not synced as a whole: that is part of sealing it. `scratch` is an empty directory for sorted
/// runs; all are gone in the end. Memory is bounded by the options, and by the largest record.
///
/// The result depends on the records and the steps alone. Where two records meet under one key in the *target* the run
/// is refused; where they meet under one key in a schema that is only passed through, and part again, it is not.
///
/// # Errors
/// Every [`MigrationError`] but those of verification.
pub fn migrate(
    path: &MigrationPath<'_>,
    origin: Origin<'_>,
    directory: &Path,
    scratch: &Path,
    options: &EngineOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<MigrationReport> {
    let (mut store, plan) = match origin {
        Origin::Store(map) => {
            map.check_schema(path.source())?;
            (Store::open(directory, map, options)?, Plan::new(path, Some(map)))
        }
        Origin::Records(source) => {
            let names = source.keyspaces();
            check_schema(names.iter().map(String::as_str), path.source())?;
            let empty = KeyspaceMap::default();
            (Store::create(directory, &empty, options)?, Plan::new(path, None))
        }
    };
    let handles = plan.create(&store)?;
    let (source, in_place): (&dyn RecordSource, bool) = match origin {
        Origin::Store(_) => (&store, true),
        Origin::Records(source) => (source, false),
    };
    let sorters = SorterPool::new(Scratch::new(scratch), options);
    let mut run = Run::new(path, in_place, sorters, (&store, &handles), options, progress);
    run.read_all(source)?;
    run.join_all()?;
    run.add_earlier_archive(source)?;
    let (report, leftovers) = run.write_output(plan)?;
    report.counts.check()?;
    drop(handles);
    for logical in &leftovers.superseded {
        store.delete_keyspace(logical)?;
    }
    store.expect_removed(leftovers.removed);
    store.check_keyspaces(&report.keyspaces)?;
    store.close()?;
    Ok(report)
}

/// True if a keyspace of the source stays as it is. Nothing is ever added to such a keyspace: a step that keeps or
/// observes a keyspace may not emit into it.
pub(crate) fn stays(path: &MigrationPath<'_>, in_place: bool, keyspace: &str) -> bool {
    let stays = Some(Disposition::Untouched) == path.disposition(keyspace)
        || Some(Disposition::Observed) == path.disposition(keyspace);
    in_place && stays
}

/// The sorters of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SorterName {
    /// Fragments of a step's joins into a keyspace, by group.
    Join(usize, &'static str),
    /// Records of a keyspace of the target.
    Target(&'static str),
}

/// A migration while it runs.
pub(crate) struct Run<'r, 'a> {
    pub(crate) path: &'r MigrationPath<'a>,
    stages: Vec<Stage<'r, 'a>>,
    in_place: bool,
    /// Keyspaces of the source that stay as they are.
    staying: BTreeSet<&'static str>,
    pub(crate) store: &'r Store,
    pub(crate) handles: &'r Handles,
    pub(crate) direct: DirectWrites<'r>,
    pub(crate) sorters: SorterPool<SorterName>,
    pub(crate) counts: RecordCounts,
    /// What was read of each keyspace of the source, as it was handed to the first step.
    pub(crate) read: LogicalDigest,
    /// Records that arrived in each keyspace of the target.
    pub(crate) arrived: BTreeMap<&'static str, u64>,
    /// True if the archive is written anew.
    pub(crate) writes_archive: bool,
    emitter: Emitter,
    calls: u64,
    options: &'r EngineOptions,
    pub(crate) progress: &'r mut dyn FnMut(&Progress<'_>),
}

/// What a run does with each record of a scan.
type Take<'t, 'r, 'a> = dyn FnMut(&mut Run<'r, 'a>, &[u8], &[u8]) -> Result<()> + 't;

impl<'r, 'a> Run<'r, 'a> {
    fn new(
        path: &'r MigrationPath<'a>,
        in_place: bool,
        sorters: SorterPool<SorterName>,
        (store, handles): (&'r Store, &'r Handles),
        options: &'r EngineOptions,
        progress: &'r mut dyn FnMut(&Progress<'_>),
    ) -> Self {
        let stages: Vec<_> = path.stages().collect();
        let named = |stage: &Stage<'_, '_>| StepCounts {
            step: stage.step.name().to_owned(),
            ..StepCounts::default()
        };
        let steps = stages.iter().map(named).collect();
        let source = path.source().keyspaces.iter().map(|keyspace| keyspace.name);
        Self {
            path,
            staying: source.filter(|name| stays(path, in_place, name)).collect(),
            in_place,
            store,
            handles,
            direct: DirectWrites::default(),
            sorters,
            counts: RecordCounts { steps, ..RecordCounts::default() },
            read: LogicalDigest::default(),
            arrived: BTreeMap::new(),
            writes_archive: false,
            emitter: Emitter::default(),
            calls: 0,
            stages,
            options,
            progress,
        }
    }

    fn read_all(&mut self, source: &dyn RecordSource) -> Result<()> {
        for keyspace in self.path.source().keyspaces {
            let untouched = self.path.disposition(keyspace.name) == Some(Disposition::Untouched);
            if !(self.in_place && untouched) {
                let mut hasher = KeyspaceHasher::new(keyspace.name);
                self.scan(source, keyspace.name, &mut |run, key, value| {
                    run.counts.read += 1;
                    hasher.update(key, value);
                    run.push(0, keyspace.name, key, value)
                })?;
                self.read.insert(keyspace.name, hasher.finish());
            }
        }
        Ok(())
    }

    /// An archive that is there already is written anew if records join it, or if the store is new.
    fn add_earlier_archive(&mut self, source: &dyn RecordSource) -> Result<()> {
        let earlier = source.keyspaces().iter().any(|name| name == ARCHIVE);
        self.writes_archive = self.counts.archived > 0 || (earlier && !self.in_place);
        if !earlier || !self.writes_archive {
            return Ok(());
        }
        self.scan(source, ARCHIVE, &mut |run, key, value| {
            run.counts.carried += 1;
            check_storable(ARCHIVE, key, value)?;
            *run.arrived.entry(ARCHIVE).or_default() += 1;
            run.take_in(ARCHIVE, key, value)
        })
    }

    /// Scans a keyspace of the source, verifies its order, and reports progress.
    fn scan(
        &mut self,
        source: &dyn RecordSource,
        keyspace: &'static str,
        take: &mut Take<'_, 'r, 'a>,
    ) -> Result<()> {
        let (mut records, mut last) = (0, Vec::new());
        let mut failure = None;
        let scanned = source.scan(keyspace, &mut |key, value| {
            let result = if records > 0 && key <= last.as_slice() {
                let (keyspace, key) = (keyspace.to_owned(), key.to_vec());
                Err(MigrationError::OutOfOrder { keyspace, key })
            } else {
                take(self, key, value)
            };
            last.clear();
            last.extend_from_slice(key);
            records += 1;
            self.report(Phase::Read, keyspace, records, None);
            // The visitor speaks the source's language; the real error waits outside.
            result.map_err(|error| {
                let reason = error.to_string();
                failure = Some(error);
                SourceError { keyspace: keyspace.to_owned(), origin: String::new(), reason }
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        scanned?;
        (self.progress)(&Progress { phase: Phase::Read, keyspace, records, total: Some(records) });
        Ok(())
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
        let Some(stage) = self.stages.get(level).copied() else {
            return self.arrive(keyspace, key, value);
        };
        let action = stage.step.action(keyspace);
        if let Some(counts) = self.counts.steps.get_mut(level) {
            counts.received += 1;
            match action {
                Action::Keep => counts.kept += 1,
                Action::Observe => counts.observed += 1,
                Action::Rewrite => counts.rewritten += 1,
            }
        }
        if action != Action::Rewrite {
            self.push(level + 1, keyspace, key, value)?;
        }
        if action == Action::Keep {
            return Ok(());
        }
        let outputs = stage.transform(keyspace, key, value, &mut self.emitter)?;
        if self.recheck() && outputs != stage.transform(keyspace, key, value, &mut self.emitter)? {
            let (step, keyspace, key) = (stage.step.name(), keyspace.to_owned(), key.to_vec());
            return Err(MigrationError::NotDeterministic { step, keyspace, key });
        }
        self.deliver(level, keyspace, key, value, outputs)
    }

    fn deliver(
        &mut self,
        level: usize,
        keyspace: &'static str,
        key: &[u8],
        value: &[u8],
        outputs: Vec<Output>,
    ) -> Result<()> {
        let mut lives = false;
        for output in outputs {
            match output {
                Output::Emit { keyspace, record, derived } => {
                    lives |= !derived;
                    self.count(level, |counts| {
                        *(if derived { &mut counts.derived } else { &mut counts.emitted }) += 1;
                    });
                    self.push(level + 1, keyspace, &record.key, &record.value)?;
                }
                Output::Fragment { keyspace, group, fragment, derived } => {
                    lives |= !derived;
                    self.count(level, |counts| counts.fragments += 1);
                    self.sort_in(SorterName::Join(level, keyspace), &group, &fragment)?;
                }
                Output::Archive { reason } => {
                    self.count(level, |counts| counts.archived += 1);
                    self.archive(level, keyspace, key, value, reason)?;
                }
            }
        }
        self.count(level, |counts| counts.living += u64::from(lives));
        Ok(())
    }

    fn archive(
        &mut self,
        level: usize,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        reason: String,
    ) -> Result<()> {
        let schema = self.stages.get(level).map_or(self.path.to(), |stage| stage.from.version);
        let record = Record { key: key.to_vec(), value: value.to_vec() };
        let archived = ArchivedRecord { schema, keyspace: keyspace.to_owned(), reason, record };
        let encoded = archived.encode().ok_or_else(|| MigrationError::NotStorable {
            keyspace: ARCHIVE.to_owned(),
            key: key.to_vec(),
            reason: "a part of it is too long for the archive",
        })?;
        check_storable(ARCHIVE, &encoded.key, &encoded.value)?;
        self.counts.archived += 1;
        *self.arrived.entry(ARCHIVE).or_default() += 1;
        self.take_in(ARCHIVE, &encoded.key, &encoded.value)
    }

    fn arrive(&mut self, keyspace: &'static str, key: &[u8], value: &[u8]) -> Result<()> {
        if self.staying.contains(keyspace) {
            self.counts.stayed += 1;
            return Ok(());
        }
        check_storable(keyspace, key, value)?;
        self.counts.arrived += 1;
        *self.arrived.entry(keyspace).or_default() += 1;
        self.take_in(keyspace, key, value)
    }

    /// Joins the groups of each step in turn. What a join emits can only make groups of later steps.
    fn join_all(&mut self) -> Result<()> {
        for level in 0..self.stages.len() {
            for name in self.sorters.names() {
                match name {
                    SorterName::Join(of, keyspace) if of == level => self.join(level, keyspace)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn join(&mut self, level: usize, keyspace: &'static str) -> Result<()> {
        let mut fragments = self.sorters.take(&SorterName::Join(level, keyspace))?;
        let mut next = fragments.next()?;
        let mut groups = 0;
        // Bounded by the number of fragments.
        while let Some(Record { key: group, value }) = next {
            let (mut members, mut bytes) = (vec![value], 0);
            next = fragments.next()?;
            while let Some(Record { value, .. }) = next.take_if(|next| next.key == group) {
                bytes += value.len();
                members.push(value);
                next = fragments.next()?;
                if bytes > self.options.maximum_group_bytes {
                    let (keyspace, maximum) =
                        (keyspace.to_owned(), self.options.maximum_group_bytes);
                    return Err(MigrationError::GroupTooLarge { keyspace, group, maximum });
                }
            }
            self.join_group(level, keyspace, &group, &members)?;
            groups += 1;
            self.report(Phase::Join, keyspace, groups, None);
        }
        let (phase, total) = (Phase::Join, Some(groups));
        (self.progress)(&Progress { phase, keyspace, records: groups, total });
        Ok(())
    }

    fn join_group(
        &mut self,
        level: usize,
        keyspace: &'static str,
        group: &[u8],
        members: &[Vec<u8>],
    ) -> Result<()> {
        let Some(stage) = self.stages.get(level).copied() else { return Ok(()) };
        let outputs = stage.join(keyspace, group, members, &mut self.emitter)?;
        if self.recheck() && outputs != stage.join(keyspace, group, members, &mut self.emitter)? {
            let (step, keyspace, key) = (stage.step.name(), keyspace.to_owned(), group.to_vec());
            return Err(MigrationError::NotDeterministic { step, keyspace, key });
        }
        self.count(level, |counts| {
            counts.groups += 1;
            counts.joined_fragments += members.len() as u64;
            counts.joined += outputs.len() as u64;
        });
        for output in outputs {
            if let Output::Emit { keyspace, record, .. } = output {
                self.push(level + 1, keyspace, &record.key, &record.value)?;
            }
        }
        Ok(())
    }

    /// True if the next call of a step is to be made twice.
    fn recheck(&mut self) -> bool {
        let due =
            self.options.recheck_every > 0 && self.calls.is_multiple_of(self.options.recheck_every);
        self.calls += 1;
        due
    }

    fn count(&mut self, level: usize, change: impl FnOnce(&mut StepCounts)) {
        if let Some(counts) = self.counts.steps.get_mut(level) {
            change(counts);
        }
    }

    pub(crate) fn report(
        &mut self,
        phase: Phase,
        keyspace: &str,
        records: u64,
        total: Option<u64>,
    ) {
        if records.is_multiple_of(PROGRESS_RECORDS) {
            (self.progress)(&Progress { phase, keyspace, records, total });
        }
    }
}
