//! Bugs of `crates/journal`.

use super::{Planted, bug};

const FILE: &str = "crates/journal/src/file.rs";
const READ: &str = "crates/journal/src/read.rs";
const RECORD: &str = "crates/journal/src/record.rs";
const WITNESS: &str = "crates/journal/src/witness.rs";

/// The sync of everything that is written to the journal's records.
const RECORDS_SYNC: &str =
    "file.sync_all().map_err(|error| FileError::new(Operation::Sync, path, error))?;";
/// The same for the witness.
const WITNESS_SYNC: &str =
    "file.sync_data().map_err(|error| FileError::new(Operation::Sync, path, error))?;";
/// An append: the record, then the witness.
const APPEND: &str = "self.write_line(&line)?; \
    Witness::of(&record).write(&self.witness, &self.directory.join(WITNESS_FILE))?;";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "record-unsynced",
        FILE,
        RECORDS_SYNC,
        "",
        "after a power failure an upgrade that was reported as done is not",
    ),
    // trace: sabotage FC-7.1 FC-15.3
    bug(
        "record-sync-failure-ignored",
        FILE,
        RECORDS_SYNC,
        "let _ = file.sync_all();",
        "a disk that fails to take a record is believed, and the record is lost",
    ),
    // trace: sabotage FC-7.1 FC-15.3
    bug(
        "record-sync-retried",
        FILE,
        RECORDS_SYNC,
        "file.sync_all().or_else(|_| file.sync_all()).map_err(|error| FileError::new(Operation::Sync, path, error))?;",
        "what a failed sync has lost is taken for durable, because the next one says so",
    ),
    // trace: sabotage FC-7.1 FC-15.3
    bug(
        "record-write-failure-ignored",
        FILE,
        "file.write_all_at(bytes, offset).map_err(|error| FileError::new(Operation::Write, path, error))?;",
        "let _ = file.write_all_at(bytes, offset);",
        "on a full disk an upgrade is reported as done that is not on record",
    ),
    bug(
        "appended-line-unsynced",
        FILE,
        "write_synced(&self.file, &self.directory.join(RECORDS_FILE), line, self.end)?;",
        "let path = self.directory.join(RECORDS_FILE); \
         self.file.write_all_at(line, self.end).map_err(|error| FileError::new(Operation::Write, &path, error))?;",
        "after a power failure the witness vouches for a record that is not there: the home does not open",
    ),
    bug(
        "witness-before-record",
        FILE,
        APPEND,
        "Witness::of(&record).write(&self.witness, &self.directory.join(WITNESS_FILE))?; self.write_line(&line)?;",
        "after a power failure the witness vouches for a record that is not there: the home does not open",
    ),
    bug(
        "witness-not-written",
        FILE,
        APPEND,
        "self.write_line(&line)?;",
        "an acknowledged record that is damaged later is cut off as if it were torn",
    ),
    // trace: sabotage FC-7.1 FC-16.1
    bug(
        "failed-append-believed",
        FILE,
        "self.outcome_unknown = true;",
        "self.outcome_unknown = false;",
        "after an error a handle whose outcome is unknown is written to again",
    ),
    bug(
        "repaired-tail-unsynced",
        FILE,
        "write_synced(&file, &records_path, &tail, from as u64)?;",
        "file.write_all_at(&tail, from as u64).map_err(|error| FileError::new(Operation::Write, &records_path, error))?;",
        "a record that the recovery relies on is lost by the next power failure",
    ),
    // trace: sabotage FC-7.1 FC-16.3
    bug(
        "torn-tail-not-cut",
        FILE,
        "write_synced(&file, &records_path, &tail, from as u64)?;",
        "",
        "what is left of a torn record is taken for damage once records stand before it",
    ),
    // trace: sabotage FC-7.1 FC-15.3
    bug(
        "unvouched-record-not-rewritten",
        FILE,
        "Standing::Unacknowledged { offset } => («offset», Repair::Acknowledged)",
        "{ let _ = offset; chain.end }",
        "a record that a failed sync has lost is relied on, because it can still be read",
    ),
    // trace: sabotage FC-16.3
    bug(
        "unvouched-record-not-vouched-for",
        FILE,
        "Witness::of(last).write(&witness_file, &directory.join(WITNESS_FILE))?;",
        "let _ = last;",
        "every start finds the same thing to repair",
    ),
    bug(
        "reserve-unsynced",
        FILE,
        "write_synced(&self.file, &path, &padding, self.length)?;",
        "self.file.write_all_at(&padding, self.length).map_err(|error| FileError::new(Operation::Write, &path, error))?;",
        "after a power failure there is no space reserved, and a full disk keeps a rollback from being recorded",
    ),
    bug(
        "reserve-not-made",
        FILE,
        "write_synced(&self.file, &path, &padding, self.length)?;",
        "drop(padding); return Ok(());",
        "once the first reserve is used up a full disk keeps a rollback from being recorded",
    ),
    // trace: sabotage FC-16.3
    bug(
        "reserve-grows-for-ever",
        FILE,
        "if «self.length >= self.end + 2 * RESERVE_BYTES as u64» {",
        "false",
        "every operation makes the journal longer, whether it needs to be or not",
    )
    .and(FILE, "let wanted = «self.end» + 4 * RESERVE_BYTES as u64;", "self.length"),
    bug(
        "new-records-unsynced",
        FILE,
        "durable::write_file(&staging.join(RECORDS_FILE), &bytes)?;",
        "durable::create_file(&staging.join(RECORDS_FILE), &bytes)?;",
        "after a power failure a new home's journal is empty",
    ),
    // trace: sabotage FC-7.1
    bug(
        "new-witness-unsynced",
        FILE,
        "durable::write_file(&staging.join(WITNESS_FILE), &Witness::of(&record).initial_file())?;",
        "durable::create_file(&staging.join(WITNESS_FILE), &Witness::of(&record).initial_file())?;",
        "after a power failure a new home has no witness and does not open",
    ),
    bug(
        "new-journal-names-unsynced",
        FILE,
        "durable::sync_directory(&staging)?;",
        "",
        "after a power failure a new home's journal is an empty directory",
    ),
    bug(
        "new-journal-name-unsynced",
        FILE,
        "durable::rename(&staging, directory)?;",
        "std::fs::rename(&staging, directory).map_err(|error| FileError::new(Operation::Rename, directory, error))?;",
        "after a power failure a new home has no journal",
    )
    .redundant("whoever opens a home syncs its directory before relying on what it names"),
    // trace: sabotage FC-7.1
    bug(
        "replaced-witness-written-over",
        FILE,
        "durable::replace_file(&path, &Witness::of(last).initial_file())?;",
        "durable::remove_file(&path)?; durable::create_file(&path, &Witness::of(last).initial_file())?;",
        "a power failure while a lost witness is replaced leaves half of one",
    ),
    bug(
        "witness-unsynced",
        WITNESS,
        WITNESS_SYNC,
        "",
        "after a power failure an acknowledged record that is damaged is cut off as if it were torn",
    ),
    bug(
        "witness-sync-failure-ignored",
        WITNESS,
        WITNESS_SYNC,
        "let _ = file.sync_data();",
        "a disk that fails to take the witness is believed",
    ),
    bug(
        "witness-in-one-slot",
        WITNESS,
        "«(self.seq % SLOTS)» * SLOT_BYTES as u64",
        "{ let _ = SLOTS; 0 }",
        "a power failure while the witness is written leaves none, and the home does not open",
    )
    .redundant("a sector of 512 bytes is written whole or not at all here; a unit test damages every byte of either slot"),
    bug(
        "witness-checksum-not-compared",
        WITNESS,
        "if «checksum != Digest::of(text.as_bytes()).to_string()» {",
        "{ let _ = checksum; false }",
        "a witness that has rotted vouches for a record that never was",
    )
    .redundant("without it a damaged slot leads to a refusal rather than to the slot before, and nothing is lost; a unit test damages every byte of either slot"),
    bug(
        "damaged-record-cut-as-torn",
        READ,
        "return Err(Error::BrokenChain { seq, offset, reason });",
        "let _ = (seq, offset, reason); return Ok(Standing::Acknowledged);",
        "an acknowledged record that has rotted is thrown away, and the home silently goes back",
    ),
    bug(
        "journal-names-unsynced-by-recovery",
        FILE,
        "«durable::sync_directory(directory)?;» let witness",
        "",
        "a witness that a killed process has replaced is relied on, and gone after a power failure",
    ),
    bug(
        "cut-journal-accepted",
        READ,
        "return Err(Error::Truncated { acknowledged: witness.seq, found: LastRecord(last) });",
        "let _ = LastRecord(last); return Ok(Standing::Acknowledged);",
        "a journal that was cut short is taken for a whole one, and the home silently goes back",
    ),
    bug(
        "forked-journal-accepted",
        READ,
        "if «vouched.hash != witness.hash» {",
        "false",
        "a journal whose last record was exchanged for another is believed",
    ),
    // trace: sabotage FC-16.3
    bug(
        "panic-on-torn-tail",
        READ,
        "chain.torn = true;",
        "panic!(\"the journal is torn\");",
        "after a power failure every command dies with a panic",
    ),
    // trace: sabotage FC-18.1.3 FC-20.2.1
    bug(
        "record-hash-not-compared",
        RECORD,
        "let hash = Digest::of(body.as_bytes()); if «stated != format!(\"\\\"{hash}\\\"}}\")» {",
        "{ let _ = stated; false }",
        "a record that was altered is believed",
    ),
    bug(
        "chain-not-compared",
        RECORD,
        "if «self.previous != hash» {",
        "{ let _ = hash; false }",
        "a record that was exchanged for another intact one is believed",
    ),
    bug(
        "clock-set-back-disorders",
        RECORD,
        "previous.map_or(now, |record| «record.time.max(now)»)",
        "{ let _ = record; now }",
        "after the clock was set back an interrupted attempt cannot be put on record, or the journal does not open",
    ),
];
