//! From schema 2 to schema 3: what is logged is of telemetry. The text is edited in place: comments and order stay.

use config_migration::{Path, Step, Value};
use upgrade::{Files, MigratedConfiguration};

use super::layouts::{SECOND, THIRD, editable};
use super::{CONFIGURATION_FILE, one};

pub(super) fn second_to_third(files: &Files) -> Result<MigratedConfiguration, Vec<String>> {
    SECOND.documents(files)?;
    let number = |layout: super::layouts::Layout| Value::from(i64::from(layout.schema.number()));
    let steps = [
        Step::Translate {
            path: Path::from(["schema"]),
            pairs: vec![(number(SECOND), number(THIRD))],
        },
        Step::relocate(SECOND.level, THIRD.level),
    ];
    let edited = editable(files)?.edit(&steps).map_err(|error| one(CONFIGURATION_FILE, &error))?;
    let changes = edited.migrated.report.changes.iter().map(ToString::to_string).collect();
    let mut files = files.clone();
    files.insert(CONFIGURATION_FILE.to_owned(), edited.text.expose().as_bytes().to_vec());
    THIRD.documents(&files)?;
    Ok(MigratedConfiguration { files, changes, intended: Vec::new() })
}
