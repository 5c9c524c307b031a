//! One execution of schema 3, joined from everything that tells of it.

use crate::codec::{CodecError, Reader, Writer};
use crate::keys::RecordKey;
use crate::record::{ExecutionRecord, RecordKind};

const FORMAT: u8 = 1;
const EXPECTED: &str = "execution";

/// Where a testimony of an execution comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// An execution record: its original bytes are held here, since there is no other place for them.
    Record,
    /// An event of the write-ahead log: its original bytes stay in `wal`, under its key.
    Wal,
}

impl Origin {
    fn code(self) -> u8 {
        match self {
            Self::Record => 0,
            Self::Wal => 1,
        }
    }

    fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Record),
            1 => Some(Self::Wal),
            _ => None,
        }
    }
}

/// One testimony of an execution.
///
/// Encoded: origin (u8), file number (u32), position (u64), the record's normal form, its original bytes (none for an
/// event of the log). Sorted by these bytes, execution records come before events, and each in the order of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Testimony {
    /// Where it comes from.
    pub origin: Origin,
    /// Its key in schema 2: in `executions` or in `wal`.
    pub source: RecordKey,
    /// What it says.
    pub record: ExecutionRecord,
    /// The original bytes of an execution record; empty for an event of the log.
    pub original: Vec<u8>,
}

/// A testimony that says something else than what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The field.
    pub field: String,
    /// The index of the testimony that says otherwise, in [`Execution::testimonies`].
    pub testimony: u64,
}

/// One execution: what is held true of it, and everything that was said.
///
/// Encoded: format (1), 1 if derived or else 0, the index of the testimony that is held true (u64), the conflicts, the
/// testimonies; each list with its length before it (u64), numbers big end first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// What is held true.
    pub record: ExecutionRecord,
    /// True if only the log tells of it, so that it can be derived from the log again.
    pub derived: bool,
    /// Testimonies that contradict what is held true.
    pub conflicts: Vec<Conflict>,
    /// Everything that was said, execution records first, in the order of files.
    pub testimonies: Vec<Testimony>,
    kept: u64,
}

impl Testimony {
    /// The bytes as a join sorts and an execution holds them.
    ///
    /// # Errors
    /// None in practice: every record can be written.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let normal = self
            .record
            .normal_form()
            .map_err(|error| CodecError { expected: EXPECTED, reason: error.to_string() })?;
        let mut writer = Writer::new(self.origin.code());
        writer.number(self.source.file);
        writer.long(self.source.ordinal);
        writer.bytes(&normal);
        writer.bytes(&self.original);
        Ok(writer.finish())
    }

    /// Reads the bytes of a testimony.
    ///
    /// # Errors
    /// Why the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let code = bytes.first().copied().unwrap_or(u8::MAX);
        let mut reader = Reader::new(EXPECTED, code, bytes)?;
        let origin = Origin::of(code).ok_or_else(|| reader.error("unknown origin"))?;
        let source = RecordKey { file: reader.number()?, ordinal: reader.long()? };
        let normal = reader.bytes()?;
        let (record, _) =
            ExecutionRecord::read(normal).map_err(|error| reader.error(error.to_string()))?;
        let testimony = Self { origin, source, record, original: reader.bytes()?.to_vec() };
        reader.finish()?;
        Ok(testimony)
    }
}

impl Execution {
    /// Joins testimonies of one execution; none if there are none.
    ///
    /// Held true is, in this order: what tells of an end, an execution record before an event of the log, the later file,
    /// the later position. A testimony conflicts if it names another capability or other arguments, or if it tells of an
    /// end as well and its status, result or error differ.
    pub fn join(testimonies: Vec<Testimony>) -> Option<Self> {
        let rank = |testimony: &Testimony| {
            let terminal = testimony.record.status.is_terminal();
            (terminal, testimony.origin == Origin::Record, testimony.source)
        };
        let (kept, chosen) = testimonies
            .iter()
            .enumerate()
            .max_by(|(_, left), (_, right)| rank(left).cmp(&rank(right)))?;
        let record = chosen.record.clone();
        let mut conflicts = Vec::new();
        for (index, testimony) in testimonies.iter().enumerate() {
            conflicts.extend(
                differences(&record, &testimony.record)
                    .into_iter()
                    .map(|field| Conflict { field: field.to_owned(), testimony: index as u64 }),
            );
        }
        let derived = testimonies.iter().all(|testimony| testimony.origin == Origin::Wal);
        Some(Self { record, derived, conflicts, testimonies, kept: kept as u64 })
    }

    /// The value as it is stored.
    ///
    /// # Errors
    /// None in practice: every record can be written.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut writer = Writer::new(FORMAT);
        writer.byte(u8::from(self.derived));
        writer.long(self.kept);
        writer.count(self.conflicts.len());
        for conflict in &self.conflicts {
            writer.bytes(conflict.field.as_bytes());
            writer.long(conflict.testimony);
        }
        writer.count(self.testimonies.len());
        for testimony in &self.testimonies {
            writer.bytes(&testimony.encode()?);
        }
        Ok(writer.finish())
    }

    /// Reads a stored value.
    ///
    /// # Errors
    /// Why the bytes are none.
    pub fn decode(value: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(EXPECTED, FORMAT, value)?;
        let derived = match reader.byte()? {
            0 => false,
            1 => true,
            other => return Err(reader.error(format!("{other} where 0 or 1 should be"))),
        };
        let kept = reader.long()?;
        let conflicts = reader.list(|reader| {
            let field = reader.text()?.to_owned();
            Ok(Conflict { field, testimony: reader.long()? })
        })?;
        let testimonies = reader.list(|reader| Testimony::decode(reader.bytes()?))?;
        let chosen = usize::try_from(kept).ok().and_then(|index| testimonies.get(index));
        let missing = || reader.error("the testimony that is held true is not there");
        let record = chosen.ok_or_else(missing)?.record.clone();
        reader.finish()?;
        Ok(Self { record, derived, conflicts, testimonies, kept })
    }

    /// The testimony that is held true.
    pub(crate) fn held_true(&self) -> Option<&Testimony> {
        self.testimonies.get(usize::try_from(self.kept).ok()?)
    }

    /// Holds the execution to its own testimonies: joining them again must give the same.
    ///
    /// # Errors
    /// A sentence that says what differs.
    pub fn check(&self) -> Result<(), String> {
        for testimony in &self.testimonies {
            if testimony.origin == Origin::Record {
                let (record, _) = ExecutionRecord::read(&testimony.original)
                    .map_err(|error| error.to_string())?;
                if record != testimony.record {
                    return Err("a testimony is not what its original says".to_owned());
                }
            }
        }
        if Self::join(self.testimonies.clone()).as_ref() == Some(self) {
            Ok(())
        } else {
            Err("joining the testimonies again gives something else".to_owned())
        }
    }
}

fn differences(kept: &ExecutionRecord, other: &ExecutionRecord) -> Vec<&'static str> {
    let ended = kept.status.is_terminal() && other.status.is_terminal();
    let fields = [
        ("capability", kept.capability != other.capability),
        ("arguments", kept.arguments != other.arguments),
        ("status", ended && kept.status != other.status),
        ("result", ended && kept.result != other.result),
        ("error", ended && kept.error != other.error),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ExecutionStatus;
    use proptest::prelude::*;

    fn testimony(origin: Origin, file: u32, ordinal: u64, status: &str, result: &str) -> Testimony {
        let original = format!(
            r#"{{"id":"a","timestamp":"2026-01-01T00:00:00Z","capability":"c","status":"{status}","result":{result}}}"#
        );
        let (record, _) = ExecutionRecord::read(original.as_bytes()).unwrap();
        let original = if origin == Origin::Record { original.into_bytes() } else { Vec::new() };
        Testimony { origin, source: RecordKey { file, ordinal }, record, original }
    }

    #[test]
    fn an_end_wins_over_a_beginning_wherever_it_is_told() {
        let joined = Execution::join(vec![
            testimony(Origin::Record, 0, 0, "Started", "null"),
            testimony(Origin::Wal, 1, 7, "Completed", "1"),
        ])
        .unwrap();
        assert_eq!(joined.record.status, ExecutionStatus::Completed);
        assert!(joined.conflicts.is_empty());
        assert!(!joined.derived);
    }

    #[test]
    fn contradicting_ends_are_listed_and_the_record_wins() {
        let joined = Execution::join(vec![
            testimony(Origin::Record, 0, 0, "Completed", "1"),
            testimony(Origin::Wal, 1, 7, "Failed", "null"),
        ])
        .unwrap();
        assert_eq!(joined.record.status, ExecutionStatus::Completed);
        let fields: Vec<_> = joined.conflicts.iter().map(|conflict| &conflict.field).collect();
        assert_eq!(fields, ["status", "result"]);
    }

    #[test]
    fn what_only_the_log_tells_is_derived() {
        let joined =
            Execution::join(vec![testimony(Origin::Wal, 1, 7, "Started", "null")]).unwrap();
        assert!(joined.derived);
        assert!(joined.check().is_ok());
        assert!(Execution::join(Vec::new()).is_none());
    }

    proptest! {
        #[test]
        fn an_execution_survives_and_keeps_every_original(
            parts in prop::collection::vec((any::<bool>(), 0_u32..3, 0_u64..9, 0_usize..4), 1..6),
        ) {
            let testimonies: Vec<_> = parts.into_iter().map(|(wal, file, ordinal, status)| {
                let status = ["Started", "Completed", "Failed", "Denied"][status];
                let origin = if wal { Origin::Wal } else { Origin::Record };
                testimony(origin, file, ordinal, status, "1.10")
            }).collect();
            let joined = Execution::join(testimonies.clone()).unwrap();
            let again = Execution::decode(&joined.encode().unwrap()).unwrap();
            prop_assert_eq!(&again, &joined);
            prop_assert_eq!(again.testimonies, testimonies);
            prop_assert!(joined.check().is_ok());
        }

        #[test]
        fn bytes_at_random_are_no_execution_and_are_refused(mut bytes: Vec<u8>) {
            prop_assert!(Execution::decode(&bytes).is_err());
            prop_assert!(Testimony::decode(&bytes).is_err());
            bytes.insert(0, FORMAT);
            prop_assert!(Execution::decode(&bytes).is_err());
        }

        #[test]
        fn a_damaged_execution_is_refused_or_means_what_it_is_written_as(
            at: prop::sample::Index, byte: u8,
        ) {
            let testimonies = vec![
                testimony(Origin::Record, 1, 2, "Completed", "1.10"),
                testimony(Origin::Wal, 0, 3, "Started", "1.10"),
            ];
            let mut bytes = Execution::join(testimonies).unwrap().encode().unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Execution::decode(&bytes) {
                prop_assert_eq!(Execution::decode(&read.encode().unwrap()), Ok(read));
            }
        }
    }
}
