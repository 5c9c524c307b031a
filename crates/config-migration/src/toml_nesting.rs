//! How deeply TOML nests, told before it is parsed.
//!
//! toml_edit bounds the dots of one key and the brackets around a value, each by 80, but not their product: a file of 13 KB
//! (`a.a.….a = { a.a.….a = { …`) overflows the stack there, and a stack overflow cannot be caught. So the text is scanned
//! first, by a scanner that knows strings and comments, and counts every dot and bracket that is open.

use crate::{ConfigurationError, MAXIMUM_DEPTH, Result};

/// Refuses text that nests more than [`MAXIMUM_DEPTH`] levels within one statement.
///
/// # Errors
/// `TooDeep`.
pub(crate) fn check(text: &str) -> Result<()> {
    let mut scanner = Scanner { rest: text.as_bytes(), dots: 0, open: Vec::new(), depth: 0 };
    while scanner.step() {
        if scanner.depth.saturating_add(scanner.dots) > MAXIMUM_DEPTH {
            return Err(ConfigurationError::TooDeep { bound: MAXIMUM_DEPTH });
        }
    }
    Ok(())
}

struct Scanner<'text> {
    rest: &'text [u8],
    /// Dots of the current key.
    dots: usize,
    /// The brackets that are open: what closes each, and the dots of the key before it.
    open: Vec<(u8, usize)>,
    /// Open brackets, and the dots of the keys before them.
    depth: usize,
}

impl Scanner<'_> {
    /// Takes the next token. False at the end.
    fn step(&mut self) -> bool {
        let Some((first, after)) = self.rest.split_first() else { return false };
        match first {
            b'"' | b'\'' => return self.string(*first),
            b'#' => {
                let end = self.rest.iter().position(|byte| *byte == b'\n');
                self.rest = end.and_then(|end| self.rest.get(end..)).unwrap_or_default();
                return true;
            }
            b'.' => self.dots = self.dots.saturating_add(1),
            b'{' | b'[' => {
                let closing = if *first == b'{' { b'}' } else { b']' };
                self.open.push((closing, self.dots));
                self.depth = self.depth.saturating_add(self.dots).saturating_add(1);
                self.dots = 0;
            }
            b'}' | b']' => {
                // The wrong bracket closes nothing: the parser may well read on as if it were not there.
                if let Some((_, dots)) = self.open.pop_if(|(closing, _)| closing == first) {
                    self.depth = self.depth.saturating_sub(dots).saturating_sub(1);
                }
                self.dots = 0;
            }
            b',' => self.dots = 0,
            // Inside brackets a line may end between a key and its value in TOML 1.1.
            b'\n' if self.open.is_empty() => self.dots = 0,
            _ => {}
        }
        self.rest = after;
        true
    }

    /// Takes a string of either kind, on one line or several.
    fn string(&mut self, quote: u8) -> bool {
        let triple = [quote; 3];
        let several_lines = self.rest.starts_with(&triple);
        let mut rest = self.rest.get(if several_lines { 3 } else { 1 }..).unwrap_or_default();
        while let Some((first, after)) = rest.split_first() {
            if several_lines && rest.starts_with(&triple) {
                rest = rest.get(3..).unwrap_or_default();
                // Up to two quotes of the text may stand before the three that close it.
                for _ in 0..2 {
                    rest = rest.strip_prefix(&[quote]).unwrap_or(rest);
                }
                break;
            }
            if !several_lines && (*first == quote || *first == b'\n') {
                rest = if *first == quote { after } else { rest };
                break;
            }
            let escapes = quote == b'"' && *first == b'\\';
            let next_is_line_end = after.first() == Some(&b'\n') && !several_lines;
            rest = match escapes && !next_is_line_end {
                true => after.get(1..).unwrap_or_default(),
                false => after,
            };
        }
        self.rest = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_keys_inside_inline_tables_do_not_overflow_the_stack() {
        let key = format!("{} = {{", ["a"; 79].join("."));
        let text = format!("{}{}\n", key.repeat(70), "}".repeat(70));
        let error = crate::toml_reader::read(&text).unwrap_err();
        assert_eq!(error, ConfigurationError::TooDeep { bound: MAXIMUM_DEPTH });
    }

    #[test]
    fn brackets_that_do_not_match_hide_no_nesting() {
        let key = format!("{} = {{]", ["a"; 79].join("."));
        assert!(crate::toml_reader::read(&key.repeat(70)).is_err());
        assert!(crate::toml_reader::read(&"a = [}".repeat(10_000)).is_err());
    }

    #[test]
    fn no_nesting_that_passes_the_scan_overflows_the_stack() {
        // Headers add to what is inside them, and are not counted here: toml_edit bounds them.
        let header = ["a"; 79].join(".");
        for (dots, brackets) in [(1, 60), (2, 40), (40, 2), (78, 1), (62, 2)] {
            let open = format!("{} = {{", vec!["a"; dots].join("."));
            let text = format!("[{header}]\n{}{}\n", open.repeat(brackets), "}".repeat(brackets));
            assert_eq!(check(&text), Ok(()), "{dots} dots, {brackets} brackets");
            // An overflow would end the process. What is read has more bounds than one.
            let read = crate::toml_reader::read(&text).map(|_| ());
            assert!(
                read.is_ok() || matches!(read, Err(ConfigurationError::TooDeep { .. })),
                "{read:?}"
            );
        }
    }

    #[test]
    fn dots_and_brackets_in_strings_and_comments_do_not_count() {
        let noise = ".[{".repeat(500);
        let text = format!(
            "# {noise}\na = \"\\\"{noise}\"\nb = '{noise}'\nc = \"\"\"{noise}\"\n{noise}\"\"\"\"\nd = '''\n{noise}'''\n"
        );
        assert_eq!(check(&text), Ok(()));
        assert!(crate::toml_reader::read(&text).is_ok());
        assert_eq!(check(&"x = 1.5\n".repeat(1000)), Ok(()));
        assert_eq!(check(&"a.b.c = { d.e = [] }\n".repeat(1000)), Ok(()));
        assert_eq!(check(&format!("a = [{}]\n", "1.5, ".repeat(1000))), Ok(()));
    }
}
