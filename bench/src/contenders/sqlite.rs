//! SQLite, by SQL and by the refinery crate.
//!
//! A table without row ids, which is the tree by key that the others have, too. `synchronous=FULL`, as the others sync. A
//! cache of 64 MiB instead of 2: one transaction changes everything, and pages that do not fit are spilled. The journal mode
//! is `DELETE`, SQLite's own default: with a million records and both transactions it took 0.55 to 0.83 of the time of `WAL`,
//! in which everything is written twice.

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

const UPDATE: &str = "UPDATE records SET v = f(v);";
const COPY: &str = "CREATE TABLE migrated (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
    INSERT INTO migrated SELECT k, f(v) FROM records ORDER BY k;";

/// Updates every record in its place, in one transaction.
pub(super) fn update(transform: Transform, source: &Path) -> Result<ReadBack> {
    let connection = open(source, transform)?;
    connection.execute_batch(&format!("BEGIN; {UPDATE} COMMIT;"))?;
    close(connection)?;
    Ok(read_back(source, "records"))
}

/// Copies every record into a new table, in one transaction.
pub(super) fn copy(transform: Transform, source: &Path) -> Result<ReadBack> {
    let connection = open(source, transform)?;
    connection.execute_batch(&format!("BEGIN; {COPY} COMMIT;"))?;
    close(connection)?;
    Ok(read_back(source, "migrated"))
}

/// As [`update`], as a migration of refinery, which brings its own transaction and its own table of what was applied.
pub(super) fn refinery(transform: Transform, source: &Path) -> Result<ReadBack> {
    let mut connection = open(source, transform)?;
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

fn open(source: &Path, transform: Transform) -> Result<Connection> {
    let connection = Connection::open(file(source))?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
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

/// Closes it: until then the work is not done.
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
