//! One scenario under one profile: every image, every judgement, and the recovery from each crashed in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sim::disk::{Disk, Fingerprint, InodeNumber};
use sim::images::{Coverage, Damage, Enumeration, Image, Next, Points, Profile, enumerate};
use sim::world::Logged;

use crate::id::StateId;
use crate::judges::{Broken, Case, judge, protocol};
use crate::model::{Known, Model};
use crate::observe::{Again, CurrentIs, Observation, State, Wanted, observe, observe_once};
use crate::recovery::Recovery;
use crate::report::Violation;
use crate::scenario::{HOME_ON_DISK, Outcome, Scenario};
use crate::session::Session;

/// Every so many-th state is also done again to its end.
const RETRY_EVERY: u64 = 128;

/// Of the states that more than one crash leaves, every so many-th is read as those that one leaves: a generation that is
/// current too, though it is byte for byte one that was read before.
const READ_AGAIN_EVERY: u64 = 8;

/// So many states are remembered; then it begins anew, and some may be judged twice.
const MOST_REMEMBERED: usize = 8_000_000;

/// What tells a state of a disk that lied from the same of one that did not.
const LIED_TO: Fingerprint = 1 << 127;

/// How many crashes follow each other, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Depth {
    /// The most crashes that follow each other.
    pub(crate) most: u32,
    /// Of the states that one crash leaves, every so many-th one's recovery is crashed; none if 0.
    pub(crate) second_every: u64,
    /// Of those that two crashes leave, likewise.
    pub(crate) third_every: u64,
    /// Of the states that one crash leaves, every so many-th one's recovery meets faults; none if 0.
    pub(crate) faults_every: u64,
}

impl Depth {
    /// No crash within a recovery.
    pub(crate) const ONE: Self = Self { most: 1, second_every: 0, third_every: 0, faults_every: 0 };

    fn goes_on(self, depth: u32, bits: u64) -> bool {
        let every = if depth == 1 { self.second_every } else { self.third_every };
        depth < self.most && every > 0 && bits.is_multiple_of(every)
    }

    fn meets_faults(self, depth: u32, bits: u64) -> bool {
        depth == 1
            && self.most > 1
            && self.faults_every > 0
            && bits.is_multiple_of(self.faults_every)
    }
}

/// What is explored.
pub(crate) struct Exploration<'x> {
    pub(crate) session: &'x mut Session,
    pub(crate) setting: Setting<'x>,
    pub(crate) profile: Profile,
    pub(crate) depth: Depth,
    /// States that were judged before, of whatever profile.
    pub(crate) seen: &'x mut BTreeSet<Fingerprint>,
    /// States whose recovery was crashed under this profile.
    pub(crate) recovered: BTreeSet<Fingerprint>,
    /// States whose recovery met faults under this profile.
    pub(crate) injected: BTreeSet<Fingerprint>,
    /// Images of the log that is walked that were taken before.
    pub(crate) taken: BTreeSet<(u128, Option<Damage>)>,
    /// Judge only what loses something of this inode, and nothing else.
    pub(crate) only_lost: Option<InodeNumber>,
    /// One of many runs that leave the same disks: what was seen of one is remembered.
    pub(crate) repeats: bool,
    /// Part of a campaign: what another process judges is passed over.
    pub(crate) sharded: bool,
    /// How often each judge had something to judge.
    pub(crate) applied: BTreeMap<&'static str, u64>,
}

/// One crash after another.
pub(crate) struct Walk<'w> {
    pub(crate) disk: &'w Disk,
    pub(crate) log: &'w [Logged],
    pub(crate) known: &'w [Known],
    pub(crate) points: Points,
    pub(crate) id: &'w StateId,
    /// How many crashes there are then.
    pub(crate) depth: u32,
}

impl<'x> Exploration<'x> {
    /// Of one log, by one process, with nothing left out.
    pub(crate) fn new(
        session: &'x mut Session,
        setting: Setting<'x>,
        (profile, depth): (Profile, Depth),
        seen: &'x mut BTreeSet<Fingerprint>,
    ) -> Self {
        Self {
            session,
            setting,
            profile,
            depth,
            seen,
            recovered: BTreeSet::new(),
            injected: BTreeSet::new(),
            taken: BTreeSet::new(),
            only_lost: None,
            repeats: false,
            sharded: false,
            applied: BTreeMap::new(),
        }
    }
}

impl Exploration<'_> {
    /// Judges every image of a log that was not judged before, at these points.
    pub(crate) fn run(&mut self, log: &[Logged], known: &[Known], points: Points, id: &StateId) {
        self.taken.clear();
        self.recovered.clear();
        self.injected.clear();
        let states = self.session.report.distinct_states;
        let before = self.setting.before;
        self.walk(&Walk { disk: before, log, known, points, id, depth: 1 });
        let states = self.session.report.distinct_states - states;
        let name = format!("{} ({})", self.setting.scenario.name, self.profile.name());
        *self.session.report.by_scenario.entry(name).or_default() += states;
        for (name, count) in std::mem::take(&mut self.applied) {
            *self.session.report.judged.entry(name.to_owned()).or_default() += count;
        }
    }

    fn walk(&mut self, walk: &Walk<'_>) {
        let what = Enumeration {
            before: walk.disk,
            log: walk.log,
            profile: self.profile,
            seed: walk.id.seed,
            effort: walk.id.effort(),
            points: walk.points,
        };
        let coverage: Coverage = enumerate(what, &mut |image| self.visit(walk, image));
        let report = &mut self.session.report;
        let by_all = self.sharded && walk.depth == 1;
        let walked = if by_all { &mut report.by_all } else { &mut report.by_one };
        walked.cover(coverage);
        report.max_depth = report.max_depth.max(u64::from(walk.depth));
    }

    fn visit(&mut self, walk: &Walk<'_>, image: &Image<'_>) -> Next {
        if self.session.is_over() {
            return Next::Stop;
        }
        let known = walk.known.get(image.marks).or(walk.known.last()).copied().unwrap_or_default();
        if self.only_lost.is_some_and(|inode| !image.loses_only(inode)) {
            return Next::GoOn;
        }
        // Most images were taken before, at another point: nobody needs to make them again to know that.
        let (applied, damage) = image.key();
        if !self.taken.insert((applied ^ known.fingerprint(), damage)) {
            return Next::GoOn;
        }
        if self.taken.len() > MOST_REMEMBERED {
            self.taken.clear();
        }
        let fingerprint = image.fingerprint();
        let bits = fingerprint as u64;
        // Shards part what is found at the first crash; what follows from it stays with it.
        if walk.depth == 1 && self.sharded && !self.session.is_ours(bits) {
            return Next::GoOn;
        }
        // What holds of a disk that lied is less than what holds of one that did not.
        let lied_to = if self.setting.lied_to { LIED_TO } else { 0 };
        let state = fingerprint ^ known.fingerprint() ^ lied_to;
        let is_new = self.seen.insert(state);
        // What a crash takes of a recovery is for each profile to say, whichever came to the state first.
        let goes_on = self.depth.goes_on(walk.depth, bits >> 16) && self.recovered.insert(state);
        let fails = self.depth.meets_faults(walk.depth, bits >> 32) && self.injected.insert(state);
        if !is_new && !goes_on && !fails {
            return Next::GoOn;
        }
        for remembered in [&mut *self.seen, &mut self.recovered, &mut self.injected] {
            if remembered.len() > MOST_REMEMBERED {
                remembered.clear();
            }
        }
        let id = walk.id.crashed(image.point, image.index);
        if !self.session.about_to_judge(&id) {
            return Next::GoOn;
        }
        let read_again = walk.depth == 1 || (bits >> 40).is_multiple_of(READ_AGAIN_EVERY);
        let current_is = if read_again { CurrentIs::Read } else { CurrentIs::LikeOthers };
        let holds = !is_new || self.holds(image, fingerprint, known, current_is, &id);
        if goes_on && holds {
            let disk = image.disk();
            let log = Recovery::undisturbed(&disk, id.seed, false).log;
            let depth = walk.depth + 1;
            let (log, known, points) = (log.as_slice(), &[known], Points::ALL);
            self.follow(&Walk { disk: &disk, log, known, points, id: &id, depth });
        }
        if fails && holds && self.session.about_to_judge(&id) {
            self.inject_into_recovery(&image.disk(), fingerprint, known, &id);
        }
        Next::GoOn
    }

    /// Walks a log that follows from an image of the one that is walked.
    pub(crate) fn follow(&mut self, walk: &Walk<'_>) {
        let taken = std::mem::take(&mut self.taken);
        self.walk(walk);
        self.taken = taken;
    }

    /// Whether an adoption has not come to its journal yet: what it leaves until then tells nobody whose it is, and may be in
    /// the way of the next try.
    fn has_just_begun(&self, image: &Image<'_>, known: Known) -> bool {
        let from = known.under_way().and_then(|number| self.setting.model.states.get(number));
        let journal = format!("{HOME_ON_DISK}/journal");
        matches!(from, Some(State::Nothing)) && image.disk().lookup(&journal).is_none()
    }

    /// Whether everything holds of an image that was not judged before.
    fn holds(
        &mut self,
        image: &Image<'_>,
        fingerprint: Fingerprint,
        known: Known,
        current_is: CurrentIs,
        id: &StateId,
    ) -> bool {
        let (bits, state) = (fingerprint as u64, fingerprint ^ known.fingerprint());
        let retry = (bits >> 8).is_multiple_of(RETRY_EVERY) || self.has_just_begun(image, known);
        let wanted = Wanted { retry: self.setting.to_retry(known, retry), current_is };
        let seen = if self.repeats {
            observe_once(fingerprint, wanted, || image.disk())
        } else {
            Rc::new(observe(&image.disk(), wanted))
        };
        let judged = self.setting.judge_seen(&seen, known, &mut self.applied);
        self.session.judged(state, judged.is_err());
        self.session.report.trace_steps += protocol::steps(&seen.found, self.setting.lied_to);
        let Err(Broken { judge, what }) = judged else { return true };
        let judge = judge.to_owned();
        self.session.violate(Violation { id: id.to_string(), judge, what });
        false
    }
}

/// What is judged against.
#[derive(Debug, Clone)]
pub(crate) struct Setting<'s> {
    pub(crate) scenario: &'s Scenario,
    pub(crate) model: &'s Model,
    /// What there was before the scenario.
    pub(crate) before: &'s Disk,
    /// What there was after each of its steps, undisturbed.
    pub(crate) disks: &'s [Disk],
    /// What came of the step that did not end as undisturbed, as soon as anybody is told.
    pub(crate) failed: Option<Outcome>,
    /// Whether the disk said it had kept what it had not.
    pub(crate) lied_to: bool,
}

impl Setting<'_> {
    /// Lets the product recover a disk, reads it, does again what was interrupted, and asks the judges.
    pub(crate) fn judge(
        &self,
        disk: &Disk,
        known: Known,
        applied: &mut BTreeMap<&'static str, u64>,
    ) -> Result<(), Broken> {
        let retry = self.to_retry(known, true);
        let seen = observe(disk, Wanted { retry, ..Wanted::default() });
        self.judge_seen(&seen, known, applied)
    }

    /// The same of a disk that many faults may leave. What was seen is given back too.
    pub(crate) fn judge_once(
        &self,
        disk: &Disk,
        fingerprint: Fingerprint,
        known: Known,
        applied: &mut BTreeMap<&'static str, u64>,
    ) -> (Result<(), Broken>, Rc<Observation>) {
        let wanted = Wanted { retry: self.to_retry(known, true), ..Wanted::default() };
        let seen = observe_once(fingerprint, wanted, || disk.clone());
        (self.judge_seen(&seen, known, applied), seen)
    }

    /// The step that was under way and is to be done again, if that is wanted, with what it leads to.
    fn to_retry(&self, known: Known, wanted: bool) -> Option<Again<'_>> {
        let number = known.under_way().filter(|_| wanted)?;
        // What somebody else wrote meanwhile, and has not taken back yet, is in the way.
        let (behind, step) = self.scenario.act.split_at_checked(number)?;
        let step = step.first().filter(|act| !act.is_written_to())?;
        let (from, to) = (self.model.states.get(number)?, self.model.states.get(number + 1)?);
        Some(Again { scenario: &self.scenario.name, behind, step: *step, from, to })
    }

    /// Asks the judges about what was seen of a disk.
    fn judge_seen(
        &self,
        seen: &Observation,
        known: Known,
        applied: &mut BTreeMap<&'static str, u64>,
    ) -> Result<(), Broken> {
        let case = Case {
            scenario: self.scenario,
            model: self.model,
            known,
            before: self.before,
            disks: self.disks,
            seen,
            failed: self.failed.as_ref().filter(|_| known.failed),
            lied_to: self.lied_to,
        };
        judge(&case, applied)
    }
}
