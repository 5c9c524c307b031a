//! A BLAKE3 digest as a value.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::str::FromStr;

use durable::{Error, Operation};
use serde::{Deserialize, Serialize};

/// How every digest is spelled: the algorithm's name, a colon, 64 hexadecimal digits.
const PREFIX: &str = "blake3:";

/// A BLAKE3 digest of 32 bytes, written `blake3:<64 lower-case hexadecimal digits>`.
// trace: impl FC-20.2.1
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(|error| Error::new(Operation::Read, path, error))?;
        Ok(hasher.into())
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
            .filter(|digits| !digits.contains(|digit: char| digit.is_ascii_uppercase()))
            .and_then(|digits| blake3::Hash::from_hex(digits).ok())
            .map(|hash| Self(*hash.as_bytes()))
            .ok_or_else(|| InvalidDigest { text: text.to_owned() })
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
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
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Digest::of_file(&path).unwrap(), Digest::of(&bytes));
    }
}
