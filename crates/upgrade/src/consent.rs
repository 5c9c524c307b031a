//! What whoever asks for an upgrade agrees to, by name: nothing here stands for anything else.

use std::collections::BTreeSet;

use compatibility::{Peers, RollbackData};
use extension_migration::Directory;
use serde::Serialize;

/// What whoever asks for an upgrade agrees to. By default, to nothing but that what is written between an upgrade and a
/// rollback stays in the generation that the rollback leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// Extensions that may be set aside, should they have to be, by the names of their directories.
    pub set_aside: BTreeSet<Directory>,
    /// Permissions that extensions may come to have.
    pub permissions: BTreeSet<extension_migration::Grant>,
    /// What may be allowed that is not allowed now.
    #[serde(serialize_with = "as_sentences")]
    pub grants: Vec<capability_migration::Grant>,
    /// What must become of records that are written between an upgrade and a rollback.
    pub rollback_data: RollbackData,
    /// Whether the peers of this runtime are upgraded along with it.
    pub peers: Peers,
}

impl Default for Consent {
    fn default() -> Self {
        Self {
            set_aside: BTreeSet::new(),
            permissions: BTreeSet::new(),
            grants: Vec::new(),
            // What a rollback does unless it is asked to preserve.
            rollback_data: RollbackData::SetAside,
            peers: Peers::Independent,
        }
    }
}

impl Consent {
    /// Each thing that is agreed to and would be refused otherwise, as the sentence that a signed authorisation has to list
    /// (FC-UPGRADE-0001 §21).
    pub fn sentences(&self) -> BTreeSet<String> {
        let grants = self.grants.iter().map(|grant| format!("allow: {grant}"));
        let permissions = self.permissions.iter().map(|grant| format!("permit: {grant}"));
        let aside = self.set_aside.iter().map(|directory| format!("set aside: {directory}"));
        let peers = (self.peers == Peers::MoveTogether).then(|| "peers move together".to_owned());
        grants.chain(permissions).chain(aside).chain(peers).collect()
    }

    /// The part of it that is about extensions.
    pub(crate) fn to_extensions(&self) -> extension_migration::Consent {
        let (set_aside, grants) = (self.set_aside.clone(), self.permissions.clone());
        extension_migration::Consent { set_aside, grants }
    }
}

fn as_sentences<S: serde::Serializer>(
    grants: &[capability_migration::Grant],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(grants.iter().map(ToString::to_string))
}
