//! What a migration did, as it may be shown.

use std::fmt;

use serde::Serialize;

use crate::secret::REDACTED;
use crate::{Path, SecretPaths, Value, json};

/// What stands where a value is that the new schema does not know: nobody can say that it is no secret.
pub const WITHHELD: &str = "[not shown]";

/// Which of the two documents of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentName {
    /// What may be read by whoever may read the installation.
    Configuration,
    /// What only the runtime may read. Everything in it is secret.
    Secrets,
}

/// A place in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The document.
    pub document: DocumentName,
    /// The path in it.
    pub path: Path,
}

impl Location {
    /// A place in the configuration document.
    pub fn configuration(path: impl Into<Path>) -> Self {
        Self { document: DocumentName::Configuration, path: path.into() }
    }

    /// A place in the document of secrets.
    pub fn secrets(path: impl Into<Path>) -> Self {
        Self { document: DocumentName::Secrets, path: path.into() }
    }

    /// True if this is `other`, or is inside it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.document == other.document && self.path.starts_with(&other.path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.document {
            DocumentName::Configuration => self.path.fmt(formatter),
            DocumentName::Secrets => write!(formatter, "secrets:{}", self.path),
        }
    }
}

/// What happened to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// Same place, same value.
    Kept,
    /// Same value at another place.
    Moved,
    /// A value where none was.
    Defaulted,
    /// The new schema does not know it, or TOML cannot hold it: kept aside, and not in force.
    Carried,
    /// The same meaning in another form.
    Converted,
    /// Moved to the document of secrets.
    SecretMoved,
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kept => "kept",
            Self::Moved => "moved",
            Self::Defaulted => "defaulted",
            Self::Carried => "carried",
            Self::Converted => "converted",
            Self::SecretMoved => "moved secret",
        })
    }
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
    /// The value as JSON, with every secret inside it redacted.
    Shown(String),
    /// A secret.
    Secret,
    /// Unknown, so perhaps a secret.
    Withheld,
}

impl Rendered {
    /// The value at `path` of a document, as it may be shown.
    pub(crate) fn of(value: &Value, path: &Path, secrets: &SecretPaths) -> Self {
        if secrets.covers(path) {
            return Self::Secret;
        }
        let mut text = String::new();
        render(value, path, secrets, &mut text);
        Self::Shown(text)
    }
}

impl fmt::Display for Rendered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Shown(text) => text,
            Self::Secret => REDACTED,
            Self::Withheld => WITHHELD,
        })
    }
}

impl Serialize for Rendered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One change of a configuration, without any secret (FC-UPGRADE-0001 §10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// Where the value was. Nothing for a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Location>,
    /// Where the value is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Location>,
    /// The value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Rendered>,
    /// The value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Rendered>,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(formatter)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from == to => write!(formatter, " {from}")?,
            (Some(from), Some(to)) => write!(formatter, " {from} to {to}")?,
            (Some(place), None) | (None, Some(place)) => write!(formatter, " {place}")?,
            (None, None) => {}
        }
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => write!(formatter, ": {after}"),
            (Some(before), Some(after)) => write!(formatter, ": {before} is now {after}"),
            (Some(value), None) | (None, Some(value)) => write!(formatter, ": {value}"),
            (None, None) => Ok(()),
        }
    }
}

/// Every change of a migration, in the order in which they were made; what was kept comes last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report {
    /// The changes.
    pub changes: Vec<Change>,
}

impl Report {
    /// The changes of this kind.
    pub fn of_kind(&self, kind: ChangeKind) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.kind == kind)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes.iter().try_for_each(|change| writeln!(formatter, "{change}"))
    }
}

fn render(value: &Value, path: &Path, secrets: &SecretPaths, text: &mut String) {
    if secrets.covers(path) {
        text.push_str(&json::quoted(REDACTED));
        return;
    }
    match value {
        Value::Null => text.push_str("null"),
        Value::Boolean(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(literal) | Value::TomlLiteral(literal) => text.push_str(literal),
        Value::String(string) => text.push_str(&json::quoted(string)),
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                render(element, &path.element(index), secrets, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                text.push_str(&json::quoted(key));
                text.push(':');
                render(member, &path.child(key), secrets, text);
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_inside_a_value_is_redacted_in_place() {
        let value = Value::object([("a", Value::from("x")), ("key", Value::from("sk-1"))]);
        let secrets = SecretPaths::new([["brain", "key"]]);
        let rendered = Rendered::of(&value, &Path::from(["brain"]), &secrets);
        assert_eq!(rendered.to_string(), r#"{"a":"x","key":"[secret]"}"#);
        assert_eq!(Rendered::of(&value, &Path::from(["brain", "key"]), &secrets), Rendered::Secret);
    }
}
