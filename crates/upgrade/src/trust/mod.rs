//! Who may change a home, and what exactly they allowed (FC-UPGRADE-0001 §21).
//!
//! A home without a keyring belongs to whoever may write to it: it is changed in development mode alone, which has to be
//! asked for by name and is on record. From the moment that a keyring is installed nothing goes without the signatures that
//! it asks for, and development mode is refused. Whoever is refused is put on record, and nothing else changes.
//!
//! What the signatures are held against never comes from a file alone: the journal names the epoch of the keyring and its
//! digest, the ids that were used up, the security floor, and the time that was last on record.

mod admit;
mod chain;
mod draft;
mod keyring;

use authorization::{InvalidSignatures, InvalidStatement, Signatures, Statement};
use integrity::Digest;
use journal::{Authority, SignedBy};

pub(crate) use admit::{Court, Wanted, digest_of};
pub(crate) use chain::keyring_of_files;
pub use draft::{Terms, draft_recovery};
pub(crate) use keyring::read_keyring;
pub use keyring::{InstalledKeyring, KeyringProposal};

use crate::error::Cause;

/// The authority to change a home: what turns a planned upgrade into an authorised one (FC-UPGRADE-0001 §21).
#[derive(Debug, Clone)]
pub struct Authorization {
    given: Given,
    accepts_clock: bool,
}

#[derive(Debug, Clone)]
enum Given {
    Development,
    Signed(Box<SignedStatement>),
}

/// A statement with the bytes that were signed.
#[derive(Debug, Clone)]
struct SignedStatement {
    statement: Statement,
    bytes: Vec<u8>,
    signatures: Signatures,
}

/// What is no authorisation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorization {
    /// The statement is not in its form.
    #[error("the authorisation is not in its form: {0}")]
    Statement(#[from] InvalidStatement),
    /// The signatures are not in their form.
    #[error("the signatures of the authorisation are not in their form: {0}")]
    Signatures(#[from] InvalidSignatures),
}

impl Authorization {
    /// Unsigned, asked for by name. Shown in `status` and in the journal; refused by a home that has a keyring.
    pub fn development() -> Self {
        Self { given: Given::Development, accepts_clock: false }
    }

    /// A statement as it was signed, and the signatures: whether they suffice, and for what, the home says.
    ///
    /// # Errors
    /// If one of them is not in its form.
    pub fn signed(statement: &[u8], signatures: &[u8]) -> Result<Self, InvalidAuthorization> {
        let signed = SignedStatement {
            statement: Statement::parse(statement)?,
            bytes: statement.to_vec(),
            signatures: Signatures::parse(signatures)?,
        };
        Ok(Self { given: Given::Signed(Box::new(signed)), accepts_clock: false })
    }

    /// The same, for a machine whose clock is known to be behind what is on record. It goes on record, too; the time that is
    /// on record is what windows of validity are held to then.
    #[must_use]
    pub fn accepting_clock(self) -> Self {
        Self { accepts_clock: true, ..self }
    }

    /// The digest of what was signed, byte for byte.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match &self.given {
            Given::Development => None,
            Given::Signed(signed) => Some(Digest::of(&signed.bytes)),
        }
    }

    /// What is allowed, if it was signed.
    pub fn statement(&self) -> Option<&Statement> {
        match &self.given {
            Given::Development => None,
            Given::Signed(signed) => Some(&signed.statement),
        }
    }
}

/// The authority that an attempt goes on record with.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) authority: Authority,
    pub(crate) signed: Option<Box<SignedBy>>,
    pub(crate) clock_behind: bool,
}

impl Admitted {
    /// For what needs nobody's signature.
    pub(crate) fn standing() -> Self {
        Self { authority: Authority::Standing, signed: None, clock_behind: false }
    }

    fn development(clock_behind: bool) -> Self {
        Self { authority: Authority::Development, signed: None, clock_behind }
    }
}

impl From<InvalidAuthorization> for Cause {
    fn from(reason: InvalidAuthorization) -> Self {
        Self::InvalidAuthorization(reason)
    }
}
