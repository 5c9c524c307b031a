//! `cargo xtask tidy`: what compilers do not check.
//!
//! Each rule is a function from texts to findings, with a test that shows it what it must catch. This file brings the
//! texts.

mod assertions;
mod code;
mod layers;
mod licences;
mod links;
mod lints;
mod metadata;
mod modules;
mod sources;
mod spdx;
mod texts;

use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::runner::{output_of, workspace_root};
use crate::{CommandResult, Failure};
pub(crate) use code::{line_comments, only_code};
pub(crate) use links::links;
use metadata::Metadata;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1; 0 if it is about the file as a whole.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }

    fn of_file(path: &str, what: impl Into<String>) -> Self {
        Self::new(path, 0, what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what } = self;
        match line {
            0 => write!(formatter, "tidy: {path}: {what}"),
            _ => write!(formatter, "tidy: {path}:{line}: {what}"),
        }
    }
}

/// Checks everything. The exit code is 1 if there is any finding.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Usage(format!("tidy takes no argument such as {argument:?}")));
    }
    let root = workspace_root();
    let metadata = Metadata::load()?;
    let files = tracked_files(&root)?;
    let mut findings = check_packages(&root, &metadata);
    findings.extend(check_files(&root, &metadata, &files));
    for finding in &mut findings {
        if let Ok(relative) = Path::new(&finding.path).strip_prefix(&root) {
            finding.path = relative.to_string_lossy().into_owned();
        }
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let (packages, members) = (metadata.packages.len(), metadata.members().count());
    let files = files.len();
    if findings.is_empty() {
        println!("tidy: {members} crates, {packages} packages and {files} files are in order");
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings", findings.len());
    Ok(ExitCode::FAILURE)
}

fn check_packages(root: &Path, metadata: &Metadata) -> Vec<Finding> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let mut findings = layers::check_directions(metadata);
    findings.extend(layers::check_synchronous(metadata));
    findings.extend(licences::check_packages(metadata));
    findings.extend(licences::check_deny(&read(&root.join("deny.toml"))));
    findings.extend(lints::check_workspace("Cargo.toml", &read(&root.join("Cargo.toml"))));
    for package in metadata.members() {
        let Some(manifest) = &package.manifest else { continue };
        findings.extend(lints::check_member(manifest, &package.name, &read(Path::new(manifest))));
    }
    findings
}

fn check_files(root: &Path, metadata: &Metadata, files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        // What is not UTF-8 is no text: a fixture, or a seed of a fuzz target.
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        findings.extend(texts::check(file, &text));
        if file.ends_with(".rs") {
            findings.extend(sources::check(file, &text));
        }
    }
    let sources: Vec<String> = files.iter().filter(|file| file.ends_with(".rs")).cloned().collect();
    let targets: Vec<String> = metadata
        .members()
        .flat_map(|package| &package.targets)
        .filter_map(|target| Path::new(target).strip_prefix(root).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .collect();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    findings.extend(modules::check(&sources, &targets, &read));
    findings.extend(assertions::check(&by_crate(root, metadata, &sources)));
    findings.extend(links::check(files, &read));
    let specification = std::fs::read(root.join(texts::SPECIFICATION)).ok();
    findings.extend(texts::check_specification(specification.as_deref()));
    findings
}

/// The source files of each member, with their texts.
fn by_crate(root: &Path, metadata: &Metadata, sources: &[String]) -> Vec<Vec<(String, String)>> {
    let manifests = metadata.members().filter_map(|package| package.manifest.as_deref());
    let directories = manifests.filter_map(|manifest| Path::new(manifest).parent());
    let files = |directory: &Path| {
        let within = sources.iter().filter(|source| root.join(source).starts_with(directory));
        let read =
            |path: &String| Some((path.clone(), std::fs::read_to_string(root.join(path)).ok()?));
        within.filter_map(read).collect()
    };
    directories.map(files).collect()
}

/// Tests that assert nothing or are left out, and what else is no test: the file, the line, what is wrong.
///
/// # Errors
/// If cargo or git cannot be asked.
pub(crate) fn hollow_tests(root: &Path) -> Result<Vec<(String, usize, String)>, String> {
    let mut sources = tracked_files(root)?;
    sources.retain(|file| file.ends_with(".rs"));
    let findings = assertions::check(&by_crate(root, &Metadata::load()?, &sources));
    let parts = |finding: Finding| (finding.path, finding.line, finding.what);
    Ok(findings.into_iter().map(parts).collect())
}

/// All files that git knows or would add, as far as they are there, relative to the root.
pub(crate) fn tracked_files(root: &Path) -> Result<Vec<String>, String> {
    let mut command = Command::new("git");
    command.current_dir(root);
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = output_of(&mut command)?;
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut files: Vec<String> = names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .filter(|name| root.join(name).is_file())
        .collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Err("git lists no file here".to_owned());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_its_place() {
        let with_line = Finding::new("a.rs", 7, "unfinished");
        assert_eq!(with_line.to_string(), "tidy: a.rs:7: unfinished");
        assert_eq!(Finding::of_file("a.rs", "missing").to_string(), "tidy: a.rs: missing");
    }
}
