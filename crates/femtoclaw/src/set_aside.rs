//! The keyspace `set_aside`: what could not be read, byte for byte.

use crate::codec::{CodecError, Reader, Writer};

const FORMAT: u8 = 1;
const EXPECTED: &str = "set-aside record";

/// Something that lies where a record should be and is none.
///
/// Encoded: format (1), file number (u32), line (u64), offset (u64), reason, bytes; numbers big end first, reason and
/// bytes each with a length of eight bytes before them. Keyed as records are, by file number and position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The number of its file in the inventory.
    pub file: u32,
    /// The line that it starts at, from 1. Unknown when a migration set it aside, since records do not carry their line.
    pub line: Option<u64>,
    /// The offset of its first byte in the file. Unknown for the same reason.
    pub offset: Option<u64>,
    /// Why it could not be read.
    pub reason: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl SetAside {
    /// The value as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.number(self.file);
        writer.long(self.line.unwrap_or(0));
        writer.long(self.offset.unwrap_or(u64::MAX));
        writer.bytes(self.reason.as_bytes());
        writer.bytes(&self.bytes);
        writer.finish()
    }

    /// Reads a stored value.
    ///
    /// # Errors
    /// Why the bytes are none.
    pub fn decode(value: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(EXPECTED, FORMAT, value)?;
        let set_aside = Self {
            file: reader.number()?,
            line: Some(reader.long()?).filter(|line| *line != 0),
            offset: Some(reader.long()?).filter(|offset| *offset != u64::MAX),
            reason: reader.text()?.to_owned(),
            bytes: reader.bytes()?.to_vec(),
        };
        reader.finish()?;
        Ok(set_aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Refused, or nothing of it passed over.
    fn is_refused_or_exact(bytes: &[u8]) -> bool {
        SetAside::decode(bytes).map_or(true, |read| read.encode() == bytes)
    }

    proptest! {
        #[test]
        fn what_was_set_aside_survives(
            file: u32, line in 1_u64.., offset in 0..u64::MAX, reason: String, bytes: Vec<u8>, known: bool,
        ) {
            let (line, offset) = (known.then_some(line), known.then_some(offset));
            let set_aside = SetAside { file, line, offset, reason, bytes };
            prop_assert_eq!(SetAside::decode(&set_aside.encode()).unwrap(), set_aside);
        }

        #[test]
        fn bytes_at_random_and_damaged_records_are_refused_or_read_to_the_last_byte(
            mut bytes: Vec<u8>, reason: String, at: prop::sample::Index, byte: u8,
        ) {
            prop_assert!(is_refused_or_exact(&bytes));
            bytes.insert(0, FORMAT);
            prop_assert!(is_refused_or_exact(&bytes));
            let set_aside = SetAside { file: 1, line: None, offset: Some(2), reason, bytes };
            let mut whole = set_aside.encode();
            let at = at.index(whole.len());
            whole[at] = byte;
            prop_assert!(is_refused_or_exact(&whole));
        }
    }
}
