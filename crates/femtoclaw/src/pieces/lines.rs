//! Cutting a file into lines.

use memchr::memchr;

use super::piece::{Damage, Ending, Limits, Totals, Visit};
use super::{PieceError, Splitter};
use crate::members::BYTE_ORDER_MARK;

/// Cuts a file at its line ends. Blank lines are structure; a byte order mark before the first line is a piece of its own.
///
/// A run of NUL bytes can be as long as the disk, so a line that holds one is cut into pieces, and so is a line that is
/// longer than the limit; any other line is held whole.
pub(super) struct LineSplitter {
    limits: Limits,
    line: u64,
    offset: u64,
    buffer: Vec<u8>,
    damage: Option<Damage>,
    continued: bool,
    begun: bool,
}

impl LineSplitter {
    pub(super) fn new(limits: Limits) -> Self {
        let buffer = Vec::new();
        Self { limits, line: 1, offset: 0, buffer, damage: None, continued: false, begun: false }
    }

    /// Takes bytes without a line end.
    fn extend(&mut self, mut bytes: &[u8], visit: &mut Visit<'_>) {
        while !bytes.is_empty() {
            // Up to the next place where a cut may be due. Depends on the bytes alone, not on how they were buffered.
            let room = if self.damage.is_some() {
                self.limits.damaged_bytes.saturating_sub(self.buffer.len())
            } else {
                let limit = self.limits.record_bytes.saturating_add(1);
                let limit = if self.begun { limit } else { limit.min(BYTE_ORDER_MARK.len()) };
                let nul = memchr(0, bytes).map_or(usize::MAX, |at| at + 1);
                limit.saturating_sub(self.buffer.len()).min(nul)
            };
            let (taken, rest) = bytes.split_at(room.clamp(1, bytes.len()));
            self.buffer.extend_from_slice(taken);
            bytes = rest;
            if self.damage.is_none() && taken.last() == Some(&0) {
                self.damage = Some(Damage::Torn);
            }
            if !self.begun && self.buffer.len() >= BYTE_ORDER_MARK.len() {
                self.begin(visit);
            }
            if self.damage.is_none() && self.buffer.len() > self.limits.record_bytes {
                self.cut_to_size(self.limits.record_bytes, visit);
            } else if self.damage.is_some() && self.buffer.len() >= self.limits.damaged_bytes {
                self.cut(visit);
            }
        }
    }

    /// Hands on the byte order mark, if the file begins with one.
    fn begin(&mut self, visit: &mut Visit<'_>) {
        self.begun = true;
        if self.buffer == BYTE_ORDER_MARK {
            visit.damaged(self.line, self.offset, &self.buffer, Damage::ByteOrderMark);
            self.offset += self.buffer.len() as u64;
            self.buffer.clear();
        }
    }

    /// Cuts what has been held of a line that is too long.
    fn cut_to_size(&mut self, limit_bytes: usize, visit: &mut Visit<'_>) {
        let mut pieces = self.buffer.chunks_exact(self.limits.damaged_bytes.max(1));
        for piece in pieces.by_ref() {
            visit.damaged(self.line, self.offset, piece, Damage::TooLong { limit_bytes });
            self.offset += piece.len() as u64;
        }
        self.buffer = pieces.remainder().to_vec();
        self.damage = Some(Damage::TooLong { limit_bytes });
        self.continued = true;
    }

    /// Hands on what there is of a damaged line; the rest of the line is damaged as well.
    fn cut(&mut self, visit: &mut Visit<'_>) {
        let damage = self.damage.clone().unwrap_or(Damage::Torn);
        visit.damaged(self.line, self.offset, &self.buffer, damage);
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.continued = true;
    }

    /// Whether a line is all there and nothing is to be cut from it, so that it need not be held.
    fn is_whole(&self, line: &[u8]) -> bool {
        let is_untouched = self.buffer.is_empty() && self.damage.is_none() && !self.continued;
        is_untouched
            && self.begun
            && line.len() <= self.limits.record_bytes
            && memchr(0, line).is_none()
    }

    /// Hands on a line, unless it is blank.
    fn candidate(&mut self, line: &[u8], visit: &mut Visit<'_>, last: bool) {
        let length = line.len() as u64;
        if line.iter().all(u8::is_ascii_whitespace) {
            visit.totals.structure_bytes += length;
        } else {
            visit.candidate(self.line, self.offset, line, last);
        }
        self.offset += length;
    }

    /// Hands on the line, or what is left of it.
    fn end_line(&mut self, visit: &mut Visit<'_>, last: bool) {
        self.begun = true;
        if self.continued {
            if !self.buffer.is_empty() {
                self.cut(visit);
            }
        } else {
            let line = std::mem::take(&mut self.buffer);
            self.candidate(&line, visit, last);
            self.buffer = line;
        }
        self.buffer.clear();
        self.damage = None;
        self.continued = false;
    }
}

impl Splitter for LineSplitter {
    fn feed(&mut self, mut chunk: &[u8], visit: &mut Visit<'_>) -> Result<(), PieceError> {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(end);
            if self.is_whole(line) {
                self.candidate(line, visit, false);
            } else {
                self.extend(line, visit);
                self.end_line(visit, false);
            }
            visit.totals.structure_bytes += 1;
            self.offset += 1;
            self.line += 1;
            chunk = rest.get(1..).unwrap_or_default();
            if visit.stopped {
                return Ok(());
            }
        }
        self.extend(chunk, visit);
        Ok(())
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
