//! The extensions of a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::report::Report;
use crate::manifest::{
    ExtensionManifest, MANIFEST_NAMES, MAXIMUM_MANIFEST_BYTES, ManifestError, ManifestFault,
};

/// The directories that hold a manifest, outermost first: everything below one belongs to that extension.
///
/// A manifest in the adopted directory itself makes no extension: everything would belong to it.
pub(crate) fn directories<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths {
        if let Some((directory, name)) = path.rsplit_once('/')
            && MANIFEST_NAMES.contains(&name)
        {
            found.insert(directory.to_owned());
        }
    }
    let inner = |directory: &String| containing(&found, directory).is_some();
    let outermost = found.iter().filter(|directory| !inner(directory)).cloned();
    outermost.collect()
}

/// The directory among these that a path lies below.
pub(crate) fn containing<'a>(directories: &'a BTreeSet<String>, path: &str) -> Option<&'a str> {
    let mut end = path.len();
    while let Some(at) = path.get(..end).and_then(|path| path.rfind('/')) {
        if let Some(directory) = path.get(..at).and_then(|parent| directories.get(parent)) {
            return Some(directory);
        }
        end = at;
    }
    None
}

/// What becomes of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Adopted, under this name.
    Adopted(String),
    /// Set aside whole.
    SetAside,
    /// Refused.
    Refused,
}

/// Reads the manifest of an extension. `report` is about the manifest's file.
///
/// # Errors
/// What reading says: a disk that does not answer says nothing about an extension.
pub(crate) fn check(root: &Path, directory: &str, report: &mut Report) -> io::Result<Verdict> {
    Ok(match read(&root.join(report.file())) {
        Ok(manifest) => {
            let own = directory.rsplit('/').next().unwrap_or(directory);
            if manifest.name != own {
                let message =
                    format!("the name is {:?}, the directory's is {own:?}", manifest.name);
                report.kept(None, message);
            }
            for key in manifest.unknown {
                report.kept(None, format!("the key {key:?} is unknown; it is kept"));
            }
            Verdict::Adopted(manifest.name)
        }
        Err(Fault::Manifest(error)) => {
            if matches!(error.fault, ManifestFault::DangerousName(_)) {
                report.refused(Some(error.line), error.fault.to_string());
                return Ok(Verdict::Refused);
            }
            let message = format!("{}; the extension is set aside whole", error.fault);
            report.set_aside(Some(error.line), message);
            Verdict::SetAside
        }
        Err(Fault::TooLarge(size)) => {
            let message = format!(
                "the manifest has {size} bytes, more than {MAXIMUM_MANIFEST_BYTES}; the extension is set aside whole"
            );
            report.set_aside(None, message);
            Verdict::SetAside
        }
        Err(Fault::Unreadable(error)) => return Err(error),
    })
}

enum Fault {
    Manifest(ManifestError),
    TooLarge(u64),
    Unreadable(io::Error),
}

fn read(path: &Path) -> Result<ExtensionManifest, Fault> {
    let size = std::fs::metadata(path).map_err(Fault::Unreadable)?.len();
    if size > MAXIMUM_MANIFEST_BYTES {
        return Err(Fault::TooLarge(size));
    }
    let bytes = std::fs::read(path).map_err(Fault::Unreadable)?;
    ExtensionManifest::parse(&bytes).map_err(Fault::Manifest)
}

/// Compares an index with the extensions that are there, and notes what only one of them has.
pub(crate) fn compare(
    names: impl Iterator<Item = String>,
    adopted: &BTreeMap<String, String>,
    set_aside: &BTreeSet<String>,
    report: &mut Report,
) {
    let own = |directory: &str| directory.rsplit('/').next().unwrap_or(directory).to_owned();
    let here: BTreeSet<String> =
        adopted.iter().flat_map(|(directory, name)| [own(directory), name.clone()]).collect();
    let aside: BTreeSet<String> = set_aside.iter().map(|directory| own(directory)).collect();
    let indexed: BTreeSet<String> = names.collect();
    for name in &indexed {
        if aside.contains(name) {
            report.kept(None, format!("the entry {name:?} is of an extension that is set aside"));
        } else if !here.contains(name) {
            report.kept(None, format!("the entry {name:?} has no directory"));
        }
    }
    for (directory, name) in adopted {
        if !indexed.contains(name) && !indexed.contains(&own(directory)) {
            report.kept(None, format!("the extension in {directory:?} has no entry"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_below_a_manifest_belongs_to_the_outermost_extension() {
        let paths = ["t/a/TALON.md", "t/a/vendor/b/SKILL.md", "t/c/SKILL.md", "TALON.md", "t/x.md"];
        let found = directories(paths.into_iter());
        assert_eq!(found, BTreeSet::from(["t/a".to_owned(), "t/c".to_owned()]));
        assert_eq!(containing(&found, "t/a/vendor/b/SKILL.md"), Some("t/a"));
        assert_eq!(containing(&found, "t/x.md"), None);
        assert_eq!(containing(&found, "TALON.md"), None);
    }
}
