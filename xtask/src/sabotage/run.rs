//! Runs the simulator against one planted bug after the other.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::left_out::LeftOut;
use super::plant::{REACHED, SWITCH};
use super::planted::Planted;
use super::record::Hints;
use super::together::beside_each_other;
use crate::runner::{cargo, now, output_of, shown};

/// How long it looks at each scenario before the first round, in milliseconds: most bugs show at once, in the right one.
const GLANCE_MS: u64 = 150;
/// How long it looks where the bug was found before, in seconds.
const HINT_S: u64 = 12;
/// How long the simulator hunts in each scenario, in seconds, in each round: what is found fast is found before any
/// scenario is looked at closely.
const ROUNDS_S: [u64; 3] = [1, 4, 12];
/// The same in a quick run.
const ROUNDS_QUICK_S: [u64; 2] = [1, 10];
/// The same for bugs that are said to be redundant; in a quick run they are glanced at.
const ROUNDS_REDUNDANT_S: [u64; 1] = [1];
/// The same without any bug: the campaigns themselves look closer.
const CONTROL_S: [u64; 1] = [1];
/// How much longer a run may take than it was told to. One that takes longer hangs.
const GRACE_S: u64 = 120;
/// How long the syncs of one scenario may take. The largest takes some minutes.
const LEFT_OUT_LIMIT: Duration = Duration::from_secs(3600);
/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest verdict that is told, in characters.
const VERDICT_CHARACTERS: usize = 200;

/// What became of one bug.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) bug: &'static Planted,
    pub(super) verdict: Verdict,
    /// The tests that fail with it, if any were asked.
    pub(super) failing_tests: Vec<String>,
    pub(super) seconds: f64,
}

impl Outcome {
    /// Of a bug that nobody was asked for yet.
    pub(super) fn new(bug: &'static Planted) -> Self {
        Self { bug, verdict: Verdict::NotAsked, failing_tests: Vec::new(), seconds: 0.0 }
    }

    /// True if anybody noticed it.
    pub(super) fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Caught(_)) || !self.failing_tests.is_empty()
    }
}

/// What the simulator found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Who says so: a judge, or the death of the simulator.
    pub(crate) judge: String,
    /// In which scenario it was looked for.
    pub(super) scenario: String,
    /// What is broken.
    pub(super) what: String,
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}): {}", self.judge, self.scenario, self.what)
    }
}

/// What a run of the simulator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It found something: this.
    Caught(Found),
    /// It was not asked.
    NotAsked,
    /// It came to the bug, and found nothing.
    Missed,
    /// It found nothing, because it never came to the bug.
    NeverReached,
    /// It did not end.
    Hung,
}

/// A simulator that was built with all bugs in it.
pub(crate) struct Simulator {
    binary: PathBuf,
    /// The cheapest first.
    scenarios: Vec<String>,
    /// How long it hunts in each scenario, in seconds, in each round; and the same for bugs that are said to be redundant.
    rounds_s: [&'static [u64]; 2],
    seed: Option<String>,
}

impl Simulator {
    /// Builds the simulator of the copy.
    ///
    /// # Errors
    /// If it does not build.
    pub(crate) fn build(workspace: &Path, seed: Option<&str>, quick: bool) -> Result<Self, String> {
        let target = workspace.join("target");
        let mut command = cargo();
        command
            .current_dir(workspace)
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTFLAGS", "-Awarnings");
        command.args(["build", "--quiet", "--locked", "--profile", "sim"]);
        command.args(["--package", "femtoclaw-upgrade-sim"]);
        let status = command
            .status()
            .map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
        if !status.success() {
            return Err(format!("`{}` ended with {status}", shown(&command)));
        }
        let binary = target.join("sim").join("femtoclaw-upgrade-sim");
        let listed = output_of(Command::new(&binary).arg("--list").env_remove(SWITCH))?;
        let scenarios = scenarios(&String::from_utf8_lossy(&listed));
        if scenarios.is_empty() {
            return Err("the simulator lists no scenario".to_owned());
        }
        let rounds_s: [&'static [u64]; 2] =
            if quick { [&ROUNDS_QUICK_S, &[]] } else { [&ROUNDS_S, &ROUNDS_REDUNDANT_S] };
        Ok(Self { binary, scenarios, rounds_s, seed: seed.map(str::to_owned) })
    }

    /// Runs the simulator without any bug: it must find nothing.
    ///
    /// # Errors
    /// What it finds.
    pub(crate) fn control(&self) -> Result<(), String> {
        match self.hunt(None, &CONTROL_S, None) {
            Verdict::Missed | Verdict::NeverReached | Verdict::NotAsked => Ok(()),
            Verdict::Caught(what) => Err(format!("without any planted bug it finds: {what}")),
            Verdict::Hung => Err("without any planted bug it does not end".to_owned()),
        }
    }

    /// Runs the simulator with whatever it was built with.
    pub(crate) fn hunt_as_built(&self) -> Verdict {
        self.hunt(None, self.rounds_s[0], None)
    }

    /// Hunts for each of these bugs, first where it was found before, and tells of each outcome as soon as it
    /// is known. What only tests come to is not hunted for.
    pub(super) fn hunt_for_all(
        &self,
        bugs: &[&'static Planted],
        hints: &Hints,
        tell: &mut dyn FnMut(&Outcome),
    ) -> Vec<Outcome> {
        let hunt = |bug: &&'static Planted| {
            let began = now();
            (self.verdict_on(bug, hints), began.elapsed().as_secs_f64())
        };
        let mut outcomes = Vec::new();
        beside_each_other(bugs.to_vec(), &hunt, &mut |bug, (verdict, seconds)| {
            let outcome = Outcome { verdict, seconds, ..Outcome::new(bug) };
            tell(&outcome);
            outcomes.push(outcome);
        });
        outcomes
    }

    /// The part that leaves out recorded syncs. Returns what the simulator says of them in the end.
    ///
    /// # Errors
    /// If it says nothing that can be read.
    pub(super) fn left_out_syncs(&self, quick: bool) -> Result<Value, String> {
        let (mut all, mut taken) = (LeftOut::default(), Ok(()));
        let leave_out = |scenario: &&String| self.left_out_syncs_of(scenario, quick);
        beside_each_other(self.scenarios.iter().collect(), &leave_out, &mut |scenario, said| {
            match said.and_then(|said| all.add(&said)) {
                Ok([planted, caught]) => eprintln!("{scenario:<36} {caught} of {planted} caught"),
                Err(strange) => taken = Err(strange),
            }
        });
        taken.map(|()| all.together())
    }

    fn left_out_syncs_of(&self, scenario: &str, quick: bool) -> Result<Value, String> {
        let mut command = Command::new(&self.binary);
        command.args(["--sabotage", "--json", "--scenario", scenario]);
        command.args(quick.then_some("--quick"));
        command.args(self.seed.iter().flat_map(|seed| ["--seed", seed]));
        command.env_remove(SWITCH).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| format!("cannot start the simulator: {error}"))?;
        let stdout = listen(child.stdout.take());
        let ended = wait(&mut child, LEFT_OUT_LIMIT);
        let stdout = stdout.join().unwrap_or_default();
        ended.ok_or_else(|| format!("in {scenario} the simulator does not end"))?;
        last_json(&stdout).ok_or_else(|| format!("in {scenario} the simulator says nothing"))
    }

    fn verdict_on(&self, bug: &Planted, hints: &Hints) -> Verdict {
        if bug.by_tests {
            return Verdict::NotAsked;
        }
        let [of_others, of_redundant] = self.rounds_s;
        let rounds_s = if bug.redundant.is_some() { of_redundant } else { of_others };
        self.hunt(Some(bug.name), rounds_s, hints.get(bug.name).map(String::as_str))
    }

    /// Hunts in every scenario, longer in each round; after the first only in those that come to the bug. One that found
    /// it before comes before all.
    fn hunt(&self, bug: Option<&str>, rounds_s: &[u64], hint: Option<&str>) -> Verdict {
        let mut scenarios: Vec<&String> = self.scenarios.iter().collect();
        scenarios.sort_by_key(|scenario| Some(scenario.as_str()) != hint);
        for scenario in scenarios.iter().filter(|scenario| Some(scenario.as_str()) == hint) {
            let found = self.hunt_in(scenario, Duration::from_secs(HINT_S), bug);
            if !matches!(found, Verdict::NeverReached | Verdict::Missed) {
                return found;
            }
        }
        // It says nothing of what does not come to the bug: that takes crashes and faults.
        for scenario in scenarios.iter().filter(|_| bug.is_some()) {
            let found = self.hunt_in(scenario, Duration::from_millis(GLANCE_MS), bug);
            if !matches!(found, Verdict::NeverReached | Verdict::Missed) {
                return found;
            }
        }
        for seconds in rounds_s {
            let mut reached = Vec::new();
            for scenario in scenarios {
                match self.hunt_in(scenario, Duration::from_secs(*seconds), bug) {
                    Verdict::NeverReached if bug.is_some() => {}
                    Verdict::NeverReached | Verdict::Missed => reached.push(scenario),
                    found => return found,
                }
            }
            scenarios = reached;
        }
        if scenarios.is_empty() { Verdict::NeverReached } else { Verdict::Missed }
    }

    fn hunt_in(&self, scenario: &str, time: Duration, bug: Option<&str>) -> Verdict {
        let mut command = Command::new(&self.binary);
        command.args(["--hunt", "--json", "--scenario", scenario]);
        command.args(["--budget", &format!("{}ms", time.as_millis())]);
        command.args(self.seed.iter().flat_map(|seed| ["--seed", seed]));
        command.env_remove(SWITCH).stdin(Stdio::null());
        if let Some(bug) = bug {
            command.env(SWITCH, bug);
        }
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else { return Verdict::Hung };
        let (stdout, stderr) = (listen(child.stdout.take()), listen(child.stderr.take()));
        let code = wait(&mut child, time + Duration::from_secs(GRACE_S));
        let said = |listener: thread::JoinHandle<String>| listener.join().unwrap_or_default();
        let (stdout, stderr) = (said(stdout), said(stderr));
        code.map_or(Verdict::Hung, |success| judge(scenario, success, &stdout, &stderr))
    }
}

/// What a run in this scenario says. Found is what it counts, and everything that it dies of.
fn judge(scenario: &str, success: bool, stdout: &str, stderr: &str) -> Verdict {
    let report = last_json(stdout);
    let violations = report.as_ref().and_then(|report| report.get("violations")?.as_u64());
    if violations.unwrap_or(0) > 0 || (violations.is_none() && !success) {
        let (judge, what) = report.as_ref().and_then(first_found).unwrap_or_else(|| died(stderr));
        let what = what.chars().take(VERDICT_CHARACTERS).collect();
        return Verdict::Caught(Found { judge, scenario: scenario.to_owned(), what });
    }
    if stderr.contains(REACHED) { Verdict::Missed } else { Verdict::NeverReached }
}

/// The first judgement of a report: who says so, and what is broken.
fn first_found(report: &Value) -> Option<(String, String)> {
    let found = report.get("found")?.as_array()?.first()?;
    let part = |name: &str| found.get(name).and_then(Value::as_str);
    let what = part("what")?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some((part("judge")?.to_owned(), what))
}

/// What a simulator says that dies of a bug.
fn died(stderr: &str) -> (String, String) {
    let mut lines = stderr.lines().rev().filter(|line| !line.contains(REACHED));
    ("death".to_owned(), lines.next().unwrap_or("without a word").to_owned())
}

/// The scenarios that the simulator lists, the cheapest first. Random ones have no end, and are left out.
fn scenarios(listed: &str) -> Vec<String> {
    let lines = listed.lines().skip_while(|line| *line != "scenarios:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| !name.starts_with("random"))
        .map(str::to_owned)
        .collect()
}

fn last_json(stdout: &str) -> Option<Value> {
    stdout.lines().rev().find_map(|line| serde_json::from_str(line).ok())
}

/// Reads a pipe to its end, beside everything else.
pub(super) fn listen(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until then is what there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a child, and says whether it succeeded; nothing if it had to be stopped.
pub(super) fn wait(child: &mut Child, limit: Duration) -> Option<bool> {
    let began = now();
    // Bounded by the limit.
    while began.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) => thread::sleep(LOOK_EVERY),
            Err(_) => break,
        }
    }
    // Whether that works or not, there is nothing to be learnt from it any more.
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_what_is_listed_first() {
        let listed =
            "scenarios:\n  confirm  a  b\n  adopt  c\n  random-N  d\n\njudges:\n  leaks e\n";
        assert_eq!(scenarios(listed), ["confirm", "adopt"]);
    }

    #[test]
    fn violations_count_and_so_does_whatever_the_simulator_dies_of() {
        let found = r#"{"type":"sim","violations":2,"found":[
            {"id":"confirm:1:posix:7.0","judge":"durability","what":"it is\nlost"}]}"#
            .replace('\n', " ");
        let nothing = r#"{"type":"sim","violations":0}"#;
        let reached = format!("{REACHED}\n");
        let caught = |judge: &str, what: &str| {
            let (judge, scenario, what) = (judge.to_owned(), "confirm".to_owned(), what.to_owned());
            Verdict::Caught(Found { judge, scenario, what })
        };
        let judge = |success, stdout, stderr| judge("confirm", success, stdout, stderr);
        assert_eq!(judge(false, &found, &reached), caught("durability", "it is lost"));
        assert_eq!(judge(false, "", "abort\n"), caught("death", "abort"));
        assert_eq!(judge(true, nothing, &reached), Verdict::Missed);
        assert_eq!(judge(true, nothing, ""), Verdict::NeverReached);
        // A campaign that is not content for another reason has found no violation all the same.
        assert_eq!(judge(false, nothing, ""), Verdict::NeverReached);
    }
}
