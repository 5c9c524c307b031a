//! What is judged of a database after a crash: against what its program was told.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};

use fjall::KeyspaceCreateOptions;
use sim::disk::Disk;
use sim::fault::FaultPlan;
use sim::world::World;

use super::programs::open;
use crate::hooks;

/// So often is a database opened before it is said that it never opens again.
const ATTEMPTS: usize = 3;

/// Something that a program was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// `persist(SyncAll)` returned Ok after these records of a keyspace were written.
    Persisted(&'static str, BTreeMap<Vec<u8>, Vec<u8>>),
    /// Writing this record to this keyspace returned Err.
    Refused(&'static str, &'static str),
    /// Something returned Err, and is tried once more.
    Retried,
    /// The database was opened without an error.
    Opened,
}

impl Fact {
    /// These records were persisted.
    pub(super) fn persisted(keyspace: &'static str, records: &[(&str, &[u8])]) -> Self {
        let records = records.iter();
        let records = records.map(|(key, value)| (key.as_bytes().to_vec(), value.to_vec()));
        Self::Persisted(keyspace, records.collect())
    }

    /// This record was refused.
    pub(super) fn refused(keyspace: &'static str, key: &'static str) -> Self {
        Self::Refused(keyspace, key)
    }
}

impl Display for Fact {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Persisted(keyspace, records) => {
                write!(out, "persist(SyncAll) said Ok: {keyspace} has {} record(s)", records.len())
            }
            Self::Refused(keyspace, key) => write!(out, "Err: {key} was not put into {keyspace}"),
            Self::Retried => out.write_str("Err; the same is tried again on the same handle"),
            Self::Opened => out.write_str("open said Ok"),
        }
    }
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// Every open fails, or panics.
    NeverOpens,
    /// A keyspace that was persisted is gone.
    KeyspaceLost,
    /// A record that was persisted is gone, or another.
    RecordLost,
    /// A record that was refused is there.
    RefusedIsThere,
}

/// Keyspaces, and their records.
type Found = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Opens what a crash left, as often as it takes, and compares it with what the program was told.
pub(super) fn judge(disk: &Disk, facts: &[&Fact]) -> Option<(Harm, String)> {
    let mut disk = disk.clone();
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        hooks::install(Some(World::new(disk.clone(), FaultPlan::none())));
        let looked = catch_unwind(AssertUnwindSafe(look));
        // What a process does that opens it is kept, as opening may put things right.
        if let Some(world) = hooks::install(None) {
            disk = world.disk().clone();
        }
        said = match looked {
            Ok(Ok(found)) => return facts.iter().find_map(|fact| compare(&found, fact)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
    }
    Some((Harm::NeverOpens, format!("{ATTEMPTS} opens in a row fail: {said}")))
}

fn look() -> fjall::Result<Found> {
    let database = open()?;
    let mut found = Found::new();
    for name in database.list_keyspace_names() {
        let keyspace = database.keyspace(&name, KeyspaceCreateOptions::default)?;
        let records = found.entry(name.to_string()).or_default();
        for record in keyspace.iter() {
            let (key, value) = record.into_inner()?;
            records.insert(key.to_vec(), value.to_vec());
        }
    }
    Ok(found)
}

fn compare(found: &Found, fact: &Fact) -> Option<(Harm, String)> {
    match fact {
        Fact::Persisted(keyspace, records) => {
            let Some(there) = found.get(*keyspace) else {
                let what = format!("open says Ok, and the keyspace {keyspace} is not there");
                return Some((Harm::KeyspaceLost, what));
            };
            let lost = records.iter().find(|(key, value)| there.get(*key) != Some(*value));
            lost.map(|(key, _)| {
                let key = String::from_utf8_lossy(key);
                let what = format!("open says Ok, and the record {key} of {keyspace} is lost");
                (Harm::RecordLost, what)
            })
        }
        Fact::Refused(keyspace, key) => {
            let there =
                found.get(*keyspace).is_some_and(|found| found.contains_key(key.as_bytes()));
            let what = || format!("the record {key}, which was refused, is in {keyspace}");
            there.then(|| (Harm::RefusedIsThere, what()))
        }
        Fact::Retried | Fact::Opened => None,
    }
}
