//! Why an extension meets the fate that it meets.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use versioning::RuntimeVersion;

use crate::{
    Compatibility, Directory, ExtensionIdentity, ExtensionPath, InvalidIdentity, Kind, Permission,
};

/// A reason, in words ([`Display`](std::fmt::Display)) and as a stable code ([`Reason::code`]).
///
/// Obstacles ([`Reason::is_obstacle`]) stop an upgrade, unless the extension is set aside by consent; the others say why
/// there is none. In JSON: `{"code": "downgrade", "words": "…"}`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It states that it runs on the runtime.
    #[error("it runs on {runtime}, as it states: {states}")]
    Compatible {
        /// The runtime.
        runtime: RuntimeVersion,
        /// What it states.
        states: Compatibility,
    },
    /// It states nothing, and the release says that such extensions run.
    #[error("it states no runtime version, and the release runs such extensions on {runtime}")]
    CompatibleUnstated {
        /// The runtime.
        runtime: RuntimeVersion,
    },
    /// A newer version of it is there.
    #[error("version {to} takes the place of {from}")]
    NewerVersion {
        /// What was installed.
        from: String,
        /// What is offered.
        to: String,
    },
    /// It goes on under another identity.
    #[error("the release renames it to {successor}, version {version}")]
    Renamed {
        /// Its identity from now on.
        successor: ExtensionIdentity,
        /// Its version from now on.
        version: String,
    },
    /// A permission that it did not have was granted.
    #[error("the permission {permission} is new, and was granted")]
    PermissionGranted {
        /// The permission.
        permission: Permission,
    },
    /// It is set aside by consent.
    #[error("it may be set aside, by the consent that was given")]
    SetAsideByConsent,
    /// It comes with the release.
    #[error("it comes with the release, and is disabled until somebody enables it")]
    ArrivesDisabled,
    /// It, or its predecessor, was set aside before, so that it does not arrive beside it.
    #[error("it does not arrive, since it was set aside before, in {directory}")]
    WasSetAside {
        /// Where it lies.
        directory: Directory,
    },

    /// Its identity is none.
    #[error("{reason}")]
    IdentityInvalid {
        /// Why.
        reason: InvalidIdentity,
    },
    /// Its version is none, so it cannot be told what is newer.
    #[error("the installed version {text:?} is not a semantic version: {reason}")]
    VersionInvalid {
        /// What it says.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// The offered version is none.
    #[error("the offered version {text:?} is not a semantic version: {reason}")]
    OfferedVersionInvalid {
        /// What it says.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// It states that it does not run on the runtime.
    #[error("it runs on {states}, which {runtime} is not")]
    RuntimeIncompatible {
        /// The runtime.
        runtime: RuntimeVersion,
        /// What it states.
        states: Compatibility,
    },
    /// It states nothing, and the release does not say that such extensions run.
    #[error("it states no runtime version, so it is not known to run on {runtime}")]
    CompatibilityUnstated {
        /// The runtime.
        runtime: RuntimeVersion,
    },
    /// What it states is no range.
    #[error("the runtime range {text:?} is none: {reason}")]
    CompatibilityUnreadable {
        /// What it states.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// The runtime hosts no such extensions.
    #[error("the runtime hosts no extensions of the kind {kind}")]
    KindNotHosted {
        /// The kind.
        kind: Kind,
    },
    /// It asks for what the runtime does not know, and so could not withhold.
    #[error("it asks for the permission {permission}, which the runtime does not know")]
    PermissionUnknown {
        /// The permission.
        permission: Permission,
    },
    /// It would come to have a permission that nobody granted.
    #[error("it asks for the permission {permission}, which it did not have and nobody granted")]
    PermissionNotGranted {
        /// The permission.
        permission: Permission,
    },
    /// The release offers an extension of its name, or its successor, under another publisher.
    #[error("{offered} is of another publisher and would take its place")]
    ForeignPublisher {
        /// What is offered, or, for what arrives, what is there.
        offered: ExtensionIdentity,
    },
    /// The offered version is older.
    #[error(
        "the release offers {offered}, which is older than {installed}; only a rollback goes back"
    )]
    Downgrade {
        /// What is installed.
        installed: String,
        /// What is offered.
        offered: String,
    },
    /// The release offers the same version with other artifacts.
    #[error(
        "the release offers the same version {version}, and {path} differs from what is installed"
    )]
    SameVersionDiffers {
        /// The version.
        version: String,
        /// The artifact.
        path: ExtensionPath,
    },
    /// An artifact is not what was put on record when it was installed.
    #[error("the artifact {path} is not what was installed")]
    ArtifactAltered {
        /// The artifact.
        path: ExtensionPath,
    },
    /// An artifact that was put on record is gone.
    #[error("the artifact {path} was installed and is missing")]
    ArtifactMissing {
        /// The artifact.
        path: ExtensionPath,
    },
    /// An artifact is there that was not put on record.
    #[error("the artifact {path} was not there when it was installed")]
    ArtifactAdded {
        /// The artifact.
        path: ExtensionPath,
    },
    /// The release offers nothing but a name.
    #[error("the release offers it without any artifact")]
    OfferEmpty,
    /// The release names a successor that it does not bring.
    #[error("the release renames it to {successor}, and does not bring that")]
    SuccessorNotOffered {
        /// The successor.
        successor: ExtensionIdentity,
    },
    /// The release renames an identity that it also offers or renames others to, so it would never come to rest.
    #[error("the release renames {identity} and offers it as well")]
    RenameAmbiguous {
        /// The identity.
        identity: ExtensionIdentity,
    },
    /// Two of its files cannot both be where they belong.
    #[error("{path} would be in the way of {other}")]
    PathCollision {
        /// One of them.
        path: ExtensionPath,
        /// The other; the same, if it is claimed as artifact and as data.
        other: ExtensionPath,
    },
    /// A path was measured twice, with different results.
    #[error("{path} was measured with two digests")]
    TwoDigests {
        /// The path.
        path: ExtensionPath,
    },
    /// Its directory would also be another's.
    #[error("the directory {directory} would also be that of {other}")]
    PlaceTaken {
        /// The directory.
        directory: Directory,
        /// The other extension.
        other: String,
    },
    /// Another has, or would have, its identity.
    #[error("the identity {identity} would also be that of {other}")]
    IdentityTaken {
        /// The identity.
        identity: ExtensionIdentity,
        /// The other extension.
        other: String,
    },
}

impl Reason {
    /// Its stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Compatible { .. } => "compatible",
            Self::CompatibleUnstated { .. } => "compatible-unstated",
            Self::NewerVersion { .. } => "newer-version",
            Self::Renamed { .. } => "renamed",
            Self::PermissionGranted { .. } => "permission-granted",
            Self::SetAsideByConsent => "set-aside-by-consent",
            Self::ArrivesDisabled => "arrives-disabled",
            Self::WasSetAside { .. } => "was-set-aside",
            Self::IdentityInvalid { .. } => "identity-invalid",
            Self::VersionInvalid { .. } => "version-invalid",
            Self::OfferedVersionInvalid { .. } => "offered-version-invalid",
            Self::RuntimeIncompatible { .. } => "runtime-incompatible",
            Self::CompatibilityUnstated { .. } => "compatibility-unstated",
            Self::CompatibilityUnreadable { .. } => "compatibility-unreadable",
            Self::KindNotHosted { .. } => "kind-not-hosted",
            Self::PermissionUnknown { .. } => "permission-unknown",
            Self::PermissionNotGranted { .. } => "permission-not-granted",
            Self::ForeignPublisher { .. } => "foreign-publisher",
            Self::Downgrade { .. } => "downgrade",
            Self::SameVersionDiffers { .. } => "same-version-differs",
            Self::ArtifactAltered { .. } => "artifact-altered",
            Self::ArtifactMissing { .. } => "artifact-missing",
            Self::ArtifactAdded { .. } => "artifact-added",
            Self::OfferEmpty => "offer-empty",
            Self::SuccessorNotOffered { .. } => "successor-not-offered",
            Self::RenameAmbiguous { .. } => "rename-ambiguous",
            Self::PathCollision { .. } => "path-collision",
            Self::TwoDigests { .. } => "two-digests",
            Self::PlaceTaken { .. } => "place-taken",
            Self::IdentityTaken { .. } => "identity-taken",
        }
    }

    /// True if it stops an upgrade.
    pub fn is_obstacle(&self) -> bool {
        !matches!(
            self,
            Self::Compatible { .. }
                | Self::CompatibleUnstated { .. }
                | Self::NewerVersion { .. }
                | Self::Renamed { .. }
                | Self::PermissionGranted { .. }
                | Self::SetAsideByConsent
                | Self::ArrivesDisabled
                | Self::WasSetAside { .. }
        )
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reason = serializer.serialize_struct("Reason", 2)?;
        reason.serialize_field("code", self.code())?;
        reason.serialize_field("words", &self.to_string())?;
        reason.end()
    }
}
