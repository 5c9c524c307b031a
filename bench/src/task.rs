//! What is done in a process of its own: the bench runs itself, so that the peak of memory is that of one thing alone, and
//! nothing is warm but the files.
//!
//! A task goes to the child as one argument of JSON, and its result comes back as the last line of its output.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use integrity::{KeyspaceDigest, LogicalDigest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contenders::{self, Contender, Content, Engine};
use crate::failure::{Failure, Result};
use crate::homes;
use crate::process::{Cost, measured};
use crate::transform::Transform;

/// The first argument of a child.
pub(crate) const CHILD: &str = "child";

/// What a child says that has come to where it is to be killed.
const HALTED: &str = "halted";

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Fill a new store. Gives nothing.
    Generate { engine: Engine, directory: PathBuf, content: Content },
    /// Digest a store of ours. Gives a [`LogicalDigest`].
    Measure { source: PathBuf, scratch: PathBuf },
    /// Migrate. Gives a [`Migrated`].
    Migrate(Migrate),
    /// Make a home whose store has this many records. Gives nothing.
    MakeHome { directory: PathBuf, records: u64 },
    /// Upgrade it. Gives its [`Cost`]; or a line [`HALTED`] and nothing more when so many records are done.
    Upgrade { directory: PathBuf, records: u64, halt_at: Option<u64> },
    /// Open it after an interruption. Gives its [`Cost`].
    Recover { directory: PathBuf, records: u64 },
    /// Open the current store of a home with the engine alone, on a copy. Gives its [`Cost`].
    OpenEngine { directory: PathBuf, records: u64 },
    /// Go back. Gives its [`Cost`].
    RollBack { directory: PathBuf, records: u64 },
}

/// A migration to be measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Migrate {
    pub(crate) contender: Contender,
    pub(crate) transform: Transform,
    pub(crate) source: PathBuf,
    /// Where everything else goes.
    pub(crate) directory: PathBuf,
    /// The digest of the source, for ours.
    pub(crate) before: Option<LogicalDigest>,
    /// Whether all of it is read back afterwards, outside of the measured time.
    pub(crate) reads_back: bool,
}

/// What a migration cost, and what it came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Migrated {
    pub(crate) cost: Cost,
    pub(crate) digest: Option<KeyspaceDigest>,
}

/// Does what a child is to do, and returns the line that it ends with.
///
/// # Errors
/// What went wrong.
pub(crate) fn perform(task: &str) -> Result<String> {
    fn line(value: &impl Serialize) -> Result<String> {
        Ok(serde_json::to_string(value)?)
    }
    match serde_json::from_str(task)? {
        Task::Generate { engine, directory, content } => {
            std::fs::create_dir(&directory)?;
            contenders::generate(engine, &directory, &content)?;
            line(&())
        }
        Task::Measure { source, scratch } => line(&contenders::measure_source(&source, &scratch)?),
        Task::Migrate(task) => line(&migrate(&task)?),
        Task::MakeHome { directory, records } => line(&homes::make(&directory, records)?),
        Task::Upgrade { directory, records, halt_at } => {
            line(&homes::upgrade(&directory, records, halt_at)?)
        }
        Task::Recover { directory, records } => line(&homes::recover(&directory, records)?),
        Task::OpenEngine { directory, records } => line(&homes::open_engine(&directory, records)?),
        Task::RollBack { directory, records } => line(&homes::roll_back(&directory, records)?),
    }
}

fn migrate(task: &Migrate) -> Result<Migrated> {
    let Migrate { contender, transform, source, directory, before, reads_back } = task;
    let (read_back, cost) =
        measured(|| contender.migrate(*transform, source, directory, before.as_ref()))?;
    let digest = reads_back.then(read_back).transpose()?;
    Ok(Migrated { cost, digest })
}

/// Has a child do something, and waits for what comes of it.
///
/// # Errors
/// What the child says, or that it says nothing.
pub(crate) fn run<T: DeserializeOwned>(task: &Task) -> Result<T> {
    let (mut child, output) = start(task)?;
    let mut last = None;
    for line in output.lines() {
        last = Some(line?);
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(Failure::new(format!("a child ended with {status}: {task:?}")));
    }
    let line = last.ok_or_else(|| Failure::new(format!("a child gave nothing: {task:?}")))?;
    Ok(serde_json::from_str(&line)?)
}

/// Has a child do something in which it halts, and kills it there (SIGKILL).
///
/// # Errors
/// If it ends before.
pub(crate) fn run_and_kill(task: &Task) -> Result<()> {
    let (mut child, output) = start(task)?;
    for line in output.lines() {
        if line? == HALTED {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
    }
    let status = child.wait()?;
    Err(Failure::new(format!("a child ended with {status} before it could be killed: {task:?}")))
}

/// Says that this child has come to where it is to be killed, and waits for that. Ends by itself if there is nobody left to
/// kill it.
pub(crate) fn halt() -> ! {
    let mut output = std::io::stdout().lock();
    // Whether anybody reads it or not, the next line waits for them.
    let _ = writeln!(output, "{HALTED}").and_then(|()| output.flush());
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(1)
}

fn start(task: &Task) -> Result<(Child, BufReader<ChildStdout>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(CHILD).arg(serde_json::to_string(task)?);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or_else(|| Failure::new("a child has no output"))?;
    Ok((child, BufReader::new(output)))
}

/// Brings everything that is still to be written to the disks, so that no run pays for what came before it.
///
/// # Errors
/// If it cannot be done.
pub(crate) fn settle_disks() -> Result<()> {
    let status = Command::new("sync").status()?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("sync ended with {status}"))) }
}
