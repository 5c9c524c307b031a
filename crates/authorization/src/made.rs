//! Keys and signers for tests.

use std::num::NonZeroU32;

use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use versioning::Timestamp;

use crate::{AllowedSigner, Keyring, Role, Signatures, SigningKey, Thresholds};

/// The private key with this seed, as a file.
pub(crate) fn key_file(seed: u8) -> String {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]));
    key.to_openssh(LineEnding::LF).unwrap().to_string()
}

/// The private key with this seed.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_openssh(key_file(seed).as_bytes()).unwrap()
}

/// A line that lets the key with this seed sign in some roles, always.
pub(crate) fn signer(principal: &str, roles: &[Role], seed: u8) -> AllowedSigner {
    let key = key(seed).public_key().clone();
    AllowedSigner::new(principal.parse().unwrap(), roles.iter().copied(), key).unwrap()
}

pub(crate) fn thresholds(publisher: u32, operator: u32, keyring: u32) -> Thresholds {
    let number = |number| NonZeroU32::new(number).unwrap();
    Thresholds {
        publisher: number(publisher),
        operator: number(operator),
        keyring: number(keyring),
    }
}

/// Alice has the keys 1 and 2, bob 3, carol 4; each may do everything.
pub(crate) fn keyring(thresholds: Thresholds) -> Keyring {
    let lines = [("alice", 1), ("alice", 2), ("bob", 3), ("carol", 4)];
    let lines = lines.map(|(name, seed)| signer(name, &Role::ALL, seed));
    Keyring::first(thresholds, lines.to_vec()).unwrap()
}

/// What the keys with these seeds make of a message.
pub(crate) fn signatures(role: Role, message: &[u8], seeds: &[u8]) -> Signatures {
    let made = seeds.iter().map(|seed| key(*seed).sign(role, message).unwrap());
    Signatures::new(made.collect()).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
