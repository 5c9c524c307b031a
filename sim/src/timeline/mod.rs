//! What a finding looks like for a person: a numbered timeline, as text and as one page of HTML.
//!
//! A [`Timeline`] is plain data. Whoever has found something fills it in; [`Timeline::text`] and [`Timeline::html`] are pure
//! and know nothing of how it was found. What a finding speaks of may be hostile (paths, bytes of files): both renderings
//! show control characters instead of obeying them, and the page escapes everything.
//!
//! ```
//! use sim::timeline::{Action, Ending, Entry, Fate, Number, Segment};
//!
//! let mut run = Segment::new("upgrade to 2.0.0", Ending::PowerGoes { after: 216 });
//! run.skip(214);
//! run.push(Entry::new(215, Action::write(2048, b"{\"seq\":7}\n"), "/home/journal/records.jsonl", Fate::Dropped));
//! run.push(Entry::new(Number::beside(215), Action::Sync, "/home/journal/records.jsonl", Fate::LeftOut));
//! run.push(Entry::mark(216, "record 7 is acknowledged"));
//! ```

mod describe;
mod fill;
mod html;
mod rows;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

/// A finding, told operation by operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// By which it is replayed.
    pub id: String,
    /// The seed of the campaign.
    pub seed: u64,
    /// The commit of the product.
    pub commit: String,
    /// The name of the scenario.
    pub scenario: String,
    /// The profile under which it was found.
    pub profile: String,
    /// By which exactly what is told here is replayed, if that is another: of what was shrunk, and has a name of its own.
    pub shrunk: Option<String>,
    /// The profile that takes least and shows it all the same, if that was looked for.
    pub weakest_profile: Option<String>,
    /// The fault that was injected, if one was.
    pub fault: Option<String>,
    /// The name of the judge who found something broken.
    pub judge: String,
    /// What is broken: a sentence.
    pub broken: String,
    /// The runs, in the order in which they happened; each but the last ended by a crash.
    pub segments: Vec<Segment>,
    /// The two operations whose order mattered.
    pub order: Option<Order>,
    /// How many operations there were before shrinking.
    pub operations_in_all: usize,
}

/// Two operations whose order mattered: one that the crash took, and one that stayed although it relied on the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Order {
    /// What was lost.
    pub lost: EntryRef,
    /// What was kept, or said, and relied on it.
    pub kept: EntryRef,
    /// Whether it was tried that nothing is broken without the second. Else it may have relied on the first.
    pub tried: bool,
}

/// Leads to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EntryRef {
    /// Index of the segment.
    pub segment: usize,
    /// [`Entry::number`] within it.
    pub number: Number,
}

/// One run of the product: from its start, or from the crash before it, to the next crash or to the judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// What ran: “upgrade to 2.0.0”, “recovery 1”.
    pub title: String,
    /// What happened, in order.
    pub lines: Vec<Line>,
    /// How it ended.
    pub ending: Ending,
}

/// One line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// An operation or a mark.
    Entry(Entry),
    /// Operations that are not told, since the crash took none of them.
    Skipped {
        /// How many.
        operations: usize,
    },
    /// Operations that the crash took, and that are not told since there are too many.
    Taken {
        /// How many.
        operations: usize,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// Power is lost.
    PowerGoes {
        /// The number of the last operation that was issued.
        after: usize,
    },
    /// The process dies, the system goes on.
    ProcessDies {
        /// The number of the last operation that was issued.
        after: usize,
    },
    /// Nothing more happened: the home was read and judged.
    Judged,
    /// Something else, such as a panic or a hang.
    Other {
        /// What.
        text: String,
    },
}

/// Where something stands in the log of its run; what is not told is counted too.
///
/// What is in no log, such as a sync that was left out, stands beside what came before it: it is `37a`, behind 37.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// Of the operation or mark, from 1.
    pub operation: usize,
    /// Whether it is in no log, and comes behind that.
    pub beside: bool,
}

/// An operation, or a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Where it stands in its run.
    pub number: Number,
    /// What was done.
    pub action: Action,
    /// To which file or directory; for a rename the name before it. Empty for a mark.
    pub path: String,
    /// What became of it.
    pub fate: Fate,
    /// Who did it: our innermost frame first.
    pub call_site: Vec<Frame>,
}

/// A frame of a backtrace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// The function.
    pub function: String,
    /// The source file, relative to the workspace.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// A new inode.
    Create {
        /// What it is.
        node: NodeKind,
        /// Its permission bits.
        mode: u32,
    },
    /// A name for an inode.
    Name,
    /// A name is removed.
    Remove,
    /// A name moves, in one step.
    Rename {
        /// The path after it.
        to: String,
    },
    /// Bytes are written.
    Write {
        /// Where.
        offset: u64,
        /// How many.
        bytes: u64,
        /// How they begin; see [`Action::write`].
        preview: String,
    },
    /// A file is cut or extended.
    Resize {
        /// The new size in bytes.
        size: u64,
    },
    /// Permission bits change.
    Mode {
        /// The new ones.
        mode: u32,
    },
    /// What the path leads to is made durable: bytes and size of a file, or the names in a directory.
    Sync,
    /// Any other call, such as a read that was made to fail.
    Call {
        /// Its name.
        name: String,
    },
    /// Damage to what is stored, that no call did: a flipped bit, a sector that went bad.
    Damage {
        /// What was damaged, and how.
        what: String,
    },
    /// Something that is known from here on, such as “record 7 is acknowledged”.
    Mark {
        /// What.
        text: String,
    },
}

/// What a new inode is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeKind {
    /// A plain file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link {
        /// Where it leads.
        to: String,
    },
}

/// What became of an operation; from what is well to what is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fate {
    /// A sync made it durable before the crash. Of a sync: it did what it is for.
    Durable,
    /// It was not durable, and is there all the same.
    Kept,
    /// It was not durable, and is lost.
    Dropped,
    /// Of a write: only its beginning is there.
    Torn {
        /// After so many of its bytes.
        after: u64,
    },
    /// Of a write: a part in its middle is lost.
    Hole {
        /// Offset in the file of the first byte that is lost.
        from: u64,
        /// Offset in the file of the first byte behind it.
        to: u64,
    },
    /// Of a write: the file has the size, but not the bytes.
    SizeOnly {
        /// True if there is garbage instead, false if there are zeros.
        garbage: bool,
    },
    /// The call failed.
    Failed {
        /// With this error number.
        errno: i32,
    },
    /// Of a sync: it said that it was done, and was not.
    Lied,
    /// It was never made: left out by a sabotage.
    LeftOut,
    /// Nothing can become of it: of marks and of damage.
    Untouched,
}

impl Timeline {
    /// How many columns [`Timeline::text`] has at most; only the command that replays it may be longer.
    pub const TEXT_COLUMNS: usize = text::COLUMNS;

    /// The timeline as plain text.
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// The timeline as one page of HTML that needs nothing else: no network, no other file, and no script to be read.
    pub fn html(&self) -> String {
        html::render(self)
    }
}
