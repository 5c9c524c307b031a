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
            Operation::Write { inode, offset, data }
                if path.ends_with("/journal/records.jsonl") =>
            {
                self.check_record(*inode, *offset, data)
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

    fn check_record(&self, journal: InodeNumber, offset: u64, data: &[u8]) -> Option<String> {
        if self.dirty.contains_key(&journal) && !self.is_there(journal, offset, data) {
            return Some("a record is appended while the one before is not synced".to_owned());
        }
        let record = record(data)?;
        let event = member(&record, "type")?.as_str()?;
        if let Some(dirty) = self.first_dirty_beside(event, &record) {
            return Some(format!("{event} is appended, and {dirty} is not synced"));
        }
        let (_, names) = COMMITS.iter().find(|(name, _)| *name == event)?;
        let number = member(&record, names)?;
        let generation = format!("{HOME_ON_DISK}/generations/{number}");
        if let Err(dirty) = self.walk(JOURNAL) {
            return Some(format!("{event} is appended, and {dirty} is not synced"));
        }
        self.first_dirty(&generation).map(|dirty| {
            format!("{event} refers to generation {number}, and {dirty} is not synced")
        })
    }

    /// What a record relies on that lies beside the generations: a keyring, the seal of a closed store and what it seals.
    fn first_dirty_beside(&self, event: &str, record: &Value) -> Option<String> {
        let relied_on = match event {
            "KEYRING" => vec![format!("{HOME_ON_DISK}/keyring")],
            "CLOSED" => {
                let number = member(record, "generation")?;
                let store = format!("{HOME_ON_DISK}/generations/{number}/store");
                vec![store, format!("{HOME_ON_DISK}/seals")]
            }
            _ => return None,
        };
        relied_on.iter().find_map(|path| self.first_dirty(path))
    }

    /// Whether these bytes are there already: what a killed process has appended is written once more before it is relied on.
    fn is_there(&self, file: InodeNumber, offset: u64, data: &[u8]) -> bool {
        let mut found = vec![0; data.len()];
        match self.disk.inode(file).map(|inode| &inode.node) {
            Some(Node::File(content)) => {
                content.read(offset, &mut found) == data.len() && found == data
            }
            _ => false,
        }
    }

    /// What a path leads to, or the first name on the way that is not durable.
    fn walk(&self, path: &str) -> Result<InodeNumber, String> {
        let (mut directory, mut so_far) = (ROOT, String::new());
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if self.dirty.get(&directory).is_some_and(|names| names.contains(name)) {
                return Err(format!("{name} in the directory {so_far}/"));
            }
            so_far = format!("{so_far}/{name}");
            directory = self
                .disk
                .entry(directory, name)
                .ok_or_else(|| format!("{so_far}, which is not there,"))?;
        }
        Ok(directory)
    }

    /// What is not durable of a path: the names that lead to it, and everything below it.
    fn first_dirty(&self, path: &str) -> Option<String> {
        let mut pending = match self.walk(path) {
            Ok(inode) => vec![(path.to_owned(), inode)],
            Err(dirty) => return Some(dirty),
        };
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
