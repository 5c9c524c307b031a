//! Where the commands of a page are typed: a fresh directory, and one shell for all of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};

use super::page::Typed;
use crate::support::{PROGRAM, alone};

/// Paths of the pages that lie below the directory of the test instead.
const PLACES: [&str; 3] = ["/srv/", "/var/lib/", "/var/log/"];

/// Where the shell begins, as pages show it.
const HERE: &str = "/home/you";

/// A page that has not come to its end by then never will: whatever it waits for, this is the end of it.
const PATIENCE: Duration = Duration::from_secs(300);

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) code: i32,
    /// Standard output and standard error, as they come.
    pub(crate) output: String,
}

pub(crate) struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { directory: tempfile::tempdir().unwrap() };
        for place in PLACES.into_iter().chain([HERE, "/bin"]) {
            fs::create_dir_all(desk.path(place)).unwrap();
        }
        // A person is asked on a terminal, and says yes. Here is none.
        let shim = desk.path("/bin/femtoclaw-upgrade");
        fs::write(&shim, format!("#!/bin/sh\nexec '{PROGRAM}' --yes \"$@\"\n")).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(runtime(), desk.path("/bin/femtoclaw-runtime")).unwrap();
        desk
    }

    /// What pages call `/`.
    pub(crate) fn root(&self) -> &str {
        self.directory.path().to_str().unwrap()
    }

    fn path(&self, of_page: &str) -> PathBuf {
        Path::new(&format!("{}{of_page}", self.root())).to_path_buf()
    }

    /// Puts a file where the shell begins.
    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.path(HERE).join(name), text).unwrap();
    }

    /// Runs the commands one after the other, up to the first that does not end as it promises.
    pub(crate) fn run(&self, typed: &[Typed]) -> Vec<Came> {
        let notes = self.path("/notes");
        fs::create_dir(&notes).unwrap();
        let mut script = String::new();
        for (number, command) in typed.iter().enumerate() {
            let note = |kind: &str| notes.join(format!("{number}.{kind}")).display().to_string();
            fs::write(note("sh"), self.placed(&command.text)).unwrap();
            // In this shell: variables, directories and jobs stay.
            script += &format!(
                ". {} > {} 2>&1\ncode=$?; echo $code > {}; [ $code = {} ] || exit 0\n",
                note("sh"),
                note("output"),
                note("code"),
                command.code
            );
        }
        self.shell(&script);
        let came = |number: usize| {
            let output = fs::read(notes.join(format!("{number}.output"))).ok()?;
            let code = fs::read_to_string(notes.join(format!("{number}.code")));
            let output = String::from_utf8_lossy(&output).into_owned();
            // A shell that gave up has left no code.
            Some(Came { code: code.map_or(-1, |code| code.trim().parse().unwrap()), output })
        };
        (0..typed.len()).map_while(came).collect()
    }

    /// What needs the repository is done here, by the function that it calls; other paths lead below the directory of the test.
    fn placed(&self, command: &str) -> String {
        let mut command = command.to_owned();
        for place in PLACES {
            for before in [" ", "=", "\"", "'"] {
                let ours = format!("{before}{}{place}", self.root());
                command = command.replace(&format!("{before}{place}"), &ours);
            }
        }
        if let Some(directory) = command.strip_prefix("cargo xtask sample ") {
            let sample = self.path("/sample");
            if !sample.exists() {
                write_sample_home(&sample, &SampleOptions::default()).unwrap();
            }
            command = format!("cp -R {} {directory}", sample.display());
        }
        command + "\n"
    }

    fn shell(&self, script: &str) {
        let bin = self.path("/bin");
        let mut command = Command::new("/bin/sh");
        alone(&mut command).args(["-c", script]).current_dir(self.path(HERE));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{}", bin.display(), path.display()));
        command.env("HOME", self.path(HERE)).env("LC_ALL", "C.UTF-8").env("USER", "you");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut shell = command.process_group(0).spawn().unwrap();
        let start = Instant::now();
        while shell.try_wait().unwrap().is_none() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        // What a page has started in the background, and has not ended.
        let group = rustix::process::Pid::from_child(&shell);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        shell.wait().unwrap();
    }
}

/// The example runtime, as an example of this package. `cargo test` builds it with everything else, but not where only tests of
/// some name are asked for.
fn runtime() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let tests = std::env::current_exe().unwrap();
        let profile = tests.ancestors().nth(2).unwrap();
        let path = profile.join("examples/femtoclaw-runtime");
        if !is_fresh(&path) {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--locked", "--package", env!("CARGO_PKG_NAME")]);
            cargo.args(["--example", "femtoclaw-runtime", "--target-dir"]);
            cargo.arg(profile.parent().unwrap());
            cargo.args(profile.ends_with("release").then_some("--release"));
            let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
            assert!(status.success(), "{cargo:?} ended with {status}");
        }
        path
    };
    BUILT.get_or_init(build).clone()
}

/// Whether nothing was changed of what it is made of, since it was made: cargo writes beside it what that is.
fn is_fresh(path: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Ok(made_of) = fs::read_to_string(path.with_extension("d")) else { return false };
    let sources = made_of.split_once(": ").map_or("", |(_, sources)| sources);
    let made = changed(path);
    made.is_some()
        && sources
            .split_whitespace()
            .all(|source| changed(Path::new(source)).is_some_and(|changed| Some(changed) <= made))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(commands: &[(&str, i32)]) -> (Desk, Vec<(i32, String)>) {
        let typed: Vec<Typed> = commands
            .iter()
            .map(|(text, code)| Typed {
                line: 1,
                text: (*text).to_owned(),
                code: *code,
                output: 0..0,
            })
            .collect();
        let desk = Desk::new();
        let came = desk.run(&typed).into_iter().map(|came| (came.code, came.output)).collect();
        (desk, came)
    }

    #[test]
    fn one_shell_runs_all_of_it_and_stops_where_it_should() {
        let (_, came) = run(&[
            ("name=x; cd /srv/ # a comment", 0),
            ("cat <<END\n$name\nEND\necho $PWD >&2; false # exit code 1", 1),
            ("sleep 600 &", 0),
            ("exit_code() { return 3; }; exit_code", 0),
            ("echo never", 0),
        ]);
        let codes: Vec<i32> = came.iter().map(|(code, _)| *code).collect();
        // The first that ends otherwise than it promises is the last; what runs in the background is ended.
        assert_eq!(codes, [0, 1, 0, 3]);
        assert!(came[1].1.starts_with("x\n/") && came[1].1.ends_with("/srv\n"), "{}", came[1].1);
    }

    #[test]
    fn a_shell_that_gives_up_is_noticed() {
        let (_, came) = run(&[("echo here", 0), ("exit 0", 0), ("echo never", 0)]);
        assert_eq!(came, [(0, "here\n".to_owned()), (-1, String::new())]);
        let (_, came) = run(&[("if", 0), ("echo never", 0)]);
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].0, -1);
    }

    #[test]
    fn a_sample_lies_where_it_was_asked_for() {
        let (desk, came) = run(&[
            ("cargo xtask sample ~/a", 0),
            ("cargo xtask sample /var/lib/b", 0),
            ("ls a", 0),
        ]);
        assert_eq!(came[2].1, "config\ndata\npolicy\ntalons\n");
        assert!(desk.path("/var/lib/b/config").is_dir());
    }
}
