//! The configuration: schema 1 is the JSON of 1.0.x, schema 2 is TOML with the secrets in a file of their own.
//!
//! ```toml
//! schema = 2
//!
//! [brain]
//! backend = "openai"
//! model = "gpt-4.1-mini"          # optional
//!
//! [logging]
//! level = "debug"                 # error, warn, info, debug or trace
//!
//! [storage]
//! adopted_from = "/var/lib/femtoclaw"   # optional; where 1.0.x had its data. The home decides where the store is now.
//!
//! [carried]                       # optional; what 1.0.x had and 2.0.0 does not know
//! ```
//!
//! `secrets.toml` holds `brain.api_key`, if there is one. 1.0.x kept it in clear text among the rest, readable by everybody.

use config_migration::{
    ConfigurationError, Document, DocumentName, Documents, EffectiveConfiguration, Field,
    FieldType, IntendedDifference, Path, Schema, Secret, SecretPaths, Step, Value, migrate,
    to_toml,
};
use upgrade::{Files, MigratedConfiguration};
use versioning::ConfigurationSchema;

use crate::json_configuration::{self as json, LEVELS};

/// The file of schema 2 that holds everything but secrets.
pub const CONFIGURATION_FILE: &str = "femtoclaw.toml";

/// The file of schema 2 that holds secrets.
pub const SECRETS_FILE: &str = "secrets.toml";

/// The table in which keys are carried that 2.0.0 does not know.
pub const CARRY_TABLE: &str = "carried";

const JSON_SCHEMA: ConfigurationSchema = ConfigurationSchema::new(1);
const TOML_SCHEMA: ConfigurationSchema = ConfigurationSchema::new(2);

/// What 1.0.3 takes when it finds no configuration: a backend that repeats what it is told.
const DEFAULT_BACKEND: &str = "echo";
const DEFAULT_LEVEL: &str = "info";

/// Where 1.0.x has its data: a field of its effective configuration.
const STORAGE_PATH: &str = "storage.path";

/// The configuration of 2.0.0, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfiguration {
    /// Which model provider answers.
    pub backend: String,
    /// Which of its models.
    pub model: Option<String>,
    /// What the provider knows us by. Shows in no message and no debug output.
    pub api_key: Option<Secret>,
    /// How much is logged: `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
    /// Where 1.0.x had its data.
    pub adopted_from: Option<String>,
}

impl RuntimeConfiguration {
    /// Reads the files of a configuration of schema 2, strictly.
    ///
    /// # Errors
    /// Every violation, a sentence each. Secrets never appear in them.
    pub fn parse(files: &Files) -> Result<Self, Vec<String>> {
        let (configuration, secrets) = toml_documents(files)?;
        let text = |document: &Document, path: [&str; 2]| {
            document.get(&path.into()).and_then(Value::as_str).map(str::to_owned)
        };
        Ok(Self {
            backend: text(&configuration, ["brain", "backend"]).unwrap_or_default(),
            model: text(&configuration, ["brain", "model"]),
            api_key: text(&secrets, ["brain", "api_key"]).map(Secret::new),
            log_level: text(&configuration, ["logging", "level"]).unwrap_or_default(),
            adopted_from: text(&configuration, ["storage", "adopted_from"]),
        })
    }
}

/// Leads a configuration from one schema to a later one.
pub(crate) fn migrate_files(
    from: ConfigurationSchema,
    to: ConfigurationSchema,
    files: &Files,
) -> Result<MigratedConfiguration, Vec<String>> {
    match (from, to) {
        _ if from == to => {
            validate(to, files)?;
            Ok(MigratedConfiguration {
                files: files.clone(),
                changes: Vec::new(),
                intended: Vec::new(),
            })
        }
        (JSON_SCHEMA, TOML_SCHEMA) => json_to_toml(files),
        _ => Err(vec![format!("no change leads from configuration schema {from} to {to}")]),
    }
}

/// Holds a configuration to its schema.
pub(crate) fn validate(schema: ConfigurationSchema, files: &Files) -> Result<(), Vec<String>> {
    match schema {
        JSON_SCHEMA => json_document(files).map(|_| ()),
        TOML_SCHEMA => toml_documents(files).map(|_| ()),
        _ => Err(vec![format!("configuration schema {schema} is not known")]),
    }
}

/// What a runtime makes of a configuration, with the defaults of 1.0.3 where it takes them.
pub(crate) fn effective(
    schema: ConfigurationSchema,
    files: &Files,
) -> Result<EffectiveConfiguration, Vec<String>> {
    if schema == TOML_SCHEMA {
        let found = RuntimeConfiguration::parse(files)?;
        return Ok(EffectiveConfiguration::default()
            .with("brain.backend", Some(found.backend))
            .with("brain.model", found.model)
            .with_secret("brain.api_key", found.api_key)
            .with("logging.level", Some(found.log_level)));
    }
    validate(schema, files)?;
    let found = json_document(files)?;
    let text = |path: [&str; 2]| {
        let value = found.as_ref().and_then(|found| found.document.get(&path.into()));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    let or = |path, default: &str| text(path).or_else(|| Some(default.to_owned()));
    Ok(EffectiveConfiguration::default()
        .with("brain.backend", or(["brain", "backend"], DEFAULT_BACKEND))
        .with("brain.model", text(["brain", "model"]))
        .with_secret("brain.api_key", text(["brain", "api_key"]).map(Secret::new))
        .with("logging.level", or(["logging", "level"], DEFAULT_LEVEL))
        .with(STORAGE_PATH, text(["storage", "path"])))
}

fn configuration_schema() -> Schema {
    Schema::new([
        Field::required(["schema"], FieldType::Integer { minimum: 2, maximum: 2 }),
        Field::required(["brain", "backend"], FieldType::String),
        Field::optional(["brain", "model"], FieldType::String),
        Field::required(["logging", "level"], FieldType::one_of(LEVELS)),
        Field::optional(["storage", "adopted_from"], FieldType::String),
    ])
    .carrying(CARRY_TABLE)
}

fn secrets_schema() -> Schema {
    Schema::new([Field::optional(["brain", "api_key"], FieldType::String).secret()])
}

/// The only configuration of schema 1, and its file.
struct Found<'a> {
    name: &'a str,
    bytes: &'a [u8],
    document: Document,
}

/// Reads the only document of schema 1. None if there is no file, which 1.0.x takes for the defaults.
fn json_document(files: &Files) -> Result<Option<Found<'_>>, Vec<String>> {
    let mut named = files.iter();
    let Some((name, bytes)) = named.next() else { return Ok(None) };
    if files.len() > 1 {
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let names = names.join(", ");
        return Err(vec![
            format!("there are {} configurations: {names}", files.len()),
            "nothing says which one counts; keep one and adopt the directory again".to_owned(),
        ]);
    }
    let document = json::read(bytes).map_err(|fault| vec![fault.at(name)])?;
    Ok(Some(Found { name, bytes, document }))
}

fn json_to_toml(files: &Files) -> Result<MigratedConfiguration, Vec<String>> {
    let mut changes = Vec::new();
    let found = json_document(files)?;
    if let Some(found) = &found {
        let complaints = json::complaints(&found.document, found.bytes);
        if !complaints.is_empty() {
            return Err(complaints.iter().map(|fault| fault.at(found.name)).collect());
        }
    } else {
        changes.push("there is no configuration, so the defaults of 1.0.3 are written".to_owned());
    }
    // What is refused from here on is refused in the words of the file that the user has.
    let source = found.as_ref().map_or("the defaults", |found| found.name);
    let root = found.as_ref().map_or_else(Value::empty_object, |f| f.document.root().clone());
    let root = json::without_unset(root, &mut changes);
    let schema = configuration_schema();
    let retire = |path: Path| Step::Retire { path, under: CARRY_TABLE.to_owned() };
    let steps = [
        // 1.0.3 does not know them, and what 2.0.0 calls so is something else.
        retire(["schema"].into()),
        retire(["storage", "adopted_from"].into()),
        Step::set_default(["schema"], 2),
        Step::move_secret(["brain", "api_key"], ["brain", "api_key"]),
        Step::relocate(["storage", "path"], ["storage", "adopted_from"]),
        Step::carry(schema.paths(), CARRY_TABLE),
        Step::set_default(["brain", "backend"], DEFAULT_BACKEND),
        Step::set_default(["logging", "level"], DEFAULT_LEVEL),
    ];
    let before = Documents::new(Document::new(root, json::secrets()));
    let migrated = migrate(&before, &steps).map_err(|error| one(source, &error))?;
    changes.extend(migrated.report.changes.iter().map(ToString::to_string));
    let mut files = Files::new();
    let parts = [
        (CONFIGURATION_FILE, DocumentName::Configuration, "The configuration of FemtoClaw."),
        (SECRETS_FILE, DocumentName::Secrets, "The secrets of FemtoClaw. Keep this file private."),
    ];
    for (file, name, header) in parts {
        let document = migrated.documents.document(name);
        if document.root().members().is_none_or(<[_]>::is_empty) {
            continue;
        }
        let written = to_toml(document, name, &[header]).map_err(|error| one(source, &error))?;
        changes.extend(written.changes.iter().map(ToString::to_string));
        files.insert(file.to_owned(), written.text.expose().as_bytes().to_vec());
    }
    toml_documents(&files).map_err(|reasons| {
        let reason = |reason| format!("{source}: what becomes of it is not valid: {reason}");
        reasons.into_iter().map(reason).collect::<Vec<_>>()
    })?;
    let intended = vec![IntendedDifference {
        field: STORAGE_PATH.to_owned(),
        after: None,
        reason: "the home decides where the store is".to_owned(),
    }];
    Ok(MigratedConfiguration { files, changes, intended })
}

/// The two documents of schema 2, held to their schemas.
fn toml_documents(files: &Files) -> Result<(Document, Document), Vec<String>> {
    let mut reasons: Vec<String> = files
        .keys()
        .filter(|name| ![CONFIGURATION_FILE, SECRETS_FILE].contains(&name.as_str()))
        .map(|name| format!("{name}: no file of this configuration; move it elsewhere"))
        .collect();
    if !files.contains_key(CONFIGURATION_FILE) {
        reasons.push(format!("{CONFIGURATION_FILE} is missing"));
    }
    let mut read = |name: &str, schema: &Schema| match files.get(name) {
        None => Document::new(Value::empty_object(), SecretPaths::none()),
        Some(bytes) => toml_document(name, bytes, schema).unwrap_or_else(|errors| {
            reasons.extend(errors);
            Document::new(Value::empty_object(), SecretPaths::none())
        }),
    };
    let configuration = read(CONFIGURATION_FILE, &configuration_schema());
    let secrets = read(SECRETS_FILE, &secrets_schema());
    let backend = configuration.get(&Path::from(["brain", "backend"])).and_then(Value::as_str);
    if backend.is_some_and(|backend| backend.trim().is_empty()) {
        reasons.push(format!("{CONFIGURATION_FILE}: brain.backend is empty"));
    }
    if reasons.is_empty() { Ok((configuration, secrets)) } else { Err(reasons) }
}

fn toml_document(name: &str, bytes: &[u8], schema: &Schema) -> Result<Document, Vec<String>> {
    let text = text_of(name, bytes)?;
    let secrets =
        if name == SECRETS_FILE { SecretPaths::everything() } else { schema.secret_paths() };
    let document = Document::from_toml(text, secrets).map_err(|error| one(name, &error))?;
    let violations = schema.violations(&document);
    if violations.is_empty() {
        return Ok(document);
    }
    Err(violations.iter().map(|violation| format!("{name}: {violation}")).collect())
}

fn text_of<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Vec<String>> {
    std::str::from_utf8(bytes).map_err(|_| vec![format!("{name}: not UTF-8")])
}

fn one(name: &str, error: &ConfigurationError) -> Vec<String> {
    vec![format!("{name}: {error}")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(name: &str, text: &str) -> Files {
        Files::from([(name.to_owned(), text.as_bytes().to_vec())])
    }

    const OLD: &str = r#"{"brain":{"backend":"openai","model":null,"api_key":"sk-NOT-A-REAL-KEY","temperature":1.10},"logging":{"level":"debug"},"storage":{"path":"/var/lib/femtoclaw"},"extra":{"big":123456789012345678901234567890}}"#;

    #[test]
    fn the_configuration_of_1_0_3_becomes_toml_with_the_key_in_a_file_of_its_own() {
        let migrated =
            migrate_files(JSON_SCHEMA, TOML_SCHEMA, &files("config/config.json", OLD)).unwrap();
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
    fn without_a_configuration_every_default_is_written_and_reported() {
        let migrated = migrate_files(JSON_SCHEMA, TOML_SCHEMA, &Files::new()).unwrap();
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
        let refused = |files: &Files| migrate_files(JSON_SCHEMA, TOML_SCHEMA, files).unwrap_err();
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
            let reasons = migrate_files(JSON_SCHEMA, TOML_SCHEMA, &given).unwrap_err();
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
        let text =
            r#"{"schema":"x","storage":{"adopted_from":7,"path":"/d"},"brain":{"backend":"b"}}"#;
        let migrated = migrate_files(JSON_SCHEMA, TOML_SCHEMA, &files("c.json", text)).unwrap();
        let configuration = RuntimeConfiguration::parse(&migrated.files).unwrap();
        assert_eq!(configuration.adopted_from.as_deref(), Some("/d"));
        let written = String::from_utf8(migrated.files[CONFIGURATION_FILE].clone()).unwrap();
        assert!(written.contains("[carried]\nschema = \"x\""), "{written}");
        let shown = migrated.changes.join("\n");
        assert!(!shown.contains("there is no configuration"), "{shown}");
        let reasons = migrate_files(
            JSON_SCHEMA,
            TOML_SCHEMA,
            &files("c.json", r#"{"brain":{},"schema":1,"carried":5}"#),
        )
        .unwrap_err();
        assert!(reasons[0].starts_with("c.json: carried"), "{reasons:?}");
    }

    #[test]
    fn a_configuration_of_2_0_0_is_held_to_its_schema() {
        let good = "schema = 2\n[brain]\nbackend = \"echo\"\n[logging]\nlevel = \"info\"\n";
        assert!(validate(TOML_SCHEMA, &files(CONFIGURATION_FILE, good)).is_ok());
        let bad = [
            good.replace("schema = 2", "schema = 3"),
            good.replace("info", "loud"),
            good.replace("\"echo\"", "\" \""),
            format!("surprise = 1\n{good}"),
            "schema = ".to_owned(),
        ];
        for text in bad {
            assert!(validate(TOML_SCHEMA, &files(CONFIGURATION_FILE, &text)).is_err(), "{text}");
        }
        let mut extra = files(CONFIGURATION_FILE, good);
        extra.extend(files("other.toml", ""));
        assert!(validate(TOML_SCHEMA, &extra).is_err());
        let mut secrets = files(CONFIGURATION_FILE, good);
        secrets.extend(files(SECRETS_FILE, "[brain]\napi_key = \"sk-1\"\nother = \"sk-2\"\n"));
        let reasons = validate(TOML_SCHEMA, &secrets).unwrap_err().join("\n");
        assert!(!reasons.contains("sk-"), "{reasons}");
        assert!(validate(TOML_SCHEMA, &Files::new()).is_err());
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
                let brain = vec![
                    quoted("backend", backend),
                    quoted("model", model),
                    quoted("api_key", key),
                ];
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn a_runtime_does_the_same_after_a_migration_but_for_what_is_declared(
            text in old_configuration(),
        ) {
            let old = files("config.json", &text);
            let before = effective(JSON_SCHEMA, &old).unwrap();
            let migrated = migrate_files(JSON_SCHEMA, TOML_SCHEMA, &old).unwrap();
            let after = effective(TOML_SCHEMA, &migrated.files).unwrap();
            let undeclared = config_migration::undeclared(&before, &after, &migrated.intended);
            prop_assert_eq!(undeclared, vec![], "{}", text);
            let again = migrate_files(TOML_SCHEMA, TOML_SCHEMA, &migrated.files).unwrap();
            prop_assert_eq!(again.files, migrated.files);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_show_the_key(bytes: Vec<u8>, key in "sk-[a-z]{12}") {
            for schema in [JSON_SCHEMA, TOML_SCHEMA] {
                for name in ["config.json", CONFIGURATION_FILE, SECRETS_FILE] {
                    let files = Files::from([(name.to_owned(), bytes.clone())]);
                    let _ = validate(schema, &files);
                    let _ = migrate_files(JSON_SCHEMA, schema, &files);
                }
            }
            let json = format!(r#"{{"brain":{{"backend":7,"api_key":"{key}"}}}}"#);
            let shown = format!("{:?}", migrate_files(JSON_SCHEMA, TOML_SCHEMA, &files("c", &json)));
            prop_assert!(!shown.contains(&key));
        }
    }
}
