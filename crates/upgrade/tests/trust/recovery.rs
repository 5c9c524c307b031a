//! A home with a keyring whose journal is lost.

use std::fs;
use std::time::Duration;

use upgrade::{Authorization, Error, NoTelemetry, RecoverRequest, draft_recovery};

use crate::support::{Scene, generation, ground, signed, signed_by};

fn lose_journal(scene: &Scene) {
    fs::remove_dir_all(scene.home().join("journal")).unwrap();
}

fn recover(scene: &Scene, number: u64, authorization: Option<Authorization>) -> Result<(), Error> {
    let request = RecoverRequest {
        home: scene.home().to_path_buf(),
        generation: Some(generation(number)),
        lock_timeout: Duration::ZERO,
    };
    let (environment, mut telemetry) = (scene.environment(), NoTelemetry);
    upgrade::recover(&request, environment, &mut telemetry, authorization, &mut |_| {}).map(drop)
}

fn draft(scene: &Scene, number: u64) -> upgrade::authorization::Statement {
    let environment = scene.environment();
    draft_recovery(scene.home(), generation(number), environment, scene.terms()).unwrap()
}

#[test]
fn the_keyring_outlives_the_journal() {
    let scene = Scene::confirmed();
    let keyring = scene.keyring();
    lose_journal(&scene);
    for (authorization, name) in [
        (None, "unauthorized"),
        (Some(Authorization::development()), "development-refused"),
        (Some(signed_by(&draft(&scene, 2), &["alice"])), "not-signed"),
        (Some(signed(&draft(&scene, 1))), "authorization-for-another-target"),
    ] {
        assert_eq!(recover(&scene, 2, authorization).unwrap_err().name(), name);
        assert!(!scene.home().join("journal").exists(), "{name}");
    }
    recover(&scene, 2, Some(signed(&draft(&scene, 2)))).unwrap();
    let state = scene.view().state().clone();
    assert_eq!((state.current, state.security_floor), (Some(generation(2)), 3));
    let on_record = state.keyring.unwrap();
    assert_eq!((on_record.epoch, on_record.digest), (keyring.epoch(), keyring.digest()));
    assert_eq!(on_record.node, "node-1");
    scene.rollback().unwrap();
}

#[test]
fn the_last_epoch_of_the_keyring_outlives_the_journal() {
    let scene = Scene::secured();
    let next = scene.keyring().next().unwrap();
    let next = next.revoke(ground().key("apex").public_key().clone()).finish().unwrap();
    scene.install(ground(), &next, None, &["alice"]).unwrap();
    lose_journal(&scene);
    recover(&scene, 1, Some(signed(&draft(&scene, 1)))).unwrap();
    assert_eq!(scene.keyring(), next);
    // It goes on from there.
    let third = next.next().unwrap().finish().unwrap();
    assert_eq!(scene.install(ground(), &third, None, &["alice"]).unwrap(), 3);
}

#[test]
fn what_may_have_been_used_in_a_journal_that_is_lost_is_refused() {
    let scene = Scene::secured();
    let (request, before) = (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    lose_journal(&scene);
    scene.set_clock("2026-06-01T13:00:00Z");
    recover(&scene, 1, Some(signed(&draft(&scene, 1)))).unwrap();
    let refused = scene.apply(&request, &before);
    scene.expect_refusal(refused, "authorization-before-journal");
    scene.upgrade("2.0.0-rc.1", 3).unwrap();
}

#[test]
fn a_chain_of_keyrings_that_is_broken_says_nothing() {
    let scene = Scene::secured();
    let next = scene.keyring().next().unwrap().finish().unwrap();
    scene.install(ground(), &next, None, &["alice"]).unwrap();
    let statement = signed(&{
        lose_journal(&scene);
        draft(&scene, 1)
    });
    for change in [
        |scene: &Scene| fs::remove_file(scene.home().join("keyring/1.json")).unwrap(),
        |scene: &Scene| {
            let path = scene.home().join("keyring/1.json");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("\"operator\": 2", "\"operator\": 1")).unwrap();
        },
        |scene: &Scene| fs::remove_file(scene.home().join("keyring/node")).unwrap(),
        |scene: &Scene| {
            let directory = scene.home().join("keyring");
            fs::copy(directory.join("2.json"), directory.join("3.json")).unwrap();
        },
        |scene: &Scene| {
            // Somebody writes the next epoch, and signs it himself.
            let text = fs::read(scene.home().join("keyring/2.json")).unwrap();
            let present = upgrade::authorization::Keyring::parse(&text).unwrap();
            let mallory = crate::support::signer(
                ground(),
                "mallory",
                &[upgrade::authorization::Role::Keyring],
            );
            let next = present.next().unwrap().allow(mallory).finish().unwrap();
            let role = upgrade::authorization::Role::Keyring;
            let signatures = ground().sign(role, &next.to_bytes(), &["mallory"]);
            fs::write(scene.home().join("keyring/3.json"), next.to_bytes()).unwrap();
            fs::write(scene.home().join("keyring/3.json.sig"), signatures.to_bytes()).unwrap();
        },
    ] {
        let case = scene.copied();
        change(&case);
        for authorization in [Some(Authorization::development()), Some(statement.clone())] {
            let error = recover(&case, 1, authorization).unwrap_err();
            assert_eq!((error.name(), error.exit_code()), ("keyring-altered", 6));
        }
        assert!(!case.home().join("journal").exists());
    }
    recover(&scene, 1, Some(statement)).unwrap();
}
