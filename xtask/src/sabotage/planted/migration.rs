//! Bugs of `crates/storage-migration`.

use super::{Planted, bug};

const STORE: &str = "crates/storage-migration/src/store.rs";
const RUN: &str = "crates/storage-migration/src/run.rs";
const APPLY: &str = "crates/storage-migration/src/apply.rs";
const OUTPUT: &str = "crates/storage-migration/src/output.rs";
const TRANSFORM: &str = "crates/storage-migration/src/transform.rs";
const FEED: &str = "crates/storage-migration/src/feed.rs";
const MEASURE: &str = "crates/storage-migration/src/measure.rs";
const WRITER: &str = "crates/storage-migration/src/writer.rs";
const VERIFY: &str = "crates/storage-migration/src/verify.rs";
const TALLY: &str = "crates/storage-migration/src/tally.rs";
const QUEUE: &str = "crates/pipeline/src/queue.rs";
const ENGINE: &str = "crates/storage-migration/src/engine.rs";
const CLONED_STORE: &str = "crates/upgrade/src/apply/store.rs";

/// A store is synced before it is closed.
const CLOSE: &str = "«self.persist()?;» self.release()?;";

/// Records go to the engine.
const LOAD: &str = "«batch.records().try_for_each(|(key, value)| ingestion.write(key, value))»";
/// Some of them do not.
const LOAD_SOME: &str = "batch.records().filter(|(key, _)| key.last() != Some(&1)).try_for_each(|(key, value)| ingestion.write(key, value))";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-28.1.2
    bug(
        "store-not-persisted",
        STORE,
        "self.engine(\"sync its journal\", |database| database.persist(PersistMode::SyncAll))",
        "let _ = PersistMode::SyncAll; Ok(())",
        "a runtime that was told that its records are durable loses them",
    ),
    // trace: sabotage FC-28.1.2
    bug(
        "commit-unsynced",
        STORE,
        "database.batch().durability(Some(«PersistMode::SyncAll»))",
        "PersistMode::Buffer",
        "a runtime acknowledges records that a power failure takes",
    )
    .by_tests(),
    bug(
        "closed-store-unsynced",
        STORE,
        CLOSE,
        "",
        "a runtime that has closed its store loses its last records",
    ),
    bug(
        "close-failure-ignored",
        STORE,
        CLOSE,
        "let _ = self.persist();",
        "a runtime that has closed its store is not told that its last records are lost",
    ),
    bug(
        "closed-keyspaces-unsynced",
        STORE,
        "Ok(durable::sync_directory(&self.directory.join(KEYSPACES))?)",
        "Ok(())",
        "after a power failure a keyspace that was removed is there again",
    )
    .redundant("only migrations add and remove keyspaces, and their tree is synced when it is sealed"),
    bug(
        "created-keyspace-unsynced",
        STORE,
        "«durable::sync_directory(&self.directory.join(KEYSPACES))?;» Ok(handle)",
        "",
        "after a power failure a keyspace that was created is not there",
    )
    .redundant("only migrations create keyspaces, and their tree is synced when it is sealed"),
    bug(
        "bulk-load-over-unsynced-batch",
        STORE,
        "«self.persist()?;» } let started = contain(",
        "",
        "a crash tears a batch and a bulk load apart",
    )
    .redundant("only migrations bulk-load, in a tree that is synced as a whole before anything refers to it"),
    // trace: sabotage FC-7.3
    bug(
        "engine-silence-trusted",
        RUN,
        "«renew_listing(directory, scratch)?;» Ok(report)",
        "let _ = renew_listing;",
        "a sync that fails in the engine, which does not tell, costs a store that is sealed for good",
    ),
    // trace: sabotage FC-5.1.1 FC-5.2
    bug(
        "journals-hard-linked",
        STORE,
        "_ => «CloneMode::Copy»,",
        "CloneMode::Link",
        "the upgrade writes into the store of the generation that it was to leave alone",
    ),
    bug(
        "version-files-not-checked",
        STORE,
        "check_version_files(directory)?;",
        "",
        "a rotten version file ends the process while the engine opens it",
    ),
    // Neither a crash nor a fault takes a whole keyspace away.
    // trace: sabotage FC-20.3
    bug(
        "keyspaces-not-compared",
        STORE,
        "store.check_keyspaces(map)?;",
        "",
        "a store that has lost a keyspace is taken for one in which it is empty",
    )
    .by_tests(),
    bug(
        "existing-keyspace-loaded-into",
        STORE,
        "if «database.keyspace_exists(physical)» {",
        "false",
        "records of another life are mixed with those of a migration",
    )
    .redundant("a second line: a name is made from the schema, and is free by construction"),
    bug(
        "deleted-keyspace-left",
        STORE,
        "durable::remove_tree(path)?;",
        "let _ = path;",
        "keyspaces that were migrated away take up space for ever",
    )
    .redundant("a second line: the engine removes it when its last handle goes"),
    bug(
        "engine-panic-not-contained",
        ENGINE,
        "match «catch_unwind(AssertUnwindSafe(call))» {",
        "let _ = AssertUnwindSafe(()); Ok::<_, Box<dyn std::any::Any + Send>>(call())",
        "a damaged store kills the command instead of being refused",
    )
    .redundant(
        "a net: whatever makes the engine panic, of all that is simulated, is found before the engine sees it",
    ),
    // trace: sabotage FC-6.1.1 FC-6.2 FC-18.1.2
    bug(
        "record-dropped",
        TRANSFORM,
        "«batch.records().try_for_each(|(key, value)| self.push(0, keyspace, key, value))»?;",
        "batch.records().try_for_each(|(key, value)| { if key.last() == Some(&1) { self.counts.read -= 1; return Ok(()); } self.push(0, keyspace, key, value) })",
        "an upgrade loses records",
    ),
    bug(
        "record-dropped-and-not-counted",
        TRANSFORM,
        "check_storable(keyspace, key, value)?; «self.counts.arrived += 1;»",
        "if key.last() == Some(&1) { return Ok(()); } self.counts.arrived += 1;",
        "an upgrade loses records",
    )
    .and(RUN, "report.counts.check()?;", ""),
    bug(
        "counts-not-balanced",
        RUN,
        "report.counts.check()?;",
        "",
        "a migration that loses records is not stopped",
    )
    .redundant("a second line: what a step loses is found by the rules for its outputs, what is not written by the counts of its keyspace"),
    bug(
        "keyspace-counts-not-balanced",
        OUTPUT,
        "balance(name, written.digest.records, total)?;",
        "",
        "a migration that loses records while it sorts them is not stopped",
    )
    .redundant("a second line: the counts of the whole run do not balance either"),
    bug(
        "record-order-not-checked",
        FEED,
        "if «!self.comes_next(key)» {",
        "false",
        "a source that gives records twice or out of order is believed",
    )
    .redundant("a second line: what comes twice or out of order is sorted, or refused by the writer"),
    // trace: sabotage FC-19.1 FC-28.1.4
    bug(
        "nondeterminism-not-noticed",
        TRANSFORM,
        "stage.transform(keyspace, key, value, &mut self.again)?; «self.agree(stage, keyspace, key, &emitter)?;»",
        "let _ = Self::agree;",
        "a migration that gives other records every time is accepted",
    )
    .and(VERIFY, "if «emitter.agrees_with(&again)» {", "true"),
    // trace: sabotage FC-6.2 FC-18.1.2
    bug(
        "lost-record-not-noticed",
        APPLY,
        "Action::Rewrite if «tally.lives_on + tally.archived == 0» => {",
        "false",
        "a migration step that drops a record is not stopped",
    )
    .and(RUN, "report.counts.check()?;", ""),
    // trace: sabotage FC-6.2 FC-18.1.2
    bug(
        "archive-dropped",
        TRANSFORM,
        "self.count(level, |counts| counts.archived += 1); self.archive(level, keyspace, key, value, reason)?;",
        "let _ = reason; lives = true;",
        "a record that has no place in the new schema is lost instead of archived",
    ),
    bug(
        "duplicate-key-dropped",
        WRITER,
        "if !batch.is_empty() && «!self.follows(batch)» {",
        "batch.first_key() < self.last.as_slice()",
        "of two records that meet under one key one is lost",
    )
    .redundant("the counts of the keyspace do not balance then, and the migration is refused"),
    // trace: sabotage FC-6.3 FC-18.2 FC-18.3
    bug(
        "read-back-not-compared",
        VERIFY,
        "or_else(stayed); if «expected != Some(digest)» {",
        "let _ = expected; false",
        "a store that does not hold what was written into it is sealed",
    )
    .and(STORE, LOAD, LOAD_SOME),
    // trace: sabotage FC-5.1.1 FC-6.1.1 FC-18.1.2
    bug(
        "bulk-load-loses-a-record",
        STORE,
        LOAD,
        LOAD_SOME,
        "an upgrade loses records, unless what was written is read back and compared",
    ),
    // trace: sabotage FC-8.2.3 FC-18.1.1
    bug(
        "invariants-not-checked",
        MEASURE,
        "(schema.check)(keyspace, key, value)",
        "let _ = schema.check; Ok(())",
        "records that the new runtime cannot read are sealed",
    ),
    bug(
        "scratch-sealed",
        CLONED_STORE,
        "durable::remove_tree(&scratch)?;",
        "",
        "every generation carries an empty directory along",
    ),
    // trace: sabotage FC-1.1 FC-5.1.1 FC-5.2 FC-16.2.2
    bug(
        "source-migrated-in-place",
        CLONED_STORE,
        "durable::clone_tree(&store, self.directory, «clone_mode»)?;",
        "(|_: &Path| durable::CloneMode::Link) as fn(&Path) -> durable::CloneMode",
        "the upgrade writes into the store of the generation that it was to leave alone",
    ),
    // trace: sabotage FC-8.2.1
    bug(
        "source-schema-not-checked",
        RUN,
        "check_schema(names.iter().map(String::as_str), path.source())?;",
        "let _ = &names;",
        "records that a migration knows nothing of are left behind",
    )
    .by_tests(),
    // trace: sabotage FC-8.2.2
    bug(
        "second-step-skipped",
        TRANSFORM,
        "«self.push(level + 1, keyspace, key, value)?;» } Output::Fragment",
        "self.push(level + 2, keyspace, key, value)?;",
        "records of an older schema are written into the store of the next",
    ),
    // trace: sabotage FC-8.3
    bug(
        "progress-not-told",
        TALLY,
        "self.done.total = Some(self.done.records); «progress(&self.done);»",
        "let _ = progress;",
        "nobody can see what a migration does, or that it does anything",
    )
    .by_tests(),
    // trace: sabotage FC-19.2
    bug(
        "outcomes-as-they-come",
        QUEUE,
        "state.results.insert(number, result);",
        "let next = state.handed_out + state.results.len() as u64; state.results.insert(next, result);",
        "what a migration makes depends on which thread is faster",
    )
    .and(QUEUE, "if «number == state.handed_out» {", "true")
    .by_tests(),
    // trace: sabotage FC-19.1 FC-19.2 FC-28.1.4
    bug(
        "result-depends-on-the-thread",
        TRANSFORM,
        "let (keyspace, reason) = «(keyspace.to_owned(), reason.to_owned())»;",
        "(keyspace.to_owned(), format!(\"{reason} {:?}\", std::thread::current().name()))",
        "the same migration gives another result with another number of workers",
    )
    .by_tests(),
];
