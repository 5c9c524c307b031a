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
    /// Change who may authorise.
    Keyring,
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
            Self::Keyring => "keyring",
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
    /// The home's keyring was satisfied: [`SignedBy`] says by whom.
    Signed,
    /// The operation needs no signature: it changes no home that exists, finishes or undoes what was authorised before,
    /// or confirms it.
    Standing,
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Development => "development (unsigned)",
            Self::Signed => "signed",
            Self::Standing => "standing",
        })
    }
}

/// One who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// The name that the keyring gives to the key.
    pub principal: String,
    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub key: String,
}

/// Who signed what an operation runs on, and what exactly they signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBy {
    /// The authorisation's id, which is used up unless the attempt ends without effect.
    pub id: String,
    /// The digest of the bytes that were signed.
    pub statement: Digest,
    /// The epoch of the keyring that it was held to.
    pub keyring_epoch: u64,
    /// Everybody whose signature counted.
    pub signers: Vec<Signer>,
}

/// A release, as it is known after its package is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseIdentity {
    /// The digest of the manifest of its package.
    pub manifest: Digest,
    /// Its security epoch: a home that has confirmed one takes no release of an earlier one.
    pub security_epoch: u64,
}

/// What becomes of the records that were written after the activation of a generation that is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataPolicy {
    /// The abandoned generation stays as it is, with all of its records.
    SetAside,
    /// They were carried back, and are in the generation that is current from here on.
    Preserve,
}

/// The ledger records on both sides of a rollback, so that nobody has to believe that none is lost (FC-UPGRADE-0001 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevertedRecords {
    /// Those that the abandoned generation was activated with.
    pub activated: u64,
    /// Those that it holds as it is left, where it is kept.
    pub left: u64,
    /// Those of the generation that is current from here on.
    pub restored: u64,
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
        /// Who signed, if the authority is [`Authority::Signed`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Box<SignedBy>>,
        /// Whether the clock was behind the journal's last record, and whoever asked for this said to go on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        clock_behind: bool,
    },
    /// Something was asked for without the authority, and nothing of it was done (§21).
    Refused {
        /// What.
        operation: Operation,
        /// Who asked, as far as the command knows.
        operator: String,
        /// Why, by its stable name.
        error: String,
        /// Why, as a sentence.
        reason: String,
        /// The id of the authorisation that was shown, if it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization: Option<String>,
    },
    /// From here on this keyring says who may authorise, and nothing goes without a signature (§21).
    Keyring {
        /// Its epoch.
        epoch: u64,
        /// The digest of its bytes.
        keyring: Digest,
        /// What the home is called in the audience of an authorisation.
        node: String,
        /// Who did this, as far as the command knows.
        operator: String,
        /// Everybody whose signature counted.
        signers: Vec<Signer>,
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
        /// The release that it is built from, if it came as a package.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<ReleaseIdentity>,
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
    /// The store is closed and sealed: its runtime was stopped in good order, or an upgrade builds on what was left. Until the
    /// next start the store is held to this seal.
    Closed {
        /// The current generation.
        generation: GenerationNumber,
        /// The digest of the file that seals its store.
        seal: Digest,
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
        /// How many ledger records there are; none if they were not counted, which takes reading them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        records: Option<RevertedRecords>,
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
        /// The release that it was built from, if it came as a package.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<ReleaseIdentity>,
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
            Self::Refused { .. } => "REFUSED",
            Self::Keyring { .. } => "KEYRING",
            Self::Prepared { .. } => "PREPARED",
            Self::Quiesced { .. } => "QUIESCED",
            Self::Sealed { .. } => "SEALED",
            Self::Activated { .. } => "ACTIVATED",
            Self::Started { .. } => "STARTED",
            Self::Tried { .. } => "TRIED",
            Self::Stopped { .. } => "STOPPED",
            Self::Closed { .. } => "CLOSED",
            Self::Confirmed { .. } => "CONFIRMED",
            Self::Reverted { .. } => "REVERTED",
            Self::Aborted { .. } => "ABORTED",
            Self::Recovered { .. } => "RECOVERED",
            Self::Collected { .. } => "COLLECTED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the journal for a value.
    fn written(value: &impl Serialize) -> String {
        serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn an_operation_is_called_what_stands_in_the_journal() {
        let all = [
            Operation::Adopt,
            Operation::Upgrade,
            Operation::Rollback,
            Operation::Recover,
            Operation::Confirm,
            Operation::Collect,
            Operation::Keyring,
        ];
        for operation in all {
            assert_eq!(operation.name(), written(&operation));
            assert_eq!(operation.to_string(), operation.name());
        }
    }

    #[test]
    fn unsigned_authority_is_shown_as_unsigned() {
        let shown = [Authority::Development, Authority::Signed, Authority::Standing]
            .map(|authority| authority.to_string());
        assert_eq!(shown, ["development (unsigned)", "signed", "standing"]);
    }

    #[test]
    fn an_event_is_called_what_stands_in_the_journal_as_its_type() {
        let generation = GenerationNumber::FIRST;
        let (digest, reason) = (Digest::of(b"x"), "why".to_owned());
        let events = [
            Event::Initialized { format: 1, product: "p".to_owned(), replaces: None },
            Event::Refused {
                operation: Operation::Adopt,
                operator: "o".to_owned(),
                error: "e".to_owned(),
                reason: reason.clone(),
                authorization: None,
            },
            Event::Quiesced { generation, store: digest, parts: digest },
            Event::Sealed { generation, manifest: digest },
            Event::Activated { generation, tries: 3 },
            Event::Started { generation, runtime: RuntimeVersion::new(1, 0, 3) },
            Event::Tried { generation, left: 2 },
            Event::Stopped { generation, left: 3 },
            Event::Closed { generation, seal: digest },
            Event::Confirmed { generation },
            Event::Reverted {
                from: generation.next(),
                to: generation,
                data: DataPolicy::SetAside,
                reason: reason.clone(),
                records: None,
            },
            Event::Reverted {
                from: generation.next(),
                to: generation,
                data: DataPolicy::Preserve,
                reason: reason.clone(),
                records: Some(RevertedRecords { activated: 1, left: 3, restored: 2 }),
            },
            Event::Aborted { reason },
            Event::Collected { generation },
        ];
        for event in events {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["type"], event.name());
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
    }
}
