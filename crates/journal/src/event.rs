//! What a record says.

use std::fmt;

use integrity::Digest;
use serde::{Deserialize, Serialize};
use versioning::{GenerationNumber, RuntimeVersion, Versions};

/// What somebody wants to do to a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Make an unmanaged installation generation 1.
    Adopt,
    /// Build, prove and activate the next generation.
    Upgrade,
    /// Make an earlier generation current again.
    Rollback,
    /// Bring a home back from what an interruption or damage left.
    Recover,
    /// Declare the generation on trial healthy.
    Confirm,
    /// Remove a generation that nobody needs any more.
    Collect,
}

impl Operation {
    /// Its name, as it stands in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Recover => "recover",
            Self::Confirm => "confirm",
            Self::Collect => "collect",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// On whose authority an operation runs (FC-UPGRADE-0001 §21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Nobody signed: development mode, asked for by name.
    Development,
    /// The operation needs no signature: it changes no home that exists, finishes or undoes what was authorised before,
    /// or confirms it.
    Standing,
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Development => "development (unsigned)",
            Self::Standing => "standing",
        })
    }
}

/// What becomes of the records that were written after the activation of a generation that is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataPolicy {
    /// The abandoned generation stays as it is, with all of its records.
    SetAside,
}

/// The generation that a recovered one was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveredParent {
    /// Its number.
    pub generation: GenerationNumber,
    /// The digest of its manifest, as its child's manifest has it.
    pub manifest: Digest,
    /// Its versions.
    pub versions: Versions,
    /// Whether every file of it is as it was sealed.
    pub as_sealed: bool,
}

/// What a record says. The order in which events may follow each other is the lifecycle's table, in `upgrade`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Event {
    /// The first record of every journal.
    Initialized {
        /// The version of this format.
        format: u32,
        /// Whose home it is.
        product: String,
        /// When the journal before this one was lost or broken: the digest of what was left of it, which is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<Digest>,
    },
    /// An attempt begins: somebody with the authority wants this done.
    Authorized {
        /// What.
        operation: Operation,
        /// On whose authority.
        authority: Authority,
        /// Who, as far as the command knows.
        operator: String,
    },
    /// What will be done, before anything is. With the record's time this is the migration's metadata (§9).
    Prepared {
        /// The current generation; none for an adoption.
        from: Option<GenerationNumber>,
        /// The generation that will be built.
        to: GenerationNumber,
        /// The versions now (previous version, §9); none for an adoption.
        previous: Option<Box<Versions>>,
        /// The versions after (target version, §9).
        target: Box<Versions>,
        /// The digest of the plan, as `plan` printed it.
        plan: Digest,
    },
    /// The runtime is stopped, the store is closed: this is the state that a rollback restores.
    Quiesced {
        /// The current generation, which the attempt is about to leave.
        generation: GenerationNumber,
        /// The digest over the files of its store.
        store: Digest,
        /// The digest over all of its parts.
        parts: Digest,
    },
    /// The new generation is complete, proven and durable.
    Sealed {
        /// The new generation.
        generation: GenerationNumber,
        /// The digest of its manifest.
        manifest: Digest,
    },
    /// The commit point: the new generation is current.
    Activated {
        /// The generation that is current from here on.
        generation: GenerationNumber,
        /// How many starts it has to prove itself.
        tries: u32,
    },
    /// A runtime starts on the current generation: from here on its store is the runtime's to write to, and is no longer
    /// what was sealed.
    Started {
        /// That generation.
        generation: GenerationNumber,
        /// The version of the runtime, as it says itself.
        runtime: RuntimeVersion,
    },
    /// A try of the generation on trial: one start, counted before the runtime executes (§15).
    Tried {
        /// That generation.
        generation: GenerationNumber,
        /// Starts that are left to it after this one.
        left: u32,
    },
    /// The runtime of the last try was stopped by somebody, in good order: that start is given back.
    Stopped {
        /// The generation on trial.
        generation: GenerationNumber,
        /// Starts that are left to it now.
        left: u32,
    },
    /// The generation on trial has proven itself.
    Confirmed {
        /// That generation.
        generation: GenerationNumber,
    },
    /// The commit point of a rollback: the earlier generation is current again.
    Reverted {
        /// The generation that is abandoned, marked bad and kept.
        from: GenerationNumber,
        /// The generation that is current from here on.
        to: GenerationNumber,
        /// What becomes of the records written after the activation of `from`.
        data: DataPolicy,
        /// Why.
        reason: String,
    },
    /// The attempt ended without effect: what was current still is.
    Aborted {
        /// Why.
        reason: String,
    },
    /// An explicit recovery ended, in a journal that replaces a lost or broken one: this generation is current.
    Recovered {
        /// The generation that is current from here on.
        generation: GenerationNumber,
        /// The digest of its manifest, which was verified.
        manifest: Digest,
        /// Its versions.
        versions: Box<Versions>,
        /// Whether every file of it is as it was sealed, so that no runtime has written to it.
        as_sealed: bool,
        /// The generation that it was built from, if that is still what its manifest says: the way back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Box<RecoveredParent>>,
        /// What was done.
        reason: String,
    },
    /// A generation that nobody needs any more was removed.
    Collected {
        /// That generation.
        generation: GenerationNumber,
    },
}

impl Event {
    /// The event's name as it stands in the journal, for messages and tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Initialized { .. } => "INITIALIZED",
            Self::Authorized { .. } => "AUTHORIZED",
            Self::Prepared { .. } => "PREPARED",
            Self::Quiesced { .. } => "QUIESCED",
            Self::Sealed { .. } => "SEALED",
            Self::Activated { .. } => "ACTIVATED",
            Self::Started { .. } => "STARTED",
            Self::Tried { .. } => "TRIED",
            Self::Stopped { .. } => "STOPPED",
            Self::Confirmed { .. } => "CONFIRMED",
            Self::Reverted { .. } => "REVERTED",
            Self::Aborted { .. } => "ABORTED",
            Self::Recovered { .. } => "RECOVERED",
            Self::Collected { .. } => "COLLECTED",
        }
    }
}
