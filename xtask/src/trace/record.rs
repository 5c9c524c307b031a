//! Records that one command leaves for another.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a record.
///
/// # Errors
/// If there is none, or it has another shape: a sentence that names it.
pub(super) fn load<T: DeserializeOwned>(directory: &Path, name: &str) -> Result<T, String> {
    let text = std::fs::read_to_string(directory.join(name));
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))
}

/// Writes a record, with a line for each of its parts, so that versions of it can be compared.
///
/// # Errors
/// If it cannot be written: a sentence that names it.
pub(super) fn save(directory: &Path, name: &str, record: &impl Serialize) -> Result<(), String> {
    let path = directory.join(name);
    let write = || {
        std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
        std::fs::write(&path, serde_json::to_string_pretty(record)? + "\n")
    };
    write().map_err(|error| format!("{name}: {error}"))
}
