//! Signals, kills, and who is left.

use super::support::{SERVE, Stage, error, kinds, send, wait_for};

#[test]
fn signals_reach_the_runtime() {
    let stage = Stage::on_trial(
        "for signal in HUP QUIT USR1 USR2; do trap \"echo $signal >> heard\" $signal; done\ntrap 'echo \
         TERM >> heard; exit 0' TERM\necho up > up\nwhile :; do sleep 0.02; done\n",
    );
    let mut launcher = stage.launch(&[]);
    launcher.event("launched");
    stage.written("up");
    let mut expected = String::new();
    for signal in ["HUP", "QUIT", "USR1", "USR2"] {
        launcher.signal(signal);
        expected += &format!("{signal}\n");
        wait_for("a signal does not arrive", || (stage.written("heard") == expected).then_some(()));
    }
    assert_eq!(launcher.stop().0, 0);
    assert_eq!(stage.written("heard"), expected + "TERM\n");
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(3)));
}

#[test]
fn a_runtime_that_is_asked_to_stop_gets_its_try_back_whatever_signal_asks() {
    for (signal, behaviour) in [
        ("TERM", "echo up > up\nwhile :; do sleep 0.02; done\n"),
        ("INT", "trap 'exit 130' INT\necho up > up\nwhile :; do sleep 0.02; done\n"),
    ] {
        let stage = Stage::on_trial(behaviour);
        let mut launcher = stage.launch(&[]);
        launcher.event("launched");
        stage.written("up");
        launcher.signal(signal);
        let (code, events) = launcher.end();
        assert_eq!((code, events.last().unwrap()["type"].as_str()), (0, Some("stopped")));
        assert_eq!(stage.current(), (3, "trial".to_owned(), Some(3)), "{signal}");
    }
}

#[test]
fn a_runtime_that_does_not_stop_in_time_is_killed_and_its_try_spent() {
    let stage = Stage::on_trial("trap '' TERM\necho up > up\nwhile :; do sleep 0.02; done\n");
    let mut launcher = stage.launch(&["--stop-timeout", "0.3"]);
    let pid = launcher.event("launched")["pid"].clone();
    stage.written("up");
    let (code, events) = launcher.stop();
    assert_eq!((code, error(&events)), (1, ("runtime-killed", 1)));
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

/// Whoever wants an end gets it, also of a trial that fails at that moment: nothing else is started.
#[test]
fn nothing_is_started_behind_a_runtime_that_somebody_wanted_to_end() {
    // It is asked to stop by the launcher, and ends when a person asks, too.
    let patient = "trap 'echo asked >> asked; [ $(wc -l < asked) -ge 2 ] && exit 0' TERM\n\
                   while :; do sleep 0.02; done\n";
    let stage = Stage::on_trial(patient);
    let arguments = ["--ready-file", "never", "--health-timeout", "0.3", "--stop-timeout", "60"];
    let mut launcher = stage.launch(&arguments);
    launcher.event("stopping");
    stage.written("asked");
    let (code, events) = launcher.stop();
    assert_eq!((code, error(&events)), (7, ("trial-failed", 7)));
    let expected = ["version", "launched", "stopping", "reverted", "error"];
    assert_eq!(kinds(&events), expected);
    // One that crashes when it is asked to stop has spent its start, and gets no other.
    let stage =
        Stage::on_trial("trap 'kill -SEGV $$' TERM\necho up > up\nwhile :; do sleep 0.02; done\n");
    let launcher = stage.launch(&[]);
    stage.written("up");
    let (code, events) = launcher.stop();
    assert_eq!((code, error(&events).0), (1, "runtime-failed"));
    assert_eq!(kinds(&events), ["version", "launched", "stopping", "error"]);
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
}

#[test]
fn a_runtime_that_outlives_its_launcher_keeps_its_generation_in_use() {
    let stage = Stage::on_trial(&format!("echo up > up\n{SERVE}"));
    let mut launcher = stage.launch(&[]);
    let pid = launcher.event("launched")["pid"].clone();
    stage.written("up");
    launcher.kill();
    let before = stage.events();
    for refused in [
        &["rollback", "--development"][..],
        &["verify"],
        &["export"],
        &["launch"],
        &["launch", "--exec"],
    ] {
        assert_eq!(stage.scene.refused(refused, 9)["error"], "store-in-use", "{refused:?}");
    }
    assert_eq!(stage.events(), before);
    // What needs nobody's store goes on.
    stage.scene.ok(&["confirm"]);
    let apply = ["apply", "--development", "--target-version", "2.1.0"];
    assert_eq!(stage.scene.refused(&apply, 9)["error"], "store-in-use");
    send("TERM", &pid);
    wait_for("the runtime runs on", || {
        (stage.scene.run(&["verify", "--json", "--yes"]).status.code() == Some(0)).then_some(())
    });
    stage.scene.ok(&apply);
}

#[test]
fn the_try_of_a_launch_that_is_killed_is_spent() {
    let stage = Stage::on_trial(&format!("echo $FEMTOCLAW_GENERATION $$ >> up\n{SERVE}"));
    for started in 1..=3 {
        let mut launcher = stage.launch(&[]);
        let pid = launcher.event("launched")["pid"].clone();
        wait_for("it does not run", || {
            (stage.written("up").lines().count() == started).then_some(())
        });
        launcher.kill();
        send("KILL", &pid);
        wait_for("the runtime runs on", || {
            (stage.scene.run(&["verify", "--json", "--yes"]).status.code() == Some(0)).then_some(())
        });
    }
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(0)));
    let mut launcher = stage.launch(&[]);
    assert_eq!(launcher.event("launched")["generation"], 2);
    wait_for("generation 2 does not run", || {
        (stage.written("up").lines().count() == 4).then_some(())
    });
    let (code, events) = launcher.stop();
    let expected = ["version", "reverted", "launched", "stopping", "stopped"];
    assert_eq!((code, kinds(&events)), (0, expected.to_vec()));
}

#[test]
fn what_a_runtime_has_left_running_is_waited_for_and_then_told() {
    // A process that has inherited its place, and may write to its store.
    let stage = Stage::on_trial("sleep 86398 > /dev/null 2>&1 &\necho $! > left\n");
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (9, ("store-in-use", 9)));
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)), "nobody knows that it stopped");
    send("KILL", stage.written("left").trim());
    let stage = Stage::on_trial("sleep 0.3 > /dev/null 2>&1 &\n");
    assert_eq!(stage.run(&[]).0, 0);
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(3)));
}
