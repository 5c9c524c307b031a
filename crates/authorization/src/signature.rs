//! OpenSSH signatures (SSHSIG), and the file in which they stand.

use std::fmt;

use serde::{Deserialize, Serialize};
use ssh_key::{LineEnding, SshSig};

use crate::key::{InvalidKey, PublicKey};

#[cfg(test)]
mod tests;

/// Largest `.sig` file, in bytes.
pub const MAXIMUM_SIGNATURE_BYTES: usize = 64 * 1024;

/// Most signatures in one file.
pub const MAXIMUM_BLOCKS: usize = 16;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// What somebody signs as. Every role has a namespace of its own, which is part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Says that a release is ours.
    Publisher,
    /// Says what a node may do.
    Operator,
    /// Says who has which role: signs epochs of the keyring.
    Keyring,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Publisher, Self::Operator, Self::Keyring];

    /// The namespace that it signs in: what `ssh-keygen` takes with `-n`.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Publisher => "release@femtoclaw.dev",
            Self::Operator => "upgrade@femtoclaw.dev",
            Self::Keyring => "keyring@femtoclaw.dev",
        }
    }

    /// The role that signs in a namespace.
    pub fn of_namespace(namespace: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.namespace() == namespace)
    }

    /// Its name, as a keyring spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Operator => "operator",
            Self::Keyring => "keyring",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A signature could not be put into its form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signing failed: {reason}")]
pub struct SigningFailed {
    /// Why.
    pub reason: String,
}

/// What is no file of signatures. Blocks are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSignatures {
    /// Too large to be looked at.
    #[error("{bytes} bytes are too many for signatures; the bound is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// Too many signatures.
    #[error("there are more than {limit} signatures")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// It is not ASCII.
    #[error("a file of signatures has ASCII characters only")]
    NotAscii,
    /// There is nothing.
    #[error("there is no signature")]
    Empty,
    /// Something else stands where a signature should begin.
    #[error("something other than a signature stands where block {block} should begin")]
    NoSignature {
        /// Which block.
        block: usize,
    },
    /// A block that does not end.
    #[error("signature {block} has no end: it was cut off")]
    CutOff {
        /// Which block.
        block: usize,
    },
    /// A block that cannot be read.
    #[error("signature {block} is malformed: {reason}")]
    Malformed {
        /// Which block.
        block: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A block that means what another spelling means too: other line lengths or line ends, an unused field that is used.
    #[error("signature {block} is not spelled as ssh-keygen spells it")]
    OtherSpelling {
        /// Which block.
        block: usize,
    },
    /// The key in a block is none that may be used here.
    #[error("signature {block} was made with a key that is not accepted: {reason}")]
    Key {
        /// Which block.
        block: usize,
        /// Why not.
        reason: InvalidKey,
    },
}

/// One signature. It says which key made it in which namespace; whether that is true only [`Keyring::verify`] tells.
///
/// [`Keyring::verify`]: crate::Keyring::verify
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    parsed: SshSig,
    key: PublicKey,
    armored: String,
}

impl Signature {
    /// A signature that was just made.
    pub(crate) fn made(signed: ssh_key::Result<SshSig>) -> Result<Self, SigningFailed> {
        let parsed = signed.map_err(|error| SigningFailed { reason: error.to_string() })?;
        let key = PublicKey::from_data(parsed.public_key(), "")
            .map_err(|error| SigningFailed { reason: error.to_string() })?;
        let armored = parsed
            .to_pem(LineEnding::LF)
            .map_err(|error| SigningFailed { reason: error.to_string() })?;
        Ok(Self { parsed, key, armored: ended(&armored) })
    }

    /// The key that it says it was made with.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The namespace that it says it was made in.
    pub fn namespace(&self) -> &str {
        self.parsed.namespace()
    }

    /// Its armored form, which ends with a newline: what `ssh-keygen -Y sign` writes.
    pub fn armored(&self) -> &str {
        &self.armored
    }

    pub(crate) fn parsed(&self) -> &SshSig {
        &self.parsed
    }

    /// Reads one block, from its first to its last dash.
    fn parse(armored: &str, block: usize) -> Result<Self, InvalidSignatures> {
        let malformed = |error: ssh_key::Error| InvalidSignatures::Malformed {
            block,
            reason: error.to_string(),
        };
        let parsed = SshSig::from_pem(armored).map_err(malformed)?;
        let key = PublicKey::from_data(parsed.public_key(), "")
            .map_err(|reason| InvalidSignatures::Key { block, reason })?;
        let own = parsed.to_pem(LineEnding::LF).map_err(malformed)?;
        let is_plain = parsed.version() == SshSig::VERSION && parsed.reserved().is_empty();
        if own.trim_end() != armored || !is_plain {
            return Err(InvalidSignatures::OtherSpelling { block });
        }
        Ok(Self { parsed, key, armored: ended(armored) })
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({} by {})", self.namespace(), self.key.fingerprint())
    }
}

fn ended(armored: &str) -> String {
    format!("{}\n", armored.trim_end())
}

/// The signatures of a `.sig` file: one or several armored blocks, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures(Vec<Signature>);

impl Signatures {
    /// Some signatures.
    ///
    /// # Errors
    /// If there are none, or more than [`MAXIMUM_BLOCKS`].
    pub fn new(signatures: Vec<Signature>) -> Result<Self, InvalidSignatures> {
        match signatures.len() {
            0 => Err(InvalidSignatures::Empty),
            1..=MAXIMUM_BLOCKS => Ok(Self(signatures)),
            _ => Err(InvalidSignatures::TooMany { limit: MAXIMUM_BLOCKS }),
        }
    }

    /// Reads a `.sig` file of at most [`MAXIMUM_SIGNATURE_BYTES`] bytes and [`MAXIMUM_BLOCKS`] blocks.
    ///
    /// The first block begins with the first byte, as `ssh-keygen` has it; nothing but white space stands between two blocks
    /// and behind the last. Each is spelled as `ssh-keygen` spells it.
    ///
    /// # Errors
    /// What is wrong with the first block that is not as it should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidSignatures> {
        let limit = MAXIMUM_SIGNATURE_BYTES;
        if bytes.len() > limit {
            return Err(InvalidSignatures::TooLarge { bytes: bytes.len(), limit });
        }
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
        let mut rest = text.ok_or(InvalidSignatures::NotAscii)?;
        let mut signatures = Vec::new();
        while !rest.is_empty() {
            let block = signatures.len() + 1;
            if block > MAXIMUM_BLOCKS {
                return Err(InvalidSignatures::TooMany { limit: MAXIMUM_BLOCKS });
            }
            let (armored, behind) = split_block(rest, block)?;
            signatures.push(Signature::parse(armored, block)?);
            rest = behind.trim_ascii_start();
        }
        Self::new(signatures)
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().map(Signature::armored).collect::<String>().into_bytes()
    }

    /// The signatures, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Signature> {
        self.0.iter()
    }

    /// These signatures, and one more.
    ///
    /// # Errors
    /// If there are [`MAXIMUM_BLOCKS`] already.
    pub fn with(mut self, signature: Signature) -> Result<Self, InvalidSignatures> {
        self.0.push(signature);
        Self::new(self.0)
    }
}

impl From<Signature> for Signatures {
    fn from(signature: Signature) -> Self {
        Self(vec![signature])
    }
}

/// The block that a text begins with, and what stands behind it.
fn split_block(text: &str, block: usize) -> Result<(&str, &str), InvalidSignatures> {
    if !text.starts_with(BEGIN) {
        return Err(InvalidSignatures::NoSignature { block });
    }
    let end = text.find(END).ok_or(InvalidSignatures::CutOff { block })? + END.len();
    let (armored, behind) =
        text.split_at_checked(end).ok_or(InvalidSignatures::CutOff { block })?;
    if !behind.is_empty() && !behind.starts_with(|c: char| c.is_ascii_whitespace()) {
        return Err(InvalidSignatures::NoSignature { block: block + 1 });
    }
    Ok((armored, behind))
}
