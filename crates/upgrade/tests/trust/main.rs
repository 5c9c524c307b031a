//! Trust where time passes and things happen in between: clocks, floors, authorisations that are used up and given back,
//! journals that are lost, keyrings that follow each other, stores that are closed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod keyrings;
mod recovery;
mod stores;
mod support;

use std::fs;

use upgrade::authorization::Denied;
use upgrade::release::Description;
use upgrade::{Authorization, Cause, Condition, Event, Operation};
use versioning::SchemaVersion;

use support::{Scene, flip, generation, ground, request_of, signed, signed_by};

// trace: test FC-21.2
#[test]
fn a_clock_that_is_behind_is_refused() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    scene.set_clock("2026-05-31T23:59:59Z");
    scene.expect_refusal(scene.apply(&request, &authorization), "clock-behind");
    // What is on record is not dated before what came before it.
    let times: Vec<_> = scene.view().records().iter().map(|record| record.time).collect();
    assert!(times.is_sorted());
    scene.set_clock("2026-06-01T12:00:01Z");
    assert!(scene.apply(&request, &authorization).unwrap().is_some());
}

#[test]
fn a_clock_that_is_behind_and_accepted_goes_on_record() {
    let scene = Scene::secured();
    let terms = support_terms_from_the_beginning(&scene);
    let request = scene.request("2.0.0-rc.1", 3);
    let view = scene.view();
    let statement = view.draft_upgrade(&view.plan(&request).unwrap(), terms).unwrap();
    scene.set_clock("2020-01-01T00:00:00Z");
    scene.apply(&request, &signed(&statement).accepting_clock()).unwrap();
    let behind = scene.view().records().iter().any(|record| {
        matches!(&record.event, Event::Authorized { clock_behind: true, signed: Some(_), .. })
    });
    assert!(behind);
}

/// From when the home was made, for a day: the clock of the scene is half a day ahead of that.
fn support_terms_from_the_beginning(scene: &Scene) -> upgrade::Terms {
    upgrade::Terms { not_before: support::BEGIN.parse().unwrap(), ..scene.terms() }
}

#[test]
fn a_clock_that_is_accepted_makes_no_window_longer() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    // Something is put on record after its time; then the clock is set back into it.
    scene.set_clock("2026-06-03T00:00:00Z");
    let operation = Operation::Upgrade;
    scene.with(|home| drop(home.refuse(operation, None, Cause::Unauthorized { operation })));
    scene.set_clock("2026-06-01T13:00:00Z");
    let accepted = authorization.accepting_clock();
    scene.expect_refusal(scene.apply(&request, &accepted), "authorization-expired");
}

// trace: test FC-23.3
#[test]
fn the_floor_rises_at_confirmation_and_not_before() {
    let scene = Scene::secured();
    assert_eq!(scene.floor(), 0);
    scene.upgrade("2.0.0-rc.1", 3).unwrap();
    scene.run("2.0.0-rc.1");
    assert_eq!(scene.floor(), 0, "it is on trial");
    scene.confirm();
    assert_eq!(scene.floor(), 3);
    scene.rollback().unwrap();
    assert_eq!(scene.floor(), 3, "going back does not take it down");
    scene.expect_refusal(scene.upgrade("2.0.0-rc.1", 1), "below-security-floor");
    scene.upgrade("2.1.0", 4).unwrap();
}

#[test]
fn a_trial_that_is_left_has_raised_no_floor() {
    let scene = Scene::secured();
    scene.upgrade("2.0.0-rc.1", 3).unwrap();
    scene.rollback().unwrap();
    assert_eq!(scene.floor(), 0);
    scene.upgrade("2.0.0-rc.1", 1).unwrap();
    scene.confirm();
    assert_eq!(scene.floor(), 1);
}

#[test]
fn a_trial_that_fails_by_itself_needs_nobodys_signature() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    scene.apply(&request, &authorization).unwrap();
    scene.with(|home| home.fail(generation(2), "a test", &mut |_| {})).unwrap();
    assert_eq!(scene.floor(), 0);
    // It had its effect: the same statement is for once, also where nothing is left of what it did.
    scene.expect_refusal(scene.apply(&request, &authorization), "authorization-used");
}

// trace: test FC-14.1.1
#[test]
fn an_attempt_without_effect_gives_its_authorisation_back() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    let path = scene.home().join("generations/1/store/data/audit.json");
    let intact = fs::read(&path).unwrap();
    flip(&path);
    let error = scene.apply(&request, &authorization).unwrap_err();
    assert!(matches!(error.condition(), Condition::Undone(_)), "{error}");
    assert_eq!(scene.events().last(), Some(&"ABORTED"));
    assert!(scene.view().state().used.is_empty());
    fs::write(&path, intact).unwrap();
    scene.apply(&request, &authorization).unwrap();
    assert_eq!(scene.view().state().used.len(), 1);
}

// trace: test FC-21.2
#[test]
fn an_attempt_with_effect_does_not() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    scene.apply(&request, &authorization).unwrap();
    scene.rollback().unwrap();
    scene.expect_refusal(scene.apply(&request, &authorization), "authorization-used");
    // The same once more takes a statement with an id of its own.
    scene.upgrade("2.0.0-rc.1", 3).unwrap();
}

// trace: test FC-21.2 FC-21.3 FC-23.3
#[test]
fn a_refusal_uses_nothing_up() {
    let scene = Scene::secured();
    let (request, authorization) =
        (scene.request("2.0.0-rc.1", 3), scene.authorize("2.0.0-rc.1", 3));
    let mut unsigned = request.clone();
    unsigned.release.as_mut().unwrap().signatures = None;
    scene.expect_refusal(scene.apply(&unsigned, &authorization), "release-unsigned");
    match scene.last_event() {
        Event::Refused { authorization: Some(id), operator, .. } => {
            assert_eq!(id, authorization.statement().unwrap().id.to_string());
            assert_eq!(operator, "test");
        }
        other => panic!("{other:?}"),
    }
    scene.apply(&request, &authorization).unwrap();
}

// trace: test FC-14.1.1 FC-23.1.1 FC-23.3
#[test]
fn a_package_that_is_overwritten_between_check_and_use_is_found_out() {
    let scene = Scene::secured();
    let path = scene.home().with_extension("tar");
    fs::copy(ground().package("2.0.0-rc.1", 3), &path).unwrap();
    let (request, authorization) = (request_of(&path), scene.authorize("2.0.0-rc.1", 3));
    let intact = fs::read(&path).unwrap();
    let at = intact.windows(9).position(|part| part == b"#!/bin/sh").unwrap();
    let mut evil = intact.clone();
    evil[at..at + 14].copy_from_slice(b"#!/bin/sh\nevil");
    // The same file, opened before.
    fs::write(&path, evil).unwrap();
    scene.expect_refusal(scene.apply(&request, &authorization), "release-content-differs");
    fs::write(&path, &intact[..1024]).unwrap();
    scene.expect_refusal(scene.apply(&request, &authorization), "release-truncated");
    fs::write(&path, &intact).unwrap();
    scene.apply(&request, &authorization).unwrap();
}

/// Though its publisher has signed it.
// trace: test FC-23.3
#[test]
fn a_package_that_states_something_else_than_is_known_of_its_release_is_refused() {
    let scene = Scene::secured();
    let codes = |change: fn(&mut Description)| {
        let path = scene.home().with_extension("tar");
        ground().publish_as("2.0.0-rc.1", 7, &path, change);
        let planned = scene.view().plan(&request_of(&path));
        fs::remove_file(&path).unwrap();
        let Err(error) = planned else { return Vec::new() };
        match error.cause() {
            Cause::Incompatible(refusals) => {
                refusals.reasons.iter().map(|reason| reason.code).collect()
            }
            other => panic!("{other}"),
        }
    };
    assert_eq!(codes(|_| {}), Vec::<&str>::new());
    assert_eq!(
        codes(|it| it.versions.storage = SchemaVersion::new(7)),
        ["package-versions-differ"]
    );
    assert_eq!(codes(|it| it.offer = "anything".into()), ["package-offer-differs"]);
    assert_eq!(codes(|it| it.migrations.clear()), ["package-migration-differs"]);
    assert_eq!(codes(|it| it.product.push('x')), ["package-of-another-product"]);
}

#[test]
fn a_package_that_another_one_takes_the_place_of_is_the_one_that_was_opened() {
    let scene = Scene::secured();
    let path = scene.home().with_extension("tar");
    fs::copy(ground().package("2.0.0-rc.1", 3), &path).unwrap();
    let (request, authorization) = (request_of(&path), scene.authorize("2.0.0-rc.1", 3));
    let other = scene.home().with_extension("other");
    fs::copy(ground().package("2.0.0-rc.1", 1), &other).unwrap();
    durable::rename(&other, &path).unwrap();
    scene.apply(&request, &authorization).unwrap();
    let runtime = fs::read(scene.home().join("generations/2/runtime/runtime")).unwrap();
    assert_eq!(runtime, b"#!/bin/sh\necho 2.0.0-rc.1, 3\n");
}

#[test]
fn one_authorisation_collects_several_generations_and_nothing_else() {
    let scene = four_generations();
    let statement = scene.view().draft_collection(0, scene.terms()).unwrap();
    let authorization = signed(&statement);
    let collected = scene.with(|home| home.collect(0, Some(authorization.clone()))).unwrap();
    assert_eq!(collected.generations, [generation(2), generation(1)]);
    let id = statement.id.to_string();
    let is_by_it = |event: &Event| matches!(event, Event::Authorized { signed: Some(signed), .. } if signed.id == id);
    let authorized = scene.view().records().iter().filter(|it| is_by_it(&it.event)).count();
    assert_eq!(authorized, 2, "each is on record by itself");
    assert!(!scene.home().join("generations/1").exists());
    assert!(scene.home().join("generations/3").exists());
    // Once it is done there is nothing left of it.
    let before = scene.events();
    let again = scene.with(|home| home.collect(0, Some(authorization.clone()))).unwrap();
    assert_eq!(again.generations, []);
    assert_eq!(scene.events(), before);
    // It removes nothing that it does not name: what a later upgrade leaves behind stays.
    scene.rollback().unwrap();
    scene.upgrade("2.1.0", 4).unwrap();
    scene.confirm();
    let later = scene.with(|home| home.collect(0, Some(authorization)));
    scene.expect_refusal(later, "authorization-from-changed");
}

#[test]
fn a_collection_that_was_interrupted_goes_on_by_the_same_authorisation() {
    let scene = four_generations();
    let statement = scene.view().draft_collection(0, scene.terms()).unwrap();
    let authorization = signed(&statement);
    scene.with(|home| home.collect(0, Some(authorization.clone()))).unwrap();
    // As a kill behind the first one would have left it: what is on record behind that is cut off.
    let journal = scene.home().join("journal");
    let text = fs::read_to_string(journal.join("records.jsonl")).unwrap();
    let end = text.find("\"COLLECTED\"").unwrap();
    let end = end + text[end..].find('\n').unwrap() + 1;
    let mut bytes = text.as_bytes()[..end].to_vec();
    bytes.resize(text.len(), b'\n');
    fs::write(journal.join("records.jsonl"), bytes).unwrap();
    fs::remove_file(journal.join("witness")).unwrap();
    journal::replace_witness(&journal).unwrap();
    let collected = scene.with(|home| home.collect(0, Some(authorization.clone()))).unwrap();
    assert_eq!(collected.generations, [generation(1)]);
    assert!(!scene.home().join("generations/1").exists());
    let again = scene.with(|home| home.collect(0, Some(authorization))).unwrap();
    assert_eq!(again.generations, []);
}

/// All confirmed; the first two are needed by nobody.
fn four_generations() -> Scene {
    let scene = Scene::secured();
    for (version, epoch) in [("2.0.0-rc.1", 3), ("2.0.0", 3), ("2.1.0", 4)] {
        scene.upgrade(version, epoch).unwrap();
        scene.confirm();
    }
    scene
}

// trace: test FC-21.2
#[test]
fn what_was_signed_for_one_state_does_not_hold_for_the_next() {
    let scene = Scene::secured();
    let (request, authorization) = (scene.request("2.1.0", 4), scene.authorize("2.1.0", 4));
    scene.upgrade("2.0.0-rc.1", 3).unwrap();
    scene.confirm();
    let error = scene.apply(&request, &authorization).unwrap_err();
    match error.cause() {
        Cause::Denied(denied) => assert!(matches!(**denied, Denied::FromChanged { .. })),
        other => panic!("{other:?}"),
    }
    scene.upgrade("2.1.0", 4).unwrap();
}

// trace: test FC-21.1 FC-21.2
#[test]
fn who_must_sign_is_asked_before_anything_is_read() {
    let scene = Scene::secured();
    let view = scene.view();
    let operation = Operation::Upgrade;
    let refused = view.require_authority(&Authorization::development(), operation);
    assert!(matches!(refused, Err(Cause::DevelopmentRefused { .. })));
    let (request, terms) = (scene.request("2.0.0-rc.1", 3), scene.terms());
    let statement = view.draft_upgrade(&view.plan(&request).unwrap(), terms).unwrap();
    assert!(view.require_authority(&signed_by(&statement, &["mallory"]), operation).is_ok());
    scene.expect_refusal(
        scene.apply(&request, &signed_by(&statement, &["alice", "mallory"])),
        "signer-unknown",
    );
}
