//! A home: opened for changes with its lock, or read without.

use std::path::Path;
use std::time::Duration;

use journal::{
    AttemptNumber, Event, Journal, Operation, Record, Repair, TelemetryEvent, TelemetrySink,
};
use rollback::{Generation, HomeLock, Layout, Swept};
use versioning::{GenerationNumber, RuntimeVersion};

use crate::Environment;
use crate::adopt::JOURNAL_FORMAT;
use crate::error::{Cause, Condition, Error, Result};
use crate::lifecycle::{Fate, HomeState, Phase};
use crate::trust::Admitted;

/// The longest reason that is written into the journal, in bytes.
const MAXIMUM_REASON_BYTES: usize = 2048;

/// A home that is open for changes: its lock is held, and whatever an interruption left was put right.
pub struct Home<'e> {
    pub(crate) environment: Environment<'e>,
    pub(crate) layout: Layout,
    pub(crate) state: HomeState,
    journal: Journal,
    telemetry: &'e mut dyn TelemetrySink,
    recovery: Recovery,
    /// Last, so that it is released last.
    _lock: HomeLock,
}

/// What opening a home put right.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Recovery {
    /// What the journal's end needed.
    pub journal: Option<Repair>,
    /// Unfinished directories that were removed, and those that could not be.
    pub swept: Swept,
    /// The attempt that was interrupted and is now on record as ended without effect.
    pub aborted: Option<(AttemptNumber, Operation)>,
    /// Generations that an attempt without effect had built, or that were collected, and that were removed.
    pub removed: Vec<GenerationNumber>,
    /// Those that could not be.
    pub not_removed: Vec<GenerationNumber>,
}

impl Recovery {
    /// True if there was nothing to put right.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl<'e> Home<'e> {
    /// Opens a home for changes: takes its lock, waiting for at most `lock_timeout`, and puts right what an interruption left.
    ///
    /// An interrupted attempt that had not reached its commit point is recorded as aborted, and what it built is removed;
    /// one that had reached it is complete. So a home is exactly old or exactly new (FC-UPGRADE-0001 §7, §16).
    ///
    /// # Errors
    /// If there is no home, if another process holds it, or if its journal is lost or broken. Then nothing was changed.
    // trace: impl FC-7.1 FC-16.3
    pub fn open(
        root: &Path,
        environment: Environment<'e>,
        telemetry: &'e mut dyn TelemetrySink,
        lock_timeout: Duration,
    ) -> Result<Self> {
        let (layout, lock) = lock_home(root, lock_timeout)?;
        Self::open_locked(layout, lock, environment, telemetry)
    }

    /// Opens a home for an operation that only reads, but needs the lock for its scratch space. An interrupted attempt is
    /// refused, not ended; scratch space that was left is swept.
    ///
    /// # Errors
    /// [`Cause::Interrupted`], or as [`Home::open`].
    pub fn open_to_read(
        root: &Path,
        environment: Environment<'e>,
        telemetry: &'e mut dyn TelemetrySink,
        lock_timeout: Duration,
    ) -> Result<Self> {
        let (layout, lock) = lock_home(root, lock_timeout)?;
        // Under the lock nobody else's attempt is going on: one that has not ended was interrupted.
        if let Some(open) = HomeView::read(root, environment)?.state.attempt {
            let cause = Cause::Interrupted { attempt: open.number, operation: open.operation };
            return Err(Error::new(cause, Condition::Unfinished));
        }
        Self::open_locked(layout, lock, environment, telemetry)
    }

    /// As [`Home::open`], with the lock held already.
    pub(crate) fn open_locked(
        layout: Layout,
        lock: HomeLock,
        environment: Environment<'e>,
        telemetry: &'e mut dyn TelemetrySink,
    ) -> Result<Self> {
        let (journal, state, recovery) = settle(&layout, environment, INTERRUPTED)
            .map_err(|cause| {
                let condition = condition_after(&cause, &layout, environment);
                Error::new(name_generations(cause, &layout), condition)
            })
            .map_err(explicit_recovery_only)?;
        Ok(Self { environment, layout, state, journal, telemetry, recovery, _lock: lock })
    }

    /// What opening put right.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// What the journal amounts to.
    pub fn state(&self) -> &HomeState {
        &self.state
    }

    /// All records of the journal, oldest first.
    pub fn records(&self) -> &[Record] {
        self.journal.records()
    }

    /// Where things are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// As the home stands now, nothing having been changed.
    pub fn unchanged(&self) -> Condition {
        Condition::Unchanged(current(&self.state))
    }

    /// Ends what is going on if somebody wants it to end. Asked before the commit point only: behind it nothing is to be ended.
    pub(crate) fn go_on(&self) -> std::result::Result<(), Cause> {
        Ok(self.environment.engine.cancellation.check()?)
    }

    /// Begins an attempt.
    pub(crate) fn begin(
        &mut self,
        operation: Operation,
        admitted: &Admitted,
    ) -> std::result::Result<AttemptNumber, Cause> {
        // Going back, and giving space back, must be possible on a full disk: for that the space was reserved by what came
        // before.
        let needs_no_more =
            matches!(operation, Operation::Rollback | Operation::Recover | Operation::Collect);
        match self.journal.reserve() {
            Err(error) if !needs_no_more || self.journal.outcome_unknown() => {
                return Err(error.into());
            }
            _ => {}
        }
        let operator = self.environment.operator.to_owned();
        let Admitted { authority, signed, clock_behind } = admitted.clone();
        let event = Event::Authorized { operation, authority, operator, signed, clock_behind };
        let attempt = self.journal.records().len() as u64;
        self.append(attempt, event)?;
        Ok(attempt)
    }

    /// Appends a record outside of any attempt, such as a start. What a revert would need stays in reserve: starts and stops
    /// can follow each other without end.
    pub(crate) fn note(&mut self, event: Event) -> std::result::Result<(), Cause> {
        if self.journal.reserved() < (journal::RESERVE_BYTES + journal::MAXIMUM_RECORD_BYTES) as u64
        {
            self.journal.reserve()?;
        }
        self.append(self.journal.records().len() as u64, event)
    }

    /// Appends a record. When this returns it is durable, and the state has advanced.
    pub(crate) fn append(
        &mut self,
        attempt: AttemptNumber,
        event: Event,
    ) -> std::result::Result<(), Cause> {
        let seq = self.journal.records().len() as u64;
        let last = self.journal.records().last().map(|record| record.time);
        let now = last.into_iter().fold(self.environment.clock.now(), Ord::max);
        let mut next = self.state.clone();
        // No history may come to be that could not be read back.
        next.advance(seq, attempt, &event, now)
            .map_err(|reason| Cause::Contradiction { seq, reason })?;
        let name = event.name();
        if attempt == seq {
            self.journal.begin(event, now)?;
        } else {
            self.journal.append(attempt, event, now)?;
        }
        let before = std::mem::replace(&mut self.state, next);
        self.emit(&before, attempt, name);
        Ok(())
    }

    // trace: impl FC-4.3 FC-17.1 FC-17.2.1
    // trace: impl FC-8.4 FC-16.2.1 FC-29.1.5
    fn emit(&mut self, before: &HomeState, attempt: AttemptNumber, event: &'static str) {
        let after = &self.state;
        let open = after.attempt.as_ref().or(before.attempt.as_ref());
        let Some(record) = self.journal.records().last() else { return };
        let target = open.and_then(|open| after.generations.get(&open.to?));
        let result = match event {
            "ABORTED" => "undone",
            "REFUSED" => "refused",
            _ if after.phase == Phase::Idle => "succeeded",
            _ => "running",
        };
        self.telemetry.emit(&TelemetryEvent {
            time: record.time,
            operation: open.map(|open| open.operation),
            attempt: Some(attempt),
            from: before.runtime().cloned(),
            to: match open {
                // Whatever was asked for, it leads nowhere.
                None if event == "REFUSED" => None,
                Some(open) if open.to.is_none() && after.phase != Phase::Idle => None,
                _ => target.map(|target| &target.versions.runtime).or(after.runtime()).cloned(),
            },
            event,
            result: result.to_owned(),
        });
    }

    /// Brings an attempt that failed to its end, and says what state the home is in.
    ///
    /// After an error nothing that is in memory is believed: the journal is dropped, opened and read again, and what it
    /// says decides. `committed` tells from that state whether the attempt had reached its commit point in spite of the
    /// error; then `Ok(())` is returned and it is complete.
    // trace: impl FC-7.2.1 FC-7.2.2 FC-16.1 FC-16.2.1 FC-16.2.2
    pub(crate) fn conclude(
        &mut self,
        cause: Cause,
        committed: impl Fn(&HomeState) -> bool,
    ) -> Result<()> {
        if self.state.phase == Phase::Idle && !self.journal.outcome_unknown() {
            return Err(Error::new(cause, self.unchanged()));
        }
        match settle(&self.layout, self.environment, &cause.to_string()) {
            Err(then) => {
                let (first, then) = (Box::new(cause), Box::new(then));
                Err(Error::new(Cause::NotEnded { first, then }, Condition::Unfinished))
            }
            Ok((journal, state, recovery)) => {
                let before = std::mem::replace(&mut self.state, state);
                self.journal = journal;
                if committed(&self.state) {
                    return Ok(());
                }
                if let Some((attempt, _)) = recovery.aborted {
                    self.emit(&before, attempt, "ABORTED");
                }
                // A record of its own that is not there after all, such as a start, was no attempt: nothing was undone.
                let condition = match recovery.aborted {
                    Some(_) => Condition::Undone(current(&self.state)),
                    None => self.unchanged(),
                };
                Err(Error::new(cause, condition))
            }
        }
    }
}

impl std::fmt::Debug for Home<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Home").field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// Takes the lock of a home that is there.
fn lock_home(root: &Path, timeout: Duration) -> Result<(Layout, HomeLock)> {
    let layout = Layout::new(root);
    require_home(&layout)?;
    let lock = HomeLock::acquire(&layout, timeout)
        .map_err(|error| Error::new(locked(error), Condition::Unchanged(None)))?;
    Ok((layout, lock))
}

const INTERRUPTED: &str = "interrupted";

/// Opens the journal and brings whatever is going on to its end. The caller holds the lock.
///
/// Staging directories go first: nothing refers to them, and a full disk must not keep the journal from being written.
/// Running this again, or after a crash in the middle of it, comes to the same result.
// trace: impl FC-7.1 FC-7.2.2 FC-7.3 FC-16.2.2 FC-16.2.3 FC-16.3
fn settle(
    layout: &Layout,
    environment: Environment<'_>,
    reason: &str,
) -> std::result::Result<(Journal, HomeState, Recovery), Cause> {
    let swept = layout.sweep_staging()?;
    // Somebody who was killed may have made or renamed what is relied on from here.
    durable::sync_directory(layout.root())?;
    let (mut journal, repair) = Journal::open(&layout.journal())?;
    let mut state = replay(journal.records(), environment)?;
    let mut recovery = Recovery {
        journal: (repair != Repair::None).then_some(repair),
        swept,
        ..Recovery::default()
    };
    if let Some(open) = state.attempt.clone() {
        let event = Event::Aborted { reason: shorten(reason) };
        let (seq, now) = (journal.records().len() as u64, environment.clock.now());
        state
            .advance(seq, open.number, &event, now)
            .map_err(|reason| Cause::Contradiction { seq, reason })?;
        journal.append(open.number, event, now)?;
        recovery.aborted = Some((open.number, open.operation));
    }
    let gone = |fate| matches!(fate, Fate::Aborted | Fate::Collected);
    for (number, _) in state.generations.iter().filter(|(_, found)| gone(found.fate)) {
        // Nothing refers to it: if it cannot be removed, it is in nobody's way.
        match layout.is_anything_left_of(*number) {
            Ok(false) => {}
            Ok(true) if layout.remove_generation(*number).is_ok() => recovery.removed.push(*number),
            _ => recovery.not_removed.push(*number),
        }
    }
    if let Some(current) = state.current {
        // For people only: nothing depends on it, and a full disk must not matter.
        let _ = layout.point_current_to(current);
    }
    Ok((journal, state, recovery))
}

/// Folds a history, or names the record that contradicts it. It must be one of ours.
pub(crate) fn replay(
    records: &[Record],
    environment: Environment<'_>,
) -> std::result::Result<HomeState, Cause> {
    let ours = environment.catalogue.product();
    match records.first().map(|record| &record.event) {
        Some(Event::Initialized { format, .. }) if *format != JOURNAL_FORMAT => {
            return Err(Cause::NotOurs(format!(
                "the journal has format {format}, and this version knows {JOURNAL_FORMAT}"
            )));
        }
        Some(Event::Initialized { product, .. }) if product != ours => {
            return Err(Cause::NotOurs(format!("this is a home of {product}, not of {ours}")));
        }
        _ => {}
    }
    HomeState::replay(records).map_err(|(seq, reason)| Cause::Contradiction { seq, reason })
}

/// Why there is no current generation.
pub(crate) fn no_current(layout: &Layout, state: &HomeState) -> Cause {
    if state.replaces_another {
        return Cause::Undecided { generations: found_generations(layout) };
    }
    Cause::NeverAdopted { path: layout.root().to_path_buf() }
}

/// The current generation and its version, for messages.
pub(crate) fn current(state: &HomeState) -> Option<(GenerationNumber, RuntimeVersion)> {
    let (number, generation) = state.current_generation()?;
    Some((number, generation.versions.runtime.clone()))
}

/// A home has a journal, or had one: then its generations are there.
pub(crate) fn require_home(layout: &Layout) -> Result<()> {
    let unchanged = |cause: Cause| Error::new(cause, Condition::Unchanged(None));
    crate::exposure::require_own_directories(layout).map_err(unchanged)?;
    let records = layout.journal().join(journal::RECORDS_FILE);
    if durable::exists(&records).map_err(|error| unchanged(error.into()))? {
        return Ok(());
    }
    let generations = layout.generation_numbers().map_err(|error| unchanged(error.into()))?;
    let path = layout.root().to_path_buf();
    if generations.is_empty() {
        return Err(Error::new(Cause::NotAHome { path }, Condition::NoHome));
    }
    let cause = journal::Error::Missing { path: layout.journal() };
    Err(unchanged(name_generations(cause.into(), layout)))
}

/// Errors that say that the journal itself is damaged name the generations that are there.
pub(crate) fn name_generations(cause: Cause, layout: &Layout) -> Cause {
    match cause {
        Cause::Journal(error) if is_damage(&error) => {
            Cause::JournalLost { cause: error, generations: found_generations(layout) }
        }
        Cause::Journal(error @ journal::Error::UnknownRecord { .. }) => {
            Cause::NotOurs(error.to_string())
        }
        other => other,
    }
}

/// The generations that are there, each with what its manifest says, for a person to decide by.
pub(crate) fn found_generations(layout: &Layout) -> Vec<String> {
    let numbers = layout.generation_numbers().unwrap_or_default().into_iter();
    let describe = |number| match Generation::open(layout, number, None) {
        Ok(generation) => {
            let manifest = generation.manifest();
            format!("{number} ({}, built {})", manifest.versions.runtime, manifest.created)
        }
        Err(_) => format!("{number} (its manifest cannot be read)"),
    };
    numbers.map(describe).collect()
}

fn is_damage(error: &journal::Error) -> bool {
    !matches!(
        error,
        journal::Error::File(_)
            | journal::Error::OutcomeUnknown
            | journal::Error::UnknownRecord { .. }
            | journal::Error::EventTooLarge { .. }
    )
}

/// What state a home is in that could not be opened: if nothing was going on in it, it is as it was.
fn condition_after(cause: &Cause, layout: &Layout, environment: Environment<'_>) -> Condition {
    let read = || replay(&journal::read(&layout.journal())?, environment);
    match (cause, read()) {
        (Cause::File(_) | Cause::Generation(_) | Cause::Journal(_), Ok(state))
            if state.attempt.is_none() =>
        {
            Condition::Unchanged(current(&state))
        }
        _ => Condition::Unfinished,
    }
}

/// A damaged journal was not touched, so the home is as it was: only an explicit recovery helps.
fn explicit_recovery_only(error: Error) -> Error {
    match error.cause() {
        Cause::JournalLost { .. } | Cause::Contradiction { .. } | Cause::NotOurs(_) => {
            error.with_condition(Condition::Unchanged(None))
        }
        _ => error,
    }
}

pub(crate) fn locked(error: rollback::Error) -> Cause {
    match error {
        rollback::Error::Locked { pid } => Cause::Locked { pid },
        other => other.into(),
    }
}

pub(crate) fn shorten(reason: &str) -> String {
    let end = reason
        .char_indices()
        .map(|(at, character)| at + character.len_utf8())
        .take_while(|end| *end <= MAXIMUM_REASON_BYTES)
        .last()
        .unwrap_or(0);
    reason.get(..end).unwrap_or_default().to_owned()
}

/// A home that is only looked at: no lock is taken and nothing is written.
#[derive(Debug)]
pub struct HomeView<'e> {
    pub(crate) environment: Environment<'e>,
    pub(crate) layout: Layout,
    pub(crate) state: HomeState,
    records: Vec<Record>,
}

impl<'e> HomeView<'e> {
    /// Reads what the journal says. An attempt that goes on meanwhile is seen as far as it has come.
    ///
    /// # Errors
    /// If there is no home, or if its journal is lost or broken.
    pub fn read(root: &Path, environment: Environment<'e>) -> Result<Self> {
        let layout = Layout::new(root);
        require_home(&layout)?;
        let read = || {
            let records = journal::read(&layout.journal())?;
            Ok((replay(&records, environment)?, records))
        };
        let (state, records) = read().map_err(|cause| {
            Error::new(name_generations(cause, &layout), Condition::Unchanged(None))
        })?;
        Ok(Self { environment, layout, state, records })
    }

    /// What the journal amounts to.
    pub fn state(&self) -> &HomeState {
        &self.state
    }

    /// As the home stands, nothing having been changed.
    pub fn unchanged(&self) -> Condition {
        Condition::Unchanged(current(&self.state))
    }

    /// All records of the journal, oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Where things are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}
