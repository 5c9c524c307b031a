//! What a configuration must be.

use std::fmt;

use serde::Serialize;

use crate::{
    CARRIED_JSON, ConfigurationError, Document, Path, Rendered, Result, SecretPaths, Value,
};

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// `true` or `false`.
    Boolean,
    /// Any text.
    String,
    /// A text that is not of white space alone.
    NotBlank,
    /// A whole number within these bounds, both included.
    Integer {
        /// The least.
        minimum: i64,
        /// The greatest.
        maximum: i64,
    },
    /// One of these texts.
    OneOf(Vec<String>),
    /// A path from the root of the file system.
    AbsolutePath,
    /// An array of texts.
    Strings,
    /// A table, whatever is in it.
    Table,
}

impl FieldType {
    /// [`FieldType::OneOf`].
    pub fn one_of<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::OneOf(texts.into_iter().map(Into::into).collect())
    }

    // trace: impl FC-10.1.3
    fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Boolean, Value::Boolean(_))
            | (Self::String, Value::String(_))
            | (Self::Table, Value::Object(_)) => true,
            (Self::Integer { minimum, maximum }, value) => {
                value.as_integer().is_some_and(|number| (*minimum..=*maximum).contains(&number))
            }
            (Self::NotBlank, Value::String(text)) => !text.trim().is_empty(),
            (Self::OneOf(texts), Value::String(text)) => texts.contains(text),
            (Self::AbsolutePath, Value::String(text)) => {
                text.starts_with('/') && !text.contains('\0')
            }
            (Self::Strings, Value::Array(elements)) => {
                elements.iter().all(|element| matches!(element, Value::String(_)))
            }
            _ => false,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => formatter.write_str("true or false"),
            Self::String => formatter.write_str("a string"),
            Self::NotBlank => formatter.write_str("a string that is not blank"),
            Self::Integer { minimum, maximum } => {
                write!(formatter, "an integer from {minimum} to {maximum}")
            }
            Self::OneOf(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
                write!(formatter, "one of {}", texts.join(", "))
            }
            Self::AbsolutePath => formatter.write_str("an absolute path"),
            Self::Strings => formatter.write_str("an array of strings"),
            Self::Table => formatter.write_str("a table"),
        }
    }
}

/// One field of a [`Schema`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(crate) path: Path,
    pub(crate) field_type: FieldType,
    pub(crate) required: bool,
    pub(crate) secret: bool,
}

impl Field {
    /// A field that must be there.
    pub fn required(path: impl Into<Path>, field_type: FieldType) -> Self {
        Self { path: path.into(), field_type, required: true, secret: false }
    }

    /// A field that may be there.
    pub fn optional(path: impl Into<Path>, field_type: FieldType) -> Self {
        Self { path: path.into(), field_type, required: false, secret: false }
    }

    /// The same field, whose value is never shown.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// One way in which a configuration is not what it must be. Says nothing of a secret but that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "violation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Violation {
    /// A required value is not there.
    Missing {
        /// Where it should be.
        path: Path,
        /// What it should be.
        expected: String,
    },
    /// A value is not what it should be.
    Unexpected {
        /// Where it is.
        path: Path,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The schema knows no such key.
    Unknown {
        /// Where it is.
        path: Path,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path, expected } => {
                write!(formatter, "{path} is missing: expected {expected}")
            }
            Self::Unexpected { path, expected, found } => {
                write!(formatter, "{path} is {found}: expected {expected}")
            }
            Self::Unknown { path } => write!(formatter, "{path} is not known"),
        }
    }
}

/// What a document must be: these fields and no others (FC-UPGRADE-0001 §10).
///
/// The schema is closed: a key that is no field, and leads to none, is a violation, unless it is in a carry table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub(crate) fields: Vec<Field>,
    pub(crate) carry_tables: Vec<Path>,
}

impl Schema {
    /// The schema of these fields, with [`CARRIED_JSON`] as its one carry table.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        let carry_tables = vec![Path::keys([CARRIED_JSON])];
        Self { fields: fields.into_iter().collect(), carry_tables }
    }

    /// The same schema with another carry table: a top-level key that may hold anything.
    #[must_use]
    pub fn carrying(mut self, table: &str) -> Self {
        self.carry_tables.push(Path::keys([table]));
        self
    }

    /// The paths of the fields: what [`crate::Step::Carry`] leaves where it is.
    pub fn paths(&self) -> Vec<Path> {
        self.fields.iter().map(|field| field.path.clone()).collect()
    }

    /// The places that must not be shown: secret fields, and carry tables, in which anything can be.
    pub fn secret_paths(&self) -> SecretPaths {
        let fields = self.fields.iter().filter(|field| field.secret).map(|field| &field.path);
        SecretPaths::new(fields.chain(&self.carry_tables))
    }

    /// Accepts the document.
    ///
    /// # Errors
    /// `Invalid` with every violation.
    pub fn check(&self, document: &Document) -> Result<()> {
        let violations = self.violations(document);
        if violations.is_empty() { Ok(()) } else { Err(ConfigurationError::Invalid { violations }) }
    }

    /// Every violation: first those of fields, in the order of the schema, then unknown keys, in that of the document.
    pub fn violations(&self, document: &Document) -> Vec<Violation> {
        let mut secrets = document.secrets().clone();
        self.secret_paths().iter().for_each(|path| secrets.mark(path));
        let mut violations = Vec::new();
        if !matches!(document.root(), Value::Object(_)) {
            let (path, expected) = (Path::root(), FieldType::Table.to_string());
            let found = document.root().kind().to_owned();
            return vec![Violation::Unexpected { path, expected, found }];
        }
        for field in &self.fields {
            violations.extend(field_violation(field, document, &secrets));
        }
        self.find_unknown(document.root(), &Path::root(), &secrets, &mut violations);
        violations
    }

    fn find_unknown(
        &self,
        value: &Value,
        path: &Path,
        secrets: &SecretPaths,
        violations: &mut Vec<Violation>,
    ) {
        for (key, member) in value.members().unwrap_or_default() {
            let child = path.child(key);
            let known = self.fields.iter().any(|field| field.path == child)
                || self.carry_tables.contains(&child);
            let leads_on = || {
                let further = |field: &Field| field.path.starts_with(&child);
                self.fields.iter().any(further)
            };
            match (known, member) {
                (true, _) => {}
                (false, Value::Object(_)) if leads_on() => {
                    self.find_unknown(member, &child, secrets, violations);
                }
                // What should be a table of fields, and is none: said once, here.
                (false, _) if leads_on() => violations.push(Violation::Unexpected {
                    path: secrets.shown(&child),
                    expected: FieldType::Table.to_string(),
                    found: found(member, &child, secrets),
                }),
                _ => violations.push(Violation::Unknown { path: secrets.shown(&child) }),
            }
        }
    }
}

fn field_violation(field: &Field, document: &Document, secrets: &SecretPaths) -> Option<Violation> {
    let expected = field.field_type.to_string();
    match document.get(&field.path) {
        Some(value) if field.field_type.accepts(value) => None,
        Some(value) => Some(Violation::Unexpected {
            path: secrets.shown(&field.path),
            expected,
            found: found(value, &field.path, secrets),
        }),
        None if field.required => {
            Some(Violation::Missing { path: secrets.shown(&field.path), expected })
        }
        None => None,
    }
}

/// What was found, as far as it may be said: its kind, and the value if it is short and no secret.
fn found(value: &Value, path: &Path, secrets: &SecretPaths) -> String {
    /// Longer values are not worth a line.
    const LONGEST_SHOWN_BYTES: usize = 64;
    if matches!(value, Value::Object(_) | Value::Array(_) | Value::Null) {
        return value.kind().to_owned();
    }
    match Rendered::of(value, path, secrets) {
        Rendered::Shown(text) if text.len() <= LONGEST_SHOWN_BYTES => text,
        Rendered::Shown(_) => format!("{} too long to show", value.kind()),
        Rendered::Secret | Rendered::Withheld => format!("{} that is not shown", value.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::new([
            Field::required(["schema"], FieldType::Integer { minimum: 2, maximum: 2 }),
            Field::required(["logging", "level"], FieldType::one_of(["info", "debug"])),
            Field::required(["storage", "path"], FieldType::AbsolutePath),
            Field::optional(["model", "key"], FieldType::String).secret(),
            Field::optional(["tags"], FieldType::Strings),
            Field::optional(["quiet"], FieldType::Boolean),
            Field::optional(["name"], FieldType::NotBlank),
            Field::optional(["extra"], FieldType::Table),
        ])
        .carrying("carried")
    }

    fn violations(toml: &str) -> Vec<String> {
        let document = Document::from_toml(toml, SecretPaths::none()).unwrap();
        schema().violations(&document).iter().map(ToString::to_string).collect()
    }

    // trace: test FC-10.1.3
    #[test]
    fn every_violation_is_listed_at_once_with_its_path() {
        let toml = "schema = 3\nquiet = 1\nname = \" \\t\"\ntags = [1]\nextra = 1\nmodel = 5\n\"odd key\" = 1\n[logging]\nlevel = \"loud\"\nlevle = \"info\"\n";
        assert_eq!(
            violations(toml),
            [
                "schema is 3: expected an integer from 2 to 2",
                "logging.level is \"loud\": expected one of \"info\", \"debug\"",
                "storage.path is missing: expected an absolute path",
                "tags is an array: expected an array of strings",
                "quiet is 1: expected true or false",
                "name is \" \\t\": expected a string that is not blank",
                "extra is 1: expected a table",
                "model is 5: expected a table",
                "\"odd key\" is not known",
                "logging.levle is not known",
            ]
        );
    }

    #[test]
    fn what_is_right_passes_with_anything_in_the_carry_tables() {
        let toml = "schema = 2\nextra.x = 1\n[logging]\nlevel = \"info\"\n[storage]\npath = \"/a\"\n[carried]\nx.y = 1\n[carried_json]\nz = 1\n";
        assert_eq!(violations(toml), [""; 0]);
        for toml in ["schema = 2.0", "schema = 99999999999999999999"] {
            let Ok(document) = Document::from_toml(toml, SecretPaths::none()) else { continue };
            assert!(schema().check(&document).is_err());
        }
    }

    #[test]
    fn a_violation_never_tells_a_secret() {
        for toml in ["model.key = 55555", "model.key = [\"55555\"]", "model.key.k55555 = 1"] {
            let document = Document::from_toml(toml, SecretPaths::none()).unwrap();
            let error = schema().check(&document).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("55555") && shown.contains("model.key is a"), "{shown}");
        }
    }

    #[test]
    fn a_document_that_is_no_table_breaks_every_schema() {
        let document = Document::from_json("[]", SecretPaths::none()).unwrap();
        let error = schema().check(&document).unwrap_err().to_string();
        assert_eq!(error, "the configuration is not valid: . is an array: expected a table");
    }
}
