//! JSON documents in a strict form: every field once, none that is not known, none that is missing.
//!
//! `serde`'s derived structs take an array for an object and a missing field for `null`, and maps take the last of two equal
//! keys. Two readers could then disagree about what was signed. So documents are read into [`Object`]s first, which refuse
//! repeated keys at any depth, and taken apart field by field.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// What is wrong with the form of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDocument {
    /// Too large to be looked at.
    #[error("{bytes} bytes are too many for this document; the bound is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// It is not JSON, or says something twice.
    #[error("this is not the JSON that it should be: {reason}")]
    Json {
        /// What is wrong, and where.
        reason: String,
    },
    /// A field is not there.
    #[error("the field {field} is missing")]
    Missing {
        /// Which.
        field: String,
    },
    /// A field that is not known.
    #[error("the field {field} is not known")]
    Unknown {
        /// Which.
        field: String,
    },
    /// A field does not hold what it should.
    #[error("the field {field} should be {expected}")]
    Wrong {
        /// Which.
        field: String,
        /// What it should be.
        expected: String,
    },
    /// A list has more entries than it may.
    #[error("the field {field} has {found} entries; the bound is {limit}")]
    TooMany {
        /// Which.
        field: String,
        /// How many.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// A list says the same twice.
    #[error("the field {field} says {entry:?} twice")]
    Twice {
        /// Which.
        field: String,
        /// What.
        entry: String,
    },
}

/// Writes a document: indented, so that people can read what they sign, and ended with a newline.
pub(crate) fn write(document: &impl Serialize) -> Result<Vec<u8>, InvalidDocument> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| InvalidDocument::Json { reason: error.to_string() })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A JSON object that is being taken apart.
pub(crate) struct Object {
    /// Where it stands: empty for the document itself, else a path that ends with a dot.
    path: String,
    fields: Map<String, Value>,
}

impl Object {
    /// Reads a document.
    pub(crate) fn parse(bytes: &[u8], limit: usize) -> Result<Self, InvalidDocument> {
        if bytes.len() > limit {
            return Err(InvalidDocument::TooLarge { bytes: bytes.len(), limit });
        }
        let Strict(value) = serde_json::from_slice(bytes)
            .map_err(|error| InvalidDocument::Json { reason: error.to_string() })?;
        match value {
            Value::Object(fields) => Ok(Self { path: String::new(), fields }),
            _ => Err(InvalidDocument::Json { reason: "it is not an object".to_owned() }),
        }
    }

    /// Takes a field.
    pub(crate) fn take(&mut self, name: &str) -> Result<Field, InvalidDocument> {
        let path = format!("{}{name}", self.path);
        match self.fields.remove(name) {
            Some(value) => Ok(Field { path, value }),
            None => Err(InvalidDocument::Missing { field: path }),
        }
    }

    /// Refuses whatever was not taken.
    pub(crate) fn finish(self) -> Result<(), InvalidDocument> {
        match self.fields.keys().next() {
            Some(name) => Err(InvalidDocument::Unknown { field: format!("{}{name}", self.path) }),
            None => Ok(()),
        }
    }
}

/// A field that was taken from an [`Object`].
pub(crate) struct Field {
    path: String,
    value: Value,
}

impl Field {
    pub(crate) fn wrong(&self, expected: impl Into<String>) -> InvalidDocument {
        InvalidDocument::Wrong { field: self.path.clone(), expected: expected.into() }
    }

    /// `None` for `null`.
    pub(crate) fn nullable(self) -> Option<Self> {
        if self.value.is_null() { None } else { Some(self) }
    }

    pub(crate) fn object(self) -> Result<Object, InvalidDocument> {
        match self.value {
            Value::Object(fields) => Ok(Object { path: format!("{}.", self.path), fields }),
            _ => Err(self.wrong("an object")),
        }
    }

    pub(crate) fn number(&self) -> Result<u64, InvalidDocument> {
        self.value.as_u64().ok_or_else(|| self.wrong("a whole number"))
    }

    pub(crate) fn text(&self) -> Result<&str, InvalidDocument> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    /// A text that must be exactly this one.
    pub(crate) fn must_be(&self, text: &str) -> Result<(), InvalidDocument> {
        if self.text()? == text { Ok(()) } else { Err(self.wrong(format!("{text:?}"))) }
    }

    /// A text that is the one spelling of a value. Others are refused: a time can be written in many ways, and readers who
    /// compare texts would disagree.
    pub(crate) fn parsed<T>(&self) -> Result<T, InvalidDocument>
    where
        T: FromStr<Err: fmt::Display> + fmt::Display,
    {
        let text = self.text()?;
        let parsed: T =
            text.parse().map_err(|error: T::Err| self.wrong(format!("another text: {error}")))?;
        let expected = parsed.to_string();
        if expected == text { Ok(parsed) } else { Err(self.wrong(format!("spelled {expected}"))) }
    }

    /// A text for people or machines that prints on one line.
    pub(crate) fn line(&self, limit: usize) -> Result<String, InvalidDocument> {
        let text = self.text()?;
        if text.len() > limit || text.contains(char::is_control) {
            return Err(
                self.wrong(format!("a text of at most {limit} bytes without control characters"))
            );
        }
        Ok(text.to_owned())
    }

    pub(crate) fn list(self, limit: usize) -> Result<Vec<Self>, InvalidDocument> {
        let Value::Array(values) = self.value else {
            let expected = "a list".to_owned();
            return Err(InvalidDocument::Wrong { field: self.path, expected });
        };
        if values.len() > limit {
            let (field, found) = (self.path, values.len());
            return Err(InvalidDocument::TooMany { field, found, limit });
        }
        let name = |index: usize| format!("{}[{index}]", self.path);
        Ok(values
            .into_iter()
            .enumerate()
            .map(|(index, value)| Self { path: name(index), value })
            .collect())
    }

    /// A list that says nothing twice.
    pub(crate) fn set<T: Ord + fmt::Display>(
        self,
        limit: usize,
        read: impl Fn(&Self) -> Result<T, InvalidDocument>,
    ) -> Result<BTreeSet<T>, InvalidDocument> {
        let path = self.path.clone();
        let mut set = BTreeSet::new();
        for entry in self.list(limit)? {
            let value = read(&entry)?;
            if set.contains(&value) {
                return Err(InvalidDocument::Twice { field: path, entry: value.to_string() });
            }
            set.insert(value);
        }
        Ok(set)
    }
}

/// Any JSON value in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name:?} stands there twice")));
            }
            let Strict(value) = map.next_value()?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
