//! Calls that fail: every call of a scenario in turn, once and for good, and the power after it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::fault::{Call, Effect, Fault, FaultPlan};
use sim::images::{Profile, enumerate_end};
use sim::world::World;

use crate::explore::{Campaign, Report, known};
use crate::hooks;
use crate::judge::{Expected, Known, judge};
use crate::scenario::{Recording, Scenario};

/// How a kind of call fails, and what the class of the fault is called.
const CLASSES: [(&str, Call, Effect, bool); 14] = [
    ("sync-eio", Call::Sync, Effect::Error(libc::EIO), false),
    ("sync-eio-sticky", Call::Sync, Effect::Error(libc::EIO), true),
    ("write-enospc", Call::Write, Effect::Error(libc::ENOSPC), false),
    ("write-enospc-sticky", Call::Write, Effect::Error(libc::ENOSPC), true),
    ("write-eio", Call::Write, Effect::Error(libc::EIO), false),
    ("write-short", Call::Write, Effect::Short, false),
    ("read-eio", Call::Read, Effect::Error(libc::EIO), false),
    ("read-short", Call::Read, Effect::Short, false),
    ("create-edquot", Call::Create, Effect::Error(libc::EDQUOT), false),
    ("create-erofs", Call::Create, Effect::Error(libc::EROFS), true),
    ("open-emfile", Call::Open, Effect::Error(libc::EMFILE), false),
    ("rename-eio", Call::Rename, Effect::Error(libc::EIO), false),
    ("remove-eio", Call::Remove, Effect::Error(libc::EIO), false),
    ("link-emlink", Call::Link, Effect::Error(libc::EMLINK), false),
];

/// Of a kind of call that is made more often than this, so many are tried, spread evenly.
const MOST_CALLS: u64 = 400;
/// The same in a quick campaign.
const MOST_CALLS_QUICK: u64 = 40;

/// Makes every call of a scenario fail in turn, and judges what is left: by the process ending, and by the power going too.
pub(crate) fn explore(
    campaign: &Campaign,
    scenario: &Scenario,
    recording: &Recording,
    expected: &Expected,
    report: &mut Report,
) {
    let expected = &expected.without_history();
    let most = if campaign.is_quick() { MOST_CALLS_QUICK } else { MOST_CALLS };
    for (class, call, effect, sticky) in CLASSES {
        let calls = recording.calls.calls(call);
        let step = calls.div_ceil(most).max(1);
        for nth in (1..=calls).step_by(usize::try_from(step).unwrap_or(1)) {
            let fault = Fault { call, nth, effect, sticky };
            fail(campaign, scenario, recording, expected, class, fault, report);
        }
    }
}

fn fail(
    campaign: &Campaign,
    scenario: &Scenario,
    recording: &Recording,
    expected: &Expected,
    class: &'static str,
    fault: Fault,
    report: &mut Report,
) {
    let tell = |what: String| {
        format!("{}: {class}, call {} of {:?}: {what}", scenario.name, fault.nth, fault.call)
    };
    hooks::install(Some(World::new(recording.before.clone(), FaultPlan::of(&[fault]))));
    let result = catch_unwind(AssertUnwindSafe(|| scenario.retry()));
    let Some(world) = hooks::install(None) else { return };
    let Ok(result) = result else {
        report.count_fault(class, Err(tell("the product panicked".to_owned())));
        return;
    };
    let marks = known(world.log()).last().copied().unwrap_or_default();
    let known = Known { records: marks.records, done: result.is_ok() };
    let judged = judge(scenario, world.disk(), known, expected, true);
    report.count_fault(class, judged.map_err(tell));
    // The power goes as well: what a failed sync has lost is lost.
    let (before, log, seed) = (&recording.before, world.log(), campaign.seed());
    enumerate_end(before, log, Profile::Ordered, seed, &mut |image| {
        let judged = judge(scenario, &image.disk, known, expected, false);
        report.count_fault(class, judged.map_err(|what| tell(format!("and a crash: {what}"))));
    });
}
