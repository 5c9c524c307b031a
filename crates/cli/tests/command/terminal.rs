//! What people see: colour, errors, suggestions, the width of a terminal.

use std::process::{Command, Output};

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};

use crate::support::{PROGRAM, Scene, alone};

/// How the sequence that makes something bold and red begins.
const RED: &str = "\u{1b}[1;31m";

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a command that is refused says, with these variables.
fn said(scene: &Scene, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = scene.command(arguments).envs(variables.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    error(&output)
}

#[test]
fn an_error_has_three_parts_each_on_its_line() {
    let scene = Scene::adopted();
    let said = said(&scene, &["rollback", "--development", "--yes"], &[]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].starts_with("error: "), "{said}");
    assert_eq!(lines[1], " home: The home is unchanged: generation 1 (1.0.3) is current.");
    assert_eq!(lines[2], " next: See `femtoclaw-upgrade status`.");
}

#[test]
fn colour_is_for_terminals_unless_somebody_says_otherwise() {
    let scene = Scene::without_installation();
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let said = said(&scene, &[&["status"], arguments].concat(), variables);
        assert_eq!(said.contains(RED), said.contains('\u{1b}'), "{said:?}");
        said.contains(RED)
    };
    let forced = ("CLICOLOR_FORCE", "1");
    assert!(!colored(&[], &[]), "standard error is no terminal");
    assert!(colored(&[], &[forced]));
    assert!(colored(&[], &[forced, ("TERM", "dumb")]), "who forces it has it");
    assert!(!colored(&[], &[forced, ("NO_COLOR", "1")]));
    assert!(colored(&[], &[forced, ("NO_COLOR", "")]), "empty is as if it were not set");
    assert!(!colored(&["--color", "never"], &[forced]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1"), ("TERM", "dumb")]));
}

#[test]
fn results_and_help_have_colour_as_errors_have() {
    let scene = Scene::adopted();
    let printed = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = scene.command(arguments).envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", error(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    for arguments in [&["status"] as &[&str], &["plan", "--help"]] {
        let with = |more: &[&str], variables: &[(&str, &str)]| {
            printed(&[arguments, more].concat(), variables).contains('\u{1b}')
        };
        assert!(!with(&[], &[]) && with(&[], &[("CLICOLOR_FORCE", "1")]), "{arguments:?}");
        assert!(with(&["--color", "always"], &[("NO_COLOR", "1")]), "{arguments:?}");
        assert!(!with(&["--color=never"], &[("CLICOLOR_FORCE", "1")]), "{arguments:?}");
    }
}

/// What a terminal of this many columns shows of a command line for a shell.
fn on_a_terminal(columns: u32, variables: &[(&str, &str)], line: &str) -> String {
    let line = format!("stty cols {columns} rows 24; {line}");
    let output = alone(&mut Command::new("script"))
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null())
        .envs(variables.iter().copied())
        .output()
        .expect("script (bsdutils) must be installed for this test");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn on_a_terminal_an_error_has_colour_and_fits() {
    let scene = Scene::upgraded();
    let line = format!("{PROGRAM} rollback --home {} --yes", scene.home().display());
    let shown = on_a_terminal(60, &[], &line);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with(&format!("{RED}error:\u{1b}[0m ")), "{shown:?}");
    assert!(shown.contains("\u{1b}[36m next:\u{1b}[0m Give a signed"), "{shown:?}");
    let plain = on_a_terminal(60, &[("NO_COLOR", "1")], &line);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert!(plain.lines().count() > 3, "{plain}");
    for line in plain.lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
    assert!(!on_a_terminal(60, &[("TERM", "dumb")], &line).contains('\u{1b}'));
    // However it is broken, it says the same as off a terminal.
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let piped = scene.run(&["rollback", "--yes"]);
    assert_eq!(words(&plain), words(&error(&piped)));
}

#[test]
fn what_is_mistyped_is_answered_with_what_may_have_been_meant() {
    let scene = Scene::adopted();
    for (arguments, meant) in [
        (&["rolback"] as &[&str], "a similar subcommand exists: 'rollback'"),
        (&["plan", "--taget-version", "2.1.0"], "a similar argument exists: '--target-version'"),
        (&["plan", "--target-version", "2.1"], "did you mean 2.1.0?"),
        (&["status", "--color", "alway"], "a similar value exists: 'always'"),
    ] {
        let output = scene.run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(error(&output).contains(meant), "{arguments:?}: {}", error(&output));
        let last = crate::support::json_lines(&output).pop().unwrap();
        assert_eq!((&last["type"], &last["error"]), (&"error".into(), &"usage".into()));
        assert!(last["message"].as_str().unwrap().contains(meant), "{last}");
    }
    for version in ["2.1", "2.11.0"] {
        let output = scene.run(&["plan", "--target-version", version]);
        let said = error(&output);
        assert!(said.contains("2.0.0-rc.1, 2.0.0, 2.1.0"), "{version}: {said}");
    }
}

#[test]
fn on_a_terminal_progress_is_a_bar_with_phase_share_rate_and_time_left() {
    let scene = Scene::without_installation();
    let options = SampleOptions { records: 4000, ..SampleOptions::default() };
    write_sample_home(&scene.source(), &options).unwrap();
    scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    let line = format!("{PROGRAM} apply --development --yes --home {}", scene.home().display());
    let shown = on_a_terminal(100, &[], &line);
    // Each time that it is drawn the line is cleared before.
    let drawn: Vec<&str> = shown.split("\u{1b}[2K").filter(|line| line.contains('─')).collect();
    let is_whole = |line: &&&str| line.contains(" %)") && line.contains(" of ");
    let whole = drawn.iter().find(is_whole).unwrap_or_else(|| panic!("{shown:?}"));
    assert!(whole.starts_with("reading ") || whole.starts_with("verifying "), "{whole:?}");
    // It is gone before the result is printed, and is nothing but lines where there is no terminal to draw on.
    let result = shown.split("is current, on trial").next().unwrap();
    let last = result.rsplit("\u{1b}[2K").next().unwrap();
    assert!(last.trim_start().starts_with("Generation 2"), "{last:?}");
    let again = Scene::without_installation();
    write_sample_home(&again.source(), &options).unwrap();
    let source = again.source();
    let output = again.run(&["adopt", "--from", source.to_str().unwrap(), "--yes"]);
    assert!(output.status.success() && !error(&output).contains(['━', '\u{1b}']));
}
