//! Running cargo-mutants, on a copy of the workspace: what it changes is never the source that somebody works on.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::runner::{cargo, output_of, shown};

/// How long the tests of a crate may take for one mutant, in seconds: many times what they take, even on a machine that has
/// other things to do.
const TEST_TIMEOUT_S: &str = "300";
/// How long building them may take.
const BUILD_TIMEOUT_S: &str = "600";
/// What holds for every run: the property tests try the same few cases, leave nothing behind, and do not look long for the
/// smallest case that fails; nothing is built for a debugger, and everything optimized a little, with all of its assertions.
const ENVIRONMENT: [(&str, &str); 10] = [
    ("PROPTEST_CASES", "64"),
    ("PROPTEST_RNG_SEED", "1"),
    ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true"),
    ("PROPTEST_MAX_SHRINK_ITERS", "16"),
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_TEST_DEBUG", "0"),
    ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_TEST_OPT_LEVEL", "1"),
    ("CARGO_INCREMENTAL", "1"),
    ("CARGO_TERM_COLOR", "never"),
];
/// Where the tests put their files, if there is such a place: in memory a sync costs nothing, and takes most of their time
/// elsewhere.
const IN_MEMORY: &str = "/dev/shm";
/// The exit codes of a run that came to its end: nothing missed, something missed, tests that did not end.
const ENDED: [i32; 3] = [0, 2, 3];

/// cargo-mutants, and where it works.
pub(super) struct Tool {
    /// The copy of the workspace.
    pub(super) workspace: PathBuf,
    /// Where it writes what became of the mutants: a directory for each crate.
    pub(super) output: PathBuf,
    /// How many mutants are built and tested at once.
    pub(super) jobs: u32,
    /// A part of the mutants, `K/N`.
    pub(super) shard: Option<String>,
    /// Only those that no earlier run here has caught.
    pub(super) iterate: bool,
}

/// Whether cargo-mutants is there.
///
/// # Errors
/// If it is not: a sentence that says how to get it.
pub(super) fn require() -> Result<(), String> {
    output_of(cargo().args(["mutants", "--version"])).map(drop).map_err(|why| {
        format!(
            "cargo-mutants is missing, install it with `cargo install cargo-mutants --locked` ({why})"
        )
    })
}

/// The mutants of a crate, as JSON.
///
/// # Errors
/// What cargo-mutants says.
pub(super) fn list(root: &Path, krate: &str) -> Result<Vec<u8>, String> {
    let mut command = cargo();
    command.current_dir(root).args(["mutants", "--list", "--json", "--no-config"]);
    command.args(["--package", &package(krate)]);
    output_of(&mut command)
}

impl Tool {
    /// The directory with what became of the mutants of a crate.
    pub(super) fn output_of(&self, krate: &str) -> PathBuf {
        self.output.join(krate)
    }

    /// Runs the tests of a crate on its mutants, and takes what each stage has shown. What it says goes to standard error.
    ///
    /// # Errors
    /// If it cannot, above all because the tests fail without any mutant.
    pub(super) fn run(
        &self,
        krate: &str,
        take: &mut dyn FnMut() -> Result<(), String>,
    ) -> Result<(), String> {
        let output = self.output_of(krate);
        std::fs::create_dir_all(&output)
            .map_err(|error| format!("cannot create {}: {error}", output.display()))?;
        for stage in self.stages(krate) {
            let mut command = self.command(krate, &output, stage);
            command.stdin(Stdio::null()).stdout(Stdio::from(io::stderr()));
            let status = command
                .status()
                .map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
            if !status.code().is_some_and(|code| ENDED.contains(&code)) {
                return Err(format!("`{}` ended with {status}", shown(&command)));
            }
            take()?;
        }
        Ok(())
    }

    /// The tests within the sources are near to them, fast to build, and notice most. Those beside the sources see only what
    /// is left.
    fn stages(&self, krate: &str) -> Vec<Stage> {
        let beside = self.workspace.join("crates").join(krate).join("tests").is_dir();
        [Some(Stage::Within), beside.then_some(Stage::All)].into_iter().flatten().collect()
    }

    fn command(&self, krate: &str, output: &Path, stage: Stage) -> Command {
        let mut command = cargo();
        command.current_dir(&self.workspace).envs(ENVIRONMENT);
        if Path::new(IN_MEMORY).is_dir() {
            command.env("TMPDIR", IN_MEMORY);
        }
        command.args(["mutants", "--no-config", "--no-shuffle", "--package", &package(krate)]);
        command.arg("--output").arg(output);
        command.args(["--timeout", TEST_TIMEOUT_S, "--build-timeout", BUILD_TIMEOUT_S]);
        // Examples in documentation take long and show little.
        command.args(["--cargo-arg=--locked", "--cargo-arg=--lib"]);
        if stage == Stage::All {
            command.arg("--cargo-arg=--tests");
        }
        if self.jobs > 1 {
            // One directory for each: they cannot share one to build in.
            command.env_remove("CARGO_TARGET_DIR");
            command.args(["--copy-target=true", "--jobs", &self.jobs.to_string()]);
        } else {
            command.env("CARGO_TARGET_DIR", self.workspace.join("target")).arg("--in-place");
        }
        if let Some(shard) = &self.shard {
            command.args(["--shard", shard]);
        }
        if self.iterate || stage == Stage::All {
            command.arg("--iterate");
        }
        command
    }
}

/// Which tests are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Those within the sources.
    Within,
    /// Also those beside them, on what the first missed.
    All,
}

fn package(krate: &str) -> String {
    if krate == "upgrade" {
        return "femtoclaw-upgrade".to_owned();
    }
    format!("femtoclaw-upgrade-{krate}")
}
