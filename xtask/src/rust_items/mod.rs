//! What functions a source file has, and which of them are tests that can fail.
//!
//! [`tests`] is about one file. [`Sources`] is about the files of one crate: there an assertion also counts if it is in
//! a helper of another test file. Items are read with `syn`, bodies as tokens, so that what a macro holds is seen too
//! and what a comment or a text says is not.
//!
//! An assertion is `assert*!`, `debug_assert*!`, `prop_assert*!`, `panic!`, `unreachable!`, `.unwrap_err()`,
//! `.expect_err(…)`, a method whose name begins with `assert` or `debug_assert`, or `TestCaseError::fail(…)`: in the body,
//! or in helpers that it calls or hands on by name, however far away. A helper is a function or macro that only tests can
//! reach: an `assert!` of the product proves nothing about the test. `.unwrap()` is none: it says that something can be
//! done, and not what comes of it.

mod body;
mod items;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use body::{Body, Reference};

/// What a function is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// The modules within the file that it is in, from the outside.
    pub(crate) modules: Vec<String>,
    pub(crate) kind: Kind,
    /// A test that a `macro_rules!` of the file makes is listed once, as that says it: `$name`.
    pub(crate) name: String,
    /// The line of its name.
    pub(crate) line: usize,
    /// The line of the first attribute or comment that belongs to it; else [`Function::line`].
    pub(crate) first_line: usize,
    /// The line of its closing brace.
    pub(crate) last_line: usize,
    /// It has `#[test]`, or an attribute of another crate by that name.
    pub(crate) is_test: bool,
    /// It has `#[ignore]`, if only under a condition.
    pub(crate) is_ignored: bool,
    /// It has `#[should_panic]`.
    pub(crate) should_panic: bool,
    /// It, or a module of the file around it, has `#[cfg(test)]`, or it is a test.
    pub(crate) is_within_tests: bool,
    /// Somebody has to hand it something. What `proptest!` hands to its functions does not count.
    pub(crate) has_arguments: bool,
    body: Body,
}

/// What sort of function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function of a module, or within another function.
    Free,
    /// A function of an `impl` block or trait: the name of the type or trait.
    Of(String),
    /// A `macro_rules!`.
    Macro,
}

/// A test of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestFunction {
    /// Its modules within the file and its name: `["tests", "a_claim"]`.
    pub(crate) path: Vec<String>,
    /// The line of its name.
    pub(crate) line: usize,
    /// The line of the first attribute or comment that belongs to it.
    pub(crate) first_line: usize,
    /// The line of its closing brace.
    pub(crate) last_line: usize,
    /// It can fail for another reason than that something could not be done.
    pub(crate) has_assertion: bool,
    pub(crate) is_ignored: bool,
    pub(crate) should_panic: bool,
}

/// A source file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Items {
    pub(crate) functions: Vec<Function>,
    /// The names of modules in files of their own that have `#[cfg(test)]`.
    pub(crate) test_modules: BTreeSet<String>,
    /// Every name that stands anywhere in the code but behind `fn`.
    pub(crate) mentioned: BTreeSet<String>,
}

impl Items {
    /// Reads a source file.
    ///
    /// # Errors
    /// If it is no Rust: a sentence.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        items::read(text)
    }
}

/// The tests of one file, with what the file itself says about them.
///
/// # Errors
/// If it is no Rust: a sentence.
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "what looks at one file only; tidy looks at crates")
)]
pub(crate) fn tests(text: &str) -> Result<Vec<TestFunction>, String> {
    // Nothing is known about where it is: everything in it may be a helper.
    const PLACE: &str = "tests/file.rs";
    let sources = Sources::new([(PLACE.to_owned(), Items::read(text)?)]);
    Ok(sources.tests(PLACE))
}

/// The files of one crate.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: BTreeMap<String, Items>,
}

impl Sources {
    /// The files, by their paths.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, Items)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// The files, by their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Items)> {
        self.files.iter().map(|(path, items)| (path.as_str(), items))
    }

    /// The tests of a file, with what all files of the crate say about them; none if there is no such file.
    pub(crate) fn tests(&self, path: &str) -> Vec<TestFunction> {
        let Some(items) = self.files.get(path) else { return Vec::new() };
        let tests = items.functions.iter().filter(|function| function.is_test);
        tests.map(|function| self.test(path, function)).collect()
    }

    fn test(&self, file: &str, function: &Function) -> TestFunction {
        let mut path = function.modules.clone();
        path.push(function.name.clone());
        TestFunction {
            path,
            line: function.line,
            first_line: function.first_line,
            last_line: function.last_line,
            has_assertion: function.should_panic || self.asserts(file, function),
            is_ignored: function.is_ignored,
            should_panic: function.should_panic,
        }
    }

    /// Whether it asserts something itself or by what it calls.
    fn asserts(&self, file: &str, function: &Function) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![(file, function)];
        while let Some((file, function)) = open.pop() {
            if function.body.asserts {
                return true;
            }
            if seen.insert((file, function.line)) {
                let references = function.body.references.iter();
                open.extend(references.flat_map(|reference| self.helpers(file, reference)));
            }
        }
        false
    }

    /// The helpers that may be meant: those of the same file; if there is none, those of all other files.
    fn helpers<'s>(&'s self, file: &'s str, reference: &Reference) -> Vec<(&'s str, &'s Function)> {
        let within = |(path, items): (&'s str, &'s Items)| {
            let all = self.is_for_tests(path);
            let functions = items.functions.iter();
            let helpers = functions.filter(move |function| all || function.is_within_tests);
            let meant = helpers.filter(|function| reference.may_mean(function));
            meant.map(move |function| (path, function)).collect::<Vec<_>>()
        };
        let here: Vec<_> =
            self.files().filter(|(path, _)| *path == file).flat_map(within).collect();
        if here.is_empty() { self.files().flat_map(within).collect() } else { here }
    }

    /// True if only tests reach the file: it, or a module above it, is called `tests` or is declared with `#[cfg(test)]`.
    pub(crate) fn is_for_tests(&self, path: &str) -> bool {
        let mut module = Path::new(path).with_extension("");
        if module.ends_with("mod") {
            module.pop();
        }
        loop {
            if module.ends_with("tests") || self.is_declared_for_tests(&module) {
                return true;
            }
            if !module.pop() {
                return false;
            }
        }
    }

    fn is_declared_for_tests(&self, module: &Path) -> bool {
        let (Some(name), Some(above)) = (module.file_name(), module.parent()) else { return false };
        let within = ["lib.rs", "main.rs", "mod.rs"].map(|file| above.join(file));
        let declaring = within.into_iter().chain([above.with_extension("rs")]);
        let mut declaring = declaring.filter_map(|file| self.files.get(file.to_str()?));
        declaring.any(|items| items.test_modules.contains(&*name.to_string_lossy()))
    }
}
