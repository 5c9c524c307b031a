use super::*;
use crate::configuration::{SECRETS_FILE, migrate_files};

const THREE: ConfigurationSchema = THIRD.schema;
const TWO: ConfigurationSchema = SECOND.schema;

const OLD: &str = r#"{"storage": {"path": "/var/lib/femtoclaw", "fsync": true},
 "brain": {"model": null, "api_key": "sk-NOT-1", "backend": "openai", "temperature": 1.10},
 "extra": {"big": 123456789012345678901234567890, "none": null}}
"#;

fn file(name: &str, text: &str) -> Files {
    Files::from([(name.to_owned(), text.as_bytes().to_vec())])
}

fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).unwrap()
}

fn migrated(old: &Files, to: ConfigurationSchema) -> Files {
    migrate_files(JSON_SCHEMA, to, old).unwrap().files
}

/// The files with these replacements in the text of one, each of which must be there.
fn edited(files: &Files, name: &str, replacements: &[(&str, &str)]) -> Files {
    let edited = replacements.iter().fold(text(files, name).to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}: {text}");
        text.replace(old, new)
    });
    let mut files = files.clone();
    files.insert(name.to_owned(), edited.into_bytes());
    files
}

#[test]
fn edits_of_schema_3_stay_in_place_in_schema_2_with_every_comment() {
    let before = "# mine\nschema = 2 # of 2.0.0\n\n[logging] # much\nlevel = \"warn\"\n\n[brain]\nbackend = \"echo\"\n";
    let before = file(CONFIGURATION_FILE, before);
    let third = migrate_files(TWO, THREE, &before).unwrap().files;
    let replacements =
        [("\"echo\"", "\"openai\" # paid"), ("\"warn\"", "\"info\""), ("# mine", "# ours")];
    let now = edited(&third, CONFIGURATION_FILE, &replacements);
    let undone = undo(TWO, THREE, &before, &third, &now).unwrap();
    let found = text(&undone.files, CONFIGURATION_FILE);
    assert!(found.starts_with("# ours\nschema = 2 # of 2.0.0\n"), "{found}");
    assert!(found.contains("[brain]\nbackend = \"openai\" # paid\n"), "{found}");
    assert!(found.contains("[logging]\n# much\nlevel = \"info\"\n"), "{found}");
    assert!(undone.changes.join("\n").contains("telemetry.level to logging.level"), "{undone:?}");
}

#[test]
fn a_file_of_schema_3_that_nobody_touched_is_given_back_beside_another() {
    let before = file(CONFIGURATION_FILE, "[logging]\nlevel = 'warn'\n[brain]\nbackend = 'b'\n");
    let mut before = edited(&before, CONFIGURATION_FILE, &[("[logging]", "schema = 2\n[logging]")]);
    let third = migrate_files(TWO, THREE, &before).unwrap().files;
    let mut now = third.clone();
    now.extend(file(SECRETS_FILE, "brain.api_key = 'sk-NOT-2' # mine\n"));
    let undone = undo(TWO, THREE, &before, &third, &now).unwrap();
    before.extend(file(SECRETS_FILE, "brain.api_key = 'sk-NOT-2' # mine\n"));
    assert_eq!((undone.files, undone.changes.len()), (before, 0));
}

#[test]
fn edits_go_into_the_json_and_everything_else_is_as_it_was() {
    let before = file("config.json", OLD);
    for (layout, level) in [(SECOND, "logging"), (THIRD, "telemetry")] {
        let newer = migrated(&before, layout.schema);
        let now = edited(
            &newer,
            CONFIGURATION_FILE,
            &[
                ("backend = \"openai\"", "model = \"large\"\nbackend = \"openai\""),
                ("\"info\"", "\"debug\" # for now"),
                ("adopted_from = \"/var/lib/femtoclaw\"", "adopted_from = \"/srv\""),
                ("fsync = true\n", ""),
                ("temperature = 1.10\n", "temperature = 0.70\ntop_p = 1\n"),
            ],
        );
        assert!(text(&now, CONFIGURATION_FILE).contains(&format!("[{level}]")));
        let now = edited(&now, SECRETS_FILE, &[("sk-NOT-1", "sk-NOT-2")]);
        let undone = undo(JSON_SCHEMA, layout.schema, &before, &newer, &now).unwrap();
        let expected = r#"{
  "storage": {
    "path": "/srv"
  },
  "brain": {
    "model": "large",
    "api_key": "sk-NOT-2",
    "backend": "openai",
    "temperature": 0.70,
    "top_p": 1
  },
  "extra": {
    "big": 123456789012345678901234567890,
    "none": null
  },
  "logging": {
    "level": "debug"
  }
}
"#;
        assert_eq!(text(&undone.files, "config.json"), expected);
        let shown = undone.changes.join("\n");
        assert!(shown.contains("brain.api_key was edited") && !shown.contains("sk-NOT"), "{shown}");
        assert!(shown.contains("comments"), "{shown}");
    }
}

#[test]
fn where_1_0_x_had_no_file_an_edit_makes_one_and_a_comment_does_not() {
    let (before, newer) = (Files::new(), migrated(&Files::new(), TWO));
    let commented = edited(&newer, CONFIGURATION_FILE, &[("schema = 2", "schema = 2 # two")]);
    let undone = undo(JSON_SCHEMA, TWO, &before, &newer, &commented).unwrap();
    assert_eq!(undone.files, before);
    assert!(undone.changes.join("\n").contains("comments"), "{undone:?}");
    let now = edited(&newer, CONFIGURATION_FILE, &[("\"echo\"", "\"openai\"")]);
    let undone = undo(JSON_SCHEMA, TWO, &before, &newer, &now).unwrap();
    let expected = "{\n  \"brain\": {\n    \"backend\": \"openai\"\n  }\n}\n";
    assert_eq!(text(&undone.files, "config/config.json"), expected);
}

#[test]
fn secrets_that_come_and_go_do_so_in_the_json() {
    let before = file("config.json", OLD);
    let newer = migrated(&before, TWO);
    let mut now = newer.clone();
    now.remove(SECRETS_FILE);
    let undone = undo(JSON_SCHEMA, TWO, &before, &newer, &now).unwrap();
    assert!(!text(&undone.files, "config.json").contains("api_key"));
    let before = file("config.json", r#"{"brain":{"api_key":null}}"#);
    let newer = migrated(&before, TWO);
    let mut now = newer.clone();
    now.extend(file(SECRETS_FILE, "[brain]\napi_key = \"sk-NOT-3\"\n"));
    let undone = undo(JSON_SCHEMA, TWO, &before, &newer, &now).unwrap();
    assert!(text(&undone.files, "config.json").contains("\"api_key\": \"sk-NOT-3\""));
}

#[test]
fn what_the_older_schema_has_no_place_for_is_refused_in_words() {
    let before = file("config.json", OLD);
    let newer = migrated(&before, TWO);
    let (carried, json) = ("[carried.storage]", "[carried_json]");
    let within = |line: &str| format!("[carried]\n{line}\n{carried}");
    let beside = |line: &str| format!("{json}\n{line}");
    let (brain, path) = ("temperature = 1.10", "\"/var/lib/femtoclaw\"");
    for (old, new, expected) in [
        (path, "\"data\"".to_owned(), "storage.path is \"data\": expected an absolute path"),
        (brain, "model = 1".to_owned(), "carried.brain.model cannot go back"),
        (brain, "api_key.sk-NOT-4 = 1".to_owned(), "carried.brain.api_key cannot go back"),
        (carried, within("logging = 1"), "carried.logging cannot go back"),
        (carried, within("carried = 1"), "carried.carried cannot go back"),
        (carried, within("since = 1979-05-27"), "JSON cannot hold the value of since"),
        (
            json,
            beside("\"brain.model\" = { position = 0, json = '\"sk-NOT-4\"' }"),
            "carried_json holds a value for brain.model that is not in force",
        ),
        (json, beside("other = 1"), "carried_json.other is not readable: it was changed by hand"),
    ] {
        let now = edited(&newer, CONFIGURATION_FILE, &[(old, &new)]);
        let error = undo(JSON_SCHEMA, TWO, &before, &newer, &now).unwrap_err();
        assert!(matches!(error, UndoError::NotExpressible { .. }), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains(expected), "{expected}: {shown}");
        assert!(!shown.contains("sk-NOT"), "{shown}");
    }
    let mut now = newer.clone();
    let carried = "[carried_json]\n\"sk-NOT-4\" = { position = 0, json = \"1\" }\n";
    now.extend(file(SECRETS_FILE, carried));
    let error = undo(JSON_SCHEMA, TWO, &before, &newer, &now).unwrap_err();
    assert!(error.to_string().contains("is for no secret of 1.0.x"), "{error}");
}

#[test]
fn every_reason_is_told_at_once() {
    let before = file("config.json", OLD);
    let newer = migrated(&before, TWO);
    let carried = "[carried]\nlogging = 1\ncarried = 2\n[carried.storage]";
    let now = edited(&newer, CONFIGURATION_FILE, &[("[carried.storage]", carried)]);
    match undo(JSON_SCHEMA, TWO, &before, &newer, &now).unwrap_err() {
        UndoError::NotExpressible { schema: JSON_SCHEMA, reasons } => {
            assert_eq!(reasons.len(), 2, "{reasons:?}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_layout_that_cannot_be_edited_in_place_is_refused_for_toml_and_none_for_json() {
    let before = file("config.json", OLD);
    let (second, third) = (migrated(&before, TWO), migrated(&before, THREE));
    let mixed = edited(&third, CONFIGURATION_FILE, &[("schema = 3\n", "schema = 3\r\n")]);
    let error = undo(TWO, THREE, &second, &third, &mixed).unwrap_err();
    assert!(error.to_string().contains("cannot be edited in place"), "{error}");
    assert_eq!(undo(JSON_SCHEMA, THREE, &before, &third, &mixed).unwrap().files, before);
}

#[test]
fn what_is_no_migration_or_not_valid_is_refused() {
    let before = file("config.json", OLD);
    let newer = migrated(&before, TWO);
    let other = ConfigurationSchema::new(9);
    for (from, to) in [(THREE, TWO), (TWO, TWO), (TWO, JSON_SCHEMA), (JSON_SCHEMA, other)] {
        let error = undo(from, to, &before, &newer, &newer).unwrap_err();
        assert_eq!(error, UndoError::NoMigration { from, to });
    }
    let refused = |before: &Files, migrated: &Files, now: &Files| match undo(
        JSON_SCHEMA,
        TWO,
        before,
        migrated,
        now,
    )
    .unwrap_err()
    {
        UndoError::Invalid { state, .. } => state,
        other => panic!("{other}"),
    };
    let now = edited(&newer, CONFIGURATION_FILE, &[("\"info\"", "\"warn\"")]);
    let broken = file(CONFIGURATION_FILE, "schema = 2\nsurprise = 1\n");
    assert_eq!(refused(&before, &newer, &broken), State::Now);
    assert_eq!(refused(&before, &broken, &now), State::Migrated);
    assert_eq!(refused(&file("config.json", "{"), &newer, &now), State::Before);
}
