//! The real command, killed at moments spread over the whole of `apply` and of `rollback`.

use sim::{KillReport, KillSweep, Killed, sweep};

use crate::support::{PROGRAM, Scene};

/// Together at least 200, as the project promises.
const KILLS_OF_APPLY: u32 = 140;
const KILLS_OF_ROLLBACK: u32 = 70;

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

#[test]
fn no_kill_of_rollback_leaves_a_home_in_between() {
    run(&Scene::upgraded(), Killed::Rollback, KILLS_OF_ROLLBACK);
}
