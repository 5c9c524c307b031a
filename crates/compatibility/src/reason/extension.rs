//! Reasons about extensions.

use serde::{Deserialize, Serialize};
use versioning::RuntimeVersion;

use super::{Severity, Telling};
use crate::{ExtensionApi, ExtensionIdentity, ExtensionKind, Permission, Span};

/// A reason about an extension (FC-UPGRADE-0001 §12).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code")]
#[non_exhaustive]
pub enum ExtensionReason {
    /// The extension does not work with the runtime that is offered.
    #[serde(rename = "extension-runtime-out-of-range")]
    RuntimeOutOfRange {
        /// Who it is.
        extension: ExtensionIdentity,
        /// Its version.
        version: String,
        /// The runtime that is offered.
        offered: RuntimeVersion,
        /// The runtimes that it works with.
        works_with: String,
    },
    /// The extension does not say which runtimes it works with.
    #[serde(rename = "extension-states-no-runtime")]
    StatesNoRuntime {
        /// Who it is.
        extension: ExtensionIdentity,
        /// Its version.
        version: String,
        /// Whether the upgrade makes incompatible changes, so that somebody has to answer for the extension.
        major: bool,
    },
    /// The release does not host extensions of this kind.
    #[serde(rename = "extension-kind-not-hosted")]
    KindNotHosted {
        /// Who it is.
        extension: ExtensionIdentity,
        /// Its version.
        version: String,
        /// Its kind.
        kind: ExtensionKind,
    },
    /// The release does not know a permission that the extension asks for, so it could not withhold it.
    #[serde(rename = "extension-permission-unknown")]
    PermissionUnknown {
        /// Who it is.
        extension: ExtensionIdentity,
        /// Its version.
        version: String,
        /// What it asks for.
        permission: Permission,
    },
    /// The release does not offer the interface that the extension needs.
    #[serde(rename = "extension-api-not-offered")]
    ApiNotOffered {
        /// Who it is.
        extension: ExtensionIdentity,
        /// Its version.
        version: String,
        /// The interface that it needs.
        needs: ExtensionApi,
        /// The interfaces that are offered.
        offered: Span<ExtensionApi>,
    },
}

impl ExtensionReason {
    pub(super) fn telling(&self) -> Telling {
        use Severity::{NeedsConsent, Note, Refuse};
        let (severity, code, extension, version, what, action) = match self {
            Self::RuntimeOutOfRange { extension, version, offered, works_with } => (
                Refuse,
                "extension-runtime-out-of-range",
                extension,
                version,
                format!("works with {works_with}, not with {offered}"),
                "Replace it by a version that does, or remove it.",
            ),
            Self::StatesNoRuntime { extension, version, major } => (
                if *major { NeedsConsent } else { Note },
                "extension-states-no-runtime",
                extension,
                version,
                "does not say which runtimes it works with".to_owned(),
                "Try it with the new release before relying on it.",
            ),
            Self::KindNotHosted { extension, version, kind } => (
                Refuse,
                "extension-kind-not-hosted",
                extension,
                version,
                format!("is of the kind {kind}, which the release does not host"),
                "Replace it by one of another kind, or remove it.",
            ),
            Self::PermissionUnknown { extension, version, permission } => (
                Refuse,
                "extension-permission-unknown",
                extension,
                version,
                format!("asks for the permission {permission}, which the release does not know"),
                "Replace it by a version that does not, or remove it.",
            ),
            Self::ApiNotOffered { extension, version, needs, offered } => (
                Refuse,
                "extension-api-not-offered",
                extension,
                version,
                format!("needs extension interface {needs}, and the release offers {offered}"),
                "Replace it by a version that does not, or remove it.",
            ),
        };
        let version: String = version.chars().filter(|character| !character.is_control()).collect();
        let message = format!("The extension {extension} {version} {what}.");
        Telling::new(severity, code, "§12", message)
            .about(format!("extension {extension}"))
            .advise(action)
    }
}
