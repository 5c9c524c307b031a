//! From schema 2 to schema 3 and back: what is logged is of telemetry. The text is edited in place: comments and order stay.

use config_migration::{Path, Step, Value};
use upgrade::{ConfigurationStretch, Files, MigratedConfiguration};

use super::layouts::{Layout, SECOND, THIRD};
use super::{CONFIGURATION_FILE, one};

pub(super) fn second_to_third(files: &Files) -> Result<MigratedConfiguration, Vec<String>> {
    between(SECOND, THIRD, files)
}

/// From one layout to the other.
pub(super) fn between(
    from: Layout,
    to: Layout,
    files: &Files,
) -> Result<MigratedConfiguration, Vec<String>> {
    from.documents(files)?;
    let number = |layout: Layout| Value::from(i64::from(layout.schema.number()));
    let steps = [
        Step::Translate { path: Path::from(["schema"]), pairs: vec![(number(from), number(to))] },
        Step::relocate(from.level, to.level),
    ];
    let edited =
        from.editable(files)?.edit(&steps).map_err(|error| one(CONFIGURATION_FILE, &error))?;
    let told = edited.migrated.report.changes;
    let changes = told.iter().map(ToString::to_string).collect();
    let mut files = files.clone();
    files.insert(CONFIGURATION_FILE.to_owned(), edited.text.expose().as_bytes().to_vec());
    to.documents(&files)?;
    let stretch = ConfigurationStretch { from: from.schema, to: to.schema, changes: told };
    Ok(MigratedConfiguration { files, changes, stretches: vec![stretch], intended: Vec::new() })
}
