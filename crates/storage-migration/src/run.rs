//! The migration run: every record goes through all steps at once, is read once and written once.
//!
//! One thread reads (`feed`), several put the records through the steps (`transform`), and this one takes what becomes of
//! them in the order in which they were read. Fragments wait in a sorter until everything was read; then the groups of the
//! first step are joined, then those of the second, and so on. Whatever comes out behind the last step goes to its keyspace
//! of the target (see `output`).

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use integrity::{KeyspaceHasher, LogicalDigest};

use crate::feed::{Feed, Put};
use crate::keyspace_map::check_schema;
use crate::load::Loaders;
use crate::output::{DirectWrites, Handles, Plan};
use crate::renew::renew_listing;
use crate::run_file::Scratch;
use crate::sort::SorterPool;
use crate::tally::Tally;
use crate::transform::{Chunk, Destination, Kind, Outcome, Route, Worker};
use crate::{
    ARCHIVE, Disposition, EngineOptions, KeyspaceMap, MigrationPath, MigrationReport, Origin,
    Phase, Progress, RecordCounts, RecordSource, Result, StepCounts, Store,
};

/// Runs a whole path: reads each record at most once, writes each at most once, loses none (FC-UPGRADE-0001 §6–§8, §19).
///
/// `directory` must be in staging: after an error it is to be thrown away, whatever the error. After success it is
/// closed, but its tree is not synced as a whole: that is part of sealing it. `scratch` is an empty directory beside it, for
/// sorted runs; all are gone in the end. Memory is bounded by the options, and by the largest record; with several workers also by
/// two parts of 32 MiB for each keyspace that is being written (see `load`).
///
/// The result depends on the records and the steps alone. Where two records meet under one key in the *target* the run
/// is refused; where they meet under one key in a schema that is only passed through, and part again, it is not.
///
/// # Errors
/// Every [`MigrationError`](crate::MigrationError) but those of verification.
// trace: impl FC-6.2 FC-8.1 FC-8.2.1 FC-8.2.2 FC-19.1 FC-19.2 FC-28.1.4
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
    let sources = path.source().keyspaces.iter().map(|keyspace| keyspace.name);
    let staying = sources.filter(|name| stays(path, in_place, name)).collect();
    let route = Route::new(path, staying, options.recheck_every);
    let (report, leftovers) = thread::scope(|scope| {
        let loaders = Loaders::new(scope, &store, &route, options.workers > 1);
        let places = (&store, &handles, &loaders);
        let mut run = Run::new(&route, in_place, sorters, places, options, progress);
        run.read_all(source)?;
        run.join_all()?;
        run.add_earlier_archive(source)?;
        run.write_output(plan)
    })?;
    report.counts.check()?;
    drop(handles);
    for logical in &leftovers.superseded {
        store.delete_keyspace(logical)?;
    }
    store.expect_removed(leftovers.removed);
    store.check_keyspaces(&report.keyspaces)?;
    store.close()?;
    renew_listing(directory, scratch)?;
    Ok(report)
}

/// True if a keyspace of the source stays as it is. Nothing is ever added to such a keyspace: a step that keeps or
/// observes a keyspace may not emit into it.
pub(crate) fn stays(path: &MigrationPath<'_>, in_place: bool, keyspace: &str) -> bool {
    let stays = Some(Disposition::Untouched) == path.disposition(keyspace)
        || Some(Disposition::Observed) == path.disposition(keyspace);
    in_place && stays
}

/// A migration while it runs: what takes the outcomes, in order.
pub(crate) struct Run<'r, 'a> {
    pub(crate) route: &'r Route<'r, 'a>,
    in_place: bool,
    pub(crate) store: &'r Store,
    pub(crate) handles: &'r Handles,
    pub(crate) loaders: &'r Loaders<'r>,
    pub(crate) direct: DirectWrites<'r>,
    pub(crate) sorters: SorterPool<Destination>,
    pub(crate) counts: RecordCounts,
    /// What was read of each keyspace of the source, as it was handed to the first step.
    pub(crate) read: LogicalDigest,
    /// The bytes of its keys and values.
    pub(crate) bytes_read: u64,
    /// Records that arrived in each keyspace of the target.
    pub(crate) arrived: BTreeMap<&'static str, u64>,
    /// True if the archive is written anew.
    pub(crate) writes_archive: bool,
    pub(crate) options: &'r EngineOptions,
    pub(crate) progress: &'r mut dyn FnMut(&Progress<'_>),
}

impl<'r, 'a> Run<'r, 'a> {
    fn new(
        route: &'r Route<'r, 'a>,
        in_place: bool,
        sorters: SorterPool<Destination>,
        (store, handles, loaders): (&'r Store, &'r Handles, &'r Loaders<'r>),
        options: &'r EngineOptions,
        progress: &'r mut dyn FnMut(&Progress<'_>),
    ) -> Self {
        let named = |step: &&dyn crate::MigrationStep| StepCounts {
            step: step.name().to_owned(),
            ..StepCounts::default()
        };
        let steps = route.path.steps().iter().map(named).collect();
        Self {
            route,
            in_place,
            store,
            handles,
            loaders,
            direct: DirectWrites::default(),
            sorters,
            counts: RecordCounts { steps, ..RecordCounts::default() },
            read: LogicalDigest::default(),
            bytes_read: 0,
            arrived: BTreeMap::new(),
            writes_archive: false,
            options,
            progress,
        }
    }

    fn read_all(&mut self, source: &dyn RecordSource) -> Result<()> {
        let path = self.route.path;
        for keyspace in path.source().keyspaces {
            let untouched = path.disposition(keyspace.name) == Some(Disposition::Untouched);
            if !(self.in_place && untouched) {
                self.read_keyspace(source, keyspace.name)?;
            }
        }
        Ok(())
    }

    fn read_keyspace(&mut self, source: &dyn RecordSource, keyspace: &'static str) -> Result<()> {
        let mut hasher = KeyspaceHasher::new(keyspace);
        let produce = |feed: Feed<'_, '_, '_>| feed.scan(source, keyspace);
        self.drive(Kind::Source(keyspace), (Phase::Read, None), produce, |run, outcome| {
            run.bytes_read += outcome.bytes;
            if let Some(read) = outcome.read {
                read.add_to(&mut hasher);
                run.route.recycle(read.batch);
            }
            run.take_in(outcome.batches)
        })?;
        self.read.insert(keyspace, hasher.finish());
        Ok(())
    }

    /// An archive that is there already is written anew if records join it, or if the store is new.
    fn add_earlier_archive(&mut self, source: &dyn RecordSource) -> Result<()> {
        let earlier = source.keyspaces().iter().any(|name| name == ARCHIVE);
        self.writes_archive = self.counts.archived > 0 || (earlier && !self.in_place);
        if !earlier || !self.writes_archive {
            return Ok(());
        }
        let produce = |feed: Feed<'_, '_, '_>| feed.scan(source, ARCHIVE);
        self.drive(Kind::Finished(ARCHIVE), (Phase::Read, None), produce, |run, outcome| {
            run.counts.carried += outcome.done;
            run.take_in(outcome.batches)
        })
    }

    /// Joins the groups of each step in turn. What a join emits can only make groups of later steps.
    fn join_all(&mut self) -> Result<()> {
        for level in 0..self.route.stages.len() {
            for name in self.sorters.names() {
                match name {
                    Destination::Join(of, keyspace) if of == level => self.join(level, keyspace)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn join(&mut self, level: usize, keyspace: &'static str) -> Result<()> {
        let fragments = self.sorters.take(&Destination::Join(level, keyspace))?;
        let maximum = self.options.maximum_group_bytes;
        let produce = move |feed: Feed<'_, '_, '_>| feed.groups(fragments, keyspace, maximum);
        self.drive(Kind::Groups(level, keyspace), (Phase::Join, None), produce, |run, outcome| {
            run.take_in(outcome.batches)
        })
    }

    /// Runs a pipeline over records of one kind, and takes each outcome in order. Reports progress against `total`.
    pub(crate) fn drive(
        &mut self,
        kind: Kind,
        (phase, total): (Phase, Option<u64>),
        produce: impl for<'f> FnOnce(Feed<'f, 'r, 'a>) -> Result<()> + Send,
        mut take: impl FnMut(&mut Self, Outcome) -> Result<()>,
    ) -> Result<()> {
        let route = self.route;
        let mut tally = Tally::new(phase, kind.keyspace(), total);
        pipeline::ordered_by_weight(
            self.options.shape(),
            |chunk: &Chunk| chunk.batch.bytes().len(),
            |put: &mut Put<'_>| produce(Feed::new(route, kind, put)),
            || {
                let mut worker = Worker::new(route);
                move |chunk| worker.work(chunk)
            },
            |outcome: Outcome| {
                // Here, and not by the workers: so it is the same batch for any number of them.
                self.options.cancellation.check()?;
                self.counts.absorb(&outcome.counts);
                tally.add(outcome.done, outcome.bytes, self.progress);
                take(self, outcome)
            },
        )?;
        tally.finish(self.progress);
        Ok(())
    }
}
