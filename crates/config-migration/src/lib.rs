//! Lossless configuration changes: read, changed by steps that have inverses, written, reported and validated
//! (FC-UPGRADE-0001 §10).
//!
//! The crate knows no schema; a catalogue brings steps and schemas as data. Its promises:
//! - **Nothing is lost.** Numbers keep their spelling and keys their order; what the new schema does not know goes into a
//!   carry table; what TOML cannot hold is carried as JSON text; comments of edited TOML stay.
//! - **Everything is reported**, value by value ([`Report`]).
//! - **No secret is shown**: not by reports, errors, or Debug. Only [`Secret::expose`] gives text away.
//! - **Meaning is kept.** What a runtime makes of a configuration is compared before and after, and every difference must have
//!   been declared ([`undeclared`]).
//! - **Everything is exact**: each migration has an [`Undo`], and each written text is read back before it is given out.
//! - **Nothing is decided by chance**: every function is pure.
//!
//! From the JSON of FemtoClaw 1.0.3 to two TOML documents:
//!
//! ```
//! use config_migration::{
//!     Document, DocumentName, Documents, Field, FieldType, Schema, SecretPaths, Step, migrate, to_toml,
//! };
//! # fn main() -> config_migration::Result<()> {
//! # let json = r#"{"brain":{"backend":"openai","api_key":"sk-NOT"},"logging":{"level":"debug"},
//! #     "storage":{"path":"/var/lib/femtoclaw"},"mystery":1.10}"#;
//! let schema = Schema::new([
//!     Field::required(["schema"], FieldType::Integer { minimum: 2, maximum: 2 }),
//!     Field::required(["model", "backend"], FieldType::String),
//!     Field::optional(["model", "name"], FieldType::String),
//!     Field::required(["logging", "level"], FieldType::one_of(["error", "warn", "info", "debug"])),
//!     Field::required(["storage", "path"], FieldType::AbsolutePath),
//! ])
//! .carrying("carried");
//! let before = Documents::new(Document::from_json(json, SecretPaths::new([["brain", "api_key"]]))?);
//! let migrated = migrate(&before, &[
//!     Step::set_default(["schema"], 2),
//!     Step::move_secret(["brain", "api_key"], ["model", "api_key"]),
//!     Step::rename(["brain"], "model"),
//!     Step::rename(["model", "model"], "name"),
//!     Step::carry(schema.paths(), "carried"),
//! ])?;
//! let configuration = &migrated.documents.configuration;
//! let written = to_toml(configuration, DocumentName::Configuration, &["FemtoClaw 2"])?;
//! let secrets = to_toml(&migrated.documents.secrets, DocumentName::Secrets, &["Keep this private"])?;
//! schema.check(&Document::from_toml(written.text.expose(), schema.secret_paths())?)?;
//!
//! assert_eq!(
//!     written.text.expose(),
//!     "# FemtoClaw 2\n\nschema = 2\n\n[model]\nbackend = \"openai\"\n\n[logging]\nlevel = \"debug\"\n\n\
//!      [storage]\npath = \"/var/lib/femtoclaw\"\n\n[carried]\nmystery = 1.10\n"
//! );
//! assert_eq!(secrets.text.expose(), "# Keep this private\n\n[model]\napi_key = \"sk-NOT\"\n");
//! assert!(migrated.report.to_string().contains("brain.api_key to secrets:model.api_key: [secret]"));
//! assert!(migrated.undo.apply(&migrated.documents)? == before);
//! # Ok(())
//! # }
//! ```

mod carried;
mod document;
mod edit;
mod effective;
mod error;
mod json;
mod json_schema;
mod limits;
mod migration;
mod path;
mod report;
mod schema;
mod secret;
mod secret_paths;
mod step;
mod toml_document;
mod toml_edits;
mod toml_nesting;
mod toml_reader;
mod toml_writer;
mod value;

pub use carried::CARRIED_JSON;
pub use document::Document;
pub use edit::Documents;
pub use effective::{Difference, EffectiveConfiguration, IntendedDifference, Setting, undeclared};
pub use error::{ConfigurationError, Notation, Result};
pub use limits::{MAXIMUM_BYTES, MAXIMUM_DEPTH, MAXIMUM_VALUES};
pub use migration::{Migrated, Undo, migrate};
pub use path::{Path, Segment};
pub use report::{Change, ChangeKind, DocumentName, Location, Rendered, Report, WITHHELD};
pub use schema::{Field, FieldType, Schema, Violation};
pub use secret::{REDACTED, Secret};
pub use secret_paths::SecretPaths;
pub use step::Step;
pub use toml_document::{EditedToml, TomlDocument};
pub use toml_writer::{WrittenToml, to_toml};
pub use value::Value;
