//! A row of the table.

use super::anchor;
use super::lanes::Lanes;
use super::markup::Markup;
use crate::timeline::describe::shown_path;
use crate::timeline::rows::{Connection, Row};
use crate::timeline::{Action, Ending, Entry, EntryRef, Fate, Frame, Timeline};

/// All columns but those of the number and the lanes.
const COLUMNS_BEHIND_LANES: &str = "2";

/// Writes a row.
pub(super) fn row(
    m: &mut Markup,
    timeline: &Timeline,
    lanes: &mut Lanes,
    row: Row<'_>,
    connection: Connection,
) {
    let link = connection_class(connection);
    match row {
        Row::Title(index, run) => {
            m.element("tr", &[("class", &format!("title {link}"))], |m| {
                m.leaf("td", &[("class", "number")], "");
                m.element("th", &[("scope", "rowgroup"), ("colspan", "4")], |m| {
                    m.leaf("span", &[("class", "run")], &format!("run {}", index + 1));
                    m.text(" ");
                    m.text(&run.title);
                });
            });
        }
        Row::Untold(operations, crash) => {
            m.element("tr", &[("class", &format!("skipped {link}"))], |m| {
                m.leaf("td", &[("class", "number")], "…");
                m.leaf("td", &[("class", "fate-column")], "");
                lane_cell(m, |m| lanes.pass(m));
                let plural = if operations == 1 { "" } else { "s" };
                let text = format!("{operations} operation{plural} that the crash {crash}");
                m.leaf("td", &[("colspan", COLUMNS_BEHIND_LANES)], &text);
            });
        }
        Row::Entry(which, entry) => entry_row(m, timeline, lanes, (which, entry), link),
        Row::Ending(run) => {
            let is_judged = matches!(run.ending, Ending::Judged);
            let class = if is_judged { "judged" } else { "crash" };
            m.element("tr", &[("class", &format!("{class} {link}"))], |m| {
                m.leaf("td", &[("class", "number")], if is_judged { "" } else { "⚡" });
                m.leaf("td", &[("colspan", "4")], &run.ending.words());
            });
            lanes.crash();
        }
    }
}

/// An entry in short, as a link to its row.
pub(super) fn summary(m: &mut Markup, which: EntryRef, entry: &Entry) {
    m.element("a", &[("href", &format!("#{}", anchor(which)))], |m| {
        m.leaf("span", &[("class", "number")], &format!("#{}", entry.number));
        m.text(" ");
        fate(m, entry);
        m.text(" ");
        match &entry.action {
            Action::Mark { text } => m.leaf("span", &[("class", "said")], text),
            action => {
                m.leaf("b", &[], &action.verb());
                m.text(" ");
                m.leaf("code", &[], &shown_path(&entry.path));
            }
        }
    });
}

fn entry_row(
    m: &mut Markup,
    timeline: &Timeline,
    lanes: &mut Lanes,
    (which, entry): (EntryRef, &Entry),
    link: &str,
) {
    let kind = match entry.action {
        Action::Mark { .. } => "mark",
        Action::Sync => "sync",
        _ => "change",
    };
    let lasting = if entry.is_durable() { "lasting" } else { "" };
    let class = format!("entry {kind} {} {lasting} {link}", entry.fate.slug());
    m.element("tr", &[("id", &anchor(which)), ("class", &class)], |m| {
        m.leaf("th", &[("scope", "row"), ("class", "number")], &entry.number.to_string());
        m.element("td", &[("class", "fate-column")], |m| fate(m, entry));
        lane_cell(m, |m| lanes.entry(m, entry));
        m.element("td", &[("class", "what")], |m| {
            what(m, entry);
            role(m, timeline, which);
        });
        m.element("td", &[("class", "caller")], |m| call_site(m, &entry.call_site));
    });
}

fn connection_class(connection: Connection) -> &'static str {
    match connection {
        Connection::Apart => "",
        Connection::First => "linked first",
        Connection::Between => "linked between",
        Connection::Last => "linked last",
    }
}

fn lane_cell(m: &mut Markup, inside: impl FnOnce(&mut Markup)) {
    m.element("td", &[("class", "lanes"), ("aria-hidden", "true")], inside);
}

fn fate(m: &mut Markup, entry: &Entry) {
    let word = entry.fate_word();
    if word.is_empty() {
        m.leaf("span", &[("class", "fate marked")], "mark");
    } else {
        m.leaf("span", &[("class", &format!("fate {}", entry.fate.slug()))], &word);
    }
}

fn what(m: &mut Markup, entry: &Entry) {
    if let Action::Mark { text } = &entry.action {
        m.leaf("span", &[("class", "said")], text);
        return;
    }
    m.element("div", &[("class", "did")], |m| {
        m.leaf("b", &[], &entry.action.verb());
        m.text(" ");
        m.leaf("code", &[("class", "path")], &shown_path(&entry.path));
        let details = entry.action.details(&entry.path);
        if !details.is_empty() {
            m.text(" ");
            m.leaf("span", &[("class", "details")], &details);
        }
    });
    if let Some(preview) = entry.action.preview() {
        m.leaf("div", &[("class", "preview")], &preview);
    }
    if let Some(note) = entry.fate_note() {
        m.element("div", &[("class", "note")], |m| {
            bytes(m, entry);
            m.text(&note);
        });
    }
}

/// What is there of a write, and what is not, as a bar.
fn bytes(m: &mut Markup, entry: &Entry) {
    let Action::Write { offset, bytes, .. } = entry.action else { return };
    let part = |at: u64| at.saturating_mul(100).checked_div(bytes).unwrap_or(0).min(100);
    let (from, to) = match entry.fate {
        Fate::Torn { after } => (part(after), 100),
        Fate::Hole { from, to } => {
            (part(from.saturating_sub(offset)), part(to.saturating_sub(offset)))
        }
        Fate::SizeOnly { .. } => (0, 100),
        _ => return,
    };
    let style = format!("--from:{from}%;--to:{to}%");
    m.leaf("span", &[("class", "bytes"), ("style", &style), ("aria-hidden", "true")], "");
}

fn role(m: &mut Markup, timeline: &Timeline, which: EntryRef) {
    let Some(order) = timeline.order else { return };
    let taken = timeline.entry(order.lost).map_or("", |lost| lost.fate.taken_in_words());
    let (role, other) = if order.lost == which {
        (format!("{taken}, although this {} it:", order.relied_on()), order.kept)
    } else if order.kept == which {
        (format!("{} what {taken}:", order.relied_on()), order.lost)
    } else {
        return;
    };
    m.element("div", &[("class", "role")], |m| {
        m.text(&role);
        m.text(" ");
        m.leaf("a", &[("href", &format!("#{}", anchor(other)))], &format!("#{}", other.number));
    });
}

fn call_site(m: &mut Markup, frames: &[Frame]) {
    let Some((first, around)) = frames.split_first() else { return };
    if around.is_empty() {
        m.element("div", &[("class", "frame")], |m| frame(m, first));
        return;
    }
    m.element("details", &[], |m| {
        m.element("summary", &[("class", "frame")], |m| frame(m, first));
        m.element("ol", &[], |m| {
            for outer in around {
                m.element("li", &[("class", "frame")], |m| frame(m, outer));
            }
        });
    });
}

fn frame(m: &mut Markup, frame: &Frame) {
    m.leaf("span", &[("class", "function")], &frame.function);
    m.text(" ");
    m.leaf("span", &[("class", "place")], &frame.place());
}
