//! The timeline as one page of HTML.
//!
//! The page is a header, what is broken, and one table: a body for each run, a row for each operation, with a lane for each
//! file or directory. The style sheet and the script (which only copies, and opens everything for the printer) are beside
//! this file.

mod lanes;
mod markup;
mod row;

use self::lanes::Lanes;
use self::markup::Markup;
use super::rows::Row;
use super::{EntryRef, Segment, Timeline};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Nothing is fetched, whatever the page holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Renders a timeline.
pub(super) fn render(timeline: &Timeline) -> String {
    let mut m = Markup::default();
    let language = [("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en")];
    m.element("html", &language, |m| {
        m.element("head", &[], |m| head(m, timeline));
        m.element("body", &[], |m| {
            m.element("main", &[], |m| {
                header(m, timeline);
                order(m, timeline);
                legend(m, timeline);
                table(m, timeline);
                as_text(m, timeline);
            });
            m.verbatim("script", SCRIPT);
        });
    });
    m.finish()
}

fn head(m: &mut Markup, timeline: &Timeline) {
    m.empty("meta", &[("charset", "utf-8")]);
    m.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    m.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    m.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    m.leaf("title", &[], &format!("{}: {} ({})", timeline.scenario, timeline.broken, timeline.id));
    m.verbatim("style", STYLE);
}

/// What is broken comes first: that is what the page is about.
fn header(m: &mut Markup, timeline: &Timeline) {
    m.element("header", &[], |m| {
        m.leaf("p", &[("class", "eyebrow")], "FemtoClaw Upgrade · a finding of the simulator");
        m.element("div", &[("class", "broken")], |m| {
            m.element("p", &[], |m| {
                m.leaf("span", &[("class", "label")], "Broken invariant");
                m.text(" ");
                m.leaf("span", &[("class", "judge")], &timeline.judge);
            });
            m.leaf("h1", &[], &timeline.broken);
        });
        m.element("div", &[("class", "replay")], |m| {
            m.leaf("span", &[("class", "prompt"), ("aria-hidden", "true")], "$");
            m.leaf("code", &[("id", "replay")], &timeline.replay_command());
            copy_button(m, "replay", "Copy the command");
        });
        m.element("dl", &[("class", "facts")], |m| {
            for (name, value) in timeline.facts() {
                m.element("div", &[], |m| {
                    m.leaf("dt", &[], name);
                    m.leaf("dd", &[], &value);
                });
            }
        });
    });
}

/// It is shown by the script that it needs.
fn copy_button(m: &mut Markup, what: &str, label: &str) {
    let attributes = [
        ("type", "button"),
        ("class", "copy"),
        ("data-copies", what),
        ("aria-label", label),
        ("hidden", "hidden"),
    ];
    m.leaf("button", &attributes, "Copy");
}

/// The pair whose order mattered, side by side.
fn order(m: &mut Markup, timeline: &Timeline) {
    let Some(order) = timeline.order else { return };
    let (Some(lost), Some(kept)) = (timeline.entry(order.lost), timeline.entry(order.kept)) else {
        return;
    };
    m.element("section", &[("class", "order"), ("aria-labelledby", "order")], |m| {
        m.leaf("h2", &[("id", "order")], order.title());
        m.element("div", &[("class", "pair")], |m| {
            m.element("div", &[("class", "end lost")], |m| {
                m.leaf("p", &[("class", "role")], &format!("this {}", lost.fate.taken_in_words()));
                row::summary(m, order.lost, lost);
            });
            m.leaf("div", &[("class", "arrow"), ("aria-hidden", "true")], "→");
            m.element("div", &[("class", "end kept")], |m| {
                m.leaf("p", &[("class", "role")], &format!("this {} it", order.relied_on()));
                row::summary(m, order.kept, kept);
            });
        });
    });
}

/// The fates that there are, and how lanes are read.
fn legend(m: &mut Markup, timeline: &Timeline) {
    let entries = timeline.segments.iter().flat_map(Segment::entries);
    let mut fates: Vec<_> = entries.map(|entry| &entry.fate).collect();
    fates.sort();
    fates.dedup_by_key(|fate| fate.slug());
    m.element("ul", &[("class", "legend"), ("aria-label", "What the fates mean")], |m| {
        for fate in fates {
            let Some((word, meaning)) = fate.meaning() else { continue };
            m.element("li", &[], |m| {
                m.leaf("span", &[("class", &format!("fate {}", fate.slug()))], word);
                m.text(" ");
                m.text(meaning);
            });
        }
        m.element("li", &[("class", "lane-key"), ("aria-hidden", "true")], |m| {
            for (class, meaning) in [
                ("key solid", "lane: all of it durable"),
                ("key dashed", "not synced when the crash came"),
                ("key bar", "a sync"),
            ] {
                m.leaf("span", &[("class", class)], "");
                m.text(meaning);
            }
        });
    });
}

fn table(m: &mut Markup, timeline: &Timeline) {
    let mut lanes = Lanes::of(timeline);
    // Before the table, so that the style sheet can filter without a script.
    m.empty("input", &[("type", "checkbox"), ("id", "only")]);
    m.leaf("label", &[("for", "only")], "only what is not durable");
    let scrolls =
        [("class", "scrolls"), ("role", "region"), ("aria-label", "Timeline"), ("tabindex", "0")];
    m.element("div", &scrolls, |m| {
        m.element("table", &[("style", &lanes.style())], |m| {
            m.leaf("caption", &[], "What happened, in order");
            m.element("thead", &[], |m| m.element("tr", &[], |m| heads(m, &lanes)));
            let mut rows = timeline.rows().into_iter().peekable();
            while rows.peek().is_some() {
                m.element("tbody", &[], |m| {
                    for (row, connection) in rows.by_ref() {
                        row::row(m, timeline, &mut lanes, row, connection);
                        if matches!(row, Row::Ending(_)) {
                            break;
                        }
                    }
                });
            }
        });
    });
}

fn heads(m: &mut Markup, lanes: &Lanes) {
    m.leaf("th", &[("scope", "col"), ("class", "number")], "#");
    m.leaf("th", &[("scope", "col"), ("class", "fate-column")], "fate");
    // What the lanes show is in the other columns too.
    m.element("th", &[("class", "lanes"), ("aria-hidden", "true")], |m| {
        if !lanes.is_empty() {
            lanes.heads(m);
        }
    });
    m.leaf("th", &[("scope", "col")], "operation");
    m.leaf("th", &[("scope", "col"), ("class", "caller")], "called from");
}

/// For reports that hold no pages.
fn as_text(m: &mut Markup, timeline: &Timeline) {
    m.element("details", &[("class", "as-text")], |m| {
        m.leaf("summary", &[], "The same as plain text");
        copy_button(m, "text", "Copy the text");
        m.leaf("pre", &[("id", "text")], &timeline.text());
    });
}

/// The name by which links lead to an entry.
fn anchor(which: EntryRef) -> String {
    format!("run{}-{}", which.segment + 1, which.number)
}
