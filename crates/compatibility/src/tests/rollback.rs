//! What is said of the way back.

use std::collections::BTreeSet;

use proptest::prelude::*;
use versioning::SchemaVersion;

use super::fixtures::*;
use super::strategies::{installed, offer, policy};
use crate::Severity::{NeedsConsent, Note, Refuse};
use crate::*;

/// A home of this schema, which reads no other, without extensions; whoever rolls back has these steps.
fn home(schema: u32, steps_back: &[(u32, u32)]) -> Installed {
    let mut home = Installed { extensions: Vec::new(), ..home_2_0_0() };
    home.versions.storage = SchemaVersion::new(schema);
    let reads = Span::only(home.versions.storage);
    home.rollback_target = Some(RollbackTarget { versions: home.versions.clone(), reads });
    home.steps_back = migrations(steps_back);
    home
}

/// A release that writes this schema and takes every one before; nothing that it brings leads back.
fn release(version: &str, schema: u32) -> Offer {
    let mut offer = offer_2_1_0();
    offer.versions.runtime = version.parse().unwrap();
    offer.versions.storage = SchemaVersion::new(schema);
    offer.storage = StorageOffer {
        reads: span(SchemaVersion::new, 1, schema),
        readable_by: Span::only(offer.versions.storage),
        migrations: (1..schema).map(|from| migration(from, from + 1)).collect(),
    };
    offer
}

fn migration(from: u32, to: u32) -> Migration {
    Migration { from: SchemaVersion::new(from), to: SchemaVersion::new(to) }
}

fn policy_of(rollback_data: RollbackData) -> Policy {
    Policy { rollback_data, ..Policy::default() }
}

// trace: test FC-13.2.2 FC-24.2.2
#[test]
fn what_steps_lead_all_the_way_back_is_promised_to_be_preserved() {
    let offer = release("2.1.0", 4);
    for (steps, told) in [
        (&[(4, 2)][..], "schema 4 → 2"),
        (&[(4, 3), (3, 2)], "schema 4 → 3 → 2"),
        (&[(4, 3), (3, 2), (2, 1), (4, 1)], "schema 4 → 3 → 2"),
    ] {
        let verdict = judge(&home(2, steps), &offer, &Policy::default());
        assert!(verdict.is_accepted() && !verdict.is_irreversible(), "{verdict}");
        assert_eq!(codes(&verdict, NeedsConsent), [""; 0]);
        assert_eq!(codes(&verdict, Note), ["storage-migrates", "rollback-converts"]);
        let sentence = format!("A rollback to 2.0.0 converts what was written: {told}.");
        assert!(verdict.to_string().contains(&sentence), "{verdict}");
    }
}

// trace: test FC-13.2.2 FC-24.2.2
#[test]
fn steps_that_end_anywhere_else_promise_nothing() {
    let offer = release("2.1.0", 4);
    for steps in [&[][..], &[(4, 3)], &[(3, 2)], &[(4, 1), (3, 2)], &[(2, 4)], &[(4, 4)]] {
        let verdict = judge(&home(2, steps), &offer, &Policy::default());
        assert_eq!(codes(&verdict, Refuse), ["rollback-unreadable"], "{steps:?}");
    }
    // A rollback leads to the schema that is written, not to one that could be read as well.
    let mut home = home(2, &[(4, 1)]);
    home.rollback_target.as_mut().unwrap().reads = span(SchemaVersion::new, 1, 2);
    let verdict = judge(&home, &offer, &Policy::default());
    assert_eq!(codes(&verdict, Refuse), ["rollback-unreadable"]);
}

#[test]
fn what_is_to_be_set_aside_is_agreed_to_although_steps_lead_back() {
    let policy = policy_of(RollbackData::SetAside);
    let verdict = judge(&home(2, &[(3, 2)]), &release("2.1.0", 3), &policy);
    assert!(verdict.is_accepted() && verdict.is_irreversible(), "{verdict}");
    assert_eq!(codes(&verdict, NeedsConsent), ["rollback-unreadable"]);
}

// trace: test FC-13.2.2
#[test]
fn every_hop_of_a_path_has_its_own_way_back() {
    let mut last = release("2.2.0", 3);
    last.upgrades_from = RuntimeRange::parse(&["=2.1.0"]).unwrap();
    let offers = [release("2.1.0", 2), last];
    let wanted = Policy { target: Some("2.2.0".parse().unwrap()), ..Policy::default() };
    let path = paths(&home(1, &[(3, 2), (2, 1)]), &offers, &wanted).unwrap();
    assert_eq!((path.hops.len(), path.irreversible()), (2, 0));
    for lacking in [[(3, 2)], [(2, 1)]] {
        let refused = paths(&home(1, &lacking), &offers, &wanted).unwrap_err();
        let hops: Vec<_> = refused.refused.iter().map(|hop| codes(hop, Refuse)).collect();
        assert!(hops.contains(&vec!["rollback-unreadable"]), "{lacking:?}: {hops:?}");
    }
}

#[test]
fn a_state_that_was_written_before_there_were_steps_back_has_none() {
    let mut json = serde_json::to_value(home(2, &[])).unwrap();
    json.as_object_mut().unwrap().remove("steps_back").unwrap();
    assert_eq!(serde_json::from_value::<Installed>(json).unwrap(), home(2, &[]));
}

/// Every schema that steps lead to from one, found by trying all of them until there is nothing new.
fn led_to(steps: &BTreeSet<Migration>, from: SchemaVersion) -> BTreeSet<SchemaVersion> {
    let mut found = BTreeSet::from([from]);
    for _ in 0..steps.len() {
        let next = steps.iter().filter(|step| found.contains(&step.from)).map(|step| step.to);
        let next: Vec<_> = next.collect();
        found.extend(next);
    }
    found
}

fn is_unreadable(verdict: &Verdict) -> bool {
    let unreadable =
        |it: &Reason| matches!(it, Reason::Storage(StorageReason::RollbackUnreadable { .. }));
    verdict.reasons().iter().any(unreadable)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // trace: test FC-24.2.2 FC-25.2.3
    #[test]
    fn to_preserve_is_refused_if_and_only_if_nobody_reads_it_and_nothing_leads_back(
        home in installed(), offer in offer(), policy in policy(),
    ) {
        let verdict = judge(&home, &offer, &policy);
        let writes = offer.versions.storage;
        let expected = home.rollback_target.as_ref().is_some_and(|target| {
            let reader = target.readable();
            let converted = led_to(&offer.storage.migrations, writes);
            let carried = policy.rollback_data == RollbackData::Preserve
                && led_to(&home.steps_back, writes).contains(&target.versions.storage);
            let read = reader.reads_what(&offer.readable());
            !(read || carried || converted.iter().any(|schema| reader.reads(*schema)))
        });
        prop_assert_eq!(is_unreadable(&verdict), expected, "{}", verdict);
    }

    #[test]
    fn more_steps_back_refuse_nothing_and_change_only_what_is_said_of_the_way_back(
        (home, more) in (installed(), installed()), offer in offer(), policy in policy(),
    ) {
        let before = judge(&home, &offer, &policy);
        let mut richer = home;
        richer.steps_back.extend(&more.steps_back);
        let after = judge(&richer, &offer, &policy);
        prop_assert!(after.is_accepted() || !before.is_accepted(), "{}", after);
        let others = |verdict: &Verdict| -> Vec<Reason> {
            let reasons = verdict.reasons().iter();
            reasons.filter(|reason| reason.telling().subject != "rollback").cloned().collect()
        };
        prop_assert_eq!(others(&before), others(&after));
    }
}
