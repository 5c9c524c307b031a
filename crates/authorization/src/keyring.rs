//! Who may sign as what: one epoch of a keyring, a JSON document.
//!
//! ```json
//! {"type": "femtoclaw.dev/keyring/v1", "epoch": 1, "previous": null,
//!  "thresholds": {"publisher": 1, "operator": 2, "keyring": 2},
//!  "allowed_signers": ["alice@example.com namespaces=\"upgrade@femtoclaw.dev\" ssh-ed25519 AAAA…"],
//!  "revoked": []}
//! ```
//!
//! A key stands on one line only, so distinct principals have distinct keys; a principal may have several keys, as it does
//! while it changes from one to the next. What is revoked stays revoked: a key may be on both lists, and is then not counted.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use integrity::Digest;
use serde::Serialize;

use crate::document::{Field, InvalidDocument, Object};
use crate::key::{Fingerprint, InvalidKey, PublicKey};
use crate::signature::Role;
use crate::signers::{AllowedSigner, InvalidSigner, Principal};

mod draft;
mod succession;
#[cfg(test)]
mod tests;
mod verify;

pub use draft::Draft;
pub use succession::{Approvals, SuccessionRefused};
pub use verify::{NotCounted, NotEnough, Reason, Signer};

/// Largest keyring, in bytes.
pub const MAXIMUM_KEYRING_BYTES: usize = 512 * 1024;

/// Most lines of allowed signers.
pub const MAXIMUM_SIGNERS: usize = 256;

/// Most revoked keys.
pub const MAXIMUM_REVOKED: usize = 1024;

const TYPE: &str = "femtoclaw.dev/keyring/v1";

/// What is not a keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyring {
    /// The document has another form.
    #[error("the keyring is not in its form: {0}")]
    Document(#[from] InvalidDocument),
    /// A line of allowed signers.
    #[error("line {line} of the allowed signers: {reason}")]
    Signer {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: InvalidSigner,
    },
    /// A revoked key.
    #[error("revoked key {line}: {reason}")]
    Revoked {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: InvalidKey,
    },
    /// Epochs are counted from 1.
    #[error("there is no epoch 0; the first is 1")]
    EpochZero,
    /// The first epoch names one before it, or a later one does not.
    #[error(
        "epoch {epoch} names the digest of the epoch before it if and only if it is not the first"
    )]
    Previous {
        /// The epoch.
        epoch: u64,
    },
    /// A key on two lines, which could be counted for two principals.
    #[error("the key {key} stands on more than one line")]
    KeyTwice {
        /// Which.
        key: Fingerprint,
    },
    /// A threshold that all who may sign cannot reach together.
    #[error("{needed} must sign as {role}, but only {found} can with a key that is not revoked")]
    OutOfReach {
        /// As what.
        role: Role,
        /// The threshold.
        needed: NonZeroU32,
        /// How many principals have a key for it that is not revoked.
        found: usize,
    },
    /// There are 2⁶⁴ epochs.
    #[error("there is no epoch after {epoch}")]
    LastEpoch {
        /// The last.
        epoch: u64,
    },
    /// A key that should be changed or removed and is not there.
    #[error("the key {key} stands on no line")]
    UnknownKey {
        /// Which.
        key: Fingerprint,
    },
}

/// How many must sign, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Thresholds {
    /// For a release.
    pub publisher: NonZeroU32,
    /// For an action on a node.
    pub operator: NonZeroU32,
    /// For the next epoch of the keyring.
    pub keyring: NonZeroU32,
}

impl Thresholds {
    /// The same threshold for every role.
    pub const fn all(threshold: NonZeroU32) -> Self {
        Self { publisher: threshold, operator: threshold, keyring: threshold }
    }

    /// The threshold of a role.
    pub const fn of(&self, role: Role) -> NonZeroU32 {
        match role {
            Role::Publisher => self.publisher,
            Role::Operator => self.operator,
            Role::Keyring => self.keyring,
        }
    }
}

/// One epoch, with the bytes that it was read from, which are what its signatures and its digest are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    epoch: u64,
    previous: Option<Digest>,
    thresholds: Thresholds,
    signers: Vec<AllowedSigner>,
    revoked: Vec<PublicKey>,
    bytes: Vec<u8>,
}

/// The document as it is written.
#[derive(Serialize)]
struct Written<'a> {
    r#type: &'static str,
    epoch: u64,
    previous: Option<Digest>,
    thresholds: Thresholds,
    allowed_signers: Vec<String>,
    revoked: Vec<&'a PublicKey>,
}

impl Keyring {
    /// Reads an epoch. Whether anybody signed it is not asked here.
    ///
    /// # Errors
    /// What is wrong with its form, with a line, or with its thresholds: each must be within reach of distinct principals
    /// whose keys are not revoked. That looks at no clock; a line that has expired counts.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidKeyring> {
        let mut document = Object::parse(bytes, MAXIMUM_KEYRING_BYTES)?;
        document.take("type")?.must_be(TYPE)?;
        let epoch = document.take("epoch")?.number()?;
        let previous = document.take("previous")?.nullable();
        let previous = previous.map(|field| field.parsed()).transpose()?;
        let thresholds = thresholds(document.take("thresholds")?)?;
        let lines = document.take("allowed_signers")?.list(MAXIMUM_SIGNERS)?;
        let signers = read_all(&lines, |line, reason| InvalidKeyring::Signer { line, reason })?;
        let keys = document.take("revoked")?.list(MAXIMUM_REVOKED)?;
        let revoked = read_all(&keys, |line, reason| InvalidKeyring::Revoked { line, reason })?;
        document.finish()?;
        let bytes = bytes.to_vec();
        let keyring = Self { epoch, previous, thresholds, signers, revoked, bytes };
        keyring.check()?;
        Ok(keyring)
    }

    /// The first epoch.
    ///
    /// # Errors
    /// As [`Keyring::parse`].
    pub fn first(
        thresholds: Thresholds,
        signers: Vec<AllowedSigner>,
    ) -> Result<Self, InvalidKeyring> {
        Self::write(1, None, thresholds, &signers, &[])
    }

    /// What the next epoch could say: at first the same as this one.
    ///
    /// # Errors
    /// If there is no further epoch.
    pub fn next(&self) -> Result<Draft, InvalidKeyring> {
        Draft::after(self)
    }

    /// Its number, counted from 1.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The digest of the epoch before it.
    pub fn previous(&self) -> Option<Digest> {
        self.previous
    }

    /// How many must sign.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Its lines, in their order.
    pub fn signers(&self) -> &[AllowedSigner] {
        &self.signers
    }

    /// Its revoked keys, in their order.
    pub fn revoked(&self) -> &[PublicKey] {
        &self.revoked
    }

    /// True if the key is revoked, whatever the lines say.
    pub fn is_revoked(&self, key: &PublicKey) -> bool {
        self.revoked.contains(key)
    }

    /// The document: the bytes that it was read from.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The digest of the document.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// The lines for `ssh-keygen -Y verify -f`: all of them, or those of one role.
    pub fn allowed_signers_file(&self, role: Option<Role>) -> String {
        let fits = |signer: &&AllowedSigner| role.is_none_or(|role| signer.roles().contains(&role));
        self.signers.iter().filter(fits).map(|signer| format!("{signer}\n")).collect()
    }

    /// The revoked keys for `ssh-keygen -Y verify -r`.
    pub fn revocation_file(&self) -> String {
        self.revoked.iter().map(|key| format!("{key}\n")).collect()
    }

    /// Writes a document and reads it back, so that what is made here is held to what is read.
    fn write(
        epoch: u64,
        previous: Option<Digest>,
        thresholds: Thresholds,
        signers: &[AllowedSigner],
        revoked: &[PublicKey],
    ) -> Result<Self, InvalidKeyring> {
        let written = Written {
            r#type: TYPE,
            epoch,
            previous,
            thresholds,
            allowed_signers: signers.iter().map(ToString::to_string).collect(),
            revoked: revoked.iter().collect(),
        };
        Self::parse(&crate::document::write(&written)?)
    }

    /// What holds between the fields.
    fn check(&self) -> Result<(), InvalidKeyring> {
        let epoch = self.epoch;
        if epoch == 0 {
            return Err(InvalidKeyring::EpochZero);
        }
        if self.previous.is_none() != (epoch == 1) {
            return Err(InvalidKeyring::Previous { epoch });
        }
        check_distinct(self.signers.iter().map(AllowedSigner::key))?;
        check_distinct(self.revoked.iter())?;
        for role in Role::ALL {
            let (needed, found) = (self.thresholds.of(role), self.able(role).len());
            if u64::from(needed.get()) > found as u64 {
                return Err(InvalidKeyring::OutOfReach { role, needed, found });
            }
        }
        Ok(())
    }

    /// Who has a key for a role that is not revoked.
    fn able(&self, role: Role) -> BTreeSet<&Principal> {
        let may = |signer: &&AllowedSigner| signer.roles().contains(&role);
        let signers = self.signers.iter().filter(may);
        signers.filter(|line| !self.is_revoked(line.key())).map(AllowedSigner::principal).collect()
    }

    /// The line of a key. A key has at most one.
    fn line(&self, key: &PublicKey) -> Option<&AllowedSigner> {
        self.signers.iter().find(|signer| signer.key() == key)
    }
}

fn check_distinct<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> Result<(), InvalidKeyring> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(InvalidKeyring::KeyTwice { key: key.fingerprint() });
        }
    }
    Ok(())
}

fn thresholds(field: Field) -> Result<Thresholds, InvalidDocument> {
    let mut object = field.object()?;
    let mut of = |role: Role| {
        let field = object.take(role.name())?;
        let threshold = u32::try_from(field.number()?).ok().and_then(NonZeroU32::new);
        threshold.ok_or_else(|| field.wrong("a number from 1 on"))
    };
    let (publisher, operator, keyring) =
        (of(Role::Publisher)?, of(Role::Operator)?, of(Role::Keyring)?);
    object.finish()?;
    Ok(Thresholds { publisher, operator, keyring })
}

/// Reads a value of every entry, which are counted from 1.
fn read_all<T: std::str::FromStr>(
    entries: &[Field],
    wrong: impl Fn(usize, T::Err) -> InvalidKeyring,
) -> Result<Vec<T>, InvalidKeyring> {
    let mut values = Vec::with_capacity(entries.len());
    for (line, entry) in (1..).zip(entries) {
        values.push(entry.text()?.parse().map_err(|reason| wrong(line, reason))?);
    }
    Ok(values)
}
