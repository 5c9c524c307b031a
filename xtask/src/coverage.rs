//! `cargo xtask coverage`: which lines of the product its tests reach, by crate. It is shown, and decides nothing: what the
//! tests would notice is what `sabotage` and `mutants` are about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde_json::json;

use crate::runner::{cargo, output_of, shown, target_directory, workspace_root};
use crate::rust_items::{Items, Sources};
use crate::tidy::tracked_files;
use crate::{CommandResult, Failure};

/// Where what was measured is kept, below the root of the workspace.
pub(crate) const RECORD: &str = "specs/evidence/coverage.json";
/// What was reached line by line, below the directory in which cargo builds.
const LINES: &str = "coverage.lcov";
/// Where the crates of the product are.
const PRODUCT: &str = "crates/";
/// The programs of LLVM that read what instrumented tests leave, by the variables in which cargo-llvm-cov looks for them.
const TOOLS: [(&str, &str); 2] = [("LLVM_COV", "llvm-cov"), ("LLVM_PROFDATA", "llvm-profdata")];

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    read: bool,
    missed: bool,
    json: bool,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut request = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--read" => request.read = true,
                "--missed" => request.missed = true,
                "--json" => request.json = true,
                other => return Err(format!("coverage takes no argument {other:?}")),
            }
        }
        Ok(request)
    }
}

/// Runs all tests with instrumentation, and keeps what they reach.
///
/// # Errors
/// If a program is missing, the tests fail, or what is read is older than the sources.
pub(crate) fn run(arguments: &[String]) -> CommandResult {
    let request = Request::parse(arguments).map_err(Failure::Usage)?;
    let root = workspace_root();
    let lines = target_directory()?.join(LINES);
    if !request.read {
        measure(&lines)?;
    } else if let Some(path) = changed_since(&lines, &root)? {
        return Err(Failure::Failed(format!("{path} is newer than what was measured")));
    }
    let text = std::fs::read_to_string(&lines)
        .map_err(|error| format!("{}: {error}; run it without --read", lines.display()))?;
    let files = of_the_product(&reached(&text, &root), &product(&root)?);
    let covered = by_crate(&files);
    let record = serde_json::to_string_pretty(&covered).map_err(|error| error.to_string())?;
    std::fs::write(root.join(RECORD), record + "\n")
        .map_err(|error| format!("{RECORD}: {error}"))?;
    let say = |text: &str| if request.json { eprintln!("{text}") } else { println!("{text}") };
    if request.missed {
        missed(&files).iter().for_each(|place| say(place));
    }
    covered.iter().for_each(|(name, percent)| say(&format!("{name:<24} {percent:>5.1} %")));
    if request.json {
        println!("{}", json!({"type": "coverage", "lines_percent": covered}));
    }
    Ok(ExitCode::SUCCESS)
}

/// A file of the product that was written after this one: what was measured is not of it.
fn changed_since(measured: &Path, root: &Path) -> Result<Option<String>, String> {
    let written = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(measured) = written(measured) else { return Ok(None) };
    let mut files = tracked_files(root)?.into_iter().filter(|path| path.starts_with(PRODUCT));
    Ok(files.find(|path| written(&root.join(path)).is_some_and(|written| written > measured)))
}

/// Runs all tests with instrumentation, and writes which lines they reach.
fn measure(lines: &Path) -> Result<(), Failure> {
    let mut command = cargo();
    command.args(["llvm-cov", "--version"]);
    output_of(&mut command).map_err(|why| {
        format!("{why}; cargo-llvm-cov is missing: cargo install cargo-llvm-cov --locked")
    })?;
    let mut command = cargo();
    command.args(["llvm-cov", "test", "--workspace", "--exclude", crate::bench::PACKAGE]);
    command.args(["--exclude", "xtask", "--locked", "--lcov", "--output-path"]).arg(lines);
    // What a killed process had begun to write is no reason to pass over what the others have written.
    command.args(["--failure-mode", "all"]);
    for (variable, program) in TOOLS {
        if let Some(path) = tool(program)? {
            command.env(variable, path);
        }
    }
    eprintln!("+ {}", shown(&command));
    // Standard output is for the result.
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command.status();
    let status = status.map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
    if !status.success() {
        return Err(Failure::Failed(format!("`{}` ended with {status}", shown(&command))));
    }
    Ok(())
}

/// The lines of a file that something is to be run for, and whether a test reaches them.
type Lines = BTreeMap<usize, bool>;

/// What the report says of each file in this directory, by its path within.
fn reached(report: &str, root: &Path) -> BTreeMap<String, Lines> {
    let mut files: BTreeMap<String, Lines> = BTreeMap::new();
    let mut path = None;
    for line in report.lines() {
        if let Some(file) = line.strip_prefix("SF:") {
            let within = Path::new(file).strip_prefix(root).ok();
            path = within.map(|within| within.to_string_lossy().into_owned());
        }
        let of_line = line.strip_prefix("DA:").and_then(|rest| rest.split_once(','));
        if let (Some(path), Some((number, count))) = (&path, of_line)
            && let (Ok(number), Ok(count)) = (number.parse(), count.parse::<u64>())
        {
            *files.entry(path.clone()).or_default().entry(number).or_default() |= count > 0;
        }
    }
    files
}

/// The source files of the product.
fn product(root: &Path) -> Result<Sources, String> {
    let paths = tracked_files(root)?.into_iter();
    let read = |path: String| {
        let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
        let text = std::fs::read_to_string(root.join(&path)).map_err(|error| failed(&error))?;
        let items = Items::read(&text).map_err(|error| failed(&error))?;
        Ok((path, items))
    };
    let paths = paths.filter(|path| path.starts_with(PRODUCT) && path.ends_with(".rs"));
    Ok(Sources::new(paths.map(read).collect::<Result<Vec<_>, String>>()?))
}

/// The files of the product, without the lines of tests.
fn of_the_product(reached: &BTreeMap<String, Lines>, sources: &Sources) -> BTreeMap<String, Lines> {
    let mut files = BTreeMap::new();
    for (path, items) in sources.files().filter(|(path, _)| !sources.is_for_tests(path)) {
        let Some(lines) = reached.get(path) else { continue };
        let mut lines = lines.clone();
        for test in items.functions.iter().filter(|function| function.is_within_tests) {
            lines.retain(|line, _| !(test.first_line..=test.last_line).contains(line));
        }
        files.insert(path.to_owned(), lines);
    }
    files
}

/// The lines that are reached, in percent, of each crate of the product and of all together.
fn by_crate(files: &BTreeMap<String, Lines>) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (path, lines) in files {
        let Some(name) = path.strip_prefix(PRODUCT).and_then(|path| path.split('/').next()) else {
            continue;
        };
        for name in [name, "together"] {
            let of = counts.entry(name).or_default();
            *of = (of.0 + lines.len(), of.1 + lines.values().filter(|reached| **reached).count());
        }
    }
    let percent = |(count, covered)| (1000.0 * covered as f64 / count as f64).round() / 10.0;
    let some = counts.into_iter().filter(|(_, (count, _))| *count > 0);
    some.map(|(name, counts)| (name.to_owned(), percent(counts))).collect()
}

/// The places that no test reaches, a line each: those that follow each other as one.
fn missed(files: &BTreeMap<String, Lines>) -> Vec<String> {
    let mut places: Vec<(&str, usize, usize)> = Vec::new();
    for (path, lines) in files {
        let mut follows = false;
        for (line, reached) in lines {
            match places.last_mut() {
                _ if *reached => {}
                Some((_, _, last)) if follows => *last = *line,
                _ => places.push((path, *line, *line)),
            }
            follows = !reached;
        }
    }
    let told = |(path, first, last)| match first == last {
        true => format!("{path}:{first}"),
        false => format!("{path}:{first}-{last}"),
    };
    places.into_iter().map(told).collect()
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

    /// A report of the lines of these files that are reached, and of those that are not.
    fn report(files: &[(&str, &[usize], &[usize])]) -> String {
        let mut text = String::new();
        for (path, reached, missed) in files {
            text += &format!("SF:/w/{path}\nFN:1,f\nFNDA:1,f\n");
            reached.iter().for_each(|line| text += &format!("DA:{line},7\n"));
            missed.iter().for_each(|line| text += &format!("DA:{line},0\n"));
            text += "LF:1\nend_of_record\n";
        }
        text
    }

    fn files() -> BTreeMap<String, Lines> {
        let report = report(&[
            ("crates/a/src/lib.rs", &[1, 7, 8], &[2, 3]),
            ("crates/a/src/b/tests.rs", &[1, 2, 3, 4], &[]),
            ("crates/a/src/made.rs", &[1, 2, 3, 4], &[]),
            ("crates/b/src/lib.rs", &[1, 2], &[]),
            // The same file in another program.
            ("crates/b/src/lib.rs", &[3], &[1, 5]),
            ("sim/src/main.rs", &[], &[1, 2]),
        ]) + &report(&[("crates/a/src/lib.rs", &[2, 3], &[])])
            .replace("/w/", "/elsewhere/");
        let lib = "fn one() {\nf();\nf();\n}\n#[cfg(test)]\nmod tests { #[test]\nfn it_is() {\nf();\n} }\n\
            #[cfg(test)]\nmod made;\n";
        let texts = [
            ("crates/a/src/lib.rs", lib),
            ("crates/a/src/b/tests.rs", ""),
            ("crates/a/src/made.rs", ""),
            ("crates/b/src/lib.rs", ""),
        ];
        let read = |(path, text): (&str, &str)| (path.to_owned(), Items::read(text).unwrap());
        of_the_product(&reached(&report, Path::new("/w")), &Sources::new(texts.map(read)))
    }

    #[test]
    fn lines_are_counted_by_crate_and_those_of_tests_are_not() {
        let expected = [("a", 33.3), ("b", 75.0), ("together", 57.1)];
        assert_eq!(
            by_crate(&files()),
            expected.map(|(name, percent)| (name.to_owned(), percent)).into()
        );
    }

    #[test]
    fn what_no_test_reaches_is_named_with_its_place() {
        assert_eq!(missed(&files()), ["crates/a/src/lib.rs:2-3", "crates/b/src/lib.rs:5"]);
    }

    #[test]
    fn what_was_measured_before_a_change_is_not_of_it() {
        let (root, directory) = (workspace_root(), tempfile::tempdir().unwrap());
        let measured = directory.path().join(LINES);
        assert_eq!(changed_since(&measured, &root), Ok(None), "nothing was measured");
        std::fs::write(&measured, "").unwrap();
        assert_eq!(changed_since(&measured, &root), Ok(None));
        let file = std::fs::File::options().append(true).open(&measured).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let changed = changed_since(&measured, &root).unwrap().unwrap();
        assert!(changed.starts_with(PRODUCT), "{changed}");
    }

    #[test]
    fn what_is_asked_for_is_understood_or_refused() {
        let parse = |arguments: &[&str]| {
            Request::parse(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]), Ok(Request::default()));
        let all = Request { read: true, missed: true, json: true };
        assert_eq!(parse(&["--missed", "--json", "--read"]), Ok(all));
        assert!(parse(&["--lines"]).unwrap_err().contains("--lines"));
    }
}
