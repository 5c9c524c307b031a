//! Progress as a bar on a terminal.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use upgrade::Progress;

use crate::progress::{facts, known_total};

/// How often it is drawn in a second at most: more often than anybody asks it to.
const TIMES_A_SECOND: u8 = 20;
/// The columns that a phase has, so that bars stand below each other as phases go by.
const PHASE: usize = 22;
/// The bar takes what the rest leaves; where it leaves nothing, the line is cut.
const KNOWN: &str = "{phase:22!} {wide_bar} {facts}";
/// Where nobody knows how much there is.
const UNKNOWN: &str = "{phase:22!} {facts}";

/// A bar on standard error. It is gone when it is dropped.
pub(crate) struct Bar {
    bar: ProgressBar,
    known: Option<bool>,
    words: Arc<Mutex<Words>>,
}

/// What stands beside the bar.
#[derive(Default)]
struct Words {
    phase: String,
    facts: String,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(TIMES_A_SECOND);
        let bar = ProgressBar::with_draw_target(Some(0), target);
        Self { bar, known: None, words: Arc::default() }
    }

    /// Draws how far it is: phase, bar, share, rates, time left, as far as that is known.
    pub(crate) fn draw(&mut self, progress: &Progress, elapsed: Duration) {
        let total = known_total(progress);
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) =
            Words { phase: shortened(&progress.phase), facts: facts(progress, elapsed) };
        if self.known != Some(total.is_some()) {
            self.known = Some(total.is_some());
            self.bar.set_style(style(total.is_some(), &self.words));
        }
        // At once: a line that is half of one phase and half of another is never seen.
        self.bar.update(|state: &mut ProgressState| {
            state.set_len(total.unwrap_or(0));
            state.set_pos(progress.done);
        });
    }
}

impl Drop for Bar {
    /// Leaves an empty line to whoever writes next.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(known: bool, words: &Arc<Mutex<Words>>) -> ProgressStyle {
    // A template that could not be read would be one of the two above: the tests read both.
    let style = ProgressStyle::with_template(if known { KNOWN } else { UNKNOWN });
    let told = |word: fn(&Words) -> &str| {
        let words = Arc::clone(words);
        move |_: &ProgressState, line: &mut dyn Write| {
            let words = words.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = line.write_str(word(&words));
        }
    };
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("phase", told(|words| &words.phase))
        .with_key("facts", told(|words| &words.facts))
}

/// A phase that fits its columns.
fn shortened(phase: &str) -> String {
    if phase.chars().count() <= PHASE {
        return phase.to_owned();
    }
    let kept: String = phase.chars().take(PHASE - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_can_be_read_and_a_phase_has_as_many_columns_as_they_say() {
        for template in [KNOWN, UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok());
            assert!(template.contains(&format!("{{phase:{PHASE}!}}")));
        }
        assert_eq!(shortened("reading wal"), "reading wal");
        let long = shortened("verifying a_keyspace_of_long_name");
        assert_eq!((long.chars().count(), long.chars().last()), (PHASE, Some('…')));
    }
}
