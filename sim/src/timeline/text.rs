//! The timeline as plain text.

use super::describe::{shown_path, visible};
use super::rows::{Connection, Row};
use super::{Ending, Entry, Frame, Segment, Timeline};

/// How wide the text is at most, as far as names allow.
pub(super) const COLUMNS: usize = 100;

/// Where the line is drawn that connects the pair.
const GUTTER_COLUMNS: usize = 3;
const NUMBER_COLUMNS: usize = 5;
const FATE_COLUMNS: usize = 13;
const VERB_COLUMNS: usize = 7;
/// Where the verb begins, and all that is said of an operation on lines of its own.
const VERB_AT: usize = GUTTER_COLUMNS + NUMBER_COLUMNS + 2 + FATE_COLUMNS + 1;
/// Of the path at most so many columns are shown, so that there is room for the details.
const PATH_COLUMNS: usize = 44;
/// And of a call site so many lines.
const CALL_SITE_LINES: usize = 3;

/// Renders a timeline.
pub(super) fn render(timeline: &Timeline) -> String {
    let mut lines = vec![rule('═', "")];
    lines.extend(broken(timeline));
    lines.push(rule('─', ""));
    lines.push(format!("  {:<12}{}", "replay", timeline.replay_command()));
    lines.extend(
        timeline.facts().iter().flat_map(|(name, value)| wrapped(&format!("  {name:<12}"), value)),
    );
    lines.extend(table(timeline));
    lines.push(String::new());
    lines.extend(broken(timeline));
    if let Some(order) = timeline.order_in_words() {
        lines.extend(wrapped("ORDER   ", &order));
    }
    lines.push(format!("REPLAY  {}", timeline.replay_command()));
    lines.push(rule('═', ""));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n") + "\n"
}

fn broken(timeline: &Timeline) -> Vec<String> {
    wrapped("BROKEN  ", &format!("{}: {}", timeline.judge, timeline.broken))
}

fn table(timeline: &Timeline) -> Vec<String> {
    let entries = || timeline.segments.iter().flat_map(Segment::entries);
    let longest = entries().map(|entry| columns(&shown_path(&entry.path))).max();
    let path_columns = longest.unwrap_or_default().min(PATH_COLUMNS);
    let mut lines = Vec::new();
    for (row, connection) in timeline.rows() {
        let (first, further) = gutters(connection);
        let told = match row {
            Row::Title(index, run) => {
                vec![String::new(), format!("{}. {}", index + 1, visible(&run.title))]
            }
            Row::Untold(operations, crash) => {
                let plural = if operations == 1 { "" } else { "s" };
                vec![format!(
                    "{:>NUMBER_COLUMNS$}  {operations} operation{plural} that the crash {crash}",
                    "…"
                )]
            }
            Row::Entry(_, entry) => entry_lines(entry, path_columns),
            Row::Ending(run) => vec![ending(&run.ending)],
        };
        for (at, line) in told.iter().enumerate() {
            let gutter = if at == 0 { first } else { further };
            lines.push(clipped(&format!("{gutter}{line}"), COLUMNS));
        }
    }
    lines
}

/// What stands before the first line of a row, and before its others.
fn gutters(connection: Connection) -> (&'static str, &'static str) {
    match connection {
        Connection::Apart => ("   ", "   "),
        Connection::First => ("┌─▶", "│  "),
        Connection::Between => ("│  ", "│  "),
        Connection::Last => ("└─▶", "   "),
    }
}

fn entry_lines(entry: &Entry, path_columns: usize) -> Vec<String> {
    let fate = entry.fate_word();
    let verb = entry.action.verb();
    let head = format!("{:>NUMBER_COLUMNS$}  {fate:<FATE_COLUMNS$}", entry.number);
    let mut lines = if let super::Action::Mark { text } = &entry.action {
        vec![format!("{head} ● {}", visible(text))]
    } else {
        let path = from_the_end(&shown_path(&entry.path), path_columns);
        let details = entry.action.details(&entry.path);
        vec![format!("{head} {verb:<VERB_COLUMNS$} {path:<path_columns$}  {details}")]
    };
    let indent = " ".repeat(VERB_AT - GUTTER_COLUMNS);
    let own_lines = [entry.action.preview(), entry.fate_note()].into_iter().flatten();
    let own_lines = own_lines.chain(call_site(&entry.call_site));
    lines.extend(own_lines.map(|line| format!("{indent}{line}")));
    lines
}

/// The innermost frame, and as many of those around it as there is room for.
fn call_site(frames: &[Frame]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut file = "";
    for frame in frames {
        // The same file is not named again, and of another one its name is enough.
        let place = match frame.file.rsplit('/').next() {
            _ if lines.is_empty() => frame.place(),
            _ if frame.file == file => format!(":{}", frame.line),
            name => format!("{}:{}", visible(name.unwrap_or_default()), frame.line),
        };
        file = &frame.file;
        let told = format!("{} ({place})", visible(&frame.function));
        let count = lines.len();
        match lines.last_mut() {
            None => lines.push(format!("at {told}")),
            Some(line) if VERB_AT + columns(line) + 3 + columns(&told) <= COLUMNS => {
                line.push_str(&format!(" ← {told}"));
            }
            Some(_) if count < CALL_SITE_LINES => lines.push(format!("   ← {told}")),
            Some(_) => break,
        }
    }
    lines
}

fn ending(ending: &Ending) -> String {
    let mark = if matches!(ending, Ending::Judged) { "" } else { "⚡ " };
    let line = if matches!(ending, Ending::Judged) { '─' } else { '━' };
    rule(line, &format!("{mark}{}", ending.words())).chars().skip(GUTTER_COLUMNS).collect()
}

/// A line from edge to edge, with words in it.
fn rule(line: char, words: &str) -> String {
    let mut rule = String::new();
    if !words.is_empty() {
        rule.extend(std::iter::repeat_n(line, NUMBER_COLUMNS));
        rule.push_str(&format!(" {words} "));
    }
    let rest = COLUMNS.saturating_sub(columns(&rule));
    rule.extend(std::iter::repeat_n(line, rest));
    rule
}

/// Words under a name, broken between words where the line ends.
fn wrapped(name: &str, text: &str) -> Vec<String> {
    let indent = " ".repeat(columns(name));
    let mut lines = Vec::new();
    let mut line = name.to_owned();
    let mut is_empty = true;
    for word in visible(text).split_whitespace() {
        if !is_empty && columns(&line) + 1 + columns(word) > COLUMNS {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// The end of a text that is too long: of a path, that is what tells it from others.
fn from_the_end(text: &str, most: usize) -> String {
    let length = columns(text);
    if length <= most {
        return text.to_owned();
    }
    let end: String = text.chars().skip(length + 1 - most).collect();
    format!("…{end}")
}

/// The beginning of a text that is too long.
fn clipped(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{beginning}…")
}

fn columns(text: &str) -> usize {
    text.chars().count()
}
