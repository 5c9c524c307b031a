//! What is wrong.

use std::path::PathBuf;

use integrity::Digest;
use journal::Operation;
use versioning::{GenerationNumber, RuntimeVersion};

use crate::{AdoptionRefusal, Refusal, Refusals};

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
    /// A runtime has the store open, or was launched and has not ended.
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
    /// What was written since a generation was activated cannot be carried back (FC-UPGRADE-0001 §15).
    #[error(
        "what was written to generation {from} cannot be carried back to what generation {to} is: {reason}"
    )]
    NotCarriedBack {
        /// The current generation.
        from: GenerationNumber,
        /// The one that a rollback leads to.
        to: GenerationNumber,
        /// Why, as a sentence.
        reason: String,
    },
    /// Nothing is left to tell what was written to a generation since it was activated.
    #[error("it cannot be told what was written to generation {generation} since: {reason}")]
    NothingToCompare {
        /// The generation.
        generation: GenerationNumber,
        /// Why, as a sentence.
        reason: String,
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
    /// The generation on trial used up its starts without being confirmed, or does not work, and was left (FC-UPGRADE-0001
    /// §15). The runtime that starts is the wrong one from now on.
    #[error("{0}")]
    TrialFailed(Box<TrialFailure>),
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
    /// A runtime is to be started that nobody has placed.
    #[error("generation {generation} has no runtime binary to start")]
    NoRuntime {
        /// The current generation.
        generation: GenerationNumber,
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
    /// Somebody wanted the operation to end, before its commit point.
    #[error(transparent)]
    Cancelled(#[from] gate::Cancelled),
    /// A runtime that is to be stopped has writers, or is to wait for itself.
    #[error("the runtime cannot be stopped: {0}")]
    NotDrained(#[from] gate::NotDrained),
    /// Writing the journal failed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Something about the files of a generation.
    #[error(transparent)]
    Generation(#[from] rollback::Error),
    /// The storage migration did not succeed.
    #[error(transparent)]
    Storage(storage_migration::MigrationError),
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

/// A trial that was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFailure {
    /// The generation that was on trial.
    pub generation: GenerationNumber,
    /// Its runtime.
    pub found: RuntimeVersion,
    /// How it failed, as what is said of it: `used up its 3 starts and was not confirmed`.
    pub why: String,
    /// The generation that is current again.
    pub to: GenerationNumber,
    /// Its runtime, which is to be started.
    pub expected: RuntimeVersion,
    /// Its binary, if the generation brings it along.
    pub binary: Option<PathBuf>,
}

impl std::fmt::Display for TrialFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { generation, found, why, to, expected, .. } = self;
        write!(
            formatter,
            "generation {generation} ({found}) {why}: it was left for generation {to} ({expected}), and is kept with \
             all of its records"
        )
    }
}

impl From<Refusal> for Cause {
    fn from(reason: Refusal) -> Self {
        Self::Incompatible(Box::new(reason.into()))
    }
}

/// An operation that was cancelled among its records was cancelled: nothing is wrong with the store.
impl From<storage_migration::MigrationError> for Cause {
    fn from(error: storage_migration::MigrationError) -> Self {
        match error {
            storage_migration::MigrationError::Cancelled(cancelled) => cancelled.into(),
            other => Self::Storage(other),
        }
    }
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
