//! What a runtime of 2.x writes to a store of schema 3: records that came from no file.
//!
//! A record of a store says where it came from: the number of a file that was adopted, and its position there
//! ([`RecordKey`]). What a runtime writes has the number [`FILE`], which no file has, and a position that the runtime gives.
//! No two records of a kind may have the same position and time: the later one would take the place of the earlier one.
//!
//! What is returned goes to `Store::commit` as it is: all of it, or nothing. It satisfies [`SCHEMA`](crate::schema3::SCHEMA).

use storage_migration::Record;

use crate::codec::CodecError;
use crate::envelope::Envelope;
use crate::execution::{Execution, Origin, Testimony};
use crate::keys::RecordKey;
use crate::record::{AuditEntry, ExecutionRecord, RecordKind};
use crate::schema2::normalize;
use crate::schema3::{event_key, execution_by_id_key, execution_key};

/// Stands for the number of a file in the source of a record that came from none. An adoption counts its files from 0, and has
/// far fewer.
pub const FILE: u32 = u32::MAX;

/// A record, with the name of the keyspace that it goes to.
pub type Placed = (&'static str, Record);

/// An audit entry.
///
/// # Errors
/// None in practice: every entry can be written.
pub fn audit(entry: &AuditEntry, position: u64) -> Result<[Placed; 1], CodecError> {
    let not_written = |error| not_written("audit entry", error);
    let original = entry.normal_form().map_err(not_written)?;
    let (decoded, unknown) = normalize("audit", &original).map_err(not_written)?;
    let source = RecordKey { file: FILE, ordinal: position };
    let value = Envelope { source, unknown, decoded, original }.encode();
    Ok([("audit", Record { key: event_key(&entry.timestamp, source), value })])
}

/// An execution, and what leads to it from its id. Written again with the same id and timestamp it takes the place of what was
/// written before: so `Started` becomes `Completed`.
///
/// # Errors
/// None in practice: every execution can be written.
pub fn execution(record: &ExecutionRecord, position: u64) -> Result<[Placed; 2], CodecError> {
    let not_written = |error| not_written("execution", error);
    let original = record.normal_form().map_err(not_written)?;
    let (record, _) = ExecutionRecord::read(&original).map_err(not_written)?;
    let (id, key) = (record.id.clone(), execution_key(&record));
    let source = RecordKey { file: FILE, ordinal: position };
    let testimony = Testimony { origin: Origin::Record, source, record, original };
    let nobody = || CodecError { expected: "execution", reason: "nothing tells of it".to_owned() };
    let value = Execution::join(vec![testimony]).ok_or_else(nobody)?.encode()?;
    let index = Record { key: execution_by_id_key(&id, &key), value: key.clone() };
    Ok([("executions", Record { key, value }), ("executions_by_id", index)])
}

fn not_written(expected: &'static str, error: crate::json::FieldError) -> CodecError {
    CodecError { expected, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ExecutionStatus, Json};
    use crate::schema3::{self, SCHEMA};
    use proptest::prelude::*;

    fn json(text: &str) -> Json {
        Json::from(serde_json::value::RawValue::from_string(text.to_owned()).unwrap())
    }

    fn satisfies(records: &[Placed]) -> Result<(), String> {
        records.iter().try_for_each(|(keyspace, it)| (SCHEMA.check)(keyspace, &it.key, &it.value))
    }

    fn entry(id: &str, timestamp: &str, details: Option<Json>) -> AuditEntry {
        let text = |text: &str| text.to_owned();
        AuditEntry {
            id: text(id),
            timestamp: text(timestamp),
            event: text("authorization"),
            actor: text("agent"),
            resource: text("shell"),
            action: text("execute"),
            result: text("AUTHORIZED"),
            details,
        }
    }

    proptest! {
        #[test]
        fn what_a_runtime_writes_satisfies_the_schema_and_is_read_as_it_was_written(
            id: String, position: u64, at in prop::option::of(0_u32..59), capability: String,
            value in prop::sample::select(vec!["{\"n\":1.10}", "null", "[1,2]", "\"text\""]),
        ) {
            let timestamp = at.map_or("at noon".to_owned(), |at| format!("2026-11-26T00:00:{at:02}.5Z"));
            let written = audit(&entry(&id, &timestamp, Some(json(value))), position).unwrap();
            prop_assert_eq!(satisfies(&written), Ok(()));
            let [(_, stored)] = &written;
            let read = schema3::audit_entry(&stored.value).unwrap();
            prop_assert_eq!((&read.record.id, read.envelope.source.file), (&id, FILE));
            let record = ExecutionRecord {
                id: id.clone(),
                timestamp,
                capability,
                arguments: Some(json(value)),
                result: None,
                status: ExecutionStatus::Completed,
                error: None,
            };
            let written = execution(&record, position).unwrap();
            prop_assert_eq!(satisfies(&written), Ok(()));
            let [(_, stored), (_, index)] = &written;
            let read = schema3::execution(&stored.value).unwrap();
            prop_assert_eq!((read.record.id, read.derived), (id.clone(), false));
            prop_assert_eq!(&index.value, &stored.key);
            prop_assert!(index.key.starts_with(&schema3::executions_with_id(&id)));
        }
    }

    #[test]
    fn the_same_moment_at_two_positions_is_two_records() {
        let written =
            |position| audit(&entry("a", "2026-11-26T00:00:00Z", None), position).unwrap();
        assert_ne!(written(1)[0].1.key, written(2)[0].1.key);
    }
}
