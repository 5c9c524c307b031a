//! Every refusal: its exit code, its name, and that the home is as it was.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Scene, alone, files};

// trace: test FC-21.1 FC-21.2 FC-21.3
#[test]
fn without_authority_nothing_that_needs_it_proceeds() {
    let scene = Scene::upgraded();
    let before = files_but_journal(&scene);
    for (arguments, operation) in [(&["rollback"] as &[&str], "rollback"), (&["apply"], "upgrade")]
    {
        let error = scene.refused(arguments, 5);
        assert_eq!(error["error"], "unauthorized");
        let refused = last_record(&scene);
        assert_eq!(refused["type"], "REFUSED", "{refused}");
        assert_eq!(
            (&refused["operation"], &refused["error"]),
            (&operation.into(), &"unauthorized".into())
        );
    }
    assert_eq!(files_but_journal(&scene), before);
    // What ends what was authorised before needs nobody's authority; to decide which generation is current does, and where
    // there is no journal nothing can go on record.
    scene.ok(&["recover"]);
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    let before = files_but_journal(&scene);
    assert_eq!(scene.refused(&["recover", "--generation", "1"], 5)["error"], "unauthorized");
    assert_eq!(files_but_journal(&scene), before);
    assert!(!scene.home().join("journal").exists());
}

/// Everything but what a refusal is recorded in.
fn files_but_journal(scene: &Scene) -> Vec<(PathBuf, Vec<u8>)> {
    let (journal, lock) = (scene.home().join("journal"), scene.home().join("lock"));
    let all = files(&scene.home()).into_iter();
    all.filter(|(path, _)| !path.starts_with(&journal) && *path != lock).collect()
}

fn last_record(scene: &Scene) -> Value {
    let lines = scene.lines(&["history"]);
    lines.iter().rev().find(|line| line["type"] == "record").unwrap()["event"].clone()
}

#[test]
fn without_a_terminal_and_without_yes_nothing_proceeds() {
    let scene = Scene::upgraded();
    let before = files(&scene.home());
    for arguments in
        [&["rollback", "--development"] as &[&str], &["recover", "--development"], &["confirm"]]
    {
        let output = scene.run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--yes"), "{arguments:?}");
    }
    assert_eq!(files(&scene.home()), before);
    let scene = Scene::adopted();
    assert_eq!(scene.run(&["apply", "--development"]).status.code(), Some(64));
    assert_eq!(scene.ok(&["status"])["version"], "1.0.3");
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let scene = Scene::adopted();
    for arguments in [
        &["frobnicate"] as &[&str],
        &["apply", "--target-version", "banana"],
        &["recover", "--generation", "0"],
        &["apply", "--plan", "md5:00"],
        &["status", "--lock-timeout", "soon"],
        &["verify", "--threads", "0"],
        &["verify", "--threads", "65"],
        &["adopt"],
        &[],
    ] {
        assert_eq!(scene.run(arguments).status.code(), Some(64), "{arguments:?}");
    }
    let mut command = std::process::Command::new(crate::support::PROGRAM);
    let output = alone(&mut command).arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(64), "no home was named");
    assert_eq!(scene.run(&["--help"]).status.code(), Some(0));
}

#[test]
fn a_home_that_is_not_there_is_named() {
    let scene = Scene::without_installation();
    for arguments in [
        &["status"] as &[&str],
        &["plan"],
        &["verify"],
        &["verify", "--quick"],
        &["history"],
        &["audit", "show"],
        &["audit", "verify"],
        &["audit", "head"],
        &["audit", "export"],
        &["export"],
        &["apply", "--development"],
        &["rollback", "--development"],
        &["recover", "--development"],
        &["recover", "--development", "--generation", "1"],
        &["confirm"],
    ] {
        assert_eq!(scene.refused(arguments, 1)["error"], "not-a-home", "{arguments:?}");
    }
    assert!(!scene.home().exists());
}

// trace: test FC-13.2.1 FC-13.3
#[test]
fn incompatible_targets_are_refused_with_every_reason() {
    let scene = Scene::adopted();
    let apply = |version| ["apply", "--development", "--target-version", version];
    for (version, reason) in
        [("9.9.9", "9.9.9 is not known"), ("1.0.0", "would go back from 1.0.3 to 1.0.0")]
    {
        let error = scene.refused(&apply(version), 3);
        assert_eq!(error["error"], "incompatible");
        assert!(error["message"].as_str().unwrap().contains(reason), "{error}");
    }
    let error = scene.refused(&["plan", "--target-version", "1.0.0"], 3);
    assert!(error["message"].as_str().unwrap().matches("\n  - ").count() >= 2, "{error}");
}

#[test]
fn a_generation_on_trial_is_confirmed_or_rolled_back_before_the_next() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    let error = scene.refused(&["apply", "--development"], 3);
    assert!(error["message"].as_str().unwrap().contains("on trial"), "{error}");
    assert_eq!(scene.ok(&["confirm"])["generation"], 2);
    assert_eq!(scene.ok(&["confirm"])["type"], "nothing-to-do");
    scene.ok(&["apply", "--development"]);
}

#[test]
fn there_must_be_something_to_go_back_to() {
    let scene = Scene::adopted();
    assert_eq!(scene.refused(&["rollback", "--development"], 1)["error"], "no-rollback-target");
}

// trace: test FC-22.3
#[test]
fn a_plan_that_was_approved_holds_for_that_plan_alone() {
    let scene = Scene::adopted();
    let plan = scene.ok(&["plan", "--target-version", "2.0.0-rc.1"])["digest"].clone();
    let arguments = ["apply", "--development", "--plan", plan.as_str().unwrap()];
    assert_eq!(scene.refused(&arguments, 1)["error"], "stale-plan");
    assert_eq!(scene.ok(&["plan", "--target-version", "2.0.0-rc.1"])["digest"], plan);
    scene.ok(&[&arguments as &[&str], &["--target-version", "2.0.0-rc.1"]].concat());
}

#[test]
fn a_locked_home_names_its_holder() {
    let scene = Scene::upgraded();
    let lock = fs::File::open(scene.home()).unwrap();
    lock.lock().unwrap();
    fs::write(scene.home().join("lock"), "4711\n").unwrap();
    for arguments in [
        &["rollback", "--development"] as &[&str],
        &["verify"],
        &["export"],
        &["recover", "--development"],
    ] {
        let error = scene.refused(arguments, 9);
        assert_eq!(error["error"], "locked");
        assert!(error["message"].as_str().unwrap().contains("pid 4711"), "{error}");
    }
    // Looking needs no lock.
    scene.ok(&["status"]);
    scene.ok(&["history"]);
    drop(lock);
    scene.ok(&["verify"]);
}

#[test]
fn a_store_that_somebody_has_open_is_not_left() {
    let scene = Scene::upgraded();
    let path = scene.home().join("generations/2/store/lock");
    let lock = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    lock.lock().unwrap();
    assert_eq!(scene.refused(&["rollback", "--development"], 9)["error"], "store-in-use");
    drop(lock);
    scene.ok(&["rollback", "--development"]);
}

// trace: test FC-22.2.2
#[test]
fn every_byte_that_is_altered_is_found_and_named() {
    let scene = Scene::upgraded();
    for (file, name) in [
        ("generations/1/store/data/execution.wal", "execution.wal"),
        ("generations/1/config/config/config.json", "config.json"),
        ("generations/2/config/femtoclaw.toml", "femtoclaw.toml"),
        ("generations/2/policy/policies.json", "policies.json"),
        ("generations/2/manifest.json", "manifest of generation 2"),
        ("generations/2/adoption.json", "adoption.json"),
    ] {
        let path = scene.home().join(file);
        let intact = fs::read(&path).unwrap();
        let mut altered = intact.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(&path, altered).unwrap();
        let error = scene.refused(&["verify"], 6);
        assert_eq!(error["error"], "integrity-violated", "{file}");
        assert!(error["message"].as_str().unwrap().contains(name), "{file}: {error}");
        fs::write(&path, intact).unwrap();
    }
    scene.ok(&["verify"]);
}

#[test]
fn a_rollback_to_what_was_altered_is_refused() {
    let scene = Scene::upgraded();
    let path = scene.home().join("generations/1/store/data/audit.json");
    fs::write(&path, "[]").unwrap();
    assert_eq!(scene.refused(&["rollback", "--development"], 6)["error"], "integrity-violated");
    assert_eq!(scene.ok(&["status"])["version"], "2.1.0");
}

// trace: test FC-14.1.1 FC-14.3
// trace: test FC-16.2.2 FC-18.2 FC-20.3
#[test]
fn an_upgrade_of_what_was_altered_is_undone() {
    let scene = Scene::adopted();
    let path = scene.home().join("generations/1/store/data/audit.json");
    let intact = fs::read(&path).unwrap();
    fs::write(&path, "[]").unwrap();
    let error = scene.refused(&["apply", "--development"], 6);
    assert!(error["condition"].as_str().unwrap().contains("undone"), "{error}");
    assert_eq!(scene.ok(&["status"])["version"], "1.0.3");
    fs::write(&path, intact).unwrap();
    scene.ok(&["apply", "--development"]);
}

// trace: test FC-16.3
#[test]
fn a_broken_journal_takes_a_decision() {
    let scene = Scene::upgraded();
    let path = scene.home().join("journal/records.jsonl");
    let intact = fs::read(&path).unwrap();
    let content = scene.verified(1)["content"].clone();
    let mut broken = intact.clone();
    broken[700] ^= 1;
    fs::write(&path, &broken).unwrap();
    for arguments in [
        &["status"] as &[&str],
        &["verify"],
        &["plan"],
        &["rollback", "--development"],
        &["recover", "--development"],
    ] {
        let error = scene.refused(arguments, 8);
        assert_eq!(error["error"], "journal-broken", "{arguments:?}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("the generations found are 1 (1.0.3, built "), "{message}");
    }
    assert_eq!(fs::read(&path).unwrap(), broken, "a broken journal was touched");
    let error = scene.refused(&["recover", "--development", "--generation", "7"], 1);
    assert_eq!(error["error"], "no-such-generation");
    assert_eq!(fs::read(&path).unwrap(), broken, "a refused recovery touched the journal");
    let planned = scene.ok(&["recover", "--dry-run", "--generation", "1"]);
    assert_eq!(planned["generation"], 1);
    let recovered = scene.ok(&["recover", "--development", "--generation", "1"]);
    assert_eq!((&recovered["current"], &recovered["version"]), (&1.into(), &"1.0.3".into()));
    assert_eq!(scene.verified_current_content(), content);
    let kept = fs::read(scene.home().join("journal.replaced-1/records.jsonl")).unwrap();
    assert_eq!(kept, broken, "what was left of the journal is set aside, whole");
    let applied = scene.ok(&["apply", "--development"]);
    assert_eq!(applied["to"], 3, "the number of a generation is never used again");
}

#[test]
fn a_lost_journal_takes_a_decision_too() {
    let scene = Scene::upgraded();
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    assert_eq!(scene.refused(&["status"], 8)["error"], "journal-missing");
    let source = scene.source();
    let adopt = ["adopt", "--from", source.to_str().unwrap()];
    assert_eq!(scene.refused(&adopt, 1)["error"], "home-exists");
    let recovered = scene.ok(&["recover", "--development", "--generation", "2"]);
    assert_eq!(recovered["version"], "2.1.0");
    assert_eq!(scene.ok(&["verify"])["generations"].as_array().unwrap().len(), 2);
    let error = scene.refused(&["recover", "--development", "--generation", "1"], 1);
    assert_eq!(error["error"], "nothing-to-recover");
    // The manifest names its parent by digest, so the way back is not lost with the journal.
    assert_eq!(scene.ok(&["rollback", "--development"])["to"], 1);
    scene.ok(&["verify"]);
}

#[test]
fn a_lost_witness_costs_a_decision_and_no_history() {
    let scene = Scene::upgraded();
    let journal = fs::read(scene.home().join("journal/records.jsonl")).unwrap();
    fs::remove_file(scene.home().join("journal/witness")).unwrap();
    assert_eq!(scene.refused(&["status"], 8)["error"], "journal-witness-lost");
    scene.ok(&["recover", "--development", "--generation", "2"]);
    assert_eq!(fs::read(scene.home().join("journal/records.jsonl")).unwrap(), journal);
    scene.ok(&["rollback", "--development"]);
}

#[test]
fn a_journal_without_a_witness_that_was_cut_short_costs_no_generation() {
    let scene = Scene::upgraded();
    let path = scene.home().join("journal/records.jsonl");
    let bytes = fs::read(&path).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    // Cut before the upgrade began, and cut within it: nothing vouches for either end.
    for marker in ["\"operation\":\"upgrade\"", "\"ACTIVATED\",\"generation\":2"] {
        let at = text.find(marker).unwrap();
        let end = text[..at].rfind('\n').unwrap() + 1;
        let _ = fs::remove_file(scene.home().join("journal/witness"));
        fs::write(&path, &text[..end]).unwrap();
        let recovered = scene.ok(&["recover", "--development", "--generation", "1"]);
        assert_eq!(recovered["current"], 1);
        assert!(scene.home().join("generations/2/manifest.json").exists(), "{marker}");
        scene.ok(&["verify"]);
        assert!(scene.run(&["export", "--generation", "2"]).status.success(), "{marker}");
        // And the other way round, from the journal that was begun.
        fs::remove_dir_all(scene.home().join("journal")).unwrap();
        scene.ok(&["recover", "--development", "--generation", "2"]);
        fs::remove_file(scene.home().join("journal/witness")).unwrap();
    }
}

#[test]
fn a_recovery_that_was_interrupted_says_what_comes_next() {
    let scene = Scene::upgraded();
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    scene.ok(&["recover", "--development", "--generation", "1"]);
    // As if killed before the decision was recorded: the journal has its first record only.
    let path = scene.home().join("journal/records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let first = text.split_inclusive('\n').next().unwrap().to_owned();
    fs::write(&path, &first).unwrap();
    let body = first.split_once(",\"hash\":\"").unwrap();
    let hash = body.1.trim_end().trim_end_matches("\"}");
    let vouched = format!("acknowledged 0 {hash}");
    let checksum = upgrade::Digest::of(vouched.as_bytes());
    fs::write(scene.home().join("journal/witness"), format!("{vouched} {checksum}\n")).unwrap();
    for arguments in
        [&["recover", "--development"] as &[&str], &["rollback", "--development"], &["plan"]]
    {
        let error = scene.refused(arguments, 8);
        assert_eq!(error["error"], "undecided", "{arguments:?}");
        assert!(error["next"].as_str().unwrap().contains("recover --generation"), "{error}");
    }
    assert_eq!(scene.refused(&["verify"], 6)["error"], "integrity-violated");
    assert_eq!(scene.ok(&["recover", "--development", "--generation", "2"])["current"], 2);
    scene.ok(&["verify"]);
}

#[test]
fn a_recovery_launders_no_damage_to_what_no_runtime_writes_to() {
    let scene = Scene::upgraded();
    let path = scene.home().join("generations/1/store/data/execution.wal");
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    let error = scene.refused(&["recover", "--development", "--generation", "1"], 6);
    assert!(error["message"].as_str().unwrap().contains("execution.wal"), "{error}");
    scene.ok(&["recover", "--development", "--generation", "2"]);
    let rollback = scene.refused(&["rollback", "--development"], 1);
    assert_eq!(rollback["error"], "no-rollback-target");
}

#[test]
fn a_recovery_of_what_is_no_home_touches_nothing() {
    let scene = Scene::upgraded();
    let store = scene.home().join("generations/2/store");
    let before = files(&store);
    let output = std::process::Command::new(crate::support::PROGRAM)
        .args(["recover", "--development", "--yes", "--generation", "1", "--home"])
        .arg(&store)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(files(&store), before);
}

#[test]
fn a_journal_that_cannot_be_read_is_not_replaced() {
    let scene = Scene::upgraded();
    let (journal, aside) = (scene.home().join("journal"), scene.path().join("aside"));
    fs::rename(&journal, &aside).unwrap();
    std::os::unix::fs::symlink(&journal, &journal).unwrap();
    for arguments in [&["status"] as &[&str], &["recover", "--development", "--generation", "1"]] {
        assert_eq!(scene.refused(arguments, 6)["error"], "planted", "{arguments:?}");
    }
    fs::remove_file(&journal).unwrap();
    fs::rename(&aside, &journal).unwrap();
    scene.ok(&["verify"]);
}

#[test]
fn what_cannot_be_swept_is_in_nobodys_way() {
    let scene = Scene::upgraded();
    fs::write(scene.home().join("generations/.staging-file"), b"").unwrap();
    fs::write(scene.home().join("generations/18446744073709551615"), b"").unwrap();
    scene.ok(&["rollback", "--development"]);
    scene.ok(&["apply", "--development"]);
}

#[test]
fn what_is_done_is_not_called_failed_because_nobody_could_be_told() {
    let scene = Scene::upgraded();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = scene
        .command(&["rollback", "--development", "--yes"])
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("done; but the result"));
    assert_eq!(scene.ok(&["status"])["version"], "1.0.3");
}

#[test]
fn a_history_line_cannot_be_forged() {
    let scene = Scene::adopted();
    let forged = "mallory\n  99  2026-01-01T00:00:00  #99   CONFIRMED   generation 3\u{1b}[2J";
    scene.ok(&["apply", "--development", "--operator", forged]);
    let history = String::from_utf8(scene.run(&["history"]).stdout).unwrap();
    assert!(history.contains("mallory") && !history.contains('\u{1b}'), "{history}");
    assert!(history.lines().all(|line| !line.starts_with("  99")), "{history}");
}

#[test]
fn a_runtime_that_is_no_plain_file_is_refused_before_anything_is_made() {
    let scene = Scene::new();
    let source = scene.source();
    for runtime in ["/dev/null", "/dev/zero", "/"] {
        let adopt = ["adopt", "--from", source.to_str().unwrap(), "--runtime", runtime];
        assert_eq!(scene.refused(&adopt, 1)["error"], "not-a-file", "{runtime}");
    }
    assert!(!scene.home().exists());
}

#[test]
fn a_directory_that_is_somebody_elses_is_not_made_a_home() {
    let scene = Scene::new();
    let (source, lock) = (scene.source(), scene.home().join("lock"));
    let adopt = ["adopt", "--from", source.to_str().unwrap()];
    fs::create_dir(scene.home()).unwrap();
    fs::write(&lock, "mine").unwrap();
    assert_eq!(scene.refused(&adopt, 1)["error"], "home-exists");
    assert_eq!(fs::read_to_string(&lock).unwrap(), "mine");
}

#[test]
fn a_home_is_never_adopted_over_another() {
    let scene = Scene::adopted();
    let source = scene.source();
    let adopt = ["adopt", "--from", source.to_str().unwrap()];
    let before = files(&scene.home());
    assert_eq!(scene.refused(&adopt, 1)["error"], "home-exists");
    assert_eq!(files(&scene.home()), before);
    let home = scene.home();
    let inside = ["adopt", "--from", home.to_str().unwrap()];
    assert_eq!(scene.refused(&inside, 1)["error"], "home-exists");
    let other = Scene::new();
    let parent = other.path().to_str().unwrap().to_owned();
    assert_eq!(other.refused(&["adopt", "--from", &parent], 1)["error"], "home-overlaps");
}

// trace: test FC-10.1.3
#[test]
fn an_invalid_configuration_stops_an_upgrade() {
    let scene = Scene::new();
    let path = scene.source().join("config/config.json");
    let text = fs::read_to_string(&path).unwrap();
    let configuration: serde_json::Value = serde_json::from_str(&text).unwrap();
    let level = configuration["logging"]["level"].as_str().unwrap();
    fs::write(&path, text.replace(&format!("\"{level}\""), "\"deafening\"")).unwrap();
    scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    let error = scene.refused(&["apply", "--development"], 3);
    assert!(error["message"].as_str().unwrap().contains("logging.level"), "{error}");
    assert_eq!(scene.ok(&["status"])["version"], "1.0.3");
}

#[test]
fn an_interruption_is_put_right_by_what_may_change_a_home_alone() {
    let scene = Scene::adopted();
    let mut child = scene
        .command(&["apply", "--development", "--yes"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let journal = scene.home().join("journal/records.jsonl");
    // As soon as the attempt is on record it is killed.
    while !fs::read_to_string(&journal).unwrap().contains("PREPARED\",\"from\":1") {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let status = scene.ok(&["status"]);
    if status["attempt"].is_null() {
        panic!("the kill came too late: {status}");
    }
    assert_eq!(scene.refused(&["verify"], 8)["error"], "interrupted");
    assert_eq!(scene.refused(&["export"], 8)["error"], "interrupted");
    assert_eq!(scene.ok(&["status"])["attempt"], status["attempt"]);
    scene.ok(&["recover", "--development"]);
    assert_eq!(scene.ok(&["status"])["attempt"], serde_json::Value::Null);
    scene.ok(&["apply", "--development"]);
}
