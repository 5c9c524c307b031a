//! What is done to every record: the same function for everybody.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the cheap transform appends, the closing brace included.
const APPENDED: &[u8] = b",\"revision\":2,\"origin\":\"migrated\"}";

/// A value that is no JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnObject;

impl std::fmt::Display for NotAnObject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the value is no JSON object")
    }
}

impl std::error::Error for NotAnObject {}

/// How a value is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// Two fields are appended to the bytes: shows what everything but the transform costs.
    Cheap,
    /// Parsed, a key renamed, two added, printed: what most migrations do.
    Heavy,
}

impl Transform {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cheap, Self::Heavy];

    /// As it is called in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::Heavy => "heavy",
        }
    }

    /// Appends the new value to a buffer.
    ///
    /// # Errors
    /// If the old one is no JSON object.
    pub fn apply_to(self, value: &[u8], new: &mut Vec<u8>) -> Result<(), NotAnObject> {
        match self {
            Self::Cheap => cheap(value, new),
            Self::Heavy => heavy(value, new),
        }
    }

    /// As [`Transform::apply_to`], for whoever takes the value away.
    ///
    /// # Errors
    /// If the old one is no JSON object.
    pub fn apply(self, value: &[u8]) -> Result<Vec<u8>, NotAnObject> {
        let mut new = Vec::with_capacity(value.len() + APPENDED.len());
        self.apply_to(value, &mut new)?;
        Ok(new)
    }
}

fn cheap(value: &[u8], new: &mut Vec<u8>) -> Result<(), NotAnObject> {
    new.extend_from_slice(value.strip_suffix(b"}").ok_or(NotAnObject)?);
    new.extend_from_slice(APPENDED);
    Ok(())
}

fn heavy(value: &[u8], new: &mut Vec<u8>) -> Result<(), NotAnObject> {
    let mut object: Map<String, Value> = serde_json::from_slice(value).map_err(|_| NotAnObject)?;
    let text = object.remove("text").ok_or(NotAnObject)?;
    object.insert("body".to_owned(), text);
    object.insert("revision".to_owned(), Value::from(2));
    object.insert("origin".to_owned(), Value::from("migrated"));
    serde_json::to_writer(new, &object).map_err(|_| NotAnObject)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = br#"{"account":1,"text":"a b"}"#;

    #[test]
    fn both_add_two_fields_and_one_renames() {
        let parse = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
        let cheap = parse(Transform::Cheap.apply(OLD).unwrap());
        let heavy = parse(Transform::Heavy.apply(OLD).unwrap());
        let added =
            serde_json::json!({"account": 1, "text": "a b", "revision": 2, "origin": "migrated"});
        let renamed =
            serde_json::json!({"account": 1, "body": "a b", "revision": 2, "origin": "migrated"});
        assert_eq!((cheap, heavy), (added, renamed));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for transform in Transform::ALL {
            assert_eq!(transform.apply(b"[1"), Err(NotAnObject), "{}", transform.name());
        }
    }
}
