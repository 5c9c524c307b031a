//! JSON text to a tree and back, without any loss.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::limits::Bounds;
use crate::{ConfigurationError, Notation, Path, Result, SecretPaths, Value};

/// Reads JSON. Keys keep their order and numbers their spelling, whatever features serde_json was built with.
///
/// # Errors
/// [`ConfigurationError::Syntax`], [`ConfigurationError::RepeatedKey`], and the bounds.
pub(crate) fn read(text: &str, secrets: &SecretPaths) -> Result<Value> {
    Bounds::check_length(text)?;
    let mut reader = Reader { text, secrets, bounds: Bounds::default() };
    let raw: &RawValue = reader.parse(text)?;
    reader.value(raw, &Path::root(), 0)
}

/// Writes JSON on one line.
///
/// # Errors
/// [`ConfigurationError::NotRepresentable`] for what only TOML has.
pub(crate) fn write_compact(value: &Value) -> Result<String> {
    let mut text = String::new();
    Writer { text: &mut text, indented: false }.value(value, &Path::root(), 0)?;
    Ok(text)
}

/// Writes JSON with an indentation of two, as serde_json does.
///
/// # Errors
/// As [`write_compact`].
pub(crate) fn write_indented(value: &Value) -> Result<String> {
    let mut text = String::new();
    Writer { text: &mut text, indented: true }.value(value, &Path::root(), 0)?;
    text.push('\n');
    Ok(text)
}

/// The text of a string in JSON, with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    // Serializing a string into memory has no way to fail; the text is never empty, so an empty result would be noticed.
    serde_json::to_string(text).unwrap_or_default()
}

struct Reader<'text, 'secrets> {
    text: &'text str,
    secrets: &'secrets SecretPaths,
    bounds: Bounds,
}

impl<'text> Reader<'text, '_> {
    fn value(&mut self, raw: &'text RawValue, path: &Path, depth: usize) -> Result<Value> {
        self.bounds.enter(depth)?;
        let literal = raw.get();
        match literal.bytes().next() {
            Some(b'n') => Ok(Value::Null),
            Some(b't') => Ok(Value::Boolean(true)),
            Some(b'f') => Ok(Value::Boolean(false)),
            Some(b'"') => Ok(Value::String(self.parse(literal)?)),
            Some(b'[') => {
                let elements: Vec<&RawValue> = self.parse(literal)?;
                let mut values = Vec::with_capacity(elements.len());
                for (index, element) in elements.into_iter().enumerate() {
                    values.push(self.value(
                        element,
                        &path.element(index),
                        depth.saturating_add(1),
                    )?);
                }
                Ok(Value::Array(values))
            }
            Some(b'{') => self.object(literal, path, depth),
            _ => Ok(Value::Number(literal.to_owned())),
        }
    }

    fn object(&mut self, literal: &'text str, path: &Path, depth: usize) -> Result<Value> {
        let Members(members) = self.parse(literal)?;
        let mut seen = BTreeSet::new();
        let mut values = Vec::with_capacity(members.len());
        for (key, raw) in members {
            let child = path.child(&key);
            if !seen.insert(key.clone()) {
                return Err(ConfigurationError::RepeatedKey { path: self.secrets.shown(&child) });
            }
            let value = self.value(raw, &child, depth.saturating_add(1))?;
            values.push((key, value));
        }
        Ok(Value::Object(values))
    }

    /// Parses a piece of the text. The error of serde_json is replaced: it may quote what it read.
    fn parse<T: Deserialize<'text>>(&self, piece: &'text str) -> Result<T> {
        serde_json::from_str(piece).map_err(|error| {
            // The piece is borrowed from the text, so the distance of their addresses is its place in it.
            let start = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
            let before = self.text.get(..start).unwrap_or_default();
            let lines_before = before.matches('\n').count();
            let columns_before = before.rsplit('\n').next().map_or(0, str::len);
            let column = match error.line() {
                1 => error.column().saturating_add(columns_before),
                _ => error.column(),
            };
            let line = error.line().max(1).saturating_add(lines_before);
            ConfigurationError::Syntax { notation: Notation::Json, line, column }
        })
    }
}

/// The members of an object in their order, repeated keys and all.
struct Members<'text>(Vec<(String, &'text RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

struct Writer<'text> {
    text: &'text mut String,
    indented: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, path: &Path, depth: usize) -> Result<()> {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Boolean(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            Value::Number(literal) => self.text.push_str(literal),
            Value::String(text) => self.text.push_str(&quoted(text)),
            Value::Array(elements) if elements.is_empty() => self.text.push_str("[]"),
            Value::Object(members) if members.is_empty() => self.text.push_str("{}"),
            Value::Array(elements) => {
                self.text.push('[');
                let inside = depth.saturating_add(1);
                for (index, element) in elements.iter().enumerate() {
                    self.separate(index, inside);
                    self.value(element, &path.element(index), inside)?;
                }
                self.line(depth);
                self.text.push(']');
            }
            Value::Object(members) => {
                self.text.push('{');
                let inside = depth.saturating_add(1);
                for (index, (key, member)) in members.iter().enumerate() {
                    self.separate(index, inside);
                    self.text.push_str(&quoted(key));
                    self.text.push_str(if self.indented { ": " } else { ":" });
                    self.value(member, &path.child(key), inside)?;
                }
                self.line(depth);
                self.text.push('}');
            }
            Value::TomlLiteral(_) => {
                let (path, notation) = (path.clone(), Notation::Json);
                return Err(ConfigurationError::NotRepresentable { path, notation });
            }
        }
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.text.push(',');
        }
        self.line(depth);
    }

    fn line(&mut self, depth: usize) {
        if self.indented {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", depth));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAXIMUM_DEPTH;

    fn parsed(text: &str) -> Result<Value> {
        read(text, &SecretPaths::new([["secret"]]))
    }

    #[test]
    fn numbers_and_the_order_of_keys_are_kept_as_written() {
        let text = r#"{"z":1.10,"a":[1e5,-0,18446744073709551616],"":null,"m":{"ü\u0000":"\n"}}"#;
        assert_eq!(write_compact(&parsed(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn indented_json_is_what_femtoclaw_1_writes() {
        let text = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n";
        assert_eq!(write_indented(&parsed(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_repeated_key_is_refused_with_its_path_unless_that_is_secret() {
        let error = parsed(r#"{"a":[{},{"b.c":1,"b.c":2}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "the key a[1].\"b.c\" is given more than once");
        // Two spellings of one key are one key.
        assert!(parsed(r#"{"a":1,"\u0061":2}"#).is_err());
        let error = parsed(r#"{"secret":{"hidden":1,"hidden":2}}"#).unwrap_err();
        assert_eq!(error, ConfigurationError::RepeatedKey { path: Path::from(["secret"]) });
    }

    #[test]
    fn what_is_no_json_is_refused_at_its_line_and_column_without_its_text() {
        for (text, line, column) in [
            ("", 1, 0),
            ("{\"secret\": \"sk-1\"", 1, 17),
            ("{\n  \"secret\": sk-1\n}", 2, 13),
            ("{\"a\": 1}\0\0\0", 1, 9),
            ("{\n \"a\": \"sk-1\\ud800\"}", 2, 18),
            ("\u{feff}{}", 1, 1),
        ] {
            let notation = Notation::Json;
            let error = parsed(text).unwrap_err();
            assert_eq!(error, ConfigurationError::Syntax { notation, line, column }, "{text:?}");
            assert!(!format!("{error} {error:?}").contains("sk-1"));
        }
    }

    #[test]
    fn nesting_beyond_the_bound_is_refused_and_at_the_bound_is_not() {
        let nested = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parsed(&nested(MAXIMUM_DEPTH)).is_ok());
        let bound = MAXIMUM_DEPTH;
        assert_eq!(parsed(&nested(bound + 1)).unwrap_err(), ConfigurationError::TooDeep { bound });
        assert!(parsed(&nested(1_000_000)).is_err());
        assert!(parsed(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn too_long_and_too_many_are_refused() {
        let long = format!("\"{}\"", "a".repeat(crate::MAXIMUM_BYTES));
        assert!(matches!(parsed(&long), Err(ConfigurationError::TooLarge { .. })));
        let many = format!("[0{}]", ",0".repeat(crate::MAXIMUM_VALUES));
        assert!(matches!(parsed(&many), Err(ConfigurationError::TooManyValues { .. })));
    }
}
