//! `launch`: starts the verified runtime of the current generation, watches it, and goes back if it does not prove itself
//! (FC-UPGRADE-0001 §15).
//!
//! While the runtime runs the home is not locked. It inherits the running lock of its generation, so that nothing is changed
//! under it, also if the launcher is killed. What is put on record, and when, is the library's: `Home::launch` before it
//! executes, `confirm` once it is healthy, `stopped`, `crashed` or `failed` when it has ended.

mod arguments;
mod exec;
mod given;
mod health;
mod notify;
mod report;
mod signals;
mod told;
mod watch;

use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use upgrade::lifecycle::Standing;
use upgrade::{Cause, Error, Home, Launch, TelemetrySink};
use versioning::GenerationNumber;

pub(crate) use arguments::{HELP, LaunchArguments};
pub(crate) use told::Told;

use self::given::Given;
use self::health::Health;
use self::notify::NotifySocket;
use self::report::Report;
use self::signals::Inbox;
use self::watch::{Ended, Limits, Listener, Run};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::Output;

/// Exit code of a runtime that asks to be started again, and of a launcher that does not do so.
const RESTART_NEEDED: u8 = 4;

/// How often in a row a runtime may ask to be started again without having been healthy, or having run for long.
const MAXIMUM_RESTARTS: u32 = 5;

/// How long to wait, when a runtime has ended, for a process that holds the home.
const LOCK_TIMEOUT_AFTERWARDS: Duration = Duration::from_secs(10);

/// How often, and how often at most, it is looked whether what a runtime has left behind has ended too.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
const MAXIMUM_LOOKS: u32 = 60;

/// Launches. Where the command is to become the runtime, that is left in `then`.
pub(crate) fn run(
    session: &Session<'_>,
    arguments: &LaunchArguments,
    telemetry: &mut dyn TelemetrySink,
    (output, then): (&mut Output, &mut Option<Command>),
) -> Result<u8, Failure> {
    let home = std::path::absolute(&session.home).map_err(told::unusable_home)?;
    let inbox = Inbox::open().map_err(told::no_signals)?;
    let report = Report::new(output);
    let mut launcher = Launcher::new((session, arguments, home), inbox, (report, telemetry));
    if arguments.exec {
        *then = Some(launcher.become_runtime()?);
        return Ok(0);
    }
    launcher.launch()
}

pub(crate) use exec::become_it;

/// What comes next.
enum Next {
    /// The current generation is launched, again or for the first time.
    Launch,
    /// That was all: the exit code.
    End(u8),
}

struct Launcher<'l, 's> {
    session: &'l Session<'s>,
    arguments: &'l LaunchArguments,
    home: PathBuf,
    inbox: Inbox,
    report: Report<'l>,
    telemetry: &'l mut dyn TelemetrySink,
    /// Why a trial was left, until the generation before has been launched.
    left: Option<Error>,
    /// How often in a row a runtime has asked to be started again.
    restarts: u32,
    /// Whether nothing is to be started behind the first runtime, or behind the one that somebody wanted to end.
    last: bool,
}

/// What is known of a generation that was launched.
struct Launched {
    generation: GenerationNumber,
    on_trial: bool,
    returned_from: Option<GenerationNumber>,
}

impl Launched {
    fn of(launch: &Launch) -> Self {
        Self {
            generation: launch.generation().number(),
            on_trial: matches!(launch.standing(), Standing::Trial { .. }),
            returned_from: launch.returned_from(),
        }
    }
}

impl<'l, 's> Launcher<'l, 's> {
    fn new(
        (session, arguments, home): (&'l Session<'s>, &'l LaunchArguments, PathBuf),
        inbox: Inbox,
        (report, telemetry): (Report<'l>, &'l mut dyn TelemetrySink),
    ) -> Self {
        let (left, restarts, last) = (None, 0, arguments.no_restart);
        Self { session, arguments, home, inbox, report, telemetry, left, restarts, last }
    }

    fn launch(&mut self) -> Result<u8, Failure> {
        // Bounded: by the tries of a trial, by a confirmed generation being started once, and by `MAXIMUM_RESTARTS`.
        loop {
            // All that can fail before a start is counted.
            if let Some(path) = &self.arguments.ready_file {
                health::clear_ready_file(path).map_err(|error| told::ready_file(path, &error))?;
            }
            let socket = self.arguments.notify.then(|| NotifySocket::open(self.inbox.sender()));
            let socket = socket.transpose().map_err(told::no_socket)?;
            let launched = self.open(self.session.lock_timeout())?.launch();
            let next = match launched {
                Ok(launch) => self.run(launch, socket)?,
                Err(error) => self.refused(error)?,
            };
            if let Next::End(code) = next {
                return Ok(code);
            }
        }
    }

    fn open(&mut self, timeout: Duration) -> Result<Home<'_>, Failure> {
        Ok(Home::open(&self.home, self.session.environment, &mut *self.telemetry, timeout)?)
    }

    /// Puts on record how a runtime has ended. What it has started may live a little longer: that is waited for.
    fn afterwards<T>(
        &mut self,
        mut act: impl FnMut(&mut Home<'_>) -> upgrade::Result<T>,
    ) -> Result<upgrade::Result<T>, Failure> {
        let mut home = self.open(self.session.lock_timeout().max(LOCK_TIMEOUT_AFTERWARDS))?;
        let mut looks = MAXIMUM_LOOKS;
        loop {
            match act(&mut home) {
                Err(error) if looks > 0 && matches!(error.cause(), Cause::StoreInUse { .. }) => {
                    looks -= 1;
                    std::thread::sleep(LOOK_INTERVAL);
                }
                result => return Ok(result),
            }
        }
    }

    /// A launch was refused: the home may have gone back, and then the generation before is launched.
    fn refused(&mut self, error: Error) -> Result<Next, Failure> {
        match (error.cause(), self.left.take()) {
            (Cause::TrialFailed { .. }, _) => self.gone_back(error),
            // What the message about the trial says is to be started, then.
            (cause, Some(left)) if is_not_run_from_a_home(cause) => Err(left.into()),
            _ => Err(error.into()),
        }
    }

    /// A trial was left. The generation before is launched, unless nobody wants another start.
    fn gone_back(&mut self, error: Error) -> Result<Next, Failure> {
        self.report.reverted(&error);
        if self.last {
            return Err(error.into());
        }
        self.left = Some(error);
        Ok(Next::Launch)
    }

    fn run(&mut self, launch: Launch, socket: Option<NotifySocket>) -> Result<Next, Failure> {
        self.left = None;
        self.inbox.forget_notifications();
        let (arguments, launched) = (self.arguments, Launched::of(&launch));
        let given = Given::of(&launch, &self.home);
        let mut command = self.command(&launch, &given);
        if let Some(socket) = &socket {
            command.env(notify::VARIABLE, socket.path());
        } else if arguments.asks_for_health() {
            // Whether all is well is for the launcher to say.
            command.env_remove(notify::VARIABLE);
        }
        let limits = Limits {
            health: arguments.asks_for_health().then_some(arguments.health_timeout),
            stop: arguments.stop_timeout,
        };
        let health = Health::new(arguments, &given);
        let mut listener = Attendant {
            session: self.session,
            home: &self.home,
            report: &mut self.report,
            telemetry: &mut *self.telemetry,
            launch: &launch,
        };
        let watched = (limits, health);
        let run = watch::run(&mut command, launch.running(), watched, &self.inbox, &mut listener);
        // From here on only what the runtime has left behind can keep the generation from being changed.
        drop(launch);
        drop(socket);
        self.ended(&launched, run)
    }

    /// The runtime, ready to be started.
    fn command(&self, launch: &Launch, given: &Given) -> Command {
        let mut command = Command::new(launch.binary());
        command.args(self.arguments.arguments.iter().map(|argument| given.fill_in(argument)));
        given.to_environment(&mut command);
        if self.report.is_json() {
            // Standard output is the launcher's then, as it is with every command.
            command.stdout(Stdio::from(std::io::stderr()));
        }
        command
    }

    /// A runtime has ended: puts on record how, and says what comes next.
    fn ended(&mut self, launched: &Launched, run: Run) -> Result<Next, Failure> {
        self.last |= run.asked;
        match run.ended {
            Ended::Stopped(status) => self.stopped(launched, status),
            Ended::Itself(status) if status.success() => self.stopped(launched, status),
            Ended::Itself(status) if status.code() == Some(RESTART_NEEDED.into()) => {
                self.asks_for_restart(launched, &run)
            }
            Ended::Itself(status) => self.crashed(launched, &run, &describe(status)),
            Ended::NotStarted(ref error) => {
                self.crashed(launched, &run, &format!("could not be started: {error}"))
            }
            Ended::Unhealthy(missing) => self.unhealthy(launched, &run, missing),
            Ended::Killed => Err(told::killed(launched.generation).into()),
        }
    }

    fn stopped(&mut self, launched: &Launched, status: ExitStatus) -> Result<Next, Failure> {
        let generation = launched.generation;
        self.afterwards(|home| home.stopped(generation))??;
        self.report.stopped(generation, status);
        Ok(Next::End(0))
    }

    fn asks_for_restart(&mut self, launched: &Launched, run: &Run) -> Result<Next, Failure> {
        let generation = launched.generation;
        self.afterwards(|home| home.stopped(generation))??;
        if self.arguments.no_restart {
            self.report.restart_needed(generation);
            return Ok(Next::End(RESTART_NEEDED));
        }
        let has_run = run.healthy || run.lasted >= self.arguments.health_timeout;
        self.restarts = if has_run { 0 } else { self.restarts.saturating_add(1) };
        if self.restarts > MAXIMUM_RESTARTS {
            return Err(told::restarts_for_ever(generation, MAXIMUM_RESTARTS).into());
        }
        self.report.restarting(generation, "asked to be started again");
        Ok(Next::Launch)
    }

    /// It has ended, and nobody had asked for it.
    fn crashed(&mut self, launched: &Launched, run: &Run, how: &str) -> Result<Next, Failure> {
        let generation = launched.generation;
        let left = match self.afterwards(|home| {
            home.crashed(generation)?;
            Ok(home.state().standing)
        })? {
            Ok(left) => left,
            Err(error) => return self.refused(error),
        };
        if left == Standing::Confirmed {
            return Err(self.confirmed_failed("runtime-failed", launched, run, how).into());
        }
        if self.last {
            return Err(told::failed_on_trial(generation, how, left).into());
        }
        self.report.restarting(generation, how);
        Ok(Next::Launch)
    }

    fn unhealthy(
        &mut self,
        launched: &Launched,
        run: &Run,
        missing: &str,
    ) -> Result<Next, Failure> {
        let seconds = self.arguments.health_timeout.as_secs_f64();
        let why = format!("{missing} within {seconds} s");
        let generation = launched.generation;
        let failed = self.afterwards(|home| {
            let is_confirmed = home.state().standing == Standing::Confirmed;
            if is_confirmed { Ok(()) } else { Err(home.failed(generation, &why)) }
        })?;
        let Err(error) = failed else {
            let how = format!("is not healthy: {why}");
            return Err(self.confirmed_failed("runtime-unhealthy", launched, run, &how).into());
        };
        self.refused(error)
    }

    /// A generation that had proven itself fails: the home stays as it is. If it is what another one was left for, there is
    /// nothing to go back to, and going on is for a person to decide.
    fn confirmed_failed(
        &self,
        name: &'static str,
        launched: &Launched,
        run: &Run,
        how: &str,
    ) -> Told {
        let at_once = !launched.on_trial
            && !run.healthy
            && (self.arguments.asks_for_health() || run.lasted < self.arguments.health_timeout);
        match launched.returned_from.filter(|_| at_once) {
            Some(from) => told::both_failed(launched.generation, from, how),
            None => told::failed(name, launched.generation, how),
        }
    }
}

/// Whether a generation is none that can be launched: what was adopted goes on where it was.
fn is_not_run_from_a_home(cause: &Cause) -> bool {
    match cause {
        Cause::NoRuntime { .. } => true,
        Cause::Incompatible(refusals) => {
            refusals.reasons.iter().any(|reason| reason.code == "not-run-from-a-home")
        }
        _ => false,
    }
}

/// How a process has ended, as what is said of it.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => {
            let name = signals::name(signal).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("was ended by signal {signal}{name}")
        }
        (None, None) => status.to_string(),
    }
}

/// Says what happens while a runtime runs, and confirms it.
struct Attendant<'t, 's, 'o> {
    session: &'t Session<'s>,
    home: &'t std::path::Path,
    report: &'t mut Report<'o>,
    telemetry: &'t mut dyn TelemetrySink,
    launch: &'t Launch,
}

impl Listener for Attendant<'_, '_, '_> {
    fn started(&mut self, pid: u32) {
        self.report.launched(self.launch, pid);
    }

    fn healthy(&mut self, after: Duration) -> bool {
        let generation = self.launch.generation().number();
        let on_trial = matches!(self.launch.standing(), Standing::Trial { .. });
        if on_trial {
            let environment = self.session.environment;
            let opened = Home::open(self.home, environment, &mut *self.telemetry, Duration::ZERO);
            match opened.and_then(|mut home| home.confirm(generation)) {
                Ok(()) => {}
                // Somebody holds the home at this moment.
                Err(error) if matches!(error.cause(), Cause::Locked { .. }) => return false,
                Err(error) => {
                    self.report.not_confirmed(generation, &error);
                    return true;
                }
            }
        }
        self.report.healthy(generation, after, on_trial);
        notify::pass_on(b"READY=1");
        true
    }

    fn stopping(&mut self, because: &str) {
        notify::pass_on(b"STOPPING=1");
        self.report.stopping(self.launch.generation().number(), because);
    }
}
