//! Starting a runtime that knows nothing of homes (FC-UPGRADE-0001 §5, §15).
//!
//! [`crate::boot`] is for runtimes that link this crate, and holds the home for as long as they run. Any other is started by a
//! launcher, which is given here what to start, and what to say once that has ended. Meanwhile the home is not held, so that
//! it can be looked at and confirmed; but its current generation counts as being run, by a lock that the runtime inherits
//! ([`RunningLock`]). Whatever needs nobody to write to that generation is refused for as long as it does.
//!
//! A start is a try, as with [`crate::boot`]: counted before the runtime executes, and spent unless it is confirmed
//! ([`Home::confirm`]), or stopped in good order ([`Home::stopped`]). Nothing here starts a process, or waits for one.

use std::path::{Path, PathBuf};

use journal::Event;
use rollback::{Generation, NotRunning, Part, RunningLock};
use versioning::{GenerationNumber, Versions};

use crate::Home;
use crate::error::{Cause, Error, Result};
use crate::home::no_current;
use crate::lifecycle::Standing;
use crate::trial::runtime_binary;

/// What to start: a runtime and its generation, which were verified. For as long as this lives the generation is being run.
#[derive(Debug)]
pub struct Launch {
    generation: Generation,
    binary: PathBuf,
    standing: Standing,
    returned_from: Option<GenerationNumber>,
    running: RunningLock,
}

impl Launch {
    /// The current generation.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// The versions of everything in it.
    pub fn versions(&self) -> &Versions {
        &self.generation.manifest().versions
    }

    /// The runtime binary, whose bytes are as they were sealed.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The directory of a part.
    pub fn path(&self, part: Part) -> PathBuf {
        self.generation.part(part)
    }

    /// Whether it has proven itself, and how many starts are left without this one, if it has not.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The generation that was left for this one, if this one became current by going back. If it fails as well, there is
    /// nothing to go back to: a person has to decide.
    pub fn returned_from(&self) -> Option<GenerationNumber> {
        self.returned_from
    }

    /// What the runtime is to inherit, so that its generation counts as being run for as long as it lives, even without
    /// whoever has started it.
    pub fn running(&self) -> &RunningLock {
        &self.running
    }
}

impl Home<'_> {
    /// Verifies the current generation as [`crate::boot`] does, and puts on record that its runtime is started: on trial that
    /// is a try, durable when this returns (FC-UPGRADE-0001 §15).
    ///
    /// # Errors
    /// As [`crate::boot`]: [`Cause::TrialFailed`] (exit code 7) or [`Cause::Halted`] (exit code 8) if a trial has no tries
    /// left; [`Cause::StoreInUse`] if its runtime runs already; [`Cause::NoRuntime`] if the generation has no runtime
    /// binary. A start that is refused is no try.
    // trace: impl FC-28.1.1
    pub fn launch(&mut self) -> Result<Launch> {
        let mut launch = self.check_launch()?;
        let (number, version) = (launch.generation.number(), launch.versions().runtime.clone());
        self.put_start_on_record(number, &version)?;
        // Last: whoever is given a try is given the generation.
        self.count_try()?;
        launch.standing = self.state.standing;
        Ok(launch)
    }

    /// The same without a start: nothing is counted, and nothing put on record, but that a trial without tries is left. For a
    /// runtime that calls [`crate::boot`] itself: drop what is returned before it does.
    ///
    /// # Errors
    /// As [`Home::launch`].
    pub fn check_launch(&mut self) -> Result<Launch> {
        // Before anything is asked of the current generation: it may be what cannot be read.
        self.require_tries()?;
        self.prepare_launch().map_err(|cause| Error::new(cause, self.unchanged()))
    }

    // trace: impl FC-20.3 FC-28.2
    fn prepare_launch(&self) -> std::result::Result<Launch, Cause> {
        let Some((number, current)) = self.state.current_generation() else {
            return Err(no_current(&self.layout, &self.state));
        };
        let generation = self.check_start(&current.versions.runtime)?.generation;
        let Some(binary) = runtime_binary(&generation) else {
            return Err(Cause::NoRuntime { generation: number });
        };
        // Under the lock of the home nobody else starts it in between.
        let running = NotRunning::acquire(&self.layout, number)?.run()?;
        let (standing, returned_from) = (self.state.standing, self.returned_from());
        Ok(Launch { generation, binary, standing, returned_from, running })
    }

    /// The generation that was left for the current one, if that became current by going back.
    fn returned_from(&self) -> Option<GenerationNumber> {
        let decided = self.records().iter().rev().find_map(|record| match record.event {
            Event::Reverted { from, .. } => Some(Some(from)),
            Event::Activated { .. } | Event::Recovered { .. } => Some(None),
            _ => None,
        });
        decided.flatten()
    }

    /// Ends the run of a runtime that was launched and has ended in good order, because somebody wanted it to: as
    /// [`crate::Booted::stop`], on trial this gives the try back, and then the store is made durable and sealed anew. The
    /// [`Launch`] must be dropped, and the home be opened, before.
    ///
    /// # Errors
    /// If another generation is current; [`Cause::StoreInUse`] if something of the runtime still runs; or what a file
    /// operation or appending to the journal says. What is on record then holds: a try that was given back
    /// ([`Condition::Partly`](crate::Condition::Partly)), a store that is not sealed anew.
    pub fn stopped(&mut self, generation: GenerationNumber) -> Result<()> {
        self.require_current(generation)?;
        self.end_run()
    }

    /// Ends the run of a runtime that was launched and has ended otherwise: its try stays spent. If none is left, the home goes
    /// back at once, rather than at the next start.
    ///
    /// # Errors
    /// If another generation is current; [`Cause::TrialFailed`] once it went back, or what kept it from that, as
    /// [`Home::launch`].
    pub fn crashed(&mut self, generation: GenerationNumber) -> Result<()> {
        self.require_current(generation)?;
        self.require_tries()
    }

    /// Ends the trial of a generation whose runtime was launched and does not work, as [`Home::fail`] does, and says what a
    /// launcher has to say of it.
    ///
    /// # Errors
    /// Always: [`Cause::TrialFailed`] once it went back, or as [`Home::fail`].
    pub fn failed(&mut self, generation: GenerationNumber, reason: &str) -> Error {
        match self.fail(generation, reason, &mut |_| {}) {
            Ok(done) => self.trial_failed(done, format!("failed its trial ({reason})")),
            Err(error) => error,
        }
    }
}
