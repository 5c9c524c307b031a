//! Writing HTML of which every element is closed and every value escaped, because nothing else can be written with it.
//!
//! What it writes is well-formed XML too.

use crate::timeline::describe::visible;

/// Attributes: names and values. Names are ours, values may be anybody's.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// Elements behind which a new line begins, for those who read the source.
const LINES: [&str; 12] =
    ["head", "header", "title", "div", "p", "section", "table", "thead", "tbody", "tr", "ul", "dl"];

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Markup {
    page: String,
}

impl Markup {
    /// Ends the page.
    pub(super) fn finish(self) -> String {
        format!("<!DOCTYPE html>\n{}\n", self.page)
    }

    /// An element with others inside.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.begin(name, attributes);
        self.page.push('>');
        inside(self);
        self.page.push_str("</");
        self.page.push_str(name);
        self.page.push('>');
        if LINES.contains(&name) {
            self.page.push('\n');
        }
    }

    /// An element with a text inside.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(name, attributes, |m| m.text(text));
    }

    /// An element that has no inside.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.begin(name, attributes);
        self.page.push_str("/>");
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        escape(text, &mut self.page);
    }

    /// A style sheet or a script of ours, as it is.
    pub(super) fn verbatim(&mut self, name: &'static str, text: &'static str) {
        self.begin(name, &[]);
        self.page.push_str(">\n");
        self.page.push_str(text);
        self.page.push_str("</");
        self.page.push_str(name);
        self.page.push_str(">\n");
    }

    fn begin(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.page.push('<');
        self.page.push_str(name);
        for (name, value) in attributes {
            self.page.push(' ');
            self.page.push_str(name);
            self.page.push_str("=\"");
            escape(value, &mut self.page);
            self.page.push('"');
        }
    }
}

/// Line feeds stay, for texts of several lines.
fn escape(text: &str, page: &mut String) {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            page.push('\n');
        }
        for character in visible(line).chars() {
            match character {
                '&' => page.push_str("&amp;"),
                '<' => page.push_str("&lt;"),
                '>' => page.push_str("&gt;"),
                '"' => page.push_str("&quot;"),
                '\'' => page.push_str("&#39;"),
                _ => page.push(character),
            }
        }
    }
}
