//! The targets on the stable compiler: the example `stable` of the package `fuzz`, in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Finding, PATIENCE, Round, keep, relative};
use crate::runner::{build_example, now, workspace_root};

/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The example, built.
pub(super) struct Stable {
    binary: PathBuf,
    scratch: TempDir,
}

/// How a process ended: what it says, or how it died.
struct Ended {
    executions: u64,
    what: Option<String>,
}

impl Stable {
    /// Builds it as the tests are built, with their checks of overflows.
    pub(super) fn build() -> Result<Self, String> {
        let binary = build_example("stable")?;
        let scratch =
            tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
        Ok(Self { binary, scratch })
    }

    /// Hands one file to a target.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn replay(&self, target: &str, file: &Path) -> Result<Option<Finding>, String> {
        let mut command = Command::new(&self.binary);
        command.args(["replay", target]).arg(file);
        let ended = run(&mut command, PATIENCE)?;
        Ok(ended.what.map(|what| finding(target, file, what)))
    }

    /// Hands mutations of the corpus to a target for this long.
    ///
    /// # Errors
    /// If it cannot be started, or what it found cannot be kept.
    pub(super) fn search(&self, target: &str, time: Duration, seed: u64) -> Result<Round, String> {
        let last = self.scratch.path().join(target);
        let mut command = Command::new(&self.binary);
        command.args(["search", target, &time.as_secs().to_string(), &seed.to_string()]);
        command.arg(&last);
        let ended = run(&mut command, time + PATIENCE)?;
        let finding = match ended.what {
            None => None,
            Some(what) => {
                let input =
                    fs::read(&last).map_err(|error| format!("{target}: {what}; {error}"))?;
                Some(finding(target, &keep(target, &input)?, what))
            }
        };
        Ok(Round { executions: ended.executions, finding })
    }
}

fn finding(target: &str, file: &Path, what: String) -> Finding {
    let input = relative(file);
    let replay = format!("cargo run -p fuzz --example stable -- replay {target} {input}");
    Finding { target: target.to_owned(), input, what, replay }
}

/// Runs it to its end. What it says to standard error, the message of a panic among it, is passed on.
fn run(command: &mut Command, patience: Duration) -> Result<Ended, String> {
    command.current_dir(workspace_root()).stdin(Stdio::null()).stdout(Stdio::piped());
    let failed = |error: std::io::Error| format!("cannot run the fuzz targets: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let status = wait(&mut child, patience).map_err(failed)?;
    // One line fits a pipe: nobody had to read it meanwhile.
    let said = child.wait_with_output().map_err(failed)?.stdout;
    judge(status, &String::from_utf8_lossy(&said))
}

/// Waits so long, and then ends it: nothing.
fn wait(child: &mut Child, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > patience {
            child.kill()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn judge(status: Option<ExitStatus>, said: &str) -> Result<Ended, String> {
    let Some(status) = status else {
        let what = format!("it takes longer than {} s", PATIENCE.as_secs());
        return Ok(Ended { executions: 0, what: Some(what) });
    };
    let line: Value = serde_json::from_str(said.trim()).unwrap_or_default();
    let executions = line.get("executions").and_then(Value::as_u64);
    let what = line.get("finding").and_then(Value::as_str).map(str::to_owned);
    match (executions, what, status.code()) {
        (Some(executions), None, Some(0)) => Ok(Ended { executions, what: None }),
        (Some(executions), Some(what), _) => Ok(Ended { executions, what: Some(what) }),
        // A signal: the stack overflowed, or there was no memory.
        (_, _, None) => {
            Ok(Ended { executions: 0, what: Some(format!("the process died: {status}")) })
        }
        _ => Err(format!("the fuzz targets could not run: {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<Ended, String> {
        run(Command::new("sh").args(["-c", script]), patience)
    }

    #[test]
    fn findings_are_told_from_deaths_from_hanging_and_from_what_could_not_run() {
        let fine = shell("echo '{\"executions\":7}'", PATIENCE).unwrap();
        assert_eq!((fine.executions, fine.what), (7, None));
        let found =
            shell("echo '{\"executions\":7,\"finding\":\"no\"}'; exit 1", PATIENCE).unwrap();
        assert_eq!((found.executions, found.what.as_deref()), (7, Some("no")));
        let died = shell("kill -SEGV $$", PATIENCE).unwrap().what.unwrap();
        assert!(died.starts_with("the process died: signal: 11"), "{died}");
        let hangs = shell("exec sleep 100", Duration::ZERO).unwrap().what.unwrap();
        assert!(hangs.starts_with("it takes longer than"), "{hangs}");
        assert!(shell("exit 1", PATIENCE).is_err());
        assert!(shell("echo '{\"executions\":7}'; exit 1", PATIENCE).is_err());
    }

    #[test]
    fn a_finding_says_how_it_is_replayed() {
        let file = workspace_root().join("fuzz/artifacts/journal/x");
        let found = finding("journal", &file, "no".to_owned());
        assert_eq!(found.input, "fuzz/artifacts/journal/x");
        assert_eq!(
            found.replay,
            "cargo run -p fuzz --example stable -- replay journal fuzz/artifacts/journal/x"
        );
    }
}
