//! The real command, killed at moments spread over the whole of `apply` and of `rollback`.

use sim::{KillReport, KillSweep, Killed, sweep};

use crate::support::{PROGRAM, Scene};

/// Together at least 200, as the project promises.
const KILLS_OF_APPLY: u32 = 140;
const KILLS_OF_ROLLBACK: u32 = 70;

/// One after each millisecond from the start.
const KILLS_OF_ADOPT: u32 = 40;

fn run(scene: &Scene, killed: Killed, kills: u32) -> KillReport {
    let scratch = scene.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let plan = KillSweep {
        program: PROGRAM.into(),
        template: scene.home(),
        scratch,
        killed,
        kills,
        seed: 20_261_123,
    };
    let report = sweep(&plan).unwrap();
    println!("{killed:?}: {report:?}");
    assert_eq!(report.findings, [], "a home was left in between");
    assert_eq!(report.killed + report.ended, kills);
    assert_eq!(report.old + report.new, kills);
    // A sweep that kills nothing in the middle shows nothing.
    assert!(report.killed >= kills / 2, "only {} of {kills} were killed", report.killed);
    report
}

// trace: test FC-7.1
#[test]
fn no_kill_of_apply_leaves_a_home_in_between() {
    let report = run(&Scene::adopted(), Killed::Apply, KILLS_OF_APPLY);
    let interrupted: u32 =
        report.phases.iter().filter(|(phase, _)| *phase != "idle").map(|(_, kills)| kills).sum();
    assert!(
        interrupted >= 10,
        "only {interrupted} kills came between the first record and the last"
    );
}

// trace: test FC-15.3
#[test]
fn no_kill_of_rollback_leaves_a_home_in_between() {
    run(&Scene::upgraded(), Killed::Rollback, KILLS_OF_ROLLBACK);
}

#[test]
fn an_adoption_that_is_killed_can_be_made_again() {
    let scene = Scene::new();
    let source = scene.source();
    let arguments = ["adopt", "--from", source.to_str().unwrap()];
    let before = crate::support::files(&source);
    let undisturbed = Scene::new();
    undisturbed.ok(&["adopt", "--from", source.to_str().unwrap()]);
    let expected = undisturbed.verified_current_content();
    let mut adopted = 0;
    for kill in 0..KILLS_OF_ADOPT {
        let mut child =
            scene.command(&arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(u64::from(kill)));
        child.kill().unwrap();
        child.wait().unwrap();
        if scene.home().join("journal").exists() && !scene.ok(&["status"])["current"].is_null() {
            adopted += 1;
        } else {
            scene.ok(&arguments);
        }
        assert_eq!(scene.verified_current_content(), expected, "kill {kill}");
        std::fs::remove_dir_all(scene.home()).unwrap();
    }
    assert!(adopted < KILLS_OF_ADOPT, "no kill came before the end");
    assert_eq!(crate::support::files(&source), before, "the adopted directory was modified");
}
