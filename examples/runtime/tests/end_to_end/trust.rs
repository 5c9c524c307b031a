//! A home with a keyring: a runtime upgrades it only with what was signed. Keys are made by the real `ssh-keygen`.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use femtoclaw_catalogue::FemtoClaw;
use serde_json::json;
use upgrade::authorization::{
    AllowedSigner, AuthorizationId, Keyring, Role, Signatures, SigningKey, Thresholds,
};
use upgrade::release::{Package, pack};
use upgrade::{Catalogue, KeyringProposal, PackagedFile, Request, SignedRelease, Terms};
use versioning::{Clock, Timestamp};

use crate::support::{Runtime, Scene, WallClock, output};

const VERSION: &str = "2.1.0";

const BINARY: &[u8] = b"#!/bin/sh\necho 2.1.0\n";

fn key(scene: &Scene, name: &str) -> SigningKey {
    let path = scene.path().join(name);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path);
    assert!(output(&mut command).status.success());
    SigningKey::from_openssh(&fs::read(path).unwrap()).unwrap()
}

fn sign(key: &SigningKey, role: Role, message: &[u8]) -> Signatures {
    Signatures::new(vec![key.sign(role, message).unwrap()]).unwrap()
}

/// One operator, who may change the keyring as well, and one publisher.
fn install_keyring(scene: &Scene, operator: &SigningKey, publisher: &SigningKey) {
    let signer = |name: &str, key: &SigningKey, roles: &[Role]| {
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        AllowedSigner::new(name.parse().unwrap(), roles, key.public_key().clone()).unwrap()
    };
    let signers = vec![
        signer("operator", operator, &[Role::Operator, Role::Keyring]),
        signer("publisher", publisher, &[Role::Publisher]),
    ];
    let keyring = Keyring::first(Thresholds::all(NonZeroU32::MIN), signers).unwrap();
    let proposal = KeyringProposal {
        signatures: sign(operator, Role::Keyring, &keyring.to_bytes()),
        keyring,
        node: Some("node".to_owned()),
        release_signatures: Vec::new(),
    };
    assert_eq!(scene.with(|home| home.install_keyring(&proposal)), 1);
}

/// A package of the release, with its signatures beside it.
fn publish(scene: &Scene, publisher: &SigningKey) -> (PathBuf, SignedRelease) {
    let mut releases = FemtoClaw.releases().iter();
    let release = releases.find(|release| release.runtime().to_string() == VERSION).unwrap();
    let (directory, path) = (scene.path().join("release"), scene.path().join("release.tar"));
    let runtime = PackagedFile { bytes: BINARY.to_vec(), executable: true };
    let contents = upgrade::package_contents(&FemtoClaw, release).unwrap();
    for (name, file) in contents.into_iter().chain([("runtime/femtoclaw".to_owned(), runtime)]) {
        let place = directory.join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, file.bytes).unwrap();
        let mode = if file.executable { 0o700 } else { 0o600 };
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    }
    let description = upgrade::describe_package(&FemtoClaw, release, 1).unwrap();
    pack(&description, &directory, &path).unwrap();
    let package = Arc::new(Package::open(&path).unwrap());
    let signatures = sign(publisher, Role::Publisher, package.manifest_bytes());
    fs::write(signatures_of(&path), signatures.to_bytes()).unwrap();
    (path, SignedRelease { package, signatures: Some(signatures) })
}

/// What the operator allows: this upgrade, of this home.
fn authorize(scene: &Scene, operator: &SigningKey, release: SignedRelease) -> PathBuf {
    let now = WallClock.now();
    let day = Timestamp::from_unix_nanoseconds(now.unix_nanoseconds() + 86_400_000_000_000);
    let terms = Terms {
        id: AuthorizationId::new([1; 16]),
        nodes: Vec::new(),
        not_before: now,
        not_after: day.unwrap(),
        reason: "a test".to_owned(),
    };
    let request = Request { release: Some(release), ..Request::default() };
    let view = scene.view();
    let plan = view.plan(&request).unwrap();
    let statement = view.draft_upgrade(&plan, terms).unwrap().to_bytes().unwrap();
    let path = scene.path().join("upgrade.json");
    fs::write(&path, &statement).unwrap();
    let signatures = sign(operator, Role::Operator, &statement);
    fs::write(signatures_of(&path), signatures.to_bytes()).unwrap();
    path
}

fn signatures_of(path: &Path) -> PathBuf {
    path.with_added_extension("sig")
}

#[test]
fn a_home_with_a_keyring_is_upgraded_by_its_runtime_only_with_what_was_signed() {
    let scene = Scene::at_2_0_0();
    let (operator, publisher) = (key(&scene, "operator"), key(&scene, "publisher"));
    install_keyring(&scene, &operator, &publisher);
    let (package, release) = publish(&scene, &publisher);

    let runtime = Runtime::start(&scene, "2.0.0");
    // The plan is that of a store that a runtime has started on: nobody can sign it before.
    let authorization = authorize(&scene, &operator, release);
    let refused = runtime.upgrade(VERSION);
    assert_eq!((&refused["ok"], &refused["exit_code"]), (&json!(false), &json!(5)), "{refused}");
    // Whether what was signed allows it, the upgrade itself decides: then the run has ended, and the refusal is on record.
    let without = json!({"do": "upgrade", "version": VERSION, "authorization": authorization});
    assert_eq!(runtime.ok(&without)["ends"], true);
    assert_eq!(runtime.end(), Some(5));
    assert_eq!((scene.journal().last(), scene.current().0), (Some(&"REFUSED"), 2));

    let runtime = Runtime::start(&scene, "2.0.0");
    let answer = runtime.ok(&json!({
        "do": "upgrade", "version": VERSION, "authorization": authorization, "release": package,
    }));
    assert_eq!(answer["ends"], true);
    assert_eq!(runtime.end(), Some(4));
    assert_eq!(scene.current(), (3, VERSION.to_owned()));
    assert_eq!(fs::read(scene.home().join("generations/3/runtime/runtime")).unwrap(), BINARY);
    assert_eq!(Runtime::start(&scene, VERSION).terminate(), Some(0));
    scene.verify();
}
