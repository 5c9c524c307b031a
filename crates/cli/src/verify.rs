//! `verify`: is everything still what was sealed, to the depth that was asked for?

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;
use upgrade::{Depth, Home, VerifiedGeneration, VerifyReport};

use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::progress::ProgressLine;
use crate::style::hung;

/// What each depth detects, in few words; `docs/verify.md` says it in full.
pub(crate) const DEPTHS: &str = "What is detected:
  --quick    damage of the journal and of manifests; files that are missing, added, of another
             size or no longer executable. Not: other bytes in a file of the same size
  --files    as well: every byte of every file that is not what was sealed
  (default)  as well: every record, read through the storage engine, that is not what was
             sealed, or that breaks its schema

The store of a generation is sealed until a runtime first starts on it. From then on it is the
runtime's to write to: --quick and --files leave it out (--files holds it to the bytes that it had
when its generation was left, if it was), and the default reads every record of it, which finds what
the engine's own checksums and the schema can tell, and not a record that was changed with care.
Exit code 6, and every file named, if anything is not what was sealed; 8 if the journal is damaged.";

/// How deep to look.
#[derive(Debug, Args)]
pub(crate) struct DepthArguments {
    /// Look at journal and manifests, and at names, sizes and permissions of the files. Reads no file but these.
    #[arg(long, conflicts_with = "files")]
    quick: bool,
    /// Read every byte of every file as well, and hold it to its seal; do not open the stores.
    #[arg(long)]
    files: bool,
}

impl DepthArguments {
    /// As the upgrade system takes it.
    pub(crate) fn depth(&self) -> Depth {
        match (self.quick, self.files) {
            (true, _) => Depth::Quick,
            (false, true) => Depth::Files,
            (false, false) => Depth::Records,
        }
    }
}

/// Verifies a home.
// trace: impl FC-22.2.2
pub(crate) fn run(home: &Home<'_>, depth: Depth, output: &mut Output) -> Result<u8, Failure> {
    let mut line = ProgressLine::new();
    let report = home.verify_to(depth, &mut |progress| line.show(progress))?;
    drop(line);
    let mut value = serde_json::to_value(&report).unwrap_or_default();
    if let Value::Object(value) = &mut value {
        value.insert("ok".to_owned(), report.problems.is_empty().into());
    }
    output.result("verified", &value, |style| text(&report, style))?;
    report.into_result(home)?;
    Ok(0)
}

fn text(report: &VerifyReport, style: &Style) -> String {
    let mut text = hung("depth         ", described(report.depth));
    let _ = writeln!(text, "journal       {} records, intact", report.journal_records);
    for generation in &report.generations {
        let mark = if generation.current { "●" } else { " " };
        let before = format!(
            "generation {mark} {:<3} {:<12} ",
            generation.generation.to_string(),
            generation.versions.runtime.to_string()
        );
        text.push_str(&hung(&before, &state(generation, report.depth)));
        if let Some(store) = store(generation) {
            let _ = writeln!(text, "                {store}");
        }
        if let Some(logical) = &generation.logical {
            let _ = writeln!(text, "                state    {}", logical.state);
            let _ = writeln!(text, "                content  {}", logical.content);
        }
    }
    if !report.unlisted.is_empty() {
        let unlisted: Vec<String> = report.unlisted.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "not in this journal: generation {}", unlisted.join(", "));
    }
    if report.problems.is_empty() {
        let _ = writeln!(text, "{}", style.strong(conclusion(report.depth)));
    }
    text
}

fn described(depth: Depth) -> &'static str {
    match depth {
        Depth::Quick => "quick: journal, manifests, and the shape of every file",
        Depth::Files => "files: journal, manifests, and every byte of every file",
        Depth::Records => "records: journal, manifests, every byte of every file, and every record",
    }
}

/// What is true of a generation in which no problem was found.
fn state(generation: &VerifiedGeneration, depth: Depth) -> String {
    let files = generation.files;
    let written = generation.written_to;
    match (depth, &generation.logical) {
        (Depth::Records, Some(logical)) => {
            let state = if written {
                "intact, and written to by a runtime since it was sealed"
            } else {
                "exactly as sealed"
            };
            format!("{files} files, {} records, {state}", logical.records)
        }
        (depth, _) => {
            let state = if depth == Depth::Quick { "of the sealed shape" } else { "as sealed" };
            format!("{files} files {state}")
        }
    }
}

/// What is true of a store that a runtime has written to, where its records were not read.
fn store(generation: &VerifiedGeneration) -> Option<&'static str> {
    let read = generation.logical.is_some();
    match (generation.written_to && !read, generation.held_as_left) {
        (false, _) => None,
        (true, true) => Some("the store, written to by a runtime, as it was left"),
        (true, false) => Some("the store, written to by a runtime, was not looked at"),
    }
}

fn conclusion(depth: Depth) -> &'static str {
    match depth {
        Depth::Quick => {
            "Nothing is missing or of another shape. No file but the manifests was read."
        }
        Depth::Files => "Every file is as it should be. No store was opened.",
        Depth::Records => "Everything is as it should be.",
    }
}
