//! `audit`: what the journal says, whether it is whole, and its literal lines for whoever checks it elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use upgrade::{AuditTrail, Environment, Event, HeadViolation, JournalHead, Record, Stretch};
use versioning::{GenerationNumber, Timestamp, Versions};

use crate::failure::Failure;
use crate::human::{facts, first_line, printable};
use crate::output::{Output, Style};
use crate::style::hung;
use crate::trust::files::write_new;

/// How much of a line that is no record is shown to people, in bytes.
const SHOWN_OF_UNREADABLE: usize = 160;

/// What to ask of the journal. None of it takes the lock or writes to the home.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show every attempt: operation, authority, operator, steps, outcome, times, versions. Of a damaged journal, all that can be read.
    Show {
        /// Only this attempt, by its number.
        #[arg(long, value_name = "N")]
        attempt: Option<u64>,
        /// Only attempts that have a record of this time or later, such as 2026-11-23T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
    /// Check the journal's chain of hashes, its witness, and that its history is a legal one.
    Verify {
        /// Also check that it still has this record, as `audit head` printed it. Exit code 6 if it was cut or rewritten.
        #[arg(long, value_name = "SEQ:DIGEST")]
        head: Vec<JournalHead>,
    },
    /// Print the last record's number and hash, and its time. Kept elsewhere, it shows later whether the journal was cut.
    Head,
    /// Write the journal's lines, byte for byte. Of a damaged journal, all that is there.
    Export {
        /// Write to this new file instead of standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Runs one of them.
// trace: impl FC-22.4
pub(crate) fn run(
    command: &AuditCommand,
    home: &Path,
    environment: Environment<'_>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let trail = AuditTrail::read(home, environment)?;
    match command {
        AuditCommand::Show { attempt, since } => show(trail, *attempt, *since, output),
        AuditCommand::Verify { head } => verify(trail, head, output),
        AuditCommand::Head => print_head(trail, output),
        AuditCommand::Export { output: file } => export(trail, file.as_deref(), output),
    }
}

fn show(
    trail: AuditTrail,
    attempt: Option<u64>,
    since: Option<Timestamp>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let wanted: BTreeSet<u64> = trail
        .records()
        .filter(|record| since.is_none_or(|since| record.time >= since))
        .map(|record| record.attempt)
        .filter(|number| attempt.is_none_or(|attempt| attempt == *number))
        .collect();
    let shown = || {
        // What cannot be read may belong to any attempt.
        trail.stretches().iter().filter(|stretch| match stretch {
            Stretch::Record { record, .. } => wanted.contains(&record.attempt),
            Stretch::Unreadable { .. } => true,
        })
    };
    if output.is_json() {
        let (mut records, mut unreadable) = (0_u64, 0_u64);
        for stretch in shown() {
            match stretch {
                Stretch::Record { record, misplaced, .. } => {
                    records += 1;
                    let mut value = serde_json::to_value(record).unwrap_or_default();
                    if let (Some(reason), Some(value)) = (misplaced, value.as_object_mut()) {
                        value.insert("misplaced".to_owned(), json!(reason));
                    }
                    output.result("record", &value, |_| String::new())?;
                }
                Stretch::Unreadable { at, reason } => {
                    unreadable += 1;
                    let value = json!({"offset": at.start, "bytes": at.len(), "reason": reason});
                    output.result("unreadable", &value, |_| String::new())?;
                }
            }
        }
        let value = json!({
            "records": trail.records().count(), "shown": records, "attempts": wanted.len(),
            "unreadable": unreadable, "ok": trail.problem().is_none(),
        });
        output.result("audit", &value, |_| String::new())?;
    } else {
        output.result("audit", &json!({}), |style| {
            let mut report = Report::new(&trail, style);
            shown().for_each(|stretch| report.add(stretch));
            report.finish()
        })?;
    }
    trail.finish()?;
    Ok(0)
}

fn verify(trail: AuditTrail, heads: &[JournalHead], output: &mut Output) -> Result<u8, Failure> {
    if trail.problem().is_some() {
        trail.finish()?;
        return Ok(0);
    }
    let violations: Vec<HeadViolation> =
        heads.iter().filter_map(|head| trail.hold_to(*head).err()).collect();
    if !violations.is_empty() {
        return Err(Failure::Head(violations));
    }
    let records = trail.records().count();
    let (first, last) = (trail.records().next(), trail.records().last());
    let (first, last) = (first.map(|record| record.time), last.map(|record| record.time));
    let head = trail.head().map(|(head, _)| head.to_string());
    let held: Vec<String> = heads.iter().map(ToString::to_string).collect();
    let value = json!({
        "ok": true, "records": records, "first": first, "last": last, "head": head, "held": held,
    });
    output.result("audit-verified", &value, |style| {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let mut text = format!(
            "journal  {records} records, intact\nfrom     {} to {}\nhead     {}\n",
            time(first),
            time(last),
            head.unwrap_or_default()
        );
        for head in &held {
            let _ = writeln!(text, "held     {head}");
        }
        let _ = writeln!(text, "{}", style.strong("The journal is whole in itself."));
        if held.is_empty() {
            text += "That it was not cut or rewritten as a whole takes a head that was kept\nelsewhere: --head.\n";
        }
        text
    })?;
    Ok(0)
}

fn print_head(trail: AuditTrail, output: &mut Output) -> Result<u8, Failure> {
    if let Some((head, record)) = trail.head() {
        let (seq, hash, time) = (head.seq, head.hash, record.time);
        let value = json!({"head": head.to_string(), "seq": seq, "hash": hash, "time": time});
        output.result("audit-head", &value, |_| format!("{head} {time}\n"))?;
    }
    trail.finish()?;
    Ok(0)
}

fn export(trail: AuditTrail, file: Option<&Path>, output: &mut Output) -> Result<u8, Failure> {
    match file {
        None => {
            let mut standard = io::stdout().lock();
            standard.write_all(trail.lines()).and_then(|()| standard.flush())?;
        }
        Some(path) => {
            write_new(path, trail.lines())?;
        }
    }
    if output.is_json() {
        let value = json!({
            "records": trail.records().count(), "bytes": trail.lines().len(),
            "ok": trail.problem().is_none(),
        });
        output.result("audit-exported", &value, |_| String::new())?;
    }
    trail.finish()?;
    Ok(0)
}

/// The text for people: attempt by attempt.
struct Report<'a> {
    style: &'a Style,
    text: String,
    /// The journal as it lies on disk.
    lines: &'a [u8],
    /// The versions of every generation, as the whole journal has them.
    versions: BTreeMap<GenerationNumber, &'a Versions>,
    /// The records of the attempt that is being told.
    attempt: Vec<&'a Record>,
}

impl<'a> Report<'a> {
    fn new(trail: &'a AuditTrail, style: &'a Style) -> Self {
        let mut versions = BTreeMap::new();
        for record in trail.records() {
            match &record.event {
                Event::Prepared { to, target, .. } => versions.insert(*to, &**target),
                Event::Recovered { generation, versions: found, .. } => {
                    versions.insert(*generation, &**found)
                }
                _ => None,
            };
        }
        Self { style, text: String::new(), lines: trail.lines(), versions, attempt: Vec::new() }
    }

    fn add(&mut self, stretch: &'a Stretch) {
        match stretch {
            Stretch::Record { record, misplaced, .. } => {
                if self.attempt.last().is_none_or(|last| last.attempt != record.attempt) {
                    self.end_attempt();
                    self.begin_attempt(record);
                }
                self.line(record);
                if let Some(reason) = misplaced {
                    self.text.push_str(&hung("   !  ", &printable(reason)));
                }
                self.prepared(record);
                self.attempt.push(record);
            }
            Stretch::Unreadable { at, reason } => {
                let (reason, end) = (printable(reason), at.end);
                let start = at.start;
                let what = format!("bytes {start} to {end} are no record: {reason}");
                self.text.push_str(&hung("   !  ", &what));
                let bytes = self.lines.get(at.clone()).unwrap_or_default();
                let bytes = bytes.get(..SHOWN_OF_UNREADABLE).unwrap_or(bytes);
                let shown = printable(&String::from_utf8_lossy(bytes));
                let _ = writeln!(self.text, "      {shown}");
            }
        }
    }

    fn begin_attempt(&mut self, record: &Record) {
        let title = match &record.event {
            Event::Authorized { operation, authority, operator, .. } => {
                format!("{operation}, by {operator}, authority: {authority}")
            }
            // The first record of all, and what a runtime does: no attempt to change anything.
            _ => return,
        };
        let title = format!("attempt {}: {}", record.attempt, printable(&title));
        let gap = if self.text.is_empty() || self.text.ends_with("\n\n") { "" } else { "\n" };
        let _ = writeln!(self.text, "{gap}{}", self.style.strong(&title));
    }

    fn line(&mut self, record: &Record) {
        let (seq, time, name) = (record.seq, record.time.to_string(), record.event.name());
        let facts = printable(&facts(&record.event));
        self.text.push_str(&hung(&format!("{seq:>4}  {time:<30}  {name:<11} "), &facts));
    }

    /// What the line of a PREPARED record has no room for.
    fn prepared(&mut self, record: &Record) {
        let Event::Prepared { from, to, previous, target, plan, .. } = &record.event else {
            return;
        };
        if let (Some(from), Some(previous)) = (from, previous) {
            let what = format!("generation {from}: {}", described(previous));
            self.text.push_str(&hung("      from   ", &what));
        }
        let what = format!("generation {to}: {}", described(target));
        self.text.push_str(&hung("      to     ", &what));
        let _ = writeln!(self.text, "      plan   {plan}");
    }

    fn end_attempt(&mut self) {
        let records = std::mem::take(&mut self.attempt);
        let authorized = |record: &&&Record| matches!(record.event, Event::Authorized { .. });
        if let (Some(_), Some(last)) = (records.first().filter(authorized), records.last()) {
            let outcome = printable(&self.outcome(&last.event));
            self.text.push_str(&hung("      outcome: ", &outcome));
            self.text.push('\n');
        }
    }

    fn outcome(&self, event: &Event) -> String {
        let named = |generation: &GenerationNumber| match self.versions.get(generation) {
            Some(versions) => format!("generation {generation} ({})", versions.runtime),
            None => format!("generation {generation}"),
        };
        match event {
            Event::Activated { generation, tries: 0 } => {
                format!("{} is current", named(generation))
            }
            Event::Activated { generation, .. } => {
                format!("{} is current, on trial", named(generation))
            }
            Event::Confirmed { generation } => format!("{} is confirmed", named(generation)),
            Event::Reverted { from, to, .. } => {
                let left = named(from);
                let left = left.trim_start_matches("generation ");
                format!("{} is current again, and {left} is kept", named(to))
            }
            Event::Recovered { generation, .. } => {
                format!("{} is current, in a journal that was begun anew", named(generation))
            }
            Event::Collected { generation } => format!("{} was removed", named(generation)),
            Event::Aborted { reason } => format!("without effect: {}", first_line(reason)),
            _ => "none: it goes on, or was interrupted".to_owned(),
        }
    }

    fn finish(mut self) -> String {
        self.end_attempt();
        self.text
    }
}

fn described(versions: &Versions) -> String {
    format!(
        "runtime {}, storage schema {}, configuration schema {}, protocol {}, capabilities {}, extensions {}",
        versions.runtime,
        versions.storage,
        versions.configuration,
        versions.protocol,
        versions.capabilities,
        versions.extensions
    )
}
