//! Why an operation was refused or failed: what is wrong, what state the home is in, which command comes next.

use std::fmt;
use std::path::PathBuf;

use integrity::Digest;
use journal::Operation;
use versioning::{GenerationNumber, RuntimeVersion};

use crate::{AdoptionRefusal, Refusal, Refusals};

mod names;

/// The result of an operation on a home.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was refused or failed.
#[derive(Debug)]
pub struct Error {
    cause: Box<Cause>,
    condition: Condition,
    next: Option<String>,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// There is no home at this path.
    #[error("there is no home at {}", path.display())]
    NotAHome {
        /// The path.
        path: PathBuf,
    },
    /// There is something else at the path of a home that is to be created.
    #[error("{} exists already and is not an empty directory", path.display())]
    HomeExists {
        /// The path.
        path: PathBuf,
    },
    /// The home would lie within the directory that is to be adopted, or around it.
    #[error("{} and {} lie one within the other", home.display(), source_directory.display())]
    HomeOverlaps {
        /// The home.
        home: PathBuf,
        /// The directory that is to be adopted.
        source_directory: PathBuf,
    },
    /// A file that was named is not what it should be.
    #[error("{} is not a plain file with something in it", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// No adoption of this home ever completed.
    #[error("the home at {} has no current generation: its adoption was never completed", path.display())]
    NeverAdopted {
        /// The home.
        path: PathBuf,
    },
    /// Another process holds the home.
    #[error(
        "the home is locked by another process{}",
        .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The holder, if it could be read.
        pid: Option<u32>,
    },
    /// A runtime has the store open.
    #[error("a runtime has the store of generation {generation} open")]
    StoreInUse {
        /// The generation.
        generation: GenerationNumber,
    },
    /// Nobody with the authority asked for this (FC-UPGRADE-0001 §21).
    #[error("{operation} needs a signed authorisation, and none was given")]
    Unauthorized {
        /// What was asked for.
        operation: Operation,
    },
    /// Development mode was asked for, and the home has a keyring.
    #[error(
        "{operation} needs a signed authorisation: this home has a keyring, and takes no unsigned mode"
    )]
    DevelopmentRefused {
        /// What was asked for.
        operation: Operation,
    },
    /// A signed authorisation was given, and there is nothing to hold it to.
    #[error("this home has no keyring to hold the authorisation for {operation} to")]
    NoKeyring {
        /// What was asked for.
        operation: Operation,
    },
    /// What was given is no authorisation.
    #[error(transparent)]
    InvalidAuthorization(crate::InvalidAuthorization),
    /// Too few of those who may have signed.
    #[error("{0}")]
    NotSigned(Box<authorization::NotEnough>),
    /// What was signed does not allow this.
    #[error("{0}")]
    Denied(Box<authorization::Denied>),
    /// An upgrade of a home with a keyring, to what came in no package.
    #[error("this home has a keyring, and takes a release only as a signed package")]
    ReleaseRequired,
    /// A package without signatures, and a home with a keyring.
    #[error("this home has a keyring, and the package came without signatures")]
    ReleaseUnsigned,
    /// The package of a release is not what it should be.
    #[error("the release package is refused: {0}")]
    Release(#[from] release::Error),
    /// A release of an earlier security epoch than one that was confirmed.
    #[error("the release has security epoch {found}, and the home has confirmed {floor}")]
    BelowSecurityFloor {
        /// The release's.
        found: u64,
        /// The home's.
        floor: u64,
    },
    /// The clock is behind what is on record.
    #[error("the clock says {now}, and the journal was last written to at {last}")]
    ClockBehind {
        /// What the clock says.
        now: versioning::Timestamp,
        /// The last time that is on record.
        last: versioning::Timestamp,
    },
    /// An epoch of the keyring may not be installed.
    #[error("the keyring is refused: {0}")]
    KeyringRefused(Box<authorization::SuccessionRefused>),
    /// The keyring that lies in the home is not the one that is on record.
    #[error("{}: {what}", path.display())]
    KeyringAltered {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Everybody may write to a directory of the home.
    #[error("everybody may write to {} (mode {mode:o})", path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Revoking a publisher would leave a generation that nobody vouches for.
    #[error(
        "with this keyring nobody would vouch for the release of generation {generation}, which is needed"
    )]
    KeyringWouldOrphan {
        /// Which.
        generation: GenerationNumber,
    },
    /// The name of a node is missing, is another one, or is none.
    #[error("the first keyring has to name this home, and no later one may rename it")]
    InvalidNode,
    /// The installed state and the release do not go together (FC-UPGRADE-0001 §13).
    #[error("the upgrade is not possible:\n{0}")]
    Incompatible(Box<Refusals>),
    /// A directory cannot be adopted.
    #[error(transparent)]
    Adoption(#[from] AdoptionRefusal),
    /// The source of an adoption changed while it was read.
    #[error(
        "{} changed while it was being adopted; stop whatever writes to it", path.display()
    )]
    SourceChanged {
        /// The file that changed.
        path: PathBuf,
    },
    /// The plan that was approved is not the one that would be carried out now.
    #[error(
        "the plan that was approved ({approved}) is not the one for what is there now ({found})"
    )]
    StalePlan {
        /// The digest that was approved.
        approved: Digest,
        /// The digest of the plan now.
        found: Digest,
    },
    /// A configuration does not satisfy its schema (FC-UPGRADE-0001 §10).
    #[error("the configuration of generation {generation} is not valid:\n{}", list(.violations))]
    InvalidConfiguration {
        /// Whose.
        generation: GenerationNumber,
        /// Every violation.
        violations: Vec<String>,
    },
    /// The policies of a generation cannot be read, so nobody may do anything with it (FC-UPGRADE-0001 §11).
    #[error("the policy of generation {generation} cannot be read:\n{}", list(.reasons))]
    InvalidPolicy {
        /// The generation.
        generation: GenerationNumber,
        /// Every reason.
        reasons: Vec<String>,
    },
    /// A lost or broken journal was replaced, and an interruption kept the decision from being recorded.
    #[error("the journal was replaced, but which generation is current was not decided; there are {}", found(.generations))]
    Undecided {
        /// The generations that are there, each with what its manifest says.
        generations: Vec<String>,
    },
    /// An attempt was interrupted, and reading alone may not put that right.
    #[error("an attempt to {operation} (number {attempt}) was interrupted")]
    Interrupted {
        /// The attempt.
        attempt: u64,
        /// What was attempted.
        operation: Operation,
    },
    /// There is no earlier generation to go back to.
    #[error("generation {generation} has no earlier generation to go back to")]
    NoRollbackTarget {
        /// The current generation.
        generation: GenerationNumber,
    },
    /// The runtime that starts is not the one that the current generation belongs to.
    #[error("generation {generation} is for runtime {expected}, and this is {found}")]
    WrongRuntime {
        /// The current generation.
        generation: GenerationNumber,
        /// Its runtime.
        expected: RuntimeVersion,
        /// The runtime that starts.
        found: RuntimeVersion,
    },
    /// The generation on trial used up its starts without being confirmed, and was left (FC-UPGRADE-0001 §15). The runtime
    /// that starts is the wrong one from now on.
    #[error(
        "generation {generation} ({found}) used up its {tries} starts and was not confirmed: it was left for generation \
         {to} ({expected}), and is kept with all of its records"
    )]
    TrialFailed {
        /// The generation that was on trial.
        generation: GenerationNumber,
        /// Its runtime.
        found: RuntimeVersion,
        /// The starts that it had.
        tries: u32,
        /// The generation that is current again.
        to: GenerationNumber,
        /// Its runtime, which is to be started.
        expected: RuntimeVersion,
        /// Its binary, if the generation brings it along.
        binary: Option<PathBuf>,
    },
    /// A trial failed, and what it would go back to fails as well: nothing runs until a person decides.
    #[error(
        "generation {generation} has failed its trial, and there is no going back to {}: {why}",
        .target.map_or_else(|| "an earlier one".to_owned(), |target| format!("generation {target}"))
    )]
    Halted {
        /// The generation on trial.
        generation: GenerationNumber,
        /// The generation that it would go back to, if there is one.
        target: Option<GenerationNumber>,
        /// What is wrong with that.
        why: Box<Cause>,
    },
    /// A generation was declared a failure that is not on trial.
    #[error("generation {generation} is not on trial any more")]
    NotOnTrial {
        /// The current generation.
        generation: GenerationNumber,
    },
    /// There is no generation of this number.
    #[error("there is no generation {generation}; there are {}", numbers(.available))]
    NoSuchGeneration {
        /// What was asked for.
        generation: GenerationNumber,
        /// What is there.
        available: Vec<GenerationNumber>,
    },
    /// The journal is intact, so there is nothing to recover explicitly.
    #[error("the journal is intact and says that generation {current} is current")]
    NothingToRecover {
        /// The current generation.
        current: GenerationNumber,
    },
    /// The home is at a version that this program's catalogue does not know.
    #[error("the home is at {found}, which this version of the command does not know")]
    UnknownToCatalogue {
        /// What it is at.
        found: String,
    },
    /// The journal is lost or broken (exit 8: only an explicit recovery helps).
    #[error("{cause}; the generations found are {}", found(.generations))]
    JournalLost {
        /// What is wrong with it.
        cause: journal::Error,
        /// The generations that are there, each with what its manifest says.
        generations: Vec<String>,
    },
    /// The journal is intact, and was written by a later version, or for another product.
    #[error("{0}")]
    NotOurs(String),
    /// What was asked for is not what would be done now: somebody else was faster.
    #[error("what was asked for is no longer what would happen: {0}")]
    Overtaken(String),
    /// An attempt failed, and could not be brought to an end either.
    #[error("{first}\nand the attempt could not be ended: {then}")]
    NotEnded {
        /// Why it failed.
        first: Box<Cause>,
        /// Why it could not be ended.
        then: Box<Cause>,
    },
    /// A record of the journal contradicts those before it.
    #[error("record {seq} of the journal contradicts those before it: {reason}")]
    Contradiction {
        /// The record.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// A generation is not what was sealed, or was left.
    #[error("{0}")]
    Altered(String),
    /// The logical content of a store is not what was sealed.
    #[error(
        "the content of {keyspace} in generation {generation} was sealed as {expected} and is now {found}"
    )]
    ContentAltered {
        /// Whose.
        generation: GenerationNumber,
        /// The keyspace.
        keyspace: String,
        /// What was sealed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Writing the journal failed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Something about the files of a generation.
    #[error(transparent)]
    Generation(#[from] rollback::Error),
    /// The storage migration did not succeed.
    #[error(transparent)]
    Storage(#[from] storage_migration::MigrationError),
    /// Records of an older format cannot be read.
    #[error(transparent)]
    Source(#[from] storage_migration::SourceError),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] durable::Error),
    /// Writing the output failed.
    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
}

/// What state the home is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is none, and none was made.
    NoHome,
    /// As it was before.
    Unchanged(Option<(GenerationNumber, RuntimeVersion)>),
    /// An attempt began and was undone: what was current still is, untouched.
    Undone(Option<(GenerationNumber, RuntimeVersion)>),
    /// A trial failed, and what was current before it is current again.
    RolledBack(Option<(GenerationNumber, RuntimeVersion)>),
    /// An attempt began and could not be brought to an end.
    Unfinished,
    /// What was asked for is done; what failed came after it.
    Done(Option<(GenerationNumber, RuntimeVersion)>),
}

impl Error {
    /// Joins what is wrong with the state that the home is in.
    pub fn new(cause: impl Into<Cause>, condition: Condition) -> Self {
        Self { cause: Box::new(cause.into()), condition, next: None }
    }

    /// Names the command that comes next, where the cause alone does not tell.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Replaces what is said of the home's state.
    #[must_use]
    pub(crate) fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// What is wrong.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What state the home is in.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// The stable name of what is wrong, for scripts.
    pub fn name(&self) -> &'static str {
        self.cause.name()
    }

    /// The exit code of the command (`facts/anchors.md`; README, exit codes).
    pub fn exit_code(&self) -> u8 {
        match (self.cause.exit_code(), &self.condition) {
            (_, Condition::Unfinished) => 8,
            (1, Condition::Undone(_)) => 7,
            (code, _) => code,
        }
    }

    /// Which command comes next, as a sentence.
    pub fn next(&self) -> String {
        if let Some(next) = &self.next {
            return next.clone();
        }
        if self.condition == Condition::Unfinished {
            return "Run `femtoclaw-upgrade recover`.".to_owned();
        }
        self.cause.next()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n{}\n{}", self.cause, self.condition, self.next())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where the journal was not read, nothing is said of what is current.
        let current = |found: &Option<(GenerationNumber, RuntimeVersion)>, more: &str| {
            found.as_ref().map_or_else(String::new, |(number, version)| {
                format!(": generation {number} ({version}) is current{more}")
            })
        };
        match self {
            Self::NoHome => formatter.write_str("Nothing was changed."),
            Self::Unchanged(found) => {
                write!(formatter, "The home is unchanged{}.", current(found, ""))
            }
            Self::Undone(found) => {
                write!(formatter, "The attempt was undone{}.", current(found, ", as before"))
            }
            Self::RolledBack(found) => write!(
                formatter,
                "The home was rolled back{}.",
                current(found, " again, exactly as it was left")
            ),
            Self::Done(found) => write!(formatter, "It is done all the same{}.", current(found, "")),
            Self::Unfinished => formatter.write_str(
                "The home holds either the old state or the new one, whole; which, the journal says \
                 once it can be written again.",
            ),
        }
    }
}

impl From<Refusal> for Cause {
    fn from(reason: Refusal) -> Self {
        Self::Incompatible(Box::new(reason.into()))
    }
}

impl Cause {
    /// The stable name, for scripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAHome { .. } => "not-a-home",
            Self::HomeExists { .. } => "home-exists",
            Self::HomeOverlaps { .. } => "home-overlaps",
            Self::NotAFile { .. } => "not-a-file",
            Self::NeverAdopted { .. } => "never-adopted",
            Self::Locked { .. } | Self::Generation(rollback::Error::Locked { .. }) => "locked",
            Self::StoreInUse { .. } => "store-in-use",
            Self::Unauthorized { .. } => "unauthorized",
            Self::DevelopmentRefused { .. } => "development-refused",
            Self::NoKeyring { .. } => "no-keyring",
            Self::InvalidAuthorization(reason) => names::unreadable(reason),
            Self::NotSigned(missing) => names::not_signed(missing),
            Self::Denied(denied) => names::denied(denied),
            Self::ReleaseRequired => "release-required",
            Self::ReleaseUnsigned => "release-unsigned",
            Self::Release(error) => names::release(error),
            Self::BelowSecurityFloor { .. } => "below-security-floor",
            Self::ClockBehind { .. } => "clock-behind",
            Self::KeyringRefused(reason) => names::succession(reason),
            Self::KeyringAltered { .. } => "keyring-altered",
            Self::KeyringWouldOrphan { .. } => "keyring-would-orphan",
            Self::InvalidNode => "node-invalid",
            Self::Incompatible(_) => "incompatible",
            Self::Adoption(AdoptionRefusal::Ambiguous { .. }) => "adoption-ambiguous",
            Self::Adoption(AdoptionRefusal::Dangerous { .. }) => "adoption-dangerous",
            Self::Adoption(_) => "adoption-unreadable",
            Self::SourceChanged { .. } => "source-changed",
            Self::StalePlan { .. } => "stale-plan",
            Self::InvalidConfiguration { .. } => "configuration-invalid",
            Self::InvalidPolicy { .. } => "policy-invalid",
            Self::Undecided { .. } => "undecided",
            Self::Interrupted { .. } => "interrupted",
            Self::NoRollbackTarget { .. } => "no-rollback-target",
            Self::WrongRuntime { .. } => "wrong-runtime",
            Self::TrialFailed { .. } => "trial-failed",
            Self::Halted { .. } => "halted",
            Self::NotOnTrial { .. } => "not-on-trial",
            Self::NoSuchGeneration { .. } => "no-such-generation",
            Self::NothingToRecover { .. } => "nothing-to-recover",
            Self::UnknownToCatalogue { .. } => "unknown-version",
            Self::NotOurs(_) => "unknown-version",
            Self::Overtaken(_) => "overtaken",
            Self::NotEnded { first, .. } => first.name(),
            Self::JournalLost { cause, .. } => names::journal(cause),
            Self::Contradiction { .. } => "journal-contradiction",
            Self::Altered(_) | Self::ContentAltered { .. } => "integrity-violated",
            planted if planted.is_planted() => "planted",
            Self::Exposed { .. } => "exposed",
            Self::Generation(error) if is_integrity(error) => "integrity-violated",
            Self::Journal(journal::Error::File(_)) => "file-operation-failed",
            Self::Journal(_) => "journal-not-written",
            Self::Generation(_) => "generation-unusable",
            Self::Storage(_) => "storage-migration-failed",
            Self::Source(_) => "source-unreadable",
            Self::File(_) => "file-operation-failed",
            Self::Output(_) => "output-failed",
        }
    }

    /// True for what is refused for want of authority or integrity of what was brought along, which goes on record.
    pub(crate) fn is_of_authority(&self) -> bool {
        matches!(self, Self::Release(_)) || self.exit_code() == NOT_AUTHORIZED
    }

    /// Nobody knows how to read a store.
    pub(crate) fn unreadable_store(reason: String) -> Self {
        Refusal::new("store-format-unknown", "§13", "storage", reason).into()
    }

    /// The exit code that the cause alone has; the condition of the home may override it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Incompatible(_)
            | Self::InvalidConfiguration { .. }
            | Self::InvalidPolicy { .. }
            | Self::WrongRuntime { .. }
            | Self::UnknownToCatalogue { .. }
            | Self::NotOurs(_)
            | Self::Adoption(
                AdoptionRefusal::Ambiguous { .. } | AdoptionRefusal::Dangerous { .. },
            ) => 3,
            Self::Unauthorized { .. }
            | Self::DevelopmentRefused { .. }
            | Self::NoKeyring { .. }
            | Self::InvalidAuthorization(_)
            | Self::NotSigned(_)
            | Self::Denied(_)
            | Self::ReleaseRequired
            | Self::ReleaseUnsigned
            | Self::BelowSecurityFloor { .. }
            | Self::ClockBehind { .. }
            | Self::KeyringRefused(_)
            | Self::KeyringWouldOrphan { .. }
            | Self::InvalidNode => 5,
            Self::Release(release::Error::File(_)) => 1,
            Self::Release(_) => 6,
            planted if planted.is_planted() => 6,
            Self::Altered(_)
            | Self::ContentAltered { .. }
            | Self::Exposed { .. }
            | Self::KeyringAltered { .. }
            | Self::Contradiction { .. } => 6,
            Self::Generation(error) if is_integrity(error) => 6,
            Self::TrialFailed { .. } => 7,
            Self::JournalLost { .. }
            | Self::NeverAdopted { .. }
            | Self::Undecided { .. }
            | Self::Halted { .. } => 8,
            Self::Locked { .. }
            | Self::StoreInUse { .. }
            | Self::Generation(rollback::Error::Locked { .. }) => 9,
            _ => 1,
        }
    }

    fn next(&self) -> String {
        let next = match self {
            Self::TrialFailed { expected, binary: Some(binary), .. } => {
                return format!("Start runtime {expected}: {}.", binary.display());
            }
            Self::TrialFailed { expected, .. } => return format!("Start runtime {expected}."),
            Self::Halted { generation, .. } => {
                return format!(
                    "Restore what is named from a copy and start again; or decide that generation \
                     {generation} is healthy after all: `femtoclaw-upgrade confirm`."
                );
            }
            Self::NotOnTrial { .. } => "Go back with `femtoclaw-upgrade rollback`.",
            Self::NotAHome { .. } | Self::NeverAdopted { .. } => {
                "Create a home with `femtoclaw-upgrade adopt --from DIR --home HOME`."
            }
            Self::HomeExists { .. } => "Name a path that does not exist yet.",
            Self::HomeOverlaps { .. } => "Name a path for the home outside of it.",
            Self::NotAFile { .. } => "Name another file.",
            Self::Locked { .. }
            | Self::StoreInUse { .. }
            | Self::Generation(rollback::Error::Locked { .. }) => {
                "Stop that process, or wait for it with `--lock-timeout`."
            }
            Self::Unauthorized { .. } => {
                "Give a signed authorisation with `--authorization FILE`; where there is no keyring, ask for \
                 the unsigned mode with `--development`."
            }
            Self::DevelopmentRefused { .. } | Self::Denied(_) | Self::NotSigned(_) => {
                "Write an authorisation with `femtoclaw-upgrade authorize`, and have it signed."
            }
            Self::NoKeyring { .. } => {
                "Install one with `femtoclaw-upgrade keyring init`, or use `--development`."
            }
            Self::InvalidAuthorization(_) => {
                "Give the file as `authorize` wrote it, and its `.sig`."
            }
            Self::ReleaseRequired | Self::ReleaseUnsigned => {
                "Give the package with `--release FILE`; its signatures lie in FILE.sig."
            }
            Self::Release(_) => "Get the package again, from whoever published it.",
            Self::BelowSecurityFloor { .. } => "Take a release of that epoch, or of a later one.",
            Self::ClockBehind { .. } => {
                "Set the clock, or go on with `--accept-clock`, which goes on record."
            }
            Self::KeyringRefused(_) | Self::InvalidNode => "See `femtoclaw-upgrade keyring show`.",
            Self::KeyringAltered { .. } => {
                "Restore that file from a copy: nothing goes without it. What is on record, \
                 `femtoclaw-upgrade history` shows."
            }
            Self::KeyringWouldOrphan { .. } => {
                "Have the release signed anew, and give that with `--release-signature`."
            }
            Self::Incompatible(_) => {
                "Mend what is named, or choose another release with `--target-version`."
            }
            Self::Adoption(AdoptionRefusal::Ambiguous { .. }) => {
                "State the version with `femtoclaw-upgrade adopt --source-version`."
            }
            Self::Adoption(_) => {
                "Put right what is named above, then run `femtoclaw-upgrade adopt` again."
            }
            Self::SourceChanged { .. } => "Then run `femtoclaw-upgrade adopt` again.",
            Self::StalePlan { .. } => "Run `femtoclaw-upgrade plan` and approve what it shows.",
            Self::InvalidConfiguration { .. } | Self::InvalidPolicy { .. } => {
                "Go back with `femtoclaw-upgrade rollback`, or see `femtoclaw-upgrade verify`."
            }
            Self::NoRollbackTarget { .. } | Self::NothingToRecover { .. } => {
                "See `femtoclaw-upgrade status`."
            }
            Self::WrongRuntime { .. } => {
                "Start the runtime of the current generation; see `femtoclaw-upgrade status`."
            }
            Self::NoSuchGeneration { .. } => "See `femtoclaw-upgrade history`.",
            Self::UnknownToCatalogue { .. } | Self::NotOurs(_) => {
                "Use the `femtoclaw-upgrade` that belongs to it, or a newer one."
            }
            Self::Overtaken(_) => "See `femtoclaw-upgrade status`, and ask again.",
            Self::JournalLost { .. } | Self::Contradiction { .. } | Self::Undecided { .. } => {
                "Decide which generation is to be current: \
                 `femtoclaw-upgrade recover --generation N`."
            }
            Self::Altered(_) | Self::ContentAltered { .. } => VERIFY,
            planted if planted.is_planted() => {
                "Look at who put it there, and restore what belongs there from a copy; then run the \
                 command again."
            }
            Self::Exposed { path, .. } => {
                return format!("Take that away with `chmod go-w {}`.", path.display());
            }
            Self::Generation(error) if is_integrity(error) => VERIFY,
            Self::Storage(_) | Self::Source(_) => {
                "See `femtoclaw-upgrade verify`; the records are all still there."
            }
            Self::Output(_) => "Run the command again.",
            _ => "Mend that, then run the command again; nothing else is needed.",
        };
        next.to_owned()
    }

    /// True when a link, a pipe or a device lies where a plain file or a directory belongs.
    fn is_planted(&self) -> bool {
        match self {
            Self::File(error)
            | Self::Journal(journal::Error::File(error))
            | Self::Generation(rollback::Error::File(error)) => error.is_planted(),
            _ => false,
        }
    }

    /// True when the disk, or the user's share of it, is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::File(error)
            | Self::Journal(journal::Error::File(error))
            | Self::Generation(rollback::Error::File(error)) => error.is_disk_full(),
            Self::Storage(error) => error.is_disk_full(),
            _ => false,
        }
    }
}

const NOT_AUTHORIZED: u8 = 5;

const VERIFY: &str = "Restore what was altered from a copy. What is altered in the current generation \
                      can also be left behind: `femtoclaw-upgrade rollback`.";

pub(crate) fn is_integrity(error: &rollback::Error) -> bool {
    matches!(
        error,
        rollback::Error::Altered { .. }
            | rollback::Error::AlteredManifest { .. }
            | rollback::Error::UnreadableManifest { .. }
            | rollback::Error::MissingGeneration { .. }
            | rollback::Error::NotAsWritten { .. }
    )
}

fn list(reasons: &[String]) -> String {
    reasons.iter().map(|reason| format!("  - {reason}")).collect::<Vec<_>>().join("\n")
}

fn found(generations: &[String]) -> String {
    if generations.is_empty() { "none".to_owned() } else { generations.join(", ") }
}

fn numbers(numbers: &[GenerationNumber]) -> String {
    if numbers.is_empty() {
        return "none".to_owned();
    }
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
