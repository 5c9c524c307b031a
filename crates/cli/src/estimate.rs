//! What an upgrade will need of time and space: an estimate, for people who plan one.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use upgrade::{HomeView, Needs, Plan, Request, Sample, SampleBasis};

use crate::failure::Failure;
use crate::style::hung;
use crate::surroundings::{Stopwatch, free_bytes};
use crate::units;

/// No longer is tried how fast the migration is.
const SAMPLED_FOR: Duration = Duration::from_millis(500);

/// While it is built, what is written anew is there twice: sorted runs beside the tables that they become.
const TIMES_WHILE_BUILDING: u64 = 2;

/// What an upgrade will need.
#[derive(Debug, Serialize)]
pub(crate) struct Estimate {
    #[serde(flatten)]
    pub(crate) needs: Needs,
    /// What the migration was tried on; none if no record is rewritten.
    pub(crate) sample: Option<TimedSample>,
    /// How long reading and transforming all records takes at least, on one thread.
    pub(crate) seconds_to_transform: Option<f64>,
    /// The bytes that are written and stay.
    pub(crate) bytes_written: u64,
    /// The bytes that are needed while it is built.
    pub(crate) bytes_while_building: u64,
    /// The bytes that are free where the home is, if that can be told.
    pub(crate) bytes_free: Option<u64>,
}

/// A sample, and how long it took.
#[derive(Debug, Serialize)]
pub(crate) struct TimedSample {
    #[serde(flatten)]
    sample: Sample,
    seconds: f64,
}

impl Estimate {
    /// Estimates; none if there is nothing to do.
    pub(crate) fn of(
        view: &HomeView<'_>,
        plan: &Plan,
        request: &Request,
        home: &Path,
    ) -> Result<Option<Self>, Failure> {
        if plan.is_nothing_to_do() {
            return Ok(None);
        }
        let needs = view.needs(plan, request)?;
        let watch = Stopwatch::start();
        let sample = view.sample(plan, &mut || watch.elapsed() < SAMPLED_FOR)?;
        let seconds = watch.elapsed().as_secs_f64();
        let sample = sample.map(|sample| TimedSample { sample, seconds });
        Ok(Some(Self::from(needs, sample, free_bytes(home))))
    }

    fn from(needs: Needs, sample: Option<TimedSample>, bytes_free: Option<u64>) -> Self {
        let records = needs.records_rewritten + needs.records_read;
        let seconds_to_transform = sample.as_ref().map(|timed| {
            let seconds = timed.seconds * records as f64 / timed.sample.records.max(1) as f64;
            (seconds * 1000.0).round() / 1000.0
        });
        let store = match &sample {
            // What records become is known from records alone: an example is of any size.
            Some(TimedSample { sample, .. }) if sample.basis == SampleBasis::Records => {
                let out = u128::from(sample.bytes_out) * u128::from(records);
                u64::try_from(out / u128::from(sample.records.max(1))).unwrap_or(u64::MAX)
            }
            _ => needs.bytes_rewritten,
        };
        let binary = needs.binary_after.map_or(0, |binary| binary.size);
        let before = needs.binary_before.map_or(0, |binary| binary.size);
        let others = needs.bytes_now.saturating_sub(needs.bytes_of_store).saturating_sub(before);
        let written = store.saturating_add(binary).saturating_add(others);
        let more = store.saturating_mul(TIMES_WHILE_BUILDING - 1);
        Self {
            needs,
            sample,
            seconds_to_transform,
            bytes_written: written,
            bytes_while_building: written.saturating_add(more),
            bytes_free,
        }
    }

    /// As lines of a plan.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let needs = &self.needs;
        let mut line =
            |name: &str, what: &str| text.push_str(&hung(&format!("  {name:<8} "), what));
        line("records", &self.records());
        line("time", &self.time());
        let bytes = |bytes: u64| units::bytes(bytes as f64);
        let mut space = format!(
            "about {} more, {} while it is built",
            bytes(self.bytes_written),
            bytes(self.bytes_while_building)
        );
        match self.bytes_free {
            Some(free) if free < self.bytes_while_building => {
                let _ = write!(space, "; ONLY {} ARE FREE", bytes(free));
            }
            Some(free) => {
                let _ = write!(space, "; {} are free", bytes(free));
            }
            None => {}
        }
        let _ = write!(space, ". The home has {} now, and keeps them.", bytes(needs.bytes_now));
        line("space", &space);
        text
    }

    fn records(&self) -> String {
        let Needs { records_rewritten, records_read, records_kept, .. } = self.needs;
        format!(
            "{} to rewrite, {} to read, {} that stay as they are",
            units::count(records_rewritten),
            units::count(records_read),
            units::count(records_kept)
        )
    }

    fn time(&self) -> String {
        let (Some(timed), Some(seconds)) = (&self.sample, self.seconds_to_transform) else {
            return "no record is touched: as long as copying or linking the files takes"
                .to_owned();
        };
        let least = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let least = match seconds {
            ..1.0 => "less than a second".to_owned(),
            _ => format!("about {}", units::about(least)),
        };
        let sampled = units::count(timed.sample.records);
        let basis = match timed.sample.basis {
            SampleBasis::Records => format!(
                "to read and transform, as fast as the first {sampled} records went on one thread"
            ),
            SampleBasis::Examples => format!(
                "to transform, as fast as {sampled} examples went on one thread: the store was \
                 not opened, since that can write to it"
            ),
        };
        format!("{least} {basis}. Writing, reading back and making durable come on top.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> Needs {
        Needs {
            binary_before: None,
            binary_after: None,
            records_rewritten: 900_000,
            records_read: 100_000,
            records_kept: 5,
            bytes_now: 1_000_000,
            bytes_of_store: 900_000,
            bytes_rewritten: 850_000,
        }
    }

    fn sample(basis: SampleBasis) -> Option<TimedSample> {
        let sample = Sample { basis, records: 10_000, bytes_in: 20_000, bytes_out: 30_000 };
        Some(TimedSample { sample, seconds: 0.25 })
    }

    #[test]
    fn a_sample_of_records_tells_time_and_space_by_their_number() {
        let estimate = Estimate::from(needs(), sample(SampleBasis::Records), Some(10_000_000));
        assert_eq!(estimate.seconds_to_transform, Some(25.0));
        assert_eq!(estimate.bytes_written, 3_000_000 + 100_000);
        assert_eq!(estimate.bytes_while_building, 6_000_000 + 100_000);
        let text = estimate.text();
        for part in ["about 25 s to read and transform", "10000 records", "10.0 MB are free"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn examples_tell_the_time_alone_and_say_what_they_are() {
        let estimate = Estimate::from(needs(), sample(SampleBasis::Examples), Some(1));
        assert_eq!(estimate.bytes_written, 850_000 + 100_000);
        let text = estimate.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("10000 examples went on one thread: the store was not"), "{text}");
        assert!(text.contains("ONLY 1 B ARE FREE"), "{text}");
        let none = Estimate::from(needs(), None, None);
        assert!(none.text().contains("no record is touched"));
        assert_eq!(none.seconds_to_transform, None);
    }
}
