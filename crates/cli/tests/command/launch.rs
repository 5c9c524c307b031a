//! `launch`, with real runtimes: what they are given, how they prove themselves, and what becomes of those that do not.

mod health;
mod signals;
mod support;

use std::fs;

use support::{Launcher, SERVE, Stage, error, kinds, rot};

// trace: test FC-28.1.1
#[test]
fn a_runtime_is_given_its_generation_by_environment_and_arguments() {
    let stage = Stage::on_trial(
        "env | grep ^FEMTOCLAW_ | sort > environment\nfor argument; do echo \"$argument\"; done > \
         arguments\n",
    );
    let arguments = ["{store}", "--of={home}/{generation}", "{version}", "{unknown} {", "{policy}"];
    let mut launcher = Launcher::of(stage.command(&[], &arguments));
    let launched = launcher.event("launched");
    assert_eq!((&launched["generation"], &launched["version"]), (&3.into(), &"2.0.0".into()));
    assert_eq!((&launched["tries"], &launched["tries_left"]), (&3.into(), &2.into()));
    let (code, events) = launcher.end();
    assert_eq!((code, kinds(&events)), (0, vec!["version", "launched", "stopped"]));
    let home = stage.scene.home();
    let part = |name: &str| home.join("generations/3").join(name).display().to_string();
    let home = home.display().to_string();
    let (store, policy) = (part("store"), part("policy"));
    let expected = [store.as_str(), &format!("--of={home}/3"), "2.0.0", "{unknown} {", &policy];
    assert_eq!(stage.written("arguments").lines().collect::<Vec<_>>(), expected);
    let expected = [
        ("CONFIGURATION", part("config")),
        ("EXTENSIONS", part("extensions")),
        ("GENERATION", "3".to_owned()),
        ("HOME", home),
        ("POLICY", policy.clone()),
        ("STORE", store.clone()),
        ("VERSION", "2.0.0".to_owned()),
    ];
    let expected = expected.map(|(name, value)| format!("FEMTOCLAW_{name}={value}"));
    assert_eq!(stage.written("environment").lines().collect::<Vec<_>>(), expected);
    // It ended by itself, with nothing to complain of: that was no try.
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(3)));
    assert_eq!(stage.events().iter().rev().take(2).collect::<Vec<_>>(), ["CLOSED", "STOPPED"]);
}

#[test]
fn with_json_standard_output_is_the_launchers_and_without_it_the_runtimes() {
    let stage = Stage::on_trial("echo hello\necho complaint >&2\n");
    let (code, events, said) = stage.launch(&[]).end_with_error();
    assert_eq!((code, kinds(&events)), (0, vec!["version", "launched", "stopped"]));
    assert!(said.contains("hello\n") && said.contains("complaint\n"), "{said}");
    let mut command = stage.scene.command(&[]);
    command.args(["launch", "--"]).arg(stage.file("behaviour"));
    let output = command.current_dir(stage.scene.path()).env("PATH", "/usr/bin:/bin").output();
    let output = output.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "hello\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("generation 3 (2.0.0) runs with pid"), "{said}");
    assert!(said.contains("generation 3 has stopped: it exited with code 0"), "{said}");
}

// trace: test FC-28.1.1
#[test]
fn a_runtime_that_crashes_is_started_until_no_try_is_left_and_then_the_one_before_is() {
    let stage = Stage::on_trial(&format!(
        "echo $FEMTOCLAW_GENERATION >> started\ncase $FEMTOCLAW_GENERATION in 3) exit 3;; esac\n{SERVE}"
    ));
    let mut launcher = stage.launch(&[]);
    let reverted = launcher.event("reverted");
    assert_eq!((&reverted["from"], &reverted["to"]), (&3.into(), &2.into()));
    let launched = launcher.event("launched");
    assert_eq!((&launched["generation"], &launched["returned_from"]), (&2.into(), &3.into()));
    assert_eq!(launched["tries"], serde_json::Value::Null);
    // The older runtime traps signals once it has said that it runs.
    support::wait_for("generation 2 does not run", || {
        stage.written("started").ends_with("2\n").then_some(())
    });
    let (code, events) = launcher.stop();
    assert_eq!(code, 0);
    let expected = "version launched restarting launched restarting launched reverted launched \
                    stopping stopped";
    assert_eq!(kinds(&events).join(" "), expected);
    assert_eq!(stage.written("started"), "3\n3\n3\n2\n");
    assert_eq!(stage.current(), (2, "confirmed".to_owned(), None));
    let status = stage.scene.ok(&["status"]);
    assert_eq!(status["generations"][0]["standing"], "bad");
}

#[test]
fn a_crash_and_an_end_without_tries_end_the_command_where_nothing_is_to_be_restarted() {
    let stage = Stage::on_trial("kill -KILL $$\n");
    for left in [2, 1] {
        let (code, events) = stage.run(&["--no-restart"]);
        assert_eq!((code, error(&events)), (1, ("runtime-failed", 1)));
        assert_eq!(stage.current(), (3, "trial".to_owned(), Some(left)));
    }
    let (code, events) = stage.run(&["--no-restart"]);
    assert_eq!((code, error(&events)), (7, ("trial-failed", 7)));
    let next = events.last().unwrap()["next"].as_str().unwrap();
    assert!(next.starts_with("Start runtime 2.0.0-rc.1"), "{next}");
    assert_eq!(stage.current(), (2, "confirmed".to_owned(), None));
}

#[test]
fn back_at_what_was_adopted_the_installation_is_what_is_to_be_started() {
    let stage = Stage::first("exit 1\n");
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (7, ("trial-failed", 7)));
    let next = events.last().unwrap()["next"].as_str().unwrap();
    assert!(next.starts_with("Start the installation of 1.0.3"), "{next}");
    assert_eq!(stage.current(), (1, "confirmed".to_owned(), None));
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (3, ("incompatible", 3)));
}

#[test]
fn if_the_one_before_fails_as_well_nothing_alternates() {
    let stage = Stage::on_trial("echo $FEMTOCLAW_GENERATION >> started\nexit 5\n");
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (8, ("both-failed", 8)));
    assert_eq!(stage.written("started"), "3\n3\n3\n2\n");
    let before = stage.events();
    // Whoever launches again is told the same, however often.
    for _ in 0..2 {
        let (code, events) = stage.run(&[]);
        assert_eq!((code, error(&events)), (8, ("both-failed", 8)));
    }
    assert_eq!(stage.events(), before);
    assert_eq!(stage.current(), (2, "confirmed".to_owned(), None));
}

#[test]
fn where_there_is_no_way_back_nothing_is_started() {
    let stage = Stage::on_trial("echo started >> started\nexit 1\n");
    rot(&stage.scene.home().join("generations/2/config/femtoclaw.toml"));
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (8, ("halted", 8)));
    for options in [&[][..], &["--exec"]] {
        let before = stage.events();
        let (code, events) = stage.run(options);
        assert_eq!((code, error(&events)), (8, ("halted", 8)));
        assert_eq!(stage.events(), before);
    }
    assert_eq!(stage.written("started").lines().count(), 3);
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(0)));
}

#[test]
fn a_confirmed_runtime_that_fails_leaves_the_home_as_it_is() {
    let stage = Stage::on_trial("exit 9\n");
    stage.scene.ok(&["confirm"]);
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (1, ("runtime-failed", 1)));
    let message = events.last().unwrap()["message"].as_str().unwrap();
    assert_eq!(message, "the runtime of generation 3 exited with code 9");
    assert_eq!(stage.current(), (3, "confirmed".to_owned(), None));
}

#[test]
fn a_runtime_that_asks_for_it_is_started_again_and_not_for_ever() {
    let stage =
        Stage::on_trial("echo up >> started\n[ $(wc -l < started) -ge 3 ] && exit 0\nexit 4\n");
    let (code, events) = stage.run(&["--no-restart"]);
    assert_eq!((code, kinds(&events)), (4, vec!["version", "launched", "restart-needed"]));
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(3)), "it stopped in good order");
    let (code, events) = stage.run(&[]);
    let expected = ["version", "launched", "restarting", "launched", "stopped"];
    assert_eq!((code, kinds(&events)), (0, expected.to_vec()));
    stage.behave("exit 4\n");
    let (code, events) = stage.run(&[]);
    assert_eq!((code, error(&events)), (1, ("runtime-failed", 1)));
    assert_eq!(kinds(&events).iter().filter(|kind| **kind == "launched").count(), 6);
}

// trace: test FC-20.3 FC-28.2
#[test]
fn what_is_not_as_it_was_sealed_is_not_executed() {
    let stage = Stage::on_trial("echo started >> started\n");
    let binary = stage.scene.home().join("generations/3/runtime/runtime");
    let intact = fs::read(&binary).unwrap();
    rot(&binary);
    for options in [&[][..], &["--exec"]] {
        let (code, events) = stage.run(options);
        assert_eq!((code, error(&events)), (6, ("integrity-violated", 6)));
    }
    assert!(!stage.file("started").exists());
    fs::write(&binary, intact).unwrap();
    assert_eq!(stage.current(), (3, "trial".to_owned(), Some(3)));
    assert_eq!(stage.run(&[]).0, 0);
}

#[test]
fn without_a_runtime_there_is_nothing_to_launch() {
    let scene = crate::support::Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
    let refused = scene.refused(&["launch"], 1);
    assert_eq!(refused["error"], "no-runtime");
    let wrong = scene.run(&["launch", "--exec", "--notify", "--json"]);
    assert_eq!(wrong.status.code(), Some(64), "who becomes the runtime cannot watch it");
}

#[test]
fn what_cannot_be_executed_spends_its_starts_and_is_left() {
    let stage = Stage::on_trial(SERVE);
    stage.scene.ok(&["confirm"]);
    let garbage = stage.file("garbage");
    fs::write(&garbage, "#!/nowhere/interpreter\n").unwrap();
    let apply = ["apply", "--development", "--target-version", "2.1.0", "--runtime"];
    stage.scene.ok(&[&apply[..], &[garbage.to_str().unwrap()]].concat());
    let (code, events) = stage.run(&["--exec"]);
    assert_eq!((code, error(&events)), (1, ("runtime-not-started", 1)));
    assert_eq!(stage.current(), (4, "trial".to_owned(), Some(3)));
    let mut launcher = stage.launch(&[]);
    let launched = launcher.event("launched");
    assert_eq!((&launched["generation"], &launched["returned_from"]), (&3.into(), &4.into()));
    let (code, events) = launcher.stop();
    let expected = "version restarting restarting reverted launched stopping stopped";
    assert_eq!((code, kinds(&events).join(" ").as_str()), (0, expected));
    let why = events[1]["reason"].as_str().unwrap();
    assert!(why.starts_with("could not be started: "), "{why}");
}

// trace: test FC-28.1.1
#[test]
fn the_command_can_become_a_runtime_that_counts_its_starts_itself() {
    let stage = Stage::on_trial("echo \"$$ $FEMTOCLAW_GENERATION $1\" >> became\nexit 6\n");
    let before = stage.events();
    let launcher = Launcher::of(stage.command(&["--exec"], &["{version}"]));
    let pid = launcher.pid();
    let (code, events) = launcher.end();
    assert_eq!((code, kinds(&events)), (6, vec!["version", "executing"]));
    assert_eq!(stage.written("became"), format!("{pid} 3 2.0.0\n"));
    assert_eq!(stage.events(), before, "nothing is counted");
    // Without tries it becomes the one before.
    fs::remove_file(stage.file("became")).unwrap();
    (0..2).for_each(|_| assert_eq!(stage.run(&["--no-restart"]).0, 1));
    stage.behave(&format!("echo up > up\n{SERVE}"));
    let mut launcher = stage.launch(&[]);
    let runtime = launcher.event("launched")["pid"].clone();
    stage.written("up");
    launcher.kill();
    support::send("KILL", &runtime);
    support::wait_for("the last runtime runs on", || {
        (stage.scene.run(&["verify", "--json", "--yes"]).status.code() == Some(0)).then_some(())
    });
    let _ = fs::remove_file(stage.file("became"));
    stage.behave("echo \"$$ $FEMTOCLAW_GENERATION $1\" >> became\nexit 6\n");
    let launcher = Launcher::of(stage.command(&["--exec"], &["{version}"]));
    let pid = launcher.pid();
    let (code, events) = launcher.end();
    assert_eq!((code, kinds(&events)), (6, vec!["version", "reverted", "executing"]));
    assert_eq!(stage.written("became"), format!("{pid} 2 2.0.0-rc.1\n"));
}
