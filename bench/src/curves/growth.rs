//! Time, memory and bytes written by the number of records.

use serde::{Deserialize, Serialize};

use super::migrate;
use crate::contenders::{Content, Engine};
use crate::contest::SEED;
use crate::failure::{Failure, Result};
use crate::output::say;
use crate::process::{Cost, as_f64};
use crate::records::each_record;
use crate::statistics::{Spread, rounded};
use crate::transform::Transform;
use crate::workbench::Workbench;

/// What a migration of so many records cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct GrowthPoint {
    pub(crate) records: u64,
    pub(crate) records_per_s: f64,
    pub(crate) median_s: f64,
    pub(crate) min_s: f64,
    pub(crate) max_s: f64,
    pub(crate) peak_rss_mib: f64,
    /// Keys and values of what is new.
    pub(crate) new_content_bytes: u64,
    /// What the process caused to be written to the disk, as the kernel counts it.
    pub(crate) written_bytes: u64,
    /// How many times the new content was written.
    pub(crate) write_amplification: f64,
}

/// Measures every size.
pub(super) fn run(workbench: &Workbench, sizes: &[u64], rounds: usize) -> Result<Vec<GrowthPoint>> {
    let mut points = Vec::new();
    for records in sizes.iter().copied() {
        let content = Content { seed: SEED, records, untouched_bytes: 0 };
        let source = workbench.source(Engine::Fjall, &content)?;
        let mut costs = Vec::new();
        for round in 0..rounds {
            let cost = migrate(workbench, &source)?;
            say(&format!("{records} records {}/{rounds}: {:.3} s", round + 1, cost.seconds));
            costs.push(cost);
        }
        source.remove()?;
        let point = GrowthPoint::of(records, &costs, new_content_bytes(records)?);
        points.push(point.ok_or_else(|| Failure::new("there was no round"))?);
    }
    Ok(points)
}

impl GrowthPoint {
    /// What these rounds show; `None` if there are none.
    fn of(records: u64, costs: &[Cost], new_content_bytes: u64) -> Option<Self> {
        let seconds: Vec<f64> = costs.iter().map(|cost| cost.seconds).collect();
        let spread = Spread::of(&seconds)?;
        let written_bytes = costs.iter().map(|cost| cost.written_bytes).max()?;
        Some(Self {
            records,
            records_per_s: (as_f64(records) / spread.median).round(),
            median_s: rounded(spread.median),
            min_s: rounded(spread.min),
            max_s: rounded(spread.max),
            peak_rss_mib: rounded(costs.iter().map(|cost| cost.peak_rss_mib).fold(0.0, f64::max)),
            new_content_bytes,
            written_bytes,
            write_amplification: rounded(as_f64(written_bytes) / as_f64(new_content_bytes)),
        })
    }
}

fn new_content_bytes(records: u64) -> Result<u64> {
    let mut bytes = 0;
    each_record(SEED, records, |key, value| {
        bytes += (key.len() + Transform::Cheap.apply(value)?.len()) as u64;
        Ok::<(), Failure>(())
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_the_median_of_its_times_and_the_most_of_everything_else() {
        let cost =
            |seconds, peak_rss_mib, written_bytes| Cost { seconds, peak_rss_mib, written_bytes };
        let costs = [cost(2.0, 10.0, 150), cost(4.0, 12.0, 110), cost(1.0, 11.0, 120)];
        let point = GrowthPoint::of(1000, &costs, 100).unwrap();
        assert_eq!((point.median_s, point.min_s, point.max_s), (2.0, 1.0, 4.0));
        assert_eq!((point.records_per_s, point.peak_rss_mib), (500.0, 12.0));
        assert_eq!((point.written_bytes, point.write_amplification), (150, 1.5));
        assert_eq!(GrowthPoint::of(1000, &[], 100), None);
    }
}
