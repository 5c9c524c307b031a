//! Back to the JSON of 1.0.x (schema 1), with what was edited since.
//!
//! The TOML as the migration made it and as it is now are both said in the words of 1.0.x. What differs between the two was
//! edited, and goes into the JSON from before; everything else in there stays as it is. At last the JSON is migrated anew,
//! and must become what is there now: so nothing is lost that nobody thought of.

use config_migration::{CARRIED_JSON, Document, Path, Value};
use upgrade::Files;

use super::from_json::json_document;
use super::layouts::Layout;
use super::undo::Undone;
use super::{CARRY_TABLE, CONFIGURATION_FILE, JSON_SCHEMA, SECRETS_FILE, migrate_files, one};
use crate::json_configuration as json;

/// What the file is called where 1.0.x had none.
const DEFAULT_NAME: &str = "config/config.json";

type Members = Vec<(String, Value)>;

/// # Errors
/// Every reason why it cannot be said in the JSON of 1.0.x.
pub(super) fn to_first(
    newer: Layout,
    before: &Files,
    migrated: &Files,
    now: &Files,
) -> Result<Undone, Vec<String>> {
    let found = json_document(before)?;
    let root = found.as_ref().map_or_else(Value::empty_object, |f| f.document.root().clone());
    let own = root.get(&Path::keys([CARRY_TABLE]));
    let (base, theirs) = (in_old_words(newer, migrated, own)?, in_old_words(newer, now, own)?);
    let mut edited = Vec::new();
    let merged = merged(Some(&root), Some(&base), Some(&theirs), &Path::root(), &mut edited);
    let merged = merged.unwrap_or_else(Value::empty_object);
    let mut changes = Vec::new();
    let files = if merged == root {
        before.clone()
    } else {
        let secrets = json::secrets();
        let sentence = |path| format!("{} was edited: carried back", secrets.shown(path));
        changes.extend(edited.iter().map(sentence));
        let text = Document::new(merged, json::secrets()).to_json();
        let text = text.map_err(|error| one(CONFIGURATION_FILE, &error))?;
        let name = found.as_ref().map_or(DEFAULT_NAME, |found| found.name);
        Files::from([(name.to_owned(), text.expose().as_bytes().to_vec())])
    };
    accepted(&files)?;
    leads_here(newer, &files, now)?;
    if now.get(CONFIGURATION_FILE) != migrated.get(CONFIGURATION_FILE) {
        let name = CONFIGURATION_FILE;
        changes.push(format!("comments and layout of {name} have no place in JSON: left out"));
    }
    Ok(Undone { files, changes })
}

/// 1.0.x would take it as it is.
fn accepted(files: &Files) -> Result<(), Vec<String>> {
    let Some(found) = json_document(files)? else { return Ok(()) };
    let complaints = json::complaints(&found.document, found.bytes);
    if complaints.is_empty() {
        return Ok(());
    }
    Err(complaints.into_iter().map(|fault| fault.cause).collect())
}

/// Migrated anew, it is what is there now.
fn leads_here(newer: Layout, files: &Files, now: &Files) -> Result<(), Vec<String>> {
    let again = migrate_files(JSON_SCHEMA, newer.schema, files)?;
    let (again, now) = (contents(newer, &again.files)?, contents(newer, now)?);
    for (name, (again, now)) in
        [CONFIGURATION_FILE, SECRETS_FILE].iter().zip(again.iter().zip(&now))
    {
        if !without_empty(again).same_content(&without_empty(now)) {
            return Err(vec![format!("{name} holds what would be another thing after an upgrade")]);
        }
    }
    Ok(())
}

/// Both documents, with what TOML cannot hold at its place.
fn contents(layout: Layout, files: &Files) -> Result<[Value; 2], Vec<String>> {
    let (configuration, secrets) = layout.documents(files)?;
    let restored = |document: &Document, name| {
        let restored = document.with_carried_restored().map_err(|error| one(name, &error))?;
        Ok::<_, Vec<String>>(restored.root().clone())
    };
    let whole = restored(&configuration, CONFIGURATION_FILE)?;
    for path in layout.configuration().paths() {
        if whole.get(&path) != configuration.get(&path) {
            let reason = format!("holds a value for {path} that is not in force");
            return Err(vec![format!("{CONFIGURATION_FILE}: {CARRIED_JSON} {reason}")]);
        }
    }
    if secrets.get(&Path::keys([CARRIED_JSON])).is_some() {
        return Err(vec![format!("{SECRETS_FILE}: {CARRIED_JSON} is for no secret of 1.0.x")]);
    }
    Ok([whole, secrets.root().clone()])
}

/// Everything where 1.0.x has it. `own` is what 1.0.x itself had under the name of the carry table.
fn in_old_words(layout: Layout, files: &Files, own: Option<&Value>) -> Result<Value, Vec<String>> {
    let [configuration, secrets] = contents(layout, files)?;
    let mut target = Target { reasons: Vec::new(), guarded: false };
    let mut members = Members::new();
    let mut carried = None;
    for (key, value) in into_members(configuration) {
        let key = if key == layout.level[0] { "logging".to_owned() } else { key };
        let value = if key == "storage" { renamed(value, "adopted_from", "path") } else { value };
        match key.as_str() {
            "schema" => {}
            CARRY_TABLE => carried = Some(value),
            _ => target.graft(&mut members, vec![(key, value)], &Path::root()),
        }
    }
    target.graft(&mut members, into_members(secrets), &Path::root());
    target.guarded = true;
    let (kept, carried) = carried.map_or((None, None), |carried| split(carried, own));
    target.graft(&mut members, carried.map(into_members).unwrap_or_default(), &Path::root());
    members.extend(kept.map(|kept| (CARRY_TABLE.to_owned(), kept)));
    if target.reasons.is_empty() { Ok(Value::Object(members)) } else { Err(target.reasons) }
}

/// Puts members where others may be already.
struct Target {
    reasons: Vec<String>,
    /// Whether what is put was not in force: then it must not take the place of a setting.
    guarded: bool,
}

impl Target {
    fn graft(&mut self, members: &mut Members, more: Members, at: &Path) {
        for (key, value) in more {
            let path = at.child(&key);
            let place = members.iter_mut().find(|(name, _)| *name == key).map(|(_, value)| value);
            match (place, value) {
                (place, value)
                    if self.is_taken(&path, &value) || collides(place.as_deref(), &value) =>
                {
                    let shown = json::secrets().shown(&path);
                    let reason = "is something else there";
                    self.reasons
                        .push(format!("{CARRY_TABLE}.{shown} cannot go back: {shown} {reason}"));
                }
                (Some(Value::Object(inner)), Value::Object(more)) => self.graft(inner, more, &path),
                (_, Value::Object(more)) => {
                    let mut inner = Members::new();
                    self.graft(&mut inner, more, &path);
                    members.push((key, Value::Object(inner)));
                }
                (_, value) => members.push((key, value)),
            }
        }
    }

    fn is_taken(&self, path: &Path, value: &Value) -> bool {
        let is_table = value.members().is_some();
        let taken = |known: Path| known == *path || (known.starts_with(path) && !is_table);
        let is_own_table = *path == Path::keys([CARRY_TABLE]);
        self.guarded && (is_own_table || json::paths().into_iter().any(taken))
    }
}

fn collides(place: Option<&Value>, value: &Value) -> bool {
    place.is_some_and(|place| place.members().is_none() || value.members().is_none())
}

/// What 1.0.x itself had in its table of that name, and what the migration put there.
fn split(carried: Value, own: Option<&Value>) -> (Option<Value>, Option<Value>) {
    match (carried, own) {
        (Value::Object(members), Some(Value::Object(owned))) => {
            let (mut kept, mut put) = (Members::new(), Members::new());
            for (key, value) in members {
                let own = owned.iter().find(|(name, _)| *name == key).map(|(_, own)| own);
                let (mine, other) = match own {
                    None => (None, Some(value)),
                    own => split(value, own),
                };
                kept.extend(mine.map(|value| (key.clone(), value)));
                put.extend(other.map(|value| (key, value)));
            }
            (Some(Value::Object(kept)), Some(Value::Object(put)).filter(is_not_empty))
        }
        (carried @ Value::Object(_), None) => (None, Some(carried)),
        (carried, _) => (Some(carried), None),
    }
}

/// `ours`, with whatever differs between `base` and `theirs`.
fn merged(
    ours: Option<&Value>,
    base: Option<&Value>,
    theirs: Option<&Value>,
    path: &Path,
    edited: &mut Vec<Path>,
) -> Option<Value> {
    let unedited = match (base, theirs) {
        (Some(base), Some(theirs)) => base.same_content(theirs),
        (base, theirs) => base.is_none() && theirs.is_none(),
    };
    if unedited {
        return ours.cloned();
    }
    if [ours, base, theirs].iter().flatten().any(|value| value.members().is_none()) {
        edited.push(path.clone());
        return theirs.cloned();
    }
    let members =
        |value: Option<&'_ Value>| value.and_then(Value::members).unwrap_or_default().to_vec();
    let mut keys: Vec<String> = members(ours).into_iter().map(|(key, _)| key).collect();
    keys.extend(
        members(theirs).into_iter().map(|(key, _)| key).filter(|key| member(ours, key).is_none()),
    );
    let mut found = Members::new();
    for key in keys {
        let [ours, base, theirs] = [ours, base, theirs].map(|value| member(value, &key));
        let value = merged(ours, base, theirs, &path.child(&key), edited);
        found.extend(value.map(|value| (key, value)));
    }
    let vanishes = theirs.is_none() || (ours.is_none() && base.is_some());
    (!found.is_empty() || !vanishes).then_some(Value::Object(found))
}

fn member<'value>(value: Option<&'value Value>, key: &str) -> Option<&'value Value> {
    value.and_then(|value| value.get(&Path::keys([key])))
}

fn into_members(value: Value) -> Members {
    match value {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}

fn renamed(value: Value, from: &str, to: &str) -> Value {
    let member = |(key, value)| (if key == from { to.to_owned() } else { key }, value);
    match value {
        Value::Object(members) => Value::Object(members.into_iter().map(member).collect()),
        other => other,
    }
}

fn is_not_empty(value: &Value) -> bool {
    value.members().is_none_or(|members| !members.is_empty())
}

/// The value without tables that hold nothing: they mean nothing, and come and go with what is in them.
fn without_empty(value: &Value) -> Value {
    let Some(members) = value.members() else { return value.clone() };
    let full = members.iter().map(|(key, member)| (key.clone(), without_empty(member)));
    Value::Object(full.filter(|(_, member)| is_not_empty(member)).collect())
}
