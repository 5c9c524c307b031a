//! Lanes: one for each file or directory that has to be synced, so that one sees which sync an operation waited for.

use std::collections::BTreeMap;

use super::markup::Markup;
use crate::timeline::describe::{directory_of, shown_path};
use crate::timeline::{Action, Entry, Fate, Segment, Timeline};

/// More lanes than this are not drawn: the eye cannot follow them.
const MAXIMUM_LANES: usize = 14;

/// A name with fewer bytes than this is told with its directory's.
const SHORT_BYTES: usize = 4;

/// The lanes of a timeline, and what is under way on each of them.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Paths as they are, and their lanes.
    by_path: BTreeMap<String, usize>,
    /// What is shown on top of each.
    names: Vec<String>,
    /// How each goes on from the row that is drawn next.
    lines: Vec<LineStyle>,
}

/// How a lane goes on below an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineStyle {
    /// Nothing has happened there yet.
    Idle,
    /// What happened there last was durable when the crash came.
    Durable,
    /// It was not.
    Pending,
}

impl LineStyle {
    const fn class(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Durable => "solid",
            Self::Pending => "dashed",
        }
    }
}

impl Lanes {
    /// Finds the lanes of a timeline.
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut lanes = Self { by_path: BTreeMap::new(), names: Vec::new(), lines: Vec::new() };
        for entry in timeline.segments.iter().flat_map(Segment::entries) {
            lanes.note(entry);
        }
        lanes
    }

    fn note(&mut self, entry: &Entry) {
        let Some(path) = synced_by(entry) else { return };
        let is_directory = path != entry.path;
        self.lane_or_new(&path, is_directory);
        // A file that gets another name stays on its lane; the lane has the name that it gets.
        if let Action::Rename { to } = &entry.action
            && let Some(lane) = self.by_path.get(&entry.path).copied()
        {
            self.by_path.insert(to.clone(), lane);
            if let Some(name) = self.names.get_mut(lane) {
                let end = if name.ends_with('/') { "/" } else { "" };
                *name = shown_path(to) + end;
            }
        }
    }

    fn lane_or_new(&mut self, path: &str, is_directory: bool) {
        if !self.by_path.contains_key(path) && self.names.len() < MAXIMUM_LANES {
            self.by_path.insert(path.to_owned(), self.names.len());
            let end = if is_directory && path != "/" { "/" } else { "" };
            self.names.push(shown_path(path) + end);
            self.lines.push(LineStyle::Idle);
        }
    }

    /// True if there is nothing to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How wide they are, for the style sheet.
    pub(super) fn style(&self) -> String {
        let longest = self.names.iter().map(|name| end_of(name).chars().count()).max();
        format!("--lanes:{};--longest:{}", self.names.len(), longest.unwrap_or_default())
    }

    /// The heads of the lanes: the ends of their paths, which are in full on hovering.
    pub(super) fn heads(&self, m: &mut Markup) {
        for (lane, path) in self.names.iter().enumerate() {
            let head = [("class", "head"), ("style", &at(lane)), ("title", path)];
            m.leaf("span", &head, end_of(path));
        }
    }

    /// The lanes where an entry stands, with its mark.
    pub(super) fn entry(&mut self, m: &mut Markup, entry: &Entry) {
        let own = synced_by(entry).and_then(|path| self.by_path.get(&path).copied());
        for lane in 0..self.lines.len() {
            let Some(above) = self.lines.get(lane).copied() else { continue };
            let below = if own == Some(lane) { below(above, entry) } else { above };
            draw(m, lane, above, "upper");
            draw(m, lane, below, "lower");
            if let Some(line) = self.lines.get_mut(lane) {
                *line = below;
            }
        }
        if let Some(lane) = own {
            let class = format!("node {} {}", shape(&entry.action), entry.fate.slug());
            m.leaf("span", &[("class", &class), ("style", &at(lane))], "");
        }
    }

    /// The lanes where no entry stands.
    pub(super) fn pass(&self, m: &mut Markup) {
        for (lane, line) in self.lines.iter().enumerate() {
            draw(m, lane, *line, "whole");
        }
    }

    /// After a crash nothing is under way.
    pub(super) fn crash(&mut self) {
        self.lines.fill(LineStyle::Idle);
    }
}

/// The last component of a path; the last two where one says little.
fn end_of(path: &str) -> &str {
    let inner = path.strip_suffix('/').unwrap_or(path);
    let mut slashes = inner.rmatch_indices('/').map(|(at, _)| at + 1);
    let last = slashes.next().unwrap_or(0);
    let begins =
        if inner.len() - last < SHORT_BYTES { slashes.next().unwrap_or(last) } else { last };
    path.get(begins..).filter(|end| !end.is_empty()).unwrap_or(path)
}

fn draw(m: &mut Markup, lane: usize, line: LineStyle, part: &str) {
    let class = format!("line {} {part}", line.class());
    m.leaf("span", &[("class", &class), ("style", &at(lane))], "");
}

fn at(lane: usize) -> String {
    format!("--lane:{lane}")
}

/// The path of what has to be synced for an entry to be durable: for names their directory.
fn synced_by(entry: &Entry) -> Option<String> {
    let directory = |path: &str| {
        let directory = directory_of(path);
        if directory.is_empty() { "/".to_owned() } else { directory.to_owned() }
    };
    match &entry.action {
        Action::Name | Action::Remove => Some(directory(&entry.path)),
        Action::Rename { to } if to.contains('/') => Some(directory(to)),
        Action::Rename { .. } => Some(directory(&entry.path)),
        Action::Mark { .. } => None,
        _ => Some(entry.path.clone()),
    }
}

fn below(above: LineStyle, entry: &Entry) -> LineStyle {
    match (&entry.action, &entry.fate) {
        // A new inode is not synced by itself.
        (Action::Create { .. } | Action::Call { .. } | Action::Damage { .. }, _) => above,
        (Action::Sync, Fate::Durable) if above == LineStyle::Idle => LineStyle::Durable,
        (Action::Sync, _) => above,
        (_, Fate::Durable) => LineStyle::Durable,
        _ => LineStyle::Pending,
    }
}

fn shape(action: &Action) -> &'static str {
    match action {
        Action::Write { .. } | Action::Resize { .. } => "square",
        Action::Sync => "bar",
        _ => "round",
    }
}
