//! A BLAKE3 digest as a value.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use durable::{Error, Operation};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How every digest is spelled: the algorithm's name, a colon, 64 hexadecimal digits.
const PREFIX: &str = "blake3:";

/// A BLAKE3 digest of 32 bytes, written `blake3:<64 lower-case hexadecimal digits>`.
// trace: impl FC-20.2.1
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest such as blake3:af13…, with 64 lower-case hexadecimal digits")]
pub struct InvalidDigest {
    /// What was found instead.
    pub text: String,
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The digest of a file's bytes, read as a stream.
    ///
    /// # Errors
    /// What opening or reading the file says.
    pub fn of_file(path: &Path) -> durable::Result<Self> {
        let file = File::open(path).map_err(|error| Error::new(Operation::Open, path, error))?;
        Self::of_opened(&file, path)
    }

    /// As [`Digest::of_file`], of a file that is open, from where it is to its end.
    pub(crate) fn of_opened(file: &File, path: &Path) -> durable::Result<Self> {
        digest_of_rest(file).map_err(|error| Error::new(Operation::Read, path, error))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve hexadecimal digits, for people to compare at a glance. Never for decisions.
    pub fn short(&self) -> String {
        self.hexadecimal().chars().take(12).collect()
    }

    fn hexadecimal(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

/// As much as is read at once of a file that may be small.
const SMALL_READ: usize = 16 * 1024;
/// From here on a file is not small.
const SMALL_FILE: usize = 64 * 1024;

/// Most files of a home are small, and the buffer that is best for large ones takes longer to be made than they to be read.
fn digest_of_rest(mut file: &File) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = [0; SMALL_READ];
    let mut done = 0;
    while done < SMALL_FILE {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.into()),
            Ok(read) => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                done += read;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    hasher.update_reader(file)?;
    Ok(hasher.into())
}

impl From<blake3::Hasher> for Digest {
    fn from(hasher: blake3::Hasher) -> Self {
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", self.hexadecimal())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(PREFIX)
            .and_then(bytes_of)
            .map(Self)
            .ok_or_else(|| InvalidDigest { text: text.to_owned() })
    }
}

/// What is no digit.
const NO_DIGIT: u8 = 16;

/// What each byte is worth as a lower-case hexadecimal digit.
#[expect(clippy::indexing_slicing, reason = "the compiler computes it")]
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < NO_DIGIT {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// The bytes that 64 digits spell. Every start reads hundreds of them, so it looks each digit up rather than to decide.
fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = digits.as_bytes().try_into().ok()?;
    let worth = |digit: &u8| DIGITS.get(usize::from(*digit)).copied().unwrap_or(NO_DIGIT);
    let (mut bytes, mut all) = ([0; 32], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
        let (high, low) = (worth(high), worth(low));
        all |= high | low;
        *byte = high << 4 | low;
    }
    (all < NO_DIGIT).then_some(bytes)
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Spelled)
    }
}

/// Reads a digest out of the text that it is spelled in, without a copy of that.
struct Spelled;

impl Visitor<'_> for Spelled {
    type Value = Digest;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a digest such as {PREFIX}af13…")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the BLAKE3 paper's test vectors: the digest of no bytes at all.
    const EMPTY: &str = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    // trace: test FC-20.2.1
    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(Digest::of(b"")));
    }

    #[test]
    fn a_digest_has_one_spelling() {
        for text in [&EMPTY.to_uppercase(), &EMPTY[7..], &EMPTY[..70], "blake3:", "sha256:00"] {
            assert!(text.parse::<Digest>().is_err(), "{text} was accepted");
        }
        // Each digit in each place, and nothing else in any.
        for place in PREFIX.len()..EMPTY.len() {
            for byte in 0..=127_u8 {
                let mut text = EMPTY.to_owned().into_bytes();
                text[place] = byte;
                let text = String::from_utf8(text).unwrap();
                let known = blake3::Hash::from_hex(&text[PREFIX.len()..]).ok();
                let known = known.filter(|_| !byte.is_ascii_uppercase());
                let read = text.parse::<Digest>().ok();
                assert_eq!(read.map(|digest| digest.0), known.map(|hash| *hash.as_bytes()));
            }
        }
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let bytes: Vec<u8> = (0..=250).cycle().take(300_000).collect();
        let small = [0, 1, SMALL_READ - 1, SMALL_READ, SMALL_READ + 1, SMALL_FILE - 1];
        for length in small.into_iter().chain([SMALL_FILE, SMALL_FILE + 1, bytes.len()]) {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let found = Digest::of_file(&path).unwrap();
            assert_eq!(found, Digest::of(&bytes[..length]), "{length}");
        }
    }
}
