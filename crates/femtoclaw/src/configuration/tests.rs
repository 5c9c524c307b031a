use super::layouts::THIRD;
use super::*;
use crate::json_configuration::LEVELS;
use proptest::prelude::*;

fn files(name: &str, text: &str) -> Files {
    Files::from([(name.to_owned(), text.as_bytes().to_vec())])
}

const OLD: &str = r#"{"brain":{"backend":"openai","model":null,"api_key":"sk-NOT-A-REAL-KEY","temperature":1.10},"logging":{"level":"debug"},"storage":{"path":"/var/lib/femtoclaw"},"extra":{"big":123456789012345678901234567890}}"#;

#[test]
fn the_configuration_of_1_0_3_becomes_toml_with_the_key_in_a_file_of_its_own() {
    let migrated =
        migrate_files(JSON_SCHEMA, SECOND.schema, &files("config/config.json", OLD)).unwrap();
    let configuration = RuntimeConfiguration::parse(&migrated.files).unwrap();
    assert_eq!(configuration.backend, "openai");
    assert_eq!(configuration.model, None);
    assert_eq!(configuration.api_key.as_ref().unwrap().expose(), "sk-NOT-A-REAL-KEY");
    assert_eq!(configuration.log_level, "debug");
    assert_eq!(configuration.adopted_from.as_deref(), Some("/var/lib/femtoclaw"));
    let text = String::from_utf8(migrated.files[CONFIGURATION_FILE].clone()).unwrap();
    assert!(!text.contains("sk-NOT"), "{text}");
    assert!(text.contains("temperature = 1.10"), "{text}");
    assert!(text.contains("123456789012345678901234567890"), "{text}");
    let shown = format!("{:?}{configuration:?}", migrated.changes);
    assert!(!shown.contains("sk-NOT"), "{shown}");
    assert!(shown.contains("brain.model was null"), "{shown}");
}

#[test]
fn the_stretches_of_a_migration_say_what_the_sentences_say_and_show_no_more() {
    let migrated =
        migrate_files(JSON_SCHEMA, THIRD.schema, &files("config/config.json", OLD)).unwrap();
    let passed: Vec<_> =
        migrated.stretches.iter().map(|stretch| (stretch.from, stretch.to)).collect();
    assert_eq!(passed, [(JSON_SCHEMA, SECOND.schema), (SECOND.schema, THIRD.schema)]);
    let told = migrated.stretches.iter().flat_map(|stretch| &stretch.changes);
    let told: Vec<String> = told.map(ToString::to_string).collect();
    let missing: Vec<_> = told.iter().filter(|change| !migrated.changes.contains(change)).collect();
    assert!(missing.is_empty() && told.len() > 5, "{missing:?} of {told:?}");
    // What becomes null for want of a value has no place, and is a sentence alone.
    let sentences_alone = migrated.changes.iter().filter(|change| !told.contains(change));
    assert_eq!(sentences_alone.count(), 1, "{:?}", migrated.changes);
    let shown = serde_json::to_string(&migrated.stretches).unwrap();
    assert!(!shown.contains("sk-NOT") && shown.contains("[secret]"), "{shown}");
}

#[test]
fn without_a_configuration_every_default_is_written_and_reported() {
    let migrated = migrate_files(JSON_SCHEMA, SECOND.schema, &Files::new()).unwrap();
    let configuration = RuntimeConfiguration::parse(&migrated.files).unwrap();
    assert_eq!(
        (configuration.backend.as_str(), configuration.log_level.as_str()),
        ("echo", "info")
    );
    assert!(!migrated.files.contains_key(SECRETS_FILE));
    let shown = migrated.changes.join("\n");
    for word in ["defaults of 1.0.3", "brain.backend", "logging.level", "schema"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn what_cannot_be_one_configuration_is_refused() {
    let refused = |files: &Files| migrate_files(JSON_SCHEMA, SECOND.schema, files).unwrap_err();
    let mut two = files("a.json", OLD);
    two.extend(files("b.json", OLD));
    assert!(refused(&two)[0].contains("2 configurations: a.json, b.json"));
    let refusals = [
        "[]",
        "{",
        r#"{"brain":{"backend":""}}"#,
        r#"{"brain":{"backend":"x"},"logging":{"level":"loud"}}"#,
        r#"{"brain":{"backend":5}}"#,
        "",
        "\u{feff}{}",
    ];
    for text in refusals {
        assert!(!refused(&files("config.json", text)).is_empty(), "{text}");
    }
}

#[test]
fn wrong_types_are_refused_in_the_words_of_the_file_that_the_user_has() {
    for (text, expected) in [
        (r#"{"logging":5}"#, "logging is a number: expected an object"),
        (r#"{"brain":7}"#, "brain is a number: expected an object"),
        (r#"{"logging":[1]}"#, "logging is an array: expected an object"),
        (r#"{"storage":null}"#, "storage is null: expected an object"),
        (r#"{"brain":{"backend":7}}"#, "brain.backend is 7: expected a string"),
        (r#"{"brain":{"model":{}}}"#, "brain.model is an object: expected a string"),
        (r#"{"logging":{"level":"trce"}}"#, "logging.level is \"trce\": expected one of"),
        (r#"{"storage":{"path":"data"}}"#, "storage.path is \"data\": expected an absolute"),
        (r#"{"storage":{"path":5}}"#, "storage.path is 5: expected an absolute path"),
        (r#"{"brain":{"api_key":4711}}"#, "brain.api_key is a number that is not shown: exp"),
    ] {
        let given = files("config/config.json", text);
        let reasons = migrate_files(JSON_SCHEMA, SECOND.schema, &given).unwrap_err();
        let expected = format!("config/config.json:1: {expected}");
        assert!(reasons[0].starts_with(&expected), "{expected}: {reasons:?}");
        let all = reasons.join(" ");
        for word in [".toml", "adopted_from", "4711", "defaults"] {
            assert!(!all.contains(word), "{word}: {all}");
        }
    }
}

#[test]
fn keys_that_only_2_0_0_knows_are_carried_and_a_missing_section_is_no_missing_file() {
    let text = r#"{"schema":"x","storage":{"adopted_from":7,"path":"/d"},"brain":{"backend":"b"}}"#;
    let migrated = migrate_files(JSON_SCHEMA, SECOND.schema, &files("c.json", text)).unwrap();
    let configuration = RuntimeConfiguration::parse(&migrated.files).unwrap();
    assert_eq!(configuration.adopted_from.as_deref(), Some("/d"));
    let written = String::from_utf8(migrated.files[CONFIGURATION_FILE].clone()).unwrap();
    assert!(written.contains("[carried]\nschema = \"x\""), "{written}");
    let shown = migrated.changes.join("\n");
    assert!(!shown.contains("there is no configuration"), "{shown}");
    let reasons = migrate_files(
        JSON_SCHEMA,
        SECOND.schema,
        &files("c.json", r#"{"brain":{},"schema":1,"carried":5}"#),
    )
    .unwrap_err();
    assert!(reasons[0].starts_with("c.json: carried"), "{reasons:?}");
}

#[test]
fn a_configuration_of_2_0_0_is_held_to_its_schema() {
    let good = "schema = 2\n[brain]\nbackend = \"echo\"\n[logging]\nlevel = \"info\"\n";
    assert!(validate(SECOND.schema, &files(CONFIGURATION_FILE, good)).is_ok());
    let bad = [
        good.replace("schema = 2", "schema = 3"),
        good.replace("info", "loud"),
        good.replace("\"echo\"", "\" \""),
        format!("surprise = 1\n{good}"),
        "schema = ".to_owned(),
    ];
    for text in bad {
        assert!(validate(SECOND.schema, &files(CONFIGURATION_FILE, &text)).is_err(), "{text}");
    }
    let mut extra = files(CONFIGURATION_FILE, good);
    extra.extend(files("other.toml", ""));
    assert!(validate(SECOND.schema, &extra).is_err());
    let mut secrets = files(CONFIGURATION_FILE, good);
    secrets.extend(files(SECRETS_FILE, "[brain]\napi_key = \"sk-1\"\nother = \"sk-2\"\n"));
    let reasons = validate(SECOND.schema, &secrets).unwrap_err().join("\n");
    assert!(!reasons.contains("sk-"), "{reasons}");
    assert!(validate(SECOND.schema, &Files::new()).is_err());
    assert!(validate(JSON_SCHEMA, &Files::new()).is_ok());
    assert!(validate(ConfigurationSchema::new(9), &Files::new()).is_err());
}

/// A configuration of 1.0.x that is valid: any of the known keys, and others.
fn old_configuration() -> impl Strategy<Value = String> {
    let text = || prop::option::of("[a-zA-Z0-9 .:/\u{e9}-]{1,12}");
    let level = prop::option::of(prop::sample::select(LEVELS.to_vec()));
    let other = prop::option::of("[a-z]{3,9}");
    (text(), text(), text(), level, text(), other).prop_map(
        |(backend, model, key, level, path, other)| {
            let quoted = |name: &str, value: Option<String>| {
                value.map(|value| format!("\"{name}\":{}", serde_json::json!(value)))
            };
            let section = |name: &str, members: Vec<Option<String>>| {
                let members: Vec<String> = members.into_iter().flatten().collect();
                (!members.is_empty()).then(|| format!("\"{name}\":{{{}}}", members.join(",")))
            };
            let backend = backend.filter(|backend| !backend.trim().is_empty());
            let brain =
                vec![quoted("backend", backend), quoted("model", model), quoted("api_key", key)];
            let level = vec![quoted("level", level.map(str::to_owned))];
            let path = vec![quoted("path", path.map(|path| format!("/{path}")))];
            let sections = [
                section("brain", brain),
                section("logging", level),
                section("storage", path),
                other.map(|other| format!("\"x_{other}\":[1.10,null]")),
            ];
            let sections: Vec<String> = sections.into_iter().flatten().collect();
            format!("{{{}}}", sections.join(","))
        },
    )
}

const COMMENTED: &str = "# mine\nschema = 2 # of 2.0.0\n\n[brain] # who answers\nbackend = \"echo\"\n\n# quieter\n[logging]\n\
                         # a\nlevel = \"warn\" # b\n\n[carried.extra]\nbig = 1.10\n";

#[test]
fn schema_3_is_the_same_text_with_another_table_and_every_comment() {
    let old = files(CONFIGURATION_FILE, COMMENTED);
    let migrated = migrate_files(SECOND.schema, THIRD.schema, &old).unwrap();
    let text = String::from_utf8(migrated.files[CONFIGURATION_FILE].clone()).unwrap();
    for kept in ["# mine", "# of 2.0.0", "# who answers", "# quieter", "# a", "# b", "big = 1.10"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(text.contains("schema = 3 # of 2.0.0"), "{text}");
    assert!(text.contains("[telemetry]") && !text.contains("[logging]"), "{text}");
    let before = effective(SECOND.schema, &old).unwrap();
    let after = effective(THIRD.schema, &migrated.files).unwrap();
    assert_eq!(before, after);
    assert_eq!(RuntimeConfiguration::parse(&migrated.files).unwrap().log_level, "warn");
    assert!(validate(SECOND.schema, &migrated.files).is_err());
    assert!(migrated.changes.join("\n").contains("logging.level"), "{:?}", migrated.changes);
    let refused = migrate_files(THIRD.schema, SECOND.schema, &migrated.files).unwrap_err();
    assert!(refused[0].contains("no change leads"), "{refused:?}");
}

#[test]
fn what_is_carried_may_be_a_secret_and_is_shown_by_no_migration() {
    let old = r#"{"brain":{"old_key":"sk-NOT-A-REAL-KEY","other":[{"sk-NOT-A-REAL-KEY":1}]}}"#;
    let at_once = migrate_files(JSON_SCHEMA, THIRD.schema, &files("config.json", old)).unwrap();
    let carried = COMMENTED.replace("1.10", "\"sk-NOT-A-REAL-KEY\"");
    let carried = files(CONFIGURATION_FILE, &carried);
    let in_place = migrate_files(SECOND.schema, THIRD.schema, &carried).unwrap();
    let back = to_third::between(THIRD, SECOND, &in_place.files).unwrap();
    for migrated in [at_once, in_place, back] {
        let shown = migrated.changes.join("\n");
        assert!(shown.contains("carried") && !shown.contains("sk-NOT"), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_runtime_does_the_same_after_a_migration_but_for_what_is_declared(
        text in old_configuration(),
    ) {
        let old = files("config.json", &text);
        let before = effective(JSON_SCHEMA, &old).unwrap();
        let migrated = migrate_files(JSON_SCHEMA, SECOND.schema, &old).unwrap();
        let after = effective(SECOND.schema, &migrated.files).unwrap();
        let undeclared = config_migration::undeclared(&before, &after, &migrated.intended);
        prop_assert_eq!(undeclared, vec![], "{}", text);
        let again = migrate_files(SECOND.schema, SECOND.schema, &migrated.files).unwrap();
        prop_assert_eq!(&again.files, &migrated.files);
        let third = migrate_files(SECOND.schema, THIRD.schema, &migrated.files).unwrap();
        let at_once = migrate_files(JSON_SCHEMA, THIRD.schema, &old).unwrap();
        prop_assert_eq!(&third.files, &at_once.files);
        let meant = effective(THIRD.schema, &third.files).unwrap();
        prop_assert_eq!(config_migration::undeclared(&after, &meant, &third.intended), vec![]);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_show_the_key(bytes: Vec<u8>, key in "sk-[a-z]{12}") {
        for schema in [JSON_SCHEMA, SECOND.schema] {
            for name in ["config.json", CONFIGURATION_FILE, SECRETS_FILE] {
                let files = Files::from([(name.to_owned(), bytes.clone())]);
                let _ = validate(schema, &files);
                let _ = migrate_files(JSON_SCHEMA, schema, &files);
            }
        }
        let json = format!(r#"{{"brain":{{"backend":7,"api_key":"{key}"}}}}"#);
        let shown = format!("{:?}", migrate_files(JSON_SCHEMA, SECOND.schema, &files("c", &json)));
        prop_assert!(!shown.contains(&key));
    }
}
