//! The configuration: schema 1 is the JSON of 1.0.x, schemas 2 and 3 are TOML with the secrets in a file of their own.
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
//! In schema 3 the table `logging` is called `telemetry`.
//!
//! What each file must be is in `docs/schemas` as JSON Schema, too ([`json_schemas`]).
//!
//! `secrets.toml` holds `brain.api_key`, if there is one. 1.0.x kept it in clear text among the rest, readable by everybody.

mod from_json;
mod layouts;
mod schemas;
mod to_first;
mod to_third;
mod undo;
mod unknown;

use config_migration::{ConfigurationError, Document, EffectiveConfiguration, Secret, Value};
use upgrade::{Files, MigratedConfiguration};
use versioning::ConfigurationSchema;

use crate::json_configuration as json;

use from_json::{json_document, json_to_toml};
use layouts::{Layout, SECOND};
use to_third::second_to_third;

pub use schemas::json_schemas;
pub(crate) use schemas::schema_files;
pub use undo::{State, UndoError, Undone, undo};

/// The file of schemas 2 and 3 that holds everything but secrets.
pub const CONFIGURATION_FILE: &str = "femtoclaw.toml";

/// The file of schemas 2 and 3 that holds secrets.
pub const SECRETS_FILE: &str = "secrets.toml";

/// The table in which keys are carried that 2.0.0 does not know.
pub const CARRY_TABLE: &str = "carried";

const JSON_SCHEMA: ConfigurationSchema = ConfigurationSchema::new(1);

/// What 1.0.3 takes when it finds no configuration: a backend that repeats what it is told.
const DEFAULT_BACKEND: &str = "echo";
const DEFAULT_LEVEL: &str = "info";

/// Where 1.0.x has its data: a field of its effective configuration.
const STORAGE_PATH: &str = "storage.path";

/// The configuration of 2.0.0 and later, typed.
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
    /// Reads the files of a configuration of schema 2 or 3, whichever they say they are, strictly.
    ///
    /// # Errors
    /// Every violation, a sentence each. Secrets never appear in them.
    pub fn parse(files: &Files) -> Result<Self, Vec<String>> {
        let layout = Layout::stated(files);
        let (configuration, secrets) = layout.documents(files)?;
        let text = |document: &Document, path: [&str; 2]| {
            document.get(&path.into()).and_then(Value::as_str).map(str::to_owned)
        };
        Ok(Self {
            backend: text(&configuration, ["brain", "backend"]).unwrap_or_default(),
            model: text(&configuration, ["brain", "model"]),
            api_key: text(&secrets, ["brain", "api_key"]).map(Secret::new),
            log_level: text(&configuration, layout.level).unwrap_or_default(),
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
    validate(from, files)?;
    let mut migrated = MigratedConfiguration {
        files: files.clone(),
        changes: Vec::new(),
        stretches: Vec::new(),
        intended: Vec::new(),
    };
    let mut at = from;
    while at != to {
        let next = match at {
            JSON_SCHEMA if to > at => json_to_toml(&migrated.files)?,
            schema if schema == SECOND.schema && to > at => second_to_third(&migrated.files)?,
            _ => {
                return Err(vec![format!(
                    "no change leads from configuration schema {from} to {to}"
                )]);
            }
        };
        at = ConfigurationSchema::new(at.number() + 1);
        migrated.files = next.files;
        migrated.changes.extend(next.changes);
        migrated.stretches.extend(next.stretches);
        migrated.intended.extend(next.intended);
    }
    Ok(migrated)
}

/// Holds a configuration to its schema.
pub(crate) fn validate(schema: ConfigurationSchema, files: &Files) -> Result<(), Vec<String>> {
    match schema {
        JSON_SCHEMA => json_document(files).map(|_| ()),
        _ => match Layout::of(schema) {
            Some(layout) => layout.documents(files).map(|_| ()),
            None => Err(vec![format!("configuration schema {schema} is not known")]),
        },
    }
}

/// What a runtime makes of a configuration, with the defaults of 1.0.3 where it takes them; and every value that no runtime
/// looks at, since none of these may be lost either.
pub(crate) fn effective(
    schema: ConfigurationSchema,
    files: &Files,
) -> Result<EffectiveConfiguration, Vec<String>> {
    if let Some(layout) = Layout::of(schema) {
        let (configuration, _) = layout.documents(files)?;
        // What a hand has made unreadable there stays what it is.
        let configuration = configuration.with_carried_restored().unwrap_or(configuration);
        let found = RuntimeConfiguration::parse(files)?;
        let known = EffectiveConfiguration::default()
            .with("brain.backend", Some(found.backend))
            .with("brain.model", found.model)
            .with_secret("brain.api_key", found.api_key)
            .with("logging.level", Some(found.log_level));
        return Ok(unknown::with(known, configuration.root(), &layout.configuration().paths()));
    }
    validate(schema, files)?;
    let found = json_document(files)?;
    let text = |path: [&str; 2]| {
        let value = found.as_ref().and_then(|found| found.document.get(&path.into()));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    let or = |path, default: &str| text(path).or_else(|| Some(default.to_owned()));
    let known = EffectiveConfiguration::default()
        .with("brain.backend", or(["brain", "backend"], DEFAULT_BACKEND))
        .with("brain.model", text(["brain", "model"]))
        .with_secret("brain.api_key", text(["brain", "api_key"]).map(Secret::new))
        .with("logging.level", or(["logging", "level"], DEFAULT_LEVEL))
        .with(STORAGE_PATH, text(["storage", "path"]));
    let root = found.as_ref().map(|found| found.document.root());
    Ok(root.map_or(known.clone(), |root| unknown::with(known, root, &json::paths())))
}

/// An error as the one reason.
fn one(name: &str, error: &ConfigurationError) -> Vec<String> {
    vec![format!("{name}: {error}")]
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
