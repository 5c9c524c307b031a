//! One run of a runtime, from its start to its end.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use signal_hook::consts::{SIGKILL, SIGTERM};
use upgrade::RunningLock;

use super::health::Health;
use super::notify;
use super::signals::{Inbox, Message, asks_to_stop, is_of_keyboard, name, send};
use crate::surroundings::Stopwatch;

/// How often it is looked whether a runtime is healthy.
const HEALTH_INTERVAL: Duration = Duration::from_millis(50);

/// How often it is looked whether a runtime has ended, should the signal that says so have been lost.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long to wait before something is tried again that the home was locked for.
const CONFIRM_INTERVAL: Duration = Duration::from_millis(500);

/// How a run has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself: nobody had asked for it.
    Itself(ExitStatus),
    /// Because somebody had asked for it, with this signal.
    Stopped(ExitStatus),
    /// It was asked to, and had to be killed.
    Killed,
    /// It was not healthy in time: what was missing.
    Unhealthy(&'static str),
    /// It could not even be started.
    NotStarted(io::Error),
}

/// How a run has ended, and how far it had come.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) ended: Ended,
    /// Whether it had been found to be healthy.
    pub(super) healthy: bool,
    /// How long it took.
    pub(super) lasted: Duration,
    /// Whether somebody has asked for an end, whatever it ended of: then nothing else is to be started.
    pub(super) asked: bool,
}

/// What whoever watches is told of, and asked for.
pub(super) trait Listener {
    /// The runtime has started, with this process id.
    fn started(&mut self, pid: u32);
    /// It is healthy. False if that is to be said again later.
    fn healthy(&mut self, after: Duration) -> bool;
    /// It is asked to stop, because of this.
    fn stopping(&mut self, because: &str);
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until it is healthy; none if nobody asks for that.
    pub(super) health: Option<Duration>,
    /// Until it has ended once it was asked to.
    pub(super) stop: Duration,
}

/// Starts a runtime, and returns when it has ended. It inherits the lock.
pub(super) fn run(
    command: &mut Command,
    lock: &RunningLock,
    (limits, health): (Limits, Health<'_>),
    inbox: &Inbox,
    listener: &mut dyn Listener,
) -> Run {
    let watch = Stopwatch::start();
    let child = match start(command, lock) {
        Ok(child) => child,
        Err(error) => {
            let (ended, lasted) = (Ended::NotStarted(error), Duration::ZERO);
            return Run { ended, healthy: false, lasted, asked: false };
        }
    };
    listener.started(child.id());
    let progress = if limits.health.is_some() { Progress::Waiting } else { Progress::NotAsked };
    let watched = Watched { child, limits, health, watch, progress, stopping: None, asked: false };
    watched.wait_for_end(inbox, listener)
}

/// Only the runtime inherits the lock: what else is started here must not keep a generation from being changed.
fn start(command: &mut Command, lock: &RunningLock) -> io::Result<Child> {
    fcntl_setfd(lock, FdFlags::empty())?;
    let child = command.spawn();
    let closed = fcntl_setfd(lock, FdFlags::CLOEXEC);
    match (child, closed) {
        (Ok(mut child), Err(error)) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error.into())
        }
        (child, _) => child,
    }
}

/// How far a runtime has come to being healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nobody asks.
    NotAsked,
    /// Not yet.
    Waiting,
    /// It is, and that is to be said again, at this time.
    Unsaid(Duration),
    /// It is.
    Healthy,
}

/// Why a runtime was asked to stop.
#[derive(Debug, Clone, Copy)]
enum Reason {
    Signal(i32),
    Unhealthy(&'static str),
}

/// A runtime that runs.
struct Watched<'w> {
    child: Child,
    limits: Limits,
    health: Health<'w>,
    watch: Stopwatch,
    progress: Progress,
    /// Why it was asked to stop, when it is killed, and whether it was.
    stopping: Option<(Reason, Duration, bool)>,
    /// Whether somebody has asked for an end.
    asked: bool,
}

impl Watched<'_> {
    fn wait_for_end(mut self, inbox: &Inbox, listener: &mut dyn Listener) -> Run {
        loop {
            match self.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => return self.ended(status),
                // Nobody else waits for it, so this cannot be; and what cannot be watched must not go on.
                Err(error) => {
                    send(&self.child, SIGKILL);
                    let (ended, lasted) = (Ended::NotStarted(error), self.watch.elapsed());
                    let (healthy, asked) = (self.is_healthy(), self.asked);
                    return Run { ended, healthy, lasted, asked };
                }
            }
            self.be_killed();
            self.look(listener);
            match inbox.wait(self.interval()) {
                Some(Message::Signal(signal)) => self.signal(signal, listener),
                Some(Message::Notification(message)) => {
                    if notify::is_ready(&message) {
                        self.health.is_ready();
                    }
                    notify::pass_on(&notify::without_ready(&message));
                }
                None => {}
            }
        }
    }

    fn is_healthy(&self) -> bool {
        matches!(self.progress, Progress::Healthy | Progress::Unsaid(_))
    }

    /// How long to sleep at most.
    fn interval(&self) -> Duration {
        let now = self.watch.elapsed();
        match (self.stopping, self.progress) {
            (Some((_, deadline, false)), _) => deadline.saturating_sub(now).min(INTERVAL),
            (None, Progress::Waiting) => HEALTH_INTERVAL,
            (None, Progress::Unsaid(next)) => next.saturating_sub(now).min(INTERVAL),
            _ => INTERVAL,
        }
    }

    /// Looks at its health, and asks it to stop if it has had its time.
    fn look(&mut self, listener: &mut dyn Listener) {
        let now = self.watch.elapsed();
        match (self.stopping, self.progress) {
            (None, Progress::Waiting) if self.health.look(now) => self.say(listener, now),
            (None, Progress::Waiting) if self.limits.health.is_some_and(|limit| now >= limit) => {
                let missing = self.health.missing().unwrap_or_default();
                listener.stopping(missing);
                self.stop(Reason::Unhealthy(missing), SIGTERM);
            }
            (None, Progress::Unsaid(next)) if now >= next => self.say(listener, now),
            _ => {}
        }
    }

    fn say(&mut self, listener: &mut dyn Listener, now: Duration) {
        self.progress = if listener.healthy(now) {
            Progress::Healthy
        } else {
            Progress::Unsaid(now.saturating_add(CONFIRM_INTERVAL))
        };
    }

    /// Sends a signal on.
    fn signal(&mut self, signal: i32, listener: &mut dyn Listener) {
        let Some(name) = name(signal) else { return };
        self.asked |= asks_to_stop(signal);
        if asks_to_stop(signal) && self.stopping.is_none() {
            listener.stopping(name);
            self.stop(Reason::Signal(signal), signal);
        } else {
            self.send_on(signal);
        }
    }

    fn stop(&mut self, reason: Reason, signal: i32) {
        let deadline = self.watch.elapsed().saturating_add(self.limits.stop);
        self.stopping = Some((reason, deadline, false));
        match reason {
            Reason::Signal(_) => self.send_on(signal),
            Reason::Unhealthy(_) => send(&self.child, signal),
        }
    }

    /// What the keyboard sends has reached the runtime too, where there is one: a second one would be another wish.
    fn send_on(&self, signal: i32) {
        if !(is_of_keyboard(signal) && io::stdin().is_terminal()) {
            send(&self.child, signal);
        }
    }

    /// Kills it if it was asked to stop and has had its time.
    fn be_killed(&mut self) {
        let now = self.watch.elapsed();
        if let Some((_, deadline, killed)) = &mut self.stopping
            && !*killed
            && now >= *deadline
        {
            *killed = true;
            send(&self.child, SIGKILL);
        }
    }

    fn ended(self, status: ExitStatus) -> Run {
        let ended = match self.stopping {
            None => Ended::Itself(status),
            Some((Reason::Unhealthy(missing), ..)) => Ended::Unhealthy(missing),
            Some((Reason::Signal(_), _, true)) => Ended::Killed,
            // By another signal than the one that it was sent it has crashed, on its way out.
            Some((Reason::Signal(asked), _, false)) => match status.signal() {
                Some(signal) if signal != asked && !asks_to_stop(signal) => Ended::Itself(status),
                _ => Ended::Stopped(status),
            },
        };
        let (healthy, lasted) = (self.is_healthy(), self.watch.elapsed());
        Run { ended, healthy, lasted, asked: self.asked }
    }
}
