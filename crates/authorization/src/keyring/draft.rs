//! The next epoch, while it is being written.

use integrity::Digest;

use crate::key::{Fingerprint, PublicKey};
use crate::signers::{AllowedSigner, Moment};

use super::{InvalidKeyring, Keyring, Thresholds};

/// The next epoch, while it is being written. Nothing is checked but what each change needs: [`Draft::finish`] checks all.
#[derive(Debug, Clone)]
pub struct Draft {
    epoch: u64,
    previous: Digest,
    thresholds: Thresholds,
    signers: Vec<AllowedSigner>,
    revoked: Vec<PublicKey>,
}

impl Draft {
    pub(super) fn after(keyring: &Keyring) -> Result<Self, InvalidKeyring> {
        Ok(Self {
            epoch: keyring.next_epoch()?,
            previous: keyring.digest(),
            thresholds: *keyring.thresholds(),
            signers: keyring.signers().to_vec(),
            revoked: keyring.revoked().to_vec(),
        })
    }

    /// Adds a line.
    #[must_use]
    pub fn allow(mut self, signer: AllowedSigner) -> Self {
        self.signers.push(signer);
        self
    }

    /// Removes the line of a key, which is not revoked by that.
    ///
    /// # Errors
    /// [`InvalidKeyring::UnknownKey`].
    pub fn remove(mut self, key: Fingerprint) -> Result<Self, InvalidKeyring> {
        let place = self.place(key)?;
        self.signers.remove(place);
        Ok(self)
    }

    /// Gives the principal of a key a new one, for the same roles. The old one goes, or stays valid until and including
    /// `old_until` (never longer than before), for what is signed and not yet used.
    ///
    /// # Errors
    /// [`InvalidKeyring::UnknownKey`]; [`InvalidKeyring::Signer`] if the old key would not be valid for a second.
    pub fn rotate(
        mut self,
        old: Fingerprint,
        new: PublicKey,
        old_until: Option<Moment>,
    ) -> Result<Self, InvalidKeyring> {
        let place = self.place(old)?;
        let line = self.signers.remove(place);
        let wrong = |reason| InvalidKeyring::Signer { line: place + 1, reason };
        let (principal, roles) = (line.principal().clone(), line.roles().clone());
        let new = AllowedSigner::new(principal, roles, new).map_err(wrong)?;
        self.signers.insert(place, new);
        if let Some(until) = old_until {
            let before = line.valid_before().map_or(until, |before| before.min(until));
            let after = line.valid_after();
            self.signers.insert(place, line.valid(after, Some(before)).map_err(wrong)?);
        }
        Ok(self)
    }

    /// Revokes a key for good, whether it has a line or not; its line goes.
    #[must_use]
    pub fn revoke(mut self, key: PublicKey) -> Self {
        self.signers.retain(|signer| signer.key() != &key);
        if !self.revoked.contains(&key) {
            self.revoked.push(key);
        }
        self
    }

    /// Sets how many must sign.
    #[must_use]
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// The epoch, for those to sign who must.
    ///
    /// # Errors
    /// As [`Keyring::parse`].
    pub fn finish(self) -> Result<Keyring, InvalidKeyring> {
        let previous = Some(self.previous);
        Keyring::write(self.epoch, previous, self.thresholds, &self.signers, &self.revoked)
    }

    /// Where the line of a key stands.
    fn place(&self, key: Fingerprint) -> Result<usize, InvalidKeyring> {
        let has = |signer: &AllowedSigner| signer.key().fingerprint() == key;
        self.signers.iter().position(has).ok_or(InvalidKeyring::UnknownKey { key })
    }
}
