//! How text is set off, and how wide it gets.

use std::io;

use anstream::{AutoStream, ColorChoice};

use crate::arguments::Color;

/// The widest that a line of prose gets, on a terminal however wide.
const WIDEST: usize = 100;
/// The narrowest that a line of prose is broken for.
const NARROWEST: usize = 40;

/// How text is set off. Without colour it is not, and says the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    color: bool,
}

impl Style {
    /// Without colour.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { color: false }
    }

    /// For what goes to standard output. Where nothing is asked for: NO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM decide, and
    /// whether it is a terminal, in this order.
    pub(crate) fn of_output(wanted: Color) -> Self {
        Self::of(wanted, || AutoStream::choice(&io::stdout()))
    }

    /// For what goes to standard error.
    pub(crate) fn of_errors(wanted: Color) -> Self {
        Self::of(wanted, || AutoStream::choice(&io::stderr()))
    }

    fn of(wanted: Color, choice: impl FnOnce() -> ColorChoice) -> Self {
        let color = match wanted {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => choice() != ColorChoice::Never,
        };
        Self { color }
    }

    fn set(self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Bold.
    pub(crate) fn strong(&self, text: &str) -> String {
        self.set("1", text)
    }

    /// What matters less.
    pub(crate) fn dim(&self, text: &str) -> String {
        self.set("2", text)
    }

    /// What went wrong.
    pub(crate) fn bad(&self, text: &str) -> String {
        self.set("1;31", text)
    }

    /// What to look at before going on.
    pub(crate) fn warning(&self, text: &str) -> String {
        self.set("33", text)
    }

    /// What is new.
    pub(crate) fn added(&self, text: &str) -> String {
        self.set("32", text)
    }

    /// What is gone.
    pub(crate) fn removed(&self, text: &str) -> String {
        self.set("31", text)
    }

    /// What to do next.
    pub(crate) fn next(&self, text: &str) -> String {
        self.set("36", text)
    }
}

/// The width that prose on standard error is broken at; none off a terminal, where lines stay as they are.
pub(crate) fn width_of_errors() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stderr())?;
    (width > 0).then(|| usize::from(width).clamp(NARROWEST, WIDEST))
}

/// What is printed for people fits this many columns, as far as its words do.
pub(crate) const COLUMNS: usize = 80;

/// A line of a table or of a list: what does not fit behind `before` goes on below itself.
pub(crate) fn hung(before: &str, text: &str) -> String {
    let at = before.chars().count();
    let margin = " ".repeat(at);
    let parts = wrapped(text, COLUMNS.saturating_sub(at), 0);
    let lines = parts
        .iter()
        .enumerate()
        .map(|(number, part)| format!("{}{part}", if number == 0 { before } else { &margin }));
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Breaks a line between words so that none of its parts is wider, unless one word is. What follows the first part is
/// indented by as many columns as are said.
pub(crate) fn wrapped(line: &str, width: usize, indent: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let own = line.chars().take_while(|found| *found == ' ').count();
    let mut part = " ".repeat(own);
    let mut is_empty = true;
    for word in line.split_whitespace() {
        let needed = usize::from(!is_empty) + word.chars().count();
        if !is_empty && part.chars().count() + needed > width {
            parts.push(std::mem::replace(&mut part, " ".repeat(own + indent)));
            is_empty = true;
        }
        if !is_empty {
            part.push(' ');
        }
        part.push_str(word);
        is_empty = false;
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_as_asked_for_and_else_as_the_surroundings_say() {
        let of = |wanted, choice| Style::of(wanted, || choice).color;
        assert!(of(Color::Always, ColorChoice::Never));
        assert!(!of(Color::Never, ColorChoice::Always));
        assert!(of(Color::Auto, ColorChoice::Always) && !of(Color::Auto, ColorChoice::Never));
        assert_eq!(Style::plain().bad("x"), "x");
        assert_eq!(Style { color: true }.bad("x"), "\u{1b}[1;31mx\u{1b}[0m");
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_are_left_whole() {
        assert_eq!(wrapped("one two three", 7, 2), ["one two", "  three"]);
        assert_eq!(wrapped("  - one two", 7, 2), ["  - one", "    two"]);
        assert_eq!(wrapped("a /long/path/of/it b", 8, 1), ["a", " /long/path/of/it", " b"]);
        assert_eq!(wrapped("", 8, 1), [""]);
        let text = "word ".repeat(20);
        let hanging = hung("  name  ", &text);
        let lines: Vec<&str> = hanging.lines().collect();
        assert!(lines.len() == 2 && lines[0].starts_with("  name  word"), "{hanging}");
        assert!(lines[1].starts_with("        word") && lines[0].len() <= COLUMNS, "{hanging}");
    }
}
