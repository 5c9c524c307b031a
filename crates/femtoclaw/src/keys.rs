//! Keys: where a record came from, and when.

use versioning::Timestamp;

/// Bytes of a record key.
pub(crate) const RECORD_KEY_BYTES: usize = 12;

/// Bytes of a time key.
pub(crate) const TIME_KEY_BYTES: usize = 16;

/// Longest text that a key holds as it is. A longer one is held by its digest, because the storage engine bounds keys.
pub const MAXIMUM_KEY_TEXT_BYTES: usize = 256;

/// Stands where the length would be of a text that is held by its digest.
const DIGESTED: u16 = u16::MAX;

/// A key that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key of {found} bytes is not a {expected}")]
pub struct InvalidKey {
    /// What it should have been.
    pub expected: &'static str,
    /// How many bytes it has.
    pub found: usize,
}

/// Where a record came from: the number of its file in the inventory of the adoption, and its position there.
///
/// The order of encoded keys is the order of files and of records in each. Two writers that gave the same id to two
/// records cannot make them collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// The number of the file: its index among all files of the adoption in the order of their paths.
    pub file: u32,
    /// The position in the file, counting from 0, damaged pieces included.
    pub ordinal: u64,
}

impl RecordKey {
    /// Twelve bytes that sort as the key does.
    pub fn encode(self) -> [u8; RECORD_KEY_BYTES] {
        let mut bytes = [0; RECORD_KEY_BYTES];
        let (file, ordinal) = bytes.split_at_mut(4);
        file.copy_from_slice(&self.file.to_be_bytes());
        ordinal.copy_from_slice(&self.ordinal.to_be_bytes());
        bytes
    }

    /// Reads an encoded key.
    ///
    /// # Errors
    /// Anything that is not exactly twelve bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey { expected: "record key", found: bytes.len() };
        let (file, ordinal) = bytes.split_first_chunk::<4>().ok_or_else(invalid)?;
        let ordinal = <[u8; 8]>::try_from(ordinal).map_err(|_| invalid())?;
        Ok(Self { file: u32::from_be_bytes(*file), ordinal: u64::from_be_bytes(ordinal) })
    }
}

/// When something happened, as the first bytes of a key. Times that cannot be read sort after all that can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeKey {
    /// A known time.
    At(Timestamp),
    /// The record's timestamp does not parse.
    Unknown,
}

impl TimeKey {
    /// Reads the timestamp of a record.
    pub fn of(text: &str) -> Self {
        text.parse().map_or(Self::Unknown, Self::At)
    }

    /// Sixteen bytes that sort as times do: nanoseconds since 1970 with the sign bit flipped, big end first. All ones
    /// for an unknown time, which no timestamp reaches.
    pub fn encode(self) -> [u8; TIME_KEY_BYTES] {
        match self {
            Self::At(time) => (time.unix_nanoseconds() ^ i128::MIN).to_be_bytes(),
            Self::Unknown => [u8::MAX; TIME_KEY_BYTES],
        }
    }

    /// Splits an encoded time off the front of a key.
    ///
    /// # Errors
    /// A key that is too short, or a time beyond the year 9999.
    pub fn split(key: &[u8]) -> Result<(Self, &[u8]), InvalidKey> {
        let invalid = || InvalidKey { expected: "key that starts with a time", found: key.len() };
        let (time, rest) = key.split_first_chunk::<TIME_KEY_BYTES>().ok_or_else(invalid)?;
        if *time == [u8::MAX; TIME_KEY_BYTES] {
            return Ok((Self::Unknown, rest));
        }
        let nanoseconds = i128::from_be_bytes(*time) ^ i128::MIN;
        let time = Timestamp::from_unix_nanoseconds(nanoseconds).ok_or_else(invalid)?;
        Ok((Self::At(time), rest))
    }
}

/// Appends a text of any length to a key: its length (two bytes) and its bytes, or a mark and its BLAKE3 digest.
pub(crate) fn push_text(key: &mut Vec<u8>, text: &str) {
    match u16::try_from(text.len()) {
        Ok(length) if text.len() <= MAXIMUM_KEY_TEXT_BYTES => {
            key.extend_from_slice(&length.to_be_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        _ => {
            key.extend_from_slice(&DIGESTED.to_be_bytes());
            key.extend_from_slice(integrity::Digest::of(text.as_bytes()).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_key_survives_and_keeps_its_order(a: (u32, u64), b: (u32, u64)) {
            let key = |(file, ordinal)| RecordKey { file, ordinal };
            prop_assert_eq!(RecordKey::decode(&key(a).encode()).unwrap(), key(a));
            prop_assert_eq!(key(a).encode().cmp(&key(b).encode()), a.cmp(&b));
        }

        #[test]
        fn time_keys_sort_as_times_do_and_the_unknown_comes_last(
            a in -10_000_000_000_000_000_000_i128..200_000_000_000_000_000_000,
            b in -10_000_000_000_000_000_000_i128..200_000_000_000_000_000_000,
        ) {
            let key = |nanoseconds| TimeKey::At(Timestamp::from_unix_nanoseconds(nanoseconds).unwrap());
            prop_assert_eq!(key(a).encode().cmp(&key(b).encode()), a.cmp(&b));
            prop_assert!(key(a).encode() < TimeKey::Unknown.encode());
            prop_assert_eq!(TimeKey::split(&key(a).encode()).unwrap().0, key(a));
        }

        #[test]
        fn a_key_is_refused_or_read_to_the_last_byte(
            bytes in prop::collection::vec(any::<u8>(), 0..30), early: bool,
        ) {
            let record = RecordKey::decode(&bytes);
            prop_assert_eq!(record.is_ok(), bytes.len() == RECORD_KEY_BYTES);
            prop_assert!(record.map_or(true, |key| key.encode().as_slice() == bytes));
            // A time within the years that there are begins with the sign bit, and seven bytes of zero.
            let start = if early { &[0x80, 0, 0, 0, 0, 0, 0, 0][..] } else { &[] };
            let key = [start, &bytes].concat();
            if let Ok((time, rest)) = TimeKey::split(&key) {
                prop_assert_eq!([&time.encode()[..], rest].concat(), key);
            }
        }
    }

    #[test]
    fn a_text_of_any_length_fits_a_key() {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        push_text(&mut short, "abc");
        push_text(&mut long, &"x".repeat(1 << 20));
        assert_eq!(short, [0, 3, b'a', b'b', b'c']);
        assert_eq!(long.len(), 34);
    }
}
