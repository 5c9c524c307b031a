//! The records of a journal (FC-UPGRADE-0001 §9, §17).
//!
//! The bytes replace `records.jsonl` beside a witness that vouches for the last of five records. Whatever they are: a journal
//! that is read holds every record that was acknowledged, as it was, and at most one more.

use std::path::Path;
use std::sync::OnceLock;

use ::journal::{
    AttemptNumber, Authority, Event, Journal, Operation, RECORDS_FILE, Record, WITNESS_FILE, read,
};
use integrity::Digest;
use versioning::{GenerationNumber, Timestamp};

use crate::scratch::Scratch;
use crate::{Outcome, Verdict, insist, require};

/// A journal as it was written.
pub struct Written {
    /// Its records.
    pub records: Vec<Record>,
    /// The bytes of `records.jsonl`, without the padding.
    pub bytes: Vec<u8>,
    witness: Vec<u8>,
}

/// What was observed.
#[derive(Debug, Clone)]
struct Observed {
    /// Records that a reader sees.
    read: Option<Vec<Record>>,
    /// Records that a writer sees, which may put things right.
    opened: Option<Vec<Record>>,
    /// Records that a reader sees after that.
    read_again: Option<Vec<Record>>,
    /// Whether the file was still what it had been after it was refused.
    refused_file_is_untouched: bool,
}

/// Hands the bytes to the journal.
pub fn run(data: &[u8]) -> Outcome {
    let written = written();
    insist(judge(&written.records, &observe(written, data)))
}

fn observe(written: &Written, data: &[u8]) -> Observed {
    let scratch = Scratch::new();
    let path = scratch.write(RECORDS_FILE, data);
    scratch.write(WITNESS_FILE, &written.witness);
    let directory = scratch.path();
    let read_before = read(directory).ok();
    let opened = Journal::open(directory).ok().map(|(journal, _)| journal.records().to_vec());
    let refused_file_is_untouched =
        opened.is_some() || std::fs::read(path).is_ok_and(|found| found == data);
    Observed {
        read: read_before,
        opened,
        read_again: read(directory).ok(),
        refused_file_is_untouched,
    }
}

fn judge(acknowledged: &[Record], observed: &Observed) -> Verdict {
    let same = observed.read == observed.opened && observed.read == observed.read_again;
    require(same, "a reader, a writer, and a reader after it see different records")?;
    require(observed.refused_file_is_untouched, "a journal that was refused was changed")?;
    let Some(records) = &observed.read else { return Ok(Outcome::Refused) };
    require(
        records.starts_with(acknowledged),
        "an acknowledged record is gone, and it is not noticed",
    )?;
    require(records.len() <= acknowledged.len() + 1, "two records follow what was acknowledged")?;
    Ok(Outcome::Accepted)
}

/// The journal whose witness stands beside the bytes. The same on every run.
pub fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let scratch = Scratch::new();
        match write(&scratch.path().join("journal")) {
            Ok(written) => written,
            Err(error) => panic!("cannot write the journal to start from: {error}"),
        }
    })
}

fn write(directory: &Path) -> Result<Written, Box<dyn std::error::Error>> {
    let generation = GenerationNumber::new(1);
    let initialized = Event::Initialized { format: 1, product: "fuzz".to_owned(), replaces: None };
    let mut journal = Journal::create(directory, initialized, Timestamp::EPOCH)?;
    for operation in [Operation::Adopt, Operation::Recover] {
        let authority = Authority::Development;
        let operator = "somebody \"quoted\", \u{1f980}".to_owned();
        let (signed, clock_behind) = (None, false);
        let authorized = Event::Authorized { operation, authority, operator, signed, clock_behind };
        let attempt: AttemptNumber = journal.begin(authorized, Timestamp::EPOCH)?;
        let sealed = Event::Sealed { generation, manifest: Digest::of(b"manifest") };
        journal.append(attempt, sealed, Timestamp::EPOCH)?;
    }
    let records = journal.records().to_vec();
    let padded = std::fs::read(directory.join(RECORDS_FILE))?;
    let end = padded.iter().rposition(|byte| *byte != b'\n').map_or(0, |at| at + 2);
    let bytes = padded.get(..end).unwrap_or_default().to_vec();
    Ok(Written { records, bytes, witness: std::fs::read(directory.join(WITNESS_FILE))? })
}

/// Puts the hash right in every line that has one, so that a mutation gets past it to what lies behind.
pub fn rehash(bytes: &[u8]) -> Vec<u8> {
    const FIELD: &str = ",\"hash\":";
    let mut lines = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let body = std::str::from_utf8(line).ok().and_then(|text| text.rsplit_once(FIELD));
        match body {
            Some((body, _)) => {
                let hash = Digest::of(body.as_bytes());
                lines.push(format!("{body}{FIELD}\"{hash}\"}}").into_bytes());
            }
            None => lines.push(line.to_vec()),
        }
    }
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_accepted_and_a_torn_append_is_passed_over() {
        let written = written();
        assert_eq!(run(&written.bytes), Outcome::Accepted);
        assert_eq!(run(&[&written.bytes, &b"{\"seq\":5"[..]].concat()), Outcome::Accepted);
        assert_eq!(rehash(&written.bytes), written.bytes);
    }

    #[test]
    fn what_lost_or_altered_a_record_is_refused() {
        let bytes = &written().bytes;
        let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(run(&bytes[first_line..]), Outcome::Refused);
        let last_line =
            bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(run(&bytes[..last_line]), Outcome::Refused);
        let forged = String::from_utf8(bytes.clone()).unwrap().replace("recover", "confirm");
        assert_eq!(run(forged.as_bytes()), Outcome::Refused);
        assert_eq!(run(&rehash(forged.as_bytes())), Outcome::Refused);
        assert_eq!(run(b""), Outcome::Refused);
    }

    /// The oracle is shown what a broken journal would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let written = written();
        let observed = observe(written, &written.bytes);
        assert_eq!(judge(&written.records, &observed), Ok(Outcome::Accepted));
        let all = |records: Vec<Record>| Observed {
            read: Some(records.clone()),
            opened: Some(records.clone()),
            read_again: Some(records),
            refused_file_is_untouched: true,
        };
        let mut lost = written.records.clone();
        lost.pop();
        let mut forged = written.records.clone();
        forged[1].attempt = 7;
        let mut long = written.records.clone();
        long.extend(written.records[..2].to_vec());
        let sabotages = [
            all(lost),
            all(forged),
            all(long),
            Observed { opened: None, ..observed.clone() },
            Observed { read_again: Some(Vec::new()), ..observed.clone() },
            Observed { refused_file_is_untouched: false, ..observed },
        ];
        for sabotage in sabotages {
            assert!(judge(&written.records, &sabotage).is_err(), "{sabotage:?}");
        }
    }
}
