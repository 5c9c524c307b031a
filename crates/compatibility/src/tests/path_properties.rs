//! What holds of every path.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::subsequence;
use versioning::RuntimeVersion;

use super::fixtures::*;
use super::strategies;
use crate::*;

/// Releases between which paths are looked for.
const RELEASES: [&str; 6] = ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "3.0.0"];

fn bare_home() -> Installed {
    Installed { extensions: Vec::new(), ..home_2_0_0() }
}

/// A release that can be reached from some versions, and otherwise suits everybody; unless nothing that it writes can be
/// carried back.
fn release(version: &str, from: &[&str], lasting: bool) -> Offer {
    let exact: Vec<String> = from.iter().map(|version| format!("={version}")).collect();
    let exact: Vec<&str> = exact.iter().map(String::as_str).collect();
    let mut offer = offer_2_1_0();
    offer.versions.runtime = version.parse().unwrap();
    offer.upgrades_from = RuntimeRange::parse(&exact).unwrap();
    if lasting {
        offer.versions.storage = versioning::SchemaVersion::new(9);
        offer.storage.migrations = migrations(&[(3, 9)]);
        offer.storage.readable_by = Span::only(offer.versions.storage);
    } else {
        offer.storage.reads = span(versioning::SchemaVersion::new, 1, 9);
    }
    offer
}

fn reachable() -> impl Strategy<Value = Offer> {
    let from = subsequence(&RELEASES[..], 0..=3);
    (prop::sample::select(&RELEASES[..]), from, prop::bool::weighted(0.2))
        .prop_map(|(version, from, lasting)| release(version, &from, lasting))
}

fn wanted(version: &str) -> Policy {
    let target = Some(version.parse().unwrap());
    Policy { target, rollback_data: RollbackData::SetAside, ..Policy::default() }
}

/// The best path by the rule as it is stated, found by trying all.
type Best = (usize, Vec<std::cmp::Reverse<RuntimeVersion>>, usize);

fn by_trying_all(home: &Installed, offers: &[Offer], policy: &Policy) -> Option<Best> {
    fn visit(
        home: &Installed,
        offers: &[Offer],
        policy: &Policy,
        sofar: &Best,
        best: &mut Option<Best>,
    ) {
        if sofar.1.last().is_some_and(|last| Some(&last.0) == policy.target.as_ref()) {
            if best.as_ref().is_none_or(|best| sofar < best) {
                *best = Some(sofar.clone());
            }
            return;
        }
        for offer in offers {
            let verdict = judge(home, offer, policy);
            if verdict.is_accepted() {
                let mut next = sofar.clone();
                next.0 += 1;
                next.1.push(std::cmp::Reverse(offer.versions.runtime.clone()));
                next.2 += usize::from(verdict.is_irreversible());
                visit(&home.after(offer), offers, policy, &next, best);
            }
        }
    }
    let mut best = None;
    visit(home, offers, policy, &(0, Vec::new(), 0), &mut best);
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_path_is_the_one_that_the_rule_prefers_of_all(
        offers in prop::collection::vec(reachable(), 0..7),
    ) {
        let (home, policy) = (bare_home(), wanted("3.0.0"));
        let found = paths(&home, &offers, &policy);
        let told = found.as_ref().ok().map(|path| {
            let versions = path.hops.iter().map(|hop| std::cmp::Reverse(hop.to().clone()));
            (path.hops.len(), versions.collect::<Vec<_>>(), path.irreversible())
        });
        prop_assert_eq!(told, by_trying_all(&home, &offers, &policy));
        match found {
            Ok(path) => {
                prop_assert!(path.hops.iter().all(Verdict::is_accepted));
                prop_assert!(path.hops.windows(2).all(|pair| pair[0].to() == pair[1].from()));
                prop_assert_eq!(path.direct.is_empty(), path.hops.len() == 1);
            }
            Err(none) => prop_assert!(!none.offered || !none.refused.is_empty()),
        }
    }

    #[test]
    fn order_and_repetition_of_the_offers_make_no_difference(
        offers in prop::collection::vec(reachable(), 0..7), turn in 0_usize..7,
    ) {
        let (home, policy) = (bare_home(), wanted("3.0.0"));
        let mut turned = offers.clone();
        turned.rotate_left(turn.min(offers.len()));
        turned.extend(offers.iter().rev().cloned());
        prop_assert_eq!(paths(&home, &offers, &policy), paths(&home, &turned, &policy));
    }

    #[test]
    fn any_offers_whatever_have_an_answer(
        home in strategies::installed(),
        offers in prop::collection::vec(strategies::offer(), 0..6),
        policy in strategies::policy(),
    ) {
        match paths(&home, &offers, &policy) {
            Ok(path) => prop_assert!(path.hops.iter().all(Verdict::is_accepted)),
            Err(none) => prop_assert!(none.refused.iter().all(|verdict| !verdict.is_accepted())),
        }
    }
}

#[test]
fn of_two_paths_the_one_over_the_higher_version_is_taken() {
    let offers = [
        release("2.1.0", &["2.0.0"], false),
        release("2.2.0", &["2.0.0"], true),
        release("3.0.0", &["2.1.0", "2.2.0"], true),
    ];
    let path = paths(&bare_home(), &offers, &wanted("3.0.0")).unwrap();
    assert_eq!((path.hops[0].to().to_string().as_str(), path.shortest), ("2.2.0", 2));
}

#[test]
fn of_two_offers_of_one_version_the_one_that_leaves_less_behind_is_taken() {
    // Written out, the one that lasts comes first, so only its lasting speaks against it.
    let lasting = release("3.0.0", &["2.0.0"], true);
    let mut gentle = lasting.clone();
    gentle.versions.extensions = versioning::ExtensionSet::new(2);
    gentle.storage.migrations.extend(migrations(&[(9, 3)]));
    assert!(format!("{lasting:?}") < format!("{gentle:?}"));
    let path = paths(&bare_home(), &[lasting, gentle], &wanted("3.0.0")).unwrap();
    assert_eq!((path.irreversible(), path.shortest), (0, 2));
    assert!(path.to_string().contains("of 2 offers, this one leaves least behind"), "{path}");
}

#[test]
fn a_step_that_cannot_be_undone_is_judged_against_the_hop_before() {
    // 2.1.0 writes what 2.0.0 cannot read; 3.0.0 writes the same, which 2.1.0 reads.
    let offers = [release("2.1.0", &["2.0.0"], true), release("3.0.0", &["2.1.0"], true)];
    let path = paths(&bare_home(), &offers, &wanted("3.0.0")).unwrap();
    assert_eq!(path.hops.iter().map(Verdict::is_irreversible).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn several_hundred_offers_that_name_each_other_in_circles_have_an_answer() {
    let names: Vec<String> = (1..=300).map(|minor| format!("2.{minor}.0")).collect();
    let mut offers = Vec::new();
    for (index, name) in names.iter().enumerate() {
        // Each can be reached from the one before, from the one after, and from itself.
        let before = if index == 0 { "2.0.0" } else { names[index - 1].as_str() };
        let after = names.get(index + 1).unwrap_or(name);
        offers.push(release(name, &[before, after, name], false));
    }
    let all: BTreeSet<_> = names.iter().collect();
    let path = paths(&bare_home(), &offers, &wanted("2.300.0")).unwrap();
    assert_eq!(path.hops.len(), all.len());
    let none = paths(&bare_home(), &offers, &wanted("9.0.0")).unwrap_err();
    assert_eq!((none.gave_up, none.reached.len()), (false, all.len()));
}

#[test]
fn offers_that_can_all_be_reached_from_each_other_are_each_looked_at_once() {
    let offers: Vec<Offer> = (1..=150)
        .map(|minor| Offer {
            upgrades_from: RuntimeRange::parse(&["^2"]).unwrap(),
            ..release(&format!("2.{minor}.0"), &[], false)
        })
        .collect();
    let none = paths(&bare_home(), &offers, &wanted("9.0.0")).unwrap_err();
    assert_eq!((none.gave_up, none.reached.len()), (false, offers.len()));
    let path = paths(&bare_home(), &offers, &wanted("2.150.0")).unwrap();
    assert_eq!(path.hops.len(), 1);
}

#[test]
fn a_search_without_an_end_in_sight_gives_up_and_says_so() {
    // Every set of renames is another state: 2 to the power of 13 of them, three releases on.
    let letters: Vec<String> = (0..13).map(|number| format!("c{number}")).collect();
    let new: Vec<String> = letters.iter().map(|letter| format!("{letter}.new")).collect();
    let mut home = bare_home();
    home.capabilities = letters.iter().map(|letter| (id(letter), false)).collect();
    let mut offers = Vec::new();
    for minor in 1..=13_usize {
        for renaming in [false, true] {
            let mut offer = offer_2_1_0();
            offer.versions.runtime = format!("2.{minor}.0").parse().unwrap();
            let mut known: Vec<&str> = letters.iter().chain(&new).map(String::as_str).collect();
            let (old, to) = (letters[minor - 1].as_str(), new[minor - 1].as_str());
            known.retain(|id| !renaming || *id != old);
            let renames: &[_] = if renaming { &[(old, to)] } else { &[] };
            offer.capabilities = capabilities((2, 2), &known, renames);
            offer.upgrades_from = RuntimeRange::parse(&[&format!("=2.{}.0", minor - 1)]).unwrap();
            offers.push(offer);
        }
    }
    let none = paths(&home, &offers, &wanted("9.0.0")).unwrap_err();
    assert!(none.gave_up && none.to_string().contains("gave up after 4096 states"));
}
