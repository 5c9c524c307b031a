//! From the JSON of 1.0.x (schema 1) to TOML with the secrets in a file of their own (schema 2).

use config_migration::{
    Document, DocumentName, Documents, IntendedDifference, Path, Step, Value, migrate, to_toml,
};
use upgrade::{ConfigurationStretch, Files, MigratedConfiguration};

use super::layouts::SECOND;
use super::{
    CARRY_TABLE, CONFIGURATION_FILE, DEFAULT_BACKEND, DEFAULT_LEVEL, SECRETS_FILE, STORAGE_PATH,
    one,
};
use crate::json_configuration as json;

/// The only configuration of schema 1, and its file.
pub(super) struct Found<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) document: Document,
}

/// Reads the only document of schema 1. None if there is no file, which 1.0.x takes for the defaults.
pub(super) fn json_document(files: &Files) -> Result<Option<Found<'_>>, Vec<String>> {
    let mut named = files.iter();
    let Some((name, bytes)) = named.next() else { return Ok(None) };
    if files.len() > 1 {
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let names = names.join(", ");
        return Err(vec![
            format!("there are {} configurations: {names}", files.len()),
            "nothing says which one counts; keep one and adopt the directory again".to_owned(),
        ]);
    }
    let document = json::read(bytes).map_err(|fault| vec![fault.at(name)])?;
    Ok(Some(Found { name, bytes, document }))
}

pub(super) fn json_to_toml(files: &Files) -> Result<MigratedConfiguration, Vec<String>> {
    let mut changes = Vec::new();
    let found = json_document(files)?;
    if let Some(found) = &found {
        let complaints = json::complaints(&found.document, found.bytes);
        if !complaints.is_empty() {
            return Err(complaints.iter().map(|fault| fault.at(found.name)).collect());
        }
    } else {
        changes.push("there is no configuration, so the defaults of 1.0.3 are written".to_owned());
    }
    // What is refused from here on is refused in the words of the file that the user has.
    let source = found.as_ref().map_or("the defaults", |found| found.name);
    let root = found.as_ref().map_or_else(Value::empty_object, |f| f.document.root().clone());
    let root = json::without_unset(root, &mut changes);
    let schema = SECOND.configuration();
    let retire = |path: Path| Step::Retire { path, under: CARRY_TABLE.to_owned() };
    let steps = [
        // 1.0.3 does not know them, and what 2.0.0 calls so is something else.
        retire(["schema"].into()),
        retire(["storage", "adopted_from"].into()),
        Step::set_default(["schema"], 2),
        Step::move_secret(["brain", "api_key"], ["brain", "api_key"]),
        Step::relocate(["storage", "path"], ["storage", "adopted_from"]),
        Step::carry(schema.paths(), CARRY_TABLE),
        Step::set_default(["brain", "backend"], DEFAULT_BACKEND),
        Step::set_default(["logging", "level"], DEFAULT_LEVEL),
    ];
    let before = Documents::new(Document::new(root, json::secrets()));
    let migrated = migrate(&before, &steps).map_err(|error| one(source, &error))?;
    let mut told = migrated.report.changes.clone();
    changes.extend(told.iter().map(ToString::to_string));
    let mut files = Files::new();
    let parts = [
        (CONFIGURATION_FILE, DocumentName::Configuration, "The configuration of FemtoClaw."),
        (SECRETS_FILE, DocumentName::Secrets, "The secrets of FemtoClaw. Keep this file private."),
    ];
    for (file, name, header) in parts {
        let document = migrated.documents.document(name);
        if document.root().members().is_none_or(<[_]>::is_empty) {
            continue;
        }
        let written = to_toml(document, name, &[header]).map_err(|error| one(source, &error))?;
        changes.extend(written.changes.iter().map(ToString::to_string));
        told.extend(written.changes);
        files.insert(file.to_owned(), written.text.expose().as_bytes().to_vec());
    }
    SECOND.documents(&files).map_err(|reasons| {
        let reason = |reason| format!("{source}: what becomes of it is not valid: {reason}");
        reasons.into_iter().map(reason).collect::<Vec<_>>()
    })?;
    let intended = vec![IntendedDifference {
        field: STORAGE_PATH.to_owned(),
        after: None,
        reason: "the home decides where the store is".to_owned(),
    }];
    let (from, to) = (super::JSON_SCHEMA, SECOND.schema);
    let stretches = vec![ConfigurationStretch { from, to, changes: told }];
    Ok(MigratedConfiguration { files, changes, stretches, intended })
}
