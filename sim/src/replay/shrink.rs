//! A finding is made as small as it can be: everything that a crash took and that did not matter is given back.

use crate::hooks;
use crate::judges::Broken;

use super::made::Made;

/// It may take so long.
const BUDGET_NANOSECONDS: u64 = 25_000_000_000;

/// Gives back what did not matter, in halves and then one by one (Zeller and Hildebrandt, Simplifying and isolating
/// failure-inducing input, 2002), as long as the same judge says that something is broken.
pub(super) fn shrink(mut made: Made, broken: &Broken) -> Made {
    let deadline = hooks::real_nanoseconds() + BUDGET_NANOSECONDS;
    let Some(last) = made.runs.last() else { return made };
    let (mut lost, damage) = (last.lost.clone(), last.damage);
    if damage.is_some() && made.try_crash(&lost, None, broken.judge) {
        return shrink(made, broken);
    }
    let mut size = lost.len().div_ceil(2);
    while size > 0 && hooks::real_nanoseconds() < deadline {
        let mut smaller = false;
        let mut from = 0;
        while from < lost.len() && hooks::real_nanoseconds() < deadline {
            let kept = lost.iter().enumerate();
            let fewer: Vec<usize> = kept
                .filter(|(at, _)| !(from..from + size).contains(at))
                .map(|(_, index)| *index)
                .collect();
            if made.try_crash(&fewer, damage, broken.judge) {
                lost = fewer;
                smaller = true;
            } else {
                from += size;
            }
        }
        size = if smaller && size == 1 { 1 } else { size / 2 };
    }
    made
}
