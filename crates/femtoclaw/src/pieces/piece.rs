//! One piece of a file, and the sums over all of them.

use std::fmt;
use std::ops::ControlFlow;

use memchr::memchr_iter;
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One JSON value a line.
    Lines,
    /// One JSON array, whose elements are the records.
    Array,
    /// One JSON object, which is the only record.
    Document,
}

/// The bounds of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Largest record, in bytes. It is held in memory whole. A longer line is cut into damaged pieces.
    pub record_bytes: usize,
    /// A damaged region longer than this many bytes is cut into several pieces.
    pub damaged_bytes: usize,
}

impl Limits {
    /// The bounds in use: records of 64 MiB, damaged pieces of 1 MiB.
    pub(crate) const STANDARD: Self = Self { record_bytes: 64 << 20, damaged_bytes: 1 << 20 };
}

/// One piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Its position among the pieces of the file, from 0.
    pub ordinal: u64,
    /// The line that it starts at, from 1.
    pub line: u64,
    /// The offset of its first byte in the file.
    pub offset: u64,
    /// Its bytes, exactly as they lie in the file.
    pub bytes: &'a [u8],
    /// What is wrong with it. A piece without damage is one valid JSON value.
    pub damage: Option<Damage>,
}

/// Why a piece cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The last record of the file ends before it is complete.
    Torn,
    /// It holds NUL bytes, as a file does whose size was written before its data.
    Nul {
        /// How many of its bytes are NUL.
        count: u64,
    },
    /// It is not UTF-8.
    NotUtf8,
    /// It is not JSON.
    NotJson {
        /// The line of the first fault, from 1.
        line: u64,
        /// What the parser said.
        reason: String,
    },
    /// It is part of a line that is longer than a record may be.
    TooLong {
        /// The most bytes that a record may have.
        limit_bytes: usize,
    },
    /// A byte order mark before the first record.
    ByteOrderMark,
    /// It lies where a comma or the end of the array should be, so that nothing after it can be told apart.
    Structure,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => formatter.write_str("torn: the last record ends before it is complete"),
            Self::Nul { count } => write!(formatter, "{count} NUL bytes"),
            Self::NotUtf8 => formatter.write_str("not UTF-8"),
            Self::NotJson { line, reason } => {
                write!(formatter, "not JSON at line {line}: {reason}")
            }
            Self::TooLong { limit_bytes } => {
                write!(formatter, "part of a line of more than {limit_bytes} bytes")
            }
            Self::ByteOrderMark => formatter.write_str("a byte order mark"),
            Self::Structure => formatter.write_str("the structure of the array is broken here"),
        }
    }
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ending {
    /// As it should.
    #[default]
    Complete,
    /// The last line is a record without its line end.
    MissingNewline,
    /// The array is cut between two records: its closing bracket is missing.
    Unclosed,
    /// The last bytes are damaged.
    Damaged,
}

/// The sums over all pieces of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Pieces that are records.
    pub records: u64,
    /// Their bytes.
    pub record_bytes: u64,
    /// Damaged pieces.
    pub set_aside: u64,
    /// Their bytes.
    pub set_aside_bytes: u64,
    /// All other bytes: brackets, commas, line ends, white space between records.
    pub structure_bytes: u64,
    /// How the file ends.
    pub ending: Ending,
}

/// What a splitter hands pieces to: counts and judges them on the way.
pub(super) struct Visit<'a> {
    visit: &'a mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    pub(super) totals: Totals,
    pub(super) stopped: bool,
}

impl<'a> Visit<'a> {
    pub(super) fn new(visit: &'a mut dyn FnMut(Piece<'_>) -> ControlFlow<()>) -> Self {
        Self { visit, totals: Totals::default(), stopped: false }
    }

    /// Hands on a piece that may be a record: judges it.
    pub(super) fn candidate(&mut self, line: u64, offset: u64, bytes: &[u8], last: bool) {
        let damage = judge(bytes, line).map(|damage| match damage {
            Damage::NotJson { .. } | Damage::NotUtf8 if last => Damage::Torn,
            damage => damage,
        });
        self.piece(line, offset, bytes, damage);
    }

    /// Hands on a piece that was judged already: it is one value of JSON.
    pub(super) fn record(&mut self, line: u64, offset: u64, bytes: &[u8]) {
        self.piece(line, offset, bytes, None);
    }

    /// Hands on a piece that is known to be damaged.
    pub(super) fn damaged(&mut self, line: u64, offset: u64, bytes: &[u8], otherwise: Damage) {
        let damage = match count(bytes, 0) {
            0 => otherwise,
            count => Damage::Nul { count },
        };
        self.piece(line, offset, bytes, Some(damage));
    }

    fn piece(&mut self, line: u64, offset: u64, bytes: &[u8], damage: Option<Damage>) {
        if self.stopped {
            return;
        }
        let ordinal = self.totals.records + self.totals.set_aside;
        if damage.is_some() {
            self.totals.set_aside += 1;
            self.totals.set_aside_bytes += bytes.len() as u64;
        } else {
            self.totals.records += 1;
            self.totals.record_bytes += bytes.len() as u64;
        }
        let piece = Piece { ordinal, line, offset, bytes, damage };
        self.stopped = (self.visit)(piece).is_break();
    }
}

/// How often a byte is there.
pub(super) fn count(bytes: &[u8], wanted: u8) -> u64 {
    memchr_iter(wanted, bytes).count() as u64
}

/// The value of JSON that some bytes begin with, if it is whole and its own end can be told from it: an object, an array
/// or a string.
pub(super) fn first_value(bytes: &[u8]) -> Option<&str> {
    let mut values = Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    values.next()?.ok().map(RawValue::get)
}

fn judge(bytes: &[u8], line: u64) -> Option<Damage> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(Damage::NotUtf8) };
    let error = serde_json::from_str::<&RawValue>(text).err()?;
    let count = count(bytes, 0);
    if count > 0 {
        return Some(Damage::Nul { count });
    }
    let line = line.saturating_add((error.line() as u64).saturating_sub(1));
    Some(Damage::NotJson { line, reason: error.to_string() })
}
