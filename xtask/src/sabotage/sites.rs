//! Every place where the product makes something durable has a planted bug that leaves it out, or a reason why it has none.
#![cfg(test)]

use std::fs;
use std::path::Path;

use super::plant::find;
use super::planted;
use crate::runner::workspace_root;
use crate::tidy::only_code;

/// The crates whose syncs are ours.
const CRATES: [&str; 7] =
    ["cli", "durable", "journal", "release", "rollback", "storage-migration", "upgrade"];

/// What makes something durable. Removing a tree ends with a sync too, which is planted where it is defined.
const DURABLE: [&str; 11] = [
    "persist",
    "rename",
    "replace_file",
    "replace_files",
    "sync_all",
    "sync_data",
    "sync_directory",
    "sync_parent",
    "sync_tree",
    "write_file",
    "write_synced",
];

/// Why what is not in a home has no planted bug.
const BESIDE: &str = "of a file that somebody asked for, beside the home, which never refers to it";

/// Places that have no planted bug, and why.
const EXEMPT: [(&str, &str, &str); 14] = [
    ("crates/cli/src/going_back.rs", "file.sync_all().map(|()| done).map_err(failed)", BESIDE),
    (
        "crates/cli/src/trust/files.rs",
        "file.write_all(bytes).and_then(|()| file.sync_all());",
        BESIDE,
    ),
    (
        "crates/cli/src/trust/files.rs",
        "file.write_all(&more.to_bytes()).and_then(|()| file.sync_all())",
        BESIDE,
    ),
    ("crates/release/src/pack.rs", "durable::rename(&temporary, output)?", BESIDE),
    ("crates/release/src/pack.rs", "file.sync_all().map_err(", BESIDE),
    ("crates/release/src/unpack.rs", "durable::sync_tree(directory)?;", BESIDE),
    ("crates/release/src/unpack.rs", "durable::sync_directory(parent(directory))?;", BESIDE),
    (
        "crates/durable/src/write.rs",
        "sync_directory(Path::new(\".\"))",
        "of a path that is a bare name; every path of the simulator is absolute",
    ),
    (
        "crates/durable/src/write.rs",
        "fs::rename(from, to)",
        "the renaming itself: it syncs nothing",
    ),
    (
        "crates/durable/src/write.rs",
        "fs::rename(unfinished(&path), &path)",
        "the renaming itself: it syncs nothing",
    ),
    (
        "crates/rollback/src/layout.rs",
        "durable::rename(&place, &staging)?;",
        "of what is on record as gone, and is removed in the next step",
    ),
    (
        "crates/rollback/src/layout.rs",
        "durable::rename(&temporary, &current)",
        "the link for people: nothing depends on it",
    ),
    (
        "crates/storage-migration/src/renew.rs",
        "durable::rename(&listing, &worn)?;",
        "in staging, which is synced as a whole when it is sealed",
    ),
    (
        "crates/storage-migration/src/renew.rs",
        "durable::rename(&renewed, &listing)?;",
        "in staging, which is synced as a whole when it is sealed",
    ),
];

#[test]
fn every_sync_of_the_product_is_left_out_in_turn_or_exempt_with_a_reason() {
    let root = workspace_root();
    let mut forgotten = Vec::new();
    let mut count = 0;
    for name in CRATES {
        let directory = root.join("crates").join(name).join("src");
        for path in sources(&directory) {
            let source = fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let places = places(&file, &source);
            for (at, line) in durable_calls(&source) {
                count += 1;
                if !places.iter().any(|(start, end)| (*start..*end).contains(&at)) {
                    forgotten.push(format!("{file}: {line}"));
                }
            }
        }
    }
    assert_eq!(forgotten, Vec::<String>::new());
    assert!(count > 30, "only {count} found: the search is broken");
}

#[test]
fn the_search_finds_calls_and_nothing_else() {
    let source =
        "fn sync_all() { a.sync_all()?; unsync_all(); // sync_all()\n durable::rename(a); }";
    let found: Vec<usize> = durable_calls(source).into_iter().map(|(at, _)| at).collect();
    assert_eq!(found, [18, 69]);
}

/// Where a bug is planted in a file, or an exemption stands.
fn places(file: &str, source: &str) -> Vec<(usize, usize)> {
    let bugs = planted::all();
    let edits = bugs.iter().flat_map(|bug| bug.edits()).filter(|edit| edit.file == file);
    let exempt = EXEMPT.iter().filter(|(of, _, _)| *of == file);
    edits
        .map(|edit| edit.original)
        .chain(exempt.map(|(_, text, _)| *text))
        .map(|original| find(source, original).unwrap_or_else(|why| panic!("{file}: {why}")))
        .collect()
}

/// Where something is made durable, outside of tests, and the line.
fn durable_calls(source: &str) -> Vec<(usize, String)> {
    let code = only_code(source);
    let code = code.split("#[cfg(test)]").next().unwrap();
    let mut calls = Vec::new();
    for name in DURABLE {
        for (at, _) in code.match_indices(&format!("{name}(")) {
            let before = &code[..at];
            let is_longer = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if !is_longer && !before.ends_with("fn ") {
                let line = before.rfind('\n').map_or(0, |end| end + 1);
                calls.push((at, source[line..].lines().next().unwrap().trim().to_owned()));
            }
        }
    }
    calls.sort();
    calls
}

fn sources(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
