//! The table of attacks, end to end: each on a home of its own with a keyring, by the real command. Each has an error of its
//! own and its exit code; nothing of the home changes, but that a refusal for want of authority is put on record; nothing
//! hangs; and what was legitimately signed goes on to work.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use upgrade::{EngineOptions, HomeView};
use versioning::{FixedClock, Timestamp};

use crate::support::json_lines;
use ground::{Case, Ground, Stage, environment};

mod archives;
mod ground;
mod homes;
mod journals;
mod keyrings;
mod packages;
mod statements;

/// How many attacks are run at the same time.
const THREADS: usize = 3;

/// What an attack may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// Nothing at all.
    Nothing,
    /// One record: who was refused what, and why.
    Refusal,
    /// The records of an attempt that ended without effect.
    Attempt,
}

/// One attack.
struct Attack {
    name: &'static str,
    stage: Stage,
    error: &'static str,
    exit: i32,
    leaves: Leaves,
    /// Whether the legitimate upgrade is tried afterwards, which must succeed.
    then_legitimate: bool,
    /// What is done to the home before, where the command line alone is no attack.
    before: Option<fn(&Case<'_>)>,
    /// Prepares what is given to the command, and returns the command line that is refused.
    prepare: fn(&Case<'_>) -> Vec<String>,
}

impl Attack {
    /// Refused for want of authority, on a home that was never upgraded: it goes on record.
    fn refused(
        name: &'static str,
        error: &'static str,
        prepare: fn(&Case<'_>) -> Vec<String>,
    ) -> Self {
        let (stage, leaves) = (Stage::Secured, Leaves::Refusal);
        let (before, then_legitimate) = (None, false);
        Self { name, stage, error, exit: 5, leaves, then_legitimate, before, prepare }
    }

    /// Refused without a record.
    fn unrecorded(self) -> Self {
        Self { leaves: Leaves::Nothing, ..self }
    }

    fn exit(self, exit: i32) -> Self {
        Self { exit, ..self }
    }

    fn on(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// By another command.
    fn command(self, prepare: fn(&Case<'_>) -> Vec<String>) -> Self {
        Self { prepare, ..self }
    }

    fn undone(self) -> Self {
        Self { leaves: Leaves::Attempt, ..self }
    }

    fn then_legitimate(self) -> Self {
        Self { then_legitimate: true, ..self }
    }
}

/// Everything below a home with its kind, permissions and content, but for the journal's files and the file that holds a
/// process id.
fn snapshot(home: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![home.to_path_buf()];
    while let Some(path) = pending.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let (kind, mode) = (metadata.file_type(), metadata.permissions().mode());
        let relative = path.strip_prefix(home).unwrap().to_path_buf();
        let is_passed_over =
            relative == Path::new("lock") || relative.parent() == Some(Path::new("journal"));
        let content = if kind.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            pending.extend(entries.map(|entry| entry.unwrap().path()));
            "directory".to_owned()
        } else if kind.is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_file() && !is_passed_over {
            upgrade::Digest::of(&fs::read(&path).unwrap()).to_string()
        } else if kind.is_fifo() {
            "pipe".to_owned()
        } else {
            String::new()
        };
        if !is_passed_over || !kind.is_file() {
            found.insert(relative, format!("{mode:o} {content}"));
        }
    }
    found
}

/// The bytes of the journal's files, as far as they are files.
fn journal_files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(home.join("journal")).into_iter().flatten().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|file| (file.path(), fs::read(file.path()).unwrap())).collect()
}

/// The records of a journal that is whole.
fn records(home: &Path) -> Result<Vec<Value>, String> {
    let (clock, engine) = (FixedClock(Timestamp::EPOCH), EngineOptions::default());
    let view = HomeView::read(home, environment(&clock, &engine));
    let view = view.map_err(|error| format!("the journal is not whole any more: {error}"))?;
    Ok(view.records().iter().map(|record| serde_json::to_value(record).unwrap()).collect())
}

fn run(ground: &Ground, attack: &Attack) -> Result<(), String> {
    let case = Case::new(ground, attack.stage);
    if let Some(change) = attack.before {
        change(&case);
    }
    let line = (attack.prepare)(&case);
    let home = case.home();
    let (before, journal) = (snapshot(&home), journal_files(&home));
    let recorded = if attack.leaves == Leaves::Nothing { Vec::new() } else { records(&home)? };
    let output = case.run(&line)?;
    expect_error(attack, &output)?;
    let after = snapshot(&home);
    if before != after {
        let lost = before.iter().filter(|entry| after.get(entry.0) != Some(entry.1));
        let come = after.iter().filter(|entry| before.get(entry.0) != Some(entry.1));
        return Err(format!(
            "the home changed: {:?} became {:?}",
            lost.collect::<Vec<_>>(),
            come.collect::<Vec<_>>()
        ));
    }
    match attack.leaves {
        Leaves::Nothing if journal_files(&home) != journal => {
            return Err("the journal changed".to_owned());
        }
        Leaves::Nothing => {}
        leaves => expect_records(attack, leaves, &recorded, &records(&home)?)?,
    }
    if attack.then_legitimate {
        let output = case.run(&case.legitimate())?;
        if output.status.code() != Some(0) {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the legitimate upgrade does not work any more: {error}"));
        }
    }
    Ok(())
}

/// The error is the one of the table, and says what is wrong, what state the home is in, and what comes next.
fn expect_error(attack: &Attack, output: &std::process::Output) -> Result<(), String> {
    let text = String::from_utf8_lossy(&output.stderr);
    if output.stdout.is_empty() {
        return Err(format!("it ended with {} and said nothing: {text}", output.status));
    }
    let last = json_lines(output).pop().unwrap();
    let found = (output.status.code(), last["error"].as_str());
    if found != (Some(attack.exit), Some(attack.error)) {
        return Err(format!("it ended with {found:?}: {last}"));
    }
    if last["exit_code"] != attack.exit {
        return Err(format!("it tells another exit code: {last}"));
    }
    for part in ["message", "condition", "next"] {
        let sentence = last[part].as_str().unwrap_or_default();
        if sentence.is_empty() || !text.contains(sentence) {
            return Err(format!("{part} is missing: {last}\n{text}"));
        }
    }
    if text.contains("panicked") {
        return Err(format!("it panicked: {text}"));
    }
    Ok(())
}

/// What went on record is what may: nothing that was there changed, and what came is the refusal alone, or an attempt that
/// ended without effect.
fn expect_records(
    attack: &Attack,
    leaves: Leaves,
    before: &[Value],
    after: &[Value],
) -> Result<(), String> {
    let Some(come) = after.strip_prefix(before) else {
        return Err("what was on record changed".to_owned());
    };
    let kinds: Vec<&str> =
        come.iter().map(|record| record["event"]["type"].as_str().unwrap()).collect();
    let is_right = match leaves {
        Leaves::Refusal => kinds == ["REFUSED"] && come[0]["event"]["error"] == attack.error,
        _ => kinds.first() == Some(&"AUTHORIZED") && kinds.last() == Some(&"ABORTED"),
    };
    if is_right { Ok(()) } else { Err(format!("on record came {come:?}")) }
}

/// Runs all attacks of a table, and names every one that went otherwise than it says.
fn run_all(ground: &Ground, attacks: &[Attack]) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(attack) = attacks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = catch_unwind(AssertUnwindSafe(|| run(ground, attack)));
                    let problem = match result {
                        Ok(Ok(())) => continue,
                        Ok(Err(problem)) => problem,
                        Err(_) => "it could not be prepared".to_owned(),
                    };
                    wrong.lock().unwrap().push(format!("{}: {problem}", attack.name));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
}

/// How many attacks there must be at least, archives not counted.
const ATTACKS: usize = 60;

// trace: test FC-21.2 FC-23.3
#[test]
fn every_attack_is_refused_by_name_and_changes_nothing() {
    let ground = Ground::new();
    let mut attacks = statements::attacks();
    attacks.extend(packages::attacks());
    attacks.extend(keyrings::attacks());
    attacks.extend(journals::attacks());
    attacks.extend(homes::attacks());
    assert!(attacks.len() >= ATTACKS, "there are {}", attacks.len());
    let names: std::collections::BTreeSet<&str> = attacks.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), attacks.len(), "two have the same name");
    run_all(&ground, &attacks);
    archives::all_are_refused(&ground);
    keyrings::what_is_signed_anew_may_be_revoked(&ground);
    journals::what_nobody_can_see_without_a_copy(&ground);
}
