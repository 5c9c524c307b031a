//! Every test is one, runs, and can fail.

use std::collections::BTreeSet;

use super::Finding;
use super::code::only_code;
use crate::rust_items::{Function, Items, Kind, Sources};

/// Looks at the sources, given as the files of each crate with their texts.
pub(crate) fn check(crates: &[Vec<(String, String)>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut all = Vec::new();
    for files in crates {
        let mut read = Vec::new();
        for (path, text) in files {
            findings.extend(check_comments(path, text));
            match Items::read(text) {
                Ok(items) => read.push((path.clone(), items)),
                Err(error) => findings.push(Finding::of_file(path, error)),
            }
        }
        all.push(Sources::new(read));
    }
    // A file can be a module of several crates, and its functions be called in any of them.
    let files = || all.iter().flat_map(Sources::files);
    let mentioned: BTreeSet<&str> =
        files().flat_map(|(_, items)| &items.mentioned).map(String::as_str).collect();
    for sources in &all {
        for (path, items) in sources.files() {
            findings.extend(check_tests(path, sources));
            let is_for_tests = sources.is_for_tests(path);
            let forgotten = items.functions.iter().filter(|function| {
                (is_for_tests || function.is_within_tests) && is_forgotten(function, &mentioned)
            });
            findings.extend(forgotten.map(|function| {
                let what = format!("{} is no test, and nobody calls it", function.name);
                Finding::new(path, function.line, what)
            }));
        }
    }
    findings
}

fn check_tests(path: &str, sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for test in sources.tests(path) {
        let name = test.path.join("::");
        if !test.has_assertion {
            findings.push(Finding::new(path, test.line, format!("{name} asserts nothing")));
        }
        if test.is_ignored {
            let what = format!("{name} is ignored: a test that is left out proves nothing");
            findings.push(Finding::new(path, test.line, what));
        }
    }
    findings
}

/// True of what looks like a test that lost its attribute.
fn is_forgotten(function: &Function, mentioned: &BTreeSet<&str>) -> bool {
    let is_called = mentioned.contains(function.name.as_str()) || function.name == "main";
    function.kind == Kind::Free
        && !function.name.starts_with('$')
        && !function.is_test
        && !function.has_arguments
        && !is_called
}

/// A comment that begins with the attribute of a test.
fn check_comments(path: &str, text: &str) -> Vec<Finding> {
    let what = "a test that is a comment never runs";
    let lines = (1..).zip(text.lines()).filter(|(_, line)| is_commented_out(line));
    let found = lines.filter(|(number, _)| is_code_without_slashes(text, *number));
    found.map(|(number, _)| Finding::new(path, number, what)).collect()
}

fn is_commented_out(line: &str) -> bool {
    let comment = line.trim_start().strip_prefix("//");
    comment.is_some_and(|comment| comment.trim_start().starts_with("#[test]"))
}

/// Whether the line is a comment and not within a text of several lines: such a line is no code without its slashes either.
fn is_code_without_slashes(text: &str, number: usize) -> bool {
    let uncommented = (1..).zip(text.lines()).map(|(this, line)| match this == number {
        true => line.replacen("//", "", 1),
        false => line.to_owned(),
    });
    let code = only_code(&uncommented.collect::<Vec<_>>().join("\n"));
    code.lines().nth(number - 1).is_some_and(|line| line.contains("#[test]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(crates: &[&[(&str, &str)]]) -> Vec<(String, usize)> {
        let owned = |files: &&[(&str, &str)]| {
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
        };
        let crates: Vec<Vec<(String, String)>> = crates.iter().map(owned).collect();
        check(&crates).into_iter().map(|finding| (finding.path, finding.line)).collect()
    }

    fn lines(text: &str) -> Vec<usize> {
        found(&[&[("a/src/lib.rs", text)]]).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_test_that_asserts_nothing_is_caught() {
        assert_eq!(lines("#[test]\nfn it() { x.unwrap(); }"), [2]);
        assert_eq!(lines("proptest! {\n#[test]\nfn it(x: u8) {}\n}"), [3]);
        assert_eq!(lines("#[test]\nfn it() { assert!(x); }"), [] as [usize; 0]);
        let product =
            "fn p() { assert!(x) }\n#[cfg(test)]\nmod tests {\n#[test]\nfn it() { p() }\n}";
        assert_eq!(lines(product), [5]);
    }

    #[test]
    fn a_test_that_is_ignored_is_caught_also_under_a_condition() {
        for attribute in ["#[ignore]", "# [ ignore ]", "#[cfg_attr(unix, ignore = \"slow\")]"] {
            let text = format!("#[test]\n{attribute}\nfn it() {{ assert!(x) }}");
            assert_eq!(lines(&text), [3], "{attribute}");
        }
    }

    #[test]
    fn a_test_that_lost_its_attribute_is_caught() {
        let within = |text: &str| format!("#[cfg(test)]\nmod tests {{\n{text}\n}}");
        assert_eq!(lines(&within("fn it() { assert!(x) }")), [3]);
        assert_eq!(lines(&within("// #[test]\nfn it() { assert!(x) }")), [3, 4]);
        assert_eq!(lines(&within("proptest! { fn it(x: u8) { prop_assert!(x) } }")), [3]);
        for fine in [
            within("fn it() { assert!(x) }\n#[test]\nfn other() { it() }"),
            within("fn it(x: u8) { assert!(x) }"),
            within("impl Default for A { fn default() -> Self { A } }"),
            "fn it() { assert!(x) }".to_owned(),
        ] {
            assert_eq!(lines(&fine), [] as [usize; 0], "{fine}");
        }
        let tests = [("a/tests/all/one.rs", "pub fn it() { assert!(x) }\nfn main() {}")];
        assert_eq!(found(&[&tests]), [("a/tests/all/one.rs".to_owned(), 1)]);
        let other = [("b/tests/all.rs", "#[path = \"one.rs\"] mod one;\nfn main() { one::it(); }")];
        assert_eq!(found(&[&tests, &other]), []);
    }

    #[test]
    fn a_test_that_is_a_comment_is_caught_and_a_text_or_documentation_is_not() {
        assert_eq!(lines("//#[test]\n// fn it() {}"), [1]);
        assert_eq!(lines("const A: &str = \"\n// #[test]\n\";"), [] as [usize; 0]);
        assert_eq!(lines("/// #[test]\nfn a() {}"), [] as [usize; 0]);
    }

    #[test]
    fn what_is_no_rust_is_caught() {
        assert_eq!(lines("fn f( {"), [0]);
    }
}
