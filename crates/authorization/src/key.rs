//! Ed25519 keys in OpenSSH's forms.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, PrivateKey};

use crate::signature::{Role, Signature, SigningFailed};

#[cfg(test)]
mod tests;

/// Longest comment behind a public key, in bytes.
pub const MAXIMUM_COMMENT_BYTES: usize = 128;

/// Largest file with a private key that is looked at. One with an Ed25519 key has less than a kilobyte.
const MAXIMUM_PRIVATE_KEY_BYTES: usize = 64 * 1024;

/// The only algorithm, as OpenSSH spells it.
const ALGORITHM: &str = "ssh-ed25519";

/// What is not a key that may be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// It is not in OpenSSH's form.
    #[error("this is not a key in OpenSSH's form: {reason}")]
    Malformed {
        /// What is wrong with it. Never a part of the key.
        reason: String,
    },
    /// A key of another algorithm.
    #[error("this is a key of the algorithm {found}; only {ALGORITHM} is accepted")]
    OtherAlgorithm {
        /// Which.
        found: String,
    },
    /// A private key that needs a passphrase.
    #[error(
        "this private key is encrypted; sign with `ssh-keygen -Y sign`, which asks for the passphrase"
    )]
    Encrypted,
    /// A public key for which anybody can make signatures: a point of low order.
    #[error("this public key is a weak one, for which anybody could sign")]
    Weak,
    /// A comment that is too long or has what does not print as ASCII.
    #[error(
        "the comment behind a key has at most {MAXIMUM_COMMENT_BYTES} printable ASCII characters"
    )]
    Comment,
    /// Larger than any file with a key.
    #[error("{bytes} bytes are too many for a private key; the bound is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
}

impl InvalidKey {
    fn malformed(reason: impl fmt::Display) -> Self {
        Self::Malformed { reason: reason.to_string() }
    }
}

/// An Ed25519 public key, written `ssh-ed25519 AAAA… comment`.
///
/// It is a point of the curve that is not weak. The comment is for people: two keys that differ only there are equal.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    bytes: [u8; 32],
    comment: String,
}

impl PublicKey {
    /// Holds 32 bytes to what a key is.
    pub(crate) fn new(bytes: [u8; 32], comment: &str) -> Result<Self, InvalidKey> {
        let point = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .map_err(|_| InvalidKey::malformed("its bytes are no point of the curve"))?;
        if point.is_weak() {
            return Err(InvalidKey::Weak);
        }
        let prints = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if comment.len() > MAXIMUM_COMMENT_BYTES || !comment.bytes().all(prints) {
            return Err(InvalidKey::Comment);
        }
        Ok(Self { bytes, comment: comment.trim().to_owned() })
    }

    /// What `ssh_key` makes of a key, held to what a key is here.
    pub(crate) fn from_data(data: &KeyData, comment: &str) -> Result<Self, InvalidKey> {
        match data {
            KeyData::Ed25519(key) => Self::new(key.0, comment),
            other => {
                Err(InvalidKey::OtherAlgorithm { found: other.algorithm().as_str().to_owned() })
            }
        }
    }

    /// What stands behind the key, for people. Empty if nothing does.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The same key with another comment.
    ///
    /// # Errors
    /// If the comment is too long or does not print.
    pub fn with_comment(&self, comment: &str) -> Result<Self, InvalidKey> {
        Self::new(self.bytes, comment)
    }

    /// The fingerprint that `ssh-keygen -l` prints.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(ssh_key::Fingerprint::new(HashAlg::Sha256, &self.data()))
    }

    /// True if the signature was made with this key, in this namespace, over this message.
    pub(crate) fn verifies(&self, namespace: &str, message: &[u8], signature: &Signature) -> bool {
        let key = ssh_key::PublicKey::from(self.data());
        key.verify(namespace, message, signature.parsed()).is_ok()
    }

    fn data(&self) -> KeyData {
        KeyData::Ed25519(Ed25519PublicKey(self.bytes))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = ssh_key::PublicKey::from(self.data()).to_openssh().map_err(|_| fmt::Error)?;
        formatter.write_str(text.trim_end())?;
        if self.comment.is_empty() {
            return Ok(());
        }
        write!(formatter, " {}", self.comment)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, rest) = text
            .split_once(' ')
            .ok_or_else(|| InvalidKey::malformed("an algorithm and the key were expected"))?;
        if algorithm != ALGORITHM {
            return Err(match Algorithm::from_str(algorithm) {
                Ok(known) if !matches!(known, Algorithm::Other(_)) => {
                    InvalidKey::OtherAlgorithm { found: algorithm.to_owned() }
                }
                _ => InvalidKey::malformed("it does not begin with an algorithm"),
            });
        }
        let (encoded, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        // Anything else that OpenSSH takes for white space would be a second spelling.
        if !encoded.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey::malformed("one space stands on either side of the key"));
        }
        let key = ssh_key::PublicKey::from_openssh(&format!("{ALGORITHM} {encoded}"))
            .map_err(InvalidKey::malformed)?;
        Self::from_data(key.key_data(), comment)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// The SHA-256 fingerprint of a key, written as `ssh-keygen` prints it: `SHA256:` and 43 characters of base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(ssh_key::Fingerprint);

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a fingerprint such as SHA256: and 43 characters, as `ssh-keygen -l` prints"
)]
pub struct InvalidFingerprint {
    /// What was found instead.
    pub text: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ssh_key::Fingerprint::from_str(text)
            .ok()
            .filter(|parsed| parsed.is_sha256() && parsed.to_string() == text)
            .map(Self)
            .ok_or_else(|| InvalidFingerprint { text: text.to_owned() })
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// An Ed25519 private key. Its memory is cleared when it goes, and nothing prints it.
pub struct SigningKey {
    key: PrivateKey,
    public: PublicKey,
}

impl SigningKey {
    /// Reads a private key as `ssh-keygen -t ed25519` writes it, without a passphrase.
    ///
    /// # Errors
    /// [`InvalidKey::Encrypted`], [`InvalidKey::OtherAlgorithm`], or what else is wrong with it.
    pub fn from_openssh(text: &[u8]) -> Result<Self, InvalidKey> {
        let (bytes, limit) = (text.len(), MAXIMUM_PRIVATE_KEY_BYTES);
        if bytes > limit {
            return Err(InvalidKey::TooLarge { bytes, limit });
        }
        let key = PrivateKey::from_openssh(text).map_err(|error| match error {
            ssh_key::Error::AlgorithmUnsupported { algorithm } => {
                InvalidKey::OtherAlgorithm { found: algorithm.as_str().to_owned() }
            }
            ssh_key::Error::AlgorithmUnknown => {
                InvalidKey::OtherAlgorithm { found: "that is not known here".to_owned() }
            }
            other => InvalidKey::malformed(other),
        })?;
        if key.is_encrypted() {
            return Err(InvalidKey::Encrypted);
        }
        let data = key.public_key().key_data();
        // A comment that is unfit for a keyring is no reason not to sign.
        let public = PublicKey::from_data(data, key.comment())
            .or_else(|_| PublicKey::from_data(data, ""))?;
        Ok(Self { key, public })
    }

    /// Signs a message as `ssh-keygen -Y sign -n NAMESPACE` does, bit for bit.
    ///
    /// # Errors
    /// What encoding says, which it does for no key that exists.
    pub fn sign(&self, role: Role, message: &[u8]) -> Result<Signature, SigningFailed> {
        let signed = self.key.sign(role.namespace(), HashAlg::Sha512, message);
        Signature::made(signed)
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public.fingerprint())
    }
}
