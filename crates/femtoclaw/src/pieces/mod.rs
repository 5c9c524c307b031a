//! Files as a stream of pieces: records, and what could not be read.
//!
//! A file is cut into pieces without interpreting them, in bounded memory, whatever its bytes are. Every byte of the file
//! is in exactly one record, in exactly one damaged piece, or is structure (brackets, commas, line ends, white space
//! between records): [`Totals`] counts all three, and their sum is the size of the file.

mod array;
mod lines;
mod piece;

use std::io::{self, BufRead};
use std::ops::ControlFlow;

pub(crate) use piece::{Damage, Ending, Layout, Limits, Piece, Totals};

use array::ArraySplitter;
use lines::LineSplitter;
use piece::Visit;

/// Why a file cannot be cut into pieces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PieceError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// A record of an array or a document is larger than [`Limits::record_bytes`].
    #[error("the record that starts at line {line} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The line it starts at.
        line: u64,
        /// The limit.
        limit_bytes: usize,
    },
}

/// Cuts a file into pieces and hands each to `visit`, which may end the reading early.
///
/// The pieces do not depend on how the reader buffers.
///
/// # Errors
/// What cannot be read, and a record beyond the limit unless it is a line.
pub(crate) fn read_pieces<R: BufRead>(
    reader: &mut R,
    layout: Layout,
    limits: Limits,
    visit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Totals, PieceError> {
    match layout {
        Layout::Lines => drive(reader, LineSplitter::new(limits), visit),
        Layout::Array => drive(reader, ArraySplitter::new(limits, true), visit),
        Layout::Document => drive(reader, ArraySplitter::new(limits, false), visit),
    }
}

/// A machine that is fed a file in chunks of any size.
trait Splitter {
    /// Takes the next bytes.
    fn feed(&mut self, chunk: &[u8], visit: &mut Visit<'_>) -> Result<(), PieceError>;

    /// Takes the end of the file.
    fn finish(self, visit: &mut Visit<'_>) -> Totals;
}

fn drive<R: BufRead, S: Splitter>(
    reader: &mut R,
    mut splitter: S,
    visit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Totals, PieceError> {
    let mut visit = Visit::new(visit);
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if chunk.is_empty() || visit.stopped {
            break;
        }
        let length = chunk.len();
        splitter.feed(chunk, &mut visit)?;
        reader.consume(length);
    }
    Ok(splitter.finish(&mut visit))
}

#[cfg(test)]
mod tests;
