//! Progress on standard error: a bar on a terminal, plain lines every few seconds elsewhere. And how
//! long everything took, for the summary.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use upgrade::{Activity, Progress};

use crate::bar::Bar;
use crate::surroundings::{Stopwatch, variable};
use crate::units;

/// How often a terminal's line is rewritten at most.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(100);
/// How often a plain line is written at most.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);
/// How wide a line gets.
const LINE_WIDTH: usize = 79;
/// How long a phase must have gone on before it tells anything about how it goes on.
const RATE_AFTER: Duration = Duration::from_millis(500);

/// Shows the progress of one operation, and measures it.
pub(crate) struct ProgressLine {
    /// What is drawn on a terminal, once there is something to draw.
    bar: Option<Bar>,
    terminal: bool,
    phase: String,
    done: u64,
    began: Stopwatch,
    shown: Option<Stopwatch>,
    activity: Activity,
    since: Stopwatch,
    spent: Spent,
}

impl ProgressLine {
    /// Begins to show progress. Whatever comes before the operation tells of any is preparation.
    pub(crate) fn new() -> Self {
        Self {
            bar: None,
            terminal: io::stderr().is_terminal() && variable("TERM").is_some_and(|t| t != "dumb"),
            phase: String::new(),
            done: 0,
            began: Stopwatch::start(),
            shown: None,
            activity: Activity::Preparing,
            since: Stopwatch::start(),
            spent: Spent::default(),
        }
    }

    /// Shows how far it is, if it is time to.
    pub(crate) fn show(&mut self, progress: &Progress) {
        self.turn_to(progress.activity);
        if self.phase != progress.phase || progress.done < self.done {
            self.phase.clone_from(&progress.phase);
            self.began = Stopwatch::start();
        }
        self.done = progress.done;
        let interval = if self.terminal { TERMINAL_INTERVAL } else { PLAIN_INTERVAL };
        // Off a terminal the first line comes after the interval too: what is quick is not worth a line.
        let last = *self.shown.get_or_insert_with(Stopwatch::start);
        if last.elapsed() < interval {
            return;
        }
        self.shown = Some(Stopwatch::start());
        let elapsed = self.began.elapsed();
        if self.terminal {
            self.bar.get_or_insert_with(Bar::new).draw(progress, elapsed);
        } else {
            // Progress that nobody sees is no reason to stop.
            let _ = writeln!(io::stderr(), "{}", describe(progress, elapsed));
        }
    }

    /// Ends it, and says how long each activity took.
    pub(crate) fn finish(mut self) -> Spent {
        self.spent.add(self.activity, self.since.elapsed());
        std::mem::take(&mut self.spent)
    }

    fn turn_to(&mut self, activity: Activity) {
        if self.activity != activity {
            self.spent.add(self.activity, self.since.elapsed());
            self.since = Stopwatch::start();
            self.activity = activity;
        }
    }
}

/// How long each activity took, however often it was come back to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent(BTreeMap<Activity, Duration>);

impl Spent {
    pub(crate) fn add(&mut self, activity: Activity, time: Duration) {
        *self.0.entry(activity).or_default() += time;
    }

    /// How long an activity took, in seconds; none if it was not come to.
    pub(crate) fn on(&self, activity: Activity) -> Option<f64> {
        self.0.get(&activity).map(Duration::as_secs_f64)
    }

    /// How long all of them took, in seconds.
    pub(crate) fn in_all(&self) -> f64 {
        self.0.values().sum::<Duration>().as_secs_f64()
    }
}

/// `phase: done of total (percent), records/s, bytes/s, time left`, as far as that is known.
fn describe(progress: &Progress, elapsed: Duration) -> String {
    match facts(progress, elapsed) {
        facts if facts.is_empty() => fitted(&progress.phase, ""),
        facts => fitted(&progress.phase, &format!(": {facts}")),
    }
}

/// How much there is to do, if that is known: what grew since it was counted has no share.
pub(crate) fn known_total(progress: &Progress) -> Option<u64> {
    progress.total.filter(|total| *total > 0 && *total >= progress.done)
}

/// What [`describe`] says behind the phase; nothing before anything is done of what nobody knows the end of.
pub(crate) fn facts(progress: &Progress, elapsed: Duration) -> String {
    let Progress { done, bytes, .. } = progress;
    let total = known_total(progress);
    let mut facts = match total {
        Some(total) => {
            let percent = u128::from(*done) * 100 / u128::from(total);
            format!("{} of {} ({percent} %)", units::count(*done), units::count(total))
        }
        None if *done == 0 => return String::new(),
        None => units::count(*done),
    };
    if *done > 0 && elapsed >= RATE_AFTER {
        let seconds = elapsed.as_secs_f64();
        let rate = *done as f64 / seconds;
        let decimals = usize::from(rate < 10.0);
        facts.push_str(&format!(", {rate:.decimals$}/s"));
        if *bytes > 0 {
            facts.push_str(&format!(", {}/s", units::bytes(*bytes as f64 / seconds)));
        }
        let left = total.map_or(0, |total| total - done) as f64 / rate;
        if let Some(left) = Duration::try_from_secs_f64(left).ok().filter(|left| !left.is_zero()) {
            facts.push_str(&format!(", {} left", units::about(left)));
        }
    }
    facts
}

/// Both in one line: a name is shortened before a number is lost.
fn fitted(phase: &str, facts: &str) -> String {
    let room = LINE_WIDTH.saturating_sub(facts.chars().count());
    let line = if phase.chars().count() <= room {
        format!("{phase}{facts}")
    } else {
        let shortened: String = phase.chars().take(room.saturating_sub(1)).collect();
        format!("{shortened}…{facts}")
    };
    line.chars().take(LINE_WIDTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(done: u64, bytes: u64, total: Option<u64>) -> Progress {
        let (activity, phase) = (Activity::Reading, "reading wal".to_owned());
        Progress { activity, phase, done, bytes, total }
    }

    #[test]
    fn progress_says_phase_share_rate_and_time_left() {
        let progress = reading(2500, 0, Some(10_000));
        let line = describe(&progress, Duration::from_secs(5));
        assert_eq!(line, "reading wal: 2500 of 10000 (25 %), 500/s, 15 s left");
        let unknown = Progress { total: None, ..progress };
        assert_eq!(describe(&unknown, Duration::from_secs(5)), "reading wal: 2500, 500/s");
        let begun = Progress { done: 0, ..unknown };
        assert_eq!(describe(&begun, Duration::ZERO), "reading wal");
    }

    #[test]
    fn bytes_are_told_as_a_rate_in_a_unit_that_suits_them() {
        let line = |bytes| describe(&reading(2500, bytes, Some(10_000)), Duration::from_secs(5));
        let with = |rate| format!("reading wal: 2500 of 10000 (25 %), 500/s, {rate}, 15 s left");
        assert_eq!(line(425_000), with("85.0 kB/s"));
        assert_eq!(line(426_500_000), with("85.3 MB/s"));
    }

    #[test]
    fn the_first_moments_tell_nothing_about_the_rest() {
        let line = |milliseconds| {
            describe(&reading(4096, 700_000, Some(8192)), Duration::from_millis(milliseconds))
        };
        for milliseconds in [0, 1, 499] {
            assert_eq!(line(milliseconds), "reading wal: 4096 of 8192 (50 %)");
        }
        assert_eq!(line(500), "reading wal: 4096 of 8192 (50 %), 8192/s, 1.4 MB/s, 1 s left");
    }

    #[test]
    fn nothing_is_a_hundred_percent_before_it_is_and_then_nothing_is_left() {
        let line = |done| describe(&reading(done, 0, Some(1000)), Duration::from_secs(10));
        assert_eq!(line(0), "reading wal: 0 of 1000 (0 %)");
        assert_eq!(line(5), "reading wal: 5 of 1000 (0 %), 0.5/s, 34 min left");
        assert_eq!(line(999), "reading wal: 999 of 1000 (99 %), 100/s, 1 s left");
        assert_eq!(line(1000), "reading wal: 1000 of 1000 (100 %), 100/s");
        assert_eq!(line(1001), "reading wal: 1001, 100/s", "more than there was");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_and_names_give_way_to_numbers() {
        let long = Progress {
            phase: "verifying a_keyspace_of_long_name".to_owned(),
            ..reading(12_345_678, 2_000_000_000, Some(1_000_000_000))
        };
        let line = describe(&long, Duration::from_secs(100));
        assert_eq!(
            line,
            "verifying a_keys…: 12.3M of 1000.0M (1 %), 123457/s, 20.0 MB/s, 2 h 14 min left"
        );
        assert_eq!(line.chars().count(), LINE_WIDTH);
        for done in [0, 1, u64::MAX / 2, u64::MAX] {
            for total in [None, Some(1), Some(u64::MAX)] {
                for elapsed in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
                    let phase = "reading ".to_owned() + &"é".repeat(100);
                    let line = describe(&Progress { phase, ..reading(done, done, total) }, elapsed);
                    assert!(line.chars().count() <= LINE_WIDTH, "{line}");
                }
            }
        }
    }

    #[test]
    fn times_of_one_activity_add_up_and_none_is_lost() {
        let mut spent = Spent::default();
        spent.add(Activity::Reading, Duration::from_millis(250));
        spent.add(Activity::Verifying, Duration::from_millis(500));
        spent.add(Activity::Reading, Duration::from_millis(500));
        assert_eq!(spent.on(Activity::Reading), Some(0.75));
        assert_eq!(spent.on(Activity::Joining), None);
        assert_eq!(spent.in_all(), 1.25);
    }

    #[test]
    fn every_moment_of_an_operation_counts_to_one_activity() {
        let watch = Stopwatch::start();
        let mut line = ProgressLine::new();
        for activity in [Activity::Checking, Activity::Reading, Activity::Checking] {
            std::thread::sleep(Duration::from_millis(2));
            line.show(&Progress { activity, ..reading(1, 1, None) });
        }
        let spent = line.finish();
        let in_all = watch.elapsed().as_secs_f64();
        assert!(spent.in_all() <= in_all, "{spent:?} in {in_all} s");
        for activity in [Activity::Preparing, Activity::Checking, Activity::Reading] {
            assert!(spent.on(activity).unwrap() >= 0.002, "{activity:?}: {spent:?}");
        }
        assert_eq!(spent.on(Activity::Writing), None);
    }
}
