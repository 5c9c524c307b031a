//! Calls that fail, disks that are full, directories that list in another order: each in turn, and the power after it.

use std::collections::BTreeSet;

use sim::Random;
use sim::images::{Effort, Points, Profile};

use crate::classes::{CLASSES, Class, EVERY_SYNC};
use crate::damage::Damaged;
use crate::explore::{Depth, Exploration, Setting};
use crate::id::{StateId, Variant};
use crate::judges::{Broken, protocol};
use crate::model::{Known, Model};
use crate::report::Violation;
use crate::scenario::{Outcome, Recording, Run, Scenario, Size, Step};
use crate::session::Session;

/// If somebody waits, a large scenario meets every so many-th class, and another one others.
const LARGE_IN_TURNS: u64 = 4;

/// Behind a fault in a medium scenario the power goes at so many points between it and the end.
const POINTS_MEDIUM: usize = 4;
/// The same in a large one.
const POINTS_LARGE: usize = 2;

/// What faults are injected into.
pub(crate) struct Injection<'d> {
    pub(crate) scenario: &'d Scenario,
    pub(crate) recording: &'d Recording,
    pub(crate) model: &'d Model,
    pub(crate) seed: u64,
    /// How many crashes follow each other behind a fault.
    pub(crate) depth: Depth,
    /// Whether somebody waits.
    pub(crate) quick: bool,
}

impl Injection<'_> {
    /// How many faults of a class there are to meet.
    pub(crate) fn many(&self, class: Class) -> u64 {
        class.many(&self.recording.run.log, &self.recording.run.calls)
    }

    /// Meets faults of every class: fewer of each if somebody waits, and of some classes none in a large scenario.
    pub(crate) fn explore(&self, session: &mut Session) {
        let mut number = 0;
        let mut random = Random::new(self.seed ^ self.recording.run.log.len() as u64);
        let turn = random.below(LARGE_IN_TURNS);
        let in_turns = self.quick && self.scenario.size == Size::Large;
        for (class, takes_turns) in CLASSES.into_iter().zip((0..LARGE_IN_TURNS).cycle()) {
            let many = self.many(class);
            let most = class.most(self.scenario.size, self.quick);
            let step = many.div_ceil(most).max(1);
            // What comes first in a scenario is much the same in all of them. Of full disks the first has no space at all:
            // nothing that may need none is done there if it needs some. No scenario waits for its turn with that.
            let first = if class.fills_the_disk() { 1 } else { 1 + random.below(step) };
            let at_all = match (in_turns && takes_turns != turn, class.fills_the_disk()) {
                (false, _) => usize::MAX,
                (true, true) => 1,
                (true, false) => 0,
            };
            let met = (first..=many).step_by(usize::try_from(step).unwrap_or(1)).take(at_all);
            for nth in met {
                number += 1;
                if session.is_over() {
                    return;
                }
                if session.is_ours(number) {
                    self.meet(session, class, nth);
                }
            }
        }
    }

    /// Meets the disk that has no space at all.
    pub(crate) fn explore_full_disk(&self, session: &mut Session) {
        for class in CLASSES.into_iter().filter(|class| class.fills_the_disk()) {
            self.meet(session, class, 1);
        }
    }

    /// Lets every sync fail in turn.
    pub(crate) fn explore_syncs(&self, session: &mut Session) {
        for class in CLASSES.into_iter().filter(|class| class.name == EVERY_SYNC) {
            for nth in 1..=self.many(class) {
                if session.is_over() {
                    return;
                }
                if session.is_ours(nth) {
                    self.meet(session, class, nth);
                }
            }
        }
    }

    /// Damages the first and the last write to each kind of file, beside those that are spread evenly.
    pub(crate) fn explore_damage(&self, session: &mut Session) {
        let mut number = 0;
        for class in CLASSES {
            for nth in class.some_of_each_kind(&self.recording.run.log) {
                number += 1;
                if session.is_over() {
                    return;
                }
                if session.is_ours(number) {
                    self.meet(session, class, nth);
                }
            }
        }
    }

    /// Meets one fault, and judges what is left: by the process ending, and by the power going too.
    pub(crate) fn meet(&self, session: &mut Session, class: Class, nth: u64) {
        let variant = Variant::Fault { class: class.name.to_owned(), nth };
        let (scenario, seed) = (self.scenario.name.clone(), self.seed);
        let id = StateId { variant, ..StateId::of(&scenario, seed, Profile::Kill, Effort::QUICK) };
        if !session.about_to_judge(&id) {
            return;
        }
        let world = class.world(&self.recording.before, &self.recording.run.disk, nth);
        let run = self.scenario.perform(self.seed, world, Some(&self.model.outcomes));
        if !class.was_met(&run.calls, run.met.as_ref()) {
            return;
        }
        session.count_fault(class.name);
        if let Err(broken) = self.judge_run(session, class, &run, &id) {
            let Broken { judge, what } = broken;
            let judge = judge.to_owned();
            session.violate(Violation { id: id.to_string(), judge, what });
        }
    }

    /// Where the power goes: behind the fault, and in larger scenarios not everywhere.
    fn points(&self, run: &Run) -> Points {
        let end = run.log.len();
        let met = run.met.as_ref().map_or(end, |met| met.at);
        let most = match (self.scenario.size, self.quick) {
            (Size::Small, _) => return Points::from(met),
            // What was done last, and that it is over.
            (_, true) => return Points::from(end.saturating_sub(1).max(met)),
            (Size::Medium, false) => POINTS_MEDIUM,
            (Size::Large, false) => POINTS_LARGE,
        };
        // A sync that fails is behind the point at which it was met.
        Points::spread((met + 1).min(end), end, most)
    }

    fn setting<'s>(
        &'s self,
        model: &'s Model,
        failed: Option<Outcome>,
        class: Class,
    ) -> Setting<'s> {
        let (scenario, recording) = (self.scenario, self.recording);
        let (before, disks) = (&recording.before, recording.run.disks.as_slice());
        Setting { scenario, model, before, disks, failed, lied_to: class.lies() }
    }

    /// The end, what is left then, and every crash behind the fault.
    fn judge_run(
        &self,
        session: &mut Session,
        class: Class,
        run: &Run,
        id: &StateId,
    ) -> Result<(), Broken> {
        judge_end(class, self.scenario, run, self.model)?;
        let known = Known::all(&run.log);
        let last = known.last().copied().unwrap_or_default();
        let failed = run.outcomes.get(last.done).cloned();
        let before = self.model.records.iter().take(self.model.records_before).cloned().collect();
        let mut seen = BTreeSet::new();
        let model = self.model.with_records(before);
        let setting = self.setting(&model, failed, class);
        let how = (Profile::Kill, self.depth);
        let mut exploration = Exploration::new(session, setting, how, &mut seen);
        exploration.repeats = true;
        let fingerprint = run.disk.fingerprint_without(&[]);
        let applied = &mut exploration.applied;
        let (judged, seen) = exploration.setting.judge_once(&run.disk, fingerprint, last, applied);
        exploration.session.judged(fingerprint ^ last.fingerprint(), judged.is_err());
        judged?;
        // What the journal is now was acknowledged, as far as it was.
        let steps = protocol::steps(&seen.found, exploration.setting.lied_to);
        exploration.session.report.trace_steps += steps;
        let records = seen.found.records().to_vec();
        let model = self.model.with_records(records);
        if class.fails_to_sync() && self.scenario.size == Size::Small {
            let (before, log) = (&self.recording.before, &run.log);
            Damaged { before, log, model: &model, id, sharded: false }.explore(exploration.session);
        }
        exploration.setting.model = &model;
        let points = self.points(run);
        for profile in [Profile::Ordered, Profile::Posix] {
            exploration.profile = profile;
            exploration.run(&run.log, &known, points, &StateId { profile, ..id.clone() });
        }
        Ok(())
    }
}

/// How a run with a fault ended: without a panic, with nothing left open, with nothing done that nobody may do, and as
/// undisturbed where a fault must not be in its way.
pub(crate) fn judge_end(
    class: Class,
    scenario: &Scenario,
    run: &Run,
    undisturbed: &Model,
) -> Result<(), Broken> {
    if let Some(said) = &run.panicked {
        let what = format!("the product panics: {said}");
        return Err(Broken { judge: "recoverable", what });
    }
    if run.open > 0 {
        let what = format!("{} descriptors are left open after a fault", run.open);
        return Err(Broken { judge: "leaks", what });
    }
    was_allowed(&scenario.act, &run.outcomes, &undisturbed.outcomes)?;
    class.held_up(scenario.needs_no_space(), &run.outcomes, &undisturbed.outcomes)
}

/// Nothing was done that nobody had allowed. What is there already needs nobody's leave: undisturbed that is done too.
fn was_allowed(
    steps: &[Step],
    outcomes: &[Outcome],
    undisturbed: &[Outcome],
) -> Result<(), Broken> {
    let all = steps.iter().zip(outcomes.iter().zip(undisturbed));
    let mut only_here = all.filter(|(_, (here, undisturbed))| {
        **here == Outcome::Done && **undisturbed != Outcome::Done
    });
    match only_here.find(|(step, _)| step.lacks_authority()) {
        Some((step, _)) => {
            let what = format!("a fault is taken for authority: {}", step.title());
            Err(Broken { judge: "authorization", what })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_allowed_is_not_done_whatever_fails() {
        let steps = [Step::Confirm, Step::Unauthorized("2.0.0")];
        let refused = Outcome::Refused { error: "unauthorized", unchanged: true };
        let undisturbed = [Outcome::Done, refused];
        let was_allowed = |outcomes: &[Outcome], undisturbed: &[Outcome]| {
            super::was_allowed(&steps, outcomes, undisturbed)
        };
        was_allowed(&undisturbed, &undisturbed).unwrap();
        was_allowed(&[Outcome::Done], &undisturbed).unwrap();
        let done = [Outcome::Done, Outcome::Done];
        assert_eq!(was_allowed(&done, &undisturbed).unwrap_err().judge, "authorization");
        was_allowed(&done, &done).unwrap();
    }
}
