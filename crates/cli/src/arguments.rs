//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use serde_json::{Map, Value};
use upgrade::compatibility::{Peers, RollbackData};
use upgrade::extension_migration::{Directory, ExtensionIdentity, Permission};
use upgrade::{Consent, Digest, capability_migration, extension_migration};
use versioning::{GenerationNumber, RuntimeVersion};

use crate::audit::AuditCommand;
use crate::going_back::{ExportArguments, RollbackArguments};
use crate::launch::{self, LaunchArguments};
use crate::releases::release;
use crate::telemetry::{Destination, DestinationParser};
use crate::trust::arguments::{
    AuthorityArguments, AuthorizeCommand, KeyringCommand, PackageArguments, ReleaseCommand,
};
use crate::verify::{DEPTHS, DepthArguments};

/// What `--version` shows: the command, and the newest release that it takes without being asked.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncarries femtoclaw 2.1.0 (storage schema 3, configuration schema 3, protocol 2.1)"
);

/// Where the help lists what every command understands.
const COMMON: &str = "Options of every command";

/// Upgrades a FemtoClaw home (runtime, records, configuration, policy, extensions) in one atomic step, and back.
#[derive(Debug, Parser)]
#[command(name = "femtoclaw-upgrade", version, long_version = LONG_VERSION, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The home [default: $FEMTOCLAW_HOME].
    #[arg(long, global = true, help_heading = COMMON, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON Lines instead of text.
    #[arg(long, global = true, help_heading = COMMON)]
    pub(crate) json: bool,
    /// Answer every question with yes.
    #[arg(long, short = 'y', global = true, help_heading = COMMON)]
    pub(crate) yes: bool,
    /// When to use colour.
    #[arg(long, global = true, help_heading = COMMON, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Wait this long for another process that holds the home.
    #[arg(long, global = true, help_heading = COMMON, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) lock_timeout: Duration,
    /// Threads that work on records, beside one that reads and one that writes; with 1, one does everything [default: one for
    /// each core, at most 8].
    #[arg(long, global = true, help_heading = COMMON, value_name = "N", value_parser = value_parser!(u8).range(1..=64))]
    pub(crate) threads: Option<u8>,
    /// Who does this, for the journal [default: $USER].
    #[arg(long, global = true, help_heading = COMMON, value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// Append telemetry events to this file, as JSON Lines; `-` is standard output, http://HOST:PORT an OpenTelemetry collector.
    #[arg(long, global = true, help_heading = COMMON, value_name = "FILE|-|URL", value_parser = DestinationParser)]
    pub(crate) telemetry: Option<Destination>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
// trace: impl FC-22.1
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a 1.0.x directory generation 1 of a new home. The directory is not modified.
    Adopt {
        /// The directory of the installation.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The version that it is, where its files do not tell.
        #[arg(long, value_name = "VERSION")]
        source_version: Option<RuntimeVersion>,
        /// The runtime binary that belongs to it.
        #[arg(long, value_name = "FILE")]
        runtime: Option<PathBuf>,
        /// Show what would be adopted. Writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what an upgrade would do. Writes nothing.
    Plan {
        #[command(flatten)]
        target: Target,
        /// Exit with code 2 if there is something to do.
        #[arg(long)]
        check: bool,
    },
    /// Upgrade: build the next generation, prove it, and make it current.
    Apply {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        authority: AuthorityArguments,
        /// Do it only if this is still the plan's digest.
        #[arg(long, value_name = "DIGEST")]
        plan: Option<Digest>,
        /// Show what would be done, as `plan` does. Writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the generations and which is current. Writes nothing.
    Status,
    /// Show every attempt, decision, step and outcome. Writes nothing.
    History,
    /// Read everything, down to the last record, and compare it with what was sealed.
    #[command(after_help = DEPTHS)]
    Verify {
        #[command(flatten)]
        depth: DepthArguments,
    },
    /// Ask the journal what was done, and whether it is whole. Writes nothing.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Declare the generation on trial healthy.
    Confirm {
        /// Show what would be done. Writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Start the verified runtime of the current generation, watch it, and go back if it does not prove itself.
    #[command(after_help = launch::HELP)]
    Launch(LaunchArguments),
    /// Make the previous generation current again, exactly as it was left, or with what was written since.
    Rollback(RollbackArguments),
    /// Remove generations that nobody needs any more. Their history stays.
    Gc {
        #[command(flatten)]
        authority: AuthorityArguments,
        /// How many to keep beside the current one and the one that a rollback leads to.
        #[arg(long, value_name = "N", default_value_t = 0)]
        keep: usize,
        /// Show what would be done. Writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Put right what an interruption left; with --generation, replace a lost or broken journal.
    Recover {
        #[command(flatten)]
        authority: AuthorityArguments,
        /// The generation that is to be current, when the journal cannot tell any more.
        #[arg(long, value_name = "N")]
        generation: Option<GenerationNumber>,
        /// Show what would be done. Writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Ask who may do what. Writes nothing.
    #[command(subcommand)]
    Capability(CapabilityCommand),
    /// Pack, sign, inspect and verify release packages.
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Say who may authorise, and show it.
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// Write an authorisation for others to sign, or sign it. Changes no home.
    #[command(subcommand)]
    Authorize(AuthorizeCommand),
    /// Write every record as JSON Lines, or what was written since a generation was activated.
    Export(ExportArguments),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command.
    Man {
        /// Write all pages into this directory.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// What to ask of capabilities.
#[derive(Debug, Subcommand)]
pub(crate) enum CapabilityCommand {
    /// Say whether a call is allowed, and by which rule. Exit code 5 if it is not.
    Check {
        /// Who calls.
        #[arg(long, value_name = "NAME")]
        principal: String,
        /// The id of the capability.
        #[arg(long, value_name = "ID")]
        resource: String,
        /// What is done with it.
        #[arg(long, value_name = "ACTION", default_value = "execute")]
        action: String,
        /// The arguments of the call, a JSON object.
        #[arg(long, value_name = "JSON", default_value = "{}", value_parser = object)]
        args: Map<String, Value>,
    },
    /// Show what an upgrade would newly allow, and newly deny.
    Diff {
        #[command(flatten)]
        target: Target,
    },
}

/// What to upgrade to.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The release; the newest that this command carries if there is none.
    #[arg(long, value_name = "VERSION", value_parser = release)]
    pub(crate) target_version: Option<RuntimeVersion>,
    /// The runtime binary to place into the new generation, where the release is no package.
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) package: PackageArguments,
    #[command(flatten)]
    pub(crate) consent: ConsentArguments,
}

impl Target {
    /// The options that say the same.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        if let Some(version) = &self.target_version {
            option("target-version", version.to_string());
        }
        let file = |path: &PathBuf| path.display().to_string();
        self.runtime.iter().for_each(|path| option("runtime", file(path)));
        self.package.release.iter().for_each(|path| option("release", file(path)));
        for path in &self.package.release_signature {
            option("release-signature", file(path));
        }
        let consent = &self.consent;
        for directory in &consent.set_aside_extension {
            option("set-aside-extension", directory.to_string());
        }
        for granted in &consent.grant_permission {
            let permission = granted.permission.as_str();
            let (name, publisher) = (granted.identity.name(), granted.identity.publisher());
            option("grant-permission", format!("{name}@{publisher}:{permission}"));
        }
        for granted in &consent.grant {
            let parts = [&granted.principal, &granted.resource, &granted.action];
            let parts = parts.map(ToString::to_string);
            let joined = parts.join(":");
            let is_plain = parts.iter().all(|part| !part.contains(':') && !part.starts_with('['));
            option("grant", if is_plain { joined } else { serde_json::json!(parts).to_string() });
        }
        if consent.rollback_data == Later::Preserve {
            option("rollback-data", "preserve".to_owned());
        }
        if consent.peers_move_together {
            words.push("--peers-move-together".to_owned());
        }
        words
    }
}

/// What is agreed to, by name.
#[derive(Debug, Args)]
pub(crate) struct ConsentArguments {
    /// Go on without this extension if it is in the way; it is kept, aside.
    #[arg(long, value_name = "DIRECTORY", value_parser = directory)]
    set_aside_extension: Vec<Directory>,
    /// Let an extension come to have a permission.
    #[arg(long, value_name = "NAME@PUBLISHER:PERMISSION", value_parser = permission)]
    grant_permission: Vec<extension_migration::Grant>,
    /// Let a call come to be allowed; each part is a name, `*`, or a prefix such as `web.*`. With a colon in a name: a JSON array.
    #[arg(long, value_name = "PRINCIPAL:RESOURCE:ACTION", value_parser = grant)]
    grant: Vec<capability_migration::Grant>,
    /// What must become of records that are written between the upgrade and a rollback.
    #[arg(long, value_enum, default_value_t = Later::SetAside, value_name = "HOW")]
    rollback_data: Later,
    /// The peers of this runtime are upgraded along with it, or there are none.
    #[arg(long)]
    peers_move_together: bool,
}

/// What must become of records that are written between an upgrade and a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Later {
    /// They stay in the generation that the rollback leaves.
    SetAside,
    /// They must be carried back; an upgrade after which they could not be is refused.
    Preserve,
}

impl ConsentArguments {
    /// As the upgrade system takes it.
    pub(crate) fn consent(&self) -> Consent {
        Consent {
            set_aside: self.set_aside_extension.iter().cloned().collect(),
            permissions: self.grant_permission.iter().cloned().collect(),
            grants: self.grant.clone(),
            rollback_data: match self.rollback_data {
                Later::SetAside => RollbackData::SetAside,
                Later::Preserve => RollbackData::Preserve,
            },
            peers: if self.peers_move_together { Peers::MoveTogether } else { Peers::Independent },
        }
    }
}

fn directory(text: &str) -> Result<Directory, String> {
    Directory::new(text).map_err(|error| error.to_string())
}

fn permission(text: &str) -> Result<extension_migration::Grant, String> {
    let parts = || {
        let (identity, permission) = text.split_once(':')?;
        let (name, publisher) = identity.split_once('@')?;
        Some((name, publisher, permission))
    };
    let (name, publisher, permission) = parts()
        .ok_or("expected NAME@PUBLISHER:PERMISSION, such as search@femtoclaw-community:network")?;
    let identity = ExtensionIdentity::new(name, publisher).map_err(|error| error.to_string())?;
    Ok(extension_migration::Grant { identity, permission: Permission::new(permission) })
}

/// Three parts between colons; a JSON array of them where one of them has a colon of its own.
fn grant(text: &str) -> Result<capability_migration::Grant, String> {
    let expected = || "expected PRINCIPAL:RESOURCE:ACTION, such as *:fs.watch:execute".to_owned();
    let parts: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|error| format!("expected three texts: {error}"))?
    } else {
        text.split(':').map(str::to_owned).collect()
    };
    let [principal, resource, action] = <[String; 3]>::try_from(parts).map_err(|_| expected())?;
    let pattern = |part: String| part.parse().map_err(|error| format!("{error}"));
    let (principal, resource) = (pattern(principal)?, pattern(resource)?);
    let action = pattern(action)?;
    Ok(capability_migration::Grant { principal, resource, action, capability: None })
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("expected a JSON object: {error}"))
}

/// Reads a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_grant_has_three_parts_whatever_is_in_them() {
        let granted = |text: &str| grant(text).unwrap().to_string();
        assert_eq!(granted("*:fs.watch:execute"), granted(r#"["*", "fs.watch", "execute"]"#));
        let named = granted(r#"["user:alice", "mcp:files", "*"]"#);
        assert!(named.contains("user:alice") && named.contains("mcp:files"), "{named}");
        for text in ["", "*", "a:b", "a:b:c:d", "a::c", "[1, 2, 3]", r#"["a", "b"]"#, "a*:b:c"] {
            assert!(grant(text).is_err(), "{text}");
        }
        assert!(permission("search@femtoclaw-community:network:example.org").is_ok());
        assert!(permission("search:network").is_err() && permission("../x@y:z").is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
