//! Whether an epoch may follow another.

use integrity::Digest;
use versioning::Timestamp;

use crate::key::Fingerprint;
use crate::signature::{Role, Signatures};

use super::verify::{NotEnough, Signer};
use super::{InvalidKeyring, Keyring};

/// Who allowed an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// Those who could by the epoch before. The same as `own` for the first, which trusts itself.
    pub before: Vec<Signer>,
    /// Those who could by the epoch itself.
    pub own: Vec<Signer>,
}

/// Why an epoch may not be the next one: the first of these that holds, in this order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuccessionRefused {
    /// It has another number than the next.
    #[error("the next epoch of the keyring is {expected}, and this is epoch {found}")]
    Epoch {
        /// The next.
        expected: u64,
        /// Its number.
        found: u64,
    },
    /// There are no more epochs.
    #[error(transparent)]
    Last(#[from] InvalidKeyring),
    /// It was made for another history.
    #[error("this epoch follows {}, and the present one is {expected}", found.map_or_else(|| "none".to_owned(), |digest| digest.to_string()))]
    Previous {
        /// The digest of the epoch that it should follow.
        expected: Digest,
        /// The one that it names.
        found: Option<Digest>,
    },
    /// It takes a revocation back.
    #[error("the key {key} is revoked, and this epoch does not say so any more")]
    Unrevoked {
        /// Which.
        key: Fingerprint,
    },
    /// Too few of those who may by the epoch before.
    #[error("by the present epoch of the keyring: {0}")]
    Before(NotEnough),
    /// Too few of those who may by the epoch itself.
    #[error("by this epoch of the keyring: {0}")]
    Own(NotEnough),
}

impl Keyring {
    /// Whether this may be the first epoch of a node that knows none: it has number 1, and its own threshold signed it.
    ///
    /// # Errors
    /// [`SuccessionRefused::Epoch`] or [`SuccessionRefused::Own`]. Whether it is the right one is for whoever installs it to
    /// know, from its [`Keyring::digest`].
    pub fn verify_first(
        &self,
        signatures: &Signatures,
        now: Timestamp,
    ) -> Result<Approvals, SuccessionRefused> {
        if self.epoch() != 1 {
            return Err(SuccessionRefused::Epoch { expected: 1, found: self.epoch() });
        }
        let own = self.approved_by(self, signatures, now).map_err(SuccessionRefused::Own)?;
        Ok(Approvals { before: own.clone(), own })
    }

    /// Whether `next` may follow this epoch: it has the next number, names this one's digest, keeps what is revoked, and the
    /// keyring thresholds of both signed it.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn verify_next(
        &self,
        next: &Self,
        signatures: &Signatures,
        now: Timestamp,
    ) -> Result<Approvals, SuccessionRefused> {
        let expected = self.next_epoch()?;
        if next.epoch() != expected {
            return Err(SuccessionRefused::Epoch { expected, found: next.epoch() });
        }
        let (expected, found) = (self.digest(), next.previous());
        if found != Some(expected) {
            return Err(SuccessionRefused::Previous { expected, found });
        }
        if let Some(key) = self.revoked().iter().find(|key| !next.is_revoked(key)) {
            return Err(SuccessionRefused::Unrevoked { key: key.fingerprint() });
        }
        let before = next.approved_by(self, signatures, now).map_err(SuccessionRefused::Before)?;
        let own = next.approved_by(next, signatures, now).map_err(SuccessionRefused::Own)?;
        Ok(Approvals { before, own })
    }

    /// The number of the epoch after this one.
    pub(super) fn next_epoch(&self) -> Result<u64, InvalidKeyring> {
        let epoch = self.epoch();
        epoch.checked_add(1).ok_or(InvalidKeyring::LastEpoch { epoch })
    }

    fn approved_by(
        &self,
        judge: &Self,
        signatures: &Signatures,
        now: Timestamp,
    ) -> Result<Vec<Signer>, NotEnough> {
        judge.verify(Role::Keyring, &self.bytes, signatures, now)
    }
}
