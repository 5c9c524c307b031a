//! The index of extensions.

use std::collections::BTreeMap;

use integrity::Digest;
use serde_json::Value;

use super::report::Report;
use crate::json::Fields;
use crate::manifest::is_plain_component;
use crate::members::{find, line_at, members, repeated};

/// Largest index that is read, in bytes.
pub const MAXIMUM_INDEX_BYTES: u64 = 16 << 20;

/// The keys under which the entries lie, by layout.
const LAYOUTS: [&str; 2] = ["talons", "skills"];

/// An index that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an index of extensions: {0}")]
pub struct IndexError(pub String);

/// An index that cannot be read, and the line that says so.
pub(crate) struct IndexFault {
    pub(crate) line: Option<u64>,
    pub(crate) error: IndexError,
}

impl From<IndexError> for IndexFault {
    fn from(error: IndexError) -> Self {
        Self { line: None, error }
    }
}

/// The digest of what an index says. FemtoClaw writes its keys in another order each time, so the digest of its bytes
/// would change although nothing did.
///
/// # Errors
/// If it is not JSON.
pub fn index_digest(bytes: &[u8]) -> Result<Digest, IndexError> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| IndexError(error.to_string()))?;
    let canonical =
        serde_json::to_vec(&sorted(&value)).map_err(|error| IndexError(error.to_string()))?;
    Ok(Digest::of(&canonical))
}

/// The same value with every object's keys sorted. Recursion is bounded by the parser's own limit of 128 levels.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The names in an index, each with what it says about the place of the extension.
pub(crate) struct Index {
    pub(crate) entries: BTreeMap<String, Option<String>>,
}

/// Reads an index and notes what is odd about its entries. An error sets the index aside.
pub(crate) fn check(bytes: &[u8], report: &mut Report) -> Result<Index, IndexFault> {
    let mut fields = Fields::read(bytes).map_err(|error| IndexError(error.to_string()))?;
    let layouts: Vec<&'static str> =
        LAYOUTS.into_iter().filter(|layout| fields.has(layout)).collect();
    let [layout] = layouts.as_slice() else {
        return Err(several_lists(bytes, &layouts));
    };
    let list = fields.value(layout).map_or("{}", serde_json::value::RawValue::get);
    if let Some(member) = repeated(&members(list.as_bytes())) {
        let start = find(bytes, &[layout]).map_or(0, |list| list.value);
        let error = IndexError(format!("the entry {:?} is there more than once", member.key));
        return Err(IndexFault { line: Some(line_at(bytes, start + member.at)), error });
    }
    let list = Fields::read(list.as_bytes()).map_err(|error| IndexError(error.to_string()))?;
    let names: Vec<String> = list.names().map(str::to_owned).collect();
    let mut index = Index { entries: BTreeMap::new() };
    for key in names {
        let line = Some(line_of(bytes, &key));
        let Some(entry) = list.entry(&key) else { continue };
        let mut entry = Fields::read(entry.as_bytes()).map_err(|error| IndexFault {
            line,
            error: IndexError(format!("the entry {key:?}: {error}")),
        })?;
        let text = |fields: &mut Fields<'_>, name| fields.optional_text(name).ok().flatten();
        let name = text(&mut entry, "name").unwrap_or_else(|| key.clone());
        for name in [&key, &name] {
            if !is_plain_component(name) {
                report.refused(
                    line,
                    format!("the name {name:?} is not a single plain path component"),
                );
                break;
            }
        }
        if name != key {
            report.kept(line, format!("the entry {key:?} says that its name is {name:?}"));
        }
        let path = text(&mut entry, "path");
        if let Some(path) = &path {
            let elsewhere = path.split('/').any(|component| component == "..")
                || path.trim_end_matches('/').rsplit('/').next() != Some(key.as_str());
            if elsewhere {
                report.kept(line, format!("the entry {key:?} points elsewhere: {path:?}"));
            }
        }
        index.entries.insert(key, path);
    }
    Ok(index)
}

/// More than one list of extensions, or none: the fault is at the last one.
fn several_lists(bytes: &[u8], layouts: &[&str]) -> IndexFault {
    let last = layouts.iter().filter_map(|layout| find(bytes, &[layout])).map(|list| list.at).max();
    let error = IndexError(match layouts {
        [] => "it has no list of extensions".to_owned(),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            format!("it has both {}, and nothing says which list counts", names.join(" and "))
        }
    });
    IndexFault { line: last.map(|at| line_at(bytes, at)), error }
}

/// The line where a key is first written.
fn line_of(bytes: &[u8], key: &str) -> u64 {
    let wanted = serde_json::to_vec(key).unwrap_or_default();
    let at = bytes.windows(wanted.len().max(1)).position(|window| window == wanted).unwrap_or(0);
    let before = bytes.get(..at).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_depends_on_the_meaning_not_on_the_order_of_keys() {
        let one = index_digest(br#"{"talons":{"a":{"name":"a","tags":[1,2]}},"version":"1.0"}"#);
        let two = index_digest(br#"{"version":"1.0", "talons":{"a":{"tags":[1,2],"name":"a"}}}"#);
        let other = index_digest(br#"{"version":"1.0", "talons":{"a":{"tags":[2,1],"name":"a"}}}"#);
        assert_eq!(one, two);
        assert_ne!(one, other);
        assert!(index_digest(b"{").is_err());
    }
}
