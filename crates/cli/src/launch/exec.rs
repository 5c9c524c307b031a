//! Becoming the runtime.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::given::Given;
use super::{Launcher, Next, told};
use crate::failure::Failure;

impl Launcher<'_, '_> {
    /// The verified runtime of the current generation, ready to be become: it counts its start itself. Trials without tries are
    /// left before.
    pub(super) fn become_runtime(&mut self) -> Result<Command, Failure> {
        // Bounded: what is gone back to is no trial.
        loop {
            let checked = self.open(self.session.lock_timeout())?.check_launch();
            match checked {
                Ok(launch) => {
                    let given = Given::of(&launch, &self.home);
                    let command = self.command(&launch, &given);
                    self.report.executing(&launch);
                    return Ok(command);
                }
                Err(error) => match self.refused(error)? {
                    Next::Launch => {}
                    Next::End(_) => return Err(told::nothing_to_become().into()),
                },
            }
        }
    }
}

/// Becomes the runtime. Returns only if that cannot be done.
pub(crate) fn become_it(mut command: Command) -> Failure {
    let own = io::stdout().as_fd().try_clone_to_owned();
    let error = command.exec();
    // What was to be the runtime's standard output by now is the command's own again: it has something to say.
    if let Ok(own) = own {
        let _ = rustix::stdio::dup2_stdout(own);
    }
    told::not_executed(&error).into()
}
