//! The other side: asks a runtime to write from several threads at once, and keeps the id of everything that was acknowledged.
//!
//! Each thread has one request on its way at a time, and gives its ids by number: `PREFIX-THREAD-NUMBER`, from 0. So whoever
//! reads the file knows what was on its way when the runtime was gone: for each thread the number after the last one, and no other.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::{Failure, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the runtime answers
    #[arg(long, value_name = "SOCKET")]
    connect: PathBuf,
    /// How many ask at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    threads: u16,
    /// Where the ids of what was acknowledged go, one a line, behind what is there
    #[arg(long, value_name = "FILE")]
    acknowledged: PathBuf,
    /// What the ids start with
    #[arg(long, default_value = "load")]
    prefix: String,
    /// How many records each thread writes at most
    #[arg(long, default_value_t = u64::MAX)]
    records: u64,
}

/// Loads until every thread has written its records, or the runtime takes no more. Returns the exit code.
pub(crate) fn run(options: &Options) -> Result<u8, Failure> {
    let path = &options.acknowledged;
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file =
        file.map_err(|error| Failure::System(format!("cannot write {}", path.display()), error))?;
    let acknowledged = Mutex::new(file);
    // All of them before anything is asked: from then on it is no failure that the runtime is gone.
    let connections: io::Result<Vec<Connection>> =
        (0..options.threads).map(|_| Connection::to(&options.connect)).collect();
    let connections = connections.map_err(|error| {
        Failure::System(format!("cannot connect to {}", options.connect.display()), error)
    })?;
    let counts: Vec<io::Result<Answered>> = thread::scope(|scope| {
        let acknowledged = &acknowledged;
        let start =
            |(thread, runtime)| scope.spawn(move || ask(options, thread, runtime, acknowledged));
        let threads: Vec<_> = (0..).zip(connections).map(start).collect();
        let panicked = |_| Err(io::Error::other("a thread panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    });
    let mut total = Answered::default();
    for count in counts {
        let count = count.map_err(|error| Failure::System("cannot load".to_owned(), error))?;
        total.acknowledged += count.acknowledged;
        total.denied += count.denied;
    }
    let denied = match total.denied {
        0 => String::new(),
        denied => format!(", and {denied} calls were denied, as the policy has it"),
    };
    say(&format!("{} records were acknowledged{denied}", total.acknowledged));
    Ok(0)
}

/// What was answered.
#[derive(Debug, Clone, Copy, Default)]
struct Answered {
    acknowledged: u64,
    /// Calls that the policy of the home does not allow: it is not the load's to say what it allows.
    denied: u64,
}

/// One thread: audit entries and executions in turn. Returns how many were acknowledged, and how many denied.
fn ask(
    options: &Options,
    thread: u16,
    mut runtime: Connection,
    acknowledged: &Mutex<File>,
) -> io::Result<Answered> {
    let mut answered = Answered::default();
    for number in 0..options.records {
        let id = format!("{}-{thread}-{number}", options.prefix);
        let request = if number % 2 == 0 {
            json!({
                "do": "append-audit", "id": id, "event": "load", "actor": "load",
                "resource": "ledger", "action": "append", "result": "DONE",
            })
        } else {
            json!({"do": "run", "id": id, "principal": "load", "capability": "shell",
                "arguments": {"command": "true"}})
        };
        // The runtime is gone, or takes no more: whatever has no answer is not acknowledged.
        let Ok(answer) = runtime.ask(&request) else { return Ok(answered) };
        let ok = answer.get("ok").and_then(Value::as_bool);
        match (ok, answer.get("error").and_then(Value::as_str)) {
            (Some(true), _) => {
                let mut file = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                file.write_all(format!("{id}\n").as_bytes())?;
                answered.acknowledged += 1;
            }
            (_, Some("denied")) => answered.denied += 1,
            (_, Some("closing")) => return Ok(answered),
            _ => return Err(io::Error::other(answer.to_string())),
        }
    }
    Ok(answered)
}

/// One question, and what is answered.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// Where the runtime answers
    #[arg(long, value_name = "SOCKET")]
    connect: PathBuf,
    /// What is asked, as one JSON object, such as '{"do":"health"}'
    #[arg(value_name = "JSON", value_parser = json_of)]
    request: Value,
}

fn json_of(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text)
}

/// Asks once, and writes the answer to standard output. Returns the exit code: 0 if it is `ok`.
pub(crate) fn ask_once(question: &Question) -> Result<u8, Failure> {
    let connect = &question.connect;
    let answer = Connection::to(connect).and_then(|mut runtime| runtime.ask(&question.request));
    let answer = answer
        .map_err(|error| Failure::System(format!("no answer from {}", connect.display()), error))?;
    let _ = writeln!(io::stdout(), "{answer}");
    Ok(if answer.get("ok").and_then(Value::as_bool) == Some(true) { 0 } else { 1 })
}

/// A connection to a runtime.
struct Connection {
    requests: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Connection {
    fn to(socket: &Path) -> io::Result<Self> {
        let requests = UnixStream::connect(socket)?;
        let answers = BufReader::new(requests.try_clone()?);
        Ok(Self { requests, answers })
    }

    fn ask(&mut self, request: &Value) -> io::Result<Value> {
        self.requests.write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}
