//! The kill sweep: the real command, killed at moments spread over the whole of its run.
//!
//! Every run starts from a fresh copy of the same home, is killed once (SIGKILL: nothing of the program runs any more),
//! recovered, judged, and tried again. Judged is: everything that is kept verifies down to the last record; what is
//! current is the old state or the new one, by digest; a retry succeeds, and leads to the same state as an undisturbed run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Command, Failed, Random};

/// How far beyond the undisturbed run's duration the sweep goes, so that its end is covered too.
const OVERRUN: f64 = 1.1;

/// Undisturbed runs that are timed before the sweep.
const TIMED_RUNS: usize = 3;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killed {
    /// `apply`, from the old generation to the new one.
    Apply,
    /// `rollback`, from the new generation to the old one.
    Rollback,
}

impl Killed {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Apply => &["apply", "--development"],
            Self::Rollback => &["rollback", "--development"],
        }
    }
}

/// A sweep.
#[derive(Debug, Clone)]
pub struct KillSweep {
    /// The command.
    pub program: PathBuf,
    /// A home at the old generation, or at the new one for a rollback. It is copied, never changed.
    pub template: PathBuf,
    /// An empty directory for the copies.
    pub scratch: PathBuf,
    /// What is killed.
    pub killed: Killed,
    /// How often.
    pub kills: u32,
    /// Decides the moments, within their slots.
    pub seed: u64,
}

/// What a sweep saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KillReport {
    /// Runs that were killed before they ended by themselves.
    pub killed: u32,
    /// Runs that had ended before they could be killed.
    pub ended: u32,
    /// Homes that were at the old state after recovery.
    pub old: u32,
    /// Homes that were at the new state after recovery.
    pub new: u32,
    /// How far the journal had come when the run was killed, by the phase that `status` shows.
    pub phases: BTreeMap<String, u32>,
    /// What was wrong. Empty, or the product is.
    pub findings: Vec<Finding>,
}

/// A home that was not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which of the kills.
    pub kill: u32,
    /// When it came, after the start of the run.
    pub after: Duration,
    /// What was wrong.
    pub what: String,
}

/// The two states that a home may be in, by content digest.
struct Expected {
    old: String,
    new: String,
}

/// Sweeps over the whole duration of a run, and judges every home that a kill leaves.
///
/// # Errors
/// If an undisturbed run does not succeed. What a kill leads to is in [`KillReport::findings`].
pub fn sweep(sweep: &KillSweep) -> Result<KillReport, Failed> {
    let (expected, mut duration) = sweep.undisturbed()?;
    let mut random = Random::new(sweep.seed);
    let mut report = KillReport::default();
    for kill in 0..sweep.kills {
        let share = (f64::from(kill) + random.fraction()) / f64::from(sweep.kills);
        let after = duration.mul_f64(share * OVERRUN);
        let ended = report.ended;
        if let Err(what) = sweep.kill_once(kill, after, &expected, &mut report) {
            report.findings.push(Finding { kill, after, what });
        }
        // One that has ended by itself took no longer: a machine that was busy while it was timed may not be any more.
        if report.ended > ended {
            duration = duration.min(after);
        }
    }
    Ok(report)
}

impl KillSweep {
    /// What an undisturbed run leads to, and how long it takes.
    fn undisturbed(&self) -> Result<(Expected, Duration), Failed> {
        let mut shortest = Duration::MAX;
        let mut after = String::new();
        let mut before = String::new();
        for run in 0..TIMED_RUNS {
            let command = self.copy_template(&format!("undisturbed-{run}"))?;
            before = current_content(&command.run(&["verify"])?);
            let began = now();
            command.run(self.killed.arguments())?;
            shortest = shortest.min(began.elapsed());
            after = current_content(&command.run(&["verify"])?);
            remove(command.home());
        }
        let (old, new) = match self.killed {
            Killed::Apply => (before, after),
            Killed::Rollback => (after, before),
        };
        Ok((Expected { old, new }, shortest))
    }

    fn kill_once(
        &self,
        kill: u32,
        after: Duration,
        expected: &Expected,
        report: &mut KillReport,
    ) -> Result<(), String> {
        let command = self.copy_template(&format!("kill-{kill}")).map_err(told)?;
        let mut child = command.start(self.killed.arguments()).map_err(told)?;
        thread::sleep(after);
        let ended = child.try_wait().map_err(told)?.is_some();
        // The only thing that can be wrong here is that it has ended meanwhile.
        let _ = child.kill();
        child.wait().map_err(told)?;
        *(if ended { &mut report.ended } else { &mut report.killed }) += 1;
        *report.phases.entry(phase(&command.run(&["status"]).map_err(told)?)).or_default() += 1;

        command.run(&["recover", "--development"]).map_err(told)?;
        let verified = command.run(&["verify"]).map_err(told)?;
        let found = current_content(&verified);
        let is_old = found == expected.old;
        if !is_old && found != expected.new {
            return Err(format!("what is current is neither old nor new: {found}"));
        }
        *(if is_old { &mut report.old } else { &mut report.new }) += 1;
        let swept = !fs::read_dir(command.home().join("generations"))
            .map_err(told)?
            .filter_map(Result::ok)
            .any(|entry| entry.file_name().to_string_lossy().starts_with('.'));
        if !swept {
            return Err("recovery left an unfinished directory".to_owned());
        }
        let again = command.run(&["recover", "--development"]).map_err(told)?;
        if again.get("nothing_to_do") != Some(&Value::Bool(true)) {
            return Err("a second recovery still found something to put right".to_owned());
        }
        self.retry(&command, is_old, expected)?;
        remove(command.home());
        Ok(())
    }

    /// A run that had no effect can be made again; one that had needs nothing more.
    fn retry(&self, command: &Command, is_old: bool, expected: &Expected) -> Result<(), String> {
        let (done, wanted) = match self.killed {
            Killed::Apply => (!is_old, &expected.new),
            Killed::Rollback => (is_old, &expected.old),
        };
        if !done {
            command.run(self.killed.arguments()).map_err(told)?;
        } else if self.killed == Killed::Apply {
            // Nothing to do is a success, too.
            command.run(self.killed.arguments()).map_err(told)?;
        }
        let found = current_content(&command.run(&["verify"]).map_err(told)?);
        if found != *wanted {
            return Err(format!("a retry led to {found}, an undisturbed run to {wanted}"));
        }
        Ok(())
    }

    fn copy_template(&self, name: &str) -> Result<Command, Failed> {
        let home = self.scratch.join(name);
        copy(&self.template, &home)
            .map_err(|error| Failed::NotRun { program: self.program.clone(), error })?;
        Ok(Command::new(&self.program, &home))
    }
}

/// The digest of everything that a rollback restores, of the generation that is current.
fn current_content(verified: &Value) -> String {
    let generations = verified.get("generations").and_then(Value::as_array);
    let current = generations
        .into_iter()
        .flatten()
        .find(|generation| generation.get("current") == Some(&Value::Bool(true)));
    let content = current.and_then(|generation| generation.get("content"));
    content.and_then(Value::as_str).unwrap_or("none").to_owned()
}

fn phase(status: &Value) -> String {
    let phase = status.get("attempt").and_then(|attempt| attempt.get("phase"));
    phase.and_then(Value::as_str).unwrap_or("idle").to_owned()
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Copies a home. The link for people is left out: nothing may depend on it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Gives the space of a home back. A failure costs space and nothing else.
fn remove(home: &Path) {
    let _ = fs::remove_dir_all(home);
}

#[expect(clippy::disallowed_methods, reason = "the sweep is about when things happen")]
fn now() -> Instant {
    Instant::now()
}
