//! Keyspaces that are nothing but tables, read table by table.
//!
//! For every record that it reads, the engine asks all sorted runs of tables and everything in memory which of them has the
//! next key. A keyspace that was bulk-loaded and closed is one run, of tables that follow each other, and has nothing in
//! memory. Reading its tables in turn gives what the engine's own iterator gives, for half the work; and since each table
//! says how many records it has, several threads can read one each, and know where its records stand among all others.

use durable::FileIdentity;
use fjall::{Keyspace, UserKey, UserValue};
use lsm_tree::{AbstractTree, AnyTree, InternalValue, Table};

/// All tables of a keyspace, in the order of their keys.
pub(crate) struct Tables(Vec<Table>);

impl Tables {
    /// The tables of a keyspace, if there is nothing else to it: one run, and nothing in memory.
    pub(crate) fn of(handle: &Keyspace) -> Option<Self> {
        let AnyTree::Standard(tree) = &handle.tree else {
            // Values lie elsewhere.
            return None;
        };
        if !tree.active_memtable().is_empty() || tree.sealed_memtable_count() > 0 {
            return None;
        }
        let version = tree.current_version();
        let mut runs = version.iter_levels().flat_map(|level| level.iter());
        let run = runs.next();
        let tables = run.map(|run| run.iter().cloned().collect()).unwrap_or_default();
        runs.next().is_none().then_some(Self(tables))
    }

    /// Every table with the number of records that come before it, as the tables say.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (u64, &Table)> {
        self.0.iter().scan(0, |before, table| {
            let first = *before;
            *before += table.metadata.item_count;
            Some((first, table))
        })
    }

    /// How many records each table has, as the tables say.
    pub(crate) fn counts(&self) -> Vec<u64> {
        self.0.iter().map(|table| table.metadata.item_count).collect()
    }

    /// The files of the tables. None, if one cannot be looked at.
    pub(crate) fn files(&self) -> Option<Vec<FileIdentity>> {
        self.0.iter().map(|table| FileIdentity::of(&table.path).ok().flatten()).collect()
    }

    /// One of them.
    pub(crate) fn get(&self, position: usize) -> Option<&Table> {
        self.0.get(position)
    }

    /// Every record, read from the front of each table to its end.
    pub(crate) fn records(
        &self,
    ) -> impl Iterator<Item = fjall::Result<(UserKey, UserValue)>> + use<'_> {
        let mut newest = Newest::default();
        let entries = self.0.iter().flat_map(entries_of);
        entries.filter_map(move |entry| newest.take(entry))
    }
}

/// Every entry of one table, read from its front to its end.
fn entries_of(table: &Table) -> impl Iterator<Item = lsm_tree::Result<InternalValue>> + use<> {
    let (entries, error) = match table.scan() {
        Ok(entries) => (Some(entries), None),
        Err(error) => (None, Some(Err(error))),
    };
    entries.into_iter().flatten().chain(error)
}

/// Every record of one table, read from its front to its end.
pub(crate) fn streamed(
    table: &Table,
) -> impl Iterator<Item = fjall::Result<(UserKey, UserValue)>> + use<> {
    let mut newest = Newest::default();
    entries_of(table).filter_map(move |entry| newest.take(entry))
}

/// The rule by which entries become records: the newest of a key comes first, and the others are passed over; a deletion
/// is none.
#[derive(Default)]
struct Newest {
    key: Option<UserKey>,
}

impl Newest {
    fn take(
        &mut self,
        entry: lsm_tree::Result<InternalValue>,
    ) -> Option<fjall::Result<(UserKey, UserValue)>> {
        let InternalValue { key, value } = match entry {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error.into())),
        };
        if self.key.as_ref() == Some(&key.user_key) {
            return None;
        }
        self.key = Some(key.user_key.clone());
        (!key.is_tombstone()).then_some(Ok((key.user_key, value)))
    }
}
