//! The files of a directory, and the dangers in their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use durable::{EntryKind, Operation};
use upgrade::{AdoptionRefusal, Finding, FindingOutcome};

/// A directory with more files than this is not adopted.
pub const MAXIMUM_FILES: usize = 1_000_000;

/// A plain file.
#[derive(Debug, Clone)]
pub(crate) struct PlainFile {
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) executable: bool,
}

/// Lists all files in the order of their paths.
///
/// # Errors
/// What cannot be read; a link, device, pipe or socket; a name that is not UTF-8 or holds control characters.
pub(crate) fn files(directory: &Path) -> Result<Vec<PlainFile>, AdoptionRefusal> {
    let shown = || directory.display().to_string();
    let entries = durable::walk(directory).map_err(|error| match error.operation {
        Operation::Walk => {
            let below = error.path.strip_prefix(directory).unwrap_or(&error.path);
            let first = danger(below, error.source.to_string());
            let mut findings = special_entries(directory);
            if !findings.iter().any(|finding| finding.file == first.file) {
                findings.push(first);
            }
            AdoptionRefusal::Dangerous { path: shown(), findings }
        }
        _ => AdoptionRefusal::Unreadable {
            path: error.path.display().to_string(),
            reason: error.source.to_string(),
        },
    })?;
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.path.to_str() {
            None => findings.push(danger(&entry.path, "the name is not UTF-8".to_owned())),
            Some(path) if path.contains(char::is_control) => {
                let reason = "the name holds control characters".to_owned();
                findings.push(danger(&entry.path, reason));
            }
            Some(path) if entry.kind == EntryKind::File => files.push(PlainFile {
                path: path.to_owned(),
                size: entry.size,
                executable: entry.mode & 0o100 != 0,
            }),
            Some(_) => {}
        }
    }
    if files.len() > MAXIMUM_FILES {
        let reason = format!("{} files, more than {MAXIMUM_FILES}", files.len());
        return Err(AdoptionRefusal::Unreadable { path: shown(), reason });
    }
    if !findings.is_empty() {
        return Err(AdoptionRefusal::Dangerous { path: shown(), findings });
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// At most this many links and devices are named at once.
const MAXIMUM_SPECIAL_ENTRIES: usize = 100;

/// Names everything that is neither a plain file nor a directory, so that all of it can be moved away at once. What cannot
/// be read is passed over here: the walk has reported it, or will.
fn special_entries(directory: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut pending = vec![(PathBuf::new(), 0)];
    while let Some((relative, depth)) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(directory.join(&relative)) else { continue };
        for entry in entries.flatten() {
            let path = relative.join(entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < durable::MAXIMUM_DEPTH {
                pending.push((path, depth + 1));
            } else if !kind.is_dir() && !kind.is_file() {
                let kind = if kind.is_symlink() { "a link" } else { "a device, pipe or socket" };
                findings
                    .push(danger(&path, format!("{kind}: neither a plain file nor a directory")));
            }
        }
    }
    findings.sort();
    findings.truncate(MAXIMUM_SPECIAL_ENTRIES);
    findings
}

fn danger(path: &Path, message: String) -> Finding {
    let file = path.to_string_lossy().escape_debug().to_string();
    Finding { file, line: None, outcome: FindingOutcome::Refused, message }
}

/// Paths that differ in the case of letters only: each with the one before it that it would overwrite on a file system
/// that does not tell them apart.
pub(crate) fn case_collisions(files: &[PlainFile]) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut collisions = BTreeMap::new();
    for file in files {
        if let Some(other) = seen.insert(file.path.to_lowercase(), file.path.clone()) {
            collisions.insert(file.path.clone(), other);
        }
    }
    collisions
}
