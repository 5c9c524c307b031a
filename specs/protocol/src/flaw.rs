//! Protocols that are wrong on purpose: what the invariants must find.

/// One way to get the protocol wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    /// A generation is renamed and activated, and its files were never synced.
    ActivatesBeforeSync,
    /// The directory that holds its name is never synced.
    NameIsNotSynced,
    /// After a sync that failed, the same record is synced again on the same handle.
    RetriesOnFailedHandle,
    /// After a sync that failed, a process says that nothing has changed, and does not look.
    AnswersWithoutLooking,
    /// A record that is found and that nothing vouches for is believed as it is read, and not written once more.
    BelievesWhatIsRead,
    /// The witness vouches for a record that is not synced yet.
    VouchesFirst,
    /// Staging directories are swept before the lock is taken.
    SweepsWithoutLock,
    /// Nobody takes the lock.
    IgnoresLock,
    /// A runtime goes on writing while the next generation is built and activated.
    BuildsBesideRuntime,
    /// Recovery leaves an interrupted attempt open.
    LeavesAttemptOpen,
    /// Recovery leaves what an attempt without effect has built.
    LeavesWhatWasBuilt,
    /// The number of a generation that never came to be is given to the next.
    ReusesNumbers,
    /// A collection takes the generation that a rollback leads to.
    CollectsTarget,
    /// A collection takes what was rolled back.
    CollectsAbandoned,
    /// A collection removes a generation, and puts it on record afterwards.
    RemovesBeforeRecord,
    /// A runtime executes, and its try is counted afterwards.
    CountsAfterStart,
    /// A try is given back to a runtime that was not stopped.
    GivesBackAfterCrash,
    /// A generation that rotted is gone back to.
    RevertsToRotten,
    /// A home goes back by itself from a generation that was confirmed.
    RevertsConfirmed,
    /// A generation that was rolled back is gone back to: two that fail alternate.
    Alternates,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ActivatesBeforeSync,
        Self::NameIsNotSynced,
        Self::RetriesOnFailedHandle,
        Self::AnswersWithoutLooking,
        Self::BelievesWhatIsRead,
        Self::VouchesFirst,
        Self::SweepsWithoutLock,
        Self::IgnoresLock,
        Self::BuildsBesideRuntime,
        Self::LeavesAttemptOpen,
        Self::LeavesWhatWasBuilt,
        Self::ReusesNumbers,
        Self::CollectsTarget,
        Self::CollectsAbandoned,
        Self::RemovesBeforeRecord,
        Self::CountsAfterStart,
        Self::GivesBackAfterCrash,
        Self::RevertsToRotten,
        Self::RevertsConfirmed,
        Self::Alternates,
    ];
}
