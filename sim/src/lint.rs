//! The order of durable steps, held to in the log itself: everything that a commit point refers to was synced before it.
//!
//! No crash is needed for this, and so none can be missed: it is what the laws of the architecture say, said of what was
//! recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use sim::disk::{Disk, InodeNumber, Node, Operation, ROOT};
use sim::world::Logged;

use crate::judges::member;
use crate::scenario::HOME_ON_DISK;

/// The name under which it is counted.
pub(crate) const NAME: &str = "ordering";

/// Events after which another generation is current, and the member that names it.
const COMMITS: [(&str, &str); 3] =
    [("ACTIVATED", "generation"), ("REVERTED", "to"), ("RECOVERED", "generation")];

/// What is wrong with the order of a log: where, and a sentence.
pub(crate) fn check(before: &Disk, log: &[Logged]) -> Option<(usize, String)> {
    let mut lint = Lint { disk: before.clone(), prepared: Prepared::No, dirty: BTreeMap::new() };
    for (at, logged) in log.iter().enumerate() {
        let Some(operation) = logged.operation() else { continue };
        if let Some(what) = lint.check(operation, logged.path()) {
            return Some((at, what));
        }
        lint.apply(operation);
    }
    None
}

/// The journal, as the simulated disk calls it.
const JOURNAL: &str = "/home/journal/records.jsonl";

/// Whether it is on record what will be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prepared {
    No,
    Written,
    Durably,
}

struct Lint {
    disk: Disk,
    /// Whether an attempt has said, durably, what it will build.
    prepared: Prepared,
    /// Files and directories with something that was not synced: of a directory which names; of a file an empty one.
    dirty: BTreeMap<InodeNumber, BTreeSet<Arc<str>>>,
}

impl Lint {
    fn apply(&mut self, operation: &Operation) {
        if let Operation::Sync { inode } = operation {
            self.dirty.remove(inode);
            if self.prepared == Prepared::Written && Some(*inode) == self.disk.lookup(JOURNAL) {
                self.prepared = Prepared::Durably;
            }
        }
        if let Operation::Write { inode, data, .. } = operation
            && Some(*inode) == self.disk.lookup(JOURNAL)
        {
            self.prepared = match event(data).as_deref() {
                Some("PREPARED") => Prepared::Written,
                Some("ACTIVATED" | "ABORTED") => Prepared::No,
                _ => self.prepared,
            };
        }
        if let Some(owner) = operation.owner() {
            self.dirty.entry(owner).or_default().insert(name_of(operation));
        }
        self.disk.apply(operation);
    }

    /// What may not happen now, if it may not.
    fn check(&self, operation: &Operation, path: &str) -> Option<String> {
        match operation {
            Operation::Write { data, .. } if path.ends_with("/journal/records.jsonl") => {
                self.check_record(path, data)
            }
            Operation::Enter { .. } if is_being_built(path) => (self.prepared != Prepared::Durably)
                .then(|| {
                    format!("{path} is made, and it is not durably on record what will be built")
                }),
            // What is removed must not be needed, and that it is not must be on record, durably.
            Operation::Leave { .. } if is_in_a_generation(path) => {
                let journal = self.disk.lookup(JOURNAL)?;
                self.dirty
                    .contains_key(&journal)
                    .then(|| format!("{path} is removed while the journal is not synced"))
            }
            _ => None,
        }
    }

    fn check_record(&self, path: &str, data: &[u8]) -> Option<String> {
        if let Some(journal) = self.disk.lookup(path)
            && self.dirty.contains_key(&journal)
        {
            return Some("a record is appended while the one before is not synced".to_owned());
        }
        let record = record(data)?;
        let event = member(&record, "type")?.as_str()?;
        let (_, names) = COMMITS.iter().find(|(name, _)| *name == event)?;
        let number = member(&record, names)?;
        let generation = format!("{HOME_ON_DISK}/generations/{number}");
        self.first_dirty(&generation).map(|dirty| {
            format!("{event} refers to generation {number}, and {dirty} is not synced")
        })
    }

    /// What is not durable of a path: the names that lead to it, and everything below it.
    fn first_dirty(&self, path: &str) -> Option<String> {
        let mut directory = ROOT;
        let mut so_far = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if self.dirty.get(&directory).is_some_and(|names| names.contains(name)) {
                return Some(format!("{name} in the directory {so_far}/"));
            }
            so_far = format!("{so_far}/{name}");
            let Some(next) = self.disk.entry(directory, name) else {
                return Some(format!("{so_far}, which is not there,"));
            };
            directory = next;
        }
        let mut pending = vec![(so_far, directory)];
        while let Some((path, inode)) = pending.pop() {
            if self.dirty.contains_key(&inode) {
                return Some(path);
            }
            if let Some(Node::Directory(entries)) = self.disk.inode(inode).map(|inode| &inode.node)
            {
                pending
                    .extend(entries.iter().map(|(name, inode)| (format!("{path}/{name}"), *inode)));
            }
        }
        None
    }
}

/// The name that an operation changes, of those in a directory.
fn name_of(operation: &Operation) -> Arc<str> {
    match operation {
        Operation::Enter { name, .. } | Operation::Leave { name, .. } => Arc::clone(name),
        Operation::Move { to, .. } => Arc::clone(&to.1),
        _ => Arc::from(""),
    }
}

/// The record that is appended by a write, if it is one.
fn record(data: &[u8]) -> Option<Value> {
    serde_json::from_slice(data.split(|byte| *byte == b'\n').next()?).ok()
}

/// The name of its event.
fn event(data: &[u8]) -> Option<String> {
    Some(member(&record(data)?, "type")?.as_str()?.to_owned())
}

/// Whether a path lies in the directory in which a generation is built.
fn is_being_built(path: &str) -> bool {
    let staging = path.split("/generations/.staging-").nth(1);
    staging.is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether a path lies in a generation that was sealed.
fn is_in_a_generation(path: &str) -> bool {
    let below = path.strip_prefix(HOME_ON_DISK).and_then(|rest| rest.strip_prefix("/generations/"));
    below.is_some_and(|below| below.starts_with(|first: char| first.is_ascii_digit()))
}
