//! Worked examples.

use super::fixtures::*;
use crate::Severity::{NeedsConsent, Note, Refuse};
use crate::*;

fn moving_together() -> Policy {
    Policy { peers: Peers::MoveTogether, ..Policy::default() }
}

fn asking_for(version: &str) -> Policy {
    Policy { target: Some(version.parse().unwrap()), ..Policy::default() }
}

#[test]
fn from_1_0_3_to_2_0_0_is_accepted_with_notes() {
    let verdict = judge(&home_1_0_3(), &offer_2_0_0(), &Policy::default());
    assert!(verdict.is_accepted(), "{verdict}");
    assert_eq!(codes(&verdict, NeedsConsent), ["extension-states-no-runtime"]);
    let notes =
        ["configuration-migrates", "storage-migrates", "rollback-converts", "capability-renamed"];
    assert_eq!(codes(&verdict, Note), notes);
    let told = "1.0.3 to 2.0.0 (major, storage migration, configuration migration): accepted, with \
                consent\n  - needs consent: The extension weather by acme 1.2.0 does not say which \
                runtimes it works with. [extension-states-no-runtime, §12] Try it with the new \
                release before relying on it.";
    assert!(verdict.to_string().starts_with(told), "{verdict}");
}

#[test]
fn from_2_0_0_to_2_1_0_is_a_minor_without_anything_to_say() {
    let verdict = judge(&home_2_0_0(), &offer_2_1_0(), &Policy::default());
    assert_eq!(verdict.to_string(), "2.0.0 to 2.1.0 (minor): accepted");
}

#[test]
fn an_alpha_is_refused_with_all_reasons_at_once() {
    let mut home = home_2_0_0();
    home.capabilities.insert(id("process"), true);
    let verdict = judge(&home, &offer_3_0_0_alpha(), &Policy::default());
    assert_eq!(
        codes(&verdict, Refuse),
        [
            "prerelease-not-asked-for",
            "rollback-unreadable",
            "extension-runtime-out-of-range",
            "capability-lost"
        ]
    );
    assert_eq!(codes(&verdict, Note), ["storage-migrates"]);
}

#[test]
fn the_same_alpha_is_accepted_by_a_home_that_gives_up_what_it_costs() {
    let mut home = home_2_0_0();
    home.extensions.clear();
    let policy =
        Policy { rollback_data: RollbackData::SetAside, ..asking_for("3.0.0-alpha.1+any") };
    let verdict = judge(&home, &offer_3_0_0_alpha(), &policy);
    assert!(verdict.is_accepted() && verdict.is_irreversible(), "{verdict}");
    assert_eq!(codes(&verdict, NeedsConsent), ["rollback-unreadable", "capability-lost"]);
    assert_eq!(codes(&verdict, Note), ["prerelease-asked-for", "storage-migrates"]);
}

#[test]
fn a_release_that_is_no_prerelease_may_have_to_be_asked_for_too() {
    let offer = Offer { on_request: true, ..offer_2_1_0() };
    let refused = judge(&home_2_0_0(), &offer, &Policy::default());
    assert_eq!(codes(&refused, Refuse), ["prerelease-not-asked-for"]);
    assert!(judge(&home_2_0_0(), &offer, &asking_for("2.1.0")).is_accepted());
}

// trace: test FC-13.2.1
#[test]
fn going_back_is_refused_for_every_part_that_would() {
    let verdict = judge(&home_2_0_0(), &offer_2_0_0(), &Policy::default());
    assert_eq!(codes(&verdict, Refuse), ["runtime-out-of-range", "same-version"]);
    let mut offer = offer_2_0_0();
    offer.versions = versions("1.0.4", [1, 1, 1], (1, 0));
    let verdict = judge(&home_2_0_0(), &offer, &Policy::default());
    let downgrades = codes(&verdict, Refuse);
    assert_eq!(downgrades.iter().filter(|code| **code == "downgrade").count(), 5, "{verdict}");
}

#[test]
fn the_same_runtime_may_bring_another_part_forward() {
    let mut offer = offer_2_1_0();
    offer.versions.runtime = "2.0.0+rebuilt".parse().unwrap();
    let verdict = judge(&home_2_0_0(), &offer, &Policy::default());
    assert!(verdict.is_accepted(), "{verdict}");
    assert_eq!(codes(&verdict, Note), ["same-version"]);
}

// trace: test FC-24.2.1
#[test]
fn a_peer_that_does_not_move_along_must_not_be_cut_off() {
    let mut offer = offer_2_0_0();
    offer.protocol = speaks("FemtoClaw 2.0.0", &[(2, 0, 0)]);
    let refused = judge(&home_1_0_3(), &offer, &Policy::default());
    assert_eq!(codes(&refused, Refuse), ["protocol-major-dropped"]);
    assert!(judge(&home_1_0_3(), &offer, &moving_together()).is_accepted());
    offer.protocol = speaks("FemtoClaw 2.0.0", &[(1, 1, 2), (2, 0, 0)]);
    let refused = judge(&home_1_0_3(), &offer, &Policy::default());
    assert_eq!(codes(&refused, Refuse), ["protocol-minor-dropped"]);
}

// trace: test FC-13.2.3
#[test]
fn an_extension_is_refused_for_each_thing_that_it_lacks() {
    let mut home = home_2_0_0();
    let mut extension = weather();
    extension.kind = "skill".parse().unwrap();
    extension.runtime = Some(RuntimeRange::parse(&["<2.0.0"]).unwrap());
    extension.api = Some(ExtensionApi::new(3));
    extension.permissions =
        ["camera", "network", "microphone"].iter().map(|text| text.parse().unwrap()).collect();
    home.extensions = vec![extension];
    let verdict = judge(&home, &offer_2_1_0(), &Policy::default());
    assert_eq!(
        codes(&verdict, Refuse),
        [
            "extension-runtime-out-of-range",
            "extension-kind-not-hosted",
            "extension-permission-unknown",
            "extension-permission-unknown",
            "extension-api-not-offered"
        ]
    );
}

#[test]
fn an_extension_that_states_no_runtime_needs_consent_only_where_incompatible_changes_are() {
    let home = Installed { extensions: vec![weather()], ..home_2_0_0() };
    let verdict = judge(&home, &offer_2_1_0(), &Policy::default());
    assert_eq!(codes(&verdict, Note), ["extension-states-no-runtime"]);
    assert!(verdict.is_accepted() && !verdict.needs_consent());
}

// trace: test FC-11.1.2 FC-13.2.4
#[test]
fn a_capability_whose_meaning_changed_is_refused_once_and_not_again() {
    let mut statement = offer_3_0_0_alpha().capabilities.statement().clone();
    statement.redefined.insert(id("web.get"), versioning::CapabilitySet::new(3));
    let capabilities = CapabilityOffer::new(statement).unwrap();
    let offer = Offer { capabilities, ..offer_3_0_0_alpha() };
    let verdict = judge(&home_2_0_0(), &offer, &Policy::default());
    assert!(codes(&verdict, Refuse).contains(&"capability-redefined"), "{verdict}");
    let mut home = home_2_0_0();
    home.versions.capabilities = versioning::CapabilitySet::new(3);
    let verdict = judge(&home, &offer, &Policy::default());
    assert!(!codes(&verdict, Refuse).contains(&"capability-redefined"), "{verdict}");
}

#[test]
fn two_capabilities_never_become_one() {
    let mut home = home_1_0_3();
    home.capabilities.insert(id("web.get"), false);
    let verdict = judge(&home, &offer_2_0_0(), &Policy::default());
    assert_eq!(codes(&verdict, Refuse), ["capability-collides"]);
    assert_eq!(home.after(&offer_2_0_0()).capabilities.get(&id("web.get")), Some(&false));
}

#[test]
fn a_home_without_anything_to_go_back_to_is_told_so() {
    let home = Installed { rollback_target: None, ..home_2_0_0() };
    let verdict = judge(&home, &offer_2_1_0(), &Policy::default());
    assert!(verdict.is_accepted() && verdict.is_irreversible());
    assert_eq!(codes(&verdict, NeedsConsent), ["no-rollback-target"]);
}

// trace: test FC-13.2.1 FC-13.2.2
#[test]
fn from_1_0_3_to_2_1_0_leads_over_2_0_0_and_says_why() {
    let offers = [offer_2_1_0(), offer_3_0_0_alpha(), offer_2_0_0()];
    let mut home = home_1_0_3();
    home.extensions.clear();
    let path = paths(&home, &offers, &Policy::default()).unwrap();
    assert_eq!(
        path.to_string(),
        "1.0.3 → 2.0.0 → 2.1.0\n\
         No other path of 2 hops leads there, and no shorter one.\n\
         It cannot be done in one hop. 1.0.3 to 2.1.0 (major, storage migration, configuration \
         migration): refused\n  \
         - refused: 2.1.0 can be reached from ^2, not from 1.0.3. [runtime-out-of-range, §13] \
         Upgrade to a release in between first.\n  \
         - refused: The store has schema 1, and the release reads 2 to 3. [storage-not-readable, §13] \
         Upgrade to a release in between first.\n  \
         - refused: No migrations lead from storage schema 1 to 3. [storage-no-path, §6] Upgrade to \
         a release in between first.\n  \
         - refused: 1.0.3, which a rollback goes back to, reads storage schema 1, not 3, and no \
         migrations lead back, so what is written after the upgrade could not be carried back. \
         [rollback-unreadable, §15] Upgrade to a release in between first, or let such records be \
         set aside.\n  \
         - refused: The release does not know the capability web_get, which is enabled: what uses it \
            would no longer work. [capability-lost, §11] Do without it and remove it first, or wait for a release that \
         knows it.\n  \
         - note: The upgrade migrates the configuration from schema 1 to 2. \
         [configuration-migrates, §10]\n\
         Each hop has to be confirmed before the next.\n\
         Hop 1. 1.0.3 to 2.0.0 (major, storage migration, configuration migration): accepted\n  \
         - note: The upgrade migrates the configuration from schema 1 to 2. \
         [configuration-migrates, §10]\n  \
         - note: The upgrade migrates the store: schema 1 → 2 → 3. [storage-migrates, §6]\n  \
         - note: A rollback to 1.0.3 converts what was written: schema 3 → 1. [rollback-converts, \
         §15]\n  \
         - note: The capability web_get will be called web.get. [capability-renamed, §11]\n\
         Hop 2. 2.0.0 to 2.1.0 (minor): accepted"
    );
}

#[test]
fn without_a_path_every_candidate_hop_says_why_it_is_refused() {
    let offers = [offer_2_0_0(), offer_2_1_0(), offer_3_0_0_alpha()];
    let refused = paths(&home_2_0_0(), &offers, &asking_for("3.0.0-alpha.1")).unwrap_err();
    let hops: Vec<_> =
        refused.refused.iter().map(|v| (v.from().to_string(), v.to().to_string())).collect();
    let hop = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(hops, [hop("2.0.0", "3.0.0-alpha.1"), hop("2.1.0", "3.0.0-alpha.1")]);
    assert_eq!(*refused.reached, ["2.1.0".parse().unwrap()]);
    assert!(refused.to_string().starts_with("no path leads from 2.0.0 to 3.0.0-alpha.1\n"));
}

#[test]
fn what_is_not_offered_or_not_asked_for_has_no_path() {
    let refused = paths(&home_2_0_0(), &[offer_2_1_0()], &asking_for("2.2.0")).unwrap_err();
    assert!(!refused.offered);
    assert_eq!(*refused.reached, ["2.1.0".parse().unwrap()]);
    let refused = paths(&home_2_0_0(), &[offer_3_0_0_alpha()], &Policy::default()).unwrap_err();
    assert_eq!((refused.target, refused.refused.len()), (None, 1));
    let none = paths(&home_2_0_0(), &[], &Policy::default()).unwrap_err();
    assert_eq!(none.to_string(), "no offer can be taken without being asked for");
}

#[test]
fn no_path_leads_back() {
    let mut home = home_2_0_0();
    home.versions.runtime = "2.2.0".parse().unwrap();
    let refused = paths(&home, &[offer_2_0_0(), offer_2_1_0()], &asking_for("2.1.0")).unwrap_err();
    let hops: Vec<_> = refused.refused.iter().map(|hop| codes(hop, Refuse)).collect();
    assert_eq!(hops, [["downgrade"]]);
}

#[test]
fn what_is_installed_already_needs_no_hop() {
    let path = paths(&home_2_0_0(), &[offer_2_0_0()], &Policy::default()).unwrap();
    assert_eq!(path.to_string(), "2.0.0 is installed already: there is nothing to do.");
}

// trace: test FC-13.2.2
#[test]
fn a_verdict_is_written_as_json_with_stable_names() {
    let mut home = home_1_0_3();
    home.extensions.clear();
    home.capabilities.clear();
    let offer = Offer { configurations: offer_2_0_0().configurations, ..offer_2_1_0() };
    let verdict = judge(&home, &offer, &Policy::default());
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["accepted"], false);
    assert_eq!(
        json["kinds"],
        serde_json::json!(["major", "storage_migration", "configuration_migration"])
    );
    assert_eq!(
        json["reasons"][1],
        serde_json::json!({
            "code": "storage-not-readable",
            "found": 1,
            "reads": {"oldest": 2, "newest": 3},
            "severity": "refuse",
            "clause": "§13",
            "subject": "storage",
            "message": "The store has schema 1, and the release reads 2 to 3.",
            "action": "Upgrade to a release in between first."
        })
    );
}

#[test]
fn statements_survive_being_written() {
    let offer = offer_3_0_0_alpha();
    let text = serde_json::to_string(&offer).unwrap();
    assert_eq!(serde_json::from_str::<Offer>(&text).unwrap(), offer);
    let home = home_2_0_0();
    let text = serde_json::to_string(&home).unwrap();
    assert_eq!(serde_json::from_str::<Installed>(&text).unwrap(), home);
    let more = text.replacen('{', "{\"unknown\":1,", 1);
    assert!(serde_json::from_str::<Installed>(&more).is_err());
}
