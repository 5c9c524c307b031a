//! What schema 2 makes of a record: its decoded form with the original bytes beside it.

use crate::codec::{CodecError, Reader, Writer};
use crate::keys::RecordKey;

const FORMAT: u8 = 1;
const EXPECTED: &str = "record envelope";

/// A record of schema 2, and of most keyspaces of schema 3.
///
/// Encoded: format (1), file number (u32), position (u64), the number of unknown fields (u64) and their names, the normal
/// form, the original bytes; numbers big end first, each text and byte string with a length of eight bytes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where the record came from.
    pub source: RecordKey,
    /// Fields that the original has and the type does not know. Their values are in the original.
    pub unknown: Vec<String>,
    /// The decoded form, as [`crate::RecordKind::normal_form`] writes it.
    pub decoded: Vec<u8>,
    /// The bytes that FemtoClaw 1.0.x wrote.
    pub original: Vec<u8>,
}

impl Envelope {
    /// The value as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.number(self.source.file);
        writer.long(self.source.ordinal);
        writer.count(self.unknown.len());
        for name in &self.unknown {
            writer.bytes(name.as_bytes());
        }
        writer.bytes(&self.decoded);
        writer.bytes(&self.original);
        writer.finish()
    }

    /// Reads a stored value.
    ///
    /// # Errors
    /// Why the bytes are none.
    pub fn decode(value: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(EXPECTED, FORMAT, value)?;
        let envelope = Self {
            source: RecordKey { file: reader.number()?, ordinal: reader.long()? },
            unknown: reader.list(|reader| reader.text().map(str::to_owned))?,
            decoded: reader.bytes()?.to_vec(),
            original: reader.bytes()?.to_vec(),
        };
        reader.finish()?;
        Ok(envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Refused, or nothing of it passed over.
    fn is_refused_or_exact(bytes: &[u8]) -> bool {
        Envelope::decode(bytes).map_or(true, |read| read.encode() == bytes)
    }

    proptest! {
        #[test]
        fn an_envelope_survives(
            file: u32, ordinal: u64, unknown: Vec<String>, decoded: Vec<u8>, original: Vec<u8>,
        ) {
            let source = RecordKey { file, ordinal };
            let envelope = Envelope { source, unknown, decoded, original };
            prop_assert_eq!(Envelope::decode(&envelope.encode()).unwrap(), envelope);
        }

        #[test]
        fn bytes_at_random_and_damaged_envelopes_are_refused_or_read_to_the_last_byte(
            mut bytes: Vec<u8>, decoded: Vec<u8>, at: prop::sample::Index, byte: u8,
        ) {
            prop_assert!(is_refused_or_exact(&bytes));
            bytes.insert(0, FORMAT);
            prop_assert!(is_refused_or_exact(&bytes));
            let source = RecordKey { file: 1, ordinal: 2 };
            let unknown = vec!["x".to_owned()];
            let mut whole = Envelope { source, unknown, decoded, original: bytes }.encode();
            let at = at.index(whole.len());
            whole[at] = byte;
            prop_assert!(is_refused_or_exact(&whole));
        }
    }

    #[test]
    fn every_cut_of_an_envelope_is_refused() {
        let source = RecordKey { file: 1, ordinal: 2 };
        let unknown = vec!["x".to_owned()];
        let whole = Envelope { source, unknown, decoded: vec![1], original: vec![2] }.encode();
        for length in 0..whole.len() {
            assert!(Envelope::decode(&whole[..length]).is_err(), "cut at {length}");
        }
        assert!(Envelope::decode(&[whole, vec![0]].concat()).is_err());
    }
}
