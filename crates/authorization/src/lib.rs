//! Who may release and who may upgrade, and what exactly they allowed (FC-UPGRADE-0001 §21).
//!
//! Three roles sign, each in its own namespace, so that no signature of one kind can pass for another ([`Role`]). All
//! signatures are OpenSSH's (SSHSIG, Ed25519): what this library signs, `ssh-keygen -Y verify` accepts, and the other way
//! round; where the two differ, this library is the stricter one.
//!
//! - [`Keyring`]: who may sign as what and since when, how many must, and which keys are revoked. It has epochs, each of
//!   which is allowed by the thresholds of the one before and by its own.
//! - [`Statement`]: what an operator allows: this action, on these nodes, from this generation to that target, by this plan,
//!   within this window, once.
//! - [`Signatures`]: what stands in a `.sig` file.
//!
//! Pure: no file is read, and the time comes in as a value. What is signed is the literal bytes of a document, so every
//! document is held to a strict form (no unknown, repeated or missing field) before anything is concluded from it.

mod document;
mod key;
mod keyring;
#[cfg(test)]
mod made;
mod signature;
mod signers;
mod statement;

pub use document::InvalidDocument;
pub use key::{
    Fingerprint, InvalidFingerprint, InvalidKey, MAXIMUM_COMMENT_BYTES, PublicKey, SigningKey,
};
pub use keyring::{
    Approvals, Draft, InvalidKeyring, Keyring, MAXIMUM_KEYRING_BYTES, MAXIMUM_REVOKED,
    MAXIMUM_SIGNERS, NotCounted, NotEnough, Reason, Signer, SuccessionRefused, Thresholds,
};
pub use signature::{
    InvalidSignatures, MAXIMUM_BLOCKS, MAXIMUM_SIGNATURE_BYTES, Role, Signature, Signatures,
    SigningFailed,
};
pub use signers::{
    AllowedSigner, InvalidSigner, MAXIMUM_LINE_BYTES, MAXIMUM_PRINCIPAL_BYTES, Moment, Principal,
};
pub use statement::{
    Action, ActionKind, AuthorizationId, DataPolicy, Denied, GenerationReference, InvalidId,
    InvalidStatement, MAXIMUM_GENERATIONS, MAXIMUM_GRANT_BYTES, MAXIMUM_GRANTS, MAXIMUM_NODE_BYTES,
    MAXIMUM_NODES, MAXIMUM_REASON_BYTES, MAXIMUM_STATEMENT_BYTES, MAXIMUM_WINDOW_DAYS, Situation,
    Statement,
};
