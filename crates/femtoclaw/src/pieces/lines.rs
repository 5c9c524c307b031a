//! Cutting a file into lines.

use super::piece::{Damage, Ending, Limits, Totals, Visit};
use super::{PieceError, Splitter};

/// Cuts a file at its line ends. Blank lines are structure.
///
/// A run of NUL bytes can be as long as the disk, so a line that holds one is cut into pieces; any other line is held
/// whole, up to the limit.
pub(super) struct LineSplitter {
    limits: Limits,
    line: u64,
    offset: u64,
    buffer: Vec<u8>,
    holds_nul: bool,
    continued: bool,
}

impl LineSplitter {
    pub(super) fn new(limits: Limits) -> Self {
        let buffer = Vec::new();
        Self { limits, line: 1, offset: 0, buffer, holds_nul: false, continued: false }
    }

    /// Takes bytes without a line end.
    fn extend(&mut self, mut bytes: &[u8], visit: &mut Visit<'_>) -> Result<(), PieceError> {
        while !bytes.is_empty() {
            // Up to the next place where a cut may be due. Depends on the bytes alone, not on how they were buffered.
            let room = if self.holds_nul {
                self.limits.damaged_bytes.saturating_sub(self.buffer.len())
            } else {
                let limit = self.limits.record_bytes.saturating_add(1);
                let nul = bytes.iter().position(|byte| *byte == 0).map_or(usize::MAX, |at| at + 1);
                limit.saturating_sub(self.buffer.len()).min(nul)
            };
            let (taken, rest) = bytes.split_at(room.clamp(1, bytes.len()));
            self.buffer.extend_from_slice(taken);
            self.holds_nul |= taken.last() == Some(&0);
            bytes = rest;
            if self.holds_nul && self.buffer.len() >= self.limits.damaged_bytes {
                self.cut(visit);
            } else if !self.holds_nul && self.buffer.len() > self.limits.record_bytes {
                let limit_bytes = self.limits.record_bytes;
                return Err(PieceError::TooLarge { line: self.line, limit_bytes });
            }
        }
        Ok(())
    }

    /// Hands on what there is of a damaged line; the rest of the line is damaged as well.
    fn cut(&mut self, visit: &mut Visit<'_>) {
        visit.damaged(self.line, self.offset, &self.buffer, Damage::Torn);
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.continued = true;
    }

    /// Hands on the line, or what is left of it.
    fn end_line(&mut self, visit: &mut Visit<'_>, last: bool) {
        let length = self.buffer.len() as u64;
        if self.continued {
            if !self.buffer.is_empty() {
                visit.damaged(self.line, self.offset, &self.buffer, Damage::Torn);
            }
        } else if self.buffer.iter().all(u8::is_ascii_whitespace) {
            visit.totals.structure_bytes += length;
        } else {
            visit.candidate(self.line, self.offset, &self.buffer, last);
        }
        self.offset += length;
        self.buffer.clear();
        self.holds_nul = false;
        self.continued = false;
    }
}

impl Splitter for LineSplitter {
    fn feed(&mut self, mut chunk: &[u8], visit: &mut Visit<'_>) -> Result<(), PieceError> {
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = chunk.split_at(end);
            self.extend(line, visit)?;
            self.end_line(visit, false);
            visit.totals.structure_bytes += 1;
            self.offset += 1;
            self.line += 1;
            chunk = rest.get(1..).unwrap_or_default();
            if visit.stopped {
                return Ok(());
            }
        }
        self.extend(chunk, visit)
    }

    fn finish(mut self, visit: &mut Visit<'_>) -> Totals {
        let set_aside = visit.totals.set_aside;
        let records = visit.totals.records;
        let continued = self.continued;
        self.end_line(visit, true);
        visit.totals.ending = if continued || visit.totals.set_aside > set_aside {
            Ending::Damaged
        } else if visit.totals.records > records {
            Ending::MissingNewline
        } else {
            Ending::Complete
        };
        visit.totals
    }
}
