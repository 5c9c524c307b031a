//! `cargo xtask demo`: a FemtoClaw 1.0.x home is adopted, upgraded in one atomic step, and rolled back, with the real command,
//! on authorisations that are signed with keys made on the fly.
//!
//! Nothing is taken on the command's word alone: records are compared by what `export` writes, and the files of generation 1
//! and of the adopted directory are hashed here before and after.

mod records;
mod tool;
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use femtoclaw_catalogue::sample::{SampleDamage, SampleOptions, SampleSummary, write_sample_home};
use integrity::TreeSeal;
use serde::Serialize;
use serde_json::Value;

use crate::runner::build;
use crate::{CommandResult, Failure};
use records::Records;
use tool::{Audience, Tool};

/// Names within the temporary directory.
const SOURCE: &str = "installation";
const HOME: &str = "home";

/// The parts that a rollback restores, by their directory in a generation.
const PARTS: [&str; 5] = ["store", "config", "policy", "extensions", "runtime"];

/// Turns of the sample's conversation: some thousand records.
const SAMPLE_TURNS: u64 = 200;

/// How many lost records are shown when the proof fails.
const LOST_SHOWN: usize = 5;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    home: Option<PathBuf>,
    json: bool,
    release: bool,
    keep: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                "--release" => options.release = true,
                "--keep" => options.keep = true,
                "--home" => {
                    let home = rest.next().ok_or("--home needs a directory")?;
                    options.home = Some(PathBuf::from(home));
                }
                other => return Err(format!("demo takes no argument {other:?}")),
            }
        }
        Ok(options)
    }
}

/// What the demonstration showed, in the order in which it is written.
#[derive(Debug, Serialize)]
struct Outcome {
    r#type: &'static str,
    ok: bool,
    from: String,
    to: String,
    records: u64,
    digest_before: String,
    digest_after_rollback: String,
    journal_records: u64,
}

/// What is written if something could not be shown.
#[derive(Serialize)]
struct Unproven<'a> {
    r#type: &'static str,
    ok: bool,
    error: &'a str,
}

/// The `type` of the line that tells a program how it went.
const TYPE: &str = "demo";

/// Runs the demonstration. Whatever it cannot prove makes it fail.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let options = Options::parse(arguments).map_err(Failure::Usage)?;
    let audience = if options.json { Audience::StandardError } else { Audience::StandardOutput };
    let result = play(&options, audience);
    if let Err(message) = &result {
        audience.say(&format!("\nThe demonstration failed: {message}\n"));
    }
    if options.json {
        println!("{}", result_line(&result));
    }
    Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line of JSON, whatever happened.
fn result_line(result: &Result<Outcome, String>) -> String {
    let line = match result {
        Ok(outcome) => serde_json::to_string(outcome),
        Err(message) => {
            serde_json::to_string(&Unproven { r#type: TYPE, ok: false, error: message })
        }
    };
    line.unwrap_or_else(|error| format!("cannot write the result: {error}"))
}

/// Prepares the stage, lets the acts play, and clears it again.
fn play(options: &Options, audience: Audience) -> Result<Outcome, String> {
    let failed = |error: std::io::Error| format!("cannot prepare the demonstration: {error}");
    let binary = build("femtoclaw-upgrade-cli", "femtoclaw-upgrade", options.release)?;
    let stage = tempfile::Builder::new().prefix("femtoclaw-demo-").tempdir().map_err(failed)?;
    let source = stage.path().join(SOURCE);
    let sample = match &options.home {
        Some(home) => {
            copy_tree(home, &source).map_err(|error| format!("{}: {error}", home.display()))?;
            audience.say(&format!("A copy of {} is upgraded.\n", home.display()));
            None
        }
        None => {
            let damage = SampleDamage::NONE;
            let wanted =
                SampleOptions { records: SAMPLE_TURNS, damage, ..SampleOptions::default() };
            let sample = write_sample_home(&source, &wanted).map_err(failed)?;
            audience.say("A sample home of FemtoClaw 1.0.3 is upgraded.\n");
            Some(sample)
        }
    };
    let tool = Tool { binary, directory: stage.path().to_path_buf(), audience };
    let result = acts(&tool, sample.as_ref());
    if options.keep {
        audience.say(&format!("\nEverything stays in {}\n", stage.keep().display()));
    }
    result
}

fn acts(tool: &Tool, sample: Option<&SampleSummary>) -> Result<Outcome, String> {
    let source = tool.directory.join(SOURCE);
    let first = tool.directory.join(HOME).join("generations").join("1");
    let source_before = seal(&source)?;

    tool.show(&format!("adopt --from {SOURCE} --home {HOME} --yes"))?;
    tool.show(&format!("status --home {HOME}"))?;
    tool.show(&format!("verify --home {HOME}"))?;
    let adopted = Verified::ask(tool, 1)?;
    let parts_before = seal_parts(&first)?;
    let before = export(tool, Some(1))?;
    if let Some(sample) = sample {
        hold_to_sample(&before, sample)?;
    }

    trust::install_keyring(tool)?;
    trust::publish(tool)?;
    trust::upgrade(tool)?;
    tool.show(&format!("status --home {HOME}"))?;
    tool.show(&format!("verify --home {HOME}"))?;
    let upgraded = Verified::ask(tool, 2)?;
    require(upgraded.is_current, "generation 2 is not current after the upgrade")?;
    let after = export(tool, None)?;
    tool.audience
        .say(&format!("\nRecords, as `export` writes them:\n{}", before.compared_with(&after)));
    let lost = before.missing_from(&after);
    require(lost.is_empty(), &format!("{} records are lost: {}", lost.len(), some(&lost)))?;
    tool.audience.say("Every record of generation 1 is in generation 2, byte for byte.\n");

    trust::rollback(tool)?;
    tool.show(&format!("status --home {HOME}"))?;
    tool.show(&format!("verify --home {HOME}"))?;
    tool.show(&format!("history --home {HOME}"))?;
    let restored = Verified::ask(tool, 1)?;
    require(restored.is_current, "generation 1 is not current after the rollback")?;
    require(restored.content == adopted.content, "the digest of generation 1 is not what it was")?;
    let again = export(tool, None)?;
    let differ = again.missing_from(&before).len() + before.missing_from(&again).len();
    require(differ == 0, "the records after the rollback are not those from before")?;
    let parts_after = seal_parts(&first)?;
    for (part, digest) in &parts_before {
        let what = format!("the files of {part} are not what they were");
        require(parts_after.get(part) == Some(digest), &what)?;
    }
    require(seal(&source)? == source_before, "the adopted directory was modified")?;
    let journal_records = count_history(tool)?;
    require(journal_records == restored.journal_records, "history and verify count differently")?;

    let outcome = Outcome {
        r#type: TYPE,
        ok: true,
        from: adopted.version,
        to: upgraded.version,
        records: before.total(),
        digest_before: adopted.content,
        digest_after_rollback: restored.content,
        journal_records,
    };
    tool.audience.say(&summary(&outcome, &after, &parts_after));
    Ok(outcome)
}

fn summary(outcome: &Outcome, after: &Records, parts: &BTreeMap<&str, String>) -> String {
    let Outcome {
        from, to, records, digest_before, digest_after_rollback, journal_records, ..
    } = outcome;
    let mut text = format!(
        "\nIt worked: {from} -> {to} -> {from}\n\
         \n  adopted       {records} records of {from}; the directory they came from was not modified\
         \n  upgraded      {} records of {to}; every record of {from} is among them, byte for byte\
         \n  rolled back   the content is what it was:\
         \n                before  {digest_before}\
         \n                after   {digest_after_rollback}\
         \n  files         hashed before and after, the same:\n",
        after.total()
    );
    for (part, digest) in parts {
        text += &format!("                {part:<12} {digest}\n");
    }
    text + &format!("  journal       {journal_records} records, the chain is intact\n")
}

/// What `verify --json` says of a generation.
struct Verified {
    version: String,
    content: String,
    is_current: bool,
    journal_records: u64,
}

impl Verified {
    fn ask(tool: &Tool, generation: u64) -> Result<Self, String> {
        let result = tool.ask_one(&format!("verify --home {HOME}"), "verified")?;
        let read = || {
            let generations = result.get("generations")?.as_array()?;
            let is_wanted = |found: &&Value| {
                found.get("generation").and_then(Value::as_u64) == Some(generation)
            };
            let found = generations.iter().find(is_wanted)?;
            let version = found.get("versions")?.get("runtime")?.as_str()?.to_owned();
            let content = found.get("content")?.as_str()?.to_owned();
            let is_current = found.get("current")?.as_bool()?;
            let journal_records = result.get("journal_records")?.as_u64()?;
            Some(Self { version, content, is_current, journal_records })
        };
        let verified =
            read().ok_or_else(|| format!("verify says nothing of generation {generation}"))?;
        let is_ok = result.get("ok").and_then(Value::as_bool) == Some(true);
        require(is_ok, &format!("verify found problems: {result}"))?;
        Ok(verified)
    }
}

fn export(tool: &Tool, generation: Option<u64>) -> Result<Records, String> {
    let mut arguments = format!("export --home {HOME}");
    if let Some(generation) = generation {
        arguments += &format!(" --generation {generation}");
    }
    Records::of(&tool.ask(&arguments)?)
}

fn count_history(tool: &Tool) -> Result<u64, String> {
    let lines = tool.ask(&format!("history --home {HOME}"))?;
    let is_record = |line: &&Value| line.get("type").and_then(Value::as_str) == Some("record");
    Ok(lines.iter().filter(is_record).count() as u64)
}

/// The sample says how many records it wrote. Damaged pieces are none of them.
fn hold_to_sample(records: &Records, sample: &SampleSummary) -> Result<(), String> {
    for (keyspace, written) in [
        ("wal", sample.wal),
        ("executions", sample.executions),
        ("history", sample.history),
        ("audit", sample.audit),
        ("telemetry", sample.telemetry),
        ("memory", sample.memory),
    ] {
        let found = records.counts.get(keyspace).copied().unwrap_or_default();
        let what = format!("the sample holds {written} records of {keyspace}, the home {found}");
        require(found == written, &what)?;
    }
    Ok(())
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn some(texts: &[String]) -> String {
    texts.iter().take(LOST_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn seal(directory: &Path) -> Result<String, String> {
    let seal = TreeSeal::of_tree(directory, |_| false).map_err(|error| error.to_string())?;
    Ok(seal.digest("").to_string())
}

fn seal_parts(generation: &Path) -> Result<BTreeMap<&'static str, String>, String> {
    PARTS.iter().map(|part| Ok((*part, seal(&generation.join(part))?))).collect()
}

/// Copies a directory, so that the original is never near a command that writes. Links are copied as links.
fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        } else {
            let what = format!("{} is neither file nor directory", entry.path().display());
            return Err(std::io::Error::other(what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_command_line_is_read_and_what_is_unknown_refused() {
        let options = Options::parse(&words("--json --home /old --release --keep")).unwrap();
        let home = Some(PathBuf::from("/old"));
        assert_eq!(options, Options { home, json: true, release: true, keep: true });
        for wrong in ["--home", "--force", "old"] {
            assert!(Options::parse(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_result_is_one_line_either_way() {
        let good = result_line(&Ok(Outcome {
            r#type: TYPE,
            ok: true,
            from: "1.0.3".to_owned(),
            to: "2.0.0".to_owned(),
            records: 7,
            digest_before: "a".to_owned(),
            digest_after_rollback: "a".to_owned(),
            journal_records: 14,
        }));
        let expected = concat!(
            r#"{"type":"demo","ok":true,"from":"1.0.3","to":"2.0.0","records":7,"#,
            r#""digest_before":"a","digest_after_rollback":"a","journal_records":14}"#
        );
        assert_eq!(good, expected);
        let bad = result_line(&Err("two\nlines".to_owned()));
        assert_eq!(bad, r#"{"type":"demo","ok":false,"error":"two\nlines"}"#);
    }

    #[test]
    fn a_sample_whose_records_are_not_all_there_is_noticed() {
        let line = json!({"type": "record", "keyspace": "wal", "original": "a"});
        let records = Records::of(&[line.clone(), line]).unwrap();
        let sample = SampleSummary { wal: 2, ..SampleSummary::default() };
        assert!(hold_to_sample(&records, &sample).is_ok());
        let more = SampleSummary { wal: 3, ..SampleSummary::default() };
        assert!(hold_to_sample(&records, &more).unwrap_err().contains("wal"));
    }

    #[test]
    fn a_copy_leaves_the_original_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("inner")).unwrap();
        fs::write(from.join("inner/file"), "text").unwrap();
        let before = seal(&from).unwrap();
        copy_tree(&from, &to).unwrap();
        assert_eq!(seal(&to).unwrap(), before);
        fs::write(to.join("inner/file"), "other").unwrap();
        assert_eq!(seal(&from).unwrap(), before);
    }
}
