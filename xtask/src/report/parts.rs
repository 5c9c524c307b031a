//! What pages are put together from: figures, tables, and what is said of a record that is not of this tree.

use crate::trace::html::data::thousands;
use crate::trace::html::markup::{Html, all, element, inline, leaf, text as words};

use super::sources::{Source, State};

/// What an element may be given.
pub(super) fn classed(name: &'static str, class: &str, inside: Html) -> Html {
    element(name, &[("class", class)], inside)
}

/// A paragraph.
pub(super) fn paragraph(said: &str) -> Html {
    element("p", &[], words(said))
}

/// A section with a title, and a sentence that says what is seen there.
pub(super) fn section(title: &str, said: &str, inside: Html) -> Html {
    let said = if said.is_empty() { Html::default() } else { classed("p", "about", words(said)) };
    classed("section", "part", all([element("h2", &[], words(title)), said, inside]))
}

/// What is there for whoever wants it.
pub(super) fn folded(title: &str, inside: Html) -> Html {
    classed("details", "folded", all([element("summary", &[], words(title)), inside]))
}

/// A link.
pub(super) fn link(address: &str, said: &str) -> Html {
    inline("a", &[("href", address)], words(said))
}

/// A command that somebody may run.
pub(super) fn command(line: &str) -> Html {
    leaf("code", "command", line)
}

/// A figure of a page: a number, what it is of, and what else is known.
pub(super) fn figure(title: &str, number: &str, of: &str, facts: &[String]) -> Html {
    let number = all([leaf("strong", "", number), leaf("span", "of", &format!(" {of}"))]);
    let facts = facts.iter().map(|fact| element("dd", &[], words(fact)));
    let title = element("dt", &[], words(title));
    element("div", &[], all([title, classed("dd", "number", number), facts.collect()]))
}

/// Figures beside each other.
pub(super) fn figures<const N: usize>(of: [Html; N]) -> Html {
    classed("dl", "runs", all(of))
}

/// What is to be known before anything of a record is read: nothing, if it speaks of this tree.
pub(super) fn warning(source: &Source) -> Html {
    let Some(problem) = source.problem() else { return Html::default() };
    let title = match source.state {
        State::Missing => format!("{}: nothing is on record", source.name),
        State::Broken(_) => format!("{}: the record cannot be read", source.name),
        State::Current | State::Other(_) => {
            format!("{}: this is not of the tree that the report is about", source.name)
        }
    };
    let what = all([
        words(&format!("{problem} ({}). What makes it anew: ", source.file)),
        command(source.command),
    ]);
    let inside = all([element("h2", &[], words(&title)), element("p", &[], what)]);
    let class = if source.is_there() { "verdict old" } else { "verdict bad" };
    classed("section", class, inside)
}

/// A cell of a table, with what it is sorted by where that is not its text.
pub(super) struct Cell {
    inside: Html,
    sorted_by: Option<String>,
    is_number: bool,
}

/// A text.
pub(super) fn said(text: &str) -> Cell {
    Cell { inside: words(text), sorted_by: None, is_number: false }
}

/// Something that is put together.
pub(super) fn cell(inside: Html) -> Cell {
    Cell { inside, sorted_by: None, is_number: false }
}

/// A count.
pub(super) fn counted(count: u64) -> Cell {
    let inside = words(&thousands(count));
    Cell { inside, sorted_by: Some(count.to_string()), is_number: true }
}

/// A number that is written like this.
pub(super) fn measured(value: f64, written: &str) -> Cell {
    Cell { inside: words(written), sorted_by: Some(value.to_string()), is_number: true }
}

/// A table whose rows can be sorted, and searched where there are many. It scrolls by itself where it is too wide.
pub(super) fn table(caption: &str, heads: &[&str], rows: Vec<Vec<Cell>>) -> Html {
    if rows.is_empty() {
        return classed("p", "nothing", words("There are none."));
    }
    let numbers: Vec<bool> =
        rows.first().into_iter().flatten().map(|cell| cell.is_number).collect();
    let heads = heads.iter().zip(&numbers).map(|(head, is_number)| {
        let class = if *is_number { "number" } else { "" };
        element("th", &[("scope", "col"), ("class", class)], words(head))
    });
    let head = element("thead", &[], element("tr", &[], heads.collect()));
    let rows = rows.into_iter().map(|row| {
        let cells = row.into_iter().map(|cell| {
            let class = if cell.is_number { "number" } else { "" };
            let mut attributes = vec![("class", class)];
            attributes.extend(cell.sorted_by.as_deref().map(|by| ("data-sort", by)));
            element("td", &attributes, cell.inside)
        });
        element("tr", &[], cells.collect())
    });
    let body = element("tbody", &[], rows.collect());
    let table = classed("table", "sortable", all([head, body]));
    let attributes =
        [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)];
    element("div", &attributes, table)
}

/// A share as people read it: 100 % only if it is all.
pub(super) fn percent(part: u64, of: u64) -> String {
    if of == 0 {
        return "–".to_owned();
    }
    let tenths = part.saturating_mul(1000) / of;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// So many seconds as people read them.
pub(super) fn seconds(value: f64) -> String {
    if value < 1.0 { format!("{:.0} ms", value * 1000.0) } else { format!("{value:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::super::sources::{Kind, MODEL};
    use super::*;

    fn source(state: State) -> Source {
        let Kind { name, file, command } = MODEL;
        Source { name, file, command, state, value: serde_json::Value::Null }
    }

    #[test]
    fn whatever_is_not_of_this_tree_says_so_with_the_command() {
        assert_eq!(warning(&source(State::Current)), Html::default());
        for (state, expected) in [
            (State::Missing, "nothing is on record"),
            (State::Broken("it ends <early>".to_owned()), "it ends &lt;early&gt;"),
            (State::Other("it is old".to_owned()), "not of the tree"),
        ] {
            let said = warning(&source(state));
            assert!(said.as_str().contains(expected), "{}", said.as_str());
            assert!(said.as_str().contains("cargo xtask model"), "{}", said.as_str());
        }
    }

    #[test]
    fn shares_are_whole_only_if_they_are() {
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!((percent(3, 3), percent(0, 0)), ("100.0 %".to_owned(), "–".to_owned()));
        assert_eq!((seconds(0.093), seconds(1.54)), ("93 ms".to_owned(), "1.5 s".to_owned()));
    }
}
