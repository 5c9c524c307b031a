//! One record: a line of JSON that carries its own hash and that of the line before.

use integrity::Digest;
use serde::{Deserialize, Serialize};
use versioning::Timestamp;

use crate::Event;

/// The largest line that is written or read, in bytes.
pub const MAXIMUM_RECORD_BYTES: usize = 16 * 1024;

/// Where the part of a line begins that its own hash does not cover.
const HASH_FIELD: &str = ",\"hash\":";

/// An attempt is numbered by the `seq` of its first record.
pub type AttemptNumber = u64;

/// A record of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its place, counted from 0 without gaps.
    pub seq: u64,
    /// When it was written; never earlier than the record before.
    pub time: Timestamp,
    /// The attempt that it belongs to.
    pub attempt: AttemptNumber,
    /// What it says.
    pub event: Event,
    /// The hash of the record before.
    pub previous: Digest,
    /// The digest of the line up to `,"hash":`.
    pub hash: Digest,
}

/// A record before it has a hash.
#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    time: Timestamp,
    attempt: AttemptNumber,
    event: &'a Event,
    previous: Digest,
}

impl Record {
    /// The record that follows `previous` (the first of a journal if there is none), and its line without newline.
    ///
    /// # Errors
    /// What serialisation says, which it does for no event that exists.
    // trace: impl FC-18.1.3 FC-20.2.1
    pub(crate) fn chain(
        previous: Option<&Self>,
        attempt: Option<AttemptNumber>,
        event: Event,
        now: Timestamp,
    ) -> Result<(Self, String), serde_json::Error> {
        let seq = previous.map_or(0, |record| record.seq + 1);
        // A clock that was set back must not disorder the history.
        let time = previous.map_or(now, |record| record.time.max(now));
        let attempt = attempt.unwrap_or(seq);
        let previous = previous.map_or_else(|| Digest::of(b""), |record| record.hash);
        let body = serde_json::to_string(&Body { seq, time, attempt, event: &event, previous })?;
        let body = body.strip_suffix('}').unwrap_or(&body);
        let hash = Digest::of(body.as_bytes());
        let line = format!("{body}{HASH_FIELD}\"{hash}\"}}");
        Ok((Self { seq, time, attempt, event, previous, hash }, line))
    }

    /// Reads a line, holding it to its own hash but not yet to its place in a chain.
    ///
    /// # Errors
    /// A sentence that says why it is no record.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        if line.len() > MAXIMUM_RECORD_BYTES {
            return Err(format!("the line has {} bytes, too many for a record", line.len()));
        }
        let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned())?;
        let (body, stated) =
            text.rsplit_once(HASH_FIELD).ok_or_else(|| "the line has no hash".to_owned())?;
        let hash = Digest::of(body.as_bytes());
        if stated != format!("\"{hash}\"}}") {
            return Err(format!("its content has the hash {hash}, which is not the one it states"));
        }
        serde_json::from_str(text).map_err(|error| {
            // The hash is right, so this is not damage: it was written by a version that knows more.
            error.to_string()
        })
    }

    /// True if a line is an intact record, wherever it belongs and whatever it says.
    pub(crate) fn is_intact(line: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(line) else { return false };
        text.rsplit_once(HASH_FIELD).is_some_and(|(body, stated)| {
            stated == format!("\"{}\"}}", Digest::of(body.as_bytes()))
        })
    }

    /// Holds the record to its place behind `previous`.
    ///
    /// # Errors
    /// A sentence that says why it does not belong there.
    pub(crate) fn follows(&self, previous: Option<&Self>) -> Result<(), String> {
        let seq = previous.map_or(0, |record| record.seq + 1);
        let hash = previous.map_or_else(|| Digest::of(b""), |record| record.hash);
        if self.seq != seq {
            return Err(format!("record {} stands in its place", self.seq));
        }
        if self.previous != hash {
            return Err("it does not continue the record before it".to_owned());
        }
        if previous.is_some_and(|record| record.time > self.time) {
            return Err("it is dated before the record before it".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i128) -> Timestamp {
        Timestamp::from_unix_nanoseconds(second * 1_000_000_000).unwrap()
    }

    fn aborted(length: usize) -> Event {
        Event::Aborted { reason: "x".repeat(length) }
    }

    fn record(previous: Option<&Record>, second: i128) -> (Record, String) {
        Record::chain(previous, Some(0), aborted(3), at(second)).unwrap()
    }

    #[test]
    fn a_record_belongs_behind_exactly_the_one_that_it_was_chained_to() {
        let (first, _) = record(None, 5);
        let (second, line) = record(Some(&first), 5);
        assert_eq!((first.seq, second.seq), (0, 1));
        assert_eq!(Record::parse(line.as_bytes()), Ok(second.clone()));
        assert_eq!(first.follows(None), Ok(()));
        assert_eq!(second.follows(Some(&first)), Ok(()));
        let why = |record: &Record, previous| record.follows(previous).unwrap_err();
        assert!(why(&second, None).contains("record 1 stands in its place"));
        assert!(why(&first, Some(&second)).contains("record 0 stands in its place"));
        // The right number, behind another history.
        let (other, _) = record(None, 4);
        assert!(why(&second, Some(&other)).contains("does not continue"));
    }

    #[test]
    fn a_record_that_is_dated_before_the_one_before_it_does_not_belong_there() {
        let (first, _) = record(None, 5);
        let (second, _) = record(Some(&first), 6);
        let dated = |second_of: i128| Record { time: at(second_of), ..second.clone() };
        assert_eq!(dated(5).follows(Some(&first)), Ok(()));
        assert!(dated(4).follows(Some(&first)).unwrap_err().contains("dated before"));
    }

    #[test]
    fn a_line_is_a_record_up_to_the_largest_size_and_not_beyond() {
        let line = |length: usize| Record::chain(None, None, aborted(length), at(1)).unwrap().1;
        let around = line(0).len();
        let largest = line(MAXIMUM_RECORD_BYTES - around);
        assert_eq!(largest.len(), MAXIMUM_RECORD_BYTES);
        assert!(Record::parse(largest.as_bytes()).is_ok());
        let larger = line(MAXIMUM_RECORD_BYTES - around + 1);
        assert!(Record::parse(larger.as_bytes()).unwrap_err().contains("too many"));
        // It is intact all the same: somebody has written it.
        assert!(Record::is_intact(larger.as_bytes()));
    }

    #[test]
    fn no_line_is_intact_whose_hash_is_that_of_another() {
        let (_, one) = record(None, 5);
        let (_, other) = record(None, 6);
        let (body, _) = one.split_once(HASH_FIELD).unwrap();
        let (_, hash) = other.split_once(HASH_FIELD).unwrap();
        let forged = format!("{body}{HASH_FIELD}{hash}");
        assert!(Record::is_intact(one.as_bytes()) && Record::is_intact(other.as_bytes()));
        assert!(!Record::is_intact(forged.as_bytes()));
        assert!(Record::parse(forged.as_bytes()).unwrap_err().contains("not the one it states"));
        assert!(!Record::is_intact(b"{}") && !Record::is_intact(&[0xff]));
    }
}
