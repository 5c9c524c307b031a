//! How far an operation has come (FC-UPGRADE-0001 §8).

use integrity::LogicalDigest;
use serde::Serialize;
use storage_migration::Phase;

/// What kind of work is being done. How long each takes is for whoever listens to measure: nothing here knows a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Getting ready: whatever comes before the current generation is looked at.
    Preparing,
    /// Holding files to their seals.
    Checking,
    /// Copying or linking files as they are.
    Copying,
    /// Reading records and transforming them. Those that come out in the order of their keys are written at once.
    Reading,
    /// Joining what several records became.
    Joining,
    /// Writing records that had to be sorted first.
    Writing,
    /// Placing configuration, policy, extensions and the runtime.
    Placing,
    /// Reading records, and holding them to their schema or to what they should be.
    Verifying,
    /// Making a generation durable, sealing it, and putting on record that it is current.
    MakingDurable,
}

impl Activity {
    /// Every activity, in the order in which an upgrade comes to them.
    pub const ALL: [Self; 9] = [
        Self::Preparing,
        Self::Checking,
        Self::Copying,
        Self::Reading,
        Self::Joining,
        Self::Writing,
        Self::Placing,
        Self::Verifying,
        Self::MakingDurable,
    ];

    /// As people are told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Checking => "checking",
            Self::Copying => "copying",
            Self::Reading => "reading",
            Self::Joining => "joining",
            Self::Writing => "writing",
            Self::Placing => "placing",
            Self::Verifying => "verifying",
            Self::MakingDurable => "making durable",
        }
    }
}

/// How far an operation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The kind of work.
    pub activity: Activity,
    /// What is being done, such as `reading executions`.
    pub phase: String,
    /// How much of it is done: records, groups of them, or files.
    pub done: u64,
    /// How many bytes these are, as far as they are counted. Of records: their keys and values.
    pub bytes: u64,
    /// How much there is, where it is known.
    pub total: Option<u64>,
}

/// Listens to the progress of an operation.
pub type ProgressListener<'p> = dyn FnMut(&Progress) + 'p;

/// Says what begins.
// trace: impl FC-8.3
pub(crate) fn report(progress: &mut ProgressListener<'_>, activity: Activity, phase: &str) {
    progress(&Progress { activity, phase: phase.to_owned(), done: 0, bytes: 0, total: None });
}

/// Turns the storage engine's progress into ours. `known` is what is to be read, as far as it is known, the first that has
/// the keyspace being the one that counts: the engine itself learns how much there is only when it is through.
pub(crate) fn forward<'p>(
    progress: &'p mut ProgressListener<'_>,
    known: &'p [&'p LogicalDigest],
) -> impl FnMut(&storage_migration::Progress<'_>) + 'p {
    |found| {
        let to_read = || known.iter().find_map(|digest| digest.get(found.keyspace));
        let (activity, to_read) = match found.phase {
            Phase::Read => (Activity::Reading, to_read()),
            Phase::Join => (Activity::Joining, None),
            Phase::Write => (Activity::Writing, None),
            Phase::Verify => (Activity::Verifying, to_read()),
        };
        progress(&Progress {
            activity,
            phase: format!("{} {}", activity.as_str(), found.keyspace),
            done: found.records,
            bytes: found.bytes,
            total: found.total.or(to_read.map(|known| known.records)),
        });
    }
}

#[cfg(test)]
mod tests {
    use integrity::{KeyspaceHasher, append_record};

    use super::*;

    fn holding(keyspace: &str, records: usize) -> LogicalDigest {
        let mut hasher = KeyspaceHasher::new(keyspace);
        let mut chunk = Vec::new();
        (0..records).for_each(|number| append_record(&mut chunk, &number.to_be_bytes(), b""));
        hasher.add_records(&chunk);
        let mut digest = LogicalDigest::default();
        digest.insert(keyspace, hasher.finish());
        digest
    }

    fn forwarded(phase: Phase, keyspace: &str, total: Option<u64>) -> Progress {
        let (written, before) = (holding("wal", 7), holding("wal", 3));
        let known = [&written, &before];
        let mut told = Vec::new();
        let mut listen = |progress: &Progress| told.push(progress.clone());
        let progress =
            storage_migration::Progress { phase, keyspace, records: 2, bytes: 50, total };
        forward(&mut listen, &known)(&progress);
        told.pop().unwrap()
    }

    #[test]
    fn what_is_read_is_told_with_how_much_there_is_of_it() {
        let told = forwarded(Phase::Read, "wal", None);
        let expected = Progress {
            activity: Activity::Reading,
            phase: "reading wal".to_owned(),
            done: 2,
            bytes: 50,
            total: Some(7),
        };
        assert_eq!(told, expected);
        assert_eq!(forwarded(Phase::Verify, "wal", None).total, Some(7));
        assert_eq!(forwarded(Phase::Read, "audit", None).total, None, "nobody knows");
        assert_eq!(
            forwarded(Phase::Read, "wal", Some(2)).total,
            Some(2),
            "the engine knows better"
        );
    }

    #[test]
    fn groups_and_what_is_written_are_not_counted_against_what_was_read() {
        assert_eq!(forwarded(Phase::Join, "wal", None).total, None);
        assert_eq!(forwarded(Phase::Write, "wal", None).total, None);
        assert_eq!(forwarded(Phase::Write, "wal", Some(9)).total, Some(9));
    }

    #[test]
    fn every_activity_is_listed_once_and_named_in_json_as_in_words() {
        for (place, activity) in Activity::ALL.into_iter().enumerate() {
            assert_eq!(activity as usize, place);
            let name = activity.as_str().replace(' ', "_");
            assert_eq!(serde_json::to_value(activity).unwrap(), name);
        }
    }
}
