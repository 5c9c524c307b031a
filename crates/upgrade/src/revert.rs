//! Going back, and declaring that there is no need to (FC-UPGRADE-0001 §15).

use journal::{AttemptNumber, DataPolicy, Event, Operation};
use rollback::{Generation, Layout, Part, VerifyDepth};
use serde::Serialize;
use versioning::{GenerationNumber, RuntimeVersion};

use crate::apply::report;
use crate::environment::ProgressListener;
use crate::error::{Cause, Error, Result};
use crate::home::shorten;
use crate::lifecycle::{HomeState, Standing};
use crate::plan::{open_current, store_is_open};
use crate::seal::digest_parts;
use crate::{Authorization, Home, HomeView};

/// What a rollback did.
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

fn plan_rollback(layout: &Layout, state: &HomeState) -> std::result::Result<RolledBack, Cause> {
    let Some((from, current)) = state.current_generation() else {
        return Err(Cause::NeverAdopted { path: layout.root().to_path_buf() });
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
    /// The abandoned generation is kept with every record that was written since its activation (set aside).
    ///
    /// # Errors
    /// If there is none to go back to, if it is not what it was when it was left, or if a runtime has the store open.
    pub fn rollback(
        &mut self,
        authorization: Option<Authorization>,
        reason: &str,
        progress: &mut ProgressListener<'_>,
    ) -> Result<RolledBack> {
        let unchanged = self.unchanged();
        let refuse = |cause| Error::new(cause, unchanged.clone());
        let authorization =
            Authorization::require(authorization, Operation::Rollback).map_err(refuse)?;
        let outcome = plan_rollback(&self.layout, &self.state).map_err(refuse)?;
        match self.revert(&outcome, &authorization, reason, progress) {
            Ok(()) => {}
            Err(cause) => self.conclude(cause, |state| state.current == Some(outcome.to))?,
        }
        // For people only; the journal has decided.
        let _ = self.layout.point_current_to(outcome.to);
        Ok(outcome)
    }

    fn revert(
        &mut self,
        outcome: &RolledBack,
        authorization: &Authorization,
        reason: &str,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<(), Cause> {
        let manifest = self.state.generations.get(&outcome.to).and_then(|state| state.manifest);
        let target = Generation::open(&self.layout, outcome.to, manifest)?;
        report(progress, "checking the generation that will be current");
        self.check_generation(&target, VerifyDepth::Content)?;
        let current = open_current(&self.layout, &self.state)?;
        if store_is_open(&current.part(Part::Store)) {
            return Err(Cause::StoreInUse { generation: current.number() });
        }
        let attempt = self.begin(Operation::Rollback, authorization.authority())?;
        self.leave(attempt, &current)?;
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

    /// Puts on record what the generation is that an attempt is about to leave.
    fn leave(
        &mut self,
        attempt: AttemptNumber,
        generation: &Generation,
    ) -> std::result::Result<(), Cause> {
        let (store, parts) = digest_parts(generation.path())?;
        self.append(attempt, Event::Quiesced { generation: generation.number(), store, parts })
    }

    /// Declares the generation on trial healthy. `None` if it was confirmed already.
    ///
    /// # Errors
    /// If there is no current generation, or what appending says.
    pub fn confirm(&mut self) -> Result<Option<GenerationNumber>> {
        let Some(generation) = self.state.current else {
            let path = self.layout.root().to_path_buf();
            return Err(Error::new(Cause::NeverAdopted { path }, self.unchanged()));
        };
        if self.state.standing == Standing::Confirmed {
            return Ok(None);
        }
        self.note(Event::Confirmed { generation })
            .map_err(|cause| Error::new(cause, crate::Condition::Unfinished))?;
        Ok(Some(generation))
    }
}
