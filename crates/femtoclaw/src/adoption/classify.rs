//! What a file is, by its shape.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use super::shape;
use crate::pieces::{Damage, Layout, Limits, PieceError, read_pieces};
use crate::role::Role;

/// A file is told by the first of this many pieces that has a shape.
const MAXIMUM_PIECES: usize = 64;

/// What a file was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guess {
    /// A piece of it has the shape of this role.
    Shape(Role),
    /// It holds nothing, and its name says this.
    Name(Role),
    /// It holds nothing, and its name says nothing.
    Empty,
    /// It has no shape that is known. Its name would say this.
    Unknown(Option<Role>),
    /// A piece of it has several shapes.
    Several(Vec<Role>),
}

/// Looks at a file until its shape is known.
pub(crate) fn classify(path: &Path, name: &str) -> Result<Guess, PieceError> {
    let named = shape::of_name(name);
    let empty = named.map_or(Guess::Empty, Guess::Name);
    let first = first_byte(&mut open(path)?)?;
    let guess = match first {
        None => return Ok(empty),
        Some(b'[') => {
            let found = look(path, Layout::Array, shape::of_element)?;
            if found.pieces == 0 {
                return Ok(empty);
            }
            found.roles
        }
        first => {
            let mut roles = Vec::new();
            if first == Some(b'{') {
                roles = look(path, Layout::Document, |bytes| match shape::of_line(bytes) {
                    Some(log) => vec![log],
                    None => shape::of_document(bytes),
                })?
                .roles;
            }
            if roles.is_empty() {
                let line = |bytes: &[u8]| shape::of_line(bytes).into_iter().collect();
                roles = look(path, Layout::Lines, line)?.roles;
            }
            roles
        }
    };
    Ok(match guess.as_slice() {
        [] => Guess::Unknown(named),
        [role] => Guess::Shape(*role),
        _ => Guess::Several(guess),
    })
}

struct Look {
    roles: Vec<Role>,
    pieces: usize,
}

fn look(
    path: &Path,
    layout: Layout,
    shape: impl Fn(&[u8]) -> Vec<Role>,
) -> Result<Look, PieceError> {
    let mut look = Look { roles: Vec::new(), pieces: 0 };
    let mut too_long = None;
    let result = read_pieces(&mut open(path)?, layout, Limits::STANDARD, &mut |piece| {
        // A line in many pieces counts once, or the first of them would hide all lines after it.
        let is_too_long = matches!(piece.damage, Some(Damage::TooLong { .. }));
        let is_counted = is_too_long && too_long == Some(piece.line);
        too_long = is_too_long.then_some(piece.line);
        look.pieces += usize::from(!is_counted);
        if piece.damage.is_none() {
            look.roles = shape(piece.bytes);
        }
        let found = !look.roles.is_empty() || look.pieces >= MAXIMUM_PIECES;
        // A document is one object: what follows it says nothing about it.
        if found || layout == Layout::Document {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    match result {
        Err(PieceError::Unreadable(error)) => Err(error.into()),
        // What is too large to be held is no record; the full reading reports it.
        Ok(_) | Err(_) => Ok(look),
    }
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}

/// The first byte that is not white space.
fn first_byte(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(None);
        }
        if let Some(byte) = chunk.iter().find(|byte| !byte.is_ascii_whitespace()) {
            return Ok(Some(*byte));
        }
        let length = chunk.len();
        reader.consume(length);
    }
}
