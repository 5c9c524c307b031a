//! What must hold for every configuration of 1.0.x: there, at once and step by step, and back again.

mod generators;

use config_migration::{Document, DocumentName, SecretPaths, to_toml, undeclared};
use proptest::prelude::*;

use super::layouts::THIRD;
use super::*;
use generators::{Edits, Place, edits, member, old_files, strokes, unknown, with};

const THREE: ConfigurationSchema = THIRD.schema;
const TWO: ConfigurationSchema = SECOND.schema;

/// The document of 1.0.x, if there is one.
fn old_root(files: &Files) -> Value {
    let found = json_document(files).unwrap();
    found.map_or_else(Value::empty_object, |found| found.document.root().clone())
}

/// Both documents of a newer schema, with what TOML cannot hold at its place.
fn contents(schema: ConfigurationSchema, files: &Files) -> [Value; 2] {
    let (configuration, secrets) = Layout::of(schema).unwrap().documents(files).unwrap();
    [configuration, secrets].map(|it| it.with_carried_restored().unwrap().root().clone())
}

/// Both documents of a newer schema as they are.
fn live(schema: ConfigurationSchema, files: &Files) -> [Value; 2] {
    let (configuration, secrets) = Layout::of(schema).unwrap().documents(files).unwrap();
    [configuration, secrets].map(|document| document.root().clone())
}

/// The migration, unless 1.0.x had a table of its own under the name of the carry table and another value is in the way.
fn migrated(to: ConfigurationSchema, old: &Files) -> Option<MigratedConfiguration> {
    match migrate_files(JSON_SCHEMA, to, old) {
        Ok(migrated) => Some(migrated),
        Err(reasons) => {
            assert!(member(&old_root(old), &[CARRY_TABLE]).is_some(), "{reasons:?}");
            assert!(reasons[0].contains("carried"), "{reasons:?}");
            None
        }
    }
}

/// Where each setting stands in a newer schema, and where 1.0.x has it.
fn settings(layout: Layout) -> [(DocumentName, [&'static str; 2], [&'static str; 2]); 5] {
    use DocumentName::{Configuration, Secrets};
    [
        (Configuration, ["brain", "backend"], ["brain", "backend"]),
        (Configuration, ["brain", "model"], ["brain", "model"]),
        (Secrets, ["brain", "api_key"], ["brain", "api_key"]),
        (Configuration, layout.level, ["logging", "level"]),
        (Configuration, ["storage", "adopted_from"], ["storage", "path"]),
    ]
}

/// The files with these edits, as another program would write them anew.
fn edited(layout: Layout, files: &Files, edits: &Edits, places: &[Place]) -> Files {
    let [mut configuration, mut secrets] = contents(layout.schema, files);
    for ((name, place, _), new) in settings(layout).iter().zip(&edits.settings) {
        let document = match name {
            DocumentName::Configuration => &mut configuration,
            DocumentName::Secrets => &mut secrets,
        };
        if let Some(new) = new {
            let new = new.as_deref().map(Value::from);
            *document = with(document, place, new.as_ref());
        }
    }
    for (place, new) in edits.unknown(places) {
        configuration = with(&configuration, &place.newer(), new.as_ref());
    }
    let mut files = Files::new();
    for (file, name, root) in [
        (CONFIGURATION_FILE, DocumentName::Configuration, configuration),
        (SECRETS_FILE, DocumentName::Secrets, secrets),
    ] {
        if file == CONFIGURATION_FILE || root != Value::empty_object() {
            let document = Document::new(root, SecretPaths::none());
            let text = to_toml(&document, name, &["Edited."]).unwrap().text;
            files.insert(file.to_owned(), text.expose().as_bytes().to_vec());
        }
    }
    files
}

/// The document of 1.0.x with the same edits.
fn expected(
    layout: Layout,
    [old, migrated, now]: [&Files; 3],
    edits: &Edits,
    places: &[Place],
) -> Value {
    let mut root = old_root(old);
    let (before, after) = (contents(layout.schema, migrated), contents(layout.schema, now));
    for (name, new, old) in settings(layout) {
        let document = usize::from(name == DocumentName::Secrets);
        let (was, is) = (member(&before[document], &new), member(&after[document], &new));
        if was != is {
            root = with(&root, &old, is);
        }
    }
    for (place, new) in edits.unknown(places) {
        root = with(&root, &place.older(), new.as_ref());
    }
    root
}

fn without_empty(value: &Value) -> Value {
    let Some(members) = value.members() else { return value.clone() };
    let full = members.iter().map(|(key, inner)| (key.clone(), without_empty(inner)));
    Value::Object(full.filter(|(_, inner)| *inner != Value::empty_object()).collect())
}

/// The differences but for the place of the store, which the home decides.
fn differences(
    [before, after]: [(ConfigurationSchema, &Files); 2],
) -> Vec<config_migration::Difference> {
    let [before, after] = [before, after].map(|(schema, files)| effective(schema, files).unwrap());
    let mut found = before.differences(&after);
    found.retain(|difference| difference.field != STORAGE_PATH);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // trace: test FC-10.1.1 FC-10.1.2 FC-10.3
    #[test]
    fn every_way_leads_to_the_same_files_and_nothing_unknown_is_lost(old in old_files()) {
        let Some(second) = migrated(TWO, &old) else { return Ok(()) };
        let third = migrate_files(TWO, THREE, &second.files).unwrap();
        let at_once = migrated(THREE, &old).unwrap();
        prop_assert_eq!(&third.files, &at_once.files);
        prop_assert_eq!(&at_once, &migrated(THREE, &old).unwrap());
        for (schema, files) in [(TWO, &second.files), (THREE, &third.files)] {
            let again = migrate_files(schema, schema, files).unwrap();
            prop_assert_eq!((&again.files, again.changes.len()), (files, 0));
            let [before, after] = [(JSON_SCHEMA, &old), (schema, files)]
                .map(|(schema, files)| effective(schema, files).unwrap());
            prop_assert_eq!(undeclared(&before, &after, &at_once.intended), vec![]);
            let [configuration, _] = contents(schema, files);
            for (place, value) in unknown(&old_root(&old)) {
                prop_assert!(member(&configuration, &place.newer()) == Some(&value), "{place:?}");
            }
        }
    }

    // trace: test FC-10.1.1
    #[test]
    fn what_was_not_edited_comes_back_byte_for_byte(old in old_files()) {
        let Some(second) = migrated(TWO, &old) else { return Ok(()) };
        let third = migrate_files(TWO, THREE, &second.files).unwrap();
        let back = |from, to, before: &Files, now: &Files| undo(from, to, before, now, now).unwrap();
        let from_third = back(TWO, THREE, &second.files, &third.files);
        prop_assert_eq!(&from_third.files, &second.files);
        prop_assert_eq!(&back(JSON_SCHEMA, TWO, &old, &from_third.files).files, &old);
        prop_assert_eq!(&back(JSON_SCHEMA, THREE, &old, &third.files).files, &old);
    }

    #[test]
    fn what_was_written_anew_without_an_edit_comes_back_byte_for_byte(old in old_files()) {
        for layout in [SECOND, THIRD] {
            let Some(newer) = migrated(layout.schema, &old) else { return Ok(()) };
            let now = edited(layout, &newer.files, &Edits::default(), &[]);
            prop_assert_ne!(&now, &newer.files);
            let undone = undo(JSON_SCHEMA, layout.schema, &old, &newer.files, &now).unwrap();
            prop_assert_eq!(&undone.files, &old);
        }
    }

    #[test]
    fn edits_are_carried_back_and_nothing_else_changes(old in old_files(), edits in edits()) {
        let places: Vec<Place> =
            unknown(&old_root(&old)).into_iter().map(|(place, _)| place).collect();
        for layout in [SECOND, THIRD] {
            let Some(newer) = migrated(layout.schema, &old) else { return Ok(()) };
            let now = edited(layout, &newer.files, &edits, &places);
            let undone = undo(JSON_SCHEMA, layout.schema, &old, &newer.files, &now).unwrap();
            let expected = expected(layout, [&old, &newer.files, &now], &edits, &places);
            let found = old_root(&undone.files);
            prop_assert!(
                without_empty(&found).same_content(&without_empty(&expected)),
                "{:?}", undone
            );
            let same = differences([(JSON_SCHEMA, &undone.files), (layout.schema, &now)]);
            prop_assert_eq!(same, vec![]);
            let shown = undone.changes.join("\n");
            prop_assert!(!shown.contains("sk-NOT"), "{}", shown);
        }
    }

    #[test]
    fn edits_of_schema_3_are_carried_back_to_schema_2_and_on(
        old in old_files(),
        edits in edits(),
        comments in prop::collection::vec((any::<prop::sample::Index>(), "#[ a-z\u{e9}]{0,8}"), 0..4),
    ) {
        let places: Vec<Place> =
            unknown(&old_root(&old)).into_iter().map(|(place, _)| place).collect();
        let Some(second) = migrated(TWO, &old) else { return Ok(()) };
        let third = migrate_files(TWO, THREE, &second.files).unwrap();
        let mut now = edited(THIRD, &third.files, &edits, &places);
        let text = String::from_utf8(now[CONFIGURATION_FILE].clone()).unwrap();
        // A line of its own might be inside a text of several lines.
        let plain = !text.contains("\"\"\"") && !text.contains("'''");
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let comments: Vec<_> = comments.into_iter().map(|(at, it)| (at, it + "\n")).collect();
        for (at, comment) in comments.iter().filter(|_| plain) {
            lines.insert(at.index(lines.len() + 1), comment);
        }
        now.insert(CONFIGURATION_FILE.to_owned(), lines.concat().into_bytes());
        let undone = undo(TWO, THREE, &second.files, &third.files, &now).unwrap();
        prop_assert_eq!(differences([(TWO, &undone.files), (THREE, &now)]), vec![]);
        let back = String::from_utf8(undone.files[CONFIGURATION_FILE].clone()).unwrap();
        for (_, comment) in comments.iter().filter(|_| plain) {
            prop_assert!(back.contains(comment.trim()), "{}", back);
        }
        prop_assert_eq!(undone.files.get(SECRETS_FILE), now.get(SECRETS_FILE));
        let again = migrate_files(TWO, THREE, &undone.files).unwrap();
        let (there, here) = (contents(THREE, &again.files), contents(THREE, &now));
        prop_assert!(there.iter().zip(&here).all(|(there, here)| there.same_content(here)));
        let one_by_one = undo(JSON_SCHEMA, TWO, &old, &second.files, &undone.files).unwrap();
        let at_once = undo(JSON_SCHEMA, THREE, &old, &third.files, &now).unwrap();
        // But for the order of keys that are new: each takes it from the text that it comes from.
        let (one_by_one, at_once) = (old_root(&one_by_one.files), old_root(&at_once.files));
        prop_assert!(one_by_one.same_content(&at_once));
    }

    #[test]
    fn whatever_a_hand_does_to_the_text_is_carried_back_or_refused(
        old in old_files(),
        strokes in strokes(),
    ) {
        for (from, layout) in [(JSON_SCHEMA, SECOND), (JSON_SCHEMA, THIRD), (TWO, THIRD)] {
            let to = layout.schema;
            // In place, it does not matter whether what is carried can be read.
            let tables = if from == TWO { live } else { contents };
            let Some(second) = migrated(TWO, &old) else { return Ok(()) };
            let before = if from == TWO { second.files } else { old.clone() };
            let newer = migrated(to, &old).unwrap();
            let mut now = newer.files.clone();
            for (name, bytes) in &mut now {
                let strokes = strokes.iter().filter(|stroke| stroke.is_for(name));
                let text = String::from_utf8(bytes.clone()).unwrap();
                *bytes = strokes.fold(text, |text, stroke| stroke.done(&text)).into_bytes();
            }
            match undo(from, to, &before, &newer.files, &now) {
                Ok(undone) if now == newer.files => prop_assert_eq!(undone.files, before),
                Ok(undone) => {
                    prop_assert!(!undone.changes.join("\n").contains("sk-NOT"), "{undone:?}");
                    prop_assert_eq!(differences([(from, &undone.files), (to, &now)]), vec![]);
                    let again = migrate_files(from, to, &undone.files).unwrap();
                    let (there, here) = (tables(to, &again.files), tables(to, &now));
                    for (there, here) in there.iter().zip(&here) {
                        prop_assert!(without_empty(there).same_content(&without_empty(here)));
                    }
                }
                Err(error) => {
                    prop_assert!(!format!("{error} {error:?}").contains("sk-NOT"), "{error}");
                    let valid = validate(to, &now).is_ok();
                    prop_assert_eq!(valid, matches!(error, UndoError::NotExpressible { .. }));
                }
            }
        }
    }
}
