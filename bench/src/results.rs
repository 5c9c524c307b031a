//! The results: as lines of JSON for programs, and as tables for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::contenders::Contender;
use crate::contest::Runs;
use crate::curves::{Curves, GrowthPoint};
use crate::failure::Result;
use crate::process::as_f64;
use crate::statistics::{Spread, rounded};
use crate::transform::Transform;

const MIB: f64 = 1024.0 * 1024.0;

/// What a contender did with so many records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BenchLine {
    pub(crate) name: String,
    pub(crate) transform: String,
    pub(crate) records: u64,
    pub(crate) records_per_s: f64,
    pub(crate) median_s: f64,
    pub(crate) min_s: f64,
    pub(crate) max_s: f64,
    pub(crate) peak_rss_mib: f64,
}

/// What it all comes to. What was not measured is not in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// How many times as fast ours is as each other, by transform, as `vs_…`.
    #[serde(flatten)]
    pub(crate) advantages: BTreeMap<String, BTreeMap<String, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) untouched_ratio: Option<f64>,
    /// The longest at any size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rollback_ms: Option<f64>,
    /// The longest at any size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_ms: Option<f64>,
    /// The most that any run of ours took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_rss_mib: Option<f64>,
    /// At the largest size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) write_amplification: Option<f64>,
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) records: u64,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) contenders: Vec<BenchLine>,
    pub(crate) curves: Option<Curves>,
    pub(crate) summary: Summary,
}

impl Results {
    /// Of these runs and curves, as far as there are any.
    pub(crate) fn new(
        (records, rounds, quick): (u64, usize, bool),
        runs: Option<&Runs>,
        curves: Option<Curves>,
    ) -> Self {
        let lines =
            runs.into_iter().flat_map(Runs::iter).filter_map(|(transform, contender, costs)| {
                let seconds: Vec<f64> = costs.iter().map(|cost| cost.seconds).collect();
                let spread = Spread::of(&seconds)?;
                let peak = costs.iter().map(|cost| cost.peak_rss_mib).fold(0.0, f64::max);
                Some(BenchLine::new((contender, transform), records, spread, peak))
            });
        let contenders: Vec<BenchLine> = lines.collect();
        let summary = summarize(runs, &contenders, curves.as_ref());
        Self { records, rounds, quick, contenders, curves, summary }
    }

    /// One object a line, the summary last.
    ///
    /// # Errors
    /// If they cannot be written as JSON.
    pub(crate) fn json_lines(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for line in &self.contenders {
            lines.push(typed("bench", line)?);
        }
        if let Some(curves) = &self.curves {
            for point in &curves.growth {
                // A contender and a size have one line: where all were measured, that is the one.
                if self.contenders.is_empty() || point.records != self.records {
                    lines.push(typed("bench", &BenchLine::of_growth(point))?);
                }
                lines.push(typed("bench-growth", point)?);
            }
            for point in &curves.untouched {
                lines.push(typed("bench-untouched", point)?);
            }
            for point in &curves.homes {
                lines.push(typed("bench-home", point)?);
            }
        }
        lines.push(typed("bench-summary", &self.summary)?);
        Ok(lines)
    }

    /// As tables, in Markdown.
    pub(crate) fn tables(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for transform in Transform::ALL {
            lines.extend(self.contest_table(transform));
        }
        if let Some(curves) = &self.curves {
            lines.extend(growth_table(curves));
            lines.extend(untouched_table(curves));
            lines.extend(homes_table(curves));
        }
        lines
    }

    fn contest_table(&self, transform: Transform) -> Vec<String> {
        let of = |line: &&BenchLine| line.transform == transform.name();
        let mut lines: Vec<String> = Vec::new();
        for line in self.contenders.iter().filter(of) {
            let advantage = self.summary.advantages.get(transform.name());
            let advantage = advantage.and_then(|all| all.get(&versus(&line.name)));
            let advantage = advantage.map_or("—".to_owned(), |ratio| format!("{ratio:.2} ×"));
            lines.push(format!(
                "| {} | {advantage} | {:.3} | {:.3} | {:.3} | {:.0} | {:.0} |",
                line.name,
                line.median_s,
                line.min_s,
                line.max_s,
                line.records_per_s,
                line.peak_rss_mib
            ));
        }
        if !lines.is_empty() {
            let title = format!(
                "{} records, {} transform, rounds: {}.",
                self.records,
                transform.name(),
                self.rounds
            );
            let head = "| contender | rate of ours ÷ its rate | median s | min s | max s | records/s | peak MiB |";
            lines.splice(0..0, table_head(&title, head));
        }
        lines
    }
}

impl BenchLine {
    fn new(
        (contender, transform): (Contender, Transform),
        records: u64,
        spread: Spread,
        peak_rss_mib: f64,
    ) -> Self {
        Self {
            name: contender.name().to_owned(),
            transform: transform.name().to_owned(),
            records,
            records_per_s: (as_f64(records) / spread.median).round(),
            median_s: rounded(spread.median),
            min_s: rounded(spread.min),
            max_s: rounded(spread.max),
            peak_rss_mib: rounded(peak_rss_mib),
        }
    }

    fn of_growth(point: &GrowthPoint) -> Self {
        let GrowthPoint { median_s: median, min_s: min, max_s: max, .. } = *point;
        let of = (Contender::Ours, Transform::Cheap);
        Self::new(of, point.records, Spread { median, min, max }, point.peak_rss_mib)
    }
}

fn summarize(runs: Option<&Runs>, contenders: &[BenchLine], curves: Option<&Curves>) -> Summary {
    let mut advantages = BTreeMap::new();
    for (runs, transform) in runs.into_iter().flat_map(|runs| Transform::ALL.map(|it| (runs, it))) {
        let others = Contender::ALL.into_iter().filter(|contender| *contender != Contender::Ours);
        let ratios = others.filter_map(|other| {
            Some((versus(other.name()), rounded(runs.advantage(transform, other)?)))
        });
        advantages.insert(transform.name().to_owned(), ratios.collect());
    }
    let ours = contenders.iter().filter(|line| line.name == Contender::Ours.name());
    let growth = curves.map(|curves| curves.growth.as_slice()).unwrap_or_default();
    let homes = curves.map(|curves| curves.homes.as_slice()).unwrap_or_default();
    let peaks = ours.map(|line| line.peak_rss_mib);
    Summary {
        advantages,
        untouched_ratio: curves.map(|curves| curves.untouched_ratio),
        rollback_ms: most(homes.iter().map(|point| point.rollback_ms)),
        recovery_ms: most(homes.iter().map(|point| point.recovery_ms)),
        peak_rss_mib: most(peaks.chain(growth.iter().map(|point| point.peak_rss_mib))),
        write_amplification: growth.last().map(|point| point.write_amplification),
    }
}

fn most(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    numbers.reduce(f64::max)
}

/// As a ratio to a contender is called.
fn versus(name: &str) -> String {
    format!("vs_{}", name.replace('-', "_"))
}

fn typed(kind: &str, value: &impl Serialize) -> Result<String> {
    let rest = serde_json::to_string(value)?;
    let kind = json!(kind);
    let rest = rest.strip_prefix('{').unwrap_or_default();
    let comma = if rest == "}" { "" } else { "," };
    let line = format!("{{\"type\":{kind}{comma}{rest}");
    // What is put together by hand is read once before anybody else has to.
    serde_json::from_str::<Value>(&line)?;
    Ok(line)
}

fn growth_table(curves: &Curves) -> Vec<String> {
    let head =
        "| records | median s | min s | max s | records/s | peak MiB | written ÷ new content |";
    let mut lines = table_head("Ours by the number of records, cheap transform.", head).to_vec();
    for point in &curves.growth {
        lines.push(format!(
            "| {} | {:.3} | {:.3} | {:.3} | {:.0} | {:.0} | {:.2} |",
            point.records,
            point.median_s,
            point.min_s,
            point.max_s,
            point.records_per_s,
            point.peak_rss_mib,
            point.write_amplification
        ));
    }
    lines
}

fn untouched_table(curves: &Curves) -> Vec<String> {
    let title = format!(
        "Ours beside data that it does not touch; beside the most, {:.2} × the time of beside nothing.",
        curves.untouched_ratio
    );
    let head = "| touched MiB | untouched MiB | median s | min s | max s |";
    let mut lines = table_head(&title, head).to_vec();
    for point in &curves.untouched {
        lines.push(format!(
            "| {:.0} | {:.0} | {:.3} | {:.3} | {:.3} |",
            as_f64(point.touched_bytes) / MIB,
            as_f64(point.untouched_bytes) / MIB,
            point.median_s,
            point.min_s,
            point.max_s
        ));
    }
    lines
}

fn homes_table(curves: &Curves) -> Vec<String> {
    let head = "| records | upgrade s | rollback ms | recovery ms | the engine's own opening, ms |";
    let mut lines = table_head("Whole homes.", head).to_vec();
    for point in &curves.homes {
        lines.push(format!(
            "| {} | {:.3} | {:.1} | {:.1} | {:.1} |",
            point.records,
            point.upgrade_s,
            point.rollback_ms,
            point.recovery_ms,
            point.engine_open_ms
        ));
    }
    lines
}

/// What stands above the rows; every column but the first is of numbers.
fn table_head(title: &str, head: &str) -> [String; 5] {
    let columns = head.matches('|').count().saturating_sub(2);
    let rule = format!("|---|{}", "---:|".repeat(columns));
    [String::new(), title.to_owned(), String::new(), head.to_owned(), rule]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curves::{HomePoint, UntouchedPoint};
    use crate::process::Cost;

    fn results() -> Results {
        let mut runs = Runs::default();
        for transform in Transform::ALL {
            for (place, contender) in (1_u32..).zip(Contender::ALL) {
                let cost = Cost { seconds: f64::from(place), peak_rss_mib: 90.0, written_bytes: 1 };
                runs.add(transform, contender, cost);
            }
        }
        let point = |records, peak_rss_mib| GrowthPoint {
            records,
            records_per_s: 10.0,
            median_s: 1.0,
            min_s: 0.5,
            max_s: 2.0,
            peak_rss_mib,
            new_content_bytes: 100,
            written_bytes: 105,
            write_amplification: 1.05,
        };
        let home = |records, rollback_ms| HomePoint {
            records,
            upgrade_s: 1.0,
            rollback_ms,
            recovery_ms: 7.0,
            engine_open_ms: 3.0,
        };
        let curves = Curves {
            growth: vec![point(100, 91.0), point(1000, 99.0)],
            untouched: vec![UntouchedPoint {
                touched_bytes: 1,
                untouched_bytes: 0,
                median_s: 1.0,
                min_s: 1.0,
                max_s: 1.0,
            }],
            untouched_ratio: 1.1,
            homes: vec![home(100, 12.0), home(1000, 11.0)],
        };
        Results::new((100, 1, false), Some(&runs), Some(curves))
    }

    fn keys(line: &Value) -> Vec<&str> {
        line.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn every_contender_and_size_has_one_line_in_the_form_that_is_promised() {
        let lines = results().json_lines().unwrap();
        let lines: Vec<Value> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let bench: Vec<&Value> = lines.iter().filter(|line| line["type"] == "bench").collect();
        // Seven contenders by two transforms, and ours at the other size of the curve.
        assert_eq!(bench.len(), 15);
        let mut unique = std::collections::BTreeSet::new();
        for line in bench {
            let mut found = keys(line);
            found.sort_unstable();
            let promised = [
                "max_s",
                "median_s",
                "min_s",
                "name",
                "peak_rss_mib",
                "records",
                "records_per_s",
                "transform",
                "type",
            ];
            assert_eq!(found, promised);
            assert!(
                unique
                    .insert(format!("{} {} {}", line["name"], line["transform"], line["records"]))
            );
        }
    }

    #[test]
    fn the_summary_is_the_last_line_and_has_every_figure() {
        let lines = results().json_lines().unwrap();
        let last = lines.last().unwrap();
        assert!(last.starts_with("{\"type\":\"bench-summary\",\"cheap\":{"), "{last}");
        let summary: Value = serde_json::from_str(last).unwrap();
        for transform in ["cheap", "heavy"] {
            assert_eq!(summary[transform]["vs_fjall_loop"], 2.0);
            assert_eq!(summary[transform]["vs_sqlite_update"], 4.0);
            assert_eq!(summary[transform]["vs_sqlite_copy"], 5.0);
            assert_eq!(summary[transform]["vs_redb"], 6.0);
            assert_eq!(summary[transform]["vs_refinery"], 7.0);
        }
        assert_eq!(summary["untouched_ratio"], 1.1);
        assert_eq!(summary["rollback_ms"], 12.0);
        assert_eq!(summary["recovery_ms"], 7.0);
        assert_eq!(summary["peak_rss_mib"], 99.0);
        assert_eq!(summary["write_amplification"], 1.05);
    }

    #[test]
    fn what_was_not_measured_is_not_in_the_summary() {
        let nothing = Results::new((100, 1, true), None, None);
        assert_eq!(nothing.json_lines().unwrap(), ["{\"type\":\"bench-summary\"}"]);
        assert!(nothing.tables().is_empty());
    }

    #[test]
    fn every_row_of_a_table_has_the_columns_of_its_head() {
        let (mut columns, mut rows) = (0, 0);
        for line in results().tables() {
            match line.matches('|').count() {
                0 => columns = 0,
                found if columns == 0 => columns = found,
                found => {
                    rows += 1;
                    assert_eq!(found, columns, "{line}");
                }
            }
        }
        assert_eq!(rows, 5 + 14 + 2 + 1 + 2);
    }

    #[test]
    fn results_survive_being_written_and_read() {
        let results = results();
        let text = serde_json::to_string(&results).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), results);
    }
}
