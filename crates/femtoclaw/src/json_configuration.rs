//! The configuration of 1.0.x: one JSON object, read strictly.
//!
//! 1.0.3 answers whatever it cannot read with defaults, and then writes them over the file. So whatever it would pass over
//! is found here: when a directory is adopted, and again before an upgrade.

use config_migration::{
    ConfigurationError, Document, Field, FieldType, MAXIMUM_BYTES, Path, Schema, SecretPaths,
    Segment, Value, Violation,
};
use serde_json::value::RawValue;

use crate::members::{BYTE_ORDER_MARK, find, line_at, members};

/// Largest configuration that is read, in bytes.
pub(crate) const MAXIMUM_CONFIGURATION_BYTES: u64 = MAXIMUM_BYTES as u64;

/// The sections that 1.0.x knows.
pub(crate) const SECTIONS: [&str; 3] = ["brain", "logging", "storage"];

/// How much is logged.
pub(crate) const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// What is wrong with a configuration. Quotes no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its line, where there is one.
    pub(crate) line: Option<u64>,
    /// A sentence.
    pub(crate) cause: String,
}

impl Fault {
    fn new(line: impl Into<Option<u64>>, cause: impl Into<String>) -> Self {
        Self { line: line.into(), cause: cause.into() }
    }

    /// The sentence, after the file and the line.
    pub(crate) fn at(&self, file: &str) -> String {
        match self.line {
            Some(line) => format!("{file}:{line}: {}", self.cause),
            None => format!("{file}: {}", self.cause),
        }
    }
}

/// Where 1.0.x keeps what must not be shown.
pub(crate) fn secrets() -> SecretPaths {
    schema().secret_paths()
}

/// Reads a configuration.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Fault> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err(Fault::new(1, "a byte order mark lies before it, which JSON must not have"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Fault::new(line_at(bytes, error.valid_up_to()), "it is not UTF-8"))?;
    let blank = text.bytes().take_while(u8::is_ascii_whitespace).count();
    if blank == text.len() {
        return Err(Fault::new(None, "it holds nothing"));
    }
    let document = Document::from_json(text, secrets()).map_err(|error| explained(&error, text))?;
    if document.root().members().is_none() {
        return Err(Fault::new(line_at(bytes, blank), "it is not an object"));
    }
    Ok(document)
}

/// Everything in a readable configuration that is not what it must be. Keys that 1.0.3 does not know are nothing of that
/// kind: it passes over them, and they are carried.
pub(crate) fn complaints(document: &Document, bytes: &[u8]) -> Vec<Fault> {
    let root = without_unset(document.root().clone(), &mut Vec::new());
    let document = Document::new(root, secrets());
    let mut faults = Vec::new();
    for violation in schema().violations(&document) {
        let Violation::Unexpected { path, expected, found } = violation else { continue };
        // Of a section that is none nothing is shown: it could be anything.
        let section = path.segments().len() == 1;
        let kind = document.get(&path).map(Value::kind).filter(|_| section);
        let found = in_words_of_json(kind.unwrap_or(&found));
        let cause = format!("{path} is {found}: expected {}", in_words_of_json(&expected));
        faults.push(Fault::new(line_of(bytes, &path), cause));
    }
    let backend = Path::from(["brain", "backend"]);
    let text = document.get(&backend).and_then(Value::as_str);
    if text.is_some_and(|text| text.trim().is_empty()) {
        faults.push(Fault::new(line_of(bytes, &backend), "brain.backend is empty"));
    }
    faults
}

/// 1.0.3 writes `null` for an option that is not set. TOML has no null, and absent says the same.
pub(crate) fn without_unset(root: Value, changes: &mut Vec<String>) -> Value {
    let Value::Object(members) = root else { return root };
    let is_unset = |key: &str, value: &Value| {
        matches!(key, "model" | "api_key") && matches!(value, Value::Null)
    };
    let member = |(key, value): (String, Value)| match value {
        Value::Object(inner) if key == "brain" => {
            let mut kept = Vec::new();
            for (name, value) in inner {
                if is_unset(&name, &value) {
                    changes.push(format!("brain.{name} was null, which is not set: left out"));
                } else {
                    kept.push((name, value));
                }
            }
            (key, Value::Object(kept))
        }
        value => (key, value),
    };
    Value::Object(members.into_iter().map(member).collect())
}

/// The paths of all settings that 1.0.x knows.
pub(crate) fn paths() -> Vec<Path> {
    schema().paths()
}

fn schema() -> Schema {
    Schema::new([
        Field::optional(["brain", "backend"], FieldType::String),
        Field::optional(["brain", "model"], FieldType::String),
        Field::optional(["brain", "api_key"], FieldType::String).secret(),
        Field::optional(["logging", "level"], FieldType::one_of(LEVELS)),
        Field::optional(["storage", "path"], FieldType::AbsolutePath),
    ])
}

fn explained(error: &ConfigurationError, text: &str) -> Fault {
    match error {
        ConfigurationError::Syntax { line, column, .. } => {
            let found = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
            let rest = found.as_bytes().get(column.saturating_sub(1)..).unwrap_or_default();
            let is_comment = [b"//".as_slice(), b"/*", b"#"].iter().any(|c| rest.starts_with(c));
            let whole = serde_json::from_str::<&RawValue>(text);
            let cause = match whole {
                Err(whole) if whole.is_eof() => "torn: it ends before it is complete".to_owned(),
                _ if is_comment => "a comment, which JSON must not have".to_owned(),
                _ => format!("it is not valid JSON, at column {column}"),
            };
            Fault::new(*line as u64, cause)
        }
        ConfigurationError::RepeatedKey { path } => {
            Fault::new(line_of_repeated(text.as_bytes(), path), error.to_string())
        }
        other => Fault::new(None, other.to_string()),
    }
}

/// What the other crate says of both notations, in the words of this one.
fn in_words_of_json(words: &str) -> &str {
    if words == "a table" { "an object" } else { words }
}

fn keys<'a>(path: &'a Path) -> Option<Vec<&'a str>> {
    let key = |segment: &'a Segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    };
    path.segments().iter().map(key).collect()
}

fn line_of(bytes: &[u8], path: &Path) -> Option<u64> {
    find(bytes, &keys(path)?).map(|member| line_at(bytes, member.at))
}

/// The line where a key is given again.
fn line_of_repeated(bytes: &[u8], path: &Path) -> Option<u64> {
    let keys = keys(path)?;
    let (last, parents) = keys.split_last()?;
    let start = find(bytes, parents)?.value;
    let inside = members(bytes.get(start..)?);
    let again = inside.iter().filter(|member| member.key == *last).nth(1)?;
    Some(line_at(bytes, start + again.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().at("c")
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_and_cause() {
        for (bytes, expected) in [
            (b"\xef\xbb\xbf{}".as_slice(), "c:1: a byte order mark lies before it"),
            (b"", "c: it holds nothing"),
            (b" \n", "c: it holds nothing"),
            (b"{\n\"brain\": {", "c:2: torn: it ends before it is complete"),
            (b"{\n\"brain\": \"\xff\"}", "c:2: it is not UTF-8"),
            (b"{\n  // why\n}", "c:2: a comment"),
            (b"# why\n{}", "c:1: a comment"),
            (b"{} /* why */", "c:1: a comment"),
            (b"{\"brain\":{}\n,\n\"brain\":{}}", "c:3: the key brain is given more than once"),
            (b"{\"brain\":{\"a\":1,\n\"a\":1}}", "c:2: the key brain.a is given more than once"),
            (b"\n[{}]", "c:2: it is not an object"),
            (b"{}\0", "c:1: it is not valid JSON, at column 3"),
            (b"{\"a\":\"\\ud800\"}", "c:1: it is not valid JSON"),
        ] {
            let found = fault(bytes);
            assert!(found.starts_with(expected), "{expected}: {found}");
        }
    }

    #[test]
    fn what_has_the_wrong_type_is_told_with_its_line_and_no_secret() {
        for (text, expected) in [
            ("{\"brain\": {},\n\"logging\": 5}", "c:2: logging is a number: expected an object"),
            ("{\"brain\":\"sk-1\"}", "c:1: brain is a string: expected an object"),
            ("{\"logging\":[1]}", "c:1: logging is an array: expected an object"),
            ("{\"brain\":\n{\"backend\": 7}}", "c:2: brain.backend is 7: expected a string"),
            ("{\"brain\":{\"backend\":\" \"}}", "c:1: brain.backend is empty"),
            (
                "{\"logging\":{\n\"level\":\"trce\"}}",
                "c:2: logging.level is \"trce\": expected one",
            ),
            ("{\"storage\":{\"path\":\"data\"}}", "c:1: storage.path is \"data\": expected an abs"),
            ("{\"storage\":{\"path\":null}}", "c:1: storage.path is null: expected an absolute"),
            ("{\"brain\":{\"api_key\":[\"sk-1\"]}}", "c:1: brain.api_key is an array: expected"),
            ("{\"brain\":{\"api_key\":17}}", "c:1: brain.api_key is a number that is not shown"),
        ] {
            let document = read(text.as_bytes()).unwrap();
            let found = complaints(&document, text.as_bytes());
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            let found = found[0].at("c");
            assert!(found.starts_with(expected), "{expected}: {found}");
            assert!(!found.contains("sk-1") && !found.contains("17"), "{found}");
        }
        let good = br#"{"brain":{"model":null,"api_key":null,"x":1},"y":[1],"storage":{}}"#;
        assert_eq!(complaints(&read(good).unwrap(), good), []);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "[{}\\[\\]\",:/a1\n ]{0,40}") {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                if let Ok(document) = read(bytes) {
                    complaints(&document, bytes);
                }
            }
        }
    }
}
