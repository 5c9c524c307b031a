//! JSON without loss: objects whose values keep the text that was written.
//!
//! Reading a value and printing it again changes data: big integers become floats, `1.10` becomes `1.1`, repeated keys
//! collapse. So what is decoded here keeps the literal text of every value that it does not need to understand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why some bytes are not the object that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Not UTF-8.
    #[error("the bytes are not UTF-8")]
    NotUtf8,
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// A field that must be there is not.
    #[error("there is no field `{0}`")]
    Missing(&'static str),
    /// A field is there twice, so that nobody can say which is meant.
    #[error("the field `{0}` is there more than once")]
    Repeated(String),
    /// A field is not what it must be.
    #[error("the field `{field}` is not {expected}")]
    Unexpected {
        /// Its name.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

/// The fields of a JSON object in the order in which they were written, each value as its text.
#[derive(Debug)]
pub struct Fields<'a> {
    fields: Vec<(String, &'a RawValue)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// Bytes that are no JSON object, or one that repeats a field.
    pub fn read(bytes: &'a [u8]) -> Result<Self, FieldError> {
        let text = std::str::from_utf8(bytes).map_err(|_| FieldError::NotUtf8)?;
        let object: Object<'a> = serde_json::from_str(text)
            .map_err(|error| FieldError::NotAnObject(error.to_string()))?;
        let mut names: Vec<&str> = object.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [first, second] = pair
                && first == second
            {
                return Err(FieldError::Repeated((*first).to_owned()));
            }
        }
        Ok(Self { fields: object.0, known: Vec::new() })
    }

    /// Whether a field is there.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// The names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The text of a field whatever its name.
    pub(crate) fn entry(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        Some(value.get())
    }

    /// The text of a field, unless it is absent or null. From now on the field counts as known.
    pub fn value(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.known.push(name);
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        (value.get() != "null").then_some(*value)
    }

    /// A string that must be there.
    ///
    /// # Errors
    /// If it is absent or not a string.
    pub fn text(&mut self, name: &'static str) -> Result<String, FieldError> {
        self.optional_text(name)?.ok_or(FieldError::Missing(name))
    }

    /// A string that may be absent or null.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, FieldError> {
        let unexpected = |_| FieldError::Unexpected { field: name, expected: "a string" };
        self.value(name)
            .map(|value| serde_json::from_str(value.get()))
            .transpose()
            .map_err(unexpected)
    }

    /// A whole number that must be there.
    ///
    /// # Errors
    /// If it is absent, not a number, negative or beyond 64 bits.
    pub fn number(&mut self, name: &'static str) -> Result<u64, FieldError> {
        let value = self.value(name).ok_or(FieldError::Missing(name))?;
        let expected = "a whole number of at most 64 bits";
        value.get().parse().map_err(|_| FieldError::Unexpected { field: name, expected })
    }

    /// Any value that may be absent or null, its text without white space between tokens.
    pub fn any(&mut self, name: &'static str) -> Option<Box<RawValue>> {
        self.value(name).and_then(compact)
    }

    /// True or false, which must be there.
    ///
    /// # Errors
    /// If it is absent or neither.
    pub fn boolean(&mut self, name: &'static str) -> Result<bool, FieldError> {
        let expected = "true or false";
        match self.value(name).ok_or(FieldError::Missing(name))?.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(FieldError::Unexpected { field: name, expected }),
        }
    }

    /// A list of objects that must be there.
    ///
    /// # Errors
    /// If it is absent or not a list, or what is wrong with the first item that is not such an object.
    pub fn list<T: crate::RecordKind>(&mut self, name: &'static str) -> Result<Vec<T>, FieldError> {
        let value = self.value(name).ok_or(FieldError::Missing(name))?;
        let unexpected = |_| FieldError::Unexpected { field: name, expected: "a list" };
        let items: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(unexpected)?;
        items.iter().map(|item| Ok(T::read(item.get().as_bytes())?.0)).collect()
    }

    /// The names of the fields that nobody asked for.
    pub fn unknown(&self) -> Vec<String> {
        let known = |name: &str| self.known.contains(&name);
        self.names().filter(|name| !known(name)).map(str::to_owned).collect()
    }
}

struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(entry);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// The same value without white space between its tokens. Strings, number literals and the order of fields stay.
///
/// `None` never comes of a value that was read; the type says so because only parsing makes a [`RawValue`].
pub(crate) fn compact(value: &RawValue) -> Option<Box<RawValue>> {
    let mut text = String::with_capacity(value.get().len());
    let (mut in_string, mut escaped) = (false, false);
    for character in value.get().chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            in_string = character == '"';
        }
        text.push(character);
    }
    RawValue::from_string(text).ok()
}

/// How many number literals in a valid JSON text would be printed differently after being read as a number.
pub(crate) fn altered_numbers(json: &[u8]) -> u64 {
    let mut altered = 0;
    let (mut in_string, mut escaped) = (false, false);
    let mut literal = Vec::new();
    for byte in json.iter().copied().chain([b' ']) {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        let part_of_number = byte.is_ascii_digit()
            || byte == b'-'
            || (!literal.is_empty() && matches!(byte, b'+' | b'.' | b'e' | b'E'));
        if part_of_number {
            literal.push(byte);
            continue;
        }
        altered += u64::from(!literal.is_empty() && is_altered(&literal));
        literal.clear();
        in_string = byte == b'"';
    }
    altered
}

fn is_altered(literal: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(literal) else { return true };
    if text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
        || text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
    {
        return false;
    }
    let printed = text.parse::<f64>().ok().and_then(|number| serde_json::to_string(&number).ok());
    printed.as_deref() != Some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_keep_their_literal_text() {
        let mut fields = Fields::read(
            br#"{"a": {"big": 123456789012345678901234567890, "x": 1.10}, "b": null}"#,
        )
        .unwrap();
        let value = fields.any("a").unwrap();
        assert_eq!(value.get(), r#"{"big":123456789012345678901234567890,"x":1.10}"#);
        assert!(fields.any("b").is_none());
        assert!(fields.unknown().is_empty());
    }

    #[test]
    fn a_repeated_field_is_refused_because_nobody_knows_which_is_meant() {
        let error = Fields::read(br#"{"id":1,"id":2}"#).unwrap_err();
        assert_eq!(error, FieldError::Repeated("id".to_owned()));
    }

    #[test]
    fn number_literals_that_printing_would_change_are_counted() {
        let counted = |text: &str| altered_numbers(text.as_bytes());
        assert_eq!(counted("[1, -7, 0.1, 18446744073709551615, 2.5]"), 0);
        assert_eq!(counted("[1.10, 1e5, 18446744073709551616, -0, 0.10]"), 5);
        assert_eq!(counted(r#"{"1.10": "1e5 \" 1.10"}"#), 0);
        assert_eq!(counted("1.10"), 1);
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let mut fields = Fields::read(deep.as_bytes()).unwrap();
        assert_eq!(fields.any("a").unwrap().get().len(), 200_000);
    }

    proptest! {
        #[test]
        fn only_objects_are_read_and_every_field_of_them(
            bytes: Vec<u8>, text in r#"\{("[ab]":([0-9.-]{1,3}|"\\?[ab"]"|[{\[\]}]{1,3}),?){0,3}\}"#,
        ) {
            for bytes in [&bytes, text.as_bytes()] {
                if let Ok(fields) = Fields::read(bytes) {
                    let parsed = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(bytes);
                    let names = parsed.unwrap().into_keys().collect::<Vec<_>>();
                    let mut found = fields.names().collect::<Vec<_>>();
                    found.sort_unstable();
                    prop_assert_eq!(found, names);
                }
                prop_assert!(altered_numbers(bytes) <= bytes.len() as u64);
            }
        }
    }
}
