//! What a runtime calls first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::WriteGate;
use journal::{Event, TelemetrySink};
use rollback::{Generation, Part, VerifyDepth};
use storage_migration::{EngineOptions, Store};
use versioning::{GenerationNumber, RuntimeVersion, Versions};

use crate::error::{Cause, Error, Result};
use crate::lifecycle::{HomeState, Standing, StoreStanding};
use crate::plan::{open_current, read_part};
use crate::seal::keyspace_map;
use crate::store_guard::not_running;
use crate::{Environment, Files, Home, Recovery, Refusal, RolledBack};

/// Background threads of the storage engine of a runtime, which writes.
const RUNTIME_WORKER_THREADS: usize = 1;

/// The current generation, ready to be run on. The home stays locked for as long as this lives, so nothing is upgraded
/// under a running runtime. It ends with [`Booted::stop`] or [`Booted::fail`]; anything else counts as a crash.
#[derive(Debug)]
pub struct Booted<'e> {
    home: Home<'e>,
    checked: Checked,
    gate: WriteGate,
}

/// A generation that a runtime can be run on.
pub(crate) struct Checked {
    pub(crate) generation: Generation,
    configuration: Files,
    policy: Files,
    authority: capability_migration::Authority,
}

/// The files hold secrets, so nothing of them is shown.
impl std::fmt::Debug for Checked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.generation.number();
        formatter.debug_struct("Checked").field("generation", &number).finish_non_exhaustive()
    }
}

/// Locks the home, puts right what an interruption left, and opens the current generation for a runtime, or refuses.
///
/// # What is verified
/// - the journal: every record's hash and place, and that its end was acknowledged;
/// - the manifest of the current generation, against the journal;
/// - every byte of runtime, configuration, policy, extensions and set-aside files, against the manifest;
/// - the store: names, sizes and permissions of its files, against the manifest until the first start on it, and against
///   the seal that it was closed with after every [`Booted::stop`]. After a start that did not end like that (a crash, a
///   kill) the engine's own checks are what is left;
/// - the configuration, strictly, against its schema (FC-UPGRADE-0001 §10);
/// - that policies and capabilities can be read, all of them (§11);
/// - that the runtime that starts is the one that the generation belongs to, and that its store is a database: a
///   generation that was adopted is a copy of an installation that goes on where it was.
///
/// Nor may a runtime run that was launched on it ([`Home::launch`]).
///
/// Before this returns, the start is on record; on trial it is counted as a try as well (§15). A start that is refused is no
/// try: see [`Home::fail`] for a launcher that knows better.
///
/// # Errors
/// A typed refusal; nothing of the generation was opened or executed then. If a trial has no tries left:
/// [`Cause::TrialFailed`] (exit code 7), and the home went back to the generation before, whose runtime is to be started;
/// or [`Cause::Halted`] (exit code 8), because that generation is not what it was, and nothing was changed.
pub fn boot<'e>(
    root: &Path,
    running: &RuntimeVersion,
    environment: Environment<'e>,
    telemetry: &'e mut dyn TelemetrySink,
    lock_timeout: Duration,
) -> Result<Booted<'e>> {
    let mut home = Home::open(root, environment, telemetry, lock_timeout)?;
    // Before anything is asked of the current generation: it may be what cannot be read.
    home.require_tries()?;
    let checked = home.check_start(running).map_err(|cause| Error::new(cause, home.unchanged()))?;
    home.put_start_on_record(checked.generation.number(), running)?;
    // Last: whoever is given a try is given the generation.
    home.count_try()?;
    Ok(Booted { home, checked, gate: WriteGate::new() })
}

impl Home<'_> {
    // trace: impl FC-10.2
    // trace: impl FC-5.1.2 FC-5.1.3 FC-20.3 FC-28.1.3 FC-28.2
    pub(crate) fn check_start(
        &self,
        running: &RuntimeVersion,
    ) -> std::result::Result<Checked, Cause> {
        let generation = open_current(&self.layout, &self.state)?;
        let number = generation.number();
        // Nothing of the store is locked before it is opened; whoever was launched on it may be about to.
        drop(not_running(&self.layout, number)?);
        let versions = &generation.manifest().versions;
        if versions.runtime != *running {
            let (expected, found) = (versions.runtime.clone(), running.clone());
            return Err(Cause::WrongRuntime { generation: number, expected, found });
        }
        if keyspace_map(generation.manifest()).is_none() {
            // Its store is files of an installation that knows nothing of homes, kept as they were adopted.
            let schema = versions.storage;
            let reason = format!(
                "generation {number} is a copy of an installation with storage schema {schema}, \
                 which is not run from a home"
            );
            return Err(Refusal::new("not-run-from-a-home", "§13", "storage", reason).into());
        }
        let store = Part::Store.directory();
        let (files, mut digester) = (VerifyDepth::Content, self.digester());
        generation.verify_with(files, |path| path == store, &mut digester)?;
        self.check_generation(&generation, VerifyDepth::Shape)?;
        let configuration = read_part(&generation, Part::Configuration)?;
        let policy = read_part(&generation, Part::Policy)?;
        self.environment
            .catalogue
            .validate_configuration(versions.configuration, &configuration)
            .map_err(|violations| Cause::InvalidConfiguration { generation: number, violations })?;
        let authority = self
            .environment
            .catalogue
            .authority(versions, &policy)
            .map_err(|reasons| Cause::InvalidPolicy { generation: number, reasons })?;
        Ok(Checked { generation, configuration, policy, authority })
    }

    /// Puts on record that from here on the store of the current generation is its runtime's to write to, unless it is.
    ///
    /// # Errors
    /// What appending to the journal says: then there must be no start.
    pub(crate) fn put_start_on_record(
        &mut self,
        number: GenerationNumber,
        running: &RuntimeVersion,
    ) -> Result<()> {
        let standing = |state: &HomeState| state.generations.get(&number).map(|state| state.store);
        if standing(&self.state) != Some(StoreStanding::Started) {
            let event = Event::Started { generation: number, runtime: running.clone() };
            if let Err(cause) = self.note(event) {
                self.conclude(cause, |state| standing(state) == Some(StoreStanding::Started))?;
            }
        }
        Ok(())
    }
}

impl Booted<'_> {
    /// The versions of everything in the current generation.
    pub fn versions(&self) -> &Versions {
        &self.checked.generation.manifest().versions
    }

    /// The current generation.
    pub fn generation(&self) -> &Generation {
        &self.checked.generation
    }

    /// Whether it has proven itself.
    pub fn standing(&self) -> Standing {
        self.home.state().standing
    }

    /// What an interruption had left, and what was done about it.
    pub fn recovery(&self) -> &Recovery {
        self.home.recovery()
    }

    /// The directory of a part.
    pub fn path(&self, part: Part) -> PathBuf {
        self.checked.generation.part(part)
    }

    /// The configuration's files, which satisfy their schema.
    pub fn configuration(&self) -> &Files {
        &self.checked.configuration
    }

    /// Who may do what: what every call is to be decided by before it is made (FC-UPGRADE-0001 §11).
    pub fn authority(&self) -> &capability_migration::Authority {
        &self.checked.authority
    }

    /// The policy's files, as they were sealed.
    pub fn policy(&self) -> &Files {
        &self.checked.policy
    }

    /// Opens the store for reading and writing. The caller closes it before this value is dropped.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open_store(&self) -> Result<Store> {
        let options =
            EngineOptions { worker_threads: RUNTIME_WORKER_THREADS, ..EngineOptions::default() };
        self.open_store_with(&options)
    }

    /// The same, with the storage engine run as the runtime wants it.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open_store_with(&self, options: &EngineOptions) -> Result<Store> {
        let map = keyspace_map(self.checked.generation.manifest()).unwrap_or_default();
        Store::open(&self.path(Part::Store), &map, options)
            .map_err(|error| Error::new(error, self.home.unchanged()))
    }

    /// What every writer of this runtime is to pass for as long as it writes to the store (FC-UPGRADE-0001 §5): so the runtime
    /// can wait for all of them before it closes the store, and [`Booted::stop`] can be sure of it. Clones are one gate, and
    /// can be given to other threads.
    pub fn gate(&self) -> &WriteGate {
        &self.gate
    }

    /// Declares the generation that this runtime runs on healthy.
    ///
    /// # Errors
    /// What appending to the journal says.
    pub fn confirm(&mut self) -> Result<()> {
        self.home.confirm(self.checked.generation.number())
    }

    /// Ends the run because somebody wants it to end, in good order: after the store was closed. [`Booted::gate`] is closed, and
    /// writers that are still inside are waited for, however long that takes; to wait for less, drain it before. On trial this
    /// gives the try back (FC-UPGRADE-0001 §15). Then the store is made durable and sealed anew (§20), which reads all of it.
    /// Dropping this value, or being killed, spends the try and leaves the store without a seal.
    ///
    /// # Errors
    /// If the calling thread is a writer itself, if the store is still open, or what a file operation or appending to the
    /// journal says. What is on record then holds: a try that was given back
    /// ([`Condition::Partly`](crate::Condition::Partly)), a store that is not sealed anew.
    pub fn stop(mut self) -> Result<()> {
        self.gate.drain().map_err(|inside| Error::new(inside, self.home.unchanged()))?;
        self.home.end_run()
    }

    /// Ends the run because the generation on trial has failed, after the store was closed, and goes back at once: the
    /// runtime of the generation that is returned is to be started next. No new writer passes [`Booted::gate`]; those that are
    /// inside are not waited for, since they may be what has failed. See [`Home::fail`].
    ///
    /// # Errors
    /// As [`Home::fail`]; also if the store is still open.
    pub fn fail(mut self, reason: &str) -> Result<RolledBack> {
        self.gate.close();
        self.home.fail(self.checked.generation.number(), reason, &mut |_| {})
    }
}
