//! The part of the command line that is about trust.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use upgrade::authorization::{Fingerprint, Principal, Role};
use versioning::{GenerationNumber, RuntimeVersion, Timestamp};

use crate::arguments::Target;
use crate::going_back::Data;
use crate::releases::release;

/// On whose authority.
#[derive(Debug, Default, Args)]
pub(crate) struct AuthorityArguments {
    /// Go without a signed authorisation. Shown in `status` and in the journal; refused once there is a keyring.
    #[arg(long, conflicts_with = "authorization")]
    pub(crate) development: bool,
    /// The signed authorisation, as `authorize` wrote it.
    #[arg(long, value_name = "FILE")]
    pub(crate) authorization: Option<PathBuf>,
    /// Its signatures [default: the authorisation's name and `.sig`].
    #[arg(long, value_name = "FILE", requires = "authorization")]
    pub(crate) signature: Vec<PathBuf>,
    /// Go on although the clock is behind the journal. Goes on record.
    #[arg(long)]
    pub(crate) accept_clock: bool,
}

/// The release as a package.
#[derive(Debug, Default, Args)]
pub(crate) struct PackageArguments {
    /// The release as a package, which brings the runtime binary.
    #[arg(long, value_name = "FILE", conflicts_with = "runtime")]
    pub(crate) release: Option<PathBuf>,
    /// The publishers' signatures [default: the package's name and `.sig`, if that is there].
    #[arg(long, value_name = "FILE", requires = "release")]
    pub(crate) release_signature: Vec<PathBuf>,
}

/// What is signed with.
#[derive(Debug, Default, Args)]
pub(crate) struct SigningArguments {
    /// Sign with this private key (Ed25519, without a passphrase).
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_with: Vec<PathBuf>,
    /// Sign with the private key that the agent has for this public key.
    #[arg(long, value_name = "FILE")]
    pub(crate) agent: Vec<PathBuf>,
}

impl SigningArguments {
    /// Whether anything is to be signed.
    pub(crate) fn is_empty(&self) -> bool {
        self.sign_with.is_empty() && self.agent.is_empty()
    }
}

/// What to do with release packages.
#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Pack a directory that holds `runtime/NAME`, and perhaps `artifacts/…`, into one file.
    New {
        /// The directory.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The release that it is.
        #[arg(long, value_name = "VERSION", value_parser = release)]
        target_version: RuntimeVersion,
        /// Rises with every release that closes a hole; a home never goes below the highest that it has confirmed.
        #[arg(long, value_name = "N", default_value_t = 0)]
        security_epoch: u64,
        /// The package, which must not be there yet.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Sign the manifest of a package. The signature is added to FILE.sig.
    Sign {
        /// The package.
        package: PathBuf,
        #[command(flatten)]
        signing: SigningArguments,
    },
    /// Show what a package states. Nothing is believed that it says.
    Inspect {
        /// The package.
        package: PathBuf,
        /// Print the manifest itself, byte for byte: this is what is signed.
        #[arg(long)]
        manifest: bool,
    },
    /// Read all of a package, and hold it to the publishers that the keyring of a home names.
    Verify {
        /// The package.
        package: PathBuf,
        /// The publishers' signatures [default: the package's name and `.sig`].
        #[arg(long, value_name = "FILE")]
        signature: Vec<PathBuf>,
        /// Hold it to this keyring instead of the home's.
        #[arg(long, value_name = "FILE")]
        keyring: Option<PathBuf>,
    },
}

/// What to do with the keyring.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyringCommand {
    /// Make the first keyring of a home. From then on nothing goes without a signature.
    Init {
        /// Somebody who may sign.
        #[arg(long, value_name = "NAME=FILE:ROLE,…", required = true, value_parser = signer)]
        signer: Vec<SignerArgument>,
        /// How many must sign; one, where nothing is said.
        #[arg(long, value_name = "ROLE=N", value_parser = threshold)]
        threshold: Vec<(Role, NonZeroU32)>,
        /// What authorisations call this home [default: an id that nobody has].
        #[arg(long, value_name = "NAME")]
        node: Option<String>,
        #[command(flatten)]
        proposal: ProposalArguments,
    },
    /// Add somebody, or change how many must sign.
    Add {
        /// Somebody who may sign.
        #[arg(long, value_name = "NAME=FILE:ROLE,…", value_parser = signer)]
        signer: Vec<SignerArgument>,
        /// How many must sign.
        #[arg(long, value_name = "ROLE=N", value_parser = threshold)]
        threshold: Vec<(Role, NonZeroU32)>,
        #[command(flatten)]
        proposal: ProposalArguments,
    },
    /// Give somebody a new key in the place of an old one.
    Rotate {
        /// The old key's fingerprint, as `keyring show` prints it.
        #[arg(long, value_name = "SHA256:…")]
        key: Fingerprint,
        /// The new public key.
        #[arg(long, value_name = "FILE")]
        new: PathBuf,
        /// Until when the old one counts; not at all, where nothing is said.
        #[arg(long, value_name = "TIME")]
        old_until: Option<Timestamp>,
        #[command(flatten)]
        proposal: ProposalArguments,
    },
    /// Revoke a key for good.
    Revoke {
        /// Its fingerprint, as `keyring show` prints it.
        #[arg(long, value_name = "SHA256:…")]
        key: Fingerprint,
        /// How many must sign from then on.
        #[arg(long, value_name = "ROLE=N", value_parser = threshold)]
        threshold: Vec<(Role, NonZeroU32)>,
        /// Signatures of releases that are to count from then on, where the revoked key has signed what is needed.
        #[arg(long, value_name = "FILE")]
        release_signature: Vec<PathBuf>,
        #[command(flatten)]
        proposal: ProposalArguments,
    },
    /// Install an epoch that was written with --draft, once enough have signed it.
    Install {
        /// The draft.
        draft: PathBuf,
        /// Its signatures [default: the draft's name and `.sig`].
        #[arg(long, value_name = "FILE")]
        signature: Vec<PathBuf>,
        /// What authorisations call this home; for the first epoch.
        #[arg(long, value_name = "NAME")]
        node: Option<String>,
        /// Signatures of releases that are to count from then on.
        #[arg(long, value_name = "FILE")]
        release_signature: Vec<PathBuf>,
    },
    /// Show who may authorise. Writes nothing.
    Show {
        /// Print the lines for `ssh-keygen -Y verify -f`.
        #[arg(long)]
        allowed_signers: bool,
    },
}

/// What becomes of a new epoch.
#[derive(Debug, Args)]
pub(crate) struct ProposalArguments {
    #[command(flatten)]
    pub(crate) signing: SigningArguments,
    /// Do not install it: write it to this file, for others to sign.
    #[arg(long, value_name = "FILE")]
    pub(crate) draft: Option<PathBuf>,
}

/// What is to be authorised.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthorizeCommand {
    /// An upgrade, exactly as `plan` shows it.
    Upgrade {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        terms: TermsArguments,
    },
    /// To go back from what is current now.
    Rollback {
        /// What becomes of the records that were written since.
        #[arg(long, value_enum, default_value_t = Data::SetAside, value_name = "HOW")]
        data: Data,
        #[command(flatten)]
        terms: TermsArguments,
    },
    /// To remove what `gc --dry-run` names.
    Gc {
        /// How many to keep beside the current one and the one that a rollback leads to.
        #[arg(long, value_name = "N", default_value_t = 0)]
        keep: usize,
        #[command(flatten)]
        terms: TermsArguments,
    },
    /// To make a generation current whose journal is lost or broken.
    Recover {
        /// The generation.
        #[arg(long, value_name = "N")]
        generation: GenerationNumber,
        #[command(flatten)]
        terms: TermsArguments,
    },
}

/// Under which terms.
#[derive(Debug, Args)]
pub(crate) struct TermsArguments {
    /// Where the authorisation is written to.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// From when on it may be used [default: now].
    #[arg(long, value_name = "TIME")]
    pub(crate) not_before: Option<Timestamp>,
    /// For how many hours it may be used.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) valid_hours: u32,
    /// A home that it is for [default: this one].
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Vec<String>,
    /// Why, for those who sign and for the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) signing: SigningArguments,
}

/// Somebody who may sign: `NAME=FILE:ROLE,…`.
#[derive(Debug, Clone)]
pub(crate) struct SignerArgument {
    pub(crate) name: Principal,
    pub(crate) key: PathBuf,
    pub(crate) roles: Vec<Role>,
}

fn signer(text: &str) -> Result<SignerArgument, String> {
    let parts = || {
        let (name, rest) = text.split_once('=')?;
        let (file, roles) = rest.rsplit_once(':')?;
        Some((name, file, roles))
    };
    let (name, file, roles) =
        parts().ok_or("expected NAME=FILE:ROLE, such as alice=alice.pub:operator,keyring")?;
    let name = name.parse().map_err(|error| format!("{error}"))?;
    let roles = roles.split(',').map(role).collect::<Result<_, _>>()?;
    Ok(SignerArgument { name, key: PathBuf::from(file), roles })
}

fn threshold(text: &str) -> Result<(Role, NonZeroU32), String> {
    let (name, number) = text.split_once('=').ok_or("expected ROLE=N, such as operator=2")?;
    let number = number.parse().map_err(|_| "expected a number from 1 on".to_owned())?;
    Ok((role(name)?, number))
}

fn role(name: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.ok_or_else(|| format!("{name:?} is none of publisher, operator, keyring"))
}
