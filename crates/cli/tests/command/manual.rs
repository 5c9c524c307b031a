//! Completions and manual pages, as shells and roff take them.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{PROGRAM, Scene, alone};

/// Commands that are no group, and groups.
const COMMANDS: [&str; 18] = [
    "adopt",
    "plan",
    "apply",
    "status",
    "history",
    "verify",
    "audit",
    "confirm",
    "rollback",
    "gc",
    "recover",
    "capability",
    "release",
    "keyring",
    "authorize",
    "export",
    "completions",
    "man",
];

const CODES: [&str; 13] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "64", "130", "143"];

/// What the command prints without a home and without an environment.
fn printed(arguments: &[&str]) -> String {
    let output = alone(&mut Command::new(PROGRAM)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What bash says of a script, by its name `script` and with these positions typed.
fn bash(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("bash")
        .args(["--noprofile", "--norc"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{}: {error}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// What bash completes to, with these words typed and the last one unfinished.
fn completed(words: &[&str]) -> Vec<String> {
    let scene = Scene::without_installation();
    let file = scene.path().join("completions");
    fs::write(&file, printed(&["completions", "bash"])).unwrap();
    let at = words.len() - 1;
    // As bash calls the function that the script has registered.
    let script = format!(
        "source {}\n\
         function=$(complete -p femtoclaw-upgrade)\n\
         function=${{function#*-F }} function=${{function%% *}}\n\
         COMP_WORDS=({}) COMP_CWORD={at}\n\
         \"$function\" femtoclaw-upgrade '{}' '{}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        file.display(),
        words.join(" "),
        words[at],
        words[at - 1],
    );
    bash(&["-s"], &script).lines().map(str::to_owned).collect()
}

#[test]
fn bash_takes_the_completions_and_completes_commands_and_options() {
    bash(&["-n"], &printed(&["completions", "bash"]));
    assert_eq!(completed(&["femtoclaw-upgrade", "ro"]), ["rollback"]);
    assert_eq!(completed(&["femtoclaw-upgrade", "audit", "sh"]), ["show"]);
    assert_eq!(completed(&["femtoclaw-upgrade", "plan", "--target"]), ["--target-version"]);
    let color = completed(&["femtoclaw-upgrade", "status", "--color", ""]);
    assert_eq!(color, ["auto", "always", "never"]);
    let all = completed(&["femtoclaw-upgrade", ""]);
    for command in COMMANDS {
        assert!(all.contains(&command.to_owned()), "{command}: {all:?}");
    }
}

#[test]
fn every_shell_has_completions_and_another_one_is_told_which_there_are() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        for word in ["rollback", "target-version", "keyring"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let output = Command::new(PROGRAM).args(["completions", "bush"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(error.contains("bash, elvish, fish, powershell, zsh"), "{error}");
    assert!(error.contains("a similar value exists: 'bash'"), "{error}");
}

#[test]
fn the_manual_names_every_command_and_every_exit_code_and_shows_examples() {
    let page = printed(&["man"]);
    for command in COMMANDS {
        assert!(page.contains(&format!("femtoclaw\\-upgrade\\-{command}(1)")), "{command}");
    }
    let status = page.split(".SH \"EXIT STATUS\"").nth(1).unwrap();
    let status = status.split(".SH").next().unwrap();
    for code in CODES {
        let named = status.lines().any(|line| {
            let line = line.strip_prefix("\\fB").and_then(|line| line.strip_suffix("\\fR"));
            line.is_some_and(|line| line.split(", ").any(|found| found == code))
        });
        assert!(named, "{code}: {status}");
    }
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));
    let readme = readme.unwrap();
    let table = readme.split("### Exit codes").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    for code in CODES {
        let cells = table.split('|').flat_map(|cell| cell.trim().split(", "));
        assert!(cells.into_iter().any(|cell| cell == code), "{code} is not in the README");
    }
    for part in [".SH \"ENVIRONMENT\"", ".SH EXAMPLES"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("femtoclaw\\-upgrade apply \\-\\-home /srv/femtoclaw"), "{page}");
}

#[test]
fn there_is_a_page_for_every_command_and_writing_them_again_changes_nothing() {
    let scene = Scene::without_installation();
    let directory = scene.path().join("man1");
    let write = || printed(&["man", "--directory", directory.to_str().unwrap(), "--json"]);
    let said = write();
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["type"], "manual");
    let before = crate::support::files(&directory);
    assert_eq!(last["files"].as_array().unwrap().len(), before.len());
    let names: Vec<String> = before
        .iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let inner = ["audit-show", "keyring-rotate", "release-new", "authorize-gc", "capability-diff"];
    for command in COMMANDS.iter().chain(&inner) {
        let name = format!("femtoclaw-upgrade-{command}.1");
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for (path, bytes) in &before {
        let page = String::from_utf8(bytes.clone()).unwrap();
        let sections: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "\"EXIT STATUS\"", "EXAMPLES"] {
            assert!(sections.contains(&section), "{}: {section}: {sections:?}", path.display());
        }
    }
    assert_eq!(write(), said);
    assert_eq!(crate::support::files(&directory), before);
}

#[test]
fn pages_are_rendered_without_a_warning_by_groff() {
    let scene = Scene::without_installation();
    let directory = scene.path().join("man1");
    printed(&["man", "--directory", directory.to_str().unwrap()]);
    for (path, _) in crate::support::files(&directory) {
        let output = Command::new("groff")
            .args(["-Kutf8", "-man", "-Tutf8", "-ww", "-rHY=0", "-rLL=78n"])
            .arg(&path)
            .output()
            .expect("groff must be installed for this test");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && error.is_empty(), "{}: {error}", path.display());
        let text = struck_once(&String::from_utf8(output.stdout).unwrap());
        for part in ["NAME", "SYNOPSIS", "EXIT STATUS", "EXAMPLES", "femtoclaw-upgrade"] {
            assert!(text.contains(part), "{}: {part}: {text}", path.display());
        }
    }
}

/// Bold letters are struck twice, those underlined over a line.
fn struck_once(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let kept = letters
        .iter()
        .enumerate()
        .filter(|(at, letter)| **letter != '\u{8}' && letters.get(at + 1) != Some(&'\u{8}'));
    kept.map(|(_, letter)| letter).collect()
}
