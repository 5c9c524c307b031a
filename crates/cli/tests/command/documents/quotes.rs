//! Code in pages is quoted from code that is compiled: each fence `rust` names its file on the line above, and stands there
//! line for line. A line `// …` stands for what is left out.

use super::{pages, text};

const FROM: &str = "<!-- from: ";

/// Its code is of programs that nobody should write; `sim/src/naive/programs.rs` has them whole.
const OF_SKETCHES: &str = "docs/fjall-findings.md";

/// The lines of code without what is left and right of them, so that a quotation may be indented less.
fn lines(code: &str) -> Vec<&str> {
    code.lines().map(str::trim).collect()
}

/// Whether a file has these lines, in this order, with nothing between them but where something is left out.
fn is_quoted(quoted: &str, source: &str) -> bool {
    let (quoted, source) = (lines(quoted), lines(source));
    let mut rest = source.as_slice();
    for part in quoted.split(|line| *line == "// …") {
        let Some(at) = rest.windows(part.len().max(1)).position(|lines| lines == part) else {
            return part.is_empty();
        };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Every fence `rust` of a page with the line above it.
fn quotations(page: &str) -> Vec<(&str, String)> {
    let lines: Vec<&str> = page.lines().collect();
    let starts = (0..lines.len()).filter(|at| lines[*at].starts_with("```rust"));
    let quotation = |start: usize| {
        let code: Vec<&str> =
            lines[start + 1..].iter().take_while(|line| **line != "```").copied().collect();
        (start.checked_sub(1).map_or("", |above| lines[above]), code.join("\n"))
    };
    starts.map(quotation).collect()
}

#[test]
fn code_in_pages_is_code_that_is_compiled() {
    let mut found = 0;
    for name in pages().into_iter().filter(|name| name != OF_SKETCHES) {
        for (above, quoted) in quotations(&text(&name)) {
            let from = above.strip_prefix(FROM).and_then(|from| from.strip_suffix(" -->"));
            let from = from.unwrap_or_else(|| panic!("{name} quotes from nowhere:\n{quoted}"));
            assert!(is_quoted(&quoted, &text(from)), "{name}: {from} has no such lines:\n{quoted}");
            found += 1;
        }
    }
    assert!(found >= 12, "{found} quotations");
}

#[test]
fn a_quotation_that_was_left_behind_is_noticed() {
    let source = "fn a() {\n    one();\n    two();\n    three();\n}\n";
    for quoted in ["one();\ntwo();", "fn a() {\n// …\nthree();", "one();\n// …\n}"] {
        assert!(is_quoted(quoted, source), "{quoted}");
    }
    for quoted in ["one();\nthree();", "three();\n// …\none();", "four();"] {
        assert!(!is_quoted(quoted, source), "{quoted}");
    }
}
