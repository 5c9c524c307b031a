//! Every source file is compiled: a test that no target reaches never fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Finding;
use super::code::only_code;

/// Compares the source files with what the targets reach by their `mod` items.
///
/// `read` gives the text of a file, relative to the root of the workspace, or nothing if there is none.
pub(crate) fn check(
    sources: &[String],
    targets: &[String],
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let reached = reach(targets, read);
    let forgotten = sources.iter().filter(|source| !reached.contains(source.as_str()));
    forgotten
        .map(|source| Finding::of_file(source, "no target reaches it: it is never compiled"))
        .collect()
}

fn reach(targets: &[String], read: &dyn Fn(&str) -> Option<String>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<(String, bool)> =
        targets.iter().map(|target| (target.clone(), true)).collect();
    while let Some((file, is_root)) = open.pop() {
        if reached.contains(&file) {
            continue;
        }
        let Some(text) = read(&file) else { continue };
        for module in modules(&text) {
            open.extend(candidates(&file, is_root, &module).into_iter().map(|path| (path, false)));
        }
        reached.insert(file);
    }
    reached
}

/// A `mod name;`, with the path that an attribute before it gives.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    name: String,
    path: Option<String>,
}

fn modules(text: &str) -> Vec<Module> {
    let code = only_code(text);
    let mut found = Vec::new();
    let mut path = None;
    for (line, original) in code.lines().zip(text.lines()) {
        if line.trim_start().starts_with("#[path") {
            path = original.split('"').nth(1).map(str::to_owned);
        }
        for statement in line.split_inclusive(';') {
            let Some(before) = statement.strip_suffix(';') else { continue };
            let mut words = before.rsplit([' ', '}', '{', ']']).filter(|word| !word.is_empty());
            if let (Some(name), Some("mod")) = (words.next(), words.next()) {
                found.push(Module { name: name.to_owned(), path: path.take() });
            }
        }
    }
    found
}

/// Where the file of a module may be.
fn candidates(file: &str, is_root: bool, module: &Module) -> Vec<String> {
    let file = Path::new(file);
    let directory = file.parent().unwrap_or(Path::new(""));
    if let Some(path) = &module.path {
        return vec![plain(&directory.join(path))];
    }
    let stem = file.file_stem().unwrap_or_default();
    let below =
        if is_root || stem == "mod" { directory.to_path_buf() } else { directory.join(stem) };
    let name = &module.name;
    vec![plain(&below.join(format!("{name}.rs"))), plain(&below.join(name).join("mod.rs"))]
}

/// The path without `..`, with `/` between components.
fn plain(path: &Path) -> String {
    let mut parts = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir => {
                parts.pop();
            }
            std::path::Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(files: &[(&str, &str)], targets: &[&str]) -> Vec<String> {
        let sources: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let targets: Vec<String> = targets.iter().map(|path| (*path).to_owned()).collect();
        let read = |path: &str| {
            files.iter().find(|(file, _)| *file == path).map(|(_, text)| (*text).to_owned())
        };
        check(&sources, &targets, &read).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn modules_are_followed_to_their_files() {
        let files = [
            (
                "a/src/lib.rs",
                "pub mod b;\n#[cfg(test)] mod c;\npub(crate) mod d;\n#[path = \"odd.rs\"]\nmod e;",
            ),
            ("a/src/b.rs", "mod f;"),
            ("a/src/b/f.rs", ""),
            ("a/src/c/mod.rs", "mod g;"),
            ("a/src/c/g.rs", ""),
            ("a/src/d.rs", ""),
            ("a/src/odd.rs", ""),
            ("a/tests/all/main.rs", "mod h;"),
            ("a/tests/all/h.rs", ""),
        ];
        let found = forgotten(&files, &["a/src/lib.rs", "a/tests/all/main.rs"]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_file_that_no_target_reaches_is_caught() {
        let files = [
            ("a/src/lib.rs", "// mod b;\nfn f() { g(\"mod b;\") }"),
            ("a/src/b.rs", ""),
            ("a/tests/all/main.rs", ""),
            ("a/tests/all/h.rs", "#[test] fn never_runs() {}"),
        ];
        let found = forgotten(&files, &["a/src/lib.rs", "a/tests/all/main.rs"]);
        assert_eq!(found, ["a/src/b.rs", "a/tests/all/h.rs"]);
    }
}
