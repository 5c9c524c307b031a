//! Reading a file of records to its end: what is in it, and what is out of the ordinary.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use super::evidence::Evidence;
use super::repeated::{Numbers, Seen, Texts};
use super::report::Report;
use crate::json::{Fields, altered_numbers};
use crate::pieces::{Damage, Ending, Layout, Limits, Piece, PieceError, Totals, read_pieces};
use crate::record::{RecordKind, WalEvent};
use crate::role::Role;
use crate::schema2::normalize;

/// At most this many names of unknown fields are told apart in one file.
const MAXIMUM_UNKNOWN_FIELDS: usize = 16;

/// Reads a file whose role says that it holds records.
///
/// Returns the role as well: a log that begins like a memory log and then holds other events is an execution log.
pub(crate) fn scan(
    path: &Path,
    role: Role,
    report: &mut Report,
    evidence: &mut Evidence,
) -> Result<(Role, Totals), PieceError> {
    let mut scan = Scan::new(role);
    let totals = scan.run(path, report, evidence)?;
    if role == Role::MemoryWal && scan.foreign_event.is_some() {
        let line = scan.foreign_event;
        *report = Report::new(report.file());
        let message = "an event that is not push: taken for a log of executions, not of memory";
        report.kept(line, message);
        let mut again = Scan::new(Role::Wal);
        return Ok((Role::Wal, again.run(path, report, evidence)?));
    }
    Ok((role, totals))
}

struct Scan {
    role: Role,
    numbers: Numbers,
    texts: Texts,
    /// By name: the line where it was first, and in how many records.
    unknown: BTreeMap<String, (u64, u64)>,
    /// The line of the first altered literal, and how many.
    altered: Option<(u64, u64)>,
    forgotten: Option<u64>,
    foreign_event: Option<u64>,
    /// The last line that is longer than a record may be.
    too_long: Option<u64>,
    last_line: u64,
}

impl Scan {
    fn new(role: Role) -> Self {
        Self {
            role,
            numbers: Numbers::default(),
            texts: Texts::default(),
            unknown: BTreeMap::new(),
            altered: None,
            forgotten: None,
            foreign_event: None,
            too_long: None,
            last_line: 1,
        }
    }

    fn run(
        &mut self,
        path: &Path,
        report: &mut Report,
        evidence: &mut Evidence,
    ) -> Result<Totals, PieceError> {
        let mut reader = BufReader::new(File::open(path)?);
        let layout = self.role.layout();
        let totals = read_pieces(&mut reader, layout, Limits::STANDARD, &mut |piece| {
            self.last_line = piece.line;
            match &piece.damage {
                // Of a line in many pieces the first one tells.
                Some(Damage::TooLong { .. }) if self.too_long == Some(piece.line) => {}
                Some(damage) => report.set_aside(Some(piece.line), self.describe(&piece, damage)),
                None => self.record(&piece, report, evidence),
            }
            if matches!(piece.damage, Some(Damage::TooLong { .. })) {
                self.too_long = Some(piece.line);
            }
            ControlFlow::Continue(())
        })?;
        self.sum_up(&totals, report);
        Ok(totals)
    }

    fn describe(&self, piece: &Piece<'_>, damage: &Damage) -> String {
        let length = piece.bytes.len();
        let whole = format!("set aside whole ({length} bytes)");
        match damage {
            Damage::Torn if self.role.layout() == Layout::Lines => {
                format!("torn last line, {whole}")
            }
            Damage::Torn => format!("torn: the file ends within a record, {whole}"),
            Damage::Nul { count } if *count == length as u64 => {
                format!("a run of {count} NUL bytes, {whole}")
            }
            Damage::Nul { count } => format!("{count} NUL bytes among others, {whole}"),
            Damage::NotUtf8 => format!("not UTF-8, {whole}"),
            Damage::NotJson { line, reason } => {
                format!("not JSON ({reason}; line {line}), {whole}")
            }
            Damage::TooLong { limit_bytes } => {
                format!("a line of more than {limit_bytes} bytes, set aside whole, in pieces")
            }
            Damage::ByteOrderMark => {
                format!("a byte order mark before the first record, {whole}")
            }
            Damage::Structure => {
                format!("the array is broken here; everything after it is {whole}")
            }
        }
    }

    fn record(&mut self, piece: &Piece<'_>, report: &mut Report, evidence: &mut Evidence) {
        let line = piece.line;
        evidence.record(self.role, piece.bytes, report.file(), line);
        let altered = altered_numbers(piece.bytes);
        if altered > 0 {
            self.altered.get_or_insert((line, 0)).1 += altered;
        }
        let keyspace = self.role.keyspace().unwrap_or_default();
        match normalize(keyspace, piece.bytes) {
            Ok((_, unknown)) => unknown.into_iter().for_each(|name| self.note_unknown(name, line)),
            Err(error) => {
                if let Ok((event, _)) = WalEvent::read(piece.bytes)
                    && event.event_type != "push"
                {
                    self.foreign_event.get_or_insert(line);
                }
                let about = self.role.about();
                report.set_aside(
                    Some(line),
                    format!("no record of {about}: {error}; set aside whole"),
                );
            }
        }
        self.note_id(piece.bytes, line, report);
    }

    fn note_unknown(&mut self, name: String, line: u64) {
        if self.unknown.len() < MAXIMUM_UNKNOWN_FIELDS || self.unknown.contains_key(&name) {
            self.unknown.entry(name).or_insert((line, 0)).1 += 1;
        }
    }

    fn note_id(&mut self, bytes: &[u8], line: u64, report: &mut Report) {
        if matches!(self.role, Role::History | Role::Messages) {
            return;
        }
        let Ok(mut fields) = Fields::read(bytes) else { return };
        let (seen, id) = if self.role.layout() == Layout::Lines {
            let Ok(id) = fields.number("id") else { return };
            (self.numbers.see(id, line), id.to_string())
        } else {
            let Ok(id) = fields.text("id") else { return };
            (self.texts.see(&id, line), id)
        };
        match seen {
            Seen::First => {}
            Seen::Again { line: first } => {
                let id: String = id.chars().take(64).collect();
                let message = format!(
                    "the id {id} was given before, at line {first}; both records are kept, each at its position"
                );
                report.kept(Some(line), message);
            }
            Seen::Forgotten => {
                self.forgotten.get_or_insert(line);
            }
        }
    }

    fn sum_up(&mut self, totals: &Totals, report: &mut Report) {
        for (name, (line, count)) in &self.unknown {
            let name: String = name.chars().take(64).collect();
            let message = format!(
                "the field {name:?} is unknown; {count} records have it, and keep it in their original bytes"
            );
            report.kept(Some(*line), message);
        }
        if let Some((line, count)) = self.altered {
            let message = format!(
                "{count} numbers would change if they were printed again; the original bytes are kept"
            );
            report.kept(Some(line), message);
        }
        if let Some(line) = self.forgotten {
            let message =
                "more ids than are remembered: from here on repeated ids are not reported";
            report.kept(Some(line), message);
        }
        match totals.ending {
            Ending::MissingNewline => {
                report.kept(Some(self.last_line), "the last line has no line end; it is complete");
            }
            Ending::Unclosed if totals.records > 0 => {
                let message = "the array is cut between two records: its end is missing";
                report.kept(Some(self.last_line), message);
            }
            _ => {}
        }
    }
}
