//! The place of a process in a campaign: what it leaves for whoever takes the place when it dies.
//!
//! A process writes down where it is before it begins with a scenario, and what it is about to judge before it does so. If it
//! dies, the next one begins that scenario again, and passes over what was the end of the one before.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::report::Report;

/// Bytes of the file in which a process says what it is about to judge.
const BEACON_BYTES: usize = 256;

/// Where a process is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The scenario that it is about to begin with, by its number in the campaign.
    pub(crate) scenario: u64,
    /// When it has to be over, by the clock that never stands still.
    pub(crate) deadline: u64,
    /// What was seen until then.
    pub(crate) report: Report,
}

/// What is passed over behind a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// What the process died of.
    One,
    /// That, and whatever of the scenario was not seen.
    RestOfScenario,
}

/// A directory with the files of one place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    directory: PathBuf,
}

impl Place {
    /// The place that has this directory.
    pub(crate) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// A new place, in a directory that is not there yet.
    pub(crate) fn new(directory: &Path) -> std::io::Result<Self> {
        fs::create_dir(directory)?;
        let place = Self::at(directory);
        fs::write(place.beacon(), "")?;
        Ok(place)
    }

    /// Its directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the process in it said last that it is about to do, with how far it was.
    pub(crate) fn doing(&self) -> String {
        fs::read_to_string(self.beacon()).unwrap_or_default()
    }

    /// Where the process in it was when it began with a scenario.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        serde_json::from_slice(&fs::read(self.directory.join("checkpoint")).ok()?).ok()
    }

    /// Writes down where the process is. A half-written one is never read.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> std::io::Result<()> {
        let half = self.directory.join("checkpoint.new");
        fs::write(&half, serde_json::to_vec(checkpoint)?)?;
        fs::rename(half, self.directory.join("checkpoint"))
    }

    /// Makes way for whoever comes next, behind a process that died of this: it is passed over; and if another had died of it
    /// before, so is the rest of the scenario.
    pub(crate) fn make_way(&self, id: &str) -> std::io::Result<Passed> {
        // Whoever comes next has said nothing yet.
        fs::write(self.beacon(), "")?;
        if !self.passed_over().contains(id) {
            let file = OpenOptions::new().create(true).append(true).open(self.ends())?;
            writeln!(&file, "{id}")?;
            return Ok(Passed::One);
        }
        let mut checkpoint =
            self.checkpoint().ok_or_else(|| std::io::Error::other("it cannot begin"))?;
        checkpoint.scenario += 1;
        self.save(&checkpoint)?;
        Ok(Passed::RestOfScenario)
    }

    /// What processes in it have died of.
    pub(crate) fn passed_over(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(self.ends()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The file in which a process says what it is about to do.
    pub(crate) fn open_beacon(&self) -> std::io::Result<Beacon> {
        Ok(Beacon(OpenOptions::new().write(true).open(self.beacon())?))
    }

    fn beacon(&self) -> PathBuf {
        self.directory.join("beacon")
    }

    fn ends(&self) -> PathBuf {
        self.directory.join("passed-over")
    }
}

/// Where a process says what it is about to do.
#[derive(Debug)]
pub(crate) struct Beacon(File);

impl Beacon {
    /// Says how many states it has judged, and what comes next.
    pub(crate) fn say(&self, states: u64, id: &str) {
        let mut text = format!("{states} {id}").into_bytes();
        text.resize(BEACON_BYTES, b' ');
        // Nobody hears of it if it cannot be written, and nothing else depends on it.
        let _ = self.0.write_all_at(&text, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_died_of_is_passed_over_and_then_the_rest_of_its_scenario() {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place::new(&scratch.path().join("0")).unwrap();
        assert_eq!(place.passed_over(), BTreeSet::new());
        assert_eq!(place.make_way("nothing").unwrap(), Passed::One);
        // Nobody has begun: whoever comes next cannot either.
        assert_eq!(place.make_way("nothing").unwrap_err().to_string(), "it cannot begin");
        let report = Report { distinct_states: 7, ..Report::default() };
        place
            .save(&Checkpoint { scenario: 3, deadline: u64::MAX, report: report.clone() })
            .unwrap();
        place.open_beacon().unwrap().say(7, "a:1:kill:1.0");
        assert_eq!(place.make_way("a:1:kill:1.0").unwrap(), Passed::One);
        assert_eq!(place.doing(), "", "the next one has said nothing yet");
        assert!(place.passed_over().contains("a:1:kill:1.0"));
        assert_eq!(place.checkpoint().unwrap().scenario, 3);
        assert_eq!(place.make_way("a:1:kill:1.0").unwrap(), Passed::RestOfScenario);
        let checkpoint = place.checkpoint().unwrap();
        assert_eq!((checkpoint.scenario, checkpoint.deadline), (4, u64::MAX));
        assert_eq!(checkpoint.report, report);
    }

    #[test]
    fn what_comes_next_is_said_before_it_is_done() {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place::new(&scratch.path().join("0")).unwrap();
        let beacon = place.open_beacon().unwrap();
        beacon.say(10, "a-long-one:1:kill:1.0");
        beacon.say(9, "b:1:kill");
        assert_eq!(place.doing().split_whitespace().collect::<Vec<_>>(), ["9", "b:1:kill"]);
    }
}
