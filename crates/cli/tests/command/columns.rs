//! Everything that is printed for people fits a terminal of 80 columns.

use crate::support::{PROGRAM, Scene, alone};

const COLUMNS: usize = 80;

/// Whether a line is no wider than it has to be: what is too wide is one word that cannot be broken, such as a path or a digest,
/// behind nothing but what names it.
fn fits(line: &str) -> bool {
    // What is to be copied into a shell is one line.
    if line.chars().count() <= COLUMNS || line.starts_with("  ssh-keygen ") {
        return true;
    }
    let longest = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    let rest = line.chars().count() - longest;
    // A digest has 71 columns.
    longest >= 48 && rest <= 32
}

fn hold(what: &[&str], text: &str) {
    assert!(!text.trim().is_empty(), "{what:?} prints nothing");
    let wide: Vec<&str> = text.lines().filter(|line| !fits(line)).collect();
    assert!(wide.is_empty(), "{what:?}: {wide:#?}");
}

fn text(scene: &Scene, arguments: &[&str]) -> String {
    let output = scene.run(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_does_not_fit_is_told_from_what_cannot_be_broken() {
    let digest = format!("blake3:{}", "0".repeat(64));
    assert!(fits(&"x ".repeat(40)) && !fits(&"x ".repeat(41)));
    assert!(fits(&format!("  to     {digest}")));
    assert!(!fits(&format!("{digest} and {} more words behind", "many ".repeat(6))));
}

#[test]
fn every_command_that_only_reads_fits() {
    let scene = Scene::secured();
    let first = scene.publish("2.0.0", "1", "acme");
    let package = scene.publish("2.1.0", "2", "acme");
    let planned = ["plan", "--release", &first];
    hold(&planned, &text(&scene, &planned));
    let file = scene.named("named.json");
    let authorize = ["authorize", "upgrade", "--release", &first, "--output", &file];
    hold(&authorize, &text(&scene, &authorize));
    scene.upgrade_signed(&first, "first");
    scene.ok(&["confirm"]);
    scene.refused(&["apply", "--development"], 5);
    scene.upgrade_signed(&package, "second");
    for arguments in [&["status"] as &[&str], &["rollback", "--dry-run"], &["confirm", "--dry-run"]]
    {
        hold(arguments, &text(&scene, arguments));
    }
    scene.authorized(&["rollback"], "back", &["rollback", "--reason", &"too slow ".repeat(20)]);
    let head = text(&scene, &["audit", "head"]);
    let head = head.split(' ').next().unwrap().to_owned();
    let exported = scene.named("journal.jsonl");
    for arguments in [
        &["status"] as &[&str],
        &["history"],
        &["verify"],
        &["verify", "--quick"],
        &["verify", "--files"],
        &["audit", "show"],
        &["audit", "verify"],
        &["audit", "verify", "--head", &head],
        &["plan", "--release", &package],
        &["apply", "--release", &package, "--dry-run"],
        &["gc", "--dry-run"],
        &["recover", "--dry-run"],
        &["keyring", "show"],
        &["capability", "diff", "--release", &package],
        &["release", "inspect", &package],
        &["release", "verify", &package],
    ] {
        hold(arguments, &text(&scene, arguments));
    }
    scene.ok(&["audit", "export", "--output", &exported]);
    let source = scene.source();
    let other = scene.named("other");
    let adopt = ["adopt", "--dry-run", "--from", source.to_str().unwrap()];
    let output = scene.command(&adopt).env("FEMTOCLAW_HOME", &other).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "there is a home already");
}

#[test]
fn what_changes_a_home_fits() {
    let scene = Scene::new();
    let source = scene.source();
    for arguments in [
        &["adopt", "--dry-run", "--from", source.to_str().unwrap()] as &[&str],
        &["adopt", "--from", source.to_str().unwrap()],
        &["plan"],
        &["plan", "--target-version", "2.0.0"],
        &["capability", "diff"],
        &["apply", "--development"],
        &["confirm"],
        &["rollback", "--development"],
        &["plan"],
        &["recover"],
        &["gc", "--development"],
        &["apply", "--development"],
        &["status"],
        &["history"],
    ] {
        hold(arguments, &text(&scene, &[arguments, &["--yes"]].concat()));
    }
}

#[test]
fn every_help_fits_on_a_narrow_terminal_as_well() {
    let help = |arguments: &[&str]| {
        let mut command = std::process::Command::new(PROGRAM);
        alone(&mut command).env("COLUMNS", "80").args(arguments).arg("-h");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    for arguments in
        [&[] as &[&str], &["plan"], &["verify"], &["audit", "show"], &["keyring", "init"]]
    {
        hold(arguments, &help(arguments));
    }
}
