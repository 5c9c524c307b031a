//! What is told of a cause: its stable name, its exit code, which command comes next.

use super::{Cause, names};
use crate::{AdoptionRefusal, Refusal};

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
            Self::StoreInUse { .. } | Self::Generation(rollback::Error::Running { .. }) => {
                "store-in-use"
            }
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
            Self::NotCarriedBack { .. } => "not-carried-back",
            Self::NothingToCompare { .. } => "nothing-to-compare",
            Self::WrongRuntime { .. } => "wrong-runtime",
            Self::TrialFailed { .. } => "trial-failed",
            Self::Halted { .. } => "halted",
            Self::NotOnTrial { .. } => "not-on-trial",
            Self::NoRuntime { .. } => "no-runtime",
            Self::NoSuchGeneration { .. } => "no-such-generation",
            Self::NothingToRecover { .. } => "nothing-to-recover",
            Self::UnknownToCatalogue { .. } => "unknown-version",
            Self::NotOurs(_) => "unknown-version",
            Self::Overtaken(_) => "overtaken",
            Self::NotEnded { first, .. } => first.name(),
            Self::JournalLost { cause, .. } => names::journal(cause),
            Self::Contradiction { .. } => "journal-contradiction",
            Self::Cancelled(_) => "cancelled",
            Self::NotDrained(_) => "writers-inside",
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
            | Self::NotCarriedBack { .. }
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
            | Self::NotDrained(_)
            | Self::Generation(rollback::Error::Locked { .. } | rollback::Error::Running { .. }) => {
                9
            }
            _ => 1,
        }
    }

    pub(super) fn next(&self) -> String {
        let next = match self {
            Self::TrialFailed(failure) => {
                let expected = &failure.expected;
                let binary = failure.binary.as_ref();
                let binary = binary.map(|binary| format!(": {}", binary.display()));
                return format!("Start runtime {expected}{}.", binary.unwrap_or_default());
            }
            Self::Halted { generation, .. } => {
                return format!(
                    "Restore what is named from a copy and start again; or decide that generation \
                     {generation} is healthy after all: `femtoclaw-upgrade confirm`."
                );
            }
            Self::NotCarriedBack { .. } => {
                "Go back with `femtoclaw-upgrade rollback --data set-aside`: what was written since is kept, and \
                 `femtoclaw-upgrade export --since-activation` tells it."
            }
            Self::NothingToCompare { .. } => {
                "Export all of it: `femtoclaw-upgrade export` without `--since-activation`."
            }
            Self::NoRuntime { .. } => {
                "Start the runtime yourself; or go back with `femtoclaw-upgrade rollback`, and upgrade again with \
                 `femtoclaw-upgrade apply --runtime FILE`, or to a release package, which brings one."
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
            | Self::Generation(rollback::Error::Locked { .. } | rollback::Error::Running { .. }) => {
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
            Self::Cancelled(_) => "Run the same command again.",
            Self::NotDrained(_) => "Start the runtime again, and stop it when nobody writes.",
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
