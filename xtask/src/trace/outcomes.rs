//! What came of each test, in a run of all of them, of this very tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::items::Item;
use super::record;

/// Where a run leaves what came of it, below the directory that cargo builds in.
const RECORD: &str = "trace/tests.json";

/// A test binary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Binary {
    /// The package, by the directory of its manifest relative to the root of the workspace.
    pub(crate) package: String,
    pub(crate) target: String,
    /// The source file of the target, relative to the root of the workspace.
    pub(crate) root: String,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) binary: Binary,
    /// As the test runner names it.
    pub(crate) name: String,
    /// `ok`, `FAILED` or `ignored`.
    pub(crate) outcome: String,
}

impl Outcome {
    /// `crates/journal lib tests::a_torn_tail_is_cut`: tells it apart from all others.
    pub(crate) fn id(&self) -> String {
        id(&self.binary, &self.name)
    }
}

/// The id of a test.
pub(crate) fn id(binary: &Binary, name: &str) -> String {
    format!("{} {} {name}", binary.package, binary.target)
}

/// A run of all tests.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcomes {
    /// The tree, as `tree::fingerprint` names it.
    pub(crate) tree: String,
    pub(crate) tests: Vec<Outcome>,
}

impl Outcomes {
    /// Reads what the last run left.
    ///
    /// # Errors
    /// If there is no such record, or it cannot be read.
    pub(super) fn load(target: &Path) -> Result<Self, String> {
        record::load(target, RECORD)
    }

    /// Leaves it for whoever asks next.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn save(&self, target: &Path) -> Result<(), String> {
        record::save(target, RECORD, self)
    }

    /// Adds tests that are there and did not run.
    pub(crate) fn list<'a>(&mut self, binary: &Binary, names: impl Iterator<Item = &'a str>) {
        self.tests.extend(names.map(|name| Outcome {
            binary: binary.clone(),
            name: name.to_owned(),
            outcome: "listed".to_owned(),
        }));
    }

    /// The outcomes of the test that stands at this place. Several, if it is in several binaries; none, if it did not run.
    pub(crate) fn of(&self, file: &str, item: &Item) -> Vec<&Outcome> {
        let wanted: Vec<&str> = item.path.split("::").collect();
        let scored =
            self.tests.iter().filter(|test| belongs(&test.binary, file)).filter_map(|test| {
                let name: Vec<&str> = test.name.split("::").collect();
                let modules = name.strip_suffix(wanted.as_slice())?;
                let score = common(modules, &test.binary, file)?;
                Some((score, test))
            });
        let scored: Vec<(usize, &Outcome)> = scored.collect();
        let best = scored.iter().map(|(score, _)| *score).max();
        scored.into_iter().filter(|(score, _)| Some(*score) == best).map(|(_, test)| test).collect()
    }
}

/// True if a file lies where the modules of this binary do.
fn belongs(binary: &Binary, file: &str) -> bool {
    let directory = Path::new(&binary.root).parent().unwrap_or(Path::new(""));
    Path::new(file).starts_with(directory)
}

/// How well the modules of a test fit the path of a file: exactly, if they lead from the root of the binary to it; else as
/// many as its path ends with, since a file can be given another place. Nothing if the file names another module.
fn common(modules: &[&str], binary: &Binary, file: &str) -> Option<usize> {
    if binary.root == file {
        return modules.is_empty().then_some(usize::MAX);
    }
    let directory = Path::new(&binary.root).parent()?;
    let path = Path::new(file).strip_prefix(directory).ok()?.with_extension("");
    let mut names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).collect();
    names.pop_if(|last| *last == "mod");
    if names == modules {
        return Some(usize::MAX);
    }
    let score = modules.iter().rev().zip(names.iter().rev()).take_while(|(a, b)| a == b).count();
    (score > 0).then_some(score)
}

/// The test binaries that cargo says it has built, by the names of their executables.
pub(crate) fn binaries(root: &Path, messages: &str) -> BTreeMap<String, (PathBuf, Binary)> {
    let relative = |path: &Path| {
        let path = path.strip_prefix(root).unwrap_or(path);
        path.to_string_lossy().into_owned()
    };
    let binary = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let text = |value: &Value, name: &str| value.get(name)?.as_str().map(PathBuf::from);
        let (executable, target) = (text(&message, "executable")?, message.get("target")?);
        if message.get("profile")?.get("test")? != &Value::Bool(true) {
            return None;
        }
        let package = text(&message, "manifest_path")?;
        let kind = target.get("kind")?.get(0)?.as_str()?;
        let name = target.get("name")?.as_str()?;
        let binary = Binary {
            package: relative(package.parent()?),
            // A library has the name of its package: which kind it is tells more.
            target: if kind == "test" { name.to_owned() } else { kind.to_owned() },
            root: relative(&text(target, "src_path")?),
        };
        Some((executable.file_name()?.to_string_lossy().into_owned(), (executable, binary)))
    };
    messages.lines().filter_map(binary).collect()
}

/// Reads what the test runner prints: which binary runs, and what comes of each test.
pub(crate) struct Listener {
    binaries: BTreeMap<String, (PathBuf, Binary)>,
    running: Option<Binary>,
    heard: Vec<Outcome>,
}

impl Listener {
    pub(crate) fn new(binaries: BTreeMap<String, (PathBuf, Binary)>) -> Self {
        Self { binaries, running: None, heard: Vec::new() }
    }

    /// Takes one line.
    pub(crate) fn hear(&mut self, line: &str) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Running ") {
            let executable = rest.rsplit_once('(').and_then(|(_, path)| path.strip_suffix(')'));
            let name = executable.and_then(|path| Path::new(path).file_name());
            let name = name.map(|name| name.to_string_lossy().into_owned());
            self.running = name.and_then(|name| Some(self.binaries.get(&name)?.1.clone()));
        } else if line.starts_with("Doc-tests ") {
            self.running = None;
        } else if let (Some(binary), Some((name, outcome))) = (&self.running, outcome(line)) {
            let (name, outcome) = (name.to_owned(), outcome.to_owned());
            self.heard.push(Outcome { binary: binary.clone(), name, outcome });
        }
    }

    /// Everything that was heard, in an order of its own.
    pub(crate) fn heard(mut self) -> Vec<Outcome> {
        self.heard.sort_by(|a, b| (&a.binary, &a.name).cmp(&(&b.binary, &b.name)));
        self.heard
    }
}

/// `test NAME ... ok`: name and outcome.
pub(crate) fn outcome(line: &str) -> Option<(&str, &str)> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let name = name.split(" - ").next().unwrap_or(name);
    let outcome = outcome.split([',', ' ']).next().unwrap_or(outcome);
    matches!(outcome, "ok" | "FAILED" | "ignored").then_some((name, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(package: &str, target: &str, root: &str) -> Binary {
        Binary { package: package.to_owned(), target: target.to_owned(), root: root.to_owned() }
    }

    fn ran(binary: &Binary, name: &str) -> Outcome {
        Outcome { binary: binary.clone(), name: name.to_owned(), outcome: "ok".to_owned() }
    }

    #[test]
    fn lines_of_the_runner_are_told_apart() {
        assert_eq!(outcome("test a::b ... ok"), Some(("a::b", "ok")));
        assert_eq!(outcome("test a::b - should panic ... FAILED"), Some(("a::b", "FAILED")));
        assert_eq!(outcome("test a::b ... ignored, why"), Some(("a::b", "ignored")));
        for other in ["test result: ok. 5 passed", "test a::b", "a::b ... ok", "test a ... maybe"] {
            assert_eq!(outcome(other), None, "{other}");
        }
    }

    #[test]
    fn outcomes_are_those_of_the_binary_that_runs() {
        let messages = "\
{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/w/crates/j/Cargo.toml\",\"target\":{\"kind\":[\"lib\"],\"name\":\"j\",\"src_path\":\"/w/crates/j/src/lib.rs\"},\"profile\":{\"test\":true},\"executable\":\"/w/target/debug/deps/j-01\"}
{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/w/crates/j/Cargo.toml\",\"target\":{\"kind\":[\"test\"],\"name\":\"props\",\"src_path\":\"/w/crates/j/tests/props/main.rs\"},\"profile\":{\"test\":true},\"executable\":\"/w/target/debug/deps/props-02\"}
{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/w/crates/j/Cargo.toml\",\"target\":{\"kind\":[\"bin\"],\"name\":\"c\",\"src_path\":\"/w/crates/j/src/main.rs\"},\"profile\":{\"test\":false},\"executable\":\"/w/target/debug/c\"}
";
        let mut listener = Listener::new(binaries(Path::new("/w"), messages));
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/j-01)",
            "test t ... ok",
            "     Running tests/props/main.rs (/w/target/debug/deps/props-02)",
            "test t ... FAILED",
            "   Doc-tests j",
            "test crates/j/src/lib.rs - f (line 3) ... ok",
        ] {
            listener.hear(line);
        }
        let heard: Vec<_> =
            listener.heard().into_iter().map(|test| (test.id(), test.outcome)).collect();
        let expected = [("crates/j lib t", "ok"), ("crates/j props t", "FAILED")];
        assert_eq!(heard, expected.map(|(id, outcome)| (id.to_owned(), outcome.to_owned())));
    }

    #[test]
    fn a_test_is_found_by_the_place_at_which_it_stands() {
        let lib = binary("crates/j", "lib", "crates/j/src/lib.rs");
        let props = binary("crates/j", "props", "crates/j/tests/props/main.rs");
        let other = binary("crates/k", "lib", "crates/k/src/lib.rs");
        let tests = vec![
            ran(&lib, "tests::t"),
            ran(&lib, "plan::tests::t"),
            ran(&lib, "plan::storage::tests::t"),
            ran(&props, "t"),
            ran(&props, "given::t"),
            ran(&other, "tests::t"),
        ];
        let outcomes = Outcomes { tree: String::new(), tests };
        let found = |file: &str, path: &str| {
            let item = Item { path: path.to_owned(), ..Item::of_line(1) };
            outcomes.of(file, &item).into_iter().map(Outcome::id).collect::<Vec<_>>()
        };
        assert_eq!(found("crates/j/src/lib.rs", "tests::t"), ["crates/j lib tests::t"]);
        assert_eq!(found("crates/j/src/tests.rs", "t"), ["crates/j lib tests::t"]);
        assert_eq!(found("crates/j/src/plan/mod.rs", "tests::t"), ["crates/j lib plan::tests::t"]);
        assert_eq!(found("crates/j/src/plan/tests.rs", "t"), ["crates/j lib plan::tests::t"]);
        assert_eq!(
            found("crates/j/src/plan/storage.rs", "tests::t"),
            ["crates/j lib plan::storage::tests::t"]
        );
        assert_eq!(found("crates/j/tests/props/main.rs", "t"), ["crates/j props t"]);
        assert_eq!(found("crates/j/tests/props/given.rs", "t"), ["crates/j props given::t"]);
        assert_eq!(found("crates/j/src/plan/storage.rs", "tests::u"), Vec::<String>::new());
        assert_eq!(found("crates/j/src/other.rs", "t"), Vec::<String>::new());
    }
}
