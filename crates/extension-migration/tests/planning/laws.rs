//! What must hold for every home and every release.

use std::collections::{BTreeMap, BTreeSet};

use extension_migration::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::random::{Conflict, case, conflict};

/// How many cases the test of the tests looks at.
const SAMPLE: usize = 2000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    // trace: test FC-12.3
    #[test]
    fn planning_is_deterministic_to_the_last_byte(case in case()) {
        let json = |plan: &ExtensionPlan| serde_json::to_string(plan).unwrap();
        let copy: Installed =
            serde_json::from_str(&serde_json::to_string(&case.installed).unwrap()).unwrap();
        let again = plan(&copy, &case.offered.clone(), &case.runtime, &case.consent);
        prop_assert_eq!(json(&case.plan()), json(&again));
        prop_assert_eq!(case.plan().to_string(), again.to_string());
    }

    #[test]
    fn planning_again_on_the_result_keeps_everything(case in case()) {
        if let Some(result) = case.plan().result() {
            for consent in [case.consent, Consent::default()] {
                let again = plan(&result, &case.offered, &case.runtime, &consent);
                prop_assert!(again.extensions.iter().all(|planned| planned.fate == Fate::Kept), "{again}");
                prop_assert!(
                    again.arrivals.iter().all(|arrival| arrival.fate == ArrivalFate::Withheld),
                    "{again}"
                );
                prop_assert_eq!(again.result(), Some(result.clone()));
            }
        }
    }

    #[test]
    fn every_installed_extension_has_exactly_one_fate_with_its_reasons(case in case()) {
        let plan = case.plan();
        let directories: BTreeSet<&Directory> =
            plan.extensions.iter().map(|planned| &planned.directory).collect();
        prop_assert_eq!(directories.len(), plan.extensions.len());
        prop_assert!(directories.into_iter().eq(case.installed.extensions.keys()));
        for planned in &plan.extensions {
            prop_assert!(!planned.reasons.is_empty());
            let obstacles = planned.reasons.iter().filter(|reason| reason.is_obstacle()).count();
            match planned.fate {
                Fate::Kept | Fate::Replaced => prop_assert_eq!(obstacles, 0),
                Fate::Rejected => prop_assert_eq!(obstacles, planned.reasons.len()),
                Fate::SetAside => {
                    prop_assert!(obstacles > 0);
                    prop_assert!(case.consent.set_aside.contains(&planned.directory));
                }
            }
            let own = &case.installed.extensions[&planned.directory];
            if matches!(planned.fate, Fate::Kept | Fate::SetAside) {
                prop_assert_eq!(planned.after.as_ref(), Some(own));
            }
        }
        let order = plan.extensions.iter().map(|planned| (&planned.identity, &planned.directory));
        prop_assert!(order.is_sorted());
        let refused = plan.arrivals.iter().any(|arrival| arrival.fate == ArrivalFate::Refused);
        let rejected = plan.extensions.iter().any(|planned| planned.fate == Fate::Rejected);
        prop_assert_eq!(plan.is_accepted(), !rejected && !refused);
    }

    #[test]
    fn no_data_is_lost_and_no_two_files_meet(case in case()) {
        let plan = case.plan();
        let files = plan.files();
        let mut targets = BTreeSet::new();
        for planned in plan.extensions.iter().filter(|planned| planned.fate != Fate::Rejected) {
            let own = &case.installed.extensions[&planned.directory];
            prop_assert_eq!(planned.data_moves.len(), own.data.len());
            let place = planned.place.as_ref().unwrap();
            for ((path, digest), moved) in own.data.iter().zip(&planned.data_moves) {
                prop_assert_eq!(&moved.from, &format!("{EXTENSIONS}/{}/{path}", planned.directory));
                prop_assert_eq!(&moved.to, &place.path_of(path));
                prop_assert_eq!(moved.digest, *digest);
                prop_assert!(targets.insert(moved.to.clone()));
                prop_assert!(!plan.is_accepted() || files.get(&moved.to) == Some(digest));
            }
        }
        if let Some(result) = plan.result() {
            let in_use = result.extensions.values();
            let count: usize = in_use.map(|kept| kept.artifacts.len() + kept.data.len()).sum();
            let prefix = format!("{EXTENSIONS}/");
            prop_assert_eq!(files.keys().filter(|path| path.starts_with(&prefix)).count(), count);
            for (directory, carried) in &case.installed.set_aside {
                prop_assert_eq!(result.set_aside.get(directory), Some(carried));
            }
            prop_assert_eq!(verify(&plan, &files), Ok(()));
            prop_assert!(!files.keys().any(|path| has_a_file_above(path, &files)));
        }
    }

    // trace: test FC-12.1.3
    #[test]
    fn permissions_grow_by_exactly_what_was_granted(case in case(), grants: bool) {
        let mut case = case;
        if !grants {
            case.consent.grants.clear();
        }
        let plan = case.plan();
        for planned in &plan.extensions {
            let Some(after) = &planned.after else { continue };
            let before = &case.installed.extensions[&planned.directory];
            let held: Permissions = before.permissions.union(&planned.granted).cloned().collect();
            let is_held = |asked: &Permission| held.iter().any(|held| held.covers(asked));
            prop_assert!(after.permissions.iter().all(is_held));
            prop_assert!(before.enabled || !after.enabled);
            for permission in planned.granted.clone() {
                let identity = after.identity.valid().unwrap().clone();
                let grant = Grant { identity, permission };
                prop_assert!(case.consent.grants.contains(&grant));
            }
        }
        for arrived in plan.arrivals.iter().filter_map(|arrival| arrival.after.as_ref()) {
            prop_assert!(!arrived.enabled);
        }
        let used: usize = plan.extensions.iter().map(|planned| planned.granted.len()).sum();
        prop_assert!(plan.unused.grants.is_subset(&case.consent.grants));
        prop_assert!(case.consent.grants.len() - plan.unused.grants.len() <= used);
    }

    // trace: test FC-12.1.1
    #[test]
    fn nobody_takes_over_what_is_anothers(case in case()) {
        let plan = case.plan();
        for planned in plan.extensions.iter().filter(|planned| planned.fate == Fate::Replaced) {
            let before = planned.identity.valid().unwrap();
            let after = planned.after.as_ref().unwrap().identity.valid().unwrap();
            prop_assert_eq!(before.publisher(), after.publisher());
        }
        for arrival in plan.arrivals.iter().filter(|arrival| arrival.fate == ArrivalFate::Arrives) {
            let there = case.installed.extensions.values().chain(case.installed.set_aside.values());
            for other in there.filter_map(|extension| extension.identity.valid()) {
                prop_assert!(!other.is_namesake_of(&arrival.identity));
            }
        }
    }

    #[test]
    fn one_more_conflict_never_turns_refusal_into_acceptance(
        case in case(),
        conflicts in prop::collection::vec((conflict(), any::<usize>()), 1..4),
    ) {
        let mut worse = case.clone();
        let mut refused = !case.plan().is_accepted();
        for (conflict, which) in conflicts {
            conflict.add_to(&mut worse, which);
            let is_accepted = worse.plan().is_accepted();
            prop_assert!(!(refused && is_accepted), "{conflict:?} made it acceptable");
            refused = !is_accepted;
        }
    }

    #[test]
    fn consent_helps_only_what_it_names(case in case()) {
        let mut without = case.clone();
        without.consent = Consent::default();
        let fates = |plan: &ExtensionPlan| -> BTreeMap<Directory, Fate> {
            plan.extensions.iter().map(|planned| (planned.directory.clone(), planned.fate)).collect()
        };
        // What would go through without consent goes through the same way with it.
        if without.plan().is_accepted() {
            prop_assert_eq!(fates(&without.plan()), fates(&case.plan()));
            prop_assert_eq!(&case.plan().unused, &case.consent);
        }
    }
}

fn has_a_file_above(path: &str, files: &BTreeMap<String, integrity::Digest>) -> bool {
    path.match_indices('/').any(|(end, _)| files.contains_key(&path[..end]))
}

/// The laws above would hold of a generator that makes nothing but refusals. It makes everything.
#[test]
fn the_random_cases_reach_every_fate_and_every_reason() {
    let mut runner = TestRunner::deterministic();
    let mut accepted = 0;
    let mut fates = BTreeMap::<String, usize>::new();
    let mut codes = BTreeSet::new();
    let mut turned = 0;
    for _ in 0..SAMPLE {
        let case = case().new_tree(&mut runner).unwrap().current();
        let plan = case.plan();
        let is_of_interest = plan.is_accepted() && !plan.extensions.is_empty();
        accepted += usize::from(is_of_interest);
        for planned in plan.extensions.iter().filter(|_| plan.is_accepted()) {
            *fates.entry(planned.fate.to_string()).or_default() += 1;
        }
        for arrival in &plan.arrivals {
            *fates.entry(arrival.fate.to_string()).or_default() += 1;
        }
        let extensions = plan.extensions.iter().flat_map(|planned| &planned.reasons);
        let arrivals = plan.arrivals.iter().flat_map(|arrival| &arrival.reasons);
        codes.extend(extensions.chain(arrivals).map(Reason::code));
        let mut worse = case.clone();
        Conflict::ForeignNamesake.add_to(&mut worse, 0);
        turned += usize::from(is_of_interest && !worse.plan().is_accepted());
    }
    println!("{accepted} of {SAMPLE} accepted, {turned} turned, {fates:?}, {} codes", codes.len());
    assert!(accepted >= SAMPLE / 10, "{accepted} accepted");
    assert!(turned >= SAMPLE / 20, "{turned} turned");
    for fate in ["kept", "replaced", "set aside", "arrives", "withheld", "refused"] {
        assert!(fates.get(fate).is_some_and(|count| *count >= SAMPLE / 100), "{fate}: {fates:?}");
    }
    assert_eq!(codes.len(), 30, "{codes:?}");
}
