//! How a runtime proves itself, and what becomes of one that does not.

use std::fs;
use std::os::unix::net::UnixDatagram;

use serde_json::Value;

use super::support::{Launcher, SERVE, Stage, error, kinds, wait_for};

/// What an operator can do while a runtime runs, and what not.
fn is_in_use(stage: &Stage) {
    let scene = &stage.scene;
    for refused in [
        &["apply", "--development", "--target-version", "2.1.0"][..],
        &["rollback", "--development"],
        &["launch"],
        &["launch", "--exec"],
        &["export"],
        &["verify"],
    ] {
        assert_eq!(scene.refused(refused, 9)["error"], "store-in-use", "{refused:?}");
    }
}

// trace: test FC-28.1.1
#[test]
fn a_runtime_that_a_command_finds_healthy_is_confirmed_while_it_runs() {
    let stage = Stage::on_trial(&format!("echo up > up\n{SERVE}"));
    let check = "[ -e up ] && echo $FEMTOCLAW_GENERATION > checked && [ -e healthy ]";
    let mut launcher = stage.launch(&["--health-command", check]);
    assert_eq!(stage.written("checked"), "3\n");
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)), "it is not yet");
    fs::write(stage.file("healthy"), "").unwrap();
    assert_eq!(launcher.event("healthy")["generation"], 3);
    assert_eq!(launcher.event("confirmed")["generation"], 3);
    assert_eq!(stage.current(), (3, "confirmed".to_owned(), None));
    is_in_use(&stage);
    let (code, events) = launcher.stop();
    let expected = ["version", "launched", "healthy", "confirmed", "stopping", "stopped"];
    assert_eq!((code, kinds(&events)), (0, expected.to_vec()));
    // Its store is closed and sealed: what comes next can build on it.
    assert_eq!(stage.events().last().unwrap(), "CLOSED");
    stage.scene.ok(&["apply", "--development", "--target-version", "2.1.0"]);
}

#[test]
fn a_runtime_that_creates_its_ready_file_is_confirmed_and_a_leftover_says_nothing() {
    let stage = Stage::on_trial(&format!(
        "[ -e ready ] && exit 1\nwhile [ ! -e go ]; do sleep 0.02; done\n: > ready\n{SERVE}"
    ));
    fs::write(stage.file("ready"), "of yesterday").unwrap();
    let mut launcher = stage.launch(&["--ready-file", "ready"]);
    launcher.event("launched");
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
    fs::write(stage.file("go"), "").unwrap();
    launcher.event("confirmed");
    assert_eq!(launcher.stop().0, 0);
    assert_eq!(stage.current(), (3, "confirmed".to_owned(), None));
}

#[test]
fn what_is_no_plain_file_is_no_ready_file_and_no_start_is_counted() {
    let stage = Stage::on_trial("echo started > started\n");
    fs::create_dir(stage.file("ready")).unwrap();
    let before = stage.events();
    let (code, events) = stage.run(&["--ready-file", "ready"]);
    assert_eq!((code, error(&events)), (1, ("not-launched", 1)));
    assert!(stage.file("ready").is_dir() && !stage.file("started").exists());
    assert_eq!(stage.events(), before);
}

#[test]
fn a_runtime_that_notifies_is_confirmed_and_what_it_says_is_passed_on() {
    let stage = Stage::on_trial(&format!("echo $NOTIFY_SOCKET > socket\n{SERVE}"));
    let manager = UnixDatagram::bind(stage.file("manager")).unwrap();
    let heard = || hear(&manager);
    let mut command = stage.command(&["--notify"], &[]);
    let mut launcher = Launcher::of({
        command.env("NOTIFY_SOCKET", stage.file("manager"));
        command
    });
    let socket = stage.written("socket");
    let socket = std::path::Path::new(socket.trim_end());
    assert_ne!(socket, stage.file("manager"));
    let runtime = UnixDatagram::unbound().unwrap();
    runtime.send_to(b"STATUS=warming up\nREADY=0", socket).unwrap();
    assert_eq!(heard(), "STATUS=warming up\nREADY=0");
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
    runtime.send_to(b"READY=1", socket).unwrap();
    launcher.event("confirmed");
    assert_eq!(heard(), "READY=1");
    assert_eq!(launcher.stop().0, 0);
    assert_eq!(heard(), "STOPPING=1");
    assert!(!socket.parent().unwrap().exists());
}

/// The next message that a manager of services hears.
fn hear(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 200];
    manager.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let length = manager.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn whoever_started_the_launcher_hears_from_it_that_all_is_well_however_that_was_found_out() {
    let stage =
        Stage::on_trial(&format!("echo ${{NOTIFY_SOCKET-none}} > socket\n: > ready\n{SERVE}"));
    let manager = UnixDatagram::bind(stage.file("manager")).unwrap();
    let mut command = stage.command(&["--ready-file", "ready"], &[]);
    command.env("NOTIFY_SOCKET", stage.file("manager"));
    let mut launcher = Launcher::of(command);
    launcher.event("confirmed");
    assert_eq!(stage.written("socket"), "none\n");
    assert_eq!(hear(&manager), "READY=1");
    assert_eq!(launcher.stop().0, 0);
}

#[test]
fn a_runtime_is_confirmed_once_nobody_else_holds_the_home() {
    let stage =
        Stage::on_trial(&format!("while [ ! -e go ]; do sleep 0.02; done\n: > ready\n{SERVE}"));
    let mut launcher = stage.launch(&["--ready-file", "ready"]);
    launcher.event("launched");
    let held = fs::File::open(stage.scene.home()).unwrap();
    held.lock().unwrap();
    fs::write(stage.file("go"), "").unwrap();
    wait_for("it is not ready", || stage.file("ready").exists().then_some(()));
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
    drop(held);
    launcher.event("confirmed");
    assert_eq!(launcher.stop().0, 0);
}

#[test]
fn all_that_is_asked_for_has_to_say_so() {
    let stage = Stage::on_trial(&format!(": > ready\n{SERVE}"));
    let options = ["--ready-file", "ready", "--health-command", ": > asked; [ -e healthy ]"];
    let mut launcher = stage.launch(&options);
    wait_for("nobody asks", || {
        (stage.file("asked").exists() && stage.file("ready").exists()).then_some(())
    });
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
    fs::write(stage.file("healthy"), "").unwrap();
    launcher.event("confirmed");
    assert_eq!(launcher.stop().0, 0);
}

// trace: test FC-15.4
#[test]
fn a_runtime_that_is_not_healthy_in_time_is_left_at_once_for_the_one_before() {
    let stage = Stage::on_trial(&format!(
        "echo $FEMTOCLAW_GENERATION >> started\n[ $FEMTOCLAW_GENERATION = 2 ] && : > ready\n{SERVE}"
    ));
    let mut launcher = stage.launch(&["--ready-file", "ready", "--health-timeout", "2"]);
    let reverted = launcher.event("reverted");
    let reason = reverted["reason"].as_str().unwrap();
    assert!(reason.contains("the ready file did not appear within 2 s"), "{reason}");
    assert_eq!(launcher.event("healthy")["generation"], 2);
    let (code, events) = launcher.stop();
    assert_eq!(code, 0);
    let expected = "version launched stopping reverted launched healthy stopping stopped";
    assert_eq!(kinds(&events).join(" "), expected);
    assert_eq!(stage.written("started"), "3\n2\n", "one start is enough to know");
    let history = stage.scene.lines(&["history"]);
    let left = history.iter().find(|line| line["event"]["type"] == "REVERTED").unwrap();
    assert_eq!(left["event"]["reason"], "the ready file did not appear within 2 s");
    // It stays left: what would be taken unasked is not taken again.
    stage.scene.ok(&["apply", "--development", "--target-version", "2.1.0"]);
    stage.scene.ok(&["rollback", "--development", "--reason", "too slow"]);
    let plan = stage.scene.ok(&["plan", "--check"]);
    assert_eq!(
        (&plan["nothing_to_do"], &plan["pinned"]["version"]),
        (&true.into(), &"2.1.0".into())
    );
    assert_eq!(plan["pinned"]["reason"], "too slow");
    assert_eq!(stage.scene.ok(&["apply", "--development"])["type"], "nothing-to-do");
    let output = stage.scene.run(&["plan"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("--target-version 2.1.0"), "{text}");
}

#[test]
fn if_neither_is_healthy_a_person_decides() {
    let stage = Stage::on_trial(SERVE);
    let options = ["--health-command", "false", "--health-timeout", "0.2"];
    let (code, events) = stage.run(&options);
    assert_eq!((code, error(&events)), (8, ("both-failed", 8)));
    assert_eq!(stage.current(), (2, "confirmed".to_owned(), None));
    let (code, events) = stage.run(&options);
    assert_eq!((code, error(&events)), (8, ("both-failed", 8)));
    assert_eq!(stage.current(), (2, "confirmed".to_owned(), None));
}

#[test]
fn a_confirmed_runtime_that_is_not_healthy_is_stopped_and_the_home_stays() {
    let stage = Stage::on_trial(SERVE);
    stage.scene.ok(&["confirm"]);
    let (code, events) = stage.run(&["--health-command", "false", "--health-timeout", "0.2"]);
    assert_eq!((code, error(&events)), (1, ("runtime-unhealthy", 1)));
    assert_eq!(stage.current(), (3, "confirmed".to_owned(), None));
}

#[test]
fn a_health_command_that_hangs_is_ended_with_all_that_it_has_started() {
    let stage = Stage::on_trial(&format!("echo up > up\n{SERVE}"));
    let options = ["--health-timeout", "1", "--no-restart"];
    let hang = "sleep 86399 & echo $! > hanging; wait";
    let (code, events) = stage.run(&[&options[..], &["--health-command", hang]].concat());
    assert_eq!((code, error(&events)), (7, ("trial-failed", 7)));
    let hanging = stage.written("hanging");
    wait_for("it hangs on", || {
        let status = fs::read_to_string(format!("/proc/{}/stat", hanging.trim()));
        // What nobody waits for is a zombie at most.
        status.map_or(true, |status| status.contains(" Z ")).then_some(())
    });
}

#[test]
fn without_a_health_option_an_operator_confirms() {
    let stage = Stage::on_trial(&format!("echo up > up\n{SERVE}"));
    let mut launcher = stage.launch(&[]);
    launcher.event("launched");
    stage.written("up");
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(2)));
    assert_eq!(stage.scene.ok(&["confirm"])["type"], "confirmed");
    let (code, events) = launcher.stop();
    assert_eq!((code, kinds(&events)), (0, vec!["version", "launched", "stopping", "stopped"]));
    assert_eq!(stage.current(), (3, "confirmed".to_owned(), None));
    assert_eq!(events.last().unwrap()["code"], Value::from(0));
}
