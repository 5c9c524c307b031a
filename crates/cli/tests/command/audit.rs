//! `audit`: what the journal says, and what shows that it was tampered with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use upgrade::Digest;

use crate::support::{Scene, files, json_lines};

/// The journal of a home.
struct Journal {
    records: PathBuf,
    witness: PathBuf,
}

impl Journal {
    fn of(scene: &Scene) -> Self {
        let directory = scene.home().join("journal");
        Self { records: directory.join("records.jsonl"), witness: directory.join("witness") }
    }

    /// Its lines, each with its newline, without the padding.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.records).unwrap();
        text.split_inclusive('\n').filter(|line| *line != "\n").map(str::to_owned).collect()
    }

    /// Puts these lines in place of what is there, with a witness that vouches for the last of them: what local root can do.
    fn forge(&self, lines: &[String]) {
        let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        let vouched = format!("acknowledged {} {}", last["seq"], last["hash"].as_str().unwrap());
        let checksum = Digest::of(vouched.as_bytes());
        fs::write(&self.records, lines.concat()).unwrap();
        fs::write(&self.witness, format!("{vouched} {checksum}\n")).unwrap();
    }
}

/// Lines with another text in one of them, and every hash from there on computed anew.
fn rewritten(lines: &[String], old: &str, new: &str) -> Vec<String> {
    let mut previous = Digest::of(b"").to_string();
    let rewrite = |line: &String| {
        let (body, _) = line.rsplit_once(",\"hash\":").unwrap();
        let (content, _) = body.rsplit_once(",\"previous\":").unwrap();
        let content = content.replace(old, new);
        let body = format!("{content},\"previous\":\"{previous}\"");
        previous = Digest::of(body.as_bytes()).to_string();
        format!("{body},\"hash\":\"{previous}\"}}\n")
    };
    let rewritten: Vec<String> = lines.iter().map(rewrite).collect();
    assert_ne!(rewritten, lines);
    rewritten
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

// trace: test FC-22.4
#[test]
fn every_attempt_is_shown_with_who_decided_what_and_how_it_ended() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--operator", "alice\u{1b}[2J"]);
    scene.ok(&["rollback", "--development", "--operator", "bob", "--reason", "too slow"]);
    let before = files(&scene.home());
    let output = scene.run(&["audit", "show"]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output);
    let plan = &scene.lines(&["history"])[7]["event"]["plan"];
    for part in [
        "attempt 1: adopt, by ",
        "authority: standing\n",
        "outcome: generation 1 (1.0.3) is current\n",
        "attempt 5: upgrade, by alice\\u{1b}[2J, authority: development (unsigned)\n",
        "from   generation 1: runtime 1.0.3, storage schema 1,",
        "to     generation 2: runtime 2.1.0, storage schema 3,",
        plan.as_str().unwrap(),
        "outcome: generation 2 (2.1.0) is current, on trial\n",
        "attempt 10: rollback, by bob,",
        "REVERTED    generation 2 → 1: too slow\n",
        "outcome: generation 1 (1.0.3) is current again, and 2 (2.1.0) is kept\n",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(files(&scene.home()) == before, "showing wrote to the home");
}

#[test]
fn for_programs_every_record_is_a_line_as_it_stands_in_the_journal() {
    let scene = Scene::upgraded();
    let mut shown = scene.lines(&["audit", "show"]);
    let result = shown.pop().unwrap();
    let lines = Journal::of(&scene).lines();
    assert_eq!(result["type"], "audit");
    assert_eq!((&result["ok"], &result["records"]), (&true.into(), &lines.len().into()));
    assert_eq!(shown.len(), lines.len() + 1);
    for (mut shown, line) in shown.into_iter().skip(1).zip(lines) {
        assert_eq!(shown.as_object_mut().unwrap().remove("type"), Some("record".into()));
        assert_eq!(shown, serde_json::from_str::<Value>(&line).unwrap());
    }
}

#[test]
fn one_attempt_or_those_since_a_time_are_shown_whole() {
    let scene = Scene::upgraded();
    let records = |arguments: &[&str]| -> Vec<u64> {
        let lines = scene.lines(&[&["audit", "show"], arguments].concat());
        let records = lines.iter().filter(|line| line["type"] == "record");
        records.map(|line| line["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(records(&["--attempt", "1"]), [1, 2, 3, 4]);
    assert_eq!(records(&["--attempt", "5"]), [5, 6, 7, 8, 9]);
    assert_eq!(records(&["--attempt", "2"]), [0_u64; 0]);
    let last = scene.ok(&["audit", "head"])["time"].as_str().unwrap().to_owned();
    assert_eq!(records(&["--since", &last]), [5, 6, 7, 8, 9]);
    assert_eq!(records(&["--since", &last, "--attempt", "1"]), [0_u64; 0]);
    assert_eq!(records(&["--since", "2000-01-01T00:00:00Z"]).len(), 10);
    assert_eq!(records(&["--since", "2999-01-01T00:00:00Z"]), [0_u64; 0]);
    assert_eq!(scene.run(&["audit", "show", "--since", "yesterday"]).status.code(), Some(64));
}

#[test]
fn a_head_that_was_kept_holds_for_as_long_as_the_journal_only_grows() {
    let scene = Scene::adopted();
    let printed = text(&scene.run(&["audit", "head"]));
    let (head, time) = printed.trim_end().split_once(' ').unwrap();
    let result = scene.ok(&["audit", "head"]);
    assert_eq!((&result["head"], &result["time"]), (&head.into(), &time.into()));
    let lines = Journal::of(&scene).lines();
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(head, format!("{}:{}", last["seq"], last["hash"].as_str().unwrap()));
    scene.ok(&["apply", "--development"]);
    scene.ok(&["rollback", "--development"]);
    let verified = scene.ok(&["audit", "verify", "--head", head]);
    assert_eq!((&verified["ok"], &verified["held"][0]), (&true.into(), &head.into()));
    let later = scene.ok(&["audit", "head"])["head"].clone();
    assert_eq!(verified["head"], later);
    scene.ok(&["audit", "verify", "--head", head, "--head", later.as_str().unwrap()]);
    for nonsense in ["", "4", "blake3:00", &head[..head.len() - 1]] {
        let output = scene.run(&["audit", "verify", "--head", nonsense]);
        assert_eq!(output.status.code(), Some(64), "{nonsense}");
    }
}

#[test]
fn a_journal_that_was_cut_and_made_whole_again_is_found_by_a_head_alone() {
    let scene = Scene::upgraded();
    let head = scene.ok(&["audit", "head"])["head"].as_str().unwrap().to_owned();
    let journal = Journal::of(&scene);
    let lines = journal.lines();
    journal.forge(&lines[..5]);
    scene.ok(&["audit", "verify"]);
    let error = scene.refused(&["audit", "verify", "--head", &head], 6);
    assert_eq!(error["error"], "journal-cut");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("record 9 ") && message.contains("ends at record 4"), "{message}");
}

// trace: test FC-22.4
#[test]
fn a_journal_that_was_rewritten_and_made_whole_again_is_found_by_a_head_alone() {
    let scene = Scene::adopted();
    scene.ok(&["apply", "--development", "--operator", "mallory"]);
    let head = scene.ok(&["audit", "head"])["head"].as_str().unwrap().to_owned();
    let journal = Journal::of(&scene);
    journal.forge(&rewritten(&journal.lines(), "mallory", "nobody"));
    scene.ok(&["audit", "verify"]);
    let error = scene.refused(&["audit", "verify", "--head", &head], 6);
    assert_eq!(error["error"], "journal-rewritten");
    assert!(error["message"].as_str().unwrap().contains("record 9 "), "{error}");
    // What came before the change is still what it was.
    let first: Value = serde_json::from_str(&journal.lines()[0]).unwrap();
    let earlier = format!("0:{}", first["hash"].as_str().unwrap());
    scene.ok(&["audit", "verify", "--head", &earlier]);
    assert_eq!(
        scene.refused(&["audit", "verify", "--head", &earlier, "--head", &head], 6)["error"],
        "journal-rewritten"
    );
}

#[test]
fn a_journal_that_was_replaced_says_so_to_an_old_head() {
    let scene = Scene::upgraded();
    let head = scene.ok(&["audit", "head"])["head"].as_str().unwrap().to_owned();
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
    scene.ok(&["recover", "--development", "--generation", "1"]);
    let error = scene.refused(&["audit", "verify", "--head", &head], 6);
    assert!(error["message"].as_str().unwrap().contains("replaces a journal"), "{error}");
}

#[test]
fn an_export_is_the_journal_byte_for_byte() {
    let scene = Scene::upgraded();
    let lines = Journal::of(&scene).lines().concat();
    let output = scene.run(&["audit", "export"]);
    assert_eq!((output.status.code(), text(&output)), (Some(0), lines.clone()));
    let file = scene.path().join("journal.jsonl");
    let named = ["audit", "export", "--output", file.to_str().unwrap()];
    let result = scene.ok(&named);
    assert_eq!(result["records"], 10);
    assert_eq!(fs::read_to_string(&file).unwrap(), lines);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(scene.refused(&named, 1)["error"], "file-not-written", "over an older export");
    let programs = json_lines(&scene.run(&["audit", "export", "--json"]));
    assert_eq!(programs.len(), 12);
    assert_eq!(programs[11]["type"], "audit-exported");
}

#[test]
fn a_torn_append_is_neither_exported_nor_taken_for_a_head() {
    let scene = Scene::upgraded();
    let journal = Journal::of(&scene);
    let (lines, head) = (journal.lines(), scene.ok(&["audit", "head"])["head"].clone());
    let torn = format!("{}{{\"seq\":10,\"time\":\"2026", lines.concat());
    fs::write(&journal.records, torn).unwrap();
    assert_eq!(text(&scene.run(&["audit", "export"])), lines.concat());
    assert_eq!(scene.ok(&["audit", "head"])["head"], head);
    // Written, and never acknowledged: the next crash may take it back.
    let unacknowledged = with_one_more(&scene, &lines);
    fs::write(&journal.records, &unacknowledged).unwrap();
    assert_eq!(text(&scene.run(&["audit", "export"])), unacknowledged);
    assert_eq!(scene.ok(&["audit", "head"])["head"], head);
}

/// The lines with a record behind them that goes on legally.
fn with_one_more(scene: &Scene, lines: &[String]) -> String {
    let other = Scene::without_installation();
    // The link for people is made anew, and is no file to copy.
    fs::remove_file(scene.home().join("current")).unwrap();
    crate::support::copy(&scene.home(), &other.home());
    Journal::of(&other).forge(lines);
    other.ok(&["confirm"]);
    let longer = Journal::of(&other).lines();
    assert_eq!(longer[..lines.len()], *lines);
    longer[..=lines.len()].concat()
}

#[test]
fn nothing_of_an_audit_waits_for_the_lock() {
    let scene = Scene::upgraded();
    let lock = fs::File::open(scene.home()).unwrap();
    lock.lock().unwrap();
    for arguments in [&["audit", "show"] as &[&str], &["audit", "verify"], &["audit", "head"]] {
        scene.ok(arguments);
    }
    assert!(scene.run(&["audit", "export"]).status.success());
}

#[test]
fn of_a_damaged_journal_everything_else_is_shown_and_exported() {
    let scene = Scene::upgraded();
    let journal = Journal::of(&scene);
    let lines = journal.lines();
    for damaged in 0..lines.len() {
        let mut altered = lines.clone();
        altered[damaged] = lines[damaged].replacen("20", "21", 1);
        let altered = altered.concat();
        fs::write(&journal.records, &altered).unwrap();
        let file = scene.path().join(format!("{damaged}.jsonl"));
        let export = ["audit", "export", "--output", file.to_str().unwrap()];
        for arguments in [&["audit", "verify"] as &[&str], &["audit", "head"], &export] {
            assert_eq!(scene.refused(arguments, 8)["error"], "journal-broken", "{arguments:?}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), altered);
        let output = scene.run(&["audit", "export"]);
        assert_eq!((output.status.code(), text(&output)), (Some(8), altered));
        let shown = json_lines(&scene.run(&["audit", "show", "--json"]));
        let of_type = |kind: &str| shown.iter().filter(|line| line["type"] == kind).count();
        assert_eq!((of_type("record"), of_type("unreadable")), (lines.len() - 1, 1), "{damaged}");
        let output = scene.run(&["audit", "show"]);
        assert_eq!(output.status.code(), Some(8));
        let (shown, said) = (text(&output), String::from_utf8(output.stderr).unwrap());
        assert!(shown.contains("are no record: its content has the hash"), "{shown}");
        assert!(said.contains(&format!("broken at record {damaged} ")), "{said}");
    }
}

#[test]
fn of_a_journal_that_is_whole_and_makes_no_sense_everything_is_shown() {
    let scene = Scene::upgraded();
    let journal = Journal::of(&scene);
    journal.forge(&rewritten(
        &journal.lines(),
        "\"ACTIVATED\",\"generation\":2",
        "\"ACTIVATED\",\"generation\":7",
    ));
    let error = scene.refused(&["audit", "verify"], 6);
    assert_eq!(error["error"], "journal-contradiction");
    let output = scene.run(&["audit", "show"]);
    assert_eq!(output.status.code(), Some(6));
    assert!(text(&output).contains("generation 7"));
}

#[test]
fn of_a_journal_that_a_later_version_wrote_everything_that_is_known_is_shown() {
    let scene = Scene::upgraded();
    let journal = Journal::of(&scene);
    let lines = rewritten(&journal.lines(), "\"type\":\"SEALED\"", "\"type\":\"WAXED\"");
    journal.forge(&lines);
    assert_eq!(scene.refused(&["audit", "verify"], 3)["error"], "unknown-version");
    let output = scene.run(&["audit", "show", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let shown = json_lines(&output);
    let of_type = |kind: &str| shown.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of_type("record"), of_type("unreadable")), (8, 2));
    // The record behind one that cannot be read has nothing to follow.
    assert_eq!(shown.iter().filter(|line| line["misplaced"].is_string()).count(), 2);
    let output = scene.run(&["audit", "export"]);
    assert_eq!((output.status.code(), text(&output)), (Some(3), lines.concat()));
}

#[test]
fn a_lost_witness_keeps_nobody_from_reading_the_journal() {
    let scene = Scene::upgraded();
    fs::remove_file(Journal::of(&scene).witness).unwrap();
    let output = scene.run(&["audit", "show"]);
    assert_eq!(output.status.code(), Some(8));
    assert!(text(&output).contains("generation 2 (2.1.0) is current, on trial"));
    assert_eq!(scene.refused(&["audit", "head"], 8)["error"], "journal-witness-lost");
}

/// The script of `docs/audit.md`, as it stands there.
fn script() -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, rest) = document.split_once("```sh\n").expect("a script in docs/audit.md");
    let (script, _) = rest.split_once("```\n").unwrap();
    assert!(script.lines().count() <= 20, "{} lines", script.lines().count());
    script.to_owned()
}

/// Runs the script on an export; true if it finds nothing wrong. That it finds something wrong, it says itself.
fn passes(directory: &Path, export: &[u8], head: &str) -> bool {
    let (file, checker) = (directory.join("export.jsonl"), directory.join("check-journal"));
    fs::write(&file, export).unwrap();
    fs::write(&checker, script()).unwrap();
    let mut command = Command::new("sh");
    command.arg(&checker).arg(&file);
    if !head.is_empty() {
        command.arg(head);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    match output.status.code() {
        Some(0) => true,
        Some(1) if said.starts_with("record ") => false,
        code => panic!("the script ended with {code:?}: {said}"),
    }
}

#[test]
fn an_export_is_checked_with_b3sum_and_none_of_our_code() {
    assert!(
        Command::new("b3sum").arg("--version").output().is_ok_and(|output| output.status.success()),
        "b3sum is not installed, and checking an export without our own code needs it: \
         apt-get install b3sum"
    );
    let scene = Scene::upgraded();
    let whole = scene.run(&["audit", "export"]).stdout;
    let head = scene.ok(&["audit", "head"])["head"].as_str().unwrap().to_owned();
    let check = |export: &[u8], head: &str| passes(scene.path(), export, head);
    assert!(check(&whole, ""), "a whole export was refused");
    assert!(check(&whole, &head), "a whole export with its head was refused");

    let lines = Journal::of(&scene).lines();
    for at in 0..lines.len() {
        let mut edited = lines.clone();
        let middle = edited[at].len() / 3;
        let other = if &edited[at][middle..=middle] == "0" { "1" } else { "0" };
        edited[at].replace_range(middle..=middle, other);
        assert!(!check(edited.concat().as_bytes(), ""), "record {at} was edited");
        if at + 1 < lines.len() {
            let mut removed = lines.clone();
            removed.remove(at);
            assert!(!check(removed.concat().as_bytes(), ""), "record {at} was removed");
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            assert!(!check(swapped.concat().as_bytes(), ""), "record {at} was exchanged");
        }
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at].clone());
        assert!(!check(repeated.concat().as_bytes(), ""), "record {at} is there twice");
        let mut hidden = lines.clone();
        hidden[at].insert(middle, '\0');
        assert!(!check(hidden.concat().as_bytes(), ""), "record {at} has a NUL more");
        let cut = lines[..=at].concat();
        assert!(check(cut.as_bytes(), ""), "nothing but a head tells that records are missing");
        assert_eq!(check(cut.as_bytes(), &head), at + 1 == lines.len(), "cut after record {at}");
    }
    assert!(!check(&whole[..whole.len() - 1], ""), "the last newline is missing");
    assert!(!check(b"", ""), "nothing at all");
    let forged = rewritten(&lines, "\"operation\":\"upgrade\"", "\"operation\":\"recover\"");
    assert!(
        check(forged.concat().as_bytes(), ""),
        "nothing but a head tells that it was rewritten"
    );
    assert!(!check(forged.concat().as_bytes(), &head), "rewritten");
}
