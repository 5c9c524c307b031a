//! Reading JSON strictly, with the path of whatever is wrong.
//!
//! An object that gives a key twice is refused: two readers could take it for two different policies.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{CapabilityError, Result};

/// Reads a whole document.
pub(crate) fn parse(file: &'static str, text: &str) -> Result<Value> {
    let not_json =
        |error: serde_json::Error| CapabilityError::NotJson { file, reason: error.to_string() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut deserializer).map_err(not_json)?;
    deserializer.end().map_err(not_json)?;
    Ok(value)
}

/// Any value, with the keys of each object given once.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Strict)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            let value = object.next_value_seed(Strict)?;
            if map.contains_key(&key) {
                let twice = format!("the key {key:?} is given twice");
                return Err(serde::de::Error::custom(twice));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) file: &'static str,
    path: String,
}

impl<'a> Node<'a> {
    pub(crate) fn root(file: &'static str, value: &'a Value) -> Self {
        Self { value, file, path: String::new() }
    }

    /// The error that says what is needed here.
    pub(crate) fn needs(&self, expected: impl Into<String>) -> CapabilityError {
        let path = if self.path.is_empty() { "its top" } else { self.path.as_str() };
        CapabilityError::Field {
            file: self.file,
            path: path.to_owned(),
            expected: expected.into(),
            found: describe(self.value),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.needs("a text"))
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.needs("true or false"))
    }

    pub(crate) fn list(&self) -> Result<Vec<Node<'a>>> {
        let items = self.value.as_array().ok_or_else(|| self.needs("a list"))?;
        let node = |(index, value)| Node {
            value,
            file: self.file,
            path: format!("{}[{index}]", self.path),
        };
        Ok(items.iter().enumerate().map(node).collect())
    }

    pub(crate) fn fields(&self) -> Result<Fields<'a>> {
        let map = self.value.as_object().ok_or_else(|| self.needs("an object"))?;
        Ok(Fields { node: self.clone(), map, taken: BTreeSet::new() })
    }
}

/// The fields of an object, and which of them have been read.
pub(crate) struct Fields<'a> {
    node: Node<'a>,
    map: &'a Map<String, Value>,
    taken: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.taken.insert(name);
        let value = self.map.get(name)?;
        let dot = if self.node.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{name}", self.node.path);
        Some(Node { value, file: self.node.file, path })
    }

    pub(crate) fn required(&mut self, name: &'static str) -> Result<Node<'a>> {
        self.optional(name).ok_or_else(|| self.node.needs(format!("a field {name:?}")))
    }

    /// What was not asked for.
    pub(crate) fn rest(self) -> Map<String, Value> {
        let unknown = |(name, _): &(&String, &Value)| !self.taken.contains(name.as_str());
        self.map.iter().filter(unknown).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Refuses whatever was not asked for.
    pub(crate) fn nothing_else(self) -> Result<()> {
        let node = self.node.clone();
        match self.rest().keys().next() {
            Some(name) => Err(node.needs(format!("no field {name:?}"))),
            None => Ok(()),
        }
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => format!("the number {value}"),
        Value::String(value) => format!("the text {value:?}"),
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_given_twice_is_refused() {
        let error = parse("policies", r#"[{"effect":"Deny","effect":"Allow"}]"#).unwrap_err();
        assert!(error.to_string().contains("\"effect\" is given twice"), "{error}");
    }

    #[test]
    fn what_follows_the_document_is_refused() {
        parse("policies", "[] []").unwrap_err();
    }
}
