//! What TOML cannot hold, carried as JSON text beside the rest.

use std::collections::BTreeMap;

use crate::{ConfigurationError, MAXIMUM_DEPTH, Path, Result, SecretPaths, Segment, Value, json};

/// The top-level table of a TOML document that carries, as JSON text, the values that TOML cannot hold exactly.
///
/// Each entry is keyed by the path of its value: `"brain.model" = { position = 1, json = "null" }`.
pub const CARRIED_JSON: &str = "carried_json";

/// The key of an entry that says at which position of its table the value was.
pub(crate) const POSITION: &str = "position";

/// The key of an entry that holds the JSON text.
pub(crate) const JSON: &str = "json";

/// One value that is carried.
#[derive(Clone)]
pub(crate) struct Carried {
    pub(crate) path: Path,
    pub(crate) position: usize,
    pub(crate) json: String,
}

/// Puts what is carried back to its place, and takes the table away.
///
/// # Errors
/// `InvalidCarried`, `NotATable`.
pub(crate) fn restore(root: &Value) -> Result<Value> {
    let Value::Object(members) = root else { return Ok(root.clone()) };
    let Some(table) = root.get(&Path::keys([CARRIED_JSON])) else { return Ok(root.clone()) };
    let others = members.iter().filter(|(key, _)| key != CARRIED_JSON).cloned();
    let mut restored = Value::Object(others.collect());
    let entries = table
        .members()
        .ok_or_else(|| ConfigurationError::InvalidCarried { path: Path::keys([CARRIED_JSON]) })?;
    let mut by_parent: BTreeMap<Path, Vec<(usize, String, Value)>> = BTreeMap::new();
    for (key, entry) in entries {
        let (parent, name, position, value) = read_entry(key, entry)
            .ok_or_else(|| ConfigurationError::InvalidCarried { path: invalid_entry(key) })?;
        by_parent.entry(parent).or_default().push((position, name, value));
    }
    for (parent, mut missing) in by_parent {
        missing.sort_by_key(|(position, _, _)| *position);
        create_tables(&mut restored, &parent)?;
        let members = restored.members_mut(&parent)?;
        *members = merged(std::mem::take(members), missing);
    }
    Ok(restored)
}

/// The entry's path, unless it could be anything.
fn invalid_entry(key: &str) -> Path {
    Path::keys([CARRIED_JSON]).child(key)
}

fn read_entry(key: &str, entry: &Value) -> Option<(Path, String, usize, Value)> {
    let path: Path = key.parse().ok()?;
    let only_keys = path.segments().iter().all(|segment| matches!(segment, Segment::Key(_)));
    if !only_keys || path.segments().len() > MAXIMUM_DEPTH {
        return None;
    }
    let (parent, name) = path.split_last()?;
    let position = entry.get(&Path::keys([POSITION]))?.as_integer()?;
    let text = entry.get(&Path::keys([JSON]))?.as_str()?;
    let value = json::read(text, &SecretPaths::none()).ok()?;
    Some((parent, name.to_owned(), usize::try_from(position).ok()?, value))
}

/// The tables are there, unless somebody took them away since.
fn create_tables(root: &mut Value, path: &Path) -> Result<()> {
    let mut current = Path::root();
    for segment in path.segments() {
        let Segment::Key(key) = segment else { continue };
        current = current.child(key);
        if root.get(&current).is_none() {
            root.attach(&current, usize::MAX, Value::empty_object())?;
        }
    }
    Ok(())
}

/// Both lists as one: what is carried stands at its position again, unless its key was given a value since.
fn merged(
    live: Vec<(String, Value)>,
    missing: Vec<(usize, String, Value)>,
) -> Vec<(String, Value)> {
    let mut taken: std::collections::BTreeSet<String> =
        live.iter().map(|(key, _)| key.clone()).collect();
    let mut live = live.into_iter();
    let mut members = Vec::with_capacity(taken.len().saturating_add(missing.len()));
    for (position, key, value) in missing {
        if taken.insert(key.clone()) {
            let ahead = position.saturating_sub(members.len());
            members.extend(live.by_ref().take(ahead));
            members.push((key, value));
        }
    }
    members.extend(live);
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    fn restored(text: &str) -> Result<Document> {
        Document::from_toml(text, SecretPaths::none()).unwrap().with_carried_restored()
    }

    #[test]
    fn what_a_person_filled_in_since_is_not_overwritten() {
        let text = "[brain]\nmodel = \"new\"\n[carried_json]\n\"brain.model\" = { position = 0, json = \"null\" }\n";
        let model = Path::from(["brain", "model"]);
        assert_eq!(restored(text).unwrap().get(&model).unwrap().as_str(), Some("new"));
    }

    #[test]
    fn an_entry_changed_by_hand_is_refused_without_its_text() {
        for entry in [
            "x = 1",
            "x = { position = 0 }",
            "x = { position = -1, json = \"1\" }",
            "x = { position = 0, json = \"sk-1\" }",
            "\"x..y\" = { position = 0, json = \"1\" }",
            "\"x[0]\" = { position = 0, json = \"1\" }",
            "\".\" = { position = 0, json = \"1\" }",
        ] {
            let error = restored(&format!("[carried_json]\n{entry}\n")).unwrap_err();
            assert!(matches!(error, ConfigurationError::InvalidCarried { .. }), "{entry}");
            assert!(!format!("{error} {error:?}").contains("sk-1"));
        }
        assert!(restored("carried_json = 1\n").is_err());
        assert!(
            restored("a = 1\n[carried_json]\n\"a.b\" = { position = 0, json = \"1\" }\n").is_err()
        );
    }
}
