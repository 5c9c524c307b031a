//! A campaign over all processors: one process each, watched. A process that dies or hangs is a finding, not the end: another
//! takes its place, and passes over what it died of.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arguments::Arguments;
use crate::place::{Passed, Place};
use crate::report::{Report, Violation};
use crate::tell;

/// A process that says nothing new for so long hangs.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often the progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(250);
/// How often it is told where nobody looks at it.
const TOLD_EVERY: Duration = Duration::from_secs(15);

/// So many processes may die in one place: then something is wrong that is not about single states.
const MOST_DEATHS: usize = 16;

/// One place, with the process that is in it.
struct Worker {
    place: Place,
    child: Child,
    /// What processes in it have died of.
    deaths: Vec<Violation>,
    /// What they have told, each thing once: whoever begins a scenario again tells it again.
    told: Vec<Violation>,
    states: u64,
    faults: u64,
    violations: u64,
    /// What it said last that it is about to judge, and since when.
    doing: (String, Instant),
    report: Option<Report>,
    ended: bool,
}

enum Said {
    Line(usize, String),
    End(usize),
}

/// Runs a campaign in as many processes as there are processors.
pub(crate) fn run(arguments: &Arguments) -> Report {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let count = arguments.workers.unwrap_or(processors);
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let (sender, receiver) = mpsc::channel();
    let crew = Crew { arguments, count, sender };
    let places = (0..count).map(|number| scratch.path().join(number.to_string()));
    let places = places.map(|directory| Place::new(&directory).expect("a place for a process"));
    let mut workers: Vec<Worker> =
        places.enumerate().map(|(index, place)| crew.begin(index, place)).collect();
    crew.listen(&mut workers, &receiver);
    let mut merged = Report::default();
    for worker in workers {
        // What was seen until then is not lost, if the last process in a place has died too.
        let until_then = || worker.place.checkpoint().map(|checkpoint| checkpoint.report);
        let report = worker.report.or_else(until_then).unwrap_or_default();
        // What was told in a scenario that nobody has brought to its end is in no report.
        let untold = worker.told.into_iter().filter(|told| !report.kept.contains(told));
        let untold: Vec<Violation> = untold.filter(|_| !worker.deaths.is_empty()).collect();
        merged.merge(report);
        untold.into_iter().chain(worker.deaths).for_each(|found| merged.violate(found));
    }
    merged
}

/// Those who do it.
struct Crew<'c> {
    arguments: &'c Arguments,
    count: u64,
    sender: Sender<Said>,
}

impl Crew<'_> {
    fn begin(&self, index: usize, place: Place) -> Worker {
        Worker {
            child: self.start(index, &place),
            place,
            deaths: Vec::new(),
            told: Vec::new(),
            states: 0,
            faults: 0,
            violations: 0,
            doing: (String::new(), Instant::now()),
            report: None,
            ended: false,
        }
    }

    /// Starts a process in a place, and whoever listens to it.
    fn start(&self, index: usize, place: &Place) -> Child {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(&self.arguments.given)
            .args(["--worker", &format!("{}/{}", index + 1, self.count)])
            .arg(place.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process of the campaign starts");
        let (sender, output) = (self.sender.clone(), child.stdout.take().expect("its output"));
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(Said::Line(index, line));
            }
            let _ = sender.send(Said::End(index));
        });
        child
    }

    fn listen(&self, workers: &mut [Worker], receiver: &Receiver<Said>) {
        let mut progress = Progress::new();
        while workers.iter().any(|worker| !worker.ended) {
            let said = receiver.recv_timeout(SHOWN_EVERY);
            let violation = match said {
                Ok(Said::Line(index, line)) => {
                    workers.get_mut(index).and_then(|worker| worker.hear(&line))
                }
                Ok(Said::End(index)) => {
                    workers.get_mut(index).and_then(|worker| self.ended(index, worker))
                }
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Some(violation) = violation {
                progress.end();
                tell::violation(&violation);
            }
            for worker in workers.iter_mut().filter(|worker| !worker.ended) {
                worker.watch();
            }
            progress.show(workers);
        }
        progress.end();
    }

    /// A process has ended. If it has died, that is a finding, and another takes its place.
    fn ended(&self, index: usize, worker: &mut Worker) -> Option<Violation> {
        let status = worker.child.wait().ok();
        if worker.report.is_some() {
            worker.ended = true;
            return None;
        }
        let mut death = worker.death(status);
        match worker.make_way(&death.id) {
            Ok(passed) => {
                if passed == Passed::RestOfScenario {
                    death.what += " again: the rest of this scenario is not looked at";
                }
                worker.doing = (String::new(), Instant::now());
                worker.child = self.start(index, &worker.place);
            }
            Err(why) => {
                worker.ended = true;
                death.what = format!("{}; {why}", death.what);
            }
        }
        worker.deaths.push(death.clone());
        Some(death)
    }
}

impl Worker {
    /// Hears what its process says: a violation is for the others too.
    fn hear(&mut self, line: &str) -> Option<Violation> {
        let said: Value = serde_json::from_str(line).ok()?;
        if let Some(report) = said.get("report") {
            self.report = serde_json::from_value(report.clone()).ok();
            return None;
        }
        if let Some(violation) = said.get("violation") {
            let violation: Violation = serde_json::from_value(violation.clone()).ok()?;
            let is_new = !self.told.contains(&violation);
            if is_new {
                self.told.push(violation.clone());
            }
            return is_new.then_some(violation);
        }
        let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
        self.states = number("states");
        self.faults = number("faults");
        self.violations = number("violations");
        None
    }

    /// A process that has been doing the same for too long is ended.
    fn watch(&mut self) {
        if self.doing.1.elapsed() < Duration::from_secs(5) {
            return;
        }
        let now = self.place.doing();
        if now != self.doing.0 {
            self.doing = (now, Instant::now());
        } else if self.doing.1.elapsed() > PATIENCE {
            let _ = self.child.kill();
        }
    }

    fn death(&self, status: Option<ExitStatus>) -> Violation {
        let doing = self.place.doing();
        let id = doing.split_whitespace().nth(1).unwrap_or("nothing").to_owned();
        let how = match status {
            Some(_) if self.doing.1.elapsed() > PATIENCE => "hangs".to_owned(),
            Some(status) => format!("dies ({status})"),
            None => "dies".to_owned(),
        };
        let what = format!("the process that recovers this {how}");
        Violation { id, judge: "process".to_owned(), what }
    }

    /// Makes way for another process, behind one that died of this.
    fn make_way(&self, id: &str) -> Result<Passed, String> {
        if self.deaths.len() >= MOST_DEATHS {
            return Err(format!(
                "{MOST_DEATHS} others have died before it: the rest is not looked at"
            ));
        }
        self.place.make_way(id).map_err(|error| format!("the rest is not looked at: {error}"))
    }
}

/// How far it has come, for people.
struct Progress {
    began: Instant,
    told: Instant,
    shown: bool,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        Self { began: now, told: now, shown: false, terminal }
    }

    fn show(&mut self, workers: &[Worker]) {
        let every = if self.terminal { SHOWN_EVERY } else { TOLD_EVERY };
        if self.told.elapsed() < every {
            return;
        }
        self.told = Instant::now();
        let states: u64 = workers.iter().map(|worker| worker.states).sum();
        let faults: u64 = workers.iter().map(|worker| worker.faults).sum();
        let violations: u64 = workers.iter().map(|worker| worker.violations).sum();
        let elapsed = self.began.elapsed().as_secs_f64();
        let rate = states as f64 / elapsed;
        let line = format!(
            "{elapsed:>5.0} s  {states} distinct states  {rate:.0}/s  {faults} faults met  \
             {violations} violations"
        );
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            let _ = std::io::stderr().flush();
            self.shown = true;
        } else {
            eprintln!("{line}");
        }
    }

    /// Leaves its line to what is told next.
    fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprintln!();
        }
    }
}
