//! What is held of a home that rotted: by whoever reads it, starts a runtime on it, or goes on from it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use sim::disk::Disk;
use upgrade::{Event, Home, NoTelemetry, Record};
use versioning::GenerationNumber;

use super::{Rotten, Sealed};
use crate::hooks;
use crate::judges::refusal::kept;
use crate::observe::{Found, Scope, State, look, look_on};
use crate::scenario::{HOME, HOME_ON_DISK, Outcome, Step, environment};

impl Sealed<'_> {
    /// What is wrong, if anything is.
    pub(super) fn broken(&self, rotten: &Rotten) -> Option<String> {
        hooks::install(Some(rotten.world()));
        let found = look();
        hooks::install(None);
        self.read(rotten, &found)
            .or_else(|| self.boot(rotten, &found))
            .or_else(|| self.act(rotten, &found))
    }

    /// Whoever reads it finds it, or it is without effect.
    fn read(&self, rotten: &Rotten, found: &Found) -> Option<String> {
        match found {
            Found::Panicked(said) => return Some(format!("it panics: {said}")),
            Found::Refused { .. } => return None,
            Found::Home(home) if !home.problems.is_empty() => return None,
            Found::Home(_) => {}
        }
        if self.is_the_engines_alone(rotten) {
            return None;
        }
        let same = found.state().as_ref() == self.model.states.first()
            && found.records() == self.records_before();
        (!same).then(|| "the state is another one, and nobody noticed".to_owned())
    }

    fn records_before(&self) -> &[Record] {
        self.model.records.get(..self.model.records_before).unwrap_or_default()
    }

    /// What `boot` promises: if it starts a runtime, then on what was sealed, but for the bytes of the store.
    fn boot(&self, rotten: &Rotten, found: &Found) -> Option<String> {
        let Some(State::Home { current, .. }) = self.model.states.first() else { return None };
        let generation = format!("{HOME_ON_DISK}/generations/{current}");
        hooks::install(Some(rotten.world()));
        let booted = catch_unwind(AssertUnwindSafe(|| boots(found)));
        hooks::install(None);
        match booted {
            Err(_) => Some(format!("boot panics: {}", crate::panics::last())),
            Ok(true) => {
                let store = format!("{generation}/store");
                let parts = |disk: &Disk| disk.fingerprint_below_without(&generation, &[&store]);
                let same = parts(&rotten.disk) == parts(&self.recording.before);
                (!same)
                    .then(|| "boot starts a runtime on something else than was sealed".to_owned())
            }
            Ok(false) => None,
        }
    }

    /// Whoever goes on from it comes to where he would have come from what is sound, or is refused, and nothing has changed.
    /// A rollback is never refused because of what it leaves.
    fn act(&self, rotten: &Rotten, found: &Found) -> Option<String> {
        let (Some(before), Some(after)) = (self.model.states.first(), self.model.states.get(1))
        else {
            return None;
        };
        let step = *self.scenario.act.first()?;
        hooks::install(Some(rotten.world()));
        let acted = catch_unwind(AssertUnwindSafe(|| Outcome::of(&step.act())));
        let broken = match acted {
            Err(_) => {
                Some(format!("done on it, {} panics: {}", step.title(), crate::panics::last()))
            }
            Ok(Outcome::Done) => self.done(step, rotten, after),
            Ok(Outcome::Refused { error, .. }) => {
                self.refused(step, rotten, error, (before, found))
            }
        };
        hooks::install(None);
        broken
    }

    /// What is wrong with what was done on it.
    fn done(&self, step: Step, rotten: &Rotten, after: &State) -> Option<String> {
        let found = look_on(Scope::Everything);
        if let Found::Panicked(said) = &found {
            return Some(format!("done on it, it panics: {said}"));
        }
        if self.is_for_the_reader(step, rotten) {
            let told = match &found {
                Found::Home(home) => !home.problems.is_empty(),
                Found::Refused { .. } => true,
                Found::Panicked(_) => false,
            };
            let sound = found.state().is_some_and(|found| found.content() == after.content());
            return (!told && !sound)
                .then(|| format!("{} leads to rot that nobody tells", step.title()));
        }
        // What cannot be read is told by whoever reads all of it. What is current must be readable all the same.
        let told = rotten.unreadable.is_some() && matches!(found, Found::Refused { .. });
        let found = if told { look_on(Scope::Current) } else { found };
        let Some(found) = found.state() else {
            return Some(format!("done on it, {} leaves what cannot be read", step.title()));
        };
        let untold = self.is_untold(step, rotten) || self.is_the_engines_alone(rotten);
        let content = untold || found.content() == after.content();
        let same = current(&found) == current(after) && content;
        (!same).then(|| format!("done on it, {} leads elsewhere", step.title()))
    }

    /// What is wrong with its having been refused. What was found of it is what was read before.
    fn refused(
        &self,
        step: Step,
        rotten: &Rotten,
        error: &str,
        (before, found): (&State, &Found),
    ) -> Option<String> {
        if matches!(step, Step::Rollback | Step::SignedRollback) && self.leaves(rotten) {
            return Some(format!("a rollback is refused because of what it leaves: {error}"));
        }
        let after = hooks::with(|world| kept(world.disk(), before));
        if after.as_ref() != Some(&kept(&rotten.disk, before)) {
            return Some(format!("{} is refused, and has changed something", step.title()));
        }
        match catch_unwind(opened) {
            Err(_) => Some(format!("refused on it, it panics: {}", crate::panics::last())),
            Ok(opened) => {
                // Who could open it before can do so now.
                if opened.is_none() && matches!(found, Found::Home(_)) {
                    return Some(format!(
                        "{} is refused, and nothing is current any more",
                        step.title()
                    ));
                }
                let same = opened.is_none() || opened == current(before);
                (!same).then(|| {
                    format!("{} is refused, and another generation is current", step.title())
                })
            }
        }
    }

    /// Whether it is told only when it is read: going back does not read the tables of a store, however many there are. Whoever
    /// verifies the home must find it, and so must the engine.
    fn is_for_the_reader(&self, step: Step, rotten: &Rotten) -> bool {
        step == Step::Rollback && rotten.path.contains("/tables/")
    }

    /// Whether nobody can tell that it rotted: with the journal it is lost whether a runtime had written to a store, and one
    /// that is not as sealed any more is taken for such a one. That is on record (`as_sealed`).
    fn is_untold(&self, step: Step, rotten: &Rotten) -> bool {
        matches!(step, Step::RecoverGeneration(_)) && rotten.path.contains("/store/")
    }

    /// Whether only the engine could tell: what a runtime has written since its generation was sealed is in the engine's own
    /// journal, and the engine takes damage there for its end (H2, H9, H10). Once the runtime was stopped in good order the
    /// store has a seal again, and everybody must be able to tell.
    fn is_the_engines_alone(&self, rotten: &Rotten) -> bool {
        let Some(State::Home { current, .. }) = self.model.states.first() else { return false };
        let store = format!("{HOME_ON_DISK}/generations/{current}/store/");
        let mut events = self.records_before().iter().rev().map(|record| &record.event);
        let last =
            events.find(|event| matches!(event, Event::Started { .. } | Event::Closed { .. }));
        let runs = matches!(last, Some(Event::Started { .. }));
        runs && rotten.path.starts_with(&store) && rotten.path.ends_with(".jnl")
    }

    /// Whether what rotted is of the generation that is current before, and of no other: tables are shared.
    fn leaves(&self, rotten: &Rotten) -> bool {
        let Some(State::Home { current, .. }) = self.model.states.first() else { return false };
        let left = format!("{HOME_ON_DISK}/generations/{current}/");
        let before = &self.recording.before;
        let inode = before.lookup(&rotten.path);
        let is_shared = before
            .paths()
            .iter()
            .any(|(path, found)| Some(*found) == inode && !path.starts_with(&left));
        rotten.path.starts_with(&left) && !is_shared
    }
}

/// What is current, if anything is.
fn current(state: &State) -> Option<GenerationNumber> {
    match state {
        State::Home { current, .. } => Some(*current),
        _ => None,
    }
}

/// What is current to whoever opens the home, if he can.
fn opened() -> Option<GenerationNumber> {
    let mut telemetry = NoTelemetry;
    let home = Home::open(Path::new(HOME), environment(), &mut telemetry, Duration::ZERO);
    home.ok()?.state().current
}

/// Whether a runtime of the version that the home is at can be started.
fn boots(found: &Found) -> bool {
    let (root, mut telemetry) = (Path::new(HOME), NoTelemetry);
    let version = match found {
        Found::Home(home) => home.runtime.clone(),
        // What cannot be read may well be opened.
        _ => Home::open(root, environment(), &mut telemetry, Duration::ZERO)
            .ok()
            .and_then(|home| home.state().runtime().cloned()),
    };
    version.is_some_and(|version| {
        upgrade::boot(root, &version, environment(), &mut telemetry, Duration::ZERO).is_ok()
    })
}
