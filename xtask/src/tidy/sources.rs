//! Rules that hold for every source file.

use super::Finding;
use super::code::only_code;

/// A sitting has its limits.
pub(crate) const MAXIMUM_LINES: usize = 600;

/// What may stand nowhere in code, and why.
const FORBIDDEN: [(&str, &str); 4] = [
    ("#[ignore", "a test that is left out proves nothing"),
    ("todo!", "unfinished"),
    ("unimplemented!", "unfinished"),
    ("dbg!", "left over from debugging"),
];

/// Looks at one source file.
pub(crate) fn check(path: &str, source: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = source.lines().count();
    if lines > MAXIMUM_LINES {
        let what = format!("{lines} lines; a file has at most {MAXIMUM_LINES}");
        findings.push(Finding::new(path, MAXIMUM_LINES + 1, what));
    }
    let code = only_code(source);
    for (number, line) in (1..).zip(code.lines()) {
        for (word, why) in FORBIDDEN {
            if mentions(line, word) {
                findings.push(Finding::new(path, number, format!("{word}: {why}")));
            }
        }
    }
    for at in bare_matches(&code) {
        let line = code.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let what = "matches!(…); as a statement asserts nothing: assert!(matches!(…))";
        findings.push(Finding::new(path, line, what));
    }
    findings
}

/// True if the line has the word, and not only as the end of a longer name.
fn mentions(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let starts_a_name = word.starts_with(is_name);
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        !(starts_a_name && before.ends_with(is_name))
    })
}

/// Where `matches!(…);` stands as a statement of its own.
fn bare_matches(code: &str) -> Vec<usize> {
    const CALL: &str = "matches!(";
    let is_statement = |at: &usize| {
        let before = code.get(..*at).unwrap_or_default().trim_end();
        let call = code.get(at + CALL.len() - 1..).unwrap_or_default();
        let after = call.get(closing_parenthesis(call)..).unwrap_or_default();
        before.ends_with(['{', '}', ';']) && after.trim_start().starts_with(';')
    };
    code.match_indices(CALL).map(|(at, _)| at).filter(is_statement).collect()
}

/// The length of a text in parentheses.
fn closing_parenthesis(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => return at + 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<usize> {
        check("a.rs", source).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_forbidden_word_is_caught_in_code_and_left_alone_elsewhere() {
        for (word, _) in FORBIDDEN {
            assert_eq!(lines(&format!("fn f() {{\n    {word}\n}}\n")), [2], "{word}");
            assert_eq!(
                lines(&format!("// {word}\nfn f() {{ g(r#\"{word}\"#) }}\n")),
                [] as [usize; 0]
            );
        }
        assert_eq!(lines("#[ignore = \"slow\"]\nfn f() {}\n"), [1]);
        assert_eq!(lines("fn f() { my_todo!() }\n"), [] as [usize; 0]);
    }

    #[test]
    fn a_file_that_is_too_long_is_caught() {
        assert_eq!(lines(&"\n".repeat(MAXIMUM_LINES)), [] as [usize; 0]);
        assert_eq!(lines(&"\n".repeat(MAXIMUM_LINES + 1)), [MAXIMUM_LINES + 1]);
    }

    #[test]
    fn matches_that_assert_nothing_are_caught() {
        assert_eq!(lines("fn f() {\n    let a = 1;\n    matches!(a, 1 if g(a));\n}\n"), [3]);
        assert_eq!(
            lines("fn f() {\n    if x {}\n    matches!(\n        a,\n        1\n    );\n}\n"),
            [3]
        );
        for fine in [
            "fn f() { assert!(matches!(a, 1)); }",
            "fn f() -> bool { matches!(a, 1) }",
            "fn f() { let b = matches!(a, 1); }",
            "fn f() { g(); x = matches!(a, 1); }",
        ] {
            assert_eq!(lines(fine), [] as [usize; 0], "{fine}");
        }
    }
}
