//! Which tree evidence was gathered from.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::runner::output_of;
use crate::tidy::tracked_files;

/// What is written from evidence, and so is no part of what it was gathered from.
const WRITTEN: [&str; 2] = ["docs/trace.md", "specs/evidence/"];
/// How much of a digest names a tree.
const DIGITS: usize = 32;

/// A digest of every file that git knows, and of every source that it would add, by name and content. What else lies
/// about, such as the log of a run, is no part of the tree.
///
/// # Errors
/// If git or a file cannot be read.
pub(crate) fn fingerprint(root: &Path) -> Result<String, String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(["ls-files", "-z", "--cached"]);
    let listed = String::from_utf8_lossy(&output_of(&mut command)?).into_owned();
    let known: BTreeSet<&str> = listed.split('\0').collect();
    let mut hash = blake3::Hasher::new();
    for file in tracked_files(root)? {
        let counts = known.contains(file.as_str()) || file.ends_with(".rs");
        if !counts || WRITTEN.iter().any(|written| file.starts_with(written)) {
            continue;
        }
        let bytes = std::fs::read(root.join(&file)).map_err(|error| format!("{file}: {error}"))?;
        for part in [file.as_bytes(), &bytes] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Ok(hash.finalize().to_hex().chars().take(DIGITS).collect())
}

/// The commit that is checked out, with a word if there is more than it.
///
/// # Errors
/// If git cannot be asked.
pub(crate) fn commit(root: &Path) -> Result<String, String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(root).args(arguments);
        output_of(&mut command).map(|said| String::from_utf8_lossy(&said).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain"])?.is_empty();
    Ok(if is_clean { commit } else { format!("{commit} and what is not committed") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_another_one_if_any_file_is_but_not_if_a_report_is() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        };
        output_of(Command::new("git").arg("init").arg("--quiet").arg(root)).unwrap();
        write("a.rs", "one");
        let first = fingerprint(root).unwrap();
        write("docs/trace.md", "a report");
        write("specs/evidence/a.json", "a record");
        write("run.log", "what a run says");
        assert_eq!(fingerprint(root).unwrap(), first);
        write("a.rs", "two");
        let second = fingerprint(root).unwrap();
        assert_ne!(second, first);
        write("b.rs", "");
        let third = fingerprint(root).unwrap();
        assert_ne!(third, second);
        output_of(Command::new("git").current_dir(root).args(["add", "run.log"])).unwrap();
        assert_ne!(fingerprint(root).unwrap(), third);
    }
}
