//! A write-ahead log in a directory that is adopted.
//!
//! Whatever the bytes are: the directory is not touched, and if it is adopted, every byte of the log is accounted for. It is in
//! a record, in a piece that was set aside with a reason, or in a file that was set aside whole; what lies between the pieces
//! are separators.

use femtoclaw_catalogue::{FemtoClaw, INVENTORY_FILE, SetAside};
use integrity::Digest;
use upgrade::{AdoptedFile, Catalogue, Part, RecordSource};
use versioning::{RuntimeVersion, SchemaVersion};

use crate::scratch::Scratch;
use crate::{Outcome, Verdict, insist, require};

/// Where the log lies in the adopted directory.
const LOG: &str = "data/execution.wal";

/// What may lie between records: the separators of lines and of arrays, and a byte order mark.
const SEPARATORS: &[u8] = b" \t\r\n,[]\xef\xbb\xbf";

/// What was observed of a directory that was adopted.
#[derive(Debug, Clone)]
struct Observed {
    log: Vec<u8>,
    /// The log after it was inspected.
    log_afterwards: Vec<u8>,
    adopted: AdoptedFile,
    /// Records and pieces set aside, in the order of the log. None if the log was set aside whole.
    pieces: Option<Vec<Vec<u8>>>,
}

/// Hands the bytes to the adoption.
pub fn run(data: &[u8]) -> Outcome {
    match observe(data) {
        Ok(None) => Outcome::Refused,
        Ok(Some(observed)) => insist(judge(&observed)),
        Err(broken) => insist(Err(broken)),
    }
}

fn observe(data: &[u8]) -> Result<Option<Observed>, String> {
    let source = Scratch::new();
    let path = source.write(LOG, data);
    // The bytes need not tell the version: the operator states it.
    let version = RuntimeVersion::new(1, 0, 3);
    let adoption = FemtoClaw.inspect(source.path(), Some(&version));
    let log_afterwards =
        std::fs::read(path).map_err(|error| format!("the log is gone: {error}"))?;
    let Ok(adoption) = adoption else {
        return require(log_afterwards == data, "a log that was refused was changed")
            .map(|()| None);
    };
    let [adopted] = adoption.files.as_slice() else {
        return Err(format!("one file was there, and {} were adopted", adoption.files.len()));
    };
    let generation = Scratch::new();
    generation.write(&format!("{}/{}", adopted.part.directory(), adopted.target), data);
    generation.write(INVENTORY_FILE, &adoption.inventory);
    let pieces = match adopted.part {
        Part::Store => Some(pieces(&generation)?),
        _ => None,
    };
    Ok(Some(Observed { log: data.to_vec(), log_afterwards, adopted: adopted.clone(), pieces }))
}

/// Everything that a reader of schema 1 finds in the only file, in order.
fn pieces(generation: &Scratch) -> Result<Vec<Vec<u8>>, String> {
    let source = FemtoClaw
        .foreign_source(SchemaVersion::new(1), generation.path())
        .map_err(|error| format!("what was adopted cannot be opened: {error}"))?
        .ok_or("what was adopted is taken for a store of the engine")?;
    let mut found = Vec::new();
    for keyspace in source.keyspaces().iter().filter(|keyspace| *keyspace != "sources") {
        scan(&*source, keyspace, &mut found)?;
    }
    found.sort();
    Ok(found.into_iter().map(|(_, bytes)| bytes).collect())
}

fn scan(
    source: &dyn RecordSource,
    keyspace: &str,
    found: &mut Vec<(Vec<u8>, Vec<u8>)>,
) -> Result<(), String> {
    let scanned = source.scan(keyspace, &mut |key, value| {
        let bytes = match keyspace {
            "set_aside" => SetAside::decode(value).map(|piece| piece.bytes).unwrap_or_default(),
            _ => value.to_vec(),
        };
        found.push((key.to_vec(), bytes));
        Ok(())
    });
    scanned.map_err(|error| format!("what was adopted cannot be read: {error}"))
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { log, log_afterwards, adopted, pieces } = observed;
    require(log == log_afterwards, "the log was changed")?;
    require(adopted.size == log.len() as u64, "the log was adopted with another size")?;
    require(adopted.digest == Digest::of(log), "the log was adopted with another digest")?;
    let Some(pieces) = pieces else {
        let is_whole = adopted.part == Part::SetAside;
        require(is_whole, "a file that is no log was neither taken nor set aside")?;
        return Ok(Outcome::Refused);
    };
    let mut rest = log.as_slice();
    for piece in pieces {
        require(!piece.is_empty(), "there is a record without a byte")?;
        while !rest.starts_with(piece) {
            rest = without_separator(rest)?;
        }
        rest = rest.get(piece.len()..).unwrap_or_default();
    }
    while !rest.is_empty() {
        rest = without_separator(rest)?;
    }
    Ok(Outcome::Accepted)
}

fn without_separator(log: &[u8]) -> Result<&[u8], String> {
    match log.split_first() {
        Some((byte, rest)) if SEPARATORS.contains(byte) => Ok(rest),
        Some((byte, _)) => Err(format!("the byte {byte:#04x} of the log is in no piece")),
        None => Err("there is a piece that is not in the log".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_BYTES: &[u8] = b"{\"id\":0,\"timestamp\":\"2026-11-23T03:04:06Z\",\"event_type\":\"input\",\"payload\":{}}\n\
        {\"id\":1,\"timestamp\":\"2026-11-23T03:04:07Z\",\"event_type\":\"input\",\"payload\":{\"n\":1.10}}\n{\"id\":2,";

    #[test]
    fn a_log_with_a_torn_end_is_adopted_to_its_last_byte() {
        let observed = observe(LOG_BYTES).unwrap().unwrap();
        assert_eq!(observed.pieces.as_ref().unwrap().len(), 3);
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        assert_eq!(run(LOG_BYTES), Outcome::Accepted);
    }

    #[test]
    fn what_is_no_log_is_not_taken_for_one() {
        assert_eq!(run(b"\x7fELF"), Outcome::Refused);
    }

    /// The oracle is shown what a broken adoption would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let observed = observe(LOG_BYTES).unwrap().unwrap();
        let pieces = observed.pieces.clone().unwrap();
        let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let mut pieces = pieces.clone();
            change(&mut pieces);
            Observed { pieces: Some(pieces), ..observed.clone() }
        };
        let mut resized = observed.clone();
        resized.adopted.size += 1;
        let mut altered = observed.clone();
        altered.adopted.digest = Digest::of(b"other");
        let sabotages = [
            with(&|pieces| drop(pieces.remove(1))),
            with(&|pieces| drop(pieces.pop())),
            with(&|pieces| pieces.swap(0, 1)),
            with(&|pieces| pieces[0].truncate(1)),
            with(&|pieces| pieces[1][0] = b'['),
            with(&|pieces| pieces.push(b"invented".to_vec())),
            with(&|pieces| pieces[2].clear()),
            Observed { log_afterwards: Vec::new(), ..observed.clone() },
            Observed { pieces: None, ..observed },
            resized,
            altered,
        ];
        for (number, sabotage) in sabotages.iter().enumerate() {
            assert!(judge(sabotage).is_err(), "sabotage {number}");
        }
    }
}
