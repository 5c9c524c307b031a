//! The symbolic answers, held against every request of a small world.

use std::sync::LazyLock;

use capability_migration::{
    Authority, CapabilityId, Certainty, Code, Difference, Effect, Grant, Names, Plan,
    PoliciesOf1_0_0, PoliciesOf1_0_3, Policy1, PolicySet, Reading, Renames, Request, Symbol, diff,
    examine, migrate,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::universe::{
    authority, authority_of, capability, of_1_0_0, of_1_0_3, of_2, policies_1, requests,
};

static REQUESTS: LazyLock<Vec<Request>> = LazyLock::new(requests);

/// The same request by the names of before; none for a name that was given up.
fn former(request: &Request, renames: &Renames) -> Option<Request> {
    let resource = renames.before(&request.resource)?.to_owned();
    Some(Request { resource, ..request.clone() })
}

fn certainly(authority: &Authority, request: &Request) -> bool {
    authority.decide(request).code == Code::Authorized
}

fn is_widening(before: &Authority, after: &Authority, renames: &Renames, it: &Request) -> bool {
    let former = former(it, renames);
    after.possibly_allows(it) && !former.is_some_and(|former| certainly(before, &former))
}

fn is_narrowing(before: &Authority, after: &Authority, renames: &Renames, it: &Request) -> bool {
    let former = former(it, renames);
    former.is_some_and(|former| before.possibly_allows(&former)) && !certainly(after, it)
}

/// Whether a name is in a set of names; of two symbols that could hold it, either will do.
fn holds(names: &Names, name: &str) -> bool {
    match names {
        Names::All => true,
        Names::These(symbols) => symbols.iter().any(|symbol| match symbol {
            Symbol::Exactly(exactly) => exactly == name,
            Symbol::Under { prefix, .. } => name.starts_with(prefix),
            Symbol::Other { .. } => true,
        }),
    }
}

fn is_in(differences: &[Difference], request: &Request) -> bool {
    differences.iter().any(|Difference { region, .. }| {
        holds(&region.principals, &request.principal)
            && holds(&region.resources, &request.resource)
            && holds(&region.actions, &request.action)
    })
}

/// Every witness is one, and every request that brute force finds is in a region.
fn agree(
    differences: &[Difference],
    found: &[&Request],
    differs: impl Fn(&Request) -> bool,
) -> Result<(), TestCaseError> {
    for it in differences {
        prop_assert!(it.certainty != Certainty::Undecided);
        prop_assert!(differs(&it.witness), "no witness: {}", it);
    }
    for request in found {
        prop_assert!(is_in(differences, request), "missed: {}", request);
    }
    Ok(())
}

/// Both directions of a comparison against all requests there are.
fn compare(before: &Authority, after: &Authority, renames: &Renames) -> Result<(), TestCaseError> {
    let of_2 = |authority: &Authority| matches!(authority.policies, PolicySet::V2(_));
    let arguments_count = of_2(before) || of_2(after);
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for it in REQUESTS.iter().filter(|it| arguments_count || it.arguments.is_empty()) {
        if is_widening(before, after, renames, it) {
            allowed.push(it);
        }
        if is_narrowing(before, after, renames, it) {
            denied.push(it);
        }
    }
    let found = diff(before, after, renames);
    agree(&found.newly_allowed, &allowed, |it| is_widening(before, after, renames, it))?;
    agree(&found.newly_denied, &denied, |it| is_narrowing(before, after, renames, it))
}

/// Renames into and out of the prefixes that rules have.
fn renames() -> impl Strategy<Value = Renames> {
    let pair = |(from, to): (&str, &str)| -> (CapabilityId, CapabilityId) {
        (from.parse().unwrap(), to.parse().unwrap())
    };
    let pairs = vec![("b", "a.new"), ("a.b", "c.new"), ("c.d", "d")];
    prop::sample::subsequence(pairs, 0..=3)
        .prop_map(move |pairs| Renames::new(pairs.into_iter().map(pair)).unwrap())
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    let patterns = [vec!["*", "p"], vec!["*", "a", "a.*"], vec!["*", "execute"]];
    let [principal, resource, action] = patterns.map(prop::sample::select);
    let only = prop::option::weighted(0.2, Just("a.b"));
    let grant =
        (principal, resource, action, only).prop_map(|(principal, resource, action, only)| Grant {
            principal: principal.parse().unwrap(),
            resource: resource.parse().unwrap(),
            action: action.parse().unwrap(),
            capability: only.map(|only| only.parse().unwrap()),
        });
    prop::collection::vec(grant, 0..3)
}

/// `Evaluator::evaluate` of 1.0.0, word for word.
fn evaluate_1_0_0(policy: &Policy1, resource: &str, action: &str) -> bool {
    for rule in &policy.rules {
        if rule.resource == resource && rule.action == action {
            return rule.effect == Effect::Allow;
        }
    }
    false
}

/// `PolicyEngine::evaluate` of 1.0.3, with the values of the hash map in a given order.
fn evaluate_1_0_3(policies: &[&Policy1], resource: &str) -> bool {
    for policy in policies {
        for rule in &policy.rules {
            if rule.resource == resource || rule.resource == "*" {
                return rule.effect == Effect::Allow;
            }
        }
    }
    false
}

fn orders<'a>(policies: &[&'a Policy1]) -> Vec<Vec<&'a Policy1>> {
    if policies.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for at in 0..policies.len() {
        let mut rest = policies.to_vec();
        let first = rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|rest| [vec![first], rest].concat()));
    }
    all
}

proptest! {
    #![proptest_config(Config { cases: 1000, ..Config::default() })]

    #[test]
    fn decisions_of_1_0_0_are_those_of_its_code(policies in policies_1(), one in capability("a")) {
        let registry = capability_migration::Registry::new([one]).unwrap();
        let policy_set = PolicySet::V1_0_0(PoliciesOf1_0_0(policies.clone()));
        let authority = Authority { policies: policy_set, registry };
        for request in REQUESTS.iter().filter(|it| it.resource == "a" && it.arguments.is_empty()) {
            let says = |policy: &Policy1| evaluate_1_0_0(policy, "a", &request.action);
            let all = !policies.is_empty() && policies.iter().all(says);
            prop_assert_eq!(certainly(&authority, request), all);
            prop_assert_eq!(authority.possibly_allows(request), policies.iter().any(says));
        }
    }

    #[test]
    fn decisions_of_1_0_3_are_those_of_its_code_in_every_order(policies in policies_1(), mut one in capability("a")) {
        one.enabled = true;
        let registry = capability_migration::Registry::new([one]).unwrap();
        let policy_set = PolicySet::V1_0_3(PoliciesOf1_0_3(policies.clone()));
        let authority = Authority { policies: policy_set, registry };
        // As `add_policy` does: into a map by name.
        let mut map = std::collections::BTreeMap::new();
        for policy in &policies {
            map.insert(policy.name.clone(), policy);
        }
        let orders = orders(&map.into_values().collect::<Vec<_>>());
        let request = REQUESTS.iter().find(|it| it.resource == "a").unwrap();
        let mut answers = orders.iter().map(|order| evaluate_1_0_3(order, "a"));
        prop_assert_eq!(certainly(&authority, request), answers.clone().all(|allows| allows));
        prop_assert_eq!(authority.possibly_allows(request), answers.any(|allows| allows));
    }

    #[test]
    fn a_grant_takes_away_what_it_covers_and_nothing_else(
        before in authority(), after in authority(), grants in grants(),
    ) {
        let renames = Renames::none();
        let examined = examine(&before, &after, &renames, &grants);
        let widens = |it: &Request| is_widening(&before, &after, &renames, it);
        let covered = |it: &Request| grants.iter().any(|grant| grant.covers(it));
        let refused = |it: &Request| widens(it) && !covered(it);
        let found: Vec<_> = REQUESTS.iter().filter(|it| refused(it)).collect();
        agree(&examined.widenings, &found, refused)?;
        for grant in &examined.unused_grants {
            let needless = |it: &&Request| widens(it) && grant.covers(it);
            prop_assert!(REQUESTS.iter().find(needless).is_none(), "{} is needed", grant);
        }
    }

    // trace: test FC-11.1.3 FC-11.2
    #[test]
    fn no_migration_widens_from_any_dialect_by_any_reading_with_any_renames(
        before in authority(), renames in renames(), written in any::<bool>(),
    ) {
        let mut plan = Plan::new(if written { Reading::Written } else { Reading::Enforced });
        plan.registry.renames = renames;
        // Such a plan adds nothing, so it must not be refused either.
        let migrated = migrate(&before, &plan).unwrap();
        for it in REQUESTS.iter() {
            let widens = is_widening(&before, &migrated.authority, &migrated.renames, it);
            prop_assert!(!widens, "{}", it);
        }
        // What 1.0.x enforced is enforced exactly, as far as the arguments are what was declared.
        if let (false, PolicySet::V1_0_3(_)) = (written, &before.policies) {
            let denied = |it: &Request| {
                former(it, &migrated.renames).is_some_and(|former| certainly(&before, &former))
                    && migrated.authority.decide(it).code == Code::DeniedPolicyViolation
            };
            prop_assert!(!REQUESTS.iter().any(denied));
        }
        // And once more, from 2.x to 2.x, with what it made.
        let again = migrate(&migrated.authority, &Plan::new(Reading::Enforced)).unwrap();
        prop_assert_eq!(again.authority, migrated.authority);
    }
}

/// The symbolic comparison finds what brute force finds: a thousand cases for every pair of dialects.
macro_rules! compared {
    ($($name:ident: $before:ident to $after:ident;)*) => {
        proptest! {
            #![proptest_config(Config { cases: 1000, ..Config::default() })]
            $(#[test]
            fn $name(
                before in authority_of($before()), after in authority_of($after()), renames in renames(),
            ) {
                compare(&before, &after, &renames)?;
            })*
        }
    };
}

compared! {
    from_1_0_0_to_1_0_0_brute_force_agrees: of_1_0_0 to of_1_0_0;
    from_1_0_0_to_1_0_3_brute_force_agrees: of_1_0_0 to of_1_0_3;
    from_1_0_0_to_2_brute_force_agrees: of_1_0_0 to of_2;
    from_1_0_3_to_1_0_0_brute_force_agrees: of_1_0_3 to of_1_0_0;
    from_1_0_3_to_1_0_3_brute_force_agrees: of_1_0_3 to of_1_0_3;
    from_1_0_3_to_2_brute_force_agrees: of_1_0_3 to of_2;
    from_2_to_1_0_0_brute_force_agrees: of_2 to of_1_0_0;
    from_2_to_1_0_3_brute_force_agrees: of_2 to of_1_0_3;
    from_2_to_2_brute_force_agrees: of_2 to of_2;
}
