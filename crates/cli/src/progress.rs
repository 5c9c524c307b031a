//! Progress on standard error: one line that is rewritten on a terminal, plain lines every few seconds elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use upgrade::Progress;

use crate::surroundings::Stopwatch;

/// How often a terminal's line is rewritten at most.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(100);
/// How often a plain line is written at most.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);
/// How wide a terminal's line gets.
const LINE_WIDTH: usize = 79;

/// Shows the progress of one operation.
pub(crate) struct ProgressLine {
    terminal: bool,
    phase: String,
    began: Stopwatch,
    shown: Option<Stopwatch>,
}

impl ProgressLine {
    /// Begins to show progress.
    pub(crate) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        Self { terminal, phase: String::new(), began: Stopwatch::start(), shown: None }
    }

    /// Shows how far it is, if it is time to.
    pub(crate) fn show(&mut self, progress: &Progress) {
        if self.phase != progress.phase {
            self.phase.clone_from(&progress.phase);
            self.began = Stopwatch::start();
        }
        let interval = if self.terminal { TERMINAL_INTERVAL } else { PLAIN_INTERVAL };
        // Off a terminal the first line comes after the interval too: what is quick is not worth a line.
        let last = *self.shown.get_or_insert_with(Stopwatch::start);
        if last.elapsed() < interval {
            return;
        }
        self.shown = Some(Stopwatch::start());
        let line = describe(progress, self.began.elapsed());
        // Progress that nobody sees is no reason to stop.
        let mut error = io::stderr();
        let _ = if self.terminal {
            let line: String = line.chars().take(LINE_WIDTH).collect();
            write!(error, "\r{line:<LINE_WIDTH$}").and_then(|()| error.flush())
        } else {
            writeln!(error, "{line}")
        };
    }
}

impl Drop for ProgressLine {
    /// Leaves an empty line to whoever writes next.
    fn drop(&mut self) {
        if self.terminal && self.shown.is_some() {
            let _ = write!(io::stderr(), "\r{:<LINE_WIDTH$}\r", "");
        }
    }
}

/// `phase: done of total (percent), rate, time left`, as far as that is known.
fn describe(progress: &Progress, elapsed: Duration) -> String {
    let Progress { phase, done, total } = progress;
    if *done == 0 && total.is_none() {
        return phase.clone();
    }
    let rate = *done as f64 / elapsed.as_secs_f64().max(0.001);
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{phase}: {done}, {rate:.0}/s");
    };
    let percent = 100.0 * *done as f64 / total as f64;
    let left = total.saturating_sub(*done) as f64 / rate.max(0.001);
    format!("{phase}: {done} of {total} ({percent:.0} %), {rate:.0}/s, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_phase_share_rate_and_time_left() {
        let progress =
            Progress { phase: "reading wal".to_owned(), done: 2500, total: Some(10_000) };
        let line = describe(&progress, Duration::from_secs(5));
        assert_eq!(line, "reading wal: 2500 of 10000 (25 %), 500/s, 15 s left");
        let unknown = Progress { total: None, ..progress };
        assert_eq!(describe(&unknown, Duration::from_secs(5)), "reading wal: 2500, 500/s");
        let begun = Progress { done: 0, ..unknown };
        assert_eq!(describe(&begun, Duration::ZERO), "reading wal");
    }
}
