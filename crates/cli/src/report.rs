//! An error as people read it: what is wrong, what state the home is in, and what comes next.

use std::fmt::Write;

use crate::failure::Failure;
use crate::style::{Style, wrapped};

/// The columns that the three labels take, which stand below each other.
const LABEL: usize = 7;

/// What is wrong, each cause on a line of its own; what state the home is in; which command comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) message: String,
    pub(crate) condition: String,
    pub(crate) next: String,
}

/// Renders a failure; broken at a width where there is one, and else line by line as it is.
pub(crate) fn render(failure: &Failure, style: &Style, width: Option<usize>) -> String {
    render_parts(&failure.parts(), style, width)
}

fn render_parts(parts: &Parts, style: &Style, width: Option<usize>) -> String {
    let mut text = String::new();
    part(&mut text, (&style.bad("error:"), &parts.message), width, str::to_owned);
    part(&mut text, (&style.dim(" home:"), &parts.condition), width, |line| style.dim(line));
    part(&mut text, (&style.next(" next:"), &parts.next), width, str::to_owned);
    text
}

fn part(
    text: &mut String,
    (label, content): (&str, &str),
    width: Option<usize>,
    set: impl Fn(&str) -> String,
) {
    if content.is_empty() {
        return;
    }
    for (at, line) in content.lines().enumerate() {
        let begins = if at == 0 { format!("{label} ") } else { String::new() };
        let Some(width) = width else {
            let _ = writeln!(text, "{begins}{}", set(line));
            continue;
        };
        // Below the label, except for what is indented already.
        let margin = " ".repeat(LABEL);
        for (part, line) in wrapped(line, width.saturating_sub(LABEL), 2).iter().enumerate() {
            let begins = if part == 0 && at == 0 { &begins } else { &margin };
            let _ = writeln!(text, "{begins}{}", set(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        Parts {
            message: "this upgrade is incompatible:\n  - one reason that is long enough".to_owned(),
            condition: "The home is unchanged.".to_owned(),
            next: "Mend what is named, then run the command again.".to_owned(),
        }
    }

    #[test]
    fn off_a_terminal_every_line_stands_as_it_is() {
        assert_eq!(
            render_parts(&parts(), &Style::plain(), None),
            "error: this upgrade is incompatible:
  - one reason that is long enough
 home: The home is unchanged.
 next: Mend what is named, then run the command again.
"
        );
    }

    #[test]
    fn on_a_terminal_lines_are_broken_below_their_label() {
        assert_eq!(
            render_parts(&parts(), &Style::plain(), Some(40)),
            "error: this upgrade is incompatible:
         - one reason that is long
           enough
 home: The home is unchanged.
 next: Mend what is named, then run the
         command again.
"
        );
    }

    #[test]
    fn what_there_is_nothing_to_say_of_has_no_line() {
        let parts = Parts { next: String::new(), ..parts() };
        assert!(!render_parts(&parts, &Style::plain(), None).contains("next"));
    }
}
