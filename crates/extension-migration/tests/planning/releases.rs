//! What a release may do to an extension, and what it may not.

use extension_migration::*;

use crate::made::*;

fn notes() -> Installed {
    let mut notes = talon("notes", "shell", &["fs.read:/notes/*"]);
    notes.data = files(&[("notes/ideas.md", "an idea")]);
    home(vec![("notes", notes)])
}

fn offering(name: &str, offered: OfferedExtension) -> Offered {
    release(vec![(identity(name), offered)])
}

fn renaming(from: &str, to: &str, offered: OfferedExtension) -> Offered {
    let mut release = offering(to, offered);
    release.renames.insert(identity(from), identity(to));
    release
}

#[test]
fn a_newer_version_replaces_the_artifacts_and_leaves_the_data() {
    let release = offering("notes", offer("2.0.0", &["fs.read:/notes/work/*"]));
    let plan = planned(&notes(), &release, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Replaced, vec!["newer-version", "compatible"]));
    let after = plan.extensions[0].after.as_ref().unwrap();
    assert_eq!(after.artifacts, files(&[("TALON.md", "2.0.0"), ("bin/run", "2.0.0")]));
    assert_eq!(after.data, files(&[("notes/ideas.md", "an idea")]));
    assert!(after.enabled);
    let paths: Vec<String> = plan.files().into_keys().collect();
    assert_eq!(
        paths,
        [
            "extensions/notes/TALON.md",
            "extensions/notes/bin/run",
            "extensions/notes/notes/ideas.md"
        ]
    );
}

// trace: test FC-12.1.3
#[test]
fn one_more_permission_needs_a_grant_that_names_it_exactly() {
    let release = offering("notes", offer("2.0.0", &["fs.read:/notes/*", "network:example.org"]));
    let rejected = (Fate::Rejected, vec!["permission-not-granted"]);
    assert_eq!(fate(&planned(&notes(), &release, &Consent::default()), "notes"), rejected);
    for wrong in [
        grant("notes", "network"),
        grant("notes", "network:*.org"),
        grant("other", "network:example.org"),
    ] {
        let plan = planned(&notes(), &release, &wrong);
        assert_eq!(fate(&plan, "notes"), rejected);
        assert_eq!(plan.unused, wrong);
    }
    let plan = planned(&notes(), &release, &grant("notes", "network:example.org"));
    let codes = vec!["newer-version", "permission-granted", "compatible"];
    assert_eq!(fate(&plan, "notes"), (Fate::Replaced, codes));
    assert_eq!(plan.extensions[0].granted, permissions(&["network:example.org"]));
    assert_eq!(plan.unused, Consent::default());
}

#[test]
fn without_a_grant_the_extension_may_be_set_aside_and_nothing_comes_in_its_place() {
    let mut offered = offer("2.0.0", &["network"]);
    offered.arrives = true;
    let release = offering("notes", offered);
    let plan = planned(&notes(), &release, &aside("notes"));
    assert_eq!(fate(&plan, "notes").0, Fate::SetAside);
    assert!(plan.is_accepted() && plan.arrivals.is_empty());
    let again = planned(&plan.result().unwrap(), &release, &Consent::default());
    assert!(again.is_accepted());
    assert_eq!(again.arrivals[0].fate, ArrivalFate::Withheld);
    assert_eq!(again.result(), plan.result());
}

// trace: test FC-12.1.1
#[test]
fn a_foreign_publisher_cannot_take_over_a_name() {
    let foreign = ExtensionIdentity::new("notes", "mallory").unwrap();
    for arrives in [false, true] {
        let offered = OfferedExtension { arrives, ..offer("9.0.0", &[]) };
        let release = release(vec![(foreign.clone(), offered)]);
        let plan = planned(&notes(), &release, &Consent::default());
        assert_eq!(fate(&plan, "notes").0, Fate::Rejected);
        assert!(fate(&plan, "notes").1.contains(&"foreign-publisher"));
        // Consent to go on without the extension is no consent to somebody else's in its place.
        let plan = planned(&notes(), &release, &aside("notes"));
        assert_eq!(fate(&plan, "notes").0, Fate::SetAside);
        assert_eq!(plan.is_accepted(), !arrives);
        assert!(!plan.files().keys().any(|path| path.starts_with("extensions/notes/")));
    }
}

#[test]
fn a_name_stays_taken_by_what_was_set_aside() {
    let foreign = ExtensionIdentity::new("notes", "mallory").unwrap();
    let offered = OfferedExtension { arrives: true, ..offer("9.0.0", &[]) };
    let home = Installed { set_aside: notes().extensions, ..Installed::default() };
    let plan = planned(&home, &release(vec![(foreign, offered)]), &Consent::default());
    assert_eq!(plan.arrivals[0].fate, ArrivalFate::Refused);
    assert!(!plan.is_accepted());
}

#[test]
fn a_rename_to_another_publisher_is_a_takeover() {
    let foreign = ExtensionIdentity::new("journal", "mallory").unwrap();
    let mut release = release(vec![(foreign.clone(), offer("2.0.0", &[]))]);
    release.renames.insert(identity("notes"), foreign);
    let plan = planned(&notes(), &release, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["foreign-publisher"]));
}

#[test]
fn a_successor_must_not_have_a_foreign_namesake_either() {
    let mut release = renaming("notes", "journal", offer("2.0.0", &[]));
    let foreign = ExtensionIdentity::new("journal", "mallory").unwrap();
    release.extensions.insert(foreign, offer("2.0.0", &[]));
    let plan = planned(&notes(), &release, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["foreign-publisher"]));
}

#[test]
fn a_renamed_extension_takes_its_data_along() {
    let release = renaming("notes", "journal", offer("1.0.0", &["fs.read:/notes/*"]));
    let plan = planned(&notes(), &release, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Replaced, vec!["renamed", "compatible"]));
    let moved = &plan.extensions[0].data_moves[0];
    assert_eq!(moved.from, "extensions/notes/notes/ideas.md");
    assert_eq!(moved.to, "extensions/journal/notes/ideas.md");
    assert!(plan.to_string().contains("moves to extensions/journal/notes/ideas.md"));
    assert!(plan.files().contains_key(&moved.to) && !plan.files().contains_key(&moved.from));
}

#[test]
fn a_rename_onto_another_extension_is_rejected_on_both_sides() {
    let mut home = notes();
    home.extensions.insert(directory("journal"), talon("other", "shell", &[]));
    let release = renaming("notes", "journal", offer("2.0.0", &[]));
    let plan = planned(&home, &release, &Consent::default());
    for name in ["notes", "journal"] {
        assert_eq!(fate(&plan, name), (Fate::Rejected, vec!["place-taken"]));
    }
    // Set aside, the other is in nobody's way.
    let plan = planned(&home, &release, &aside("journal"));
    assert!(plan.is_accepted());
    assert_eq!(fate(&plan, "notes").0, Fate::Replaced);
}

#[test]
fn a_rename_must_lead_to_what_is_offered_and_end_there() {
    let mut nowhere = release(vec![]);
    nowhere.renames.insert(identity("notes"), identity("journal"));
    let plan = planned(&notes(), &nowhere, &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["successor-not-offered"]));

    let mut onwards = renaming("notes", "journal", offer("2.0.0", &[]));
    onwards.renames.insert(identity("journal"), identity("diary"));
    let mut both = renaming("notes", "journal", offer("2.0.0", &[]));
    both.extensions.insert(identity("notes"), offer("2.0.0", &[]));
    let mut itself = offering("notes", offer("2.0.0", &[]));
    itself.renames.insert(identity("notes"), identity("notes"));
    for release in [onwards, both, itself] {
        let plan = planned(&notes(), &release, &Consent::default());
        assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["rename-ambiguous"]));
    }
}

#[test]
fn nothing_goes_back_to_an_older_version() {
    for release in
        [offering("notes", offer("0.9.0", &[])), renaming("notes", "journal", offer("0.9.0", &[]))]
    {
        let plan = planned(&notes(), &release, &Consent::default());
        assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["downgrade"]));
    }
}

// trace: test FC-12.1.1
#[test]
fn the_same_version_must_be_the_same_artifacts() {
    let mut same = offer("1.0.0", &[]);
    same.artifacts = notes().extensions[&directory("notes")].artifacts.clone();
    let plan = planned(&notes(), &offering("notes", same.clone()), &Consent::default());
    assert_eq!(fate(&plan, "notes").0, Fate::Kept);
    same.artifacts.extend(files(&[("TALON.md", "edited")]));
    let plan = planned(&notes(), &offering("notes", same), &Consent::default());
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["same-version-differs"]));
}

#[test]
fn an_offer_without_artifacts_or_version_replaces_nothing() {
    let mut empty = offer("banana", &[]);
    empty.artifacts.clear();
    let plan = planned(&notes(), &offering("notes", empty), &Consent::default());
    let codes = vec!["offered-version-invalid", "offer-empty"];
    assert_eq!(fate(&plan, "notes"), (Fate::Rejected, codes));
}

#[test]
fn a_new_artifact_must_not_lie_where_data_lies() {
    for artifact in ["notes/ideas.md", "notes", "notes/ideas.md/more"] {
        let mut offered = offer("2.0.0", &[]);
        offered.artifacts.extend(files(&[(artifact, "new")]));
        let plan = planned(&notes(), &offering("notes", offered), &Consent::default());
        assert_eq!(fate(&plan, "notes"), (Fate::Rejected, vec!["path-collision"]), "{artifact}");
    }
}

#[test]
fn what_is_new_arrives_disabled_and_only_if_declared() {
    let undeclared = offering("journal", offer("2.0.0", &["shell"]));
    let plan = planned(&notes(), &undeclared, &Consent::default());
    assert!(plan.is_accepted() && plan.arrivals.is_empty());

    let declared = OfferedExtension { arrives: true, ..offer("2.0.0", &["shell"]) };
    let release = offering("journal", declared);
    let plan = planned(&notes(), &release, &grant("journal", "shell"));
    assert_eq!(plan.arrivals[0].fate, ArrivalFate::Arrives);
    assert!(!plan.arrivals[0].after.as_ref().unwrap().enabled);
    // Whoever enables it decides; a grant does not.
    assert_eq!(plan.unused, grant("journal", "shell"));
}

#[test]
fn what_is_new_must_run_and_find_its_place_free() {
    let offered = OfferedExtension {
        arrives: true,
        compatibility: Compatibility::read(&["^3"]),
        kind: Kind::new("wasm").unwrap(),
        ..offer("2.0.0", &[])
    };
    let mut home = notes();
    home.extensions.insert(directory("journal"), talon("other", "shell", &[]));
    let plan = planned(&home, &offering("journal", offered), &Consent::default());
    let codes: Vec<&str> = plan.arrivals[0].reasons.iter().map(Reason::code).collect();
    assert_eq!(codes, ["runtime-incompatible", "kind-not-hosted", "place-taken"]);
    assert_eq!(plan.arrivals[0].fate, ArrivalFate::Refused);
    assert_eq!(fate(&plan, "journal"), (Fate::Rejected, vec!["place-taken"]));
}
