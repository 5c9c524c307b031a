//! Copies the workspace and plants every bug in the copy, each behind a switch that is thrown at run time: mutation
//! schemata (Untch, Offutt, Harrold 1993). One build serves all bugs, and the product itself is not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::planted::{Edit, Planted};

/// What of the workspace is copied: enough for it to load, for the simulator to be built, and for tests to
/// find what they read.
const COPIED: [&str; 19] = [
    "crates",
    "specs",
    "examples",
    "sim",
    "fuzz",
    "bench",
    "xtask",
    "docs",
    "deploy",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "deny.toml",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo",
];

/// The variable that names the bug which is switched on.
pub(super) const SWITCH: &str = "FEMTOCLAW_SABOTAGE";

/// What the copy says on standard error, once, when it comes to the bug that is switched on.
pub(super) const REACHED: &str = "the planted bug is reached";

/// Copies the workspace to `target` with every bug planted. What is there and has not changed is not written, so that
/// little is built again.
///
/// # Errors
/// If a bug cannot be planted any more, which is a defect of the table; or what a file operation says.
pub(super) fn plant(root: &Path, target: &Path, bugs: &[&Planted]) -> Result<(), String> {
    let patched = patch_all(bugs, &|file| {
        fs::read_to_string(root.join(file)).map_err(|error| format!("cannot read {file}: {error}"))
    })?;
    copy_workspace(root, target, &patched)
}

/// Copies the workspace to `target`, with other texts for the files that are named here. What is there and has not changed
/// is not written.
///
/// # Errors
/// What a file operation says.
pub(crate) fn copy_workspace(
    root: &Path,
    target: &Path,
    patched: &BTreeMap<String, String>,
) -> Result<(), String> {
    create(target)?;
    for name in COPIED {
        mirror(&root.join(name), &target.join(name), name, patched)?;
    }
    Ok(())
}

/// The text of every file that a bug is planted in, with all of its bugs.
///
/// # Errors
/// Every bug that cannot be planted.
pub(super) fn patch_all(
    bugs: &[&Planted],
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut by_file: BTreeMap<&str, Vec<(&str, &Edit)>> = BTreeMap::new();
    for bug in bugs {
        for edit in bug.edits() {
            by_file.entry(edit.file).or_default().push((bug.name, edit));
        }
    }
    let (mut patched, mut failures) = (BTreeMap::new(), Vec::new());
    for (file, edits) in by_file {
        match read(file).map_err(|why| vec![why]).and_then(|text| patch(file, &text, &edits)) {
            Ok(text) => drop(patched.insert(file.to_owned(), text)),
            Err(whys) => failures.extend(whys),
        }
    }
    if failures.is_empty() { Ok(patched) } else { Err(failures.join("\n")) }
}

/// One file with its bugs planted. Several may be planted in one place; places may not overlap.
fn patch(file: &str, source: &str, edits: &[(&str, &Edit)]) -> Result<String, Vec<String>> {
    let mut places: BTreeMap<(usize, usize), Vec<(&str, &str)>> = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, edit) in edits {
        match find(source, edit.original) {
            Ok(place) => places.entry(place).or_default().push((name, edit.replacement)),
            Err(why) => failures.push(format!("{name} cannot be planted in {file}: {why}")),
        }
    }
    let (mut patched, mut end) = (String::with_capacity(source.len() * 2), 0);
    for ((start, stop), bugs) in places {
        let names: Vec<&str> = bugs.iter().map(|(name, _)| *name).collect();
        let (Some(between), Some(original)) = (source.get(end..start), source.get(start..stop))
        else {
            failures.push(format!("{} overlaps another bug of {file}", names.join(", ")));
            continue;
        };
        patched += between;
        patched += &guarded(original, &bugs);
        end = stop;
    }
    patched += source.get(end..).unwrap_or_default();
    patched += SWITCHES;
    if failures.is_empty() { Ok(patched) } else { Err(failures) }
}

/// What was there, behind its switches. An expression gets parentheses, statements get none.
fn guarded(original: &str, bugs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, replacement) in bugs {
        text += &format!("if planted({name:?}) {{ {replacement} }} else ");
    }
    text += &format!("{{ {original} }}");
    let is_statement = original.trim_end().ends_with([';', '}']);
    if is_statement { text } else { format!("({text})") }
}

/// What each file that holds a bug gets at its end. It asks the environment once, and tells once that it got there.
const SWITCHES: &str = r#"
fn planted(name: &str) -> bool {
    static ON: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    static TOLD: std::sync::Once = std::sync::Once::new();
    let on = ON.get_or_init(|| std::env::var("FEMTOCLAW_SABOTAGE").ok());
    let is_on = on.as_deref() == Some(name);
    if is_on {
        TOLD.call_once(|| eprintln!("the planted bug is reached"));
    }
    is_on
}
"#;

/// Where a piece of source stands, without regard to white space, so that a formatter may move it. Of a piece with a part
/// between `«` and `»`, that part counts; the rest says where it is.
///
/// # Errors
/// If it does not stand there exactly once.
pub(super) fn find(source: &str, original: &str) -> Result<(usize, usize), String> {
    let (before, focus, after) = match original.split_once('«') {
        None => ("", original, ""),
        Some((before, rest)) => {
            let (focus, after) =
                rest.split_once('»').ok_or_else(|| "it has « without »".to_owned())?;
            (before, focus, after)
        }
    };
    let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let (before, focus, after) = (squeezed(before), squeezed(focus), squeezed(after));
    let (text, positions): (String, Vec<usize>) = source
        .char_indices()
        .filter(|(_, c)| !c.is_whitespace())
        .fold((String::new(), Vec::new()), |(mut text, mut positions), (at, c)| {
            text.push(c);
            positions.extend((0..c.len_utf8()).map(|byte| at + byte));
            (text, positions)
        });
    let whole = format!("{before}{focus}{after}");
    let mut found = text.match_indices(&whole).map(|(at, _)| at);
    let Some(at) = found.next().filter(|_| !focus.is_empty()) else {
        return Err(format!("`{original}` is not there"));
    };
    if found.next().is_some() {
        return Err(format!("`{original}` is there more than once"));
    }
    let first = positions.get(at + before.len()).copied();
    let last = positions.get(at + before.len() + focus.len() - 1).copied();
    first.zip(last).map(|(first, last)| (first, last + 1)).ok_or_else(|| "it is nowhere".to_owned())
}

/// Makes `target` what `source` is, but for the files that are patched.
fn mirror(
    source: &Path,
    target: &Path,
    name: &str,
    patched: &BTreeMap<String, String>,
) -> Result<(), String> {
    if !source.is_dir() {
        let bytes = match patched.get(name) {
            Some(text) => text.clone().into_bytes(),
            None => fs::read(source).map_err(|error| failed("read", source, &error))?,
        };
        return write_if_changed(target, &bytes);
    }
    create(target)?;
    let names = names(source)?;
    for gone in self::names(target)?.difference(&names) {
        let path = target.join(gone);
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|error| failed("remove", &path, &error))?;
    }
    for below in names {
        let path = format!("{name}/{below}");
        mirror(&source.join(&below), &target.join(&below), &path, patched)?;
    }
    Ok(())
}

fn names(directory: &Path) -> Result<BTreeSet<String>, String> {
    fs::read_dir(directory)
        .and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        })
        .map_err(|error| failed("read", directory, &error))
}

fn write_if_changed(target: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(target).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    fs::write(target, bytes).map_err(|error| failed("write", target, &error))
}

fn create(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::super::planted::bug;
    use super::*;

    fn patched(source: &str, bugs: &[&Planted]) -> Result<String, String> {
        let all = patch_all(bugs, &|_| Ok(source.to_owned()))?;
        Ok(all["a.rs"].strip_suffix(SWITCHES).unwrap().to_owned())
    }

    #[test]
    fn an_expression_is_planted_in_parentheses_and_a_statement_without() {
        let skips = bug("skips", "a.rs", "sync(a)?;", "", "");
        let lies = bug("lies", "a.rs", "if «b == c» {", "true", "");
        let found =
            patched("fn f() { sync(\n  a)?; if b == c { d() } }", &[&skips, &lies]).unwrap();
        let expected = "fn f() { if planted(\"skips\") {  } else { sync(\n  a)?; } \
                        if (if planted(\"lies\") { true } else { b == c }) { d() } }";
        assert_eq!(found, expected);
    }

    #[test]
    fn two_bugs_may_share_a_place_but_not_overlap() {
        let skips = bug("skips", "a.rs", "sync(a)?;", "", "");
        let swallows = bug("swallows", "a.rs", "sync(a)?;", "let _ = sync(a);", "");
        let found = patched("sync(a)?;", &[&skips, &swallows]).unwrap();
        assert!(found.contains("} else if planted(\"swallows\") {"), "{found}");
        let part = bug("part", "a.rs", "a)", "b)", "");
        assert!(patched("sync(a)?;", &[&skips, &part]).unwrap_err().contains("overlaps"));
    }

    #[test]
    fn a_bug_that_cannot_be_planted_any_more_is_a_defect() {
        let gone = bug("gone", "a.rs", "sync(b)?;", "", "");
        assert!(patched("sync(a)?;", &[&gone]).unwrap_err().contains("not there"));
        let twice = bug("twice", "a.rs", "sync(a)?;", "", "");
        assert!(patched("sync(a)?; sync(a)?;", &[&twice]).unwrap_err().contains("more than once"));
    }

    #[test]
    fn a_copy_follows_its_source_and_writes_only_what_changed() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/kept"), "kept").unwrap();
        fs::write(from.join("a/gone"), "gone").unwrap();
        let patched = BTreeMap::from([("from/a/kept".to_owned(), "patched".to_owned())]);
        mirror(&from, &to, "from", &patched).unwrap();
        let written = || fs::metadata(to.join("a/kept")).unwrap().modified().unwrap();
        let before = written();
        fs::remove_file(from.join("a/gone")).unwrap();
        mirror(&from, &to, "from", &patched).unwrap();
        assert_eq!(fs::read(to.join("a/kept")).unwrap(), b"patched");
        assert!(!to.join("a/gone").exists());
        assert_eq!(written(), before);
    }
}
