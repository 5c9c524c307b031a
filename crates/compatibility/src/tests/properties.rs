//! What holds of every verdict.

use std::collections::BTreeMap;

use proptest::prelude::*;
use versioning::{CapabilitySet, ConfigurationSchema, RuntimeVersion, SchemaVersion};

use super::fixtures::*;
use super::strategies::{fitted, installed, offer, policy};
use crate::*;

const CASES: u32 = 1000;

/// A number that no arbitrary statement has.
const STRANGE: u32 = 99;

/// Adds a conflict to a home or to an offer.
type Conflict = (&'static str, fn(&mut Installed, &mut Offer, &mut Policy));

/// Conflicts that are added and take nothing away.
const ADDED: [Conflict; 4] = [
    ("an extension for another runtime", |home, _, _| {
        let runtime = Some(RuntimeRange::nothing());
        home.extensions.push(InstalledExtension { runtime, ..strange() });
    }),
    ("an extension of an unknown kind", |home, _, _| {
        home.extensions.push(InstalledExtension { kind: "strange".parse().unwrap(), ..strange() });
    }),
    ("an extension with an unknown permission", |home, _, _| {
        let permissions = ["strange".parse().unwrap()].into();
        home.extensions.push(InstalledExtension { permissions, ..strange() });
    }),
    ("a capability that is neither known nor kept", |home, offer, _| {
        home.capabilities.insert(id("strange"), true);
        let mut statement = offer.capabilities.statement().clone();
        statement.keeps_unknown = false;
        offer.capabilities = CapabilityOffer::new(statement).unwrap();
    }),
];

/// Takes away from what an offer supports, or from what a policy allows; says whether that is a conflict for the home.
type Narrowing = (&'static str, fn(&mut Installed, &mut Offer, &mut Policy) -> bool);

/// Offers that support less, and policies that allow less. A reason may get worse by them.
const NARROWED: [Narrowing; 9] = [
    ("reached from nowhere", |_, offer, _| {
        offer.upgrades_from = RuntimeRange::nothing();
        true
    }),
    ("reads another schema", |home, offer, _| {
        offer.storage.reads = Span::only(SchemaVersion::new(STRANGE));
        offer.versions.storage != home.versions.storage
    }),
    ("migrates nothing", |home, offer, _| {
        offer.storage.migrations.clear();
        offer.versions.storage != home.versions.storage
    }),
    ("migrates another configuration", |home, offer, _| {
        offer.configurations = Span::only(ConfigurationSchema::new(STRANGE));
        offer.versions.configuration != home.versions.configuration
    }),
    ("speaks another protocol", |home, offer, policy| {
        policy.peers = Peers::Independent;
        offer.protocol = speaks("strange", &[(STRANGE, 0, 0)]);
        offer.versions.protocol != home.versions.protocol
    }),
    ("has to be asked for", |_, offer, policy| {
        offer.on_request = true;
        policy.target = None;
        policy.asked_for.clear();
        true
    }),
    ("accepts another capability set", |home, offer, _| {
        let mut told = offer.capabilities.statement().clone();
        told.sets = Span::only(CapabilitySet::new(STRANGE));
        offer.capabilities = CapabilityOffer::new(told).unwrap();
        offer.versions.capabilities != home.versions.capabilities
    }),
    ("hosts nothing", |home, offer, _| {
        offer.extensions.kinds.clear();
        offer.extensions.permissions.clear();
        !home.extensions.is_empty()
    }),
    ("lets nothing be set aside", |home, offer, policy| {
        policy.rollback_data = RollbackData::Preserve;
        offer.storage.readable_by = Span::only(SchemaVersion::new(STRANGE));
        offer.storage.migrations.clear();
        home.steps_back.clear();
        let target = home.rollback_target.as_ref().map(RollbackTarget::readable);
        target.is_some_and(|target| !target.reads(offer.versions.storage))
    }),
];

/// An extension that no arbitrary home has, and that suits most offers.
fn strange() -> InstalledExtension {
    let identity = ExtensionIdentity { name: "strange".parse().unwrap(), publisher: None };
    InstalledExtension { identity, permissions: [].into(), ..weather() }
}

/// Everything that is said in a verdict, as subject and severity.
fn told(verdict: &Verdict) -> Vec<(String, Severity)> {
    let tellings = verdict.reasons().iter().map(Reason::telling);
    tellings.map(|telling| (telling.subject, telling.severity)).collect()
}

fn worse(verdict: &Verdict, before: &(String, Severity)) -> bool {
    told(verdict).iter().any(|after| after.0 == before.0 && after.1 >= before.1)
}

/// The offer with everything that it reads made wider.
// trace: impl FC-25.2.3
fn widened(offer: &Offer, by: &Offer) -> Offer {
    let mut wider = offer.clone();
    wider.upgrades_from = offer.upgrades_from.or(&by.upgrades_from);
    wider.storage.reads = offer.storage.reads.cover(&by.storage.reads);
    wider.storage.readable_by = offer.storage.readable_by.cover(&by.storage.readable_by);
    wider.storage.migrations.extend(&by.storage.migrations);
    wider.configurations = offer.configurations.cover(&by.configurations);
    let mut majors: BTreeMap<_, _> = offer.protocol.majors().clone();
    for (major, dialect) in by.protocol.majors() {
        let known = majors.entry(*major).or_insert_with(|| dialect.clone());
        known.minors = known.minors.cover(&dialect.minors);
    }
    wider.protocol = Speaks::new(offer.protocol.peer().clone(), majors).unwrap();
    let mut told = offer.capabilities.statement().clone();
    told.sets = told.sets.cover(&by.capabilities.statement().sets);
    let more = by.capabilities.statement().known.iter();
    told.known.extend(more.filter(|id| !told.renames.contains_key(*id)).cloned());
    wider.capabilities = CapabilityOffer::new(told).unwrap();
    wider.extensions.kinds.extend(by.extensions.kinds.iter().cloned());
    wider.extensions.permissions.extend(by.extensions.permissions.iter().cloned());
    wider.extensions.api = offer.extensions.api.cover(&by.extensions.api);
    wider
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    // trace: test FC-24.3 FC-25.2.3
    #[test]
    fn every_question_has_one_answer_whatever_the_order(
        home in installed(), offer in offer(), policy in policy(),
    ) {
        let verdict = judge(&home, &offer, &policy);
        prop_assert_eq!(&verdict, &judge(&home, &offer, &policy));
        let mut turned = home.clone();
        turned.extensions.reverse();
        turned.extensions.extend(home.extensions.iter().cloned());
        prop_assert_eq!(&verdict, &judge(&turned, &offer, &policy));
        let json = serde_json::to_string(&verdict).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&judge(&turned, &offer, &policy)).unwrap());
        prop_assert!(verdict.reasons().iter().all(|reason| !reason.to_string().contains('\n')));
        let _ = paths(&home, &[offer], &policy);
    }

    // trace: test FC-13.3
    #[test]
    fn a_verdict_is_accepted_if_and_only_if_nothing_refuses_it(
        home in installed(), offer in offer(), policy in policy(),
    ) {
        let verdict = judge(&home, &offer, &policy);
        let refused = verdict.reasons().iter().any(|r| r.severity() == Severity::Refuse);
        prop_assert_eq!(verdict.is_accepted(), !refused);
        let severities: Vec<_> = verdict.reasons().iter().map(Reason::severity).collect();
        prop_assert!(severities.is_sorted_by(|a, b| a >= b));
        if verdict.is_accepted() {
            prop_assert!(verdict.kinds().is_some(), "what is accepted is an upgrade");
        }
    }

    // trace: test FC-13.2.3 FC-13.3 FC-25.2.3
    #[test]
    fn an_added_conflict_refuses_and_takes_no_reason_away(
        (home, offer, policy) in prop_oneof![fitted(), (installed(), offer(), policy())],
        conflict in prop::sample::select(&ADDED[..]),
    ) {
        let before = judge(&home, &offer, &policy);
        let (mut home, mut offer, mut policy) = (home, offer, policy);
        conflict.1(&mut home, &mut offer, &mut policy);
        let after = judge(&home, &offer, &policy);
        prop_assert!(!after.is_accepted(), "{}", conflict.0);
        for reason in before.reasons() {
            prop_assert!(after.reasons().contains(reason), "{}: {reason} is gone", conflict.0);
        }
    }

    // trace: test FC-13.2.1 FC-13.2.4 FC-25.2.3
    #[test]
    fn a_narrower_offer_refuses_and_makes_no_reason_milder(
        (home, offer, policy) in prop_oneof![fitted(), (installed(), offer(), policy())],
        conflict in prop::sample::select(&NARROWED[..]),
    ) {
        let before = judge(&home, &offer, &policy);
        let (mut home, mut offer, mut policy) = (home, offer, policy);
        let conflicts = conflict.1(&mut home, &mut offer, &mut policy);
        let after = judge(&home, &offer, &policy);
        prop_assert!(!(conflicts && after.is_accepted()), "{}", conflict.0);
        prop_assert!(before.is_accepted() || !after.is_accepted(), "{}", conflict.0);
        for reason in told(&before) {
            prop_assert!(worse(&after, &reason), "{}: {reason:?} is gone", conflict.0);
        }
    }

    #[test]
    fn what_is_accepted_stays_accepted_by_an_offer_that_reads_more(
        (home, offer, policy) in fitted(), by in offer(),
    ) {
        let verdict = judge(&home, &offer, &policy);
        prop_assert!(verdict.is_accepted(), "{verdict}");
        let wider = judge(&home, &widened(&offer, &by), &policy);
        prop_assert!(wider.is_accepted(), "{wider}");
    }

    #[test]
    fn an_offer_that_reads_more_is_refused_for_nothing_new(
        home in installed(), offer in offer(), by in offer(), policy in policy(),
    ) {
        let before = told(&judge(&home, &offer, &policy));
        let after = judge(&home, &widened(&offer, &by), &policy);
        for (subject, severity) in told(&after) {
            let known = before.iter().any(|found| found.0 == subject && found.1 >= severity);
            prop_assert!(severity < Severity::Refuse || known, "{subject} is refused now");
        }
    }

    #[test]
    fn what_was_done_leaves_no_reason_to_do_it_again((home, offer, policy) in fitted()) {
        let done = home.after(&offer);
        prop_assert_eq!(&done.versions, &offer.versions);
        let again = judge(&done, &offer, &policy);
        prop_assert!(codes(&again, Severity::Refuse).contains(&"same-version"));
        let enabled = |home: &Installed| home.capabilities.values().filter(|on| **on).count();
        prop_assert!(enabled(&done) <= enabled(&home), "nothing comes to be enabled");
    }

    #[test]
    fn build_metadata_changes_no_decision((home, offer, policy) in fitted(), text in "[a-z]{1,3}") {
        let before = judge(&home, &offer, &policy);
        let mut built = (home, offer);
        let tag = |version: &RuntimeVersion| -> RuntimeVersion {
            let plain = version.to_string();
            let plain = plain.split('+').next().unwrap();
            format!("{plain}+{text}").parse().unwrap()
        };
        built.0.versions.runtime = tag(&built.0.versions.runtime);
        built.1.versions.runtime = tag(&built.1.versions.runtime);
        let after = judge(&built.0, &built.1, &policy);
        prop_assert_eq!(told(&before), told(&after));
    }
}
