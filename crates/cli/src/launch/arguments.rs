//! The command line of `launch`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::arguments::seconds;

/// What is told below the options.
pub(crate) const HELP: &str = "\
The runtime gets these in its environment, and in ARGS in place of {home}, {generation}, {version}, {store},
{configuration}, {policy}, {extensions}:
  FEMTOCLAW_HOME FEMTOCLAW_GENERATION FEMTOCLAW_VERSION
  FEMTOCLAW_STORE FEMTOCLAW_CONFIGURATION FEMTOCLAW_POLICY FEMTOCLAW_EXTENSIONS

A generation on trial is confirmed once all that is asked for says that it is healthy; without a health option, by
`femtoclaw-upgrade confirm` alone. If it is not healthy in time, or out of starts, the home goes back and the
generation before is started. A runtime that exits with code 4 is started again.";

/// How a runtime is started and watched.
#[derive(Debug, Args)]
pub(crate) struct LaunchArguments {
    /// The runtime is healthy once this command, run by /bin/sh again and again, exits with code 0.
    #[arg(long, value_name = "COMMAND")]
    pub(super) health_command: Option<OsString>,
    /// The runtime is healthy once it has created this file. One that is left over is removed before it starts.
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// The runtime is healthy once it has sent READY=1 to $NOTIFY_SOCKET, as to systemd.
    #[arg(long)]
    pub(super) notify: bool,
    /// It has to be healthy within this time.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(super) health_timeout: Duration,
    /// Once asked to stop, it has to end within this time, or is killed.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(super) stop_timeout: Duration,
    /// Start the runtime once: whatever would lead to another start ends the command instead.
    #[arg(long)]
    pub(super) no_restart: bool,
    /// Become the runtime, which calls `upgrade::boot` itself, and counts and confirms its starts itself.
    #[arg(long, conflicts_with_all = [
        "health_command", "ready_file", "notify", "health_timeout", "stop_timeout", "no_restart",
    ])]
    pub(super) exec: bool,
    /// What the runtime is given.
    #[arg(last = true, value_name = "ARGS")]
    pub(super) arguments: Vec<OsString>,
}

impl LaunchArguments {
    /// Whether somebody is to find out that the runtime is healthy.
    pub(super) fn asks_for_health(&self) -> bool {
        self.health_command.is_some() || self.ready_file.is_some() || self.notify
    }
}
