//! Worked examples and properties of negotiation.

use std::collections::BTreeMap;

use proptest::prelude::*;
use versioning::ProtocolVersion;

use super::fixtures::{span, speaks};
use super::strategies;
use crate::*;

fn with(peer: &str, minors: (u32, u32), features: &[(&str, u32, bool)]) -> Speaks {
    let features = features.iter().map(|(name, since, required)| {
        (name.parse().unwrap(), Feature { since: *since, required: *required })
    });
    let minors = span(|minor| minor, minors.0, minors.1);
    let dialect = Dialect { minors, features: features.collect() };
    Speaks::new(peer.parse().unwrap(), BTreeMap::from([(2, dialect)])).unwrap()
}

// trace: test FC-24.1 FC-24.2.1
#[test]
fn peers_use_the_highest_version_that_both_speak() {
    let (old, new) = (speaks("old", &[(1, 0, 3)]), speaks("new", &[(1, 2, 5), (2, 0, 1)]));
    let agreed = negotiate(&old, &new).unwrap();
    assert_eq!(agreed.version, ProtocolVersion { major: 1, minor: 3 });
    assert_eq!(agreed.passed_over, []);
}

#[test]
fn a_feature_is_used_if_both_have_it_at_that_minor() {
    let a = with("a", (0, 2), &[("batch", 2, false), ("cancel", 1, true), ("trace", 0, false)]);
    let b = with("b", (0, 1), &[("batch", 1, false), ("cancel", 1, false)]);
    let agreed = negotiate(&a, &b).unwrap();
    assert_eq!(agreed.version, ProtocolVersion { major: 2, minor: 1 });
    assert_eq!(agreed.features, ["cancel".parse().unwrap()].into());
}

// trace: test FC-24.2.1 FC-24.4
#[test]
fn every_required_feature_that_is_missing_is_told() {
    let a = with("a", (0, 2), &[("batch", 2, true), ("trace", 0, true)]);
    let b = with("b", (0, 1), &[("cancel", 0, true)]);
    let refused = negotiate(&a, &b).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a and b cannot talk: batch is required by a, and at 2.1 it is missing from a and b; \
         cancel is required by b, and at 2.1 it is missing from a; \
         trace is required by a, and at 2.1 it is missing from b"
    );
}

#[test]
fn a_lower_major_will_do_if_the_higher_one_does_not() {
    let mut majors = with("a", (0, 0), &[("batch", 0, true)]).majors().clone();
    majors.extend(speaks("a", &[(1, 0, 4)]).majors().clone());
    let a = Speaks::new("a".parse().unwrap(), majors).unwrap();
    let agreed = negotiate(&speaks("b", &[(1, 0, 2), (2, 0, 0)]), &a).unwrap();
    assert_eq!(agreed.version, ProtocolVersion { major: 1, minor: 2 });
    assert_eq!(agreed.passed_over.len(), 1);
}

#[test]
fn peers_without_a_common_version_are_told_what_each_speaks() {
    let refused = negotiate(&speaks("new", &[(2, 0, 1)]), &speaks("old", &[(1, 0, 0)]));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "new and old cannot talk: one speaks 2.0 to 2.1, the other 1.0"
    );
    let refused = negotiate(&speaks("a", &[(2, 0, 1)]), &speaks("b", &[(2, 2, 2)])).unwrap_err();
    assert!(matches!(refused.misfits[..], [Misfit::NoCommonMinor { major: 2, .. }]));
}

// trace: test FC-24.4
#[test]
fn what_no_peer_can_mean_does_not_exist() {
    assert!(Speaks::new("a".parse().unwrap(), BTreeMap::new()).is_err());
    let late = r#"{"peer":"a","majors":{"1":{"minors":{"oldest":0,"newest":1},
        "features":{"batch":{"since":2,"required":false}}}}}"#;
    assert!(serde_json::from_str::<Speaks>(late).is_err());
    let fine = late.replace("\"since\":2", "\"since\":1");
    let speaks: Speaks = serde_json::from_str(&fine).unwrap();
    let text = serde_json::to_string(&speaks).unwrap();
    assert_eq!(serde_json::from_str::<Speaks>(&text).unwrap(), speaks);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // trace: test FC-24.3
    #[test]
    fn the_order_of_the_peers_makes_no_difference(
        a in strategies::speaks(), b in strategies::speaks(),
    ) {
        prop_assert_eq!(negotiate(&a, &b), negotiate(&b, &a));
    }

    #[test]
    fn a_peer_agrees_with_itself_on_its_newest_version(a in strategies::speaks()) {
        let agreed = negotiate(&a, &a).unwrap();
        let (major, dialect) = a.majors().iter().next_back().unwrap();
        let newest = ProtocolVersion { major: *major, minor: dialect.minors.newest() };
        prop_assert_eq!(agreed.version, newest);
        prop_assert!(agreed.features.iter().eq(dialect.features.keys()));
    }

    // trace: test FC-24.1 FC-24.2.1
    #[test]
    fn what_is_agreed_is_the_highest_that_suits_both(
        a in strategies::speaks(), b in strategies::speaks(),
    ) {
        let suits = |version: ProtocolVersion| {
            let both = [&a, &b];
            let dialects: Vec<_> =
                both.iter().filter(|peer| peer.speaks(version)).map(|peer| &peer.majors()[&version.major]).collect();
            let has = |dialect: &Dialect, name: &FeatureName| {
                dialect.features.get(name).is_some_and(|feature| feature.since <= version.minor)
            };
            dialects.len() == 2 && dialects.iter().all(|dialect| {
                let mut required = dialect.features.iter().filter(|(_, feature)| feature.required);
                required.all(|(name, _)| dialects.iter().all(|dialect| has(dialect, name)))
            })
        };
        let versions = (0..=4).flat_map(|major| (0..=4).map(move |minor| ProtocolVersion { major, minor }));
        let highest = versions.filter(|version| suits(*version)).max();
        let agreed = negotiate(&a, &b);
        prop_assert_eq!(agreed.as_ref().ok().map(|agreed| agreed.version), highest);
        match agreed {
            Ok(agreed) => for name in &agreed.features {
                let dialects = [&a, &b].map(|peer| &peer.majors()[&agreed.version.major]);
                prop_assert!(dialects.iter().all(|dialect| dialect.features[name].since <= agreed.version.minor));
            },
            Err(refused) => prop_assert!(!refused.misfits.is_empty()),
        }
    }
}
