//! What can be wrong with a home's files.

use std::path::PathBuf;

use integrity::{Digest, SealViolation};
use versioning::GenerationNumber;

/// The result of an operation on generations.
pub type Result<T> = std::result::Result<T, Error>;

/// What can be wrong with a home's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process holds the lock.
    #[error(
        "the home is locked by another process{}",
        .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The holder's process id, if it could be read.
        pid: Option<u32>,
    },
    /// A runtime was started on a generation, and has not ended.
    #[error("generation {generation} is being run")]
    Running {
        /// Which.
        generation: GenerationNumber,
    },
    /// A generation that should be there is not.
    #[error("generation {generation} is not there")]
    MissingGeneration {
        /// Which.
        generation: GenerationNumber,
    },
    /// A manifest is not the one that was sealed.
    #[error("the manifest of generation {generation} was sealed as {expected} and is now {found}")]
    AlteredManifest {
        /// Whose.
        generation: GenerationNumber,
        /// Its digest when sealed.
        expected: Digest,
        /// Its digest now.
        found: Digest,
    },
    /// What was put into a generation that is being built does not lie there as it was given.
    #[error("{} does not read back as it was written, which was {expected}: it is {found}", path.display())]
    NotAsWritten {
        /// The file.
        path: std::path::PathBuf,
        /// The digest of what was given.
        expected: Digest,
        /// The digest of what is there.
        found: Digest,
    },
    /// A manifest cannot be understood.
    #[error("the manifest of generation {generation} cannot be understood: {reason}")]
    UnreadableManifest {
        /// Whose.
        generation: GenerationNumber,
        /// Why.
        reason: String,
    },
    /// Files of a sealed generation are not what was sealed.
    #[error(
        "generation {generation} is not what was sealed:\n{}",
        .violations.iter().map(|violation| format!("  - {violation}")).collect::<Vec<_>>().join("\n")
    )]
    Altered {
        /// Which generation.
        generation: GenerationNumber,
        /// Every difference.
        violations: Vec<SealViolation>,
    },
    /// A path would lie outside of the part that it belongs to.
    #[error("{path:?} is not a plain relative path")]
    UnsafePath {
        /// The path.
        path: String,
    },
    /// The staging directory cannot be sealed: there is a generation of that number already.
    #[error("generation {generation} exists already at {}", path.display())]
    AlreadyThere {
        /// Which.
        generation: GenerationNumber,
        /// Where.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] durable::Error),
}
