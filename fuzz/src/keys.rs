//! Keys that everybody can know, and what they sign. The same on every run.

use std::sync::OnceLock;

use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use upgrade::authorization::{AllowedSigner, PublicKey, Role, Signature, SigningKey};

/// What is signed.
pub(crate) const MESSAGE: &[u8] = b"what is signed\n";

/// The keys that sign.
pub(crate) const SEEDS: [u8; 4] = [1, 2, 3, 4];

/// The key with this seed.
pub(crate) fn key(seed: u8) -> SigningKey {
    let pair = PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]));
    let text = pair.to_openssh(LineEnding::LF);
    match text.map(|text| SigningKey::from_openssh(text.as_bytes())) {
        Ok(Ok(key)) => key,
        other => panic!("there is no key: {other:?}"),
    }
}

/// The public halves of the keys that sign, by their seeds.
pub(crate) fn public_keys() -> &'static [(u8, PublicKey)] {
    static KEYS: OnceLock<Vec<(u8, PublicKey)>> = OnceLock::new();
    KEYS.get_or_init(|| SEEDS.map(|seed| (seed, key(seed).public_key().clone())).to_vec())
}

/// What the key with this seed makes of a message.
pub(crate) fn sign(role: Role, message: &[u8], seed: u8) -> Signature {
    match key(seed).sign(role, message) {
        Ok(signature) => signature,
        Err(error) => panic!("{error}"),
    }
}

/// A line that lets the key with this seed sign.
pub(crate) fn signer(principal: &str, roles: &[Role], seed: u8) -> AllowedSigner {
    let key = key(seed).public_key().clone();
    let made = principal.parse().and_then(|name| AllowedSigner::new(name, roles.to_vec(), key));
    match made {
        Ok(signer) => signer,
        Err(error) => panic!("{error}"),
    }
}
