//! Rust source without what is not code, so that a rule is not broken by a sentence that speaks of it.

/// The source with every character of comments, texts and character literals turned into a blank. Lines stay where they are.
pub(crate) fn only_code(source: &str) -> String {
    scan(source).output
}

/// The comments that go to the end of a line, with the slashes, and the numbers of their lines, from 1. What stands in a
/// text or in a block comment is none.
pub(crate) fn line_comments(source: &str) -> Vec<(usize, &str)> {
    scan(source).line_comments
}

fn scan(source: &str) -> Scanner<'_> {
    let output = String::with_capacity(source.len());
    let mut scanner = Scanner { rest: source, output, line: 1, line_comments: Vec::new() };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner
}

struct Scanner<'a> {
    rest: &'a str,
    output: String,
    /// The number of the line that the rest begins in, from 1.
    line: usize,
    line_comments: Vec<(usize, &'a str)>,
}

impl Scanner<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            let length = self.rest.find('\n').unwrap_or(self.rest.len());
            self.line_comments.extend(self.rest.get(..length).map(|text| (self.line, text)));
            self.blank(length);
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment(self.rest));
        } else if let Some(length) = raw_text(self.rest).filter(|_| !self.is_within_a_word()) {
            self.blank(length);
        } else if self.rest.starts_with('"') {
            self.blank(quoted(self.rest, '"'));
        } else if let Some(length) = character(self.rest) {
            self.blank(length);
        } else if let Some(next) = self.rest.chars().next() {
            self.keep(next.len_utf8());
        }
    }

    /// True behind a letter: then an `r` is the end of a name, not the beginning of a raw text.
    fn is_within_a_word(&self) -> bool {
        self.output.ends_with(|last: char| last.is_alphanumeric() || last == '_')
            && !self.rest.starts_with('"')
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.output.push_str(kept);
        self.line += kept.matches('\n').count();
        self.rest = rest;
    }

    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        self.output.extend(blanked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.line += blanked.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return text.len();
        } else if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
}

/// The length of a raw text (`r"…"`, `br#"…"#`), if one begins here.
fn raw_text(text: &str) -> Option<usize> {
    let after = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix).filter(|rest| rest.starts_with(['"', '#'])))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let inner_length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(text.len() - inner.len() + inner_length)
}

/// The length of a text that begins and ends with this quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, if one begins here and not a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut characters = text.strip_prefix('\'')?.chars();
    let first = characters.next()?;
    if first == '\\' || characters.next() == Some('\'') { Some(quoted(text, '\'')) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_texts_and_characters_are_blanked_and_code_is_not() {
        // A dot stands for a blank.
        for (source, code) in [
            ("a // todo!()\nb", "a ..........\nb"),
            ("a /* x /* y */ z */ b", "a ................. b"),
            (r#"f("todo!(\"x\")") + 1"#, "f(..............) + 1"),
            ("r#\"a \" b\"#;x", "..........;x"),
            ("br\"\\\";x", ".....;x"),
            ("let c = '\"'; d('\\'')", "let c = ...; d(....)"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("for\"x\"", "for..."),
            ("\"open", "....."),
            ("/* open", "......."),
            ("\"ä\"b", "...b"),
        ] {
            assert_eq!(only_code(source), code.replace('.', " "), "{source}");
        }
    }

    #[test]
    fn comments_are_found_where_they_are_and_in_texts_there_are_none() {
        let source =
            "a; // one\n\"// two\n\"; /* // three\n*/ // four\nr#\"\n// five\n\"#;\n/// six";
        let expected = [(1, "// one"), (4, "// four"), (8, "/// six")];
        assert_eq!(line_comments(source), expected);
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = include_str!("code.rs");
        assert_eq!(only_code(source).lines().count(), source.lines().count());
    }
}
