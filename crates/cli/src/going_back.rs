//! `rollback` and `export`: going back, and what becomes of what was written since.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use upgrade::{
    DataPolicy, Error, Generation, Home, Operation, RevertedRecords, RollbackRequest, RolledBack,
    Since, TelemetrySink,
};
use versioning::GenerationNumber;

use crate::commands::{PRIVATE, Session};
use crate::consent::ask;
use crate::failure::Failure;
use crate::help::PROGRAM;
use crate::interrupt;
use crate::output::{Output, Style};
use crate::progress::ProgressLine;
use crate::shell::command_line;
use crate::trust::arguments::AuthorityArguments;

/// What becomes of the records that were written since the current generation was activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Data {
    /// They stay in the generation that is left, and can be exported.
    SetAside,
    /// They are carried back into a new generation, and proven to be there.
    Preserve,
}

impl From<Data> for DataPolicy {
    fn from(data: Data) -> Self {
        match data {
            Data::SetAside => Self::SetAside,
            Data::Preserve => Self::Preserve,
        }
    }
}

/// How to go back.
#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    #[command(flatten)]
    authority: AuthorityArguments,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", default_value = "asked for by the operator")]
    reason: String,
    /// What becomes of the records that were written since the current generation was activated.
    #[arg(long, value_enum, default_value_t = Data::SetAside, value_name = "HOW")]
    data: Data,
    /// Do not count the records on both sides: going back then takes no longer for many records than for few.
    #[arg(long)]
    no_count: bool,
    /// First read all of the generation before, down to every record: in any case all of its files are held to their seal, but of
    /// the tables of its store only names and sizes.
    #[arg(long)]
    verify: bool,
    /// Show what would be done. Writes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What to export.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The generation; the current one if there is none.
    #[arg(long, value_name = "N")]
    generation: Option<GenerationNumber>,
    /// Only what was written since that generation was activated, with what became of each record.
    #[arg(long)]
    since_activation: bool,
    /// Write to this new file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

// trace: impl FC-22.2.3
/// Goes back.
pub(crate) fn rollback(
    session: &Session<'_>,
    arguments: &RollbackArguments,
    telemetry: &mut dyn TelemetrySink,
    output: &mut Output,
) -> Result<u8, Failure> {
    let view = session.view()?;
    let data = DataPolicy::from(arguments.data);
    let planned = view.plan_rollback(data)?;
    session.learned.to(&planned.to_version);
    if arguments.dry_run {
        output.result("would-roll-back", &planned, |_| would_roll_back(&planned))?;
        return Ok(0);
    }
    let authority = &arguments.authority;
    let authorization = session.authority(&view, Operation::Rollback, authority, telemetry)?;
    let (from, to) = (&planned.from_version, &planned.to_version);
    ask(&format!("Go back from {from} to {to}?"), session.common.yes)?;
    let mut line = ProgressLine::new();
    let mut home = session.open(telemetry)?;
    if arguments.verify {
        let wanted = |generation| generation == planned.restored;
        home.verify_only(wanted, &mut |progress| line.show(progress))?.into_result(&home)?;
    }
    if data == DataPolicy::Preserve {
        interrupt::cancels(&session.cancellation);
    }
    let (reason, count) = (arguments.reason.as_str(), !arguments.no_count);
    let request = RollbackRequest { reason, data, count };
    let done = home.rollback(Some(&planned), Some(authorization), request, &mut |progress| {
        line.show(progress);
    })?;
    drop(line);
    output.done("rolled-back", &done, |style| rolled_back(&done, &session.home, style));
    Ok(0)
}

fn would_roll_back(planned: &RolledBack) -> String {
    let RolledBack { from, from_version, to, to_version, restored, .. } = planned;
    let (what, kept) = match planned.data {
        DataPolicy::SetAside => (
            format!("generation {to} ({to_version}), exactly as it was left"),
            "all of its records",
        ),
        DataPolicy::Preserve => (
            format!(
                "a new generation {to} ({to_version}): generation {restored} with what was written since"
            ),
            "all of its records, which are carried back besides",
        ),
    };
    format!(
        "Would go back from generation {from} ({from_version})\nto {what}.\n\
         Generation {from} would be kept with {kept}. Nothing was written.\n"
    )
}

fn rolled_back(done: &RolledBack, home: &Path, style: &Style) -> String {
    let RolledBack { from, from_version, to, restored, .. } = done;
    let version = style.strong(&done.to_version.to_string());
    let mut text = match done.data {
        DataPolicy::SetAside => {
            format!("Generation {to} ({version}) is current again, exactly as it was left.\n")
        }
        DataPolicy::Preserve => format!(
            "Generation {to} ({version}) is current: generation {restored} with what was written since.\n\
             Led forward again, it is what generation {from} holds, record for record.\n"
        ),
    };
    text += &counted(done);
    let _ = writeln!(text, "Generation {from} ({from_version}) is kept with all of its records:");
    let export =
        ["export", "--home", &home.display().to_string(), "--generation", &from.to_string()];
    let words = [PROGRAM].iter().chain(&export).chain(&["--since-activation"]);
    text += &command_line(&words.map(ToString::to_string).collect::<Vec<_>>(), 2);
    text
}

/// The records on both sides, as far as they were counted.
fn counted(done: &RolledBack) -> String {
    let mut text = String::new();
    if let Some(RevertedRecords { activated, left, restored }) = done.records {
        let since = left.saturating_sub(activated);
        let (from, to) = (done.from, done.to);
        let _ = writeln!(
            text,
            "Generation {from} holds {left} ledger records, of which {since} were written since.\n\
             Generation {to} holds {restored}, as its schema counts them."
        );
    }
    if let Some(reason) = &done.not_counted {
        let _ = writeln!(text, "The ledger records could not be counted: {reason}.");
    }
    text
}

/// Writes records as JSON Lines.
pub(crate) fn export(
    session: &Session<'_>,
    arguments: &ExportArguments,
    telemetry: &mut dyn TelemetrySink,
    output: &mut Output,
) -> Result<u8, Failure> {
    let home = session.open_to_read(telemetry)?;
    let generation = home.generation(arguments.generation)?;
    let exporting = Exporting { home: &home, generation: &generation };
    let number = generation.number();
    let value = if arguments.since_activation {
        let since = exporting.to(arguments.output.as_deref(), |to, out| {
            to.home.export_since_activation(to.generation, out)
        })?;
        tell(&since, number);
        merged(json!({"generation": number}), &since)
    } else {
        let records = exporting
            .to(arguments.output.as_deref(), |to, out| to.home.export(to.generation, out))?;
        json!({"generation": number, "records": records})
    };
    if output.is_json() {
        output.result("exported", &value, |_| String::new())?;
    }
    Ok(0)
}

/// On standard error, since standard output may be the records.
fn tell(since: &Since, generation: GenerationNumber) {
    let Since { added, changed, removed, compared_with, as_activated } = since;
    let mut text = match compared_with {
        None => format!("No runtime has started on generation {generation}.\n"),
        Some(_) => format!("{added} added, {changed} changed, {removed} removed.\n"),
    };
    if let (Some(base), false) = (compared_with, as_activated) {
        let _ = writeln!(
            text,
            "Generation {base}, which it was built from, has gone on since: what was removed is not told."
        );
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

fn merged(mut value: Value, since: &Since) -> Value {
    if let (Value::Object(all), Ok(Value::Object(more))) = (&mut value, serde_json::to_value(since))
    {
        all.extend(more);
    }
    value
}

struct Exporting<'x, 'h> {
    home: &'x Home<'h>,
    generation: &'x Generation,
}

impl Exporting<'_, '_> {
    /// To standard output, or into a new file, private to its owner, that is there whole or not at all.
    fn to<T>(
        &self,
        file: Option<&Path>,
        export: impl FnOnce(&Self, &mut dyn Write) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let Some(path) = file else {
            return Ok(export(self, &mut BufWriter::new(io::stdout().lock()))?);
        };
        let failed = |error| Failure::File { path: path.to_path_buf(), error };
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(PRIVATE).open(path).map_err(failed)?;
        let result = export(self, &mut BufWriter::new(&file))
            .map_err(Failure::from)
            .and_then(|done| file.sync_all().map(|()| done).map_err(failed));
        if result.is_err() {
            // Half an export would be taken for a whole one.
            let _ = std::fs::remove_file(path);
        }
        result
    }
}
