//! `cargo xtask coverage`: which lines of the product its tests reach, by crate. It is shown, and decides nothing: what the
//! tests would notice is what `sabotage` and `mutants` are about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::runner::{cargo, output_of, shown, workspace_root};
use crate::{CommandResult, Failure};

/// Where what was measured is kept, below the root of the workspace.
pub(crate) const RECORD: &str = "specs/evidence/coverage.json";
/// Where the crates of the product are.
const PRODUCT: &str = "crates";
/// The programs of LLVM that read what instrumented tests leave, by the variables in which cargo-llvm-cov looks for them.
const TOOLS: [(&str, &str); 2] = [("LLVM_COV", "llvm-cov"), ("LLVM_PROFDATA", "llvm-profdata")];

/// Runs all tests with instrumentation, and keeps what they reach.
///
/// # Errors
/// If a program is missing, or the tests fail.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let as_json = match arguments {
        [] => false,
        [only] if only == "--json" => true,
        _ => return Err(Failure::Usage(format!("coverage takes no arguments {arguments:?}"))),
    };
    let root = workspace_root();
    let mut command = cargo();
    command.args(["llvm-cov", "--version"]);
    output_of(&mut command).map_err(|why| {
        format!("{why}; cargo-llvm-cov is missing: cargo install cargo-llvm-cov --locked")
    })?;
    let mut command = cargo();
    command.args(["llvm-cov", "test", "--workspace", "--exclude", crate::bench::PACKAGE]);
    command.args(["--exclude", "xtask", "--locked", "--json", "--summary-only"]);
    for (variable, program) in TOOLS {
        if let Some(path) = tool(program)? {
            command.env(variable, path);
        }
    }
    eprintln!("+ {}", shown(&command));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
    if !output.status.success() {
        return Err(Failure::Failed(format!("`{}` ended with {}", shown(&command), output.status)));
    }
    // The tests write to the same output, before it.
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = said.lines().rev().find_map(|line| serde_json::from_str(line).ok());
    let summary: Summary = summary.ok_or_else(|| "cargo-llvm-cov says nothing".to_owned())?;
    let covered = by_crate(&summary, &root);
    let record = serde_json::to_string_pretty(&covered).map_err(|error| error.to_string())?;
    std::fs::write(root.join(RECORD), record + "\n")
        .map_err(|error| format!("{RECORD}: {error}"))?;
    if as_json {
        println!("{}", json!({"type": "coverage", "lines_percent": covered}));
    } else {
        covered.iter().for_each(|(name, percent)| println!("{name:<24} {percent:>5.1} %"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What cargo-llvm-cov tells in the end.
#[derive(Deserialize)]
struct Summary {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    summary: Counts,
}

#[derive(Deserialize)]
struct Counts {
    lines: Lines,
}

#[derive(Deserialize)]
struct Lines {
    count: u64,
    covered: u64,
}

/// The lines that are reached, in percent, of each crate of the product and of all together. Lines of tests are not counted.
fn by_crate(summary: &Summary, root: &Path) -> BTreeMap<String, f64> {
    let mut lines: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for file in summary.data.iter().flat_map(|data| &data.files) {
        let Ok(path) = file.filename.strip_prefix(root.join(PRODUCT)) else { continue };
        let mut parts = path.iter().filter_map(|part| part.to_str());
        let Some(name) = parts.next() else { continue };
        if parts.any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let Lines { count, covered } = file.summary.lines;
        for name in [name, "together"] {
            let of = lines.entry(name.to_owned()).or_default();
            *of = (of.0 + count, of.1 + covered);
        }
    }
    let percent = |(count, covered)| (1000.0 * covered as f64 / count as f64).round() / 10.0;
    let some = lines.into_iter().filter(|(_, (count, _))| *count > 0);
    some.map(|(name, counts)| (name, percent(counts))).collect()
}

/// Where a program of LLVM is, of the version that this compiler speaks; nothing if the toolchain brings it itself.
///
/// # Errors
/// If there is none.
fn tool(program: &str) -> Result<Option<PathBuf>, String> {
    let mut rustc = Command::new("rustc");
    let sysroot = output_of(rustc.args(["--print", "target-libdir"]))?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
    if libraries.with_file_name("bin").join(program).is_file() {
        return Ok(None);
    }
    let version = output_of(Command::new("rustc").arg("-vV"))?;
    let version = String::from_utf8_lossy(&version);
    let major = version.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    let major = major.and_then(|version| version.split('.').next()).unwrap_or_default();
    let name = format!("{program}-{major}");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|path| path.join(&name)).find(|it| it.is_file());
    let missing = || {
        format!("{program} is missing: rustup component add llvm-tools, or install llvm-{major}")
    };
    found.map(Some).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_crate_and_those_of_tests_are_not() {
        let text = r#"{"data": [{"files": [
            {"filename": "/w/crates/a/src/lib.rs", "summary": {"lines": {"count": 90, "covered": 60}}},
            {"filename": "/w/crates/a/src/b/mod.rs", "summary": {"lines": {"count": 10, "covered": 10}}},
            {"filename": "/w/crates/a/src/b/tests.rs", "summary": {"lines": {"count": 50, "covered": 50}}},
            {"filename": "/w/crates/b/src/lib.rs", "summary": {"lines": {"count": 100, "covered": 100}}},
            {"filename": "/w/sim/src/main.rs", "summary": {"lines": {"count": 100, "covered": 0}}}
        ]}]}"#;
        let covered = by_crate(&serde_json::from_str(text).unwrap(), Path::new("/w"));
        let expected = [("a", 70.0), ("b", 100.0), ("together", 85.0)];
        assert_eq!(covered, expected.map(|(name, percent)| (name.to_owned(), percent)).into());
    }
}
