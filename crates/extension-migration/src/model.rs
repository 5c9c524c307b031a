//! What is installed, what is offered, and what was consented to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use integrity::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    Compatibility, DeclaredIdentity, DeclaredVersion, Directory, ExtensionIdentity, ExtensionPath,
    Kind, Permission, Permissions, UnstatedPolicy,
};

/// Files of an extension with their digests, by path.
pub type Files = BTreeMap<ExtensionPath, Digest>;

/// The extensions of a home.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// Those in use, by directory below [`EXTENSIONS`](crate::EXTENSIONS).
    pub extensions: BTreeMap<Directory, InstalledExtension>,
    /// Those that earlier upgrades set aside, by directory below [`SET_ASIDE`](crate::SET_ASIDE). Carried along whole.
    #[serde(default)]
    pub set_aside: BTreeMap<Directory, InstalledExtension>,
}

/// An extension as it lies in a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledExtension {
    /// Who it says it is.
    pub identity: DeclaredIdentity,
    /// Its version.
    pub version: DeclaredVersion,
    /// What hosts it.
    pub kind: Kind,
    /// Which runtimes it runs on.
    pub compatibility: Compatibility,
    /// What it may do.
    pub permissions: Permissions,
    /// Whether it is enabled. No plan ever enables an extension.
    pub enabled: bool,
    /// Its artifacts, as measured now.
    pub artifacts: Files,
    /// Its artifacts, as put on record when it was installed; 1.0.x keeps no such record.
    #[serde(default)]
    pub recorded: Option<Files>,
    /// Its own data, as measured now: what it wrote, not what it came with.
    #[serde(default)]
    pub data: Files,
}

/// What a release says of extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    /// The kinds of extension that its runtime hosts.
    pub hosted: BTreeSet<Kind>,
    /// The permissions that its runtime can grant and withhold; if it does not say, any.
    #[serde(default)]
    pub permissions: Option<Permissions>,
    /// What it means for its runtime that an extension states no compatibility.
    #[serde(default)]
    pub unstated: UnstatedPolicy,
    /// The extensions that it brings.
    #[serde(default)]
    pub extensions: BTreeMap<ExtensionIdentity, OfferedExtension>,
    /// Extensions that go on under another identity: from the old one to the new one, which must be among those brought.
    #[serde(default)]
    pub renames: BTreeMap<ExtensionIdentity, ExtensionIdentity>,
}

/// An extension that a release brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferedExtension {
    /// Its version.
    pub version: DeclaredVersion,
    /// What hosts it.
    pub kind: Kind,
    /// Which runtimes it runs on.
    pub compatibility: Compatibility,
    /// What it asks to be allowed.
    pub permissions: Permissions,
    /// Every artifact.
    pub artifacts: Files,
    /// Whether it also arrives, disabled, where neither it nor a predecessor is installed. Otherwise it only replaces.
    #[serde(default)]
    pub arrives: bool,
}

/// What whoever authorised the upgrade consents to. Nothing here is taken as consent to anything else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Directories of extensions that may be set aside, should they have to be.
    ///
    /// Directories and not identities, since what has no valid identity must be nameable too.
    #[serde(default)]
    pub set_aside: BTreeSet<Directory>,
    /// Permissions that extensions may come to have.
    #[serde(default)]
    pub grants: BTreeSet<Grant>,
}

/// One permission for one extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The extension as it is called after the upgrade.
    pub identity: ExtensionIdentity,
    /// The permission, exactly as the extension asks for it. A wider one does not stand for it.
    pub permission: Permission,
}

impl InstalledExtension {
    /// Every file, artifact or data; nothing if no disk can hold them, since a path has two digests or a file lies where a
    /// directory is.
    pub(crate) fn files(&self) -> Option<Files> {
        let mut files = self.artifacts.clone();
        for (path, digest) in &self.data {
            if *files.entry(path.clone()).or_insert(*digest) != *digest {
                return None;
            }
        }
        let is_free =
            |path: &ExtensionPath| !path.ancestors().any(|above| files.contains_key(&above));
        files.keys().all(is_free).then_some(files)
    }
}

impl OfferedExtension {
    /// What is installed once this extension is: with the data of its predecessor, and enabled if that one was.
    pub(crate) fn installed(
        &self,
        identity: &ExtensionIdentity,
        predecessor: Option<&InstalledExtension>,
    ) -> InstalledExtension {
        InstalledExtension {
            identity: identity.clone().into(),
            version: self.version.clone(),
            kind: self.kind.clone(),
            compatibility: self.compatibility.clone(),
            permissions: self.permissions.clone(),
            enabled: predecessor.is_some_and(|installed| installed.enabled),
            artifacts: self.artifacts.clone(),
            recorded: Some(self.artifacts.clone()),
            data: predecessor.map(|installed| installed.data.clone()).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} for {}", self.permission, self.identity)
    }
}
