//! Going back, and declaring that there is no need to (FC-UPGRADE-0001 §15).

use std::path::Path;

use durable::CloneMode;
use journal::{DataPolicy, Event, Operation};
use rollback::{Generation, Layout, Part, VerifyDepth};
use serde::Serialize;
use versioning::{GenerationNumber, RuntimeVersion};

use crate::error::{Cause, Error, Result};
use crate::home::{no_current, shorten};
use crate::lifecycle::{HomeState, Standing};
use crate::plan::open_current;
use crate::progress::{Activity, ProgressListener, report};
use crate::store_guard::StoreGuard;
use crate::trust::{Admitted, Wanted};
use crate::{Authorization, Home, HomeView};

/// What a rollback did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// The generation that was current, which is kept with all of its records.
    pub from: GenerationNumber,
    /// Its version.
    pub from_version: RuntimeVersion,
    /// The generation that is current now.
    pub to: GenerationNumber,
    /// Its version.
    pub to_version: RuntimeVersion,
}

impl HomeView<'_> {
    /// What a rollback would do.
    ///
    /// # Errors
    /// If there is no generation to go back to.
    pub fn plan_rollback(&self) -> Result<RolledBack> {
        plan_rollback(&self.layout, &self.state)
            .map_err(|cause| Error::new(cause, self.unchanged()))
    }
}

pub(crate) fn plan_rollback(
    layout: &Layout,
    state: &HomeState,
) -> std::result::Result<RolledBack, Cause> {
    let Some((from, current)) = state.current_generation() else {
        return Err(no_current(layout, state));
    };
    let Some((to, target)) = state.rollback_target() else {
        return Err(Cause::NoRollbackTarget { generation: from });
    };
    Ok(RolledBack {
        from,
        from_version: current.versions.runtime.clone(),
        to,
        to_version: target.versions.runtime.clone(),
    })
}

impl Home<'_> {
    /// Makes the generation current again that the current one was built from: binary, store, configuration, policy and
    /// extensions exactly as they were when it was left. Nothing is copied or rebuilt: nothing ever wrote to them.
    ///
    /// The abandoned generation is kept with every record that was written since its activation (set aside). It need not
    /// be readable: going back from what is damaged is what a rollback is for.
    ///
    /// `approved` is what was shown; if anything else would be done now, nothing is.
    ///
    /// # Errors
    /// If there is none to go back to, if it is not what it was when it was left, or if a runtime has the store open.
    // trace: impl FC-27.1.3
    // trace: impl FC-15.1 FC-15.2.1 FC-15.2.2 FC-15.2.3
    pub fn rollback(
        &mut self,
        approved: Option<&RolledBack>,
        authorization: Option<Authorization>,
        reason: &str,
        progress: &mut ProgressListener<'_>,
    ) -> Result<RolledBack> {
        self.require_authority(authorization.as_ref(), Operation::Rollback)?;
        let unchanged = self.unchanged();
        let refuse = |cause| Error::new(cause, unchanged.clone());
        let outcome = plan_rollback(&self.layout, &self.state).map_err(refuse)?;
        if approved.is_some_and(|approved| *approved != outcome) {
            let (from, to) = (outcome.from, outcome.to);
            let found = format!("it would go back from generation {from} to generation {to}");
            return Err(refuse(Cause::Overtaken(found)));
        }
        let wanted = Wanted::rollback(&self.state, &outcome);
        let admitted = self.admit(authorization.as_ref(), &wanted)?;
        let guard = self.check_target(&outcome, progress).map_err(refuse)?;
        self.revert(&outcome, &admitted, reason)?;
        drop(guard);
        Ok(outcome)
    }

    /// Verifies the generation that a rollback leads to, and makes sure that no runtime has the store open of the one that
    /// it leaves, until the value is dropped. Nothing is needed of what is left. Nothing is written.
    // trace: impl FC-15.2.2 FC-20.3
    pub(crate) fn check_target(
        &self,
        outcome: &RolledBack,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Option<StoreGuard>, Cause> {
        let manifest = self.state.generations.get(&outcome.to).and_then(|state| state.manifest);
        let target = Generation::open(&self.layout, outcome.to, manifest)?;
        report(progress, Activity::Checking, "checking the generation that will be current");
        self.check_generation(&target, VerifyDepth::Except(is_immutable_table))?;
        let acquire = || StoreGuard::acquire(&self.layout, outcome.from);
        // Damage must not keep anybody from leaving what is damaged; and an error may be of the moment, so it is looked at
        // twice. Anything else leaves open whether a runtime has the store open, and that must be known.
        match acquire().or_else(|cause| if is_damage(&cause) { acquire() } else { Err(cause) }) {
            Ok(guard) => Ok(Some(guard)),
            Err(cause) if is_damage(&cause) => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Goes back to a generation that was verified.
    ///
    /// # Errors
    /// If it could not be put on record: then the current generation still is current.
    pub(crate) fn revert(
        &mut self,
        outcome: &RolledBack,
        admitted: &Admitted,
        reason: &str,
    ) -> Result<()> {
        match self.put_revert_on_record(outcome, admitted, reason) {
            Ok(()) => {}
            Err(cause) => self.conclude(cause, |state| state.current == Some(outcome.to))?,
        }
        // For people only; the journal has decided.
        let _ = self.layout.point_current_to(outcome.to);
        Ok(())
    }

    // trace: impl FC-15.3 FC-15.4 FC-28.1.2
    fn put_revert_on_record(
        &mut self,
        outcome: &RolledBack,
        admitted: &Admitted,
        reason: &str,
    ) -> std::result::Result<(), Cause> {
        let attempt = self.begin(Operation::Rollback, admitted)?;
        // What is left goes on record as far as it is sealed; it must not keep anybody from leaving it, and is not read.
        let manifest = self.state.generations.get(&outcome.from).and_then(|state| state.manifest);
        let left = Generation::open(&self.layout, outcome.from, manifest).map_err(Cause::from);
        if let Ok(Some((store, parts))) = left.and_then(|left| self.sealed_digests(&left)) {
            self.append(attempt, Event::Quiesced { generation: outcome.from, store, parts })?;
        }
        self.append(
            attempt,
            Event::Reverted {
                from: outcome.from,
                to: outcome.to,
                data: DataPolicy::SetAside,
                reason: shorten(reason),
            },
        )
    }

    /// Declares the generation on trial healthy; nothing if it was confirmed already.
    ///
    /// # Errors
    /// If another generation is current, or what appending says.
    pub fn confirm(&mut self, generation: GenerationNumber) -> Result<()> {
        self.require_current(generation)?;
        if self.state.standing == Standing::Confirmed {
            return Ok(());
        }
        let there = || -> std::result::Result<(), Cause> {
            let current = open_current(&self.layout, &self.state)?;
            self.check_generation(&current, VerifyDepth::Shape)
        };
        there().map_err(|cause| Error::new(cause, self.unchanged()))?;
        match self.note(Event::Confirmed { generation }) {
            Ok(()) => Ok(()),
            Err(cause) => self.conclude(cause, |state| {
                state.current == Some(generation) && state.standing == Standing::Confirmed
            }),
        }
    }

    /// Refuses what was meant for another generation than the current one.
    pub(crate) fn require_current(&self, generation: GenerationNumber) -> Result<()> {
        let cause = match self.state.current {
            Some(current) if current == generation => return Ok(()),
            Some(current) => Cause::Overtaken(format!("generation {current} is current")),
            None => no_current(&self.layout, &self.state),
        };
        Err(Error::new(cause, self.unchanged()))
    }
}

/// Whether a file of a generation is a table of its store. The engine never writes to one that it has finished, and holds
/// every block that it reads to a checksum. They are nearly all there is of a store: a rollback that read them would take the
/// longer the more there is.
fn is_immutable_table(path: &str) -> bool {
    let of_store =
        path.strip_prefix(Part::Store.directory()).and_then(|path| path.strip_prefix('/'));
    of_store.is_some_and(|path| storage_migration::clone_mode(Path::new(path)) == CloneMode::Link)
}

/// Whether the lock of a store cannot be taken because the store is damaged.
fn is_damage(cause: &Cause) -> bool {
    match cause {
        Cause::Altered(_) => true,
        Cause::File(error) => {
            error.is_damage() || error.source.kind() == std::io::ErrorKind::NotADirectory
        }
        _ => false,
    }
}
