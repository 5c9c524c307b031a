//! From the start to the end of a run: what linking the upgrade system asks of a runtime.
//!
//! 1. **boot** locks the home, puts right what an interruption left, verifies the current generation, and counts a start that
//!    is on trial; or it refuses, and nothing was opened.
//! 2. **open** the store of the generation, and no other.
//! 3. **serve**: every call is decided by `Booted::authority` before it is made; every writer passes `Booted::gate`; what was
//!    written is durable before it is acknowledged (`ledger.rs`).
//! 4. **drain** the gate: who is inside comes to an end, and nobody gets in any more.
//! 5. **close** the store, once no thread has it any more.
//! 6. **stop**: the store is sealed as it is, and a start on trial is given back. Or **fail**: the generation is left at once.
//!
//! One thread has the home and does all of that, and what only the home can do (`Wish`). Each connection has a thread of its own,
//! which has the store for as long as it lives.
//!
//! Whatever does not come to step 6 is a crash: the start is spent, and a trial that runs out of starts goes back by itself. So
//! this is also what a run does when its store fails: it ends without `stop`, and the next one opens the store anew.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder, Scope};
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use serde_json::{Value, json};
use upgrade::lifecycle::Standing;
use upgrade::{Booted, Cancellation, EngineOptions, Environment, Error, NoTelemetry};
use versioning::RuntimeVersion;

use crate::connection::{self, Shared, refusal};
use crate::ledger::{Ledger, of_store};
use crate::surroundings::{WallClock, on_stop_signal};
use crate::upgrading::{self, Prepared, Wanted};
use crate::{Failure, say};

/// Exit code: the home was upgraded, and the new version is to be started.
const RESTART_NEEDED: u8 = 4;

/// Exit code: the home went back, and the version before is to be started.
const ROLLED_BACK: u8 = 7;

/// How long a start waits for whoever has the home: a command that looks at it is done by then.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The most connections at a time.
const MAXIMUM_CONNECTIONS: usize = 64;

/// What may wait for the thread that has the home.
const MAXIMUM_WISHES: usize = 64;

pub(crate) struct Options {
    pub(crate) home: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) version: RuntimeVersion,
}

/// What the thread that has the home is told.
pub(crate) enum Wish {
    /// Somebody connected.
    Connected(UnixStream),
    /// The connection with this number is over.
    Gone(u64),
    /// Somebody asks for what only that thread can do, and waits for an answer.
    Duty(Duty, SyncSender<Value>),
    /// The operating system wants the process to end.
    Signal,
    /// The store has failed.
    Broken(Error),
}

pub(crate) enum Duty {
    Health,
    Confirm,
    Fail(String),
    Upgrade(Box<Wanted>),
    Stop,
}

/// Why a run comes to its end.
enum Ending {
    Stop,
    Fail(String),
    Upgrade(Box<Prepared>),
}

/// Runs on the current generation until somebody ends it. Returns the exit code.
pub(crate) fn run(options: &Options) -> Result<u8, Failure> {
    let environment = Environment {
        catalogue: &FemtoClaw,
        clock: &WallClock,
        operator: "runtime",
        engine: &EngineOptions::default(),
    };
    let (wishes, inbox) = sync_channel(MAXIMUM_WISHES);
    // First of all: who wants this to end while the home is being verified shall not spend a start.
    let (stop, cancellation) = (wishes.clone(), Cancellation::new());
    let upgrading =
        EngineOptions { cancellation: cancellation.clone(), ..EngineOptions::default() };
    on_stop_signal(move |signal| {
        cancellation.cancel(signal);
        let _ = stop.send(Wish::Signal);
    })
    .map_err(|error| Failure::System("cannot listen to signals".to_owned(), error))?;

    let mut telemetry = NoTelemetry;
    let (home, version) = (&options.home, &options.version);
    let mut booted = upgrade::boot(home, version, environment, &mut telemetry, LOCK_TIMEOUT)?;
    let listener = match listen(&options.socket) {
        Ok(listener) => listener,
        Err(error) => {
            // Nothing was wrong with the generation: the start is given back.
            booted.stop()?;
            let what = format!("cannot listen at {}", options.socket.display());
            return Err(Failure::System(what, error));
        }
    };
    let store = booted.open_store()?;
    let shared = Shared {
        ledger: Ledger::new(&store, booted.gate().clone()),
        authority: booted.authority().clone(),
    };
    let mut run = Run { options, environment, booted: &mut booted };
    // Of a store that has failed nothing is asked again, not even to be closed in good order; this start counts as a crash.
    let ending = run.serve(listener, &shared, wishes, inbox)?;
    // No thread has it any more.
    store.close().map_err(of_store)?;
    match ending {
        Ending::Stop => {
            booted.stop()?;
            Ok(0)
        }
        Ending::Fail(reason) => {
            let done = booted.fail(&reason)?;
            say(&format!("went back to generation {} ({})", done.to, done.to_version));
            Ok(ROLLED_BACK)
        }
        Ending::Upgrade(prepared) => {
            booted.stop()?;
            let environment = Environment { engine: &upgrading, ..environment };
            let applied = upgrading::apply(*prepared, home, environment)?;
            if let Some(applied) = &applied {
                say(&format!("generation {} is current, on trial", applied.to));
            }
            Ok(RESTART_NEEDED)
        }
    }
}

/// A run that serves.
struct Run<'r, 'e> {
    options: &'r Options,
    environment: Environment<'e>,
    booted: &'r mut Booted<'e>,
}

impl Run<'_, '_> {
    /// Serves until somebody wants an end; then lets the writers come to theirs, and waits for all connections.
    fn serve(
        &mut self,
        listener: UnixListener,
        shared: &Shared<'_>,
        wishes: SyncSender<Wish>,
        inbox: Receiver<Wish>,
    ) -> Result<Ending, Failure> {
        accept(listener, wishes.clone())
            .map_err(|error| Failure::System("cannot start a thread".to_owned(), error))?;
        self.announce();
        let gate = self.booted.gate().clone();
        thread::scope(|scope| {
            let mut connections = Connections { open: BTreeMap::new(), next: 0 };
            let ending = loop {
                match inbox.recv() {
                    Ok(Wish::Connected(stream)) => {
                        connections.start(scope, stream, shared, &wishes);
                    }
                    Ok(Wish::Gone(number)) => drop(connections.open.remove(&number)),
                    Ok(Wish::Duty(duty, reply)) => {
                        let (answer, ending) = self.answer(duty);
                        let _ = reply.send(answer);
                        if let Some(ending) = ending {
                            break Ok(ending);
                        }
                    }
                    Ok(Wish::Broken(error)) => break Err(error),
                    // Nobody is left who could wish for anything: there is no such case while a signal can come.
                    Ok(Wish::Signal) | Err(_) => break Ok(Ending::Stop),
                }
            };
            // Nobody connects any more, and whoever still waits for this thread is told that it is over.
            let _ = std::fs::remove_file(&self.options.socket);
            drop(inbox);
            // Writers that are inside come to their end, and are acknowledged; those that come now are refused.
            let drained = gate.drain();
            connections.end();
            drained.map_err(of_store)?;
            Ok(ending?)
        })
    }

    /// Says on standard output that it serves, for whoever started it.
    fn announce(&self) {
        let mut ready = self.health();
        if let Value::Object(ready) = &mut ready {
            ready.insert("socket".to_owned(), json!(self.options.socket));
        }
        let _ = writeln!(io::stdout(), "{ready}");
    }

    fn health(&self) -> Value {
        let standing = match self.booted.standing() {
            Standing::Trial { tries, left, .. } => json!({"trial": {"tries": tries, "left": left}}),
            Standing::Confirmed => json!("confirmed"),
        };
        json!({
            "ok": true, "version": self.booted.versions().runtime,
            "generation": self.booted.generation().number(), "standing": standing,
        })
    }

    /// The answer, and whether the run ends with it.
    fn answer(&mut self, duty: Duty) -> (Value, Option<Ending>) {
        let ends = || json!({"ok": true, "ends": true});
        match duty {
            Duty::Health => (self.health(), None),
            Duty::Confirm => match self.booted.confirm() {
                Ok(()) => (self.health(), None),
                Err(error) => (refused(&error), None),
            },
            Duty::Fail(_) if self.booted.standing() == Standing::Confirmed => {
                (refusal("not-on-trial", "this generation is confirmed"), None)
            }
            Duty::Fail(reason) => (ends(), Some(Ending::Fail(reason))),
            Duty::Stop => (ends(), Some(Ending::Stop)),
            Duty::Upgrade(wanted) => {
                match upgrading::prepare(&wanted, &self.options.home, self.environment) {
                    Ok(Some(prepared)) => (ends(), Some(Ending::Upgrade(Box::new(prepared)))),
                    Ok(None) => (json!({"ok": true, "nothing_to_do": true}), None),
                    Err(Failure::Upgrade(error)) => (refused(&error), None),
                    Err(other) => (refusal("not-read", &other.to_string()), None),
                }
            }
        }
    }
}

fn refused(error: &Error) -> Value {
    let mut answer = refusal(error.name(), &error.to_string());
    if let Value::Object(answer) = &mut answer {
        answer.insert("exit_code".to_owned(), error.exit_code().into());
    }
    answer
}

/// The connections that are open, by number.
struct Connections {
    open: BTreeMap<u64, UnixStream>,
    next: u64,
}

impl Connections {
    fn start<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        stream: UnixStream,
        shared: &'s Shared<'_>,
        wishes: &SyncSender<Wish>,
    ) {
        // One too many, or no descriptor left for it: whoever connected sees that it is closed.
        let (false, Ok(ours)) = (self.open.len() >= MAXIMUM_CONNECTIONS, stream.try_clone()) else {
            return;
        };
        let (number, wishes) = (self.next, wishes.clone());
        self.next += 1;
        let started = Builder::new().spawn_scoped(scope, move || {
            connection::serve(&stream, shared, &wishes);
            let _ = wishes.send(Wish::Gone(number));
        });
        if started.is_ok() {
            self.open.insert(number, ours);
        }
    }

    /// Nothing more is read from them: each ends when it has answered what it has read.
    fn end(self) {
        for stream in self.open.values() {
            let _ = stream.shutdown(Shutdown::Read);
        }
    }
}

/// Takes the place of a socket that nobody listens at: a run that was killed left it. Anything else is left alone.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(socket) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = socket.symlink_metadata()?.file_type().is_socket();
            if !is_socket || UnixStream::connect(socket).is_ok() {
                return Err(error);
            }
            std::fs::remove_file(socket)?;
            UnixListener::bind(socket)
        }
        bound => bound,
    }
}

/// Hands on whoever connects, until nobody takes them any more.
fn accept(listener: UnixListener, wishes: SyncSender<Wish>) -> io::Result<()> {
    let hand_on = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // No descriptor is left: that passes when somebody goes.
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            if wishes.send(Wish::Connected(stream)).is_err() {
                return;
            }
        }
    };
    Builder::new().name("accept".to_owned()).spawn(hand_on).map(|_| ())
}
