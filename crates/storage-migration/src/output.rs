//! The end of a run: sorted records become keyspaces, and the keyspaces that they supersede go.

use std::collections::BTreeMap;

use integrity::{KeyspaceDigest, KeyspaceHasher, LogicalDigest};

use crate::run::{Run, SorterName};
use crate::{
    ARCHIVE, KeyspaceClass, KeyspaceMap, MigrationError, MigrationReport, Origin, Phase,
    PhysicalKeyspace, Progress, Result, Store,
};

/// Writes every keyspace that does not stay, deletes what they supersede, and verifies the list of keyspaces.
pub(crate) fn write_output(
    run: &mut Run<'_, '_>,
    origin: Origin<'_>,
    store: &mut Store,
) -> Result<MigrationReport> {
    let source = match origin {
        Origin::Store(map) => map.clone(),
        Origin::Records(_) => KeyspaceMap::default(),
    };
    let plan = Plan::new(run, &source);
    let mut written = LogicalDigest::default();
    for (name, physical) in &plan.write {
        let digest = write_keyspace(run, store, name, physical)?;
        run.counts.written += digest.records;
        written.insert(name, digest);
    }
    for logical in plan.superseded.keys() {
        store.delete_keyspace(logical)?;
    }
    store.check_keyspaces(&plan.keyspaces)?;
    Ok(MigrationReport {
        from: run.path.from(),
        to: run.path.to(),
        keyspaces: plan.keyspaces,
        written,
        superseded: plan.superseded.into_values().collect(),
        counts: run.counts.clone(),
        scratch_runs: run.sorters.runs_written(),
    })
}

/// Which keyspaces stay, which are written, which go.
struct Plan {
    keyspaces: KeyspaceMap,
    write: BTreeMap<&'static str, String>,
    superseded: BTreeMap<String, String>,
}

impl Plan {
    fn new(run: &Run<'_, '_>, source: &KeyspaceMap) -> Self {
        let (mut keyspaces, mut write) = (KeyspaceMap::default(), BTreeMap::new());
        let mut superseded: BTreeMap<String, String> = source
            .iter()
            .map(|(logical, keyspace)| (logical.to_owned(), keyspace.physical.clone()))
            .collect();
        let defined =
            run.path.target().keyspaces.iter().map(|keyspace| (keyspace.name, keyspace.class));
        let archive = (run.writes_archive || source.get(ARCHIVE).is_some())
            .then_some((ARCHIVE, KeyspaceClass::Ledger));
        for (name, class) in defined.chain(archive) {
            let stays = if name == ARCHIVE { !run.writes_archive } else { run.stays(name) };
            match source.get(name).filter(|_| stays) {
                Some(keyspace) => {
                    let physical = keyspace.physical.clone();
                    superseded.remove(name);
                    keyspaces.insert(name, PhysicalKeyspace { physical, class });
                }
                None => {
                    keyspaces.add(name, class, run.path.to(), source);
                    if let Some(keyspace) = keyspaces.get(name) {
                        write.insert(name, keyspace.physical.clone());
                    }
                }
            }
        }
        Self { keyspaces, write, superseded }
    }
}

/// Writes one keyspace, digesting it on the way. Two records under one key are refused.
fn write_keyspace(
    run: &mut Run<'_, '_>,
    store: &Store,
    name: &'static str,
    physical: &str,
) -> Result<KeyspaceDigest> {
    let total = run.arrived.get(name).copied().unwrap_or(0);
    let mut sorted = run.sorters.take(&SorterName::Target(name))?;
    let handle = store.create_keyspace(physical)?;
    let mut hasher = KeyspaceHasher::new(name);
    let mut records = 0;
    // No key is empty, so nothing precedes the first.
    let mut last = Vec::new();
    store.ingest(&handle, &mut || {
        let Some(record) = sorted.next()? else { return Ok(None) };
        if record.key == last {
            let (keyspace, key) = (name.to_owned(), record.key);
            return Err(MigrationError::DuplicateKey { keyspace, key });
        }
        hasher.update(&record.key, &record.value);
        last.clone_from(&record.key);
        records += 1;
        run.report(Phase::Write, name, records, Some(total));
        Ok(Some(record))
    })?;
    (run.progress)(&Progress { phase: Phase::Write, keyspace: name, records, total: Some(total) });
    if records != total {
        let law = format!("{name}: records written = records that arrived");
        return Err(MigrationError::CountsDoNotBalance { law, left: records, right: total });
    }
    Ok(hasher.finish())
}
