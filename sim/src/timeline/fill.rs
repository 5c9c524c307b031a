//! Filling in a timeline.

use std::collections::BTreeSet;

use super::describe::{directory_of, visible};
use super::{
    Action, Ending, Entry, EntryRef, Fate, Frame, Line, NodeKind, Number, Order, Segment, Timeline,
};
use crate::disk::{Node, Operation};

/// So many bytes of a write are looked at for its preview.
const PREVIEW_BYTES: usize = 64;

impl Timeline {
    /// Folds runs of operations that the crash left into lines that only count them. What lies within `around` lines of something that
    /// is not durable, of a mark, of one of the pair or of a run's end stays.
    pub fn fold(&mut self, around: usize) {
        let pair = self.order.map(|order| [order.lost, order.kept]);
        for (segment, run) in self.segments.iter_mut().enumerate() {
            let matters = |entry: &Entry| {
                let own = EntryRef { segment, number: entry.number };
                entry.fate != Fate::Durable || pair.is_some_and(|pair| pair.contains(&own))
            };
            run.fold(around, matters);
        }
    }
}

impl Segment {
    /// A run in which nothing has happened yet.
    pub fn new(title: impl Into<String>, ending: Ending) -> Self {
        Self { title: title.into(), lines: Vec::new(), ending }
    }

    /// Something happened.
    pub fn push(&mut self, entry: Entry) {
        self.lines.push(Line::Entry(entry));
    }

    /// Operations that the crash left, and that are not told.
    pub fn skip(&mut self, operations: usize) {
        match self.lines.last_mut() {
            _ if operations == 0 => {}
            Some(Line::Skipped { operations: before }) => *before += operations,
            _ => self.lines.push(Line::Skipped { operations }),
        }
    }

    /// Operations that the crash took, and that are not told.
    pub fn take(&mut self, operations: usize) {
        match self.lines.last_mut() {
            _ if operations == 0 => {}
            Some(Line::Taken { operations: before }) => *before += operations,
            _ => self.lines.push(Line::Taken { operations }),
        }
    }

    /// What is told of it.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lines.iter().filter_map(|line| match line {
            Line::Entry(entry) => Some(entry),
            Line::Skipped { .. } | Line::Taken { .. } => None,
        })
    }

    fn fold(&mut self, around: usize, matters: impl Fn(&Entry) -> bool) {
        let last = self.lines.len().saturating_sub(1);
        let anchors = self.lines.iter().enumerate().filter(|(at, line)| match line {
            Line::Entry(entry) => *at == last || matters(entry),
            Line::Skipped { .. } | Line::Taken { .. } => false,
        });
        let told: BTreeSet<usize> =
            anchors.flat_map(|(at, _)| at.saturating_sub(around)..=at + around).collect();
        let lines = std::mem::take(&mut self.lines);
        for (at, line) in lines.into_iter().enumerate() {
            match line {
                Line::Entry(entry) if told.contains(&at) => self.push(entry),
                Line::Entry(_) => self.skip(1),
                Line::Skipped { operations } => self.skip(operations),
                Line::Taken { operations } => self.take(operations),
            }
        }
    }
}

impl Entry {
    /// An entry whose caller is not known.
    pub fn new(
        number: impl Into<Number>,
        action: Action,
        path: impl Into<String>,
        fate: Fate,
    ) -> Self {
        let (number, path) = (number.into(), path.into());
        Self { number, action, path, fate, call_site: Vec::new() }
    }

    /// An entry for an operation of a recording, with the path that was recorded with it. A sync that failed is told as such,
    /// whatever `fate` says.
    pub fn of(number: impl Into<Number>, operation: &Operation, path: &str, fate: Fate) -> Self {
        match operation {
            Operation::Move { from, to } => {
                // What is recorded is the path after it.
                let directory = if from.0 == to.0 { directory_of(path) } else { "…" };
                let action = Action::Rename { to: path.to_owned() };
                Self::new(number, action, format!("{directory}/{}", from.1), fate)
            }
            Operation::SyncFailed { .. } => {
                let failed = matches!(fate, Fate::Failed { .. });
                let fate = if failed { fate } else { Fate::Failed { errno: libc::EIO } };
                Self::new(number, Action::Sync, path, fate)
            }
            _ => Self::new(number, Action::of(operation), path, fate),
        }
    }

    /// A mark: something that is known from here on.
    pub fn mark(number: impl Into<Number>, text: impl Into<String>) -> Self {
        Self::new(number, Action::Mark { text: text.into() }, "", Fate::Untouched)
    }

    /// Says who did it: our innermost frame first.
    #[must_use]
    pub fn called_from(mut self, call_site: Vec<Frame>) -> Self {
        self.call_site = call_site;
        self
    }
}

impl Frame {
    /// A frame.
    pub fn new(function: impl Into<String>, file: impl Into<String>, line: u32) -> Self {
        Self { function: function.into(), file: file.into(), line }
    }
}

impl Action {
    /// What an operation of a recording is. That a sync failed is its fate and not told here; of a rename only the last
    /// component of the new name is known to it: [`Entry::of`] knows more.
    pub fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Create { node, mode, .. } => {
                let node = match node {
                    Node::File(_) => NodeKind::File,
                    Node::Directory(_) => NodeKind::Directory,
                    Node::Link(to) => NodeKind::Link { to: to.clone() },
                };
                Self::Create { node, mode: *mode }
            }
            Operation::Enter { .. } => Self::Name,
            Operation::Leave { .. } => Self::Remove,
            Operation::Move { to, .. } => Self::Rename { to: to.1.to_string() },
            Operation::Write { offset, data, .. } => Self::write(*offset, data),
            Operation::Resize { size, .. } => Self::Resize { size: *size },
            Operation::Mode { mode, .. } => Self::Mode { mode: *mode },
            Operation::Sync { .. } | Operation::SyncFailed { .. } => Self::Sync,
        }
    }

    /// A write of these bytes, with how they begin: as text if they are text, else in hexadecimal.
    pub fn write(offset: u64, data: &[u8]) -> Self {
        Self::Write { offset, bytes: data.len() as u64, preview: preview(data) }
    }
}

impl Number {
    /// Of what is in no log, and comes behind this operation or mark.
    pub fn beside(operation: usize) -> Self {
        Self { operation, beside: true }
    }
}

impl From<usize> for Number {
    fn from(operation: usize) -> Self {
        Self { operation, beside: false }
    }
}

impl EntryRef {
    /// Leads to an entry of this segment.
    pub fn new(segment: usize, number: impl Into<Number>) -> Self {
        Self { segment, number: number.into() }
    }
}

impl Order {
    /// Two entries of one run, of which that was tried.
    pub fn within(segment: usize, lost: impl Into<Number>, kept: impl Into<Number>) -> Self {
        let (lost, kept) = (EntryRef::new(segment, lost), EntryRef::new(segment, kept));
        Self { lost, kept, tried: true }
    }
}

fn preview(data: &[u8]) -> String {
    let first = data.first().copied();
    if data.len() > 1 && data.iter().all(|byte| Some(*byte) == first) {
        return match first {
            Some(0) => "zeros".to_owned(),
            Some(b'\n') => "newlines".to_owned(),
            other => format!("{:02x} throughout", other.unwrap_or_default()),
        };
    }
    let beginning = data.get(..PREVIEW_BYTES).unwrap_or(data);
    let more = if beginning.len() < data.len() { "…" } else { "" };
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => Some(text),
        // A character that is cut in two at the end is no reason to think that this is no text.
        Err(error) if error.error_len().is_none() => {
            beginning.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok())
        }
        Err(_) => None,
    };
    let is_text = |text: &&str| {
        text.chars().all(|character| !character.is_control() || character.is_ascii_whitespace())
    };
    match text.filter(is_text) {
        Some(_) if data.is_empty() => String::new(),
        Some(text) => format!("“{}{more}”", visible(text)),
        None => {
            let few = beginning.get(..16).unwrap_or(beginning);
            let pairs: Vec<String> = few.iter().map(|byte| format!("{byte:02x}")).collect();
            let more = if few.len() < data.len() { " …" } else { "" };
            format!("{}{more}", pairs.join(" "))
        }
    }
}
