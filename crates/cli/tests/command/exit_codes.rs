//! Every exit code that the README has, reached by the real command.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use crate::interrupt::{UnderWay, adopted};
use crate::support::{PROGRAM, Scene};

/// What only a runtime that is launched leads to: `launch.rs`.
const BY_LAUNCH: [i32; 1] = [4];

/// An exit code, and how it comes to be.
struct Case {
    code: i32,
    about: &'static str,
    reach: fn() -> Option<i32>,
}

const CASES: [Case; 15] = [
    Case { code: 0, about: "it is done", reach: || code(&Scene::adopted(), &["status"]) },
    Case {
        code: 0,
        about: "there is nothing to do",
        reach: || code(&Scene::adopted(), &["confirm"]),
    },
    Case {
        code: 1,
        about: "there is nothing to go back to",
        reach: || code(&Scene::adopted(), &["rollback", "--development"]),
    },
    Case {
        code: 2,
        about: "changes are pending",
        reach: || code(&Scene::adopted(), &["plan", "--check"]),
    },
    Case {
        code: 3,
        about: "1.0.0 is no upgrade of 1.0.3",
        reach: || code(&Scene::adopted(), &["apply", "--development", "--target-version", "1.0.0"]),
    },
    Case {
        code: 5,
        about: "nobody has authorised it",
        reach: || code(&Scene::adopted(), &["apply"]),
    },
    Case {
        code: 5,
        about: "a call is not allowed",
        reach: || {
            let call = ["capability", "check", "--principal", "alice", "--resource", "no.such"];
            code(&Scene::adopted(), &call)
        },
    },
    Case { code: 6, about: "a file is not what was sealed", reach: altered },
    Case { code: 7, about: "no file may be as large as a store needs", reach: undone },
    Case { code: 8, about: "the journal is lost", reach: lost },
    Case { code: 9, about: "somebody else holds the home", reach: locked },
    Case {
        code: 64,
        about: "there is no such command",
        reach: || code(&Scene::adopted(), &["rolback"]),
    },
    Case {
        code: 64,
        about: "nobody was there to say yes",
        reach: || Scene::upgraded().run(&["confirm"]).status.code(),
    },
    Case { code: 130, about: "SIGINT", reach: || cancelled("INT") },
    Case { code: 143, about: "SIGTERM", reach: || cancelled("TERM") },
];

fn code(scene: &Scene, arguments: &[&str]) -> Option<i32> {
    scene.run(&[arguments, &["--yes"]].concat()).status.code()
}

fn altered() -> Option<i32> {
    let scene = Scene::adopted();
    let (file, _) =
        crate::support::files(&scene.home().join("generations/1/config")).pop().unwrap();
    fs::write(file, "{}").unwrap();
    code(&scene, &["verify"])
}

/// The signal that comes with a file that grows too large is ignored, so that writing fails.
fn undone() -> Option<i32> {
    let scene = Scene::adopted();
    let status = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 100; exec \"$0\" apply --development --yes --home \"$1\"",
        ])
        .arg(PROGRAM)
        .arg(scene.home())
        .stderr(Stdio::null())
        .status();
    assert_eq!(scene.ok(&["status"])["version"], "1.0.3");
    assert_eq!(scene.ok(&["verify"])["ok"], true);
    status.unwrap().code()
}

fn lost() -> Option<i32> {
    let scene = Scene::upgraded();
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    code(&scene, &["status"])
}

fn locked() -> Option<i32> {
    let scene = Scene::adopted();
    let held = fs::File::open(scene.home()).unwrap();
    held.lock().unwrap();
    code(&scene, &["apply", "--development"])
}

fn cancelled(signal: &str) -> Option<i32> {
    let scene = adopted();
    let upgrade = UnderWay::begin(&scene);
    upgrade.signal(signal);
    upgrade.end().0.code()
}

/// The exit codes of the README's table.
fn documented() -> BTreeSet<i32> {
    let readme =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let table = readme.split("### Exit codes").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    let cells = table.split('|').flat_map(|cell| cell.split(',')).map(str::trim);
    cells.filter_map(|cell| cell.parse().ok()).collect()
}

#[test]
fn every_exit_code_of_the_readme_is_reached_and_no_other() {
    let listed: BTreeSet<i32> = CASES.iter().map(|case| case.code).chain(BY_LAUNCH).collect();
    assert_eq!(listed, documented());
    // Each in a home of its own, so that they do not wait for each other's disk.
    let reached: Vec<Option<i32>> = std::thread::scope(|scope| {
        let cases = CASES.map(|case| scope.spawn(case.reach));
        cases.into_iter().map(|case| case.join().unwrap()).collect()
    });
    for (Case { code, about, .. }, reached) in CASES.iter().zip(reached) {
        assert_eq!(reached, Some(*code), "{about}");
    }
}
