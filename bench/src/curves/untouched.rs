//! What lies beside what is migrated should cost nothing.

use serde::{Deserialize, Serialize};

use super::migrate;
use crate::contenders::{Content, Engine};
use crate::contest::SEED;
use crate::failure::{Failure, Result};
use crate::output::say;
use crate::records::RECORD_BYTES;
use crate::statistics::{Spread, median_ratio, rotated, rounded};
use crate::workbench::{Source, Workbench};

const TOUCHED_BYTES: u64 = 10_000_000;
const UNTOUCHED_BYTES: [u64; 3] = [0, 1_000_000_000, 4_000_000_000];
const QUICK_UNTOUCHED_BYTES: [u64; 3] = [0, 16_000_000, 64_000_000];

/// Short runs need more rounds for a median that means something, and can afford them.
const RUNS_PER_ROUND: usize = 3;

/// What a migration cost beside so much that it does not touch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct UntouchedPoint {
    pub(crate) touched_bytes: u64,
    pub(crate) untouched_bytes: u64,
    pub(crate) median_s: f64,
    pub(crate) min_s: f64,
    pub(crate) max_s: f64,
}

/// Measures every size, alternating, and the ratio of the largest to nothing.
pub(super) fn run(
    workbench: &Workbench,
    quick: bool,
    rounds: usize,
) -> Result<(Vec<UntouchedPoint>, f64)> {
    let sizes = if quick { QUICK_UNTOUCHED_BYTES } else { UNTOUCHED_BYTES };
    let mut beside = Vec::new();
    for untouched_bytes in sizes {
        say(&format!("filling a store with {untouched_bytes} bytes that are not touched"));
        let records = TOUCHED_BYTES / RECORD_BYTES;
        let content = Content { seed: SEED, records, untouched_bytes };
        let source = workbench.source(Engine::Fjall, &content)?;
        beside.push(Beside { untouched_bytes, source, seconds: Vec::new() });
    }
    let places: Vec<usize> = (0..beside.len()).collect();
    for round in 0..rounds * RUNS_PER_ROUND {
        for place in rotated(&places, round) {
            let Some(found) = beside.get_mut(place) else { continue };
            let seconds = migrate(workbench, &found.source)?.seconds;
            say(&format!("beside {} bytes: {seconds:.3} s", found.untouched_bytes));
            found.seconds.push(seconds);
        }
    }
    let ratio = beside
        .first()
        .zip(beside.last())
        .and_then(|(none, most)| untouched_ratio(&none.seconds, &most.seconds));
    let points: Option<Vec<_>> = beside.iter().map(Beside::point).collect();
    let measured = points.zip(ratio).ok_or_else(|| Failure::new("there was no round"))?;
    beside.into_iter().try_for_each(|beside| beside.source.remove())?;
    Ok(measured)
}

/// Time beside the most as a multiple of the time beside nothing: the median over the rounds.
fn untouched_ratio(none: &[f64], most: &[f64]) -> Option<f64> {
    median_ratio(most, none).map(rounded)
}

struct Beside {
    untouched_bytes: u64,
    source: Source,
    seconds: Vec<f64>,
}

impl Beside {
    fn point(&self) -> Option<UntouchedPoint> {
        let spread = Spread::of(&self.seconds)?;
        Some(UntouchedPoint {
            touched_bytes: TOUCHED_BYTES,
            untouched_bytes: self.untouched_bytes,
            median_s: rounded(spread.median),
            min_s: rounded(spread.min),
            max_s: rounded(spread.max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_most_to_nothing() {
        assert_eq!(untouched_ratio(&[1.0, 2.0], &[1.2, 2.8]), Some(1.3));
        assert_eq!(untouched_ratio(&[], &[]), None);
    }
}
