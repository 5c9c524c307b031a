//! The talons of the 1.0.3 fixture, and what 1.0.x lets into a home.

use extension_migration::*;

use crate::made::*;

/// What `fixtures/femtoclaw-1.0.3/talons` holds. `kind: rust` and `version: ">=1.70"` of `search` speak of the compiler.
fn fixture() -> Installed {
    let mut notes = talon("notes", "plain", &[]);
    notes.data = files(&[("notes/ideas.md", "an idea")]);
    home(vec![
        ("aws", talon("aws", "shell", &["aws", "shell"])),
        ("calculator", talon("calculator", "plain", &[])),
        ("demo", talon("demo", "plain", &[])),
        ("example", talon("example", "plain", &[])),
        ("notes", notes),
        ("search", talon("search", "rust", &["network"])),
        ("terraform", talon("terraform", "plain", &[])),
    ])
}

#[test]
fn talons_stay_byte_for_byte_where_their_kinds_are_hosted() {
    let mut release = release(vec![]);
    release.hosted.insert(Kind::new("rust").unwrap());
    let plan = planned(&fixture(), &release, &Consent::default());
    assert!(plan.is_accepted());
    assert_eq!(plan.result().unwrap(), fixture());
    assert!(plan.extensions.iter().all(|planned| planned.fate == Fate::Kept));
    assert_eq!(fate(&plan, "aws"), (Fate::Kept, vec!["compatible-unstated"]));
}

// trace: test FC-12.2
#[test]
fn a_kind_that_is_not_hosted_stops_the_upgrade_unless_its_talon_may_be_set_aside() {
    let plan = planned(&fixture(), &release(vec![]), &Consent::default());
    assert!(!plan.is_accepted());
    assert_eq!(fate(&plan, "search"), (Fate::Rejected, vec!["kind-not-hosted"]));
    assert_eq!(plan.result(), None);
    assert!(plan.files().is_empty());

    let plan = planned(&fixture(), &release(vec![]), &aside("search"));
    assert!(plan.is_accepted());
    let codes = vec!["kind-not-hosted", "set-aside-by-consent"];
    assert_eq!(fate(&plan, "search"), (Fate::SetAside, codes));
    let result = plan.result().unwrap();
    assert_eq!(result.extensions.len(), 6);
    assert_eq!(result.set_aside[&directory("search")], fixture().extensions[&directory("search")]);
    assert!(plan.files().contains_key("set-aside/extensions/search/scripts/run.sh"));
}

// trace: test FC-12.1.2
#[test]
fn what_states_no_runtime_runs_only_if_the_release_says_so() {
    let release = Offered { unstated: UnstatedPolicy::default(), ..release(vec![]) };
    let home = home(vec![("notes", talon("notes", "plain", &[]))]);
    let plan = planned(&home, &release, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["compatibility-unstated"]));
}

// trace: test FC-12.1.2 FC-12.2
#[test]
fn a_range_that_does_not_hold_is_rejected_and_so_is_one_that_is_none() {
    for (range, code) in [("^1", "runtime-incompatible"), ("apple", "compatibility-unreadable")] {
        let mut notes = talon("notes", "plain", &[]);
        notes.compatibility = Compatibility::read(&[range]);
        let home = home(vec![("notes", notes)]);
        let plan = planned(&home, &release(vec![]), &Consent::default());
        assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec![code]));
        let plan = planned(&home, &release(vec![]), &aside("notes"));
        assert_eq!(fate(&plan, "notes").0, Fate::SetAside);
        assert!(plan.is_accepted());
    }
}

// trace: test FC-12.1.3
#[test]
fn what_asks_for_a_permission_that_the_runtime_could_not_withhold_stops_the_upgrade() {
    let home = home(vec![
        ("notes", talon("notes", "plain", &["network:example.org"])),
        ("odd", talon("odd", "plain", &["gravity"])),
    ]);
    let permissions = Some([Permission::new("network")].into());
    let release = Offered { permissions, ..release(vec![]) };
    let plan = planned(&home, &release, &Consent::default());
    assert_eq!(fate(&plan, "notes").0, Fate::Kept);
    assert_eq!(fate(&plan, "odd"), (Fate::Rejected, vec!["permission-unknown"]));
    let plan = planned(&home, &release, &aside("odd"));
    assert!(plan.is_accepted());
    assert_eq!(fate(&plan, "odd").0, Fate::SetAside);
}

#[test]
fn every_reason_is_given_and_not_only_the_first() {
    let mut bad = talon("../x", "rust", &[]);
    bad.version = DeclaredVersion::read("banana");
    bad.compatibility = Compatibility::read(&["^1"]);
    bad.recorded =
        Some(files(&[("TALON.md", "another"), ("gone", ""), ("scripts/run.sh", "../x")]));
    bad.artifacts.extend(files(&[("stray", "")]));
    bad.data = files(&[("scripts", "a file where a directory is")]);
    let home = home(vec![("x", bad)]);
    let codes = vec![
        "identity-invalid",
        "version-invalid",
        "artifact-altered",
        "artifact-missing",
        "artifact-added",
        "runtime-incompatible",
        "kind-not-hosted",
        "path-collision",
    ];
    let plan = planned(&home, &release(vec![]), &Consent::default());
    assert_eq!(fate(&plan, "x"), (Fate::Rejected, codes));
    let words = plan.to_string();
    assert!(words.starts_with("The extensions cannot move to runtime 2.0.0.\n"), "{words}");
    assert!(
        words.contains("  - the name \"../x\" is a path, not a name [identity-invalid]\n"),
        "{words}"
    );
    assert!(
        words.contains("the installed version \"banana\" is not a semantic version"),
        "{words}"
    );
}

#[test]
fn a_newer_version_does_not_mend_a_version_that_is_none() {
    let mut notes = talon("notes", "plain", &[]);
    notes.version = DeclaredVersion::read("banana");
    let release = release(vec![(identity("notes"), offer("2.0.0", &[]))]);
    let plan = planned(&home(vec![("notes", notes)]), &release, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["version-invalid"]));
}

#[test]
fn two_directories_of_one_identity_are_rejected_until_one_of_them_is_set_aside() {
    let home =
        home(vec![("notes", talon("notes", "plain", &[])), ("old", talon("notes", "plain", &[]))]);
    let plan = planned(&home, &release(vec![]), &Consent::default());
    for name in ["notes", "old"] {
        assert_eq!(fate(&plan, name), (Fate::Rejected, vec!["identity-taken"]));
    }
    let plan = planned(&home, &release(vec![]), &aside("old"));
    assert_eq!(fate(&plan, "notes").0, Fate::Kept);
    assert_eq!(fate(&plan, "old").1, ["identity-taken", "set-aside-by-consent"]);
}

#[test]
fn what_is_set_aside_goes_beside_what_was_set_aside_before() {
    let mut home = home(vec![("search", talon("search", "rust", &[]))]);
    home.set_aside.insert(directory("search"), talon("search", "wasm", &[]));
    home.set_aside.insert(directory("search.2"), talon("search", "wasm", &[]));
    let result = planned(&home, &release(vec![]), &aside("search")).result().unwrap();
    let directories: Vec<&str> = result.set_aside.keys().map(Directory::as_str).collect();
    assert_eq!(directories, ["search", "search.2", "search.3"]);
    assert_eq!(result.set_aside[&directory("search.3")], home.extensions[&directory("search")]);
}

#[test]
fn a_file_with_two_digests_cannot_even_be_set_aside() {
    let mut notes = talon("notes", "plain", &[]);
    notes.data = files(&[("TALON.md", "measured again")]);
    let plan = planned(&home(vec![("notes", notes)]), &release(vec![]), &aside("notes"));
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["two-digests", "path-collision"]));
}

#[test]
fn consent_to_set_aside_what_can_stay_is_reported_and_changes_nothing() {
    let home = home(vec![("notes", talon("notes", "plain", &[]))]);
    let plan = planned(&home, &release(vec![]), &aside("notes"));
    assert_eq!(fate(&plan, "notes").0, Fate::Kept);
    assert_eq!(plan.unused, aside("notes"));
    assert!(plan.to_string().ends_with("Not needed: the consent to set notes aside.\n"));
}

#[test]
fn a_plan_is_json_with_codes_and_words() {
    let plan = planned(&fixture(), &release(vec![]), &Consent::default());
    let json = serde_json::to_value(&plan).unwrap();
    let search = &json["extensions"][5];
    assert_eq!(search["fate"], "rejected");
    assert_eq!(search["identity"]["name"], "search");
    assert_eq!(search["reasons"][0]["code"], "kind-not-hosted");
    let words = "the runtime hosts no extensions of the kind rust";
    assert_eq!(search["reasons"][0]["words"], words);
    assert_eq!(json["extensions"][0]["place"]["in-use"], "aws");
    let home = serde_json::to_string(&fixture()).unwrap();
    assert_eq!(serde_json::from_str::<Installed>(&home).unwrap(), fixture());
}
