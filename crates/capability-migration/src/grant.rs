//! What an authorisation allows a migration to add.

use std::fmt;

use crate::decide::Request;
use crate::pattern::Pattern;
use crate::registry::CapabilityId;

/// A permission to allow more than before: whatever these three patterns match, with any arguments, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// To whom.
    pub principal: Pattern,
    /// On which capability, by its id after the migration.
    pub resource: Pattern,
    /// Doing what.
    pub action: Pattern,
    /// If given, on this capability only, although the pattern matches more.
    pub capability: Option<CapabilityId>,
}

impl Grant {
    /// Whether it allows this request to become allowed.
    pub fn covers(&self, request: &Request) -> bool {
        self.principal.matches(&request.principal)
            && self.resource.matches(&request.resource)
            && self.action.matches(&request.action)
            && self.capability.as_ref().is_none_or(|only| only.as_str() == request.resource)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} may {} on {}", self.principal, self.action, self.resource)?;
        match &self.capability {
            Some(capability) => write!(formatter, ", capability {capability} only"),
            None => Ok(()),
        }
    }
}
