//! SQLite, by SQL and by the refinery crate.
//!
//! A table without row ids, which is the tree by key that the others have, too. `synchronous=FULL`, as the others sync. A
//! cache of 64 MiB instead of 2: one transaction changes everything, and pages that do not fit are spilled.

use std::path::{Path, PathBuf};

use refinery::{Migration, Runner};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::{Content, ReadBack, digester};
use crate::failure::Result;
use crate::records::each_record;
use crate::transform::Transform;

const FILE: &str = "records.sqlite";
const CACHE_KIB: i64 = 64 * 1024;

/// How a transaction can be undone.
#[derive(Debug, Clone, Copy)]
enum JournalMode {
    Delete,
    Wal,
}

/// Tried both: what changes every page is quicker through one log than through a journal of what was there …
const UPDATE_MODE: JournalMode = JournalMode::Wal;
/// … and what only adds pages needs no journal of them.
const COPY_MODE: JournalMode = JournalMode::Delete;

const UPDATE: &str = "UPDATE records SET v = f(v);";
const COPY: &str = "CREATE TABLE migrated (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
    INSERT INTO migrated SELECT k, f(v) FROM records ORDER BY k;";

/// Updates every record in its place, in one transaction.
pub(super) fn update(transform: Transform, source: &Path) -> Result<ReadBack> {
    let connection = open(source, transform, UPDATE_MODE)?;
    connection.execute_batch(&format!("BEGIN; {UPDATE} COMMIT;"))?;
    close(connection)?;
    Ok(read_back(source, "records"))
}

/// Copies every record into a new table, in one transaction.
pub(super) fn copy(transform: Transform, source: &Path) -> Result<ReadBack> {
    let connection = open(source, transform, COPY_MODE)?;
    connection.execute_batch(&format!("BEGIN; {COPY} COMMIT;"))?;
    close(connection)?;
    Ok(read_back(source, "migrated"))
}

/// As [`update`], as a migration of refinery, which brings its own transaction and its own table of what was applied.
pub(super) fn refinery(transform: Transform, source: &Path) -> Result<ReadBack> {
    let mut connection = open(source, transform, UPDATE_MODE)?;
    let migration = Migration::unapplied("V1__transform_records", UPDATE)?;
    Runner::new(&[migration]).run(&mut connection)?;
    close(connection)?;
    Ok(read_back(source, "records"))
}

/// Fills a new database.
pub(super) fn generate(directory: &Path, content: &Content) -> Result<()> {
    let connection = Connection::open(file(directory))?;
    connection.execute_batch(
        "CREATE TABLE records (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID; BEGIN;",
    )?;
    let mut insert = connection.prepare("INSERT INTO records VALUES (?1, ?2)")?;
    each_record(content.seed, content.records, |key, value| {
        insert.execute((key, value)).map(drop)
    })?;
    drop(insert);
    connection.execute_batch("COMMIT;")?;
    close(connection)
}

fn open(source: &Path, transform: Transform, mode: JournalMode) -> Result<Connection> {
    let connection = Connection::open(file(source))?;
    let mode = match mode {
        JournalMode::Delete => "DELETE",
        JournalMode::Wal => "WAL",
    };
    connection.pragma_update(None, "journal_mode", mode)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("f", 1, flags, move |arguments| {
        let failed = |error| rusqlite::Error::UserFunctionError(error);
        let value = arguments.get_raw(0).as_blob().map_err(|error| failed(Box::new(error)))?;
        transform.apply(value).map_err(|error| failed(Box::new(error)))
    })?;
    Ok(connection)
}

/// Closes it, which in WAL mode brings the log into the database: until then the work is not done.
fn close(connection: Connection) -> Result<()> {
    connection.close().map_err(|(_, error)| error.into())
}

fn read_back(source: &Path, table: &'static str) -> ReadBack {
    let file = file(source);
    Box::new(move || {
        let connection = Connection::open(file)?;
        let mut select = connection.prepare(&format!("SELECT k, v FROM {table} ORDER BY k"))?;
        let mut rows = select.query([])?;
        let mut digest = digester();
        while let Some(row) = rows.next()? {
            digest.update(row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        }
        Ok(digest.finish())
    })
}

fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
