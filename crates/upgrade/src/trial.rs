//! Trial: a new generation has so many starts to prove itself, and is left if it does not (FC-UPGRADE-0001 §13, §15).
//!
//! A start on trial is a *try*, counted in the journal before the runtime executes. It is spent unless the runtime confirms,
//! or is stopped by somebody in good order. When a start finds that none is left, the home goes back by itself: that needs no
//! further authority, because it ends what was authorised along with the upgrade, and a confirmed generation is never left
//! like that. If the generation that it would go back to is not what it was, nothing is done and nothing starts, until a
//! person decides: two generations that fail are never alternated between.
//!
//! A start that is refused before anything was opened, such as that of another version, is no try.

use std::path::PathBuf;

use journal::{DataPolicy, Event};
use rollback::{Generation, Part};
use versioning::GenerationNumber;

use crate::adopt::RUNTIME_BINARY;
use crate::error::{Cause, Condition, Error, Result, TrialFailure};
use crate::home::current;
use crate::lifecycle::{HomeState, Standing};
use crate::progress::ProgressListener;
use crate::revert::plan_rollback;
use crate::seal::keyspace_map;
use crate::store_guard::StoreGuard;
use crate::trust::Admitted;
use crate::{Home, RolledBack};

/// Why a trial is left that ends by itself, as the journal says it.
const NO_TRIES_LEFT: &str = "no tries left";

/// The runtime binary that a generation brings along, if it does.
pub fn runtime_binary(generation: &Generation) -> Option<PathBuf> {
    let path = format!("{}/{RUNTIME_BINARY}", Part::Runtime.directory());
    generation.manifest().files.get(&path).map(|_| generation.path().join(path))
}

impl Home<'_> {
    /// Declares the generation on trial a failure, and goes back at once (FC-UPGRADE-0001 §15): as
    /// [`Home::rollback`] does, but on the authority that the upgrade had. `reason` is put on record: no secrets.
    ///
    /// # Errors
    /// If another generation is current; [`Cause::NotOnTrial`]; [`Cause::Halted`] if the generation that it would go back
    /// to is not what it was when it was left: then nothing is written, and the try stays spent.
    pub fn fail(
        &mut self,
        generation: GenerationNumber,
        reason: &str,
        progress: &mut ProgressListener<'_>,
    ) -> Result<RolledBack> {
        self.require_current(generation)?;
        if self.state.standing == Standing::Confirmed {
            return Err(Error::new(Cause::NotOnTrial { generation }, self.unchanged()));
        }
        self.leave_trial(reason, progress)
    }

    /// Refuses a start on a trial that has used up its tries, and goes back.
    ///
    /// # Errors
    /// [`Cause::TrialFailed`] once it went back, or what kept it from it.
    pub(crate) fn require_tries(&mut self) -> Result<()> {
        let Standing::Trial { tries, left: 0, .. } = self.state.standing else { return Ok(()) };
        let done = self.leave_trial(NO_TRIES_LEFT, &mut |_| {})?;
        let why = format!("used up its {tries} starts and was not confirmed");
        Err(self.trial_failed(done, why))
    }

    /// Puts a start on record as a try, if the current generation is on trial. Durable when this returns.
    ///
    /// # Errors
    /// What appending to the journal says: then there must be no start.
    // trace: impl FC-28.1.1
    pub(crate) fn count_try(&mut self) -> Result<()> {
        let (Some(generation), Standing::Trial { left, .. }) =
            (self.state.current, self.state.standing)
        else {
            return Ok(());
        };
        // That there is one was required before; were there none, the lifecycle would refuse the record.
        let left = left.saturating_sub(1);
        match self.note(Event::Tried { generation, left }) {
            Ok(()) => Ok(()),
            Err(cause) => self.conclude(cause, |state| tries(state) == Some((left, true))),
        }
    }

    /// Gives the last try back, if the current generation is on trial and has one to give back.
    ///
    /// # Errors
    /// If the store is still open, or what appending to the journal says: then the try stays spent.
    pub(crate) fn give_try_back(&mut self) -> Result<()> {
        let (Some(generation), Some((left, true))) = (self.state.current, tries(&self.state))
        else {
            return Ok(());
        };
        // Whoever has the store open has not stopped.
        let guard = StoreGuard::acquire(&self.layout, generation)
            .map_err(|cause| Error::new(cause, self.unchanged()))?;
        let left = left.saturating_add(1);
        match self.note(Event::Stopped { generation, left }) {
            Ok(()) => {}
            Err(cause) => self.conclude(cause, |state| tries(state) == Some((left, false)))?,
        }
        drop(guard);
        Ok(())
    }

    // trace: impl FC-28.1.1
    fn leave_trial(
        &mut self,
        reason: &str,
        progress: &mut ProgressListener<'_>,
    ) -> Result<RolledBack> {
        let planned =
            plan_rollback(&self.layout, &self.state, self.environment, DataPolicy::SetAside);
        let outcome = planned.map_err(|why| self.halt(why))?;
        let guard = match self.check_target(&outcome, progress) {
            Ok(guard) => guard,
            Err(cause @ Cause::StoreInUse { .. }) => {
                return Err(Error::new(cause, self.unchanged()));
            }
            Err(why) => return Err(self.halt(why)),
        };
        self.revert(&outcome, &Admitted::standing(), reason).map_err(|error| {
            // What was undone here is the going back: to say so would look like having gone back.
            match error.condition() {
                Condition::Undone(found) => {
                    let unchanged = Condition::Unchanged(found.clone());
                    error.with_condition(unchanged)
                }
                _ => error,
            }
        })?;
        drop(guard);
        Ok(outcome)
    }

    fn halt(&self, why: Cause) -> Error {
        let Some(generation) = self.state.current else {
            return Error::new(why, self.unchanged());
        };
        let target = self.state.rollback_target().map(|(number, _)| number);
        Error::new(Cause::Halted { generation, target, why: Box::new(why) }, self.unchanged())
    }

    /// What is said of a trial that was left, and of what comes next.
    pub(crate) fn trial_failed(&self, done: RolledBack, why: String) -> Error {
        let manifest = self.state.generations.get(&done.to).and_then(|state| state.manifest);
        let target = Generation::open(&self.layout, done.to, manifest).ok();
        let (to, version) = (done.to, done.to_version.clone());
        let cause = Cause::TrialFailed(Box::new(TrialFailure {
            generation: done.from,
            found: done.from_version,
            why,
            to,
            expected: done.to_version,
            binary: target.as_ref().and_then(runtime_binary),
        }));
        let error = Error::new(cause, Condition::RolledBack(current(&self.state)));
        if target.is_none_or(|target| keyspace_map(target.manifest()).is_some()) {
            return error;
        }
        error.with_next(format!(
            "Start the installation of {version} that was adopted, where it is: generation {to} is a \
             copy of it, which is not run from a home."
        ))
    }
}

/// The tries that are left, and whether the last one may be given back; none if nothing is on trial.
fn tries(state: &HomeState) -> Option<(u32, bool)> {
    match state.standing {
        Standing::Trial { left, running, .. } => Some((left, running)),
        Standing::Confirmed => None,
    }
}
