//! A keyring that is not the one on record is found before anybody needs it.

use std::fs;
use std::num::NonZeroU32;
use std::process::Command;

use upgrade::KeyringProposal;
use upgrade::authorization::{AllowedSigner, Keyring, Role, Signatures, SigningKey, Thresholds};

use crate::support::Scene;

/// A key as `ssh-keygen` makes it.
fn key() -> SigningKey {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    SigningKey::from_openssh(&fs::read(path).unwrap()).unwrap()
}

/// Installs the first keyring, in which one key may do everything.
fn secure(scene: &Scene) {
    let key = key();
    let signer =
        AllowedSigner::new("alice".parse().unwrap(), Role::ALL, key.public_key().clone()).unwrap();
    let keyring = Keyring::first(Thresholds::all(NonZeroU32::MIN), vec![signer]).unwrap();
    let signatures = Signatures::from(key.sign(Role::Keyring, &keyring.to_bytes()).unwrap());
    let node = Some("node-1".to_owned());
    let proposal = KeyringProposal { keyring, signatures, node, release_signatures: Vec::new() };
    assert_eq!(scene.with(|home| home.install_keyring(&proposal)), 1);
}

#[test]
fn verification_finds_a_keyring_that_is_altered_or_gone() {
    let scene = Scene::adopted();
    scene.verify();
    secure(&scene);
    scene.verify();
    let file = scene.home().join("keyring/1.json");
    let problems = || scene.with(|home| home.verify(&mut |_| {})).problems;
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("alice", "mallory", 1)).unwrap();
    let [altered] = problems().try_into().unwrap();
    assert!(altered.contains("1.json") && altered.contains("is now"), "{altered}");
    fs::remove_file(&file).unwrap();
    let [gone] = problems().try_into().unwrap();
    assert!(gone.contains("the keyring is gone"), "{gone}");
    fs::write(&file, text).unwrap();
    scene.verify();
}
