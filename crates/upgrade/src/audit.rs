//! The journal as an auditor sees it: all of it that can be read, and whether it is the one that it was (FC-UPGRADE-0001 §16,
//! §17).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use integrity::Digest;
use journal::{Event, Inspection, Record, Stretch};
use rollback::Layout;
use serde::{Deserialize, Serialize};

use crate::Environment;
use crate::error::{Cause, Condition, Error, Result};
use crate::home::{name_generations, replay, require_home};

/// The journal of a home, as far as it can be read. No lock is taken and nothing is written.
///
/// That something is wrong with it keeps nobody from looking at the rest: that is when an auditor needs it. See
/// [`AuditTrail::finish`].
#[derive(Debug)]
pub struct AuditTrail {
    found: Inspection,
    problem: Option<Error>,
}

/// The last record of a journal with its hash, written `SEQ:blake3:…`: kept elsewhere it shows later that the journal was
/// neither cut nor rewritten before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// The record.
    pub seq: u64,
    /// Its hash, which stands for every record up to it.
    pub hash: Digest,
}

/// A text that is no head of a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the head of a journal such as 12:blake3:af13…, as `audit head` prints it")]
pub struct InvalidHead {
    /// What was found instead.
    pub text: String,
}

/// A journal is not the one that a head was taken of. That it is whole in itself means nothing then: whoever may write to
/// all of its files can make it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadViolation {
    /// It ends before the head.
    #[error(
        "the journal was cut: record {} was there with the hash {}, and it ends {}{}",
        .head.seq, .head.hash, ends(.last), it_says(.replaced)
    )]
    Cut {
        /// The head.
        head: JournalHead,
        /// Its last record now.
        last: Option<u64>,
        /// Whether it says itself that it replaces another one.
        replaced: bool,
    },
    /// It has another record in the head's place.
    #[error(
        "the journal was rewritten: record {} had the hash {}, and has {found} now{}",
        .head.seq, .head.hash, it_says(.replaced)
    )]
    Rewritten {
        /// The head.
        head: JournalHead,
        /// The hash of that record now.
        found: Digest,
        /// Whether it says itself that it replaces another one.
        replaced: bool,
    },
}

impl AuditTrail {
    /// Reads what can be read.
    ///
    /// # Errors
    /// If there is no home, or no journal in it at all.
    pub fn read(root: &Path, environment: Environment<'_>) -> Result<Self> {
        let layout = Layout::new(root);
        require_home(&layout)?;
        let refused =
            |cause: Cause| Error::new(name_generations(cause, &layout), Condition::Unchanged(None));
        let found = journal::inspect(&layout.journal());
        let mut found = found.map_err(|error| refused(error.into()))?;
        let problem = match found.damage.take() {
            Some(error) => Some(error.into()),
            None => {
                let records: Vec<Record> = found.records().cloned().collect();
                replay(&records, environment).err()
            }
        };
        Ok(Self { found, problem: problem.map(refused) })
    }

    /// Everything that is there in its order, what cannot be read included.
    pub fn stretches(&self) -> &[Stretch] {
        self.found.stretches()
    }

    /// The records that are intact, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.found.records()
    }

    /// The journal's lines exactly as they lie on disk, without the padding behind them.
    pub fn lines(&self) -> &[u8] {
        self.found.lines()
    }

    /// The last record that was acknowledged, which no crash can take back. None if the journal is not sound.
    pub fn head(&self) -> Option<(JournalHead, &Record)> {
        let acknowledged = self.found.acknowledged.filter(|_| self.problem.is_none())?;
        let record = self.records().find(|record| record.seq == acknowledged)?;
        Some((JournalHead { seq: record.seq, hash: record.hash }, record))
    }

    /// Holds a journal that is sound to a head that was taken of it.
    ///
    /// # Errors
    /// [`HeadViolation`].
    pub fn hold_to(&self, head: JournalHead) -> std::result::Result<(), HeadViolation> {
        let replaced = self.records().next().is_some_and(
            |record| matches!(&record.event, Event::Initialized { replaces, .. } if replaces.is_some()),
        );
        match self.records().find(|record| record.seq == head.seq) {
            Some(record) if record.hash == head.hash => Ok(()),
            Some(record) => Err(HeadViolation::Rewritten { head, found: record.hash, replaced }),
            None => {
                let last = self.records().last().map(|record| record.seq);
                Err(HeadViolation::Cut { head, last, replaced })
            }
        }
    }

    /// Ends the audit with what is wrong with the journal.
    ///
    /// # Errors
    /// Damage of the journal or of its witness, or a record that contradicts those before it.
    pub fn finish(self) -> Result<()> {
        self.problem.map_or(Ok(()), Err)
    }

    /// What is wrong with the journal, if anything is.
    pub fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }
}

impl HeadViolation {
    /// The stable name, for scripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cut { .. } => "journal-cut",
            Self::Rewritten { .. } => "journal-rewritten",
        }
    }
}

impl fmt::Display for JournalHead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for JournalHead {
    type Err = InvalidHead;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let parse = || {
            let (seq, hash) = text.split_once(':')?;
            Some(Self { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
        };
        parse().ok_or_else(|| InvalidHead { text: text.to_owned() })
    }
}

fn ends(last: &Option<u64>) -> String {
    last.map_or_else(|| "before its first record".to_owned(), |last| format!("at record {last}"))
}

fn it_says(replaced: &bool) -> &'static str {
    // Then the record may be found in what `recover` has set aside.
    if *replaced {
        "; it says itself that it replaces a journal, which is kept beside it"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_as_it_is_written_and_as_nothing_else() {
        let head = JournalHead { seq: 12, hash: Digest::of(b"x") };
        assert_eq!(head.to_string().parse(), Ok(head));
        let digest = Digest::of(b"x").to_string();
        let texts = ["", "12", "12:", &digest, &format!("-1:{digest}"), &format!("12:{digest}0")];
        for text in texts {
            assert!(text.parse::<JournalHead>().is_err(), "{text} was accepted");
        }
    }
}
