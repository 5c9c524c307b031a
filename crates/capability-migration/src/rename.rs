//! Declared new ids of capabilities.

use std::collections::BTreeMap;

use crate::error::{CapabilityError, Result};
use crate::registry::{CapabilityId, Registry};

/// Which capabilities get a new id, such as `web_get` → `web.get`. No two get the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    to: BTreeMap<CapabilityId, CapabilityId>,
    from: BTreeMap<CapabilityId, CapabilityId>,
}

impl Renames {
    /// No renames.
    pub fn none() -> Self {
        Self::default()
    }

    /// The renames of a release, each from an id to an id.
    ///
    /// # Errors
    /// If an id is renamed twice, two ids become one, or an id is both given up and given: an id that was ever used must
    /// not come to stand for something else (FC-UPGRADE-0001 §11).
    pub fn new(pairs: impl IntoIterator<Item = (CapabilityId, CapabilityId)>) -> Result<Self> {
        let mut renames = Self::default();
        for (from, to) in pairs {
            let reason = if renames.to.contains_key(&from) {
                "it is renamed twice"
            } else if renames.from.contains_key(&to) {
                "another one gets that id"
            } else if from == to || renames.to.contains_key(&to) || renames.from.contains_key(&from)
            {
                "an id cannot be both given up and given"
            } else {
                renames.from.insert(to.clone(), from.clone());
                renames.to.insert(from, to);
                continue;
            };
            return Err(CapabilityError::InvalidRename { from, to, reason });
        }
        Ok(renames)
    }

    /// The renames that there are to make in this registry. One whose former id is not there renames nothing: a release
    /// declares its renames for homes of every age.
    ///
    /// # Errors
    /// If the new id of one that is to be made stands for something else already, or did.
    // trace: impl FC-11.1.1
    pub fn within(&self, registry: &Registry) -> Result<Self> {
        let mut made = Self::default();
        for (from, to) in self.iter().filter(|(from, _)| registry.get(from.as_str()).is_some()) {
            let retired = || registry.retired().iter().any(|it| it.capability.id == *to);
            if registry.get(to.as_str()).is_some() || retired() {
                return Err(CapabilityError::InvalidRename {
                    from: from.clone(),
                    to: to.clone(),
                    reason: "that id stands for something else already",
                });
            }
            made.to.insert(from.clone(), to.clone());
            made.from.insert(to.clone(), from.clone());
        }
        Ok(made)
    }

    /// From and to, in the order of the former ids.
    pub fn iter(&self) -> impl Iterator<Item = (&CapabilityId, &CapabilityId)> {
        self.to.iter()
    }

    /// What a name is called afterwards.
    pub fn after<'a>(&'a self, name: &'a str) -> &'a str {
        self.to.get(name).map_or(name, CapabilityId::as_str)
    }

    /// What a name was called before; nothing, if it is an id that was given up: it means nothing any more.
    pub fn before<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self.from.get(name) {
            Some(from) => Some(from.as_str()),
            None if self.to.contains_key(name) => None,
            None => Some(name),
        }
    }

    /// Whether a capability gets this name: until now it stands for nothing.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.from.contains_key(name)
    }
}
