//! A campaign over all processors: one process each, watched. A process that dies or hangs is a finding, not the end.

use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arguments::Arguments;
use crate::report::{Report, Violation};
use crate::tell;

/// A process that says nothing new for so long hangs.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often the progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(250);
/// How often it is told where nobody looks at it.
const TOLD_EVERY: Duration = Duration::from_secs(15);

/// One process.
struct Worker {
    child: Child,
    beacon: std::path::PathBuf,
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
    let mut workers: Vec<Worker> =
        (0..count).map(|number| start(arguments, number, count, scratch.path(), &sender)).collect();
    drop(sender);
    listen(&mut workers, &receiver);
    let mut merged = Report::default();
    for worker in &mut workers {
        let status = worker.child.wait();
        match worker.report.take() {
            Some(report) => merged.merge(report),
            None => {
                merged.distinct_states += worker.states;
                let violation = died(worker, status.ok());
                tell::violation(&violation);
                merged.violate(violation);
            }
        }
    }
    merged
}

fn start(
    arguments: &Arguments,
    number: u64,
    count: u64,
    scratch: &Path,
    sender: &Sender<Said>,
) -> Worker {
    let beacon = scratch.join(format!("beacon-{number}"));
    fs::write(&beacon, "").expect("a beacon");
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(&arguments.given)
        .args(["--worker", &format!("{}/{count}", number + 1)])
        .arg(&beacon)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process of the campaign starts");
    let (sender, output) = (sender.clone(), child.stdout.take().expect("its output"));
    let index = usize::try_from(number).unwrap_or_default();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(Said::Line(index, line));
        }
        let _ = sender.send(Said::End(index));
    });
    Worker {
        child,
        beacon,
        states: 0,
        faults: 0,
        violations: 0,
        doing: (String::new(), Instant::now()),
        report: None,
        ended: false,
    }
}

fn listen(workers: &mut [Worker], receiver: &Receiver<Said>) {
    let mut progress = Progress::new();
    while workers.iter().any(|worker| !worker.ended) {
        match receiver.recv_timeout(SHOWN_EVERY) {
            Ok(Said::Line(index, line)) => {
                if let (Some(worker), Ok(said)) =
                    (workers.get_mut(index), serde_json::from_str::<Value>(&line))
                {
                    if said.get("violation").is_some() {
                        progress.end();
                    }
                    worker.hear(&said);
                }
            }
            Ok(Said::End(index)) => {
                if let Some(worker) = workers.get_mut(index) {
                    worker.ended = true;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        for worker in workers.iter_mut().filter(|worker| !worker.ended) {
            worker.watch();
        }
        progress.show(workers);
    }
    progress.end();
}

impl Worker {
    fn hear(&mut self, said: &Value) {
        if let Some(report) = said.get("report") {
            self.report = serde_json::from_value(report.clone()).ok();
            return;
        }
        if let Some(violation) = said.get("violation") {
            let violation = serde_json::from_value(violation.clone());
            violation.iter().for_each(tell::violation);
            return;
        }
        let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
        self.states = number("states");
        self.faults = number("faults");
        self.violations = number("violations");
    }

    /// A process that has been doing the same for too long is ended.
    fn watch(&mut self) {
        if self.doing.1.elapsed() < Duration::from_secs(5) {
            return;
        }
        let now = fs::read_to_string(&self.beacon).unwrap_or_default();
        if now != self.doing.0 {
            self.doing = (now, Instant::now());
        } else if self.doing.1.elapsed() > PATIENCE {
            let _ = self.child.kill();
        }
    }
}

fn died(worker: &Worker, status: Option<ExitStatus>) -> Violation {
    let doing = fs::read_to_string(&worker.beacon).unwrap_or_default();
    let id = doing.split_whitespace().nth(1).unwrap_or("nothing").to_owned();
    let how = match status {
        Some(_) if worker.doing.1.elapsed() > PATIENCE => "hangs".to_owned(),
        Some(status) => format!("dies ({status})"),
        None => "dies".to_owned(),
    };
    let what = format!("the process that recovers this {how}");
    Violation { id, judge: "process".to_owned(), what }
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
