//! Whether a runtime is healthy: a command, a file, a message. All that is asked for has to say so, once.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::arguments::LaunchArguments;
use super::given::Given;

/// How long to wait from one run of the health command to the next.
const COMMAND_INTERVAL: Duration = Duration::from_millis(500);

/// How long one run of it may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Removes what an earlier run has left, so that it does not speak for the next.
///
/// # Errors
/// If it is no plain file, or cannot be removed.
pub(super) fn clear_ready_file(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_file() => std::fs::remove_file(path),
        Ok(_) => Err(io::Error::other("it is not a plain file")),
    }
}

/// What is still to be said before a runtime counts as healthy.
pub(super) struct Health<'h> {
    command: Option<HealthCommand<'h>>,
    file: Option<&'h Path>,
    message: bool,
}

impl<'h> Health<'h> {
    pub(super) fn new(arguments: &'h LaunchArguments, given: &'h Given) -> Self {
        let command = arguments.health_command.as_deref();
        Self {
            command: command.map(|line| HealthCommand { line, given, running: None, next: None }),
            file: arguments.ready_file.as_deref(),
            message: arguments.notify,
        }
    }

    /// The runtime has said that it is ready.
    pub(super) fn is_ready(&mut self) {
        self.message = false;
    }

    /// Looks at everything that has not been said yet, `now` after the start. True once nothing is left.
    pub(super) fn look(&mut self, now: Duration) -> bool {
        if self.command.as_mut().is_some_and(|command| command.look(now)) {
            self.command = None;
        }
        if self.file.is_some_and(|path| path.symlink_metadata().is_ok_and(|found| found.is_file()))
        {
            self.file = None;
        }
        self.missing().is_none()
    }

    /// What has not been said yet.
    pub(super) fn missing(&self) -> Option<&'static str> {
        if self.command.is_some() {
            return Some("the health command did not succeed");
        }
        if self.file.is_some() {
            return Some("the ready file did not appear");
        }
        self.message.then_some("READY=1 was not sent")
    }
}

/// The health command, one run after the other.
struct HealthCommand<'h> {
    line: &'h std::ffi::OsStr,
    given: &'h Given,
    /// The run that goes on, and when it began.
    running: Option<(Child, Duration)>,
    /// When the next one is due.
    next: Option<Duration>,
}

impl HealthCommand<'_> {
    /// True once it has succeeded.
    fn look(&mut self, now: Duration) -> bool {
        if let Some((child, since)) = &mut self.running {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => {
                    self.running = None;
                    return true;
                }
                Ok(None) if now.saturating_sub(*since) < COMMAND_TIMEOUT => return false,
                Ok(None) | Err(_) => end(child),
                Ok(Some(_)) => {}
            }
            self.running = None;
            self.next = Some(now.saturating_add(COMMAND_INTERVAL));
        }
        if self.next.is_none_or(|next| now >= next) {
            self.next = Some(now.saturating_add(COMMAND_INTERVAL));
            self.running = self.begin().ok().map(|child| (child, now));
        }
        false
    }

    fn begin(&self) -> io::Result<Child> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(self.line).stdin(Stdio::null()).stdout(Stdio::null());
        self.given.to_environment(&mut command);
        // A group of its own, so that it can be ended with all that it has started.
        command.stderr(Stdio::null()).process_group(0).spawn()
    }
}

impl Drop for HealthCommand<'_> {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            end(child);
        }
    }
}

/// Ends a run with all that it has started.
fn end(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}
