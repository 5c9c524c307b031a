//! The TOML of schemas 2 and 3: where each setting stands, and what is a valid one.

use config_migration::{
    Document, Field, FieldType, Path, Schema, SecretPaths, TomlDocument, Value,
};
use upgrade::Files;
use versioning::ConfigurationSchema;

use super::{CARRY_TABLE, CONFIGURATION_FILE, SECRETS_FILE, one};
use crate::json_configuration::LEVELS;

/// Where the settings of a schema stand that not every schema has at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) schema: ConfigurationSchema,
    /// How much is logged.
    pub(super) level: [&'static str; 2],
}

/// Of 2.0.0.
pub(super) const SECOND: Layout =
    Layout { schema: ConfigurationSchema::new(2), level: ["logging", "level"] };

/// Of 2.1.0.
pub(super) const THIRD: Layout =
    Layout { schema: ConfigurationSchema::new(3), level: ["telemetry", "level"] };

impl Layout {
    /// That of a schema, if it is TOML.
    pub(super) fn of(schema: ConfigurationSchema) -> Option<Self> {
        [SECOND, THIRD].into_iter().find(|layout| layout.schema == schema)
    }

    /// That of files, which say it themselves; the first if they do not, whose errors are then told.
    pub(super) fn stated(files: &Files) -> Self {
        let stated = files.get(CONFIGURATION_FILE).and_then(|bytes| {
            let text = std::str::from_utf8(bytes).ok()?;
            let document = Document::from_toml(text, SecretPaths::everything()).ok()?;
            let number = i64::from(THIRD.schema.number());
            (document.get(&Path::from(["schema"]))? == &Value::from(number)).then_some(THIRD)
        });
        stated.unwrap_or(SECOND)
    }

    /// Its schema for everything but secrets.
    pub(super) fn configuration(self) -> Schema {
        let number = i64::from(self.schema.number());
        Schema::new([
            Field::required(["schema"], FieldType::Integer { minimum: number, maximum: number }),
            Field::required(["brain", "backend"], FieldType::NotBlank),
            Field::optional(["brain", "model"], FieldType::String),
            Field::required(self.level, FieldType::one_of(LEVELS)),
            Field::optional(["storage", "adopted_from"], FieldType::String),
        ])
        .carrying(CARRY_TABLE)
    }

    /// The two documents, held to their schemas.
    pub(super) fn documents(self, files: &Files) -> Result<(Document, Document), Vec<String>> {
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
        let configuration = read(CONFIGURATION_FILE, &self.configuration());
        let secrets = read(SECRETS_FILE, &secrets_schema());
        if reasons.is_empty() { Ok((configuration, secrets)) } else { Err(reasons) }
    }

    /// The text of the file of everything but secrets, for being edited in place.
    pub(super) fn editable(self, files: &Files) -> Result<TomlDocument, Vec<String>> {
        let bytes = files.get(CONFIGURATION_FILE).map(Vec::as_slice).unwrap_or_default();
        let text = text_of(CONFIGURATION_FILE, bytes)?;
        // What is carried is unknown, and may be a secret.
        let secrets = self.configuration().secret_paths();
        TomlDocument::parse(text, secrets).map_err(|error| one(CONFIGURATION_FILE, &error))
    }
}

/// The schema of the file of secrets.
pub(super) fn secrets_schema() -> Schema {
    Schema::new([Field::optional(["brain", "api_key"], FieldType::String).secret()])
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
