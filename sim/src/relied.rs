//! What a recovery has said is relied on: a process is killed, another one opens what it left and reads it, and then the
//! power goes. What was read must be there: who only finds it in the page cache has to make it durable first.
//!
//! And what it does next is built on that: it does what was interrupted, and the lint is asked about both processes as one.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::disk::{Disk, Operation};
use sim::fault::FaultPlan;
use sim::images::{Effort, Enumeration, Next, Points, Profile, enumerate};
use sim::world::{Logged, World};

use crate::hooks;
use crate::id::StateId;
use crate::lint;
use crate::observe::{CurrentIs, Found, State, Wanted, look, observe};
use crate::report::Violation;
use crate::scenario::Step;
use crate::session::Session;

/// The name under which it is counted.
pub(crate) const NAME: &str = "relied";

/// A run, of which every so many-th operation is the last one of a process.
pub(crate) struct Relied<'r> {
    pub(crate) before: &'r Disk,
    pub(crate) log: &'r [Logged],
    pub(crate) id: &'r StateId,
    /// Every so many-th.
    pub(crate) every: usize,
    /// Whether others than the product write to what is there: what they did not make durable may be gone.
    pub(crate) shared: bool,
    /// What was interrupted, if the scenario is of one step.
    pub(crate) step: Option<Step>,
    /// Whether each process looks at a part of it.
    pub(crate) sharded: bool,
}

impl Relied<'_> {
    /// Kills the process behind each of those operations.
    pub(crate) fn explore(&self, session: &mut Session) {
        let mut disk = self.before.clone();
        let mut number = 0;
        for (at, logged) in self.log.iter().enumerate() {
            let Some(operation) = logged.operation() else { continue };
            disk.apply(operation);
            number += 1;
            // What is put in its place is put there by a renaming.
            let taken = matches!(operation, Operation::Move { .. }) || number % self.every == 0;
            if taken && (!self.sharded || session.is_ours(number as u64)) {
                self.killed_behind(session, &disk, at + 1);
            }
        }
    }

    fn killed_behind(&self, session: &mut Session, disk: &Disk, point: usize) {
        self.done_again_behind(session, disk, point);
        if !session.about_to_run(&format!("{}:{point}.opened", self.id)) {
            return;
        }
        hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
        let first = look();
        let recovery = hooks::install(None).map_or_else(Vec::new, |mut world| world.take_log());
        if !matches!(first.state(), Some(State::Home { .. })) {
            return;
        }
        let mut seen = BTreeSet::new();
        let log = [self.log.get(..point).unwrap_or_default(), &recovery].concat();
        for profile in [Profile::Ordered, Profile::Posix] {
            let (seed, effort, from) = (self.id.seed, Effort::QUICK, log.len());
            let what = Enumeration {
                before: self.before,
                log: &log,
                profile,
                seed,
                effort,
                points: Points::from(from),
            };
            let mut taken = BTreeSet::new();
            enumerate(what, &mut |image| {
                if session.is_over() {
                    return Next::Stop;
                }
                if !taken.insert(image.key()) {
                    return Next::GoOn;
                }
                let fingerprint = image.fingerprint();
                if !seen.insert(fingerprint) {
                    return Next::GoOn;
                }
                let disk = image.disk();
                let id = format!("{}:{point}.{}:{}", self.id, image.index, profile.name());
                if !session.about_to_judge(&id) {
                    return Next::GoOn;
                }
                let current_is = CurrentIs::LikeOthers;
                let then = observe(&disk, Wanted { current_is, ..Wanted::default() }).found;
                let broken = self.is_gone(&first, &then);
                *session.report.judged.entry(NAME.to_owned()).or_default() += 1;
                session.judged(fingerprint.rotate_left(2), broken.is_some());
                if let Some(what) = broken {
                    session.violate(Violation { id, judge: NAME.to_owned(), what });
                }
                Next::GoOn
            });
        }
    }

    /// Another process does it again, and commits to what the first one has left: none of that may be undurable.
    fn done_again_behind(&self, session: &mut Session, disk: &Disk, point: usize) {
        let Some(step) = self.step.filter(|_| !session.is_over()) else { return };
        let id = format!("{}:{point}.again", self.id);
        if !session.about_to_judge(&id) {
            return;
        }
        hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
        // Whether it succeeds is for `retry` to say.
        let acted = catch_unwind(AssertUnwindSafe(|| step.act()));
        let again = hooks::install(None).map_or_else(Vec::new, |mut world| world.take_log());
        let log = [self.log.get(..point).unwrap_or_default(), &again].concat();
        *session.report.judged.entry(NAME.to_owned()).or_default() += 1;
        let broken = match acted {
            Err(_) => Some(format!("it panics: {}", crate::panics::last())),
            Ok(_) => lint::check(self.before, &log).map(|(_, what)| what),
        };
        if let Some(what) = broken {
            let what = format!("done again by another process: {what}");
            session.violate(Violation { id, judge: NAME.to_owned(), what });
        }
    }

    /// What was read first and is not there any more, if anything is.
    fn is_gone(&self, first: &Found, then: &Found) -> Option<String> {
        let state = |found: &Found| {
            let mut state = found.state();
            if let Some(State::Home { contents, .. }) = state.as_mut().filter(|_| self.shared) {
                contents.clear();
            }
            state
        };
        let (read, found) = (state(first), state(then));
        if read != found {
            return Some(format!("{read:?} was read, and then there is {found:?}"));
        }
        let same = then.records().get(..first.records().len()) == Some(first.records());
        (!same).then(|| "records of the journal were read, and are gone".to_owned())
    }
}
