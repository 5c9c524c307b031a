//! The words that both renderings share.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Action, Ending, Entry, EntryRef, Fate, Frame, NodeKind, Number, Order, Timeline};

/// Error numbers with the names that a manual page gives them.
const ERRNO_NAMES: [(i32, &str); 14] = [
    (libc::EACCES, "EACCES"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::EBADF, "EBADF"),
    (libc::EDQUOT, "EDQUOT"),
    (libc::EEXIST, "EEXIST"),
    (libc::EINTR, "EINTR"),
    (libc::EINVAL, "EINVAL"),
    (libc::EIO, "EIO"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENOENT, "ENOENT"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::EPERM, "EPERM"),
    (libc::EROFS, "EROFS"),
];

/// How temporary names begin; what follows is random.
const TEMPORARY: &str = "/.tmp";

impl Timeline {
    /// The command that shows the finding again.
    pub fn replay_command(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@=+,".contains(c);
        let id = visible(&self.id);
        let id = if !id.is_empty() && id.chars().all(is_plain) {
            id
        } else {
            format!("'{}'", id.replace('\'', r"'\''"))
        };
        format!("cargo xtask sim --replay {id}")
    }

    /// What there is to know about the finding, beside the command: names and values.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let profile = match &self.weakest_profile {
            Some(weakest) if *weakest == self.profile => {
                format!("{weakest}, the weakest that shows it")
            }
            Some(weakest) => format!("{} (the weakest that shows it: {weakest})", self.profile),
            None => self.profile.clone(),
        };
        let told =
            self.segments.iter().flat_map(|run| run.entries()).filter(|entry| !entry.is_mark());
        let mut facts = vec![("id", self.id.clone())];
        facts.extend(self.shrunk.clone().map(|shrunk| ("shrunk to", shrunk)));
        facts.extend([
            ("scenario", self.scenario.clone()),
            ("profile", profile),
            ("crash", self.crash_points()),
            ("fault", self.fault.clone().unwrap_or_else(|| "none injected".to_owned())),
            ("seed", self.seed.to_string()),
            ("commit", self.commit.clone()),
            ("operations", format!("{} shown of {}", told.count(), self.operations_in_all)),
        ]);
        facts
    }

    fn crash_points(&self) -> String {
        let points: Vec<String> = self
            .segments
            .iter()
            .filter_map(|run| match run.ending {
                Ending::PowerGoes { after } | Ending::ProcessDies { after } => {
                    Some(format!("after operation {after} of {}", run.title))
                }
                Ending::Judged | Ending::Other { .. } => None,
            })
            .collect();
        if points.is_empty() { "none".to_owned() } else { points.join(", then ") }
    }

    /// An entry that is told.
    pub(super) fn entry(&self, wanted: EntryRef) -> Option<&Entry> {
        self.segments.get(wanted.segment)?.entries().find(|entry| entry.number == wanted.number)
    }

    /// The pair whose order mattered, in words, if both are told.
    pub(super) fn order_in_words(&self) -> Option<String> {
        let order @ Order { lost, kept, .. } = self.order?;
        let told = |which: EntryRef| {
            let entry = self.entry(which)?;
            let what = match &entry.action {
                Action::Mark { text } => visible(text),
                action => format!("{} {}", action.verb(), shown_path(&entry.path)),
            };
            let run = visible(&self.segments.get(which.segment)?.title);
            let of = if lost.segment == kept.segment { "" } else { &format!(" of {run}") };
            Some((run, format!("{}{of} ({what})", which.number)))
        };
        let ((run, lost_told), (_, kept_told)) = (told(lost)?, told(kept)?);
        let run = if lost.segment == kept.segment { format!("{run}: ") } else { String::new() };
        let lost = self.entry(lost)?.fate.taken_in_words();
        Some(format!("{run}{lost_told} {lost}, and {kept_told} {} it", order.relied_on()))
    }
}

impl Ending {
    /// What happens, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::PowerGoes { after } => format!("the power goes, after {after}"),
            Self::ProcessDies { after } => format!("the process dies, after {after}"),
            Self::Judged => "read and judged".to_owned(),
            Self::Other { text } => visible(text),
        }
    }
}

impl Entry {
    pub(super) fn is_mark(&self) -> bool {
        matches!(self.action, Action::Mark { .. })
    }

    /// True if it is known to have reached the disk in whole.
    pub(super) fn is_durable(&self) -> bool {
        self.fate == Fate::Durable
    }

    /// Its fate in a word or two. Capital letters are for what a crash or a fault has taken.
    pub(super) fn fate_word(&self) -> String {
        match &self.fate {
            Fate::Durable if self.action == Action::Sync => "synced".to_owned(),
            Fate::Durable => "durable".to_owned(),
            Fate::Kept => "kept".to_owned(),
            Fate::Dropped => "DROPPED".to_owned(),
            Fate::Torn { after } => format!("TORN @{after}"),
            Fate::Hole { from, .. } => format!("HOLE @{from}"),
            Fate::SizeOnly { .. } => "SIZE ONLY".to_owned(),
            Fate::Failed { errno } => format!("FAILED {}", errno_name(*errno)),
            Fate::Lied => "LIED".to_owned(),
            Fate::LeftOut => "LEFT OUT".to_owned(),
            Fate::Untouched if self.is_mark() => String::new(),
            Fate::Untouched => "-".to_owned(),
        }
    }

    /// What its fate means here, where the word alone does not say it.
    pub(super) fn fate_note(&self) -> Option<String> {
        let bytes = match &self.action {
            Action::Write { bytes, .. } => format!(" of {bytes}"),
            _ => String::new(),
        };
        match &self.fate {
            Fate::Torn { after } => Some(format!("only the first {after}{bytes} bytes are there")),
            Fate::Hole { from, to } => Some(format!("bytes {from} to {to} of the file are lost")),
            Fate::SizeOnly { garbage } => {
                let instead = if *garbage { "garbage" } else { "zeros" };
                Some(format!("the size is there, the bytes are not: {instead}"))
            }
            Fate::Lied => Some("it said that it was done, and was not".to_owned()),
            Fate::LeftOut => Some("never made: left out by the sabotage".to_owned()),
            _ => None,
        }
    }
}

impl Order {
    /// What there is to say of the second of the pair.
    pub(super) fn relied_on(self) -> &'static str {
        if self.tried { "relied on" } else { "may have relied on" }
    }

    /// What the pair is.
    pub(super) fn title(self) -> &'static str {
        if self.tried {
            "The pair whose order mattered"
        } else {
            "A pair whose order may have mattered"
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside = if self.beside { "a" } else { "" };
        out.pad(&format!("{}{beside}", self.operation))
    }
}

/// A number, or a text such as `37a`.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.beside {
            return serializer.collect_str(self);
        }
        self.operation.serialize(serializer)
    }
}

impl Fate {
    /// What happened to the first of a pair whose order mattered.
    pub(super) fn taken_in_words(&self) -> &'static str {
        if *self == Self::LeftOut { "was left out" } else { "was lost" }
    }

    /// Its name, of one word: for style sheets.
    pub(super) fn slug(&self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Kept => "kept",
            Self::Dropped => "dropped",
            Self::Torn { .. } => "torn",
            Self::Hole { .. } => "hole",
            Self::SizeOnly { .. } => "size-only",
            Self::Failed { .. } => "failed",
            Self::Lied => "lied",
            Self::LeftOut => "left-out",
            Self::Untouched => "untouched",
        }
    }

    /// Its name and what it means, for a legend.
    pub(super) fn meaning(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Durable => Some(("durable", "synced before the crash, so it is there")),
            Self::Kept => Some(("kept", "not synced, and there all the same")),
            Self::Dropped => Some(("DROPPED", "not synced, and lost")),
            Self::Torn { .. } => Some(("TORN", "only the beginning of a write is there")),
            Self::Hole { .. } => Some(("HOLE", "a page in the middle of a write is lost")),
            Self::SizeOnly { .. } => Some(("SIZE ONLY", "the size is there without the bytes")),
            Self::Failed { .. } => Some(("FAILED", "the call returned an error")),
            Self::Lied => Some(("LIED", "a sync that said Ok and did nothing")),
            Self::LeftOut => Some(("LEFT OUT", "a sync that the sabotage took away")),
            Self::Untouched => None,
        }
    }
}

impl Action {
    /// What is done, in a word.
    pub(super) fn verb(&self) -> String {
        match self {
            Self::Create { .. } => "create".to_owned(),
            Self::Name => "name".to_owned(),
            Self::Remove => "remove".to_owned(),
            Self::Rename { .. } => "rename".to_owned(),
            Self::Write { .. } => "write".to_owned(),
            Self::Resize { .. } => "resize".to_owned(),
            Self::Mode { .. } => "chmod".to_owned(),
            Self::Sync => "sync".to_owned(),
            Self::Call { name } => visible(name),
            Self::Damage { .. } => "damage".to_owned(),
            Self::Mark { .. } => "mark".to_owned(),
        }
    }

    /// What else there is to say of it, given the path that it is about.
    pub(super) fn details(&self, path: &str) -> String {
        match self {
            Self::Create { node: NodeKind::File, mode } => format!("a file, mode {mode:o}"),
            Self::Create { node: NodeKind::Directory, mode } => {
                format!("a directory, mode {mode:o}")
            }
            Self::Create { node: NodeKind::Link { to }, .. } => {
                format!("a link to {}", shown_path(to))
            }
            Self::Rename { to } if directory_of(to) == directory_of(path) => {
                format!("→ {}", shown_path(to).rsplit('/').next().unwrap_or_default())
            }
            Self::Rename { to } => format!("→ {}", shown_path(to)),
            Self::Write { offset, bytes: 1, .. } => format!("1 byte at {offset}"),
            Self::Write { offset, bytes, .. } => format!("{bytes} bytes at {offset}"),
            Self::Resize { size } => format!("to {size} bytes"),
            Self::Mode { mode } => format!("to {mode:o}"),
            Self::Damage { what } => visible(what),
            Self::Name | Self::Remove | Self::Sync | Self::Call { .. } | Self::Mark { .. } => {
                String::new()
            }
        }
    }

    /// How the bytes of a write begin.
    pub(super) fn preview(&self) -> Option<String> {
        match self {
            Self::Write { preview, .. } if !preview.is_empty() => Some(visible(preview)),
            _ => None,
        }
    }
}

impl Frame {
    /// Where it is: file and line.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", visible(&self.file), self.line)
    }
}

/// The path without its last component.
pub(super) fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A path as it is shown: without the random part of temporary names, and with nothing in it that is not seen.
pub(super) fn shown_path(path: &str) -> String {
    let mut shown = String::new();
    let mut rest = path;
    while let Some(at) = rest.find(TEMPORARY) {
        let (before, after) = rest.split_at(at + TEMPORARY.len());
        shown.push_str(before);
        let end = after.find('/').unwrap_or(after.len());
        if end > 0 {
            shown.push('…');
        }
        rest = after.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    visible(&shown)
}

/// A text in which control characters, and those that turn the direction of what follows, are written out: a terminal would
/// obey them, and a reader would not see them.
pub(super) fn visible(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns || character == '\u{fffe}' || character == '\u{ffff}' {
            seen.extend(character.escape_default());
        } else {
            seen.push(character);
        }
    }
    seen
}

fn errno_name(errno: i32) -> String {
    let known = ERRNO_NAMES.iter().find(|(number, _)| *number == errno);
    known.map_or_else(|| format!("errno {errno}"), |(_, name)| (*name).to_owned())
}
