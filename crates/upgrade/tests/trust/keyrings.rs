//! Epochs of the keyring that follow each other.

use std::fs;

use upgrade::authorization::{Keyring, Moment, Role, Signatures};
use upgrade::{Digest, Event};

use crate::support::{Scene, ground, signed};

/// The keyring without a publisher, who is revoked.
fn without(keyring: &Keyring, name: &str) -> Keyring {
    let key = ground().key(name).public_key().clone();
    keyring.next().unwrap().revoke(key).finish().unwrap()
}

/// The release of a generation as somebody signs it anew.
fn signed_anew(scene: &Scene, generation: u64, who: &str) -> Signatures {
    let path = scene.home().join(format!("generations/{generation}/runtime/release.json"));
    ground().sign(Role::Publisher, &fs::read(path).unwrap(), &[who])
}

#[test]
fn no_publisher_is_revoked_whose_release_is_needed() {
    let scene = Scene::confirmed();
    let next = without(&scene.keyring(), "acme");
    for signatures in [None, Some(signed_anew(&scene, 2, "mallory"))] {
        let refused = scene.install(ground(), &next, signatures, &["alice"]);
        scene.expect_refusal(refused, "keyring-would-orphan");
        assert_eq!(scene.keyring().epoch(), 1);
    }
    let anew = Some(signed_anew(&scene, 2, "apex"));
    scene.install(ground(), &next, anew, &["alice"]).unwrap();
    // It is kept: the epoch after that asks for nothing more.
    let third = scene.keyring().next().unwrap().finish().unwrap();
    scene.install(ground(), &third, None, &["alice"]).unwrap();
}

#[test]
fn what_a_rollback_leads_to_is_needed_too() {
    let scene = Scene::confirmed();
    scene.upgrade("2.1.0", 4).unwrap();
    scene.confirm();
    let next = without(&scene.keyring(), "acme");
    let one = Some(signed_anew(&scene, 3, "apex"));
    let refused = scene.install(ground(), &next, one, &["alice"]);
    scene.expect_refusal(refused, "keyring-would-orphan");
}

#[test]
fn what_was_adopted_has_no_publisher_to_lose() {
    let scene = Scene::secured();
    let next = without(&scene.keyring(), "acme");
    scene.install(ground(), &next, None, &["alice"]).unwrap();
    match scene.last_event() {
        Event::Keyring { epoch: 2, keyring, signers, .. } => {
            assert_eq!(keyring, next.digest());
            let names: Vec<_> = signers.iter().map(|signer| signer.principal.as_str()).collect();
            assert_eq!(names, ["alice"]);
        }
        other => panic!("{other:?}"),
    }
    // Nothing that he signs is taken any more.
    let refused = scene.upgrade("2.0.0-rc.1", 3);
    scene.expect_refusal(refused, "signer-revoked");
}

#[test]
fn what_was_signed_under_one_keyring_is_not_held_to_another() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    let next = scene.keyring().next().unwrap().finish().unwrap();
    scene.install(ground(), &next, None, &["alice"]).unwrap();
    let refused = scene.apply(&request, &authorization);
    scene.expect_refusal(refused, "authorization-keyring-epoch");
    scene.upgrade("2.0.0-rc.1", 3).unwrap();
}

#[test]
fn a_key_counts_for_as_long_as_it_is_valid() {
    let scene = Scene::secured();
    let until = Moment::of("2026-06-02T00:00:00Z".parse().unwrap()).unwrap();
    let old = ground().key("bob").public_key().fingerprint();
    let new = ground().key("mallory").public_key().clone();
    let next = scene.keyring().next().unwrap().rotate(old, new, Some(until));
    let next = next.and_then(|next| next.finish()).unwrap();
    scene.install(ground(), &next, None, &["alice"]).unwrap();
    let before = scene.copied();
    before.upgrade("2.0.0-rc.1", 3).unwrap();
    scene.set_clock("2026-06-02T12:00:00Z");
    let refused = scene.upgrade("2.0.0-rc.1", 3);
    scene.expect_refusal(refused, "signer-expired");
    let (view, request) = (scene.view(), scene.request("2.0.0-rc.1", 3));
    let statement = view.draft_upgrade(&view.plan(&request).unwrap(), scene.terms()).unwrap();
    let successor = crate::support::signed_by(&statement, &["alice", "mallory"]);
    scene.apply(&request, &successor).unwrap();
}

#[test]
fn an_epoch_that_is_refused_leaves_no_file() {
    let scene = Scene::secured();
    let next = scene.keyring().next().unwrap().finish().unwrap();
    let refused = scene.install(ground(), &next, None, &["bob"]);
    scene.expect_refusal(refused, "keyring-not-signed-by-present");
    assert!(!scene.home().join("keyring/2.json").exists());
    assert_eq!(Digest::of(&scene.keyring().to_bytes()), scene.keyring().digest());
    let statement = scene.authorize("2.0.0-rc.1", 3).statement().unwrap().clone();
    scene.apply(&scene.request("2.0.0-rc.1", 3), &signed(&statement)).unwrap();
}
