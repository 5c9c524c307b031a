//! What a release states of itself (FC-UPGRADE-0001 §13).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use versioning::{CapabilitySet, ConfigurationSchema, SchemaVersion, Versions};

use crate::{
    CapabilityId, ExtensionKind, Invalid, Migration, Permission, Readable, RuntimeRange, Span,
    Speaks,
};

/// What a release states of itself. A release that states nothing has no offer, and cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The versions of everything that it holds. Its storage version is the schema that it writes.
    pub versions: Versions,
    /// Whether it is only taken when asked for by its version. A pre-release always is, whatever this says.
    pub on_request: bool,
    /// The runtime versions that can be upgraded to it directly.
    pub upgrades_from: RuntimeRange,
    /// The stores that it reads and writes.
    pub storage: StorageOffer,
    /// The configuration schemas that it can migrate from. Its own always is one.
    pub configurations: Span<ConfigurationSchema>,
    /// The protocol that it speaks. The version that it holds always is part of it.
    pub protocol: Speaks,
    /// The capabilities that it knows.
    pub capabilities: CapabilityOffer,
    /// The extensions that it hosts.
    pub extensions: ExtensionHost,
}

impl Offer {
    /// Whether it is only taken when asked for by its version.
    pub fn must_be_asked_for(&self) -> bool {
        self.on_request || self.versions.runtime.is_prerelease()
    }

    /// What it says of the stores that it reads and writes.
    pub fn readable(&self) -> Readable {
        let StorageOffer { reads, readable_by, .. } = self.storage;
        Readable { writes: self.versions.storage, reads, readable_by }
    }
}

/// What a release states of storage. The schema that it writes is the storage version among its [`Versions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageOffer {
    /// The schemas that it reads.
    pub reads: Span<SchemaVersion>,
    /// Releases that write one of these read what it writes; see [`Readable::readable_by`].
    pub readable_by: Span<SchemaVersion>,
    /// The storage migrations that it brings, in either direction.
    pub migrations: BTreeSet<Migration>,
}

/// What a release states of capabilities (FC-UPGRADE-0001 §11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CapabilityStatement", into = "CapabilityStatement")]
pub struct CapabilityOffer(CapabilityStatement);

/// What a release states of capabilities, before it is held to what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityStatement {
    /// The capability sets that it can carry over. Its own always is one.
    pub sets: Span<CapabilitySet>,
    /// The ids that it knows.
    pub known: BTreeSet<CapabilityId>,
    /// The ids that it knows by another name: old to new.
    pub renames: BTreeMap<CapabilityId, CapabilityId>,
    /// Whether it keeps ids that it does not know, as they are: those of an embedder. What it does not keep is lost.
    #[serde(default)]
    pub keeps_unknown: bool,
    /// Ids that mean something else than they did, and the set in which they came to do so: what was granted under an
    /// older set was never granted for what they mean now.
    pub redefined: BTreeMap<CapabilityId, CapabilitySet>,
}

impl CapabilityOffer {
    /// Holds a statement to what it must be.
    ///
    /// # Errors
    /// [`Invalid::RenamedYetKnown`], [`Invalid::RenamedToUnknown`] or [`Invalid::RedefinedUnknown`].
    pub fn new(statement: CapabilityStatement) -> Result<Self, Invalid> {
        for (old, new) in &statement.renames {
            let (id, new_id) = (old.to_string(), new.to_string());
            if statement.known.contains(old) {
                return Err(Invalid::RenamedYetKnown { id, new: new_id });
            }
            if !statement.known.contains(new) {
                return Err(Invalid::RenamedToUnknown { id, new: new_id });
            }
        }
        match statement.redefined.keys().find(|id| !statement.known.contains(*id)) {
            Some(id) => Err(Invalid::RedefinedUnknown { id: id.to_string() }),
            None => Ok(Self(statement)),
        }
    }

    /// What it states.
    pub fn statement(&self) -> &CapabilityStatement {
        &self.0
    }

    /// The id under which the release knows or keeps a capability, if it does.
    pub fn known_as<'a>(&'a self, id: &'a CapabilityId) -> Option<&'a CapabilityId> {
        let known = self.0.renames.get(id).or_else(|| self.0.known.get(id));
        known.or_else(|| self.0.keeps_unknown.then_some(id))
    }
}

impl TryFrom<CapabilityStatement> for CapabilityOffer {
    type Error = Invalid;

    fn try_from(statement: CapabilityStatement) -> Result<Self, Self::Error> {
        Self::new(statement)
    }
}

impl From<CapabilityOffer> for CapabilityStatement {
    fn from(offer: CapabilityOffer) -> Self {
        offer.0
    }
}

/// The version of the interface between a runtime and its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExtensionApi(u32);

impl ExtensionApi {
    /// The version with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ExtensionApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What a release states of the extensions that it hosts (FC-UPGRADE-0001 §12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionHost {
    /// The kinds that it hosts.
    pub kinds: BTreeSet<ExtensionKind>,
    /// The permissions that it knows how to grant and to withhold.
    pub permissions: BTreeSet<Permission>,
    /// The versions of the interface that it offers.
    pub api: Span<ExtensionApi>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CapabilityId {
        text.parse().unwrap()
    }

    fn statement(known: &[&str], renames: &[(&str, &str)]) -> CapabilityStatement {
        CapabilityStatement {
            sets: Span::only(CapabilitySet::new(1)),
            known: known.iter().map(|text| id(text)).collect(),
            renames: renames.iter().map(|(old, new)| (id(old), id(new))).collect(),
            keeps_unknown: false,
            redefined: BTreeMap::new(),
        }
    }

    #[test]
    fn a_rename_leads_from_a_free_id_to_a_known_one() {
        let offer = CapabilityOffer::new(statement(&["web.get"], &[("web_get", "web.get")]));
        assert_eq!(offer.unwrap().known_as(&id("web_get")), Some(&id("web.get")));
        let known = CapabilityOffer::new(statement(&["a", "b"], &[("a", "b")]));
        assert!(matches!(known, Err(Invalid::RenamedYetKnown { .. })));
        let lost = CapabilityOffer::new(statement(&["a"], &[("c", "b")]));
        assert!(matches!(lost, Err(Invalid::RenamedToUnknown { .. })));
    }

    #[test]
    fn what_is_not_known_is_lost_unless_it_is_kept() {
        let mut told = statement(&["web.get"], &[("web_get", "web.get")]);
        assert_eq!(CapabilityOffer::new(told.clone()).unwrap().known_as(&id("own")), None);
        told.keeps_unknown = true;
        let keeping = CapabilityOffer::new(told).unwrap();
        assert_eq!(keeping.known_as(&id("own")), Some(&id("own")));
        assert_eq!(keeping.known_as(&id("web_get")), Some(&id("web.get")));
    }

    #[test]
    fn only_a_known_id_can_have_another_meaning() {
        let mut told = statement(&["a"], &[]);
        told.redefined.insert(id("b"), CapabilitySet::new(1));
        assert_eq!(
            CapabilityOffer::new(told),
            Err(Invalid::RedefinedUnknown { id: "b".to_owned() })
        );
    }

    #[test]
    fn what_cannot_be_is_not_read_either() {
        let text =
            r#"{"sets":{"oldest":1,"newest":1},"known":[],"renames":{"a":"b"},"redefined":{}}"#;
        assert!(serde_json::from_str::<CapabilityOffer>(text).is_err());
    }
}
