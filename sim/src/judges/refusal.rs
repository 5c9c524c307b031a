//! A refusal changes nothing but the audit.

use sim::disk::{Disk, Fingerprint};

use super::{Case, Judge, Verdict, generation_path};
use crate::observe::State;
use crate::scenario::{HOME_ON_DISK, Outcome};

// trace: invariant FC-13.3 FC-14.3 FC-21.2
// trace: invariant FC-16.1
pub(super) const JUDGE: Judge = Judge {
    name: "refusal",
    claim: "what is refused changes nothing but the audit",
    clause: "§16 §21",
    judge,
};

fn judge(case: &Case<'_>) -> Verdict {
    if case.lied_to {
        return Verdict::NotApplicable;
    }
    // Which step was refused, if the last one was, and what it said.
    let refused = match case.failed {
        Some(failed) => Some((case.known.done, failed)),
        None if case.known.under_way().is_some() => None,
        None => case
            .known
            .done
            .checked_sub(1)
            .and_then(|step| Some((step, case.model.outcomes.get(step)?))),
    };
    let Some((step, Outcome::Refused { unchanged: true, .. })) = refused else {
        return Verdict::NotApplicable;
    };
    let (Some(act), Some(before)) = (case.scenario.act.get(step), case.model.states.get(step))
    else {
        return Verdict::NotApplicable;
    };
    let disk = step.checked_sub(1).map_or(Some(case.before), |step| case.disks.get(step));
    // What a runtime has written is written, whatever becomes of it then.
    let Some(disk) = disk.filter(|_| !act.starts_a_runtime()) else {
        return Verdict::NotApplicable;
    };
    let (was, is) = (kept(disk, before), kept(&case.seen.disk, before));
    let same = was.generations == is.generations && (act.publishes() || was.beside == is.beside);
    Verdict::of((!same).then(|| "it was refused, and something else has changed".to_owned()))
}

/// What a refusal leaves as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Everything outside of the home.
    beside: Fingerprint,
    /// Every generation that was kept.
    generations: Vec<Option<Fingerprint>>,
}

/// What there is on a disk of what a refusal leaves as it is.
pub(crate) fn kept(disk: &Disk, before: &State) -> Kept {
    let generations = match before {
        State::Home { contents, .. } => {
            let paths = contents.keys().map(|number| generation_path(*number));
            paths.map(|path| disk.fingerprint_below(&path)).collect()
        }
        _ => Vec::new(),
    };
    Kept { beside: disk.fingerprint_without(&[HOME_ON_DISK]), generations }
}
