//! A finding is made as small as it can be: fewer crashes, no fault, less that is lost, and the crash as early as it can be, as
//! long as the same judge says that something is broken.

use std::rc::Rc;

use crate::classes::Class;
use crate::hooks;
use crate::id::Variant;
use crate::judges::Broken;

use super::course::Course;
use super::made::{Crash, Made};

/// From the beginning of the replay on it may take so long: to tell what is left takes a while too.
const BUDGET_NANOSECONDS: u64 = 25_000_000_000;

/// Each round begins with what the one before has left. Every one but the last takes something away.
const ROUNDS: usize = 8;

/// So many points behind the first loss are tried one by one: mostly it is one of them.
const NEAR_POINTS: usize = 12;

/// What the end of the name of a class says, if all calls behind the first fail too.
const STICKY: &str = "-sticky";

/// What is left of a finding.
#[derive(Debug)]
pub(super) struct Small {
    pub(super) made: Made,
    pub(super) broken: Broken,
    /// Whether anything was taken away.
    pub(super) is_smaller: bool,
    /// The two operations whose order mattered, if that is so.
    pub(super) pair: Option<Pair>,
}

/// Two operations, each as the index of its run, and its own in the log of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// What was lost.
    pub(super) lost: (usize, usize),
    /// Without this nothing is broken, although the first is lost.
    pub(super) kept: (usize, usize),
}

impl Small {
    /// What nothing was taken away from.
    pub(super) fn of(made: Made, broken: Broken) -> Self {
        Self { made, broken, is_smaller: false, pair: None }
    }
}

/// Takes away whatever does not matter. The replay began at this time.
pub(super) fn shrink(made: Made, broken: Broken, began: u64) -> Small {
    let deadline = began + BUDGET_NANOSECONDS;
    let mut shrinking = Shrinking { made, broken, deadline };
    let as_found = shrinking.measure();
    for _ in 0..ROUNDS {
        let before = shrinking.measure();
        shrinking.fewer_crashes();
        shrinking.plainer_course();
        shrinking.plainer_recovery();
        // What the last crash took is judged without a recovery that has to be recorded anew.
        for run in (0..shrinking.made.runs.len()).rev() {
            shrinking.fewer_losses(run);
        }
        for run in (0..shrinking.made.runs.len()).rev() {
            shrinking.earlier_point(run);
        }
        if shrinking.measure() == before || shrinking.is_over() {
            break;
        }
    }
    let (is_smaller, pair) = (shrinking.measure() != as_found, shrinking.pair());
    Small { made: shrinking.made, broken: shrinking.broken, is_smaller, pair }
}

struct Shrinking {
    made: Made,
    broken: Broken,
    deadline: u64,
}

impl Shrinking {
    fn is_over(&self) -> bool {
        hooks::real_nanoseconds() >= self.deadline
    }

    fn measure(&self) -> (Variant, Option<&'static str>, Vec<(usize, Crash)>) {
        let recovery = self.made.recovery.map(|(class, _)| class.name);
        (self.made.course.variant.clone(), recovery, self.made.crashes())
    }

    /// Takes what is broken in the same way, and says whether it was.
    fn attempt(&mut self, course: &Rc<Course>, crashes: &[(usize, Crash)]) -> bool {
        if self.is_over() {
            return false;
        }
        let made = self.made.again(course, crashes);
        self.take(made)
    }

    /// Takes it if it could be made, and is broken in the same way.
    fn take(&mut self, made: Option<Made>) -> bool {
        let Some(made) = made else { return false };
        match made.judge() {
            Err(broken) if broken.judge == self.broken.judge => {
                (self.made, self.broken) = (made, broken);
                true
            }
            _ => false,
        }
    }

    /// The same course with another crash of one of its runs.
    fn attempt_crash(&mut self, run: usize, crash: Crash) -> bool {
        let mut crashes = self.made.crashes();
        let Some((_, own)) = crashes.get_mut(run) else { return false };
        *own = crash;
        self.attempt(&Rc::clone(&self.made.course), &crashes)
    }

    fn crash(&self, run: usize) -> Option<Crash> {
        self.made.runs.get(run).map(|run| run.crash.clone())
    }

    /// The first crashes alone, and none if it can be, then without one in the middle.
    fn fewer_crashes(&mut self) {
        let course = Rc::clone(&self.made.course);
        let crashes = self.made.crashes();
        if (0..crashes.len()).any(|count| {
            let first = crashes.get(..count).unwrap_or_default();
            self.attempt(&course, first)
        }) {
            return;
        }
        for middle in (1..crashes.len().saturating_sub(1)).rev() {
            let mut crashes = self.made.crashes();
            crashes.remove(middle);
            self.attempt(&course, &crashes);
        }
    }

    /// Without what was different from an undisturbed run, or, of a fault, with only the first call that met it.
    fn plainer_course(&mut self) {
        let mut plainer = vec![Variant::Undisturbed];
        if let Variant::Fault { class, nth } = &self.made.course.variant
            && let Some(once) = class.strip_suffix(STICKY)
        {
            plainer.push(Variant::Fault { class: once.to_owned(), nth: *nth });
        }
        let crashes = self.made.crashes();
        let base = Rc::clone(&self.made.course.base);
        for variant in plainer {
            if self.made.course.variant == Variant::Undisturbed || self.is_over() {
                return;
            }
            // Not every class that is sticky has one by that name which is not.
            let Ok(course) = base.course(&variant) else { continue };
            if self.attempt(&course, &crashes) {
                return;
            }
        }
    }

    /// Without the fault that the recovery from the first crash meets, or with only the first call that meets it.
    fn plainer_recovery(&mut self) {
        let Some((class, nth)) = self.made.recovery else { return };
        let once = class.name.strip_suffix(STICKY).and_then(Class::named);
        let plainer = std::iter::once(None).chain(once.map(|once| Some((once, nth))));
        for recovery in plainer {
            if self.is_over() {
                return;
            }
            let (course, crashes) = (Rc::clone(&self.made.course), self.made.crashes());
            let made = self.made.again_meeting(&course, recovery, &crashes);
            if self.take(made) {
                return;
            }
        }
    }

    /// Gives back what a crash took and what did not matter: all of it, or in halves and then one by one (Zeller and
    /// Hildebrandt, Simplifying and isolating failure-inducing input, 2002).
    fn fewer_losses(&mut self, run: usize) {
        let Some(mut crash) = self.crash(run) else { return };
        if crash.damage.is_some()
            && self.attempt_crash(run, Crash { damage: None, ..crash.clone() })
        {
            crash.damage = None;
        }
        let mut size = crash.lost.len();
        while size > 0 && !self.is_over() {
            let mut smaller = false;
            let mut from = 0;
            while from < crash.lost.len() && !self.is_over() {
                let kept = crash.lost.iter().enumerate();
                let lost: Vec<usize> = kept
                    .filter(|(at, _)| !(from..from + size).contains(at))
                    .map(|(_, index)| *index)
                    .collect();
                let fewer = Crash { lost, ..crash.clone() };
                if self.attempt_crash(run, fewer.clone()) {
                    crash = fewer;
                    smaller = true;
                } else {
                    from += size;
                }
            }
            size = if smaller && size == 1 { 1 } else { size / 2 };
        }
    }

    /// Lets a crash come as early as it can, with the same losses as far as they were issued by then.
    fn earlier_point(&mut self, run: usize) {
        let Some(crash) = self.crash(run) else { return };
        // What is damaged is what was issued last.
        if crash.damage.is_some() {
            return;
        }
        let mut before = self.first_point(run, &crash);
        let mut point = crash.point;
        let near = before + 1..point.min(before + 1 + NEAR_POINTS);
        for earlier in near {
            if self.attempt_crash(run, crash.at(earlier)) {
                return;
            }
            before = earlier;
        }
        while point - before > 1 && !self.is_over() {
            let middle = before + (point - before) / 2;
            if self.attempt_crash(run, crash.at(middle)) {
                point = middle;
            } else {
                before = middle;
            }
        }
    }

    /// A crash that comes no later than this is another one: before a fault was met, or just behind what is lost, which is as
    /// if that had not been done at all.
    fn first_point(&self, run: usize, crash: &Crash) -> usize {
        let met = match run {
            0 => self.made.course.met.as_ref(),
            1 => self.made.failed.as_ref().and_then(|failed| failed.met.as_ref()),
            _ => None,
        };
        let met = met.map(|met| met.at).unwrap_or_default();
        let lost = crash.lost.first().map(|first| first + 1).unwrap_or_default();
        met.max(lost).min(crash.point)
    }

    /// What was done last before the last crash, if nothing is broken without it, and what was lost before it.
    fn pair(&self) -> Option<Pair> {
        let run = self.made.runs.len().checked_sub(1)?;
        let crash = self.crash(run)?;
        let kept = crash.point.checked_sub(1)?;
        let lost = self.lost().filter(|lost| *lost < (run, kept))?;
        if crash.lost.contains(&kept) {
            return None;
        }
        let mut without = self.made.crashes();
        without.last_mut()?.1 = Crash { damage: None, ..crash.at(kept) };
        let without = self.made.again(&self.made.course, &without)?;
        without.judge().is_ok().then_some(Pair { lost, kept: (run, kept) })
    }

    /// The first that is lost, of the last run that loses anything.
    fn lost(&self) -> Option<(usize, usize)> {
        let runs = self.made.runs.iter().enumerate().rev();
        let mut lost = runs.filter_map(|(number, run)| {
            let to_syncs = run.lost_to_syncs(self.made.id.profile);
            run.crash.lost.iter().chain(&to_syncs).min().map(|at| (number, *at))
        });
        lost.next()
    }
}

impl Crash {
    /// At another point: what was not issued by then is not lost.
    fn at(&self, point: usize) -> Self {
        let lost = self.lost.iter().copied().filter(|at| *at < point).collect();
        Self { point, lost, damage: self.damage }
    }
}
