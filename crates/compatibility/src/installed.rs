//! What is installed (FC-UPGRADE-0001 §13).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use versioning::{SchemaVersion, Versions};

use crate::{
    CapabilityId, ExtensionApi, ExtensionIdentity, ExtensionKind, Migration, Offer, Permission,
    Readable, RuntimeRange, Span,
};

/// The state of an installation, as far as compatibility depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The versions of everything that the current generation holds.
    pub versions: Versions,
    /// The extensions that are installed. Their order makes no difference.
    pub extensions: Vec<InstalledExtension>,
    /// The capabilities that are registered, and whether each is enabled.
    pub capabilities: BTreeMap<CapabilityId, bool>,
    /// What a rollback after the upgrade would go back to: as a rule what is current now. `None` if there is nothing.
    pub rollback_target: Option<RollbackTarget>,
    /// How many generations before the current one are kept.
    pub generations_kept: u32,
    /// The storage migrations by which whoever rolls back leads what was written in a later schema into an earlier one
    /// (FC-UPGRADE-0001 §15). They are of the system that upgrades and rolls back, whatever an offer brings, so they stay
    /// the same over a path.
    #[serde(default)]
    pub steps_back: BTreeSet<Migration>,
}

/// An extension that is installed (FC-UPGRADE-0001 §12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledExtension {
    /// Who it is.
    pub identity: ExtensionIdentity,
    /// Its version as it states it, for display: extensions of 1.0.x state whatever they like.
    pub version: String,
    /// What kind it is.
    pub kind: ExtensionKind,
    /// The runtime versions that it says it works with. Extensions of 1.0.x say nothing.
    pub runtime: Option<RuntimeRange>,
    /// The version of the extension interface that it needs, if it says so.
    pub api: Option<ExtensionApi>,
    /// What it asks for.
    pub permissions: BTreeSet<Permission>,
}

/// What a rollback would go back to (FC-UPGRADE-0001 §15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackTarget {
    /// Its versions.
    pub versions: Versions,
    /// The storage schemas that it reads. Its own always is one.
    pub reads: Span<SchemaVersion>,
}

impl RollbackTarget {
    /// What it says of the stores that it reads and writes.
    pub fn readable(&self) -> Readable {
        let writes = self.versions.storage;
        Readable { writes, reads: self.reads, readable_by: Span::only(writes) }
    }
}

impl Installed {
    /// What would be installed once an offer was accepted and the upgrade done: the versions of the offer, the capabilities
    /// under the names that it knows them by, the same extensions, and the offer itself to go back to in the next upgrade.
    /// Capabilities that the offer does not know are gone.
    #[must_use]
    pub fn after(&self, offer: &Offer) -> Self {
        let mut capabilities = BTreeMap::new();
        for (id, &enabled) in &self.capabilities {
            if let Some(known) = offer.capabilities.known_as(id) {
                let kept = capabilities.entry(known.clone()).or_insert(enabled);
                // Two that became one were refused. Even so, nothing may come to be enabled by this.
                *kept &= enabled;
            }
        }
        let reads = offer.storage.reads;
        Self {
            versions: offer.versions.clone(),
            extensions: self.extensions.clone(),
            capabilities,
            rollback_target: Some(RollbackTarget { versions: offer.versions.clone(), reads }),
            generations_kept: self.generations_kept,
            steps_back: self.steps_back.clone(),
        }
    }
}
