//! Cutting a JSON array into its elements.

use super::piece::{Damage, Ending, Limits, Totals, Visit, count, first_value};
use super::{PieceError, Splitter};

/// Where the splitter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array, or before the only object of a document.
    Start,
    /// After the opening bracket.
    First,
    /// After a comma.
    Next,
    /// Within an object, an array or a string: ends when `depth` is 0 and no string is open.
    Nested { depth: u64, in_string: bool, escaped: bool },
    /// Within a number or a word: ends before the next delimiter.
    Word,
    /// After an element.
    After,
    /// After the closing bracket.
    Closed,
    /// Beyond a place where the structure is broken. Everything up to the end of the file is damaged.
    Broken,
}

/// Cuts an array at the commas of its top level, or takes a document's only object.
///
/// Knows just enough of JSON to find where an element ends: strings, escapes and depth. Whether the element is JSON is
/// judged afterwards, so an element that is not does no harm to those after it.
pub(super) struct ArraySplitter {
    limits: Limits,
    is_array: bool,
    state: State,
    line: u64,
    offset: u64,
    start_line: u64,
    start_offset: u64,
    buffer: Vec<u8>,
}

impl ArraySplitter {
    pub(super) fn new(limits: Limits, is_array: bool) -> Self {
        Self {
            limits,
            is_array,
            state: State::Start,
            line: 1,
            offset: 0,
            start_line: 1,
            start_offset: 0,
            buffer: Vec::new(),
        }
    }

    /// Takes a byte between elements; says whether it is structure.
    fn between(&mut self, byte: u8) -> bool {
        if byte.is_ascii_whitespace() {
            return true;
        }
        let next = match (self.state, byte) {
            (State::Start, b'[') if self.is_array => State::First,
            (State::First, b']') | (State::After, b']') if self.is_array => State::Closed,
            (State::After, b',') => State::Next,
            (State::Start, b'{') if !self.is_array => return self.open(byte),
            (State::First | State::Next, _) => return self.open(byte),
            _ => return self.break_off(),
        };
        self.state = next;
        true
    }

    /// Begins an element. Always false: its first byte is not structure.
    fn open(&mut self, byte: u8) -> bool {
        self.mark();
        self.state = match byte {
            b'{' | b'[' => State::Nested { depth: 1, in_string: false, escaped: false },
            b'"' => State::Nested { depth: 0, in_string: true, escaped: false },
            b'}' | b']' | b':' | b',' | 0 => State::Broken,
            _ => State::Word,
        };
        false
    }

    fn break_off(&mut self) -> bool {
        self.mark();
        self.state = State::Broken;
        false
    }

    fn mark(&mut self) {
        self.start_line = self.line;
        self.start_offset = self.offset;
    }

    /// Takes a byte within an element; says whether the element ends with it.
    fn within(&mut self, byte: u8) -> bool {
        let State::Nested { depth, in_string, escaped } = &mut self.state else { return false };
        if *in_string {
            *in_string = *escaped || byte != b'"';
            *escaped = !*escaped && byte == b'\\';
        } else {
            match byte {
                b'"' => *in_string = true,
                b'{' | b'[' => *depth += 1,
                b'}' | b']' => *depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let ended = *depth == 0 && !*in_string;
        if byte == 0 {
            self.state = State::Broken;
            return false;
        }
        ended
    }

    fn take(&mut self, byte: u8, visit: &mut Visit<'_>) -> Result<(), PieceError> {
        if self.state == State::Word
            && (byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}'))
        {
            self.end_element(visit);
        }
        match self.state {
            State::Start | State::First | State::Next | State::After | State::Closed => {
                if self.between(byte) {
                    visit.totals.structure_bytes += 1;
                } else {
                    self.buffer.push(byte);
                }
            }
            State::Nested { .. } => {
                self.buffer.push(byte);
                if self.within(byte) {
                    self.end_element(visit);
                }
            }
            State::Word => {
                self.buffer.push(byte);
                if byte == 0 {
                    self.state = State::Broken;
                }
            }
            State::Broken => self.buffer.push(byte),
        }
        self.offset += 1;
        self.line += u64::from(byte == b'\n');
        if self.state == State::Broken {
            self.cut_damage(visit);
        } else if self.buffer.len() > self.limits.record_bytes {
            let limit_bytes = self.limits.record_bytes;
            return Err(PieceError::TooLarge { line: self.start_line, limit_bytes });
        }
        Ok(())
    }

    /// Takes an element of an array that begins here and is all there, in good order: by far the most are. Returns what
    /// comes after it. Gives what [`Self::take`] gives for each of its bytes, at a fraction of the cost: where it is
    /// JSON, the parser that judges it has found its end.
    fn take_whole<'c>(&mut self, chunk: &'c [u8], visit: &mut Visit<'_>) -> Option<&'c [u8]> {
        let may_begin = matches!(self.state, State::First | State::Next)
            && matches!(chunk.first(), Some(b'{' | b'[' | b'"'));
        if !may_begin {
            return None;
        }
        let element = first_value(chunk).filter(|text| text.len() <= self.limits.record_bytes)?;
        let (bytes, after) = chunk.split_at_checked(element.len())?;
        self.mark();
        visit.record(self.start_line, self.start_offset, bytes);
        self.offset += bytes.len() as u64;
        self.line += count(bytes, b'\n');
        self.state = State::After;
        Some(after)
    }

    fn end_element(&mut self, visit: &mut Visit<'_>) {
        visit.candidate(self.start_line, self.start_offset, &self.buffer, false);
        self.buffer.clear();
        self.state = if self.is_array { State::After } else { State::Closed };
    }

    fn cut_damage(&mut self, visit: &mut Visit<'_>) {
        if self.buffer.len() >= self.limits.damaged_bytes {
            visit.damaged(self.start_line, self.start_offset, &self.buffer, Damage::Structure);
            self.buffer.clear();
            self.mark();
        }
    }
}

impl Splitter for ArraySplitter {
    fn feed(&mut self, chunk: &[u8], visit: &mut Visit<'_>) -> Result<(), PieceError> {
        let mut rest = chunk;
        while let Some((byte, after)) = rest.split_first() {
            rest = match self.take_whole(rest, visit) {
                Some(after) => after,
                None => {
                    self.take(*byte, visit)?;
                    after
                }
            };
            if visit.stopped {
                break;
            }
        }
        Ok(())
    }

    fn finish(self, visit: &mut Visit<'_>) -> Totals {
        visit.totals.ending = match self.state {
            State::Closed => Ending::Complete,
            State::Start | State::First | State::Next | State::After => Ending::Unclosed,
            State::Nested { .. } | State::Word | State::Broken => Ending::Damaged,
        };
        if !self.buffer.is_empty() {
            let damage = match self.state {
                State::Broken => Damage::Structure,
                _ => Damage::Torn,
            };
            visit.damaged(self.start_line, self.start_offset, &self.buffer, damage);
        }
        visit.totals
    }
}
