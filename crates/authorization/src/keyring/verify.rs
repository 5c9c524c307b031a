//! Whether enough have signed.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use versioning::Timestamp;

use crate::key::Fingerprint;
use crate::signature::{Role, Signature, Signatures};
use crate::signers::{Moment, Principal, Validity};

use super::Keyring;

/// Somebody whose signature was counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Who.
    pub principal: Principal,
    /// With which key.
    pub key: Fingerprint,
}

/// A signature that was not counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signature by {key} does not count: {reason}")]
pub struct NotCounted {
    /// The key that it says it was made with.
    pub key: Fingerprint,
    /// Why not.
    pub reason: Reason,
}

/// Why a signature was not counted: the first of these that holds, in this order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It was made for something else.
    #[error("it was made in the namespace {found:?}")]
    OtherNamespace {
        /// For what.
        found: String,
    },
    /// It is over other bytes, or was altered itself.
    #[error("it is not a signature of this content")]
    OtherContent,
    /// The key is revoked.
    #[error("the key is revoked")]
    Revoked,
    /// The key stands on no line.
    #[error("the key is not known")]
    UnknownKey,
    /// The key may not sign as this.
    #[error("the key of {principal} may not sign as {role}")]
    OtherRole {
        /// Whose key it is.
        principal: Principal,
        /// As what it was to sign.
        role: Role,
    },
    /// The key is not valid yet.
    #[error("the key of {principal} is valid after {after} only")]
    NotYetValid {
        /// Whose key it is.
        principal: Principal,
        /// Its first second.
        after: Moment,
    },
    /// The key is not valid any more.
    #[error("the key of {principal} was valid before {before} only")]
    Expired {
        /// Whose key it is.
        principal: Principal,
        /// Its last second.
        before: Moment,
    },
    /// The same key was counted already.
    #[error("this key was counted already")]
    SameKey,
    /// The same principal was counted already, with another key.
    #[error("{principal} was counted already, with another key")]
    SamePrincipal {
        /// Who.
        principal: Principal,
    },
}

/// Fewer have signed than must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} must sign as {role}, and {} did; {}",
    counted.len(),
    if not_counted.is_empty() { "there is no other signature".to_owned() } else { sentences(not_counted) }
)]
pub struct NotEnough {
    /// As what.
    pub role: Role,
    /// How many distinct principals must, with distinct keys.
    pub needed: NonZeroU32,
    /// Who did.
    pub counted: Vec<Signer>,
    /// Every signature that did not count, in the order of the file.
    pub not_counted: Vec<NotCounted>,
}

fn sentences(not_counted: &[NotCounted]) -> String {
    not_counted.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Keyring {
    /// Whether enough have signed a message in a role. Counted are distinct principals with distinct keys, never signatures.
    ///
    /// `now` decides which keys are valid, in whole seconds as OpenSSH compares them.
    ///
    /// # Errors
    /// [`NotEnough`], which says of every signature that was not counted why. If enough have signed, it does not matter what
    /// else stands in the file.
    // trace: impl FC-21.2 FC-23.3
    pub fn verify(
        &self,
        role: Role,
        message: &[u8],
        signatures: &Signatures,
        now: Timestamp,
    ) -> Result<Vec<Signer>, NotEnough> {
        let (mut counted, mut not_counted) = (Vec::<Signer>::new(), Vec::new());
        let (mut principals, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for signature in signatures.iter() {
            let key = signature.key().fingerprint();
            let reason = match self.judge(role, message, signature, now) {
                Err(reason) => reason,
                Ok(_) if keys.contains(&key) => Reason::SameKey,
                Ok(principal) if principals.contains(principal) => {
                    Reason::SamePrincipal { principal: principal.clone() }
                }
                Ok(principal) => {
                    keys.insert(key);
                    principals.insert(principal.clone());
                    counted.push(Signer { principal: principal.clone(), key });
                    continue;
                }
            };
            not_counted.push(NotCounted { key, reason });
        }
        let needed = self.thresholds().of(role);
        if counted.len() as u64 >= u64::from(needed.get()) {
            return Ok(counted);
        }
        Err(NotEnough { role, needed, counted, not_counted })
    }

    /// Whose signature it is, if it is good by itself.
    fn judge(
        &self,
        role: Role,
        message: &[u8],
        signature: &Signature,
        now: Timestamp,
    ) -> Result<&Principal, Reason> {
        let (key, namespace) = (signature.key(), role.namespace());
        if signature.namespace() != namespace {
            return Err(Reason::OtherNamespace { found: signature.namespace().to_owned() });
        }
        if !key.verifies(namespace, message, signature) {
            return Err(Reason::OtherContent);
        }
        if self.is_revoked(key) {
            return Err(Reason::Revoked);
        }
        let line = self.line(key).ok_or(Reason::UnknownKey)?;
        let principal = line.principal();
        if !line.roles().contains(&role) {
            return Err(Reason::OtherRole { principal: principal.clone(), role });
        }
        match line.validity(now) {
            Validity::Valid => Ok(principal),
            Validity::NotYet(after) => {
                Err(Reason::NotYetValid { principal: principal.clone(), after })
            }
            Validity::Expired(before) => {
                Err(Reason::Expired { principal: principal.clone(), before })
            }
        }
    }
}
